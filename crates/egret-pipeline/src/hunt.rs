//! Hunting: detections over what the lake holds, with the findings that they would have made in the stream.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use arrow::array::RecordBatch;
use egret_detect::{DetectContext, DetectionDefinition, Detector, Rule};
use egret_lake::{Commit, CommitError, Lake, LakeError, PartitionLock, ReadOptions, TableHandle};
use egret_model::finding::{FINDING_TABLE, finding_schema, text_at};
use egret_model::{Clock, ExpressionCompiler, Finding, Origin, TableSchema};
use egret_sql::{QueryResult, Session, SessionOptions, SqlError};

/// How often, and how long after each other, storing is tried while another hunt stores.
const LOCK_ATTEMPTS: u32 = 600;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// The function that says in SQL whether a field rule matches a row.
const FIELD_RULES: &str = "egret_field_rules";

/// So many findings are stored together.
const MAX_UNSAVED: usize = 50_000;

/// What to hunt for, and where.
pub struct HuntOptions<'h> {
    /// The detections.
    pub detections: &'h [DetectionDefinition],
    /// Channels by table and partition, where they are not the table's own.
    pub channels: &'h BTreeMap<(String, String), String>,
    /// The tables that are configured, by name: their columns' types and their own channels.
    pub tables: &'h BTreeMap<String, TableSchema>,
    /// Compiles SQL.
    pub compiler: &'h dyn ExpressionCompiler,
    /// The present.
    pub clock: &'h dyn Clock,
    /// What looking up the findings that the lake has may use.
    pub session: SessionOptions,
    /// Whether findings that the lake does not have are stored.
    pub save: bool,
}

/// Why a hunt failed.
#[derive(Debug, thiserror::Error)]
pub enum HuntError {
    /// The lake cannot be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Another process stores findings of a hunt, and does not end.
    #[error("another process is storing what it hunted; nothing was stored, try again when it is done")]
    Busy,
    /// New findings could not be stored.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// A query failed.
    #[error("{}", .0.message)]
    Sql(#[from] SqlError),
    /// Findings could not be put into rows.
    #[error("cannot put findings into rows: {0}")]
    Rows(#[from] arrow::error::ArrowError),
}

/// What a hunt did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HuntReport {
    /// Findings.
    pub findings: u64,
    /// Findings that were stored, since the lake did not have them.
    pub saved: u64,
}

/// Runs the detections over the lake tables that `session` sees, and gives each finding to `found`,
/// which says whether to go on.
///
/// # Errors
/// If the lake cannot be read. A detection that has no answer for some rows is reported to `warn`.
pub async fn hunt(
    lake: &Lake,
    session: &Session,
    options: &HuntOptions<'_>,
    found: &mut dyn FnMut(&Finding) -> bool,
    warn: &mut dyn FnMut(&str),
) -> Result<HuntReport, HuntError> {
    let mut report = HuntReport::default();
    let there = session.table_names();
    // A session that shows the lake as it was lacks what came later.
    for table in
        lake.tables().await?.into_iter().filter(|table| there.iter().any(|name| name == table.name()))
    {
        for (channel, condition) in channels_of(&table, options) {
            let schema = schema_of(&table, &channel, options);
            let (detector, mistakes) =
                Detector::compile_valid(options.detections, &schema, &channel, options.compiler);
            mistakes.iter().for_each(|mistake| warn(&mistake.message));
            if detector.is_empty() {
                continue;
            }
            let mut rows = rows(session, &detector, &table, &condition, warn).await?;
            let context = DetectContext {
                channel: &channel,
                table: table.name(),
                partition: "",
                origin: Origin::Hunt,
                now: options.clock.now(),
            };
            let mut unsaved = Vec::new();
            while let Some(batch) = rows.next().await? {
                let detected = detector.detect(&batch, &context);
                for failure in &detected.failures {
                    warn(&failure.to_string());
                }
                report.findings += detected.findings.len() as u64;
                for finding in detected.findings {
                    if !found(&finding) {
                        return Ok(report);
                    }
                    if options.save {
                        unsaved.push(finding);
                    }
                }
                if unsaved.len() >= MAX_UNSAVED {
                    report.saved += save(lake, options, std::mem::take(&mut unsaved)).await?;
                }
            }
            if !unsaved.is_empty() {
                report.saved += save(lake, options, unsaved).await?;
            }
        }
    }
    Ok(report)
}

/// The table as the stream sees it: the lake knows neither JSON nor columns that no row had yet. Columns that fields
/// were mapped to are only in the lake.
fn schema_of(table: &TableHandle, channel: &str, options: &HuntOptions<'_>) -> TableSchema {
    let known = options.tables.get(table.name());
    let mut columns = known.map(|schema| schema.columns.clone()).unwrap_or_default();
    let roots = known.map(|schema| schema.roots.clone()).unwrap_or_default();
    for column in table.columns() {
        if !columns.iter().any(|known| known.name.eq_ignore_ascii_case(&column.name)) {
            columns.push(column);
        }
    }
    let (name, description) = (table.name().to_owned(), String::new());
    TableSchema { name, description, channel: channel.to_owned(), columns, roots }
}

/// The channels of a table's rows, each with the SQL that selects them.
fn channels_of(table: &TableHandle, options: &HuntOptions<'_>) -> Vec<(String, String)> {
    let Some(TableSchema { channel: own, .. }) = options.tables.get(table.name()) else { return Vec::new() };
    let mut partitions_by_channel: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut elsewhere = Vec::new();
    for ((_, partition), channel) in options.channels.iter().filter(|((name, _), _)| name == table.name()) {
        let literal = format!("'{}'", partition.replace('\'', "''"));
        partitions_by_channel.entry(channel).or_default().push(literal.clone());
        elsewhere.push(literal);
    }
    let is_in = |partitions: &[String]| format!("tp_partition in ({})", partitions.join(", "));
    let mut channels: Vec<(String, String)> = partitions_by_channel
        .into_iter()
        .map(|(channel, partitions)| (channel.to_owned(), is_in(&partitions)))
        .collect();
    let rest = if elsewhere.is_empty() { "true".to_owned() } else { format!("not ({})", is_in(&elsewhere)) };
    channels.push((own.clone(), rest));
    channels
}

/// The rows that a detection may look at, the oldest first. Sorting takes disk where memory is short.
async fn rows(
    session: &Session,
    detector: &Detector,
    table: &TableHandle,
    condition: &str,
    warn: &mut dyn FnMut(&str),
) -> Result<Rows, HuntError> {
    let mut any: Vec<String> = Vec::new();
    for definition in detector.definitions() {
        if let Rule::Sql(condition) = &definition.rule {
            any.push(format!("({})", condition.value.trim()));
        }
    }
    let columns: Vec<String> = table.columns().into_iter().map(|column| column.name).collect();
    if let Some(rules) = detector.field_rules(&columns) {
        let arguments: Vec<String> = rules.columns().iter().map(|column| format!("\"{column}\"")).collect();
        any.push(format!("({} and {FIELD_RULES}({}))", detector.field_rules_need(), arguments.join(", ")));
        session.register_function(FIELD_RULES, rules);
    }
    let select = |condition: &str| {
        format!("select * from \"{}\" where {condition} order by tp_timestamp, tp_id", table.name())
    };
    match Rows::start(session, &select(&format!("{condition} and ({})", any.join(" or ")))).await {
        Ok(rows) => Ok(rows),
        // One detection without an answer must not hide what the others find: look at every row.
        Err(error) => {
            warn(&format!("table {}: looking at every row, since {}", table.name(), error.message));
            Ok(Rows::start(session, &select(condition)).await?)
        }
    }
}

/// The sorted rows of a query. That they have an answer is known when the first are there, since all were sorted.
struct Rows {
    first: Option<RecordBatch>,
    rest: QueryResult,
}

impl Rows {
    async fn start(session: &Session, sql: &str) -> Result<Self, SqlError> {
        let mut rest = session.query(sql).await?;
        Ok(Self { first: rest.next().await.transpose()?, rest })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>, SqlError> {
        match self.first.take() {
            Some(batch) => Ok(Some(batch)),
            None => self.rest.next().await.transpose(),
        }
    }
}

/// Stores those findings that the lake does not have yet, whatever part of it was looked at.
async fn save(lake: &Lake, options: &HuntOptions<'_>, findings: Vec<Finding>) -> Result<u64, HuntError> {
    let table = lake.ensure_table(&finding_schema()).await?;
    let _lock = lock(lake).await?;
    let session = Session::new(options.session.clone())?;
    lake.register(session.context(), &ReadOptions::default()).await?;
    let mut known: HashSet<String> = HashSet::new();
    let mut ids = session.query("select finding_id from finding").await?;
    while let Some(batch) = ids.next().await.transpose()? {
        known.extend((0..batch.num_rows()).map(|row| text_at(&batch, "finding_id", row)));
    }
    let mut by_partition: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for finding in findings {
        if known.insert(finding.finding_id.clone()) {
            by_partition.entry(finding.partition.clone()).or_default().push(finding);
        }
    }
    let mut commit = Commit { author: Some("egret hunt".into()), ..Commit::default() };
    let mut saved = 0;
    for (partition, findings) in by_partition {
        saved += findings.len() as u64;
        commit.files.extend(lake.write_files(&table, &partition, &[Finding::to_rows(&findings)?])?);
    }
    if saved > 0 {
        lake.commit(&commit).await?;
    }
    Ok(saved)
}

/// Of several hunts that store, each sees what those before it have stored.
async fn lock(lake: &Lake) -> Result<PartitionLock, HuntError> {
    for _ in 0..LOCK_ATTEMPTS {
        if let Some(lock) = lake.lock_partition(FINDING_TABLE)? {
            return Ok(lock);
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    Err(HuntError::Busy)
}

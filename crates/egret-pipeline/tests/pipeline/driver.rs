//! Drives the real collector over a source in memory, and lets it die before and after commits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use egret_config::{BlockKind, Configuration, Diagnostics, Environment, decode_block};
use egret_detect::{DETECTION, DetectionDefinition};
use egret_lake::{Commit, Lake, LakeOptions, PartitionCommit, ReadOptions};
use egret_model::Clock;
use egret_pipeline::partition::{FORMAT_BLOCK, Formats, PARTITION_BLOCK};
use egret_pipeline::{CollectOptions, Collector, Observer, PartitionDefinition, Planner, StopSignal};
use egret_source::Surroundings;
use egret_sql::{Session, SessionOptions, SqlCompiler};
use egret_table::Tables;
use egret_table::builtin::TABLE_BLOCK;
use egret_testkit::{Content, Disturbance, FakeClock, MemorySource, Run, TemporaryFolder};
use tokio::runtime::Runtime;

const BLOCKS: [BlockKind; 4] = [PARTITION_BLOCK, TABLE_BLOCK, FORMAT_BLOCK, DETECTION];

/// What is compared: all but the text that nobody asked for and the time of collecting.
const STORED: [&str; 3] = [
    "select tp_id, tp_timestamp, tp_source_location, level, n from event",
    "select finding_id, detection_id, event_ids from finding",
    "select quarantine_id, stage, reason, record_offset from quarantine",
];

/// Collects a partition of one configuration.
pub struct Driver {
    configuration: Configuration,
    runtime: Runtime,
    folder: TemporaryFolder,
}

impl Driver {
    /// One whose configuration has a partition `event.test`.
    pub fn new(text: &str) -> Self {
        let folder = TemporaryFolder::new();
        let path = folder.write("egret.hcl", text);
        let mut diagnostics = Diagnostics::new();
        let configuration = Configuration::load(&[path], &BLOCKS, &environment(), &mut diagnostics);
        assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self { configuration, runtime: runtime.unwrap(), folder }
    }

    /// Says if an undisturbed run does not store that many rows, or stores no finding or nothing in quarantine:
    /// comparing with it would show little.
    #[track_caller]
    pub fn assert_stores(&self, contents: &[Content], expected_rows: usize) {
        let source = MemorySource::new();
        for content in contents {
            source.put(&content.name, content.bytes.clone());
        }
        let clock = Arc::new(FakeClock::default());
        let folder = self.folder.join("at_once");
        let run = Run { source: &source, clock: &clock, folder: &folder, disturbance: Disturbance::None };
        egret_testkit::Collector::run(self, &run).unwrap();
        let [rows, findings, quarantined] = STORED.map(|sql| self.rows(&folder, sql).unwrap().len());
        assert_eq!(rows, expected_rows);
        assert!(findings > 0 && quarantined > 0, "{findings} findings, {quarantined} in quarantine");
    }

    fn lake(&self, folder: &Path, clock: Arc<dyn Clock>) -> Lake {
        let options = LakeOptions::new(folder.join("lake")).with_clock(clock);
        self.runtime.block_on(Lake::open(options)).unwrap()
    }

    fn plan(&self, source: &MemorySource, clock: &Arc<dyn Clock>) -> egret_pipeline::PartitionPlan {
        let mut diagnostics = Diagnostics::new();
        let tables = Tables::new(&self.configuration, &mut diagnostics);
        let formats = Formats::new(&self.configuration, &mut diagnostics);
        let detections: Vec<DetectionDefinition> = self
            .configuration
            .blocks_of(DETECTION.name)
            .filter_map(|block| decode_block(block, &mut diagnostics))
            .collect();
        let compiler = SqlCompiler::new(Arc::clone(clock));
        let planner =
            Planner { tables: &tables, formats: &formats, detections: &detections, compiler: &compiler };
        let block = self.configuration.blocks_of(PARTITION_BLOCK.name).next().unwrap();
        let surroundings = Surroundings::new(self.folder.path());
        let partition = PartitionDefinition::read(block, &surroundings, &mut diagnostics);
        let plan = planner.plan(&partition.unwrap(), &mut diagnostics);
        let mut plan = plan.unwrap_or_else(|| panic!("{}", diagnostics.render(false)));
        plan.source = Arc::new(source.clone());
        plan
    }

    fn rows(&self, folder: &Path, sql: &str) -> Result<Vec<String>, String> {
        let clock: Arc<dyn Clock> = Arc::new(FakeClock::default());
        let lake = self.lake(folder, Arc::clone(&clock));
        let options = SessionOptions {
            memory_bytes: 64 << 20,
            threads: 1,
            spill_dir: None,
            clock,
            lookups: Arc::default(),
        };
        let session = Session::new(options).map_err(|error| error.message)?;
        let batches = self.runtime.block_on(async {
            lake.register(session.context(), &ReadOptions::default())
                .await
                .map_err(|error| error.to_string())?;
            session
                .query(sql)
                .await
                .map_err(|error| error.message)?
                .collect()
                .await
                .map_err(|error| error.message)
        })?;
        let format = FormatOptions::default().with_null("null");
        let mut rows = Vec::new();
        for batch in batches {
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column.as_ref(), &format).unwrap())
                .collect();
            for row in 0..batch.num_rows() {
                let values: Vec<String> =
                    columns.iter().map(|column| column.value(row).to_string()).collect();
                rows.push(values.join(" "));
            }
        }
        Ok(rows)
    }
}

fn environment() -> Environment {
    Environment::new(std::iter::empty::<(String, String)>()).in_folder(PathBuf::new())
}

impl egret_testkit::Collector for Driver {
    fn run(&self, run: &Run<'_>) -> Result<(), String> {
        let clock: Arc<dyn Clock> = Arc::clone(run.clock) as Arc<dyn Clock>;
        let lake = self.lake(run.folder, Arc::clone(&clock));
        let plan = self.plan(run.source, &clock);
        let death = Death {
            lake: &lake,
            runtime: &self.runtime,
            partition: plan.path(),
            disturbance: run.disturbance,
            commits: AtomicU32::new(0),
        };
        let stop = StopSignal::default();
        // So little memory that every chunk is a commit.
        let options = CollectOptions { threads: 2, memory: 1, ..CollectOptions::default() };
        let runtime = self.runtime.handle();
        let collector = Collector { lake: &lake, runtime, clock, options, observer: &death, stop: &stop };
        match collector.collect(vec![plan]) {
            Ok(report) if report.is_incomplete() => Err(format!("{report:?}")),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn stored(&self, folder: &Path) -> Result<Vec<String>, String> {
        let mut rows = Vec::new();
        for sql in STORED {
            rows.extend(self.rows(folder, sql)?);
        }
        Ok(rows)
    }
}

/// Lets a run die where the disturbance says.
struct Death<'r> {
    lake: &'r Lake,
    runtime: &'r Runtime,
    partition: String,
    disturbance: Disturbance,
    commits: AtomicU32,
}

impl Death<'_> {
    /// Moves the partition's sequence under the run's feet: its next commit writes its files and is refused.
    fn refuse_next_commit(&self) {
        self.runtime.block_on(async {
            let expected_sequence = self.lake.sequence(&self.partition).await.unwrap();
            let partition = self.partition.clone();
            let moved = PartitionCommit { partition, expected_sequence, ..PartitionCommit::default() };
            self.lake.commit(&Commit { partitions: vec![moved], ..Commit::default() }).await.unwrap();
        });
    }
}

impl Observer for Death<'_> {
    fn listed(&self, _: &str, _: u64, _: u64) {
        if self.disturbance == Disturbance::BeforeCommit(1) {
            self.refuse_next_commit();
        }
    }

    fn committed(&self, _: i64) {
        let commits = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        // Whoever dies after a commit and whoever dies before the next one leave the same behind, but for files
        // that nobody sees.
        match self.disturbance {
            Disturbance::AfterCommit(last) if last == commits => self.refuse_next_commit(),
            Disturbance::BeforeCommit(next) if next == commits + 1 => self.refuse_next_commit(),
            _ => {}
        }
    }
}

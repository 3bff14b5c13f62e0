//! The lake as generators ask it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use egret_detect::row_json::JsonRows;
use egret_lake::{Lake, LakeOptions, ReadOptions};
use egret_model::{Clock, Lookups, TableSchema};
use egret_sql::{Session, SessionOptions};
use egret_state::QueryLake;
use egret_table::Tables;
use serde_json::Value;

use crate::failure::Failure;

/// Memory of a generator's query; what does not fit is spilled.
const MEMORY_BYTES: usize = 256 << 20;

/// Opens the lake for each query, so that it sees what is new, and that nothing is open in between.
#[derive(Debug)]
pub struct LakeQueries {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    schemas: Vec<TableSchema>,
    lookups: Arc<Lookups>,
}

impl LakeQueries {
    /// Asks the lake in `folder`, once it is there.
    pub fn new(folder: &Path, clock: &Arc<dyn Clock>, tables: &Tables, lookups: &Arc<Lookups>) -> Self {
        let schemas = tables.iter().map(egret_table::TableDefinition::schema).collect();
        Self { folder: folder.to_owned(), clock: Arc::clone(clock), schemas, lookups: Arc::clone(lookups) }
    }

    async fn session(&self) -> Result<Session, Failure> {
        let session = Session::new(SessionOptions {
            memory_bytes: MEMORY_BYTES,
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            spill_dir: None,
            clock: Arc::clone(&self.clock),
            lookups: Arc::clone(&self.lookups),
        })?;
        let lake = Lake::open(LakeOptions::new(&self.folder).with_clock(Arc::clone(&self.clock))).await?;
        lake.register(session.context(), &ReadOptions::default()).await?;
        register_empty_tables(&session, self.schemas.iter().cloned(), Some(&lake)).await?;
        Ok(session)
    }
}

#[async_trait::async_trait]
impl QueryLake for LakeQueries {
    async fn query(&self, sql: &str, row: &mut (dyn FnMut(Value) + Send)) -> Result<(), String> {
        let session = self.session().await.map_err(|failure| failure.to_string())?;
        let said = |error: egret_sql::SqlError| match error.hint {
            Some(hint) => format!("{}; {hint}", error.message),
            None => error.message,
        };
        let mut rows = session.query(sql).await.map_err(said)?;
        while let Some(batch) = rows.next().await {
            give_rows(&batch.map_err(said)?, row)?;
        }
        Ok(())
    }
}

fn give_rows(batch: &RecordBatch, row: &mut (dyn FnMut(Value) + Send)) -> Result<(), String> {
    let json = JsonRows::new(batch);
    for index in 0..batch.num_rows() {
        row(serde_json::to_value(json.row(index)).map_err(|error| error.to_string())?);
    }
    Ok(())
}

/// Tables that are known and have no row yet can be asked like any other.
pub async fn register_empty_tables(
    session: &Session,
    schemas: impl IntoIterator<Item = TableSchema>,
    lake: Option<&Lake>,
) -> Result<(), Failure> {
    let there = match lake {
        Some(lake) => lake.tables().await?,
        None => Vec::new(),
    };
    let mut made: Vec<String> = there.iter().map(|table| table.name().to_owned()).collect();
    for schema in schemas {
        if !made.contains(&schema.name) {
            session.register_batches(&schema.name, schema.to_arrow(), Vec::new())?;
            made.push(schema.name);
        }
    }
    Ok(())
}

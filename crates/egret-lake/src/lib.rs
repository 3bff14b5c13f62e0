//! The lake: Parquet files in hive directories and a DuckLake catalog that says which of them count.
//!
//! One idea carries everything: a [`Commit`] adds files, removes files and moves checkpoints, over any
//! number of tables, in one transaction of the catalog. So rows, findings and the position in the source
//! become visible together or not at all. Files are written before, by [`Lake::write_file`], and nobody
//! sees them until a commit names them.
//!
//! The catalog is plain [DuckLake 1.0](https://ducklake.select/docs/stable/specification): DuckDB attaches
//! to it, reads it, and may write to it. Why Egret writes it itself is `docs/adr/0003-own-ducklake-commit.md`.

mod added;
mod arrange;
mod catalog;
mod checkpoint;
mod column;
mod commit;
mod compact;
mod connect;
mod definition;
mod delete;
mod encoding;
mod error;
mod evolve;
mod files;
mod hive;
mod info;
mod lake;
mod lock;
mod read;
mod rewrite;
mod statistics;
mod table;
mod write;

pub use added::{AddedFile, AddedFiles, AddedRows};
pub use checkpoint::{CHECKPOINT_TABLE, checkpoint_schema};
pub use commit::{Commit, CommitOutcome, FileRef, PartitionCommit};
pub use compact::{CompactOptions, CompactOutcome, Follower};
pub use definition::LakeDefinition;
pub use delete::{DeleteOutcome, Removal};
pub use error::{CommitError, Conflict, LakeError};
pub use info::{LakeInfo, PartitionInfo, TableInfo};
pub use lake::{Lake, LakeOptions};
pub use lock::PartitionLock;
pub use read::{At, FileCount, ReadOptions};
pub use table::{Table, TableHandle};
pub use write::DataFile;

//! The catalog: the only place that knows DuckLake's metadata tables.
//!
//! Every change is one transaction that takes the write lock first (`BEGIN IMMEDIATE`), reads the newest
//! snapshot, and makes the next one. So writers follow each other, and what a transaction checked still
//! holds when it commits.

mod connection;
mod ddl;
mod snapshot;
pub(crate) mod tables;

pub(crate) use connection::{Catalog, Transaction, quote};
pub(crate) use snapshot::{Message, NextSnapshot, latest, snapshot_time, timestamp};

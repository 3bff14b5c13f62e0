//! The words of Egret as types and traits: rows, chunks, positions, findings, ids, time, severity.
//!
//! Everything is a row in a table, and rows travel as [`Chunk`]s: Arrow rows of one table together with
//! the position in the source that they cover. The traits here are the contracts between the crates above:
//! a [`Source`] never sees a format, a format never sees a table's SQL, and nobody but `egret-sql` sees
//! the engine behind an [`Expression`].

pub mod alert;
pub mod channel;
pub mod chunk;
pub mod expression;
pub mod finding;
pub mod id;
pub mod lookup;
pub mod position;
pub mod quarantine;
pub mod schema;
pub mod secret;
pub mod severity;
pub mod source;
pub mod suggest;
pub mod time;
pub mod types;

pub use alert::{Alert, AlertAction, AlertStatus};
pub use channel::ChannelPattern;
pub use chunk::Chunk;
pub use expression::{CompileError, EvaluateError, Expression, ExpressionCompiler};
pub use finding::{Evidence, Finding, Observables, Origin};
pub use id::{EventId, RecordIds};
pub use lookup::{LookupEntries, Lookups};
pub use position::Checkpoint;
pub use quarantine::{Quarantined, Stage};
pub use schema::{Column, TableSchema};
pub use secret::Secret;
pub use severity::Severity;
pub use source::{Object, Source, SourceContext, SourceError};
pub use time::{Clock, SystemClock, TimeRange, Timestamp};
pub use types::ColumnType;

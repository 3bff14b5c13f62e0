//! State pipelines: what is, at intervals, and what became different.
//!
//! A [`Generator`] gives the complete state of something: users, keys, open ports. Its [`Documents`] are brought into a
//! canonical form, compared with the state before, and kept; what became different is a row of the table `change` for
//! each place, and goes the way that log records go. [`generator_types`] is the visible list of generators.
//!
//! To the pipeline a generator is a source ([`StateSource`]) with one object, whose bytes are the changes and whose
//! position is the state. So changes, findings and the position become visible in one commit, or not at all.

mod change;
mod definition;
mod documents;
mod generator;
mod identity;
mod path;
mod shape;

mod differ;
mod difference;
mod render;

mod postgres;
mod settings;
mod store;

mod state;
mod sweep;

mod between;
mod compare;
mod history;
mod schedule;
mod source;

mod host;
mod registry;
mod rehearsal;

pub mod generators;

pub use between::compare_states;
pub use change::{Change, Operation};
pub use compare::CompareError;
pub use definition::{FirstRun, GENERATOR_BLOCK, GeneratorDefinition};
pub use differ::diff;
pub use difference::{ObjectDifference, RowError};
pub use documents::{Documents, FailedPart};
pub use generator::{GenerateError, Generator, GeneratorContext, QueryLake};
pub use history::{StateObject, find_objects, read_state, run_at};
pub use path::{Path, Step};
pub use registry::{COMMON_ATTRIBUTES, GeneratorType, generator_types};
pub use rehearsal::{Rehearsal, RehearsalError, Rehearsed};
pub use render::{DifferenceLine, LineRole, operations, patch, tree, unified};
pub use schedule::due_at;
pub use settings::{STATE_BLOCK, StateSettings};
pub use shape::{DocumentPath, Shape};
pub use source::{CHANGE_TABLE, RunOptions, STATE_OBJECT, StatePosition, StateSource};
pub use store::{
    Blob, BlobId, FolderStateStore, PostgresStateStore, RunFilter, RunOutcome, RunRecord, SqliteStateStore,
    StateStore, StateStoreError,
};
pub use sweep::{Swept, sweep};

#[cfg(test)]
mod testing;

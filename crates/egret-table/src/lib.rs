//! Table definitions: HCL to record plans, and the column-wise steps after decoding.
//!
//! A [`TableDefinition`] is what a `table` block says: columns, where they come from, what is observable in
//! them. [`TableDefinition::compile`] makes a [`TableMapper`] of it, whose [`RecordPlan`] tells a format where
//! to put each field, and whose [`TableMapper::map`] turns what was decoded into rows: transforms, patterns
//! over free text, the `tp_*` columns. After the format nothing looks at a record again, only at columns.
//!
//! Built-in tables are the same HCL as the user's, one folder each under `tables/`; [`Tables`] holds both.
//!
//! [`RecordPlan`]: egret_format::RecordPlan

pub mod definition;
pub mod extract_definition;
pub mod observable;

pub mod context;
pub mod mapper;

mod compile;
mod names;

mod check;
mod coerce;
mod collect;
mod constant;
mod extract;
mod json_path;
#[cfg(test)]
mod testing;
mod transform;
mod views;

pub mod builtin;
pub mod tables;

pub use context::{Mapped, PartitionContext, RowOrigin};
pub use definition::{ColumnDefinition, ColumnValue, FormatChoice, TableDefinition};
pub use extract_definition::{Condition, ExtractDefinition, PatternDefinition};
pub use mapper::TableMapper;
pub use observable::{ObservableKind, ObservableRule};
pub use tables::Tables;

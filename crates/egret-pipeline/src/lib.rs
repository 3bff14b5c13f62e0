//! The way: source, format, table, filter, detections, lake, told in one readable file: [`collect`].
//!
//! [`read`] turns one object of a source into chunks, [`commit`] turns chunks into commits, and [`collect`]
//! puts the two together for any number of partitions. [`scan`] is the same way without a lake, and [`hunt`]
//! walks it backwards: detections over what the lake holds.

pub mod budget;
pub mod collect;
pub mod commit;
mod drift;
pub mod hunt;
pub mod metrics;
pub mod observer;
pub mod partition;
pub mod read;
pub mod scan;
pub mod state;
pub mod workers;

pub use collect::{CollectError, CollectOptions, Collector};
pub use hunt::{HuntError, HuntOptions, hunt};
pub use metrics::Metrics;
pub use observer::{CollectReport, NoObserver, Observer, PartitionReport, RuleReport, StopSignal};
pub use partition::{PartitionDefinition, PartitionPlan, Planner};
pub use scan::{ScanReport, scan};

//! The operational database: alerts, what became of each finding, the delivery queue, stages, the audit trail.
//!
//! Everything that belongs together changes in one [`Change`], a transaction that no other process can come between:
//! the position up to which findings were read, the alerts that they became, and the deliveries that follow. Nothing
//! here decides anything: who merges, routes and delivers is `egret-alert`.

mod alerts;
mod audit;
mod body;
mod change;
mod deliveries;
mod error;
mod findings;
mod lookups;
mod pace;
mod schema;
mod stages;
mod store;
mod stored_id;
mod thin;

pub use alerts::{AlertFilter, StoredAlert};
pub use audit::AuditEntry;
pub use change::Change;
pub use deliveries::{
    DeliveryFilter, DeliveryState, DueDelivery, NewDelivery, Outcome, QueueCount, StoredDelivery,
};
pub use error::StoreError;
pub use findings::{FindingOutcome, NewFinding, SuppressionCount};
pub use lookups::LookupEntry;
pub use pace::StoredPace;
pub use stages::{Stage, StagedDetection};
pub use store::{Store, StoreLock};
pub use thin::Thinned;

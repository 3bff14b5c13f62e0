//! From findings to people: merge, suppress, stage, route, deliver.
//!
//! [`Intake`] reads the findings that were added to the lake and makes alerts of them: what a `suppress` block or a
//! staged detection holds back is remembered as such, the rest is merged by key and window, and what is new or changed
//! is queued for the outputs that the routes name. Findings, alerts, queue and the position in the lake move in one
//! change of the store, so that no finding is lost or counted twice, whenever the process dies. [`Deliverer`] works the
//! queue off, each output on its own. [`lifecycle`] is what people do with alerts.

mod error;

mod conditions;
mod configuration;
mod names;
mod route;
mod severity_test;
mod suppress;

mod merge;
mod policy;

mod lookup;
mod remember;

mod intake;
mod own;
mod staging;
mod tell;

mod backoff;
mod deliver;
pub mod lifecycle;

mod metrics;
pub mod view;

pub use configuration::{
    ALERTS_BLOCK, AlertSettings, OVERRIDE_BLOCK, ROUTE_BLOCK, STAGING_BLOCK, SUPPRESS_BLOCK,
};
pub use deliver::{DeliverUntil, Deliverer, DeliveryReport, OutputReport};
pub use error::AlertError;
pub use intake::{Intake, IntakeReport};
pub use lookup::{LOOKUP_BLOCK, LookupDefinition, LookupRow};
pub use metrics::AlertMetrics;
pub use own::{Trouble, end_trouble, tell_trouble};
pub use route::{RouteSubject, RouteVerdict};
pub use staging::{Staging, set_stage};

#[cfg(test)]
mod testing;

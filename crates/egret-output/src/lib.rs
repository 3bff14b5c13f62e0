//! Outputs: where alerts go. One module a service, each with the struct of its configuration;
//! [`output_types`] is the visible list of them.
//!
//! An [`Output`] is given [`Letter`]s: what happened to an alert, and the [`Message`] that says so, made from the alert
//! and the user's templates. It brings the message into its service's form, shortens it to the service's limits, escapes
//! what came from logs for the place it goes to, sends it, and says how that went: taken, to be tried again, or
//! refused for good. When to try again, and in which order, is not its business.

mod dated;
mod delivery;
mod escape;
mod issue;
mod message;
mod payload;
mod template;

mod aws_message;
mod definition;
mod registry;

pub mod http;

pub mod aws_s3;
pub mod aws_sns;
pub mod aws_sqs;
pub mod elasticsearch;
pub mod email;
pub mod exec;
pub mod file;
pub mod github_issue;
pub mod jira;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod pagerduty;
pub mod slack;
pub mod splunk_hec;
pub mod stdout;
pub mod syslog;
pub mod teams;
pub mod webhook;

pub use definition::{OUTPUT_BLOCK, OutputDefinition, Rate};
pub use delivery::{Delivery, Letter, Output, Receipt, SendError};
pub use egret_http::{ServiceContext, shorten, shorten_bytes};
pub use escape::Escape;
pub use message::{Link, Message, Text};
pub use registry::{COMMON_ATTRIBUTES, OutputContext, OutputType, output_types};
pub use template::{TEMPLATE_BLOCK, Templates};

#[cfg(test)]
mod testing;

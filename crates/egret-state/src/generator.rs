//! The contract of generators: a run yields a complete state, document by document.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use egret_http::ServiceContext;
use serde_json::Value as Json;

use crate::documents::Documents;

/// Why there is no state, or a part of it is missing: it may be there soon, or somebody must do something first.
pub use egret_http::CallError as GenerateError;

/// Gives complete states.
///
/// A run calls [`Generator::generate`] once, on a thread that may block, and never twice at once. What it gives is the
/// *whole* state: what is not given any more is gone. What could not be looked at is therefore said, with
/// [`Documents::fail`], and its objects stay as they were. The order of documents does not matter, nor how they come in
/// pages. Nothing is remembered from run to run but what is for speed.
#[async_trait]
pub trait Generator: Send + Sync + fmt::Debug {
    /// Gives all documents there are now.
    ///
    /// # Errors
    /// If there is no state at all to speak of. The state before stays then.
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError>;
}

/// Answers SQL over the lake; the binary hands it in.
#[async_trait]
pub trait QueryLake: Send + Sync + fmt::Debug {
    /// The rows of a query as objects, given to `row` one by one.
    ///
    /// # Errors
    /// If the query is wrong or the lake fails, in words for people.
    async fn query(&self, sql: &str, row: &mut (dyn FnMut(Json) + Send)) -> Result<(), String>;
}

/// What generators may use of the world.
#[derive(Debug, Clone)]
pub struct GeneratorContext {
    /// The environment (working folder, variables), the clock, and how long one request may take.
    pub service: ServiceContext,
    /// How long a whole run may take.
    pub run_timeout: Duration,
    /// The lake, where there is one.
    pub lake: Option<Arc<dyn QueryLake>>,
}

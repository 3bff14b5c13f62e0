//! What clients of services may use of the world.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use egret_config::{Block, Environment};
use egret_model::Clock;

/// What clients of services may use of the world.
#[derive(Clone)]
pub struct ServiceContext {
    /// The working folder, where relative paths start, and the variables that clients of clouds look for credentials in.
    pub environment: Arc<Environment>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// How long one try may take.
    pub timeout: Duration,
}

impl ServiceContext {
    /// Where relative paths start.
    pub fn folder(&self) -> &Path {
        &self.environment.working_folder
    }

    /// The same for what a block says: its paths start from the folder of the file that they are written in.
    pub fn for_block(&self, block: &Block, timeout: Duration) -> Self {
        let folder = self.folder().join(block.location.file.folder());
        let environment = Arc::new(Environment::clone(&self.environment).in_folder(folder));
        Self { environment, clock: Arc::clone(&self.clock), timeout }
    }
}

impl fmt::Debug for ServiceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceContext").field("folder", &self.folder()).finish_non_exhaustive()
    }
}

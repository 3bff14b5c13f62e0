//! What a source may see of the process it runs in; the binary hands it in.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The folder that relative paths start from, the home folder, and standard input.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The working folder. A path in a configuration file is relative to the file, and the file's own path,
    /// where that is relative, to this.
    pub folder: PathBuf,
    /// What `~` stands for.
    pub home: Option<PathBuf>,
    /// What `-` reads.
    pub standard_input: StandardInput,
}

impl Surroundings {
    /// A working folder, and neither a home folder nor a standard input.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), ..Self::default() }
    }

    /// The same with a home folder.
    #[must_use]
    pub fn with_home(mut self, home: Option<PathBuf>) -> Self {
        self.home = home;
        self
    }

    /// The same with a standard input; the binary hands in the process's.
    #[must_use]
    pub fn with_standard_input(mut self, reader: impl Read + Send + 'static) -> Self {
        self.standard_input = StandardInput(Arc::new(Mutex::new(Some(Box::new(reader)))));
        self
    }
}

/// A stream that can be read once.
#[derive(Clone, Default)]
pub struct StandardInput(Arc<Mutex<Option<Box<dyn Read + Send>>>>);

impl StandardInput {
    /// The stream, unless there is none or somebody has it.
    pub(crate) fn take(&self) -> Option<Box<dyn Read + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for StandardInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StandardInput(…)")
    }
}

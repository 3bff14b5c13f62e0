//! What `env()`, `file()` and the path functions see of the world; the binary hands in the process's.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Environment variables, the home folder and the working folder.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The environment variables.
    pub variables: BTreeMap<String, String>,
    /// What `~` stands for.
    pub home: Option<PathBuf>,
    /// What relative paths start from in `abspath()`.
    pub working_folder: PathBuf,
}

impl Environment {
    /// These variables, and the home folder that `HOME` (or `USERPROFILE`) names.
    pub fn new<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables: BTreeMap<String, String> =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let home = ["HOME", "USERPROFILE"].iter().find_map(|name| variables.get(*name)).map(PathBuf::from);
        Self { variables, home, working_folder: PathBuf::new() }
    }

    /// The same with another working folder.
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.working_folder = folder.into();
        self
    }
}

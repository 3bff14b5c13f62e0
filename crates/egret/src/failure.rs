//! How a command fails: an exit code, what is wrong, and what to do next.

use std::fmt;
use std::io;
use std::process::ExitCode;

use egret_alert::AlertError;
use egret_config::Diagnostics;
use egret_lake::{CommitError, LakeError};
use egret_model::SourceError;
use egret_pipeline::{CollectError, HuntError};
use egret_sql::SqlError;
use egret_state::{CompareError, StateStoreError};
use egret_store::StoreError;

use crate::output::style;

/// Tests failed, or the work is incomplete.
pub const INCOMPLETE: u8 = 1;
/// Bad usage or configuration.
pub const USAGE: u8 = 2;
/// An outside system failed.
pub const OUTSIDE: u8 = 3;
/// Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// The command line or the configuration is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, message: message.into(), hint: None }
    }

    /// An outside system failed: a disk, a file, the lake.
    pub fn outside(message: impl Into<String>) -> Self {
        Self { code: OUTSIDE, message: message.into(), hint: None }
    }

    /// Somebody pressed Ctrl-C.
    pub fn interrupted() -> Self {
        Self { code: INTERRUPTED, message: "interrupted".to_owned(), hint: None }
    }

    /// Says what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// As [`Failure::hint`], if there is one.
    pub fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// The mistakes of a configuration, all at once.
    pub fn configuration(diagnostics: &Diagnostics) -> Self {
        // Each once, as they are shown.
        let each = diagnostics.clone().into_iter();
        let errors = each.filter(|mistake| mistake.level == egret_config::Level::Error).count();
        let noun = if errors == 1 { "mistake" } else { "mistakes" };
        let rendered = diagnostics.render(style::stderr_has_colour());
        Self::usage(format!("{}\n\nthe configuration has {errors} {noun}", rendered.trim_end()))
    }

    /// Prints it to stderr and gives its exit code. Whoever closed the pipe we write to wants no more, which is
    /// not an error.
    pub fn report(self) -> ExitCode {
        if self.code == 0 {
            return ExitCode::SUCCESS;
        }
        let (details, message) = match self.message.rsplit_once("\n\n") {
            Some((details, message)) => (Some(details), message),
            None => (None, self.message.as_str()),
        };
        if let Some(details) = details {
            eprintln!("{details}\n");
        }
        eprintln!("{} {message}", style::error("error:"));
        if let Some(hint) = &self.hint {
            eprintln!("{} {hint}", style::hint("hint:"));
        }
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hint {
            Some(hint) => write!(f, "{}; {hint}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let code = if error.kind() == io::ErrorKind::BrokenPipe { 0 } else { OUTSIDE };
        Self { code, message: format!("cannot write the output: {error}"), hint: None }
    }
}

impl From<LakeError> for Failure {
    fn from(error: LakeError) -> Self {
        match error {
            LakeError::UnknownSnapshot { .. } | LakeError::UnknownTable { .. } => {
                Self::usage(error.to_string())
            }
            _ => Self::outside(error.to_string()),
        }
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        Self::outside(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::outside(error.to_string())
    }
}

impl From<StateStoreError> for Failure {
    fn from(error: StateStoreError) -> Self {
        Self::outside(error.to_string())
    }
}

impl From<CompareError> for Failure {
    fn from(error: CompareError) -> Self {
        Self::outside(error.to_string())
    }
}

impl From<AlertError> for Failure {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::UnknownAlert(_) | AlertError::State { .. } => Self::usage(error.to_string()),
            other => Self::outside(other.to_string())
                .hint("no finding is lost: the next run, or `egret alert deliver`, goes on from there"),
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::outside(error.to_string())
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::usage(error.message).hint_if(error.hint)
    }
}

impl From<CollectError> for Failure {
    fn from(error: CollectError) -> Self {
        match error {
            CollectError::TooManyErrors { .. } => {
                let hint = "see what and why with `egret quarantine list`";
                Self { code: INCOMPLETE, message: error.to_string(), hint: Some(hint.to_owned()) }
            }
            CollectError::NotReplaced { .. } => {
                let hint = "mend or remove those files, or give their rows up: `egret partition delete`";
                Self { code: INCOMPLETE, message: error.to_string(), hint: Some(hint.to_owned()) }
            }
            other => Self::outside(other.to_string())
                .hint("what was committed before is in the lake; the next run goes on from there"),
        }
    }
}

impl From<HuntError> for Failure {
    fn from(error: HuntError) -> Self {
        match error {
            HuntError::Sql(error) => error.into(),
            other => Self::outside(other.to_string()),
        }
    }
}

//! Severity: five steps, and the one table that maps everyone else's words to them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How bad a finding is. Ordered: `Low < High`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth recording, not worth looking at by itself.
    Informational,
    /// Look when there is time.
    Low,
    /// Look today.
    Medium,
    /// Look now.
    High,
    /// Wake somebody up.
    Critical,
}

impl Severity {
    /// All of them, mildest first.
    pub const ALL: [Self; 5] = [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a severity; the severities are informational, low, medium, high and critical")]
pub struct UnknownSeverity(pub String);

impl FromStr for Severity {
    type Err = UnknownSeverity;

    /// Accepts our own words and those of Sigma, Falco, syslog and Panther, in any case.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word.to_ascii_lowercase().as_str() {
            "informational" | "info" | "information" | "debug" | "default" => Ok(Self::Informational),
            "low" | "notice" => Ok(Self::Low),
            "medium" | "moderate" | "warning" | "warn" => Ok(Self::Medium),
            "high" | "error" | "err" => Ok(Self::High),
            "critical" | "crit" | "alert" | "emergency" | "emerg" | "fatal" => Ok(Self::Critical),
            _ => Err(UnknownSeverity(word.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_severity_reads_its_own_word() {
        for severity in Severity::ALL {
            assert_eq!(severity.as_str().parse(), Ok(severity));
        }
        assert!(Severity::Low < Severity::Critical);
        assert_eq!("Warning".parse(), Ok(Severity::Medium));
        assert!("sev1".parse::<Severity>().unwrap_err().to_string().contains("informational, low"));
    }
}

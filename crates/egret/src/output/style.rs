//! Colours, where they are wanted.

use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use egret_model::Severity;

use crate::arguments::Color;

static CHOICE: OnceLock<Color> = OnceLock::new();

/// Remembers what the command line says.
pub fn choose(color: Color) {
    // The command line is read once.
    let _ = CHOICE.set(color);
}

/// Whether stderr is to have colours: NO_COLOR and pipes have none.
pub fn stderr_has_colour() -> bool {
    has_colour(io::stderr().is_terminal())
}

/// Whether stdout is to have colours.
pub fn stdout_has_colour() -> bool {
    has_colour(io::stdout().is_terminal())
}

fn has_colour(is_terminal: bool) -> bool {
    match CHOICE.get().copied().unwrap_or(Color::Auto) {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

fn paint(code: &str, text: &str) -> String {
    if stderr_has_colour() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Text on stdout in a colour.
pub fn on_stdout(code: &str, text: &str) -> String {
    if stdout_has_colour() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// What is wrong.
pub fn error(text: &str) -> String {
    paint("1;31", text)
}

/// What is well.
pub fn good(text: &str) -> String {
    paint("1;32", text)
}

/// What may be wrong.
pub fn warning(text: &str) -> String {
    paint("1;33", text)
}

/// What to do next.
pub fn hint(text: &str) -> String {
    paint("1;36", text)
}

/// What matters less.
pub fn faint(text: &str) -> String {
    paint("2", text)
}

/// A severity in its colour, padded to a column.
pub fn severity(severity: Severity) -> String {
    paint(severity_code(severity), &format!("{severity:<13}"))
}

/// The colour of a severity.
pub const fn severity_code(severity: Severity) -> &'static str {
    match severity {
        Severity::Informational => "2",
        Severity::Low => "36",
        Severity::Medium => "33",
        Severity::High => "31",
        Severity::Critical => "1;97;41",
    }
}

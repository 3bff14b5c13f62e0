//! Progress of generators on stderr: which ones run, and findings as they are met.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use egret_model::Finding;
use egret_pipeline::Observer;
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::Global;
use crate::output::{printable, style};
use crate::progress::FindingLines;

/// Draws progress and prints findings.
pub struct RunProgress {
    bar: ProgressBar,
    running: Mutex<Vec<String>>,
    findings: FindingLines,
}

impl RunProgress {
    /// Progress as the command line wants it: none where stderr is no terminal.
    pub fn new(global: &Global) -> Self {
        let bar = if global.no_progress || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::no_length()
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, running: Mutex::default(), findings: FindingLines::new(true) }
    }

    /// A generator begins.
    pub fn begin(&self, address: String) {
        self.change(|running| running.push(address));
    }

    /// A generator is done.
    pub fn end(&self, address: &str) {
        self.change(|running| running.retain(|one| one != address));
    }

    fn change(&self, change: impl FnOnce(&mut Vec<String>)) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut running);
        self.bar.set_message(running.join("  "));
    }

    /// Takes the bar away; says what it had no room for.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
        self.findings.finish();
    }

    /// Takes the bar away while something is printed.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Observer for RunProgress {
    fn rows(&self, _rows: u64, findings: &[Finding]) {
        self.findings.take(findings, |line| self.suspend(|| eprintln!("{line}")));
    }

    fn warning(&self, message: &str) {
        self.suspend(|| eprintln!("{} {}", style::warning("warning:"), printable(message)));
    }
}

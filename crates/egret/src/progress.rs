//! Progress on stderr: a bar with files, bytes, rows, findings, rate and time left, and findings as they are met.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use egret_model::Finding;
use egret_pipeline::Observer;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::arguments::Global;
use crate::output::{printable, style};

/// More findings than this are counted, not shown: `egret finding list` shows them all.
const MAX_SHOWN_FINDINGS: u64 = 50;

/// Draws progress and prints findings.
pub struct Progress {
    bar: ProgressBar,
    objects: AtomicU64,
    objects_done: AtomicU64,
    rows: AtomicU64,
    findings: AtomicU64,
    shows_findings: bool,
}

impl Progress {
    /// Progress as the command line wants it: none where stderr is no terminal. Findings are printed as they
    /// are met if `shows_findings`.
    pub fn new(global: &Global, shows_findings: bool) -> Self {
        let bar = if global.no_progress || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0)
        };
        let template =
            "{spinner:.cyan} {wide_bar:.cyan/dim} {bytes}/{total_bytes}  {msg}  {bytes_per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self {
            bar,
            objects: AtomicU64::new(0),
            objects_done: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            findings: AtomicU64::new(0),
            shows_findings,
        }
    }

    /// Takes the bar away; says what it had no room for.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
        let findings = self.findings.load(Ordering::Relaxed);
        if self.shows_findings && findings > MAX_SHOWN_FINDINGS {
            eprintln!("… and {} more findings", HumanCount(findings - MAX_SHOWN_FINDINGS));
        }
    }

    /// Takes the bar away while something is printed.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    fn print(&self, line: &str) {
        self.suspend(|| eprintln!("{line}"));
    }

    fn refresh(&self) {
        let load = |counter: &AtomicU64| HumanCount(counter.load(Ordering::Relaxed));
        self.bar.set_message(format!(
            "{}/{} files  {} rows  {} findings",
            load(&self.objects_done),
            load(&self.objects),
            load(&self.rows),
            load(&self.findings)
        ));
    }
}

impl Observer for Progress {
    fn listed(&self, partition: &str, objects: u64, stored_bytes: u64) {
        self.objects.fetch_add(objects, Ordering::Relaxed);
        self.bar.inc_length(stored_bytes);
        tracing::info!(partition, objects, bytes = %HumanBytes(stored_bytes), "listed");
        self.refresh();
    }

    fn read(&self, stored_bytes: u64) {
        self.bar.inc(stored_bytes);
    }

    fn object_done(&self) {
        self.objects_done.fetch_add(1, Ordering::Relaxed);
        self.refresh();
    }

    fn rows(&self, rows: u64, findings: &[Finding]) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        let before = self.findings.fetch_add(findings.len() as u64, Ordering::Relaxed);
        if !self.shows_findings {
            return;
        }
        let room = MAX_SHOWN_FINDINGS.saturating_sub(before) as usize;
        for finding in findings.iter().take(room) {
            self.print(&finding_line(finding));
        }
    }

    fn warning(&self, message: &str) {
        self.print(&format!("{} {}", style::warning("warning:"), printable(message)));
    }
}

/// A finding in one line.
pub fn finding_line(finding: &Finding) -> String {
    let time = style::faint(&finding.time.to_string());
    format!("{} {time}  {}", style::severity(finding.severity), printable(&finding.message))
}

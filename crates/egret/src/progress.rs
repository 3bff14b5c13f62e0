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
    findings: FindingLines,
}

/// Findings as they are met: the first ones are shown, the rest counted.
pub struct FindingLines {
    met: AtomicU64,
    are_shown: bool,
}

impl FindingLines {
    /// None yet.
    pub fn new(are_shown: bool) -> Self {
        Self { met: AtomicU64::new(0), are_shown }
    }

    /// Gives the lines of those that are to be shown to `print`.
    pub fn take(&self, findings: &[Finding], print: impl Fn(&str)) {
        let before = self.met.fetch_add(findings.len() as u64, Ordering::Relaxed);
        if self.are_shown {
            let room = MAX_SHOWN_FINDINGS.saturating_sub(before) as usize;
            findings.iter().take(room).for_each(|finding| print(&finding_line(finding)));
        }
    }

    /// Says how many were not shown.
    pub fn finish(&self) {
        let met = self.met.load(Ordering::Relaxed);
        if self.are_shown && met > MAX_SHOWN_FINDINGS {
            eprintln!("… and {} more findings", HumanCount(met - MAX_SHOWN_FINDINGS));
        }
    }
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
            findings: FindingLines::new(shows_findings),
        }
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
            load(&self.findings.met)
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
        self.findings.take(findings, |line| self.print(line));
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

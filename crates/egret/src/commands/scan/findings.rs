//! Findings on their way to stdout.

use egret_model::{Finding, Severity};

use crate::failure::Failure;
use crate::output::{Objects, OutputFormat};

/// Findings come in order of time as long as so many bytes hold all of them. Of more, those that are held are shown
/// first: there may be more than fit into memory.
const MAX_HELD_BYTES: usize = 64 << 20;

/// Shows findings, those that it holds in order of time.
pub struct Findings {
    objects: Objects,
    held: Vec<Finding>,
    held_bytes: usize,
    worst: Option<Severity>,
}

impl Findings {
    /// Shows them in this format.
    pub fn new(format: OutputFormat) -> Self {
        let objects =
            Objects::new(format).columns(&["time", "severity", "title", "message", "source_location"]);
        Self { objects, held: Vec::new(), held_bytes: 0, worst: None }
    }

    /// Takes more of them.
    pub fn extend(&mut self, findings: Vec<Finding>) -> Result<(), Failure> {
        self.held_bytes += findings.iter().map(bytes).sum::<usize>();
        self.worst = self.worst.max(findings.iter().map(|finding| finding.severity).max());
        self.held.extend(findings);
        if self.held_bytes > MAX_HELD_BYTES { self.show() } else { Ok(()) }
    }

    /// Shows the rest of them. How severe the worst of all was.
    pub fn finish(mut self) -> Result<Option<Severity>, Failure> {
        self.show()?;
        self.objects.finish()?;
        Ok(self.worst)
    }

    fn show(&mut self) -> Result<(), Failure> {
        self.held_bytes = 0;
        self.held.sort_by(|left, right| (left.time, &left.finding_id).cmp(&(right.time, &right.finding_id)));
        self.held.drain(..).try_for_each(|finding| self.objects.push(finding))
    }
}

/// What a finding takes, roughly: its longest texts, and as much as it always takes.
fn bytes(finding: &Finding) -> usize {
    let evidence = finding.evidence.iter().map(|test| size_of_val(test) + test.value.len() + test.test.len());
    let observed = &finding.observables;
    let observables = [
        &observed.ips,
        &observed.domains,
        &observed.emails,
        &observed.usernames,
        &observed.akas,
        &observed.hashes,
        &finding.tags,
        &finding.event_ids,
    ];
    let listed = observables.into_iter().flatten().map(|text| size_of_val(text) + text.len());
    let texts = [&finding.event, &finding.message, &finding.description, &finding.source_location];
    2 * size_of_val(finding)
        + texts.into_iter().map(String::len).sum::<usize>()
        + evidence.chain(listed).sum::<usize>()
}

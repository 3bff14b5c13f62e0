//! The check "at once = in pieces = killed and resumed".

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::difference::Difference;
use crate::fake_clock::FakeClock;
use crate::memory_source::MemorySource;
use crate::random::Random;
use crate::scenario::{Content, Disturbance, Scenario, Step};
use crate::temporary_folder::TemporaryFolder;

/// At most so many simpler scenarios are tried when one has failed.
const SHRINK_ATTEMPTS: u32 = 400;

/// What is checked: something that collects a source into a folder.
pub trait Collector {
    /// Does one run: collects what is new in `run.source` into `run.folder`, and dies where
    /// `run.disturbance` says so: it returns at once then, and neither flushes nor commits anything more.
    ///
    /// # Errors
    /// If it cannot. In a run that is disturbed that is no fault; in an undisturbed one it fails the check.
    fn run(&self, run: &Run<'_>) -> Result<(), String>;

    /// All rows and findings that are visible in `folder`, in any order. What may differ between two
    /// collections of the same bytes, such as the time of collecting, is to be left out.
    ///
    /// # Errors
    /// If they cannot be read.
    fn stored(&self, folder: &Path) -> Result<Vec<String>, String>;
}

/// One run, as [`Collector::run`] is to do it.
#[derive(Debug)]
pub struct Run<'a> {
    /// What to collect.
    pub source: &'a MemorySource,
    /// The present; a minute later in each run.
    pub clock: &'a Arc<FakeClock>,
    /// What outlives the runs.
    pub folder: &'a Path,
    /// Where to die. Failing reads are the source's matter already.
    pub disturbance: Disturbance,
}

/// How thoroughly to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Where the random scenarios start from.
    pub seed: u64,
    /// How many scenarios.
    pub scenarios: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 1, scenarios: 50 }
    }
}

/// A scenario that stored something else than one run over everything, as simple as it could be made.
#[derive(Clone)]
pub struct RestartFailure {
    /// The seed of this scenario: with it and one scenario the check fails the same way.
    pub seed: u64,
    /// What was done.
    pub scenario: Scenario,
    /// What went wrong.
    pub reason: String,
    description: String,
}

impl fmt::Display for RestartFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: after these runs{}\n{}", self.seed, self.description, self.reason)
    }
}

/// As shown, so that `unwrap` in a test prints what is worth reading.
impl fmt::Debug for RestartFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for RestartFailure {}

/// Collects `contents` at once, then in random pieces, killed and resumed, each time into a new folder, and
/// compares what is stored at the end.
///
/// # Errors
/// With the simplest scenario found that ends otherwise.
pub fn check_restarts(
    collector: &dyn Collector,
    contents: &[Content],
    settings: Settings,
) -> Result<(), Box<RestartFailure>> {
    let failure = |seed, scenario: Scenario, reason| {
        let description = scenario.describe(contents);
        Box::new(RestartFailure { seed, scenario, reason, description })
    };
    let at_once = Scenario::at_once(contents);
    let expected = match play(collector, contents, &at_once) {
        Ok(rows) => rows,
        Err(reason) => return Err(failure(settings.seed, at_once, reason)),
    };
    for seed in settings.seed..settings.seed.saturating_add(settings.scenarios) {
        let scenario = Scenario::random(contents, &mut Random::new(seed));
        if let Some(reason) = fault(collector, contents, &scenario, &expected) {
            let (scenario, reason) = shrink(collector, contents, &expected, scenario, reason);
            return Err(failure(seed, scenario, reason));
        }
    }
    Ok(())
}

/// What is wrong after `scenario`, if anything is.
fn fault(
    collector: &dyn Collector,
    contents: &[Content],
    scenario: &Scenario,
    expected: &[String],
) -> Option<String> {
    match play(collector, contents, scenario) {
        Ok(got) => Difference::between(expected.to_vec(), got).map(|difference| difference.to_string()),
        Err(reason) => Some(reason),
    }
}

/// Takes away whatever can be taken away without the fault going away too.
fn shrink(
    collector: &dyn Collector,
    contents: &[Content],
    expected: &[String],
    mut scenario: Scenario,
    mut reason: String,
) -> (Scenario, String) {
    let mut attempts = SHRINK_ATTEMPTS;
    'simpler: loop {
        for candidate in scenario.simpler(contents) {
            if attempts == 0 {
                return (scenario, reason);
            }
            attempts -= 1;
            if let Some(found) = fault(collector, contents, &candidate, expected) {
                (scenario, reason) = (candidate, found);
                continue 'simpler;
            }
        }
        return (scenario, reason);
    }
}

/// Does the runs of a scenario in a folder of their own; what is stored at the end.
fn play(collector: &dyn Collector, contents: &[Content], scenario: &Scenario) -> Result<Vec<String>, String> {
    let folder = TemporaryFolder::new();
    let path = folder.path();
    let source = MemorySource::new();
    let clock = Arc::new(FakeClock::default());
    for (index, step) in scenario.steps.iter().enumerate() {
        prepare(&source, contents, step);
        clock.advance(Duration::from_secs(60));
        let run = Run { source: &source, clock: &clock, folder: &path, disturbance: step.disturbance };
        let result = collector.run(&run);
        if step.disturbance == Disturbance::None {
            result.map_err(|reason| format!("run {} failed: {reason}", index + 1))?;
        }
    }
    collector.stored(&path)
}

/// Brings the source to where it is at the start of a run.
fn prepare(source: &MemorySource, contents: &[Content], step: &Step) {
    source.short_reads(step.short_reads);
    for (index, (content, &length)) in contents.iter().zip(&step.lengths).enumerate() {
        if length == 0 {
            continue;
        }
        source.put(&content.name, &content.bytes[..length]);
        source.set_complete(&content.name, length == content.bytes.len());
        let fails_at = match step.disturbance {
            Disturbance::ReadFails { object, at } if object == index => Some(at),
            _ => None,
        };
        source.fail_at(&content.name, fails_at);
    }
}

#[cfg(test)]
mod tests;

//! Which generators run when: several at once, each on a thread of its own, so that none waits for another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use egret_model::Timestamp;
use egret_state::{GeneratorDefinition, RunFilter, due_at};

use super::run::{RunContext, RunReport};
use crate::failure::Failure;

/// How often is looked who is due.
const TICK: Duration = Duration::from_millis(250);

/// When generators run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// At once, each once.
    Once,
    /// Those that are due, once.
    Due,
    /// Each whenever it is due, until somebody asks to stop.
    Watch,
}

/// What happens while generators run.
pub enum Event<'g> {
    /// A run began.
    Began(&'g GeneratorDefinition),
    /// A run ended. `None`: another process is at this generator, or it was stopped.
    Ended(&'g GeneratorDefinition, Option<Box<RunReport>>),
    /// Nothing, for a moment.
    Idle,
}

/// Runs generators.
pub struct Runner<'r> {
    /// What runs work with.
    pub context: RunContext<'r>,
    /// When.
    pub schedule: Schedule,
    /// At most so many at once.
    pub jobs: usize,
}

/// A generator that is to run, and when.
struct Waiting<'g> {
    generator: &'g GeneratorDefinition,
    due: Timestamp,
}

impl Runner<'_> {
    /// Runs `generators`, and tells `each` what happens, on this thread.
    ///
    /// # Errors
    /// If the store cannot be read, or `each` fails: then those that still run are stopped.
    pub fn run<'g>(
        &self,
        generators: &[&'g GeneratorDefinition],
        mut each: impl FnMut(Event<'g>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut waiting = self.waiting(generators)?;
        let stop = self.context.stop;
        thread::scope(|scope| {
            let (ended, ends) = bounded(self.jobs);
            let mut running = 0;
            let mut outcome = Ok(());
            loop {
                while running < self.jobs
                    && !stop.is_stopped()
                    && let Some(generator) = take_due(&mut waiting, self.now())
                {
                    running += 1;
                    outcome = outcome.and_then(|()| each(Event::Began(generator)));
                    let (context, ended) = (self.context, ended.clone());
                    scope.spawn(move || {
                        let run = AssertUnwindSafe(|| context.run(generator));
                        let broken = |_| Some(RunReport::broken(generator, context.project.clock.now()));
                        let report = catch_unwind(run).unwrap_or_else(broken);
                        // Whoever waits for it is gone only if everything ends.
                        let _ = ended.send((generator, report));
                    });
                }
                if outcome.is_err() {
                    stop.stop();
                }
                if running == 0 && (waiting.is_empty() || stop.is_stopped()) {
                    return outcome;
                }
                let event = match ends.recv_timeout(TICK) {
                    Ok((generator, report)) => {
                        running -= 1;
                        if self.schedule == Schedule::Watch {
                            let now = self.now();
                            let began = report.as_ref().map_or(now, |report| report.started_at);
                            let due = due_at(generator, Some(began), now);
                            waiting.push(Waiting { generator, due });
                        }
                        Event::Ended(generator, report.map(Box::new))
                    }
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Event::Idle,
                };
                outcome = outcome.and_then(|()| each(event));
            }
        })
    }

    fn now(&self) -> Timestamp {
        self.context.project.clock.now()
    }

    /// Who is to run, and when.
    fn waiting<'g>(&self, generators: &[&'g GeneratorDefinition]) -> Result<Vec<Waiting<'g>>, Failure> {
        let mut waiting = Vec::new();
        for generator in generators {
            let due = match self.schedule {
                Schedule::Once => self.now(),
                Schedule::Due | Schedule::Watch => self.due(generator)?,
            };
            waiting.push(Waiting { generator, due });
        }
        if self.schedule == Schedule::Due {
            let now = self.now();
            waiting.retain(|waiting| waiting.due <= now);
        }
        Ok(waiting)
    }

    /// When a generator is due, by its last run.
    fn due(&self, generator: &GeneratorDefinition) -> Result<Timestamp, Failure> {
        let filter = RunFilter {
            generator: Some(generator.name.value.clone()),
            limit: Some(1),
            ..RunFilter::default()
        };
        let last = self.context.runtime.block_on(self.context.store.runs(&filter))?;
        Ok(due_at(generator, last.first().map(|run| run.started_at), self.now()))
    }
}

/// The one of those that are due that has waited longest.
fn take_due<'g>(waiting: &mut Vec<Waiting<'g>>, now: Timestamp) -> Option<&'g GeneratorDefinition> {
    let due = waiting.iter().enumerate().filter(|(_, waiting)| waiting.due <= now);
    let (first, _) = due.min_by_key(|(_, waiting)| waiting.due)?;
    Some(waiting.remove(first).generator)
}

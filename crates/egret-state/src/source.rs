//! A generator as the pipeline sees it: a source with one object, whose bytes are changes and whose position is a state.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use egret_model::source::{Listing, ObjectReader};
use egret_model::{Clock, Object, Source, SourceContext, SourceError};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::compare::{Compared, Comparison, Counts, RunFacts};
use crate::definition::{FirstRun, GeneratorDefinition};
use crate::documents::Documents;
use crate::generator::GenerateError;
use crate::state::Root;
use crate::store::{BlobId, RunOutcome, RunRecord, StateStore};

/// The object of all runs of a generator: its position is the newest state that was committed.
pub const STATE_OBJECT: &str = "state";

/// The table of changes.
pub const CHANGE_TABLE: &str = "change";

/// How long is waited before a run is tried again, the first time; then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// How often is looked whether the run is to end early.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is done about a run other than usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunOptions {
    /// However little comes, it is believed.
    pub accept: bool,
    /// What comes is a new baseline: it is compared with nothing, and nothing in it is a change.
    pub baseline: bool,
}

/// What a checkpoint says of a state: the lake's word on which state counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatePosition {
    /// The run that made it.
    pub run: RunRecord,
}

impl StatePosition {
    /// Reads what a checkpoint of ours says; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Runs a generator when it is listed, and gives the changes when it is opened.
pub struct StateSource {
    definition: GeneratorDefinition,
    store: Arc<dyn StateStore>,
    runtime: Handle,
    options: RunOptions,
    stop: Arc<AtomicBool>,
    ran: Mutex<Ran>,
}

/// What a run left until it is committed.
#[derive(Debug, Default)]
struct Ran {
    changes: Option<File>,
    record: Option<RunRecord>,
}

impl std::fmt::Debug for StateSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateSource").field("generator", &self.definition.address()).finish_non_exhaustive()
    }
}

impl StateSource {
    /// A source of the changes of a generator. `runtime` runs what waits; the caller of [`Source::list`] is none of its
    /// threads.
    pub fn new(
        definition: GeneratorDefinition,
        store: Arc<dyn StateStore>,
        runtime: Handle,
        options: RunOptions,
    ) -> Self {
        Self { definition, store, runtime, options, stop: Arc::default(), ran: Mutex::default() }
    }

    /// Ends a run early once `flag` is set: it leaves nothing then, not even a record.
    pub fn stopped_by(mut self, flag: Arc<AtomicBool>) -> Self {
        self.stop = flag;
        self
    }

    /// What the run came to; `None` if there was none.
    pub fn record(&self) -> Option<RunRecord> {
        self.ran.lock().unwrap_or_else(PoisonError::into_inner).record.clone()
    }

    fn keep(&self, changes: Option<File>, record: RunRecord) {
        *self.ran.lock().unwrap_or_else(PoisonError::into_inner) = Ran { changes, record: Some(record) };
    }

    fn failed(&self, message: String) -> SourceError {
        SourceError::Failed { message }
    }

    /// Runs the generator and compares. `None` if the state before stays.
    async fn run(&self, context: &SourceContext) -> Result<Option<Object>, SourceError> {
        let definition = &self.definition;
        let started = context.clock.now();
        let position = self.position(context).await?;
        let before = position.filter(|_| !self.options.baseline).and_then(|position| position.run.root);
        let mut record = RunRecord::new(&definition.name.value, &definition.channel, started);
        record.root = before;
        let outcome = tokio::select! {
            outcome = self.generate_and_compare(before, &mut record, &*context.clock) => outcome,
            () = self.stopped() => return Err(self.failed("it was stopped".to_owned())),
        };
        record.took = context.clock.now().micros() - started.micros();
        let (outcome, changes) = match outcome {
            Ok(done) => done,
            Err(message) => {
                record.notes.push(message.clone());
                self.keep(None, record);
                return Err(self.failed(message));
            }
        };
        record.outcome = outcome;
        let object = record.is_new_state().then(|| Object {
            name: STATE_OBJECT.to_owned(),
            location: definition.address(),
            offset: 0,
            size: None,
            modified: Some(started),
            state: serde_json::to_string(&StatePosition { run: record.clone() }).unwrap_or_default(),
            complete: true,
        });
        self.keep(changes, record);
        Ok(object)
    }

    async fn stopped(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The newest state that was committed. If its run is not in the store, the process died before it noted it.
    async fn position(&self, context: &SourceContext) -> Result<Option<StatePosition>, SourceError> {
        let Some(checkpoint) = context.checkpoints.get(STATE_OBJECT) else { return Ok(None) };
        let Some(position) = StatePosition::parse(&checkpoint.state) else {
            if self.options.baseline {
                return Ok(None);
            }
            return Err(self.failed(format!(
                "the lake names a state of it in a form that this Egret does not know; use the one that wrote it, or begin \
                 anew with `egret state run {} --baseline`",
                self.definition.name.value
            )));
        };
        self.store.put_run(&position.run).await.map_err(|error| self.failed(error.to_string()))?;
        Ok(Some(position))
    }

    async fn generate_and_compare(
        &self,
        before: Option<BlobId>,
        record: &mut RunRecord,
        clock: &dyn Clock,
    ) -> Result<(RunOutcome, Option<File>), String> {
        let definition = &self.definition;
        let root = match before {
            Some(id) => Some(Root::read(&*self.store, id).await.map_err(|error| error.to_string())?),
            None => None,
        };
        record.objects = root.as_ref().map_or(0, Root::objects);
        let root = root.filter(|root| {
            let is_same = root.key == definition.key;
            if !is_same {
                record.notes.push("its `key` is another than before, so this is a new baseline".to_owned());
            }
            is_same
        });
        let documents = self.generate().await?;
        record.notes.extend(documents.notes().iter().cloned());
        record.failed_parts = documents.failed().len() as u64;
        for failed in documents.failed() {
            let part = if failed.part.is_empty() { String::new() } else { format!("{}: ", failed.part) };
            record.notes.push(format!("not all could be looked at: {part}{}", failed.message));
        }
        if documents.count() == 0 && !documents.failed().is_empty() && root.is_none() {
            let why: Vec<&str> = documents.failed().iter().map(|failed| failed.message.as_str()).collect();
            return Err(format!("nothing could be looked at: {}", why.join("; ")));
        }
        // What could not be looked at stays, so it says nothing.
        let seen = |root: &Root| -> u64 {
            let parts = root.parts.iter().filter(|(part, _)| !documents.may_be_missing(part));
            parts.map(|(_, count)| count).sum()
        };
        let expected = root.as_ref().map_or(0, seen);
        let tells = root.is_some() || (definition.first_run == FirstRun::Changes && !self.options.baseline);
        let mut file =
            tempfile::tempfile().map_err(|error| format!("cannot make a temporary file: {error}"))?;
        let comparison = Comparison {
            store: &*self.store,
            facts: RunFacts {
                generator: &definition.name.value,
                channel: &definition.channel,
                run: &record.run,
                now: record.started_at,
            },
            wanted_at: clock.now(),
            before: root.as_ref(),
            lines: tells.then(|| BufWriter::with_capacity(1 << 16, &mut file)),
        };
        let Compared { root: now, objects, counts } =
            comparison.run(documents).await.map_err(|error| error.to_string())?;
        if let Some(suspicious) = self.suspicious(expected, counts) {
            // What was written by then is swept.
            record.notes.push(suspicious);
            return Ok((RunOutcome::HeldBack, None));
        }
        if counts.first_seen > 0 {
            record.notes.push(format!(
                "parts could be looked at for the first time: their {} objects are a baseline",
                counts.first_seen
            ));
        }
        (record.root, record.objects, record.changes) = (Some(now), objects, counts.changes);
        let outcome = match root {
            None => RunOutcome::Baseline,
            Some(_) if before == Some(now) => RunOutcome::Unchanged,
            Some(_) => RunOutcome::Changed,
        };
        Ok((outcome, Some(file)))
    }

    /// Runs the generator, again after what may pass.
    async fn generate(&self) -> Result<Documents, String> {
        let definition = &self.definition;
        let work = async {
            let mut tries = 0;
            loop {
                let mut documents = Documents::new(definition.shape.clone(), definition.key.clone())
                    .at_most(definition.max_objects);
                match definition.generator.generate(&mut documents).await {
                    Ok(()) => return Ok(documents),
                    Err(GenerateError::Retry { after, .. }) if tries < definition.retries => {
                        let pause = FIRST_PAUSE * 2_u32.saturating_pow(tries);
                        tokio::time::sleep(after.map_or(pause, |after| after.max(Duration::from_millis(10))))
                            .await;
                        tries += 1;
                    }
                    Err(error) if tries > 0 => return Err(format!("{error} (tried {} times)", tries + 1)),
                    Err(error) => return Err(error.to_string()),
                }
            }
        };
        let late = |_| {
            Err(format!(
                "it did not end within {:?}; raise `timeout` if that is not enough",
                definition.timeout
            ))
        };
        tokio::time::timeout(definition.timeout, work).await.unwrap_or_else(late)
    }

    /// Why so little came that it is not believed, where `expected` objects were before.
    fn suspicious(&self, expected: u64, counts: Counts) -> Option<String> {
        let came = (expected + counts.added).saturating_sub(counts.removed);
        let least = expected as f64 * (1.0 - self.definition.max_shrink);
        (!self.options.accept && (came as f64) < least).then(|| {
            format!(
                "suspicious: {came} objects came where {expected} were; the state before stays. If that is right, run \
                 `egret state run {} --accept`",
                self.definition.name.value
            )
        })
    }
}

impl Source for StateSource {
    fn kind(&self) -> &'static str {
        self.definition.kind
    }

    fn name(&self) -> String {
        self.definition.name.value.clone()
    }

    fn list(&self, context: &SourceContext) -> Result<Listing, SourceError> {
        let object = self.runtime.block_on(self.run(context))?;
        let unchanged = u64::from(object.is_none());
        Ok(Listing { objects: object.into_iter().collect(), unchanged, failures: Vec::new() })
    }

    fn open(&self, _object: &Object) -> Result<Box<dyn ObjectReader>, SourceError> {
        let mut ran = self.ran.lock().unwrap_or_else(PoisonError::into_inner);
        let file = ran.changes.take();
        let mut file =
            file.ok_or_else(|| self.failed("the changes of this run were read before".to_owned()))?;
        file.seek(SeekFrom::Start(0))
            .map_err(|error| self.failed(format!("a temporary file failed: {error}")))?;
        Ok(Box::new(ChangeReader { file, read: 0 }))
    }
}

struct ChangeReader {
    file: File,
    read: u64,
}

impl Read for ChangeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        Ok(count)
    }
}

impl ObjectReader for ChangeReader {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.read = self.file.seek(SeekFrom::Current(i64::try_from(bytes).map_err(io::Error::other)?))?;
        Ok(())
    }

    fn stored_bytes(&self) -> u64 {
        self.read
    }
}

#[cfg(test)]
mod tests;

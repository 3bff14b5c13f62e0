//! Runs of a generator as the pipeline sees them: what is believed, and what is told.

use std::collections::HashMap;
use std::fmt::Write as _;

use egret_model::{Checkpoint, SystemClock};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::*;
use crate::store::SqliteStateStore;
use crate::testing::{context, definition};

/// Files, each of them a part.
const FILES: &str = r#"generator "file" "f" {
  paths = ["eu.json", "us.json"]
  key = ["id"]
  retries = 0
}"#;

/// A generator in a folder, with what the lake says of it.
struct Bench {
    block: String,
    folder: TempDir,
    store: Arc<dyn StateStore>,
    checkpoints: HashMap<String, Checkpoint>,
}

/// What a run came to, and the changes that it told.
struct Ran {
    record: RunRecord,
    changes: Vec<Json>,
}

impl Bench {
    async fn new() -> Self {
        Self::of(FILES).await
    }

    async fn of(block: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStateStore::open(&folder.path().join("state.sqlite")).await.unwrap());
        Self { block: block.to_owned(), folder, store, checkpoints: HashMap::new() }
    }

    fn source(&self, options: RunOptions) -> StateSource {
        let definition = definition(&self.block, &context(self.folder.path()));
        StateSource::new(definition, Arc::clone(&self.store), Handle::current(), options)
    }

    fn context(&self) -> SourceContext {
        SourceContext { clock: Arc::new(SystemClock), checkpoints: Arc::new(self.checkpoints.clone()) }
    }

    fn write(&self, name: &str, documents: &[Json]) {
        std::fs::write(self.folder.path().join(name), json!(documents).to_string()).unwrap();
    }

    /// Runs it, and commits what it gives.
    async fn run(&mut self) -> Result<Ran, SourceError> {
        self.run_with(RunOptions::default()).await
    }

    async fn run_with(&mut self, options: RunOptions) -> Result<Ran, SourceError> {
        let (source, context) = (self.source(options), self.context());
        let run = move || {
            let listing = source.list(&context)?;
            let mut text = String::new();
            for object in &listing.objects {
                source.open(object)?.read_to_string(&mut text).unwrap();
            }
            Ok((source.record().unwrap(), listing.objects, text))
        };
        let (record, objects, text) = tokio::task::spawn_blocking(run).await.unwrap()?;
        for object in objects {
            let (name, state) = (object.name.clone(), object.state);
            let checkpoint = Checkpoint { object: name, offset: 0, finished: true, state };
            self.checkpoints.insert(object.name, checkpoint);
        }
        Ok(Ran { record, changes: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect() })
    }
}

fn objects(ids: std::ops::Range<u32>) -> Vec<Json> {
    ids.map(|id| json!({"id": id, "name": format!("n{id}")})).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_could_never_be_looked_at_is_a_baseline_of_its_own() {
    let mut bench = Bench::new().await;
    bench.write("eu.json", &objects(0..2));
    let first = bench.run().await.unwrap();
    assert_eq!((first.record.outcome, first.record.failed_parts), (RunOutcome::Baseline, 1));
    // Still not: what is known of the other part goes on.
    bench.write("eu.json", &objects(0..3));
    assert_eq!(bench.run().await.unwrap().changes.len(), 1);
    bench.write("us.json", &objects(10..15));
    let seen = bench.run().await.unwrap();
    assert_eq!((seen.record.outcome, seen.changes.len()), (RunOutcome::Changed, 0));
    assert!(seen.record.notes[0].contains("5 objects are a baseline"), "{:?}", seen.record.notes);
    bench.write("us.json", &objects(10..16));
    let after = bench.run().await.unwrap();
    assert_eq!(after.changes.len(), 1);
    assert_eq!((&after.changes[0]["operation"], &after.changes[0]["key"]), (&json!("add"), &json!("15")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_fails_later_and_comes_back_is_compared() {
    let mut bench = Bench::new().await;
    bench.write("eu.json", &objects(0..2));
    bench.write("us.json", &objects(10..12));
    bench.run().await.unwrap();
    std::fs::remove_file(bench.folder.path().join("us.json")).unwrap();
    assert_eq!(bench.run().await.unwrap().record.outcome, RunOutcome::Unchanged);
    bench.write("us.json", &objects(10..13));
    assert_eq!(bench.run().await.unwrap().changes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_object_many_times_is_one() {
    let mut bench = Bench::new().await;
    bench.write("us.json", &[]);
    bench.write("eu.json", &objects(0..10));
    bench.run().await.unwrap();
    let again: Vec<Json> = std::iter::repeat_n(objects(0..1), 10).flatten().collect();
    bench.write("eu.json", &again);
    let held = bench.run().await.unwrap();
    assert_eq!((held.record.outcome, held.changes.len()), (RunOutcome::HeldBack, 0));
    assert!(held.record.notes[0].contains("1 objects came where 10 were"), "{:?}", held.record.notes);
    let taken = bench.run_with(RunOptions { accept: true, baseline: false }).await.unwrap();
    assert_eq!((taken.record.outcome, taken.changes.len()), (RunOutcome::Changed, 9));
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_changes_of_an_object_are_one() {
    let mut bench = Bench::new().await;
    bench.write("us.json", &[]);
    let list = |from: u32| {
        let texts: Vec<String> = (from..from + 800).map(|number| format!("t{number}")).collect();
        json!({"id": 1, "list": texts})
    };
    bench.write("eu.json", &[list(0)]);
    bench.run().await.unwrap();
    bench.write("eu.json", &[list(100)]);
    assert_eq!(bench.run().await.unwrap().changes.len(), 200);
    bench.write("eu.json", &[list(5000)]);
    let ran = bench.run().await.unwrap();
    assert_eq!(ran.changes.len(), 1);
    assert_eq!((&ran.changes[0]["operation"], &ran.changes[0]["path"]), (&json!("change"), &json!("")));
    assert_eq!(ran.changes[0]["after"]["list"].as_array().unwrap().len(), 800);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_nobody_knows_is_no_first_run() {
    let mut bench = Bench::new().await;
    bench.write("us.json", &[]);
    bench.write("eu.json", &objects(0..2));
    bench.run().await.unwrap();
    for checkpoint in bench.checkpoints.values_mut() {
        let _ = write!(checkpoint.state, "?");
    }
    let error = bench.run().await.err().unwrap().to_string();
    assert!(error.contains("a form that this Egret does not know"), "{error}");
    let begun = bench.run_with(RunOptions { accept: false, baseline: true }).await.unwrap();
    assert_eq!(begun.record.outcome, RunOutcome::Baseline);
}

/// A generator that runs a script.
fn script(script: &str, more: &str) -> String {
    format!("generator \"exec\" \"e\" {{\n command = [\"sh\", \"-c\", {script:?}]\n {more}\n}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_tried_again_and_what_hangs_is_given_up() {
    // A command says with 75 that it may go well in a moment.
    let once = "test -e tried && echo '[{\"id\": 1}]' || { touch tried; exit 75; }";
    let ran = Bench::of(&script(once, "retries = 1")).await.run().await.unwrap();
    assert_eq!((ran.record.outcome, ran.record.objects), (RunOutcome::Baseline, 1));
    for (text, more, expected) in [
        ("exit 75", "retries = 1", "(tried 2 times)"),
        ("touch tried; exit 1", "retries = 1", "ended with exit status: 1"),
        ("sleep 60", "retries = 0\n timeout = \"200ms\"", "did not end within 200ms"),
    ] {
        let error = Bench::of(&script(text, more)).await.run().await.err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(error.contains("tried 2"), text == "exit 75", "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_leaves_nothing() {
    let bench = Bench::of(&script("sleep 60", "")).await;
    let stop = Arc::new(AtomicBool::new(false));
    let source = Arc::new(bench.source(RunOptions::default()).stopped_by(Arc::clone(&stop)));
    let (running, context) = (Arc::clone(&source), bench.context());
    let run = tokio::task::spawn_blocking(move || running.list(&context));
    stop.store(true, Ordering::Relaxed);
    let stopped = tokio::time::timeout(Duration::from_secs(30), run).await.expect("it ends early");
    assert!(stopped.unwrap().unwrap_err().to_string().contains("it was stopped"));
    assert_eq!(source.record(), None);
}

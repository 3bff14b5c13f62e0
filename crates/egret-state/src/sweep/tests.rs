//! Histories of runs, and what a sweep leaves of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::compare::{CompareError, Comparison, RunFacts};
use crate::documents::Documents;
use crate::history::read_state;
use crate::shape::Shape;
use crate::state::{Objects, Root};
use crate::store::{Blob, RunOutcome, RunRecord, SqliteStateStore};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The objects of a state: number and value.
type State = BTreeMap<u32, u32>;

/// How a run ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Commit,
    /// Another run was committed first: its record and its state are there, and no checkpoint names it.
    Lose,
    /// The process dies at the so manieth call of the store.
    Die(usize),
}

/// A store that is swept, or fails, at the so manieth call.
#[derive(Debug)]
struct Meddled<'s> {
    store: &'s SqliteStateStore,
    calls: AtomicUsize,
    sweep_at: Option<usize>,
    die_at: Option<usize>,
    protected: Vec<BlobId>,
    now: Timestamp,
    swept: Mutex<Swept>,
}

impl Meddled<'_> {
    async fn meddle(&self) -> Result<(), StateStoreError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if self.sweep_at == Some(call) {
            let swept = sweep(self.store, &[("g", KEEP_ONE_DAY)], &self.protected, self.now).await?;
            *self.swept.lock().unwrap() = swept;
        }
        if self.die_at.is_some_and(|die_at| call >= die_at) {
            return Err(StateStoreError::Damaged { what: "the process died".to_owned() });
        }
        Ok(())
    }
}

const KEEP_ONE_DAY: Duration = Duration::from_secs(24 * 3600);

#[async_trait]
impl StateStore for Meddled<'_> {
    async fn put(&self, blobs: &[Blob], now: Timestamp) -> Result<(), StateStoreError> {
        self.meddle().await?;
        self.store.put(blobs, now).await
    }

    async fn get(&self, ids: &[BlobId]) -> Result<Vec<Vec<u8>>, StateStoreError> {
        self.meddle().await?;
        self.store.get(ids).await
    }

    async fn old_blobs(
        &self,
        after: Option<BlobId>,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobId>, StateStoreError> {
        self.store.old_blobs(after, before, limit).await
    }

    async fn remove(&self, ids: &[BlobId], before: Timestamp) -> Result<u64, StateStoreError> {
        self.store.remove(ids, before).await
    }

    async fn put_run(&self, run: &RunRecord) -> Result<(), StateStoreError> {
        self.store.put_run(run).await
    }

    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StateStoreError> {
        self.store.runs(filter).await
    }

    async fn generators(&self) -> Result<Vec<String>, StateStoreError> {
        self.store.generators().await
    }

    async fn remove_runs(
        &self,
        generator: &str,
        before: Timestamp,
        except: Option<&str>,
    ) -> Result<u64, StateStoreError> {
        self.store.remove_runs(generator, before, except).await
    }
}

struct World {
    _folder: tempfile::TempDir,
    store: SqliteStateStore,
    now: i64,
    runs: u32,
    /// What the lake's checkpoint says.
    checkpoint: Option<BlobId>,
    /// What each run's state has to be.
    states: HashMap<String, State>,
    committed: State,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStateStore::open(&folder.path().join("state.sqlite")).await.unwrap();
        let (states, committed) = (HashMap::new(), State::new());
        Self { _folder: folder, store, now: 1_000 * DAY, runs: 0, checkpoint: None, states, committed }
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_seconds(self.now)
    }

    /// A run that finds `state`, and during which the store is swept at a call.
    async fn run(&mut self, state: &State, end: End, sweep_at: Option<usize>) {
        self.runs += 1;
        let run = format!("{:06}", self.runs);
        let store = Meddled {
            store: &self.store,
            calls: AtomicUsize::new(0),
            sweep_at,
            die_at: if let End::Die(call) = end { Some(call) } else { None },
            protected: self.checkpoint.into_iter().collect(),
            now: self.time(),
            swept: Mutex::default(),
        };
        let Ok((root, objects)) = self.compare(&store, &run, state).await else {
            assert!(matches!(end, End::Die(_)));
            return;
        };
        assert_eq!(store.swept.lock().unwrap().damaged, Vec::<String>::new());
        let record = RunRecord {
            generator: "g".to_owned(),
            channel: String::new(),
            run: run.clone(),
            started_at: self.time(),
            took: 0,
            outcome: RunOutcome::Changed,
            root: Some(root),
            objects,
            changes: 0,
            failed_parts: 0,
            notes: Vec::new(),
        };
        if matches!(end, End::Commit) {
            self.checkpoint = Some(root);
            self.committed = state.clone();
        }
        self.store.put_run(&record).await.unwrap();
        self.states.insert(run, state.clone());
    }

    async fn compare(
        &self,
        store: &Meddled<'_>,
        run: &str,
        state: &State,
    ) -> Result<(BlobId, u64), CompareError> {
        let mut documents = Documents::new(Shape::default(), vec!["id".to_owned()]);
        for (id, value) in state {
            documents.push(json!({"id": id, "value": value})).unwrap();
        }
        let before = match self.checkpoint {
            Some(root) => Some(Root::read(store, root).await?),
            None => None,
        };
        let comparison = Comparison {
            store,
            facts: RunFacts { generator: "g", channel: "", run, now: self.time() },
            wanted_at: self.time(),
            before: before.as_ref(),
            lines: Some(std::io::sink()),
        };
        let compared = comparison.run(documents).await?;
        Ok((compared.root, compared.objects))
    }

    async fn sweep(&self) -> Swept {
        let protected: Vec<BlobId> = self.checkpoint.into_iter().collect();
        let swept = sweep(&self.store, &[("g", 3 * KEEP_ONE_DAY)], &protected, self.time()).await.unwrap();
        assert_eq!(swept.damaged, Vec::<String>::new());
        swept
    }

    /// All states that are kept can be read, and are what they were.
    async fn check(&self) {
        for run in self.store.runs(&RunFilter::default()).await.unwrap() {
            self.check_state(run.root.unwrap(), &self.states[&run.run]).await;
        }
        if let Some(root) = self.checkpoint {
            self.check_state(root, &self.committed).await;
        }
    }

    async fn check_state(&self, root: BlobId, expected: &State) {
        let mut found = State::new();
        let number = |value: &serde_json::Value| u32::try_from(value.as_u64().unwrap()).unwrap();
        read_state(&self.store, root, |object| {
            found.insert(number(&object.object["id"]), number(&object.object["value"]));
        })
        .await
        .unwrap();
        assert_eq!(&found, expected);
    }

    async fn blobs(&self) -> BTreeSet<BlobId> {
        let end_of_time = Timestamp::from_micros(i64::MAX);
        self.store.old_blobs(None, end_of_time, usize::MAX).await.unwrap().into_iter().collect()
    }

    /// What the states need that are kept.
    async fn needed(&self) -> BTreeSet<BlobId> {
        let runs = self.store.runs(&RunFilter::default()).await.unwrap();
        let roots: BTreeSet<BlobId> = runs.iter().filter_map(|run| run.root).chain(self.checkpoint).collect();
        let mut needed = roots.clone();
        for root in roots {
            let root = Root::read(&self.store, root).await.unwrap();
            needed.extend(root.pages());
            let mut objects = Objects::new(&self.store, Some(&root));
            while let Some(entry) = objects.next().await.unwrap() {
                needed.insert(entry.object);
            }
        }
        needed
    }
}

/// So many objects, of which some have a value of their own.
fn state(objects: u32, salt: u32) -> State {
    (0..objects).map(|id| (id, if id % 7 == salt % 7 { salt } else { 0 })).collect()
}

#[tokio::test]
async fn what_an_interrupted_run_left_goes_after_a_day() {
    let mut world = World::new().await;
    world.run(&state(10, 1), End::Commit, None).await;
    let before = world.blobs().await;
    // It dies as it writes the pages and the root, with the objects written.
    world.run(&state(2_000, 2), End::Die(60), None).await;
    assert!(world.blobs().await.len() > before.len());
    world.now += DAY;
    assert_eq!(world.sweep().await, Swept::default());
    world.now += 1;
    let swept = world.sweep().await;
    assert!(swept.blobs > 100 && swept.runs == 0, "{swept:?}");
    assert_eq!(world.blobs().await, before);
    world.check().await;
}

#[tokio::test]
async fn there_is_a_state_for_each_time_that_is_kept() {
    let mut world = World::new().await;
    for salt in 0..6 {
        world.run(&state(20, salt), End::Commit, None).await;
        world.now += 2 * DAY;
    }
    // Kept are three days: the run that began two days ago, and the one before, whose state was there three days ago.
    assert_eq!(world.sweep().await.runs, 4);
    let kept = world.store.runs(&RunFilter::default()).await.unwrap();
    assert_eq!(kept.iter().map(|run| run.run.as_str()).collect::<Vec<_>>(), ["000006", "000005"]);
    world.check().await;
    assert_eq!(world.blobs().await, world.needed().await);
    // However long ago: there is always one.
    world.now += 1_000 * DAY;
    assert_eq!(world.sweep().await.runs, 1);
    assert_eq!(world.store.runs(&RunFilter::default()).await.unwrap().len(), 1);
    world.check().await;
}

#[tokio::test]
async fn generators_that_are_gone_are_kept_for_ninety_days() {
    let mut world = World::new().await;
    world.run(&state(5, 1), End::Commit, None).await;
    world.run(&state(5, 2), End::Commit, None).await;
    world.now += 90 * DAY;
    let gone = async |world: &World| sweep(&world.store, &[], &[], world.time()).await.unwrap().runs;
    assert_eq!(gone(&world).await, 0);
    world.now += 1;
    assert_eq!(gone(&world).await, 1);
    world.check().await;
}

#[tokio::test]
async fn what_is_damaged_is_told_and_stops_nothing() {
    let mut world = World::new().await;
    world.run(&state(5, 1), End::Commit, None).await;
    world.run(&state(600, 2), End::Die(6), None).await;
    let nowhere = BlobId::of([0; 8], b"another store's");
    world.now += 2 * DAY;
    let swept = sweep(&world.store, &[], &[nowhere], world.time()).await.unwrap();
    assert!(swept.blobs > 0 && swept.damaged.len() == 1, "{swept:?}");
    assert!(swept.damaged[0].contains(&nowhere.to_string()), "{swept:?}");
    world.check().await;
    // A root that only a newer Egret can read is no damage: what it needs is not known.
    let newer = Blob { id: BlobId::of([0; 8], &[9, 1, 2]), bytes: vec![9, 1, 2] };
    world.store.put(std::slice::from_ref(&newer), world.time()).await.unwrap();
    let error = sweep(&world.store, &[], &[newer.id], world.time()).await.unwrap_err();
    assert!(matches!(error, StateStoreError::Version { found: 9, .. }), "{error}");
}

#[tokio::test]
async fn all_runs_of_a_generator_are_looked_at() {
    let mut world = World::new().await;
    let mut record = None;
    world.run(&state(5, 1), End::Commit, None).await;
    let first = world.store.runs(&RunFilter::default()).await.unwrap().remove(0);
    for number in 0..3 * i64::from(RUNS) {
        // Many at one time, then others.
        let (seconds, root) = (number / 2_000, BlobId::of([0; 8], &number.to_be_bytes()));
        let started_at = first.started_at.plus_micros(seconds * 1_000_000);
        record =
            Some(RunRecord { run: format!("{number:05}"), started_at, root: Some(root), ..first.clone() });
        world.store.put_run(record.as_ref().unwrap()).await.unwrap();
    }
    let mut roots = Vec::new();
    add_roots(&world.store, "g", &mut roots).await.unwrap();
    assert_eq!(roots[0], record.unwrap().root.unwrap());
    let distinct: BTreeSet<BlobId> = roots.into_iter().collect();
    assert_eq!(distinct.len(), 3 * RUNS as usize + 1);
}

#[tokio::test]
async fn marks_of_many_states_are_few_at_once() {
    let mut world = World::new().await;
    for salt in 0..12 {
        world.run(&state(6_000, salt), End::Commit, None).await;
    }
    let all = world.blobs().await;
    let runs = world.store.runs(&RunFilter::default()).await.unwrap();
    let mut marks = Marks::of(&world.store, runs.iter().filter_map(|run| run.root).collect()).await.unwrap();
    let mut most = 0;
    for id in &all {
        assert!(marks.has(*id).await.unwrap());
        most = most.max(marks.ahead());
    }
    // 6,000 objects, of which 12 times 857 have other values, and pages; a place has 1/16 of them, and it is read ahead.
    assert!(all.len() > 15_000 && most < all.len() / 4, "{most} of {}", all.len());
}

#[derive(Debug, Clone)]
enum Step {
    Run { objects: u32, salt: u32, end: End, sweep_at: Option<usize> },
    Wait(i64),
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        3 => Just(End::Commit),
        1 => Just(End::Lose),
        1 => (0..30_usize).prop_map(End::Die),
    ];
    let objects = prop_oneof![Just(0_u32), Just(6), Just(9), Just(600)];
    let sweep_at = prop::option::of(0..20_usize);
    prop_oneof![
        4 => (objects, 0..12_u32, end, sweep_at)
            .prop_map(|(objects, salt, end, sweep_at)| Step::Run { objects, salt, end, sweep_at }),
        3 => (1..40 * HOUR).prop_map(Step::Wait),
        2 => Just(Step::Sweep),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever happens: what is kept can be read, and in the end nothing else is there.
    #[test]
    fn no_history_loses_a_state_or_keeps_what_nobody_needs(steps in prop::collection::vec(step(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                match step {
                    Step::Run { objects, salt, end, sweep_at } => {
                        world.run(&state(objects, salt), end, sweep_at).await;
                    }
                    Step::Wait(seconds) => world.now += seconds,
                    Step::Sweep => {
                        world.sweep().await;
                    }
                }
                world.check().await;
            }
            world.now += DAY + 1;
            world.sweep().await;
            world.check().await;
            assert_eq!(world.blobs().await, world.needed().await);
        });
    }
}

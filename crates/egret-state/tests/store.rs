//! What every store of states must do. A new one is added to the list at the end.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::path::PathBuf;
use std::sync::Arc;

use egret_model::{Secret, Timestamp};
use egret_peer::PostgresPeer;
use egret_state::{
    Blob, BlobId, FolderStateStore, PostgresStateStore, RunFilter, RunOutcome, RunRecord, SqliteStateStore,
    StateStore, StateStoreError,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use tempfile::TempDir;

type Store = Arc<dyn StateStore>;

/// Where a store is, and what a test does to it behind its back.
enum Place {
    Sqlite(TempDir),
    Folder(TempDir),
    Postgres(&'static PostgresPeer, String),
}

impl Place {
    fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    fn postgres() -> Self {
        let peer = PostgresPeer::shared().unwrap();
        Self::Postgres(peer, peer.new_database().unwrap())
    }

    /// Opens it, as a process of its own would.
    async fn open(&self) -> Result<Store, StateStoreError> {
        Ok(match self {
            Self::Sqlite(folder) => {
                Arc::new(SqliteStateStore::open(&folder.path().join("a/s.sqlite")).await?)
            }
            Self::Folder(folder) => Arc::new(FolderStateStore::open(&folder.path().join("a/states")).await?),
            Self::Postgres(peer, database) => {
                Arc::new(PostgresStateStore::open(&Secret::new(peer.url(database)), "egret_state").await?)
            }
        })
    }

    async fn sqlite_execute(folder: &TempDir, sql: String) {
        let options = SqliteConnectOptions::new().filename(folder.path().join("a/s.sqlite"));
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }

    fn blob_file(folder: &TempDir, id: BlobId) -> PathBuf {
        let name = id.to_string();
        folder.path().join("a/states/blobs").join(&name[..2]).join(name)
    }

    async fn damage(&self, id: BlobId) {
        match self {
            Self::Sqlite(folder) => {
                Self::sqlite_execute(folder, format!("UPDATE blob SET bytes = x'00' WHERE id = x'{id}'"))
                    .await;
            }
            Self::Folder(folder) => std::fs::write(Self::blob_file(folder, id), [0]).unwrap(),
            Self::Postgres(peer, database) => {
                let sql = format!("UPDATE egret_state.blob SET bytes = '\\x00' WHERE id = '\\x{id}'");
                peer.execute(database, &sql).unwrap();
            }
        }
    }

    async fn make_newer(&self) {
        match self {
            Self::Sqlite(folder) => Self::sqlite_execute(folder, "PRAGMA user_version = 99".to_owned()).await,
            Self::Folder(folder) => std::fs::write(folder.path().join("a/states/version"), "99\n").unwrap(),
            Self::Postgres(peer, database) => {
                peer.execute(database, "UPDATE egret_state.version SET version = 99").unwrap();
            }
        }
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn blob(place: u8, bytes: impl Into<Vec<u8>>) -> Blob {
    let bytes = bytes.into();
    Blob { id: BlobId::of([place; 8], &bytes), bytes }
}

/// As many, all over the order, a few bytes each.
fn blobs(count: u32) -> Vec<Blob> {
    let blob = |number: u32| {
        let place = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        let bytes = number.to_be_bytes().to_vec();
        Blob { id: BlobId::of(place, &bytes), bytes }
    };
    (0..count).map(blob).collect()
}

fn ids(blobs: &[Blob]) -> Vec<BlobId> {
    blobs.iter().map(|blob| blob.id).collect()
}

fn run(generator: &str, number: i64, outcome: RunOutcome) -> RunRecord {
    RunRecord {
        generator: generator.to_owned(),
        channel: "c.d".to_owned(),
        run: format!("{number:04}"),
        started_at: at(number),
        took: 12,
        outcome,
        root: Some(BlobId::of([0; 8], generator.as_bytes())),
        objects: 3,
        changes: 1,
        failed_parts: 2,
        notes: vec!["a \"note\"\nwith\0everything ä".to_owned()],
    }
}

async fn put_and_get(place: Place) {
    let store = place.open().await.unwrap();
    let all: Vec<Blob> = (0..5).map(|number| blob(9 - number, [number; 3])).collect();
    store.put(&all, at(10)).await.unwrap();
    store.put(&[], at(10)).await.unwrap();
    let wanted = [all[3].id, all[0].id, all[3].id];
    let expected = [&all[3].bytes, &all[0].bytes, &all[3].bytes].map(Clone::clone);
    assert_eq!(store.get(&wanted).await.unwrap(), expected);
    assert_eq!(store.get(&[]).await.unwrap(), Vec::<Vec<u8>>::new());
    // One that opens it later finds it.
    assert_eq!(place.open().await.unwrap().get(&wanted).await.unwrap(), expected);
}

async fn putting_again_notes_the_later_time(place: Place) {
    let store = place.open().await.unwrap();
    let (one, other) = (blob(1, "one"), blob(2, "other"));
    store.put(&[one.clone(), other.clone(), one.clone()], at(10)).await.unwrap();
    store.put(std::slice::from_ref(&one), at(20)).await.unwrap();
    store.put(std::slice::from_ref(&one), at(5)).await.unwrap();
    let old = async |before: i64| store.old_blobs(None, at(before), 10).await.unwrap();
    assert_eq!(old(10).await, []);
    assert_eq!(old(11).await, [other.id]);
    assert_eq!(old(20).await, [other.id]);
    assert_eq!(old(21).await, [one.id, other.id]);
    assert_eq!(store.get(&[one.id]).await.unwrap(), [one.bytes]);
    // Microseconds count.
    let third = blob(3, "third");
    store.put(std::slice::from_ref(&third), at(30).plus_micros(7)).await.unwrap();
    assert_eq!(store.old_blobs(Some(other.id), at(30).plus_micros(7), 10).await.unwrap(), []);
    assert_eq!(store.old_blobs(Some(other.id), at(30).plus_micros(8), 10).await.unwrap(), [third.id]);
}

async fn damage_and_loss_are_told(place: Place) {
    let store = place.open().await.unwrap();
    let (good, bad) = (blob(1, "good"), blob(2, "bad"));
    store.put(&[good.clone(), bad.clone()], at(1)).await.unwrap();
    place.damage(bad.id).await;
    let error = store.get(&[good.id, bad.id]).await.unwrap_err();
    assert!(matches!(&error, StateStoreError::Damaged { what } if what.contains("other bytes")), "{error}");
    assert!(error.to_string().contains(&bad.id.to_string()), "{error}");
    let missing = BlobId::of([3; 8], b"never put");
    let error = store.get(&[missing, good.id]).await.unwrap_err();
    assert!(matches!(&error, StateStoreError::Damaged { what } if what.contains("is missing")), "{error}");
}

async fn old_blobs_come_in_order_and_in_pages(place: Place) {
    let store = place.open().await.unwrap();
    let mut all = blobs(300);
    store.put(&all, at(10)).await.unwrap();
    let renewed: Vec<Blob> = all.iter().skip(7).step_by(3).cloned().collect();
    store.put(&renewed, at(20)).await.unwrap();
    all.retain(|blob| !renewed.contains(blob));
    let mut expected = ids(&all);
    expected.sort();
    for limit in [1, 7, 64, 1_000] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.old_blobs(after, at(15), limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(*last);
            found.extend(page);
        }
        assert_eq!(found, expected, "{limit}");
    }
}

async fn removing_spares_what_was_wanted_since(place: Place) {
    let store = place.open().await.unwrap();
    let all = blobs(600);
    store.put(&all, at(10)).await.unwrap();
    store.put(&all[..100], at(20)).await.unwrap();
    // One that is not there is no harm.
    let asked: Vec<BlobId> = ids(&all[..500]).into_iter().chain([BlobId::of([1; 8], b"never put")]).collect();
    assert_eq!(store.remove(&asked, at(20)).await.unwrap(), 400);
    assert_eq!(store.remove(&asked, at(20)).await.unwrap(), 0);
    assert_eq!(store.remove(&[], at(20)).await.unwrap(), 0);
    let left: Vec<Blob> = [&all[..100], &all[500..]].concat();
    assert_eq!(store.get(&ids(&left)).await.unwrap().len(), 200);
    for blob in [&all[100], &all[499]] {
        assert!(store.get(&[blob.id]).await.is_err());
    }
    // What was removed can come back.
    store.put(&all, at(30)).await.unwrap();
    assert_eq!(store.get(&ids(&all)).await.unwrap().len(), 600);
}

async fn runs_are_found_as_asked(place: Place) {
    use RunOutcome::{Baseline, Changed, Failed, HeldBack, Unchanged};
    let store = place.open().await.unwrap();
    let outcomes = [Baseline, Failed, Unchanged, HeldBack, Changed, Failed];
    let one: Vec<RunRecord> =
        (1..).zip(outcomes).map(|(number, outcome)| run("one", number, outcome)).collect();
    let mut without_state = run("Two/.. ä", 3, Baseline);
    without_state.root = None;
    for run in one.iter().rev().chain([&without_state]) {
        store.put_run(run).await.unwrap();
    }
    let numbers = async |filter: RunFilter| -> Vec<i64> {
        let runs = store.runs(&filter).await.unwrap();
        runs.iter().map(|run| run.started_at.micros() / 1_000_000).collect()
    };
    let of = |generator: &str| RunFilter { generator: Some(generator.to_owned()), ..RunFilter::default() };
    assert_eq!(store.runs(&of("one")).await.unwrap(), one.iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!(store.runs(&of("Two/.. ä")).await.unwrap(), [without_state]);
    assert_eq!(numbers(of("two/.. ä")).await, [0_i64; 0]);
    assert_eq!(numbers(RunFilter::default()).await, [6, 5, 4, 3, 3, 2, 1]);
    assert_eq!(numbers(RunFilter { limit: Some(4), ..RunFilter::default() }).await, [6, 5, 4, 3]);
    assert_eq!(numbers(RunFilter { with_state: true, ..of("one") }).await, [5, 3, 1]);
    assert_eq!(numbers(RunFilter { with_state: true, ..of("Two/.. ä") }).await, [0_i64; 0]);
    assert_eq!(numbers(RunFilter { until: Some(at(4)), ..of("one") }).await, [4, 3, 2, 1]);
    assert_eq!(numbers(RunFilter { since: Some(at(4)), ..of("one") }).await, [6, 5, 4]);
    let between = RunFilter { until: Some(at(5)), since: Some(at(2)), ..of("one") };
    assert_eq!(numbers(between.clone()).await, [5, 4, 3, 2]);
    assert_eq!(numbers(RunFilter { with_state: true, limit: Some(1), ..between }).await, [5]);
    assert_eq!(numbers(RunFilter { until: Some(at(0)), ..RunFilter::default() }).await, [0_i64; 0]);
    assert_eq!(numbers(RunFilter { limit: Some(0), ..RunFilter::default() }).await, [0_i64; 0]);
    assert_eq!(store.generators().await.unwrap(), ["Two/.. ä", "one"]);
}

async fn a_run_is_replaced_and_forgotten(place: Place) {
    let store = place.open().await.unwrap();
    for number in 1..=6 {
        store.put_run(&run("one", number, RunOutcome::Failed)).await.unwrap();
        store.put_run(&run("two", number, RunOutcome::Failed)).await.unwrap();
    }
    let better = run("one", 5, RunOutcome::Changed);
    store.put_run(&better).await.unwrap();
    let filter = RunFilter { generator: Some("one".to_owned()), ..RunFilter::default() };
    assert_eq!(store.runs(&RunFilter { with_state: true, ..filter.clone() }).await.unwrap(), [better]);
    assert_eq!(store.runs(&filter).await.unwrap().len(), 6);
    assert_eq!(store.remove_runs("one", at(4), Some("0002")).await.unwrap(), 2);
    let names: Vec<String> = store.runs(&filter).await.unwrap().into_iter().map(|run| run.run).collect();
    assert_eq!(names, ["0006", "0005", "0004", "0002"]);
    assert_eq!(store.remove_runs("one", at(100), None).await.unwrap(), 4);
    assert_eq!(store.remove_runs("nobody", at(100), None).await.unwrap(), 0);
    assert_eq!(store.runs(&RunFilter::default()).await.unwrap().len(), 6);
    assert_eq!(store.generators().await.unwrap(), ["two"]);
}

async fn many_may_use_it_at_once(place: Place) {
    // Also while it is made.
    let (a, b, c) = tokio::join!(place.open(), place.open(), place.open());
    let stores = [a.unwrap(), b.unwrap(), c.unwrap()];
    let all = blobs(1_500);
    let write = async |store: Store, number: usize| {
        let mut mine: Vec<Blob> = all[number * 300..number * 300 + 900].to_vec();
        // Each in another order.
        mine.rotate_left(number * 37);
        for (round, blobs) in (0..).zip(mine.chunks(150)) {
            store.put(blobs, at(100 + round)).await?;
            store.put_run(&run(&format!("g{number}"), round, RunOutcome::Changed)).await?;
            store.put_run(&run("shared", round, RunOutcome::Changed)).await?;
            let old: Vec<BlobId> = store.old_blobs(None, at(1_000), 50).await?;
            // Nothing is that old.
            assert_eq!(store.remove(&old, at(50)).await?, 0);
        }
        Ok::<(), StateStoreError>(())
    };
    let [a, b, c] = stores.clone();
    let (a, b, c) = tokio::join!(write(a, 0), write(b, 1), write(c, 2));
    a.and(b).and(c).unwrap();
    assert_eq!(stores[0].get(&ids(&all)).await.unwrap().len(), 1_500);
    assert_eq!(stores[1].runs(&RunFilter::default()).await.unwrap().len(), 24);
}

/// Whichever comes first of a put and a removal: what was put is there afterwards.
async fn what_is_put_is_not_removed_at_the_same_time(place: Place) {
    let (putting, removing) = (place.open().await.unwrap(), place.open().await.unwrap());
    let all = blobs(200);
    for round in 1..6 {
        putting.put(&all, at(round * 100)).await.unwrap();
        let names = ids(&all);
        let put = async { putting.put(&all, at(round * 100 + 50)).await };
        let (put, removed) = tokio::join!(put, removing.remove(&names, at(round * 100 + 20)));
        put.unwrap();
        removed.unwrap();
        assert_eq!(removing.get(&names).await.unwrap().len(), 200);
        assert_eq!(removing.old_blobs(None, at(round * 100 + 50), 10).await.unwrap(), []);
    }
}

async fn large_and_many(place: Place) {
    let store = place.open().await.unwrap();
    let large = blob(4, (0..5_u32 << 20).map(|number| (number % 251) as u8).collect::<Vec<u8>>());
    let empty = blob(4, "");
    store.put(&[large.clone(), empty.clone()], at(1)).await.unwrap();
    assert_eq!(store.get(&[empty.id, large.id]).await.unwrap(), [empty.bytes, large.bytes]);
    let many = blobs(5_000);
    store.put(&many, at(2)).await.unwrap();
    let bytes: Vec<Vec<u8>> = many.iter().map(|blob| blob.bytes.clone()).collect();
    assert_eq!(store.get(&ids(&many)).await.unwrap(), bytes);
    let mut expected = ids(&many);
    expected.extend([large.id, empty.id]);
    expected.sort();
    assert_eq!(store.old_blobs(None, at(3), 10_000).await.unwrap(), expected);
    assert_eq!(store.remove(&expected, at(3)).await.unwrap(), 5_002);
    assert_eq!(store.old_blobs(None, at(3), 10_000).await.unwrap(), []);
}

async fn a_newer_version_is_refused(place: Place) {
    drop(place.open().await.unwrap());
    place.make_newer().await;
    let error = place.open().await.unwrap_err().to_string();
    assert!(error.contains("has version 99") && error.contains("newer Egret"), "{error}");
}

macro_rules! suite {
    ($($place:ident),*; $tests:tt) => { $(suite!(@ $place $tests);)* };
    (@ $place:ident [$($test:ident),* $(,)?]) => {
        mod $place {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Place::$place()).await;
            })*
        }
    };
}

suite!(sqlite, folder, postgres; [
    put_and_get,
    putting_again_notes_the_later_time,
    damage_and_loss_are_told,
    old_blobs_come_in_order_and_in_pages,
    removing_spares_what_was_wanted_since,
    runs_are_found_as_asked,
    a_run_is_replaced_and_forgotten,
    many_may_use_it_at_once,
    what_is_put_is_not_removed_at_the_same_time,
    large_and_many,
    a_newer_version_is_refused,
]);

/// Somebody's folder is not taken for a store.
#[tokio::test]
async fn a_folder_with_other_things_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
    let error = FolderStateStore::open(folder.path()).await.unwrap_err().to_string();
    assert!(error.contains("thesis.txt") && error.contains("a folder of its own"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// What a process was writing when it died has no name, and goes after a while.
#[tokio::test]
async fn what_is_half_written_is_never_seen_and_goes() {
    let place = Place::folder();
    let store = place.open().await.unwrap();
    store.put(&[blob(1, "one")], at(10)).await.unwrap();
    let Place::Folder(folder) = &place else { unreachable!() };
    let half = folder.path().join("a/states/new/half");
    let file = std::fs::File::create(&half).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(10)).unwrap();
    assert_eq!(store.old_blobs(None, at(100), 10).await.unwrap(), [blob(1, "one").id]);
    store.remove(&[blob(2, "other").id], at(10)).await.unwrap();
    assert!(half.exists());
    store.remove(&[blob(2, "other").id], at(11)).await.unwrap();
    assert!(!half.exists());
}

/// Who may not make a schema uses one that was made for them; and the password is in no error.
#[tokio::test]
async fn postgres_takes_the_schema_and_tells_no_password() {
    let peer = PostgresPeer::shared().unwrap();
    let database = peer.new_database().unwrap();
    let role = format!("keeper_{database}");
    let setup = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'hunter2000'; REVOKE ALL ON DATABASE {database} FROM PUBLIC; \
         GRANT CONNECT ON DATABASE {database} TO {role}; CREATE SCHEMA \"select\" AUTHORIZATION {role}"
    );
    peer.execute(&database, &setup).unwrap();
    let url = Secret::new(peer.url_as(&role, "hunter2000", &database));
    let store = PostgresStateStore::open(&url, "select").await.unwrap();
    store.put(&[blob(1, "one")], at(1)).await.unwrap();
    assert_eq!(store.get(&[blob(1, "one").id]).await.unwrap(), [b"one"]);
    let mut shown = format!("{store:?}");
    assert!(shown.contains(&format!("localhost:{}, schema select", peer.port())), "{shown}");
    let wrong = Secret::new(peer.url_as(&role, "hunter2001", &database));
    for (url, schema) in [(&url, "other"), (&wrong, "select"), (&url, "x\"; drop")] {
        let error = PostgresStateStore::open(url, schema).await.unwrap_err();
        shown.push_str(&format!("{error} {error:?}"));
    }
    assert!(
        shown.contains("permission denied") && shown.contains("password authentication failed"),
        "{shown}"
    );
    assert!(!shown.contains("hunter200"), "{shown}");
}

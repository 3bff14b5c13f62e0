//! States one after the other: what is told of them, and what is kept.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::generator::GenerateError;
use crate::history::read_state;
use crate::shape::{DocumentPath, Shape};
use crate::store::SqliteStateStore;

struct Place {
    _folder: tempfile::TempDir,
    store: SqliteStateStore,
    state: Option<(BlobId, Root)>,
    runs: i64,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStateStore::open(&folder.path().join("state.sqlite")).await.unwrap();
        Self { _folder: folder, store, state: None, runs: 0 }
    }

    /// The lines that a run with these documents writes.
    async fn run(&mut self, documents: Documents) -> Vec<Json> {
        self.runs += 1;
        let mut lines = Vec::new();
        let comparison = Comparison {
            store: &self.store,
            facts: RunFacts {
                generator: "g",
                channel: "c",
                run: "r",
                now: Timestamp::from_seconds(self.runs),
            },
            wanted_at: Timestamp::from_seconds(self.runs),
            before: self.state.as_ref().map(|(_, root)| root),
            lines: Some(&mut lines),
        };
        let compared = comparison.run(documents).await.unwrap();
        let root = Root::read(&self.store, compared.root).await.unwrap();
        assert_eq!(root.objects(), compared.objects);
        self.state = Some((compared.root, root));
        let lines: Vec<Json> =
            serde_json::Deserializer::from_slice(&lines).into_iter().map(Result::unwrap).collect();
        assert_eq!(lines.len() as u64, compared.counts.changes);
        lines
    }

    async fn objects(&self) -> Vec<(String, Json)> {
        let mut found = Vec::new();
        let (root, _) = self.state.as_ref().unwrap();
        read_state(&self.store, *root, |object| found.push((object.key, object.object))).await.unwrap();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }
}

fn documents(documents: &[Json]) -> Documents {
    let mut taking = Documents::new(Shape::default(), vec!["id".to_owned()]);
    documents.iter().try_for_each(|document| taking.push(document.clone())).unwrap();
    taking
}

fn told(lines: &[Json]) -> Vec<String> {
    let mut told: Vec<String> = lines
        .iter()
        .map(|line| {
            format!(
                "{} {} {}",
                line["operation"].as_str().unwrap(),
                line["key"].as_str().unwrap(),
                line["path"].as_str().unwrap()
            )
        })
        .collect();
    told.sort();
    told
}

#[tokio::test]
async fn what_comes_goes_and_changes_is_told_with_its_objects() {
    let mut place = Place::new().await;
    place.run(documents(&[json!({"id": "a", "on": true}), json!({"id": "b", "keys": [1]})])).await;
    let lines = place.run(documents(&[json!({"id": "a", "on": false}), json!({"id": "c"})])).await;
    assert_eq!(told(&lines), ["add c ", "change a /on", "remove b "]);
    let change = lines.iter().find(|line| line["operation"] == "change").unwrap();
    assert_eq!((&change["before"], &change["after"]), (&json!(true), &json!(false)));
    assert_eq!(change["object_before"], json!({"id": "a", "on": true}));
    assert_eq!(change["object_after"], json!({"id": "a", "on": false}));
    assert_eq!(
        (&change["first_seen"], &change["time"]),
        (&json!("1970-01-01T00:00:01Z"), &json!("1970-01-01T00:00:02Z"))
    );
    assert_eq!(
        (&change["channel"], &change["generator"], &change["run"]),
        (&json!("c"), &json!("g"), &json!("r"))
    );
    assert_eq!(
        place.objects().await,
        [("a".to_owned(), json!({"id": "a", "on": false})), ("c".to_owned(), json!({"id": "c"}))]
    );
}

#[tokio::test]
async fn what_could_not_be_looked_at_stays() {
    let mut place = Place::new().await;
    let mut first = documents(&[json!({"id": "root"})]);
    for region in ["eu", "us"] {
        first.begin_part(region);
        first.push(json!({"id": region, "n": 1})).unwrap();
    }
    place.run(first).await;
    let mut second = documents(&[]);
    second.fail("eu", "no answer");
    second.begin_part("us");
    second.push(json!({"id": "us", "n": 2})).unwrap();
    let lines = place.run(second).await;
    assert_eq!(told(&lines), ["change us /n", "remove root "]);
    assert_eq!(place.objects().await.len(), 2);
    let mut third = documents(&[]);
    third.fail("", GenerateError::retry("page 2 did not come"));
    assert_eq!(place.run(third).await, Vec::<Json>::new());
    assert_eq!(place.objects().await.len(), 2);
}

#[tokio::test]
async fn one_state_has_one_root() {
    let mut place = Place::new().await;
    let states = |reversed: bool| {
        let mut all: Vec<Json> = (0..2_000).map(|id| json!({"id": id, "list": [id, 1, 2]})).collect();
        if reversed {
            all.reverse();
        }
        documents(&all)
    };
    place.run(states(false)).await;
    let first = place.state.clone().unwrap().0;
    assert_eq!(place.run(states(true)).await, Vec::<Json>::new());
    assert_eq!(place.state.clone().unwrap().0, first);
    assert!(place.state.clone().unwrap().1.pages().count() == 4);
}

#[tokio::test]
async fn what_does_not_count_any_more_is_no_change() {
    let mut place = Place::new().await;
    place.run(documents(&[json!({"id": 1, "seen": 1})])).await;
    let shape = Shape { ignore: vec![DocumentPath::parse("$.seen").unwrap()], ..Shape::default() };
    let mut second = Documents::new(shape, vec!["id".to_owned()]);
    second.push(json!({"id": 1, "seen": 2})).unwrap();
    assert_eq!(place.run(second).await, Vec::<Json>::new());
}

/// Writing fails, as on a full disk.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_full_disk_is_told() {
    let place = Place::new().await;
    let comparison = Comparison {
        store: &place.store,
        facts: RunFacts { generator: "g", channel: "c", run: "r", now: Timestamp::from_seconds(1) },
        wanted_at: Timestamp::from_seconds(1),
        before: None,
        lines: Some(Full),
    };
    let error = comparison.run(documents(&[json!({"id": 1})])).await.unwrap_err();
    assert!(error.to_string().contains("temporary file") || error.to_string().contains("space"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the states are: each key that differs is told, and the state kept is the state that came.
    #[test]
    fn every_difference_is_told(
        before in prop::collection::btree_map(0..40_u8, 0..4_u8, 0..30),
        after in prop::collection::btree_map(0..40_u8, 0..4_u8, 0..30),
    ) {
        let state = |state: &BTreeMap<u8, u8>| {
            let all: Vec<Json> = state.iter().map(|(id, value)| json!({"id": id, "value": [value]})).collect();
            documents(&all)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut place = Place::new().await;
            place.run(state(&before)).await;
            let lines = place.run(state(&after)).await;
            let mut told: Vec<u8> = lines.iter().map(|line| line["key"].as_str().unwrap().parse().unwrap()).collect();
            told.sort_unstable();
            told.dedup();
            let keys = before.keys().chain(after.keys()).copied().collect::<BTreeSet<u8>>();
            let expected: Vec<u8> = keys.into_iter().filter(|key| before.get(key) != after.get(key)).collect();
            assert_eq!(told, expected);
            let mut kept: Vec<(u8, Json)> = place.objects().await.into_iter().map(|(key, value)| (key.parse().unwrap(), value)).collect();
            kept.sort_by_key(|(key, _)| *key);
            let came: Vec<(u8, Json)> = after.iter().map(|(id, value)| (*id, json!({"id": id, "value": [value]}))).collect();
            assert_eq!(kept, came);
        });
    }
}

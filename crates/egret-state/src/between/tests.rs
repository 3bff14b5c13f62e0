//! Two states that are kept: the same is told as when one followed the other, and no more is read than must be.

use std::collections::BTreeMap;

use egret_model::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::compare::{Comparison, RunFacts};
use crate::documents::Documents;
use crate::render::{operations, tree, unified};
use crate::shape::DocumentPath;
use crate::store::SqliteStateStore;

async fn open() -> (tempfile::TempDir, SqliteStateStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStateStore::open(&folder.path().join("state.sqlite")).await.unwrap();
    (folder, store)
}

/// Keeps a state; with the rows that tell it from the one before.
async fn keep(store: &SqliteStateStore, before: Option<BlobId>, all: &[Json]) -> (BlobId, Vec<Json>) {
    let mut documents = Documents::new(Shape::default(), vec!["id".to_owned()]);
    all.iter().for_each(|document| documents.push(document.clone()).unwrap());
    let before = match before {
        Some(before) => Some(Root::read(store, before).await.unwrap()),
        None => None,
    };
    let mut lines = Vec::new();
    let facts = RunFacts { generator: "g", channel: "c", run: "r", now: Timestamp::from_seconds(1) };
    let lines_of = Some(&mut lines);
    let comparison =
        Comparison { store, facts, wanted_at: facts.now, before: before.as_ref(), lines: lines_of };
    let compared = comparison.run(documents).await.unwrap();
    (compared.root, serde_json::Deserializer::from_slice(&lines).into_iter().map(Result::unwrap).collect())
}

async fn compared(
    store: &SqliteStateStore,
    from: Option<BlobId>,
    to: BlobId,
    shape: &Shape,
) -> Vec<ObjectDifference> {
    let mut found = Vec::new();
    compare_states(store, from, to, shape, |difference| found.push(difference)).await.unwrap();
    found
}

/// All that is shown of differences.
fn shown(differences: &[ObjectDifference]) -> Vec<String> {
    let forms =
        differences.iter().flat_map(|difference| [unified, operations, tree].map(|form| form(difference)));
    forms.flatten().map(|line| line.text).collect()
}

fn users(count: u64, odd: &[u64]) -> Vec<Json> {
    (0..count).map(|id| json!({"id": id, "is_odd": odd.contains(&id)})).collect()
}

#[tokio::test]
async fn objects_come_go_and_change() {
    let (_folder, store) = open().await;
    let (first, _) = keep(&store, None, &[json!({"id": "a", "on": true}), json!({"id": "b"})]).await;
    let (second, _) = keep(&store, None, &[json!({"id": "a", "on": false}), json!({"id": "c"})]).await;
    let shape = Shape::default();
    let mut lines: Vec<String> = compared(&store, Some(first), second, &shape)
        .await
        .iter()
        .flat_map(|difference| operations(difference).into_iter().map(|line| line.text))
        .collect();
    lines.sort();
    assert_eq!(lines, [r#"+ [c]: {"id":"c"}"#, r#"- [b]: {"id":"b"}"#, "~ [a].on: true -> false"]);
    assert_eq!(compared(&store, Some(first), first, &shape).await, []);
    assert_eq!(compared(&store, None, second, &shape).await.len(), 2);
    let shape = Shape { ignore: vec![DocumentPath::parse("$.on").unwrap()], ..shape };
    assert_eq!(compared(&store, Some(first), second, &shape).await.len(), 2);
}

#[tokio::test]
async fn pages_that_both_have_are_not_read() {
    let (_folder, store) = open().await;
    let (first, _) = keep(&store, None, &users(3_000, &[])).await;
    let (second, _) = keep(&store, Some(first), &users(3_000, &[7])).await;
    let first_root = Root::read(&store, first).await.unwrap();
    let second_root = Root::read(&store, second).await.unwrap();
    let shared: Vec<BlobId> =
        first_root.pages().filter(|page| second_root.pages().any(|other| other == *page)).collect();
    assert_eq!((first_root.pages().count(), shared.len()), (8, 7));
    store.remove(&shared, Timestamp::from_seconds(9)).await.unwrap();
    let found = compared(&store, Some(first), second, &Shape::default()).await;
    assert_eq!(found.iter().map(|difference| difference.key.as_str()).collect::<Vec<_>>(), ["7"]);
}

#[tokio::test]
async fn states_of_very_different_sizes_are_compared() {
    let (_folder, store) = open().await;
    let (small, _) = keep(&store, None, &users(3, &[])).await;
    let (large, _) = keep(&store, None, &users(2_000, &[2])).await;
    let found = compared(&store, Some(small), large, &Shape::default()).await;
    assert_eq!(found.len(), 1998);
    assert_eq!(found.iter().filter(|difference| !difference.is_added()).count(), 1);
    let back = compared(&store, Some(large), small, &Shape::default()).await;
    assert_eq!(back.iter().filter(|difference| difference.is_removed()).count(), 1997);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// What two states tell, and what the rows of the run between them tell, is shown as the same.
    #[test]
    fn both_doors_show_the_same(
        before in prop::collection::btree_map(0..20_u8, crate::testing::document(), 0..12),
        after in prop::collection::btree_map(0..20_u8, crate::testing::document(), 0..12),
    ) {
        let state = |state: &BTreeMap<u8, Json>| -> Vec<Json> {
            state.iter().map(|(id, value)| json!({"id": id, "value": value})).collect()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, store) = open().await;
            let (first, _) = keep(&store, None, &state(&before)).await;
            let (second, rows) = keep(&store, Some(first), &state(&after)).await;
            let kept = compared(&store, Some(first), second, &Shape::default()).await;
            let told = ObjectDifference::from_rows(&rows).unwrap();
            assert_eq!(shown(&told), shown(&kept));
        });
    }
}

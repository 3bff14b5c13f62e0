//! Checkpoints: the newest counts, the sequence always rises, and nothing makes the lake forget them.

use egret_lake::{Commit, Lake, PartitionCommit};

use crate::support::*;

async fn put(lake: &Lake, partition: &str, checkpoints: &[(&str, u64)], reset: bool) -> u64 {
    let commit = Commit {
        partitions: vec![PartitionCommit {
            partition: partition.to_owned(),
            expected_sequence: lake.sequence(partition).await.unwrap(),
            checkpoints: checkpoints.iter().map(|(object, offset)| checkpoint(object, *offset)).collect(),
            reset,
        }],
        ..Commit::default()
    };
    lake.commit(&commit).await.unwrap().sequences[partition]
}

#[tokio::test]
async fn the_newest_of_each_object_counts() {
    let test = TestLake::new().await;
    assert_eq!(put(&test.lake, "t.p", &[("a", 1), ("b", 2), ("a", 3)], false).await, 1);
    assert_eq!(put(&test.lake, "t.q", &[("a", 9)], false).await, 1);
    assert_eq!(put(&test.lake, "t.p", &[("b", 4)], false).await, 2);
    // A commit without any object still moves the sequence.
    assert_eq!(put(&test.lake, "t.p", &[], false).await, 3);
    let lake = test.reopen().await;
    let found = lake.checkpoints("t.p").await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found["a"], checkpoint("a", 3));
    assert_eq!(found["b"], checkpoint("b", 4));
    assert_eq!(lake.sequence("t.p").await.unwrap(), 3);
    assert_eq!(lake.sequence("t.q").await.unwrap(), 1);
}

#[tokio::test]
async fn a_reset_forgets_the_objects_but_not_the_sequence() {
    let test = TestLake::new().await;
    put(&test.lake, "t.p", &[("a", 1), ("b", 2)], false).await;
    assert_eq!(put(&test.lake, "t.p", &[("c", 1)], true).await, 2);
    let found = test.lake.checkpoints("t.p").await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["c"]);
}

#[tokio::test]
async fn they_are_a_table_in_sql_without_any_file() {
    let test = TestLake::new().await;
    put(&test.lake, "t.p", &[("a", 1)], false).await;
    let before = test.lake.snapshot().await.unwrap();
    put(&test.lake, "t.p", &[("a", 2)], false).await;
    let query = "select string_agg(object || '=' || byte_offset || '@' || sequence, ' ' order by object) from checkpoint \
                 where \"partition\" = 't.p'";
    assert_eq!(value(&test.lake, query).await, "=0@2 a=2@2");
    let then = egret_lake::ReadOptions { at: Some(egret_lake::At::Snapshot(before)), ..Default::default() };
    assert_eq!(value_with(&test.lake, &then, query).await, "=0@1 a=1@1");
    assert!(crate::commits::files_below(test.lake.data_folder()).is_empty());
}

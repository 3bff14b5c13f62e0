//! Entries of lookups: what findings, and people, told detections to remember.

use std::collections::HashSet;

use egret_model::Timestamp;
use serde::Serialize;
use sqlx::{QueryBuilder, Row};

use crate::change::{Change, ROWS, instant, json_list};
use crate::error::StoreError;
use crate::store::Store;

/// What a lookup remembers of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookupEntry {
    /// The key.
    pub key: String,
    /// What there is to know about it.
    pub value: String,
    /// When the event happened that wrote it, or somebody did.
    pub at: Timestamp,
}

impl Change {
    /// Writes entries of a lookup, each key once. One that is there and of a later time stays; of two of one time the greater
    /// value does, so that it does not matter who comes first. Of those that are new, no more are taken than until the lookup
    /// has `most`. Gives how many were not.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn put_lookup(
        &mut self,
        name: &str,
        entries: &[LookupEntry],
        most: u64,
    ) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM lookup WHERE name = $1";
        let count: i64 = sqlx::query_scalar(sql).bind(name).fetch_one(&mut *self.transaction).await?;
        let mut room = most.saturating_sub(count.unsigned_abs());
        let mut taken: Vec<&LookupEntry> = entries.iter().collect();
        if entries.len() as u64 > room {
            let known = self.known_keys(name, entries).await?;
            taken.retain(|entry| {
                let is_taken = known.contains(&entry.key) || room > 0;
                room -= u64::from(is_taken && !known.contains(&entry.key));
                is_taken
            });
        }
        for chunk in taken.chunks(ROWS) {
            let mut insert = QueryBuilder::new("INSERT INTO lookup (name, key, value, at) ");
            insert.push_values(chunk, |mut row, entry| {
                row.push_bind(name)
                    .push_bind(&entry.key)
                    .push_bind(&entry.value)
                    .push_bind(entry.at.micros());
            });
            insert.push(
                " ON CONFLICT (name, key) DO UPDATE SET value = excluded.value, at = excluded.at \
                 WHERE (excluded.at, excluded.value) > (lookup.at, lookup.value)",
            );
            insert.build().execute(&mut *self.transaction).await?;
        }
        Ok((entries.len() - taken.len()) as u64)
    }

    async fn known_keys(
        &mut self,
        name: &str,
        entries: &[LookupEntry],
    ) -> Result<HashSet<String>, StoreError> {
        let sql = "SELECT key FROM lookup WHERE name = $1 AND key IN (SELECT value FROM json_each($2))";
        let keys = json_list(entries.iter().map(|entry| entry.key.as_str()));
        let known: Vec<String> =
            sqlx::query_scalar(sql).bind(name).bind(keys).fetch_all(&mut *self.transaction).await?;
        Ok(known.into_iter().collect())
    }

    /// Forgets one entry; whether it was there.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn remove_from_lookup(&mut self, name: &str, key: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM lookup WHERE name = $1 AND key = $2";
        let gone = sqlx::query(sql).bind(name).bind(key).execute(&mut *self.transaction).await?;
        Ok(gone.rows_affected() > 0)
    }

    /// Forgets entries of before a time, at most so many, the oldest first; how many went.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn thin_lookup(&mut self, name: &str, before: Timestamp, most: u32) -> Result<u64, StoreError> {
        let sql = "DELETE FROM lookup WHERE name = $1 AND key IN \
                   (SELECT key FROM lookup WHERE name = $1 AND at < $2 ORDER BY at LIMIT $3)";
        let delete = sqlx::query(sql).bind(name).bind(before.micros()).bind(most);
        Ok(delete.execute(&mut *self.transaction).await?.rows_affected())
    }
}

impl Store {
    /// What a lookup remembers, sorted by key; of `since` and later, if that is said.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn lookup(&self, name: &str, since: Option<Timestamp>) -> Result<Vec<LookupEntry>, StoreError> {
        let sql = "SELECT key, value, at FROM lookup WHERE name = $1 AND at >= $2 ORDER BY key";
        let since = since.map_or(i64::MIN, Timestamp::micros);
        let rows = sqlx::query(sql).bind(name).bind(since).fetch_all(&self.pool).await?;
        let entry = |row: &sqlx::sqlite::SqliteRow| -> Result<LookupEntry, sqlx::Error> {
            Ok(LookupEntry { key: row.try_get(0)?, value: row.try_get(1)?, at: instant(row.try_get(2)?) })
        };
        Ok(rows.iter().map(entry).collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, value: &str, at: i64) -> LookupEntry {
        LookupEntry { key: key.into(), value: value.into(), at: Timestamp::from_seconds(at) }
    }

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.sqlite")).await.unwrap();
        (folder, store)
    }

    async fn put(store: &Store, entries: &[LookupEntry], most: u64) -> u64 {
        let mut change = store.change().await.unwrap();
        let refused = change.put_lookup("known", entries, most).await.unwrap();
        change.commit().await.unwrap();
        refused
    }

    #[tokio::test]
    async fn the_later_event_wins_in_any_order() {
        let (_folder, store) = store().await;
        put(&store, &[entry("ada", "second", 20), entry("bob", "b", 20)], 9).await;
        put(&store, &[entry("ada", "first", 10), entry("bob", "a", 20)], 9).await;
        put(&store, &[entry("cyd", "third", 30)], 9).await;
        let expected = [entry("ada", "second", 20), entry("bob", "b", 20), entry("cyd", "third", 30)];
        assert_eq!(store.lookup("known", None).await.unwrap(), expected);
        assert_eq!(store.lookup("known", Some(Timestamp::from_seconds(21))).await.unwrap(), expected[2..]);
        assert!(store.lookup("others", None).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_full_lookup_takes_what_it_knows_and_nothing_new() {
        let (_folder, store) = store().await;
        assert_eq!(put(&store, &[entry("a", "1", 1), entry("b", "1", 1), entry("c", "1", 1)], 2).await, 1);
        assert_eq!(put(&store, &[entry("0", "2", 2), entry("b", "2", 2)], 2).await, 1);
        assert_eq!(store.lookup("known", None).await.unwrap(), [entry("a", "1", 1), entry("b", "2", 2)]);
    }

    #[tokio::test]
    async fn what_is_old_goes_bit_by_bit() {
        let (_folder, store) = store().await;
        put(&store, &[entry("a", "", 3), entry("b", "", 1), entry("c", "", 2), entry("d", "", 9)], 9).await;
        let mut change = store.change().await.unwrap();
        for expected in [2, 1, 0] {
            let gone = change.thin_lookup("known", Timestamp::from_seconds(5), 2).await.unwrap();
            assert_eq!(gone, expected);
        }
        assert!(change.remove_from_lookup("known", "d").await.unwrap());
        assert!(!change.remove_from_lookup("known", "d").await.unwrap());
        change.commit().await.unwrap();
        assert!(store.lookup("known", None).await.unwrap().is_empty());
    }
}

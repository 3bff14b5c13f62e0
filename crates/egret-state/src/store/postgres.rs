//! States in PostgreSQL: for several machines that run generators.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use async_trait::async_trait;
use egret_model::{Secret, Timestamp};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Postgres, QueryBuilder, Row as _};

use super::filter::push_filter;
use super::{Blob, BlobId, RunFilter, RunRecord, StateStore, StateStoreError, checked};
use crate::generators::hidden::Hidden;
use crate::postgres::{place_of, with_safe_tls};

/// How long connecting, or waiting for a free connection, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Blobs of one statement: so many, or so many bytes.
const ROWS: usize = 512;
const BYTES: usize = 8 << 20;

/// Names the lock under which the tables are made; any number that nobody else has.
const MIGRATION_LOCK: i64 = 0x6567_7265_7473_7461;

/// What makes each version of the schema from the one before; `S` is its name. A version that was released is never
/// changed.
const VERSIONS: &[&[&str]] = &[&[
    "CREATE TABLE S.version (version bigint NOT NULL)",
    "INSERT INTO S.version VALUES (0)",
    // The time is not indexed, so that noting it rewrites nothing else.
    "CREATE TABLE S.blob (id bytea PRIMARY KEY, wanted_at bigint NOT NULL, bytes bytea NOT NULL)",
    "CREATE TABLE S.run (generator text COLLATE \"C\" NOT NULL, run text COLLATE \"C\" NOT NULL, started_at bigint NOT NULL, \
     has_state boolean NOT NULL, body text NOT NULL, PRIMARY KEY (generator, run))",
    "CREATE INDEX run_started ON S.run (generator, started_at)",
]];

/// States in a schema of PostgreSQL.
#[derive(Clone)]
pub struct PostgresStateStore {
    pool: PgPool,
    schema: String,
    /// As people name it, without what is secret.
    place: String,
}

/// The pool knows the password.
impl fmt::Debug for PostgresStateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresStateStore").field(&self.place).finish()
    }
}

impl PostgresStateStore {
    /// Opens the store in a schema of the database at `url`, and makes the schema with its tables where there is none.
    ///
    /// # Errors
    /// If `url` or `schema` is none, the database cannot be used, or the store is of a newer version.
    pub async fn open(url: &Secret, schema: &str) -> Result<Self, StateStoreError> {
        let place =
            |place: &str, why: &str| StateStoreError::Place { place: place.to_owned(), why: why.to_owned() };
        // What is wrong with a URL may be the password, so it is not repeated.
        let hidden = Hidden::of_url(url);
        let options = PgConnectOptions::from_str(url.expose())
            .map_err(|_| place("the URL", "write postgres://user:password@host/database"))?;
        let options = with_safe_tls(options.application_name("egret").disable_statement_logging());
        let named = format!("{}, schema {schema}", place_of(&options));
        if !is_schema_name(schema) {
            return Err(place(
                &named,
                "a schema's name has small letters, digits and `_`, and begins with a letter",
            ));
        }
        // The pool would go on trying without a word of why; one that is told why it cannot is first.
        let unreachable = |why: String| StateStoreError::Unreachable { place: named.clone(), why };
        let first = tokio::time::timeout(PATIENCE, options.connect()).await;
        let mut first = first
            .map_err(|_| unreachable(format!("no answer within {PATIENCE:?}")))?
            .map_err(|error| unreachable(hidden.hide(&error.to_string())))?;
        migrate(&mut first, schema, &named).await?;
        // That the server hears of its end is a courtesy.
        let _ = first.close().await;
        let pool =
            PgPoolOptions::new().max_connections(4).acquire_timeout(PATIENCE).connect_lazy_with(options);
        Ok(Self { pool, schema: schema.to_owned(), place: named })
    }

    fn sql(&self, sql: &str) -> AssertSqlSafe<String> {
        in_schema(&self.schema, sql)
    }

    /// Notes that blobs were wanted. Returns those that are there.
    async fn renew(&self, blobs: &[&Blob], now: Timestamp) -> Result<HashSet<Vec<u8>>, StateStoreError> {
        // All take rows in the order of their names: two that took them crosswise would wait for each other.
        let sql = "WITH wanted AS (SELECT id FROM S.blob WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE) \
            UPDATE S.blob b SET wanted_at = greatest(b.wanted_at, $2) FROM wanted WHERE b.id = wanted.id RETURNING b.id";
        let ids: Vec<&[u8]> = blobs.iter().map(|blob| blob.id.as_bytes()).collect();
        let there: Vec<Vec<u8>> =
            sqlx::query_scalar(self.sql(sql)).bind(ids).bind(now.micros()).fetch_all(&self.pool).await?;
        Ok(there.into_iter().collect())
    }

    async fn insert(&self, blobs: &[&Blob], now: Timestamp) -> Result<(), StateStoreError> {
        let sql = "INSERT INTO S.blob AS b (id, bytes, wanted_at) SELECT id, bytes, $3 FROM unnest($1, $2) AS new (id, bytes) \
            ON CONFLICT (id) DO UPDATE SET wanted_at = greatest(b.wanted_at, excluded.wanted_at)";
        let ids: Vec<&[u8]> = blobs.iter().map(|blob| blob.id.as_bytes()).collect();
        let bytes: Vec<&[u8]> = blobs.iter().map(|blob| blob.bytes.as_slice()).collect();
        sqlx::query(self.sql(sql)).bind(ids).bind(bytes).bind(now.micros()).execute(&self.pool).await?;
        Ok(())
    }
}

#[async_trait]
impl StateStore for PostgresStateStore {
    async fn put(&self, blobs: &[Blob], now: Timestamp) -> Result<(), StateStoreError> {
        let mut blobs: Vec<&Blob> = blobs.iter().collect();
        blobs.sort_unstable_by_key(|blob| blob.id);
        // One statement must not touch a row twice.
        blobs.dedup_by_key(|blob| blob.id);
        for blobs in blobs.chunks(ROWS) {
            // Most of a state was there before: its bytes need not be sent.
            let there = self.renew(blobs, now).await?;
            let mut new: &[&Blob] =
                &blobs.iter().filter(|blob| !there.contains(blob.id.as_bytes())).copied().collect::<Vec<_>>();
            while !new.is_empty() {
                let (batch, rest) = new.split_at(rows_within(new));
                self.insert(batch, now).await?;
                new = rest;
            }
        }
        Ok(())
    }

    async fn get(&self, ids: &[BlobId]) -> Result<Vec<Vec<u8>>, StateStoreError> {
        let mut found: HashMap<Vec<u8>, Vec<u8>> = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(ROWS) {
            let ids: Vec<&[u8]> = ids.iter().map(BlobId::as_bytes).collect();
            let select = sqlx::query_as(self.sql("SELECT id, bytes FROM S.blob WHERE id = ANY($1)"));
            found.extend(select.bind(ids).fetch_all(&self.pool).await?);
        }
        ids.iter().map(|id| checked(*id, found.get(id.as_bytes()).cloned())).collect()
    }

    async fn old_blobs(
        &self,
        after: Option<BlobId>,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobId>, StateStoreError> {
        let sql = "SELECT id FROM S.blob WHERE id > $1 AND wanted_at < $2 ORDER BY id LIMIT $3";
        let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(self.sql(sql))
            .bind(after)
            .bind(before.micros())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().filter_map(|id| BlobId::from_bytes(id)).collect())
    }

    async fn remove(&self, ids: &[BlobId], before: Timestamp) -> Result<u64, StateStoreError> {
        // Where a `put` had the row first, the time is looked at again once it is done.
        let sql = "DELETE FROM S.blob WHERE id IN \
            (SELECT id FROM S.blob WHERE id = ANY($1) AND wanted_at < $2 ORDER BY id FOR UPDATE)";
        let mut removed = 0;
        for ids in ids.chunks(ROWS) {
            let ids: Vec<&[u8]> = ids.iter().map(BlobId::as_bytes).collect();
            let delete = sqlx::query(self.sql(sql)).bind(ids).bind(before.micros());
            removed += delete.execute(&self.pool).await?.rows_affected();
        }
        Ok(removed)
    }

    async fn put_run(&self, run: &RunRecord) -> Result<(), StateStoreError> {
        let sql = "INSERT INTO S.run (generator, run, started_at, has_state, body) VALUES ($1, $2, $3, $4, $5) \
            ON CONFLICT (generator, run) DO UPDATE SET started_at = excluded.started_at, has_state = excluded.has_state, \
            body = excluded.body";
        sqlx::query(self.sql(sql))
            .bind(&run.generator)
            .bind(&run.run)
            .bind(run.started_at.micros())
            .bind(run.has_state())
            .bind(run.to_text())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StateStoreError> {
        let mut select = QueryBuilder::<Postgres>::new(self.sql("SELECT body FROM S.run").0);
        push_filter(&mut select, filter);
        let rows = select.build().fetch_all(&self.pool).await?;
        rows.iter().map(|row: &PgRow| RunRecord::from_text(row.try_get(0)?)).collect()
    }

    async fn generators(&self) -> Result<Vec<String>, StateStoreError> {
        let sql = "SELECT DISTINCT generator FROM S.run ORDER BY generator";
        Ok(sqlx::query_scalar(self.sql(sql)).fetch_all(&self.pool).await?)
    }

    async fn remove_runs(
        &self,
        generator: &str,
        before: Timestamp,
        except: Option<&str>,
    ) -> Result<u64, StateStoreError> {
        let sql = "DELETE FROM S.run WHERE generator = $1 AND started_at < $2 AND run IS DISTINCT FROM $3";
        let delete = sqlx::query(self.sql(sql)).bind(generator).bind(before.micros()).bind(except);
        Ok(delete.execute(&self.pool).await?.rows_affected())
    }
}

/// `sql` with the name of the schema for each `S.`
fn in_schema(schema: &str, sql: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql.replace("S.", &format!("\"{schema}\".")))
}

async fn migrate(connection: &mut PgConnection, schema: &str, place: &str) -> Result<(), StateStoreError> {
    let sql = |sql: &str| in_schema(schema, sql);
    let known = VERSIONS.len() as i64;
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK).execute(&mut *transaction).await?;
    let exists = "SELECT to_regnamespace($1) IS NOT NULL, to_regclass($1 || '.version') IS NOT NULL";
    let (has_schema, has_version): (bool, bool) =
        sqlx::query_as(exists).bind(format!("\"{schema}\"")).fetch_one(&mut *transaction).await?;
    let found: i64 = match has_version {
        true => sqlx::query_scalar(sql("SELECT version FROM S.version")).fetch_one(&mut *transaction).await?,
        false => 0,
    };
    if found > known {
        return Err(StateStoreError::Version { place: place.to_owned(), found, known });
    }
    if found == known {
        return Ok(());
    }
    // Who may not make schemas may use one that somebody made for them.
    if !has_schema {
        let create = AssertSqlSafe(format!("CREATE SCHEMA \"{schema}\""));
        sqlx::query(create).execute(&mut *transaction).await?;
    }
    for statement in VERSIONS.iter().skip(usize::try_from(found).unwrap_or(0)).copied().flatten() {
        sqlx::query(sql(statement)).execute(&mut *transaction).await?;
    }
    sqlx::query(sql("UPDATE S.version SET version = $1")).bind(known).execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

/// Whether this is a name that schemas have, without anything that would have to be escaped.
pub(crate) fn is_schema_name(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    name.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_')
        && name.len() < 64
        && name.chars().all(is_plain)
}

/// How many of the blobs, one at least, fit into a statement.
fn rows_within(blobs: &[&Blob]) -> usize {
    let mut bytes = 0;
    let fits = |blob: &&&Blob| {
        bytes += blob.bytes.len();
        bytes <= BYTES
    };
    blobs.iter().take_while(fits).count().max(1)
}

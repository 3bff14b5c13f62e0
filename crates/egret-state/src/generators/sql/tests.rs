//! Real databases.

use std::time::{Duration, Instant};

use egret_peer::{Authority, MariaDbPeer, PostgresPeer};
use serde_json::json;
use sqlx::mysql::MySqlConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

use super::*;
use crate::testing::{context, definition, documents_of, mistakes};

fn block(url: &str, query: &str, more: &str) -> String {
    format!("generator \"sql\" \"s\" {{\n url = \"{url}\"\n query = <<-SQL\n{query}\nSQL\n{more}\n}}")
}

async fn rows(url: &str, query: &str) -> Vec<String> {
    documents_of(&block(url, query, "key = [\"k\"]")).await.unwrap().0
}

async fn row(url: &str, query: &str) -> serde_json::Value {
    let rows = rows(url, query).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    serde_json::from_str(rows[0].split_once(' ').unwrap().1).unwrap()
}

async fn error(url: &str, query: &str, more: &str) -> GenerateError {
    match documents_of(&block(url, query, more)).await {
        Err(error) => error,
        Ok((documents, _)) => panic!("{query} gave {documents:?}"),
    }
}

#[track_caller]
fn is_refused(error: &GenerateError, expected: &str) {
    assert!(matches!(error, GenerateError::Refused { message } if message.contains(expected)), "{error:?}");
}

#[track_caller]
fn is_retried(error: &GenerateError, expected: &str) {
    assert!(matches!(error, GenerateError::Retry { message, .. } if message.contains(expected)), "{error:?}");
}

async fn mariadb(peer: &MariaDbPeer, sql: &str) {
    let url = peer.url("test");
    let mut connection = MySqlConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
}

async fn sqlite_file(path: &std::path::Path, sql: &str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn postgres_types_become_json() {
    let peer = PostgresPeer::shared().unwrap();
    let database = peer.new_database().unwrap();
    let setup = "create type mood as enum ('sad', 'it''s ok'); create domain small as int check (value < 10); \
        create type pair as (a int, b text); alter database DB set datestyle = 'SQL, DMY'; \
        alter database DB set timezone = 'Asia/Tokyo'; alter database DB set bytea_output = 'escape'; \
        alter database DB set intervalstyle = 'sql_standard'";
    peer.execute(&database, &setup.replace("DB", &database)).unwrap();
    let query = r#"select 1 as k, true as yes, 32767::int2 as i2, 9223372036854775807::int8 as i8, 4294967295::oid as o,
        0.1::float4 as f4, 0.1::float8 + 0.2 as f8, 'NaN'::float8 as nan, '-Infinity'::float4 as inf,
        12345678901234567890.123456789::numeric as n, 'a "b" \ ä'::text as t, 'v'::varchar(5) as v, 'c'::char(3) as c,
        '{"b": [1, null], "a": "x"}'::json as j, '{"n": 1.5}'::jsonb as jb, '\x00ff'::bytea as b,
        '2024-02-01 10:00:00.123456+02'::timestamptz as tz, '2024-02-01 10:00:00'::timestamp as ts,
        'infinity'::timestamptz as never, '2024-02-01'::date as d, '10:00:00.5'::time as ti,
        '1 year 2 months 3 days 04:05:06'::interval as iv, '123e4567-e89b-12d3-a456-426614174000'::uuid as u,
        'it''s ok'::mood as m, 7::small as s, row(1, 'x')::pair as p, '10.0.0.0/8'::cidr as ci, '[1,5)'::int4range as r,
        '12.50'::money as money, null::int as nothing, B'101' as bits"#;
    assert_eq!(
        row(&peer.url(&database), query).await,
        json!({
            "k": 1, "yes": true, "i2": 32767, "i8": i64::MAX, "o": 4294967295_u32, "f4": 0.1,
            "f8": 0.30000000000000004, "nan": "NaN", "inf": "-Infinity", "n": "12345678901234567890.123456789",
            "t": "a \"b\" \\ ä", "v": "v", "c": "c  ", "j": {"b": [1, null], "a": "x"}, "jb": {"n": 1.5}, "b": "AP8=",
            "tz": "2024-02-01T08:00:00.123456Z", "ts": "2024-02-01T10:00:00", "never": "infinity", "d": "2024-02-01",
            "ti": "10:00:00.5", "iv": "P1Y2M3DT4H5M6S", "u": "123e4567-e89b-12d3-a456-426614174000", "m": "it's ok",
            "s": 7, "p": "(1,x)", "ci": "10.0.0.0/8", "r": "[1,5)", "money": "$12.50", "nothing": null, "bits": "101",
        })
    );
    let query = r#"select 1 as k, array[1, null, 3] as i, array['a,b', 'c"d', null, 'NULL'] as t, '{}'::bool[] as none,
        array[[true, false], [false, true]] as nested, array['sad']::mood[] as m, array[7]::small[] as s,
        array['\x00']::bytea[] as b, array['2024-02-01 10:00:00+00']::timestamptz[] as tz, array['{"a": 1}']::jsonb[] as j,
        '[0:1]={1,2}'::int[] as bounds, array['(1,2),(3,4)']::box[] as boxes, '1 2'::int2vector as vector,
        null::int[] as nothing"#;
    assert_eq!(
        row(&peer.url(&database), query).await,
        json!({
            // A list is a set unless `ordered` says otherwise: its canonical form is sorted.
            "k": 1, "i": [1, 3, null], "t": ["NULL", "a,b", "c\"d", null], "none": [],
            "nested": [[false, true], [false, true]], "m": ["sad"], "s": [7], "b": ["AA=="],
            "tz": ["2024-02-01T10:00:00Z"], "j": [{"a": 1}], "bounds": [1, 2], "boxes": ["(3,4),(1,2)"], "vector": "1 2",
            "nothing": null,
        })
    );
}

#[tokio::test]
async fn postgres_rows_are_read_and_nothing_else_is_done() {
    let peer = PostgresPeer::shared().unwrap();
    let database = peer.new_database().unwrap();
    peer.execute(
        &database,
        "create table t (k int, v text); insert into t select i, repeat('x', 100) from generate_series(1, 30000) i; \
         create function writes() returns int language sql as 'insert into t values (0, '''') returning k'; \
         create role reader login password 'hunter2'; create role nobody login",
    )
    .unwrap();
    let url = peer.url(&database);
    assert_eq!(rows(&url, "select k, v from t;\n-- all of them").await.len(), 30_000);
    assert_eq!(rows(&url, "select k from t where false").await, [""; 0]);
    assert_eq!(rows(&url, "with a as (values (1), (2)) table a").await.len(), 2);
    for (query, expected) in [
        ("select writes()", "cannot execute INSERT in a read-only transaction"),
        ("insert into t values (1, '') returning k", "syntax error"),
        ("select 1; commit; drop table t", "cannot insert multiple commands into a prepared statement"),
        ("drop table t", "syntax error"),
        ("select nonsense", "column \"nonsense\" does not exist"),
        ("select 1 as a, 2 as a", "the query gives the column `a` twice"),
        ("select 1 / (k - 20000) from t", "division by zero"),
    ] {
        is_refused(&error(&url, query, "").await, expected);
    }
    assert_eq!(rows(&url, "select count(*) as k from t").await, ["30000 {\"k\":30000}"]);
    let reader = peer.url_as("reader", "hunter2", &database);
    is_refused(&error(&reader, "select * from t", "").await, "permission denied for table t");
    for wrong in [peer.url_as("reader", "wrong-password", &database), peer.url_as("nobody", "", &database)] {
        let error = error(&wrong, "select 1", "").await;
        is_refused(&error, "says: password authentication failed for user");
        assert!(!error.to_string().contains("wrong-password"), "{error}");
    }
    is_refused(&error(&peer.url("missing"), "select 1", "").await, "database \"missing\" does not exist");
    let socket = peer.socket_folder().display().to_string().replace('/', "%2F");
    let socket = format!("postgres://egret@{socket}:{}/{database}", peer.port());
    assert_eq!(rows(&socket, "select 1 as k").await, ["1 {\"k\":1}"]);
}

#[tokio::test]
async fn postgres_ends_what_takes_too_long_and_tells_what_may_pass() {
    let peer = PostgresPeer::shared().unwrap();
    let url = peer.url("postgres");
    let began = Instant::now();
    let late = error(&url, "select pg_sleep(60)", "timeout = \"1500ms\"").await;
    is_retried(&late, "canceling statement due to statement timeout");
    assert!(began.elapsed() < Duration::from_secs(2));
    let kill = "select pg_terminate_backend(pg_backend_pid()), pg_sleep(1)";
    is_retried(&error(&url, kill, "").await, "terminating connection due to administrator command");
    // One that says nothing.
    let listening = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("postgres://a:hunter2@127.0.0.1:{}/a", listening.local_addr().unwrap().port());
    is_retried(&error(&silent, "select 1", "request_timeout = \"300ms\"").await, "did not answer in time");
    drop(listening);
    is_retried(&error(&silent, "select 1", "request_timeout = \"300ms\"").await, "cannot reach the database");
    // One that says something else.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://a:hunter2@127.0.0.1:{}/a", other.local_addr().unwrap().port());
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = other.accept() {
            use std::io::Write as _;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = error(&url, "select 1", "request_timeout = \"2s\"").await;
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn certificates_of_postgres_are_verified() {
    let authority = Authority::new().unwrap();
    let peer = PostgresPeer::start_tls(&authority).unwrap();
    let url = format!("{}?sslmode=require", peer.url("postgres"));
    is_retried(&error(&url, "select 1", "").await, "UnknownIssuer");
    let ca = format!("ca_file = \"{}\"", authority.ca_file().display());
    let ssl = "select ssl as k from pg_stat_ssl where pid = pg_backend_pid()";
    let (documents, _) = documents_of(&block(&url, ssl, &format!("{ca}\n key = [\"k\"]"))).await.unwrap();
    assert_eq!(documents, ["true {\"k\":true}"]);
    let plain = format!("{}?sslmode=disable", peer.url("postgres"));
    is_refused(&error(&plain, "select 1", "").await, "no pg_hba.conf entry for host");
    // The certificate is for `localhost`.
    let other = url.replace("@localhost:", "@127.0.0.1:");
    is_retried(&error(&other, "select 1", &ca).await, "certificate not valid for name");
}

#[tokio::test]
async fn mariadb_types_become_json() {
    let peer = MariaDbPeer::shared().unwrap();
    let setup = "create table types (k int unsigned, yes boolean, no tinyint(1), other tinyint(1), small tinyint, \
        big bigint unsigned, f float, d double, n decimal(30, 9), t text, v varchar(20) character set latin1, \
        c varchar(20) collate utf8mb4_bin, e enum('a', 'b'), s set('x', 'y'), j json, bl blob, bi varbinary(4), b1 bit(1), \
        b12 bit(12), dt datetime(6), ts timestamp(3), da date, zero datetime, ti time, y year, g point, nothing int); \
        set time_zone = '+09:00'; set sql_mode = ''; \
        insert into types values (4294967295, true, false, 5, -128, 18446744073709551615, 0.5, 0.1, \
        123456789012345678901.123456789, 'a \"b\" ä', 'é', 'ü', 'b', 'x,y', '{\"a\": 1}', x'00ff', x'01', b'1', \
        b'100000000001', '2024-02-01 10:00:00.123456', '2024-02-01 10:00:00.5', '2024-02-01', '0000-00-00', '-25:00:00', \
        2024, point(1, 2), null)";
    mariadb(peer, setup).await;
    let found = row(&peer.url("test"), "select * from types").await;
    let point = found["g"].clone();
    assert_eq!(
        found,
        json!({
            "k": 4294967295_u32, "yes": true, "no": false, "other": 5, "small": -128, "big": u64::MAX, "f": 0.5, "d": 0.1,
            "n": "123456789012345678901.123456789", "t": "a \"b\" ä", "v": "é", "c": "ü", "e": "b", "s": "x,y",
            "j": "{\"a\": 1}", "bl": "AP8=", "bi": "AQ==", "b1": 1, "b12": 2049, "dt": "2024-02-01T10:00:00.123456",
            "ts": "2024-02-01T01:00:00.500Z", "da": "2024-02-01", "zero": "0000-00-00T00:00:00", "ti": "-25:00:00",
            "y": 2024, "g": point, "nothing": null,
        })
    );
    assert_eq!(point.as_str().map(str::len), Some(36), "{point}");
    // What is computed has types too.
    let query = "select 1 as k, 'x' as t, 1.50 as n, 1e0 as d, now() > '2000-01-01' as yes, null as nothing, 0xff as b, \
        concat('a' || 'b') as c";
    let expected =
        json!({"k": 1, "t": "x", "n": "1.50", "d": 1.0, "yes": 1, "nothing": null, "b": "/w==", "c": "0"});
    assert_eq!(row(&peer.url("test"), query).await, expected);
}

#[tokio::test]
async fn mariadb_rows_are_read_and_nothing_else_is_done() {
    let peer = MariaDbPeer::shared().unwrap();
    mariadb(
        peer,
        "create table t (k int primary key, v varchar(200)); \
         insert into t select seq, repeat('x', 100) from seq_1_to_30000; \
         create procedure writes() begin insert into t values (0, ''); select 1; end; \
         create function writes_too() returns int begin insert into t values (0, ''); return 1; end; \
         create user reader@'127.0.0.1' identified by 'hunter2'; grant usage on test.* to reader@'127.0.0.1'",
    )
    .await;
    let url = peer.url("test");
    assert_eq!(rows(&url, "select k, v from t;\n-- all of them").await.len(), 30_000);
    assert_eq!(rows(&url.replace("mysql://", "mariadb://"), "select k from t where false").await, [""; 0]);
    assert_eq!(rows(&url, "show databases like 'test'").await.len(), 1);
    for (query, expected) in [
        ("select writes_too()", "Cannot execute statement in a READ ONLY transaction"),
        ("insert into t values (0, '')", "the query is a statement that gives no rows"),
        ("drop table t", "the query is a statement that gives no rows"),
        ("call writes()", "the query is a statement that gives no rows"),
        ("select 1; drop table t", "error in your SQL syntax"),
        ("select nonsense", "Unknown column 'nonsense'"),
        ("select 1 as a, 2 as a", "the query gives the column `a` twice"),
    ] {
        is_refused(&error(&url, query, "").await, expected);
    }
    assert_eq!(rows(&url, "select count(*) as k from t").await, ["30000 {\"k\":30000}"]);
    let reader = peer.url_as("reader", "hunter2", "test");
    is_refused(&error(&reader, "select * from t", "").await, "denied");
    let wrong = error(&peer.url_as("reader", "wrong-password", "test"), "select 1", "").await;
    is_refused(&wrong, "Access denied for user");
    assert!(!wrong.to_string().contains("wrong-password"), "{wrong}");
    let began = Instant::now();
    let query = "select count(*) from t a, t b, t c where a.v < concat(b.v, c.v)";
    is_retried(&error(&url, query, "timeout = \"1500ms\"").await, "max_statement_time exceeded");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn certificates_of_mariadb_are_verified() {
    let authority = Authority::new().unwrap();
    let peer = MariaDbPeer::start_tls(&authority).unwrap();
    let url = format!("{}?ssl-mode=required", peer.url("test"));
    is_retried(&error(&url, "select 1", "").await, "UnknownIssuer");
    let ca = format!("ca_file = \"{}\"", authority.ca_file().display());
    let (documents, _) = documents_of(&block(&url, "show status like 'ssl_version'", &ca)).await.unwrap();
    assert!(documents[0].contains("TLSv1.3"), "{documents:?}");
    let plain = format!("{}?ssl-mode=disabled", peer.url("test"));
    is_refused(&error(&plain, "select 1", "").await, "denied");
}

#[tokio::test]
async fn sqlite_values_become_json() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    sqlite_file(
        &path,
        "create table t (k int, yes boolean, odd boolean, r real, t text, b blob, any, n numeric, ts timestamp, none); \
         insert into t values (9223372036854775807, 1, 7, 0.1, 'a ä', x'00ff', 'text', 1e999, '2024-02-01 10:00:00', null)",
    )
    .await;
    let url = format!("sqlite:{}", path.display());
    assert_eq!(
        row(&url, "select * from t").await,
        json!({
            "k": i64::MAX, "yes": true, "odd": 7, "r": 0.1, "t": "a ä", "b": "AP8=", "any": "text", "n": "inf",
            "ts": "2024-02-01 10:00:00", "none": null,
        })
    );
    is_refused(
        &error(&url, "select cast(x'ff' as text) as broken", "").await,
        "the column `broken` has text that is not in UTF-8",
    );
}

#[tokio::test]
async fn sqlite_files_are_read_and_nothing_else_is_done() {
    let folder = tempfile::tempdir().unwrap();
    sqlite_file(&folder.path().join("app.db"), "create table t (k int, v text)").await;
    let url = format!("sqlite:{}", folder.path().join("app.db").display());
    let query = "with recursive n(k) as (select 1 union all select k + 1 from n where k < 30000) select k from n; -- all";
    assert_eq!(rows(&url, query).await.len(), 30_000);
    for (query, expected) in [
        ("insert into t values (1, '')", "attempt to write a readonly database"),
        ("pragma query_only = 0; insert into t values (1, '')", "attempt to write a readonly database"),
        ("select 1 as k; select 2 as k", "the query is more than one statement"),
        ("select nonsense", "no such column: nonsense"),
        ("select 1 as a, 2 as a", "the query gives the column `a` twice"),
        ("select load_extension('x')", "not authorized"),
    ] {
        is_refused(&error(&url, query, "").await, expected);
    }
    assert_eq!(rows(&url, "select count(*) as k from t").await, ["0 {\"k\":0}"]);
    let attached = format!("attach '{}' as other", folder.path().join("new.db").display());
    assert!(
        documents_of(&block(&url, &attached, "")).await.is_err() && !folder.path().join("new.db").exists()
    );
    let missing = format!("sqlite:{}", folder.path().join("missing.db").display());
    is_refused(&error(&missing, "select 1", "").await, "unable to open database file");
    assert!(!folder.path().join("missing.db").exists());
    std::fs::write(folder.path().join("odd.db"), "x".repeat(5000)).unwrap();
    let odd = format!("sqlite:{}", folder.path().join("odd.db").display());
    is_refused(&error(&odd, "select * from t", "").await, "file is not a database");
    // Relative paths start where the block is.
    let definition = definition(&block("sqlite:app.db", "select 1 as k", ""), &context(folder.path()));
    let mut documents = Documents::new(definition.shape.clone(), Vec::new());
    definition.generator.generate(&mut documents).await.unwrap();
    assert_eq!(documents.count(), 1);
    let began = Instant::now();
    let query = "with recursive n(k) as (select 1 union all select k + 1 from n) select count(*) from n";
    is_retried(&error(&url, query, "timeout = \"1500ms\"").await, "did not answer the query before the time");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn mistakes_are_told_and_secrets_are_not() {
    for (url, more) in [
        ("oracle://egret:hunter2@db/app", ""),
        ("postgres://egret:hunter2@db:port/app", ""),
        ("hunter2", ""),
        ("postgres://egret:hunter2@db/app", "client_key = \"a\""),
    ] {
        let shown = mistakes(&block(url, "select 1", more));
        assert!(shown.contains("error") && !shown.contains("hunter2"), "{shown}");
    }
    let text = block("postgres://egret:hunter2@db.example/app", "select 1", "");
    let definition = definition(&text, &context(&std::env::temp_dir()));
    assert!(!format!("{definition:?}").contains("hunter2"), "{definition:?}");
}

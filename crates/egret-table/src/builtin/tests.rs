//! Every built-in table against its samples: `tables/<name>/samples/*` decoded and mapped must give the rows of
//! `tables/<name>/expected.jsonl`. `EGRET_UPDATE_EXPECTED=1` writes those instead; the diff is the review.

mod windows;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use arrow::array::RecordBatch;
use arrow::json::LineDelimitedWriter;
use chrono_tz::Tz;
use egret_format::{Block, Format, ObjectContext, RowBuilder};
use egret_model::{RecordIds, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::testing::FakeCompiler;
use crate::{Mapped, PartitionContext, RowOrigin, TableDefinition, TableMapper, Tables};

/// When the samples were collected; also the year of those that name none.
const INGESTED: &str = "2024-03-01T00:00:00Z";

fn folder() -> PathBuf {
    egret_testkit::crate_folder().join("../../tables")
}

/// A table's format, and its mapper in a partition that says nothing.
struct Reader {
    format: Arc<dyn Format>,
    mapper: TableMapper,
}

impl Reader {
    fn new(table: &TableDefinition) -> Self {
        let mut mistakes = egret_config::Diagnostics::new();
        let format = table.format.as_ref().unwrap().resolve(|_, _| None, &mut mistakes);
        let format = format.unwrap_or_else(|| panic!("{}", mistakes.render(false)));
        let context = PartitionContext { format_fields: format.fields(), ..PartitionContext::new("samples") };
        let mapper = table.compile(&FakeCompiler, context);
        Self { format, mapper: mapper.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false))) }
    }

    fn map(&self, name: &str, bytes: &[u8]) -> Mapped {
        let ingested = Timestamp::parse(INGESTED).unwrap();
        let object = ObjectContext { modified: ingested, timezone: Tz::UTC };
        let mut decoder = self.format.decoder(self.mapper.plan(), &object);
        let block = Block::new(bytes.to_vec(), 0, true);
        let mut rows = RowBuilder::new(self.mapper.plan(), &block, 0);
        assert_eq!(decoder.decode(&block, &mut rows), bytes.len(), "{name}");
        let location = format!("samples/{name}");
        let origin = RowOrigin {
            ids: RecordIds::new(&self.mapper.schema().name, &location),
            source_type: "file".to_owned(),
            source_name: "samples".to_owned(),
            source_location: location,
            ingest_timestamp: ingested,
        };
        let mapped = self.mapper.map(rows.finish(), &block, &origin);
        for field in mapped.rows.schema().fields() {
            if let Some(column) = self.mapper.schema().column(field.name()) {
                assert_eq!(*field.data_type(), column.column_type.to_arrow(), "{}", field.name());
            }
        }
        mapped
    }
}

/// The rows as JSON, JSON columns parsed so that they can be read.
fn to_json(table: &TableDefinition, rows: &RecordBatch) -> Vec<Value> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(rows).unwrap();
    writer.finish().unwrap();
    let schema = table.schema();
    let text = String::from_utf8(writer.into_inner()).unwrap();
    text.lines()
        .map(|line| {
            let mut row: Map<String, Value> = serde_json::from_str(line).unwrap();
            for name in
                ["tp_ingest_timestamp", "tp_table", "tp_partition", "tp_source_type", "tp_source_name"]
            {
                assert!(row.shift_remove(name).is_some(), "{name}");
            }
            for column in &schema.columns {
                if column.column_type.to_string() == "json"
                    && let Some(Value::String(text)) = row.get(&column.name)
                {
                    let parsed = serde_json::from_str(text).unwrap();
                    row.insert(column.name.clone(), parsed);
                }
            }
            Value::Object(row)
        })
        .collect()
}

fn outcomes(table: &TableDefinition, folder: &Path) -> Vec<Value> {
    let mut samples: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for entry in fs::read_dir(folder.join("samples")).unwrap() {
        let path = entry.unwrap().path();
        samples.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
    }
    assert!(!samples.is_empty(), "{} has no samples", folder.display());
    let reader = Reader::new(table);
    let mut outcomes = Vec::new();
    for (name, bytes) in &samples {
        let mapped = reader.map(name, bytes);
        outcomes.extend(to_json(table, &mapped.rows));
        for record in &mapped.quarantined {
            outcomes.push(json!({
                "quarantined": record.reason, "stage": record.stage.as_str(), "offset": record.offset,
                "raw": String::from_utf8_lossy(record.raw.as_deref().unwrap_or_default()),
                "tp_source_location": format!("samples/{name}"),
            }));
        }
    }
    outcomes
}

fn compare(name: &str) {
    let folder = folder().join(name);
    let tables = Tables::builtin();
    let outcomes: Vec<String> =
        outcomes(tables.get(name).unwrap(), &folder).iter().map(Value::to_string).collect();
    let file = folder.join("expected.jsonl");
    if std::env::var_os("EGRET_UPDATE_EXPECTED").is_some() {
        fs::write(&file, outcomes.join("\n") + "\n").unwrap();
        return;
    }
    let expected = fs::read_to_string(&file).unwrap();
    let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let expected: Vec<Value> = expected.lines().map(parse).collect();
    for (index, (got, expected)) in outcomes.iter().zip(&expected).enumerate() {
        assert_eq!(&parse(got), expected, "{name}, row {}", index + 1);
    }
    assert_eq!(outcomes.len(), expected.len(), "{name}: number of rows");
}

#[test]
fn aws_cloudtrail_log() {
    compare("aws_cloudtrail_log");
}

#[test]
fn aws_vpc_flow_log() {
    compare("aws_vpc_flow_log");
}

#[test]
fn nginx_access_log() {
    compare("nginx_access_log");
}

#[test]
fn apache_access_log() {
    compare("apache_access_log");
}

#[test]
fn linux_auth_log() {
    compare("linux_auth_log");
}

#[test]
fn change() {
    compare("change");
}

#[test]
fn syslog() {
    compare("syslog");
}

#[test]
fn windows_event_log() {
    compare("windows_event_log");
}

#[test]
fn every_built_in_table_has_a_test_and_describes_all_its_columns() {
    let tables = Tables::builtin();
    let this_file = include_str!("tests.rs");
    for table in tables.iter() {
        let name = &table.name.value;
        assert!(this_file.contains(&format!("compare(\"{name}\")")), "{name}");
        assert!(table.description.is_some() && table.channel.is_some() && table.format.is_some(), "{name}");
        for column in table.schema().columns {
            assert!(column.description.ends_with('.'), "{name}.{}", column.name);
        }
    }
    let folders = fs::read_dir(folder()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(tables.names().count(), folders.count(), "a table did not load");
}

/// Pieces of which an attacker may make a user's name or a folder, to look like the rest of a message.
const PIECES: [&str; 16] = [
    "root",
    " ",
    " from ",
    "6.6.6.6",
    " port ",
    "22",
    " ssh2",
    " [preauth]",
    ": RSA SHA256:x",
    "invalid user ",
    "]",
    " ; USER=",
    "bob",
    " ; COMMAND=",
    "user=",
    " rhost=",
];

/// The rows that `linux_auth_log` makes of messages of `program`.
fn auth_rows(program: &str, messages: &[String]) -> Vec<Map<String, Value>> {
    static READER: LazyLock<Reader> =
        LazyLock::new(|| Reader::new(Tables::builtin().get("linux_auth_log").unwrap()));
    let lines: String =
        messages.iter().map(|message| format!("Feb  1 10:00:00 web1 {program}[1]: {message}\n")).collect();
    let mapped = READER.map("forged.log", lines.as_bytes());
    assert!(mapped.quarantined.is_empty());
    crate::testing::rows_of(&mapped.rows)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_user_s_name_cannot_forge_an_address(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..12)
    ) {
        let name = pieces.concat();
        let messages = [
            format!("Failed password for invalid user {name} from 198.51.100.7 port 4321 ssh2"),
            format!("Failed publickey for invalid user {name} from 198.51.100.7 port 4321 ssh2: ED25519 SHA256:abc"),
            format!("Failed publickey for invalid user {name} from 198.51.100.7 port 4321 ssh2: RSA-CERT SHA256:q ID {name} (serial 0) CA RSA SHA256:r"),
            format!("Invalid user {name} from 198.51.100.7 port 4321"),
            format!("Invalid user {name} from 198.51.100.7"),
            format!("Disconnected from invalid user {name} 198.51.100.7 port 4321 [preauth]"),
            format!("Connection closed by authenticating user {name} 198.51.100.7 port 4321 [preauth]"),
            format!("Disconnecting invalid user {name} 198.51.100.7 port 4321: Too many authentication failures [preauth]"),
            format!("error: maximum authentication attempts exceeded for invalid user {name} from 198.51.100.7 port 4321 ssh2 [preauth]"),
            format!("Bad protocol version identification '{name}' from 198.51.100.7 port 4321"),
            format!("User {name} from 198.51.100.7 not allowed because not listed in AllowUsers"),
            format!("Received disconnect from 198.51.100.7 port 4321:11: {name}"),
            format!("pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser={name} rhost=198.51.100.7 "),
        ];
        for row in auth_rows("sshd", &messages) {
            let ip = row.get("source_ip").and_then(Value::as_str).unwrap_or("198.51.100.7");
            let port = row.get("source_port").and_then(Value::as_i64).unwrap_or(4321);
            prop_assert_eq!((ip, port), ("198.51.100.7", 4321), "{}", row["message"]);
            prop_assert!(row.contains_key("event_type"), "{}", row["message"]);
            prop_assert_ne!(row.get("result"), Some(&json!("success")), "{}", row["message"]);
        }
    }

    #[test]
    fn a_folder_or_command_cannot_forge_who_runs_what(
        folder in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..8),
        command in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..8),
    ) {
        let (folder, command) = (format!("/tmp/{}", folder.concat()), format!("/bin/sh {}", command.concat()));
        let rest = format!("TTY=pts/2 ; PWD={folder} ; USER=mallory2 ; COMMAND={command}");
        let messages = [format!("mallory : {rest}"), format!("mallory : user NOT in sudoers ; {rest}")];
        let rows = auth_rows("sudo", &messages);
        for row in &rows {
            prop_assert_eq!(&row["user"], "mallory");
            let target = row.get("target_user").and_then(Value::as_str).unwrap_or("mallory2");
            prop_assert_eq!(target, "mallory2", "{}", row["message"]);
            let run = row.get("command").and_then(Value::as_str).unwrap_or(&command);
            prop_assert_eq!(run, &command, "{}", row["message"]);
        }
        prop_assert_eq!(&rows[0]["event_type"], "sudo_command");
        prop_assert_eq!(&rows[1]["event_type"], "sudo_refused");
    }
}

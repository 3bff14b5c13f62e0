//! A folder with logs, and lakes over them.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use egret_testkit::{Difference, TemporaryFolder};

use crate::logs;

/// What is compared between two lakes: everything but when it was collected.
const CONTENTS: [&str; 5] = [
    "select * exclude (tp_ingest_timestamp) from aws_cloudtrail_log",
    "select * exclude (tp_ingest_timestamp) from shop_event",
    "select * exclude (tp_ingest_timestamp) from nginx_access_log",
    "select finding_id, detection_id, severity, message, event_ids, tp_timestamp, tp_partition from finding",
    "select quarantine_id, stage, reason, record_offset, raw, tp_partition from quarantine",
];

/// Every table, with the column that tells its rows apart.
const IDS: [(&str, &str); 5] = [
    ("aws_cloudtrail_log", "tp_id"),
    ("shop_event", "tp_id"),
    ("nginx_access_log", "tp_id"),
    ("finding", "finding_id"),
    ("quarantine", "quarantine_id"),
];

/// A folder of logs. The processes that the tests start live in it.
pub struct Place {
    pub folder: TemporaryFolder,
}

impl Place {
    /// Nothing is in it.
    pub fn empty() -> Self {
        Self { folder: TemporaryFolder::new() }
    }

    /// `files` files of CloudTrail and as many of the user's own, and one log of a web server.
    pub fn with_logs(files: usize) -> Self {
        let place = Self::empty();
        for file in 0..files {
            let name = format!("logs/cloudtrail/{file:02}.json.gz");
            place.folder.write(name, logs::gzip(logs::cloudtrail(file, 60)));
            place.folder.write(format!("logs/shop/{file:02}.jsonl"), logs::events(file, 150));
        }
        let access: String = (0..500).map(|row| logs::access(row, 500)).collect();
        place.folder.write("logs/nginx/access.log", access);
        place
    }

    /// A lake over the logs, not yet made.
    pub fn lake(&self, name: &str) -> Lake<'_> {
        let config = self.folder.write(format!("{name}.hcl"), logs::configuration(name));
        Lake { place: self, config, folder: self.folder.join(name) }
    }

    /// The binary, in this folder, without what the environment of the test says.
    pub fn egret(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_egret"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("HOME", self.folder.path()).env_remove("EGRET_CONFIG");
        command.env_remove("COLUMNS").env("NO_COLOR", "1");
        command
    }

    /// Runs it.
    pub fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&mut self.egret(arguments))
    }
}

/// A lake over the logs of a place.
pub struct Lake<'p> {
    pub place: &'p Place,
    pub config: PathBuf,
    pub folder: PathBuf,
}

impl Lake<'_> {
    /// The binary with this lake's configuration.
    pub fn egret(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.egret(&[]);
        command.arg("--config").arg(&self.config).arg("--no-progress").args(arguments);
        command
    }

    /// Runs it.
    pub fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&mut self.egret(arguments))
    }

    /// `egret collect` with so little memory that there are many commits.
    pub fn collecting(&self, arguments: &[&str]) -> Command {
        let mut command = self.egret(&["collect", "--memory", "4MiB"]);
        command.args(arguments);
        command
    }

    /// Collects, which must work.
    #[track_caller]
    pub fn collect(&self, arguments: &[&str]) -> Said {
        let said = Said::of(&mut self.collecting(arguments));
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }

    /// The rows of a query, as JSON.
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<String> {
        let said = self.run(&["query", sql, "-o", "ndjson"]);
        if said.stderr.contains("unknown table") || said.stderr.contains("there is no lake") {
            return Vec::new();
        }
        assert_eq!(said.code, Some(0), "{sql}: {said:?}");
        said.stdout.lines().map(str::to_owned).collect()
    }

    /// A number.
    #[track_caller]
    pub fn count(&self, sql: &str) -> u64 {
        let said = self.run(&["query", sql, "-o", "line"]);
        let number = said.stdout.trim().rsplit(['=', ' ', ':']).next().unwrap().trim().parse();
        number.unwrap_or_else(|_| panic!("{sql} gives no number: {said:?}"))
    }

    /// All rows, findings and quarantined records, but for when they came in.
    #[track_caller]
    pub fn contents(&self) -> Vec<String> {
        CONTENTS.iter().flat_map(|sql| self.query(sql)).collect()
    }

    /// Says if anything is there twice.
    #[track_caller]
    pub fn assert_nothing_twice(&self) {
        for (table, id) in IDS {
            let sql =
                format!("select {id}, count(*) as times from {table} group by {id} having count(*) > 1");
            let twice = self.query(&sql);
            assert!(twice.is_empty(), "{table}: {} rows are there twice: {}", twice.len(), twice[0]);
        }
    }

    /// Says if anything is lost or too much, in comparison with another lake's contents.
    #[track_caller]
    pub fn assert_holds(&self, expected: &[String]) {
        if let Some(difference) = Difference::between(expected.to_vec(), self.contents()) {
            panic!("{}: {difference}", self.folder.display());
        }
        self.assert_nothing_twice();
    }
}

/// How a process ended and what it said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// What an undisturbed collect of the place's logs stores. Each kind of row must be there, else comparing
/// with it shows little.
#[track_caller]
pub fn undisturbed(place: &Place) -> Vec<String> {
    let lake = place.lake("undisturbed");
    lake.collect(&[]);
    for (table, _) in IDS {
        assert!(!lake.query(&format!("from {table} limit 1")).is_empty(), "{table} is empty");
    }
    lake.assert_nothing_twice();
    lake.contents()
}

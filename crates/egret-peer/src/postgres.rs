//! PostgreSQL: Debian's, on loopback and on a socket in a temporary folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::certificates::Authority;
use crate::server_process::{ServerFolder, ServerProcess, free_port, start_again};

/// Debian's place for its versions.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The owner of everything, and the password that it needs on loopback.
const USER: &str = "egret";
const PASSWORD: &str = "correct-horse";

/// What a test need not wait for: it loses nothing if the machine stops.
const SETTINGS: &str = "fsync = off
full_page_writes = off
synchronous_commit = off
shared_buffers = '16MB'
max_connections = 50
listen_addresses = '127.0.0.1'
";

/// A server that everybody may ask as `egret` with its password. It ends with this value.
#[derive(Debug)]
pub struct PostgresPeer {
    process: ServerProcess,
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    databases: AtomicU32,
}

impl PostgresPeer {
    /// The one that all tests of this process share; each takes a database of its own, with
    /// [`PostgresPeer::new_database`]. It blocks until it runs, about a second.
    ///
    /// # Errors
    /// If PostgreSQL is missing; says what to do.
    pub fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<PostgresPeer, String>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start().map_err(|error| error.to_string())).as_ref().map_err(Clone::clone)
    }

    /// One of its own.
    ///
    /// # Errors
    /// If PostgreSQL is missing or does not start.
    pub fn start() -> io::Result<Self> {
        start_again(|| Self::start_with(None))
    }

    /// One that speaks TLS as `localhost`, and only that.
    ///
    /// # Errors
    /// If PostgreSQL is missing or does not start, or the certificate cannot be made.
    pub fn start_tls(authority: &Authority) -> io::Result<Self> {
        start_again(|| Self::start_with(Some(authority)))
    }

    fn start_with(authority: Option<&Authority>) -> io::Result<Self> {
        let programs = programs()?;
        let folder = ServerFolder::new("egret-postgres-")?;
        let data = folder.path().join("data").display().to_string();
        folder.run(
            &programs.join("initdb"),
            &[
                &format!("--pgdata={data}"),
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "--auth=trust",
                "-U",
                USER,
            ],
            "",
        )?;
        let path = folder.path().to_owned();
        let port = free_port()?;
        let mut settings = format!(
            "{SETTINGS}port = {port}\nunix_socket_directories = '{path}'\nhba_file = '{path}/hba'\n",
            path = path.display()
        );
        let mut kind = "host";
        if let Some(authority) = authority {
            let identity =
                authority.identity("localhost").map_err(|error| io::Error::other(error.to_string()))?;
            folder.write("certificate.pem", fs::read(identity.certificate)?)?;
            folder.write("key.pem", fs::read(identity.key)?)?;
            settings.push_str(&format!(
                "ssl = on\nssl_cert_file = '{path}/certificate.pem'\nssl_key_file = '{path}/key.pem'\n",
                path = path.display()
            ));
            kind = "hostssl";
        }
        folder.write("hba", format!("local all all trust\n{kind} all all 127.0.0.1/32 scram-sha-256\n"))?;
        let settings = folder.write("settings", settings)?;
        let (data, settings) = (format!("-D{data}"), format!("--config-file={}", settings.display()));
        let ready = path.join("data/postmaster.pid");
        // The last line of its file is its state.
        let is_ready = || fs::read_to_string(&ready).is_ok_and(|text| text.trim_end().ends_with("ready"));
        let process = folder.start(&programs.join("postgres"), &[&data, &settings], "QUIT", is_ready)?;
        let peer = Self { process, programs, folder: path, port, databases: AtomicU32::new(0) };
        peer.execute("postgres", &format!("alter role {USER} password '{PASSWORD}'"))?;
        Ok(peer)
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with its socket, which needs no password.
    pub fn socket_folder(&self) -> &Path {
        &self.folder
    }

    /// The URL of a database, with the password.
    pub fn url(&self, database: &str) -> String {
        self.url_as(USER, PASSWORD, database)
    }

    /// The URL of a database for another user.
    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@localhost:{}/{database}", self.port)
    }

    /// Makes an empty database, and says its name.
    ///
    /// # Errors
    /// If the server is gone.
    pub fn new_database(&self) -> io::Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("create database {name}"))?;
        Ok(name)
    }

    /// Runs SQL, any number of statements, as the owner of everything.
    ///
    /// # Errors
    /// If the server says no; with what it says.
    pub fn execute(&self, database: &str, sql: &str) -> io::Result<()> {
        let output = std::process::Command::new(self.programs.join("psql"))
            .args([
                "--no-psqlrc",
                "--quiet",
                "--set=ON_ERROR_STOP=1",
                "--username",
                USER,
                "--dbname",
                database,
            ])
            .args(["--port", &self.port.to_string(), "--command", sql, "--host"])
            .arg(&self.folder)
            .output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    /// Stops it as if the machine had lost its power.
    pub fn stop(self) {
        drop(self.process);
    }
}

/// The programs of the newest version that is there.
fn programs() -> io::Result<PathBuf> {
    let missing = |error: io::Error| {
        io::Error::other(format!("PostgreSQL is missing in {VERSIONS} ({error}): run `make setup`"))
    };
    let versions = fs::read_dir(VERSIONS).map_err(missing)?.filter_map(Result::ok);
    let newest = versions
        .map(|version| version.path())
        .filter(|version| version.join("bin/initdb").exists())
        .max_by_key(|version| version.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    newest.map(|version| version.join("bin")).ok_or_else(|| missing(io::Error::other("no version")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_statements_and_leaves_nothing() {
        let peer = PostgresPeer::start().unwrap();
        let database = peer.new_database().unwrap();
        peer.execute(&database, "create table t (a int); insert into t values (1)").unwrap();
        let error = peer.execute(&database, "select nonsense").unwrap_err();
        assert!(error.to_string().contains("column \"nonsense\" does not exist"), "{error}");
        let folder = peer.socket_folder().to_owned();
        assert!(folder.exists());
        peer.stop();
        assert!(!folder.exists());
    }
}

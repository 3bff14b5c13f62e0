//! MariaDB: Debian's, on loopback.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::OnceLock;

use crate::certificates::Authority;
use crate::server_process::{ServerFolder, ServerProcess, free_port, start_again};

/// Debian's place for it.
const PROGRAM: &str = "/usr/sbin/mariadbd";

/// The tables that a server has to begin with, one after the other.
const SYSTEM_TABLES: [&str; 2] =
    ["/usr/share/mysql/mysql_system_tables.sql", "/usr/share/mysql/mysql_system_tables_data.sql"];

/// The owner of everything, and its password.
const USER: &str = "egret";
const PASSWORD: &str = "correct-horse";

/// Small and fast: it loses nothing if the machine stops.
const SETTINGS: [&str; 5] = [
    "--innodb-log-file-size=4M",
    "--innodb-buffer-pool-size=8M",
    "--innodb-flush-log-at-trx-commit=0",
    "--character-set-server=utf8mb4",
    "--skip-name-resolve",
];

/// A server that everybody may ask as `egret` with its password. It ends with this value.
#[derive(Debug)]
pub struct MariaDbPeer {
    _process: ServerProcess,
    port: u16,
}

impl MariaDbPeer {
    /// The one that all tests of this process share. It blocks until it runs, a few seconds.
    ///
    /// # Errors
    /// If MariaDB is missing; says what to do.
    pub fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<MariaDbPeer, String>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start().map_err(|error| error.to_string())).as_ref().map_err(Clone::clone)
    }

    /// One of its own, with a database `test`.
    ///
    /// # Errors
    /// If MariaDB is missing or does not start.
    pub fn start() -> io::Result<Self> {
        start_again(|| Self::start_with(None))
    }

    /// One that speaks TLS as `localhost`, and only that.
    ///
    /// # Errors
    /// If MariaDB is missing or does not start, or the certificate cannot be made.
    pub fn start_tls(authority: &Authority) -> io::Result<Self> {
        start_again(|| Self::start_with(Some(authority)))
    }

    fn start_with(authority: Option<&Authority>) -> io::Result<Self> {
        let folder = ServerFolder::new("egret-mariadb-")?;
        let path = folder.path().display().to_string();
        let data = format!("--datadir={path}/data");
        folder.run(Path::new("/bin/mkdir"), &["data"], "")?;
        let bootstrap = [&["--no-defaults", "--bootstrap", &data][..], &SETTINGS].concat();
        folder.run(Path::new(PROGRAM), &bootstrap, &first_statements()?)?;
        let port = free_port()?;
        let mut own = vec![
            format!("--socket={path}/socket"),
            format!("--pid-file={path}/ready"),
            format!("--tmpdir={path}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--port={port}"),
        ];
        if let Some(authority) = authority {
            let identity =
                authority.identity("localhost").map_err(|error| io::Error::other(error.to_string()))?;
            folder.write("certificate.pem", fs::read(identity.certificate)?)?;
            folder.write("key.pem", fs::read(identity.key)?)?;
            own.push(format!("--ssl-cert={path}/certificate.pem"));
            own.push(format!("--ssl-key={path}/key.pem"));
            own.push("--require-secure-transport=on".to_owned());
        }
        let own = own.iter().map(String::as_str);
        let arguments: Vec<&str> = ["--no-defaults", &data].into_iter().chain(SETTINGS).chain(own).collect();
        // It writes its number when it takes connections.
        let ready = folder.path().join("ready");
        let process = folder.start(Path::new(PROGRAM), &arguments, "KILL", || ready.exists())?;
        Ok(Self { _process: process, port })
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a database, with the password.
    pub fn url(&self, database: &str) -> String {
        self.url_as(USER, PASSWORD, database)
    }

    /// The URL of a database for another user.
    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        format!("mysql://{user}:{password}@localhost:{}/{database}", self.port)
    }
}

fn first_statements() -> io::Result<String> {
    let mut text = "create database mysql;\nuse mysql;\nset @auth_root_socket = null;\n".to_owned();
    for path in SYSTEM_TABLES {
        let read = fs::read_to_string(path).map_err(|error| {
            io::Error::other(format!("MariaDB is missing ({path}: {error}): run `make setup`"))
        });
        text.push_str(&read?);
    }
    text.push_str("flush privileges;\ncreate database test;\n");
    text.push_str(&format!("create user '{USER}'@'127.0.0.1' identified by '{PASSWORD}';\n"));
    text.push_str(&format!("grant all on *.* to '{USER}'@'127.0.0.1' with grant option;\n"));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn it_greets_who_comes() {
        let peer = MariaDbPeer::start().unwrap();
        let mut greeting = [0; 64];
        let length = TcpStream::connect(("127.0.0.1", peer.port())).unwrap().read(&mut greeting).unwrap();
        assert!(String::from_utf8_lossy(&greeting[..length]).contains("MariaDB"));
    }
}

//! Where the database is and how it is reached; and what its failures mean.

use std::fmt;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use egret_config::{BlockReader, Diagnostic, Located};
use egret_http::{CallError, ServiceContext, said};
use egret_model::Secret;
use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgDatabaseError};
use sqlx::sqlite::SqliteConnectOptions;

use crate::generators::hidden::Hidden;
use crate::postgres::{is_loopback, place_of, with_safe_tls};

/// So much of what a database says is shown to people.
const MAX_SHOWN: usize = 400;

/// What may pass, by the class of its code as the SQL standard has it: connections, conflicts, resources, the operator.
const PASSING_CLASSES: [&str; 4] = ["08", "40", "53", "57"];

/// What may pass of MySQL and MariaDB: too many connections, locks, a statement that took too long, a server that stops.
const PASSING_NUMBERS: [u16; 9] = [1040, 1053, 1158, 1203, 1205, 1213, 1226, 1969, 3024];

/// What may pass of SQLite: others have locked the file, or the time is over.
const PASSING_RESULTS: [&str; 3] = ["5", "6", "9"];

/// A database.
#[derive(Debug)]
pub(super) enum Database {
    Postgres(Box<PgConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
    Sqlite(Box<SqliteConnectOptions>),
}

/// A database, and how it is reached.
pub(super) struct Connection {
    pub database: Database,
    /// As people name it.
    place: String,
    /// How long connecting may take.
    timeout: Duration,
    hidden: Hidden,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl Connection {
    /// Reads what `url` says, and the attributes for TLS.
    pub(super) fn decode(
        url: &Located<Secret>,
        reader: &mut BlockReader<'_>,
        context: &ServiceContext,
    ) -> Option<Self> {
        let ca_file = reader.optional_or("ca_file", None::<String>);
        let certificate = reader.optional_or("client_certificate", None::<String>);
        let key = reader.optional_or("client_key", None::<String>);
        let place = |path: String| context.folder().join(path);
        let (ca_file, certificate, key) = (ca_file?.map(place), certificate?.map(place), key?.map(place));
        if certificate.is_some() != key.is_some() {
            let location = reader.location().clone();
            reader
                .diagnostics()
                .error(&location, "`client_certificate` and `client_key` go together: name both or none");
            return None;
        }
        let files = Files { ca: ca_file.as_deref(), client: certificate.as_deref().zip(key.as_deref()) };
        let text = url.value.expose();
        let (scheme, _) = text.split_once(':').unwrap_or_default();
        let read = match scheme {
            "postgres" | "postgresql" => postgres(text, &files),
            "mysql" | "mariadb" => mysql(text, &files),
            "sqlite" => sqlite(text, context.folder()),
            _ => None,
        };
        let Some((database, place)) = read else {
            let mistake = Diagnostic::error("this is no URL of a database").at(&url.location);
            reader.diagnostics().push(mistake.hint(
                "write postgres://user:password@host/database, mysql://user:password@host/database or sqlite:path; \
                 what is special in a password is written with percent signs: %40 for @",
            ));
            return None;
        };
        let hidden = Hidden::of_url(&url.value);
        Some(Self { database, place, timeout: context.timeout, hidden })
    }

    /// What comes of connecting, which must not take longer than a request.
    pub(super) async fn connect<C>(
        &self,
        connecting: impl Future<Output = Result<C, sqlx::Error>>,
    ) -> Result<C, CallError> {
        match tokio::time::timeout(self.timeout, connecting).await {
            Ok(connected) => connected.map_err(|error| self.failed(error)),
            Err(_) => Err(CallError::retry(format!("{} did not answer in time", self.place))),
        }
    }

    /// What a failure means.
    pub(super) fn failed(&self, error: sqlx::Error) -> CallError {
        let show = |text: String| said(&self.hidden.hide(&text), MAX_SHOWN);
        match error {
            sqlx::Error::Database(error) => {
                let message = format!("{} says: {}", self.place, show(error.message().to_owned()));
                let code = error.code().unwrap_or_default().into_owned();
                let passes = if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
                    PASSING_NUMBERS.contains(&error.number())
                } else if error.try_downcast_ref::<PgDatabaseError>().is_some() {
                    PASSING_CLASSES.iter().any(|class| code.starts_with(class))
                } else {
                    // The lower byte is the kind of failure.
                    let kind = code.parse::<u32>().map(|code| (code & 0xff).to_string()).unwrap_or_default();
                    PASSING_RESULTS.contains(&kind.as_str())
                };
                if passes { CallError::retry(message) } else { CallError::refused(message) }
            }
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
                CallError::retry(format!("cannot reach {}: {}", self.place, show(error.to_string())))
            }
            other => CallError::refused(format!("{}: {}", self.place, show(other.to_string()))),
        }
    }

    /// A query that took too long.
    pub(super) fn too_long(&self) -> CallError {
        CallError::retry(format!(
            "{} did not answer the query before the time of the run was over",
            self.place
        ))
    }
}

struct Files<'a> {
    ca: Option<&'a Path>,
    client: Option<(&'a Path, &'a Path)>,
}

fn postgres(url: &str, files: &Files<'_>) -> Option<(Database, String)> {
    let mut options =
        PgConnectOptions::from_str(url).ok()?.application_name("egret").disable_statement_logging();
    if let Some(ca) = files.ca {
        options = options.ssl_root_cert(ca);
    }
    if let Some((certificate, key)) = files.client {
        options = options.ssl_client_cert(certificate).ssl_client_key(key);
    }
    let place = place_of(&options);
    Some((Database::Postgres(Box::new(with_safe_tls(options))), place))
}

fn mysql(url: &str, files: &Files<'_>) -> Option<(Database, String)> {
    let mut options = MySqlConnectOptions::from_str(url)
        .ok()?
        // What the session does to a query is what the user's own client would do to it.
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .disable_statement_logging();
    if let Some(ca) = files.ca {
        options = options.ssl_ca(ca);
    }
    if let Some((certificate, key)) = files.client {
        options = options.ssl_client_cert(certificate).ssl_client_key(key);
    }
    let is_here = options.get_socket().is_some() || is_loopback(options.get_host());
    let mode = match options.get_ssl_mode() {
        MySqlSslMode::Preferred if is_here => MySqlSslMode::Preferred,
        MySqlSslMode::Disabled => MySqlSslMode::Disabled,
        MySqlSslMode::VerifyCa => MySqlSslMode::VerifyCa,
        _ => MySqlSslMode::VerifyIdentity,
    };
    let place = match options.get_socket() {
        Some(socket) => format!("the database at {}", socket.display()),
        None => format!("the database at {}:{}", options.get_host(), options.get_port()),
    };
    Some((Database::MySql(Box::new(options.ssl_mode(mode))), place))
}

fn sqlite(url: &str, folder: &Path) -> Option<(Database, String)> {
    let options = SqliteConnectOptions::from_str(url).ok()?;
    let path = folder.join(options.get_filename());
    let place = format!("the database {}", path.display());
    let options = options
        .filename(path)
        .read_only(true)
        .create_if_missing(false)
        .pragma("query_only", "1")
        .disable_statement_logging();
    Some((Database::Sqlite(Box::new(options)), place))
}

//! `sql`: the rows of a query to PostgreSQL, MySQL, MariaDB or SQLite.

mod connection;
mod mysql;
mod postgres;
mod row;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, Located};
use egret_http::{CA_FILE, CLIENT_CERTIFICATE, CLIENT_KEY};
use egret_model::Secret;
use tokio::time::Instant;

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::registry::GeneratorType;

use connection::{Connection, Database};

/// So much of a run is left for what is to be done when a query took too long.
const RESERVE: Duration = Duration::from_millis(500);

/// The generator type `sql`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "sql",
    description: "The rows of a query to PostgreSQL, MySQL, MariaDB or SQLite.",
    channel: "custom.sql",
    key: &[],
    ignore: &[],
    ordered: &[],
    attributes: &[&[
        AttributeDocumentation::required(
            "url",
            "a string",
            "The database: `postgres://`, `mysql://` (or `mariadb://`) with user, password, host and database, or \
             `sqlite:` with the path of a file.",
        ),
        AttributeDocumentation::required("query", "a string", "One statement that gives rows."),
        CA_FILE,
        CLIENT_CERTIFICATE,
        CLIENT_KEY,
    ]],
    example: r#"generator "sql" "app_roles" {
  url   = "postgres://egret:${env("APP_DB_PASSWORD")}@db.example.org/app"
  query = <<-SQL
    SELECT u.id, u.login, u.is_admin, array_agg(r.name) AS roles
    FROM users u JOIN user_roles r ON r.user_id = u.id
    GROUP BY u.id
  SQL
  key   = ["id"]
}
"#,
    documents: "One document a row, with its columns by name:\n\n\
        ```json\n{\"id\": 7, \"login\": \"ada\", \"is_admin\": true, \"roles\": [\"dba\", \"staff\"]}\n```\n\n\
        | column | in the document |\n| --- | --- |\n\
        | whole numbers, floating point | a number; what JSON has no number for, such as NaN, is text |\n\
        | numeric, decimal, money | text, so that no digit is lost |\n\
        | boolean | true or false; of MySQL `TINYINT(1)`, of SQLite what is declared as boolean |\n\
        | json, jsonb | as it is; MariaDB has no such type, and its JSON is text |\n\
        | timestamp with time zone, of MySQL `TIMESTAMP` | text as RFC 3339 writes it, in UTC |\n\
        | timestamp, `DATETIME` | the same without a zone |\n\
        | bytea, blob, binary | text in base64 |\n\
        | arrays | a list |\n\
        | all others: dates, uuids, addresses, enums, ranges | text as the database writes it |\n\
        | NULL | null |\n\n\
        Two columns must not have the same name. The order of rows does not matter. The statement may take as long as the \
        `timeout` of a run; the database is told to end it then.",
    permissions: "A user that may `SELECT` what the query reads, and nothing else:\n\n\
        ```sql\nCREATE ROLE egret LOGIN PASSWORD '…';\nGRANT SELECT ON users, user_roles TO egret;\n```\n\n\
        The query runs in a transaction that may only read, and a file of SQLite is opened so. TLS is required and \
        verified, against the system's certificates and those in `ca_file`, unless the database is on this machine or the \
        URL says `sslmode=disable`.",
    decode: |reader, context| {
        let url = reader.required::<Located<Secret>>("url");
        let query = reader.required::<String>("query");
        let connection = url.and_then(|url| Connection::decode(&url, reader, &context.service));
        let timeout = context.run_timeout;
        Some(Arc::new(Sql { connection: connection?, query: query?, timeout }))
    },
};

#[derive(Debug)]
struct Sql {
    connection: Connection,
    query: String,
    timeout: Duration,
}

#[async_trait]
impl Generator for Sql {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let time = self.timeout.saturating_sub(RESERVE).max(RESERVE);
        let deadline = Instant::now() + time;
        let connection = &self.connection;
        let work = async {
            match &connection.database {
                Database::Postgres(options) => {
                    postgres::read(options, connection, &self.query, deadline, documents).await
                }
                Database::MySql(options) => {
                    mysql::read(options, connection, &self.query, deadline, documents).await
                }
                Database::Sqlite(options) => {
                    sqlite::read(options, connection, &self.query, deadline, documents).await
                }
            }
        };
        // The database was told the same time and says so itself; this is for one that says nothing any more.
        let late = |_| Err(connection.too_long());
        tokio::time::timeout_at(deadline + RESERVE / 2, work).await.unwrap_or_else(late)
    }
}

#[cfg(test)]
mod tests;

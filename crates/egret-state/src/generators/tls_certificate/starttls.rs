//! How TLS begins where it is not there from the start.

use std::io;

use egret_config::{BlockReader, Diagnostic, Located};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest line that a server may say, and how many of them.
const MAX_LINE_BYTES: usize = 4 << 10;
const MAX_LINES: usize = 100;

/// The message of PostgreSQL's protocol that asks for TLS.
const POSTGRES_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A protocol that TLS begins in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartTls {
    Smtp,
    Imap,
    Postgres,
}

impl StartTls {
    /// Reads `starttls`; `None` after a mistake, which was reported.
    pub(super) fn read(name: Option<Located<String>>, reader: &mut BlockReader<'_>) -> Option<Option<Self>> {
        let Some(name) = name else { return Some(None) };
        Some(Some(match name.value.as_str() {
            "smtp" => Self::Smtp,
            "imap" => Self::Imap,
            "postgres" => Self::Postgres,
            other => {
                let mistake =
                    Diagnostic::error(format!("TLS does not begin in `{other}`")).at(&name.location);
                reader.diagnostics().push(mistake.hint("it begins in \"smtp\", \"imap\" and \"postgres\""));
                return None;
            }
        }))
    }

    /// Its usual port.
    pub(super) fn port(self) -> u16 {
        match self {
            Self::Smtp => 25,
            Self::Imap => 143,
            Self::Postgres => 5432,
        }
    }

    /// Asks the server to begin. What follows is TLS.
    pub(super) async fn ask(self, stream: &mut TcpStream) -> io::Result<()> {
        match self {
            Self::Smtp => {
                reply(stream, "220").await?;
                stream.write_all(b"EHLO egret.invalid\r\n").await?;
                reply(stream, "250").await?;
                stream.write_all(b"STARTTLS\r\n").await?;
                reply(stream, "220").await
            }
            Self::Imap => {
                let greeting = line(stream).await?;
                if !greeting.starts_with("* OK") {
                    return Err(unexpected(&greeting));
                }
                stream.write_all(b"egret STARTTLS\r\n").await?;
                for _ in 0..MAX_LINES {
                    let answer = line(stream).await?;
                    if answer.starts_with("egret OK") {
                        return Ok(());
                    }
                    if !answer.starts_with("* ") {
                        return Err(unexpected(&answer));
                    }
                }
                Err(io::Error::other("it does not come to an end"))
            }
            Self::Postgres => {
                stream.write_all(&POSTGRES_REQUEST).await?;
                match stream.read_u8().await? {
                    b'S' => Ok(()),
                    b'N' => Err(io::Error::other("it has no TLS")),
                    _ => Err(io::Error::other("it is no PostgreSQL")),
                }
            }
        }
    }
}

/// The lines of a reply of SMTP, which has to have this code.
async fn reply(stream: &mut TcpStream, code: &str) -> io::Result<()> {
    for _ in 0..MAX_LINES {
        let line = line(stream).await?;
        match line.strip_prefix(code) {
            Some(rest) if rest.starts_with('-') => {}
            Some(_) => return Ok(()),
            None => return Err(unexpected(&line)),
        }
    }
    Err(io::Error::other("it does not come to an end"))
}

/// A line, and nothing behind it: that would be TLS already.
async fn line(stream: &mut TcpStream) -> io::Result<String> {
    let mut line = Vec::new();
    loop {
        match stream.read_u8().await? {
            b'\n' => return Ok(String::from_utf8_lossy(&line).trim_end().to_owned()),
            _ if line.len() >= MAX_LINE_BYTES => {
                return Err(io::Error::other("it says a line without an end"));
            }
            byte => line.push(byte),
        }
    }
}

fn unexpected(line: &str) -> io::Error {
    let line: String = line.chars().take(100).collect();
    io::Error::other(format!("it says: {line}"))
}

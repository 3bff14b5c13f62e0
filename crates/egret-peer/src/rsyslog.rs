//! A syslog server: Debian's `rsyslogd` as a plain process in a temporary folder, which writes what it parsed as JSON.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::certificates::Authority;

/// Debian's place for it.
const PROGRAM: &str = "/usr/sbin/rsyslogd";

/// How long it may take to start, or to write what it took. Nobody waits so long but on a very busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The file in its folder with what it complains of.
const COMPLAINTS: &str = "complaints";

/// What is written of each message.
const PROPERTIES: [(&str, &str); 9] = [
    ("pri", "pri"),
    ("protocol_version", "protocol-version"),
    ("hostname", "hostname"),
    ("tag", "syslogtag"),
    ("app_name", "app-name"),
    ("procid", "procid"),
    ("msgid", "msgid"),
    ("structured_data", "structured-data"),
    ("msg", "msg"),
];

/// A syslog server on loopback. It ends with this value.
#[derive(Debug)]
pub struct RsyslogPeer {
    process: Child,
    folder: TempDir,
    port: u16,
}

/// How it listens.
#[derive(Debug, Clone, Copy)]
enum Listening {
    Udp,
    Tcp,
}

impl Drop for RsyslogPeer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl RsyslogPeer {
    /// One that takes datagrams.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_udp() -> io::Result<Self> {
        Self::start(Listening::Udp, "", "module(load=\"imudp\")\n").await
    }

    /// One that takes counted octets.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_tcp() -> io::Result<Self> {
        Self::start(Listening::Tcp, "", "module(load=\"imtcp\")\n").await
    }

    /// The same over TLS, as `localhost`, only for clients of the authority.
    ///
    /// # Errors
    /// If it does not start, or the certificate cannot be made.
    pub async fn start_tls(authority: &Authority) -> io::Result<Self> {
        let identity =
            authority.identity("localhost").map_err(|error| io::Error::other(error.to_string()))?;
        let drivers = format!(
            "defaultNetstreamDriver=\"gtls\" defaultNetstreamDriverCAFile=\"{}\" \
            defaultNetstreamDriverCertFile=\"{}\" defaultNetstreamDriverKeyFile=\"{}\"",
            authority.ca_file().display(),
            identity.certificate.display(),
            identity.key.display(),
        );
        let module = "module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" \
            streamDriver.authMode=\"x509/certvalid\")\n";
        Self::start(Listening::Tcp, &drivers, module).await
    }

    /// On any free port, and looks at the process's sockets for which one: between choosing one and its taking it, it
    /// could be somebody else's, and rsyslogd does not try a second time. Of TCP, port 0 is any free one only where
    /// a file for its number is named, and else 514.
    async fn start(listening: Listening, global: &str, module: &str) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        let configuration = path.join("rsyslog.conf");
        let port_file = match listening {
            Listening::Udp => String::new(),
            Listening::Tcp => format!(" listenPortFileName=\"{}\"", path.join("port").display()),
        };
        let input = listening.input_type();
        let input = format!("{module}input(type=\"{input}\" address=\"127.0.0.1\" port=\"0\"{port_file})\n");
        std::fs::write(&configuration, text_of(path, global, &input))?;
        let process = Command::new(PROGRAM)
            .args(["-n", "-f"])
            .arg(&configuration)
            .arg("-i")
            .arg(path.join("pid"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(path.join(COMPLAINTS))?)
            .spawn()?;
        let mut peer = Self { process, folder, port: 0 };
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = peer.process.try_wait()? {
                return Err(peer.failed(&format!("ended with {status}")));
            }
            if let Some(port) = listening.port_of(peer.process.id())? {
                peer.port = port;
                return Ok(peer);
            }
            if Instant::now() > deadline {
                return Err(peer.failed("did not listen in time"));
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn failed(&self, how: &str) -> io::Error {
        let complaints = std::fs::read_to_string(self.folder.path().join(COMPLAINTS)).unwrap_or_default();
        io::Error::other(format!("rsyslogd {how}: {}", complaints.trim()))
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The messages that it took, once there are `count` of them, each as it understood it.
    pub async fn messages(&self, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines = std::fs::read_to_string(self.folder.path().join("messages")).unwrap_or_default();
            let messages: Vec<Value> =
                lines.lines().map_while(|line| serde_json::from_str(line).ok()).collect();
            if messages.len() >= count || Instant::now() > deadline {
                return messages;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Listening {
    fn input_type(self) -> &'static str {
        match self {
            Self::Udp => "imudp",
            Self::Tcp => "imtcp",
        }
    }

    /// The port on loopback where the process listens, as the kernel has it.
    fn port_of(self, process: u32) -> io::Result<Option<u16>> {
        let mut own = HashSet::new();
        // A process may end, and close what it has open, at any time.
        let Ok(descriptors) = std::fs::read_dir(format!("/proc/{process}/fd")) else { return Ok(None) };
        for descriptor in descriptors.flatten() {
            let Ok(target) = std::fs::read_link(descriptor.path()) else { continue };
            let inode = target.to_str().and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']'));
            own.extend(inode.map(str::to_owned));
        }
        // The state of a socket that listens.
        let (table, state) = match self {
            Self::Udp => ("/proc/net/udp", "07"),
            Self::Tcp => ("/proc/net/tcp", "0A"),
        };
        for line in std::fs::read_to_string(table)?.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, address, _, its_state, _, _, _, _, _, inode, ..] = fields.as_slice() else { continue };
            let port = address.strip_prefix("0100007F:").and_then(|port| u16::from_str_radix(port, 16).ok());
            if port.is_some() && *its_state == state && own.contains(*inode) {
                return Ok(port);
            }
        }
        Ok(None)
    }
}

fn text_of(folder: &Path, global: &str, input: &str) -> String {
    let folder = folder.display().to_string();
    let mut text = format!(
        "global(workDirectory=\"{folder}\" maxMessageSize=\"64k\" {global})\ntemplate(name=\"json\" "
    );
    text.push_str("type=\"list\" option.jsonf=\"on\") {\n");
    for (name, property) in PROPERTIES {
        let _ = writeln!(text, "  property(outname=\"{name}\" name=\"{property}\" format=\"jsonf\")");
    }
    let _ = writeln!(text, "}}\n{input}");
    // What it has to say of itself is not what it was sent.
    let _ = writeln!(
        text,
        "if $inputname != \"rsyslogd\" then action(type=\"omfile\" file=\"{folder}/messages\" template=\"json\" \
        flushOnTXEnd=\"on\")"
    );
    text
}

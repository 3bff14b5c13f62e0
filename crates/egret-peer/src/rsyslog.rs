//! A syslog server: Debian's `rsyslogd` as a plain process in a temporary folder, which writes what it parsed as JSON.

use std::fmt::Write as _;
use std::io;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::certificates::Authority;

/// Debian's place for it.
const PROGRAM: &str = "/usr/sbin/rsyslogd";

/// How long it may take to start, or to write what it took.
const PATIENCE: Duration = Duration::from_secs(20);

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
        // It cannot be asked for any free port.
        let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        let input =
            format!("module(load=\"imudp\")\ninput(type=\"imudp\" address=\"127.0.0.1\" port=\"{port}\")\n");
        let mut peer = Self::start("", &input)?;
        peer.port = port;
        // Until it listens, the port can be had.
        let deadline = Instant::now() + PATIENCE;
        while UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            peer.wait_a_little(deadline).await?;
        }
        Ok(peer)
    }

    /// One that takes counted octets.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start_tcp() -> io::Result<Self> {
        Self::start_stream("", "module(load=\"imtcp\")\n").await
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
        Self::start_stream(&drivers, module).await
    }

    async fn start_stream(global: &str, module: &str) -> io::Result<Self> {
        let input = format!(
            "{module}input(type=\"imtcp\" address=\"127.0.0.1\" port=\"0\" listenPortFileName=\"FOLDER/port\")\n"
        );
        let mut peer = Self::start(global, &input)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let port = std::fs::read_to_string(peer.folder.path().join("port")).unwrap_or_default();
            if let Ok(port) = port.trim().parse() {
                peer.port = port;
                return Ok(peer);
            }
            peer.wait_a_little(deadline).await?;
        }
    }

    fn start(global: &str, input: &str) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        let configuration = path.join("rsyslog.conf");
        std::fs::write(&configuration, text_of(path, global, input))?;
        let process = Command::new(PROGRAM)
            .args(["-n", "-f"])
            .arg(&configuration)
            .arg("-i")
            .arg(path.join("pid"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { process, folder, port: 0 })
    }

    async fn wait_a_little(&mut self, deadline: Instant) -> io::Result<()> {
        if let Some(status) = self.process.try_wait()? {
            return Err(io::Error::other(format!("rsyslogd ended with {status}")));
        }
        if Instant::now() > deadline {
            return Err(io::Error::other("rsyslogd did not start in time"));
        }
        sleep(Duration::from_millis(10)).await;
        Ok(())
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

fn text_of(folder: &Path, global: &str, input: &str) -> String {
    let folder = folder.display().to_string();
    let mut text = format!(
        "global(workDirectory=\"{folder}\" maxMessageSize=\"64k\" {global})\ntemplate(name=\"json\" "
    );
    text.push_str("type=\"list\" option.jsonf=\"on\") {\n");
    for (name, property) in PROPERTIES {
        let _ = writeln!(text, "  property(outname=\"{name}\" name=\"{property}\" format=\"jsonf\")");
    }
    let _ = writeln!(text, "}}\n{}", input.replace("FOLDER", &folder));
    // What it has to say of itself is not what it was sent.
    let _ = writeln!(
        text,
        "if $inputname != \"rsyslogd\" then action(type=\"omfile\" file=\"{folder}/messages\" template=\"json\" \
        flushOnTXEnd=\"on\")"
    );
    text
}

//! Bringing messages to a syslog server, and finding out what can be found out about their fate.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use egret_http::Tls;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::delivery::SendError;

/// So long a server may take to end its side of a connection before it is believed without.
const PATIENCE: Duration = Duration::from_secs(2);

/// So long it is listened for the answer that nobody takes datagrams.
const UDP_PATIENCE: Duration = Duration::from_millis(100);

/// So much longer than a round trip it is listened for the word that a connection was cut.
const RESET_PATIENCE: Duration = Duration::from_millis(20);

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A datagram each.
    Udp,
    /// Counted octets.
    Tcp,
    /// The same within TLS.
    Tls,
}

impl Transport {
    /// The transport that `word` names.
    ///
    /// # Errors
    /// Says which there are.
    pub fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "udp" => Ok(Self::Udp),
            "tcp" => Ok(Self::Tcp),
            "tls" => Ok(Self::Tls),
            _ => Err("write \"tls\", \"tcp\" or \"udp\"".to_owned()),
        }
    }

    /// The port that servers listen on for it.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 514,
            Self::Tls => 6514,
        }
    }

    /// What servers should take at least.
    pub fn default_max_bytes(self) -> usize {
        match self {
            Self::Udp => 2048,
            Self::Tcp | Self::Tls => 8192,
        }
    }
}

/// A syslog server.
#[derive(Debug)]
pub struct Collector {
    host: String,
    port: u16,
    transport: Transport,
    tls: Tls,
    /// What `tls` says. Made when it is first used: to load certificates takes a while.
    tls_config: OnceCell<Arc<ClientConfig>>,
}

impl Collector {
    /// The one at a place.
    pub fn new(host: String, port: u16, transport: Transport, tls: Tls) -> Self {
        Self { host, port, transport, tls, tls_config: OnceCell::new() }
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Sends messages, all of them.
    ///
    /// # Errors
    /// If one of them certainly or probably did not arrive; to be tried again.
    pub async fn send(&self, lines: &[String]) -> Result<(), SendError> {
        let failed =
            |error: io::Error| SendError::retry(format!("{} cannot be sent to: {error}", self.place()));
        match self.transport {
            Transport::Udp => self.send_datagrams(lines).await.map_err(failed),
            Transport::Tcp => {
                let (mut stream, round_trip) = self.connect().await.map_err(failed)?;
                write_counted(&mut stream, lines).await.map_err(failed)?;
                no_reset(&stream, round_trip).await.map_err(failed)
            }
            Transport::Tls => {
                let config = self.tls_config().await?;
                let name = ServerName::try_from(self.host.clone())
                    .map_err(|_| SendError::retry(format!("`{}` cannot be in a certificate", self.host)))?;
                let (stream, round_trip) = self.connect().await.map_err(failed)?;
                let mut stream = TlsConnector::from(config).connect(name, stream).await.map_err(failed)?;
                write_counted(&mut stream, lines).await.map_err(failed)?;
                no_reset(stream.get_ref().0, round_trip).await.map_err(failed)
            }
        }
    }

    /// A connection, and how long a word and its answer take at most.
    async fn connect(&self) -> io::Result<(TcpStream, Duration)> {
        let start = Instant::now();
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        Ok((stream, start.elapsed()))
    }

    async fn tls_config(&self) -> Result<Arc<ClientConfig>, SendError> {
        let config = self.tls_config.get_or_try_init(async || self.tls.client_config().map(Arc::new)).await;
        config.cloned().map_err(|error| SendError::retry(error.to_string()))
    }

    async fn send_datagrams(&self, lines: &[String]) -> io::Result<()> {
        let mut addresses = lookup_host((self.host.as_str(), self.port)).await?;
        let address = addresses.next().ok_or_else(|| io::Error::other("the name has no address"))?;
        let own: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(own).await?;
        socket.connect(address).await?;
        for line in lines {
            socket.send(line.as_bytes()).await?;
        }
        // Nothing is ever said, but that nobody listens there.
        let mut nothing = [0];
        match timeout(UDP_PATIENCE, socket.recv(&mut nothing)).await {
            Ok(Err(error)) => Err(error),
            Ok(Ok(_)) | Err(_) => Ok(()),
        }
    }
}

/// Writes messages with their length before them, ends this side, and waits until the other side is ended: a server
/// that is gone, or that goes before it has read everything, makes an error of one of these steps.
async fn write_counted<S>(stream: &mut S, lines: &[String]) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend_from_slice(format!("{} {line}", line.len()).as_bytes());
    }
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    stream.shutdown().await?;
    let mut nothing = [0; 64];
    let ended = async {
        loop {
            match stream.read(&mut nothing).await {
                Ok(0) => return Ok(()),
                // Nothing is to be said there, but it does no harm.
                Ok(_) => {}
                // Without TLS's word of farewell; whether it was an end in good order is looked into by `no_reset`.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    };
    // Some servers keep their side open; that is no sign of anything.
    timeout(PATIENCE, ended).await.unwrap_or(Ok(()))
}

/// An error if the other side's machine says that nobody was there to read: a server that ended its side before it had
/// our messages looks like one that ended it after them, until this word comes, one round trip later at most.
async fn no_reset(stream: &TcpStream, round_trip: Duration) -> io::Result<()> {
    sleep(round_trip.min(PATIENCE) + RESET_PATIENCE).await;
    match stream.take_error()? {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

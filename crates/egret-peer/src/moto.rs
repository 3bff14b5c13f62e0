//! The services of AWS on loopback: moto, a process in Python.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// Serves until its standard input is closed: with the process that started it at the latest, however that ends.
const SCRIPT: &str = "
import sys
try:
    from moto.server import ThreadedMotoServer
except ImportError as error:
    sys.exit(f'moto is missing ({error}): run `make setup`, and set EGRET_TEST_PYTHON to the Python that it made')
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
";

/// A server that knows all services and takes every signature.
#[derive(Debug)]
pub struct Moto {
    port: u16,
    child: Child,
    /// Held open: the server ends when it is closed.
    _stdin: Option<ChildStdin>,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Moto {
    /// The one that all tests of this process share: it needs seconds to start. It blocks until then.
    ///
    /// # Errors
    /// If Python or moto is missing; says what to do.
    pub fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<Moto, String>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref().map_err(Clone::clone)
    }

    /// One of its own.
    ///
    /// # Errors
    /// If Python or moto is missing; says what to do.
    pub fn start() -> Result<Self, String> {
        let python = std::env::var("EGRET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut child = Command::new(&python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run {python}: {error}; run `make setup`"))?;
        let stdin = child.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        }
        let Ok(port) = line.trim().parse() else {
            let _ = child.kill();
            let said = child.wait_with_output().map(|output| output.stderr).unwrap_or_default();
            return Err(format!("{python}: {}", String::from_utf8_lossy(&said).trim()));
        };
        if let Some(stderr) = child.stderr.take() {
            // A line for each request: nobody reads them, and the pipe must not fill up.
            std::thread::spawn(move || std::io::copy(&mut BufReader::new(stderr), &mut std::io::sink()));
        }
        Ok(Self { port, child, _stdin: stdin })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

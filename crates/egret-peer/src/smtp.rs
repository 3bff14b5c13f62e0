//! A mail server: `aiosmtpd` in a Python process, which takes and refuses mails and reads them with Python's `email`.

use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

/// The program.
const PROGRAM: &str = include_str!("smtp.py");

/// How long a mail may take from the server's answer to here.
const PATIENCE: Duration = Duration::from_secs(20);

/// A mail server on loopback. It ends with this value.
#[derive(Debug)]
pub struct SmtpPeer {
    process: Child,
    port: u16,
    mails: Arc<Mutex<Vec<Value>>>,
}

impl Drop for SmtpPeer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl SmtpPeer {
    /// One that does what `settings` say: `certificate`, `key` (PEM files) and `implicit` (TLS from the first byte, else
    /// STARTTLS), `login` (`[username, password]`), and answers other than yes: `senders` and `data` (lists that are
    /// used up), `recipients` (by address: an answer, or a list that is used up).
    ///
    /// It needs the Python that `EGRET_TEST_PYTHON` names, or `python3`, with `aiosmtpd`.
    ///
    /// # Errors
    /// If there is no such Python, or it cannot listen.
    pub fn start(settings: &Value) -> io::Result<Self> {
        let python = std::env::var("EGRET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut process = Command::new(python)
            .args(["-W", "ignore", "-c", PROGRAM, &settings.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
        let mut lines = BufReader::new(output).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let port = serde_json::from_str::<Value>(&first).ok().and_then(|first| first["port"].as_u64());
        let Some(port) = port.and_then(|port| u16::try_from(port).ok()) else {
            let _ = process.kill();
            let _ = process.wait();
            return Err(io::Error::other("the mail server did not start: is aiosmtpd installed?"));
        };
        let mails = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&mails);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mail = serde_json::from_str(&line).unwrap_or_default();
                taken.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
            }
        });
        Ok(Self { process, port, mails })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The mails that it took, once there are `count` of them, each as `smtp.py` prints it.
    pub async fn mails(&self, count: usize) -> Vec<Value> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if mails.len() >= count || tokio::time::Instant::now() > deadline {
                return mails;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The values of a header of a mail.
pub fn header<'m>(mail: &'m Value, name: &str) -> Vec<&'m str> {
    let headers = mail["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_name = headers.iter().filter(|header| header[0].as_str() == Some(name));
    of_name.filter_map(|header| header[1].as_str()).collect()
}

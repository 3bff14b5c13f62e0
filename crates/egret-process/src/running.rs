//! A command that runs: its pipes, its time, and its end.

use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::task::{JoinHandle, unconstrained};
use tokio::time::{Instant, sleep_until, timeout_at};

/// So much is read at once.
const PIECE_BYTES: usize = 64 << 10;

/// So much of what a command complains of is kept.
const MAX_COMPLAINT_BYTES: usize = 4 << 10;

/// So long what a command leaves behind may hold its pipes before they are left.
const GRACE: Duration = Duration::from_millis(200);

/// What a pipe may hold at most. What a command wrote before it ended is not more than this.
const PIPE_BYTES: usize = 1 << 20;

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// With which code, or by which signal.
    pub status: ExitStatus,
    /// The beginning of its standard error.
    pub complaint: String,
}

/// Why a command has no end.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It cannot be started.
    #[error("cannot run {program}: {error}")]
    Start {
        /// The program.
        program: String,
        /// What is wrong.
        error: io::Error,
    },
    /// It was killed because its time was over.
    #[error("{program} did not end within {time:?}")]
    OutOfTime {
        /// The program.
        program: String,
        /// Its time.
        time: Duration,
    },
    /// Its output cannot be read, or its end not be waited for.
    #[error("cannot talk to {program}: {error}")]
    Talk {
        /// The program.
        program: String,
        /// What is wrong.
        error: io::Error,
    },
}

/// A command that runs. Dropped before its end, it is killed with everything in its process group.
#[derive(Debug)]
pub struct Running {
    program: String,
    time: Duration,
    deadline: Instant,
    child: Child,
    stdout: Option<ChildStdout>,
    writing: Option<JoinHandle<()>>,
    complaining: Option<JoinHandle<()>>,
    complaint: Arc<Mutex<Vec<u8>>>,
    /// How it ended, and how long what it left behind is waited for.
    ended: Option<(ExitStatus, Instant)>,
    /// So much may come of a pipe when that is over.
    in_pipe: usize,
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.kill();
        }
        for task in [&self.writing, &self.complaining].into_iter().flatten() {
            task.abort();
        }
    }
}

impl Running {
    pub(crate) fn new(program: String, mut child: Child, input: Option<Bytes>, time: Duration) -> Self {
        let complaint = Arc::default();
        // Neither side waits for the other.
        let writing = child.stdin.take().zip(input).map(|(stdin, input)| tokio::spawn(write(stdin, input)));
        let kept = Arc::clone(&complaint);
        let complaining = child.stderr.take().map(|stderr| tokio::spawn(keep(stderr, kept)));
        let (stdout, deadline) = (child.stdout.take(), Instant::now() + time);
        let (ended, in_pipe) = (None, PIPE_BYTES);
        Self { program, time, deadline, child, stdout, writing, complaining, complaint, ended, in_pipe }
    }

    /// The next piece of what it writes to its standard output; `None` at the end of that. It waits while nobody asks.
    ///
    /// # Errors
    /// If its time is over: it is killed then.
    pub async fn read(&mut self) -> Result<Option<Bytes>, ProcessError> {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        while let Some(stdout) = &mut self.stdout {
            let read = if let Some((_, until)) = self.ended {
                // What is in the pipe already is read also when the time for more is over.
                let reading = unconstrained(stdout.read_buf(&mut piece));
                let Ok(read) = timeout_at(until, reading).await else { break };
                if Instant::now() > until {
                    let left = read.as_ref().ok().and_then(|length| self.in_pipe.checked_sub(*length));
                    let Some(left) = left else { break };
                    self.in_pipe = left;
                }
                read
            } else {
                tokio::select! {
                    biased;
                    status = self.child.wait() => {
                        self.note_end(status)?;
                        continue;
                    }
                    () = sleep_until(self.deadline) => return Err(self.out_of_time()),
                    read = stdout.read_buf(&mut piece) => read,
                }
            };
            match read {
                Ok(0) => break,
                Ok(_) => return Ok(Some(piece.freeze())),
                Err(error) => return Err(self.cannot_talk(error)),
            }
        }
        self.stdout = None;
        Ok(None)
    }

    /// Waits for its end, and throws away what it still writes to its standard output.
    ///
    /// # Errors
    /// If its time is over: it is killed then.
    pub async fn end(mut self) -> Result<Ended, ProcessError> {
        while self.read().await?.is_some() {}
        if self.ended.is_none() {
            match timeout_at(self.deadline, self.child.wait()).await {
                Ok(status) => self.note_end(status)?,
                Err(_) => return Err(self.out_of_time()),
            }
        }
        let Some((status, until)) = self.ended else { return Err(self.out_of_time()) };
        if let Some(complaining) = &mut self.complaining {
            let _ = timeout_at(until, complaining).await;
        }
        let complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        let complaint = String::from_utf8_lossy(&complaint).into_owned();
        Ok(Ended { status, complaint })
    }

    fn note_end(&mut self, status: io::Result<ExitStatus>) -> Result<(), ProcessError> {
        let status = status.map_err(|error| self.cannot_talk(error))?;
        self.ended = Some((status, Instant::now() + GRACE));
        Ok(())
    }

    /// Kills the process group, which nobody else can have as long as the end of the command was not noted.
    fn kill(&self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(id) = id {
            // One that has ended already needs no killing.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }

    fn out_of_time(&self) -> ProcessError {
        self.kill();
        ProcessError::OutOfTime { program: self.program.clone(), time: self.time }
    }

    fn cannot_talk(&self, error: io::Error) -> ProcessError {
        ProcessError::Talk { program: self.program.clone(), error }
    }
}

async fn write(mut stdin: ChildStdin, input: Bytes) {
    // A command need not read its input: a closed pipe is no error.
    let _ = stdin.write_all(&input).await;
}

/// Keeps the beginning, and reads on, as a full pipe would hold the command up.
async fn keep(mut stderr: ChildStderr, kept: Arc<Mutex<Vec<u8>>>) {
    let mut piece = BytesMut::with_capacity(MAX_COMPLAINT_BYTES);
    while let Ok(1..) = stderr.read_buf(&mut piece).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_COMPLAINT_BYTES.saturating_sub(kept.len());
        kept.extend_from_slice(&piece[..piece.len().min(room)]);
        piece.clear();
    }
}

#[cfg(test)]
mod tests;

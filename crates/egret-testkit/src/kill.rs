//! Kills a real process at random moments, again and again, then lets it finish.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::random::Random;

/// How often to look whether the process has ended or what it writes has grown.
const GLANCE: Duration = Duration::from_micros(500);

/// At most so many bytes of what a process said are kept for a report.
const MAX_SAID: u64 = 16 << 10;

/// When to kill.
#[derive(Debug, Clone)]
pub struct KillPlan {
    /// How many processes to start and kill before the last one, which may finish.
    pub times: u32,
    /// Where the random moments come from.
    pub seed: u64,
    /// No process lives longer than this, but for the last. Short lives are as frequent as long ones.
    pub longest_life: Duration,
    /// The folder that the process writes to. Every second process is killed as soon as something in it
    /// has changed a random number of times (or at the random moment), so that kills fall in between writes.
    pub watch: Option<PathBuf>,
    /// How long the last process may take.
    pub patience: Duration,
}

impl KillPlan {
    /// `times` kills from `seed`, within half a second each; a minute for the last process.
    pub const fn new(times: u32, seed: u64) -> Self {
        let longest_life = Duration::from_millis(500);
        Self { times, seed, longest_life, watch: None, patience: Duration::from_secs(60) }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillReport {
    /// How many processes were killed.
    pub killed: u32,
    /// How many were faster than the kill. If that is nearly all of them, nothing was shown: give the process
    /// more to do, or a shorter life.
    pub finished_early: u32,
    /// What the last process wrote to stdout.
    pub stdout: Vec<u8>,
}

/// Why the killing did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum KillError {
    /// The operating system refused.
    #[error("seed {seed}, process {process}: {error}")]
    Io {
        /// The plan's seed.
        seed: u64,
        /// Which process, counted from 1.
        process: u32,
        /// What it said.
        #[source]
        error: io::Error,
    },
    /// A process failed by itself.
    #[error("seed {seed}: process {process} failed by itself, {status}:\n{stderr}")]
    Failed {
        /// The plan's seed.
        seed: u64,
        /// Which process, counted from 1.
        process: u32,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        stderr: String,
    },
    /// The last process did not end.
    #[error("seed {seed}: the last process still runs after {patience:?}; it said:\n{stderr}")]
    Hangs {
        /// The plan's seed.
        seed: u64,
        /// How long it was given.
        patience: Duration,
        /// What it said.
        stderr: String,
    },
}

/// Starts `command(1)`, kills it with SIGKILL at a random moment, starts `command(2)`, and so on; the process
/// after the last kill may finish. What the processes write to stdout and stderr is taken here.
///
/// # Errors
/// If a process cannot be started, fails by itself (killed ones apart), or the last one does not end.
pub fn kill_at_random_moments(
    mut command: impl FnMut(u32) -> Command,
    plan: &KillPlan,
) -> Result<KillReport, KillError> {
    let mut random = Random::new(plan.seed);
    let mut report = KillReport { killed: 0, finished_early: 0, stdout: Vec::new() };
    for process in 1..=plan.times {
        let io = |error| KillError::Io { seed: plan.seed, process, error };
        let mut running = Running::start(command(process)).map_err(io)?;
        let life = random_life(plan.longest_life, &mut random);
        let watched = plan.watch.as_deref().filter(|_| process % 2 == 0);
        match running.kill_after(life, watched, 1 + random.below(8)).map_err(io)? {
            None => report.killed += 1,
            Some(status) if status.success() => report.finished_early += 1,
            Some(status) => {
                let stderr = running.stderr().map_err(io)?;
                return Err(KillError::Failed { seed: plan.seed, process, status, stderr });
            }
        }
    }
    report.stdout = finish(command(plan.times + 1), plan)?;
    Ok(report)
}

/// Lets the last process finish; what it wrote to stdout.
fn finish(command: Command, plan: &KillPlan) -> Result<Vec<u8>, KillError> {
    let (seed, process) = (plan.seed, plan.times + 1);
    let io = |error| KillError::Io { seed, process, error };
    let mut running = Running::start(command).map_err(io)?;
    match running.kill_after(plan.patience, None, 0).map_err(io)? {
        Some(status) if status.success() => running.stdout().map_err(io),
        Some(status) => {
            Err(KillError::Failed { seed, process, status, stderr: running.stderr().map_err(io)? })
        }
        None => {
            Err(KillError::Hangs { seed, patience: plan.patience, stderr: running.stderr().map_err(io)? })
        }
    }
}

/// A life of random length, each order of magnitude as likely as the others: what happens at the start of a
/// process is as interesting as what happens at its end.
fn random_life(longest: Duration, random: &mut Random) -> Duration {
    let longest = longest.as_micros().clamp(1, u128::from(u64::MAX)) as u64;
    let magnitude = random.below(10) as u32;
    Duration::from_micros(random.below((longest >> magnitude).max(1)))
}

/// A process that writes to files, since a pipe that nobody reads would stop it.
struct Running {
    child: Child,
    stdout: File,
    stderr: File,
}

impl Running {
    fn start(mut command: Command) -> io::Result<Self> {
        let (stdout, stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
        command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
        Ok(Self { child: command.spawn()?, stdout, stderr })
    }

    /// Waits for the end of the process, of its `life`, or of that many changes in `watched`, whichever comes
    /// first. The status if the process ended by itself.
    fn kill_after(
        &mut self,
        life: Duration,
        watched: Option<&Path>,
        mut changes: u64,
    ) -> io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        let mut before = watched.map(footprint);
        while start.elapsed() < life {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            let now = watched.map(footprint);
            if now != before {
                before = now;
                changes = changes.saturating_sub(1);
                if changes == 0 {
                    break;
                }
            }
            sleep(GLANCE.min(life.saturating_sub(start.elapsed())));
        }
        self.kill()
    }

    /// The status if the process had already ended by itself.
    fn kill(&mut self) -> io::Result<Option<ExitStatus>> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(Some(status));
        }
        self.child.kill()?;
        let status = self.child.wait()?;
        // It may have ended between the look and the kill.
        Ok(status.code().map(|_| status))
    }

    fn stdout(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stdout.rewind()?;
        self.stdout.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn stderr(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        let length = self.stderr.metadata()?.len();
        self.stderr.seek(io::SeekFrom::Start(length.saturating_sub(MAX_SAID)))?;
        self.stderr.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Nobody waits for a process whose killer gave up.
impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// How many files are below `folder` and how long they are together. What vanishes meanwhile is left out.
fn footprint(folder: &Path) -> (u64, u64) {
    let mut sum = (0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => sum = (sum.0 + 1, sum.1 + metadata.len()),
                Err(_) => {}
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests;

//! Ctrl-C, and SIGTERM as service managers send it, for commands that end in good order.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd};

use egret_pipeline::StopSignal;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::INTERRUPTED;
use crate::output::style;

/// The first Ctrl-C asks the run to stop, which says what it is `doing` until then; a second one ends the process.
pub fn stop_on_ctrl_c(handle: &Handle, stop: &StopSignal, doing: &'static str) {
    let stop = stop.clone();
    // Made here and not in the task, so that a signal counts from now on.
    let _inside = handle.enter();
    let (Ok(mut interrupts), Ok(mut terminations)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    handle.spawn(async move {
        tokio::select! {
            _ = interrupts.recv() => {}
            _ = terminations.recv() => {}
        }
        eprintln!("{} {doing}; press Ctrl-C again to end now", style::warning("stopping:"));
        stop.stop();
        tokio::select! {
            _ = interrupts.recv() => {}
            _ = terminations.recv() => {}
        }
        std::process::exit(i32::from(INTERRUPTED));
    });
}

/// After so many milliseconds without input it looks whether somebody has asked to stop.
const WAIT_MILLISECONDS: libc::c_int = 100;

/// Standard input, which ends when the run is asked to stop, also while it waits for more.
pub struct StandardInput {
    file: File,
    stop: StopSignal,
}

impl StandardInput {
    /// Until `stop`.
    pub fn new(stop: &StopSignal) -> io::Result<Self> {
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        Ok(Self { file, stop: stop.clone() })
    }

    /// Whether there is something to read, or the end.
    fn is_ready(&self) -> io::Result<bool> {
        let mut wanted = libc::pollfd { fd: self.file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        #[expect(unsafe_code, reason = "the standard library cannot wait for a while only")]
        // SAFETY: one descriptor, which stays open, in memory for one.
        let ready = unsafe { libc::poll(&raw mut wanted, 1, WAIT_MILLISECONDS) };
        if ready >= 0 {
            return Ok(ready > 0);
        }
        match io::Error::last_os_error() {
            error if error.kind() == ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        }
    }
}

impl Read for StandardInput {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.stop.is_stopped() {
            if self.is_ready()? {
                return self.file.read(into);
            }
        }
        Ok(0)
    }
}

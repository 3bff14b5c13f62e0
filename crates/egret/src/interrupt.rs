//! Ctrl-C for commands that end in good order.

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
    let Ok(mut interrupts) = signal(SignalKind::interrupt()) else { return };
    handle.spawn(async move {
        interrupts.recv().await;
        eprintln!("{} {doing}; press Ctrl-C again to end now", style::warning("stopping:"));
        stop.stop();
        interrupts.recv().await;
        std::process::exit(i32::from(INTERRUPTED));
    });
}

//! Commands of the user's: run without a shell and within limits, and ended with everything that they started.
//!
//! A [`CommandLine`] is what a block says. [`CommandLine::run`] runs it to its end and keeps the beginning of what it
//! says; [`CommandLine::start`] hands out all that it says, piece by piece, as fast as it is taken.
//!
//! A command has a process group of its own. When its time is over, and when nobody waits for it any more, the whole
//! group is killed; what has left the group, as daemons do, is not reached. When the command itself has ended, what it
//! left behind is left alone, and not waited for.

mod command;
mod running;

pub use command::{COMMAND, CommandLine, ENVIRONMENT, Said};
pub use running::{Ended, ProcessError, Running};

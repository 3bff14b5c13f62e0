//! Development only: a fake clock, an in-memory source, temporary folders and lakes, and the check
//! "at once = in pieces = killed and resumed".
//!
//! A component that collects shows with two calls that a kill at any moment costs nothing:
//! [`check_restarts`] drives it within the test's process over a [`MemorySource`] that grows, fails and is
//! interrupted between commits; [`kill_at_random_moments`] kills a real process. Everything that looks
//! random comes from a seed, and a failure says which.

mod crate_folder;
mod fake_clock;
mod memory_source;
#[cfg(feature = "oracle")]
pub mod oracle;
mod random;
mod temporary_folder;
#[cfg(feature = "lake")]
mod temporary_lake;

mod difference;
mod restart;
mod scenario;

mod kill;

pub use crate_folder::crate_folder;
pub use difference::Difference;
pub use fake_clock::FakeClock;
pub use kill::{KillError, KillPlan, KillReport, kill_at_random_moments};
pub use memory_source::MemorySource;
pub use random::Random;
pub use restart::{Collector, RestartFailure, Run, Settings, check_restarts};
pub use scenario::{Content, Disturbance, Growth, Scenario, Step};
pub use temporary_folder::TemporaryFolder;
#[cfg(feature = "lake")]
pub use temporary_lake::TemporaryLake;

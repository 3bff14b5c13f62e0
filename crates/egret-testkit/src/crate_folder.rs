//! Where the files lie that stand beside a test.
#![expect(clippy::panic, reason = "a test that was not started by cargo cannot find its files")]

use std::path::PathBuf;

/// The folder of the crate whose test runs, as cargo says when it starts it. What `env!` says was true when the test
/// was compiled: of clones that share a target folder it may be another one.
#[track_caller]
pub fn crate_folder() -> PathBuf {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) => folder.into(),
        None => panic!("start the test with cargo: it says where the crate is"),
    }
}

//! A lake that is gone when the test is over. Behind the feature `lake`, since crates below the lake need none.
#![expect(clippy::panic, reason = "a lake that cannot be opened ends the test that needs it")]

use std::sync::Arc;

use egret_lake::{Lake, LakeOptions};
use egret_model::Clock;

use crate::{FakeClock, TemporaryFolder};

/// A lake in a folder of its own, with a clock that the test winds.
#[derive(Debug)]
pub struct TemporaryLake<C = FakeClock> {
    /// Where it is.
    pub folder: TemporaryFolder,
    /// The lake.
    pub lake: Lake,
    /// Its present.
    pub clock: Arc<C>,
}

impl<C: Clock + Default + 'static> TemporaryLake<C> {
    /// Makes one. What the disk refuses ends the test.
    pub async fn new() -> Self {
        let (folder, clock) = (TemporaryFolder::new(), Arc::new(C::default()));
        let lake = open(&folder, Arc::clone(&clock)).await;
        Self { folder, lake, clock }
    }

    /// The same lake, opened as another process would.
    pub async fn reopen(&self) -> Lake {
        open(&self.folder, Arc::clone(&self.clock)).await
    }
}

async fn open<C: Clock + 'static>(folder: &TemporaryFolder, clock: Arc<C>) -> Lake {
    let path = folder.path();
    match Lake::open(LakeOptions::new(&path).with_clock(clock)).await {
        Ok(lake) => lake,
        Err(error) => panic!("cannot open a lake in {}: {error}", path.display()),
    }
}

//! What detections are told of generators: the channels of their changes, and what states of theirs would tell.

use std::cell::LazyCell;

use egret_detect::{ChangeRecords, States};
use egret_model::Timestamp;
use egret_state::{CHANGE_TABLE, Rehearsal, RehearsalError, Rehearsed, generator_types};

/// The channels that types of generators have, each with the table of changes.
pub fn generator_channels() -> impl Iterator<Item = (String, String)> {
    let channels = generator_types().iter().map(|generator_type| generator_type.channel.to_owned());
    channels.map(|channel| (CHANGE_TABLE.to_owned(), channel))
}

/// Compares the states that tests of detections give. Nothing is made until the first of them comes.
pub struct StateTests {
    rehearsal: LazyCell<Result<Rehearsal, RehearsalError>>,
    now: Timestamp,
}

impl StateTests {
    /// The second state of each test is found at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { rehearsal: LazyCell::new(Rehearsal::new), now }
    }

    /// What became different; says why that cannot be told.
    pub fn compare(&self, given: &States) -> Result<ChangeRecords, String> {
        let States { generator, channel, before, after } = given;
        let rehearsal = self.rehearsal.as_ref().map_err(ToString::to_string)?;
        let rehearsed = rehearsal.changes(generator, channel.as_deref(), before, after, self.now);
        let Rehearsed { channel, lines } = rehearsed.map_err(|error| error.to_string())?;
        Ok(ChangeRecords { table: CHANGE_TABLE.to_owned(), channel, lines })
    }
}

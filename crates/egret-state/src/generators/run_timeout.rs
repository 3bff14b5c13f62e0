//! How long the run of a block may take, for generators that have to end before it is over.

use std::time::Duration;

use egret_config::{BlockReader, Diagnostics, FromValue as _};

/// How long a run may take if its block says nothing of it.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The `timeout` that every generator has, read once more. A mistake in it is reported already.
pub(crate) fn run_timeout(reader: &BlockReader<'_>) -> Duration {
    let value = reader.block().attribute("timeout").and_then(|attribute| attribute.value.as_ref());
    let timeout = value.and_then(|value| Duration::from_value(value, &mut Diagnostics::new()));
    timeout.unwrap_or(TIMEOUT)
}

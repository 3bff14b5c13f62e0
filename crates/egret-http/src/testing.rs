//! What the tests of clients share: a block, and a context.

use std::sync::Arc;
use std::time::Duration;

use egret_config::{BlockKind, BlockReader, Configuration, Diagnostics, Environment};
use egret_model::SystemClock;

use crate::context::ServiceContext;

/// In the temporary folder, with these variables.
pub fn context(variables: &[(&str, &str)], timeout: Duration) -> ServiceContext {
    let environment = Environment::new(variables.iter().copied()).in_folder(std::env::temp_dir());
    ServiceContext { environment: Arc::new(environment), clock: Arc::new(SystemClock), timeout }
}

/// What `decode` makes of a block with these attributes, and what is wrong with it.
pub fn decode<T>(
    attributes: &str,
    decode: impl FnOnce(&mut BlockReader<'_>) -> Option<T>,
) -> (Option<T>, String) {
    let kind = BlockKind::new("client", &[]);
    let (text, none) = (format!("client {{\n {attributes}\n}}"), Environment::default());
    let mut diagnostics = Diagnostics::new();
    let configuration = Configuration::parse("egret.hcl", &text, &[kind], &none, &mut diagnostics);
    let decoded = configuration.blocks_of("client").next().and_then(|block| {
        let mut reader = BlockReader::new(block, &mut diagnostics);
        let decoded = decode(&mut reader);
        reader.finish();
        decoded
    });
    (decoded, diagnostics.render(false))
}

//! What the tests of this source share: a small collector of lines.

mod decisions;
mod finding;
mod histories;
mod reading;

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use egret_model::source::Listing;
use egret_model::{Checkpoint, Object, Source, SourceContext, Timestamp};
use egret_testkit::{FakeClock, TemporaryFolder};

use crate::{FileSource, Surroundings};

/// Long after every file was written: all are at rest.
fn at_rest() -> Timestamp {
    Timestamp::parse("2100-01-01").unwrap()
}

/// Before every file was written: all count as just written.
fn just_now() -> Timestamp {
    Timestamp::parse("2000-01-01").unwrap()
}

fn source(folder: &TemporaryFolder, paths: &[&str]) -> FileSource {
    FileSource::from_paths(paths, &Surroundings::new(folder.path())).unwrap()
}

/// Collects lines and keeps positions, as the pipeline would.
struct LineCollector {
    source: FileSource,
    checkpoints: HashMap<String, Checkpoint>,
}

impl LineCollector {
    fn new(source: FileSource) -> Self {
        Self { source, checkpoints: HashMap::new() }
    }

    fn list(&self, now: Timestamp) -> Listing {
        let clock = Arc::new(FakeClock::new(now));
        let checkpoints = Arc::new(self.checkpoints.clone());
        self.source.list(&SourceContext { clock, checkpoints }).unwrap()
    }

    /// One run; the lines it delivered.
    fn collect(&mut self, now: Timestamp) -> Vec<String> {
        let listing = self.list(now);
        assert!(listing.failures.is_empty(), "{:?}", listing.failures);
        listing.objects.iter().flat_map(|object| self.collect_object(object, u64::MAX)).collect()
    }

    /// Collects an object, at most so many bytes of it.
    fn collect_object(&mut self, object: &Object, limit: u64) -> Vec<String> {
        let mut reader = self.source.open(object).unwrap();
        reader.skip(object.offset).unwrap();
        let mut bytes = Vec::new();
        reader.take(limit).read_to_end(&mut bytes).unwrap();
        let whole = object.complete && (bytes.len() as u64) < limit;
        let end = match bytes.iter().rposition(|byte| *byte == b'\n') {
            _ if whole => bytes.len(),
            Some(newline) => newline + 1,
            None => 0,
        };
        let checkpoint = Checkpoint {
            object: object.name.clone(),
            offset: object.offset + end as u64,
            finished: end == bytes.len() && (bytes.len() as u64) < limit,
            state: object.state.clone(),
        };
        self.checkpoints.insert(object.name.clone(), checkpoint);
        String::from_utf8_lossy(&bytes[..end]).lines().map(str::to_owned).collect()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Compresses a file into another and removes it, as `logrotate` does.
fn gzip_file(from: &Path, to: &Path) {
    fs::write(to, gzip(&fs::read(from).unwrap())).unwrap();
    fs::remove_file(from).unwrap();
}

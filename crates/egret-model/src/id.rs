//! Ids: the same record always gets the same id, on every machine and in every version.

use std::fmt;

use xxhash_rust::xxh3::{Xxh3, xxh3_128_with_seed};

/// A 128-bit id, shown as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u128);

impl EventId {
    /// The 32 digits, without allocating.
    pub fn to_hex(self) -> [u8; 32] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 32];
        for (index, byte) in self.0.to_be_bytes().into_iter().enumerate() {
            hex[2 * index] = DIGITS[usize::from(byte >> 4)];
            hex[2 * index + 1] = DIGITS[usize::from(byte & 15)];
        }
        hex
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Gives the records of one object of a source their `tp_id`.
///
/// The id is XXH3-128 over the record's bytes, seeded by XXH3-64 over the table, the object's canonical
/// name and the record's offset in the decompressed object: two equal lines of a file get two ids, and the
/// same line gets the same id however often and from wherever it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordIds {
    seed: u64,
}

impl RecordIds {
    /// Ids for the records of `object` when they become rows of `table`.
    pub fn new(table: &str, object: &str) -> Self {
        let mut origin = Xxh3::new();
        for part in [table, object] {
            origin.update(&(part.len() as u64).to_le_bytes());
            origin.update(part.as_bytes());
        }
        Self { seed: origin.digest() }
    }

    /// The id of the record at `offset` with these bytes.
    pub fn id(&self, offset: u64, record: &[u8]) -> EventId {
        // Distinct offsets give distinct seeds, since both steps are invertible.
        let mixed = (self.seed ^ offset).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        EventId(xxh3_128_with_seed(record, mixed))
    }
}

/// The id of a finding: one detection on a set of events, in whatever order they came.
pub fn finding_id<'a>(detection_id: &str, event_ids: impl IntoIterator<Item = &'a str>) -> EventId {
    let mut sorted: Vec<&str> = event_ids.into_iter().collect();
    sorted.sort_unstable();
    hash_of(std::iter::once(detection_id).chain(sorted))
}

/// The id of an alert: a detection, what its findings are merged by, and the first of them.
pub fn alert_id(detection_id: &str, merged_by: &str, first_finding: &str) -> EventId {
    hash_of([detection_id, merged_by, first_finding])
}

/// The id of a delivery: the same revision of an alert has the same one at an output, however often it is tried.
pub fn delivery_id(alert_id: &str, revision: u32, output: &str) -> EventId {
    hash_of([alert_id, &revision.to_string(), output])
}

/// Each part's length goes before it, so that no two lists of parts give the same bytes.
fn hash_of<'a>(parts: impl IntoIterator<Item = &'a str>) -> EventId {
    let mut hash = Xxh3::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    EventId(hash.digest128())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids are stored in lakes: a change here would make every record collected before look new.
    #[test]
    fn golden_vectors() {
        let ids = RecordIds::new("aws_cloudtrail_log", "/logs/a.json.gz");
        assert_eq!(ids.id(0, b"{}").to_string(), "2a1737d8f7cf057065103d2c082360ea");
        assert_eq!(ids.id(4096, b"{\"a\":1}").to_string(), "4508eab587d7049510d391dcce8fd3a2");
        assert_eq!(finding_id("root_login", ["b", "a"]).to_string(), "098dad4a834180f7a08355b4b091aca3");
        assert_eq!(alert_id("root_login", "{}", "f").to_string(), "e74a8d1ca7189044cffe3d1c6f4f1aff");
        assert_eq!(delivery_id("a", 1, "slack.soc").to_string(), "992da3efc705aa35966b4924615d0aeb");
    }

    #[test]
    fn every_part_matters() {
        let here = RecordIds::new("t", "o").id(1, b"x");
        assert_ne!(here, RecordIds::new("t", "o").id(2, b"x"));
        assert_ne!(here, RecordIds::new("to", "").id(1, b"x"));
        assert_ne!(here, RecordIds::new("t", "o").id(1, b"y"));
        assert_eq!(finding_id("d", ["a", "b"]), finding_id("d", ["b", "a"]));
        assert_ne!(finding_id("d", ["ab"]), finding_id("d", ["a", "b"]));
    }

    #[test]
    fn hex_equals_display() {
        let id = RecordIds::new("t", "o").id(7, b"record");
        assert_eq!(std::str::from_utf8(&id.to_hex()).unwrap(), id.to_string());
    }
}

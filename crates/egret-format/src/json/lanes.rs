//! Looks at eight bytes of a string at a time, in the lanes of a `u64`.

/// The first byte from `at` on that does not stand for itself in a string: a quote, a backslash, a control character.
#[inline]
pub(super) fn find_special(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(lanes) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let lanes = u64::from_le_bytes(*lanes);
        let found = less_than(lanes, b' ') | equal(lanes, b'"') | equal(lanes, b'\\');
        if let Some(lane) = lowest(found) {
            return Some(at + lane);
        }
        at += 8;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    bytes.get(at..)?.iter().position(is_special).map(|found| at + found)
}

/// Copies the bytes up to the first backslash, or all of them, to `to`, which has room for as many. How many it were;
/// those behind them in `to` are overwritten.
#[inline]
pub(super) fn copy_to_backslash(from: &[u8], to: &mut [u8]) -> usize {
    let mut at = 0;
    while let (Some(lanes), Some(to)) = (from[at..].first_chunk(), to[at..].first_chunk_mut()) {
        *to = *lanes;
        if let Some(lane) = lowest(equal(u64::from_le_bytes(*lanes), b'\\')) {
            return at + lane;
        }
        at += 8;
    }
    let plain = from[at..].iter().take_while(|byte| **byte != b'\\').count();
    to[at..at + plain].copy_from_slice(&from[at..at + plain]);
    at + plain
}

/// The lowest lane that is marked.
fn lowest(marks: u64) -> Option<usize> {
    let marks = marks & all(0x80);
    (marks != 0).then(|| marks.trailing_zeros() as usize / 8)
}

/// Marks the lanes that are below `limit`, at most 128, in their highest bits. Lanes above the lowest that is marked
/// may be marked too. See "Determine if a word has a byte less than n" of Sean Eron Anderson's Bit Twiddling Hacks.
fn less_than(lanes: u64, limit: u8) -> u64 {
    lanes.wrapping_sub(all(limit)) & !lanes
}

/// Marks as [`less_than`] the lanes that are `byte`.
fn equal(lanes: u64, byte: u8) -> u64 {
    less_than(lanes ^ all(byte), 1)
}

const fn all(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lanes_agree_with_bytes(bytes in prop::collection::vec(prop::sample::select(
            vec![b'"', b'\\', 0, 0x1f, b' ', b'!', b'#', b'[', b']', b'a', 0x7f, 0x80, 0xa2, 0xdc, 0xff]), 0..40)
        ) {
            for at in 0..=bytes.len() {
                let rest = &bytes[at..];
                let special = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '));
                prop_assert_eq!(find_special(&bytes, at), special.map(|found| at + found));
                let plain = rest.iter().position(|byte| *byte == b'\\').unwrap_or(rest.len());
                let mut copy = vec![1; rest.len()];
                prop_assert_eq!(copy_to_backslash(rest, &mut copy), plain);
                prop_assert_eq!(&copy[..plain], &rest[..plain]);
            }
        }
    }
}

//! When to try again: exponentially later, with jitter.

use std::time::Duration;

use egret_model::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

/// The first pause, before jitter.
const FIRST: Duration = Duration::from_secs(2);

/// The longest.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// When a delivery that has failed `attempts` times, at least once, is tried again. The pause doubles with each failure and is between
/// half of that and the whole ("equal jitter", after Marc Brooker, Exponential Backoff and Jitter, AWS Architecture
/// Blog 2015); never sooner than the service asked for. The jitter comes from the id: it spreads deliveries, and is
/// the same each time one is computed.
pub(crate) fn next_try(
    delivery_id: &str,
    attempts: u32,
    asked: Option<Duration>,
    now: Timestamp,
) -> Timestamp {
    let doublings = attempts.saturating_sub(1).min(20);
    let whole = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    let jitter = xxh3_64(format!("{delivery_id} {attempts}").as_bytes()) as f64 / u64::MAX as f64;
    let pause = whole.mul_f64(0.5 + jitter / 2.0).max(asked.unwrap_or_default());
    now.plus_micros(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let now = Timestamp::from_seconds(0);
        let pause = |attempts| next_try("id", attempts, None, now).micros() as f64 / 1e6;
        for (attempts, least, most) in [(1, 1.0, 2.0), (2, 2.0, 4.0), (5, 16.0, 32.0), (99, 900.0, 1800.0)] {
            let pause = pause(attempts);
            assert!((least..=most).contains(&pause), "{attempts}: {pause}");
        }
        let asked = next_try("id", 1, Some(Duration::from_secs(60)), now);
        assert_eq!(asked, Timestamp::from_seconds(60));
    }

    #[test]
    fn deliveries_do_not_come_all_at_once() {
        let now = Timestamp::from_seconds(0);
        let tries: std::collections::HashSet<i64> =
            (0..100).map(|number| next_try(&format!("id{number}"), 3, None, now).micros()).collect();
        assert!(tries.len() > 90);
    }
}

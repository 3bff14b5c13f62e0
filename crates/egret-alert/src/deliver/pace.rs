//! How fast an output may be told: what its rate allows, and what it asked for.

use std::time::Duration;

use egret_model::Timestamp;
use egret_output::Rate;
use egret_store::StoredPace;

/// The pace of an output. It is kept in the store: a process that begins each minute keeps to it as one that stays does.
#[derive(Debug)]
pub(super) struct Pace {
    /// In microseconds: the time that one letter takes of the rate, and how far ahead of it letters may be.
    rate: Option<(i64, i64)>,
    held_until: Option<Timestamp>,
    /// When all of the rate is there again ("theoretical arrival time" of the generic cell rate algorithm, ITU-T I.371).
    free_at: Timestamp,
    is_changed: bool,
}

impl Pace {
    /// Goes on from what is stored.
    pub(super) fn new(rate: Option<Rate>, stored: StoredPace, now: Timestamp) -> Self {
        let rate = rate.and_then(|rate| {
            let one = micros(rate.period.checked_div(rate.count.get())?).max(1);
            Some((one, micros(rate.period).saturating_sub(one)))
        });
        let period = rate.map_or(0, |(one, ahead)| one.saturating_add(ahead));
        // No longer than a period: another rate may have been configured, or the clock set back.
        let free_at = stored.free_at.unwrap_or(now).min(now.plus_micros(period));
        Self { rate, held_until: stored.held_until, free_at, is_changed: false }
    }

    /// Takes the time of one letter; if the rate does not allow it, says when it does.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        let Some((one, ahead)) = self.rate else { return Ok(()) };
        let allowed_at = self.free_at.plus_micros(-ahead);
        if allowed_at > now {
            return Err(allowed_at);
        }
        self.free_at = self.free_at.max(now).plus_micros(one);
        self.is_changed = true;
        Ok(())
    }

    /// The service asked for patience.
    pub(super) fn hold(&mut self, after: Duration, now: Timestamp) {
        self.held_until = self.held_until.max(Some(now.plus_micros(micros(after))));
        self.is_changed = true;
    }

    /// Until when the service asked for patience, if that is not over.
    pub(super) fn held_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.held_until.filter(|until| *until > now)
    }

    /// What there is to write down since the last time.
    pub(super) fn changed(&mut self) -> Option<StoredPace> {
        let is_changed = std::mem::take(&mut self.is_changed);
        let free_at = self.rate.map(|_| self.free_at);
        is_changed.then_some(StoredPace { held_until: self.held_until, free_at })
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn at(seconds: i64) -> Timestamp {
        START.plus_micros(seconds * 1_000_000)
    }

    fn six_a_minute() -> Option<Rate> {
        Some(Rate { count: NonZero::new(6).unwrap(), period: Duration::from_secs(60) })
    }

    /// Whoever writes down and reads again between any two letters sends as many as one who does not.
    #[test]
    fn a_rate_holds_across_processes() {
        for restarts in [false, true] {
            let mut pace = Pace::new(six_a_minute(), StoredPace::default(), START);
            let mut stored = StoredPace::default();
            let mut sent = Vec::new();
            for second in 0..=60 {
                loop {
                    if restarts {
                        stored = pace.changed().unwrap_or(stored);
                        pace = Pace::new(six_a_minute(), stored, at(second));
                    }
                    if pace.take(at(second)).is_err() {
                        break;
                    }
                    sent.push(second);
                }
            }
            assert_eq!(sent, [0, 0, 0, 0, 0, 0, 10, 20, 30, 40, 50, 60], "restarts: {restarts}");
        }
    }

    #[test]
    fn it_says_when() {
        let mut pace = Pace::new(six_a_minute(), StoredPace::default(), START);
        while pace.take(START).is_ok() {}
        assert_eq!(pace.take(at(3)), Err(at(10)));
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nobody_for_longer_than_the_period() {
        let stored = StoredPace { held_until: None, free_at: Some(at(1_000_000)) };
        let mut pace = Pace::new(six_a_minute(), stored, START);
        assert_eq!(pace.take(START), Err(at(10)));
    }

    #[test]
    fn the_longest_patience_that_was_asked_for_counts() {
        let mut pace = Pace::new(None, StoredPace::default(), START);
        pace.hold(Duration::from_secs(60), START);
        pace.hold(Duration::from_secs(5), START);
        let stored = pace.changed().unwrap();
        assert_eq!(pace.changed(), None);
        let later = Pace::new(None, stored, at(30));
        assert_eq!((later.held_until(at(59)), later.held_until(at(60))), (Some(at(60)), None));
    }
}

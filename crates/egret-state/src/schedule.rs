//! When a generator runs next.

use std::time::Duration;

use egret_model::Timestamp;

use crate::definition::GeneratorDefinition;

/// When a generator is due, whose last run began at `last`: at once if there was none, else after its time, and a little
/// later by its name, so that generators with the same time do not all start at once.
pub fn due_at(definition: &GeneratorDefinition, last: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let Some(last) = last else { return now };
    let hash = blake3::hash(definition.name.value.as_bytes());
    let share = f64::from(hash.as_bytes()[0]) / 256.0;
    last.plus_micros(micros(definition.every)).plus_micros(micros(definition.jitter.mul_f64(share)))
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{context, definition};

    #[test]
    fn due_after_its_time_and_a_little_more() {
        let definition =
            definition(r#"generator "kernel_modules" "m" { every = "1h" }"#, &context(&std::env::temp_dir()));
        let (began, now) = (Timestamp::from_seconds(1_000), Timestamp::from_seconds(1_010));
        assert_eq!(due_at(&definition, None, now), now);
        let due = due_at(&definition, Some(began), now).micros() - began.micros();
        assert!((3_600_000_000..3_960_000_000).contains(&due), "{due}");
    }
}

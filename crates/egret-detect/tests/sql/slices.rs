//! A batch gives what its slices give, also where SQL has no answer for some rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use egret_detect::{DetectContext, Detected, Detector};
use egret_model::{Clock, Origin};
use proptest::prelude::*;

use super::{FixedClock, compiler, load};

const RULES: &str = r#"
table "event" {
  column "tp_timestamp" { source = "time" }
  column "text" { type = "varchar" }
  column "number" { type = "bigint" }
}

detection "cast" {
  table   = "event"
  where   = "cast(text as integer) > 5"
  message = "{text} is more than 5"
}

detection "divide" {
  channel = "custom.*"
  where   = "number % 3 = 0 or text like '1%'"
}

detection "null" {
  table = "event"
  where = "text is null"
}
"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_batch_gives_what_its_slices_give(
        values in prop::collection::vec((prop::option::of("[0-9x]{1,2}"), 0i64..10), 1..50),
        cuts in prop::collection::vec(0usize..50, 0..4),
    ) {
        let (tables, definitions) = load(RULES);
        let table = tables.get("event").unwrap();
        let detector = Detector::compile(&definitions, &table.schema(), &table.channel(), &compiler()).unwrap();
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter(values.iter().map(|(text, _)| text.as_deref())));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(values.iter().map(|(_, number)| *number)));
        let ids: ArrayRef =
            Arc::new(StringViewArray::from_iter_values((0..values.len()).map(|row| row.to_string())));
        let batch = RecordBatch::try_from_iter([("text", texts), ("number", numbers), ("tp_id", ids)]).unwrap();
        let context = DetectContext {
            channel: "custom.event",
            table: "event",
            partition: "p",
            origin: Origin::Stream,
            now: FixedClock.now(),
        };
        let whole = detector.detect(&batch, &context);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(values.len())).collect();
        cuts.extend([0, values.len()]);
        cuts.sort_unstable();
        let mut pieces = Detected::default();
        for pair in cuts.windows(2) {
            let detected = detector.detect(&batch.slice(pair[0], pair[1] - pair[0]), &context);
            pieces.findings.extend(detected.findings);
            pieces.failures.extend(detected.failures);
        }
        prop_assert_eq!(&whole.findings, &pieces.findings);
        let failed = |detected: &Detected| detected.failures.iter().map(|failure| failure.rows).sum::<u64>();
        prop_assert_eq!(failed(&whole), failed(&pieces));
        let not_numbers = values.iter().filter(|(text, _)| text.as_ref().is_some_and(|text| text.contains('x')));
        prop_assert_eq!(failed(&whole), not_numbers.count() as u64);
    }
}

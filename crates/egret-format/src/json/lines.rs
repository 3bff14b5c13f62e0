//! `jsonl`: one JSON object a line.

use std::sync::Arc;

use jiter::Jiter;

use super::record::{read_mended, read_record};
use crate::decoder::{Decoder, Format, Framing, ObjectContext};
use crate::lines::{LineParser, Reject, boxed};
use crate::plan::RecordPlan;
use crate::rows::RowBuilder;

/// One JSON object a line.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonLinesFormat;

impl Format for JsonLinesFormat {
    fn kind(&self) -> &'static str {
        "jsonl"
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn decoder(&self, _plan: &Arc<RecordPlan>, _object: &ObjectContext) -> Box<dyn Decoder> {
        boxed(JsonLineParser)
    }
}

struct JsonLineParser;

impl LineParser for JsonLineParser {
    fn parse(&mut self, line: &str, rows: &mut RowBuilder<'_>) -> Result<(), Reject> {
        let mut json = Jiter::new(line.as_bytes());
        let end = match read_record(&mut json, line, rows) {
            Ok(()) => json.current_index(),
            Err(error) => match error.is_json().then(|| read_mended(line, rows)).flatten() {
                Some(outcome) => outcome.map_err(|error| Reject(error.reason()))?,
                None => return Err(Reject(error.reason())),
            },
        };
        // A record ends at an ASCII character.
        let rest = line.get(end..).unwrap_or_default();
        if rest.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            return Ok(());
        }
        Err(Reject(format!("not valid JSON: more than one value, the second one at byte {end}")))
    }
}

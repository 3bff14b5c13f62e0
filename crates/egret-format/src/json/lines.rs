//! `jsonl`: one JSON object a line.

use std::sync::Arc;

use super::record::{ReadBuffers, read_mended, read_record};
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
        boxed(JsonLineParser::default())
    }
}

#[derive(Default)]
struct JsonLineParser {
    buffers: ReadBuffers,
}

impl LineParser for JsonLineParser {
    fn parse(&mut self, line: &str, rows: &mut RowBuilder<'_>) -> Result<(), Reject> {
        let end = match read_record(line, &mut self.buffers, rows) {
            Ok(end) => end,
            Err(error) => match error.is_json().then(|| read_mended(line, &mut self.buffers, rows)).flatten()
            {
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

//! `jsonl`: one JSON object a line.

use std::sync::Arc;

use jiter::Jiter;

use super::record::read_record;
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
        read_record(&mut json, line, rows).map_err(|error| Reject(error.reason()))?;
        let end = json.current_index();
        match json.finish() {
            Ok(()) => Ok(()),
            Err(_) => {
                Err(Reject(format!("not valid JSON: more than one value, the second one at byte {end}")))
            }
        }
    }
}

//! `delimited`: CSV and its relatives.

mod configuration;
mod decoder;

use std::sync::Arc;

use self::decoder::DelimitedDecoder;
use crate::decoder::{Decoder, Format, Framing, ObjectContext};
use crate::plan::RecordPlan;

pub(crate) use configuration::DELIMITED;

/// A record longer than this goes to quarantine unless `max_line_size` says otherwise. It bounds what one quote
/// that is never closed can swallow.
const DEFAULT_MAX_RECORD_BYTES: usize = 2 << 20;

/// Records whose values have a delimiter between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelimitedFormat {
    delimiter: u8,
    quote: Option<u8>,
    escape: Option<u8>,
    comment: Option<u8>,
    header: bool,
    columns: Option<Vec<String>>,
    null_texts: Vec<String>,
    null_padding: bool,
    normalize_names: bool,
    max_record_bytes: usize,
}

/// CSV with a header.
impl Default for DelimitedFormat {
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            comment: None,
            header: true,
            columns: None,
            null_texts: vec![String::new()],
            null_padding: false,
            normalize_names: false,
            max_record_bytes: DEFAULT_MAX_RECORD_BYTES,
        }
    }
}

impl Format for DelimitedFormat {
    fn kind(&self) -> &'static str {
        DELIMITED.name
    }

    fn framing(&self) -> Framing {
        if self.header { Framing::Stateful } else { Framing::Lines }
    }

    fn fields(&self) -> Option<Vec<String>> {
        self.columns.clone()
    }

    fn decoder(&self, plan: &Arc<RecordPlan>, _: &ObjectContext) -> Box<dyn Decoder> {
        Box::new(DelimitedDecoder::new(self, plan))
    }
}

#[cfg(test)]
mod tests;

//! `regex`: lines that a regular expression takes apart.

use std::str::FromStr;
use std::sync::Arc;

use egret_config::{BlockReader, Decode};
use regex::{CaptureLocations, Regex, RegexBuilder};

use crate::decoder::{Decoder, Format, Framing, ObjectContext};
use crate::layout_error::LayoutError;
use crate::lines::{LineParser, Reject, boxed};
use crate::plan::RecordPlan;
use crate::registry::{FormatType, decode_as, decode_layout, layout_attribute};
use crate::rows::{FieldId, RowBuilder};

/// The fields of what a layout without `^` or `$` leaves at the ends of a line.
const BEFORE: &str = "_before";
const AFTER: &str = "_after";

/// A compiled expression takes at most so much memory.
const MAX_COMPILED_BYTES: usize = 32 << 20;

pub(crate) const REGEX: FormatType = FormatType {
    name: "regex",
    description: "Lines that a regular expression takes apart: each named group is a field, absent where the \
                  group took no part in the match. What stands before or behind the match goes to `_before` and \
                  `_after`. A line without a match goes to quarantine. Matching takes time linear in the line's \
                  length, whatever the expression.",
    attributes: &[layout_attribute(
        "The expression, in the syntax of Rust's `regex` (that of RE2, so neither look-around nor \
         back-references), with at least one group `(?P<name>…)`.",
    )],
    presets: &[],
    example: r#"format "regex" "application" {
  layout = `^(?P<time>\S+) (?P<level>\w+) (?:\[(?P<thread>[^\]]*)\] )?(?P<message>.*)$`
}
"#,
    decode: decode_as::<RegexFormat>,
};

/// Lines that a regular expression takes apart.
#[derive(Debug, Clone)]
pub struct RegexFormat {
    regex: Regex,
}

impl FromStr for RegexFormat {
    type Err = LayoutError;

    /// Compiles the expression.
    fn from_str(layout: &str) -> Result<Self, LayoutError> {
        regex_syntax::parse(layout).map_err(|error| syntax_error(&error, layout))?;
        let built = RegexBuilder::new(layout).size_limit(MAX_COMPILED_BYTES).build();
        let regex = built.map_err(|error| {
            let hint = "write smaller numbers in braces, such as `{1,64}`";
            LayoutError::new(lower_first(&error.to_string()), hint, 0..layout.len())
        })?;
        if regex.capture_names().flatten().next().is_none() {
            let hint = "name what should become fields: `(?P<status>\\d+)`";
            return Err(LayoutError::new("the layout has no named group", hint, 0..layout.len()));
        }
        Ok(Self { regex })
    }
}

fn syntax_error(error: &regex_syntax::Error, layout: &str) -> LayoutError {
    let (message, span) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), error.span()),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), error.span()),
        _ => {
            return LayoutError::new(lower_first(&error.to_string()), HINT, 0..layout.len());
        }
    };
    LayoutError::new(lower_first(&message), HINT, span.start.offset..span.end.offset)
}

const HINT: &str = "the syntax is that of https://docs.rs/regex/latest/regex/#syntax";

fn lower_first(message: &str) -> String {
    let mut chars = message.trim_end_matches('.').chars();
    chars.next().into_iter().flat_map(char::to_lowercase).chain(chars).collect()
}

impl Decode for RegexFormat {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        decode_layout(reader)
    }
}

impl Format for RegexFormat {
    fn kind(&self) -> &'static str {
        REGEX.name
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn fields(&self) -> Option<Vec<String>> {
        Some(self.regex.capture_names().flatten().map(str::to_owned).collect())
    }

    fn decoder(&self, plan: &Arc<RecordPlan>, _: &ObjectContext) -> Box<dyn Decoder> {
        let groups = self.regex.capture_names().enumerate();
        boxed(RegexParser {
            fields: groups.filter_map(|(group, name)| Some((group, FieldId::new(plan, name?)))).collect(),
            before: FieldId::new(plan, BEFORE),
            after: FieldId::new(plan, AFTER),
            locations: self.regex.capture_locations(),
            regex: self.regex.clone(),
        })
    }
}

struct RegexParser {
    regex: Regex,
    locations: CaptureLocations,
    fields: Vec<(usize, FieldId)>,
    before: FieldId,
    after: FieldId,
}

impl LineParser for RegexParser {
    fn parse(&mut self, line: &str, rows: &mut RowBuilder<'_>) -> Result<(), Reject> {
        let Some(found) = self.regex.captures_read(&mut self.locations, line) else {
            return Err(Reject("the line does not match the layout".to_owned()));
        };
        for (group, field) in &self.fields {
            if let Some((start, end)) = self.locations.get(*group) {
                rows.text(field, &line[start..end]);
            }
        }
        if found.start() > 0 {
            rows.text(&self.before, &line[..found.start()]);
        }
        if found.end() < line.len() {
            rows.text(&self.after, &line[found.end()..]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! The types `json` and `jsonl`.

use std::sync::Arc;

use egret_config::{BlockReader, Decode, Diagnostic, Located};

use super::{AttributeDocumentation, FormatType, Preset, decode_as};
use crate::json::{JsonFormat, JsonLinesFormat};

/// The path to the records in what AWS services write.
const AWS_RECORDS: &str = "Records[*]";

pub(crate) const JSON: FormatType = FormatType {
    name: "json",
    description: "JSON documents: each document a record, the elements of an array, or records below a path. \
                  Documents of any size are read as a stream.",
    attributes: &[
        AttributeDocumentation {
            name: "records",
            value_type: "string",
            default: Some("each document, or the elements of an array at the top"),
            description: "The path to the records: names with dots between them, and `[*]` for each element of \
                          an array.",
        },
        AttributeDocumentation {
            name: "path",
            value_type: "string",
            default: Some("as `records`"),
            description: "Another name of `records`.",
        },
    ],
    presets: &[
        Preset {
            name: "default",
            description: "Each document a record, or the elements of an array at the top.",
            layout: None,
            make: || Some(Arc::new(JsonFormat::default())),
        },
        Preset {
            name: "records",
            description: "The envelope of AWS services: `{\"Records\": […]}`.",
            layout: Some(AWS_RECORDS),
            make: || Some(Arc::new(AWS_RECORDS.parse::<JsonFormat>().ok()?)),
        },
    ],
    example: r#"format "json" "audit" {
  records = "data.events[*]"
}
"#,
    decode: decode_as::<JsonFormat>,
};

pub(crate) const JSON_LINES: FormatType = FormatType {
    name: "jsonl",
    description: "One JSON object a line.",
    attributes: &[],
    presets: &[Preset {
        name: "default",
        description: "One JSON object a line.",
        layout: None,
        make: || Some(Arc::new(JsonLinesFormat)),
    }],
    example: r#"format "jsonl" "events" {
}
"#,
    decode: decode_as::<JsonLinesFormat>,
};

impl Decode for JsonFormat {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let records: Option<Located<String>> = reader.optional("records");
        let path: Option<Located<String>> = reader.optional("path");
        if let (Some(_), Some(path)) = (&records, &path) {
            let mistake = Diagnostic::error("`records` and `path` are two names of the same attribute");
            reader.diagnostics().push(mistake.at(&path.location).hint("remove one of them"));
            return None;
        }
        let Some(path) = records.or(path) else { return Some(Self::default()) };
        match path.value.parse() {
            Ok(format) => Some(format),
            Err(error) => {
                reader.diagnostics().error(&path.location, error.to_string());
                None
            }
        }
    }
}

impl Decode for JsonLinesFormat {
    fn decode(_: &mut BlockReader<'_>) -> Option<Self> {
        Some(Self)
    }
}

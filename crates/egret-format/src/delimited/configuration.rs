//! The attributes of `delimited`.

use std::sync::Arc;

use egret_config::{BlockReader, Decode, Diagnostic, FromValue, Located, Value, ValueKind};

use super::DelimitedFormat;
use crate::block::MAX_RECORD_BYTES;
use crate::registry::{AttributeDocumentation, FormatType, Preset, decode_as, one_character};

/// Options of DuckDB's `read_csv` that older configurations may have and that change nothing here.
const WITHOUT_EFFECT: [(&str, &str); 6] = [
    ("all_varchar", "Accepted, without effect: a value gets the type of its column."),
    ("filename", "Accepted, without effect: `tp_source_location` has the name of the file."),
    ("force_not_null", "Accepted, without effect."),
    ("ignore_errors", "Accepted, without effect: what is no record goes to quarantine and stops nothing."),
    ("new_line", "Accepted, without effect: `\\n`, `\\r\\n` and `\\r` all end a line."),
    ("sample_size", "Accepted, without effect: nothing is guessed from a sample."),
];

/// Options of `read_csv` that do change something, but are done elsewhere here.
const ELSEWHERE: [(&str, &str); 3] = [
    ("allow_quoted_nulls", "values that are a text of `null_str` are null whether quoted or not"),
    ("decimal_separator", "use `transform` in the column, such as `replace(price, ',', '.')`"),
    ("timestamp_format", "use `transform` in the column, such as `strptime(time, '%d.%m.%Y %H:%M')`"),
];

pub(crate) const DELIMITED: FormatType = FormatType {
    name: "delimited",
    description: "CSV and its relatives. A quoted value may hold delimiters and line ends. Without header and \
                  `columns`, values are named `column0`, `column1`, … A record with another number of values than \
                  there are names goes to quarantine, and so does the first line of a record whose quotes are never \
                  closed.",
    attributes: ATTRIBUTES,
    presets: &[
        Preset {
            name: "default",
            description: "CSV: commas, double quotes, the first line names the fields.",
            layout: None,
            make: || Some(Arc::new(DelimitedFormat::default())),
        },
        Preset {
            name: "tab",
            description: "As `default`, with tabs.",
            layout: None,
            make: || Some(Arc::new(DelimitedFormat { delimiter: b'\t', ..DelimitedFormat::default() })),
        },
        Preset {
            name: "semicolon",
            description: "As `default`, with semicolons.",
            layout: None,
            make: || Some(Arc::new(DelimitedFormat { delimiter: b';', ..DelimitedFormat::default() })),
        },
        Preset {
            name: "pipe",
            description: "As `default`, with vertical bars.",
            layout: None,
            make: || Some(Arc::new(DelimitedFormat { delimiter: b'|', ..DelimitedFormat::default() })),
        },
    ],
    example: r#"format "delimited" "proxy" {
  delimiter = "\t"
  columns   = ["time", "client", "url", "status"]
  null_str  = "-"
}
"#,
    decode: decode_as::<DelimitedFormat>,
};

const ATTRIBUTES: &[AttributeDocumentation] = &[
    attribute("delimiter", "string", "\",\"", "The character between values."),
    attribute(
        "quote",
        "string",
        "\"\\\"\"",
        "The character around values that hold delimiters, or \"\" for none.",
    ),
    attribute(
        "escape",
        "string",
        "the quote, doubled",
        "The character that makes a quote part of a quoted value. Doubled quotes are understood as well.",
    ),
    attribute("comment", "string", "none", "Lines that start with this character are passed over."),
    attribute(
        "header",
        "bool",
        "true, or false with `columns`",
        "Whether the first record names the fields. With `columns`, it is passed over.",
    ),
    attribute("columns", "list of strings", "from the header", "The names of the fields."),
    attribute("null_str", "string or list of strings", "\"\"", "Values that mean that there is none."),
    attribute("null_padding", "bool", "false", "Whether a record may lack values at its end."),
    attribute(
        "normalize_names",
        "bool",
        "false",
        "Whether names from a header get lower case and `_` for odd signs.",
    ),
    attribute("max_line_size", "number", "2097152", "A record of more bytes than this goes to quarantine."),
    attribute(WITHOUT_EFFECT[0].0, "any", "none", WITHOUT_EFFECT[0].1),
    attribute(WITHOUT_EFFECT[1].0, "any", "none", WITHOUT_EFFECT[1].1),
    attribute(WITHOUT_EFFECT[2].0, "any", "none", WITHOUT_EFFECT[2].1),
    attribute(WITHOUT_EFFECT[3].0, "any", "none", WITHOUT_EFFECT[3].1),
    attribute(WITHOUT_EFFECT[4].0, "any", "none", WITHOUT_EFFECT[4].1),
    attribute(WITHOUT_EFFECT[5].0, "any", "none", WITHOUT_EFFECT[5].1),
    attribute(
        ELSEWHERE[0].0,
        "any",
        "none",
        "Without effect and with a warning: quotes make no difference to null.",
    ),
    attribute(
        ELSEWHERE[1].0,
        "any",
        "none",
        "Without effect and with a warning: use `transform` in the column.",
    ),
    attribute(
        ELSEWHERE[2].0,
        "any",
        "none",
        "Without effect and with a warning: use `transform` in the column.",
    ),
];

const fn attribute(
    name: &'static str,
    value_type: &'static str,
    default: &'static str,
    description: &'static str,
) -> AttributeDocumentation {
    AttributeDocumentation { name, value_type, default: Some(default), description }
}

impl Decode for DelimitedFormat {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let default = Self::default();
        let delimiter = one_character(reader, "delimiter", Some(default.delimiter));
        let quote = one_character(reader, "quote", default.quote);
        let escape = one_character(reader, "escape", None);
        let comment = one_character(reader, "comment", None);
        let columns: Option<Option<Vec<Located<String>>>> = reader.optional_or("columns", None);
        let has_columns = columns.as_ref().is_some_and(Option::is_some);
        let header = reader.optional_or("header", !has_columns);
        let null_texts = reader.optional_or("null_str", Texts(default.null_texts));
        let null_padding = reader.optional_or("null_padding", default.null_padding);
        let normalize_names = reader.optional_or("normalize_names", default.normalize_names);
        let max_record_bytes = max_record_bytes(reader, default.max_record_bytes);
        ignore_others(reader);
        let (quote, escape) = (quote?, escape?);
        let format = Self {
            delimiter: delimiter?.unwrap_or(default.delimiter),
            quote,
            // The quote as its own escape is the doubling that is always understood.
            escape: escape.filter(|escape| Some(*escape) != quote),
            comment: comment?,
            header: header?,
            columns: check_columns(columns?, reader)?,
            null_texts: null_texts?.0,
            null_padding: null_padding?,
            normalize_names: normalize_names?,
            max_record_bytes: max_record_bytes?,
        };
        let special = [Some(format.delimiter), format.quote, format.escape, format.comment];
        let special: Vec<u8> = special.into_iter().flatten().collect();
        let clashes = (1..special.len()).any(|at| special[..at].contains(&special[at]));
        if clashes || special.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
            let message =
                "`delimiter`, `quote`, `escape` and `comment` must differ, and none can be a line end";
            let mistake = Diagnostic::error(message).at(reader.location());
            reader.diagnostics().push(mistake.hint("give each a character of its own"));
            return None;
        }
        Some(format)
    }
}

fn max_record_bytes(reader: &mut BlockReader<'_>, default: usize) -> Option<usize> {
    let written: Option<Located<usize>> = reader.optional_or("max_line_size", None)?;
    let Some(written) = written else { return Some(default) };
    if (1..MAX_RECORD_BYTES).contains(&written.value) {
        return Some(written.value);
    }
    let mistake = Diagnostic::error("`max_line_size` is out of range").at(&written.location);
    reader
        .diagnostics()
        .push(mistake.hint(format!("write a number of bytes from 1 to {}", MAX_RECORD_BYTES - 1)));
    None
}

fn check_columns(
    columns: Option<Vec<Located<String>>>,
    reader: &mut BlockReader<'_>,
) -> Option<Option<Vec<String>>> {
    let Some(columns) = columns else { return Some(None) };
    for (at, column) in columns.iter().enumerate() {
        if columns[..at].iter().any(|earlier| earlier.value == column.value) {
            let mistake = Diagnostic::error(format!("the column `{}` is there twice", column.value));
            reader
                .diagnostics()
                .push(mistake.at(&column.location).hint("give each column a name of its own"));
            return None;
        }
    }
    if columns.is_empty() {
        let mistake = Diagnostic::error("`columns` is empty").at(reader.location());
        reader
            .diagnostics()
            .push(mistake.hint("name the columns, or leave it out to take the names from the header"));
        return None;
    }
    Some(Some(columns.into_iter().map(|column| column.value).collect()))
}

fn ignore_others(reader: &mut BlockReader<'_>) {
    for (name, _) in WITHOUT_EFFECT {
        reader.optional::<Value>(name);
    }
    for (name, instead) in ELSEWHERE {
        if reader.optional::<Value>(name).is_none() {
            continue;
        }
        if let Some(attribute) = reader.block().attribute(name) {
            let warning = Diagnostic::warning(format!("`{name}` has no effect")).at(&attribute.name.location);
            reader.diagnostics().push(warning.hint(instead));
        }
    }
}

/// A text, or a list of them.
struct Texts(Vec<String>);

impl FromValue for Texts {
    const EXPECTED: &'static str = "a string or a list of strings";

    fn from_value(value: &Value, diagnostics: &mut egret_config::Diagnostics) -> Option<Self> {
        match &value.kind {
            ValueKind::List(_) => Vec::from_value(value, diagnostics).map(Self),
            _ => value.expect_text(Self::EXPECTED, diagnostics).map(|text| Self(vec![text.to_owned()])),
        }
    }
}

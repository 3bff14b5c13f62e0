//! The formats of files: what their bytes say.

use std::borrow::Cow;
use std::convert::Infallible;

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value as Json};

use crate::generators::json_stream::{JsonStream, Piece};

use super::{ini, yaml};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    JsonLines,
    Yaml,
    Toml,
    Csv,
    Ini,
    Lines,
}

/// What the block says of formats.
#[derive(Debug)]
pub(super) struct Options {
    pub comment: Option<String>,
    pub delimiter: Option<u8>,
}

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The whole of it, or its documents, lines, rows, sections.
    pub values: Vec<Json>,
    /// The first thing that is wrong with it.
    pub wrong: Option<String>,
}

impl Format {
    /// The format of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "json" => Self::Json,
            "jsonl" => Self::JsonLines,
            "yaml" => Self::Yaml,
            "toml" => Self::Toml,
            "csv" => Self::Csv,
            "ini" => Self::Ini,
            "lines" => Self::Lines,
            _ => return None,
        })
    }

    /// The format that the ending of a file's name says.
    pub(super) fn of_ending(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('/').unwrap_or(("", name)).1.rsplit_once('.')?;
        Some(match ending.to_ascii_lowercase().as_str() {
            "json" => Self::Json,
            "jsonl" | "ndjson" => Self::JsonLines,
            "yaml" | "yml" => Self::Yaml,
            "toml" => Self::Toml,
            "csv" | "tsv" => Self::Csv,
            "ini" | "cfg" | "cnf" | "conf" | "service" | "socket" | "timer" | "mount" | "network"
            | "netdev" | "desktop" => Self::Ini,
            "txt" | "list" | "allow" | "deny" => Self::Lines,
            _ => return None,
        })
    }

    /// What `bytes` say. What is no UTF-8 is replaced where text is all there is.
    pub(super) fn read(self, bytes: &[u8], name: &str, options: &Options) -> Read {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match self {
            Self::Json => one(serde_json::from_slice(bytes).map_err(|error| error.to_string())),
            Self::JsonLines => json_lines(bytes),
            Self::Yaml => match std::str::from_utf8(bytes) {
                Ok(text) => yaml::read(text),
                Err(error) => one(Err(format!("it is not in UTF-8: {error}"))),
            },
            Self::Toml => one(toml(bytes)),
            Self::Csv => csv(bytes, name, options),
            Self::Ini => Read { values: ini::read(&String::from_utf8_lossy(bytes)), wrong: None },
            Self::Lines => lines(&String::from_utf8_lossy(bytes), options),
        }
    }
}

fn one(value: Result<Json, String>) -> Read {
    match value {
        Ok(value) => Read { values: vec![value], wrong: None },
        Err(wrong) => Read { values: Vec::new(), wrong: Some(wrong) },
    }
}

fn json_lines(bytes: &[u8]) -> Read {
    let mut read = Read::default();
    let mut take = |piece| -> Result<(), Infallible> {
        match piece {
            Piece::Value(value) => read.values.push(value),
            Piece::Wrong { line, why } => {
                read.wrong.get_or_insert(format!("line {line} is no JSON: {why}"));
            }
        }
        Ok(())
    };
    let mut stream = JsonStream::new(false, usize::MAX);
    // Neither fails: what takes the pieces does not.
    let _ = stream.feed(bytes, &mut take);
    let _ = stream.end(&mut take);
    read
}

fn toml(bytes: &[u8]) -> Result<Json, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("it is not in UTF-8: {error}"))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
        format!("line {} is no TOML: {}", before.matches('\n').count() + 1, error.message())
    })?;
    Ok(of_toml(toml::Value::Table(table)))
}

/// The parser bounds how deep a value is.
fn of_toml(value: toml::Value) -> Json {
    match value {
        toml::Value::String(text) => Json::from(text),
        toml::Value::Integer(number) => Json::from(number),
        toml::Value::Float(number) => {
            serde_json::Number::from_f64(number).map_or_else(|| Json::from(number.to_string()), Json::Number)
        }
        toml::Value::Boolean(is_true) => Json::from(is_true),
        toml::Value::Datetime(moment) => Json::from(moment.to_string()),
        toml::Value::Array(items) => items.into_iter().map(of_toml).collect(),
        toml::Value::Table(members) => {
            members.into_iter().map(|(name, value)| (name, of_toml(value))).collect::<Map<_, _>>().into()
        }
    }
}

fn csv(bytes: &[u8], name: &str, options: &Options) -> Read {
    let default = if name.to_ascii_lowercase().ends_with(".tsv") { b'\t' } else { b',' };
    let comment = options.comment.as_deref().and_then(|comment| comment.as_bytes().first().copied());
    let mut reader = ReaderBuilder::new()
        .delimiter(options.delimiter.unwrap_or(default))
        .comment(comment)
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let (mut read, mut record) = (Read::default(), ByteRecord::new());
    let mut names: Option<Vec<String>> = None;
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return read,
            Err(error) => {
                read.wrong.get_or_insert(error.to_string());
                return read;
            }
        }
        let line = record.position().map_or(0, csv::Position::line);
        let fields: Vec<Cow<'_, str>> = record.iter().map(String::from_utf8_lossy).collect();
        let Some(names) = &names else {
            let read_names: Vec<String> = fields.iter().map(|name| name.trim().to_owned()).collect();
            if let Some(wrong) = wrong_names(&read_names) {
                read.wrong = Some(wrong);
                return read;
            }
            names = Some(read_names);
            continue;
        };
        if fields.len() != names.len() {
            let wrong = format!("line {line} has {} fields and the first row {}", fields.len(), names.len());
            read.wrong.get_or_insert(wrong);
            continue;
        }
        let members =
            names.iter().cloned().zip(fields.into_iter().map(|field| Json::from(field.into_owned())));
        read.values.push(Json::Object(members.collect()));
    }
}

fn wrong_names(names: &[String]) -> Option<String> {
    if let Some(index) = names.iter().position(String::is_empty) {
        return Some(format!("its field {} has no name in the first row", index + 1));
    }
    let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
    twice.map(|(_, name)| format!("two of its fields are called `{name}` in the first row"))
}

fn lines(text: &str, options: &Options) -> Read {
    let is_comment =
        |line: &str| options.comment.as_deref().is_some_and(|comment| line.trim_start().starts_with(comment));
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !is_comment(line));
    Read { values: lines.map(Json::from).collect(), wrong: None }
}

//! `file`: what files say: JSON, YAML, TOML, CSV, INI, or lines.

mod format;
mod ini;
mod paths;
mod yaml;

use std::fs::File as OpenFile;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader, ByteSize, Diagnostic, Located};
use egret_http::escape_line;
use serde_json::{Value as Json, json};

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::generators::selection::{SELECT, Selection};
use crate::registry::GeneratorType;

use format::{Format, Options};
use paths::{Found, Pattern};

/// A larger file is refused unless the block says otherwise.
const MAX_FILE_BYTES: ByteSize = ByteSize(64 << 20);

/// The generator type `file`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "file",
    description: "What files say: JSON, YAML, TOML, CSV, INI, or lines.",
    channel: "custom.file",
    key: &[],
    ignore: &[],
    ordered: &[],
    attributes: &[&[
        AttributeDocumentation::required(
            "paths",
            "a list of strings",
            "The files. `*` stands for any part of a name, `**` for any folders, `{a,b}` for one of several.",
        ),
        AttributeDocumentation::optional(
            "format",
            "a string",
            "json, jsonl, yaml, toml, csv, ini or lines. Default: as the file's ending says.",
        ),
        SELECT,
        AttributeDocumentation::optional(
            "each",
            "true or false",
            "Whether each member of an object is a document, with its `name` and its `value`. Default: false.",
        ),
        AttributeDocumentation::optional(
            "path_field",
            "a string",
            "A field for the path of the file in each document. Default: none.",
        ),
        AttributeDocumentation::optional(
            "comment",
            "a string",
            "Lines of `lines` and `csv` that begin so are left out. Default: none is.",
        ),
        AttributeDocumentation::optional(
            "delimiter",
            "a string",
            "What is between the fields of `csv`, one character. Default: a comma, in `.tsv` a tab.",
        ),
        AttributeDocumentation::optional("max_size", "a size", "A larger file is not read. Default: 64MiB."),
    ]],
    example: r##"generator "file" "allowed_hosts" {
  paths      = ["/etc/app/*.csv", "/etc/app/sites/**/*.csv"]
  format     = "csv"
  delimiter  = ";"
  comment    = "#"
  select     = "$[?@.state == 'active']"
  each       = false
  path_field = "path"
  max_size   = "1MiB"
  key        = ["path", "host"]
}
"##,
    documents: "What a document is, depends on the format:\n\n\
        | format | endings | documents |\n| --- | --- | --- |\n\
        | `json` | `.json` | the items of a list; an object is one document, or with `each` its members |\n\
        | `jsonl` | `.jsonl`, `.ndjson` | each line |\n\
        | `yaml` | `.yaml`, `.yml` | as `json`, for each document of the file; YAML 1.2, merge keys (`<<`) are followed |\n\
        | `toml` | `.toml` | as `json` |\n\
        | `csv` | `.csv`, `.tsv` | each row, its fields called as the first row says |\n\
        | `ini` | `.ini`, `.cfg`, `.cnf`, `.conf`, and units of systemd | each section, with its `name` and its `values`; a key \
        that is there several times has a list, one without a value null |\n\
        | `lines` | `.txt`, `.list`, `.allow`, `.deny` | each line that is not empty, as text |\n\n\
        ```json\n{\"path\": \"/etc/app/sites.csv\", \"host\": \"a.example\", \"state\": \"active\"}\n```\n\n\
        `select` looks into the whole of `json`, `yaml`, `toml`, into each line of `jsonl`, and into the list of all rows, \
        sections or lines. With a `path_field` text becomes an object with the `line`.\n\n\
        Each file is a part: one that cannot be read, or parsed, fails alone, and its documents stay as they were. So does a \
        file that is named without `*` and is not there; of those that a pattern stood for, one that is gone is gone.",
    permissions: "To read the files, and the folders in which patterns are looked up. Symbolic links to files are followed, \
        those to folders only where the pattern names them.",
    decode: |reader, context| {
        let paths = reader.required::<Located<Vec<Located<String>>>>("paths");
        let format = reader.optional_or("format", None::<Located<String>>);
        let select = Selection::decode(reader);
        let each = reader.optional_or("each", false);
        let path_field = reader.optional_or("path_field", None::<String>);
        let comment = reader.optional_or("comment", None::<String>);
        let delimiter = reader.optional_or("delimiter", None::<Located<String>>);
        let max_size = reader.optional_or("max_size", MAX_FILE_BYTES);
        let patterns = paths.and_then(|paths| read_patterns(&paths, reader));
        let format = format.and_then(|format| read_format(format, reader));
        let delimiter = delimiter.and_then(|delimiter| read_delimiter(delimiter, reader));
        Some(Arc::new(Files {
            folder: context.service.folder().to_owned(),
            patterns: patterns?,
            format: format?,
            select: select?,
            each: each?,
            path_field: path_field?,
            options: Options { comment: comment?, delimiter: delimiter? },
            max_size: max_size?.0,
        }))
    },
};

fn read_patterns(
    paths: &Located<Vec<Located<String>>>,
    reader: &mut BlockReader<'_>,
) -> Option<Vec<Pattern>> {
    if paths.value.is_empty() {
        let mistake = Diagnostic::error("`paths` names no file").at(&paths.location);
        reader.diagnostics().push(mistake.hint("write the paths of files: [\"/etc/app/*.json\"]"));
        return None;
    }
    let read = paths.value.iter().map(|path| {
        let pattern = Pattern::parse(&path.value);
        pattern
            .map_err(|why| reader.diagnostics().error(&path.location, format!("this is no path: {why}")))
            .ok()
    });
    read.collect::<Vec<_>>().into_iter().collect()
}

fn read_format(format: Option<Located<String>>, reader: &mut BlockReader<'_>) -> Option<Option<Format>> {
    let Some(format) = format else { return Some(None) };
    let found = Format::named(&format.value);
    if found.is_none() {
        let mistake =
            Diagnostic::error(format!("there is no format `{}`", format.value)).at(&format.location);
        reader
            .diagnostics()
            .push(mistake.hint("the formats are json, jsonl, yaml, toml, csv, ini and lines"));
    }
    found.map(Some)
}

fn read_delimiter(delimiter: Option<Located<String>>, reader: &mut BlockReader<'_>) -> Option<Option<u8>> {
    let Some(delimiter) = delimiter else { return Some(None) };
    match delimiter.value.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Some(Some(*byte)),
        _ => {
            let message = "`delimiter` is one character of ASCII";
            reader.diagnostics().error(&delimiter.location, message);
            None
        }
    }
}

#[derive(Debug)]
struct Files {
    folder: PathBuf,
    patterns: Vec<Pattern>,
    format: Option<Format>,
    select: Selection,
    each: bool,
    path_field: Option<String>,
    options: Options,
    max_size: u64,
}

#[async_trait]
impl Generator for Files {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let Found { files, failed } = paths::find(&self.folder, &self.patterns)?;
        let mut problem = None;
        let mut is_anything_read = false;
        for (place, why) in failed {
            documents.fail(place.as_str(), &why);
            problem.get_or_insert(why);
        }
        for file in files {
            documents.begin_part(file.name.as_str());
            let read = self.open(&file.path).map(|bytes| bytes.map(|bytes| self.read(&file.name, &bytes)));
            let (values, wrong) = match read {
                Ok(Some(read)) => read,
                // Between looking into the folder and opening it.
                Ok(None) if !file.is_named => continue,
                Ok(None) => (Vec::new(), Some("it is not there".to_owned())),
                Err(why) => (Vec::new(), Some(why)),
            };
            is_anything_read |= wrong.is_none() || !values.is_empty();
            for value in values {
                documents.push(self.with_path(value, &file.name))?;
            }
            if let Some(why) = wrong {
                let why = format!("{}: {}", escape_line(&file.name), escape_line(&why));
                documents.fail(file.name.as_str(), &why);
                problem.get_or_insert(why);
            }
        }
        match problem {
            Some(problem) if !is_anything_read => Err(GenerateError::refused(problem)),
            _ => Ok(()),
        }
    }
}

impl Files {
    /// The bytes of a file; `None` if it is not there.
    fn open(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        let open = || -> std::io::Result<Option<Vec<u8>>> {
            // To open a pipe is to wait for who writes into it.
            if !std::fs::metadata(path)?.is_file() {
                return Ok(None);
            }
            let mut bytes = Vec::new();
            OpenFile::open(path)?.take(self.max_size.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        };
        match open() {
            Ok(Some(bytes)) if bytes.len() as u64 > self.max_size => {
                Err(format!("it is larger than {} bytes; raise `max_size` if that is right", self.max_size))
            }
            Ok(Some(bytes)) => Ok(Some(bytes)),
            Ok(None) => Err("it is no file".to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("it cannot be read: {error}")),
        }
    }

    /// The documents of a file, and what is wrong with it.
    fn read(&self, name: &str, bytes: &[u8]) -> (Vec<Json>, Option<String>) {
        let Some(format) = self.format.or_else(|| Format::of_ending(name)) else {
            return (
                Vec::new(),
                Some("its ending does not say its format: name it with `format`".to_owned()),
            );
        };
        let format::Read { values, wrong } = format.read(bytes, name, &self.options);
        let selected = match format {
            Format::Csv | Format::Ini | Format::Lines => self.select.documents(Json::Array(values)),
            _ => values.into_iter().flat_map(|value| self.select.documents(value)).collect(),
        };
        if !self.each {
            return (selected, wrong);
        }
        let members = selected.into_iter().flat_map(|value| match value {
            Json::Object(members) => {
                members.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
            }
            value => vec![value],
        });
        (members.collect(), wrong)
    }

    fn with_path(&self, document: Json, name: &str) -> Json {
        let Some(field) = &self.path_field else { return document };
        match document {
            Json::Object(mut members) => {
                members.insert(field.clone(), Json::from(name));
                Json::Object(members)
            }
            Json::String(line) => json!({field.as_str(): name, "line": line}),
            value => json!({field.as_str(): name, "value": value}),
        }
    }
}

#[cfg(test)]
mod tests;

//! `source "file" { … }`: what can be configured, and its documentation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egret_config::{
    AttributeDocumentation, Block, BlockReader, Decode, Diagnostic, Diagnostics, Located, Value, decode_block,
};
use egret_model::Source;

use crate::file::glob::{Exclusion, InvalidPath, PathPattern};
use crate::file::layout::Layout;
use crate::file::source::FileSource;
use crate::registry::SourceType;
use crate::surroundings::Surroundings;

/// The source type `file`.
pub const SOURCE_TYPE: SourceType = SourceType {
    name: "file",
    description: "Files, folders and globs on this machine, and standard input; plain, gzip or zstd, recognised by content. A file that grew is read on from where it stood, also after rotation.",
    attributes: &[
        AttributeDocumentation {
            name: "paths",
            value: "a list of strings",
            required: true,
            description: "What to read: files, folders (with all folders below), globs (`*` within a name, `**` across folders, `?`, `[ab]`, `{a,b}`), or `-` for standard input. Relative to the configuration file; `~` is the home folder. Hidden files only where they are named.",
        },
        AttributeDocumentation {
            name: "exclude",
            value: "a list of strings",
            required: false,
            description: "Globs of what to leave out: without a slash of the name of a file or folder, with one of the whole path.",
        },
        AttributeDocumentation {
            name: "file_layout",
            value: "a string",
            required: false,
            description: "What the path of a file below its folder must look like, as a grok expression: `%{YEAR:year}/%{MONTHNUM:month}/%{DATA}.json.gz`, with optional parts `(%{WORD:org}/)?`. Files that are named themselves need not fit.",
        },
        AttributeDocumentation {
            name: "patterns",
            value: "a map of strings",
            required: false,
            description: "Grok patterns of your own for `file_layout`.",
        },
        AttributeDocumentation {
            name: "format",
            value: "a reference to a format",
            required: false,
            description: "How the bytes become records, if not as the table says.",
        },
    ],
    example: r#"source "file" {
  paths       = ["/var/log/app", "archive/**/*.log.gz"]
  exclude     = ["*.tmp", "old"]
  file_layout = `%{DAYFOLDER}/(%{WORD:host}/)?%{DATA}.log(.gz)?`
  patterns    = { DAYFOLDER = "[0-9]{8}" }
  format      = format.jsonl.default
}"#,
    decode,
};

/// `source "file" { … }` as written.
#[derive(Debug, Clone, PartialEq)]
pub struct FileConfiguration {
    /// What to read.
    pub paths: Vec<Located<String>>,
    /// What to leave out.
    pub exclude: Vec<Located<String>>,
    /// What paths below a folder must look like.
    pub file_layout: Option<Located<String>>,
    /// Own patterns for it.
    pub patterns: Vec<(Located<String>, Located<String>)>,
}

impl Decode for FileConfiguration {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let label = reader.label(0);
        let paths: Option<Vec<Located<String>>> = reader.required("paths");
        let exclude = reader.optional_or("exclude", Vec::new());
        let file_layout = reader.optional_or("file_layout", None);
        let patterns = reader.optional_or("patterns", Vec::new());
        // The partition's: a source knows no formats.
        let _: Option<Value> = reader.optional("format");
        if paths.as_ref().is_some_and(Vec::is_empty) {
            let location =
                reader.block().attribute("paths").map_or(reader.location(), |paths| &paths.expression);
            let mistake = Diagnostic::error("`paths` is empty")
                .at(location)
                .hint("name a file or folder: paths = [\"/var/log/app\"]");
            reader.diagnostics().push(mistake);
            return None;
        }
        label?;
        Some(Self { paths: paths?, exclude: exclude?, file_layout: file_layout?, patterns: patterns? })
    }
}

impl FileSource {
    /// The source that a configuration describes; `None` after a mistake, which was reported.
    pub fn from_configuration(
        configuration: &FileConfiguration,
        surroundings: &Surroundings,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let paths: Vec<Option<PathPattern>> =
            configuration.paths.iter().map(|path| read_path(path, surroundings, diagnostics)).collect();
        let exclusion = read_exclusion(&configuration.exclude, surroundings, diagnostics);
        let layout = match &configuration.file_layout {
            None => Some(None),
            Some(layout) => read_layout(layout, &configuration.patterns, diagnostics).map(Some),
        };
        let written: Vec<&str> = configuration.paths.iter().map(|path| path.value.as_str()).collect();
        Some(Self {
            name: written.join(", "),
            paths: paths.into_iter().collect::<Option<_>>()?,
            exclusion: exclusion?,
            layout: layout?,
            standard_input: surroundings.standard_input.clone(),
        })
    }
}

fn decode(
    block: &Block,
    surroundings: &Surroundings,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<dyn Source>> {
    let configuration: FileConfiguration = decode_block(block, diagnostics)?;
    let source = FileSource::from_configuration(&configuration, surroundings, diagnostics)?;
    Some(Arc::new(source))
}

fn read_path(
    path: &Located<String>,
    surroundings: &Surroundings,
    diagnostics: &mut Diagnostics,
) -> Option<PathPattern> {
    let result = PathPattern::new(&path.value, &folder_of(path, surroundings), surroundings.home.as_deref());
    report(result, path, diagnostics)
}

fn read_exclusion(
    globs: &[Located<String>],
    surroundings: &Surroundings,
    diagnostics: &mut Diagnostics,
) -> Option<Exclusion> {
    let mut exclusion = Exclusion::default();
    let mut all_good = true;
    for glob in globs {
        let result = exclusion.add(&glob.value, &folder_of(glob, surroundings), surroundings.home.as_deref());
        all_good &= report(result, glob, diagnostics).is_some();
    }
    all_good.then_some(exclusion)
}

fn read_layout(
    layout: &Located<String>,
    patterns: &[(Located<String>, Located<String>)],
    diagnostics: &mut Diagnostics,
) -> Option<Layout> {
    let patterns: Vec<(String, String)> =
        patterns.iter().map(|(name, expression)| (name.value.clone(), expression.value.clone())).collect();
    match Layout::new(&layout.value, &patterns) {
        Ok(layout) => Some(layout),
        Err(error) => {
            let place = layout.inside(error.span);
            diagnostics.push(Diagnostic::error(error.message).at(&place).hint(error.hint));
            None
        }
    }
}

/// The folder that a path starts from: that of the file it is written in.
fn folder_of(path: &Located<String>, surroundings: &Surroundings) -> PathBuf {
    let folder: &Path = path.location.file.folder();
    surroundings.folder.join(folder)
}

fn report<T>(
    result: Result<T, InvalidPath>,
    written: &Located<String>,
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let message = format!("{:?} {}", error.text, error.message);
            diagnostics.push(Diagnostic::error(message).at(&written.location).hint_if(error.hint));
            None
        }
    }
}

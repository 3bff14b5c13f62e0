//! The rules of files in languages other than HCL, as detections; and those that do not run, each with the reason.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use egret_config::{BlockKind, BlockReader, Decode, Diagnostic, Diagnostics, Located, Location};
use egret_model::Severity;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use walkdir::WalkDir;

use crate::definition::{DetectionDefinition, FieldRule, Rule, Target};
use crate::logsource::LogSources;
use crate::sigma::{self, LogSource, Placeholders, Rejection, SigmaDocument, SigmaFile, SigmaRule};

/// The block `rules "name" { … }` at the top of a file.
pub const RULES: BlockKind = BlockKind::new("rules", &["name"]);

/// What findings of Sigma rules say as `detection_kind`.
const SIGMA: &str = "sigma";

/// What a `rules` block says: rules in files of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct RulesDefinition {
    /// Its name.
    pub name: Located<String>,
    /// Files, and folders that are looked through with what is in them.
    pub paths: Vec<Located<String>>,
    /// A file with the values of placeholders.
    pub placeholders: Option<Located<String>>,
    /// Rules that are less severe do not run.
    pub level: Severity,
    /// The ids of rules that do not run.
    pub exclude: Vec<String>,
    /// Whether they run.
    pub enabled: bool,
}

impl Decode for RulesDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let name = reader.located_label(0);
        let paths = reader.required::<Vec<Located<String>>>("paths");
        let placeholders = reader.optional_or("placeholders", None::<Located<String>>);
        let level = reader.optional_or("level", Severity::Informational);
        let exclude = reader.optional_or("exclude", Vec::new());
        let enabled = reader.optional_or("enabled", true);
        Some(Self {
            name: name?,
            paths: paths?,
            placeholders: placeholders?,
            level: level?,
            exclude: exclude?,
            enabled: enabled?,
        })
    }
}

/// What rules are about.
#[derive(Clone, Copy)]
pub struct RuleContext<'c> {
    /// What they may call rows.
    pub sources: &'c LogSources,
    /// Which tables there are.
    pub has_table: &'c dyn Fn(&str) -> bool,
}

/// Rules read from files.
#[derive(Debug, Default)]
pub struct RuleLibrary {
    /// Those that run.
    pub detections: Vec<DetectionDefinition>,
    /// Those that do not.
    pub unused: Vec<UnusedRule>,
    /// What is odd about those that run.
    pub warnings: Diagnostics,
}

/// A rule that does not run.
#[derive(Debug, Clone)]
pub struct UnusedRule {
    /// Where it is.
    pub location: Location,
    /// Its id, as far as it can be read.
    pub id: Option<String>,
    /// Its title, as far as it can be read.
    pub title: Option<String>,
    /// Why it does not run.
    pub reason: UnusedReason,
}

/// Why a rule does not run.
#[derive(Debug, Clone)]
pub enum UnusedReason {
    /// It was not read: it has mistakes, lacks the values of a placeholder, or needs what is not there yet.
    Rejected(Rejection),
    /// No table has the rows that it is about.
    NoTable(LogSource),
}

impl UnusedRule {
    /// What is wrong, with places; nothing is wrong with a rule that no table serves.
    pub fn diagnostics(&self) -> Diagnostics {
        match &self.reason {
            UnusedReason::Rejected(rejection) => rejection.diagnostics(),
            UnusedReason::NoTable(_) => Diagnostics::new(),
        }
    }
}

/// For people, in one line.
impl std::fmt::Display for UnusedReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(f, "{rejection}"),
            Self::NoTable(source) => write!(f, "no table has the log source {source}"),
        }
    }
}

impl RuleLibrary {
    /// Adds the rules of all files at `path`: itself, or all below it. What cannot be read goes to `diagnostics`.
    pub fn add_files(
        &mut self,
        path: &Path,
        placeholders: &Placeholders,
        context: &RuleContext<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let files = sigma_files(path, diagnostics);
        let parse = |file: &PathBuf| Ok(SigmaFile::parse(file, read_rule_file(file)?, placeholders));
        let parsed: Vec<io::Result<SigmaFile>> = files.par_iter().map(parse).collect();
        for (path, parsed) in files.iter().zip(parsed) {
            match parsed {
                Ok(file) => file.documents.into_iter().for_each(|document| self.add(document, context)),
                Err(error) => {
                    diagnostics.push(Diagnostic::error(format!("cannot read {}: {error}", path.display())));
                }
            }
        }
    }

    fn add(&mut self, document: SigmaDocument, context: &RuleContext<'_>) {
        let SigmaDocument { location, title, id, warnings, outcome } = document;
        self.warnings.extend(warnings);
        let unused = |reason| UnusedRule { location, id, title, reason };
        match outcome {
            Err(rejection) => self.unused.push(unused(UnusedReason::Rejected(rejection))),
            Ok(rule) => match definition(&rule, context) {
                Some(definition) => self.detections.push(definition),
                None => self.unused.push(unused(UnusedReason::NoTable(rule.logsource.value))),
            },
        }
    }

    /// Adds the rules that a `rules` block names, whose paths are below `folder` unless they are absolute.
    pub fn add_block(
        &mut self,
        rules: &RulesDefinition,
        folder: &Path,
        context: &RuleContext<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let placeholders = match &rules.placeholders {
            Some(path) => read_placeholders(&folder.join(&path.value), &path.location, diagnostics),
            None => Placeholders::new(),
        };
        let mut own = Self::default();
        for path in &rules.paths {
            let place = folder.join(&path.value);
            if place.exists() {
                own.add_files(&place, &placeholders, context, diagnostics);
            } else {
                let mistake = Diagnostic::error(format!("there is nothing at {}", place.display()));
                diagnostics.push(mistake.at(&path.location));
            }
        }
        for detection in &mut own.detections {
            detection.enabled = rules.enabled
                && detection.severity >= rules.level
                && !rules.exclude.contains(&detection.id.value);
        }
        self.detections.extend(own.detections);
        self.unused.extend(own.unused);
        self.warnings.extend(own.warnings);
    }
}

fn read_placeholders(path: &Path, named_at: &Location, diagnostics: &mut Diagnostics) -> Placeholders {
    match read_rule_file(path) {
        Ok(text) => Placeholders::parse(path, text, diagnostics),
        Err(error) => {
            let mistake = Diagnostic::error(format!("cannot read {}: {error}", path.display()));
            diagnostics.push(mistake.at(named_at));
            Placeholders::new()
        }
    }
}

/// The detection that a rule is; `None` if no table has its rows.
fn definition(rule: &SigmaRule, context: &RuleContext<'_>) -> Option<DetectionDefinition> {
    let mut conditions = context.sources.lower(&rule.logsource.value, &rule.detection.condition);
    conditions.retain(|table, _| (context.has_table)(table));
    if conditions.is_empty() {
        return None;
    }
    let target = rule.logsource.clone().map(|_| Target::LogSource(conditions.keys().cloned().collect()));
    let id = rule.id.clone().or_else(|| rule.name.clone()).unwrap_or_else(|| file_stem(&rule.location));
    Some(DetectionDefinition {
        id: Located { value: id, location: rule.location.clone() },
        target,
        rule: Rule::Fields(FieldRule {
            language: SIGMA,
            conditions: conditions
                .into_iter()
                .map(|(table, condition)| (table, Arc::new(condition)))
                .collect(),
        }),
        severity: rule.level.unwrap_or(Severity::Medium),
        title: rule.title.clone(),
        description: rule.description.clone().unwrap_or_default(),
        tags: rule.tags.clone(),
        message: None,
        references: rule.references.clone(),
        falsepositives: rule.falsepositives.clone(),
        enabled: true,
        tests: Vec::new(),
    })
}

fn file_stem(location: &Location) -> String {
    location.file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a file of this name holds Sigma rules.
pub fn is_sigma_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
}

/// The files with Sigma rules at `path`: itself, or all below it, by name. Folders that cannot be read go to
/// `diagnostics`.
fn sigma_files(path: &Path, diagnostics: &mut Diagnostics) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in WalkDir::new(path).follow_links(true).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_sigma_file(entry.path()) => {
                files.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => diagnostics.push(Diagnostic::error(format!("cannot look for rules: {error}"))),
        }
    }
    files
}

/// The text of a rule file; one that is larger than any rule is refused by whoever parses it.
fn read_rule_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(sigma::MAX_FILE_BYTES as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests;

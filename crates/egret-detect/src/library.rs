//! Rules that are loaded by name: those of files in languages other than HCL, as detections, and built-in ones; and those
//! that do not run, each with the reason.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use egret_config::{
    BlockKind, BlockReader, Decode, Diagnostic, Diagnostics, Located, Location, decode_block,
};
use egret_model::Severity;
use globset::GlobBuilder;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use walkdir::{DirEntry, WalkDir};

use crate::alert_policy::{ALERT_BLOCK, AlertPolicy};
use crate::builtin;
use crate::definition::{DetectionDefinition, FieldRule, Rule, Target};
use crate::logsource::LogSources;
use crate::sigma::{self, LogSource, Placeholders, Rejection, SigmaDocument, SigmaFile, SigmaRule};

/// The block `rules "name" { … }` at the top of a file.
pub const RULES: BlockKind = BlockKind::new("rules", &["name"]);

/// What findings of Sigma rules say as `detection_kind`.
const SIGMA: &str = "sigma";

/// What a `rules` block says: rules in files of their own, and built-in ones.
#[derive(Debug, Clone, PartialEq)]
pub struct RulesDefinition {
    /// Its name.
    pub name: Located<String>,
    /// Files, and folders that are looked through with what is in them.
    pub paths: Vec<Located<String>>,
    /// Patterns of the ids and folders of built-in detections.
    pub built_in: Vec<Located<String>>,
    /// A file with the values of placeholders.
    pub placeholders: Option<Located<String>>,
    /// Rules that are less severe do not run.
    pub level: Severity,
    /// The ids of rules that do not run.
    pub exclude: Vec<String>,
    /// Whether they run.
    pub enabled: bool,
    /// How their findings become alerts.
    pub alert: AlertPolicy,
}

impl Decode for RulesDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let name = reader.located_label(0);
        let paths = reader.optional_or("paths", None::<Vec<Located<String>>>);
        let built_in = reader.optional_or("built_in", None::<Vec<Located<String>>>);
        let placeholders = reader.optional_or("placeholders", None::<Located<String>>);
        let level = reader.optional_or("level", Severity::Informational);
        let exclude = reader.optional_or("exclude", Vec::new());
        let enabled = reader.optional_or("enabled", true);
        let alert = reader.nested_block(ALERT_BLOCK);
        let alert = alert.and_then(|block| decode_block(block, reader.diagnostics()));
        let (paths, built_in) = (paths?, built_in?);
        if paths.is_none() && built_in.is_none() {
            let mistake = Diagnostic::error("`rules` needs the attribute `paths` or `built_in`")
                .at(reader.location())
                .hint("add `paths = [\"…\"]` with files or folders, or `built_in = [\"…\"]` with ids such as aws_*");
            reader.diagnostics().push(mistake);
            return None;
        }
        Some(Self {
            name: name?,
            paths: paths.unwrap_or_default(),
            built_in: built_in.unwrap_or_default(),
            placeholders: placeholders?,
            level: level?,
            exclude: exclude?,
            enabled: enabled?,
            alert: alert.unwrap_or_default(),
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
    /// How severe it is, as far as it can be read.
    pub severity: Option<Severity>,
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
    /// Another one that runs has its id, here.
    SameId(Location),
}

impl UnusedRule {
    /// What is wrong, with places; nothing is wrong with a rule that no table serves.
    pub fn diagnostics(&self) -> Diagnostics {
        match &self.reason {
            UnusedReason::Rejected(rejection) => rejection.diagnostics(),
            UnusedReason::NoTable(_) | UnusedReason::SameId(_) => Diagnostics::new(),
        }
    }
}

/// For people, in one line.
impl std::fmt::Display for UnusedReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(f, "{rejection}"),
            Self::NoTable(source) => write!(f, "no table has the log source {source}"),
            Self::SameId(other) => write!(f, "the rule at {other} has the same id"),
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
        let parse = |file: &PathBuf| match read_rule_file(file) {
            Ok(text) => SigmaFile::parse(file, text, placeholders),
            Err(error) => SigmaFile::unreadable(file, &error),
        };
        let parsed: Vec<SigmaFile> = files.par_iter().map(parse).collect();
        for document in parsed.into_iter().flat_map(|file| file.documents) {
            self.add(document, context);
        }
    }

    fn add(&mut self, document: SigmaDocument, context: &RuleContext<'_>) {
        let SigmaDocument { location, title, id, warnings, outcome } = document;
        self.warnings.extend(warnings);
        let unused = |severity, reason| UnusedRule { location, id, title, severity, reason };
        match outcome {
            Err(rejection) => self.unused.push(unused(None, UnusedReason::Rejected(rejection))),
            Ok(rule) => match definition(&rule, context) {
                Some(definition) => self.detections.push(definition),
                None => self.unused.push(unused(rule.level, UnusedReason::NoTable(rule.logsource.value))),
            },
        }
    }

    /// Adds the rules that a `rules` block names, whose paths start from the folder of its file, and that from `folder`.
    /// Built-in ones bring their tests along.
    pub fn add_block(
        &mut self,
        rules: &RulesDefinition,
        folder: &Path,
        context: &RuleContext<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let placeholders = match &rules.placeholders {
            Some(path) => read_placeholders(&place_of(path, folder), &path.location, diagnostics),
            None => Placeholders::new(),
        };
        let mut own = Self::default();
        for path in &rules.paths {
            let place = place_of(path, folder);
            let places = if place.exists() { vec![place.clone()] } else { matching(&place) };
            if places.is_empty() {
                let mistake = Diagnostic::error(format!("there is nothing at {}", place.display()));
                diagnostics.push(mistake.at(&path.location));
            }
            for place in places {
                own.add_files(&place, &placeholders, context, diagnostics);
            }
        }
        if !rules.built_in.is_empty() {
            own.detections.extend(builtin::named(&rules.built_in, diagnostics));
        }
        for detection in &mut own.detections {
            detection.enabled = rules.enabled
                && detection.severity >= rules.level
                && !rules.exclude.contains(&detection.id.value);
            detection.alert = rules.alert.clone();
        }
        self.detections.extend(own.detections);
        self.unused.extend(own.unused);
        self.warnings.extend(own.warnings);
    }
}

/// Of detections that run with the same id only the first: findings of both would have the same ids. The others are
/// rules that do not run.
pub fn without_same_ids(detections: Vec<DetectionDefinition>) -> (Vec<DetectionDefinition>, Vec<UnusedRule>) {
    let mut first: HashMap<String, Location> = HashMap::new();
    let (mut kept, mut unused) = (Vec::with_capacity(detections.len()), Vec::new());
    for detection in detections {
        let Located { value: id, location } = detection.id.clone();
        match first.get(&id) {
            Some(other) if detection.enabled => unused.push(UnusedRule {
                location,
                id: Some(id),
                title: Some(detection.title),
                severity: Some(detection.severity),
                reason: UnusedReason::SameId(other.clone()),
            }),
            _ => {
                if detection.enabled {
                    first.insert(id, location);
                }
                kept.push(detection);
            }
        }
    }
    (kept, unused)
}

/// Where a path of a configuration leads: from the folder of the file that it is written in.
fn place_of(path: &Located<String>, folder: &Path) -> PathBuf {
    folder.join(path.location.file.folder()).join(&path.value)
}

/// The files that a glob such as `rules/**/*.yml` means; none if it is no glob.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let is_plain = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']);
    let folder: PathBuf = pattern.components().take_while(is_plain).collect();
    let glob = GlobBuilder::new(&pattern.to_string_lossy()).literal_separator(true).build();
    let (Ok(glob), true) = (glob, folder != pattern) else { return Vec::new() };
    let matcher = glob.compile_matcher();
    let entries = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().flatten();
    let files = entries.filter(|entry| entry.file_type().is_file() && is_sigma_file(entry.path()));
    files.map(DirEntry::into_path).filter(|path| matcher.is_match(path)).collect()
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
        alert: AlertPolicy::default(),
        remember: Vec::new(),
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

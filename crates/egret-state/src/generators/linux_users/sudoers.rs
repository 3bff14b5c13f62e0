//! The rules of sudo: `/etc/sudoers` and what it includes.

mod lines;
mod rule;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use crate::generator::GenerateError;
use crate::host::{self, FileType};

pub(super) use rule::{Person, Rule};

/// Where the rules begin; the second for systems that keep what they ship apart.
const FILES: [&str; 2] = ["/etc/sudoers", "/usr/etc/sudoers"];

/// So many files are read, and so deep they may include each other: sudo itself goes to 128.
const MAX_FILES: usize = 1000;
const MAX_DEPTH: usize = 32;

/// All rules of a host.
#[derive(Debug, Default)]
pub(super) struct Sudoers {
    pub rules: Vec<Rule>,
    /// Lines that begin with `Defaults`, with their files.
    pub defaults: Vec<(String, String)>,
    /// What could not be understood.
    pub odd: Vec<String>,
    /// By name. Names of users, hosts, commands and of whom to run as are not mixed up in practice; here they are one.
    aliases: BTreeMap<String, String>,
    /// Those of users, by name.
    user_aliases: BTreeMap<String, Vec<String>>,
    files: usize,
    /// Files that are being read: each is included by the one before.
    reading: Vec<PathBuf>,
}

impl Sudoers {
    /// Reads the rules of a host. Without sudo there are none.
    ///
    /// # Errors
    /// If a file is there and cannot be read.
    pub(super) fn read(root: &Path) -> Result<Self, GenerateError> {
        let mut sudoers = Self::default();
        for file in FILES {
            if let Some(text) = host::read_optional(root, file)? {
                sudoers.take(root, Path::new(file), &text)?;
                break;
            }
        }
        Ok(sudoers)
    }

    /// The rules that fit a person, as documents show them. Notes in `fitting` which ones do.
    pub(super) fn rules_for(&self, person: &Person<'_>, fitting: &mut [bool]) -> Vec<Json> {
        let mut rules = Vec::new();
        for (rule, fits) in self.rules.iter().zip(fitting) {
            let Some(through) = rule.fits(person, &self.user_aliases) else { continue };
            *fits = true;
            rules.push(json!({
                "through": through,
                "rule": rule.grants,
                "nopasswd": rule.nopasswd,
                "aliases": self.aliases_in(&[through, &rule.grants]),
                "file": rule.file,
            }));
        }
        rules
    }

    /// A rule as a document of its own.
    pub(super) fn document_of(&self, rule: &Rule) -> Json {
        let users = rule.users.join(", ");
        json!({
            "kind": "sudo_rule",
            "name": format!("{users} {}", rule.grants),
            "users": rule.users,
            "rule": rule.grants,
            "nopasswd": rule.nopasswd,
            "aliases": self.aliases_in(&[&users, &rule.grants]),
            "file": rule.file,
        })
    }

    /// The aliases that texts use, and those that these use.
    fn aliases_in(&self, texts: &[&str]) -> Map<String, Json> {
        let mut found = Map::new();
        let mut waiting: Vec<&str> = texts.to_vec();
        while let Some(text) = waiting.pop() {
            let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            for word in text.split(|letter| !is_of_name(letter)) {
                if let Some(meaning) = self.aliases.get(word)
                    && !found.contains_key(word)
                {
                    found.insert(word.to_owned(), json!(meaning));
                    waiting.push(meaning);
                }
            }
        }
        found
    }

    fn take(&mut self, root: &Path, file: &Path, text: &str) -> Result<(), GenerateError> {
        self.files += 1;
        self.reading.push(file.to_owned());
        let shown = host::shown_path(file);
        for line in lines::logical(text) {
            if let Some((is_folder, path)) = lines::include(&line) {
                if self.reading.len() > MAX_DEPTH || self.files >= MAX_FILES {
                    self.odd.push(format!("{shown} includes more than is read: {line}"));
                    continue;
                }
                let path = self.included_path(root, file, &path);
                for included in files_of(root, &path, is_folder)? {
                    self.include(root, &included, &shown)?;
                }
            } else if lines::is_defaults(&line) {
                self.defaults.push((shown.clone(), host::without_secrets(&line)));
            } else if let Some((is_of_users, definitions)) = lines::aliases(&line) {
                for (name, meaning) in definitions {
                    if is_of_users {
                        self.user_aliases.insert(name.clone(), rule::items_of(&meaning).0);
                    }
                    let meaning = host::without_secrets(&meaning);
                    let known = self.aliases.entry(name).or_default();
                    let separator = if known.is_empty() { "" } else { " | " };
                    *known = format!("{known}{separator}{meaning}");
                }
            } else if let Some(rule) = Rule::parse(&line, &shown) {
                self.rules.push(rule);
            } else {
                self.odd
                    .push(format!("{shown} has a line of another form: {}", host::without_secrets(&line)));
            }
        }
        self.reading.pop();
        Ok(())
    }

    fn include(&mut self, root: &Path, file: &Path, by: &str) -> Result<(), GenerateError> {
        if self.reading.iter().any(|reading| reading == file) {
            self.odd.push(format!("{by} includes {}, which includes it", host::shown_path(file)));
            return Ok(());
        }
        match host::read_optional(root, file)? {
            Some(text) => self.take(root, file, &text)?,
            None => self.odd.push(format!("{by} includes {}, which is not there", host::shown_path(file))),
        }
        Ok(())
    }

    /// Where an included path is: beside the file, with `%h` for the short name of the host.
    fn included_path(&self, root: &Path, file: &Path, path: &str) -> PathBuf {
        let mut path = path.to_owned();
        if path.contains("%h") {
            let name = host::read_optional(root, "/etc/hostname").ok().flatten().unwrap_or_default();
            let name = name.trim().split('.').next().unwrap_or_default();
            path = path.replace("%h", name);
        }
        file.parent().unwrap_or_else(|| Path::new("/")).join(path)
    }
}

/// The files that are meant: of a folder those that sudo would read.
fn files_of(root: &Path, path: &Path, is_folder: bool) -> Result<Vec<PathBuf>, GenerateError> {
    if !is_folder {
        return Ok(vec![path.to_owned()]);
    }
    let entries = host::list_optional(root, path)?;
    let read = entries.into_iter().filter(|(name, kind)| {
        matches!(kind, FileType::RegularFile | FileType::Symlink)
            && !name.ends_with('~')
            && !name.contains('.')
    });
    Ok(read.map(|(name, _)| path.join(name)).collect())
}

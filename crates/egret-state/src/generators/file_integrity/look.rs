//! A look at one file.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use egret_model::Timestamp;
use serde_json::json;

use super::cache::Cache;
use crate::documents::Documents;
use crate::generator::GenerateError;
use crate::host::{self, Accounts, Digested, Facts, FileType, Folder, Tally, UnreadParts};

/// So often a file is read that changes meanwhile.
const TRIES: usize = 3;

/// Where a file is found.
pub(super) enum Place<'p> {
    /// By its path, below this root.
    OfHost(&'p Path),
    /// By its name, in this folder.
    In(&'p Folder, &'p OsStr),
}

impl Place<'_> {
    fn open(&self, path: &Path) -> io::Result<File> {
        match self {
            Self::OfHost(root) => host::open_file(root, path),
            Self::In(folder, name) => folder.open_file(name),
        }
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        match self {
            Self::OfHost(root) => host::read_link(root, path),
            Self::In(folder, name) => folder.read_link(name),
        }
    }
}

/// What is gathered in a run.
pub(super) struct Run<'r> {
    pub times: bool,
    pub max_bytes: u64,
    pub now: Timestamp,
    pub accounts: Accounts,
    pub cache: &'r mut Cache,
    pub documents: &'r mut Documents,
    pub unread: UnreadParts,
    pub unhashed: Tally,
    pub restless: Tally,
}

impl Run<'_> {
    /// Takes what is at a path.
    pub(super) fn take(
        &mut self,
        place: &Place<'_>,
        path: &Path,
        facts: &Facts,
    ) -> Result<(), GenerateError> {
        match self.document_facts(place, path, facts) {
            Ok((facts, sha256, target)) => self.push(path, &facts, sha256, target),
            Err(error) if host::is_gone(&error) => Ok(()),
            Err(error) => {
                let folder = path.parent().unwrap_or_else(|| Path::new("/"));
                self.unread.add(folder, format!("{}: {error}", host::shown_path(path)));
                Ok(())
            }
        }
    }

    /// Ends the run: tells what was not as usual.
    pub(super) fn finish(self) {
        self.unread.tell(self.documents);
        let notes = [
            self.unhashed.tell("files that are not hashed"),
            self.restless.tell("files that changed while they were read"),
        ];
        notes.into_iter().flatten().for_each(|note| self.documents.note(note));
    }

    fn document_facts(
        &mut self,
        place: &Place<'_>,
        path: &Path,
        facts: &Facts,
    ) -> io::Result<(Facts, Option<String>, Option<String>)> {
        match facts.kind {
            FileType::RegularFile => {
                let (facts, sha256) = self.hashed(place, path, facts)?;
                Ok((facts, sha256, None))
            }
            FileType::Symlink => {
                let target = place.read_link(path)?;
                Ok((*facts, None, Some(host::shown(target.as_os_str().as_encoded_bytes()))))
            }
            _ => Ok((*facts, None, None)),
        }
    }

    /// The hash of a file, with what was true of the file while it was read.
    fn hashed(
        &mut self,
        place: &Place<'_>,
        path: &Path,
        facts: &Facts,
    ) -> io::Result<(Facts, Option<String>)> {
        let is_too_large = facts.size > self.max_bytes;
        if let Some(sha256) = self.cache.get(facts).filter(|_| !is_too_large) {
            return Ok((*facts, Some(sha256)));
        }
        let mut last = (*facts, None);
        for _ in 0..if is_too_large { 0 } else { TRIES } {
            let file = match place.open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    self.unhashed.add(format!("{}: {error}", host::shown_path(path)));
                    return Ok((*facts, None));
                }
                Err(error) => return Err(error),
            };
            let before = host::facts_of(&file)?;
            let Digested::Whole(sha256) = host::sha256(file.try_clone()?, self.max_bytes)? else { break };
            let after = host::facts_of(&file)?;
            if before == after {
                self.cache.put(&after, &sha256, self.now);
                return Ok((after, Some(sha256)));
            }
            last = (after, Some(sha256));
        }
        if last.1.is_some() {
            self.restless.add(host::shown_path(path));
        } else {
            self.unhashed.add(format!("{}: larger than `max_bytes`", host::shown_path(path)));
        }
        Ok(last)
    }

    fn push(
        &mut self,
        path: &Path,
        facts: &Facts,
        sha256: Option<String>,
        target: Option<String>,
    ) -> Result<(), GenerateError> {
        let is_device = matches!(facts.kind, FileType::BlockDevice | FileType::CharacterDevice);
        let mut document = json!({
            "path": host::shown_path(path),
            "kind": host::kind_of(facts.kind),
            "mode": format!("{:04o}", facts.mode),
            "owner": self.accounts.user_name(facts.uid),
            "uid": facts.uid,
            "group": self.accounts.group_name(facts.gid),
            "gid": facts.gid,
            "size": (facts.kind == FileType::RegularFile).then_some(facts.size),
            "sha256": sha256,
            "target": target,
            "device": is_device.then(|| facts.device_numbers()),
        });
        if self.times {
            let (seconds, nanoseconds) = facts.modified;
            let modified = Timestamp::from_seconds(seconds).plus_micros(i64::from(nanoseconds / 1000));
            document["modified"] = modified.to_string().into();
        }
        self.documents.begin_part(host::part_of(path.parent().unwrap_or(path)));
        self.documents.push(document)
    }
}

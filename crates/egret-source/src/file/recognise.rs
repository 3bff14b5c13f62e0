//! Which file is which: holds the files of a listing against the checkpoints of earlier runs.
//!
//! A checkpoint knows its file by device and inode, size, modification time, and samples of its first and
//! last bytes ([`FileState`]). "Continues" below means that the file holds, up to the size it had, the same
//! first and last 1 KiB as when it was listed before; what it has grown by lies behind that. The first row
//! that fits decides:
//!
//! | the file | is |
//! | --- | --- |
//! | inode, size and time as known, everything read | unchanged: not opened |
//! | inode, size and time as known, something left | read on from where it stood: not opened for listing |
//! | inode as known, and continues | grown, or renamed: keeps its name, is read on |
//! | path as known, another inode, and continues | put in place of the old one by a copy: keeps its name, is read on |
//! | elsewhere, and continues a known file that is gone or holds something else now | moved by copying (`copytruncate`), or compressed: keeps its name, is read on |
//! | new, just being written, and so far a copy of a known file beside it | put off to the next listing: a rotation is under way |
//! | anything else | new: its name is its path; if a known file has that name, `path#hash` of its first bytes |
//!
//! A known file is given to one file only, so that a copy beside its original is an object of its own. For a
//! plain file shorter than 1 KiB that is elsewhere under another inode, equal bytes prove little; it counts as
//! moved only if the file it would come from was truncated in place, or if it is named after it (`app.log.1`).
//! Two paths to one inode are one file.
//!
//! Not to be told apart, whatever one does: a file that was truncated and rewritten with the same first
//! bytes, as long as it was, between two runs; and what was written and truncated away between two runs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use egret_model::source::Listing;
use egret_model::{Checkpoint, Object, SourceError, Timestamp};

use crate::file::encoding::Encoding;
use crate::file::identity::{Examined, FileId, FileState, SAMPLE_BYTES, Sample, Stat, is_prefix};

/// A file that was modified within this time may be in the middle of being written.
const QUIET_MICROS: i64 = 2_000_000;

/// Decides what each of `files` is and adds the objects to `listing`, in the order of their paths.
pub(crate) fn recognise(
    files: BTreeMap<String, Stat>,
    checkpoints: &HashMap<String, Checkpoint>,
    now: Timestamp,
    listing: &mut Listing,
) {
    let mut recognition = Recognition::new(checkpoints, now);
    let mut rest = recognition.one_path_a_file(files);
    rest = recognition.round(rest, Recognition::by_inode);
    rest = recognition.round(rest, Recognition::by_path);
    recognition.index_heads(&rest);
    rest = recognition.round(rest, Recognition::by_content);
    recognition.remember_neighbours();
    for (path, stat) in rest {
        recognition.new_file(path, stat);
    }
    listing.objects.extend(recognition.objects.into_values());
    listing.unchanged += recognition.unchanged;
    listing.failures.append(&mut recognition.failures);
}

/// A file as an earlier run left it.
struct Known<'a> {
    checkpoint: &'a Checkpoint,
    /// `None` if the checkpoint has no state or one that cannot be read.
    state: Option<FileState>,
    /// Whether a file of this listing is it.
    claimed: bool,
}

struct Recognition<'a> {
    now: Timestamp,
    known: Vec<Known<'a>>,
    by_id: HashMap<FileId, Vec<usize>>,
    by_path: HashMap<String, Vec<usize>>,
    /// Known files that nobody has claimed, by their first bytes, as stored and decompressed.
    by_head: HashMap<Sample, Vec<usize>>,
    head_lengths: Vec<u64>,
    names: HashSet<String>,
    /// The paths of this listing.
    present: HashSet<String>,
    /// The inodes of this listing.
    present_ids: HashSet<FileId>,
    /// Known files of this listing by their decompressed first bytes: where they are now.
    neighbours: HashMap<Sample, Vec<String>>,
    objects: BTreeMap<String, Object>,
    unchanged: u64,
    failures: Vec<SourceError>,
    seen: HashSet<FileId>,
    /// The known files of this listing: index and path now.
    claims: Vec<(usize, String)>,
}

/// What a step found out about a file.
enum Verdict {
    /// It is dealt with.
    Done,
    /// The next step is to look at it.
    Undecided,
}

impl<'a> Recognition<'a> {
    fn new(checkpoints: &'a HashMap<String, Checkpoint>, now: Timestamp) -> Self {
        let mut recognition = Self {
            now,
            known: Vec::with_capacity(checkpoints.len()),
            by_id: HashMap::new(),
            by_path: HashMap::new(),
            by_head: HashMap::new(),
            head_lengths: Vec::new(),
            names: HashSet::new(),
            present: HashSet::new(),
            present_ids: HashSet::new(),
            neighbours: HashMap::new(),
            objects: BTreeMap::new(),
            unchanged: 0,
            failures: Vec::new(),
            seen: HashSet::new(),
            claims: Vec::new(),
        };
        for checkpoint in checkpoints.values() {
            recognition.add(checkpoint);
        }
        // The longest first: of two incarnations with the same start the later one is meant.
        let known = &recognition.known;
        for indexes in recognition.by_id.values_mut().chain(recognition.by_path.values_mut()) {
            indexes.sort_by(|left, right| precedence(&known[*left], &known[*right]));
        }
        recognition
    }

    fn add(&mut self, checkpoint: &'a Checkpoint) {
        let index = self.known.len();
        self.names.insert(checkpoint.object.clone());
        let state = match checkpoint.state.is_empty() {
            true => None,
            false => FileState::from_json(&checkpoint.state).ok(),
        };
        let path = state.as_ref().map_or(&checkpoint.object, |state| &state.path);
        self.by_path.entry(path.clone()).or_default().push(index);
        if let Some(state) = &state {
            self.by_id.entry(state.stat().id).or_default().push(index);
        }
        self.known.push(Known { checkpoint, state, claimed: false });
    }

    /// Drops further paths to a file, keeping the one it is known by.
    fn one_path_a_file(&mut self, files: BTreeMap<String, Stat>) -> Vec<(String, Stat)> {
        let mut chosen: HashMap<FileId, String> = HashMap::new();
        for (path, stat) in &files {
            let known_path =
                || {
                    self.by_id.get(&stat.id).into_iter().flatten().any(|index| {
                        self.known[*index].state.as_ref().is_some_and(|state| state.path == *path)
                    })
                };
            if !chosen.contains_key(&stat.id) || known_path() {
                chosen.insert(stat.id, path.clone());
            }
        }
        self.present = files.keys().cloned().collect();
        self.present_ids = files.values().map(|stat| stat.id).collect();
        files.into_iter().filter(|(path, stat)| chosen.get(&stat.id) == Some(path)).collect()
    }

    /// Shows each file to a step; those it leaves undecided.
    fn round(
        &mut self,
        files: Vec<(String, Stat)>,
        step: fn(&mut Self, &str, &Stat) -> Result<Verdict, SourceError>,
    ) -> Vec<(String, Stat)> {
        let mut undecided = Vec::new();
        for (path, stat) in files {
            match step(self, &path, &stat) {
                Ok(Verdict::Done) => {}
                Ok(Verdict::Undecided) => undecided.push((path, stat)),
                Err(failure) => self.failed(&stat, failure),
            }
        }
        undecided
    }

    /// A file that cannot be read may be the known one: nothing else is.
    fn failed(&mut self, stat: &Stat, failure: SourceError) {
        for index in self.by_id.get(&stat.id).cloned().unwrap_or_default() {
            self.known[index].claimed = true;
        }
        // One that vanished between the walk and now is no fault.
        let vanished =
            matches!(&failure, SourceError::Io { error, .. } if error.kind() == io::ErrorKind::NotFound);
        if !vanished {
            self.failures.push(failure);
        }
    }

    fn by_inode(&mut self, path: &str, stat: &Stat) -> Result<Verdict, SourceError> {
        let indexes = self.unclaimed(self.by_id.get(&stat.id));
        if let Some(&index) = indexes.iter().find(|index| self.is_untouched(**index, stat)) {
            self.untouched(index, path, stat).map_err(|error| unreadable(path, error))?;
            return Ok(Verdict::Done);
        }
        self.claim_first(path, &indexes)
    }

    fn by_path(&mut self, path: &str, _: &Stat) -> Result<Verdict, SourceError> {
        let indexes = self.unclaimed(self.by_path.get(path));
        for &index in &indexes {
            let checkpoint = self.known[index].checkpoint;
            if self.known[index].state.is_some() {
                continue;
            }
            if !checkpoint.state.is_empty() {
                let error = FileState::from_json(&checkpoint.state).err().map(io::Error::other);
                return Err(unreadable(path, error.unwrap_or_else(|| io::ErrorKind::InvalidData.into())));
            }
            // Nothing is known but how far it was read.
            let file = Examined::open(path).map_err(|error| unreadable(path, error))?;
            if file.encoding != Encoding::Plain || file.stat.size >= checkpoint.offset {
                self.claim(index, path, &file).map_err(|error| unreadable(path, error))?;
                return Ok(Verdict::Done);
            }
        }
        self.claim_first(path, &indexes)
    }

    fn by_content(&mut self, path: &str, _: &Stat) -> Result<Verdict, SourceError> {
        if self.by_head.is_empty() {
            return Ok(Verdict::Undecided);
        }
        let file = Examined::open(path).map_err(|error| unreadable(path, error))?;
        let mut indexes: Vec<usize> = Vec::new();
        for &length in &self.head_lengths {
            // A length of at most SAMPLE_BYTES; shorter files have no such head.
            let length = length as usize;
            for bytes in [&file.head, &file.content] {
                let sample = bytes.get(..length).map(Sample::of);
                indexes.extend(sample.and_then(|sample| self.by_head.get(&sample)).into_iter().flatten());
            }
        }
        indexes.sort_by(|left, right| precedence(&self.known[*left], &self.known[*right]));
        indexes.dedup();
        indexes.retain(|index| !self.known[*index].claimed && self.may_have_moved(*index, &file));
        self.claim_continued(path, &indexes, &file)
    }

    /// Whether a known file may be at another place now: nobody else is it, it is not where it was, and what
    /// speaks for it is more than a few equal bytes.
    fn may_have_moved(&self, index: usize, file: &Examined) -> bool {
        let Some(state) = &self.known[index].state else { return false };
        // It is in this listing, and yet it continues nothing: it was truncated in place.
        let truncated = self.present_ids.contains(&state.stat().id);
        // A path that is not listed may have been left out of the configuration since then.
        let still_there = !self.present.contains(&state.path)
            && fs::metadata(&state.path).is_ok_and(|metadata| Stat::new(&metadata).id == state.stat().id);
        let large = state.size >= SAMPLE_BYTES || state.encoding != file.encoding;
        let named_after = [&state.path, &self.known[index].checkpoint.object]
            .iter()
            .any(|original| is_named_after(file.path(), original));
        truncated || (!still_there && (large || named_after))
    }

    fn is_untouched(&self, index: usize, stat: &Stat) -> bool {
        self.known[index].state.as_ref().is_some_and(|state| state.stat() == *stat)
    }

    /// A file that nobody touched since it was listed.
    fn untouched(&mut self, index: usize, path: &str, stat: &Stat) -> io::Result<()> {
        let known = &mut self.known[index];
        known.claimed = true;
        self.claims.push((index, path.to_owned()));
        self.seen.insert(stat.id);
        let Some(state) = &known.state else { return Ok(()) };
        if known.checkpoint.finished && (state.complete || known.checkpoint.offset >= state.size) {
            self.unchanged += 1;
            return Ok(());
        }
        let state = state.moved_to(path, is_complete(stat, state.encoding, self.now));
        let (name, offset) = (known.checkpoint.object.clone(), known.checkpoint.offset);
        self.add_object(name, offset, &state)
    }

    /// Opens the file and gives it the first of these known files that it continues.
    fn claim_first(&mut self, path: &str, indexes: &[usize]) -> Result<Verdict, SourceError> {
        if indexes.is_empty() {
            return Ok(Verdict::Undecided);
        }
        let file = Examined::open(path).map_err(|error| unreadable(path, error))?;
        self.claim_continued(path, indexes, &file)
    }

    fn claim_continued(
        &mut self,
        path: &str,
        indexes: &[usize],
        file: &Examined,
    ) -> Result<Verdict, SourceError> {
        for &index in indexes {
            let known = &self.known[index];
            let Some(state) = &known.state else { continue };
            let text = known.checkpoint.finished.then_some(known.checkpoint.offset);
            if file.continues(state, text).map_err(|error| unreadable(path, error))? {
                self.claim(index, path, file).map_err(|error| unreadable(path, error))?;
                return Ok(Verdict::Done);
            }
        }
        Ok(Verdict::Undecided)
    }

    fn claim(&mut self, index: usize, path: &str, file: &Examined) -> io::Result<()> {
        if !self.seen.insert(file.stat.id) {
            return Ok(());
        }
        let state = file.state(is_complete(&file.stat, file.encoding, self.now))?;
        self.known[index].claimed = true;
        self.claims.push((index, path.to_owned()));
        let checkpoint = self.known[index].checkpoint;
        self.add_object(checkpoint.object.clone(), checkpoint.offset, &state)
    }

    /// For the files that are left: the heads of the known files that are left.
    fn index_heads(&mut self, rest: &[(String, Stat)]) {
        if rest.is_empty() {
            return;
        }
        let mut lengths = HashSet::new();
        for (index, known) in self.known.iter().enumerate().filter(|(_, known)| !known.claimed) {
            let Some(state) = &known.state else { continue };
            for sample in [state.head, state.content] {
                // A file of which nothing could be decompressed looks like every other.
                if sample.bytes > 0 && sample.bytes <= SAMPLE_BYTES {
                    self.by_head.entry(sample).or_default().push(index);
                    lengths.insert(sample.bytes);
                }
            }
        }
        self.head_lengths = lengths.into_iter().collect();
    }

    /// For what is new: the known files that are there.
    fn remember_neighbours(&mut self) {
        for (index, path) in std::mem::take(&mut self.claims) {
            if let Some(state) = &self.known[index].state {
                self.neighbours.entry(state.content).or_default().push(path);
            }
        }
    }

    fn new_file(&mut self, path: String, stat: Stat) {
        let result = Examined::open(&path).and_then(|file| {
            // What is empty holds nothing new; that a file is there will be seen when something is in it.
            if file.stat.size == 0 || self.is_being_copied(&path, &file) || !self.seen.insert(file.stat.id) {
                return Ok(());
            }
            let state = file.state(is_complete(&file.stat, file.encoding, self.now))?;
            let name = self.free_name(&path, state.head);
            self.add_object(name, 0, &state)
        });
        if let Err(error) = result {
            self.failed(&stat, unreadable(&path, error));
        }
    }

    /// Whether it is the copy of a known file beside it, or its compressed copy, and still being written.
    fn is_being_copied(&self, path: &str, file: &Examined) -> bool {
        if !is_recent(&file.stat, self.now) {
            return false;
        }
        let folder = Path::new(path).parent();
        let originals = self.neighbours.get(&Sample::of(&file.content)).into_iter().flatten();
        let mut beside = originals.map(Path::new).filter(|original| original.parent() == folder);
        let copied = beside
            .any(|original| file.encoding != Encoding::Plain || is_prefix(file, original).unwrap_or(false));
        if copied {
            tracing::debug!(path, "put off to the next listing: it is being copied from a known file");
        }
        copied
    }

    /// The path, or if that is the name of another file, the path and what tells this one from it.
    fn free_name(&mut self, path: &str, head: Sample) -> String {
        let mut name = path.to_owned();
        let mut attempt = 1;
        while !self.names.insert(name.clone()) {
            name = match attempt {
                1 => format!("{path}#{:016x}", head.hash),
                _ => format!("{path}#{:016x}.{attempt}", head.hash),
            };
            attempt += 1;
        }
        name
    }

    fn add_object(&mut self, name: String, offset: u64, state: &FileState) -> io::Result<()> {
        let object = Object {
            name,
            location: state.path.clone(),
            offset,
            size: Some(state.size),
            modified: Some(state.stat().modified()),
            state: state.to_json().map_err(io::Error::other)?,
            complete: state.complete,
        };
        self.objects.insert(state.path.clone(), object);
        Ok(())
    }

    fn unclaimed(&self, indexes: Option<&Vec<usize>>) -> Vec<usize> {
        indexes.into_iter().flatten().copied().filter(|index| !self.known[*index].claimed).collect()
    }
}

/// The longer first; equal ones in the order of their names, so that a listing does not depend on chance.
fn precedence(left: &Known<'_>, right: &Known<'_>) -> std::cmp::Ordering {
    let size = |known: &Known<'_>| known.state.as_ref().map_or(0, |state| state.size);
    size(right).cmp(&size(left)).then_with(|| left.checkpoint.object.cmp(&right.checkpoint.object))
}

/// Whether a path is one that a rotation gives: `app.log.1`, `app.log-20260201`.
fn is_named_after(path: &str, original: &str) -> bool {
    path.strip_prefix(original).is_some_and(|rest| rest.starts_with(['.', '-', '_']))
}

/// Whether the last line is whole: nobody writes into a compressed file, or into one that is at rest.
fn is_complete(stat: &Stat, encoding: Encoding, now: Timestamp) -> bool {
    encoding != Encoding::Plain || !is_recent(stat, now)
}

fn is_recent(stat: &Stat, now: Timestamp) -> bool {
    // A time in the future is one of a wrong clock, and says nothing about rest.
    now.micros().saturating_sub(stat.modified().micros()) < QUIET_MICROS
}

fn unreadable(path: &str, error: io::Error) -> SourceError {
    SourceError::Io { action: "read", path: PathBuf::from(path), error }
}

//! A walk through folders of the host: through no link, into no file system of the kernel's or of the network's.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::folder::{Facts, FileType, Folder};
use super::mount_table::MountTable;
use super::path_pattern::PathPattern;

/// So many levels of folders are parts of a state of their own.
const PART_DEPTH: usize = 3;

/// The part of a state that a folder's files are in. A folder that cannot be read leaves its whole part as it was, and
/// parts are kept by name, so they are neither too large nor too many.
pub(crate) fn part_of(folder: &Path) -> String {
    let names = folder.components().filter(|component| matches!(component, Component::Normal(_)));
    let part: PathBuf = names.take(PART_DEPTH).collect();
    // What is in `/` itself is in the part that has all others.
    if part.as_os_str().is_empty() { String::new() } else { super::shown_path(&part) }
}

/// Walks from a folder down. Whoever walks says which folders are entered.
#[derive(Debug)]
pub(crate) struct Walk<'m> {
    mounts: &'m MountTable,
    top: Folder,
    /// As the host calls the folder where it begins.
    base: PathBuf,
    /// As this process sees that folder.
    real_base: PathBuf,
    /// Folders to come, by their paths below the first, with the file systems that they are on.
    waiting: Vec<(PathBuf, Option<u64>)>,
}

/// A folder on the way.
#[derive(Debug)]
pub(crate) struct Visited {
    pub folder: Folder,
    /// Its path below the folder where the walk began.
    pub below: PathBuf,
    /// Its path on the host.
    pub path: PathBuf,
    /// Its path as this process sees it.
    pub real: PathBuf,
    /// What is in it, by name, without what is off limits.
    pub entries: Vec<(OsString, Facts)>,
}

/// A folder that could not be read.
#[derive(Debug)]
pub(crate) struct Unread {
    pub path: PathBuf,
    pub error: io::Error,
}

impl<'m> Walk<'m> {
    /// Begins at a folder of the host. If its own path leads through links, they are followed.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn start(root: &Path, base: &Path, mounts: &'m MountTable) -> io::Result<Self> {
        let top = Folder::open(root, base)?;
        let below_root = base.strip_prefix("/").unwrap_or(base);
        let real_base = top.real_path().unwrap_or_else(|| root.join(below_root));
        let waiting = vec![(PathBuf::new(), None)];
        Ok(Self { mounts, top, base: base.to_owned(), real_base, waiting })
    }

    /// The next folder; `None` at the end. One that is gone by now is passed over.
    pub(crate) fn next(&mut self) -> Option<Result<Visited, Unread>> {
        loop {
            let (below, device) = self.waiting.pop()?;
            let path = joined(&self.base, &below);
            match self.visit(&below, &path, device) {
                Ok(visited) => return Some(Ok(visited)),
                Err(error) if super::is_gone(&error) => {}
                Err(error) => return Some(Err(Unread { path, error })),
            }
        }
    }

    /// Also visits a folder in one that was visited.
    pub(crate) fn enter(&mut self, visited: &Visited, name: &OsStr, facts: &Facts) {
        self.waiting.push((visited.below.join(name), Some(facts.device)));
    }

    fn visit(&self, below: &Path, path: &Path, device: Option<u64>) -> io::Result<Visited> {
        let folder = self.top.below(below)?;
        let real = joined(&self.real_base, below);
        let mut entries = Vec::new();
        for (name, _) in folder.entries()? {
            // Not even looked at: a server that is away would not answer.
            if self.mounts.is_off_limits(&real.join(&name)) {
                continue;
            }
            let Ok(facts) = folder.facts(&name) else { continue };
            // Without a table it is not known what another file system is.
            let is_other = device.is_some_and(|device| device != facts.device);
            if self.mounts.is_empty() && is_other && facts.kind == FileType::Directory {
                continue;
            }
            entries.push((name, facts));
        }
        Ok(Visited { folder, below: below.to_owned(), path: path.to_owned(), real, entries })
    }
}

/// The folders that a pattern means, by path.
pub(crate) fn expand(root: &Path, pattern: &PathPattern, mounts: &MountTable) -> io::Result<Vec<PathBuf>> {
    let mut walk = match Walk::start(root, &pattern.base, mounts) {
        Err(error) if super::is_gone(&error) => return Ok(Vec::new()),
        walk => walk?,
    };
    let mut folders = Vec::new();
    while let Some(visited) = walk.next() {
        // Of what cannot be read nothing can be meant that could be read.
        let Ok(visited) = visited else { continue };
        if pattern.is_meant(&visited.below) {
            folders.push(visited.path);
        } else {
            enter_towards(&mut walk, &visited, pattern);
        }
    }
    folders.sort_unstable();
    Ok(folders)
}

/// The files and links that a pattern means, by path. Folders that cannot be read have none.
pub(crate) fn expand_files(root: &Path, pattern: &PathPattern, mounts: &MountTable) -> Vec<PathBuf> {
    let Ok(mut walk) = Walk::start(root, &pattern.base, mounts) else { return Vec::new() };
    let mut files = Vec::new();
    while let Some(visited) = walk.next() {
        let Ok(visited) = visited else { continue };
        let names = visited.entries.iter().filter(|(_, facts)| facts.kind != FileType::Directory);
        let meant = names.filter(|(name, _)| pattern.is_meant(&visited.below.join(name)));
        files.extend(meant.map(|(name, _)| visited.path.join(name)));
        enter_towards(&mut walk, &visited, pattern);
    }
    files.sort_unstable();
    files
}

fn enter_towards(walk: &mut Walk<'_>, visited: &Visited, pattern: &PathPattern) {
    for (name, facts) in &visited.entries {
        if facts.kind == FileType::Directory && pattern.may_be_in(&visited.below.join(name)) {
            walk.enter(visited, name, facts);
        }
    }
}

/// `base/below`, without a slash at the end if there is nothing below.
fn joined(base: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() { base.to_owned() } else { base.join(below) }
}

/// Folders that could not be read, by their parts, so that each part is told once.
#[derive(Debug, Default)]
pub(crate) struct UnreadParts(HashMap<String, super::Tally>);

impl UnreadParts {
    /// Notes one.
    pub(crate) fn add(&mut self, folder: &Path, what: String) {
        self.0.entry(part_of(folder)).or_default().add(what);
    }

    /// Tells them: what is in those parts and did not come stays as it was.
    pub(crate) fn tell(self, documents: &mut crate::documents::Documents) {
        let mut parts: Vec<_> = self.0.into_iter().collect();
        parts.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (part, tally) in parts {
            let message = tally.tell("cannot be read").unwrap_or_default();
            documents.fail(part, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn walked(root: &Path, base: &str, mounts: &MountTable) -> Vec<String> {
        let mut walk = Walk::start(root, Path::new(base), mounts).unwrap();
        let mut paths = Vec::new();
        while let Some(visited) = walk.next() {
            let visited = visited.unwrap();
            for (name, facts) in &visited.entries {
                paths.push(visited.path.join(name).display().to_string());
                if facts.kind == FileType::Directory {
                    walk.enter(&visited, name, facts);
                }
            }
        }
        paths
    }

    #[test]
    fn links_are_seen_and_not_followed() {
        let root = crate::testing::root(&[("usr/lib/a", ""), ("usr/lib/b/c", ""), ("elsewhere/d", "")]);
        symlink("/elsewhere", root.path().join("usr/lib/link")).unwrap();
        symlink("usr/lib", root.path().join("lib")).unwrap();
        let mounts = MountTable::live();
        let expected = ["/usr/lib/a", "/usr/lib/b", "/usr/lib/link", "/usr/lib/b/c"];
        assert_eq!(walked(root.path(), "/usr/lib", &mounts), expected);
        // The path that was asked for may be a link itself.
        assert_eq!(walked(root.path(), "/lib", &mounts).len(), 4);
        assert!(Walk::start(root.path(), Path::new("/usr/lib/a"), &mounts).is_err());
    }

    #[test]
    fn what_is_off_limits_is_not_entered() {
        let root = crate::testing::root(&[("mnt/share/a", ""), ("mnt/disk/b", "")]);
        let real = root.path().canonicalize().unwrap();
        let line =
            |name: &str, kind: &str| format!("1 1 0:1 / {}/mnt/{name} rw - {kind} x rw\n", real.display());
        let table = line("share", "nfs") + &line("disk", "ext4");
        let mounts = MountTable::parse(table.as_bytes());
        assert_eq!(walked(root.path(), "/", &mounts), ["/mnt", "/mnt/disk", "/mnt/disk/b"]);
        // Whoever names it means it.
        assert_eq!(walked(root.path(), "/mnt/share", &mounts), ["/mnt/share/a"]);
    }

    #[test]
    fn parts_are_a_few_levels() {
        assert_eq!(part_of(Path::new("/")), "");
        assert_eq!(part_of(Path::new("/usr/lib")), "/usr/lib");
        assert_eq!(part_of(Path::new("/usr/lib/x/y/z")), "/usr/lib/x");
    }
}

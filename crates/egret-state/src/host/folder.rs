//! The host's files as the host itself finds them: links lead within its root, and nothing is opened that could block.
//!
//! Whoever may write in a folder of the host can put a link, a pipe or a device where a file was, and what looks at it has
//! more rights. So paths are resolved by the kernel within the root, and a file is read only if it is one.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

pub(crate) use rustix::fs::FileType;

/// A folder with more entries is not listed.
const MAX_ENTRIES: usize = 1_000_000;

/// So often the kernel is asked again when something was renamed while it resolved a path.
const TRIES: usize = 16;

/// To read a file: a pipe or a device neither blocks nor becomes the terminal.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
const READ_FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// What is known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub kind: FileType,
    /// Permissions, with setuid, setgid and sticky.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    /// The file system it is on.
    pub device: u64,
    pub inode: u64,
    /// Which device it is, if it is one.
    pub device_number: u64,
    /// When its contents changed, in seconds and nanoseconds.
    pub modified: (i64, u32),
    /// When anything of it changed; nobody can set it back.
    pub changed: (i64, u32),
}

impl From<Stat> for Facts {
    fn from(stat: Stat) -> Self {
        let nanoseconds = |value| u32::try_from(value).unwrap_or(0);
        Self {
            kind: FileType::from_raw_mode(stat.st_mode),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            device: stat.st_dev,
            inode: stat.st_ino,
            device_number: stat.st_rdev,
            modified: (stat.st_mtime, nanoseconds(stat.st_mtime_nsec)),
            changed: (stat.st_ctime, nanoseconds(stat.st_ctime_nsec)),
        }
    }
}

impl Facts {
    /// Of a device, its numbers as `major:minor`.
    pub(crate) fn device_numbers(&self) -> String {
        format!("{}:{}", rustix::fs::major(self.device_number), rustix::fs::minor(self.device_number))
    }
}

/// What documents call a kind of file.
pub(crate) fn kind_of(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "file",
        FileType::Directory => "folder",
        FileType::Symlink => "link",
        FileType::Fifo => "pipe",
        FileType::Socket => "socket",
        FileType::BlockDevice => "block_device",
        FileType::CharacterDevice => "character_device",
        FileType::Unknown => "unknown",
    }
}

/// Opens a file of the host.
///
/// # Errors
/// If it cannot be opened, or is something else.
pub(crate) fn open_file(root: &Path, path: &Path) -> io::Result<File> {
    only_a_file(open(root, path, READ)?)
}

/// What is known of a file of the host; of a link itself.
///
/// # Errors
/// If it cannot be looked at.
pub(crate) fn facts(root: &Path, path: &Path) -> io::Result<Facts> {
    Ok(rustix::fs::fstat(open(root, path, LOOK | OFlags::NOFOLLOW)?)?.into())
}

/// What is known of an open file.
///
/// # Errors
/// If the kernel does not tell.
pub(crate) fn facts_of(file: &File) -> io::Result<Facts> {
    Ok(rustix::fs::fstat(file)?.into())
}

/// Where a link of the host leads, as it says.
///
/// # Errors
/// If it cannot be read, or is no link.
pub(crate) fn read_link(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    Folder::look(root, folder)?.read_link(name)
}

/// The entries of a folder of the host, by name.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn list(root: &Path, path: &Path) -> io::Result<Vec<(OsString, FileType)>> {
    Folder::open(root, path)?.entries()
}

/// An open folder. Names below it are not resolved anew from the root, whatever becomes of its path.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Folder {
    /// Opens a folder of the host.
    ///
    /// # Errors
    /// If it cannot be read, or is no folder.
    pub(crate) fn open(root: &Path, path: &Path) -> io::Result<Self> {
        open(root, path, READ_FOLDER).map(Self)
    }

    /// Opens a folder to look at what is in it by name, which needs fewer rights than to list it.
    pub(super) fn look(root: &Path, path: &Path) -> io::Result<Self> {
        open(root, path, LOOK | OFlags::DIRECTORY).map(Self)
    }

    /// Opens a folder somewhere below this one, through no link.
    ///
    /// # Errors
    /// If it cannot be read, or is no folder any more.
    pub(crate) fn below(&self, path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match open_with(self.0.as_fd(), path, READ_FOLDER, resolve) {
            Err(error) if is_unknown_call(error) => {
                // A kernel before 5.6: at least the last step is no link.
                Ok(Self(rustix::fs::openat(&self.0, path, READ_FOLDER | OFlags::NOFOLLOW, Mode::empty())?))
            }
            opened => Ok(Self(opened?)),
        }
    }

    /// Its entries, by name.
    ///
    /// # Errors
    /// If it cannot be read, or has too many.
    pub(crate) fn entries(&self) -> io::Result<Vec<(OsString, FileType)>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes()).to_owned();
            if name == "." || name == ".." {
                continue;
            }
            if entries.len() >= MAX_ENTRIES {
                return Err(io::Error::other(format!("it has more than {MAX_ENTRIES} entries")));
            }
            entries.push((name, entry.file_type()));
        }
        // Some file systems do not say it in the list.
        for (name, kind) in entries.iter_mut().filter(|(_, kind)| *kind == FileType::Unknown) {
            *kind = self.facts(name).map_or(FileType::Unknown, |facts| facts.kind);
        }
        entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }

    /// What is known of an entry; of a link itself.
    ///
    /// # Errors
    /// If it cannot be looked at.
    pub(crate) fn facts(&self, name: &OsStr) -> io::Result<Facts> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        Ok(rustix::fs::statat(&self.0, name, flags)?.into())
    }

    /// Opens the file of this name.
    ///
    /// # Errors
    /// If it cannot be opened, or is something else: a link too.
    pub(crate) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        only_a_file(rustix::fs::openat(&self.0, name, READ | OFlags::NOFOLLOW, Mode::empty())?)
    }

    /// Where the link of this name leads, as it says.
    ///
    /// # Errors
    /// If it cannot be read, or is no link.
    pub(crate) fn read_link(&self, name: &OsStr) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(&self.0, name, Vec::new())?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    /// Where it really is, as this process sees it; `None` if the kernel does not tell.
    pub(crate) fn real_path(&self) -> Option<PathBuf> {
        std::fs::read_link(format!("/proc/self/fd/{}", self.0.as_raw_fd())).ok()
    }
}

/// Opens something of the host. Links lead where they lead on the host.
fn open(root: &Path, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let path = path.strip_prefix("/").unwrap_or(path);
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let top = rustix::fs::open(root, LOOK | OFlags::DIRECTORY, Mode::empty())?;
    match open_with(top.as_fd(), path, flags, ResolveFlags::IN_ROOT) {
        // A kernel before 5.6, or a container that forbids the call. From `/` on, links lead where they should anyway.
        Err(error) if is_unknown_call(error) && root == Path::new("/") => {
            Ok(rustix::fs::openat(&top, path, flags, Mode::empty())?)
        }
        Err(Errno::NOSYS) => {
            let message = "links cannot be kept within `root`: that needs Linux 5.6";
            Err(io::Error::new(ErrorKind::Unsupported, message))
        }
        opened => Ok(opened?),
    }
}

fn open_with(folder: impl AsFd, path: &Path, flags: OFlags, resolve: ResolveFlags) -> Result<OwnedFd, Errno> {
    let mut opened = Err(Errno::AGAIN);
    for _ in 0..TRIES {
        opened = rustix::fs::openat2(&folder, path, flags, Mode::empty(), resolve);
        if !matches!(opened, Err(Errno::AGAIN)) {
            break;
        }
    }
    opened
}

fn is_unknown_call(error: Errno) -> bool {
    matches!(error, Errno::NOSYS | Errno::PERM)
}

fn only_a_file(file: OwnedFd) -> io::Result<File> {
    let kind = Facts::from(rustix::fs::fstat(&file)?).kind;
    if kind == FileType::RegularFile {
        return Ok(File::from(file));
    }
    let what = kind_of(kind).replace('_', " ");
    Err(io::Error::new(ErrorKind::InvalidInput, format!("it is a {what} and not a file")))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_within_the_root() {
        let root = crate::testing::root(&[("etc/passwd", "inside"), ("usr/lib/a", "a")]);
        let path = root.path();
        symlink("/etc/passwd", path.join("absolute")).unwrap();
        symlink("../../../../../etc/passwd", path.join("up")).unwrap();
        symlink("/usr/lib", path.join("lib")).unwrap();
        symlink("loop", path.join("loop")).unwrap();
        for name in ["absolute", "/absolute", "up", "../../etc/passwd"] {
            let mut text = String::new();
            open_file(path, Path::new(name)).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "inside", "{name}");
        }
        assert_eq!(list(path, Path::new("/lib")).unwrap(), [("a".into(), FileType::RegularFile)]);
        assert_eq!(read_link(path, Path::new("/up")).unwrap(), Path::new("../../../../../etc/passwd"));
        assert_eq!(facts(path, Path::new("lib")).unwrap().kind, FileType::Symlink);
        assert!(open_file(path, Path::new("loop")).is_err());
    }

    #[test]
    fn only_files_are_read() {
        let root = crate::testing::root(&[("folder/a", "")]);
        let path = root.path();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path.join("pipe"),
            FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        for (name, kind) in [("folder", "a folder"), ("pipe", "a pipe")] {
            let error = open_file(path, Path::new(name)).unwrap_err();
            assert!(error.to_string().contains(kind), "{error}");
        }
    }

    #[test]
    fn below_a_folder_there_are_no_links() {
        let root = crate::testing::root(&[("a/b/c", "")]);
        symlink("b", root.path().join("a/link")).unwrap();
        let folder = Folder::open(root.path(), Path::new("a")).unwrap();
        assert!(folder.below(Path::new("b")).is_ok());
        assert!(folder.below(Path::new("link")).is_err());
        assert!(folder.below(Path::new("..")).is_err());
        assert!(folder.open_file(OsStr::new("link")).is_err());
    }
}

//! What generators of this host share: where the host's files are, and how they are read.

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use egret_config::{AttributeDocumentation, BlockReader};
use rustix::io::Errno;

use crate::generator::{GenerateError, GeneratorContext};

mod accounts;
mod command_line;
mod digest;
mod folder;
mod mount_table;
mod path_pattern;
mod tally;
mod text;
mod walk;

#[cfg(test)]
mod any_text;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use accounts::{Accounts, User};
pub(crate) use command_line::{command_line, without_secrets};
pub(crate) use digest::{Digested, sha256, sha256_of};
pub(crate) use folder::{Facts, FileType, Folder, facts, facts_of, kind_of, list, open_file, read_link};
pub(crate) use mount_table::{Mount, MountTable};
pub(crate) use path_pattern::decode_paths;
pub(crate) use path_pattern::{Exclusion, PathPattern};
pub(crate) use tally::Tally;
pub(crate) use text::{shown, shown_path, unescape_octal};
pub(crate) use walk::{UnreadParts, Visited, Walk, expand, expand_files, part_of};

/// The attribute of all generators that look at files of a host.
pub const ROOT: AttributeDocumentation = AttributeDocumentation::optional(
    "root",
    "a string",
    "The folder that is the host's `/`: of a mounted image, or the host's where Egret runs in a container. Default: /.",
);

/// A larger file of the system's is none that these generators expect.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Reads `root`.
pub fn decode_root(reader: &mut BlockReader<'_>, context: &GeneratorContext) -> Option<PathBuf> {
    let root = reader.optional_or("root", None::<String>)?;
    let folder = &context.service.environment.working_folder;
    Some(root.map_or_else(|| PathBuf::from("/"), |root| folder.join(root)))
}

/// The text of a file of the host, whatever its bytes: what is no UTF-8 is replaced.
///
/// # Errors
/// If it cannot be read; messages name it as the host does.
pub fn read_text(root: &Path, path: impl AsRef<Path>) -> Result<String, GenerateError> {
    match read_optional(root, path.as_ref())? {
        Some(text) => Ok(text),
        None => {
            let path = shown_path(path.as_ref());
            Err(GenerateError::refused(format!("cannot read {path}: it is not there")))
        }
    }
}

/// As [`read_text`]; `None` if the file is not there.
///
/// # Errors
/// If it is there and cannot be read.
pub fn read_optional(root: &Path, path: impl AsRef<Path>) -> Result<Option<String>, GenerateError> {
    let bytes = read_bytes(root, path.as_ref(), MAX_FILE_BYTES)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// The bytes of a file of the host, `max` at most; `None` if it is not there.
///
/// # Errors
/// If it is there and cannot be read, or is larger.
pub(crate) fn read_bytes(root: &Path, path: &Path, max: u64) -> Result<Option<Vec<u8>>, GenerateError> {
    let mut bytes = Vec::new();
    let read = open_file(root, path).and_then(|file| file.take(max + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > max => {
            let path = shown_path(path);
            Err(GenerateError::refused(format!("{path} is larger than {} KiB", max >> 10)))
        }
        Ok(_) => Ok(Some(bytes)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(cannot_read(path, &error)),
    }
}

/// The beginning of a file of the host, as text; `None` if it is not there.
///
/// # Errors
/// If it is there and cannot be read.
pub(crate) fn read_beginning(root: &Path, path: &Path, max: u64) -> Result<Option<String>, GenerateError> {
    let mut bytes = Vec::new();
    match open_file(root, path).and_then(|file| file.take(max).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(cannot_read(path, &error)),
    }
}

/// That a file or folder of the host cannot be read.
pub(crate) fn cannot_read(path: &Path, error: &io::Error) -> GenerateError {
    let hint = if error.kind() == ErrorKind::PermissionDenied {
        "; it needs more rights, such as root's"
    } else {
        ""
    };
    GenerateError::refused(format!("cannot read {}: {error}{hint}", shown_path(path)))
}

/// Whether something is not there, or not any more: between a list and a look, files go and processes end.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
        || error.raw_os_error() == Some(Errno::SRCH.raw_os_error())
}

/// Whether there is a folder of the host, or a link that leads to one.
pub(crate) fn is_folder(root: &Path, path: &Path) -> bool {
    Folder::look(root, path).is_ok()
}

/// The entries of a folder of the host, by name; none if it is not there.
///
/// # Errors
/// If it is there and cannot be read.
pub(crate) fn list_optional(
    root: &Path,
    path: impl AsRef<Path>,
) -> Result<Vec<(String, FileType)>, GenerateError> {
    match list(root, path.as_ref()) {
        Ok(entries) => {
            // Names that these generators look for are text.
            let named = entries.into_iter().filter_map(|(name, kind)| Some((name.into_string().ok()?, kind)));
            Ok(named.collect())
        }
        Err(error) if is_gone(&error) => Ok(Vec::new()),
        Err(error) => Err(cannot_read(path.as_ref(), &error)),
    }
}

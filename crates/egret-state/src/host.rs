//! What generators of this host share: where the host's files are, and how they are read.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use egret_config::{AttributeDocumentation, BlockReader};

use crate::generator::{GenerateError, GeneratorContext};

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
pub fn read_text(root: &Path, path: &str) -> Result<String, GenerateError> {
    match read_optional(root, path)? {
        Some(text) => Ok(text),
        None => Err(GenerateError::refused(format!("cannot read /{path}: it is not there"))),
    }
}

/// As [`read_text`]; `None` if the file is not there.
///
/// # Errors
/// If it is there and cannot be read.
pub fn read_optional(root: &Path, path: &str) -> Result<Option<String>, GenerateError> {
    let mut bytes = Vec::new();
    let read =
        File::open(root.join(path)).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > MAX_FILE_BYTES => {
            Err(GenerateError::refused(format!("/{path} is larger than {} MiB", MAX_FILE_BYTES >> 20)))
        }
        Ok(_) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let hint = if error.kind() == ErrorKind::PermissionDenied {
                "; it needs more rights, such as root's"
            } else {
                ""
            };
            Err(GenerateError::refused(format!("cannot read /{path}: {error}{hint}")))
        }
    }
}

//! Packages of Python, each a folder or file of metadata beside the code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Package;
use crate::generator::GenerateError;
use crate::host::{self, Accounts, FileType, Tally};

/// Where interpreters are, which have packages.
const LIBRARIES: [&str; 4] = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"];
const OF_INTERPRETER: [&str; 2] = ["site-packages", "dist-packages"];
const ENDINGS: [&str; 2] = [".dist-info", ".egg-info"];

/// What is asked for is at the beginning; a long description follows.
const MAX_METADATA_BYTES: u64 = 64 << 10;

/// The folders with packages.
pub(super) fn folders(
    root: &Path,
    named: &[PathBuf],
    unread: &mut Vec<(PathBuf, GenerateError)>,
) -> BTreeSet<PathBuf> {
    let mut libraries: Vec<PathBuf> = LIBRARIES.iter().map(PathBuf::from).collect();
    match Accounts::read(root) {
        Ok(accounts) => {
            libraries.extend(accounts.users.iter().map(|user| Path::new(&user.home).join(".local/lib")));
        }
        Err(error) => unread.push((PathBuf::from("/home"), error)),
    }
    let mut folders = BTreeSet::new();
    for folder in named {
        let listed = host::list_optional(root, folder).unwrap_or_default();
        if listed.iter().any(|(name, _)| is_metadata(name)) {
            folders.insert(folder.clone());
        } else {
            libraries.extend(["lib", "lib64"].map(|name| folder.join(name)));
        }
    }
    for library in libraries {
        // One of two names for the same.
        if host::facts(root, &library).is_ok_and(|facts| facts.kind == FileType::Symlink) {
            continue;
        }
        let interpreters = match host::list_optional(root, &library) {
            Ok(listed) => listed,
            Err(error) => {
                unread.push((library, error));
                continue;
            }
        };
        for (name, kind) in interpreters {
            if kind == FileType::Directory && (name.starts_with("python") || name.starts_with("pypy")) {
                folders.extend(OF_INTERPRETER.map(|packages| library.join(&name).join(packages)));
            }
        }
    }
    folders
}

/// The packages in a folder.
pub(super) fn packages(root: &Path, folder: &Path) -> Result<(Vec<Package>, Tally), GenerateError> {
    let mut packages = Vec::new();
    let mut odd = Tally::default();
    for (name, kind) in host::list_optional(root, folder)?.into_iter().filter(|(name, _)| is_metadata(name)) {
        let path = folder.join(&name);
        let file = match (kind, name.ends_with(ENDINGS[0])) {
            (FileType::RegularFile, _) => path,
            (_, true) => path.join("METADATA"),
            (_, false) => path.join("PKG-INFO"),
        };
        let text = host::read_beginning(root, &file, MAX_METADATA_BYTES)?;
        match read(&text.unwrap_or_default()).or_else(|| read_name(&name)) {
            Some((name, version)) => packages.push(Package {
                name,
                version,
                folder: Some(host::shown_path(folder)),
                ..Package::default()
            }),
            None => odd.add(name),
        }
    }
    Ok((packages, odd))
}

fn is_metadata(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Name and version of metadata.
fn read(text: &str) -> Option<(String, String)> {
    let head = text.lines().take_while(|line| !line.is_empty());
    let fields: Vec<(&str, &str)> = head.filter_map(|line| line.split_once(':')).collect();
    let find = |wanted: &str| {
        let field = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        field.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    Some((find("Name")?, find("Version")?))
}

/// Name and version of `requests-2.31.0.dist-info`; of old ones the version of Python follows.
fn read_name(name: &str) -> Option<(String, String)> {
    let name = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending))?;
    let mut parts = name.split('-');
    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read() {
        let pair = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(
            read("Metadata-Version: 2.1\nName: Requests\nVersion: 2.31\n\nName: not\n"),
            pair("Requests", "2.31")
        );
        assert_eq!(read("Name: x\n\nVersion: 1"), None);
        assert_eq!(read(""), None);
        assert_eq!(read_name("PyYAML-6.0-py3.11.egg-info"), pair("PyYAML", "6.0"));
        assert_eq!(read_name("x.dist-info"), None);
    }
}

//! Packages of npm: folders with a `package.json`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::Package;
use crate::generator::GenerateError;
use crate::host::{self, FileType, Tally};

const GLOBAL: [&str; 2] = ["/usr/lib/node_modules", "/usr/local/lib/node_modules"];
const FOLDER: &str = "node_modules";

const MAX_MANIFEST_BYTES: u64 = 4 << 20;

/// The folders with packages.
pub(super) fn folders(
    _root: &Path,
    named: &[PathBuf],
    _unread: &mut Vec<(PathBuf, GenerateError)>,
) -> BTreeSet<PathBuf> {
    let named = named.iter().map(|folder| {
        let is_itself = folder.file_name().is_some_and(|name| name == FOLDER);
        if is_itself { folder.clone() } else { folder.join(FOLDER) }
    });
    GLOBAL.iter().map(PathBuf::from).chain(named).collect()
}

/// The packages in a folder.
pub(super) fn packages(root: &Path, folder: &Path) -> Result<(Vec<Package>, Tally), GenerateError> {
    let mut packages = Vec::new();
    let mut odd = Tally::default();
    for name in package_folders(root, folder)? {
        let manifest = host::read_bytes(root, &folder.join(&name).join("package.json"), MAX_MANIFEST_BYTES)?;
        // Other folders are there too.
        let Some(manifest) = manifest else { continue };
        let Some((name, version)) = read(&manifest) else {
            odd.add(name);
            continue;
        };
        let folder = Some(host::shown_path(folder));
        packages.push(Package { name, version, folder, ..Package::default() });
    }
    Ok((packages, odd))
}

/// `name` and `@scope/name`.
fn package_folders(root: &Path, folder: &Path) -> Result<Vec<String>, GenerateError> {
    let is_folder = |kind: FileType| matches!(kind, FileType::Directory | FileType::Symlink);
    let mut names = Vec::new();
    for (name, kind) in host::list_optional(root, folder)? {
        if name.starts_with('.') || !is_folder(kind) {
            continue;
        }
        if !name.starts_with('@') {
            names.push(name);
            continue;
        }
        let scoped = host::list_optional(root, folder.join(&name))?;
        names.extend(
            scoped.into_iter().filter(|(_, kind)| is_folder(*kind)).map(|(own, _)| format!("{name}/{own}")),
        );
    }
    Ok(names)
}

fn read(manifest: &[u8]) -> Option<(String, String)> {
    let manifest: Json =
        serde_json::from_slice(manifest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(manifest)).ok()?;
    let text = |name: &str| manifest.get(name)?.as_str().map(str::to_owned);
    Some((text("name")?, text("version")?))
}

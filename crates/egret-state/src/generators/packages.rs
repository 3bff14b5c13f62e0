//! `packages`: what package managers have installed.

mod npm;
mod python;
mod rpm;
mod system;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Located};
use egret_model::suggest;
use egret_process::CommandLine;
use serde_json::json;

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::host::{self, MountTable, PathPattern};
use crate::registry::GeneratorType;

const MANAGERS: [&str; 5] = ["dpkg", "apk", "rpm", "pip", "npm"];

/// The generator type `packages`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "packages",
    description: "The packages that dpkg, apk, rpm, pip and npm have installed.",
    channel: "host.packages",
    key: &["manager", "name", "place"],
    ignore: &[],
    ordered: &[],
    attributes: &[&[
        AttributeDocumentation::optional(
            "managers",
            "a list of strings",
            "Whose packages: \"dpkg\", \"apk\", \"rpm\", \"pip\", \"npm\". Default: all, of which those that are not there \
             have none.",
        ),
        AttributeDocumentation::optional(
            "python_paths",
            "a list of strings",
            "Further folders with Python packages: virtual environments, or folders such as `site-packages`. Globs may be \
             used.",
        ),
        AttributeDocumentation::optional(
            "npm_paths",
            "a list of strings",
            "Further folders with npm packages: projects, or folders called `node_modules`. Globs may be used.",
        ),
        host::ROOT,
    ]],
    example: r#"generator "packages" "packages" {
  every        = "1h"
  root         = "/"
  managers     = ["dpkg", "pip", "npm"]
  python_paths = ["/opt/*/venv"]
  npm_paths    = ["/srv/app"]
}
"#,
    documents: "One document a package: `manager`, `name`, `version`, `architecture`, `place` (the architecture, or the folder \
        for pip and npm, as each folder has a version of its own), `source` (the package it was built from), `status` (another \
        than `installed` is dpkg's word for one that is broken), `held` (whether it is kept from being upgraded). Of packages \
        that can be there more than once, such as kernels of rpm, `version` has all.\n\n\
        ```json\n{\"manager\": \"dpkg\", \"name\": \"libssl3\", \"version\": \"3.0.15-1~deb12u1\", \"architecture\": \
        \"amd64\", \"place\": \"amd64\", \"source\": \"openssl\", \"status\": \"installed\", \"held\": false}\n```\n\n\
        pip's are looked for below `/usr/lib`, `/usr/local/lib` and `~/.local/lib` of all users, npm's in the global \
        `node_modules`; of those only the packages that are in it directly.",
    permissions: "To read the databases, as everybody may, and for packages in homes, to read these. rpm's database is not \
        read but asked for with `rpm -qa`, so that works only where `root` is `/`; otherwise the part `rpm` fails.",
    decode: |reader, context| {
        let root = host::decode_root(reader, context);
        let managers = decode_managers(reader);
        let python_paths = decode_folders(reader, "python_paths");
        let npm_paths = decode_folders(reader, "npm_paths");
        let query = rpm::query(&context.service);
        Some(Arc::new(Packages {
            root: root?,
            managers: managers?,
            python_paths: python_paths?,
            npm_paths: npm_paths?,
            query,
        }))
    },
};

/// A package that is installed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Package {
    name: String,
    version: String,
    architecture: Option<String>,
    /// Where it is, if it is not for the whole host.
    folder: Option<String>,
    source: Option<String>,
    /// dpkg's, if it is another than `installed`.
    status: Option<String>,
    held: bool,
}

#[derive(Debug)]
struct Packages {
    root: PathBuf,
    managers: Vec<&'static str>,
    python_paths: Vec<PathPattern>,
    npm_paths: Vec<PathPattern>,
    /// Asks rpm.
    query: CommandLine,
}

#[async_trait]
impl Generator for Packages {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        for manager in &self.managers {
            match *manager {
                "dpkg" => take(documents, manager, system::dpkg(&self.root))?,
                "apk" => take(documents, manager, system::apk(&self.root))?,
                "rpm" if !rpm::is_there(&self.root)? => {}
                "rpm" if self.root != Path::new("/") => {
                    documents.fail("rpm", "its database can be asked for only where `root` is `/`");
                }
                "rpm" => take(documents, manager, rpm::packages(&self.query).await)?,
                "pip" => self.in_folders(documents, manager, python::folders, python::packages)?,
                _ => self.in_folders(documents, manager, npm::folders, npm::packages)?,
            }
        }
        Ok(())
    }
}

/// Finds the folders with packages of a manager, beside those in homes what a user named. What cannot be looked at goes
/// to the second.
type FindFolders = fn(&Path, &[PathBuf], &mut Vec<(PathBuf, GenerateError)>) -> BTreeSet<PathBuf>;

/// Reads the packages in a folder, and what is odd about them.
type ReadFolder = fn(&Path, &Path) -> Result<(Vec<Package>, host::Tally), GenerateError>;

impl Packages {
    /// Packages of a manager that keeps them in folders: each folder is a part.
    fn in_folders(
        &self,
        documents: &mut Documents,
        manager: &str,
        find: FindFolders,
        read: ReadFolder,
    ) -> Result<(), GenerateError> {
        let mounts = MountTable::live();
        let patterns = if manager == "pip" { &self.python_paths } else { &self.npm_paths };
        let mut unread = Vec::new();
        let mut named = Vec::new();
        for pattern in patterns {
            match host::expand(&self.root, pattern, &mounts) {
                Ok(folders) => named.extend(folders),
                Err(error) => unread.push((pattern.base.clone(), host::cannot_read(&pattern.base, &error))),
            }
        }
        for folder in find(&self.root, &named, &mut unread) {
            match read(&self.root, &folder) {
                Ok((packages, odd)) => {
                    let path = host::shown_path(&folder);
                    documents.begin_part(format!("{manager}{path}"));
                    push(documents, manager, packages)?;
                    let note = odd.tell(&format!("without a name and a version in {path}"));
                    note.into_iter().for_each(|note| documents.note(note));
                }
                Err(error) => unread.push((folder, error)),
            }
        }
        for (folder, error) in unread {
            documents.fail(format!("{manager}{}", host::shown_path(&folder)), error);
        }
        Ok(())
    }
}

/// Takes the packages of a manager for the whole host, or notes that they could not be read.
fn take(
    documents: &mut Documents,
    manager: &str,
    packages: Result<Vec<Package>, GenerateError>,
) -> Result<(), GenerateError> {
    match packages {
        Ok(packages) => {
            documents.begin_part(manager);
            push(documents, manager, packages)
        }
        Err(error) => {
            documents.fail(manager, error);
            Ok(())
        }
    }
}

fn push(documents: &mut Documents, manager: &str, packages: Vec<Package>) -> Result<(), GenerateError> {
    let mut places: BTreeMap<(String, String), (Package, BTreeSet<String>)> = BTreeMap::new();
    for package in packages {
        let place = package.folder.as_ref().or(package.architecture.as_ref());
        let key = (package.name.clone(), place.cloned().unwrap_or_else(|| "none".to_owned()));
        let version = package.version.clone();
        places.entry(key).or_insert_with(|| (package, BTreeSet::new())).1.insert(version);
    }
    for ((name, place), (package, versions)) in places {
        documents.push(json!({
            "manager": manager,
            "name": name,
            "version": versions.into_iter().collect::<Vec<_>>().join(", "),
            "architecture": package.architecture,
            "place": place,
            "source": package.source,
            "status": package.status.as_deref().unwrap_or("installed"),
            "held": package.held,
        }))?;
    }
    Ok(())
}

fn decode_managers(reader: &mut BlockReader<'_>) -> Option<Vec<&'static str>> {
    let Some(named) = reader.optional_or("managers", None::<Vec<Located<String>>>)? else {
        return Some(MANAGERS.to_vec());
    };
    let mut managers = Some(Vec::new());
    for name in named {
        if let Some(manager) = MANAGERS.iter().find(|manager| **manager == name.value) {
            managers.iter_mut().for_each(|managers: &mut Vec<_>| managers.push(*manager));
            continue;
        }
        let hint = suggest::nearest(&name.value, MANAGERS).map_or_else(
            || format!("the package managers are {}", MANAGERS.join(", ")),
            |manager| format!("did you mean \"{manager}\"?"),
        );
        let mistake = Diagnostic::error(format!("`{}` is no package manager that is known", name.value));
        reader.diagnostics().push(mistake.at(&name.location).hint(hint));
        managers = None;
    }
    managers
}

fn decode_folders(reader: &mut BlockReader<'_>, name: &'static str) -> Option<Vec<PathPattern>> {
    let texts = reader.optional_or(name, Vec::<Located<String>>::new())?;
    host::decode_paths(reader, &texts)
}

#[cfg(test)]
mod tests;

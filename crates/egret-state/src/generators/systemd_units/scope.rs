//! Where unit files are: of the system, of all users, of one user; and what is in those folders.

use std::path::{Component, Path, PathBuf};

use super::name_of;
use crate::generator::GenerateError;
use crate::host::{self, Accounts, FileType};

/// Above these folders are those of units.
const ABOVE: [&str; 5] = ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"];

const UNIT_TYPES: [&str; 11] = [
    "automount",
    "device",
    "mount",
    "path",
    "scope",
    "service",
    "slice",
    "socket",
    "swap",
    "target",
    "timer",
];

/// Folders whose links make a unit start with another.
const WANTING: [&str; 3] = [".wants", ".requires", ".upholds"];

/// A set of folders whose units belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    /// As documents and parts call it.
    pub name: String,
    pub folders: Vec<PathBuf>,
}

/// A unit file, or a drop-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub path: PathBuf,
    /// The unit that it is, or that it is laid over.
    pub unit: String,
    /// Where it leads, if it is a link.
    pub target: Option<PathBuf>,
}

/// A link that makes a unit start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// The folder that it is in, such as `multi-user.target.wants`; of an instance with its name.
    pub folder: String,
    /// The unit that starts: of an instance the template.
    unit: String,
    /// Whether it is where administrators enable units, and not where packages ship links.
    pub is_of_administrator: bool,
}

/// What is in the folders of a scope.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub units: Vec<Entry>,
    pub drop_ins: Vec<Entry>,
    links: Vec<Link>,
}

impl Scope {
    /// Whether its folders are in a home.
    pub(super) fn is_of_one_user(&self) -> bool {
        self.name.starts_with("user:")
    }

    /// All scopes of a host.
    pub(super) fn all(root: &Path) -> Result<Vec<Self>, GenerateError> {
        let folders =
            |kind: &str| ABOVE.iter().map(|above| Path::new(above).join("systemd").join(kind)).collect();
        let mut scopes = vec![
            Self { name: "system".to_owned(), folders: folders("system") },
            Self { name: "user".to_owned(), folders: folders("user") },
        ];
        for user in Accounts::read(root)?.users {
            let home = Path::new(&user.home);
            // Many that belong to no person live in `/`.
            if home.is_absolute() && home != Path::new("/") {
                let folders =
                    [".config/systemd/user", ".local/share/systemd/user"].map(|name| home.join(name));
                scopes.push(Self { name: format!("user:{}", user.name), folders: folders.to_vec() });
            }
        }
        Ok(scopes)
    }
}

impl Entry {
    /// Whether it is another name of a unit: a link to one in a folder of the scope.
    pub(super) fn is_alias(&self, scope: &Scope) -> bool {
        let Some(target) = &self.target else { return false };
        let folder = self.path.parent().unwrap_or_else(|| Path::new("/"));
        let target = without_dots(&folder.join(target));
        let is_in_scope = target.parent().is_some_and(|parent| scope.folders.iter().any(|own| own == parent));
        is_in_scope && name_of(&target).is_some_and(is_unit)
    }
}

impl Found {
    /// Looks into all folders of a scope.
    ///
    /// # Errors
    /// If one is there and cannot be read.
    pub(super) fn look(root: &Path, scope: &Scope) -> Result<Self, GenerateError> {
        let mut found = Self::default();
        for folder in &scope.folders {
            if is_second_name(root, folder) {
                continue;
            }
            let is_of_administrator =
                !["/usr", "/lib"].iter().any(|above| folder.starts_with(above)) || scope.is_of_one_user();
            for (name, kind) in host::list_optional(root, folder)? {
                let path = folder.join(&name);
                if let Some(unit) =
                    name.strip_suffix(".d").filter(|unit| is_unit(unit) || UNIT_TYPES.contains(unit))
                {
                    found.look_into_drop_ins(root, &path, unit)?;
                } else if WANTING.iter().any(|ending| name.ends_with(ending)) {
                    found.look_into_links(root, &path, &name, is_of_administrator)?;
                } else if is_unit(&name) && kind != FileType::Directory {
                    found.units.push(entry(root, path, &name, kind)?);
                }
            }
        }
        Ok(found)
    }

    /// The links that make a unit start.
    pub(super) fn links_to(&self, unit: &str) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(move |link| link.unit == unit)
    }

    fn look_into_drop_ins(&mut self, root: &Path, folder: &Path, unit: &str) -> Result<(), GenerateError> {
        for (name, kind) in host::list_optional(root, folder)? {
            if name.ends_with(".conf") && !name.starts_with('.') && kind != FileType::Directory {
                self.drop_ins.push(entry(root, folder.join(&name), unit, kind)?);
            }
        }
        Ok(())
    }

    fn look_into_links(
        &mut self,
        root: &Path,
        path: &Path,
        folder: &str,
        is_of_administrator: bool,
    ) -> Result<(), GenerateError> {
        for (name, _) in host::list_optional(root, path)?.into_iter().filter(|(name, _)| is_unit(name)) {
            let template = template_of(&name);
            let folder = if template.is_some() { format!("{folder}/{name}") } else { folder.to_owned() };
            let unit = template.unwrap_or(name);
            self.links.push(Link { folder, unit, is_of_administrator });
        }
        Ok(())
    }
}

fn entry(root: &Path, path: PathBuf, unit: &str, kind: FileType) -> Result<Entry, GenerateError> {
    let target = match kind {
        FileType::Symlink => match host::read_link(root, &path) {
            Ok(target) => Some(target),
            Err(error) if host::is_gone(&error) => None,
            Err(error) => return Err(host::cannot_read(&path, &error)),
        },
        _ => None,
    };
    Ok(Entry { path, unit: unit.to_owned(), target })
}

/// Whether a folder below `/lib` is the one below `/usr/lib` again.
fn is_second_name(root: &Path, folder: &Path) -> bool {
    folder.starts_with("/lib")
        && host::facts(root, Path::new("/lib")).is_ok_and(|facts| facts.kind == FileType::Symlink)
}

fn is_unit(name: &str) -> bool {
    let ending = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, ending)| ending);
    ending.is_some_and(|ending| UNIT_TYPES.contains(&ending))
}

/// The template `getty@.service` of the instance `getty@tty1.service`.
fn template_of(name: &str) -> Option<String> {
    let (stem, ending) = name.rsplit_once('.')?;
    let (template, instance) = stem.split_once('@')?;
    (!instance.is_empty()).then(|| format!("{template}@.{ending}"))
}

/// Whether a drop-in for `over` is laid over `unit`: its own, its template's, one of its prefixes, or its type's.
pub(super) fn applies(over: &str, unit: &str) -> bool {
    if over == unit || template_of(unit).is_some_and(|template| over == template) {
        return true;
    }
    let Some((stem, ending)) = unit.rsplit_once('.') else { return false };
    if over == ending {
        return true;
    }
    // `foo-.service.d` is for all units that begin with `foo-`.
    let prefix = over.strip_suffix(ending).and_then(|prefix| prefix.strip_suffix('.'));
    prefix
        .is_some_and(|prefix| prefix.ends_with('-') && stem.len() > prefix.len() && stem.starts_with(prefix))
}

/// A path without `.` and `..`, by its text alone.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_ins_apply_by_name_template_prefix_and_type() {
        for (over, unit, expected) in [
            ("ssh.service", "ssh.service", true),
            ("getty@.service", "getty@tty1.service", true),
            ("service", "ssh.service", true),
            ("service", "ssh.socket", false),
            ("user-.slice", "user-1000.slice", true),
            ("user-.slice", "user.slice", false),
            ("a-.service", "a-b-c.service", true),
            ("ss.service", "ssh.service", false),
        ] {
            assert_eq!(applies(over, unit), expected, "{over} {unit}");
        }
    }

    #[test]
    fn names_of_units_are_known() {
        assert!(is_unit("a.service") && is_unit("a@.timer"));
        assert!(!is_unit("service") && !is_unit(".service") && !is_unit("a.conf"));
        assert_eq!(template_of("getty@tty1.service").as_deref(), Some("getty@.service"));
        assert_eq!(template_of("getty@.service"), None);
        assert_eq!(without_dots(Path::new("/a/b/../c/./d")), Path::new("/a/c/d"));
    }
}

//! Packages of dpkg and apk: databases of stanzas, with an empty line between them.

use std::path::Path;

use super::Package;
use crate::generator::GenerateError;
use crate::host;

const DPKG: &str = "/var/lib/dpkg/status";
/// Of images without a package manager: a file each package.
const DPKG_FILES: &str = "/var/lib/dpkg/status.d";
const APK: [&str; 2] = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];

/// What dpkg has installed, or half installed.
pub(super) fn dpkg(root: &Path) -> Result<Vec<Package>, GenerateError> {
    let mut packages = read_dpkg(&host::read_optional(root, DPKG)?.unwrap_or_default());
    for (name, _) in host::list_optional(root, DPKG_FILES)? {
        if name.ends_with(".md5sums") {
            continue;
        }
        let text = host::read_optional(root, Path::new(DPKG_FILES).join(name))?;
        packages.extend(read_dpkg(&text.unwrap_or_default()));
    }
    Ok(packages)
}

fn read_dpkg(text: &str) -> Vec<Package> {
    let stanzas = stanzas(text).map(|lines| {
        let mut package = Package::default();
        let mut status = "install ok installed";
        for line in lines {
            // Lines of a longer text begin with a space.
            let Some((name, value)) = line.split_once(':').filter(|_| !line.starts_with([' ', '\t'])) else {
                continue;
            };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "package" => value.clone_into(&mut package.name),
                "version" => value.clone_into(&mut package.version),
                "architecture" => package.architecture = Some(value.to_owned()),
                "source" => package.source = value.split(' ').next().map(str::to_owned),
                "status" => status = value,
                _ => {}
            }
        }
        let mut words = status.split(' ');
        package.held = words.next() == Some("hold");
        let state = words.nth(1).unwrap_or_default();
        package.status = (state != "installed").then(|| state.to_owned());
        package
    });
    let is_there = |package: &Package| {
        let state = package.status.as_deref();
        !package.name.is_empty() && !matches!(state, Some("not-installed" | "config-files"))
    };
    stanzas.filter(is_there).collect()
}

/// What apk has installed.
pub(super) fn apk(root: &Path) -> Result<Vec<Package>, GenerateError> {
    let mut packages = Vec::new();
    for database in APK {
        if let Some(text) = host::read_optional(root, database)? {
            packages.extend(read_apk(&text));
        }
    }
    Ok(packages)
}

fn read_apk(text: &str) -> Vec<Package> {
    let packages = stanzas(text).map(|lines| {
        let mut package = Package::default();
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            match name {
                "P" => value.clone_into(&mut package.name),
                "V" => value.clone_into(&mut package.version),
                "A" => package.architecture = Some(value.to_owned()),
                "o" => package.source = Some(value.to_owned()),
                _ => {}
            }
        }
        package
    });
    packages.filter(|package| !package.name.is_empty()).collect()
}

/// The stanzas of a text, line by line.
fn stanzas(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        while lines.next_if(|line| line.trim().is_empty()).is_some() {}
        lines.peek()?;
        Some(std::iter::from_fn(|| lines.next_if(|line| !line.trim().is_empty())).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas_of_dpkg_are_read() {
        let text = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0)\n\
                    Version: 3.0.15\nDescription: short\n Package: not this\n\t.\n\n\n\
                    Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
                    Package: broken\nStatus: hold reinstreq half-installed\nVersion: 2\n\nnonsense\n\n\
                    Package: last\nVersion: 3";
        let packages = read_dpkg(text);
        assert_eq!(packages.len(), 3);
        assert_eq!(
            packages[0],
            Package {
                name: "libssl3".into(),
                version: "3.0.15".into(),
                architecture: Some("amd64".into()),
                source: Some("openssl".into()),
                ..Package::default()
            }
        );
        assert_eq!((packages[1].status.as_deref(), packages[1].held), (Some("half-installed"), true));
        assert_eq!((packages[2].name.as_str(), &packages[2].status), ("last", &None));
    }

    #[test]
    fn stanzas_of_apk_are_read() {
        let packages = read_apk("C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\no:musl\nF:lib\nR:ld.so\n\nV:1\n");
        assert_eq!(packages.len(), 1);
        assert_eq!((packages[0].name.as_str(), packages[0].version.as_str()), ("musl", "1.2.5-r0"));
    }
}

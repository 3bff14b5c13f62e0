//! Packages of rpm, which is asked: its database has many forms.

use std::path::{Path, PathBuf};

use egret_http::{ServiceContext, said};
use egret_model::Secret;
use egret_process::{CommandLine, ProcessError};

use super::Package;
use crate::generator::GenerateError;
use crate::host;

const DATABASES: [&str; 6] = [
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages",
    "/var/lib/rpm/Packages.db",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/Packages",
    "/usr/lib/sysimage/rpm/Packages.db",
];

const FORMAT: &str = "%{NAME}\\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\n";

/// A hundred bytes a package, and more packages than anybody has.
const MAX_OUTPUT_BYTES: usize = 64 << 20;

/// So much of what it complains of is shown.
const MAX_SHOWN: usize = 300;

/// The command that asks for all packages.
pub(super) fn query(service: &ServiceContext) -> CommandLine {
    let path = service.environment.variables.get("PATH").map_or("/usr/bin:/bin", String::as_str);
    CommandLine {
        program: PathBuf::from("rpm"),
        arguments: ["-qa", "--qf", FORMAT].map(str::to_owned).to_vec(),
        environment: vec![("PATH".to_owned(), Secret::new(path)), ("LC_ALL".to_owned(), Secret::new("C"))],
        folder: PathBuf::from("/"),
        timeout: service.timeout,
    }
}

/// Whether the host has a database of rpm.
pub(super) fn is_there(root: &Path) -> Result<bool, GenerateError> {
    for database in DATABASES {
        match host::facts(root, Path::new(database)) {
            Ok(_) => return Ok(true),
            Err(error) if host::is_gone(&error) => {}
            Err(error) => return Err(host::cannot_read(Path::new(database), &error)),
        }
    }
    Ok(false)
}

/// What rpm has installed.
pub(super) async fn packages(query: &CommandLine) -> Result<Vec<Package>, GenerateError> {
    let failed = |error: ProcessError| GenerateError::retry(error.to_string());
    let said_all = query.run(None, MAX_OUTPUT_BYTES).await.map_err(failed)?;
    if !said_all.ended.status.success() {
        let complaint = said(&said_all.ended.complaint, MAX_SHOWN);
        let message = format!("rpm ended with {}: {complaint}", said_all.ended.status);
        return Err(GenerateError::retry(message));
    }
    if said_all.is_cut {
        return Err(GenerateError::refused("rpm lists more than can be read"));
    }
    String::from_utf8_lossy(&said_all.output).lines().map(read).collect()
}

fn read(line: &str) -> Result<Package, GenerateError> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, version, architecture, source] = fields[..] else {
        return Err(GenerateError::refused(format!("rpm has a line of another form: {line}")));
    };
    let known = |field: &str| (field != "(none)").then(|| field.to_owned());
    Ok(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: known(architecture),
        source: known(source).map(|source| source_name(&source).to_owned()),
        ..Package::default()
    })
}

/// The name in `openssl-3.2.2-6.el9.src.rpm`.
fn source_name(file: &str) -> &str {
    let mut parts = file.rsplitn(3, '-');
    let name = parts.nth(2);
    name.unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn asked(script: &str) -> Result<Vec<Package>, GenerateError> {
        let context = crate::testing::context(Path::new("/"));
        let mut query = query(&context.service);
        query.program = PathBuf::from("sh");
        query.arguments = vec!["-c".to_owned(), script.to_owned()];
        query.timeout = Duration::from_secs(5);
        packages(&query).await
    }

    #[tokio::test]
    async fn rpm_is_asked() {
        let lines = "kernel\\t5.14.0-1.el9\\tx86_64\\tkernel-5.14.0-1.el9.src.rpm\\nbash\\t1:5.1-2\\tx86_64\\tb\\n\
                     gpg-pubkey\\t1-2\\t(none)\\t(none)\\n";
        let packages = asked(&format!("printf '{lines}'")).await.unwrap();
        assert_eq!(packages.len(), 3);
        assert_eq!(packages[0].source.as_deref(), Some("kernel"));
        assert_eq!((packages[1].version.as_str(), packages[1].source.as_deref()), ("1:5.1-2", Some("b")));
        assert_eq!(packages[2].architecture, None);
    }

    #[tokio::test]
    async fn a_failure_is_none_of_the_packages() {
        let failure = asked("echo damaged >&2; exit 1").await.unwrap_err().to_string();
        assert!(failure.contains("damaged"), "{failure}");
        assert!(asked("echo odd").await.unwrap_err().to_string().contains("another form"));
    }
}

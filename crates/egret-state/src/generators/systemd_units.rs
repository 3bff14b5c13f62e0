//! `systemd_units`: the unit files of systemd, what they run, and whether they start.

mod scope;
mod unit_file;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::host;
use crate::registry::GeneratorType;

use scope::{Entry, Found, Scope};
use unit_file::UnitFile;

/// The generator type `systemd_units`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "systemd_units",
    description: "The unit files of systemd: what they run and as whom, when, and whether they start by themselves.",
    channel: "host.systemd_units",
    key: &["path"],
    ignore: &[],
    ordered: &["$.exec.*"],
    attributes: &[&[host::ROOT]],
    example: r#"generator "systemd_units" "units" {
  every = "5m"
  root  = "/"
}
"#,
    documents: DOCUMENTS,
    permissions: "To read the folders of units, as everybody may, and `~/.config/systemd/user` of all users, which needs \
        root. A home that cannot be read is told as a part that failed; what was known of it stays.",
    decode: |reader, context| {
        let root = host::decode_root(reader, context);
        Some(Arc::new(SystemdUnits { root: root? }))
    },
};

const DOCUMENTS: &str = "One document a file. `kind` is `unit`, `drop_in` (settings that are laid over those of the unit `name`), \
    or `alias` (a link to the unit `target`). `scope` is `system`, `user` (of all users) or `user:NAME`.\n\n\
    ```json\n{\"kind\": \"unit\", \"path\": \"/etc/systemd/system/backup.timer\", \"name\": \"backup.timer\", \"scope\": \
    \"system\", \"target\": null, \"masked\": false, \"enabled\": true, \"enabled_by\": [\"timers.target.wants\"], \
    \"drop_ins\": [\"/etc/systemd/system/backup.timer.d/more.conf\"], \"description\": \"Backup\", \"exec\": {}, \"user\": \
    null, \"group\": null, \"environment\": [], \"environment_files\": [], \"triggers\": [\"OnCalendar=daily\"], \"install\": \
    [\"WantedBy=timers.target\"], \"sha256\": \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}\n```\n\n\
    - `masked`: a link to `/dev/null`, or empty: it cannot start. `enabled_by` has the folders with links to it that make it \
    start with something else, such as `multi-user.target.wants`; `enabled` is whether one of them is in `/etc` or `/run` (or \
    in a home), where an administrator enables units.\n\
    - `target`: where a file that is a link leads. Links in homes are not followed.\n\
    - `exec`: the command lines by their setting, in order: `{\"ExecStart\": [\"/usr/bin/backup\"]}`. Values that look like \
    secrets are `***`.\n\
    - `environment`: only names, as values may be secrets. `environment_files`: paths.\n\
    - `triggers`: what makes timers, sockets and paths start a unit. `install`: what enabling it would do.\n\
    - `sha256`: of the text, for everything else in it.\n\n\
    Units that only exist in memory, made by generators or by `systemd-run`, are in none of the folders that are read: \
    `/etc`, `/run`, `/usr/local/lib`, `/usr/lib` and `/lib`, each with `systemd/system` and `systemd/user`.";

#[derive(Debug)]
struct SystemdUnits {
    root: PathBuf,
}

#[async_trait]
impl Generator for SystemdUnits {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        for scope in Scope::all(&self.root)? {
            documents.begin_part(scope.name.as_str());
            let found = match Found::look(&self.root, &scope) {
                Ok(found) => found,
                Err(error) => {
                    documents.fail(scope.name.as_str(), error);
                    continue;
                }
            };
            for entry in &found.units {
                self.take(entry, "unit", &scope, &found, documents)?;
            }
            for entry in &found.drop_ins {
                self.take(entry, "drop_in", &scope, &found, documents)?;
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

impl SystemdUnits {
    fn take(
        &self,
        entry: &Entry,
        kind: &str,
        scope: &Scope,
        found: &Found,
        documents: &mut Documents,
    ) -> Result<(), GenerateError> {
        let target = entry.target.as_ref().map(|target| host::shown(target.as_os_str().as_encoded_bytes()));
        let is_null = target.as_deref() == Some("/dev/null");
        let is_alias = kind == "unit" && entry.is_alias(scope);
        // Where a link in a home leads may be what its owner must not read.
        let is_foreign = scope.is_of_one_user() && entry.target.is_some();
        let read = if is_null || is_alias || is_foreign {
            Ok(None)
        } else {
            host::read_bytes(&self.root, &entry.path, unit_file::MAX_BYTES)
        };
        let bytes = match read {
            Ok(Some(bytes)) => Some(bytes),
            // Gone since it was listed. A link may lead nowhere.
            Ok(None) if entry.target.is_none() => return Ok(()),
            Ok(None) => None,
            Err(error) => {
                documents.fail(scope.name.as_str(), error);
                return Ok(());
            }
        };
        let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default());
        let file = UnitFile::parse(&text);
        let enabled_by: BTreeSet<&str> =
            found.links_to(&entry.unit).map(|link| link.folder.as_str()).collect();
        let is_enabled = found.links_to(&entry.unit).any(|link| link.is_of_administrator);
        let drop_ins: Vec<Json> = found
            .drop_ins
            .iter()
            .filter(|drop_in| kind == "unit" && scope::applies(&drop_in.unit, &entry.unit))
            .map(|drop_in| json!(host::shown_path(&drop_in.path)))
            .collect();
        let is_masked = kind == "unit" && (is_null || bytes.as_ref().is_some_and(Vec::is_empty));
        documents.push(json!({
            "kind": if is_alias { "alias" } else { kind },
            "path": host::shown_path(&entry.path),
            "name": entry.unit,
            "scope": scope.name,
            "target": target,
            "masked": is_masked,
            "enabled": kind == "unit" && is_enabled,
            "enabled_by": if kind == "unit" { json!(enabled_by) } else { json!([]) },
            "drop_ins": drop_ins,
            "description": file.last("Description"),
            "exec": file.commands(),
            "user": file.last("User"),
            "group": file.last("Group"),
            "environment": file.environment_names(),
            "environment_files": file.all("EnvironmentFile"),
            "triggers": file.triggers(),
            "install": file.install(),
            "sha256": bytes.as_deref().map(host::sha256_of),
        }))
    }
}

/// The last step of a path, as text.
fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

#[cfg(test)]
mod tests;

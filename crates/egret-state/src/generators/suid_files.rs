//! `suid_files`: programs that run with more rights than whoever starts them.

mod capabilities;

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, Located};
use serde_json::json;

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::host::{
    self, Accounts, Digested, Exclusion, Facts, FileType, MountTable, PathPattern, Tally, UnreadParts,
    Visited, Walk,
};
use crate::registry::GeneratorType;

/// The generator type `suid_files`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "suid_files",
    description: "Programs that run with more rights than whoever starts them: setuid, setgid, and file capabilities.",
    channel: "host.suid_files",
    key: &["path"],
    ignore: &[],
    ordered: &[],
    attributes: &[&[
        AttributeDocumentation::optional(
            "paths",
            "a list of strings",
            "Where to look: folders, files or globs of the host. Default: everywhere.",
        ),
        AttributeDocumentation::optional(
            "exclude",
            "a list of strings",
            "Globs of what to leave out: with a slash of whole paths, without one of names.",
        ),
        host::ROOT,
    ]],
    example: r#"generator "suid_files" "suid" {
  every   = "6h"
  root    = "/"
  paths   = ["/"]
  exclude = ["/var/lib/docker", "/snap"]
}
"#,
    documents: "One document a file: `path`, `owner`, `uid`, `group`, `gid`, `mode`, `setuid`, `setgid`, `capabilities` as \
        `getcap` names them, `size`, and the `sha256` of the contents.\n\n\
        ```json\n{\"path\": \"/usr/bin/ping\", \"owner\": \"root\", \"uid\": 0, \"group\": \"root\", \"gid\": 0, \"mode\": \
        \"0755\", \"setuid\": false, \"setgid\": false, \"capabilities\": [\"cap_net_raw=ep\"], \"size\": 90568, \"sha256\": \
        \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}\n```\n\n\
        Links are not followed. File systems of the kernel's, of the network and of containers are not entered; the files of \
        containers are in the folders that those lie over. `sha256` is `null` for a file that cannot be read or has more than \
        1 GiB.",
    permissions: "To list all folders and read such files, Egret must be root. A folder that cannot be read is told as a part \
        that failed; what was known of it stays.",
    decode: |reader, context| {
        let root = host::decode_root(reader, context);
        let exclusion = Exclusion::decode(reader);
        let texts = reader.optional_or("paths", None::<Vec<Located<String>>>)?;
        let patterns = match texts {
            Some(texts) => host::decode_paths(reader, &texts),
            None => PathPattern::parse("/").ok().map(|everywhere| vec![everywhere]),
        };
        Some(Arc::new(SuidFiles { root: root?, patterns: patterns?, exclusion: exclusion? }))
    },
};

/// A larger program is not hashed.
const MAX_HASHED_BYTES: u64 = 1 << 30;

const SETUID: u32 = 0o4000;
const SETGID: u32 = 0o2000;
const EXECUTABLE: u32 = 0o111;

#[derive(Debug)]
struct SuidFiles {
    root: PathBuf,
    patterns: Vec<PathPattern>,
    exclusion: Exclusion,
}

#[async_trait]
impl Generator for SuidFiles {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let accounts = Accounts::read(&self.root)?;
        let mounts = MountTable::live();
        let mut run = Run { accounts, unread: UnreadParts::default(), unhashed: Tally::default(), documents };
        for pattern in &self.patterns {
            // A single file is found in its folder.
            let is_folder = host::is_folder(&self.root, &pattern.base);
            let base = if is_folder { Some(pattern.base.as_path()) } else { pattern.base.parent() };
            let Some(base) = base else { continue };
            let mut walk = match Walk::start(&self.root, base, &mounts) {
                Ok(walk) => walk,
                Err(error) if host::is_gone(&error) => continue,
                Err(error) => {
                    run.unread.add(base, format!("{}: {error}", host::shown_path(base)));
                    continue;
                }
            };
            while let Some(visited) = walk.next() {
                match visited {
                    Ok(visited) => {
                        for (name, facts) in &visited.entries {
                            let (path, below) = (visited.path.join(name), visited.below.join(name));
                            if self.exclusion.excludes(&path) || (!is_folder && path != pattern.base) {
                                continue;
                            }
                            if facts.kind == FileType::Directory && pattern.may_be_in(&below) {
                                walk.enter(&visited, name, facts);
                            } else if facts.kind == FileType::RegularFile
                                && (!is_folder || pattern.means(&below))
                            {
                                run.take(&visited, name, &path, facts)?;
                            }
                        }
                    }
                    Err(unread) => {
                        run.unread.add(
                            &unread.path,
                            format!("{}: {}", host::shown_path(&unread.path), unread.error),
                        );
                    }
                }
                // Somebody may have given up waiting.
                tokio::task::yield_now().await;
            }
        }
        let note = run.unhashed.tell("files that are not hashed");
        run.unread.tell(documents);
        note.into_iter().for_each(|note| documents.note(note));
        Ok(())
    }
}

struct Run<'r> {
    accounts: Accounts,
    unread: UnreadParts,
    unhashed: Tally,
    documents: &'r mut Documents,
}

impl Run<'_> {
    fn take(
        &mut self,
        visited: &Visited,
        name: &OsStr,
        path: &Path,
        facts: &Facts,
    ) -> Result<(), GenerateError> {
        // Without a right to execute it, capabilities mean nothing.
        let capabilities = if facts.mode & EXECUTABLE == 0 {
            Vec::new()
        } else {
            capabilities::of(&visited.real.join(name))
        };
        let (setuid, setgid) = (facts.mode & SETUID != 0, facts.mode & SETGID != 0);
        if !setuid && !setgid && capabilities.is_empty() {
            return Ok(());
        }
        let shown = host::shown_path(path);
        let hashed = visited.folder.open_file(name).and_then(|file| host::sha256(file, MAX_HASHED_BYTES));
        let sha256 = match hashed {
            Ok(Digested::Whole(sha256)) => Some(sha256),
            Ok(Digested::TooLarge) => {
                self.unhashed.add(format!("{shown}: too large"));
                None
            }
            Err(error) if host::is_gone(&error) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                self.unhashed.add(format!("{shown}: {error}"));
                None
            }
            Err(error) => {
                self.unread.add(&visited.path, format!("{shown}: {error}"));
                return Ok(());
            }
        };
        self.documents.begin_part(host::part_of(&visited.path));
        self.documents.push(json!({
            "path": shown,
            "owner": self.accounts.user_name(facts.uid),
            "uid": facts.uid,
            "group": self.accounts.group_name(facts.gid),
            "gid": facts.gid,
            "mode": format!("{:04o}", facts.mode),
            "setuid": setuid,
            "setgid": setgid,
            "capabilities": capabilities,
            "size": facts.size,
            "sha256": sha256,
        }))
    }
}

#[cfg(test)]
mod tests;

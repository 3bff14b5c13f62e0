//! `file_integrity`: what files are, and what is in them.

mod cache;
mod look;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader, ByteSize, Diagnostic, Located};
use egret_model::Clock;
use tokio::sync::Mutex;

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::host::{
    self, Accounts, Exclusion, Facts, FileType, MountTable, PathPattern, Tally, UnreadParts, Walk,
};
use crate::registry::GeneratorType;

use cache::Cache;
use look::{Place, Run};

/// The generator type `file_integrity`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "file_integrity",
    description: "Files and folders with their owners, permissions and the hash of their contents.",
    channel: "host.file_integrity",
    key: &["path"],
    ignore: &[],
    ordered: &[],
    attributes: &[&[
        AttributeDocumentation::required(
            "paths",
            "a list of strings",
            "What to look at: files, folders with all that is in them, or globs, from the host's `/` on.",
        ),
        AttributeDocumentation::optional(
            "exclude",
            "a list of strings",
            "Globs of what to leave out: with a slash of whole paths, without one of names.",
        ),
        AttributeDocumentation::optional(
            "times",
            "true or false",
            "Whether to tell also when contents were modified, so that a file that was written anew with the same contents \
             is a change. Default: false.",
        ),
        AttributeDocumentation::optional(
            "max_bytes",
            "a size",
            "A larger file is not hashed. Default: 256MiB.",
        ),
        AttributeDocumentation::optional(
            "max_files",
            "a number",
            "After so many documents a run ends, and what did not come stays as it was. Default: 500000.",
        ),
        AttributeDocumentation::optional(
            "cache",
            "a string",
            "A file that keeps hashes from one start of Egret to the next. Default: none; they are kept in memory.",
        ),
        host::ROOT,
    ]],
    example: r#"generator "file_integrity" "system" {
  every     = "15m"
  root      = "/"
  paths     = ["/etc", "/usr/bin", "/home/*/.ssh"]
  exclude   = ["/etc/mtab", "*.swp"]
  times     = false
  max_bytes = "256MiB"
  max_files = 500000
  cache     = "file-integrity.cache"
}
"#,
    documents: "One document a file or folder: `path`, `kind` (`file`, `folder`, `link`, `pipe`, `socket`, `block_device`, \
        `character_device`), `mode`, `owner`, `uid`, `group`, `gid`; of files `size` and the `sha256` of the contents; of links \
        the `target`; of devices the `device` as `major:minor`.\n\n\
        ```json\n{\"path\": \"/etc/passwd\", \"kind\": \"file\", \"mode\": \"0644\", \"owner\": \"root\", \"uid\": 0, \
        \"group\": \"root\", \"gid\": 0, \"size\": 1832, \"sha256\": \
        \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\", \"target\": null, \"device\": null}\n```\n\n\
        With `times` also `modified`:\n\n\
        ```json\n{\"path\": \"/etc/motd\", \"kind\": \"link\", \"mode\": \"0777\", \"owner\": \"root\", \"uid\": 0, \"group\": \
        \"root\", \"gid\": 0, \"size\": null, \"sha256\": null, \"target\": \"../run/motd\", \"device\": null, \"modified\": \
        \"2025-01-31T09:30:00Z\"}\n```\n\n\
        Links are not followed, unless one of `paths` is one. File systems of the kernel's and of the network are entered only \
        where a path begins in one. A file that was not touched is not read again: its inode, its size, and both its times, \
        one of which nobody can set, are as they were. A file that cannot be read, or is larger than `max_bytes`, has no \
        `sha256`, and a note says so.",
    permissions: "To read the files; those of all users and the secrets of the system need root. A folder that cannot be read is \
        told as a part that failed; what was known of it stays.",
    decode: |reader, context| {
        let root = host::decode_root(reader, context);
        let patterns = decode_patterns(reader);
        let exclusion = Exclusion::decode(reader);
        let times = reader.optional_or("times", false);
        let max_bytes = reader.optional_or("max_bytes", ByteSize(MAX_BYTES));
        let max_files = reader.optional_or("max_files", MAX_FILES);
        let cache = reader.optional_or("cache", None::<String>)?;
        let cache = cache.map(|path| context.service.environment.working_folder.join(path));
        Some(Arc::new(FileIntegrity {
            root: root?,
            patterns: patterns?,
            exclusion: exclusion?,
            times: times?,
            max_bytes: max_bytes?.0,
            max_files: max_files?,
            cache: Mutex::new(Cache::new(cache)),
            clock: Arc::clone(&context.service.clock),
        }))
    },
};

const MAX_BYTES: u64 = 256 << 20;
const MAX_FILES: u64 = 500_000;

#[derive(Debug)]
struct FileIntegrity {
    root: PathBuf,
    patterns: Vec<PathPattern>,
    exclusion: Exclusion,
    times: bool,
    max_bytes: u64,
    max_files: u64,
    /// For speed alone: without it all would be the same.
    cache: Mutex<Cache>,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Generator for FileIntegrity {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let mut cache = self.cache.lock().await;
        cache.load(documents);
        let mut run = Run {
            times: self.times,
            max_bytes: self.max_bytes,
            now: self.clock.now(),
            accounts: Accounts::read(&self.root)?,
            cache: &mut cache,
            documents,
            unread: UnreadParts::default(),
            unhashed: Tally::default(),
            restless: Tally::default(),
        };
        let mounts = MountTable::live();
        let mut is_whole = true;
        for pattern in &self.patterns {
            is_whole &= self.take(pattern, &mounts, &mut run).await?;
        }
        run.finish();
        if !is_whole {
            documents.fail("", format!("there are more than {} files; raise `max_files`", self.max_files));
        }
        // Of a run that was not whole it is not known which are gone.
        cache.store(is_whole, documents);
        Ok(())
    }
}

impl FileIntegrity {
    /// Takes what a pattern means; whether that was all.
    async fn take(
        &self,
        pattern: &PathPattern,
        mounts: &MountTable,
        run: &mut Run<'_>,
    ) -> Result<bool, GenerateError> {
        let base = &pattern.base;
        match host::facts(&self.root, base) {
            Ok(facts) if pattern.is_plain() && !self.exclusion.excludes(base) => {
                run.take(&Place::OfHost(&self.root), base, &facts)?;
            }
            Ok(_) => {}
            Err(error) if host::is_gone(&error) => return Ok(true),
            Err(error) => {
                run.unread.add(base, format!("{}: {error}", host::shown_path(base)));
                return Ok(true);
            }
        }
        if !host::is_folder(&self.root, base) {
            return Ok(true);
        }
        let mut walk = match Walk::start(&self.root, base, mounts) {
            Ok(walk) => walk,
            Err(error) if host::is_gone(&error) => return Ok(true),
            Err(error) => {
                run.unread.add(base, format!("{}: {error}", host::shown_path(base)));
                return Ok(true);
            }
        };
        while let Some(visited) = walk.next() {
            let visited = match visited {
                Ok(visited) => visited,
                Err(unread) => {
                    run.unread
                        .add(&unread.path, format!("{}: {}", host::shown_path(&unread.path), unread.error));
                    continue;
                }
            };
            for (name, facts) in &visited.entries {
                let (path, below) = (visited.path.join(name), visited.below.join(name));
                if self.exclusion.excludes(&path) {
                    continue;
                }
                if pattern.means(&below) {
                    if run.documents.count() >= self.max_files {
                        return Ok(false);
                    }
                    run.take(&Place::In(&visited.folder, name), &path, facts)?;
                }
                if facts.kind == FileType::Directory && pattern.may_be_in(&below) {
                    walk.enter(&visited, name, facts);
                }
                // Somebody may have given up waiting.
                if is_long(facts) {
                    tokio::task::yield_now().await;
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(true)
    }
}

/// Whether reading a file may have taken a while.
fn is_long(facts: &Facts) -> bool {
    facts.size > 1 << 20
}

fn decode_patterns(reader: &mut BlockReader<'_>) -> Option<Vec<PathPattern>> {
    let texts = reader.required::<Located<Vec<Located<String>>>>("paths")?;
    if texts.value.is_empty() {
        let mistake = Diagnostic::error("`paths` names nothing to look at").at(&texts.location);
        reader.diagnostics().push(mistake.hint("name files and folders, such as \"/etc\""));
        return None;
    }
    host::decode_paths(reader, &texts.value)
}

#[cfg(test)]
mod tests;

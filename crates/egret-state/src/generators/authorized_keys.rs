//! `authorized_keys`: the SSH keys that log users in.

mod key_line;
mod sshd_config;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::host::{self, Accounts, Tally, User};
use crate::registry::GeneratorType;

use key_line::{KeyLine, Parsed};

/// The generator type `authorized_keys`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "authorized_keys",
    description: "The SSH keys that log users in, with what they are limited to.",
    channel: "host.authorized_keys",
    key: &["user", "fingerprint", "file"],
    ignore: &[],
    ordered: &[],
    attributes: &[&[host::ROOT]],
    example: r#"generator "authorized_keys" "keys" {
  every = "5m"
  root  = "/"
}
"#,
    documents: "One document a key: `user`, `file`, `type`, `bits` (of RSA), the SHA-256 `fingerprint` as `ssh-keygen -l` \
        prints it, `comment`, and `options` such as `from=\"…\"` and `command=\"…\"`; of `environment` only the name, as the \
        value may be a secret, and in commands values that look like one are `***`.\n\n\
        ```json\n{\"user\": \"ada\", \"file\": \"/home/ada/.ssh/authorized_keys\", \"type\": \"ssh-ed25519\", \"bits\": null, \
        \"fingerprint\": \"SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU\", \"comment\": \"ada@laptop\", \"options\": \
        [\"from=\\\"10.0.0.0/8\\\"\", \"no-pty\"]}\n```\n\n\
        The files are `.ssh/authorized_keys` and `.ssh/authorized_keys2` in the homes of `/etc/passwd`, and those that \
        `AuthorizedKeysFile` names in `/etc/ssh/sshd_config` and what it includes, also for some users only. A file that sshd \
        would not read for its permissions is read all the same. Keys that a command gives (`AuthorizedKeysCommand`) are not \
        told.",
    permissions: "To read files in the homes of all users, Egret must be root. A user whose files cannot be read is told as a \
        part that failed; what was known of it stays. Lines that are no keys are told by number, never with their text, as \
        a user may have put a link to another file there.",
    decode: |reader, context| {
        let root = host::decode_root(reader, context);
        Some(Arc::new(AuthorizedKeys { root: root? }))
    },
};

/// A larger one nobody wrote by hand.
const MAX_BYTES: u64 = 16 << 20;

#[derive(Debug)]
struct AuthorizedKeys {
    root: PathBuf,
}

#[async_trait]
impl Generator for AuthorizedKeys {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        host::read_text(&self.root, "/etc/passwd")?;
        let accounts = Accounts::read(&self.root)?;
        let mut odd = Tally::default();
        let patterns = sshd_config::patterns(&self.root)?;
        for user in &accounts.users {
            documents.begin_part(user.name.as_str());
            for file in files_of(user, &patterns) {
                match host::read_bytes(&self.root, &file, MAX_BYTES) {
                    Ok(bytes) => take(user, &file, &bytes.unwrap_or_default(), documents, &mut odd)?,
                    Err(error) => documents.fail(user.name.as_str(), error),
                }
            }
            tokio::task::yield_now().await;
        }
        let note = odd.tell("lines that are no keys");
        note.into_iter().for_each(|note| documents.note(note));
        Ok(())
    }
}

fn take(
    user: &User,
    file: &Path,
    bytes: &[u8],
    documents: &mut Documents,
    odd: &mut Tally,
) -> Result<(), GenerateError> {
    let path = host::shown_path(file);
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let key = match KeyLine::parse(&String::from_utf8_lossy(line)) {
            Parsed::Key(key) => key,
            Parsed::Nothing => continue,
            Parsed::Odd => {
                odd.add(format!("{path}:{}", index + 1));
                continue;
            }
        };
        documents.push(json!({
            "user": user.name,
            "file": path,
            "type": key.kind,
            "bits": key.bits,
            "fingerprint": key.fingerprint,
            "comment": key.comment,
            "options": key.options,
        }))?;
    }
    Ok(())
}

/// Where a user's keys may be.
fn files_of(user: &User, patterns: &BTreeSet<String>) -> BTreeSet<PathBuf> {
    let home = Path::new(&user.home);
    let fill = |pattern: &String| {
        let mut path = String::new();
        let mut letters = pattern.chars();
        while let Some(letter) = letters.next() {
            match (letter, letter == '%') {
                (_, true) => match letters.next()? {
                    '%' => path.push('%'),
                    'h' => path.push_str(&user.home),
                    'u' => path.push_str(&user.name),
                    'U' => path.push_str(&user.uid.to_string()),
                    _ => return None,
                },
                _ => path.push(letter),
            }
        }
        let path = home.join(path);
        path.is_absolute().then_some(path)
    };
    patterns.iter().filter_map(fill).collect()
}

#[cfg(test)]
mod tests;

//! `mounts`: which file systems are mounted where.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use egret_config::AttributeDocumentation;
use serde_json::json;

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::host::{self, Exclusion, Mount};
use crate::registry::GeneratorType;

/// The generator type `mounts`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "mounts",
    description: "The file systems that are mounted, with their options.",
    channel: "host.mounts",
    key: &["mount_point"],
    ignore: &[],
    ordered: &[],
    attributes: &[&[
        AttributeDocumentation::optional(
            "exclude",
            "a list of strings",
            "Globs of mount points to leave out: those of containers and of sessions come and go.",
        ),
        host::ROOT,
    ]],
    example: r#"generator "mounts" "mounts" {
  every   = "10m"
  root    = "/"
  exclude = ["/run/user/*", "/var/lib/docker/**", "/run/docker/netns/*"]
}
"#,
    documents: "One document a mount: `mount_point`, `source`, `type`, `folder` (which folder of the file system is seen \
        there; another than `/` is a bind mount or a subvolume), `options` of the mount, such as `nosuid`, and \
        `system_options` of the file system. Of options that are called like a secret only the name is kept.\n\n\
        ```json\n{\"folder\": \"/\", \"mount_point\": \"/tmp\", \"options\": [\"nodev\", \"nosuid\", \"rw\"], \"source\": \
        \"tmpfs\", \"system_options\": [\"rw\", \"size=4096k\"], \"type\": \"tmpfs\"}\n```",
    permissions: "To read `/proc/self/mountinfo`, as everybody may. With another `root` it is `/proc/1/mountinfo` below it, \
        which is what the host itself sees, and where there is none, `/etc/mtab`.",
    decode: |reader, context| {
        let root = host::decode_root(reader, context);
        let exclusion = Exclusion::decode(reader);
        Some(Arc::new(Mounts { root: root?, exclusion: exclusion? }))
    },
};

#[derive(Debug)]
struct Mounts {
    root: PathBuf,
    exclusion: Exclusion,
}

/// The kernel writes no longer table than this for any machine that works.
const MAX_TABLE_BYTES: u64 = 64 << 20;

#[async_trait]
impl Generator for Mounts {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let (table, parse): (_, fn(&[u8]) -> Option<Mount>) = match self.kernel_table()? {
            Some(table) => (table, Mount::parse),
            None => (self.written_table()?, Mount::parse_mtab),
        };
        for line in table.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && line[0] != b'#') {
            let Some(mount) = parse(line) else {
                documents
                    .note(format!("the table of mounts has a line of another form: {}", host::shown(line)));
                continue;
            };
            let mount_point = host::shown(&mount.mount_point);
            if self.exclusion.excludes(Path::new(&mount_point)) {
                continue;
            }
            documents.push(json!({
                "mount_point": mount_point,
                "source": host::shown(&mount.source),
                "type": mount.kind,
                "folder": host::shown(&mount.folder),
                "options": without_secrets(mount.options),
                "system_options": without_secrets(mount.system_options),
            }))?;
        }
        Ok(())
    }
}

impl Mounts {
    fn kernel_table(&self) -> Result<Option<Vec<u8>>, GenerateError> {
        // Of another root's /proc, `self` would still be this process.
        let processes: &[&str] = if self.root == Path::new("/") { &["self", "1"] } else { &["1", "self"] };
        for process in processes {
            let path = format!("/proc/{process}/mountinfo");
            let table = host::read_bytes(&self.root, Path::new(&path), MAX_TABLE_BYTES)?;
            if table.is_some() {
                return Ok(table);
            }
        }
        Ok(None)
    }

    fn written_table(&self) -> Result<Vec<u8>, GenerateError> {
        let table = host::read_bytes(&self.root, Path::new("/etc/mtab"), MAX_TABLE_BYTES)?;
        table.ok_or_else(|| {
            GenerateError::refused("there is neither /proc/self/mountinfo nor /etc/mtab: is /proc mounted?")
        })
    }
}

/// Without passwords of network file systems.
fn without_secrets(options: Vec<String>) -> Vec<String> {
    options
        .into_iter()
        .map(|option| match option.split_once('=') {
            Some((name @ ("pass" | "password" | "password2" | "secret" | "key"), _)) => format!("{name}=***"),
            _ => option,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::GENERATOR_TYPE;
    use crate::host::testing::{of, of_this_machine, refusal};
    use crate::testing::root;

    #[test]
    fn mounts_are_read() {
        let root = root(&[(
            "proc/1/mountinfo",
            "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n\
             31 22 0:30 /sub /mnt/a\\040b ro,nosuid - cifs //srv/x rw,username=ada,password=hunter2\n\
             32 22 0:30 / /run/user/1000 rw - tmpfs tmpfs rw\nodd\n",
        )]);
        let (documents, notes) = of(&GENERATOR_TYPE, root.path(), "exclude = [\"/run/user/*\"]");
        assert_eq!(
            documents,
            [
                r#"/ {"folder":"/","mount_point":"/","options":["relatime","rw"],"source":"/dev/sda1","system_options":["errors=remount-ro","rw"],"type":"ext4"}"#,
                r#"/mnt/a b {"folder":"/sub","mount_point":"/mnt/a b","options":["nosuid","ro"],"source":"//srv/x","system_options":["password=***","rw","username=ada"],"type":"cifs"}"#,
            ]
        );
        assert_eq!(notes, ["the table of mounts has a line of another form: odd"]);
    }

    #[test]
    fn without_a_kernel_the_written_table_is_read() {
        let root = root(&[("etc/mtab", "# by hand\n/dev/sda1 / ext4 rw 0 0\n")]);
        let (documents, _) = of(&GENERATOR_TYPE, root.path(), "");
        assert_eq!(
            documents,
            [
                r#"/ {"folder":"/","mount_point":"/","options":["rw"],"source":"/dev/sda1","system_options":[],"type":"ext4"}"#
            ]
        );
        let nothing = crate::testing::root(&[]);
        assert!(refusal(&GENERATOR_TYPE, nothing.path(), "").contains("is /proc mounted?"));
    }

    #[test]
    fn this_machine_has_mounts() {
        assert!(of_this_machine(&GENERATOR_TYPE, "").iter().any(|line| line.starts_with("/ {")));
    }
}

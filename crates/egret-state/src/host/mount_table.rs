//! The kernel's table of what is mounted where.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use crate::host::unescape_octal;

/// File systems that are views of the kernel, or have what is somewhere else too.
const VIRTUAL: [&str; 22] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "nullfs",
    // Of containers: their files are in the folders that it lays over each other.
    "overlay",
    "proc",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
];

/// File systems whose files are elsewhere: to walk them is slow, and may wait for ever.
const NETWORK: [&str; 15] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "fuse",
    "glusterfs",
    "gpfs",
    "lustre",
    "nfs",
    "nfs4",
    "orangefs",
    "smb3",
];

/// Something that is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    pub mount_point: Vec<u8>,
    /// The folder of the file system that is seen there.
    pub folder: Vec<u8>,
    pub source: Vec<u8>,
    pub kind: String,
    /// Options of this mount.
    pub options: Vec<String>,
    /// Options of the file system.
    pub system_options: Vec<String>,
}

impl Mount {
    /// Reads a line of `mountinfo`.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').filter(|field| !field.is_empty()).collect();
        // Between the options and the type stand any number of tags, and a hyphen.
        let hyphen = fields.iter().skip(6).position(|field| *field == b"-")? + 6;
        let (kind, source) = (fields.get(hyphen + 1)?, fields.get(hyphen + 2)?);
        Some(Self {
            mount_point: unescape_octal(fields.get(4)?),
            folder: unescape_octal(fields.get(3)?),
            source: unescape_octal(source),
            kind: String::from_utf8_lossy(kind).into_owned(),
            options: options(fields.get(5)?),
            system_options: fields.get(hyphen + 3).map(|field| options(field)).unwrap_or_default(),
        })
    }

    /// Reads a line of `mtab`.
    pub(crate) fn parse_mtab(line: &[u8]) -> Option<Self> {
        let fields: Vec<&[u8]> =
            line.split(|byte| byte.is_ascii_whitespace()).filter(|field| !field.is_empty()).collect();
        let [source, mount_point, kind, mounted_with, ..] = fields[..] else { return None };
        Some(Self {
            mount_point: unescape_octal(mount_point),
            folder: b"/".to_vec(),
            source: unescape_octal(source),
            kind: String::from_utf8_lossy(kind).into_owned(),
            options: options(mounted_with),
            system_options: Vec::new(),
        })
    }
}

fn options(field: &[u8]) -> Vec<String> {
    field.split(|byte| *byte == b',').map(|option| super::shown(&unescape_octal(option))).collect()
}

/// What is mounted where, as this process sees it: to know what not to walk into.
#[derive(Debug, Default)]
pub(crate) struct MountTable {
    kinds: HashMap<PathBuf, String>,
}

impl MountTable {
    /// The table of the machine that this runs on. Empty if the kernel does not tell.
    pub(crate) fn live() -> Self {
        Self::parse(&std::fs::read("/proc/self/mountinfo").unwrap_or_default())
    }

    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mounts = bytes.split(|byte| *byte == b'\n').filter_map(Mount::parse);
        // Of several on one folder the last is what is seen.
        let kinds = mounts.map(|mount| (PathBuf::from(OsString::from_vec(mount.mount_point)), mount.kind));
        Self { kinds: kinds.collect() }
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Whether something is mounted there that is not to be walked into.
    pub(crate) fn is_off_limits(&self, path: &Path) -> bool {
        let Some(kind) = self.kinds.get(path) else { return false };
        let is_network = NETWORK.contains(&kind.as_str()) || kind.starts_with("fuse.");
        is_network || VIRTUAL.contains(&kind.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n\
        30 22 0:25 / /proc rw - proc proc rw\n\
        31 22 0:30 /sub /mnt/a\\040b ro,nosuid master:2 propagate_from:3 - nfs4 srv:/x\\134y rw,sec=sys\n\
        32 22 0:31 / /misc rw - autofs systemd-1 rw\n\
        33 32 8:2 / /misc rw - ext4 /dev/sdb1 rw\n\
        broken line\n\
        34 22 0:40 / /home/ada/remote rw - fuse.sshfs ada@srv: rw\n";

    #[test]
    fn lines_with_any_number_of_tags_are_read() {
        let lines: Vec<&[u8]> = TABLE.split(|byte| *byte == b'\n').collect();
        let mount = Mount::parse(lines[2]).unwrap();
        assert_eq!(mount.mount_point, b"/mnt/a b");
        assert_eq!(mount.folder, b"/sub");
        assert_eq!(mount.source, b"srv:/x\\y");
        assert_eq!(
            (mount.kind.as_str(), mount.options),
            ("nfs4", vec!["ro".to_owned(), "nosuid".to_owned()])
        );
        assert_eq!(mount.system_options, ["rw", "sec=sys"]);
        assert_eq!(Mount::parse(b"broken line"), None);
        let mount = Mount::parse_mtab(b"/dev/sda1 /mnt/a\\040b ext4 rw,noatime 0 0").unwrap();
        assert_eq!((mount.mount_point.as_slice(), mount.kind.as_str()), (b"/mnt/a b".as_slice(), "ext4"));
        assert_eq!(Mount::parse_mtab(b"# no"), None);
    }

    #[test]
    fn what_is_seen_decides() {
        let table = MountTable::parse(TABLE);
        for (path, expected) in [
            ("/", false),
            ("/proc", true),
            ("/proc/1", false),
            ("/mnt/a b", true),
            ("/misc", false),
            ("/home/ada/remote", true),
        ] {
            assert_eq!(table.is_off_limits(Path::new(path)), expected, "{path}");
        }
        assert!(MountTable::parse(b"").is_empty());
    }
}

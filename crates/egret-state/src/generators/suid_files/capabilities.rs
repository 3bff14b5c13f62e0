//! File capabilities: the rights of root, one by one, that a program has whoever starts it.

use std::path::Path;

/// Names by number, as `linux/capability.h` has them.
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

const ATTRIBUTE: &str = "security.capability";
/// The longest form: a head, two pairs of sets, and whose root it is.
const MAX_BYTES: usize = 24;

const REVISION: u32 = 0xff00_0000;
const EFFECTIVE: u32 = 1;

/// The capabilities of a file, such as `cap_net_raw=ep`; none if it has none, or they cannot be read.
pub(super) fn of(path: &Path) -> Vec<String> {
    let mut bytes = [0_u8; MAX_BYTES];
    match rustix::fs::lgetxattr(path, ATTRIBUTE, &mut bytes) {
        Ok(length) => decode(&bytes[..length.min(MAX_BYTES)]),
        Err(_) => Vec::new(),
    }
}

/// Reads the kernel's form: little-endian, whatever the machine.
fn decode(bytes: &[u8]) -> Vec<String> {
    let words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    let Some((head, sets)) = words.split_first() else { return Vec::new() };
    let pairs = match head & REVISION {
        0x0100_0000 => 1,
        0x0200_0000 | 0x0300_0000 => 2,
        _ => return vec![format!("unknown form {head:#010x}")],
    };
    let whole = |offset: usize| {
        (0..pairs).fold(0_u64, |set, pair| {
            let word = sets.get(pair * 2 + offset).copied().unwrap_or(0);
            set | u64::from(word) << (32 * pair)
        })
    };
    let (permitted, inheritable) = (whole(0), whole(1));
    let root = sets.get(pairs * 2).filter(|_| head & REVISION == 0x0300_0000);
    let root = root.map(|uid| format!(" [rootid={uid}]")).unwrap_or_default();
    let numbers = (0..64_usize).filter(|number| (permitted | inheritable) >> number & 1 == 1);
    let named = numbers.map(|number| {
        let name = NAMES.get(number).map_or_else(|| number.to_string(), |name| (*name).to_owned());
        let has = |set: u64, letter: &'static str| if set >> number & 1 == 1 { letter } else { "" };
        let effective = if head & EFFECTIVE != 0 { "e" } else { "" };
        format!("cap_{name}={effective}{}{}{root}", has(inheritable, "i"), has(permitted, "p"))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(words: &[u32]) -> Vec<String> {
        decode(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>())
    }

    #[test]
    fn all_forms_are_read() {
        assert_eq!(decoded(&[0x0200_0001, 1 << 13, 0, 0, 0]), ["cap_net_raw=ep"]);
        assert_eq!(decoded(&[0x0100_0000, 1 << 7, 1 << 7 | 1]), ["cap_chown=i", "cap_setuid=ip"]);
        assert_eq!(decoded(&[0x0200_0000, 0, 0, 1 << 7, 0]), ["cap_bpf=p"]);
        assert_eq!(
            decoded(&[0x0300_0001, 1, 0, 1 << 31, 0, 1000]),
            ["cap_chown=ep [rootid=1000]", "cap_63=ep [rootid=1000]"]
        );
        assert_eq!(decoded(&[0x0900_0000]), ["unknown form 0x09000000"]);
        assert_eq!(decode(b"ab"), [""; 0]);
        assert_eq!(decoded(&[0x0200_0001]), [""; 0]);
    }
}

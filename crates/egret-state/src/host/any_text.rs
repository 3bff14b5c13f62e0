//! For tests: whatever stands in the files of a host, generators end without a panic, and twice in the same way.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::testing::block;
use crate::testing::taken_of;

/// Files that generators read, each of another form.
const FILES: [&str; 19] = [
    "etc/group",
    "etc/shadow",
    "etc/sudoers",
    "etc/sudoers.d/more",
    "etc/crontab",
    "etc/anacrontab",
    "etc/cron.daily/script",
    "var/spool/cron/ada",
    "var/spool/at/a0000101bf0a40",
    "etc/ssh/sshd_config",
    "home/ada/.ssh/authorized_keys",
    "etc/systemd/system/a.service",
    "etc/systemd/system/a@.timer.d/b.conf",
    "var/lib/dpkg/status",
    "lib/apk/db/installed",
    "usr/lib/python3/dist-packages/a-1.dist-info/METADATA",
    "usr/lib/node_modules/a/package.json",
    "proc/1/net/tcp6",
    "proc/1/mountinfo",
];

const GENERATORS: [&str; 8] = [
    "authorized_keys",
    "cron_jobs",
    "kernel_modules",
    "linux_users",
    "listening_ports",
    "mounts",
    "packages",
    "systemd_units",
];

/// What means something in one of the files.
const PIECES: [&str; 48] = [
    "\n",
    "\n\n",
    " ",
    "\t",
    ":",
    ",",
    "=",
    "\\",
    "\\\n",
    "\"",
    "'",
    "#",
    "%",
    "!",
    "@",
    "+",
    "-",
    "*",
    "(",
    ")",
    "[",
    "]",
    "é",
    "\u{fffd}",
    "\0",
    "ada",
    "root",
    "ALL",
    "NOPASSWD:",
    "User_Alias A",
    "Cmnd_Alias",
    "Defaults",
    "@include sudoers.d/more",
    "@includedir /etc/sudoers.d",
    "#include",
    "Include *",
    "AuthorizedKeysFile",
    "Match",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAA",
    "environment=\"",
    "[Service]",
    "ExecStart=",
    "Environment=",
    "Package: a",
    "Version: 1",
    "0 0 * * *",
    "@daily",
    "0: 00:01 0:0 0A",
];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_text_is_read(texts in prop::collection::vec(text(), FILES.len())) {
        let root = crate::testing::root(&[("etc/passwd", "ada:x:0:0::/home/ada:/bin/sh\n")]);
        for (file, text) in FILES.iter().zip(texts) {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for generator in GENERATORS {
            let run = |root: &Path| {
                let taken = runtime.block_on(taken_of(&block(generator, root, "")));
                taken.map(|(documents, taken)| (documents, taken.notes().to_vec()))
            };
            prop_assert_eq!(run(root.path()), run(root.path()));
        }
    }
}

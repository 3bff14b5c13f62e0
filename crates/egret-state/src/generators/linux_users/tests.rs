//! A host's files in a folder, and this machine's.

use super::GENERATOR_TYPE;
use crate::host::testing::{of, of_this_machine, refusal};
use crate::testing::root;

const PASSWD: &str = "root:x:0:0:root:/r:/bin/bash\nada:x:1000:1000:Ada, Room 1:/home/ada:/bin/zsh\nsvc::999:999::/:\n\
    +@admins:hash:::::\nodd line\n";

#[test]
fn users_are_told_with_what_they_may_do() {
    let root = root(&[
        ("etc/passwd", PASSWD),
        ("etc/group", "root:x:0:\nada:x:1000:\nsudo:x:27:ada,root\n+\n"),
        ("etc/shadow", "root:!$6$s$h:19000:0:99999:7:::\nada:$y$s$h:0::::30:20000:\n"),
        ("etc/hostname", "web1.example.com\n"),
        (
            "etc/sudoers",
            "Defaults env_reset\nCmnd_Alias HALT = /sbin/halt, \\\n  /sbin/reboot\n%sudo ALL=(ALL:ALL) ALL\n\
             @include sudoers.%h\n@includedir /etc/sudoers.d\n@include /etc/missing\nnonsense\n",
        ),
        ("etc/sudoers.web1", "#1000 ALL = NOPASSWD: HALT\n@include sudoers.web1\n"),
        ("etc/sudoers.d/directory", "%admins@example ALL=(ALL) ALL\n"),
        ("etc/sudoers.d/left.bak", "ada ALL=(ALL) NOPASSWD: ALL\n"),
    ]);
    let (documents, notes) = of(&GENERATOR_TYPE, root.path(), "");
    insta::assert_snapshot!(documents.join("\n"));
    assert_eq!(notes[0], "line 5 of /etc/passwd has another form");
    assert_eq!(
        notes[1..],
        [
            "/etc/sudoers.web1 includes /etc/sudoers.web1, which includes it",
            "/etc/sudoers includes /etc/missing, which is not there",
            "/etc/sudoers has a line of another form: nonsense"
        ]
    );
    for secret in ["$y$", "$6$", "hash"] {
        assert!(!documents.concat().contains(secret), "{secret}");
    }
}

#[test]
fn what_cannot_be_read_is_no_change_of_every_user() {
    let root = root(&[("etc/passwd", PASSWD), ("etc/shadow/x", ""), ("etc/sudoers/x", "")]);
    let refused = refusal(&GENERATOR_TYPE, root.path(), "");
    assert!(refused.contains("/etc/shadow") && refused.ends_with("or set `shadow = false`"), "{refused}");
    let refused = refusal(&GENERATOR_TYPE, root.path(), "shadow = false");
    assert!(refused.contains("/etc/sudoers") && refused.ends_with("or set `sudo = false`"), "{refused}");
    let block = crate::host::testing::block("linux_users", root.path(), "shadow = false\nsudo = false");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (documents, _) = runtime.block_on(crate::testing::documents_of(&block)).unwrap();
    assert!(
        !documents.concat().contains("password") && !documents.concat().contains("sudo"),
        "{documents:?}"
    );
}

#[test]
fn a_folder_without_users_is_no_host() {
    let root = root(&[]);
    assert!(refusal(&GENERATOR_TYPE, root.path(), "").contains("/etc/passwd"));
}

#[test]
fn this_machine_has_users() {
    if !rustix::process::geteuid().is_root() {
        // Shadow passwords are for root alone.
        return;
    }
    assert!(of_this_machine(&GENERATOR_TYPE, "").iter().any(|line| line.starts_with("user/root {")));
}

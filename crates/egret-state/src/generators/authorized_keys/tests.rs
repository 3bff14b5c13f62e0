//! A host's keys in a folder, and this machine's.

use std::os::unix::fs::symlink;

use super::GENERATOR_TYPE;
use crate::host::testing::{block, of, of_this_machine, refusal};
use crate::testing::{root, taken_of};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

#[test]
fn keys_of_all_users_are_told() {
    let of_ada = format!("# mine\n{KEY} ada@laptop\nno key\n");
    let root = root(&[
        ("etc/passwd", "ada:x:1:1::/home/ada:/bin/sh\neve:x:2:2::/home/eve:/bin/sh\nx:x:3:3:::\n"),
        ("etc/shadow", "root:$6$hunter2:1::::::\n"),
        ("etc/ssh/sshd_config", "AuthorizedKeysFile /etc/ssh/keys/%u %x\n"),
        ("etc/ssh/keys/eve", &format!("restrict {KEY}\n")),
        ("home/ada/.ssh/authorized_keys", &of_ada),
    ]);
    std::fs::create_dir_all(root.path().join("home/eve/.ssh")).unwrap();
    symlink("/etc/shadow", root.path().join("home/eve/.ssh/authorized_keys")).unwrap();
    let (documents, notes) = of(&GENERATOR_TYPE, root.path(), "");
    let print = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";
    assert_eq!(
        documents,
        [
            format!(
                r#"ada/{print}//home/ada/.ssh/authorized_keys {{"bits":null,"comment":"ada@laptop","file":"/home/ada/.ssh/authorized_keys","fingerprint":"{print}","options":[],"type":"ssh-ed25519","user":"ada"}}"#
            ),
            format!(
                r#"eve/{print}//etc/ssh/keys/eve {{"bits":null,"comment":null,"file":"/etc/ssh/keys/eve","fingerprint":"{print}","options":["restrict"],"type":"ssh-ed25519","user":"eve"}}"#
            ),
        ]
    );
    assert_eq!(
        notes,
        ["lines that are no keys: 2 (/home/ada/.ssh/authorized_keys:3, /home/eve/.ssh/authorized_keys:1)"]
    );
}

#[tokio::test]
async fn a_user_whose_files_cannot_be_read_leaves_the_others() {
    let root = root(&[
        ("etc/passwd", "ada:x:1:1::/home/ada:/bin/sh\neve:x:2:2::/home/eve:/bin/sh\n"),
        ("home/ada/.ssh/authorized_keys", KEY),
    ]);
    let folder = root.path().join("home/eve/.ssh");
    std::fs::create_dir_all(&folder).unwrap();
    symlink("authorized_keys", folder.join("authorized_keys")).unwrap();
    let (documents, taken) = taken_of(&block("authorized_keys", root.path(), "")).await.unwrap();
    assert_eq!(documents.len(), 1);
    let failed: Vec<&str> = taken.failed().iter().map(|failed| failed.part.as_str()).collect();
    assert_eq!(failed, ["eve"]);
}

#[test]
fn a_folder_without_users_is_no_host() {
    let root = root(&[]);
    assert!(refusal(&GENERATOR_TYPE, root.path(), "").contains("/etc/passwd"));
}

#[test]
fn this_machine_has_keys_or_none() {
    of_this_machine(&GENERATOR_TYPE, "");
}

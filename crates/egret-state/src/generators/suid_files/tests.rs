//! A host's files in a folder, and this machine's.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::GENERATOR_TYPE;
use crate::host::testing::{block, of, of_this_machine};
use crate::testing::{mistakes, root, taken_of};

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn programs_with_more_rights_are_found() {
    let root = root(&[
        ("usr/bin/su", "abc"),
        ("usr/bin/wall", "abc"),
        ("usr/bin/ls", "abc"),
        ("opt/deep/er/evil", "abc"),
        ("opt/left/evil", "abc"),
        ("var/mail/box", "abc"),
    ]);
    let path = root.path();
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    std::fs::create_dir_all(path.join("etc")).unwrap();
    std::fs::write(path.join("etc/passwd"), format!("me:x:{uid}:{gid}::/:/bin/sh\n")).unwrap();
    set_mode(&path.join("usr/bin/su"), 0o4755);
    set_mode(&path.join("usr/bin/wall"), 0o2755);
    set_mode(&path.join("opt/deep/er/evil"), 0o6711);
    set_mode(&path.join("opt/left/evil"), 0o4755);
    // Only files count.
    set_mode(&path.join("var/mail"), 0o2775);
    symlink("/usr/bin/su", path.join("usr/bin/link")).unwrap();
    let (documents, notes) = of(&GENERATOR_TYPE, path, "exclude = [\"left\"]");
    let keys: Vec<&str> = documents.iter().map(|line| line.split(" {").next().unwrap()).collect();
    assert_eq!(keys, ["/opt/deep/er/evil", "/usr/bin/su", "/usr/bin/wall"]);
    assert_eq!(
        documents[1],
        format!(
            r#"/usr/bin/su {{"capabilities":[],"gid":{gid},"group":null,"mode":"4755","owner":"me","path":"/usr/bin/su","setgid":false,"setuid":true,"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","size":3,"uid":{uid}}}"#
        )
    );
    assert!(notes.is_empty(), "{notes:?}");
    for (paths, expected) in [
        ("\"/usr/bin/su\"", vec!["/usr/bin/su"]),
        ("\"/opt/*/evil\"", vec!["/opt/left/evil"]),
        ("\"/opt/d*\", \"/missing\"", vec!["/opt/deep/er/evil"]),
    ] {
        let (documents, _) = of(&GENERATOR_TYPE, path, &format!("paths = [{paths}]"));
        let keys: Vec<&str> = documents.iter().map(|line| line.split(" {").next().unwrap()).collect();
        assert_eq!(keys, expected, "{paths}");
    }
}

#[tokio::test]
async fn names_may_be_any_bytes() {
    use std::os::unix::ffi::OsStrExt as _;
    let root = root(&[]);
    let name = root.path().join(std::ffi::OsStr::from_bytes(b"a\xff\nb"));
    std::fs::write(&name, "").unwrap();
    set_mode(&name, 0o4755);
    let (documents, taken) = taken_of(&block("suid_files", root.path(), "")).await.unwrap();
    assert!(documents[0].contains(r#""path":"/a\\xff\nb""#), "{documents:?}");
    assert!(taken.failed().is_empty());
}

#[test]
fn capabilities_count_without_setuid() {
    let root = root(&[("usr/bin/ping", "abc")]);
    let path = root.path().join("usr/bin/ping");
    set_mode(&path, 0o755);
    // cap_net_raw, permitted and effective, as the kernel keeps it.
    let value = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let set = rustix::fs::setxattr(&path, "security.capability", &value, rustix::fs::XattrFlags::empty());
    if set.is_err() {
        // Only root may give them, and not on each file system.
        return;
    }
    let (documents, _) = of(&GENERATOR_TYPE, root.path(), "");
    assert!(documents[0].contains(r#""capabilities":["cap_net_raw=ep"]"#), "{documents:?}");
}

#[test]
fn mistakes_are_told() {
    let shown = mistakes("generator \"suid_files\" \"p\" {\n  paths = [\"usr\"]\n  exclude = [\"[a\"]\n}");
    assert!(shown.contains("`usr` is no path of a host") && shown.contains("`[a` is no glob"), "{shown}");
}

#[test]
fn programs_of_this_machine_are_found() {
    of_this_machine(&GENERATOR_TYPE, "paths = [\"/usr/bin\", \"/usr/sbin\", \"/proc/self/net\"]");
}

//! A host's units in a folder, and this machine's.

use std::os::unix::fs::symlink;

use super::GENERATOR_TYPE;
use crate::host::testing::{block, of, of_this_machine};
use crate::testing::{root, taken_of};

#[test]
fn units_are_told_with_what_is_laid_over_them() {
    let root = root(&[
        ("etc/passwd", "ada:x:1:1::/home/ada:/bin/sh\nroot:x:0:0::/:/bin/sh\n"),
        (
            "usr/lib/systemd/system/web.service",
            "[Service]\nExecStart=/usr/bin/web --password=hunter2\nUser=web\nEnvironment=KEY=hunter2\n[Install]\n\
             WantedBy=multi-user.target\n",
        ),
        ("usr/lib/systemd/system/getty@.service", "[Service]\nExecStart=/sbin/agetty %I\n"),
        ("usr/lib/systemd/system/notes.txt", "no unit"),
        ("etc/systemd/system/web.service.d/more.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/other\n"),
        ("etc/systemd/system/web.service.d/left.bak", "[Service]\n"),
        ("etc/systemd/system/service.d/all.conf", "[Service]\nNice=5\n"),
        ("etc/systemd/system/empty.service", ""),
        ("home/ada/.config/systemd/user/mine.timer", "[Timer]\nOnCalendar=hourly\n"),
        ("opt/own.service", "[Service]\nExecStart=/opt/own\n"),
    ]);
    let path = root.path();
    let link = |target: &str, name: &str| {
        let name = path.join("etc/systemd/system").join(name);
        std::fs::create_dir_all(name.parent().unwrap()).unwrap();
        symlink(target, name).unwrap();
    };
    symlink("usr/lib", path.join("lib")).unwrap();
    link("/dev/null", "bad.service");
    link("/usr/lib/systemd/system/web.service", "alias.service");
    link("/opt/own.service", "own.service");
    link("/usr/lib/systemd/system/web.service", "multi-user.target.wants/web.service");
    link("/usr/lib/systemd/system/getty@.service", "getty.target.wants/getty@tty1.service");
    let (documents, notes) = of(&GENERATOR_TYPE, path, "");
    insta::assert_snapshot!(documents.join("\n"));
    assert!(notes.is_empty(), "{notes:?}");
    assert!(!documents.concat().contains("hunter2"));
}

#[tokio::test]
async fn what_cannot_be_read_leaves_the_others() {
    let root = root(&[
        ("etc/passwd", "ada:x:1:1::/home/ada:/bin/sh\n"),
        ("etc/systemd/system/a.service", "[Service]\n"),
        ("home/ada/.config/systemd/user/b.service", "[Service]\n"),
    ]);
    let path = root.path().join("home/ada/.config/systemd/user/c.service");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let (documents, taken) = taken_of(&block("systemd_units", root.path(), "")).await.unwrap();
    assert_eq!(documents.len(), 2);
    assert_eq!(taken.failed().len(), 1);
    assert_eq!(taken.failed()[0].part, "user:ada");
    assert!(taken.failed()[0].message.contains("it is a pipe"), "{:?}", taken.failed());
}

#[test]
fn this_machine_has_units_or_none() {
    of_this_machine(&GENERATOR_TYPE, "");
}

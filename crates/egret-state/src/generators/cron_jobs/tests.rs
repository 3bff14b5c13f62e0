//! A host's crontabs in a folder, and this machine's.

use std::os::unix::fs::symlink;

use super::GENERATOR_TYPE;
use crate::host::testing::{block, of, of_this_machine};
use crate::testing::{root, taken_of};

#[test]
fn jobs_of_all_kinds_are_told() {
    let root = root(&[
        ("etc/passwd", "ada:x:1000:1000::/home/ada:/bin/sh\n"),
        ("etc/crontab", "SHELL=/bin/sh\n17 * * * * root cd / && run-parts /etc/cron.hourly\nodd\n"),
        ("etc/cron.d/backup", "TOKEN=hunter2\n@daily backup /bin/b --token=hunter2\n"),
        ("etc/cron.d/.placeholder", "* * * * * root hidden\n"),
        ("etc/cron.daily/logrotate", "#!/bin/sh\n"),
        ("etc/anacrontab", "7 10 weekly run-parts /etc/cron.weekly\n"),
        ("var/spool/cron/crontabs/ada", "0 1 * * * /bin/mine\n"),
        ("var/spool/cron/bob", "0 2 * * * /bin/other\n"),
        (
            "var/spool/cron/atjobs/a0000101bf0a40",
            "#!/bin/sh\n# atrun uid=1000 gid=1\ncd / || {\n exit 1\n}\n/bin/once\n",
        ),
        ("var/spool/cron/atjobs/.SEQ", "1"),
        ("etc/shadow", "0 0 * * * secret\n"),
    ]);
    symlink("/etc/shadow", root.path().join("var/spool/cron/crontabs/eve")).unwrap();
    let (documents, notes) = of(&GENERATOR_TYPE, root.path(), "");
    let lines: Vec<&str> = documents.iter().map(|line| line.split(" {").next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "/etc/anacrontab/root/every 7 days after 10 minutes/run-parts /etc/cron.weekly",
            "/etc/cron.d/backup/backup/@daily//bin/b --token=***",
            "/etc/cron.daily/logrotate/root/@daily//etc/cron.daily/logrotate",
            "/etc/crontab/root/17 * * * */cd / && run-parts /etc/cron.hourly",
            "/var/spool/cron/atjobs/a0000101bf0a40/ada/2025-09-14T06:56:00Z//bin/once",
            "/var/spool/cron/bob/bob/0 2 * * *//bin/other",
            "/var/spool/cron/crontabs/ada/ada/0 1 * * *//bin/mine",
        ]
    );
    assert!(documents[2].contains(r#""executable":false"#), "{documents:?}");
    assert!(documents[1].contains(r#""environment":["TOKEN"]"#), "{documents:?}");
    assert!(!documents.concat().contains("hunter2"));
    assert_eq!(notes, ["lines of another form: 1 (/etc/crontab:3)"]);
}

#[tokio::test]
async fn what_cannot_be_read_leaves_the_others() {
    let root = root(&[("etc/crontab", "@daily root \u{fffd}\n"), ("etc/cron.d", "a file")]);
    let large = std::fs::File::create(root.path().join("etc/anacrontab")).unwrap();
    large.set_len(1 << 30).unwrap();
    std::fs::write(root.path().join("etc/crontab"), b"@daily root /bin/\xff\n").unwrap();
    let (documents, taken) = taken_of(&block("cron_jobs", root.path(), "")).await.unwrap();
    assert_eq!(documents.len(), 1);
    let failed: Vec<&str> = taken.failed().iter().map(|failed| failed.part.as_str()).collect();
    assert_eq!(failed, ["/etc/anacrontab"]);
}

#[test]
fn this_machine_has_jobs_or_none() {
    of_this_machine(&GENERATOR_TYPE, "");
}

//! Limits, ends, and what is left behind.

use std::path::Path;

use tokio::time::{sleep, timeout};

use super::*;
use crate::command::{CommandLine, Said};

fn shell(script: &str, time: Duration) -> CommandLine {
    CommandLine {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        environment: vec![("PATH".into(), egret_model::Secret::new("/usr/bin:/bin"))],
        folder: std::env::temp_dir(),
        timeout: time,
    }
}

async fn run(script: &str) -> Said {
    shell(script, Duration::from_secs(20)).run(None, 100).await.unwrap()
}

/// A process that the script starts beside itself makes this mark, unless it is killed.
fn late_mark(folder: &Path) -> (String, std::path::PathBuf) {
    let mark = folder.join("mark");
    (format!("(sleep 1; touch {}) & sleep 20", mark.display()), mark)
}

#[tokio::test]
async fn output_complaint_and_code_are_told() {
    let said = run("echo out; echo err >&2; exit 3").await;
    assert_eq!((said.output.as_slice(), said.is_cut), (&b"out\n"[..], false));
    assert_eq!((said.ended.complaint.as_str(), said.ended.status.code()), ("err\n", Some(3)));
    let missing = CommandLine { program: "/nowhere/command".into(), ..shell("", Duration::ZERO) };
    let error = missing.run(None, 100).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot run /nowhere/command: "), "{error}");
}

#[tokio::test]
async fn input_is_given_and_need_not_be_read() {
    let patient = |script| shell(script, Duration::from_secs(20));
    let input = Bytes::from("x".repeat(1 << 20));
    let said = patient("wc -c").run(Some(input.clone()), 100).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&said.output).trim(), "1048576");
    let said = patient("exec 0<&-; echo done").run(Some(input.clone()), 100).await.unwrap();
    assert_eq!(said.output, b"done\n");
    // One that is left behind holds the other end.
    let said = patient("sleep 3 <&0 & exit 0").run(Some(input), 100).await.unwrap();
    assert!(said.ended.status.success());
    assert_eq!(run("wc -c").await.output.trim_ascii(), b"0");
}

#[tokio::test]
async fn what_is_too_much_is_read_and_not_kept() {
    let said = run("yes | head -c 1000000; yes complaint | head -c 1000000 >&2; exit 0").await;
    assert_eq!((said.output.len(), said.is_cut), (100, true));
    assert_eq!((said.ended.complaint.len(), said.ended.status.code()), (MAX_COMPLAINT_BYTES, Some(0)));
    let said = run("yes | head -c 100").await;
    assert_eq!((said.output.len(), said.is_cut), (100, false));
}

#[tokio::test]
async fn what_it_started_is_killed_with_it_when_its_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let (script, mark) = late_mark(folder.path());
    let command = shell(&script, Duration::from_millis(300));
    let error = command.run(None, 100).await.unwrap_err();
    assert_eq!(error.to_string(), "/bin/sh did not end within 300ms");
    // One that talks without end, and one that closed its output.
    for script in ["yes", "exec >&- 2>&-; sleep 20"] {
        let outcome = shell(script, Duration::from_millis(300)).run(None, 100).await;
        assert!(matches!(outcome, Err(ProcessError::OutOfTime { .. })), "{script}: {outcome:?}");
    }
    sleep(Duration::from_millis(1200)).await;
    assert!(!mark.exists());
}

#[tokio::test]
async fn what_it_started_is_killed_with_it_when_nobody_waits_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let (script, mark) = late_mark(folder.path());
    let command = shell(&script, Duration::from_secs(20));
    assert!(timeout(Duration::from_millis(300), command.run(None, 100)).await.is_err());
    let mut running = command.start(None).unwrap();
    assert!(timeout(Duration::from_millis(300), running.read()).await.is_err());
    drop(running);
    sleep(Duration::from_millis(1500)).await;
    assert!(!mark.exists());
}

#[tokio::test]
async fn what_it_leaves_behind_is_left_alone_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let begun = Instant::now();
    // It holds the output and the complaints.
    let said = run(&format!("(sleep 2; touch {}) & echo begun; echo so >&2", mark.display())).await;
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert_eq!((said.output.as_slice(), said.ended.complaint.as_str()), (&b"begun\n"[..], "so\n"));
    assert!(said.ended.status.success());
    for _ in 0..100 {
        sleep(Duration::from_millis(100)).await;
        if mark.exists() {
            return;
        }
    }
    panic!("it was killed");
}

#[tokio::test]
async fn what_talks_on_without_the_command_is_not_listened_to() {
    let begun = Instant::now();
    let said = run("yes & exit 0").await;
    assert!(said.ended.status.success() && begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_reader_who_comes_late_gets_everything() {
    let command = shell("yes | head -c 50000; sleep 5 & exit 0", Duration::from_secs(20));
    let mut running = command.start(None).unwrap();
    sleep(GRACE * 3).await;
    let mut length = 0;
    while let Some(piece) = running.read().await.unwrap() {
        length += piece.len();
        sleep(GRACE * 2).await;
    }
    assert_eq!(length, 50_000);
    assert!(running.end().await.unwrap().status.success());
}

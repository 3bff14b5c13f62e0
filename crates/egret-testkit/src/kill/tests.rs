//! Kills shells that count.

use super::*;
use crate::{Difference, TemporaryFolder};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// Appends the numbers up to 40 to a file, from where it stands, and prints how many there are.
fn counter(folder: &TemporaryFolder, write: &str) -> String {
    let file = folder.join("numbers").display().to_string();
    format!(
        r#"touch {file}
        count=$(wc -l < {file})
        while [ $count -lt 40 ]; do count=$((count + 1)); {write}; done
        wc -l < {file}"#,
        write = write.replace("FILE", &file)
    )
}

fn numbers(folder: &TemporaryFolder) -> Vec<String> {
    String::from_utf8(folder.read("numbers")).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_process_that_resumes_ends_as_if_undisturbed() {
    let folder = TemporaryFolder::new();
    let script = counter(&folder, "echo $count >> FILE; sleep 0.002");
    let mut plan = KillPlan::new(12, 5);
    plan.longest_life = Duration::from_millis(500);
    plan.watch = Some(folder.path());
    let report = kill_at_random_moments(|_| shell(&script), &plan).unwrap();
    assert!(report.killed > 0, "{report:?}");
    assert_eq!(report.killed + report.finished_early, 12);
    assert_eq!(String::from_utf8(report.stdout).unwrap().trim(), "40");
    let expected = (1..=40).map(|number| number.to_string()).collect();
    assert_eq!(Difference::between(expected, numbers(&folder)), None);
}

#[test]
fn a_process_that_loses_its_place_is_seen() {
    let folder = TemporaryFolder::new();
    // Writes a number twice, in two steps: a kill in between leaves it there once.
    let script =
        counter(&folder, "echo $count >> FILE; sleep 0.01; echo $count >> FILE; count=$((count + 1))");
    let mut plan = KillPlan::new(30, 6);
    // A life long enough on a busy machine, and kills right after writes.
    plan.longest_life = Duration::from_secs(1);
    plan.watch = Some(folder.path());
    kill_at_random_moments(|_| shell(&script), &plan).unwrap();
    let expected = (1..=39).step_by(2).flat_map(|number| [number.to_string(), number.to_string()]).collect();
    assert!(Difference::between(expected, numbers(&folder)).is_some());
}

#[test]
fn failures_name_the_seed_and_what_was_said() {
    let mut plan = KillPlan::new(0, 7);
    let error = kill_at_random_moments(|_| shell("echo no disk >&2; exit 3"), &plan).unwrap_err().to_string();
    assert!(error.contains("seed 7: process 1 failed by itself, exit status: 3"), "{error}");
    assert!(error.contains("no disk"), "{error}");
    plan.patience = Duration::from_millis(20);
    let error = kill_at_random_moments(|_| shell("exec sleep 10"), &plan).unwrap_err().to_string();
    assert!(error.contains("the last process still runs after 20ms"), "{error}");
    let missing = kill_at_random_moments(|_| Command::new("/no/such/program"), &plan).unwrap_err();
    assert!(matches!(missing, KillError::Io { process: 1, .. }));
}

#[test]
fn lives_are_short_and_long() {
    let mut random = Random::new(1);
    let lives: Vec<_> = (0..200).map(|_| random_life(Duration::from_secs(1), &mut random)).collect();
    assert!(lives.iter().all(|life| *life < Duration::from_secs(1)));
    assert!(lives.iter().any(|life| *life < Duration::from_millis(2)));
    assert!(lives.iter().any(|life| *life > Duration::from_millis(500)));
}

//! The check finds planted bugs in a toy collector, and none where none is.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};

use egret_model::{Checkpoint, Source, SourceContext};

use super::*;

/// What is wrong with the toy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bug {
    None,
    /// Rows become visible before their position does.
    PositionAfterRows,
    /// The position becomes visible before its rows do.
    PositionBeforeRows,
    /// A line without its end is taken as it is.
    PartialLines,
    /// An object that cannot be read to its end counts as finished.
    FailureIsTheEnd,
}

/// Collects lines into a file, one file a commit, each with its rows and its position. A commit is visible
/// once its file has its name.
struct Toy(Bug);

impl Toy {
    fn commits(folder: &Path) -> Vec<std::path::PathBuf> {
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "commit"));
        paths.sort();
        paths
    }

    fn checkpoints(folder: &Path) -> HashMap<String, Checkpoint> {
        let mut checkpoints = HashMap::new();
        for path in Self::commits(folder) {
            let text = fs::read_to_string(path).unwrap();
            let Some(line) = text.lines().find_map(|line| line.strip_prefix("position\t")) else { continue };
            let fields: Vec<&str> = line.split('\t').collect();
            let checkpoint = Checkpoint {
                object: fields[0].to_owned(),
                offset: fields[1].parse().unwrap(),
                finished: fields[2] == "true",
                state: fields[3].to_owned(),
            };
            checkpoints.insert(checkpoint.object.clone(), checkpoint);
        }
        checkpoints
    }

    /// Makes `parts` visible, one after the other. Whether the process is still alive.
    fn commit(&self, run: &Run<'_>, done: &mut u32, parts: &[String]) -> bool {
        *done += 1;
        for (index, part) in parts.iter().enumerate() {
            // With a bug there are two parts, and death may come between them.
            if run.disturbance == Disturbance::BeforeCommit(*done) && index + 1 == parts.len() {
                return false;
            }
            let number = Self::commits(run.folder).len();
            let hidden = run.folder.join("next");
            fs::File::create(&hidden).unwrap().write_all(part.as_bytes()).unwrap();
            fs::rename(hidden, run.folder.join(format!("{number:06}.commit"))).unwrap();
        }
        run.disturbance != Disturbance::AfterCommit(*done)
    }
}

impl Collector for Toy {
    fn run(&self, run: &Run<'_>) -> Result<(), String> {
        let clock = Arc::clone(run.clock);
        let context = SourceContext { clock, checkpoints: Arc::new(Self::checkpoints(run.folder)) };
        let mut done = 0;
        let mut failed = false;
        for object in run.source.list(&context).unwrap().objects {
            let mut reader = run.source.open(&object).unwrap();
            reader.skip(object.offset).unwrap();
            let mut bytes = Vec::new();
            let readable = reader.read_to_end(&mut bytes).is_ok();
            failed |= !readable;
            let whole = object.complete && readable || self.0 == Bug::PartialLines;
            let usable = match bytes.iter().rposition(|byte| *byte == b'\n') {
                _ if whole => bytes.len(),
                Some(end) => end + 1,
                None => 0,
            };
            let mut offset = object.offset;
            let chunks: Vec<&[u8]> = bytes[..usable].split_inclusive(|byte| *byte == b'\n').collect();
            for lines in chunks.chunks(3) {
                let rows: String =
                    lines.iter().map(|line| format!("row\t{}", String::from_utf8_lossy(line))).collect();
                let rows = if rows.ends_with('\n') { rows } else { rows + "\n" };
                offset += lines.concat().len() as u64;
                let last = offset == object.offset + usable as u64;
                let finished = last && (usable == bytes.len() && readable || self.0 == Bug::FailureIsTheEnd);
                let position = format!("position\t{}\t{offset}\t{finished}\t{}\n", object.name, object.state);
                let parts = match self.0 {
                    Bug::PositionAfterRows => vec![rows, position],
                    Bug::PositionBeforeRows => vec![position, rows],
                    _ => vec![rows + &position],
                };
                if !self.commit(run, &mut done, &parts) {
                    return Err("died".to_owned());
                }
            }
        }
        if failed { Err("something could not be read".to_owned()) } else { Ok(()) }
    }

    fn stored(&self, folder: &Path) -> Result<Vec<String>, String> {
        let mut rows = Vec::new();
        for path in Self::commits(folder) {
            let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
            rows.extend(text.lines().filter_map(|line| line.strip_prefix("row\t")).map(str::to_owned));
        }
        Ok(rows)
    }
}

fn contents() -> Vec<Content> {
    let lines = |name: &str, count: usize| -> String { (0..count).map(|i| format!("{name}{i}\n")).collect() };
    vec![
        Content::growing("a.log", lines("a", 12)),
        Content::whole("b.log", lines("b", 7).trim_end()),
        Content::growing("c.log", lines("c", 1)),
    ]
}

#[test]
fn a_correct_collector_passes() {
    check_restarts(&Toy(Bug::None), &contents(), Settings { seed: 1, scenarios: 200 }).unwrap();
}

#[test]
fn each_planted_bug_is_found_from_any_seed_and_made_simple() {
    for bug in [Bug::PositionAfterRows, Bug::PositionBeforeRows, Bug::PartialLines, Bug::FailureIsTheEnd] {
        for seed in [1, 1000, 2000] {
            let settings = Settings { seed, scenarios: 100 };
            let failure =
                check_restarts(&Toy(bug), &contents(), settings).expect_err("the bug must be found");
            assert!(failure.scenario.steps.len() <= 3, "{bug:?} is not simple: {failure}");
            // The seed that is named shows it again by itself.
            let again = check_restarts(&Toy(bug), &contents(), Settings { seed: failure.seed, scenarios: 1 });
            assert_eq!(again.unwrap_err().scenario, failure.scenario);
        }
    }
}

#[test]
fn the_report_says_what_was_done_and_what_is_wrong() {
    let failure =
        check_restarts(&Toy(Bug::PositionBeforeRows), &contents(), Settings::default()).unwrap_err();
    let report = format!("{failure:?}");
    for part in
        ["seed ", "run 1: a.log ", "dies before commit ", "undisturbed", " lost, 0 too many", "\n  - "]
    {
        assert!(report.contains(part), "{part:?} is not in\n{report}");
    }
}

/// One that fails in an undisturbed run.
struct Broken;

impl Collector for Broken {
    fn run(&self, _: &Run<'_>) -> Result<(), String> {
        Err("no space left".to_owned())
    }

    fn stored(&self, _: &Path) -> Result<Vec<String>, String> {
        Ok(vec![])
    }
}

#[test]
fn an_undisturbed_run_must_not_fail() {
    let failure = check_restarts(&Broken, &contents(), Settings::default()).unwrap_err();
    assert!(failure.to_string().ends_with("run 1 failed: no space left"), "{failure}");
}

//! A folder with a large set of rules, such as SigmaHQ's: how many load, why the others do not, and in what time.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::*;

/// `EGRET_SIGMA_RULES=folder cargo test --release -p egret-detect a_folder_of_rules -- --ignored --nocapture`
#[test]
#[ignore = "needs a folder of rules, named by EGRET_SIGMA_RULES"]
fn a_folder_of_rules_loads_fast() {
    let folder = std::env::var("EGRET_SIGMA_RULES").expect("EGRET_SIGMA_RULES names a folder of rules");
    let mut files = Vec::new();
    read_files(Path::new(&folder), &mut files);
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let texts = files.clone();
        let start = Instant::now();
        let parsed: Vec<SigmaFile> = texts.into_iter().map(parse_file).collect();
        best = best.min(start.elapsed());
        drop(parsed);
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for file in files.into_iter().map(parse_file) {
        for document in file.documents {
            let what = match document.outcome {
                Ok(_) => "rules".to_owned(),
                Err(rejection) => format!("refused: {rejection}"),
            };
            *counts.entry(what).or_default() += 1;
            for warning in document.warnings {
                *counts.entry(format!("warning: {}", warning.message)).or_default() += 1;
            }
        }
    }
    println!("{best:?} without reading the files\n{counts:#?}");
}

fn parse_file((path, text): (String, String)) -> SigmaFile {
    SigmaFile::parse(path, text, &Placeholders::new())
}

fn read_files(folder: &Path, files: &mut Vec<(String, String)>) {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            let text = std::fs::read_to_string(&path).unwrap();
            files.push((path.display().to_string(), text));
        }
    }
}

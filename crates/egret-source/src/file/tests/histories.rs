//! Random histories of a log against a model: each line is delivered exactly once.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Something that happens to a log.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many lines, of about this length.
    Append(u8, u8),
    /// The start of a line; its end comes with the next append.
    AppendHalfALine,
    /// `app.log` becomes `app.log.1`, and so on.
    Rename,
    /// As `Rename`, but copies `app.log` and truncates it.
    CopyAndTruncate,
    /// Truncates without a copy: what was not collected is lost.
    Truncate,
    /// Compresses the rotated file with this number, if there is one.
    Compress(u8, bool),
    /// Removes the oldest rotated file.
    RemoveOldest,
    /// A run while somebody is writing.
    Collect,
    /// A run that is killed after so many bytes of each file.
    CollectPartly(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..30u8, 0..120u8).prop_map(|(lines, length)| Step::Append(lines, length)),
        1 => Just(Step::AppendHalfALine),
        2 => Just(Step::Rename),
        1 => Just(Step::CopyAndTruncate),
        1 => Just(Step::Truncate),
        2 => (1..4u8, any::<bool>()).prop_map(|(number, zstd)| Step::Compress(number, zstd)),
        1 => Just(Step::RemoveOldest),
        4 => Just(Step::Collect),
        1 => any::<u8>().prop_map(Step::CollectPartly),
    ]
}

/// A log, its rotated files, and which lines are in which of them.
struct Log {
    folder: TemporaryFolder,
    collector: LineCollector,
    next_line: u64,
    half_a_line: bool,
    /// The lines of each file; index 0 is `app.log`.
    lines: Vec<Vec<String>>,
    delivered: BTreeMap<String, u64>,
    /// Lines that were gone before anybody listed them.
    lost: Vec<String>,
}

impl Log {
    fn new() -> Self {
        let folder = TemporaryFolder::new();
        let collector = LineCollector::new(source(&folder, &["."]));
        let (delivered, lost) = (BTreeMap::new(), Vec::new());
        Self { folder, collector, next_line: 0, half_a_line: false, lines: vec![vec![]], delivered, lost }
    }

    fn play(&mut self, step: Step) {
        match step {
            Step::Append(count, length) => (0..count).for_each(|_| self.append_line(usize::from(length))),
            Step::AppendHalfALine => {
                self.end_line();
                let line = self.new_line(10);
                self.folder.append("app.log", &line);
                self.lines[0].push(line);
                self.half_a_line = true;
            }
            Step::Rename => self.rotate(|from, to| fs::rename(from, to).unwrap()),
            Step::CopyAndTruncate => self.rotate(|from, to| {
                fs::copy(from, to).unwrap();
                fs::File::options().write(true).open(from).unwrap().set_len(0).unwrap();
            }),
            Step::Truncate => {
                let path = self.folder.append("app.log", "");
                fs::File::options().write(true).open(path).unwrap().set_len(0).unwrap();
                self.half_a_line = false;
                let gone = std::mem::take(&mut self.lines[0]);
                self.lose(gone);
            }
            Step::Compress(number, with_zstd) => self.compress(usize::from(number), with_zstd),
            Step::RemoveOldest => self.remove_oldest(),
            Step::Collect => {
                let lines = self.collector.collect(just_now());
                self.deliver(lines);
            }
            Step::CollectPartly(limit) => {
                for object in self.collector.list(just_now()).objects {
                    let lines = self.collector.collect_object(&object, u64::from(limit) * 16);
                    self.deliver(lines);
                }
            }
        }
    }

    fn new_line(&mut self, length: usize) -> String {
        self.next_line += 1;
        format!("{} {}", self.next_line, "x".repeat(length))
    }

    fn append_line(&mut self, length: usize) {
        self.end_line();
        let line = self.new_line(length);
        self.folder.append("app.log", format!("{line}\n"));
        self.lines[0].push(line);
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.half_a_line) {
            self.folder.append("app.log", "\n");
        }
    }

    /// The path of a rotated file, compressed or not.
    fn path(&self, number: usize) -> std::path::PathBuf {
        let name = if number == 0 { "app.log".to_owned() } else { format!("app.log.{number}") };
        let names = [name.clone(), format!("{name}.gz"), format!("{name}.zst")];
        let mut paths = names.iter().map(|name| self.folder.join(name));
        paths.find(|path| path.exists()).unwrap()
    }

    fn rotate(&mut self, move_current: fn(&Path, &Path)) {
        self.end_line();
        self.folder.append("app.log", "");
        for number in (1..self.lines.len()).rev() {
            let from = self.path(number);
            let to = from.display().to_string().replace(&format!(".{number}"), &format!(".{}", number + 1));
            fs::rename(from, to).unwrap();
        }
        move_current(&self.path(0), &self.folder.join("app.log.1"));
        self.lines.insert(0, vec![]);
    }

    fn compress(&mut self, number: usize, with_zstd: bool) {
        if number >= self.lines.len()
            || self.path(number).extension().is_some_and(|ending| ending == "gz" || ending == "zst")
        {
            return;
        }
        let from = self.path(number);
        let bytes = fs::read(&from).unwrap();
        let (ending, compressed) = if with_zstd { ("zst", zstd(&bytes)) } else { ("gz", gzip(&bytes)) };
        fs::write(format!("{}.{ending}", from.display()), compressed).unwrap();
        fs::remove_file(from).unwrap();
    }

    fn remove_oldest(&mut self) {
        if self.lines.len() < 2 {
            return;
        }
        fs::remove_file(self.path(self.lines.len() - 1)).unwrap();
        let gone = self.lines.pop().unwrap();
        self.lose(gone);
    }

    fn lose(&mut self, lines: Vec<String>) {
        self.lost.extend(lines.into_iter().filter(|line| !self.delivered.contains_key(line)));
    }

    fn deliver(&mut self, lines: Vec<String>) {
        for line in lines {
            *self.delivered.entry(line).or_default() += 1;
        }
    }

    /// A last run, and what came wrong.
    fn check(mut self) -> Result<(), TestCaseError> {
        self.end_line();
        let last = self.collector.collect(at_rest());
        self.deliver(last);
        for (line, times) in &self.delivered {
            prop_assert_eq!(*times, 1, "{:?} was delivered {} times", line, times);
        }
        for number in 1..=self.next_line {
            let start = format!("{number} ");
            let delivered = self.delivered.keys().any(|line| line.starts_with(&start));
            let lost = self.lost.iter().any(|line| line.starts_with(&start));
            prop_assert!(delivered || lost, "line {} was not delivered", number);
        }
        let left = self.collector.list(at_rest());
        prop_assert!(left.objects.is_empty(), "{:?} would be read again", left.objects);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_line_is_delivered_once(steps in proptest::collection::vec(step(), 1..40)) {
        let mut log = Log::new();
        for step in steps {
            log.play(step);
        }
        log.check()?;
    }
}

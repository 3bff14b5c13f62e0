//! The decision table of `recognise`, row by row, on real files.

use super::*;

/// 200 lines that occur nowhere else: 2,600 bytes or so.
fn text(mark: &str) -> String {
    (0..200).map(|number| format!("{mark} line {number}\n")).collect()
}

/// What is listed after a first run over `before` and then `after`.
struct Row {
    what: &'static str,
    before: fn(&TemporaryFolder),
    after: fn(&TemporaryFolder),
    /// Name, path and offset; `#` stands for the path's name with a hash behind it.
    expected: &'static [(&'static str, &'static str, Offset)],
    unchanged: u64,
}

/// Where reading starts.
#[derive(Clone, Copy)]
enum Offset {
    Start,
    /// Behind what the first run has read: `text("old")`.
    Old,
    At(u64),
}

use Offset::{At, Old, Start};

fn rename(folder: &TemporaryFolder, from: &str, to: &str) {
    fs::rename(folder.join(from), folder.join(to)).unwrap();
}

fn remove(folder: &TemporaryFolder, name: &str) {
    fs::remove_file(folder.join(name)).unwrap();
}

/// Writes in place: the inode stays.
fn overwrite(folder: &TemporaryFolder, name: &str, bytes: &str) {
    let mut file = fs::OpenOptions::new().write(true).truncate(true).open(folder.join(name)).unwrap();
    file.write_all(bytes.as_bytes()).unwrap();
}

fn old(folder: &TemporaryFolder) {
    folder.write("app.log", text("old"));
}

const ROWS: &[Row] = &[
    Row { what: "unchanged", before: old, after: |_| {}, expected: &[], unchanged: 1 },
    Row {
        what: "grown",
        before: old,
        after: |folder| drop(folder.append("app.log", "more\n")),
        expected: &[("app.log", "app.log", Old)],
        unchanged: 0,
    },
    Row {
        what: "a small file, grown",
        before: |folder| drop(folder.write("app.log", "a\n")),
        after: |folder| drop(folder.append("app.log", text("new"))),
        expected: &[("app.log", "app.log", At(2))],
        unchanged: 0,
    },
    Row {
        what: "rotated by renaming",
        before: old,
        after: |folder| {
            rename(folder, "app.log", "app.log.1");
            folder.write("app.log", text("new"));
        },
        expected: &[("#", "app.log", Start)],
        unchanged: 1,
    },
    Row {
        what: "grown and then rotated by renaming",
        before: old,
        after: |folder| {
            folder.append("app.log", "more\n");
            rename(folder, "app.log", "app.log.1");
            folder.write("app.log", text("new"));
        },
        expected: &[("#", "app.log", Start), ("app.log", "app.log.1", Old)],
        unchanged: 0,
    },
    Row {
        what: "rotated and compressed",
        before: old,
        after: |folder| {
            folder.append("app.log", "more\n");
            rename(folder, "app.log", "app.log.1");
            gzip_file(&folder.join("app.log.1"), &folder.join("app.log.2.gz"));
            folder.write("app.log", text("new"));
        },
        expected: &[("#", "app.log", Start), ("app.log", "app.log.2.gz", Old)],
        unchanged: 0,
    },
    Row {
        what: "a small file, compressed",
        before: |folder| drop(folder.write("app.log", "a\n")),
        after: |folder| gzip_file(&folder.join("app.log"), &folder.join("app.log.1.gz")),
        expected: &[("app.log", "app.log.1.gz", At(2))],
        unchanged: 0,
    },
    Row {
        what: "copied and truncated",
        before: old,
        after: |folder| {
            folder.append("app.log", "more\n");
            fs::copy(folder.join("app.log"), folder.join("app.log.1")).unwrap();
            overwrite(folder, "app.log", "new\n");
        },
        expected: &[("#", "app.log", Start), ("app.log", "app.log.1", Old)],
        unchanged: 0,
    },
    Row {
        what: "a small file, copied and truncated to nothing",
        before: |folder| drop(folder.write("app.log", "a\n")),
        after: |folder| {
            fs::copy(folder.join("app.log"), folder.join("app.log.1")).unwrap();
            overwrite(folder, "app.log", "");
        },
        expected: &[("app.log", "app.log.1", At(2))],
        unchanged: 0,
    },
    Row {
        what: "truncated and written anew, shorter",
        before: old,
        after: |folder| overwrite(folder, "app.log", "new\n"),
        expected: &[("#", "app.log", Start)],
        unchanged: 0,
    },
    Row {
        what: "truncated and written anew, longer",
        before: old,
        after: |folder| overwrite(folder, "app.log", &text("new").repeat(3)),
        expected: &[("#", "app.log", Start)],
        unchanged: 0,
    },
    Row {
        what: "truncated and written anew, longer, with the same first KiB",
        before: old,
        after: |folder| {
            let same: String = text("old").chars().take(1500).collect();
            overwrite(folder, "app.log", &(same + &text("new")));
        },
        expected: &[("#", "app.log", Start)],
        unchanged: 0,
    },
    Row {
        what: "replaced by a file that goes on where it ended",
        before: old,
        after: |folder| {
            folder.write("next", text("old") + "more\n");
            rename(folder, "next", "app.log");
        },
        expected: &[("app.log", "app.log", Old)],
        unchanged: 0,
    },
    Row {
        what: "replaced by another file",
        before: old,
        after: |folder| {
            folder.write("next", text("new"));
            rename(folder, "next", "app.log");
        },
        expected: &[("#", "app.log", Start)],
        unchanged: 0,
    },
    Row {
        what: "moved by copying",
        before: old,
        after: |folder| {
            fs::copy(folder.join("app.log"), folder.join("archive.log")).unwrap();
            remove(folder, "app.log");
        },
        expected: &[("app.log", "archive.log", Old)],
        unchanged: 0,
    },
    Row {
        what: "a small file, copied, truncated, and then renamed away",
        before: |folder| drop(folder.write("app.log", "a\n")),
        after: |folder| {
            fs::copy(folder.join("app.log"), folder.join("app.log.2")).unwrap();
            remove(folder, "app.log");
        },
        expected: &[("app.log", "app.log.2", At(2))],
        unchanged: 0,
    },
    Row {
        what: "a small file that is gone, and another that says the same",
        before: |folder| drop(folder.write("monday.log", "ok\n")),
        after: |folder| {
            // The second while the first is there, so that it cannot get its inode.
            folder.write("tuesday.log", "ok\n");
            remove(folder, "monday.log");
        },
        expected: &[("tuesday.log", "tuesday.log", Start)],
        unchanged: 0,
    },
    Row {
        what: "copied, and both are there",
        before: old,
        after: |folder| assert!(fs::copy(folder.join("app.log"), folder.join("copy.log")).is_ok()),
        expected: &[("copy.log", "copy.log", Start)],
        unchanged: 1,
    },
    Row {
        what: "compressed, and both are there",
        before: old,
        after: |folder| drop(folder.write("app.log.gz", gzip(text("old").as_bytes()))),
        expected: &[("app.log.gz", "app.log.gz", Start)],
        unchanged: 1,
    },
    Row {
        what: "a compressed file, renamed",
        before: |folder| drop(folder.write("app.log.1.gz", gzip(b"a\n"))),
        after: |folder| rename(folder, "app.log.1.gz", "app.log.2.gz"),
        expected: &[],
        unchanged: 1,
    },
    Row {
        what: "a compressed file to which a member was appended",
        before: |folder| drop(folder.write("app.log.gz", gzip(text("old").as_bytes()))),
        after: |folder| drop(folder.append("app.log.gz", gzip(b"more\n"))),
        expected: &[("app.log.gz", "app.log.gz", Old)],
        unchanged: 0,
    },
    Row {
        what: "decompressed",
        before: |folder| drop(folder.write("app.log.gz", gzip(text("old").as_bytes()))),
        after: |folder| {
            remove(folder, "app.log.gz");
            old(folder);
        },
        expected: &[("app.log.gz", "app.log", Old)],
        unchanged: 0,
    },
    Row {
        what: "nothing, compressed, and then an empty file and a new one",
        before: |folder| drop(folder.write("app.log.gz", gzip(b""))),
        after: |folder| {
            remove(folder, "app.log.gz");
            folder.write("a.log", "");
            folder.write("b.log", "new\n");
        },
        expected: &[("b.log", "b.log", Start)],
        unchanged: 0,
    },
    Row {
        what: "a second path to the same file",
        before: old,
        after: |folder| fs::hard_link(folder.join("app.log"), folder.join("a-link.log")).unwrap(),
        expected: &[],
        unchanged: 1,
    },
    Row {
        what: "empty",
        before: |folder| drop(folder.write("app.log", "")),
        after: |_| {},
        expected: &[],
        unchanged: 0,
    },
];

#[test]
fn every_row_of_the_table() {
    for row in ROWS {
        let folder = TemporaryFolder::new();
        (row.before)(&folder);
        let mut collector = LineCollector::new(source(&folder, &["."]));
        collector.collect(at_rest());
        (row.after)(&folder);
        let listing = collector.list(at_rest());
        assert!(listing.failures.is_empty(), "{}: {:?}", row.what, listing.failures);
        let root = format!("{}/", folder.path().display());
        let got: Vec<_> = listing
            .objects
            .iter()
            .map(|object| {
                let location = object.location.strip_prefix(&root).unwrap();
                let name = object.name.strip_prefix(&root).unwrap();
                let hashed = name.strip_prefix(location).is_some_and(|hash| hash.starts_with('#'));
                (if hashed { "#" } else { name }, location, object.offset)
            })
            .collect();
        let expected: Vec<_> = row
            .expected
            .iter()
            .map(|(name, location, offset)| match offset {
                Start => (*name, *location, 0),
                Old => (*name, *location, text("old").len() as u64),
                At(offset) => (*name, *location, *offset),
            })
            .collect();
        assert_eq!(got, expected, "{}", row.what);
        assert_eq!(listing.unchanged, row.unchanged, "{}", row.what);
    }
}

#[test]
fn two_equal_files_are_two_objects() {
    let folder = TemporaryFolder::new();
    folder.write("a.log", text("same"));
    folder.write("b.log", text("same"));
    let mut collector = LineCollector::new(source(&folder, &["."]));
    assert_eq!(collector.collect(just_now()).len(), 400);
    assert_eq!(collector.list(at_rest()).unchanged, 2);
}

#[test]
fn a_copy_under_way_waits_for_the_next_listing() {
    for copy in
        [text("old").into_bytes(), text("old").into_bytes()[..2000].to_vec(), gzip(text("old").as_bytes())]
    {
        let folder = TemporaryFolder::new();
        old(&folder);
        let mut collector = LineCollector::new(source(&folder, &["."]));
        collector.collect(at_rest());
        folder.write("app.log.1", copy);
        assert!(collector.list(just_now()).objects.is_empty());
        assert_eq!(collector.list(at_rest()).objects.len(), 1);
    }
}

#[test]
fn another_file_with_the_same_start_does_not_wait() {
    let folder = TemporaryFolder::new();
    old(&folder);
    let mut collector = LineCollector::new(source(&folder, &["."]));
    collector.collect(at_rest());
    let start: String = text("old").chars().take(1500).collect();
    folder.write("other.log", start + "something else\n");
    assert_eq!(collector.list(just_now()).objects.len(), 1);
}

#[test]
fn names_stay_apart_over_many_incarnations() {
    let folder = TemporaryFolder::new();
    let mut collector = LineCollector::new(source(&folder, &["app.log"]));
    let mut names = std::collections::HashSet::new();
    for length in [4000, 3000, 2000, 1500, 1200] {
        // The same first KiB each time, so that the hash is the same as well.
        folder.write("app.log", "x".repeat(length));
        let listing = collector.list(at_rest());
        let object = &listing.objects[0];
        assert_eq!(object.offset, 0);
        assert!(names.insert(object.name.clone()), "{} came twice", object.name);
        collector.collect_object(object, u64::MAX);
    }
    assert_eq!(names.len(), 5);
}

#[test]
fn what_was_read_in_part_is_read_on() {
    let folder = TemporaryFolder::new();
    old(&folder);
    let mut collector = LineCollector::new(source(&folder, &["."]));
    let object = collector.list(at_rest()).objects.remove(0);
    let first = collector.collect_object(&object, 100);
    rename(&folder, "app.log", "app.log.1");
    let listing = collector.list(at_rest());
    assert_eq!(listing.objects[0].name, object.name);
    assert!(listing.objects[0].location.ends_with("app.log.1"));
    let rest = collector.collect(at_rest());
    assert_eq!([first, rest].concat().join("\n") + "\n", text("old"));
    assert_eq!(collector.list(at_rest()).unchanged, 1);
}

#[test]
fn a_line_without_its_end_waits_while_somebody_writes() {
    let folder = TemporaryFolder::new();
    folder.write("app.log", "one\ntw");
    folder.write("b.gz", gzip(b"three\nfour"));
    let mut collector = LineCollector::new(source(&folder, &["."]));
    assert_eq!(collector.collect(just_now()), ["one", "three", "four"]);
    let listing = collector.list(just_now());
    assert_eq!((listing.unchanged, listing.objects.len(), listing.objects[0].offset), (1, 1, 4));
    folder.append("app.log", "o\nend");
    assert_eq!(collector.collect(just_now()), ["two"]);
    assert_eq!(collector.collect(at_rest()), ["end"]);
    assert_eq!(collector.list(at_rest()).unchanged, 2);
}

#[test]
fn a_checkpoint_without_state_is_known_by_its_name() {
    let folder = TemporaryFolder::new();
    let path = folder.write("app.log", "one\ntwo\n").display().to_string();
    let mut collector = LineCollector::new(source(&folder, &["."]));
    let mut checkpoint =
        Checkpoint { object: path.clone(), offset: 4, finished: false, state: String::new() };
    collector.checkpoints.insert(path.clone(), checkpoint.clone());
    assert_eq!(collector.collect(at_rest()), ["two"]);
    checkpoint.state = r#"{"version":99}"#.to_owned();
    collector.checkpoints.insert(path, checkpoint);
    let failures = collector.list(at_rest()).failures;
    assert!(failures[0].to_string().contains("newer version of egret"), "{failures:?}");
}

#[test]
fn an_unchanged_file_is_not_opened() {
    let folder = TemporaryFolder::new();
    let path = folder.write("app.log", "0123456789");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let mut collector = LineCollector::new(source(&folder, &["."]));
    collector.collect(at_rest());
    // Whoever opens it now would have to complain.
    fs::write(&path, b"\xfd7zXZ\0....").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let listing = collector.list(at_rest());
    assert_eq!((listing.unchanged, listing.failures.len()), (1, 0));
    folder.append("app.log", "more");
    assert_eq!(collector.list(at_rest()).failures.len(), 1);
}

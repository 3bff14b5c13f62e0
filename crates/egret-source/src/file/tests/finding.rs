//! Which files are found, and what is said of those that are not.

use super::*;

/// The paths found, relative to the folder.
fn found(folder: &TemporaryFolder, source: FileSource) -> (Vec<String>, Vec<String>) {
    let root = format!("{}/", folder.path().display());
    let listing = LineCollector::new(source).list(at_rest());
    let paths = listing.objects.iter().map(|object| object.location.replace(&root, "")).collect();
    let failures = listing.failures.iter().map(|failure| failure.to_string().replace(&root, "")).collect();
    (paths, failures)
}

fn tree() -> TemporaryFolder {
    let folder = TemporaryFolder::new();
    for name in [
        "app.log",
        "app.log.1",
        "2026/02/a.json",
        "2026/02/host/b.json",
        "2026/xx/c.json",
        ".hidden.log",
        ".cache/d.log",
        "we[i]rd.log",
    ] {
        folder.write(name, name);
    }
    folder
}

#[test]
fn files_folders_and_globs() {
    let folder = tree();
    for (paths, expected) in [
        (&["app.log"][..], "app.log"),
        (&["./app.log", "app.*"], "app.log app.log.1"),
        (&["."], "2026/02/a.json 2026/02/host/b.json 2026/xx/c.json app.log app.log.1 we[i]rd.log"),
        (&["2026/"], "2026/02/a.json 2026/02/host/b.json 2026/xx/c.json"),
        (&["2026/*/*.json"], "2026/02/a.json 2026/xx/c.json"),
        (&["**/*.json"], "2026/02/a.json 2026/02/host/b.json 2026/xx/c.json"),
        (&["2026/{02,03}/**"], "2026/02/a.json 2026/02/host/b.json"),
        (&["20*"], "2026/02/a.json 2026/02/host/b.json 2026/xx/c.json"),
        (&["we[i]rd.log"], "we[i]rd.log"),
        (&[".hidden.log"], ".hidden.log"),
        (&[".h*"], ".hidden.log"),
        (&[".cache"], ".cache/d.log"),
        (&["2026/../app.log"], "app.log"),
        (&["*.log", "app.log"], "app.log we[i]rd.log"),
    ] {
        let (got, failures) = found(&folder, source(&folder, paths));
        assert_eq!((got.join(" "), failures), (expected.to_owned(), vec![]), "{paths:?}");
    }
}

#[test]
fn what_is_not_there_is_said_with_a_hint_and_leaves_the_others() {
    let folder = tree();
    for (path, expected) in [
        ("ap.log", "nothing matches ap.log; did you mean ROOT/app.log?"),
        ("zzzzzz", "nothing matches zzzzzz; there is no zzzzzz in ROOT"),
        ("2027/02/a.json", "nothing matches 2027/02/a.json; did you mean ROOT/2026?"),
        ("2062/*.json", "nothing matches 2062/*.json; did you mean ROOT/2026?"),
        ("2026/*.txt", "nothing matches 2026/*.txt; the folder 2026 is there, but nothing in it fits"),
    ] {
        let (got, failures) = found(&folder, source(&folder, &[path, "app.log"]));
        let expected = expected.replace("ROOT/", "").replace("ROOT", &folder.path().display().to_string());
        assert_eq!((got, failures), (vec!["app.log".to_owned()], vec![expected]));
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_once() {
    use std::os::unix::fs::symlink;
    let folder = TemporaryFolder::new();
    folder.write("logs/a.log", "a");
    symlink(folder.path(), folder.join("logs/loop")).unwrap();
    symlink(folder.join("logs"), folder.join("again")).unwrap();
    symlink(folder.join("logs/a.log"), folder.join("b.log")).unwrap();
    symlink(folder.join("nowhere"), folder.join("dangling.log")).unwrap();
    let (got, failures) = found(&folder, source(&folder, &["."]));
    assert_eq!((got.len(), failures), (1, vec![]), "{got:?}");
}

#[test]
fn what_cannot_be_read_leaves_the_others() {
    use std::os::unix::ffi::OsStrExt;
    let folder = TemporaryFolder::new();
    folder.write("a.log", "a");
    folder.write("b.log", b"\xfd7zXZ\0\0\0");
    folder.write(std::ffi::OsStr::from_bytes(b"c\xff.log"), "c");
    let (got, failures) = found(&folder, source(&folder, &["."]));
    assert_eq!(got, ["a.log"]);
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert!(failures.iter().any(|failure| failure.contains("packed with xz")), "{failures:?}");
    assert!(failures.iter().any(|failure| failure.contains("not UTF-8")), "{failures:?}");
}

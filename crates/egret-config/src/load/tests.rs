//! Tests of loading: which files of a folder, in which order, and what is unreadable.

use std::fs;

use super::{BlockKind, Configuration};
use crate::{Diagnostics, Environment};

const KINDS: [BlockKind; 2] = [BlockKind::new("output", &["name"]), BlockKind::new("lake", &[])];

fn load(paths: &[std::path::PathBuf]) -> (Vec<String>, String) {
    let mut diagnostics = Diagnostics::new();
    let configuration = Configuration::load(paths, &KINDS, &Environment::default(), &mut diagnostics);
    (configuration.blocks.iter().map(super::Block::path).collect(), diagnostics.render(false))
}

#[test]
fn a_folder_is_read_by_name_at_any_depth_without_hidden_files() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (path, text) in [
        ("b.hcl", "output \"b\" {}\n"),
        ("a.tpc", "output \"a\" {}\n"),
        ("sub/deeper/c.hcl", "output \"c\" {\n}\nlake {\n}"),
        (".hidden.hcl", "output \"hidden\" {}\n"),
        (".git/x.hcl", "output \"git\" {}\n"),
        ("notes.txt", "output \"notes\" {}\n"),
        ("empty.hcl", ""),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let expected = ["output.a", "output.b", "output.c", "lake"];
    assert_eq!(load(&[root.to_owned()]), (expected.map(str::to_owned).to_vec(), String::new()));
    // A file that two paths name is read once; one that is named is read whatever its ending.
    let (paths, rendered) = load(&[root.join("b.hcl"), root.to_owned(), root.join("notes.txt")]);
    assert_eq!(paths, ["output.b", "output.a", "output.c", "lake", "output.notes"]);
    assert_eq!(rendered, "");
}

#[test]
fn one_bad_file_does_not_hide_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("1.hcl"), "output \"a\" {\n").unwrap();
    fs::write(root.join("2.hcl"), b"output \"b\" {} # \xff\n").unwrap();
    fs::write(root.join("3.hcl"), "output \"c\" {}\noutput \"c\" {}\n").unwrap();
    fs::File::create(root.join("4.hcl")).unwrap().set_len((16 << 20) + 1).unwrap();
    let (paths, rendered) = load(&[root.to_owned(), root.join("missing")]);
    assert_eq!(paths, ["output.c"]);
    for expected in [
        "1.hcl:1:1",
        "this block is not closed",
        "2.hcl: it is not UTF-8 at byte 16",
        "`output.c` is there twice",
        "3.hcl:2:1",
        "4.hcl: it is larger than 16 MiB",
        "cannot read",
        "missing",
    ] {
        assert!(rendered.contains(expected), "{expected}: {rendered}");
    }
}

#[test]
fn relative_files_start_at_the_configuration_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/token.txt"), "abc").unwrap();
    fs::write(folder.path().join("sub/a.hcl"), "output \"a\" { token = file(\"token.txt\") }\n").unwrap();
    let mut diagnostics = Diagnostics::new();
    let configuration =
        Configuration::load(&[folder.path()], &KINDS, &Environment::default(), &mut diagnostics);
    assert_eq!(diagnostics.render(false), "");
    let value = configuration.blocks[0].attribute("token").unwrap().value.as_ref().unwrap();
    assert_eq!((value.as_str(), value.from_outside), (Some("abc"), true));
}

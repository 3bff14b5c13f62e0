//! A host's files in a folder, and this machine's.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::GENERATOR_TYPE;
use crate::documents::Documents;
use crate::host::testing::{block, of, of_this_machine};
use crate::testing::{context, definition, listed, mistakes, root, taken_of};

const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn keys(documents: &[String]) -> Vec<&str> {
    documents.iter().map(|line| line.split(" {").next().unwrap()).collect()
}

#[test]
fn files_are_told_with_what_is_in_them() {
    let root =
        root(&[("etc/app/a.conf", "abc"), ("etc/app/b.swp", "abc"), ("etc/passwd", ""), ("srv/x", "")]);
    let path = root.path();
    symlink("/srv/x", path.join("etc/app/link")).unwrap();
    let mode = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(path.join("etc/app/a.conf"), mode).unwrap();
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let (documents, notes) =
        of(&GENERATOR_TYPE, path, "paths = [\"/etc\", \"/missing\"]\nexclude = [\"*.swp\"]");
    assert_eq!(keys(&documents), ["/etc", "/etc/app", "/etc/app/a.conf", "/etc/app/link", "/etc/passwd"]);
    let owned = format!(
        r#""owner":null,"path":"/etc/app/a.conf","sha256":"{OF_ABC}","size":3,"target":null,"uid":{uid}"#
    );
    assert_eq!(
        documents[2],
        format!(
            r#"/etc/app/a.conf {{"device":null,"gid":{gid},"group":null,"kind":"file","mode":"0640",{owned}}}"#
        )
    );
    assert!(documents[3].contains(r#""kind":"link""#) && documents[3].contains(r#""target":"/srv/x""#));
    assert!(notes.is_empty(), "{notes:?}");
    let (documents, _) = of(&GENERATOR_TYPE, path, "paths = [\"/etc/*/a*\"]\ntimes = true");
    assert_eq!(keys(&documents), ["/etc/app/a.conf"]);
    assert!(documents[0].contains(r#""modified":"20"#), "{documents:?}");
    let (documents, _) = of(&GENERATOR_TYPE, path, "paths = [\"/etc/app/a.conf\"]");
    assert_eq!(keys(&documents), ["/etc/app/a.conf"]);
}

#[test]
fn a_path_that_is_a_link_is_followed() {
    let root = root(&[("usr/bin/ls", "abc")]);
    symlink("usr/bin", root.path().join("bin")).unwrap();
    let (documents, _) = of(&GENERATOR_TYPE, root.path(), "paths = [\"/bin\"]");
    assert_eq!(keys(&documents), ["/bin", "/bin/ls"]);
    assert!(documents[0].contains(r#""target":"usr/bin""#), "{documents:?}");
}

#[tokio::test]
async fn limits_are_told() {
    let root = root(&[("a/1", "abc"), ("a/2", "abcd"), ("a/3", "")]);
    let more = "paths = [\"/a\"]\nmax_bytes = \"3B\"";
    let (documents, taken) = taken_of(&block("file_integrity", root.path(), more)).await.unwrap();
    assert!(documents[2].contains(r#""sha256":null,"size":4"#), "{documents:?}");
    assert_eq!(taken.notes(), ["files that are not hashed: 1 (/a/2: larger than `max_bytes`)"]);
    let more = "paths = [\"/a\"]\nmax_files = 2";
    let (documents, taken) = taken_of(&block("file_integrity", root.path(), more)).await.unwrap();
    assert_eq!(documents.len(), 2);
    assert_eq!(taken.failed()[0].part, "");
    assert!(taken.failed()[0].message.contains("raise `max_files`"), "{:?}", taken.failed());
}

#[tokio::test]
async fn a_file_that_was_touched_is_read_again() {
    let root = root(&[("a", "abc")]);
    let cache = tempfile::tempdir().unwrap();
    let cache = cache.path().join("cache");
    let more = format!("paths = [\"/a\"]\ncache = \"{}\"", cache.display());
    let block = block("file_integrity", root.path(), &more);
    let run = async |file: &Path| {
        let definition = definition(&block, &context(file));
        let mut documents = Documents::new(definition.shape.clone(), definition.key.clone());
        definition.generator.generate(&mut documents).await.unwrap();
        let first = listed(&mut documents);
        let mut documents = Documents::new(definition.shape.clone(), definition.key.clone());
        definition.generator.generate(&mut documents).await.unwrap();
        assert_eq!(listed(&mut documents), first);
        first
    };
    let first = run(root.path()).await;
    assert!(first[0].contains(OF_ABC), "{first:?}");
    // As many bytes, and the same time, as far as that can be set.
    let modified = std::fs::metadata(root.path().join("a")).unwrap().modified().unwrap();
    std::fs::write(root.path().join("a"), "abd").unwrap();
    std::fs::File::options().write(true).open(root.path().join("a")).unwrap().set_modified(modified).unwrap();
    let second = run(root.path()).await;
    assert!(!second[0].contains(OF_ABC), "{second:?}");
}

#[test]
fn mistakes_are_told() {
    let shown = mistakes("generator \"file_integrity\" \"f\" {\n  paths = []\n}");
    assert!(shown.contains("`paths` names nothing"), "{shown}");
}

#[test]
fn files_of_this_machine_are_told() {
    let documents =
        of_this_machine(&GENERATOR_TYPE, "paths = [\"/etc/passwd\", \"/etc/ssl\", \"/dev/null\"]");
    assert!(documents.iter().any(|line| line.contains(r#""device":"1:3""#)), "{documents:?}");
}

//! A host's databases in a folder, and this machine's.

use super::GENERATOR_TYPE;
use crate::host::testing::{block, of, of_this_machine};
use crate::testing::{mistakes, root, taken_of};

#[test]
fn packages_of_all_managers_are_read() {
    let root = root(&[
        ("etc/passwd", "ada:x:1:1::/home/ada:/bin/sh\n"),
        (
            "var/lib/dpkg/status",
            "Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\n\n",
        ),
        ("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2025a\nArchitecture: all\n"),
        ("var/lib/dpkg/status.d/tzdata.md5sums", "abc  usr\n"),
        ("lib/apk/db/installed", "P:musl\nV:1.2\nA:x86_64\n\n"),
        ("usr/lib/python3/dist-packages/PyYAML-6.0.dist-info/METADATA", "Name: PyYAML\nVersion: 6.0\n"),
        ("usr/lib/python3/dist-packages/broken.dist-info/METADATA", "\n"),
        ("home/ada/.local/lib/python3.12/site-packages/evil-1.egg-info", "Name: evil\nVersion: 1\n"),
        ("opt/app/venv/lib/python3.12/site-packages/flask-3.dist-info/METADATA", "Name: Flask\nVersion: 3\n"),
        ("usr/lib/node_modules/npm/package.json", "{\"name\": \"npm\", \"version\": \"10.1.0\"}"),
        ("usr/lib/node_modules/odd/package.json", "{"),
        ("usr/lib/node_modules/.bin/package.json", "{}"),
        (
            "srv/app/node_modules/@scope/x/package.json",
            "\u{feff}{\"name\": \"@scope/x\", \"version\": \"1.0.0\"}",
        ),
    ]);
    std::os::unix::fs::symlink("lib", root.path().join("opt/app/venv/lib64")).unwrap();
    let more = "python_paths = [\"/opt/*/venv\"]\nnpm_paths = [\"/srv/app\"]";
    let (documents, notes) = of(&GENERATOR_TYPE, root.path(), more);
    let keys: Vec<&str> = documents.iter().map(|line| line.split(" {").next().unwrap()).collect();
    assert_eq!(
        keys,
        [
            "apk/musl/x86_64",
            "dpkg/bash/amd64",
            "dpkg/tzdata/all",
            "npm/@scope/x//srv/app/node_modules",
            "npm/npm//usr/lib/node_modules",
            "pip/Flask//opt/app/venv/lib/python3.12/site-packages",
            "pip/PyYAML//usr/lib/python3/dist-packages",
            "pip/evil//home/ada/.local/lib/python3.12/site-packages",
        ]
    );
    assert_eq!(
        documents[1],
        r#"dpkg/bash/amd64 {"architecture":"amd64","held":false,"manager":"dpkg","name":"bash","place":"amd64","source":null,"status":"installed","version":"5.2"}"#
    );
    assert_eq!(
        notes,
        [
            "without a name and a version in /usr/lib/python3/dist-packages: 1 (broken.dist-info)",
            "without a name and a version in /usr/lib/node_modules: 1 (odd)",
        ]
    );
    let (documents, _) = of(&GENERATOR_TYPE, root.path(), "managers = [\"apk\"]");
    assert_eq!(documents.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_leaves_the_others() {
    let root = root(&[
        ("var/lib/rpm/rpmdb.sqlite", ""),
        ("var/lib/dpkg/status/folder", ""),
        ("lib/apk/db/installed", "P:musl\nV:1.2\nV:1.3\n\nP:musl\nV:1.1\n"),
        ("usr/local/lib/node_modules", "not a folder"),
    ]);
    let (documents, taken) = taken_of(&block("packages", root.path(), "")).await.unwrap();
    // There twice, with a version each.
    assert_eq!(documents.len(), 1);
    assert!(documents[0].contains(r#""version":"1.1, 1.3""#), "{documents:?}");
    let failed: Vec<&str> = taken.failed().iter().map(|failed| failed.part.as_str()).collect();
    assert_eq!(failed, ["dpkg", "rpm"]);
    assert!(taken.failed()[1].message.contains("`root` is `/`"), "{:?}", taken.failed());
}

#[test]
fn mistakes_are_told() {
    let shown =
        mistakes("generator \"packages\" \"p\" {\n  managers = [\"dpgk\"]\n  npm_paths = [\"srv\"]\n}");
    assert!(shown.contains("did you mean \"dpkg\"?") && shown.contains("from the host's `/` on"), "{shown}");
}

#[test]
fn this_machine_has_packages() {
    of_this_machine(&GENERATOR_TYPE, "");
}

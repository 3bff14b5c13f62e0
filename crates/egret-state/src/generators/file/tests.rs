//! Files of all formats, good and odd.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::testing::{context, definition, listed, mistakes, root};

/// What a block says of these files: documents, and what failed, without the folder's name.
async fn read(folder: &TempDir, block: &str) -> Result<(Vec<String>, Vec<String>), GenerateError> {
    let definition =
        definition(&format!("generator \"file\" \"f\" {{\n{block}\n}}"), &context(folder.path()));
    let mut documents = Documents::new(definition.shape.clone(), definition.key.clone());
    definition.generator.generate(&mut documents).await?;
    let failed =
        documents.failed().iter().map(|failed| format!("{} | {}", failed.part, failed.message)).collect();
    Ok((listed(&mut documents), failed))
}

async fn documents(folder: &TempDir, block: &str) -> Vec<String> {
    let (documents, failed) = read(folder, block).await.unwrap();
    assert_eq!(failed, [""; 0]);
    documents
}

#[tokio::test]
async fn the_ending_says_the_format() {
    let folder = root(&[
        ("a.json", "\u{feff}[{\"id\": \"json\"}]"),
        ("a.jsonl", "{\"id\": \"jsonl\"}\n\n[{\"id\": \"item\"}]\n"),
        ("a.YML", "- id: yaml\n--- {id: second}\n"),
        ("a.toml", "id = \"toml\"\nat = 2024-02-01T10:00:00Z\n[t]\nf = 1.5\nnot = nan\nday = 2024-02-01\n"),
        ("a.csv", "id,\"a b\"\ncsv,\"x\"\"y\nz\"\n"),
        ("a.tsv", "id\tb\r\ntsv\t1\r\n"),
        ("a.ini", "[ini]\na = 1\n"),
        ("a.list", "line\n"),
    ]);
    assert_eq!(
        documents(&folder, "paths = [\"a.*\"]").await,
        [
            r#"csv {"a b":"x\"y\nz","id":"csv"}"#,
            r#"ini {"name":"ini","values":{"a":"1"}}"#,
            r#"item {"id":"item"}"#,
            r#"json {"id":"json"}"#,
            r#"jsonl {"id":"jsonl"}"#,
            r#"line "line""#,
            r#"second {"id":"second"}"#,
            r#"toml {"at":"2024-02-01T10:00:00Z","id":"toml","t":{"day":"2024-02-01","f":1.5,"not":"NaN"}}"#,
            r#"tsv {"b":"1","id":"tsv"}"#,
            r#"yaml {"id":"yaml"}"#,
        ]
    );
}

#[tokio::test]
async fn a_block_says_what_a_document_is() {
    let folder = root(&[
        ("users", "{\"users\": {\"ada\": {\"uid\": 1}, \"bob\": 2}}"),
        ("hosts.txt", "# comment\n a.example  \n\n\t# too\nb.example # kept\n"),
        ("rows.csv", "#comment\nhost;state\na;on\nb;off\n"),
        ("app.toml", "[a]\nx = 1\n[b]\nx = 2\n"),
    ]);
    assert_eq!(
        documents(&folder, "paths = [\"users\"]\nformat = \"json\"\nselect = \"$.users\"\neach = true").await,
        [r#"ada {"name":"ada","value":{"uid":1}}"#, r#"bob {"name":"bob","value":2}"#]
    );
    assert_eq!(
        documents(&folder, "paths = [\"app.toml\"]\neach = true").await,
        [r#"a {"name":"a","value":{"x":1}}"#, r#"b {"name":"b","value":{"x":2}}"#]
    );
    assert_eq!(
        documents(&folder, "paths = [\"*.txt\"]\ncomment = \"#\"").await,
        [" a.example \" a.example\"", "b.example # kept \"b.example # kept\""]
    );
    let block = "paths = [\"rows.csv\"]\ncomment = \"#\"\ndelimiter = \";\"\nselect = \"$[?@.state == 'on']\"\n\
        path_field = \"path\"\nkey = [\"path\", \"host\"]";
    assert_eq!(
        documents(&folder, block).await,
        [r#"rows.csv/a {"host":"a","path":"rows.csv","state":"on"}"#]
    );
    let block = "paths = [\"hosts.txt\"]\npath_field = \"file\"\ncomment = \"#\"\nselect = \"$[1]\"\nkey = [\"line\"]";
    assert_eq!(
        documents(&folder, block).await,
        [r#"b.example # kept {"file":"hosts.txt","line":"b.example # kept"}"#]
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_read_fails_alone() {
    let folder = root(&[
        ("good.json", "{\"id\": 1}"),
        ("bad.json", "{\"id\": "),
        ("bad.jsonl", "{\"id\": 2}\noops\n{\"id\": 3}\n"),
        ("bad.yaml", "a: [\n"),
        ("bad.toml", "a = 1\nb = \n"),
        ("bad.csv", "id,b\n4,x\n5\n6,y,z\n"),
        ("names.csv", "id,id\n1,2\n"),
        ("empty.csv", "id,\n1,2\n"),
        ("odd.name", "x"),
        ("large.json", "[1111111111111111111111111111111111111111111111111111111111111111111111111111]"),
    ]);
    fs::write(folder.path().join("latin.yaml"), b"a: \xe9\n").unwrap();
    let pipe = folder.path().join("pipe.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let block = "paths = [\"*.*\", \"missing.json\", \"pipe.json\", \"nowhere/*.json\"]\nmax_size = \"64\"";
    let (documents, failed) = read(&folder, block).await.unwrap();
    assert_eq!(documents, ["1 {\"id\":1}", "2 {\"id\":2}", "3 {\"id\":3}", "4 {\"b\":\"x\",\"id\":\"4\"}"]);
    let expected = [
        "nowhere | cannot look into nowhere: No such file or directory (os error 2)",
        "bad.csv | bad.csv: line 3 has 1 fields and the first row 2",
        "bad.json | bad.json: EOF while parsing a value at line 1 column 7",
        "bad.jsonl | bad.jsonl: line 2 is no JSON: expected value",
        "bad.toml | bad.toml: line 2 is no TOML: ",
        "bad.yaml | bad.yaml: line 2 is no YAML: ",
        "empty.csv | empty.csv: its field 2 has no name in the first row",
        "large.json | large.json: it is larger than 64 bytes; raise `max_size` if that is right",
        "latin.yaml | latin.yaml: it is not in UTF-8: ",
        "missing.json | missing.json: it is not there",
        "names.csv | names.csv: two of its fields are called `id` in the first row",
        "odd.name | odd.name: its ending does not say its format: name it with `format`",
        "pipe.json | pipe.json: it is no file",
    ];
    for (failed, expected) in failed.iter().zip(expected) {
        assert!(failed.starts_with(expected), "{failed} is not {expected}");
    }
    assert_eq!(failed.len(), expected.len(), "{failed:?}");
}

#[tokio::test]
async fn without_any_file_there_is_no_state() {
    let folder = root(&[("bad.json", "{"), ("folder/a.txt", "")]);
    for (paths, expected) in [
        ("[\"missing.json\"]", "missing.json: it is not there"),
        ("[\"bad.json\"]", "bad.json: EOF while parsing an object"),
        ("[\"nowhere/*\"]", "cannot look into nowhere"),
        ("[\"folder\"]", "folder: it is no file"),
    ] {
        let error = read(&folder, &format!("paths = {paths}")).await.unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    // That nothing is there any more may well be.
    assert_eq!(documents(&folder, "paths = [\"folder/*.json\"]").await, [""; 0]);
    assert_eq!(documents(&folder, "paths = [\"folder/a.txt\"]").await, [""; 0]);
}

#[test]
fn mistakes_are_told() {
    for (block, expected) in [
        ("paths = []", "`paths` names no file"),
        ("paths = [\"[a\"]", "this is no path"),
        ("paths = [\"a\"]\nformat = \"xml\"", "there is no format `xml`"),
        ("paths = [\"a\"]\ndelimiter = \"::\"", "`delimiter` is one character"),
        ("paths = [\"a\"]\nmax_size = \"much\"", "is not a size"),
        ("format = \"json\"", "needs the attribute `paths`"),
    ] {
        let shown = mistakes(&format!("generator \"file\" \"f\" {{\n{block}\n}}"));
        assert!(shown.contains(expected), "{shown}");
    }
}

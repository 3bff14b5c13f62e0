//! Scripts of a shell as generators.

use std::time::{Duration, Instant};

use super::*;
use crate::testing::{context, definition, documents_of, listed, mistakes, taken_of};

/// A block that runs `script` in a shell.
fn block(script: &str, more: &str) -> String {
    let script = script.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("generator \"exec\" \"e\" {{\n command = [\"/bin/sh\", \"-c\", \"{script}\"]\n{more}\n}}")
}

#[track_caller]
fn failed(documents: &Documents) -> Vec<String> {
    documents.failed().iter().map(|failed| format!("{}: {}", failed.part, failed.message)).collect()
}

#[tokio::test]
async fn json_in_any_form_is_documents() {
    let expected = [r#"1 {"id":1}"#, r#"2 {"id":2}"#];
    for output in [
        "{\"id\": 1}\n{\"id\": 2}\n",
        "[{\"id\": 2}, {\"id\": 1}]",
        "{\"id\":\n1}{\"id\":\n2}",
        "[{\"id\": 1}]\n[{\"id\": 2}]\n",
    ] {
        let (documents, notes) = documents_of(&block(&format!("cat <<'E'\n{output}\nE"), "")).await.unwrap();
        assert_eq!(documents, expected, "{output}");
        assert!(notes.is_empty());
    }
    assert_eq!(documents_of(&block("true", "")).await.unwrap().0, [""; 0]);
}

#[tokio::test]
async fn a_path_selects_documents() {
    let more = "select = \"$.users[?@.active == true]\"\nkey = [\"login\"]";
    let script = r#"echo '{"users": [{"login": "a", "active": true}, {"login": "b", "active": false}]}'"#;
    let (documents, _) = documents_of(&block(script, more)).await.unwrap();
    assert_eq!(documents, [r#"a {"active":true,"login":"a"}"#]);
}

#[tokio::test]
async fn lines_are_documents() {
    let script =
        "printf 'b\\r\\na\\n\\n  \\nb\\377'; head -c 2000000 /dev/zero | tr '\\0' x; printf '\\nlast'";
    let (documents, taken) = taken_of(&block(script, "format = \"lines\"")).await.unwrap();
    assert_eq!(documents, ["a \"a\"", "b \"b\"", "last \"last\""]);
    assert_eq!(failed(&taken), [": line 5 of the output is longer than 1 MiB"]);
}

#[tokio::test]
async fn a_command_tells_of_its_run() {
    let script = r#"cat <<'E'
{"egret": {"part": "eu"}}
{"id": 1}
{"egret": {"fail": "us", "why": "no key\nhunter2"}}
{"egret": {"note": "took hunter2 long"}}
{"egret": {"fail": "asia"}}
{"egret": {"prat": "x"}}
{"egret": "a document", "id": 2}
{"egret": 7}
E"#;
    let (documents, taken) = taken_of(&block(script, "environment = { TOKEN = \"hunter2\" }")).await.unwrap();
    assert_eq!(documents.len(), 3, "{documents:?}");
    assert_eq!(taken.counts().get("eu"), Some(&3));
    assert_eq!(taken.notes(), ["took … long"]);
    assert_eq!(
        failed(&taken),
        [
            "us: no key\\n…",
            "asia: the command does not say why",
            "eu: the command tells `prat` of its run, which is none of part, fail, note",
        ]
    );
}

#[tokio::test]
async fn what_is_no_json_fails_its_part_once() {
    let script = "cat <<'E'\n{\"egret\": {\"part\": \"a\"}}\n{\"id\": 1}\nWarning: odd\nWarning: odd\n\
        {\"egret\": {\"part\": \"b\"}}\n{\"id\": 2}\n{\"id\": \nE";
    let (documents, taken) = taken_of(&block(script, "")).await.unwrap();
    assert_eq!(documents, [r#"1 {"id":1}"#, r#"2 {"id":2}"#]);
    assert_eq!(
        failed(&taken),
        [
            "a: line 3 of the output is no JSON: expected value",
            "b: line 7 of the output is no JSON: it ends in the middle of a value",
        ]
    );
    let error = documents_of(&block("echo '<html>'", "")).await.unwrap_err();
    assert_eq!(error, GenerateError::refused("line 1 of the output is no JSON: expected value"));
}

#[tokio::test]
async fn exit_codes_say_what_became_of_the_run() {
    let more = "environment = { TOKEN = \"hunter2\" }";
    let error = |script: &'static str| async move { documents_of(&block(script, more)).await.unwrap_err() };
    assert_eq!(
        error("echo '{\"id\": 1}'; printf '\\n\\033[1mtoken %s is bad\\nmore' $TOKEN >&2; exit 2").await,
        GenerateError::refused("/bin/sh ended with exit status: 2: \\u{1b}[1mtoken … is bad")
    );
    assert_eq!(error("exit 75").await, GenerateError::retry("/bin/sh ended with exit status: 75"));
    assert!(matches!(error("kill -9 $$").await, GenerateError::Retry { .. }));
    let missing = "generator \"exec\" \"e\" {\n command = [\"/nowhere/at-all\"]\n}";
    let error = documents_of(missing).await.unwrap_err();
    assert!(
        matches!(&error, GenerateError::Refused { message } if message.starts_with("cannot run /nowhere"))
    );
}

#[tokio::test]
async fn one_that_hangs_is_killed_with_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let script = format!("(sleep 2; touch {}) & echo 1; sleep 60", mark.display());
    let began = Instant::now();
    let error = documents_of(&block(&script, "timeout = \"300ms\"")).await.unwrap_err();
    assert_eq!(error, GenerateError::retry("/bin/sh did not end within 300ms"));
    // A run that is given up ends it too.
    let script = script.replace("sleep 60", "sleep 61");
    let run = tokio::time::timeout(Duration::from_millis(300), documents_of(&block(&script, ""))).await;
    assert!(run.is_err() && began.elapsed() < Duration::from_secs(2));
    tokio::time::sleep(Duration::from_millis(2200)).await;
    assert!(!mark.exists());
}

#[tokio::test]
async fn much_is_taken_as_it_comes_and_monsters_are_refused() {
    let script =
        "seq 1 50000 | sed 's/.*/{\"id\": &, \"text\": \"0123456789012345678901234567890123456789\"}/'";
    let (documents, _) = taken_of(&block(script, "")).await.unwrap();
    assert_eq!(documents.len(), 50_000);
    let script = "printf '\"'; head -c 20000000 /dev/zero | tr '\\0' x; echo '\"'; echo 1";
    let error = documents_of(&block(script, "")).await.unwrap_err();
    assert!(error.to_string().contains("more than 16 MiB"), "{error}");
    let script = "while :; do echo '{\"egret\": {\"note\": \"x\"}}'; done";
    let error = documents_of(&block(script, "")).await.unwrap_err();
    assert!(error.to_string().contains("more than 10000 parts, failures and notes"), "{error}");
}

#[tokio::test]
async fn it_runs_where_it_is_configured_and_secrets_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list"), "#!/bin/sh\necho \"[\\\"$TOKEN\\\", \\\"$HOME\\\"]\"\n")
        .unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(folder.path().join("list"), mode).unwrap();
    let text =
        "generator \"exec\" \"e\" {\n command = [\"./list\"]\n environment = { TOKEN = \"hunter2\" }\n}";
    let definition = definition(text, &context(folder.path()));
    assert!(!format!("{definition:?}").contains("hunter2"));
    let mut documents = Documents::new(definition.shape.clone(), definition.key.clone());
    definition.generator.generate(&mut documents).await.unwrap();
    assert_eq!(listed(&mut documents), [" \"\"", "hunter2 \"hunter2\""]);
}

#[test]
fn mistakes_are_told() {
    let shown = mistakes("generator \"exec\" \"e\" {\n command = []\n format = \"xml\"\n select = \"$[\"\n}");
    for part in ["`command` names no program", "there is no format `xml`", "this is no JSONPath"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

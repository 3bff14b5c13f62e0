//! Services on loopback that answer as they like.

use std::time::{Duration, Instant};

use egret_peer::{Answer, Authority, HttpPeer};
use serde_json::{Value as Json, json};

use super::*;
use crate::testing::{context, definition, documents_of, mistakes, taken_of};

fn block(url: &str, more: &str) -> String {
    format!("generator \"http_json\" \"h\" {{\n url = \"{url}\"\n {more}\n}}")
}

fn text(status: u16, body: &str) -> Answer {
    Answer::Status(status, Vec::new(), body.to_owned())
}

fn items(ids: std::ops::Range<u32>) -> Json {
    ids.map(|id| json!({"id": id})).collect()
}

fn failed(documents: &Documents) -> Vec<String> {
    documents.failed().iter().map(|failed| format!("{}: {}", failed.part, failed.message)).collect()
}

fn paths(peer: &HttpPeer) -> Vec<String> {
    peer.requests().into_iter().map(|request| request.path).collect()
}

#[tokio::test]
async fn a_request_is_made_as_the_block_says() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(Answer::json(200, &json!({"members": [{"id": 1}, {"id": 2, "out": true}]})));
    let more = "headers = { X-Key = \"hunter2\" }\n query = { q = \"a b&c\" }\n body = \"{}\"\n user = \"ada\"\n \
        password = \"pass:word\"\n select = \"$.members[?!@.out]\"";
    let (documents, _) = documents_of(&block(&peer.url("/v1?x=1"), more)).await.unwrap();
    assert_eq!(documents, [r#"1 {"id":1}"#]);
    let request = peer.last();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1?x=1&q=a+b%26c"));
    assert_eq!((request.header("x-key"), request.header("content-type")), ("hunter2", "application/json"));
    assert_eq!(request.header("authorization"), "Basic YWRhOnBhc3M6d29yZA==");
    assert_eq!(request.text(), "{}");
    documents_of(&block(&peer.url("/"), "bearer = \"token-1\"\n method = \"get\"")).await.unwrap();
    let request = peer.last();
    assert_eq!((request.method.as_str(), request.header("authorization")), ("GET", "Bearer token-1"));
    assert_eq!((request.header("accept"), request.header("content-type")), ("application/json", ""));
}

#[tokio::test]
async fn answers_in_any_form_of_json_are_documents() {
    let peer = HttpPeer::start().await.unwrap();
    for (body, expected) in [
        ("[{\"id\": 1}, {\"id\": 2}]", vec![r#"1 {"id":1}"#, r#"2 {"id":2}"#]),
        ("{\"id\": 1}", vec![r#"1 {"id":1}"#]),
        ("{\"id\": 1}\n{\"id\": 2}\n", vec![r#"1 {"id":1}"#, r#"2 {"id":2}"#]),
        ("", vec![]),
        ("[]", vec![]),
    ] {
        peer.script([text(200, body)]);
        assert_eq!(documents_of(&block(&peer.url("/"), "")).await.unwrap().0, expected, "{body}");
    }
}

#[tokio::test]
async fn pages_are_links_in_a_header() {
    let peer = HttpPeer::start().await.unwrap();
    let link = |to: &str| format!("<{}>; rel=\"prev\", <{to}>; rel=\"next\"", peer.url("/other"));
    peer.script([
        Answer::json(200, &items(0..2)).with_header("link", &link(&peer.url("/list?page=2"))),
        Answer::json(200, &items(2..4)).with_header("link", &link("?page=3")),
        Answer::json(200, &items(4..5)),
    ]);
    let (documents, taken) =
        taken_of(&block(&peer.url("/list"), "bearer = \"t\"\n paging {\n by = \"link\"\n }")).await.unwrap();
    assert_eq!((documents.len(), failed(&taken).len()), (5, 0));
    assert_eq!(paths(&peer), ["/list", "/list?page=2", "/list?page=3"]);
    assert_eq!(peer.last().header("authorization"), "Bearer t");
}

#[tokio::test]
async fn secrets_go_to_no_other_place() {
    let (peer, other) = (HttpPeer::start().await.unwrap(), HttpPeer::start().await.unwrap());
    let paging =
        "bearer = \"t\"\n paging {\n by = \"next\"\n next = \"$.next\"\n }\n select = \"$.items[*]\"";
    for (next, why) in [
        (
            other.url("/steal"),
            format!("it is at {}, and secrets are for {} only", other.url(""), peer.url("")),
        ),
        (
            "//evil.example/\u{1b}".to_owned(),
            format!("it is at http://evil.example, and secrets are for {} only", peer.url("")),
        ),
        (
            peer.url("/").replace("http:", "https:"),
            format!("it is at {}, and", peer.url("").replace("http:", "https:")),
        ),
        ("file:///etc/passwd".to_owned(), "it is at null, and".to_owned()),
        ("http://".to_owned(), "its URL is none".to_owned()),
        (peer.url("/list"), "it is the same page again".to_owned()),
    ] {
        peer.script([Answer::json(200, &json!({"items": [{"id": 1}], "next": next}))]);
        let (documents, taken) = taken_of(&block(&peer.url("/list"), paging)).await.unwrap();
        let failed = failed(&taken);
        assert!(failed[0].starts_with(&format!(": page 2 cannot be asked for: {why}")), "{failed:?}");
        assert_eq!(documents, [r#"1 {"id":1}"#]);
    }
    peer.script([Answer::json(200, &json!({"items": [], "next": 7}))]);
    let (_, taken) = taken_of(&block(&peer.url("/list"), paging)).await.unwrap();
    assert_eq!(failed(&taken), [": page 2 cannot be asked for: what `next` finds is no URL"]);
    assert!(other.requests().is_empty());
    // Nor by a redirect.
    peer.script([text(302, "moved").with_header("location", &other.url("/steal"))]);
    let error = documents_of(&block(&peer.url("/list"), paging)).await.unwrap_err();
    assert!(error.to_string().contains("answered 302 Found"), "{error}");
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn pages_have_cursors() {
    let peer = HttpPeer::start().await.unwrap();
    let page = |ids, next: Json, more: bool| {
        Answer::json(200, &json!({"items": items(ids), "meta": {"next": next, "more": more}}))
    };
    let all = || [page(0..2, json!("a&b"), true), page(2..4, json!(7), true), page(4..5, json!(""), false)];
    let paging = |more: &str| {
        format!(
            "select = \"$.items[*]\"\n paging {{\n by = \"cursor\"\n next = \"$.meta.next\"\n {more}\n }}"
        )
    };
    peer.script(all());
    let (documents, _) = documents_of(&block(&peer.url("/l?cursor=0&n=2"), &paging(""))).await.unwrap();
    assert_eq!(documents.len(), 5);
    assert_eq!(paths(&peer), ["/l?cursor=0&n=2", "/l?n=2&cursor=a%26b", "/l?n=2&cursor=7"]);
    peer.script(all());
    let more = format!(
        "body = \"{{\\\"query\\\": \\\"q\\\"}}\"\n {}",
        paging("parameter = \"variables.after\"\n place = \"body\"")
    );
    documents_of(&block(&peer.url("/l"), &more)).await.unwrap();
    assert_eq!(peer.last().json(), json!({"query": "q", "variables": {"after": 7}}));
    peer.script(all());
    documents_of(&block(&peer.url("/l"), &paging("parameter = \"X-Next\"\n place = \"header\"")))
        .await
        .unwrap();
    assert_eq!(peer.last().header("x-next"), "7");
    // The last page may have a cursor too.
    peer.script([page(0..1, json!("a"), true), page(1..2, json!("b"), false)]);
    let (documents, taken) =
        taken_of(&block(&peer.url("/l"), &paging("more = \"$.meta.more\""))).await.unwrap();
    assert_eq!((documents.len(), failed(&taken).len()), (2, 0));
    // One that stays the same would never end.
    peer.always(page(0..1, json!("a"), true));
    let (_, taken) = taken_of(&block(&peer.url("/l"), &paging(""))).await.unwrap();
    assert_eq!(failed(&taken), [": page 3 cannot be asked for: it has the cursor of the page before"]);
    peer.always(page(0..1, json!({"a": 1}), true));
    let (_, taken) = taken_of(&block(&peer.url("/l"), &paging(""))).await.unwrap();
    assert_eq!(
        failed(&taken),
        [": page 2 cannot be asked for: what `next` finds is neither text nor a number"]
    );
}

#[tokio::test]
async fn pages_have_numbers_or_offsets() {
    let peer = HttpPeer::start().await.unwrap();
    let all = || [0..2, 2..4, 4..5, 5..5].map(|ids| Answer::json(200, &items(ids)));
    peer.script(all());
    let (documents, _) = documents_of(&block(&peer.url("/l"), "paging {\n by = \"page\"\n }")).await.unwrap();
    assert_eq!(documents.len(), 5);
    assert_eq!(paths(&peer), ["/l?page=1", "/l?page=2", "/l?page=3", "/l?page=4"]);
    peer.script(all());
    let more = "paging {\n by = \"offset\"\n parameter = \"start\"\n first = 10\n }";
    documents_of(&block(&peer.url("/l?limit=2"), more)).await.unwrap();
    let asked = paths(&peer).split_off(4);
    assert_eq!(
        asked,
        ["/l?limit=2&start=10", "/l?limit=2&start=12", "/l?limit=2&start=14", "/l?limit=2&start=15"]
    );
    peer.always(Answer::json(200, &items(0..2)));
    let (_, taken) = taken_of(&block(&peer.url("/l"), "paging {\n by = \"page\"\n }")).await.unwrap();
    let expected =
        ": page 3 cannot be asked for: the last two are the same: the service does not know the parameter";
    assert_eq!(failed(&taken), [expected]);
}

#[tokio::test]
async fn there_is_an_end_of_pages() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script((0..9).map(|id| Answer::json(200, &items(id..id + 1))));
    let more = "max_pages = 3\n paging {\n by = \"page\"\n }";
    let (documents, taken) = taken_of(&block(&peer.url("/l"), more)).await.unwrap();
    assert_eq!((documents.len(), peer.requests().len()), (3, 3));
    assert_eq!(failed(&taken), [": there are more than 3 pages; raise `max_pages`"]);
}

#[tokio::test]
async fn a_page_that_fails_leaves_the_others() {
    let peer = HttpPeer::start().await.unwrap();
    let paging = "bearer = \"hunter2\"\n paging {\n by = \"page\"\n }";
    for (answer, why) in [
        (text(403, "no\nscope for hunter2"), "answered 403 Forbidden: no\\nscope for …"),
        (text(200, "<html>hunter2"), "is no JSON: expected value at line 1 column 1: <html>…"),
        (text(200, "[{\"id\": 9}, {\"id"), "is no JSON: EOF while parsing a string"),
        (text(200, &format!("\"{}\"", "x".repeat(33 << 20))), "is larger than 33554432 bytes"),
    ] {
        peer.script([Answer::json(200, &items(0..2)), answer]);
        let (documents, taken) = taken_of(&block(&peer.url("/l"), paging)).await.unwrap();
        let failed = failed(&taken);
        assert!(failed[0].starts_with(": page 2: ") && failed[0].contains(why), "{failed:?}");
        assert_eq!(documents.len(), 2);
    }
}

#[tokio::test]
async fn without_a_first_page_there_is_no_state() {
    let peer = HttpPeer::start().await.unwrap();
    let more = "bearer = \"hunter2\"\n error = \"$.errors[*].message\"";
    for (answer, why) in [
        (text(401, "bad token"), "answered 401 Unauthorized: bad token"),
        (
            Answer::json(200, &json!({"errors": [{"message": "no hunter2"}, {"message": "b"}]})),
            "answered with an error: no …; b",
        ),
    ] {
        peer.script([answer]);
        let error = documents_of(&block(&peer.url("/l"), more)).await.unwrap_err();
        assert!(matches!(&error, GenerateError::Refused { message } if message.contains(why)), "{error}");
    }
    peer.script([Answer::json(200, &json!({"errors": [], "id": 1}))]);
    assert_eq!(documents_of(&block(&peer.url("/l"), more)).await.unwrap().0.len(), 1);
}

#[tokio::test]
async fn too_much_at_once_is_waited_out() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([
        text(429, "slow").with_header("retry-after", "1"),
        Answer::Reset,
        Answer::json(200, &items(0..2)),
    ]);
    let began = Instant::now();
    let (documents, _) = documents_of(&block(&peer.url("/l"), "")).await.unwrap();
    assert_eq!((documents.len(), peer.requests().len()), (2, 3));
    assert!(began.elapsed() >= Duration::from_millis(1900), "{:?}", began.elapsed());
    // Not longer than the run may take.
    peer.script([Answer::json(200, &items(0..2)), text(429, "slow").with_header("retry-after", "60")]);
    let more = "timeout = \"20s\"\n paging {\n by = \"page\"\n }";
    let (documents, taken) = taken_of(&block(&peer.url("/l"), more)).await.unwrap();
    assert_eq!(documents.len(), 2);
    assert!(failed(&taken)[0].contains("answered 429 Too Many Requests"), "{:?}", failed(&taken));
    peer.always(text(503, ""));
    let began = Instant::now();
    let error = documents_of(&block(&peer.url("/l"), "timeout = \"2s\"")).await.unwrap_err();
    assert!(matches!(error, GenerateError::Retry { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn no_answer_is_a_failure_in_time() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(Answer::Late(Duration::from_secs(60)));
    let more = "request_timeout = \"200ms\"\n timeout = \"1500ms\"";
    let began = Instant::now();
    let error = documents_of(&block(&peer.url("/l"), more)).await.unwrap_err();
    assert!(
        matches!(&error, GenerateError::Retry { message, .. } if message.contains("did not answer in time")),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_millis(1500));
    let error = documents_of(&block(&peer.url("/l"), "timeout = \"700ms\"")).await.unwrap_err();
    assert!(error.to_string().contains("did not answer before the time of the run was over"), "{error}");
}

#[tokio::test]
async fn requests_keep_their_pace() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([0..1, 1..2, 2..3, 3..3].map(|ids| Answer::json(200, &items(ids))));
    let began = Instant::now();
    documents_of(&block(&peer.url("/l"), "rate = \"300/m\"\n paging {\n by = \"page\"\n }")).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(600), "{:?}", began.elapsed());
}

#[tokio::test]
async fn certificates_are_verified() {
    let authority = Authority::new().unwrap();
    let peer = HttpPeer::start_tls(&authority, false).await.unwrap();
    peer.always(Answer::json(200, &items(0..2)));
    let error = documents_of(&block(&peer.url("/"), "timeout = \"1s\"")).await.unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    let more = format!("ca_file = \"{}\"", authority.ca_file().display());
    assert_eq!(documents_of(&block(&peer.url("/"), &more)).await.unwrap().0.len(), 2);
}

#[test]
fn mistakes_are_told_and_secrets_are_not() {
    for (more, expected) in [
        ("method = \"DELETE\"", "`DELETE` is no method to ask with"),
        ("bearer = \"a\"\n user = \"b\"", "it is not clear who to be"),
        ("user = \"b\"", "it is not clear who to be"),
        ("bearer = \"a\\nb\"", "`bearer` cannot be a part of a header"),
        ("headers = { \"a b\" = \"hunter2\" }", "`a b` and its value cannot be a header"),
        ("rate = \"5 a second\"", "`5 a second` is no rate"),
        ("rate = \"0/s\"", "`0/s` is no rate"),
        ("error = \"$[\"", "this is no JSONPath"),
        ("paging {\n by = \"luck\"\n }", "there is no paging by `luck`"),
        ("paging {\n by = \"cursor\"\n }", "paging by cursor needs `next`"),
        ("paging {\n by = \"page\"\n place = \"body\"\n }\n body = \"[]\"", "the `body` is no JSON object"),
        ("paging {\n by = \"page\"\n place = \"mind\"\n }", "a parameter cannot be in `mind`"),
        (
            "paging {\n by = \"page\"\n place = \"header\"\n parameter = \"a b\"\n }",
            "`a b` cannot be a header",
        ),
        ("paging {\n by = \"page\"\n steps = 2\n }", "`paging` has no attribute `steps`"),
        ("paging {\n }", "`paging` needs the attribute `by`"),
    ] {
        let shown = mistakes(&block("https://a.example/", more));
        assert!(shown.contains(expected) && !shown.contains("hunter2"), "{more}: {shown}");
    }
    let text = block(
        "https://a.example/hunter2",
        "bearer = \"hunter2\"\n query = { key = \"hunter2\" }\n body = \"hunter2\"",
    );
    let definition = definition(&text, &context(&std::env::temp_dir()));
    assert!(!format!("{definition:?}").contains("hunter2"), "{definition:?}");
}

//! Web servers on loopback that answer well, badly, and not at all.

use std::time::Duration;

use egret_peer::{Answer, Authority, HttpPeer};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::generators::peer::{Peer, Reply};
use crate::testing::{mistakes, taken_of};

fn block(urls: &[String], more: &str) -> String {
    format!("generator \"http_headers\" \"h\" {{\n urls = {urls:?}\n {more}\n}}")
}

async fn run(urls: &[String], more: &str) -> (Vec<Json>, Vec<String>) {
    let (listed, taken) = taken_of(&block(urls, more)).await.unwrap();
    let read = |line: &String| serde_json::from_str(&line[line.find(" {").unwrap()..]).unwrap();
    let failed = taken.failed().iter().map(|failed| format!("{}: {}", failed.part, failed.message));
    (listed.iter().map(read).collect(), failed.collect())
}

async fn one(url: String, more: &str) -> Json {
    let (mut documents, failed) = run(&[url], more).await;
    assert_eq!(failed, [""; 0]);
    documents.remove(0)
}

/// A page as a framework serves it.
fn page() -> Reply {
    let mut reply = Reply::text(200, "<html>");
    for (name, value) in [
        ("Date", "Thu, 01 Feb 2024 10:00:00 GMT"),
        ("X-Request-Id", "r4nd0m"),
        ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
        ("Content-Security-Policy", "default-src 'self'; script-src 'nonce-r4nd0m' 'strict-dynamic'"),
        ("Content-Security-Policy", "frame-ancestors 'none'"),
        ("X-Frame-Options", "DENY"),
        ("X-Frame-Options", "SAMEORIGIN"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Access-Control-Allow-Origin", "*"),
        ("Server", "nginx/1.25.3 \u{e4}"),
        ("X-Custom", "echo: hunter2"),
        ("Set-Cookie", "session=s3cr3t; Secure; HttpOnly; SameSite=Lax; Path=/"),
        ("Set-Cookie", "theme=dark"),
    ] {
        reply = reply.with_header(name, value);
    }
    reply
}

#[tokio::test]
async fn an_answer_is_described() {
    let peer = Peer::start(None, |_| page()).await;
    let url = format!("{}/a?b=c", peer.url());
    let more = "request_headers = { X-Key = \"hunter2\", User-Agent = \"Mozilla\" }";
    let found = one(url.clone(), more).await;
    let expected = json!({
        "url": url, "redirects": [], "final_url": url, "status": 200, "tls": false, "stopped": null, "location": null,
        "headers": {
            "access-control-allow-origin": "*",
            "content-security-policy": [
                {"default-src": ["'self'"], "script-src": ["'nonce-…'", "'strict-dynamic'"]},
                {"frame-ancestors": ["'none'"]},
            ],
            "cross-origin-opener-policy": "same-origin",
            "server": "nginx/1.25.3 \u{e4}",
            "strict-transport-security": {"includesubdomains": true, "max-age": 63_072_000},
            "x-frame-options": ["DENY", "SAMEORIGIN"],
        },
        "cookies": [
            {"name": "theme", "secure": false, "http_only": false, "same_site": null, "domain": null, "path": null},
            {"name": "session", "secure": true, "http_only": true, "same_site": "Lax", "domain": null, "path": "/"},
        ],
    });
    assert_eq!(found, expected);
    let asked = peer.asked();
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("GET", "/a?b=c"));
    assert_eq!((asked[0].header("x-key"), asked[0].header("user-agent")), ("hunter2", "Mozilla"));
    let names = |found: &Json| {
        found["headers"].as_object().unwrap().iter().map(|(name, _)| name.clone()).collect::<Vec<String>>()
    };
    let all = one(url.clone(), &format!("{more}\n headers = \"all\"\n method = \"head\"")).await;
    assert_eq!(peer.asked()[1].method, "HEAD");
    assert_eq!(all["headers"]["x-custom"], "echo: …");
    let known = names(&found).into_iter().chain(["connection", "x-custom"].map(str::to_owned));
    let mut known: Vec<String> = known.collect();
    known.sort();
    assert_eq!(names(&all), known);
    let named = one(url, "headers = [\"Date\", \"x-missing\"]").await;
    assert_eq!(named["headers"], json!({"date": "Thu, 01 Feb 2024 10:00:00 GMT"}));
}

#[tokio::test]
async fn a_status_is_a_state() {
    let peer = HttpPeer::start().await.unwrap();
    for status in [204, 304, 404, 429, 503] {
        peer.script([Answer::status(status).with_header("retry-after", "60")]);
        assert_eq!(one(peer.url("/"), "redirects = 1").await["status"], status);
    }
    assert_eq!(peer.requests().len(), 5);
    // Neither is one that leads nowhere.
    peer.script([Answer::status(302)]);
    let found = one(peer.url("/"), "redirects = 1").await;
    assert_eq!((&found["status"], &found["stopped"]), (&json!(302), &Json::Null));
}

#[tokio::test]
async fn redirects_are_followed_as_configured() {
    let other = Peer::start(None, |_| Reply::text(200, "").with_header("server", "other")).await;
    let place = other.url();
    let peer = Peer::start(None, move |asked| match asked.path.as_str() {
        "/1" => Reply::text(301, "").with_header("location", "2?state=r4nd0m#top"),
        "/2?state=r4nd0m" => Reply::text(308, "").with_header("location", format!("{place}/3;sid=1")),
        "/circle" => Reply::text(302, "").with_header("location", "/circle2"),
        "/circle2" => Reply::text(302, "").with_header("location", "/circle"),
        "/self" => Reply::text(302, "").with_header("location", "/self#again"),
        "/ftp" => Reply::text(302, "").with_header("location", "ftp://ada:pw@a.example/?token=1"),
        "/none" => Reply::text(302, "").with_header("location", "http://?token=1"),
        "/app" => Reply::text(302, "").with_header("location", "app:open?token=1"),
        "/login" => Reply::text(200, "").with_header("location", "/elsewhere"),
        _ => Reply::text(404, ""),
    })
    .await;
    let at = |path: &str| format!("{}{path}", peer.url());
    let said = |found: Json| {
        let steps = found["redirects"].as_array().unwrap().iter();
        let mut steps: Vec<String> =
            steps.map(|step| format!("{} {}", step["status"], step["url"].as_str().unwrap())).collect();
        steps.push(format!("{} {}", found["status"], found["final_url"].as_str().unwrap()));
        let stopped = found["stopped"]
            .as_str()
            .map(|stopped| format!("{stopped} {}", found["location"].as_str().unwrap()));
        steps.extend(stopped);
        steps
    };
    let more = "request_headers = { X-Key = \"hunter2\" }\n redirects";
    let end = format!("{}/3;sid=…", other.url());
    let all = one(at("/1"), &format!("{more} = 2")).await;
    assert_eq!(all["headers"], json!({"server": "other"}));
    assert_eq!(
        said(all),
        [format!("301 {}", at("/1")), format!("308 {}", at("/2?state=…")), format!("200 {end}")]
    );
    // Secrets are for the first place alone.
    assert_eq!(peer.asked().iter().map(|asked| asked.header("x-key")).collect::<Vec<_>>(), ["hunter2"; 2]);
    assert_eq!(other.asked()[0].header("x-key"), "");
    for (path, redirects, expected) in [
        (
            "/1",
            1,
            vec![format!("301 {}", at("/1")), format!("308 {}", at("/2?state=…")), format!("limit {end}")],
        ),
        ("/1", 0, vec![format!("301 {}", at("/1")), format!("limit {}", at("/2?state=…"))]),
        (
            "/circle",
            20,
            vec![
                format!("302 {}", at("/circle")),
                format!("302 {}", at("/circle2")),
                format!("circle {}", at("/circle")),
            ],
        ),
        ("/self", 20, vec![format!("302 {}", at("/self")), format!("circle {}", at("/self"))]),
        ("/ftp", 20, vec![format!("302 {}", at("/ftp")), "address ftp://a.example/?token=…".to_owned()]),
        ("/none", 20, vec![format!("302 {}", at("/none")), "address …".to_owned()]),
        ("/app", 20, vec![format!("302 {}", at("/app")), "address app:…".to_owned()]),
        ("/login", 20, vec![format!("200 {}", at("/login"))]),
    ] {
        assert_eq!(said(one(at(path), &format!("{more} = {redirects}")).await), expected, "{path}");
    }
    assert_eq!(peer.asked().len(), 2 + 2 + 1 + 2 + 1 + 1 + 1 + 1 + 1);
}

#[tokio::test]
async fn tls_is_told_and_certificates_are_verified() {
    let authority = Authority::new().unwrap();
    let safe = HttpPeer::start_tls(&authority, false).await.unwrap();
    safe.always(Answer::status(200).with_header("strict-transport-security", "max-age=1"));
    let plain = HttpPeer::start().await.unwrap();
    plain.always(Answer::status(301).with_header("location", &safe.url("/")));
    let trusted = format!("redirects = 1\n ca_file = \"{}\"", authority.ca_file().display());
    let found = one(plain.url("/"), &trusted).await;
    assert_eq!((&found["tls"], &found["final_url"]), (&json!(true), &json!(safe.url("/"))));
    assert_eq!(found["headers"]["strict-transport-security"], json!({"max-age": 1}));
    // Where a redirect leads to a server that nobody trusts there is no state, and the others have theirs.
    let unknown = HttpPeer::start_tls(&Authority::new().unwrap(), false).await.unwrap();
    let (documents, failed) = run(&[safe.url("/"), unknown.url("/")], &trusted).await;
    assert_eq!(documents.len(), 1);
    assert!(failed[0].contains("certificate"), "{failed:?}");
    plain.script([Answer::status(301).with_header("location", &unknown.url("/"))]);
    let (documents, failed) = run(&[safe.url("/"), plain.url("/")], &trusted).await;
    assert_eq!(documents.len(), 1);
    let start = format!("{}: cannot reach {}: ", plain.url("/"), unknown.url(""));
    assert!(failed[0].starts_with(&start) && failed[0].contains("certificate"), "{failed:?}");
}

#[tokio::test]
async fn what_is_not_answered_fails_alone() {
    let (good, late, reset) = (
        HttpPeer::start().await.unwrap(),
        HttpPeer::start().await.unwrap(),
        HttpPeer::start().await.unwrap(),
    );
    late.always(Answer::Late(Duration::from_secs(600)));
    reset.always(Answer::Reset);
    let huge = Peer::start(None, |asked| match asked.path.as_str() {
        "/long" => Reply::text(200, "").with_header("x-long", "a".repeat(300 << 10)),
        "/longer" => Reply::text(200, "").with_header("x-long", "a".repeat(500 << 10)),
        _ => (0..101)
            .fold(Reply::text(200, ""), |reply, number| reply.with_header(&format!("x-{number}"), "a")),
    })
    .await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (closed, at) = (format!("http://{closed}/"), |path: &str| format!("{}{path}", huge.url()));
    let urls = [
        good.url("/"),
        late.url("/"),
        reset.url("/"),
        at("/long"),
        at("/longer"),
        at("/many"),
        closed.clone(),
    ];
    let (documents, mut failed) = run(&urls, "headers = \"all\"\n request_timeout = \"3s\"").await;
    let mut answered: Vec<&str> = documents.iter().filter_map(|document| document["url"].as_str()).collect();
    answered.sort_unstable();
    let mut expected = [urls[0].as_str(), urls[3].as_str()];
    expected.sort_unstable();
    assert_eq!(answered, expected);
    let long = documents.iter().find(|document| document["url"] == urls[3].as_str()).unwrap();
    assert_eq!(long["headers"]["x-long"].as_str().map(str::len), Some(300 << 10));
    failed.sort();
    let mut expected = [
        (late.url("/"), "did not answer in time"),
        (reset.url("/"), "cannot reach"),
        (at("/longer"), "cannot reach"),
        (at("/many"), "cannot reach"),
        (closed.clone(), "Connection refused"),
    ];
    expected.sort();
    assert_eq!(failed.len(), expected.len(), "{failed:#?}");
    for (failed, (url, why)) in failed.iter().zip(&expected) {
        assert!(failed.starts_with(&format!("{url}: ")) && failed.contains(why), "{failed} is not {why}");
    }
    // Without any answer there is no state.
    let error = taken_of(&block(&[closed], "")).await.unwrap_err();
    assert!(matches!(error, GenerateError::Retry { .. }) && error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn pages_are_not_read() {
    // It begins an answer, and never ends it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        let head = "HTTP/1.1 200 OK\r\nserver: slow\r\ncontent-length: 1000000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        // The client hangs up.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.map(|_| ())
    });
    assert_eq!(one(url, "").await["headers"], json!({"server": "slow"}));
    let _ = tokio::time::timeout(Duration::from_secs(30), serving).await.unwrap().unwrap();
}

#[test]
fn mistakes_are_told() {
    for (attributes, expected) in [
        ("urls = []", "`urls` names nothing to ask for"),
        ("urls = [\"example.org\"]", "this is no URL of HTTP"),
        ("urls = [\"ftp://example.org\"]", "this is no URL of HTTP"),
        ("urls = [\"https://ada:pw@example.org\"]", "documents show the URL: it may name no user"),
        (
            "urls = [\"https://a\"]\n headers = \"some\"",
            "expected \"security\", \"all\" or a list of names of headers",
        ),
        ("urls = [\"https://a\"]\n headers = { a = \"b\" }", "headers to send go into `request_headers`"),
        ("urls = [\"https://a\"]\n headers = [\"a b\"]", "`a b` cannot be the name of a header"),
        ("urls = [\"https://a\"]\n headers = [\"Set-Cookie\"]", "what cookies have in them may be secret"),
        ("urls = [\"https://a\"]\n method = \"POST\"", "the methods are GET and HEAD"),
        ("urls = [\"https://a\"]\n redirects = 21", "at most 20 redirects are followed"),
        (
            "urls = [\"https://a\"]\n request_headers = { \"a b\" = \"c\" }",
            "`a b` and its value cannot be a header",
        ),
    ] {
        let told = mistakes(&format!("generator \"http_headers\" \"h\" {{\n {attributes}\n}}"));
        assert!(told.contains(expected), "{attributes}: {told}");
    }
}

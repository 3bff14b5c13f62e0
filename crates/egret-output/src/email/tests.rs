//! Tests of mails, against `aiosmtpd`.

use std::sync::Arc;

use egret_config::{Configuration, Environment};
use egret_peer::{Authority, SmtpPeer, smtp_header};
use serde_json::{Value as Json, json};

use super::*;
use crate::definition::{OUTPUT_BLOCK, OutputDefinition};
use crate::message::{Message, Text};
use crate::registry::OutputContext;
use crate::testing::{delivery, output_of};

const FROM_TO: &str = "from = \"Egret <egret@example.org>\"\n to = [\"SOC <soc@example.org>\"]";

fn plain_output(peer: &SmtpPeer, more: &str) -> OutputDefinition {
    output_of(&format!(
        "output \"email\" \"e\" {{\n host = \"127.0.0.1\"\n port = {}\n security = \"none\"\n {more}\n}}",
        peer.port()
    ))
}

fn letter_of(definition: &OutputDefinition, delivery: crate::Delivery) -> Letter {
    let message = Message::of(&delivery, definition.output.escape(), &[&definition.templates]);
    Letter { delivery, message }
}

async fn send_delivery(
    definition: &OutputDefinition,
    delivery: crate::Delivery,
) -> Result<Receipt, SendError> {
    let output = Arc::clone(&definition.output);
    output.send(&[letter_of(definition, delivery)]).await.remove(0)
}

async fn send(definition: &OutputDefinition, action: AlertAction) -> Result<Receipt, SendError> {
    send_delivery(definition, delivery(action)).await
}

fn header(mail: &Json, name: &str) -> String {
    let values = smtp_header(mail, name);
    assert!(values.len() <= 1, "{name}: {values:?}");
    values.first().map(|value| (*value).to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_mail_has_both_forms_and_its_headers() {
    let peer = SmtpPeer::start(&json!({})).unwrap();
    let more = format!(
        "{FROM_TO}\n cc = [\"lead@example.org\"]\n reply_to = \"answers@example.org\"\n attach_alert = true\n \
         hello_name = \"egret.example.org\""
    );
    let definition = plain_output(&peer, &more);
    let receipt = send(&definition, AlertAction::Raise).await.unwrap();
    let mail = peer.mails(1).await.remove(0);
    assert_eq!(mail["defects"], json!([]));
    assert_eq!(mail["from"], "egret@example.org");
    assert_eq!(mail["to"], json!(["soc@example.org", "lead@example.org"]));
    assert_eq!(mail["greeting"], "egret.example.org");
    let id = "<fedcba9876543210fedcba9876543210@example.org>";
    for (name, expected) in [
        ("Subject", "[high] Root login"),
        ("From", "Egret <egret@example.org>"),
        ("To", "SOC <soc@example.org>"),
        ("Cc", "lead@example.org"),
        ("Reply-To", "answers@example.org"),
        ("Message-ID", id),
        ("In-Reply-To", ""),
        ("References", "<0123456789abcdef0123456789abcdef.alert@example.org>"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Egret-Alert-Id", "0123456789abcdef0123456789abcdef"),
        ("X-Egret-Severity", "high"),
        ("X-Egret-Action", "raise"),
        ("X-Egret-Detection", "root_login"),
        ("Importance", "high"),
    ] {
        assert_eq!(header(&mail, name), expected, "{name}");
    }
    assert_eq!(receipt.reference.as_deref(), Some(id));
    let (html, text) = (mail["html"].as_str().unwrap(), mail["text"].as_str().unwrap());
    for part in
        ["HIGH", "Root login", "root logged in from 198.51.100.7 (and 2 more findings)", ">198.51.100.7</td>"]
    {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(html.contains("<a href=\"https://example.org/runbook\""), "{html}");
    assert!(html.contains(">example.org: runbook</a>"), "{html}");
    for part in
        ["[high] Root login\n", "IPs: 198.51.100.7\n", "https://example.org/runbook\n", "should not be used"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (form, severity) in [(html, "HIGH"), (text, "[high]")] {
        assert_eq!(form.matches(severity).count(), 1, "{form}");
        assert_eq!(form.matches("0123456789abcdef0123456789abcdef").count(), 1, "{form}");
        assert!(!form.contains("Severity") && !form.contains("raise"), "{form}");
    }
    assert!(text.ends_with("\n-- \nEgret, alert 0123456789abcdef0123456789abcdef\n"), "{text}");
    for remote in ["src=", "url(", "@import", "<link", "<img", "<script"] {
        assert!(!html.contains(remote), "{remote}");
    }
    let attached = &mail["attachments"][0];
    assert_eq!((&attached["name"], &attached["type"]), (&json!("alert.json"), &json!("application/json")));
    let alert: Json = serde_json::from_str(attached["content"].as_str().unwrap()).unwrap();
    assert_eq!(alert, delivery(AlertAction::Raise).to_json());
}

#[tokio::test]
async fn mails_of_an_alert_are_one_thread() {
    let peer = SmtpPeer::start(&json!({})).unwrap();
    let definition = plain_output(&peer, FROM_TO);
    let first = send(&definition, AlertAction::Raise).await.unwrap().reference;
    let mut close = delivery(AlertAction::Close);
    close.delivery_id = "22222222222222222222222222222222".into();
    close.reference = first.clone();
    assert_eq!(send_delivery(&definition, close.clone()).await.unwrap().reference, first);
    // One that comes again is the same mail.
    assert_eq!(send_delivery(&definition, close.clone()).await.unwrap().reference, first);
    // Where the first mail is not known, there is still the thread.
    close.reference = Some("no id\r\nBcc: all@example.org".into());
    close.delivery_id = "33333333333333333333333333333333".into();
    assert!(send_delivery(&definition, close).await.is_ok());
    let mails = peer.mails(4).await;
    let (root, first) = ("<0123456789abcdef0123456789abcdef.alert@example.org>", first.unwrap());
    assert_eq!(header(&mails[1], "In-Reply-To"), first);
    assert_eq!(header(&mails[1], "References"), format!("{root} {first}"));
    assert_eq!(header(&mails[1], "Subject"), "Re: [high] Root login");
    assert!(mails[1]["text"].as_str().unwrap().contains("closed by ada: a drill"));
    assert!(mails[1]["html"].as_str().unwrap().contains("Closed: Root login"));
    assert_eq!(header(&mails[1], "Message-ID"), header(&mails[2], "Message-ID"));
    assert_eq!(header(&mails[3], "In-Reply-To"), root);
    assert_eq!(header(&mails[3], "Bcc"), "");
}

#[tokio::test]
async fn tls_is_verified_and_the_login_is_given_inside_it() {
    let authority = Authority::new().unwrap();
    let identity = authority.identity("localhost").unwrap();
    for implicit in [false, true] {
        let peer = SmtpPeer::start(&json!({
            "certificate": identity.certificate,
            "key": identity.key,
            "implicit": implicit,
            "login": ["egret", "hunter2"],
        }))
        .unwrap();
        let block = |host: &str, password: &str, ca: &str| {
            output_of(&format!(
                "output \"email\" \"e\" {{\n host = \"{host}\"\n port = {}\n security = \"{}\"\n {FROM_TO}\n \
                 username = \"egret\"\n password = \"{password}\"\n {ca}\n}}",
                peer.port(),
                if implicit { "tls" } else { "starttls" },
            ))
        };
        let ca = format!("ca_file = \"{}\"", authority.ca_file().display());
        send(&block("localhost", "hunter2", &ca), AlertAction::Raise).await.unwrap();
        let mail = peer.mails(1).await.remove(0);
        // aiosmtpd's session knows of its own STARTTLS alone.
        assert_eq!((&mail["tls"], &mail["login"]), (&json!(!implicit), &json!("egret")));
        // A wrong password can be mended: tried again, and not shown.
        let wrong = send(&block("localhost", "hunter3", &ca), AlertAction::Raise).await.unwrap_err();
        assert!(
            matches!(&wrong, SendError::Retry { message, .. } if message.contains("535") && !message.contains("hunter")),
            "{wrong}"
        );
        // Unknown authorities and wrong names are not trusted.
        for definition in [block("localhost", "hunter2", ""), block("127.0.0.1", "hunter2", &ca)] {
            let refused = send(&definition, AlertAction::Raise).await.unwrap_err();
            assert!(
                matches!(&refused, SendError::Retry { message, .. } if message.contains("certificate")),
                "{refused}"
            );
        }
        assert_eq!(peer.mails(1).await.len(), 1);
    }
}

#[tokio::test]
async fn nothing_is_said_to_a_server_without_tls() {
    let peer = SmtpPeer::start(&json!({})).unwrap();
    let definition = output_of(&format!(
        "output \"email\" \"e\" {{\n host = \"localhost\"\n port = {}\n {FROM_TO}\n}}",
        peer.port()
    ));
    let refused = send(&definition, AlertAction::Raise).await.unwrap_err();
    assert!(
        matches!(&refused, SendError::Retry { message, .. } if message.contains("STARTTLS")),
        "{refused}"
    );
}

#[tokio::test]
async fn answers_say_what_to_do() {
    for (settings, retry, expected) in [
        (json!({"data": ["451 4.3.0 try later"]}), true, "451 4.3.0 try later"),
        (json!({"data": ["554 5.7.1 looks like spam"]}), false, "554 5.7.1 looks like spam"),
        (json!({"data": ["550 5.4.5 daily quota exceeded"]}), true, "5.4.5"),
        (json!({"senders": ["550 5.7.60 not your address"]}), false, "5.7.60"),
        (json!({"senders": ["421 4.7.0 too many connections"]}), true, "421"),
        (
            json!({"recipients": {"soc@example.org": "550 5.1.1 no such user"}}),
            false,
            "soc@example.org: 550 5.1.1",
        ),
        (json!({"recipients": {"soc@example.org": "452 4.2.2 full"}}), true, "soc@example.org: 452"),
        (json!({"recipients": {"soc@example.org": "552 5.2.2 full"}}), true, "552 5.2.2"),
        (json!({"login": ["egret", "hunter2"]}), true, "530"),
    ] {
        let peer = SmtpPeer::start(&settings).unwrap();
        let error = send(&plain_output(&peer, FROM_TO), AlertAction::Raise).await.unwrap_err();
        assert_eq!(matches!(error, SendError::Retry { .. }), retry, "{settings}: {error}");
        assert!(error.to_string().contains(expected), "{settings}: {error}");
    }
}

#[tokio::test]
async fn who_has_it_does_not_get_it_again() {
    let settings = json!({"recipients": {
        "gone@example.org": "550 5.1.1 no such user",
        "late@example.org": ["450 4.2.0 greylisted"],
    }});
    let peer = SmtpPeer::start(&settings).unwrap();
    let definition = plain_output(
        &peer,
        "from = \"egret@example.org\"\n to = [\"soc@example.org\", \"gone@example.org\", \"late@example.org\"]",
    );
    let later = send(&definition, AlertAction::Raise).await.unwrap_err();
    assert!(
        matches!(&later, SendError::Retry { message, .. } if message.contains("late@example.org: 450")),
        "{later}"
    );
    assert!(send(&definition, AlertAction::Raise).await.is_ok());
    let mails = peer.mails(2).await;
    assert_eq!(mails[0]["to"], json!(["soc@example.org"]));
    assert_eq!(mails[1]["to"], json!(["late@example.org"]));
}

#[tokio::test]
async fn a_refused_letter_does_not_hold_up_the_next() {
    let peer = SmtpPeer::start(&json!({"data": ["554 no", null, "451 later"]})).unwrap();
    let definition = plain_output(&peer, FROM_TO);
    let letters = vec![letter_of(&definition, delivery(AlertAction::Raise)); 4];
    let answers = definition.output.send(&letters).await;
    assert!(matches!(answers[0], Err(SendError::Refused { .. })), "{answers:?}");
    assert!(matches!(answers[2], Err(SendError::Retry { .. })), "{answers:?}");
    assert!(answers[1].is_ok() && answers[3].is_ok(), "{answers:?}");
    assert_eq!(peer.mails(2).await.len(), 2);
}

#[tokio::test]
async fn nobody_there_and_nobody_answering_is_tried_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap().port();
    let block = |port: u16| {
        output_of(&format!(
            "output \"email\" \"e\" {{\n host = \"127.0.0.1\"\n port = {port}\n security = \"none\"\n timeout = \
             \"300ms\"\n {FROM_TO}\n}}"
        ))
    };
    let late = send(&block(silent), AlertAction::Raise).await.unwrap_err();
    assert!(
        matches!(&late, SendError::Retry { message, .. } if message.contains("did not answer in time")),
        "{late}"
    );
    drop(listener);
    let gone = send(&block(silent), AlertAction::Raise).await.unwrap_err();
    assert!(
        matches!(&gone, SendError::Retry { message, .. } if message.contains("cannot be reached")),
        "{gone}"
    );
}

#[tokio::test]
async fn what_came_from_logs_is_shown_and_not_obeyed() {
    let peer = SmtpPeer::start(&json!({})).unwrap();
    let definition = plain_output(
        &peer,
        &format!("{FROM_TO}\n template {{\n description = \"<b>{{{{ alert.message }}}}</b>\"\n }}"),
    );
    let mut delivery = delivery(AlertAction::Raise);
    let hostile = "<script>x</script> [x](http://evil) <a href=\"http://evil\">\r\n.\r\nQUIT\r\n\u{1b}[31m\u{202e}gpj @everyone";
    delivery.alert.title = "Root\r\nBcc: all@example.org\r\n\r\nlogin \u{202e}=?utf-8?q?x?= ä".into();
    delivery.alert.message = hostile.into();
    delivery.alert.observables.usernames = vec![hostile.into()];
    delivery.alert.merged_by = serde_json::Map::from_iter([(hostile.to_owned(), Json::from("v"))]);
    send_delivery(&definition, delivery).await.unwrap();
    let mail = peer.mails(1).await.remove(0);
    assert_eq!(mail["defects"], json!([]));
    assert_eq!(header(&mail, "Bcc"), "");
    assert_eq!(mail["to"], json!(["soc@example.org"]));
    let subject = header(&mail, "Subject");
    assert!(subject.starts_with("[high] Root Bcc: all@example.org login \\u{202e}"), "{subject}");
    let (html, text) = (mail["html"].as_str().unwrap(), mail["text"].as_str().unwrap());
    for form in [html, text] {
        assert!(!form.contains("http://evil") && !form.contains(['\u{1b}', '\u{202e}']), "{form}");
        assert!(form.contains("\\u{1b}[31m\\u{202e}gpj"), "{form}");
    }
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    assert!(html.contains("<b>&lt;script&gt;"), "{html}");
    assert_eq!(html.matches("<a ").count(), 1, "{html}");
}

#[tokio::test]
async fn a_monstrous_alert_stays_a_mail() {
    let peer = SmtpPeer::start(&json!({})).unwrap();
    let definition = plain_output(&peer, &format!("{FROM_TO}\n attach_alert = true"));
    let mut delivery = delivery(AlertAction::Raise);
    delivery.alert.title = "\"ä&\" ".repeat(2000);
    delivery.alert.message = "\u{1b}<x>&".repeat(40_000);
    delivery.alert.description = "x".repeat(200 << 10);
    delivery.alert.event.insert("big".into(), "e".repeat(200 << 10).into());
    let mut letter = letter_of(&definition, delivery);
    letter.message.fields = (0..500)
        .map(|n| (format!("field {n} {}", "n".repeat(300)), Text::Plain("<\"&ö".repeat(500))))
        .collect();
    letter.message.problem = Some("p".repeat(10_000));
    definition.output.send(&[letter]).await.remove(0).unwrap();
    let mail = peer.mails(1).await.remove(0);
    assert_eq!(mail["defects"], json!([]));
    assert!(mail["longest_line"].as_u64().unwrap() <= 998, "{}", mail["longest_line"]);
    assert!(header(&mail, "Subject").chars().count() <= 150);
    let (html, text) = (mail["html"].as_str().unwrap(), mail["text"].as_str().unwrap());
    assert!(html.len() <= 100_000 && text.len() <= 100_000, "{} {}", html.len(), text.len());
    assert!(html.ends_with("</html>\n") && html.contains("more fields") && html.contains("(shortened)"));
    assert!(text.contains("more fields") && text.contains("A template could not be used: ppp"));
    assert_eq!(mail["attachments"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn templates_write_html() {
    let peer = SmtpPeer::start(&json!({})).unwrap();
    let body = "<p>Hello <b>{{ alert.title }}</b></p>";
    let more = format!(
        "{FROM_TO}\n template {{\n title = \"<i>{{{{ action }}}}</i> &amp; more\"\n body = \"{body}\"\n }}"
    );
    let definition = plain_output(&peer, &more);
    send(&definition, AlertAction::Close).await.unwrap();
    let mail = peer.mails(1).await.remove(0);
    assert_eq!(header(&mail, "Subject"), "[high] close & more");
    assert_eq!(mail["html"].as_str().unwrap().trim_end(), "<p>Hello <b>Root login</b></p>");
    assert_eq!(mail["text"].as_str().unwrap().trim_end(), "Hello Root login");
}

#[test]
fn mistakes_are_told() {
    for (block, expected) in [
        ("security = \"none\"", "unencrypted"),
        ("security = \"ssl\"", "`ssl` is no way to protect a connection"),
        ("username = \"a\"", "`username` and `password` go together"),
        ("cc = [\"nobody\"]", "expected a string with a mail address"),
        ("reply_to = \"a@b.org\\r\\nBcc: x@b.org\"", "expected a string with a mail address"),
        ("client_key = \"x\"", "has no attribute `client_key`"),
    ] {
        let text =
            format!("output \"email\" \"e\" {{\n host = \"smtp.example.org\"\n {FROM_TO}\n {block}\n}}");
        let mut diagnostics = Diagnostics::new();
        let none = Environment::default();
        let configuration =
            Configuration::parse("egret.hcl", &text, &[OUTPUT_BLOCK], &none, &mut diagnostics);
        let block = configuration.blocks_of("output").next().unwrap();
        OutputDefinition::read(block, &OutputContext::for_tests(), &mut diagnostics);
        let shown = diagnostics.render(false);
        assert!(shown.contains(expected), "{shown}");
    }
}

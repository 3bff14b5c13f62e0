//! Webhooks against a server: bodies, headers, signatures, client certificates.

use egret_peer::{Answer, Authority, HttpPeer};
use serde_json::Value;

use super::*;
use crate::delivery::Receipt;
use crate::message::Message;
use crate::testing::{delivery, mistakes_of, output_of};

async fn send(block: &str, action: AlertAction) -> Result<Receipt, SendError> {
    let definition = output_of(block);
    let delivery = delivery(action);
    let message = Message::of(&delivery, definition.output.escape(), &[&definition.templates]);
    definition.output.send(&[Letter { delivery, message }]).await.remove(0)
}

#[tokio::test]
async fn sends_the_alert_with_its_key() {
    let peer = HttpPeer::start().await.unwrap();
    let block = format!(
        r#"output "webhook" "w" {{
            url            = "{}"
            headers        = {{ Authorization = "Bearer abc" }}
            query          = {{ q = "{{{{ alert.title }}}} & more" }}
            signing_secret = "whsec_c2VjcmV0"
        }}"#,
        peer.url("/in?a=b")
    );
    assert_eq!(send(&block, AlertAction::Raise).await, Ok(Receipt::default()));
    let request = peer.last();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/in?a=b&q=Root+login+%26+more"));
    assert_eq!(request.header("idempotency-key"), "fedcba9876543210fedcba9876543210");
    assert_eq!(request.header("authorization"), "Bearer abc");
    assert_eq!(request.json(), delivery(AlertAction::Raise).to_json());
    // As a receiver checks it, by the specification's text.
    let signed = format!(
        "{}.{}.{}",
        request.header("webhook-id"),
        request.header("webhook-timestamp"),
        request.text()
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
    mac.update(signed.as_bytes());
    let expected = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
    assert_eq!(request.header("webhook-signature"), expected);
}

#[test]
fn a_template_that_cannot_be_read_is_a_mistake() {
    let mistakes = mistakes_of(
        "output \"webhook\" \"w\" {\n url = \"https://example.org\"\n query = { id = \"{{ alert.id\" }\n}",
    );
    assert!(mistakes.contains("the template is wrong") && mistakes.contains("egret.hcl:3"), "{mistakes}");
}

#[tokio::test]
async fn a_get_has_no_body() {
    let peer = HttpPeer::start().await.unwrap();
    let block = format!(
        r#"output "webhook" "w" {{
            url    = "{}"
            method = "get"
            query  = {{ id = "{{{{ alert.alert_id }}}}" }}
        }}"#,
        peer.url("/in")
    );
    assert_eq!(send(&block, AlertAction::Raise).await, Ok(Receipt::default()));
    let request = peer.last();
    assert_eq!((request.method.as_str(), request.body.len()), ("GET", 0));
    assert_eq!(request.path, "/in?id=0123456789abcdef0123456789abcdef");
}

#[tokio::test]
async fn a_template_writes_valid_json() {
    let peer = HttpPeer::start().await.unwrap();
    let block = format!(
        r#"output "webhook" "w" {{
            url = "{}"
            template {{
                body = "{{\"text\": \"{{{{ alert.message }}}}\"}}"
            }}
        }}"#,
        peer.url("/")
    );
    let definition = output_of(&block);
    let mut delivery = delivery(AlertAction::Raise);
    delivery.alert.message = "a \"quoted\" \\ line\nbreak".into();
    let message = Message::of(&delivery, definition.output.escape(), &[&definition.templates]);
    assert!(definition.output.send(&[Letter { delivery, message }]).await[0].is_ok());
    assert_eq!(peer.last().json()["text"], Value::from("a \"quoted\" \\ line\nbreak"));
}

#[tokio::test]
async fn a_certificate_is_shown_where_one_is_asked_for() {
    let authority = Authority::new().unwrap();
    let peer = HttpPeer::start_tls(&authority, true).await.unwrap();
    let identity = authority.identity("egret").unwrap();
    let block = |client: &str| {
        format!(
            "output \"webhook\" \"w\" {{\n url = \"{}\"\n ca_file = \"{}\"\n {client}\n}}",
            peer.url("/"),
            authority.ca_file().display()
        )
    };
    let client = format!(
        "client_certificate = \"{}\"\n client_key = \"{}\"",
        identity.certificate.display(),
        identity.key.display()
    );
    assert!(send(&block(&client), AlertAction::Raise).await.is_ok());
    assert!(matches!(send(&block(""), AlertAction::Raise).await, Err(SendError::Retry { .. })));
}

#[tokio::test]
async fn answers_say_what_to_do() {
    let peer = HttpPeer::start().await.unwrap();
    let block = format!("output \"webhook\" \"w\" {{\n url = \"{}\"\n}}", peer.url("/secret-path"));
    peer.always(Answer::status(404));
    let refused = send(&block, AlertAction::Raise).await.unwrap_err();
    assert!(matches!(&refused, SendError::Refused { message } if message.contains("404")), "{refused}");
    assert!(!refused.to_string().contains("secret-path"), "{refused}");
}

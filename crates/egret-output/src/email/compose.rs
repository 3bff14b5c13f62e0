//! A letter as a mail: its headers, the thread it belongs to, its two bodies and what is attached.

use std::time::{Duration, UNIX_EPOCH};

use egret_http::shorten;
use egret_model::{AlertAction, Severity, Timestamp};
use lettre::Message as Mail;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};

use super::body::{Body, plain};
use crate::delivery::{Delivery, Letter, SendError};
use crate::escape::Escape;
use crate::message::Text;

/// Longer subjects are cut off by what shows them.
const MAX_SUBJECT: usize = 150;

/// What is larger is not attached: many servers take no mail above 10 MB, and base64 adds a third.
const MAX_ATTACHED_BYTES: usize = 5 << 20;

/// Who writes to whom.
#[derive(Debug, Clone)]
pub struct Correspondents {
    /// The sender.
    pub from: Mailbox,
    /// The recipients.
    pub to: Vec<Mailbox>,
    /// Further recipients.
    pub cc: Vec<Mailbox>,
    /// Where answers go to.
    pub reply_to: Option<Mailbox>,
}

/// The mail that tells a letter; the same each time it is tried, but for its date.
///
/// # Errors
/// If it cannot be written.
pub fn compose(
    letter: &Letter,
    correspondents: &Correspondents,
    attach_alert: bool,
    now: Timestamp,
) -> Result<Vec<u8>, SendError> {
    let delivery = &letter.delivery;
    let thread = Thread::of(delivery, correspondents.from.email.domain());
    let date = UNIX_EPOCH + Duration::from_micros(u64::try_from(now.micros()).unwrap_or(0));
    let mut builder = Mail::builder()
        .from(correspondents.from.clone())
        .date(date)
        .subject(subject(letter))
        .message_id(Some(thread.message_id.clone()))
        .references(thread.references.clone());
    if let Some(parent) = thread.parent {
        builder = builder.in_reply_to(parent);
    }
    builder = correspondents.to.iter().fold(builder, |builder, to| builder.to(to.clone()));
    builder = correspondents.cc.iter().fold(builder, |builder, cc| builder.cc(cc.clone()));
    if let Some(reply_to) = &correspondents.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    for (name, value) in headers(letter) {
        builder = builder.raw_header(HeaderValue::new(name, value));
    }
    let mail = builder.multipart(parts(letter, attach_alert));
    let mail = mail.map_err(|error| SendError::refused(format!("the mail cannot be written: {error}")))?;
    Ok(mail.formatted())
}

/// What later mails of the alert refer to: the first mail that this output sent about it.
pub fn reference(delivery: &Delivery, domain: &str) -> String {
    earlier(delivery).unwrap_or_else(|| message_id(delivery, domain))
}

fn message_id(delivery: &Delivery, domain: &str) -> String {
    format!("<{}@{domain}>", delivery.delivery_id)
}

fn earlier(delivery: &Delivery) -> Option<String> {
    let is_id = |id: &&String| {
        id.len() < 500 && id.starts_with('<') && id.ends_with('>') && id.chars().all(|c| c.is_ascii_graphic())
    };
    delivery.reference.as_ref().filter(is_id).cloned()
}

/// Where a mail stands among those of its alert.
struct Thread {
    message_id: String,
    parent: Option<String>,
    references: String,
}

impl Thread {
    /// All mails of an alert refer to one that does not exist and is named after the alert, so that they are one
    /// thread even where the first mail is not known.
    fn of(delivery: &Delivery, domain: &str) -> Self {
        let root = format!("<{}.alert@{domain}>", delivery.alert.alert_id);
        let message_id = message_id(delivery, domain);
        let first = earlier(delivery).filter(|first| *first != message_id);
        let references = first.iter().fold(root.clone(), |references, first| format!("{references} {first}"));
        let parent = first.or_else(|| (delivery.action != AlertAction::Raise).then_some(root));
        Self { message_id, parent, references }
    }
}

/// One line. It is the same for all mails of an alert but for `Re:`, since mail programs take another subject for
/// another conversation; what happened stands in the mail's heading.
fn subject(letter: &Letter) -> String {
    let (answer, title) = match &letter.message.title {
        Text::Plain(_) => (letter.delivery.action != AlertAction::Raise, letter.delivery.alert.title.clone()),
        written => (false, plain(written)),
    };
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let title = Escape::MailText.apply(&title);
    let prefix = if answer { "Re: " } else { "" };
    shorten(&format!("{prefix}[{}] {title}", letter.message.severity), MAX_SUBJECT)
}

fn headers(letter: &Letter) -> Vec<(HeaderName, String)> {
    let delivery = &letter.delivery;
    let mut headers = vec![
        // No answering machine is to answer; the second is what Exchange obeys.
        (HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()),
        (HeaderName::new_from_ascii_str("X-Auto-Response-Suppress"), "All".to_owned()),
        (HeaderName::new_from_ascii_str("X-Egret-Alert-Id"), delivery.alert.alert_id.clone()),
        (HeaderName::new_from_ascii_str("X-Egret-Delivery-Id"), delivery.delivery_id.clone()),
        (HeaderName::new_from_ascii_str("X-Egret-Action"), delivery.action.to_string()),
        (HeaderName::new_from_ascii_str("X-Egret-Severity"), letter.message.severity.to_string()),
        (
            HeaderName::new_from_ascii_str("X-Egret-Detection"),
            shorten(&Escape::Line.apply(&delivery.alert.detection_id), MAX_SUBJECT),
        ),
    ];
    if letter.message.severity >= Severity::High {
        headers.push((HeaderName::new_from_ascii_str("Importance"), "high".to_owned()));
    }
    headers
}

fn parts(letter: &Letter, attach_alert: bool) -> MultiPart {
    let body = Body::of(letter);
    let id = &letter.delivery.delivery_id;
    // Boundaries that nobody can guess who writes logs, and that are the same each time.
    let both = MultiPart::alternative()
        .boundary(format!("egret-body-{id}"))
        .singlepart(SinglePart::plain(body.text))
        .singlepart(SinglePart::html(body.html));
    if !attach_alert {
        return both;
    }
    let alert = serde_json::to_string_pretty(&letter.delivery.to_json()).unwrap_or_default();
    if alert.len() > MAX_ATTACHED_BYTES {
        return both;
    }
    let kind = ContentType::parse("application/json").unwrap_or(ContentType::TEXT_PLAIN);
    MultiPart::mixed()
        .boundary(format!("egret-mail-{id}"))
        .multipart(both)
        .singlepart(Attachment::new("alert.json".to_owned()).body(alert, kind))
}

//! The generic message of an alert: what every output brings into its service's best form.

use egret_http::shorten;
use egret_model::{Alert, AlertAction, Severity};
use url::{Position, Url};

use crate::delivery::Delivery;
use crate::escape::{Escape, one_line};
use crate::template::Templates;

/// So many tests that held are told, and so many characters of each value.
const MAX_EVIDENCE: usize = 5;
const MAX_EVIDENCE_CHARS: usize = 300;

/// So many values of a list are told.
const MAX_VALUES: usize = 10;

/// No service takes longer links than this.
const MAX_LINK: usize = 2000;

/// So much is told of a link's path.
const MAX_LINK_PART: usize = 60;

/// A text, and whether it may be obeyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Foreign text: to be escaped for the place it goes to.
    Plain(String),
    /// What a user's template wrote in the place's own mark-up, with the foreign values in it escaped already.
    MarkUp(String),
}

impl Text {
    /// As it must be written in a place that needs `escape`.
    pub fn written(&self, escape: Escape) -> String {
        match self {
            Self::Plain(text) => escape.apply(text),
            Self::MarkUp(text) => text.clone(),
        }
    }

    /// As it must be written, in at most `limit` characters.
    pub fn shortened(&self, escape: Escape, limit: usize) -> String {
        shorten(&self.written(escape), limit)
    }

    /// As it must be written as the value of a field: foreign text in one line, so that none of its lines passes for
    /// another field.
    pub fn in_field(&self, escape: Escape, limit: usize) -> String {
        match self {
            Self::Plain(text) => shorten(&escape.apply(&one_line(text)), limit),
            Self::MarkUp(text) => shorten(text, limit),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Plain(text) | Self::MarkUp(text) => text.is_empty(),
        }
    }
}

/// A link that a rule or a template gives: never one that came from logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What to show.
    pub title: String,
    /// Where it leads: `http` or `https`.
    pub url: String,
}

impl Link {
    /// A link that has no name: it is called after where it leads.
    pub fn to(url: &str) -> Self {
        let parsed = Url::parse(url).ok();
        let host = parsed.as_ref().and_then(Url::host_str);
        let mut parts = parsed.as_ref().and_then(Url::path_segments).into_iter().flatten();
        let title = match (host, parts.rfind(|part| !part.is_empty())) {
            (Some(host), Some(part)) => format!("{host}: {}", shorten(part, MAX_LINK_PART)),
            (Some(host), None) => host.to_owned(),
            (None, _) => url.to_owned(),
        };
        Self { title, url: url.to_owned() }
    }

    /// The URL with everything encoded that could end a link in some mark-up; none if it is no URL, or longer than
    /// services take.
    pub fn target(&self) -> Option<String> {
        let url = Url::parse(&self.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let mut target = url[..Position::BeforePath].to_owned();
        for c in url[Position::BeforePath..].chars() {
            match c {
                '|' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '"' | '\'' | '`' | '\\' | '*' => {
                    target.push_str(&format!("%{:02X}", u32::from(c)));
                }
                plain => target.push(plain),
            }
        }
        (target.len() <= MAX_LINK).then_some(target)
    }
}

/// What to tell about an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// One line.
    pub title: Text,
    /// What happened.
    pub text: Text,
    /// Why that matters.
    pub description: Text,
    /// How bad it is.
    pub severity: Severity,
    /// Names and values, the most important first.
    pub fields: Vec<(String, Text)>,
    /// Where to read more.
    pub links: Vec<Link>,
    /// The whole payload, if a template says it and the output allows it.
    pub body: Option<String>,
    /// What is wrong with a template that could not be used; the generic part stands in its place.
    pub problem: Option<String>,
}

impl Message {
    /// The message for a delivery: the generic one, with the parts that templates say in their place. Of several
    /// templates for a part, the first.
    pub fn of(delivery: &Delivery, escape: Escape, templates: &[&Templates]) -> Self {
        let mut message = generic(delivery);
        for template in templates.iter().rev() {
            template.apply(&mut message, delivery, escape);
        }
        message
    }

    /// The fields for a service that tells these elsewhere. What a template asks for is told in any case.
    pub(crate) fn fields_without(&self, told: &[&str]) -> Vec<&(String, Text)> {
        let is_told =
            |field: &&(String, Text)| matches!(field.1, Text::Plain(_)) && told.contains(&field.0.as_str());
        self.fields.iter().filter(|field| !is_told(field)).collect()
    }
}

/// Those fields of the generic message for which many services have a place of their own.
pub(crate) const SEVERITY: &str = "Severity";
pub(crate) const ALERT: &str = "Alert";

/// Without templates.
fn generic(delivery: &Delivery) -> Message {
    let alert = &delivery.alert;
    Message {
        title: Text::Plain(title(delivery.action, alert)),
        text: Text::Plain(text(delivery)),
        description: Text::Plain(alert.description.clone()),
        severity: alert.severity,
        fields: fields(alert),
        links: links(alert),
        body: None,
        problem: None,
    }
}

fn title(action: AlertAction, alert: &Alert) -> String {
    match action {
        AlertAction::Raise => alert.title.clone(),
        AlertAction::Update => format!("{} ({} findings)", alert.title, alert.count),
        AlertAction::Acknowledge => format!("Acknowledged: {}", alert.title),
        AlertAction::Close => format!("Closed: {}", alert.title),
        AlertAction::Reopen => format!("Reopened: {}", alert.title),
        AlertAction::Comment => format!("Comment: {}", alert.title),
    }
}

fn text(delivery: &Delivery) -> String {
    let by = delivery.by.as_deref().unwrap_or("somebody");
    let said = delivery.remark.as_deref().filter(|remark| !remark.is_empty());
    let said = said.map(|remark| format!(": {remark}")).unwrap_or_default();
    match delivery.action {
        AlertAction::Raise | AlertAction::Update | AlertAction::Reopen => first_of_several(&delivery.alert),
        AlertAction::Acknowledge => format!("acknowledged by {by}{said}"),
        AlertAction::Close => format!("closed by {by}{said}"),
        AlertAction::Comment => format!("{by}{said}"),
    }
}

/// The message is that of the first finding, which need not be like the others.
fn first_of_several(alert: &Alert) -> String {
    match (alert.message.trim_end(), alert.count.saturating_sub(1)) {
        ("", _) | (_, 0) => alert.message.clone(),
        (message, 1) => format!("{message} (and 1 more finding)"),
        (message, more) => format!("{message} (and {more} more findings)"),
    }
}

fn fields(alert: &Alert) -> Vec<(String, Text)> {
    let mut fields: Vec<(String, Text)> = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            fields.push((name.to_owned(), Text::Plain(value)));
        }
    };
    add(SEVERITY, alert.severity.to_string());
    add("Detection", alert.detection_id.clone());
    add("Channel", alert.channel.clone());
    if alert.count > 1 {
        add("First", alert.time_first.to_string());
        add("Last", alert.time_last.to_string());
        add("Findings", alert.count.to_string());
    } else {
        add("Time", alert.time_first.to_string());
    }
    for (name, value) in alert.merged_by.iter().filter(|(name, _)| *name != "channel") {
        add(name, value_text(value));
    }
    let observables = &alert.observables;
    for (name, values) in [
        ("Users", &observables.usernames),
        ("IPs", &observables.ips),
        ("Domains", &observables.domains),
        ("E-mails", &observables.emails),
        ("Hashes", &observables.hashes),
        ("Resources", &observables.akas),
    ] {
        add(name, list(values));
    }
    for evidence in alert.evidence.iter().take(MAX_EVIDENCE) {
        let field = evidence.field.as_deref().unwrap_or("any field");
        let value = shorten(&evidence.value, MAX_EVIDENCE_CHARS);
        add("Evidence", format!("{field} {}: {value}", evidence.test));
    }
    add("Tags", list(&alert.tags));
    add("Source", alert.source_location.clone());
    add(ALERT, alert.alert_id.clone());
    fields
}

fn value_text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(values: &[String]) -> String {
    let mut text = values.iter().take(MAX_VALUES).map(String::as_str).collect::<Vec<_>>().join(", ");
    if values.len() > MAX_VALUES {
        text.push_str(&format!(" and {} more", values.len() - MAX_VALUES));
    }
    text
}

fn links(alert: &Alert) -> Vec<Link> {
    let is_link = |url: &&String| url.starts_with("https://") || url.starts_with("http://");
    let links = alert.references.iter().filter(is_link);
    links.map(|url| Link::to(url)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::delivery;

    #[test]
    fn tells_what_the_alert_has() {
        let message = Message::of(&delivery(AlertAction::Raise), Escape::Nothing, &[]);
        assert_eq!(message.title, Text::Plain("Root login".into()));
        let names: Vec<&str> = message.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Severity",
                "Detection",
                "Channel",
                "First",
                "Last",
                "Findings",
                "user",
                "Users",
                "IPs",
                "Evidence",
                "Tags",
                "Source",
                "Alert"
            ]
        );
        assert_eq!(message.links[0].url, "https://example.org/runbook");
    }

    #[test]
    fn nothing_is_told_twice_but_by_templates() {
        let mut message = Message::of(&delivery(AlertAction::Raise), Escape::Nothing, &[]);
        message.fields.push((SEVERITY.into(), Text::MarkUp("high".into())));
        let fields = message.fields_without(&[SEVERITY, ALERT]);
        assert_eq!(fields.len(), message.fields.len() - 2);
        assert_eq!(fields.last().unwrap().1, Text::MarkUp("high".into()));
    }

    #[test]
    fn says_of_how_many_findings_it_tells_the_first() {
        for (count, message, expected) in [
            (1, "a login", "a login"),
            (2, "a login", "a login (and 1 more finding)"),
            (3, "a login\n", "a login (and 2 more findings)"),
            (3, "", ""),
        ] {
            let mut delivery = delivery(AlertAction::Raise);
            delivery.alert.count = count;
            delivery.alert.message = message.into();
            let message = Message::of(&delivery, Escape::Nothing, &[]);
            assert_eq!(message.text, Text::Plain(expected.into()));
            let has = |name: &str| message.fields.iter().any(|(found, _)| found == name);
            assert_eq!((has("Time"), has("First"), has("Last")), (count == 1, count > 1, count > 1));
        }
    }

    #[test]
    fn says_who_did_it() {
        let message = Message::of(&delivery(AlertAction::Close), Escape::Nothing, &[]);
        assert_eq!(message.title, Text::Plain("Closed: Root login".into()));
        assert_eq!(message.text, Text::Plain("closed by ada: a drill".into()));
    }

    #[test]
    fn links_are_called_after_where_they_lead() {
        for (url, title) in [
            ("https://attack.mitre.org/techniques/T1078/", "attack.mitre.org: T1078"),
            ("https://example.org/runbook", "example.org: runbook"),
            ("https://example.org", "example.org"),
            ("https://example.org:8443/?q=1", "example.org"),
            ("https://example.org/a/b%20c?q=1#d", "example.org: b%20c"),
            ("https://", "https://"),
        ] {
            assert_eq!(Link::to(url).title, title, "{url}");
        }
        let long = Link::to(&format!("https://example.org/{}", "x".repeat(500))).title;
        assert!(long.ends_with("(shortened)") && long.len() < 100, "{long}");
    }

    #[test]
    fn links_hold_no_mark_up() {
        let target = |url: &str| Link { title: String::new(), url: url.into() }.target();
        assert_eq!(target("https://e.org/a|b)>c").as_deref(), Some("https://e.org/a%7Cb%29%3Ec"));
        assert_eq!(target("https://[::1]/x").as_deref(), Some("https://[::1]/x"));
        assert_eq!(target("javascript:alert(1)"), None);
        assert_eq!(target(&format!("https://e.org/{}", "x".repeat(3000))), None);
    }
}

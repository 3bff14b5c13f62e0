//! What a mail says, as HTML and as text: the same parts in the same order, with nothing that is fetched from elsewhere.

use egret_http::shorten;
use egret_model::Severity;

use crate::delivery::Letter;
use crate::escape::Escape;
use crate::message::{ALERT, Link, Message, SEVERITY, Text};

/// Gmail hides what is beyond 102 KB of HTML; what must be there comes before the fields.
const MAX_HTML_BYTES: usize = 95_000;
/// Room for what comes after the fields.
const END_BYTES: usize = 5_000;

const MAX_TITLE: usize = 500;
const MAX_TEXT: usize = 6_000;
const MAX_DESCRIPTION: usize = 3_000;
const MAX_FIELD: usize = 1_000;
const MAX_FIELD_NAME: usize = 100;
const MAX_LINK: usize = 1_000;
const MAX_PROBLEM: usize = 500;

/// The two forms of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// For those who see.
    pub html: String,
    /// For everybody else, and for terminals.
    pub text: String,
}

impl Body {
    /// What a letter says. A template's `body` is the whole HTML.
    pub fn of(letter: &Letter) -> Self {
        if let Some(html) = &letter.message.body {
            return Self { html: html.clone(), text: html_to_text(html) };
        }
        Self { html: html(letter), text: text(letter) }
    }
}

/// A part as plain text, which is not escaped yet.
pub fn plain(part: &Text) -> String {
    match part {
        Text::Plain(text) => text.clone(),
        Text::MarkUp(html) => html_to_text(html),
    }
}

fn html(letter: &Letter) -> String {
    let message = &letter.message;
    let title = html_part(&message.title, MAX_TITLE);
    let page_title = Escape::MailHtml.apply(&shorten(&plain(&message.title), MAX_TITLE));
    let colour = colour(message.severity);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{page_title}</title>\n</head>\n\
        <body style=\"margin:0;padding:16px;background:#f3f4f6;color:#111827;\
        font-family:Arial,Helvetica,sans-serif;font-size:15px;line-height:1.5\">\n\
        <div style=\"max-width:680px;margin:0 auto;padding:20px;background:#ffffff;border:1px solid #d1d5db;\
        border-top:6px solid {colour}\">\n\
        <p style=\"margin:0 0 8px\"><span style=\"padding:2px 8px;background:{colour};color:#ffffff;\
        font-size:13px;font-weight:bold\">{}</span></p>\n\
        <h1 style=\"margin:0 0 12px;font-size:20px;line-height:1.3\" dir=\"auto\">{title}</h1>\n",
        message.severity.as_str().to_uppercase()
    );
    for (part, limit) in [(&message.text, MAX_TEXT), (&message.description, MAX_DESCRIPTION)] {
        if !part.is_empty() {
            out.push_str("<p style=\"margin:0 0 12px;word-break:break-word\" dir=\"auto\">");
            out.push_str(&html_part(part, limit));
            out.push_str("</p>\n");
        }
    }
    push_html_links(&mut out, message);
    push_html_fields(&mut out, message);
    if let Some(problem) = &message.problem {
        let problem = Escape::MailHtml.apply(&shorten(problem, MAX_PROBLEM));
        out.push_str(&format!(
            "<p style=\"margin:12px 0 0;color:#b91c1c\">A template could not be used: {problem}</p>\n"
        ));
    }
    out.push_str(&format!(
        "<p style=\"margin:16px 0 0;color:#4b5563;font-size:12px\">Egret, alert {}</p>\n</div>\n</body>\n</html>\n",
        Escape::MailHtml.apply(&letter.delivery.alert.alert_id),
    ));
    out
}

/// Without what the head and the end of a mail say.
fn fields(message: &Message) -> Vec<&(String, Text)> {
    message.fields_without(&[SEVERITY, ALERT])
}

fn push_html_links(out: &mut String, message: &Message) {
    let mut items = String::new();
    for link in &message.links {
        if link.url.len() > MAX_LINK || out.len() + items.len() > MAX_HTML_BYTES / 2 {
            continue;
        }
        let title = Escape::Html.apply(&Escape::Line.apply(&shorten(&link.title, MAX_FIELD)));
        let url = Escape::Html.apply(&Escape::Line.apply(&link.url));
        items.push_str(&format!("<li><a href=\"{url}\" style=\"color:#1d4ed8\">{title}</a></li>\n"));
    }
    if !items.is_empty() {
        out.push_str(&format!("<ul style=\"margin:0 0 12px;padding-left:20px\">\n{items}</ul>\n"));
    }
}

fn push_html_fields(out: &mut String, message: &Message) {
    let fields = fields(message);
    if fields.is_empty() {
        return;
    }
    out.push_str("<table style=\"width:100%;border-collapse:collapse;font-size:14px\">\n");
    for (index, (name, value)) in fields.iter().enumerate() {
        let name = Escape::MailHtml.apply(&shorten(name, MAX_FIELD_NAME));
        let value = html_part(value, MAX_FIELD);
        let row = format!(
            "<tr><th scope=\"row\" style=\"padding:4px 12px 4px 0;border-top:1px solid #e5e7eb;text-align:left;\
            vertical-align:top;white-space:nowrap\">{name}</th><td style=\"padding:4px 0;border-top:1px solid \
            #e5e7eb;word-break:break-word\" dir=\"auto\">{value}</td></tr>\n"
        );
        if out.len() + row.len() + END_BYTES > MAX_HTML_BYTES {
            let left = fields.len() - index;
            out.push_str(&format!("<tr><td colspan=\"2\">and {left} more fields</td></tr>\n"));
            break;
        }
        out.push_str(&row);
    }
    out.push_str("</table>\n");
}

/// A part as HTML. Mark-up that is too long loses its tags: half of an element would swallow what follows.
fn html_part(part: &Text, limit: usize) -> String {
    match part {
        Text::MarkUp(html) if html.chars().count() <= limit => html.clone(),
        part => Escape::MailHtml.apply(&shorten(&plain(part), limit)).replace('\n', "<br>\n"),
    }
}

fn text(letter: &Letter) -> String {
    let message = &letter.message;
    let part =
        |part: &Text, limit: usize| Escape::MailText.apply(shorten(&plain(part), limit).trim()).to_owned();
    let title = part(&message.title, MAX_TITLE).replace('\n', " ");
    let mut out = format!("[{}] {title}\n", message.severity);
    for (body, limit) in [(&message.text, MAX_TEXT), (&message.description, MAX_DESCRIPTION)] {
        let body = part(body, limit);
        if !body.is_empty() {
            out.push_str(&format!("\n{body}\n"));
        }
    }
    out.push('\n');
    for link in message.links.iter().filter(|link| link.url.len() <= MAX_LINK) {
        let (title, url) = (Escape::Line.apply(&link.title), Escape::Line.apply(&link.url));
        let is_named = *link != Link::to(&link.url) && title != url;
        out.push_str(&if is_named { format!("{title}: {url}\n") } else { format!("{url}\n") });
        if out.len() > MAX_HTML_BYTES / 2 {
            break;
        }
    }
    out.push('\n');
    let fields = fields(message);
    for (index, (name, value)) in fields.iter().enumerate() {
        let name = Escape::MailText.apply(&shorten(name, MAX_FIELD_NAME)).replace('\n', " ");
        // A second line that began at the margin could pass for another field.
        out.push_str(&format!("{name}: {}\n", part(value, MAX_FIELD).replace('\n', "\n    ")));
        if out.len() + END_BYTES > MAX_HTML_BYTES {
            out.push_str(&format!("and {} more fields\n", fields.len() - index - 1));
            break;
        }
    }
    if let Some(problem) = &message.problem {
        let problem = Escape::MailText.apply(&shorten(problem, MAX_PROBLEM));
        out.push_str(&format!("\nA template could not be used: {problem}\n"));
    }
    out.push_str(&format!("\n-- \nEgret, alert {}\n", letter.delivery.alert.alert_id));
    out
}

/// White on each of these has a contrast of at least 4.5 to 1.
fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "#8b1a1a",
        Severity::High => "#b93815",
        Severity::Medium => "#8a5a00",
        Severity::Low => "#1d5fa8",
        Severity::Informational => "#4b5563",
    }
}

/// The text of HTML that a template wrote: blocks become lines, links keep their address.
fn html_to_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    let mut hidden: Option<&str> = None;
    while let Some(start) = rest.find('<') {
        if hidden.is_none() {
            out.push_str(&unescape(&rest[..start]));
        }
        let Some(length) = rest[start..].find('>') else {
            rest = "";
            break;
        };
        let tag = rest[start + 1..start + length].to_ascii_lowercase();
        rest = &rest[start + length + 1..];
        let name = tag.trim_start_matches('/').split([' ', '/', '\n', '\t']).next().unwrap_or_default();
        match (hidden, name) {
            (None, "style" | "script" | "head" | "title") if !tag.starts_with('/') => {
                hidden = ["style", "script", "head", "title"].into_iter().find(|hiding| *hiding == name);
            }
            (Some(hiding), _) if tag.starts_with('/') && name == hiding => hidden = None,
            (Some(_), _) => {}
            (None, "br") => out.push('\n'),
            (None, "p" | "div" | "tr" | "li" | "ul" | "ol" | "table" | "h1" | "h2" | "h3" | "h4" | "pre") => {
                if !out.is_empty() && !out.ends_with('\n') {
                    out.push('\n');
                }
            }
            (None, "td" | "th") if !tag.starts_with('/') && !out.ends_with(['\n', ' ']) => out.push(' '),
            (None, _) => {}
        }
    }
    if hidden.is_none() {
        out.push_str(&unescape(rest));
    }
    out.trim().to_owned()
}

fn unescape(text: &str) -> String {
    // The ampersand last: `&amp;lt;` is the text `&lt;`.
    let named =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    named.into_iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_of_templates_has_a_text() {
        for (html, expected) in [
            ("<b>a</b> &lt;b&gt; &amp;lt;", "a <b> &lt;"),
            ("<p>one</p><p>two<br>three</p>", "one\ntwo\nthree"),
            ("<style>p {}</style><table><tr><td>a</td><td>b</td></tr></table>", "a b"),
            ("a < b", "a"),
            ("no tags", "no tags"),
        ] {
            assert_eq!(html_to_text(html), expected, "{html}");
        }
    }

    #[test]
    fn long_mark_up_loses_its_tags() {
        let part = Text::MarkUp(format!("<b>{}</b>", "x".repeat(50)));
        assert_eq!(html_part(&part, 20), "xxxxxxx… (shortened)");
        assert_eq!(html_part(&part, 57), format!("<b>{}</b>", "x".repeat(50)));
    }
}

//! Writing foreign text so that the place it goes to shows it and does not obey it: no mark-up, no mention, no link.

/// How text must be written in a kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As it is: a place that shows text as text, or JSON whose writer escapes by itself.
    Nothing,
    /// Within JSON that a template writes: the inside of a string without its quotes.
    Json,
    /// HTML text and attribute values.
    Html,
    /// HTML of a mail: mail programs look for addresses in it and make links of them.
    MailHtml,
    /// Text of a mail.
    MailText,
    /// Slack's `mrkdwn`.
    Slack,
    /// Markdown as in Teams and GitHub.
    Markdown,
    /// Jira's wiki mark-up.
    JiraWiki,
    /// One line of text: line ends and other control characters are written as `\n`, `\u{1b}`.
    Line,
}

impl Escape {
    /// `text` as it must be written.
    pub fn apply(self, text: &str) -> String {
        match self {
            Self::Nothing => text.to_owned(),
            Self::Json => json_inside(text),
            Self::Html => replace(text, html),
            Self::MailHtml => replace(&mail_text(text), html),
            Self::MailText => mail_text(text),
            Self::Slack => slack(text),
            Self::Markdown => markdown(text),
            Self::JiraWiki => jira_wiki(text),
            Self::Line => line(text),
        }
    }
}

fn replace(text: &str, with: impl Fn(char) -> Option<&'static str>) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match with(c) {
            Some(escaped) => out.push_str(escaped),
            None => out.push(c),
        }
    }
    out
}

fn json_inside(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn html(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    }
}

/// Control characters are shown, and so are those that turn the direction of text around, which hide what a name or an
/// address really is.
fn mail_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in break_links(text).chars() {
        match c {
            '\n' | '\t' => out.push(c),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.extend(c.escape_unicode());
            }
            control if control.is_control() => out.extend(control.escape_default()),
            plain => out.push(plain),
        }
    }
    out
}

/// An invisible joiner: between the characters of what a service would turn into mark-up or a link.
const WORD_JOINER: char = '\u{2060}';

/// The three characters that Slack's documentation asks to escape make mentions and links. `*`, `_`, `~` and a backtick
/// have no escape there; followed by a word joiner they are not at the edge of a word, where alone they mean something.
fn slack(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in break_links(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '*' | '_' | '~' | '`' => {
                out.push(WORD_JOINER);
                out.push(c);
                out.push(WORD_JOINER);
            }
            plain => out.push(plain),
        }
    }
    out
}

/// Every character that Markdown may obey gets a backslash; HTML and mentions are taken apart.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in break_links(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => {
                out.push('@');
                out.push(WORD_JOINER);
            }
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '-' | '!' | '|'
            | '~' | '.' => {
                out.push('\\');
                out.push(c);
            }
            plain => out.push(plain),
        }
    }
    out
}

/// The characters that begin something in Jira's wiki mark-up get a backslash.
fn jira_wiki(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in break_links(text).chars() {
        if matches!(
            c,
            '\\' | '{'
                | '}'
                | '['
                | ']'
                | '*'
                | '_'
                | '-'
                | '+'
                | '^'
                | '~'
                | '|'
                | '!'
                | '#'
                | '?'
                | '@'
                | '&'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Services turn addresses into links by themselves: a word joiner within the scheme, and before the dot of `www.`,
/// keeps them text that can still be read.
fn break_links(text: &str) -> String {
    text.replace("://", &format!(":{WORD_JOINER}//")).replace("www.", &format!("www{WORD_JOINER}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_text() {
        for (escape, text, expected) in [
            (Escape::Nothing, "<b>", "<b>"),
            (Escape::Json, "a\"b\n\u{1}", "a\\\"b\\n\\u0001"),
            (Escape::Html, "<a href='x'>&\"", "&lt;a href=&#39;x&#39;&gt;&amp;&quot;"),
            (Escape::MailText, "a\nb\u{1b}\u{202e}<c>", "a\nb\\u{1b}\\u{202e}<c>"),
            (Escape::MailHtml, "<a> http://b\r", "&lt;a&gt; http:\u{2060}//b\\r"),
            (Escape::Slack, "<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"),
            (Escape::Slack, "http://evil", "http:\u{2060}//evil"),
            (Escape::Slack, "*b*", "\u{2060}*\u{2060}b\u{2060}*\u{2060}"),
            (Escape::Markdown, "[x](http://y)", "\\[x\\]\\(http:\u{2060}//y\\)"),
            (Escape::Markdown, "@everyone <b>", "@\u{2060}everyone &lt;b&gt;"),
            (Escape::JiraWiki, "{code}[~admin]!x!", "\\{code\\}\\[\\~admin\\]\\!x\\!"),
            (Escape::Line, "a\r\nb\u{1b}[31m", "a\\r\\nb\\u{1b}[31m"),
        ] {
            assert_eq!(escape.apply(text), expected, "{escape:?} {text}");
        }
    }
}

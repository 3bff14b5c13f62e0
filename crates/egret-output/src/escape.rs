//! Writing foreign text so that the place it goes to shows it and does not obey it: no mark-up, no mention, no link.

use egret_http::escape_line;

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
    /// Markdown as GitHub reads it, which also links numbers of issues.
    GitHub,
    /// The Markdown within Adaptive Cards, of which every client of Teams reads another part.
    AdaptiveCard,
    /// Jira's wiki mark-up.
    JiraWiki,
    /// Within the key of an object in a store: one part of a path that can be nothing else.
    ObjectKey,
    /// One line of text: line ends and other control characters are written as `\n`, `\u{1b}`.
    Line,
    /// A part of a URL.
    Url,
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
            Self::GitHub => github(text),
            Self::AdaptiveCard => adaptive_card(text),
            Self::JiraWiki => jira_wiki(text),
            Self::ObjectKey => object_key(text),
            Self::Line => escape_line(text),
            Self::Url => url(text),
        }
    }

    /// Whether what goes there is read by programs, which obey nothing in it.
    pub(crate) fn is_for_programs(self) -> bool {
        matches!(self, Self::Nothing | Self::Json | Self::ObjectKey)
    }

    /// The same text, as it must be written in a title there: Jira and GitHub show titles as they are.
    pub(crate) fn apply_in_title(self, text: &str) -> String {
        match self {
            Self::GitHub | Self::JiraWiki => escape_line(text),
            other => other.apply(text),
        }
    }

    /// What a rule or a template calls a link. It is no foreign text: it must not end the link, but there are no word
    /// joiners in it, so that it can be copied.
    pub(crate) fn apply_in_label(self, text: &str) -> String {
        let line = one_line(text);
        // What cannot be escaped becomes its look-alike.
        let line = match self {
            Self::Slack => line.replace('|', "\u{2223}"),
            Self::JiraWiki => line.replace('\\', "\u{2216}"),
            _ => line,
        };
        self.apply(&line).replace(WORD_JOINER, "")
    }

    /// The same text within JSON that is written by somebody who knows JSON.
    pub(crate) fn apply_in_json(self, text: &str) -> String {
        match self {
            Self::Json => text.to_owned(),
            other => other.apply(text),
        }
    }

    /// The same text, as it must be written where a template writes the whole payload: where that is JSON with mark-up
    /// in it, for both.
    pub(crate) fn apply_in_body(self, text: &str) -> String {
        match self {
            Self::Slack | Self::AdaptiveCard => json_inside(&self.apply(text)),
            other => other.apply(text),
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
/// Within a word, `_` means nothing: names such as `root_login` can be copied.
fn slack(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let text = break_links(&visible(text));
    for (at, c) in text.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '_' if is_within_word(&text, at) => out.push(c),
            '>' => {
                // Even so it makes a quotation at the start of a line.
                if out.is_empty() || out.ends_with('\n') {
                    out.push(WORD_JOINER);
                }
                out.push_str("&gt;");
            }
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

/// What GitHub reads beyond Markdown: numbers of issues, formulas; and headings that the next line makes.
fn github(text: &str) -> String {
    let escaped = markdown(&visible(text));
    let mut out = String::with_capacity(escaped.len() + escaped.len() / 8);
    let mut characters = escaped.chars().peekable();
    while let Some(c) = characters.next() {
        if matches!(c, '=' | '$') {
            out.push('\\');
        }
        out.push(c);
        let before_number = characters.peek().is_some_and(char::is_ascii_digit);
        let after_gh =
            out.len() >= 4 && out.get(out.len() - 4..).is_some_and(|end| end.eq_ignore_ascii_case("gh\\-"));
        if before_number && (c == '#' || after_gh) {
            out.push(WORD_JOINER);
        }
    }
    out
}

/// So many characters of a value stand in a key.
const MAX_KEY_PART: usize = 128;

/// Letters, digits, `-`, `_`, and dots that are alone: no slash, and nothing that a path obeys.
fn object_key(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let kept = text.chars().take(MAX_KEY_PART).map(|c| if allowed(c) { c } else { '_' });
    let part = kept.collect::<String>().replace("..", "__");
    if part.is_empty() || part == "." { "_".to_owned() } else { part }
}

/// Clients for phones know no backslashes: links, mentions and lists are taken apart with word joiners, and what is left
/// to backslashes is emphasis, which does no harm where they are not known.
fn adaptive_card(text: &str) -> String {
    let text = break_links(&visible(text));
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (at, c) in text.char_indices() {
        let rest = &text[at..];
        if starts_line(&text, at) && starts_markdown_block(rest) {
            out.push(WORD_JOINER);
        }
        match c {
            '*' | '`' => {
                out.push('\\');
                out.push(c);
            }
            '_' if is_within_word(&text, at) => out.push(c),
            '_' => {
                out.push(WORD_JOINER);
                out.push(c);
                out.push(WORD_JOINER);
            }
            '\\' | '<' | '[' | ']' | '{' | '~' => {
                out.push(c);
                out.push(WORD_JOINER);
            }
            '&' if starts_entity(rest) => {
                out.push(c);
                out.push(WORD_JOINER);
            }
            plain => out.push(plain),
        }
    }
    out
}

/// Whether there are letters or digits on both sides.
fn is_within_word(text: &str, at: usize) -> bool {
    let (before, rest) = text.split_at(at);
    let after = rest.chars().nth(1);
    before.chars().next_back().is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
}

fn starts_line(text: &str, at: usize) -> bool {
    at == 0 || text[..at].ends_with('\n')
}

/// Lists, headings, quotations, code and what underlines a heading.
fn starts_markdown_block(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = number.len() < line.len()
        && number.starts_with(['.', ')'])
        && !number[1..].starts_with(|c: char| c.is_alphanumeric());
    is_numbered || line.starts_with(['-', '+', '#', '>', '=', '|', ' ', '\t'])
}

/// `&lt;`, `&#60;`: what would be shown as another character.
fn starts_entity(text: &str) -> bool {
    text[1..].starts_with(|c: char| c == '#' || c.is_ascii_alphabetic())
}

/// The characters that begin something in Jira's wiki mark-up get a backslash. Two backslashes would be a line end, and
/// `h1.` and its like mean something at the start of a line: there are word joiners in both.
fn jira_wiki(text: &str) -> String {
    let text = break_links(&visible(text));
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (at, c) in text.char_indices() {
        let rest = &text[at..];
        let before = text[..at].trim_end_matches([' ', '\t']);
        if starts_jira_block(rest) && (before.is_empty() || before.ends_with('\n')) {
            out.push(WORD_JOINER);
        }
        match c {
            '{' | '}' | '[' | ']' | '*' | '_' | '-' | '+' | '^' | '~' | '|' | '!' | '#' | '?' | '@' => {
                out.push('\\');
                out.push(c);
            }
            '\\' => {
                out.push(c);
                out.push(WORD_JOINER);
            }
            '&' if starts_entity(rest) => {
                out.push(c);
                out.push(WORD_JOINER);
            }
            plain => out.push(plain),
        }
    }
    out
}

/// A heading, `h1.`, or a quotation, `bq.`.
fn starts_jira_block(text: &str) -> bool {
    let mut characters = text.chars();
    match (characters.next(), characters.next(), characters.next()) {
        (Some('h'), Some(digit), Some('.')) => digit.is_ascii_digit(),
        (Some('b'), Some('q'), Some('.')) => true,
        _ => false,
    }
}

fn url(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Control characters, and those that turn the direction of writing, are shown as signs: some services refuse them, and
/// none shows what they do. Line ends and tabs stay.
pub(crate) fn visible(text: &str) -> String {
    let sign = |c: char| match c {
        '\n' | '\t' => c,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            char::REPLACEMENT_CHARACTER
        }
        plain => plain,
    };
    text.replace("\r\n", "\n").chars().map(sign).collect()
}

/// Lines joined by a sign: in a list of names and values, a line of its own could pass for another of them.
pub(crate) fn one_line(text: &str) -> String {
    let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).map(str::trim);
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ↵ ")
}

/// Services turn addresses into links by themselves: a word joiner within the scheme, and before the dot of `www.`,
/// keeps them text that can still be read.
pub(crate) fn break_links(text: &str) -> String {
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
            (Escape::GitHub, "[x](http://y)", "\\[x\\]\\(http:\u{2060}//y\\)"),
            (Escape::GitHub, "@everyone <b>", "@\u{2060}everyone &lt;b&gt;"),
            (Escape::GitHub, "see #12 or GH-12", "see \\#\u{2060}12 or GH\\-\u{2060}12"),
            (Escape::GitHub, "a\n===\u{1b}$x$", "a\n\\=\\=\\=\u{241b}\\$x\\$"),
            (Escape::AdaptiveCard, "198.51.100.7", "198.51.100.7"),
            (Escape::AdaptiveCard, "  a\n- b\n===", "\u{2060}  a\n\u{2060}- b\n\u{2060}==="),
            (Escape::AdaptiveCard, "[x](http://y)", "[\u{2060}x]\u{2060}(http:\u{2060}//y)"),
            (Escape::AdaptiveCard, "_b *c*\n1. d", "\u{2060}_\u{2060}b \\*c\\*\n\u{2060}1. d"),
            (Escape::AdaptiveCard, "root_console_login2_x", "root_console_login2_x"),
            (Escape::AdaptiveCard, "_a_b_", "\u{2060}_\u{2060}a_b\u{2060}_\u{2060}"),
            (Escape::AdaptiveCard, "a__b", "a\u{2060}_\u{2060}\u{2060}_\u{2060}b"),
            (Escape::Slack, "root_console_login2_x", "root_console_login2_x"),
            (Escape::Slack, "_a_b_ ü_ß", "\u{2060}_\u{2060}a_b\u{2060}_\u{2060} ü_ß"),
            (Escape::Slack, "a._b", "a.\u{2060}_\u{2060}b"),
            (Escape::Slack, "a_\n_b", "a\u{2060}_\u{2060}\n\u{2060}_\u{2060}b"),
            (Escape::Slack, "a_*b*", "a\u{2060}_\u{2060}\u{2060}*\u{2060}b\u{2060}*\u{2060}"),
            (
                Escape::AdaptiveCard,
                "x <at>y</at> {{DATE",
                "x <\u{2060}at>y<\u{2060}/at> {\u{2060}{\u{2060}DATE",
            ),
            (Escape::AdaptiveCard, "a &lt; b & c", "a &\u{2060}lt; b & c"),
            (Escape::Slack, "> a", "\u{2060}&gt; a"),
            (Escape::JiraWiki, "{code}[~admin]!x!", "\\{code\\}\\[\\~admin\\]\\!x\\!"),
            (Escape::ObjectKey, "../../etc/x y.json", "______etc_x_y.json"),
            (Escape::ObjectKey, ".", "_"),
            (Escape::ObjectKey, "", "_"),
            (Escape::ObjectKey, "a.b-c%2e%2e\u{0}ä", "a.b-c_2e_2e__"),
            (Escape::JiraWiki, "C:\\x\n h1. y", "C:\\\u{2060}x\n \u{2060}h1. y"),
            (Escape::Url, "a b/c?d&ü", "a%20b%2Fc%3Fd%26%C3%BC"),
            (Escape::Line, "a\r\nb\u{1b}[31m", "a\\r\\nb\\u{1b}[31m"),
        ] {
            assert_eq!(escape.apply(text), expected, "{escape:?} {text}");
        }
    }

    #[test]
    fn labels_can_be_copied_and_end_no_link() {
        let url = "https://www.e.org/a?b=1&c=2";
        for (escape, text, expected) in [
            (Escape::Slack, url, "https://www.e.org/a?b=1&amp;c=2"),
            (Escape::Slack, "a|b>\n_c_", "a\u{2223}b&gt; ↵ _c_"),
            (Escape::GitHub, url, "https://www\\.e\\.org/a?b\\=1&amp;c\\=2"),
            (Escape::GitHub, "a](b) @c #1", "a\\]\\(b\\) @c \\#1"),
            (Escape::JiraWiki, url, "https://www.e.org/a\\?b=1&c=2"),
            (Escape::JiraWiki, "a|b]\\", "a\\|b\\]\u{2216}"),
        ] {
            assert_eq!(escape.apply_in_label(text), expected, "{escape:?} {text}");
        }
    }

    #[test]
    fn lines_are_joined() {
        assert_eq!(one_line(" a\r\n\n b\u{2028}c\n"), "a ↵ b ↵ c");
        assert_eq!(one_line("a  b"), "a  b");
    }

    #[test]
    fn titles_and_payloads_have_their_own_rules() {
        assert_eq!(Escape::JiraWiki.apply_in_title("a_b\nc"), "a_b\\nc");
        assert_eq!(Escape::Slack.apply_in_title("<a>"), "&lt;a&gt;");
        assert_eq!(Escape::Slack.apply_in_body("<a> \"b\"\n"), "&lt;a&gt; \\\"b\\\"\\n");
        assert_eq!(Escape::GitHub.apply_in_body("a_b"), "a\\_b");
    }
}

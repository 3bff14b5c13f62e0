//! The names in an expression that may be fields, found before it is compiled: fields are declared nowhere.

/// Every word of `sql` that may be a column, as it is written, each once: quoted and plain identifiers,
/// keywords and functions among them, but nothing inside text or comments.
pub(crate) fn possible_columns(sql: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (taken, name) = match first {
            '\'' => (quoted(rest, '\''), None),
            '"' => {
                let end = quoted(rest, '"');
                (end, Some(rest[1..end].trim_end_matches('"').replace("\"\"", "\"")))
            }
            '-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), None),
            '/' if rest.starts_with("/*") => (rest.find("*/").map_or(rest.len(), |at| at + 2), None),
            c if is_word(c) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (end, (!c.is_ascii_digit()).then(|| rest[..end].to_owned()))
            }
            c => (c.len_utf8(), None),
        };
        names.extend(name.filter(|name| !name.is_empty()));
        rest = &rest[taken..];
    }
    names.sort();
    names.dedup();
    names
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The length of the text or name in `quote`s at the start; a doubled quote is part of it.
fn quoted(text: &str, quote: char) -> usize {
    let mut at = 1;
    while let Some(end) = text[at..].find(quote) {
        at += end + 1;
        if !text[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_but_not_in_text_or_comments() {
        for (sql, expected) in [
            ("strptime(time_local, '%d/%b it''s x')", vec!["strptime", "time_local"]),
            (r#""user.name" || "a""b""#, vec!["a\"b", "user.name"]),
            ("a -- b\n+ c /* d */ * 3e", vec!["a", "c"]),
            ("Größe::bigint", vec!["Größe", "bigint"]),
            ("'open", vec![]),
            ("\"open", vec!["open"]),
            ("/* open", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(possible_columns(sql), expected, "{sql}");
        }
    }
}

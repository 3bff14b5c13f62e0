//! Foreign text: shortened to the limits of services, so that it stays valid and says that it was shortened, and shown
//! in one line.

/// What stands where something was left out.
const MARK: &str = "… (shortened)";

/// `text` in at most `limit` characters. If it is longer, its end says that it was shortened.
pub fn shorten(text: &str, limit: usize) -> String {
    if text.len() <= limit || text.chars().count() <= limit {
        return text.to_owned();
    }
    let mark = if MARK.chars().count() < limit { MARK } else { "…" };
    let kept = limit.saturating_sub(mark.chars().count());
    let mut short: String = text.chars().take(kept).collect();
    // A mark in half of an escape would be obeyed or shown as rubbish.
    if let Some(start) =
        short.rfind('&').filter(|start| short.len() - start < 8 && !short[*start..].contains(';'))
    {
        short.truncate(start);
    }
    while short.ends_with('\\') {
        short.pop();
    }
    short.extend(mark.chars().take(limit));
    short
}

/// As [`shorten`], with a limit in bytes of UTF-8.
pub fn shorten_bytes(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mark = if MARK.len() < limit { MARK } else { "" };
    let mut end = limit - mark.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{mark}", &text[..end])
}

/// One line of text: line ends and other control characters are written as `\n`, `\u{1b}`.
pub fn escape_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// What a service or a command said, as errors show it to people: one line of at most `limit` characters.
pub fn said(text: &str, limit: usize) -> String {
    shorten(escape_line(text.trim()).trim(), limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_one_line() {
        assert_eq!(said("\n a\r\nb\u{1b}[31m \0", 30), "a\\r\\nb\\u{1b}[31m \\u{0}");
        assert_eq!(said(&"x\n".repeat(100), 20), "x\\nx\\nx… (shortened)");
    }

    #[test]
    fn short_text_is_left_alone() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten_bytes("äöü", 6), "äöü");
    }

    #[test]
    fn long_text_says_that_it_was_shortened() {
        let short = shorten(&"x".repeat(100), 20);
        assert_eq!(short, "xxxxxxx… (shortened)");
        assert_eq!(short.chars().count(), 20);
        assert_eq!(shorten("abc", 2), "a…");
        assert_eq!(shorten_bytes(&"ä".repeat(20), 22), format!("{}… (shortened)", "ä".repeat(3)));
    }

    #[test]
    fn no_escape_is_cut_in_half() {
        assert_eq!(shorten(&format!("aaaaa&amp;{}", "b".repeat(50)), 21), "aaaaa… (shortened)");
        assert_eq!(shorten(&format!("aaaaaaa\\*{}", "b".repeat(50)), 21), "aaaaaaa… (shortened)");
    }

    proptest::proptest! {
        #[test]
        fn the_limit_is_kept(text in ".{0,80}", limit in 1usize..60) {
            proptest::prop_assert!(shorten(&text, limit).chars().count() <= limit);
            proptest::prop_assert!(shorten_bytes(&text, limit).len() <= limit);
        }
    }
}

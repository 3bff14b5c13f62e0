//! Channels: the dotted names of streams of rows, and patterns over them.

use std::fmt;

/// A pattern over channel names. `*` stands for any run of characters within a segment, `**` for any number
/// of segments, and a lone `*` for everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelPattern(String);

impl ChannelPattern {
    /// The pattern written as `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether `channel` is one of those meant.
    pub fn matches(&self, channel: &str) -> bool {
        if self.0 == "*" {
            return true;
        }
        let pattern: Vec<&str> = self.0.split('.').collect();
        let name: Vec<&str> = channel.split('.').collect();
        segments_match(&pattern, &name)
    }
}

impl ChannelPattern {
    /// One of the channels that are meant.
    pub fn example(&self) -> String {
        let segments = self.0.split('.').filter(|segment| *segment != "**");
        let channel = segments.map(|segment| segment.replace('*', "any")).collect::<Vec<_>>().join(".");
        if channel.is_empty() { "any".to_owned() } else { channel }
    }
}

impl fmt::Display for ChannelPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn segments_match(pattern: &[&str], name: &[&str]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((&"**", rest)) => (0..=name.len()).any(|skipped| segments_match(rest, &name[skipped..])),
        Some((segment, rest)) => name
            .split_first()
            .is_some_and(|(head, tail)| wildcard_matches(segment, head) && segments_match(rest, tail)),
    }
}

/// Whether `text` is `pattern` with each `*` standing for any run of characters.
pub fn wildcard_matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return text.is_empty() };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_select_channels() {
        for (pattern, channel, expected) in [
            ("*", "aws.iam.users", true),
            ("aws.*", "aws.iam", true),
            ("aws.*", "aws.iam.users", false),
            ("aws.**", "aws.iam.users", true),
            ("aws.**", "aws", true),
            ("aws.**", "awsome.iam", false),
            ("**.users", "slack.users", true),
            ("aws.cloud*", "aws.cloudtrail", true),
            ("aws.*trail", "aws.cloudtrail", true),
            ("aws.c*t*l", "aws.cloudtrail", true),
            ("aws.c*x*l", "aws.cloudtrail", false),
            ("aws.iam", "aws.iam", true),
            ("aws.iam", "aws.iamx", false),
        ] {
            let pattern = ChannelPattern::new(pattern);
            assert_eq!(pattern.matches(channel), expected, "{pattern} {channel}");
            assert!(pattern.matches(&pattern.example()), "{pattern} {}", pattern.example());
        }
    }
}

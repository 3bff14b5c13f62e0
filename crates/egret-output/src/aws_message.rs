//! Messages as SNS and SQS take them: the text, the attributes, and what FIFO topics and queues ask for.

use egret_http::shorten;

use crate::delivery::Letter;

/// Characters of the value of an attribute.
const MAX_ATTRIBUTE: usize = 256;

/// What the attributes of a message may have in bytes, with their names: they count as part of it.
const ATTRIBUTES_BYTES: usize = 4 * (4 * MAX_ATTRIBUTE + 32);

/// The text of a message that may have `limit` bytes with its attributes.
pub(crate) fn message_text(letter: &Letter, limit: usize) -> String {
    valid(&letter.payload_within(limit.saturating_sub(ATTRIBUTES_BYTES)))
}

/// Names and values that subscriptions can filter by.
pub(crate) fn message_attributes(letter: &Letter) -> Vec<(&'static str, String)> {
    let alert = &letter.delivery.alert;
    let all = [
        ("severity", alert.severity.as_str()),
        ("detection", &alert.detection_id),
        ("channel", &alert.channel),
        ("action", letter.delivery.action.as_str()),
    ];
    // No value may be empty.
    let some = all.into_iter().filter(|(_, value)| !value.is_empty());
    some.map(|(name, value)| (name, shorten(&valid(value), MAX_ATTRIBUTE))).collect()
}

/// Whether the name of a topic or a queue is one that keeps order and drops repetitions.
pub(crate) fn is_fifo(name: &str) -> bool {
    name.ends_with(".fifo")
}

/// Without the characters that XML has not, which both services refuse.
fn valid(text: &str) -> String {
    let is_valid =
        |c: char| matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    text.chars().map(|c| if is_valid(c) { c } else { '?' }).collect()
}

#[cfg(test)]
pub(crate) mod tests;

//! The evidence of a finding: the row as JSON, no larger than a finding may hold.

use egret_model::finding::MAX_EVENT_BYTES;

use crate::row_json::JsonRows;

/// The member that marks an event of which something was left out, and the end of the object.
const MARK: &str = ",\"_truncated\":true}";

/// A shortened value keeps at least so many bytes, quotes included.
const SHORTEST_VALUE: usize = 32;

/// What stands at the end of a shortened value.
const ELLIPSIS: &str = "…";

/// The row as a JSON object without nulls. One larger than [`MAX_EVENT_BYTES`] says `"_truncated": true` and
/// has its largest values shortened: each is then a string with the start of its text.
pub(crate) fn event_json(rows: &JsonRows<'_>, row: usize) -> String {
    match serde_json::to_string(&rows.row(row)) {
        Ok(event) if event.len() <= MAX_EVENT_BYTES => event,
        _ => shortened_event(members(rows, row), MAX_EVENT_BYTES),
    }
}

/// Name and value of each column, both as JSON. One that cannot be written says why.
fn members(rows: &JsonRows<'_>, row: usize) -> Vec<(String, String)> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    rows.cells(row)
        .map(|(name, cell)| {
            let value = serde_json::to_string(&cell).unwrap_or_else(|error| quoted(&error.to_string()));
            (quoted(name), value)
        })
        .collect()
}

fn shortened_event(members: Vec<(String, String)>, limit: usize) -> String {
    // A name costs its length, a colon and a comma.
    let names: usize = members.iter().map(|(name, _)| name.len() + 2).sum();
    let budget = limit.saturating_sub(names + MARK.len() + 1);
    let longest = longest_value(members.iter().map(|(_, value)| value.len()).collect(), budget);
    let mut event = String::from("{");
    for (name, value) in members {
        let value = if value.len() > longest { shortened(&value, longest) } else { value };
        let comma = usize::from(event.len() > 1);
        // Only where there are so many or so long names that they do not fit by themselves.
        if event.len() + comma + name.len() + 1 + value.len() + MARK.len() > limit {
            continue;
        }
        if comma == 1 {
            event.push(',');
        }
        event.push_str(&name);
        event.push(':');
        event.push_str(&value);
    }
    let mark = if event.len() > 1 { MARK } else { &MARK[1..] };
    event.push_str(mark);
    event
}

/// How long a value may be so that all fit into `budget`: the largest are cut to the same length.
fn longest_value(mut lengths: Vec<usize>, mut budget: usize) -> usize {
    lengths.sort_unstable();
    let mut left = lengths.len();
    for length in lengths {
        let share = budget / left;
        if length > share {
            return share.max(SHORTEST_VALUE);
        }
        budget -= length;
        left -= 1;
    }
    usize::MAX
}

/// The start of a value as a JSON string of at most `limit` bytes.
fn shortened(value: &str, limit: usize) -> String {
    let decoded = serde_json::from_str::<String>(value);
    let text = decoded.as_deref().unwrap_or(value);
    let room = limit.saturating_sub(2 + ELLIPSIS.len());
    let mut kept = 0;
    let mut size = 0;
    for c in text.chars() {
        size += escaped_len(c);
        if size > room {
            break;
        }
        kept += c.len_utf8();
    }
    serde_json::Value::from(format!("{}{ELLIPSIS}", &text[..kept])).to_string()
}

/// The bytes that a character takes in a JSON string.
fn escaped_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests;

//! The text of an issue or a comment, in the mark-up of its tracker and within its limit.

use egret_http::shorten;
use egret_model::AlertAction;

use crate::delivery::Letter;
use crate::escape::{Escape, one_line, visible};

/// Of each field at most so much.
const MAX_FIELD: usize = 1000;
const MAX_FIELD_NAME: usize = 100;
const MAX_LINK_TITLE: usize = 200;
const MAX_PROBLEM: usize = 500;

/// Less of an event than this says nothing.
const MIN_EVENT: usize = 200;

/// A mark-up.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// How foreign text is written in it.
    pub escape: Escape,
    /// A line with a name and a value.
    pub field: fn(&str, &str) -> String,
    /// A line with a title and where it leads.
    pub link: fn(&str, &str) -> String,
    /// A block of code.
    pub code: fn(&str) -> String,
}

/// Parts with an empty line between them, as long as there is room.
struct Composition {
    text: String,
    room: usize,
}

impl Composition {
    fn push(&mut self, part: &str) {
        let length = part.chars().count() + 2;
        if part.trim().is_empty() || length > self.room {
            return;
        }
        self.room -= length;
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(part);
    }
}

/// The text of a letter in at most `limit` characters; it ends with `end`.
pub(crate) fn compose(letter: &Letter, dialect: &Dialect, limit: usize, end: &str) -> String {
    let (delivery, message) = (&letter.delivery, &letter.message);
    let room = limit.saturating_sub(end.chars().count() + 2);
    let mut composition = Composition { text: String::new(), room };
    if let Some(body) = &message.body {
        composition.push(&shorten(body, room.saturating_sub(2)));
    } else {
        composition.push(&message.text.shortened(dialect.escape, room / 4));
        let told = match delivery.action {
            AlertAction::Raise | AlertAction::Update | AlertAction::Reopen => true,
            AlertAction::Acknowledge | AlertAction::Close | AlertAction::Comment => false,
        };
        if told {
            composition.push(&message.description.shortened(dialect.escape, room / 8));
            composition.push(&fields(letter, dialect, room / 4));
            composition.push(&links(letter, dialect, room / 16));
        }
    }
    let problem = message.problem.as_deref().unwrap_or_default();
    composition.push(&shorten(&dialect.escape.apply(problem), MAX_PROBLEM));
    if message.body.is_none() && delivery.action == AlertAction::Raise {
        composition.push(&event(letter, dialect, composition.room));
    }
    let mut text = composition.text;
    if !end.is_empty() {
        text.push_str("\n\n");
        text.push_str(end);
    }
    text
}

fn fields(letter: &Letter, dialect: &Dialect, room: usize) -> String {
    let fields = &letter.message.fields;
    let (mut lines, mut used) = (Vec::new(), 0);
    for (name, value) in fields {
        let name = shorten(&dialect.escape.apply(&one_line(name)), MAX_FIELD_NAME);
        // Lines that a template wrote stay in the item of the list.
        let value = value.in_field(dialect.escape, MAX_FIELD).replace('\n', "\n  ");
        let line = (dialect.field)(&name, &value);
        used += line.chars().count() + 1;
        if used > room {
            break;
        }
        lines.push(line);
    }
    if lines.len() < fields.len() {
        lines.push(format!("… and {} more fields", fields.len() - lines.len()));
    }
    lines.join("\n")
}

fn links(letter: &Letter, dialect: &Dialect, room: usize) -> String {
    let (mut lines, mut used) = (Vec::new(), 0);
    for link in &letter.message.links {
        let Some(target) = link.target() else { continue };
        let title = shorten(&dialect.escape.apply_in_label(&link.title), MAX_LINK_TITLE);
        let line = (dialect.link)(&title, &target);
        used += line.chars().count() + 1;
        if used > room {
            break;
        }
        lines.push(line);
    }
    lines.join("\n")
}

fn event(letter: &Letter, dialect: &Dialect, room: usize) -> String {
    let event = serde_json::to_string_pretty(&letter.delivery.event_for_people()).unwrap_or_default();
    let event = visible(&event);
    // What the mark-up of the block adds depends on what is in it.
    let mut kept = room.saturating_sub(100);
    while kept >= MIN_EVENT {
        let block = (dialect.code)(&shorten(&event, kept));
        if block.chars().count() + 2 <= room {
            return block;
        }
        kept /= 2;
    }
    String::new()
}

//! Mistakes as text: the source line, a mark below it, notes and hints, as the Rust compiler shows them.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level as Style, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Level};
use crate::place::Location;

/// Renders `diagnostics` one below the other, with an empty line between.
pub(crate) fn render(diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for diagnostic in diagnostics {
        if !text.is_empty() {
            text.push('\n');
        }
        let source = diagnostic.location.as_ref().map(|location| location.file.shown());
        text.push_str(&renderer.render(&[group(diagnostic, source.as_deref())]));
        text.push('\n');
    }
    text
}

fn group<'d>(diagnostic: &'d Diagnostic, source: Option<&'d str>) -> Group<'d> {
    let style = match diagnostic.level {
        Level::Error => Style::ERROR,
        Level::Warning => Style::WARNING,
    };
    let title = style.primary_title(diagnostic.message.as_str());
    let mut group = match &diagnostic.location {
        None => Group::with_title(title),
        Some(location) => {
            let mark = AnnotationKind::Primary.span(shown_span(location)).label(diagnostic.label.as_deref());
            let path = location.file.path.to_string_lossy();
            title.element(Snippet::source(source.unwrap_or_default()).path(path).annotation(mark))
        }
    };
    if let Some(note) = &diagnostic.note {
        group = group.element(Style::NOTE.message(note.as_str()));
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Style::HELP.message(hint.as_str()));
    }
    group
}

/// The bytes to mark: on character boundaries, and of a long expression only what is on the first line.
fn shown_span(location: &Location) -> Range<usize> {
    let text = &location.file.text;
    let floor = |mut offset: usize| {
        offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    };
    let (start, end) = (floor(location.span.start), floor(location.span.end));
    let end = end.max(start);
    match text[start..end].find('\n') {
        Some(0) | None => start..end,
        Some(newline) => start..start + newline,
    }
}

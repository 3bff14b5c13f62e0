//! YAML's events to nodes. Rule files come from outside, so depth, aliases and documents are capped.
//!
//! The parser's own tree would keep neither the exact text of a number nor byte offsets, and take half as long again.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use egret_config::{Diagnostic, Location, SourceFile};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::place::Offsets;
use super::{Entry, Key, Kind, Node, Scalar, Size};

/// Lists and maps may be nested so deep. Everything that recurses over nodes relies on it.
pub(super) const MAX_DEPTH: usize = 64;

/// Aliases may repeat so many bytes in one file.
const MAX_ALIAS_BYTES: usize = 1 << 20;

/// So many documents are read from one file.
pub(super) const MAX_DOCUMENTS: usize = 1_000;

/// A map with more keys looks for repeated ones in a set.
const FEW_KEYS: usize = 16;

/// The documents of `file`. After a mistake reading goes on with the next document.
pub(in crate::sigma) fn parse(file: &Arc<SourceFile>) -> Vec<Result<Node, Box<Diagnostic>>> {
    let offsets = Offsets::new(&file.text);
    let mut documents = Vec::new();
    let mut start = 0;
    let mut alias_bytes = 0;
    loop {
        let mut reader = Reader::new(file, &offsets, start, alias_bytes);
        let (mistake, at) = match reader.read(&mut documents) {
            Ok(()) => return documents,
            Err(mistake) => *mistake,
        };
        alias_bytes = reader.alias_bytes;
        documents.push(Err(Box::new(mistake)));
        match next_document(&file.text, at.max(start + 1)) {
            Some(next) if documents.len() <= MAX_DOCUMENTS => start = next,
            _ => return documents,
        }
    }
}

/// Where the next line `---` at or after `offset` begins. No value can have such a line in it.
fn next_document(text: &str, offset: usize) -> Option<usize> {
    let mut from = offset.saturating_sub(1);
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    text[from..]
        .match_indices("\n---")
        .map(|(index, _)| from + index + 1)
        .find(|start| *start >= offset && text[start + 3..].chars().next().is_none_or(char::is_whitespace))
}

/// A mistake and the byte where it was noticed. Boxed, because it is rare.
type Mistake = Box<(Diagnostic, usize)>;

/// Builds nodes from the parser's events.
struct Reader<'a> {
    file: &'a Arc<SourceFile>,
    offsets: &'a Offsets<'a>,
    /// How many characters of the file are before what the parser was given.
    before: usize,
    parser: Parser<'a, StrInput<'a>>,
    /// The lists and maps that are open.
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, Size)>,
    alias_bytes: usize,
}

/// A list or map whose end was not seen yet.
struct Open {
    content: Content,
    span: Range<usize>,
    anchor: usize,
}

enum Content {
    List(Vec<Node>),
    Map(Vec<Entry>, Option<Key>),
}

impl<'a> Reader<'a> {
    fn new(file: &'a Arc<SourceFile>, offsets: &'a Offsets<'a>, start: usize, alias_bytes: usize) -> Self {
        let parser = Parser::new_from_str(&file.text[start..]);
        let before = offsets.characters(start);
        Self { file, offsets, before, parser, open: Vec::new(), anchors: HashMap::new(), alias_bytes }
    }

    fn read(&mut self, documents: &mut Vec<Result<Node, Box<Diagnostic>>>) -> Result<(), Mistake> {
        let mut root = None;
        while let Some(event) = self.parser.next_event() {
            let (event, span) = event.map_err(|error| self.syntax_error(&error))?;
            let span = self.bytes(span);
            let complete = match event {
                Event::DocumentStart(_) => {
                    if documents.len() >= MAX_DOCUMENTS {
                        return Err(self.too_many_documents(span));
                    }
                    self.anchors.clear();
                    None
                }
                Event::DocumentEnd => {
                    documents.extend(root.take().map(Ok));
                    None
                }
                event => self.node(event, span)?,
            };
            if let Some(node) = complete {
                root = self.place(node)?.or(root);
            }
        }
        Ok(())
    }

    /// What an event inside a document completes.
    fn node(&mut self, event: Event<'_>, span: Range<usize>) -> Result<Option<Node>, Mistake> {
        Ok(match event {
            Event::Scalar(text, style, anchor, tag) => {
                let text_by_tag = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let plain = style == ScalarStyle::Plain && !text_by_tag;
                let node = Node { kind: Kind::Scalar(Scalar::new(text.into_owned(), plain)), span };
                self.remember(anchor, &node);
                Some(node)
            }
            Event::Alias(anchor) => Some(self.alias(anchor, span)?),
            Event::SequenceStart(anchor, _) => {
                self.start(Content::List(Vec::new()), span, anchor)?;
                None
            }
            Event::MappingStart(anchor, _) => {
                self.start(Content::Map(Vec::new(), None), span, anchor)?;
                None
            }
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            _ => None,
        })
    }

    fn start(&mut self, content: Content, span: Range<usize>, anchor: usize) -> Result<(), Mistake> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.too_deep(span));
        }
        self.open.push(Open { content, span, anchor });
        Ok(())
    }

    fn end(&mut self) -> Result<Option<Node>, Mistake> {
        let Some(open) = self.open.pop() else { return Ok(None) };
        let kind = match open.content {
            Content::List(items) => Kind::List(items),
            Content::Map(entries, _) => {
                self.check_keys(&entries)?;
                Kind::Map(entries)
            }
        };
        let node = Node { kind, span: open.span };
        self.remember(open.anchor, &node);
        Ok(Some(node))
    }

    /// Puts `node` where it belongs; gives it back if it is the whole document.
    fn place(&mut self, node: Node) -> Result<Option<Node>, Mistake> {
        let Some(open) = self.open.last_mut() else { return Ok(Some(node)) };
        let is_first = match &open.content {
            Content::List(items) => items.is_empty(),
            Content::Map(entries, key) => entries.is_empty() && key.is_none(),
        };
        if is_first {
            open.span = open.span.start.min(node.span.start)..node.span.end.max(open.span.end);
        }
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map(entries, key) => match (key.take(), node.kind) {
                (Some(key), kind) => entries.push(Entry { key, value: Node { kind, span: node.span } }),
                (None, Kind::Scalar(scalar)) => {
                    *key = Some(Key { text: scalar.into_text(), span: node.span })
                }
                (None, _) => {
                    let mistake = "the name of a value is a list or a map".to_owned();
                    return Err(self.mistake(node.span, mistake, Some("write `name: value`")));
                }
            },
        }
        Ok(None)
    }

    fn check_keys(&self, entries: &[Entry]) -> Result<(), Mistake> {
        let repeated = match entries.len() > FEW_KEYS {
            true => {
                let mut seen = HashSet::with_capacity(entries.len());
                entries.iter().find(|entry| !seen.insert(entry.key.text.as_str()))
            }
            false => entries.iter().enumerate().find_map(|(index, entry)| {
                entries[..index].iter().any(|before| before.key.text == entry.key.text).then_some(entry)
            }),
        };
        if let Some(entry) = repeated {
            let message = format!("`{}` is here twice", entry.key.text);
            let hint = "remove one of them; values that may differ stand in a list below one name";
            return Err(self.mistake(entry.key.span.clone(), message, Some(hint)));
        }
        // Of YAML 1.1: here it would be a field called `<<`, which nobody means.
        if let Some(entry) = entries.iter().find(|entry| entry.key.text == "<<") {
            let message = "`<<` does not take over the values of another map in YAML 1.2".to_owned();
            return Err(self.mistake(entry.key.span.clone(), message, Some("write the values out")));
        }
        Ok(())
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), node.measure()));
        }
    }

    fn alias(&mut self, anchor: usize, span: Range<usize>) -> Result<Node, Mistake> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            let message = "this alias is inside the value that it stands for".to_owned();
            return Err(self.mistake(span, message, Some("write the value out")));
        };
        self.alias_bytes += size.bytes;
        if self.alias_bytes > MAX_ALIAS_BYTES {
            let message = format!("the aliases of this file repeat more than {} MiB", MAX_ALIAS_BYTES >> 20);
            return Err(self.mistake(span, message, Some("write the values out")));
        }
        if self.open.len() + size.depth > MAX_DEPTH + 1 {
            return Err(self.too_deep(span));
        }
        Ok(Node { kind: node.kind.clone(), span })
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        self.offsets.byte(self.before + span.start.index())..self.offsets.byte(self.before + span.end.index())
    }

    fn mistake(&self, span: Range<usize>, message: String, hint: Option<&str>) -> Mistake {
        let at = span.start;
        let place = Location::new(self.file, span);
        Box::new((Diagnostic::error(message).at(&place).hint_if(hint), at))
    }

    fn too_deep(&self, span: Range<usize>) -> Mistake {
        self.mistake(span, format!("this is nested deeper than {MAX_DEPTH} levels"), None)
    }

    fn too_many_documents(&self, span: Range<usize>) -> Mistake {
        let message = format!("the file has more than {MAX_DOCUMENTS} documents");
        self.mistake(span, message, Some("split it into several files"))
    }

    fn syntax_error(&self, error: &ScanError) -> Mistake {
        let at = self.offsets.byte(self.before + error.marker().index());
        let info = error.info();
        self.mistake(at..at, format!("this is no YAML: {}", info.replace('\'', "`")), syntax_hint(info))
    }
}

/// What is most often meant by what the parser stumbles over.
fn syntax_hint(info: &str) -> Option<&'static str> {
    let hints = [
        ("unexpected character", "put the value in single quotes"),
        ("anchor", "a value that begins with `*` or `&` stands in single quotes"),
        ("mapping values are not allowed", "a value with `: ` in it stands in single quotes"),
        ("tabs disallowed", "indent with spaces"),
        ("escape character", "in double quotes a backslash begins an escape: use single quotes"),
        ("quoted scalar", "every quote needs its end; a quote inside single quotes is written twice"),
        ("trailing content", "every quote needs its end; a quote inside single quotes is written twice"),
    ];
    hints.into_iter().find(|(part, _)| info.contains(part)).map(|(_, hint)| hint)
}

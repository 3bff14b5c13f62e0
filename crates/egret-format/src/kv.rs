//! `kv`: lines of `key=value` pairs, as logfmt and many firewalls write them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use egret_config::{BlockReader, Decode, Diagnostic, Located};

use crate::decoder::{Decoder, Format, Framing, ObjectContext};
use crate::lines::{LineParser, Reject, boxed};
use crate::plan::RecordPlan;
use crate::registry::{AttributeDocumentation, FormatType, Preset, decode_as, one_character};
use crate::rows::{FieldId, RowBuilder};

/// More pairs than this in one line are no record.
const MAX_PAIRS: usize = 4_096;

/// So many keys are remembered from line to line.
const MAX_KNOWN_KEYS: usize = 8_192;

/// The text of a key without a value.
const BARE: &str = "true";

pub(crate) const KV: FormatType = FormatType {
    name: "kv",
    description: "Lines of `key=value` pairs; as it stands, logfmt. A key without a value is the text `true`. A key \
                  that comes again is put as `key_2`. A quoted value that is not closed goes on to the end of the \
                  line. A line without any pair goes to quarantine.",
    attributes: &[
        AttributeDocumentation {
            name: "pair_separator",
            value_type: "string",
            default: Some("\" \""),
            description: "What stands between pairs. A space means any run of spaces and tabs; spaces around \
                          any other separator do not count.",
        },
        AttributeDocumentation {
            name: "kv_separator",
            value_type: "string",
            default: Some("\"=\""),
            description: "What stands between a key and its value; the first one in a pair counts.",
        },
        AttributeDocumentation {
            name: "quote",
            value_type: "string",
            default: Some("\"\\\"\""),
            description: "The character around values that hold separators, or \"\" for none.",
        },
        AttributeDocumentation {
            name: "escape",
            value_type: "string",
            default: Some("\"\\\\\""),
            description: "The character that makes a quote part of a quoted value, or \"\" for none. The \
                          backslash also knows `\\n`, `\\r`, `\\t` and `\\u0041`.",
        },
    ],
    presets: &[Preset {
        name: "default",
        description: "logfmt: `level=info msg=\"it works\"`.",
        layout: None,
        make: || Some(Arc::new(KeyValueFormat::default())),
    }],
    example: r#"format "kv" "firewall" {
  pair_separator = ";"
  kv_separator   = ":"
}
"#,
    decode: decode_as::<KeyValueFormat>,
};

/// Lines of `key=value` pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValueFormat {
    pair_separator: String,
    kv_separator: String,
    quote: Option<u8>,
    escape: Option<u8>,
}

/// logfmt.
impl Default for KeyValueFormat {
    fn default() -> Self {
        Self { pair_separator: " ".into(), kv_separator: "=".into(), quote: Some(b'"'), escape: Some(b'\\') }
    }
}

impl Decode for KeyValueFormat {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let default = Self::default();
        let pair_separator = separator(reader, "pair_separator", default.pair_separator);
        let kv_separator = separator(reader, "kv_separator", default.kv_separator);
        let quote = one_character(reader, "quote", default.quote);
        let escape = one_character(reader, "escape", default.escape);
        let format = Self {
            pair_separator: pair_separator?,
            kv_separator: kv_separator?,
            quote: quote?,
            escape: escape?,
        };
        if format.pair_separator == format.kv_separator {
            let mistake =
                Diagnostic::error("`pair_separator` and `kv_separator` are the same").at(reader.location());
            reader.diagnostics().push(mistake.hint("nobody could tell keys from values"));
            return None;
        }
        Some(format)
    }
}

/// An attribute that must not be empty. Only spaces of it mean any run of spaces.
fn separator(reader: &mut BlockReader<'_>, name: &'static str, default: String) -> Option<String> {
    let written: Option<Located<String>> = reader.optional_or(name, None)?;
    let Some(written) = written else { return Some(default) };
    if written.value.is_empty() {
        let mistake = Diagnostic::error(format!("`{name}` is empty")).at(&written.location);
        reader.diagnostics().push(mistake.hint(format!("leave it out for {default:?}")));
        return None;
    }
    let is_spaces = written.value.bytes().all(|byte| matches!(byte, b' ' | b'\t'));
    Some(if is_spaces { " ".to_owned() } else { written.value.trim_matches(' ').to_owned() })
}

impl Format for KeyValueFormat {
    fn kind(&self) -> &'static str {
        KV.name
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn decoder(&self, plan: &Arc<RecordPlan>, _: &ObjectContext) -> Box<dyn Decoder> {
        boxed(KeyValueParser { format: self.clone(), plan: plan.clone(), line: 0, keys: HashMap::new() })
    }
}

struct KeyValueParser {
    format: KeyValueFormat,
    plan: Arc<RecordPlan>,
    /// The number of this line, to see which keys it has had.
    line: u64,
    keys: HashMap<Box<str>, Key>,
}

/// What is known of a key.
struct Key {
    field: FieldId,
    /// The line that had it last.
    line: u64,
    /// The number that it reached there: how often it came, and more if a longer name was taken.
    times: u32,
}

impl LineParser for KeyValueParser {
    fn parse(&mut self, line: &str, rows: &mut RowBuilder<'_>) -> Result<(), Reject> {
        self.line += 1;
        if self.keys.len() > MAX_KNOWN_KEYS {
            self.keys.clear();
        }
        let (mut pairs, mut bare) = (0, 0);
        let mut rest = self.format.skip_separators(line);
        while !rest.is_empty() {
            let (key, value, after) = self.format.read_pair(rest);
            match value {
                Some(value) => self.put(&key, &value, rows),
                None => {
                    bare += 1;
                    self.put(&key, BARE, rows);
                }
            }
            pairs += 1;
            if pairs > MAX_PAIRS {
                return Err(Reject(format!("more than {MAX_PAIRS} pairs in a line")));
            }
            rest = self.format.skip_separators(after);
        }
        if pairs == bare {
            return Err(Reject(format!("no pair `key{}value` in the line", self.format.kv_separator)));
        }
        Ok(())
    }
}

impl KeyValueParser {
    fn put(&mut self, key: &str, value: &str, rows: &mut RowBuilder<'_>) {
        let line = self.line;
        let Some(known) = self.key(key) else { return };
        if known.line != line {
            (known.line, known.times) = (line, 1);
            rows.text(&known.field, value);
            return;
        }
        // The plain key counts how often it came; a longer name that is taken by itself leads to the next.
        let mut times = known.times;
        loop {
            times += 1;
            let Some(longer) = self.key(&format!("{key}_{times}")) else { return };
            if longer.line != line {
                (longer.line, longer.times) = (line, 1);
                rows.text(&longer.field, value);
                break;
            }
        }
        if let Some(known) = self.key(key) {
            known.times = times;
        }
    }

    fn key(&mut self, name: &str) -> Option<&mut Key> {
        if !self.keys.contains_key(name) {
            let field = FieldId::new(&self.plan, name);
            self.keys.insert(name.into(), Key { field, line: 0, times: 0 });
        }
        self.keys.get_mut(name)
    }
}

impl KeyValueFormat {
    fn splits_at_spaces(&self) -> bool {
        self.pair_separator == " "
    }

    /// What follows the separators at the start of `rest`.
    fn skip_separators<'l>(&self, rest: &'l str) -> &'l str {
        let mut rest = rest.trim_start_matches([' ', '\t']);
        while let Some(after) = rest.strip_prefix(self.pair_separator.as_str()) {
            rest = after.trim_start_matches([' ', '\t']);
        }
        rest
    }

    /// Reads the pair at the start of `rest`: key, value if there is one, and what follows.
    fn read_pair<'l>(&self, rest: &'l str) -> (Cow<'l, str>, Option<Cow<'l, str>>, &'l str) {
        if let Some((key, after)) = self.read_quoted(rest)
            && let Some(after) = self.skip_kv_separator(after)
        {
            let (value, after) = self.read_value(after);
            return (key, Some(value), after);
        }
        let pair_end = self.find_pair_end(rest);
        let pair = &rest[..pair_end];
        match pair.find(&self.kv_separator) {
            // A separator with nothing before it is no pair: it stays as it is.
            None | Some(0) => (Cow::Borrowed(self.trim(pair)), None, &rest[pair_end..]),
            Some(at) => {
                let after = &rest[at + self.kv_separator.len()..];
                let (value, after) = self.read_value(after);
                (Cow::Borrowed(self.trim(&pair[..at])), Some(value), after)
            }
        }
    }

    fn skip_kv_separator<'l>(&self, rest: &'l str) -> Option<&'l str> {
        let rest = if self.splits_at_spaces() { rest } else { rest.trim_start_matches([' ', '\t']) };
        rest.strip_prefix(self.kv_separator.as_str())
    }

    fn read_value<'l>(&self, rest: &'l str) -> (Cow<'l, str>, &'l str) {
        let rest = if self.splits_at_spaces() { rest } else { rest.trim_start_matches([' ', '\t']) };
        let starts_quoted = self.quote.is_some_and(|quote| rest.as_bytes().first() == Some(&quote));
        let plain_from = match self.read_quoted(rest) {
            Some((value, after)) if self.is_pair_end(after) => return (value, after),
            // Text right behind the closing quote: the quotes are part of the value.
            Some((_, after)) => rest.len() - after.len(),
            // Not closed: the line was cut off.
            None if starts_quoted => rest.len(),
            None => 0,
        };
        let end = plain_from + self.find_pair_end(&rest[plain_from..]);
        (Cow::Borrowed(self.trim(&rest[..end])), &rest[end..])
    }

    fn trim<'l>(&self, text: &'l str) -> &'l str {
        if self.splits_at_spaces() { text } else { text.trim_matches([' ', '\t']) }
    }

    fn find_pair_end(&self, rest: &str) -> usize {
        let found = if self.splits_at_spaces() {
            memchr::memchr2(b' ', b'\t', rest.as_bytes())
        } else {
            rest.find(&self.pair_separator)
        };
        found.unwrap_or(rest.len())
    }

    fn is_pair_end(&self, rest: &str) -> bool {
        rest.is_empty()
            || self.find_pair_end(if self.splits_at_spaces() { rest } else { rest.trim_start() }) == 0
            || rest.trim().is_empty()
    }

    /// The quoted text at the start of `rest`, its escapes resolved, and what follows the closing quote.
    fn read_quoted<'l>(&self, rest: &'l str) -> Option<(Cow<'l, str>, &'l str)> {
        let quote = self.quote.filter(|quote| rest.as_bytes().first() == Some(quote))?;
        let bytes = rest.as_bytes();
        let escape = self.escape.unwrap_or(quote);
        let mut at = 1;
        let mut has_escapes = false;
        loop {
            at += memchr::memchr2(quote, escape, &bytes[at..])?;
            let is_escape = bytes[at] == escape && (escape != quote || bytes.get(at + 1) == Some(&quote));
            if !is_escape || self.escape.is_none() {
                let inner = &rest[1..at];
                let text =
                    if has_escapes { Cow::Owned(resolve(inner, escape)) } else { Cow::Borrowed(inner) };
                return Some((text, &rest[at + 1..]));
            }
            has_escapes = true;
            // Over the escape and the character behind it, whose other bytes are neither quote nor escape.
            at = (at + 2).min(bytes.len());
        }
    }
}

/// Resolves the escapes of a quoted text.
fn resolve(inner: &str, escape: u8) -> String {
    let escape = char::from(escape);
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find(escape) {
        text.push_str(&rest[..at]);
        let mut after = rest[at + 1..].chars();
        match after.next() {
            Some('n') if escape == '\\' => text.push('\n'),
            Some('r') if escape == '\\' => text.push('\r'),
            Some('t') if escape == '\\' => text.push('\t'),
            Some('u') if escape == '\\' => {
                let digits = after.as_str().get(..4);
                let code =
                    digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
                match code {
                    Some(c) => {
                        text.push(c);
                        after = after.as_str()[4..].chars();
                    }
                    None => text.push_str("\\u"),
                }
            }
            Some(c @ ('"' | '\'' | '\\')) => text.push(c),
            Some(c) if c == escape => text.push(c),
            Some(c) => text.extend([escape, c]),
            None => text.push(escape),
        }
        rest = after.as_str();
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests;

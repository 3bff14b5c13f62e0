//! Modifiers: their names, and the name of a field with the modifiers behind it.

use std::ops::Range;

use egret_match::{Comparison, TextRelation, TimePart};

use super::limits;

/// What `|` and a word behind a field's name do with its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Modifier {
    /// All values must match, not one of them.
    All,
    /// No value may match.
    Neq,
    /// `contains`, `startswith` and `endswith`.
    Position(TextRelation),
    /// The field is there.
    Exists,
    /// Upper and lower case differ.
    Cased,
    /// Every dash stands for any.
    WinDash,
    /// A regular expression.
    Regex,
    /// A flag of a regular expression: `i`, `m`, `s`.
    Flag(char),
    /// Encoded.
    Base64,
    /// Encoded, as a part of something longer.
    Base64Offset,
    /// As two bytes a character.
    Utf16(Utf16),
    /// `lt`, `lte`, `gt` and `gte`.
    Compare(Comparison),
    /// A part of a time.
    Time(TimePart),
    /// A network.
    Cidr,
    /// Placeholders become their values.
    Expand,
    /// The name of another field.
    FieldRef,
}

/// The ways to write two bytes a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Utf16 {
    /// Low byte first.
    Little,
    /// High byte first.
    Big,
    /// Low byte first, after a mark that says so.
    Marked,
}

/// All names. Those of the specification first; the last three are pySigma's names for `i`, `m` and `s`.
const NAMES: [(&str, Modifier); 34] = [
    ("all", Modifier::All),
    ("startswith", Modifier::Position(TextRelation::StartsWith)),
    ("endswith", Modifier::Position(TextRelation::EndsWith)),
    ("contains", Modifier::Position(TextRelation::Contains)),
    ("exists", Modifier::Exists),
    ("cased", Modifier::Cased),
    ("neq", Modifier::Neq),
    ("windash", Modifier::WinDash),
    ("re", Modifier::Regex),
    ("i", Modifier::Flag('i')),
    ("m", Modifier::Flag('m')),
    ("s", Modifier::Flag('s')),
    ("base64", Modifier::Base64),
    ("base64offset", Modifier::Base64Offset),
    ("utf16le", Modifier::Utf16(Utf16::Little)),
    ("utf16be", Modifier::Utf16(Utf16::Big)),
    ("utf16", Modifier::Utf16(Utf16::Marked)),
    ("wide", Modifier::Utf16(Utf16::Little)),
    ("lt", Modifier::Compare(Comparison::Less)),
    ("lte", Modifier::Compare(Comparison::LessOrEqual)),
    ("gt", Modifier::Compare(Comparison::Greater)),
    ("gte", Modifier::Compare(Comparison::GreaterOrEqual)),
    ("minute", Modifier::Time(TimePart::Minute)),
    ("hour", Modifier::Time(TimePart::Hour)),
    ("day", Modifier::Time(TimePart::Day)),
    ("week", Modifier::Time(TimePart::Week)),
    ("month", Modifier::Time(TimePart::Month)),
    ("year", Modifier::Time(TimePart::Year)),
    ("cidr", Modifier::Cidr),
    ("expand", Modifier::Expand),
    ("fieldref", Modifier::FieldRef),
    ("ignorecase", Modifier::Flag('i')),
    ("multiline", Modifier::Flag('m')),
    ("dotall", Modifier::Flag('s')),
];

/// A modifier and where in the key its name is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// What it does.
    pub modifier: Modifier,
    /// The name's bytes in the key.
    pub span: Range<usize>,
}

/// The name of a field and the modifiers behind it: `CommandLine|contains|all`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldKey<'a> {
    /// The name as written; empty if the values are looked for in the whole record.
    pub field: &'a str,
    /// What is done with each value, in this order.
    pub steps: Vec<Step>,
    /// Whether all values must match, and the bytes of `all` in the key that says so.
    pub all: Option<Range<usize>>,
    /// Whether none may match: `neq`.
    pub negated: bool,
    /// Whether there are placeholders in the values: `expand`. They are put in first, wherever it stands: behind
    /// `contains` that makes no difference, and behind an encoding nothing else would mean anything.
    pub expand: bool,
}

/// A modifier that cannot be where it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyMistake {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// The bytes of the key that are meant.
    pub span: Range<usize>,
}

impl Modifier {
    fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, modifier)| *modifier)
    }

    /// How often a key may have it, or one like it. Texts that are encoded twice are found in the wild, but each time
    /// they grow.
    fn most(self) -> usize {
        match self {
            Self::Base64 | Self::Base64Offset | Self::Utf16(_) => 2,
            _ => 1,
        }
    }

    fn is_like(self, other: Self) -> bool {
        match self {
            Self::Base64 | Self::Base64Offset => matches!(other, Self::Base64 | Self::Base64Offset),
            Self::Utf16(_) => matches!(other, Self::Utf16(_)),
            _ => self == other,
        }
    }

    /// Whether it makes something of numbers, not of text.
    fn takes_number(self) -> bool {
        matches!(self, Self::Compare(_) | Self::Time(_))
    }

    /// The group of which a key takes one, if it is in such a group.
    fn group(self) -> Option<&'static str> {
        match self {
            Self::Position(_) => Some("`contains`, `startswith` and `endswith`"),
            Self::Compare(_) => Some("`lt`, `lte`, `gt` and `gte`"),
            Self::Time(_) => Some("`minute`, `hour`, `day`, `week`, `month` and `year`"),
            _ => None,
        }
    }
}

impl<'a> FieldKey<'a> {
    /// Reads a key.
    pub fn parse(key: &'a str) -> Result<Self, KeyMistake> {
        let (field, mut rest) = match key.split_once('|') {
            Some((field, rest)) => (field, Some(rest)),
            None => (key, None),
        };
        let field = field.trim();
        let mut parsed = Self { field, steps: Vec::new(), all: None, negated: false, expand: false };
        while let Some(text) = rest {
            let start = key.len() - text.len();
            let (name, next) = match text.split_once('|') {
                Some((name, next)) => (name, Some(next)),
                None => (text, None),
            };
            parsed.add(name.trim(), start..start + name.len())?;
            rest = next;
        }
        Ok(parsed)
    }

    fn add(&mut self, name: &str, span: Range<usize>) -> Result<(), KeyMistake> {
        let Some(modifier) = Modifier::from_name(name) else { return Err(unknown(name, span)) };
        let before = match modifier {
            Modifier::All => usize::from(self.all.is_some()),
            Modifier::Neq => usize::from(self.negated),
            Modifier::Expand => usize::from(self.expand),
            _ => self.steps.iter().filter(|step| step.modifier.is_like(modifier)).count(),
        };
        if before >= modifier.most() {
            let message = format!("the modifier `{name}` is here too often");
            return Err(KeyMistake { message, hint: "remove it".to_owned(), span });
        }
        match modifier {
            Modifier::All => self.all = Some(span),
            Modifier::Neq => self.negated = true,
            Modifier::Expand => self.expand = true,
            _ => {
                self.check_order(modifier, name, &span)?;
                self.steps.push(Step { modifier, span });
            }
        }
        Ok(())
    }

    /// What no value whatever could make right.
    fn check_order(&self, modifier: Modifier, name: &str, span: &Range<usize>) -> Result<(), KeyMistake> {
        let wrong = |message: String, hint: &str| {
            Err(KeyMistake { message, hint: hint.to_owned(), span: span.clone() })
        };
        let exists = self.steps.iter().any(|step| step.modifier == Modifier::Exists);
        if exists || (modifier == Modifier::Exists && !self.steps.is_empty()) {
            return wrong("`exists` goes with no other modifier".to_owned(), "write `field|exists: true`");
        }
        if self.steps.iter().any(|step| step.modifier.takes_number() != modifier.takes_number()) {
            let hint = "`lt`, `lte`, `gt`, `gte` and the parts of a time only go with each other";
            return wrong(format!("`{name}` does not go with the modifiers before it"), hint);
        }
        if let Some(group) = modifier.group()
            && self.steps.iter().any(|step| step.modifier.group() == Some(group))
        {
            return wrong(
                format!("of {group} there can be one"),
                "write two selections and join them by `and`",
            );
        }
        if modifier == Modifier::Regex && !self.steps.is_empty() {
            return wrong(
                "`re` comes before the other modifiers".to_owned(),
                "write `field|re`, the others behind it",
            );
        }
        if matches!(modifier, Modifier::Flag(_)) && !is_regex(&self.steps) {
            return wrong(format!("`{name}` is a flag of `re`"), &format!("write `re|{name}`"));
        }
        Ok(())
    }
}

/// Whether values with these modifiers are regular expressions, in which a backslash means something else.
pub(super) fn is_regex(steps: &[Step]) -> bool {
    steps.first().is_some_and(|step| step.modifier == Modifier::Regex)
}

fn unknown(name: &str, span: Range<usize>) -> KeyMistake {
    if name.is_empty() {
        let message = "there is no modifier behind `|`".to_owned();
        return KeyMistake { message, hint: "write one, or remove the `|`".to_owned(), span };
    }
    // The long names are pySigma's own, so they are understood but not proposed.
    let names: Vec<&str> = NAMES[..31].iter().map(|(name, _)| *name).collect();
    let hint = limits::nearest_hint(name, &names, "modifiers");
    KeyMistake { message: format!("there is no modifier `{name}`"), hint, span }
}

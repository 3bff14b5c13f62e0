//! `extract` blocks: patterns over free text, as written.

use egret_config::{BlockReader, Decode, Diagnostic, Located, Value, ValueKind, decode_block};

/// `extract "message" { when = …  pattern { … } }`: patterns over one text, the first that matches counts.
#[derive(Debug, Clone)]
pub struct ExtractDefinition {
    /// The column or field whose text is looked at.
    pub text: Located<String>,
    /// The rows that it is for.
    pub when: Option<Condition>,
    /// The patterns in the order in which they are tried.
    pub patterns: Vec<PatternDefinition>,
}

/// Which rows an `extract` is for.
#[derive(Debug, Clone)]
pub enum Condition {
    /// Those for which SQL over the table's columns is true.
    Sql(Located<String>),
    /// Those where each of the columns has one of the values.
    OneOf(Vec<(Located<String>, Vec<String>)>),
}

/// A pattern and what it gives.
#[derive(Debug, Clone)]
pub struct PatternDefinition {
    /// A regular expression for the whole text; its named groups are columns.
    pub pattern: Located<String>,
    /// What else columns are when it matches.
    pub set: Vec<(Located<String>, Located<String>)>,
}

impl Decode for ExtractDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let text = reader.located_label(0);
        let when: Option<Value> = reader.optional("when");
        let when = match when {
            None => Some(None),
            Some(value) => condition(&value, reader).map(Some),
        };
        let shared = reader.optional_or::<Vec<(Located<String>, Located<String>)>>("set", Vec::new());
        let mut patterns: Vec<PatternDefinition> = Vec::new();
        if let Some(pattern) = reader.optional::<Located<String>>("pattern") {
            patterns.push(PatternDefinition { pattern, set: Vec::new() });
        }
        for block in reader.blocks("pattern") {
            patterns.extend(decode_block::<PatternDefinition>(block, reader.diagnostics()));
        }
        if patterns.is_empty() && !reader.diagnostics().has_errors() {
            let mistake = Diagnostic::error("`extract` needs a pattern")
                .at(reader.location())
                .hint("add `pattern = \"…\"`, a regular expression whose named groups are columns");
            reader.diagnostics().push(mistake);
            return None;
        }
        for (column, value) in shared? {
            for pattern in &mut patterns {
                let is_set =
                    pattern.set.iter().any(|(other, _)| other.value.eq_ignore_ascii_case(&column.value));
                if !is_set {
                    pattern.set.push((column.clone(), value.clone()));
                }
            }
        }
        Some(Self { text: text?, when: when?, patterns })
    }
}

fn condition(value: &Value, reader: &mut BlockReader<'_>) -> Option<Condition> {
    let entries = match &value.kind {
        ValueKind::String(sql) => {
            return Some(Condition::Sql(Located::new(sql.clone(), value.location.clone())));
        }
        ValueKind::Map(entries) => entries,
        _ => {
            let expected = "SQL as a string, or a map such as { program = [\"sshd\"] }";
            reader.diagnostics().push(value.wrong_type(expected));
            return None;
        }
    };
    let mut columns = Vec::new();
    for (column, values) in entries {
        columns.push((column.clone(), texts(values, reader)?));
    }
    Some(Condition::OneOf(columns))
}

/// One text or a list of them.
fn texts(value: &Value, reader: &mut BlockReader<'_>) -> Option<Vec<String>> {
    let items = match &value.kind {
        ValueKind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(value),
    };
    let mut texts = Vec::new();
    for item in items {
        texts.push(item.expect_text("a string", reader.diagnostics())?.to_owned());
    }
    Some(texts)
}

impl PatternDefinition {
    /// The names of the pattern's groups, as far as they can be told without compiling it.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.pattern.value.split("(?").skip(1).filter_map(|rest| {
            let name = rest.strip_prefix("P<").or_else(|| rest.strip_prefix('<'))?;
            name.split_once('>').map(|(name, _)| name)
        })
    }
}

impl Decode for PatternDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let pattern = reader.required("regex");
        let set = reader.optional_or("set", Vec::new());
        Some(Self { pattern: pattern?, set: set? })
    }
}

//! Log sources: which rows a Sigma rule means when it names a category, a product, a service.

use std::collections::BTreeMap;

use egret_config::{
    Block, BlockKind, BlockReader, Configuration, Decode, Diagnostic, Diagnostics, Environment, FromValue,
    Located, Value, ValueKind, decode_block,
};
use egret_match::{Condition, Predicate, Subject, Test, TextPattern};
use egret_table::Tables;
use include_dir::{Dir, include_dir};

use crate::sigma::LogSource;

/// The block `logsource "name" { … }` at the top of a file.
pub const LOGSOURCE: BlockKind = BlockKind::new("logsource", &["name"]);

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../logsources");

/// What rules may call the rows of tables, and which rows they mean.
#[derive(Debug, Clone, Default)]
pub struct LogSources {
    entries: Vec<Entry>,
}

/// A name for rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    product: Option<String>,
    category: Option<String>,
    service: Option<String>,
    table: Located<String>,
    rows: Rows,
}

/// Which rows of a table, and how rules call their fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Rows {
    /// Each of these fields has one of these values.
    values: BTreeMap<String, Texts>,
    /// The table's field for one that rules call otherwise.
    fields: BTreeMap<String, String>,
}

/// One text or number, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Texts(Vec<String>);

impl FromValue for Texts {
    const EXPECTED: &'static str = "a string, a number, or a list of them";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let text = |value: &Value| match &value.kind {
            ValueKind::String(text) => Some(text.clone()),
            ValueKind::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let texts = match &value.kind {
            ValueKind::List(items) => items.iter().map(text).collect(),
            _ => text(value).map(|text| vec![text]),
        };
        if texts.is_none() {
            diagnostics.push(value.wrong_type(Self::EXPECTED));
        }
        texts.map(Self)
    }
}

/// One `logsource` block: a product, a table, and the names that its rows have.
struct LogSourceBlock(Vec<Entry>);

impl Decode for LogSourceBlock {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        // Its name is for people.
        let _ = reader.label(0);
        let product = reader.optional_or("product", None::<String>);
        let table = reader.required::<Located<String>>("table");
        let mut entries = Vec::new();
        for kind in ["category", "service"] {
            for named in reader.decode_blocks::<Named>(kind) {
                entries.push((kind, named));
            }
        }
        let any = reader.decode_blocks::<Rows>("any");
        let (product, table) = (product?, table?);
        let entry = |category: Option<String>, service: Option<String>, rows: Rows| Entry {
            product: product.clone(),
            category,
            service,
            table: table.clone(),
            rows,
        };
        let named = entries.into_iter().map(|(kind, Named { name, rows })| match kind {
            "category" => entry(Some(name), None, rows),
            _ => entry(None, Some(name), rows),
        });
        Some(Self(named.chain(any.into_iter().map(|rows| entry(None, None, rows))).collect()))
    }
}

/// A `category` or `service` block.
struct Named {
    name: String,
    rows: Rows,
}

impl Decode for Named {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let (name, rows) = (reader.label(0), Rows::decode(reader));
        Some(Self { name: name?, rows: rows? })
    }
}

impl Decode for Rows {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let values = reader.optional_or("where", BTreeMap::new());
        let fields = reader.optional_or("fields", BTreeMap::new());
        Some(Self { values: values?, fields: fields? })
    }
}

impl LogSources {
    /// Those that are there without configuration, and those of `configuration`.
    pub fn new(configuration: &Configuration, diagnostics: &mut Diagnostics) -> Self {
        let files = BUILT_IN.files().filter_map(|file| {
            Some((format!("logsources/{}", file.path().to_str()?), file.contents_utf8()?))
        });
        let built_in = Configuration::parse_all(files, &[LOGSOURCE], &Environment::default(), diagnostics);
        let mut sources = Self::default();
        for block in built_in.blocks_of(LOGSOURCE.name).chain(configuration.blocks_of(LOGSOURCE.name)) {
            sources.add(block, diagnostics);
        }
        sources
    }

    /// Says which names of tables are none of `tables`.
    pub fn check_tables(&self, tables: &Tables, diagnostics: &mut Diagnostics) {
        for Entry { table, .. } in &self.entries {
            if let Err(unknown) = tables.get(&table.value) {
                let mistake = Diagnostic::error(unknown.to_string()).at(&table.location);
                diagnostics.push(mistake.hint(unknown.hint));
            }
        }
    }

    fn add(&mut self, block: &Block, diagnostics: &mut Diagnostics) {
        if let Some(LogSourceBlock(entries)) = decode_block(block, diagnostics) {
            self.entries.extend(entries);
        }
    }

    /// What a rule looks for in each table that has rows of its log source: `condition` with the table's names for
    /// fields, on those rows alone.
    pub fn lower(&self, source: &LogSource, condition: &Condition) -> BTreeMap<String, Condition> {
        let mut by_table: BTreeMap<String, Vec<Condition>> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.has(source)) {
            let narrowed = entry.rows.narrow(condition);
            by_table.entry(entry.table.value.clone()).or_default().push(narrowed);
        }
        by_table
            .into_iter()
            .map(|(table, mut any)| match any.len() {
                1 => (table, any.remove(0)),
                _ => (table, Condition::Any(any)),
            })
            .collect()
    }

    /// The tables that have rows of some log source.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.table.value.as_str())
    }
}

impl Entry {
    /// Whether rows of `source` are meant. Category and service must be the same; whoever names no product means
    /// any.
    fn has(&self, source: &LogSource) -> bool {
        let is_product = match (&self.product, &source.product) {
            (Some(own), Some(other)) => own.eq_ignore_ascii_case(other),
            _ => true,
        };
        let names_something =
            source.product.is_some() || source.category.is_some() || source.service.is_some();
        is_product && names_something && self.category == source.category && self.service == source.service
    }
}

impl Rows {
    fn narrow(&self, condition: &Condition) -> Condition {
        let mut all: Vec<Condition> = self
            .values
            .iter()
            .map(|(field, Texts(values))| {
                let test = |value: &String| Condition::field(field, Test::Text(TextPattern::equals(value)));
                Condition::Any(values.iter().map(test).collect())
            })
            .collect();
        all.push(self.rename(condition));
        Condition::All(all)
    }

    fn rename(&self, condition: &Condition) -> Condition {
        let each = |parts: &[Condition]| parts.iter().map(|part| self.rename(part)).collect();
        match condition {
            Condition::Always(always) => Condition::Always(*always),
            Condition::Test(predicate) => Condition::Test(self.rename_in(predicate)),
            Condition::All(parts) => Condition::All(each(parts)),
            Condition::Any(parts) => Condition::Any(each(parts)),
            Condition::AtLeast(count, parts) => Condition::AtLeast(*count, each(parts)),
            Condition::Not(inner) => Condition::Not(Box::new(self.rename(inner))),
            Condition::Named(name, inner) => Condition::Named(name.clone(), Box::new(self.rename(inner))),
        }
    }

    fn rename_in(&self, predicate: &Predicate) -> Predicate {
        let mut predicate = predicate.clone();
        if let Subject::Field(name) = &mut predicate.subject
            && let Some(own) = self.fields.get(&**name)
        {
            *name = own.as_str().into();
        }
        if let Test::Field(relation) = &mut predicate.test
            && let Some(own) = self.fields.get(&*relation.other)
        {
            relation.other = own.as_str().into();
        }
        predicate
    }
}

#[cfg(test)]
mod tests;

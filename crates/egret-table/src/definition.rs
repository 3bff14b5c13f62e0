//! `table` blocks: what a log type is, as written.

use std::collections::HashMap;
use std::sync::Arc;

use egret_config::{
    BlockReader, Decode, Diagnostic, Diagnostics, FromValue, Located, Location, Reference, Value, ValueKind,
};
use egret_format::{Format, MappedFields, decode_format, preset};
use egret_model::ColumnType;
use egret_model::schema::{EXTRA, common_columns};

use crate::extract_definition::ExtractDefinition;
use crate::observable::{ObservableKind, ObservableRule};

/// `table "NAME" { … }`: columns, where they come from, and what is observable in them.
///
/// What is not written is `None`, so that a table of a built-in's name changes only what it names.
#[derive(Debug, Clone)]
pub struct TableDefinition {
    /// Its name in SQL and in the lake.
    pub name: Located<String>,
    /// What it holds, for people.
    pub description: Option<String>,
    /// The channel of its rows: [`TableDefinition::channel`].
    pub channel: Option<String>,
    /// How its records are written, unless a source says otherwise.
    pub format: Option<FormatChoice>,
    /// Patterns of the fields that become columns of their own name without being declared. All, if the table
    /// says nothing.
    pub map_fields: Option<Vec<String>>,
    /// Those that became columns.
    pub mapped_fields: MappedFields,
    /// Objects of the record whose members count as fields of the record itself, as paths with dots in which `*`
    /// is any one name.
    pub roots: Option<Vec<Located<String>>>,
    /// By which fields its records are recognised, where nobody says what a file is: all of one of these lists.
    pub recognise: Option<Vec<Vec<Located<String>>>>,
    /// Texts that mean null in every column that does not say so itself.
    pub null_if: Option<Vec<String>>,
    /// Where in a source its objects lie, for sources that have no layout of their own.
    pub file_layout: Option<String>,
    /// The columns in the order of `select *`, and what common columns are mapped to.
    pub columns: Vec<ColumnDefinition>,
    /// Patterns over free text.
    pub extracts: Vec<ExtractDefinition>,
}

/// How records are written.
#[derive(Debug, Clone)]
pub enum FormatChoice {
    /// A `format` block of the configuration, or a preset.
    Reference(Reference),
    /// A `format "TYPE" { … }` block inside the table.
    Inline(Arc<dyn Format>),
}

/// `column "NAME" { … }`
#[derive(Debug, Clone)]
pub struct ColumnDefinition {
    /// Its name in SQL.
    pub name: Located<String>,
    /// Its type; `varchar`, or what `transform` gives, if not written.
    pub column_type: Option<ColumnType>,
    /// Where its value comes from; the field of its own name if not written.
    pub value: Option<ColumnValue>,
    /// What it holds, for people.
    pub description: Option<String>,
    /// Whether a record without it goes to quarantine.
    pub required: Option<bool>,
    /// Texts that mean null.
    pub null_if: Option<Vec<String>>,
    /// What is observable in it.
    pub observables: Option<Vec<ObservableRule>>,
}

/// Where a column's value comes from.
#[derive(Debug, Clone)]
pub enum ColumnValue {
    /// A field: a name, or a path with dots. Of several the first that the record has.
    Fields(Vec<Located<String>>),
    /// SQL over the record's fields as text.
    Transform(Located<String>),
}

impl FormatChoice {
    /// The format itself; `None` after a mistake, which was reported. `find` knows the `format` blocks of the
    /// configuration by type and name; a preset need not be among them.
    pub fn resolve(
        &self,
        find: impl FnOnce(&str, &str) -> Option<Arc<dyn Format>>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Arc<dyn Format>> {
        let reference = match self {
            Self::Inline(format) => return Some(Arc::clone(format)),
            Self::Reference(reference) => reference,
        };
        let found = match reference.path.as_slice() {
            [block, kind, name] if block == "format" => find(kind, name).or_else(|| preset(kind, name)),
            _ => None,
        };
        if found.is_none() {
            let mistake = Diagnostic::error(format!("there is no format `{reference}`"));
            let hint =
                "write `format.TYPE.NAME` with a `format` block or a preset; `egret format list` shows them";
            diagnostics.push(mistake.at(&reference.location).hint(hint));
        }
        found
    }
}

impl TableDefinition {
    /// The channel of its rows unless a partition says otherwise: `custom.<name>` if not written.
    pub fn channel(&self) -> String {
        self.channel.clone().unwrap_or_else(|| format!("custom.{}", self.name.value))
    }

    /// Whether `record`, a JSON object, has the fields by which the table's records are recognised.
    pub fn recognises(&self, record: &serde_json::Value) -> bool {
        let has = |path: &Located<String>| has_field(record, &path.value);
        self.recognise.iter().flatten().any(|mark| mark.iter().all(has))
    }

    /// This definition on top of that of a built-in table of the same name: what is written here counts,
    /// everything else stays. Columns are replaced attribute by attribute, new ones come after the others, and
    /// patterns over free text are tried before the built-in ones.
    pub fn extending(self, base: &Self) -> Self {
        let mut columns = base.columns.clone();
        for column in self.columns {
            let name = &column.name.value;
            match columns.iter_mut().find(|other| other.name.value.eq_ignore_ascii_case(name)) {
                Some(replaced) => *replaced = column.extending(replaced),
                None => columns.push(column),
            }
        }
        let mut extracts = self.extracts;
        extracts.extend(base.extracts.iter().cloned());
        Self {
            name: self.name,
            description: self.description.or_else(|| base.description.clone()),
            channel: self.channel.or_else(|| base.channel.clone()),
            format: self.format.or_else(|| base.format.clone()),
            map_fields: self.map_fields.or_else(|| base.map_fields.clone()),
            mapped_fields: self.mapped_fields,
            roots: self.roots.or_else(|| base.roots.clone()),
            recognise: self.recognise.or_else(|| base.recognise.clone()),
            null_if: self.null_if.or_else(|| base.null_if.clone()),
            file_layout: self.file_layout.or_else(|| base.file_layout.clone()),
            columns,
            extracts,
        }
    }
}

impl ColumnDefinition {
    fn extending(self, base: &Self) -> Self {
        Self {
            name: Located::new(base.name.value.clone(), self.name.location),
            column_type: self.column_type.or_else(|| base.column_type.clone()),
            value: self.value.or_else(|| base.value.clone()),
            description: self.description.or_else(|| base.description.clone()),
            required: self.required.or(base.required),
            null_if: self.null_if.or_else(|| base.null_if.clone()),
            observables: self.observables.or_else(|| base.observables.clone()),
        }
    }
}

impl Decode for TableDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let name = reader.located_label(0);
        let definition = Self {
            description: reader.optional("description"),
            channel: reader.optional("channel"),
            format: decode_format_choice(reader),
            map_fields: reader.optional("map_fields"),
            mapped_fields: MappedFields::default(),
            roots: reader.optional("roots"),
            recognise: reader.optional("recognise"),
            null_if: reader.optional("null_if"),
            file_layout: reader.optional("file_layout"),
            columns: reader.decode_blocks("column"),
            extracts: reader.decode_blocks("extract"),
            name: name?,
        };
        check_name(&definition.name, reader);
        report_duplicates(&definition.columns, reader);
        report_empty_paths(&definition, reader);
        Some(definition)
    }
}

fn decode_format_choice(reader: &mut BlockReader<'_>) -> Option<FormatChoice> {
    let reference: Option<Reference> = reader.optional("format");
    let Some(block) = reader.nested_block("format") else {
        return reference.map(FormatChoice::Reference);
    };
    if let Some(reference) = reference {
        let mistake = Diagnostic::error("the table has two formats").at(&block.location);
        let note = format!("the other is at {}", reference.location);
        reader.diagnostics().push(mistake.note(note).hint("remove one of them"));
        return None;
    }
    let Some(kind) = block.label(0) else {
        let mistake = Diagnostic::error("`format` needs a type").at(&block.location);
        reader
            .diagnostics()
            .push(mistake.hint("write `format \"regex\" { … }`, or `format = format.regex.name`"));
        return None;
    };
    decode_format(kind, block, reader.diagnostics()).map(FormatChoice::Inline)
}

/// Whether a JSON object has the field at `path`; a flat one may have the whole path as one name.
fn has_field(object: &serde_json::Value, path: &str) -> bool {
    let inside = |(name, rest): (&str, &str)| has_field(object.get(name)?, rest).then_some(());
    object.get(path).is_some() || path.split_once('.').and_then(inside).is_some()
}

/// A table's name is also the name of a folder in the lake.
fn check_name(name: &Located<String>, reader: &mut BlockReader<'_>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts_well = name.value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !name.value.chars().all(plain) {
        let mistake = Diagnostic::error(format!("{:?} is not a name for a table", name.value));
        let hint = "use letters, digits and `_`, and start with a letter";
        reader.diagnostics().push(mistake.at(&name.location).hint(hint));
    }
}

fn report_duplicates(columns: &[ColumnDefinition], reader: &mut BlockReader<'_>) {
    let mut first_of: HashMap<String, &Location> = HashMap::new();
    for column in columns {
        let location = &column.name.location;
        if let Some(first) = first_of.insert(column.name.value.to_lowercase(), location) {
            let mistake = Diagnostic::error(format!("column `{}` is there twice", column.name.value));
            let note = format!("the first is at {first}; upper and lower case are the same");
            reader.diagnostics().push(mistake.at(location).note(note).hint("remove one of them"));
        }
    }
}

/// A root or a mark without a name in it would be about every record.
fn report_empty_paths(definition: &TableDefinition, reader: &mut BlockReader<'_>) {
    let marks = definition.recognise.iter().flatten();
    let paths = definition.roots.iter().flatten().chain(marks.clone().flatten());
    for path in paths.filter(|path| path.value.split('.').any(str::is_empty)) {
        let mistake = Diagnostic::error(format!("{:?} is no path to a field", path.value)).at(&path.location);
        reader.diagnostics().push(mistake.hint("write names with dots between them"));
    }
    if marks.clone().any(Vec::is_empty) {
        let mistake = Diagnostic::error("a list in `recognise` names no field").at(&definition.name.location);
        reader.diagnostics().push(mistake.hint("name the fields that every record of the table has"));
    }
}

impl Decode for ColumnDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let name = reader.located_label(0);
        let type_text: Option<Located<String>> = reader.optional("type");
        let column_type = type_text.and_then(|text| parse_type(&text, reader));
        let fields = reader.optional::<FieldNames>("source").map(|names| names.0);
        let transform: Option<Located<String>> = reader.optional("transform");
        let column = Self {
            value: column_value(fields, transform, reader),
            description: reader.optional("description"),
            required: reader.optional("required"),
            null_if: reader.optional("null_if"),
            observables: decode_observables(reader),
            column_type,
            name: name?,
        };
        check_column(&column, reader).then_some(column)
    }
}

fn parse_type(text: &Located<String>, reader: &mut BlockReader<'_>) -> Option<ColumnType> {
    match text.value.parse() {
        Ok(column_type) => Some(column_type),
        Err(error) => {
            let error: egret_model::types::UnknownType = error;
            let mistake = Diagnostic::error(error.to_string()).at(&text.location).hint(error.hint);
            reader.diagnostics().push(mistake);
            None
        }
    }
}

fn column_value(
    fields: Option<Vec<Located<String>>>,
    transform: Option<Located<String>>,
    reader: &mut BlockReader<'_>,
) -> Option<ColumnValue> {
    match (fields, transform) {
        (Some(_), Some(transform)) => {
            let mistake = Diagnostic::error("a column has either `source` or `transform`, not both");
            let hint = "a transform names its fields itself: remove `source`";
            reader.diagnostics().push(mistake.at(&transform.location).hint(hint));
            None
        }
        (Some(fields), None) => Some(ColumnValue::Fields(fields)),
        (None, transform) => transform.map(ColumnValue::Transform),
    }
}

/// `observable = "ip"`, or `observables = { "path" = "aka" }` for what lies inside the column.
fn decode_observables(reader: &mut BlockReader<'_>) -> Option<Vec<ObservableRule>> {
    let whole: Option<Located<ObservableKind>> = reader.optional("observable");
    let inner: Option<Vec<(Located<String>, ObservableKind)>> = reader.optional("observables");
    if whole.is_none() && inner.is_none() {
        return None;
    }
    let mut rules = Vec::new();
    if let Some(whole) = whole {
        rules.push(ObservableRule { path: Located::new(String::new(), whole.location), kind: whole.value });
    }
    rules.extend(inner.into_iter().flatten().map(|(path, kind)| ObservableRule { path, kind }));
    Some(rules)
}

fn check_column(column: &ColumnDefinition, reader: &mut BlockReader<'_>) -> bool {
    let name = column.name.value.to_lowercase();
    let location = &column.name.location;
    if name == EXTRA {
        let mistake = Diagnostic::error(format!("`{EXTRA}` is the column of what no other column holds"));
        reader.diagnostics().push(mistake.at(location).hint("give the column another name"));
        return false;
    }
    if !name.starts_with("tp_") {
        return true;
    }
    if !MAPPABLE.contains(&name.as_str()) {
        let mistake = match common_columns().iter().any(|common| common.name == name) {
            true => Diagnostic::error(format!("`{name}` is filled by Egret itself")),
            false => Diagnostic::error(format!("there is no common column `{name}`")),
        };
        let hint = match egret_model::suggest::nearest(&name, MAPPABLE) {
            Some(near) => format!("did you mean `{near}`? Names with `tp_` are for the common columns"),
            None => format!("those that a table may map are {}", MAPPABLE.join(", ")),
        };
        reader.diagnostics().push(mistake.at(location).hint(hint));
        return false;
    }
    let common = common_columns().into_iter().find(|common| common.name == name);
    if let (Some(common), Some(own)) = (common, &column.column_type)
        && common.column_type != *own
    {
        let mistake = Diagnostic::error(format!("`{name}` is a {}, not a {own}", common.column_type));
        reader.diagnostics().push(mistake.at(location).hint("remove `type`"));
        return false;
    }
    true
}

/// The common columns that a table may map; the others are the same for every table.
const MAPPABLE: [&str; 10] = [
    "tp_timestamp",
    "tp_index",
    "tp_source_ip",
    "tp_destination_ip",
    "tp_akas",
    "tp_ips",
    "tp_tags",
    "tp_domains",
    "tp_emails",
    "tp_usernames",
];

/// A field's name, or several of which the first that is there counts.
struct FieldNames(Vec<Located<String>>);

impl FromValue for FieldNames {
    const EXPECTED: &'static str = "a string with a field's name, or a list of them";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let names = match &value.kind {
            ValueKind::List(_) => Vec::from_value(value, diagnostics)?,
            _ => {
                let name = value.expect_text(Self::EXPECTED, diagnostics)?;
                vec![Located::new(name.to_owned(), value.location.clone())]
            }
        };
        if names.iter().any(|name: &Located<String>| name.value.is_empty()) || names.is_empty() {
            let mistake = Diagnostic::error("`source` names no field").at(&value.location);
            diagnostics.push(mistake.hint("leave it out if the field is called like the column"));
            return None;
        }
        Some(Self(names))
    }
}

#[cfg(test)]
mod tests;

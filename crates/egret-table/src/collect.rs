//! Collects the observables of each row: `tp_ips`, `tp_domains`, `tp_emails`, `tp_usernames`, `tp_akas`, `tp_tags`.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, NullBufferBuilder, RecordBatch, StringViewArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};
use egret_config::{Diagnostic, Diagnostics};
use egret_model::{ColumnType, suggest};

use crate::definition::ColumnDefinition;
use crate::json_path::JsonPath;
use crate::observable::{ObservableKind, ObservableRule};
use crate::views::{TextSource, ViewBuilder};

/// What is observable in a table, in the order of its columns.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    pub(crate) sources: Vec<ObservableSource>,
}

/// Where observable values lie.
#[derive(Debug)]
pub(crate) struct ObservableSource {
    pub(crate) column: String,
    /// The way through structs to the values.
    fields: Vec<String>,
    leaf: Leaf,
    pub(crate) kind: ObservableKind,
}

#[derive(Debug)]
enum Leaf {
    Text,
    Texts,
    Json(JsonPath),
}

/// Adds what is observable in a column to `sources`.
pub(crate) fn compile_observables(
    column: &ColumnDefinition,
    column_type: &ColumnType,
    sources: &mut Vec<ObservableSource>,
    diagnostics: &mut Diagnostics,
) {
    let name = column.name.value.to_lowercase();
    let mut add = |fields, leaf, kind| {
        sources.push(ObservableSource { column: column.name.value.clone(), fields, leaf, kind });
    };
    // A common list that the table maps is collected like any other, and checked.
    if let Some(kind) = ObservableKind::of_column(&name) {
        add(Vec::new(), Leaf::Texts, kind);
    }
    if matches!(name.as_str(), "tp_source_ip" | "tp_destination_ip") {
        add(Vec::new(), Leaf::Text, ObservableKind::Ip);
    }
    for rule in column.observables.iter().flatten() {
        match find_leaf(rule, column_type) {
            Ok((fields, leaf)) => add(fields, leaf, rule.kind),
            Err((message, hint)) => {
                diagnostics.push(Diagnostic::error(message).at(&rule.path.location).hint(hint));
            }
        }
    }
}

fn find_leaf(
    rule: &ObservableRule,
    column_type: &ColumnType,
) -> Result<(Vec<String>, Leaf), (String, String)> {
    let mut fields = Vec::new();
    let mut current = column_type;
    let mut rest = rule.path.value.as_str();
    while let ColumnType::Struct(inner) = current {
        let (name, after) = rest.split_once('.').unwrap_or((rest, ""));
        let Some((name, field)) = inner.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)) else {
            let names = inner.iter().map(|(field, _)| field.as_str());
            let hint = match suggest::nearest(name, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the fields are {}", names.collect::<Vec<_>>().join(", ")),
            };
            let message = match name {
                "" => "a struct has no text of its own to observe".to_owned(),
                _ => format!("the struct has no field `{name}`"),
            };
            return Err((message, hint));
        };
        fields.push(name.clone());
        (current, rest) = (field, after);
    }
    let leaf = match current {
        ColumnType::Json => JsonPath::parse(rest).map(Leaf::Json).ok_or_else(|| {
            let hint = "name the strings inside, as in `observables = { \"[*].ARN\" = \"aka\" }`";
            ("a JSON column needs a path to what is observable in it".to_owned(), hint.to_owned())
        })?,
        ColumnType::Varchar if rest.is_empty() => Leaf::Text,
        ColumnType::List(element) if rest.is_empty() && **element == ColumnType::Varchar => Leaf::Texts,
        _ if rest.is_empty() => {
            let hint = "only text is: `varchar`, `varchar[]`, or strings inside `json`".to_owned();
            return Err((format!("a {current} cannot be observable"), hint));
        }
        _ => {
            return Err((
                format!("a {current} has no fields, and `{rest}` names one"),
                "end the path before".into(),
            ));
        }
    };
    Ok((fields, leaf))
}

impl Collector {
    /// The columns that hold the hashes of files.
    pub(crate) fn hash_columns(&self) -> impl Iterator<Item = &str> {
        let hashes = self.sources.iter().filter(|source| source.kind == ObservableKind::Hash);
        hashes.map(|source| source.column.as_str())
    }

    /// The collected columns of `rows`, those without any value left out.
    pub(crate) fn collect(&self, rows: &RecordBatch) -> Vec<(&'static str, ArrayRef)> {
        let mut gathered: Vec<Gathered> = Vec::new();
        for source in self.sources.iter().filter(|source| source.kind != ObservableKind::Hash) {
            let Some(column) = leaf_column(rows, source) else { continue };
            let seen =
                gathered.iter().any(|other| other.kind == source.kind && other.is_of(&column, &source.leaf));
            if !seen {
                gathered.extend(Gathered::new(source, column));
            }
        }
        let targets = ObservableKind::ALL.into_iter().filter_map(|kind| Some((kind, kind.column()?)));
        targets.filter_map(|(kind, name)| Some((name, merge(kind, &gathered, rows.num_rows())?))).collect()
    }
}

/// The column at the end of the way through structs.
fn leaf_column(rows: &RecordBatch, source: &ObservableSource) -> Option<ArrayRef> {
    let mut column = Arc::clone(rows.column_by_name(&source.column)?);
    for field in &source.fields {
        column = Arc::clone(column.as_struct_opt()?.column_by_name(field)?);
    }
    Some(column)
}

/// The views of an empty text and of a hyphen, which Windows and web servers write where there is none.
const NOTHING: [u128; 2] = [0, 1 | (b'-' as u128) << 32];

/// The values of one source.
struct Gathered {
    column: ArrayRef,
    texts: StringViewArray,
    /// Where the values of each row start and end; one value a row without.
    offsets: Option<OffsetBuffer<i32>>,
    kind: ObservableKind,
    /// What each value is, if it must look like something.
    accepted: Option<Vec<Option<ObservableKind>>>,
}

impl Gathered {
    fn new(source: &ObservableSource, column: ArrayRef) -> Option<Self> {
        let (texts, offsets) = match &source.leaf {
            Leaf::Text => (column.as_string_view_opt()?.clone(), None),
            Leaf::Texts => {
                let list = column.as_list_opt::<i32>()?;
                (list.values().as_string_view_opt()?.clone(), Some(list.offsets().clone()))
            }
            Leaf::Json(path) => {
                let (texts, offsets) = strings_in(column.as_string_view_opt()?, path);
                (texts, Some(offsets))
            }
        };
        let kind = source.kind;
        let checked = matches!(kind, ObservableKind::Ip | ObservableKind::Domain | ObservableKind::Email);
        let accepted = checked.then(|| accept_all(kind, &texts));
        Some(Self { column, texts, offsets, kind, accepted })
    }

    fn is_of(&self, column: &ArrayRef, leaf: &Leaf) -> bool {
        Arc::ptr_eq(&self.column, column) && !matches!(leaf, Leaf::Json(_))
    }

    /// Whether any of the values is of `kind`.
    fn may_hold(&self, kind: ObservableKind) -> bool {
        match &self.accepted {
            Some(accepted) => accepted.contains(&Some(kind)),
            None => self.kind == kind && self.texts.null_count() < self.texts.len(),
        }
    }

    fn is(&self, index: usize, kind: ObservableKind) -> bool {
        match &self.accepted {
            Some(accepted) => accepted[index] == Some(kind),
            None => self.texts.is_valid(index) && !NOTHING.contains(&self.texts.views()[index]),
        }
    }
}

fn accept_all(kind: ObservableKind, texts: &StringViewArray) -> Vec<Option<ObservableKind>> {
    let mut last = (0, None);
    let accept = |(index, text): (usize, Option<&str>)| {
        let text = text?;
        let view = texts.views()[index];
        if last.0 != view {
            last = (view, kind.accept(text));
        }
        last.1
    };
    texts.iter().enumerate().map(accept).collect()
}

/// The strings at a path in each row's JSON.
fn strings_in(column: &StringViewArray, path: &JsonPath) -> (StringViewArray, OffsetBuffer<i32>) {
    let mut builder = ViewBuilder::with_capacity(0);
    let source = builder.source(column);
    let mut offsets = Vec::with_capacity(column.len() + 1);
    offsets.push(0);
    for (row, json) in column.iter().enumerate() {
        if let Some(json) = json {
            path.strings(json, |text| push_string(&mut builder, source, row, json, text));
        }
        offsets.push(builder.len() as i32);
    }
    (builder.finish(), OffsetBuffer::new(ScalarBuffer::from(offsets)))
}

/// Pushes `text`, without copying it if it lies in `json`, the value of `row`.
fn push_string(builder: &mut ViewBuilder, source: TextSource<'_>, row: usize, json: &str, text: &str) {
    let at = (text.as_ptr() as usize).wrapping_sub(json.as_ptr() as usize);
    if at < json.len() && at + text.len() <= json.len() {
        builder.push_part(source, row, at..at + text.len());
    } else {
        builder.push_text(text);
    }
}

/// From so many values in a row on, whether one is there already is looked up and not searched for.
const MANY_VALUES: usize = 32;

/// The values of `kind` in each row, each once, in the order of the sources; `None` if there is none at all.
fn merge(kind: ObservableKind, gathered: &[Gathered], rows: usize) -> Option<ArrayRef> {
    let mut builder = ViewBuilder::with_capacity(rows);
    let sources: Vec<(&Gathered, TextSource<'_>)> = gathered
        .iter()
        .filter(|gathered| gathered.may_hold(kind))
        .map(|gathered| (gathered, builder.source(&gathered.texts)))
        .collect();
    if sources.is_empty() {
        return None;
    }
    let mut offsets = Vec::with_capacity(rows + 1);
    let mut nulls = NullBufferBuilder::new(rows);
    offsets.push(0);
    let mut many: HashSet<String> = HashSet::new();
    for row in 0..rows {
        let start = builder.len();
        many.clear();
        for (gathered, texts) in &sources {
            let range = match &gathered.offsets {
                Some(offsets) => offsets[row] as usize..offsets[row + 1] as usize,
                None => row..row + 1,
            };
            for index in range {
                if !gathered.is(index, kind) {
                    continue;
                }
                // Most rows have a handful, but a record may name thousands.
                let is_new = if builder.len() - start < MANY_VALUES {
                    !builder.has_since(start, *texts, index)
                } else {
                    if many.is_empty() {
                        many.extend((start..builder.len()).map(|at| builder.text(at)));
                    }
                    many.insert(gathered.texts.value(index).to_owned())
                };
                if is_new {
                    builder.push(*texts, index);
                }
            }
        }
        nulls.append(builder.len() > start);
        offsets.push(builder.len() as i32);
    }
    if builder.len() == 0 {
        return None;
    }
    let element = Arc::new(Field::new("element", DataType::Utf8View, true));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Some(Arc::new(ListArray::new(element, offsets, Arc::new(builder.finish()), nulls.finish())))
}

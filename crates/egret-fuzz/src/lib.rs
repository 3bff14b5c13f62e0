//! What fuzzing tries. Each function takes any bytes at all, drives one kind of parser with them, and panics when
//! an invariant breaks. The binaries hand them to libFuzzer; the tests run them on `seeds/` and on random bytes.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringViewArray};
use chrono_tz::Tz;
use egret_config::{BlockKind, Configuration, Diagnostics, Environment};
use egret_detect::sigma::{Placeholders, SigmaFile};
use egret_format::registry::FORMAT_TYPES;
use egret_format::{Block, Decoded, Format, ObjectContext, PlanColumn, PlanParts, RecordPlan, RowBuilder};
use egret_match::{FieldMap, Memory, Program};
use egret_model::schema::EXTRA;
use egret_model::{ColumnType, Timestamp};
use egret_state::{BlobId, DocumentPath, Shape, StatePosition, diff, patch};
use serde_json::Value as Json;

/// A column of each kind, from the field of its name or one inside it.
const COLUMNS: &[(&str, &str)] = &[
    ("a", "varchar"),
    ("b", "bigint"),
    ("c", "json"),
    ("d", "varchar[]"),
    ("e", "struct(x boolean, y double)"),
    ("time", "timestamp"),
    ("message", "varchar"),
];

/// Any object, in any of the built-in formats. The first byte chooses the format, the second how the object is cut
/// into blocks.
///
/// # Panics
/// If a decoder makes other rows of other blocks, or leaves bytes of the last block.
pub fn records(data: &[u8]) {
    let [choice, cut, object @ ..] = data else { return };
    let formats: Vec<Arc<dyn Format>> =
        FORMAT_TYPES.iter().flat_map(|kind| kind.presets).filter_map(|preset| preset.format()).collect();
    let format = &formats[usize::from(*choice) % formats.len()];
    let plan = plan();
    let whole = decode(&**format, &plan, object, usize::MAX);
    let pieces = decode(&**format, &plan, object, usize::from(*cut).max(1));
    assert_eq!(whole, pieces, "{format:?}: other blocks, other records");
}

/// What came of an object.
#[derive(Debug, Default, PartialEq)]
struct Found {
    /// Where its rows start, and how long their records are.
    rows: Vec<(u64, u32)>,
    /// From where to where there is what was no record. How it falls into pieces depends on the blocks where
    /// nobody can tell records apart any more.
    quarantined: Option<(u64, u64)>,
    misfits: u64,
}

fn decode(format: &dyn Format, plan: &Arc<RecordPlan>, object: &[u8], step: usize) -> Found {
    let context =
        ObjectContext { modified: Timestamp::from_micros(1_714_557_600_000_000), timezone: Tz::UTC };
    let mut decoder = format.decoder(plan, &context);
    let mut found = Found::default();
    let (mut from, mut size) = (0, 0);
    while from < object.len() {
        // What a decoder leaves comes again with more behind it.
        size = (size + step.min(object.len())).min(object.len() - from);
        let last = from + size == object.len();
        let block = Block::new(object[from..from + size].to_vec(), from as u64, last);
        let mut rows = RowBuilder::new(plan, &block, 0);
        let used = decoder.decode(&block, &mut rows);
        assert!(used <= size, "{format:?} used more than it was given");
        assert!(used == size || !last, "{format:?} left bytes of the last block");
        take(rows.finish(), &mut found);
        from += used;
        size -= used;
    }
    found
}

fn take(decoded: Decoded, found: &mut Found) {
    assert_eq!(decoded.rows.num_rows(), decoded.spans.len(), "a place for each row");
    found.rows.extend(decoded.spans.iter().map(|span| (span.offset, span.length)));
    found.misfits += decoded.misfits;
    for quarantined in decoded.quarantined {
        let end = quarantined.offset + quarantined.length;
        let (_, last_end) = found.quarantined.get_or_insert((quarantined.offset, end));
        *last_end = end;
    }
}

fn plan() -> Arc<RecordPlan> {
    let columns: Vec<PlanColumn> = COLUMNS
        .iter()
        .filter_map(|(name, column_type)| {
            let (name, column_type) = ((*name).to_owned(), column_type.parse().ok()?);
            // Each has a second place, and more below the roots.
            let sources = vec![name.clone(), format!("{name}.value")];
            Some(PlanColumn { sources, name, column_type, null_if: Vec::new() })
        })
        .collect();
    let roots = ["root", "root.*", "list"].map(str::to_owned);
    let map_fields = ["m*".to_owned()];
    let parts =
        PlanParts { columns: &columns, roots: &roots, map_fields: &map_fields, ..PlanParts::default() };
    let plan = RecordPlan::from_parts(parts, Tz::UTC);
    Arc::new(plan.unwrap_or_else(|error| unreachable!("{error}")))
}

/// Any layout, pattern or path that a configuration may give a format. The first byte chooses the type of format.
pub fn layouts(data: &[u8]) {
    let [choice, layout @ ..] = data else { return };
    let Ok(layout) = std::str::from_utf8(layout) else { return };
    let kind = FORMAT_TYPES[usize::from(*choice) % FORMAT_TYPES.len()];
    let attribute = match kind.name {
        "json" => "records",
        "delimited" => "delimiter",
        "kv" => "separator",
        _ => "layout",
    };
    let text = format!("format \"{}\" \"f\" {{\n  {attribute} = {}\n}}\n", kind.name, quoted(layout));
    let mut diagnostics = Diagnostics::new();
    let kinds = [BlockKind::new("format", &["type", "name"])];
    let environment = Environment::new(Vec::<(String, String)>::new());
    let configuration = Configuration::parse("f.hcl", text, &kinds, &environment, &mut diagnostics);
    for block in configuration.blocks_of("format") {
        let format = egret_format::decode_format(kind.name, block, &mut diagnostics);
        if let (Some(format), false) = (format, diagnostics.has_errors()) {
            let line = b"10.0.0.1 - - [01/May/2024:10:00:00 +0000] \"GET / HTTP/1.1\" 200 12 \"-\" \"-\"\n";
            decode(&*format, &plan(), line, usize::MAX);
        }
    }
    diagnostics.render(false);
}

/// A text as a string of HCL.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // Twice, since one begins a template.
            '$' | '%' => quoted.extend([c, c]),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Any text as a configuration: whatever it is, its mistakes can be shown.
pub fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let kinds = [
        BlockKind::new("lake", &[]),
        BlockKind::new("partition", &["table", "name"]),
        BlockKind::new("format", &["type", "name"]),
        BlockKind::new("locals", &[]),
    ];
    // No folder, so that `file()` finds nothing.
    let environment = Environment::new([("HOME", "/nowhere")]).in_folder("/nowhere");
    let mut diagnostics = Diagnostics::new();
    let configuration = Configuration::parse("fuzz.hcl", text, &kinds, &environment, &mut diagnostics);
    egret_config::show(&configuration);
    diagnostics.render(false);
}

/// Any text as a file of Sigma rules: its mistakes can be shown, and what is understood runs over the text itself, as the
/// values of a record.
pub fn rules(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let file = SigmaFile::parse(Path::new("fuzz.yml"), text.to_owned(), &Placeholders::new());
    let mut conditions = Vec::new();
    for document in file.documents {
        document.warnings.render(false);
        match document.outcome {
            Ok(rule) => conditions.push(Arc::new(rule.detection.condition)),
            Err(rejection) => drop(rejection.diagnostics().render(false)),
        }
    }
    let (program, _) = Program::compile(conditions, &FieldMap::new::<&str>([]));
    let batch = record_of(text);
    for found in program.run(&batch, &mut Memory::new(&program)) {
        program.explain(found.rule, &batch, found.row);
    }
}

/// A row of which the text is in `extra`: as a value, and as the name of one.
fn record_of(text: &str) -> RecordBatch {
    let record = serde_json::json!({"CommandLine": text, "EventID": 1, text: [text, null, {"a": text}]});
    let extra: ArrayRef = Arc::new(StringViewArray::from_iter_values([record.to_string()]));
    RecordBatch::try_from_iter([(EXTRA, extra)]).unwrap_or_else(|error| unreachable!("{error}"))
}

/// Any text as a time, a type, a size: what is understood means the same when it is printed and read again.
///
/// # Panics
/// If it does not.
pub fn values(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(time) = egret_format::time::parse_time(text, Tz::UTC) {
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time), "{text:?}");
    }
    if let Ok(column_type) = text.parse::<ColumnType>() {
        assert_eq!(column_type.to_string().parse(), Ok(column_type), "{text:?}");
    }
    let _ = egret_model::time::parse_user_time(text, Timestamp::from_micros(0));
    let _ = egret_model::time::parse_duration(text);
    let _ = egret_config::ByteSize::parse(text);
    if let Some(format) = egret_format::recognise(data).and_then(|recognised| recognised.format()) {
        egret_format::first_records(&*format, data);
    }
}

/// Any text as what states are made of. Its first line is a JSONPath, the two after it are documents: what became different
/// between them, put on the first as RFC 6902 has it, is the second. The first byte says whether the order of lists matters.
///
/// # Panics
/// If it is not.
pub fn states(data: &[u8]) {
    let [choice, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let _ = (BlobId::parse(text), StatePosition::parse(text));
    let mut lines = text.lines();
    let ignored = lines.next().and_then(|path| DocumentPath::parse(path).ok());
    let everywhere = DocumentPath::parse("$..*").ok().filter(|_| choice % 2 == 1);
    let shape = Shape {
        ignore: ignored.into_iter().collect(),
        ordered: everywhere.into_iter().chain(DocumentPath::parse("$")).collect(),
        identity: Vec::new(),
    };
    let mut documents = lines.map_while(|line| serde_json::from_str::<Json>(line).ok());
    let (Some(before), Some(after)) = (documents.next(), documents.next()) else { return };
    let (before, after) = (shape.canonical(before), shape.canonical(after));
    let mut patched = before.clone();
    let operations = patch(&diff(&before, &after, &shape)).into_iter().map(serde_json::from_value);
    let operations: Result<Vec<json_patch::PatchOperation>, _> = operations.collect();
    let applied = operations.map(|operations| json_patch::patch(&mut patched, &operations));
    assert!(matches!(applied, Ok(Ok(()))), "{applied:?}: {text:?}");
    // A patch says nothing of the order of sets. What counts is settled: `$[0]` would take the next item too.
    let shape = Shape { ignore: Vec::new(), ..shape };
    assert_eq!(shape.canonical(patched), after, "{text:?}");
    assert!(diff(&after, &after, &shape).is_empty(), "{text:?}");
}

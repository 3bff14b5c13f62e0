//! Real rules over real events: what is found must be what the oracle finds. Both are large and not ours, so the test
//! runs only when asked, with the folder of rules in `EGRET_SIGMA_RULES` and a file of Windows events as JSON lines in
//! `EGRET_WINDOWS_EVENTS`:
//!
//! ```sh
//! cargo nextest run --release --workspace --run-ignored only -E 'test(real_events)' --no-capture
//! ```
//!
//! Without `--release` the oracle's regular expressions take minutes for a few thousand events.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;

use egret_config::{Configuration, Diagnostics};
use egret_detect::library::{RuleContext, RuleLibrary};
use egret_detect::logsource::LogSources;
use egret_detect::sigma::Placeholders;
use egret_detect::{DetectContext, DetectionDefinition, Detector, Rule};
use egret_format::{BlockPool, Blocks, ObjectContext, RowBuilder, preset};
use egret_match::Subject;
use egret_model::{Origin, RecordIds, TableSchema, Timestamp};
use egret_table::{PartitionContext, RowOrigin, Tables};
use egret_testkit::oracle::Oracle;
use serde_json::Value;

use crate::compiler;

const TABLE: &str = "windows_event_log";

/// So many events are looked at.
const EVENTS: usize = 50_000;

/// The oracle's rules, without those that look at columns which the table computes.
fn oracles(detections: &[DetectionDefinition], schema: &TableSchema) -> BTreeMap<String, Oracle> {
    let mut aliases: HashMap<String, Vec<String>> = HashMap::new();
    for column in &schema.columns {
        for name in column.sources.iter().chain([&column.name]) {
            aliases.entry(name.clone()).or_insert_with(|| column.sources.clone());
        }
    }
    let computed = |name: &str| {
        let known = schema.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
        known.is_some_and(|column| column.sources.is_empty())
    };
    let mut oracles = BTreeMap::new();
    for detection in detections {
        let Rule::Fields(rule) = &detection.rule else { continue };
        let condition = &rule.conditions[TABLE];
        let is_computed = condition.predicates().iter().any(|predicate| match &predicate.subject {
            Subject::Field(name) => computed(name),
            Subject::AnyValue => false,
        });
        if !is_computed {
            oracles.insert(detection.id.value.clone(), Oracle::new(condition).with_aliases(&aliases));
        }
    }
    oracles
}

#[test]
#[ignore = "needs EGRET_SIGMA_RULES and EGRET_WINDOWS_EVENTS"]
fn real_events_are_found_as_the_oracle_finds_them() {
    let folder = std::env::var("EGRET_SIGMA_RULES").unwrap();
    let events = File::open(std::env::var("EGRET_WINDOWS_EVENTS").unwrap()).unwrap();
    let mut diagnostics = Diagnostics::new();
    let tables = Tables::new(&Configuration::default(), &mut diagnostics);
    let sources = LogSources::new(&Configuration::default(), &mut diagnostics);
    let mut library = RuleLibrary::default();
    let context = RuleContext { sources: &sources, has_table: &|name| name == TABLE };
    library.add_files(Path::new(&folder), &Placeholders::new(), &context, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));

    let mapper = tables.get(TABLE).unwrap().compile(&compiler(), PartitionContext::new("p")).unwrap();
    let detector =
        Detector::compile(&library.detections, mapper.schema(), mapper.channel(), &compiler()).unwrap();
    let oracles = oracles(&library.detections, mapper.schema());
    let now = Timestamp::parse("2026-04-01T00:00:00Z").unwrap();
    let object = ObjectContext { modified: now, timezone: "UTC".parse().unwrap() };
    let mut decoder = preset("jsonl", "default").unwrap().decoder(mapper.plan(), &object);
    let origin = RowOrigin {
        ids: RecordIds::new(TABLE, "events"),
        source_type: "file".into(),
        source_name: "test".into(),
        source_location: "events".into(),
        ingest_timestamp: now,
    };
    let detect = DetectContext {
        channel: mapper.channel(),
        table: TABLE,
        partition: "p",
        origin: Origin::Stream,
        now,
    };

    let mut blocks = Blocks::new(events, &BlockPool::new(1 << 20), 0, true);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = 0;
    while seen < EVENTS {
        let Some(block) = blocks.next_block().unwrap() else { break };
        let mut builder = RowBuilder::new(mapper.plan(), &block, 0);
        let consumed = decoder.decode(&block, &mut builder);
        let decoded = builder.finish();
        let records: Vec<Value> = decoded
            .spans
            .iter()
            .map(|span| {
                let start = (span.offset - block.offset) as usize;
                serde_json::from_slice(&block.bytes[start..start + span.length as usize]).unwrap()
            })
            .collect();
        let rows = mapper.map(decoded, &block, &origin).rows;
        assert_eq!(rows.num_rows(), records.len(), "every event is a row");
        blocks.consumed(&block, consumed);
        let mut found: Vec<(String, String)> = detector
            .detect(&rows, &detect)
            .findings
            .into_iter()
            .filter(|finding| oracles.contains_key(&finding.detection_id))
            .map(|finding| (finding.event_ids[0].clone(), finding.detection_id))
            .collect();
        found.sort_unstable();
        let ids: Vec<String> =
            (0..records.len()).map(|row| egret_model::finding::text_at(&rows, "tp_id", row)).collect();
        let mut expected: Vec<(String, String)> = Vec::new();
        for (id, record) in ids.iter().zip(&records) {
            let matching = oracles.iter().filter(|(_, oracle)| oracle.matches(record));
            expected.extend(matching.map(|(rule, _)| (id.clone(), rule.clone())));
        }
        expected.sort_unstable();
        assert_eq!(found, expected, "after {seen} events");
        found.into_iter().for_each(|(_, rule)| *counts.entry(rule).or_default() += 1);
        seen += records.len();
    }
    let titles: HashMap<&str, &str> =
        library.detections.iter().map(|rule| (rule.id.value.as_str(), rule.title.as_str())).collect();
    let all: usize = counts.values().sum();
    let by_rule: Vec<String> =
        counts.iter().map(|(rule, count)| format!("{count} {}", titles[rule.as_str()])).collect();
    assert!(all > 0, "no rule of {} found anything in {seen} events", oracles.len());
    println!(
        "{all} findings in {seen} events by {} of {} rules\n{}",
        counts.len(),
        oracles.len(),
        by_rule.join("\n")
    );
}

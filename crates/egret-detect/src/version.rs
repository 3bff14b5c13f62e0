//! The version of a detection: a hash of what it means.

use crate::definition::{DetectionDefinition, Rule, Target};

/// Changes when the way of hashing does, so that old and new versions are never taken for each other.
const SCHEME: &str = "egret detection 1";

/// BLAKE3, as 64 hexadecimal digits, of everything that decides what a detection finds and says. Layout,
/// comments, tests, references and the order of tags have no part in it, nor has what becomes of findings: alerts,
/// and what is remembered.
pub(crate) fn detection_version(definition: &DetectionDefinition) -> String {
    let mut hash = blake3::Hasher::new();
    let mut add = |part: &str| {
        // With its length, so that text cannot move from one part to the next unseen.
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    };
    add(SCHEME);
    add(&definition.id.value);
    match &definition.target.value {
        Target::Table(name) => {
            add("table");
            add(name);
        }
        Target::Channel(pattern) => {
            add("channel");
            add(&pattern.to_string());
        }
        Target::OnChannel { table, pattern } => {
            add("table on channel");
            add(&table.value);
            add(&pattern.to_string());
        }
        Target::LogSource(_) => add("logsource"),
    }
    match &definition.rule {
        Rule::Sql(condition) => add(condition.value.trim()),
        Rule::Fields(rule) => {
            add(rule.language);
            for (table, condition) in &rule.conditions {
                add(table);
                add(&format!("{condition:?}"));
            }
        }
    }
    add(definition.severity.as_str());
    add(&definition.title);
    add(&definition.description);
    add(definition.message.as_ref().map_or("", |message| message.text()));
    let mut tags: Vec<&str> = definition.tags.iter().map(String::as_str).collect();
    tags.sort_unstable();
    tags.dedup();
    for tag in tags {
        add(tag);
    }
    hash.finalize().to_hex().to_string()
}

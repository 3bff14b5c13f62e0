//! What runs did, as counters for Prometheus.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use crate::observer::PartitionReport;

/// Counters of everything that runs did. A record that was read is a row, or left out by a filter, or in quarantine:
/// there is a counter for each.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    objects: Family<Partition, Counter>,
    object_failures: Family<Partition, Counter>,
    read: Family<Partition, Counter>,
    rows: Family<Partition, Counter>,
    filtered: Family<Partition, Counter>,
    quarantined: Family<Partition, Counter>,
    misfits: Family<Partition, Counter>,
    findings: Family<Partition, Counter>,
    rule_candidates: Family<Rule, Counter>,
    rule_evaluations: Family<Rule, Counter>,
    rule_hits: Family<Rule, Counter>,
    rule_time: Family<Rule, Counter<f64, AtomicU64>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Partition {
    table: String,
    partition: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Rule {
    table: String,
    partition: String,
    rule: String,
}

impl Metrics {
    /// Counters that `registry` shows, all of them at zero.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let mut of_partition = |name, help, family: &Family<Partition, Counter>| {
            registry.register(format!("egret_{name}"), help, family.clone());
        };
        of_partition("objects", "Objects that were read", &metrics.objects);
        of_partition(
            "object_failures",
            "Objects that could not be read to their end",
            &metrics.object_failures,
        );
        of_partition("rows", "Rows that passed the filters", &metrics.rows);
        of_partition("rows_filtered", "Rows that a filter or the range of time left out", &metrics.filtered);
        of_partition("records_quarantined", "Records that could not become rows", &metrics.quarantined);
        of_partition("values_misfit", "Values that did not fit their column", &metrics.misfits);
        of_partition("findings", "Findings that were made", &metrics.findings);
        registry.register_with_unit(
            "egret_read",
            "Bytes that were read, decompressed",
            Unit::Bytes,
            metrics.read.clone(),
        );
        let mut of_rule = |name, help, family: &Family<Rule, Counter>| {
            registry.register(format!("egret_rule_{name}"), help, family.clone());
        };
        of_rule("candidates", "Rows for which a test held that the rule needs", &metrics.rule_candidates);
        of_rule("evaluations", "Batches of rows on which the rule was evaluated", &metrics.rule_evaluations);
        of_rule("hits", "Rows that match", &metrics.rule_hits);
        let help = "What evaluating the rule took, from a sample, without the tests that rules share";
        registry.register_with_unit("egret_rule_time", help, Unit::Seconds, metrics.rule_time.clone());
        metrics
    }

    /// Adds what a run did to a partition.
    pub fn add(&self, report: &PartitionReport) {
        let labels = Partition { table: report.table.clone(), partition: report.partition.clone() };
        for (family, count) in [
            (&self.objects, report.files),
            (&self.object_failures, report.failures),
            (&self.read, report.bytes_read),
            (&self.rows, report.rows),
            (&self.filtered, report.filtered),
            (&self.quarantined, report.quarantined),
            (&self.misfits, report.misfits),
            (&self.findings, report.findings),
        ] {
            family.get_or_create(&labels).inc_by(count);
        }
        for rule in &report.rules {
            let labels = Rule {
                table: report.table.clone(),
                partition: report.partition.clone(),
                rule: rule.detection_id.clone(),
            };
            let statistics = &rule.statistics;
            self.rule_candidates.get_or_create(&labels).inc_by(statistics.candidates);
            self.rule_evaluations.get_or_create(&labels).inc_by(statistics.evaluations);
            self.rule_hits.get_or_create(&labels).inc_by(statistics.hits);
            self.rule_time.get_or_create(&labels).inc_by(statistics.time().as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use egret_detect::RuleStatistics;

    use super::*;
    use crate::observer::RuleReport;

    #[test]
    fn runs_add_up() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let mut statistics = RuleStatistics::default();
        (statistics.candidates, statistics.evaluations, statistics.hits) = (7, 2, 1);
        let report = PartitionReport {
            table: "t".into(),
            partition: "p".into(),
            rows: 5,
            quarantined: 1,
            bytes_read: 100,
            rules: vec![RuleReport { detection_id: "whoami".into(), statistics }],
            ..PartitionReport::default()
        };
        metrics.add(&report);
        metrics.add(&report);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            r#"egret_rows_total{table="t",partition="p"} 10"#,
            r#"egret_records_quarantined_total{table="t",partition="p"} 2"#,
            r#"egret_rows_filtered_total{table="t",partition="p"} 0"#,
            r#"egret_read_bytes_total{table="t",partition="p"} 200"#,
            r#"egret_rule_hits_total{table="t",partition="p",rule="whoami"} 2"#,
        ] {
            assert!(text.lines().any(|written| written == line), "{line}\n{text}");
        }
    }
}

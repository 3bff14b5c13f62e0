//! What became of findings, alerts and deliveries, as metrics for Prometheus.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::deliver::OutputReport;
use crate::intake::IntakeReport;

/// Every finding that was read is counted once, by what became of it.
#[derive(Debug, Clone, Default)]
pub struct AlertMetrics {
    findings: Family<Outcome, Counter>,
    alerts: Family<Action, Counter>,
    deliveries: Family<DeliveryOutcome, Counter>,
    pending: Family<Output, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Action {
    action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryOutcome {
    output: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Output {
    output: String,
}

impl AlertMetrics {
    /// Metrics that `registry` shows.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "Findings that were read, by what became of them";
        registry.register("egret_findings_taken", help, metrics.findings.clone());
        registry.register("egret_alerts", "What happened to alerts by itself", metrics.alerts.clone());
        registry.register("egret_deliveries", "Deliveries that were tried", metrics.deliveries.clone());
        registry.register("egret_deliveries_pending", "Deliveries in the queue", metrics.pending.clone());
        metrics
    }

    /// Adds what became of findings.
    pub fn add_findings(&self, report: &IntakeReport) {
        let IntakeReport { findings, suppressed, staged, hunted, too_old, raised, updated, reopened, .. } =
            *report;
        let merged = findings.saturating_sub(suppressed + staged + hunted);
        for (outcome, count) in [
            ("alert", merged),
            ("suppressed", suppressed),
            ("staged", staged),
            ("hunt", hunted),
            ("too_old", too_old),
        ] {
            self.findings.get_or_create(&Outcome { outcome }).inc_by(count);
        }
        for (action, count) in [("raise", raised), ("update", updated), ("reopen", reopened)] {
            self.alerts.get_or_create(&Action { action }).inc_by(count);
        }
    }

    /// Adds what became of deliveries.
    pub fn add_deliveries(&self, outputs: &[OutputReport]) {
        for report in outputs {
            for (outcome, count) in
                [("delivered", report.delivered), ("failed", report.failed), ("dead", report.dead)]
            {
                let labels = DeliveryOutcome { output: report.output.clone(), outcome };
                self.deliveries.get_or_create(&labels).inc_by(count);
            }
            let pending = i64::try_from(report.pending).unwrap_or(i64::MAX);
            self.pending.get_or_create(&Output { output: report.output.clone() }).set(pending);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_is_counted_once() {
        let mut registry = Registry::default();
        let metrics = AlertMetrics::register(&mut registry);
        metrics.add_findings(&IntakeReport {
            findings: 10,
            suppressed: 3,
            staged: 2,
            hunted: 1,
            too_old: 5,
            raised: 1,
            ..IntakeReport::default()
        });
        metrics.add_deliveries(&[OutputReport {
            output: "slack.soc".into(),
            delivered: 4,
            dead: 1,
            pending: 7,
            ..OutputReport::default()
        }]);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            r#"egret_findings_taken_total{outcome="alert"} 4"#,
            r#"egret_findings_taken_total{outcome="suppressed"} 3"#,
            r#"egret_findings_taken_total{outcome="too_old"} 5"#,
            r#"egret_alerts_total{action="raise"} 1"#,
            r#"egret_deliveries_total{output="slack.soc",outcome="dead"} 1"#,
            r#"egret_deliveries_pending{output="slack.soc"} 7"#,
        ] {
            assert!(text.lines().any(|written| written == line), "{line}\n{text}");
        }
    }
}

//! `--metrics`: the counters of a run, in a file.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use egret_alert::AlertMetrics;
use egret_pipeline::{Metrics, PartitionReport};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::alerting::AlertReport;
use crate::failure::Failure;

/// Where counters go.
#[derive(Debug, Args)]
pub struct MetricsOptions {
    /// Write counters for Prometheus to FILE, such as one that node_exporter's textfile collector reads
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
}

impl MetricsOptions {
    /// Writes what a run did. Whoever reads the file meanwhile sees the old one or the new one.
    pub fn write(&self, partitions: &[PartitionReport], alerts: Option<&AlertReport>) -> Result<(), Failure> {
        let Some(path) = &self.metrics else { return Ok(()) };
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        partitions.iter().for_each(|partition| metrics.add(partition));
        if let Some(report) = alerts {
            let metrics = AlertMetrics::register(&mut registry);
            metrics.add_findings(&report.alerts);
            metrics.add_deliveries(&report.deliveries);
        }
        let mut text = String::new();
        let failed = |error: &dyn std::fmt::Display| {
            Failure::outside(format!("cannot write the metrics to {}: {error}", path.display()))
        };
        encode(&mut text, &registry).map_err(|error| failed(&error))?;
        let new = path.with_extension(format!("{}.new", std::process::id()));
        fs::write(&new, text).and_then(|()| fs::rename(&new, path)).map_err(|error| {
            // It may not be there at all.
            let _ = fs::remove_file(&new);
            failed(&error)
        })
    }
}

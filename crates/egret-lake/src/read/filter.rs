//! `--from`, `--to`, `--partition` and `--index` as predicates, in a form that lets files be skipped.

use arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, col, lit};
use egret_model::{TimeRange, Timestamp};

use super::{ReadOptions, partition_names};
use crate::error::LakeError;
use crate::lake::Lake;
use crate::table::Table;

/// The user's filters, for every table that has the columns for them.
#[derive(Debug)]
pub(super) struct RowFilter {
    lake: Lake,
    snapshot: i64,
    range: TimeRange,
    partitions: Vec<String>,
    indexes: Vec<String>,
}

impl RowFilter {
    pub(super) fn new(lake: Lake, snapshot: i64, options: &ReadOptions) -> Self {
        Self {
            lake,
            snapshot,
            range: options.range,
            partitions: options.partitions.clone(),
            indexes: options.indexes.clone(),
        }
    }

    /// The predicate for a table. `None` if all its rows are wanted.
    pub(super) async fn for_table(&self, name: &str, schema: &SchemaRef) -> Result<Option<Expr>, LakeError> {
        let has = |column: &str| schema.column_with_name(column).is_some();
        let mut parts: Vec<Expr> = Vec::new();
        if has("tp_timestamp") {
            parts.extend(time_predicates(&self.range, has("tp_date")));
        }
        if has("tp_partition") && !self.partitions.is_empty() {
            let table = self.lake.table(name).await?;
            let mut choices = Vec::new();
            for pattern in &self.partitions {
                choices.push(self.partition_predicate(&table, pattern, has("tp_table")).await?);
            }
            parts.extend(choices.into_iter().reduce(Expr::or));
        }
        if has("tp_index") {
            parts.extend(
                self.indexes.iter().map(|pattern| text_predicate("tp_index", pattern)).reduce(Expr::or),
            );
        }
        Ok(parts.into_iter().reduce(Expr::and))
    }

    async fn partition_predicate(
        &self,
        table: &Table,
        pattern: &str,
        has_table: bool,
    ) -> Result<Expr, LakeError> {
        let (table_pattern, partition) = split(pattern);
        let mut predicate = if partition.contains('*') {
            // Names instead of a pattern: files are skipped by equality with their partition.
            let names = partition_names(&self.lake, self.snapshot, table).await?;
            let names = names.iter().filter(|name| matches_pattern(partition, name));
            col("tp_partition").in_list(names.map(|name| text(name)).collect(), false)
        } else {
            col("tp_partition").eq(text(partition))
        };
        if let Some(table_pattern) = table_pattern {
            predicate = predicate.and(if has_table {
                text_predicate("tp_table", table_pattern)
            } else {
                lit(matches_pattern(table_pattern, table.name()))
            });
        }
        Ok(predicate)
    }
}

/// `table.partition` or `partition`.
fn split(pattern: &str) -> (Option<&str>, &str) {
    match pattern.split_once('.') {
        Some((table, partition)) => (Some(table), partition),
        None => (None, pattern),
    }
}

/// Whether a file of the partition may hold rows that the patterns want.
pub(super) fn partition_matches(table: &Table, partition: Option<&str>, patterns: &[String]) -> bool {
    let Some(partition) = partition else {
        return true;
    };
    let wanted = |pattern: &String| {
        let (table_pattern, partition_pattern) = split(pattern);
        // Rows of a table like `finding` are of other tables: there, `tp_table` decides row by row.
        let shared = matches!(table.name(), "finding" | "quarantine");
        let table_wanted = table_pattern.is_none_or(|wanted| shared || matches_pattern(wanted, table.name()));
        table_wanted && matches_pattern(partition_pattern, partition)
    };
    patterns.is_empty() || patterns.iter().any(wanted)
}

fn time_predicates(range: &TimeRange, has_date: bool) -> Vec<Expr> {
    let time = |time: Timestamp| lit(ScalarValue::TimestampMicrosecond(Some(time.micros()), None));
    let date = |time: Timestamp| lit(ScalarValue::Date32(Some(time.days())));
    let mut parts = Vec::new();
    if let Some(from) = range.from {
        parts.push(col("tp_timestamp").gt_eq(time(from)));
        if has_date {
            parts.push(col("tp_date").gt_eq(date(from)));
        }
    }
    if let Some(to) = range.to {
        parts.push(col("tp_timestamp").lt(time(to)));
        if has_date {
            // `to` itself is outside, so at midnight its day is as well.
            parts.push(col("tp_date").lt_eq(date(to.plus_micros(-1))));
        }
    }
    parts
}

fn text(value: &str) -> Expr {
    lit(ScalarValue::Utf8View(Some(value.to_owned())))
}

/// Equality, or `LIKE` where the pattern has a `*`.
fn text_predicate(column: &str, pattern: &str) -> Expr {
    if !pattern.contains('*') {
        return col(column).eq(text(pattern));
    }
    let mut like = String::new();
    for c in pattern.chars() {
        match c {
            '*' => like.push('%'),
            '%' | '_' | '\\' => like.extend(['\\', c]),
            plain => like.push(plain),
        }
    }
    col(column).like(text(&like))
}

/// Whether `name` is what `pattern` says, `*` standing for any run of characters.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(head) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let tail = pieces.pop().unwrap_or_default();
    for piece in pieces {
        // The earliest place leaves the most for what follows.
        match name.find(piece) {
            Some(at) => name = &name[at + piece.len()..],
            None => return false,
        }
    }
    name.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run() {
        for (pattern, name, expected) in [
            ("prod", "prod", true),
            ("prod", "prod2", false),
            ("prod*", "prod2", true),
            ("*eu*", "prod-eu-1", true),
            ("*eu*", "prod", false),
            ("a*a", "a", false),
            ("a*b*b", "axbyb", true),
            ("*", "", true),
        ] {
            assert_eq!(matches_pattern(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn midnight_leaves_the_next_day_out() {
        let to = Timestamp::parse("2024-02-02").unwrap();
        let parts = time_predicates(&TimeRange { from: None, to: Some(to) }, true);
        assert_eq!(parts[1].to_string(), "tp_date <= Date32(\"2024-02-01\")");
    }
}

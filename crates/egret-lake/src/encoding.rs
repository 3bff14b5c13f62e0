//! How the columns of a data file are written, chosen by a look at its first rows.

use std::hash::Hash;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType, UInt64Type};
use hashbrown::HashSet;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

/// Values looked at to decide how a column is written.
const SAMPLE_VALUES: usize = 1_024;

/// So few values say nothing of a column.
const FEW_VALUES: usize = 16;

/// A text column has bounds if a sample has at most so many distinct values. Files are sorted by time: bounds of
/// more than a handful of texts span everything and spare no reader anything.
const MAX_BOUNDED_TEXTS: usize = 32;

/// How a file is written.
#[derive(Debug)]
pub(crate) struct Encodings {
    pub(crate) properties: WriterProperties,
    /// For each column without children, in Parquet's order, who knows its statistics.
    pub(crate) statistics: Vec<StatisticsBy>,
}

/// Who knows the statistics of a column. Parquet's writer compares every text with the bounds so far, which took an
/// eighth of the time to write a file: texts are looked at here, and only where it is worth it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatisticsBy {
    /// The file's footer.
    Footer,
    /// We count values and find their bounds.
    Us,
    /// We count values.
    UsWithoutBounds,
}

/// What a sample of a column shows.
#[derive(Debug, Clone, Copy)]
struct Sample {
    values: usize,
    distinct: usize,
    is_text: bool,
    is_time: bool,
}

impl Sample {
    /// Whether values repeat so that a dictionary is worth building. A column of ids or messages would fill one
    /// only to throw it away.
    fn repeats(self) -> bool {
        self.values < FEW_VALUES || self.distinct * 2 <= self.values
    }

    fn statistics(self) -> StatisticsBy {
        match self {
            Self { is_text: false, .. } => StatisticsBy::Footer,
            _ if self.values < FEW_VALUES || self.distinct <= MAX_BOUNDED_TEXTS => StatisticsBy::Us,
            _ => StatisticsBy::UsWithoutBounds,
        }
    }
}

/// Chooses after `sample`: zstd of this level, a dictionary where values repeat, bounds where they say something.
pub(crate) fn choose(level: i32, sample: &RecordBatch) -> Encodings {
    let level = ZstdLevel::try_new(level).unwrap_or_default();
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_created_by(concat!("Egret ", env!("CARGO_PKG_VERSION")).to_owned())
        // Only by time do pages differ enough for a reader to skip some.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_statistics_enabled(ColumnPath::from("tp_timestamp"), EnabledStatistics::Page);
    let mut chooser = Chooser { builder, statistics: Vec::new(), path: Vec::new() };
    for (field, column) in sample.schema().fields().iter().zip(sample.columns()) {
        chooser.column(field.name(), column);
    }
    Encodings { properties: chooser.builder.build(), statistics: chooser.statistics }
}

struct Chooser {
    builder: WriterPropertiesBuilder,
    statistics: Vec<StatisticsBy>,
    path: Vec<String>,
}

impl Chooser {
    fn column(&mut self, name: &str, column: &dyn Array) {
        self.path.push(name.to_owned());
        match column.data_type() {
            DataType::Struct(fields) => {
                for (field, child) in fields.iter().zip(column.as_struct().columns()) {
                    self.column(field.name(), child);
                }
            }
            DataType::List(element) => {
                // Parquet's own level between a list and its elements.
                self.path.push("list".to_owned());
                self.column(element.name(), column.as_list::<i32>().values());
                self.path.pop();
            }
            _ => self.leaf(column),
        }
        self.path.pop();
    }

    fn leaf(&mut self, column: &dyn Array) {
        let path = ColumnPath::new(self.path.clone());
        let sample = sample(column);
        let statistics = sample.map_or(StatisticsBy::Footer, Sample::statistics);
        self.statistics.push(statistics);
        let mut builder = std::mem::take(&mut self.builder);
        if statistics != StatisticsBy::Footer {
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        if let Some(sample) = sample
            && !sample.repeats()
        {
            builder = builder.set_column_dictionary_enabled(path.clone(), false);
            if sample.is_time {
                builder = builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            }
        }
        self.builder = builder;
    }
}

/// A look at the first values of a column; `None` for types that repeat by themselves.
fn sample(column: &dyn Array) -> Option<Sample> {
    let is_text = column.data_type() == &DataType::Utf8View;
    let is_time = matches!(column.data_type(), DataType::Timestamp(_, _));
    let (values, distinct) = match column.data_type() {
        DataType::Utf8View => count(column.as_string_view().iter()),
        DataType::Timestamp(_, _) => count(column.as_primitive_opt::<TimestampMicrosecondType>()?.iter()),
        DataType::Int64 => count(column.as_primitive::<Int64Type>().iter()),
        DataType::UInt64 => count(column.as_primitive::<UInt64Type>().iter()),
        _ => return None,
    };
    Some(Sample { values, distinct, is_text, is_time })
}

/// How many values there are in a sample, and how many distinct ones.
fn count<T: Hash + Eq>(values: impl Iterator<Item = Option<T>>) -> (usize, usize) {
    let mut distinct = HashSet::with_capacity(SAMPLE_VALUES);
    let seen = values.flatten().take(SAMPLE_VALUES).map(|value| distinct.insert(value)).count();
    (seen, distinct.len())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringViewArray};

    use super::*;

    fn texts(rows: usize, distinct: usize) -> ArrayRef {
        Arc::new((0..rows).map(|row| Some(format!("text {}", row % distinct))).collect::<StringViewArray>())
    }

    #[test]
    fn columns_are_written_after_what_they_hold() {
        let rows = 4_096;
        let sample = RecordBatch::try_from_iter([
            ("unique", texts(rows, rows)),
            ("some", texts(rows, 200)),
            ("few", texts(rows, 3)),
        ])
        .unwrap();
        let Encodings { properties, statistics } = choose(1, &sample);
        let without = StatisticsBy::UsWithoutBounds;
        assert_eq!(statistics, [without, without, StatisticsBy::Us]);
        for (name, dictionary) in [("unique", false), ("some", true), ("few", true)] {
            assert_eq!(properties.dictionary_enabled(&ColumnPath::from(name)), dictionary, "{name}");
        }
        let handful = RecordBatch::try_from_iter([("unique", texts(8, 8))]).unwrap();
        assert_eq!(choose(1, &handful).statistics, [StatisticsBy::Us], "too few to say");
    }
}

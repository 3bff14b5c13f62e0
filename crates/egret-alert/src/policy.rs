//! How the findings of each detection become alerts, with everything compiled.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use egret_config::{Diagnostic, Diagnostics, Located};
use egret_detect::AlertPolicy;
use egret_model::finding::finding_schema;
use egret_model::{Expression, ExpressionCompiler};
use serde_json::{Map, Value as Json};

use crate::error::AlertError;

/// How long an alert takes findings unless something else is said.
const WINDOW: Duration = Duration::from_secs(3600);

/// What findings are merged by unless something else is said, beside their detection.
const DEDUP: &str = "channel";

/// How the findings of a detection become alerts.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub dedup: Vec<Key>,
    /// In microseconds.
    pub window: i64,
    pub threshold: u64,
    pub reopen: bool,
    pub updates: bool,
    /// As `type.name`; `None` if the routes decide.
    pub outputs: Option<Vec<String>>,
    /// Where to read more about the rule.
    pub references: Vec<String>,
}

/// One value that findings are merged by.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub expression: Arc<dyn Expression>,
    /// Where it is written, if not by us.
    pub place: String,
}

/// Compiles policies; the same SQL is compiled once.
pub(crate) struct PolicyCompiler<'c> {
    compiler: &'c dyn ExpressionCompiler,
    compiled: HashMap<String, Option<Arc<dyn Expression>>>,
}

impl<'c> PolicyCompiler<'c> {
    pub(crate) fn new(compiler: &'c dyn ExpressionCompiler) -> Self {
        Self { compiler, compiled: HashMap::new() }
    }

    /// SQL over the columns of `finding`; `None` after a mistake, which was reported where it was first seen.
    pub(crate) fn expression(
        &mut self,
        sql: &Located<String>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Arc<dyn Expression>> {
        if let Some(known) = self.compiled.get(&sql.value) {
            return known.clone();
        }
        let compiled = match self.compiler.compile(&sql.value, &finding_schema().to_arrow()) {
            Ok(expression) => Some(expression),
            Err(error) => {
                diagnostics.push(Diagnostic::in_sql(sql, error));
                None
            }
        };
        self.compiled.insert(sql.value.clone(), compiled.clone());
        compiled
    }

    /// The same, as a value of each finding; `attribute` is where it is written.
    pub(crate) fn key(
        &mut self,
        sql: &Located<String>,
        attribute: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<Key> {
        let expression = self.expression(sql, diagnostics)?;
        Some(Key { expression, place: format!("`{attribute}` at {}", sql.location) })
    }

    /// The policy of a detection, completed by what is said for all.
    pub(crate) fn policy(
        &mut self,
        said: AlertPolicy,
        references: Vec<String>,
        output: &mut dyn FnMut(&egret_config::Reference, &mut Diagnostics) -> Option<String>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Policy> {
        let mut dedup = Some(Vec::new());
        match &said.dedup {
            Some(keys) => {
                for sql in keys {
                    match (self.key(sql, "dedup", diagnostics), &mut dedup) {
                        (Some(key), Some(dedup)) => dedup.push(key),
                        _ => dedup = None,
                    }
                }
            }
            None => {
                let place = "the default `dedup`".to_owned();
                let compiled = self.compiler.compile(DEDUP, &finding_schema().to_arrow());
                dedup = compiled.ok().map(|expression| vec![Key { expression, place }]);
            }
        }
        let outputs = said.outputs.map(|references| {
            let found: Vec<Option<String>> =
                references.iter().map(|reference| output(reference, diagnostics)).collect();
            found.into_iter().collect::<Option<Vec<String>>>()
        });
        Some(Policy {
            dedup: dedup?,
            window: micros(said.window.unwrap_or(WINDOW)),
            threshold: said.threshold.unwrap_or(1),
            reopen: said.reopen.unwrap_or(false),
            updates: said.updates.unwrap_or(true),
            outputs: outputs.map_or(Some(None), |outputs| outputs.map(Some))?,
            references,
        })
    }
}

pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// What the values of a policy's keys are, row by row.
pub(crate) fn merged_by(policy: &Policy, rows: &RecordBatch) -> Result<Vec<Map<String, Json>>, AlertError> {
    let mut maps = vec![Map::new(); rows.num_rows()];
    for key in &policy.dedup {
        for (map, value) in maps.iter_mut().zip(texts_of(key, rows)?) {
            map.insert(key.expression.sql().to_owned(), value.map_or(Json::Null, Json::from));
        }
    }
    Ok(maps)
}

/// What a value of findings is as text, row by row. One row for which it fails stops nobody: it is null there, and it is
/// told.
pub(crate) fn texts_of(key: &Key, rows: &RecordBatch) -> Result<Vec<Option<String>>, AlertError> {
    let error = match key.expression.evaluate(rows) {
        Ok(values) => return texts(&values),
        Err(error) => error,
    };
    tracing::warn!(place = key.place, %error, "it is null for the findings for which it fails");
    let in_row = |row| {
        let value = key.expression.evaluate(&rows.slice(row, 1)).ok()?;
        texts(&value).ok()?.pop()?
    };
    Ok((0..rows.num_rows()).map(in_row).collect())
}

fn texts(values: &ArrayRef) -> Result<Vec<Option<String>>, AlertError> {
    let formatter = ArrayFormatter::try_new(&**values, &FormatOptions::default())?;
    let text = |row| values.is_valid(row).then(|| formatter.value(row).to_string());
    Ok((0..values.len()).map(text).collect())
}

impl Policy {
    /// Stands in for one with a mistake, of a configuration that will not be used.
    pub(crate) fn nothing() -> Self {
        Self {
            dedup: Vec::new(),
            window: micros(WINDOW),
            threshold: 1,
            reopen: false,
            updates: true,
            outputs: None,
            references: Vec::new(),
        }
    }
}

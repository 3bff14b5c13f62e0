//! Expressions: SQL over the columns of a table, compiled elsewhere, evaluated on a record batch.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};

/// A compiled expression: the same in a filter, a transform, a detection and a query.
pub trait Expression: Send + Sync + fmt::Debug {
    /// The SQL it was compiled from.
    fn sql(&self) -> &str;

    /// The type of its values.
    fn data_type(&self) -> &DataType;

    /// The columns it reads, each once, in no particular order.
    fn columns(&self) -> &[String];

    /// One value a row of `rows`. Finds its columns by name; one that `rows` lacks counts as null.
    ///
    /// # Errors
    /// If a value cannot be computed, such as a cast of `abc` to a number. All of `rows` is refused then.
    fn evaluate(&self, rows: &RecordBatch) -> Result<ArrayRef, EvaluateError>;

    /// The rows for which a boolean expression is true: null counts as false, as in a `WHERE`.
    ///
    /// # Errors
    /// As [`Expression::evaluate`], or if the expression is not boolean.
    fn matches(&self, rows: &RecordBatch) -> Result<BooleanArray, EvaluateError> {
        let values = self.evaluate(rows)?;
        let Some(mask) = values.as_boolean_opt() else {
            let message = format!("gives {}, not true or false", values.data_type());
            return Err(EvaluateError { sql: self.sql().to_owned(), message });
        };
        Ok(match mask.nulls() {
            None => mask.clone(),
            Some(nulls) => BooleanArray::new(mask.values() & nulls.inner(), None),
        })
    }
}

/// Compiles SQL to expressions; the binary hands the one of `egret-sql` to everybody else.
pub trait ExpressionCompiler: Send + Sync {
    /// Compiles `sql` over the columns of `schema`.
    ///
    /// # Errors
    /// If it does not parse, names an unknown column or function, or the types do not fit.
    fn compile(&self, sql: &str, schema: &SchemaRef) -> Result<Arc<dyn Expression>, CompileError>;
}

/// Why SQL does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CompileError {
    /// What is wrong: lowercase, no full stop.
    pub message: String,
    /// The bytes of the SQL that it is about, where known.
    pub span: Option<Range<usize>>,
    /// What to do next, such as the nearest valid name.
    pub hint: Option<String>,
}

/// Why a compiled expression has no value on some rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{sql}`: {message}")]
pub struct EvaluateError {
    /// The expression.
    pub sql: String,
    /// What went wrong.
    pub message: String,
}

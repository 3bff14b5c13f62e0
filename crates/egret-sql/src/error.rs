//! Errors: what is wrong with the SQL, where in it, and what to do next.

use std::ops::Range;

use arrow::error::ArrowError;
use datafusion::common::{Column, ScalarValue, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, lit};
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Location, Span, Token};
use egret_model::CompileError;
use egret_model::suggest::nearest;

use crate::dialect::tokens;

/// How many names a hint lists at most.
const LISTED_NAMES: usize = 12;

/// Why SQL cannot be run, or why running it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// What is wrong: lowercase, no full stop.
    pub message: String,
    /// The bytes of the SQL that it is about, where known.
    pub span: Option<Range<usize>>,
    /// What to do next, such as the nearest valid name.
    pub hint: Option<String>,
}

impl SqlError {
    /// The line and the column (in characters) where [`SqlError::span`] starts in `sql`, both from 1.
    pub fn line_and_column(&self, sql: &str) -> Option<(usize, usize)> {
        let before = sql.get(..self.span.as_ref()?.start)?;
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Some((line, before[line_start..].chars().count() + 1))
    }

    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None, hint: None }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_hint_or_none(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    pub(crate) fn at(mut self, sql: &str, span: Span) -> Self {
        self.span = byte_range(sql, span);
        self
    }

    /// Points at the first place of `word` in `sql`.
    pub(crate) fn at_word(mut self, sql: &str, word: &str) -> Self {
        self.span = find_word(sql, word);
        self
    }

    /// What the parser says, with the place taken out of its text.
    pub(crate) fn from_parser(sql: &str, error: &ParserError) -> Self {
        let text = match error {
            ParserError::RecursionLimitExceeded => {
                return Self::new("the SQL nests too deep, or has too many operators")
                    .with_hint("name parts with `with`, and write long lists of values as `x in (a, b, …)`");
            }
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        };
        let text = text.replace("EOF", "the end");
        let (message, location) = split_location(&text);
        let start = match location {
            Some(location) => byte_offset(sql, location),
            None => sql.trim_end().len(),
        };
        let length = sql[start..].chars().next().map_or(0, char::len_utf8);
        Self { message: tidy(message), span: Some(start..start + length), hint: None }.widened_to_word(sql)
    }

    /// What the engine says, in our words where it matters.
    pub(crate) fn from_engine(sql: &str, error: &DataFusionError) -> Self {
        match error {
            DataFusionError::Diagnostic(diagnostic, inner) => {
                let mut inner = Self::from_engine(sql, inner);
                if let Some(span) = diagnostic.span {
                    let location =
                        |place: datafusion::common::Location| Location::new(place.line, place.column);
                    let span = Span::new(location(span.start), location(span.end));
                    inner.span = byte_range(sql, span).or(inner.span);
                }
                inner
            }
            DataFusionError::Context(_, inner) => Self::from_engine(sql, inner),
            DataFusionError::Shared(inner) => Self::from_engine(sql, inner),
            DataFusionError::Collection(errors) if !errors.is_empty() => Self::from_engine(sql, &errors[0]),
            DataFusionError::SQL(error, _) => Self::from_parser(sql, error),
            DataFusionError::External(inner) => match inner.downcast_ref::<PlanProblem>() {
                Some(problem) => problem.to_error(sql),
                None => Self::new(tidy(&inner.to_string())),
            },
            DataFusionError::SchemaError(inner, _) => Self::from_schema_error(sql, inner),
            DataFusionError::ArrowError(inner, _) => Self::from_arrow(inner),
            DataFusionError::ResourcesExhausted(text) => {
                Self::new(format!("the query needs more memory than it may use: {}", tidy(text)))
                    .with_hint("give it more with `--memory`, or narrow it with `--from`, `--to` or `limit`")
            }
            DataFusionError::Plan(text) => Self::from_plan(sql, text),
            DataFusionError::Execution(text)
            | DataFusionError::NotImplemented(text)
            | DataFusionError::Configuration(text)
            | DataFusionError::Internal(text) => Self::new(tidy(text)),
            other => Self::new(tidy(&other.to_string())),
        }
    }

    fn from_arrow(error: &ArrowError) -> Self {
        match error {
            ArrowError::CastError(text) | ArrowError::ParseError(text) => {
                Self::new(tidy(text)).with_hint("`try_cast(… as …)` gives null for what cannot be cast")
            }
            ArrowError::ArithmeticOverflow(text) => {
                let sum = text.rsplit_once("on: ").map_or(text.as_str(), |(_, sum)| sum);
                Self::new(format!("`{sum}` is too large for its type of number"))
                    .with_hint("cast a side to a larger type, such as `::hugeint` or `::double`")
            }
            ArrowError::ComputeError(text) | ArrowError::InvalidArgumentError(text) => Self::new(tidy(text)),
            other => Self::new(tidy(&other.to_string())),
        }
    }

    fn from_plan(sql: &str, text: &str) -> Self {
        let ungrouped = text.starts_with("Column in SELECT must be in GROUP BY");
        let column = text.split_once("column \"").and_then(|(_, rest)| rest.split('"').next());
        let (true, Some(column)) = (ungrouped, column) else { return Self::new(tidy(text)) };
        let name = column.rsplit('.').next().unwrap_or(column);
        Self::new(format!("column `{name}` is neither grouped by nor in an aggregate"))
            .with_hint("add `group by all`")
            .at_word(sql, name)
    }

    fn from_schema_error(sql: &str, error: &SchemaError) -> Self {
        match error {
            SchemaError::FieldNotFound { field, valid_fields } => {
                unknown_column(&field.name, valid_fields.iter().map(Column::name)).at_word(sql, &field.name)
            }
            SchemaError::AmbiguousReference { field } => {
                let message = format!("column `{}` is in more than one table", field.name);
                Self::new(message)
                    .with_hint(format!("say which: `table.{}`", field.name))
                    .at_word(sql, &field.name)
            }
            SchemaError::DuplicateQualifiedField { name, .. }
            | SchemaError::DuplicateUnqualifiedField { name } => {
                Self::new(format!("two columns are called `{name}`"))
                    .with_hint("rename one with `as`")
                    .at_word(sql, name)
            }
        }
    }

    /// Widens a span that starts a word to the whole word.
    fn widened_to_word(mut self, sql: &str) -> Self {
        if let Some(span) = &mut self.span {
            let word = sql[span.start..].find(|c: char| !c.is_alphanumeric() && c != '_');
            let length = word.unwrap_or(sql.len() - span.start);
            span.end = span.end.max(span.start + length);
        }
        self
    }
}

impl From<SqlError> for CompileError {
    fn from(error: SqlError) -> Self {
        Self { message: error.message, span: error.span, hint: error.hint }
    }
}

/// What our own planning steps find wrong; travels through the engine and comes out as [`SqlError`].
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct PlanProblem {
    /// What is wrong.
    pub message: String,
    /// The word of the SQL that it is about.
    pub word: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl PlanProblem {
    pub(crate) fn new(message: impl Into<String>, word: Option<&str>, hint: Option<String>) -> Self {
        Self { message: message.into(), word: word.map(str::to_owned), hint }
    }

    /// The problem as the arguments of a call; see `functions/refused.rs`.
    pub(crate) fn to_arguments(&self) -> Vec<Expr> {
        let text = |text: Option<&String>| lit(ScalarValue::Utf8(text.cloned()));
        vec![text(Some(&self.message)), text(self.word.as_ref()), text(self.hint.as_ref())]
    }

    fn to_error(&self, sql: &str) -> SqlError {
        let error = SqlError::new(&self.message).with_hint_or_none(self.hint.clone());
        match &self.word {
            Some(word) => error.at_word(sql, word),
            None => error,
        }
    }
}

impl From<PlanProblem> for DataFusionError {
    fn from(problem: PlanProblem) -> Self {
        Self::External(Box::new(problem))
    }
}

/// A column that is not there, with the nearest one that is.
pub(crate) fn unknown_column<'a>(name: &str, valid: impl IntoIterator<Item = &'a str>) -> SqlError {
    let hint = hint_for_name(name, valid, "the columns are");
    SqlError::new(format!("unknown column `{name}`")).with_hint_or_none(hint)
}

/// "Did you mean", or the list of what there is.
pub(crate) fn hint_for_name<'a>(
    name: &str,
    valid: impl IntoIterator<Item = &'a str>,
    listing: &str,
) -> Option<String> {
    let valid: Vec<&str> = valid.into_iter().collect();
    if let Some(near) = nearest(name, valid.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    if valid.is_empty() {
        return None;
    }
    let more = if valid.len() > LISTED_NAMES { ", …" } else { "" };
    let listed: Vec<&str> = valid.into_iter().take(LISTED_NAMES).collect();
    Some(format!("{listing} {}{more}", listed.join(", ")))
}

/// The engine's text as ours: its first line, lowercase, without full stop.
fn tidy(text: &str) -> String {
    let first_line = text.lines().next().unwrap_or_default().trim().trim_end_matches('.');
    let mut chars = first_line.chars();
    match (chars.next(), chars.next()) {
        // `SQL` and the like keep their case.
        (Some(first), Some(second)) if first.is_uppercase() && !second.is_uppercase() => {
            let rest = &first_line[first.len_utf8()..];
            first.to_lowercase().chain(rest.chars()).collect()
        }
        _ => first_line.to_owned(),
    }
}

/// Takes ` at Line: 1, Column: 5` off the end of what the parser says.
fn split_location(text: &str) -> (&str, Option<Location>) {
    let place = || {
        let (message, place) = text.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        Some((message, Location::new(line.trim().parse().ok()?, column.trim().parse().ok()?)))
    };
    match place() {
        Some((message, location)) => (message, Some(location)),
        None => (text, None),
    }
}

fn byte_range(sql: &str, span: Span) -> Option<Range<usize>> {
    if span.start.line == 0 {
        return None;
    }
    let start = byte_offset(sql, span.start);
    Some(start..byte_offset(sql, span.end).max(start))
}

/// Lines and columns count from 1, columns in characters.
fn byte_offset(sql: &str, location: Location) -> usize {
    let mut line = 1;
    let mut column = 1;
    for (offset, c) in sql.char_indices() {
        if line == location.line && column == location.column {
            return offset;
        }
        if c == '\n' {
            if line == location.line {
                return offset;
            }
            line += 1;
            column = 1;
        } else {
            column += 1;
        }
    }
    sql.len()
}

fn find_word(sql: &str, wanted: &str) -> Option<Range<usize>> {
    let tokens = tokens(sql).ok()?;
    let word = tokens.iter().find(|token| match &token.token {
        Token::Word(word) => word.value.eq_ignore_ascii_case(wanted),
        _ => false,
    });
    // A name that is written as a text.
    let is_text = |token: &Token| matches!(token, Token::SingleQuotedString(text) if text == wanted);
    let token = word.or_else(|| tokens.iter().find(|token| is_text(&token.token)))?;
    byte_range(sql, token.span)
}

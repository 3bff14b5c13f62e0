//! Names: every column and function is looked up before the engine sees it, so that a
//! mistake is told with its place and the nearest valid name. Case does not matter, as in DuckDB.

use std::collections::HashMap;
use std::ops::ControlFlow;

use arrow::datatypes::Schema;
use datafusion::execution::SessionState;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, Ident, ObjectName, Select, SelectItem, Spanned, Statement, VisitMut, VisitorMut,
};

use crate::error::{SqlError, hint_for_name, unknown_column};

/// Checks the names in `expression` and spells its columns as `schema` does.
pub(crate) fn resolve_expression(
    sql: &str,
    expression: &mut Expr,
    schema: &Schema,
    state: &SessionState,
) -> Result<(), SqlError> {
    let mut resolver = ExpressionNames { sql, schema, state };
    match expression.visit(&mut resolver) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct ExpressionNames<'a> {
    sql: &'a str,
    schema: &'a Schema,
    state: &'a SessionState,
}

impl ExpressionNames<'_> {
    /// Spells a column as the schema does, quoted so that it stays that way.
    fn spell(&self, ident: &mut Ident) -> Result<(), SqlError> {
        let fields = self.schema.fields();
        let exact = fields.iter().find(|field| *field.name() == ident.value);
        let found =
            exact.or_else(|| fields.iter().find(|field| field.name().eq_ignore_ascii_case(&ident.value)));
        let Some(field) = found else {
            let valid = fields.iter().map(|field| field.name().as_str());
            return Err(unknown_column(&ident.value, valid).at(self.sql, ident.span));
        };
        ident.value = field.name().clone();
        ident.quote_style = Some('"');
        Ok(())
    }

    fn check_function(&self, function: &Function) -> Result<(), SqlError> {
        let name = function_name(&function.name);
        if function.over.is_some() || self.state.window_functions().contains_key(&name) {
            return Err(self.needs_a_query(function, &format!("`{name}` looks at several rows")));
        }
        if self.state.scalar_functions().contains_key(&name) {
            return Ok(());
        }
        if self.state.aggregate_functions().contains_key(&name) {
            return Err(self.needs_a_query(function, &format!("`{name}` is an aggregate over many rows")));
        }
        Err(unknown_function(self.state, &name).at(self.sql, function.name.span()))
    }

    fn needs_a_query(&self, part: &impl Spanned, message: &str) -> SqlError {
        SqlError::new(message)
            .with_hint("an expression sees one row at a time; use a query for this")
            .at(self.sql, part.span())
    }
}

impl VisitorMut for ExpressionNames<'_> {
    type Break = SqlError;

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<SqlError> {
        let checked = match expression {
            Expr::Identifier(ident) => self.spell(ident),
            Expr::CompoundIdentifier(parts) => match parts.first_mut() {
                Some(column) => self.spell(column),
                None => Ok(()),
            },
            Expr::Function(function) => self.check_function(function),
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
                Err(self.needs_a_query(expression, "a subquery has no place in an expression"))
            }
            _ => Ok(()),
        };
        match checked {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// Checks the functions of a statement, and spells its columns as `spellings` (from lowercase) says.
pub(crate) fn resolve_statement(
    sql: &str,
    statement: &mut Statement,
    spellings: &HashMap<String, String>,
    state: &SessionState,
) -> Result<(), SqlError> {
    let mut resolver = StatementNames { sql, spellings, state };
    match statement.visit(&mut resolver) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Unlike in an expression, a column may come from anywhere, so the engine has the last word on those.
struct StatementNames<'a> {
    sql: &'a str,
    spellings: &'a HashMap<String, String>,
    state: &'a SessionState,
}

impl StatementNames<'_> {
    fn spell(&self, ident: &mut Ident) {
        if let Some(name) = self.spellings.get(&ident.value.to_lowercase()) {
            ident.value.clone_from(name);
            ident.quote_style = Some('"');
        }
    }

    fn check_function(&self, function: &Function) -> Result<(), SqlError> {
        let name = function_name(&function.name);
        let is_known = self.state.scalar_functions().contains_key(&name)
            || self.state.aggregate_functions().contains_key(&name)
            || self.state.window_functions().contains_key(&name)
            || name == "unnest"
            || name == "grouping";
        if is_known {
            return Ok(());
        }
        Err(unknown_function(self.state, &name).at(self.sql, function.name.span()))
    }
}

impl VisitorMut for StatementNames<'_> {
    type Break = SqlError;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        for item in &mut select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.spell(alias);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<SqlError> {
        match expression {
            Expr::Identifier(ident) => self.spell(ident),
            Expr::CompoundIdentifier(parts) => parts.iter_mut().for_each(|part| self.spell(part)),
            Expr::Function(function) => {
                if let Err(error) = self.check_function(function) {
                    return ControlFlow::Break(error);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The name of a function as the engine registers it.
pub(crate) fn function_name(name: &ObjectName) -> String {
    name.to_string().replace('"', "").to_ascii_lowercase()
}

/// A function that is not there, with the nearest one that is.
pub(crate) fn unknown_function(state: &SessionState, name: &str) -> SqlError {
    let scalar = state.scalar_functions().keys();
    let mut valid: Vec<&str> = scalar
        .chain(state.aggregate_functions().keys())
        .chain(state.window_functions().keys())
        .map(String::as_str)
        .collect();
    valid.sort_unstable();
    // The list is too long to show; only a near name helps.
    let hint = hint_for_name(name, valid, "").filter(|hint| hint.starts_with("did you mean"));
    SqlError::new(format!("unknown function `{name}`")).with_hint_or_none(hint)
}

//! Names of output columns. DuckDB lets two of them be equal and keeps them as written; the engine wants each
//! once. Equal ones get a name of our own while the query runs, and their own name back in the result.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr, Value, VisitMut,
    VisitorMut,
};

/// Names that the engine gives to output columns, and the ones to show.
#[derive(Debug, Default)]
pub(crate) struct OutputNames {
    shown: HashMap<String, String>,
}

impl OutputNames {
    /// The schema with the names that the query wrote.
    pub(crate) fn restore(&self, schema: &Schema) -> SchemaRef {
        let fields = schema.fields().iter().map(|field| match self.shown.get(field.name()) {
            Some(name) => Arc::new(Field::clone(field).with_name(name)),
            None => Arc::clone(field),
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// The query that tells which names the `*` of `query` stand for, if that matters: it has one, and other columns
/// beside it, or is ordered by all.
pub(crate) fn wildcard_probe(query: &Query) -> Option<Query> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let (wildcards, others): (Vec<_>, Vec<_>) = select.projection.iter().partition(|item| is_wildcard(item));
    let orders_by_all = matches!(&query.order_by, Some(OrderBy { kind: OrderByKind::All(_), .. }));
    if wildcards.is_empty() || (others.is_empty() && !orders_by_all) {
        return None;
    }
    let mut probe = query.clone();
    probe.order_by = None;
    probe.limit_clause = None;
    if let SetExpr::Select(select) = probe.body.as_mut() {
        select.projection.retain(is_wildcard);
        select.distinct = None;
        select.selection = None;
        select.having = None;
        select.qualify = None;
    }
    Some(probe)
}

/// Makes the output names of `query` and of all queries in it unique. `wildcard` are the names that the `*` of
/// the outermost one stand for.
pub(crate) fn make_unique(query: &mut Query, wildcard: &[String]) -> OutputNames {
    let mut naming = Naming { wildcard, is_outermost: true, shown: HashMap::new() };
    let _ = query.visit(&mut naming);
    OutputNames { shown: naming.shown }
}

struct Naming<'a> {
    wildcard: &'a [String],
    is_outermost: bool,
    shown: HashMap<String, String>,
}

impl VisitorMut for Naming<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let is_outermost = std::mem::take(&mut self.is_outermost);
        let wildcard = if is_outermost { self.wildcard } else { &[] };
        let mut selects = Vec::new();
        collect_selects(&mut query.body, &mut selects);
        for (index, select) in selects.into_iter().enumerate() {
            let renamed = name_items(select, wildcard, is_outermost);
            if index > 0 {
                continue;
            }
            order_by_names(query.order_by.as_mut(), &renamed);
            if is_outermost {
                self.shown.extend(renamed.into_iter().map(|item| (item.internal, item.shown)));
            }
        }
        order_by_all(query, wildcard.len());
        ControlFlow::Continue(())
    }
}

/// All `select`s whose rows make up the result, the first one first.
fn collect_selects<'q>(body: &'q mut SetExpr, selects: &mut Vec<&'q mut Select>) {
    match body {
        SetExpr::Select(select) => selects.push(select),
        SetExpr::SetOperation { left, right, .. } => {
            collect_selects(left, selects);
            collect_selects(right, selects);
        }
        _ => {}
    }
}

struct Renamed {
    internal: String,
    shown: String,
    /// Whether the name was written with `as`, which is what `order by` looks at first.
    is_alias: bool,
}

/// Gives each item of the select list a name that no other has.
fn name_items(select: &mut Select, wildcard: &[String], is_outermost: bool) -> Vec<Renamed> {
    let mut taken: HashSet<String> = wildcard.iter().map(|name| name.to_lowercase()).collect();
    let mut renamed = Vec::new();
    for (index, item) in select.projection.iter_mut().enumerate() {
        let (shown, is_alias, needs_alias) = match item {
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => (ident.value.clone(), false, false),
            SelectItem::UnnamedExpr(expr) => (shown_name(expr), false, true),
            SelectItem::ExprWithAlias { alias, .. } => (alias.value.clone(), true, false),
            _ => continue,
        };
        let is_new = taken.insert(shown.to_lowercase());
        let internal = match (is_new, is_outermost) {
            (true, _) if needs_alias => shown.clone(),
            (true, _) => shown.to_lowercase(),
            (false, true) => format!("egret output {index}"),
            (false, false) => next_free_name(&shown, &mut taken),
        };
        if needs_alias || !is_new {
            set_alias(item, &internal);
        }
        if !is_new || internal != shown {
            renamed.push(Renamed { internal, shown, is_alias });
        }
    }
    renamed
}

/// As DuckDB does within a query: the second `a` is `a_1`.
fn next_free_name(name: &str, taken: &mut HashSet<String>) -> String {
    let mut number = 1;
    loop {
        let candidate = format!("{name}_{number}");
        if taken.insert(candidate.to_lowercase()) {
            return candidate;
        }
        number += 1;
    }
}

fn set_alias(item: &mut SelectItem, name: &str) {
    let alias = Ident::with_quote('"', name);
    if let SelectItem::ExprWithAlias { alias: old, .. } = item {
        *old = alias;
    } else if let SelectItem::UnnamedExpr(expr) = item {
        let expr = std::mem::replace(expr, Expr::value(Value::Null));
        *item = SelectItem::ExprWithAlias { expr, alias };
    }
}

/// What a column without `as` is called: a field by its own name, anything else by its SQL.
fn shown_name(expr: &Expr) -> String {
    match expr {
        Expr::CompoundIdentifier(parts) => parts.last().map_or_else(String::new, |ident| ident.value.clone()),
        other => other.to_string(),
    }
}

fn is_wildcard(item: &SelectItem) -> bool {
    matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
}

/// `order by name` means the first `as name`, under the name it has now.
fn order_by_names(order_by: Option<&mut OrderBy>, renamed: &[Renamed]) {
    let Some(OrderBy { kind: OrderByKind::Expressions(expressions), .. }) = order_by else { return };
    for expression in expressions {
        let Expr::Identifier(ident) = &mut expression.expr else { continue };
        let meant =
            renamed.iter().find(|item| item.is_alias && item.shown.eq_ignore_ascii_case(&ident.value));
        if let Some(item) = meant {
            *ident = Ident::with_quote('"', &item.internal);
        }
    }
}

/// `order by all` is by each output column, from the left.
fn order_by_all(query: &mut Query, wildcard_columns: usize) {
    let SetExpr::Select(select) = query.body.as_ref() else { return };
    let Some(OrderBy { kind: kind @ OrderByKind::All(_), .. }) = &mut query.order_by else { return };
    let OrderByKind::All(options) = kind.clone() else { return };
    let named = select.projection.iter().filter(|item| !is_wildcard(item)).count();
    let positions = 1..=named + wildcard_columns;
    let by_position = |position: usize| OrderByExpr {
        expr: Expr::value(Value::Number(position.to_string(), false)),
        options,
        with_fill: None,
    };
    *kind = OrderByKind::Expressions(positions.map(by_position).collect());
}

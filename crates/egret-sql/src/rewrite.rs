//! What DuckDB says and the engine cannot, said in words that the engine knows.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, GroupByExpr, Ident, LimitClause, ObjectName, Query, Select,
    SelectFlavor, SelectItem, SetExpr, Statement, Subscript, TableFactor, TimezoneInfo, UnaryOperator, Value,
    VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use crate::dialect::parse_statement;
use crate::functions::text::FULL_MATCH;
use crate::names::function_name;

/// Functions that name a part of a time: `hour(t)` is `date_part('hour', t)`.
const TIME_PARTS: [&str; 17] = [
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "hour",
    "minute",
    "second",
    "millisecond",
    "microsecond",
    "dayofweek",
    "weekday",
    "isodow",
    "dayofyear",
    "decade",
    "century",
    "isoyear",
];

/// Rewrites all expressions in a statement or an expression.
pub(crate) fn rewrite(node: &mut impl VisitMut) {
    let _ = node.visit(&mut Rewriter);
}

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        // `from t` is `select * from t`.
        if select.projection.is_empty() && select.flavor == SelectFlavor::FromFirstNoSelect {
            select.projection.push(SelectItem::Wildcard(WildcardAdditionalOptions::default()));
            select.flavor = SelectFlavor::Standard;
        }
        for item in &mut select.projection {
            answer_exists(item);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<()> {
        if let Some(query) = unnest_query(table)
            && let TableFactor::Table { alias, .. } = table
        {
            let mut alias = alias.take();
            if let Some(alias) = &mut alias {
                alias.columns.clear();
            }
            *table = TableFactor::Derived { lateral: false, subquery: query, alias, sample: None };
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        match expression {
            Expr::Function(function) => {
                if let Some(replacement) = rewrite_function(function) {
                    *expression = replacement;
                }
            }
            Expr::SimilarTo { negated, expr, pattern, .. } => {
                let matches = call(FULL_MATCH, vec![expr.as_ref().clone(), pattern.as_ref().clone()]);
                *expression = negate_if(*negated, matches);
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                take_leading_names(root, access_chain);
                access_chain.iter_mut().for_each(rewrite_access);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// A call of a function with plain arguments.
pub(crate) fn call(name: &str, args: Vec<Expr>) -> Expr {
    let argument = |expr: Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    let args = args.into_iter().map(argument).collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// `not` in front, or nothing.
pub(crate) fn negate_if(is_negated: bool, expression: Expr) -> Expr {
    match is_negated {
        true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expression) },
        false => expression,
    }
}

fn rewrite_function(function: &Function) -> Option<Expr> {
    let name = function_name(&function.name);
    let args = plain_arguments(function)?;
    match (name.as_str(), args.as_slice()) {
        ("if", [condition, then, otherwise]) => Some(Expr::Case {
            case_token: AttachedToken::empty(),
            end_token: AttachedToken::empty(),
            operand: None,
            conditions: vec![CaseWhen { condition: condition.clone(), result: then.clone() }],
            else_result: Some(Box::new(otherwise.clone())),
        }),
        ("count_if" | "countif", [condition]) => {
            let mut count = function.clone();
            count.name = ObjectName::from(vec![Ident::new("count")]);
            if let FunctionArguments::List(list) = &mut count.args {
                list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Wildcard)];
            }
            count.filter = Some(Box::new(condition.clone()));
            Some(Expr::Function(count))
        }
        // Buckets are counted from a Monday, so that weeks start on one.
        ("time_bucket", [width, time]) => {
            let origin = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(text("2000-01-03")),
                data_type: DataType::Timestamp(None, TimezoneInfo::None),
                array: false,
                format: None,
            };
            Some(call("date_bin", vec![width.clone(), time.clone(), origin]))
        }
        ("dayname", [time]) => Some(call("strftime", vec![time.clone(), text("%A")])),
        ("monthname", [time]) => Some(call("strftime", vec![time.clone(), text("%B")])),
        (part, [time]) if TIME_PARTS.contains(&part) => {
            let part = match part {
                "dayofweek" | "weekday" => "dow",
                "dayofyear" => "doy",
                part => part,
            };
            Some(call("date_part", vec![text(part), time.clone()]))
        }
        _ => None,
    }
}

/// `from unnest(list) as t(name)` as a subquery; `None` if the table is something else.
fn unnest_query(table: &TableFactor) -> Option<Box<Query>> {
    let TableFactor::Table { name, alias, args: Some(args), .. } = table else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(list))] = args.args.as_slice() else { return None };
    if function_name(name) != "unnest" {
        return None;
    }
    let column = alias.as_ref().and_then(|alias| alias.columns.first()).map(|column| column.name.clone());
    let column = column.unwrap_or_else(|| Ident::new("unnest"));
    match parse_statement(&format!("select unnest({list}) as {column}")).ok()? {
        Statement::Query(query) => Some(query),
        _ => None,
    }
}

/// The arguments of a call that has nothing but plain ones.
fn plain_arguments(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let is_plain = function.over.is_none() && list.duplicate_treatment.is_none() && list.clauses.is_empty();
    if !is_plain {
        return None;
    }
    let plain = list.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    plain.collect()
}

/// `a.b` in front of `a.b[1]` is a column with its table or its field, as it is without what follows.
fn take_leading_names(root: &mut Expr, access_chain: &mut Vec<AccessExpr>) {
    let Expr::Identifier(first) = root else { return };
    let is_name = |access: &AccessExpr| matches!(access, AccessExpr::Dot(Expr::Identifier(_)));
    let count = access_chain.iter().take_while(|access| is_name(access)).count();
    if count == 0 {
        return;
    }
    let mut names = vec![first.clone()];
    names.extend(access_chain.drain(..count).filter_map(|access| match access {
        AccessExpr::Dot(Expr::Identifier(name)) => Some(name),
        _ => None,
    }));
    *root = Expr::CompoundIdentifier(names);
}

/// `exists (…)` among the output columns, which the engine only takes as a condition, is said by counting.
fn answer_exists(item: &mut SelectItem) {
    let (SelectItem::UnnamedExpr(expression) | SelectItem::ExprWithAlias { expr: expression, .. }) = item
    else {
        return;
    };
    let written = expression.to_string();
    let mut counting = Counting { depth: 0, has_counted: false };
    let _ = expression.visit(&mut counting);
    if counting.has_counted
        && let SelectItem::UnnamedExpr(expr) = item
    {
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', written) };
    }
}

/// Replaces what is outside of subqueries; these have their own turn.
struct Counting {
    depth: usize,
    has_counted: bool,
}

impl VisitorMut for Counting {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::Exists { subquery, negated } = expression
            && self.depth == 0
            && let Some(count) = count_of(subquery)
        {
            let op = if *negated { BinaryOperator::Eq } else { BinaryOperator::Gt };
            let left = Box::new(Expr::Subquery(count));
            let compared = Expr::BinaryOp { left, op, right: Box::new(number("0")) };
            *expression = Expr::Nested(Box::new(compared));
            self.has_counted = true;
        }
        ControlFlow::Continue(())
    }
}

/// The query that counts the rows of `query`.
fn count_of(query: &Query) -> Option<Box<Query>> {
    let mut counted = query.clone();
    counted.order_by = None;
    if is_one_row_or_more(counted.limit_clause.as_ref()) {
        counted.limit_clause = None;
    }
    if counted.limit_clause.is_none()
        && let SetExpr::Select(select) = counted.body.as_mut()
        && gives_each_row(select)
    {
        let mut count = call("count", Vec::new());
        if let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = &mut count {
            list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Wildcard)];
        }
        select.projection = vec![SelectItem::UnnamedExpr(count)];
        return Some(Box::new(counted));
    }
    match parse_statement(&format!("select count(*) from ({query}) as counted")).ok()? {
        Statement::Query(query) => Some(query),
        _ => None,
    }
}

/// Whether a limit leaves a row wherever there is one.
fn is_one_row_or_more(limit: Option<&LimitClause>) -> bool {
    match limit {
        Some(LimitClause::LimitOffset { limit: Some(Expr::Value(limit)), offset: None, limit_by }) => {
            limit_by.is_empty()
                && matches!(&limit.value, Value::Number(digits, _) if digits.parse::<u64>().is_ok_and(|n| n > 0))
        }
        _ => false,
    }
}

/// Whether a `select` has one row for each that its `from` and `where` give.
fn gives_each_row(select: &Select) -> bool {
    let is_plain = |item: &SelectItem| {
        matches!(
            item,
            SelectItem::Wildcard(_)
                | SelectItem::QualifiedWildcard(..)
                | SelectItem::UnnamedExpr(Expr::Value(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_))
        )
    };
    let is_ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(by, modifiers) if by.is_empty() && modifiers.is_empty());
    is_ungrouped
        && select.having.is_none()
        && select.qualify.is_none()
        && select.projection.iter().all(is_plain)
}

/// `list[1].name` and `list[2:]`.
fn rewrite_access(access: &mut AccessExpr) {
    match access {
        AccessExpr::Dot(Expr::Identifier(name)) => {
            *access = AccessExpr::Subscript(Subscript::Index { index: text(&name.value) });
        }
        AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, .. }) => {
            lower_bound.get_or_insert_with(|| number("1"));
            upper_bound.get_or_insert_with(|| number("-1"));
        }
        _ => {}
    }
}

fn text(value: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(value.to_owned()))
}

fn number(digits: &str) -> Expr {
    Expr::value(Value::Number(digits.to_owned(), false))
}

//! The shape of what was parsed: long chains of `and` and `or` are made shallow, and what is still too deep to be
//! planned and computed by recursion is refused.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value, VisitMut, VisitorMut};

use crate::error::SqlError;

/// How deep an expression may be.
const MAX_DEPTH: usize = 250;

/// Makes chains shallow, and refuses what stays deep.
pub(crate) fn flatten(node: &mut impl VisitMut) -> Result<(), SqlError> {
    let mut flattener = Flattener { around: Vec::new() };
    match node.visit(&mut flattener) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => {
            Err(SqlError::new(format!("an expression is more than {MAX_DEPTH} operators deep"))
                .with_hint("write long lists of values as `x in (a, b, …)`"))
        }
    }
}

struct Flattener {
    /// The operators of the expressions around the one at hand; `None` for those that are no operator.
    around: Vec<Option<BinaryOperator>>,
}

impl VisitorMut for Flattener {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if self.around.len() >= MAX_DEPTH {
            return ControlFlow::Break(());
        }
        let op = match expression {
            Expr::BinaryOp { op, .. } => Some(op.clone()),
            _ => None,
        };
        if let Some(op @ (BinaryOperator::And | BinaryOperator::Or)) = &op
            // Within a chain, the outermost operator has already balanced the whole of it.
            && self.around.last().and_then(Option::as_ref) != Some(op)
        {
            let chain = std::mem::replace(expression, Expr::value(Value::Null));
            if let Some(balanced) = balance(take_apart(chain, op), op) {
                *expression = balanced;
            }
        }
        self.around.push(op);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<()> {
        self.around.pop();
        ControlFlow::Continue(())
    }
}

/// The parts of `a or b or c`, which is parsed as `(a or b) or c`, from left to right.
fn take_apart(chain: Expr, op: &BinaryOperator) -> Vec<Expr> {
    let mut parts = Vec::new();
    let mut rest = chain;
    loop {
        match rest {
            Expr::BinaryOp { left, op: inner, right } if inner == *op => {
                parts.push(*right);
                rest = *left;
            }
            first => {
                parts.push(first);
                break;
            }
        }
    }
    parts.reverse();
    parts
}

fn balance(mut parts: Vec<Expr>, op: &BinaryOperator) -> Option<Expr> {
    if parts.len() <= 1 {
        return parts.pop();
    }
    let right = parts.split_off(parts.len() / 2);
    let left = Box::new(balance(parts, op)?);
    let right = Box::new(balance(right, op)?);
    Some(Expr::BinaryOp { left, op: op.clone(), right })
}

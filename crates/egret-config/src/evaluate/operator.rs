//! Operators: arithmetic that stays exact on whole numbers, comparison, logic.

use hcl_edit::expr::{BinaryOp, BinaryOperator, UnaryOp, UnaryOperator};

use super::Evaluator;
use crate::diagnostic::Diagnostic;
use crate::functions::to_number;
use crate::place::Location;
use crate::value::{Number, Value, ValueKind};

impl Evaluator<'_> {
    pub(super) fn unary(&mut self, operation: &UnaryOp, location: Location) -> Option<Value> {
        let operand = self.evaluate(&operation.expr)?;
        let kind = match operation.operator.value() {
            UnaryOperator::Not => ValueKind::Bool(!self.truth(&operand)?),
            UnaryOperator::Neg => match self.number(&operand)? {
                Number::Integer(value) => ValueKind::Number(Number::Integer(value.saturating_neg())),
                Number::Float(value) => ValueKind::Number(Number::Float(-value)),
            },
        };
        Some(Value { kind, location, from_outside: operand.holds_outside() })
    }

    pub(super) fn binary(&mut self, operation: &BinaryOp, location: Location) -> Option<Value> {
        let operator = *operation.operator.value();
        let left = self.evaluate(&operation.lhs_expr);
        if let (BinaryOperator::And | BinaryOperator::Or, Some(left)) = (operator, &left)
            && self.truth(left)? == (operator == BinaryOperator::Or)
        {
            // Settled: `x != null && x > 3` must not look at the rest.
            let kind = ValueKind::Bool(operator == BinaryOperator::Or);
            return Some(Value { kind, location, from_outside: left.holds_outside() });
        }
        let right = self.evaluate(&operation.rhs_expr);
        let (left, right) = (left?, right?);
        let kind = match operator {
            BinaryOperator::Eq => ValueKind::Bool(left.same_as(&right)),
            BinaryOperator::NotEq => ValueKind::Bool(!left.same_as(&right)),
            BinaryOperator::And | BinaryOperator::Or => ValueKind::Bool(self.truth(&right)?),
            _ => {
                let numbers = (self.number(&left), self.number(&right));
                self.numeric(operator, numbers.0?, numbers.1?, &location)?
            }
        };
        let from_outside = left.holds_outside() || right.holds_outside();
        Some(Value { kind, location, from_outside })
    }

    fn numeric(
        &mut self,
        operator: BinaryOperator,
        left: Number,
        right: Number,
        location: &Location,
    ) -> Option<ValueKind> {
        let ordering = match (left, right) {
            (Number::Integer(left), Number::Integer(right)) => left.cmp(&right),
            _ => left.to_f64().total_cmp(&right.to_f64()),
        };
        let outcome = match operator {
            BinaryOperator::Less => return Some(ValueKind::Bool(ordering.is_lt())),
            BinaryOperator::LessEq => return Some(ValueKind::Bool(ordering.is_le())),
            BinaryOperator::Greater => return Some(ValueKind::Bool(ordering.is_gt())),
            BinaryOperator::GreaterEq => return Some(ValueKind::Bool(ordering.is_ge())),
            _ => arithmetic(operator, left, right),
        };
        match outcome {
            Ok(number) => Some(ValueKind::Number(number)),
            Err(message) => {
                self.report(Diagnostic::error(message).at(location));
                None
            }
        }
    }

    fn number(&mut self, value: &Value) -> Option<Number> {
        let number = to_number(value);
        if number.is_none() {
            self.report(value.wrong_type("a number"));
        }
        number
    }
}

/// Whole numbers stay whole and exact where the result is; everything else is a float.
fn arithmetic(operator: BinaryOperator, left: Number, right: Number) -> Result<Number, &'static str> {
    let divides = matches!(operator, BinaryOperator::Div | BinaryOperator::Mod);
    if divides && right.to_f64() == 0.0 {
        return Err("division by zero");
    }
    if let (Number::Integer(left), Number::Integer(right)) = (left, right) {
        let exact = match operator {
            BinaryOperator::Plus => left.checked_add(right),
            BinaryOperator::Minus => left.checked_sub(right),
            BinaryOperator::Mul => left.checked_mul(right),
            BinaryOperator::Mod => left.checked_rem(right),
            _ => left.checked_div(right).filter(|quotient| quotient * right == left),
        };
        if let Some(exact) = exact {
            return Ok(Number::Integer(exact));
        }
    }
    let (left, right) = (left.to_f64(), right.to_f64());
    let float = match operator {
        BinaryOperator::Plus => left + right,
        BinaryOperator::Minus => left - right,
        BinaryOperator::Mul => left * right,
        BinaryOperator::Mod => left % right,
        _ => left / right,
    };
    Number::from_f64(float).ok_or("the result is too large for a number")
}

//! Functions over numbers.

use super::{Call, Function, Mistake, Outcome, to_number, wrong};
use crate::value::{Number, ValueKind};

pub(super) const FUNCTIONS: [Function; 10] = [
    Function::new("min(numbers...)", "the smallest of the numbers", |call| {
        extreme(call, |new, best| new < best)
    }),
    Function::new("max(numbers...)", "the greatest of the numbers", |call| {
        extreme(call, |new, best| new > best)
    }),
    Function::new("sum(list)", "the sum of the numbers in the list", sum),
    Function::new("abs(number)", "`number` without its sign", |call| {
        Ok(ValueKind::Number(match call.number(0)? {
            Number::Integer(integer) => Number::Integer(integer.saturating_abs()),
            Number::Float(float) => Number::Float(float.abs()),
        }))
    }),
    Function::new("ceil(number)", "the next whole number upwards", |call| rounded(call, f64::ceil)),
    Function::new("floor(number)", "the next whole number downwards", |call| rounded(call, f64::floor)),
    Function::new("round(number)", "the nearest whole number", |call| rounded(call, f64::round)),
    Function::new("signum(number)", "-1, 0 or 1: the sign of `number`", |call| {
        let number = call.number(0)?.to_f64();
        let sign = i128::from(number > 0.0) - i128::from(number < 0.0);
        Ok(ValueKind::Number(Number::Integer(sign)))
    }),
    Function::new("pow(base, exponent)", "`base` to the power of `exponent`", |call| {
        float(call.number(0)?.to_f64().powf(call.number(1)?.to_f64()))
    }),
    Function::new("log(number, base)", "the logarithm of `number` in `base`", |call| {
        float(call.number(0)?.to_f64().log(call.number(1)?.to_f64()))
    }),
];

fn numbers(call: &Call<'_>) -> Result<Vec<Number>, Mistake> {
    let numbers: Result<Vec<Number>, Mistake> =
        call.rest(0).iter().map(|value| to_number(value).ok_or_else(|| wrong(0, "numbers", value))).collect();
    numbers
}

fn extreme(call: &Call<'_>, better: fn(f64, f64) -> bool) -> Outcome {
    let mut best: Option<Number> = None;
    for number in numbers(call)? {
        if best.is_none_or(|best| better(number.to_f64(), best.to_f64())) {
            best = Some(number);
        }
    }
    best.map(ValueKind::Number).ok_or_else(|| Mistake::new("needs at least one number"))
}

fn sum(call: &Call<'_>) -> Outcome {
    call.list(0)?;
    let mut total = Number::Integer(0);
    for number in numbers(call)? {
        let exact = match (total, number) {
            (Number::Integer(left), Number::Integer(right)) => left.checked_add(right),
            _ => None,
        };
        total = match exact {
            Some(exact) => Number::Integer(exact),
            None => finite(total.to_f64() + number.to_f64())?,
        };
    }
    Ok(ValueKind::Number(total))
}

fn rounded(call: &Call<'_>, round: fn(f64) -> f64) -> Outcome {
    match call.number(0)? {
        Number::Float(value) => float(round(value)),
        whole => Ok(ValueKind::Number(whole)),
    }
}

fn float(value: f64) -> Outcome {
    finite(value).map(ValueKind::Number)
}

fn finite(value: f64) -> Result<Number, Mistake> {
    Number::from_f64(value).ok_or_else(|| Mistake::new("the result is no finite number"))
}

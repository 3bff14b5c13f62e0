//! The condition of a rule: which of its selections must hold.

use std::ops::Range;
use std::sync::Arc;

use super::limits::{self, Budget};
use super::selection::single_or;
use egret_config::Location;
use egret_match::Condition;

mod token;

use token::{Token, Tokens, Word};

/// Parentheses and `not` may be nested so deep.
const MAX_DEPTH: usize = 64;

/// A selection that a condition can name.
#[derive(Debug)]
pub(super) struct Selection {
    /// Its name.
    pub name: Arc<str>,
    /// Where the name is.
    pub location: Location,
    /// What it says.
    pub condition: Condition,
    /// How many tests that are.
    pub tests: usize,
    /// Whether a condition named it.
    pub used: bool,
}

/// Why a condition cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It has a mistake.
    Mistake {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
        /// Its bytes that are meant.
        span: Range<usize>,
    },
    /// It aggregates, as in the first version of Sigma: `| count() by …`.
    Aggregation(Range<usize>),
    /// It names so many selections that the rule is too large.
    TooLarge,
}

/// What `text` says about `selections`, which it marks as used. What it costs is taken
/// from `budget`.
pub(super) fn lower(
    text: &str,
    selections: &mut [Selection],
    budget: &mut Budget,
) -> Result<Condition, Refusal> {
    let tokens = Tokens::new(text)?;
    let mut parser = ExpressionParser { tokens, selections, budget };
    let condition = parser.either(MAX_DEPTH)?;
    match parser.tokens.next() {
        None => Ok(condition),
        Some((Token::Close, span)) => Err(mistake("this parenthesis was never opened", "remove it", span)),
        Some((_, span)) => {
            Err(mistake("expected `and` or `or` before this", "join selections by `and` or `or`", span))
        }
    }
}

fn mistake(message: impl Into<String>, hint: impl Into<String>, span: Range<usize>) -> Refusal {
    Refusal::Mistake { message: message.into(), hint: hint.into(), span }
}

/// How many of several selections must hold.
enum Quantity {
    All,
    AtLeast(usize),
}

struct ExpressionParser<'a> {
    tokens: Tokens<'a>,
    selections: &'a mut [Selection],
    budget: &'a mut Budget,
}

impl ExpressionParser<'_> {
    /// `… or …`
    fn either(&mut self, depth: usize) -> Result<Condition, Refusal> {
        let mut parts = vec![self.both(depth)?];
        while self.tokens.take(Word::Or) {
            parts.push(self.both(depth)?);
        }
        Ok(single_or(parts, Condition::Any))
    }

    /// `… and …`
    fn both(&mut self, depth: usize) -> Result<Condition, Refusal> {
        let mut parts = vec![self.negation(depth)?];
        while self.tokens.take(Word::And) {
            parts.push(self.negation(depth)?);
        }
        Ok(single_or(parts, Condition::All))
    }

    /// `not …`
    fn negation(&mut self, depth: usize) -> Result<Condition, Refusal> {
        let start = self.tokens.here();
        if !self.tokens.take(Word::Not) {
            return self.operand(depth);
        }
        Ok(self.negation(deeper(depth, start)?)?.negated())
    }

    /// A selection, several, or something in parentheses.
    fn operand(&mut self, depth: usize) -> Result<Condition, Refusal> {
        let end = self.tokens.here();
        let hint = "write the name of a selection";
        match self.tokens.next() {
            None => Err(mistake("the condition ends too early", hint, end)),
            Some((Token::Close, span)) => Err(mistake("expected a selection before this", hint, span)),
            Some((Token::Open, span)) => {
                let inner = self.either(deeper(depth, span.clone())?)?;
                match self.tokens.next() {
                    Some((Token::Close, _)) => Ok(inner),
                    Some((_, after)) => {
                        Err(mistake("expected `and`, `or` or `)` before this", "add it", after))
                    }
                    None => Err(mistake("this parenthesis is not closed", "add a `)`", span)),
                }
            }
            Some((Token::Name(name), span)) => match self.tokens.take(Word::Of) {
                true => self.quantified(name, span),
                false => self.named(name, span),
            },
        }
    }

    fn named(&mut self, name: &str, span: Range<usize>) -> Result<Condition, Refusal> {
        if let Some(index) = self.selections.iter().position(|selection| *selection.name == *name) {
            return self.take(index);
        }
        if Word::from_name(name).is_some() {
            let message = format!("expected a selection before `{name}`");
            return Err(mistake(
                message,
                "`and` and `or` stand between two selections, `not` before one",
                span,
            ));
        }
        if name.contains('*') {
            let hint = format!("write `1 of {name}` or `all of {name}`");
            return Err(mistake("a pattern says not how many must hold", hint, span));
        }
        Err(mistake(format!("there is no selection `{name}`"), self.nearest(name), span))
    }

    /// `1 of …`
    fn quantified(&mut self, quantity: &str, span: Range<usize>) -> Result<Condition, Refusal> {
        let end = self.tokens.here();
        let pattern = match self.tokens.next() {
            Some((Token::Name(name), pattern_span)) => (name, pattern_span),
            _ => return Err(mistake("of what is missing", "write `1 of them` or `1 of name*`", end)),
        };
        let (pattern, pattern_span) = pattern;
        let quantity = match quantity.to_ascii_lowercase().as_str() {
            "all" => Quantity::All,
            "any" => Quantity::AtLeast(1),
            number => match number.parse() {
                Ok(number) => Quantity::AtLeast(number),
                Err(_) => {
                    let message = format!("`{quantity}` is not a number of selections");
                    return Err(mistake(message, "write `1 of`, `any of` or `all of`", span));
                }
            },
        };
        let matching = self.matching(pattern);
        if matching.is_empty() {
            return Err(self.no_match(pattern, pattern_span));
        }
        let conditions = matching.iter().map(|index| self.take(*index)).collect::<Result<Vec<_>, _>>()?;
        let count = conditions.len();
        Ok(match quantity {
            Quantity::All => single_or(conditions, Condition::All),
            Quantity::AtLeast(0) => {
                return Err(mistake("0 of them always hold", "write `1 of` or more", span));
            }
            Quantity::AtLeast(1) => single_or(conditions, Condition::Any),
            Quantity::AtLeast(number) if number > count => {
                let message = format!("{number} must hold, and `{pattern}` means {count}");
                return Err(mistake(message, "write a smaller number, or `all of`", span));
            }
            Quantity::AtLeast(number) => Condition::AtLeast(number, conditions),
        })
    }

    /// The selections that `pattern` means. A name that begins with `_` is only meant if the pattern does so too.
    fn matching(&self, pattern: &str) -> Vec<usize> {
        let them = pattern.eq_ignore_ascii_case("them");
        let matches = |name: &str| match them {
            true => !name.starts_with('_'),
            false => (pattern.starts_with('_') || !name.starts_with('_')) && is_like(name, pattern),
        };
        (0..self.selections.len()).filter(|index| matches(&self.selections[*index].name)).collect()
    }

    fn no_match(&self, pattern: &str, span: Range<usize>) -> Refusal {
        mistake(
            format!("no selection is like `{pattern}`"),
            self.nearest(pattern.trim_end_matches('*')),
            span,
        )
    }

    /// The selection that was probably meant, or all.
    fn nearest(&self, name: &str) -> String {
        let names: Vec<&str> = self.selections.iter().map(|selection| &*selection.name).collect();
        match names.is_empty() {
            true => "add a selection beside the condition".to_owned(),
            false => limits::nearest_hint(name, &names, "selections"),
        }
    }

    fn take(&mut self, index: usize) -> Result<Condition, Refusal> {
        let selection = &mut self.selections[index];
        selection.used = true;
        self.budget.spend(selection.tests, 0).ok_or(Refusal::TooLarge)?;
        Ok(Condition::Named(Arc::clone(&selection.name), Box::new(selection.condition.clone())))
    }
}

fn deeper(depth: usize, span: Range<usize>) -> Result<usize, Refusal> {
    depth.checked_sub(1).ok_or_else(|| {
        mistake(format!("this is nested deeper than {MAX_DEPTH} levels"), "split the rule", span)
    })
}

/// Whether `name` is like `pattern`, where `*` stands for any characters.
fn is_like(name: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(index) => rest = &rest[index + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests;

//! `format()`: verbs as in C and Go (`%s %d %f %x %q %v %t %%`), with flags, width and precision.

use super::super::{Mistake, to_bool, to_number, to_text, wrong};
use super::MAX_PADDING;
use crate::functions::encoding::to_json_text;
use crate::value::{Number, Value, ValueKind};

/// One `%…` of a format.
#[derive(Debug, Default)]
struct Verb {
    left: bool,
    plus: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    /// `%[2]s`: an argument by its number, counted from 1.
    position: Option<usize>,
    letter: char,
}

/// Fills `pattern` with the arguments from `first` on.
pub(super) fn format(pattern: &str, arguments: &[Value], first: usize) -> Result<String, Mistake> {
    let mut text = String::new();
    let mut rest = pattern;
    let mut next = first;
    let mut by_position = false;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let (verb, after) = parse_verb(after)?;
        rest = after;
        if verb.letter == '%' {
            text.push('%');
            continue;
        }
        by_position |= verb.position.is_some();
        let index = verb.position.map_or(next, |position| first + position - 1);
        next = index + 1;
        let Some(argument) = arguments.get(index) else {
            return Err(Mistake::new("the format has more verbs than there are values").at(0));
        };
        text.push_str(&verb.fill(argument, index)?);
    }
    text.push_str(rest);
    if next < arguments.len() && !by_position {
        return Err(Mistake::new("there are more values than verbs in the format").at(next));
    }
    Ok(text)
}

/// Reads what follows a `%`.
fn parse_verb(text: &str) -> Result<(Verb, &str), Mistake> {
    let mut verb = Verb::default();
    let mut rest = text;
    loop {
        let Some(c) = rest.chars().next() else {
            return Err(Mistake::new("the format ends in the middle of a verb")
                .at(0)
                .hint("write `%%` for `%`"));
        };
        rest = &rest[c.len_utf8()..];
        match c {
            '-' => verb.left = true,
            '+' => verb.plus = true,
            '0' => verb.zero = true,
            ' ' | '#' => {}
            '1'..='9' => (verb.width, rest) = digits(c, rest)?,
            '.' => (verb.precision, rest) = digits('0', rest).map(|(number, rest)| (Some(number), rest))?,
            '[' => {
                let (number, after) = digits('0', rest)?;
                let after = after.strip_prefix(']').filter(|_| number > 0);
                rest = after.ok_or_else(|| Mistake::new("expected a number in `%[…]`").at(0))?;
                verb.position = Some(number);
            }
            letter => {
                verb.letter = letter;
                return Ok((verb, rest));
            }
        }
    }
}

/// A number that starts with the digit `first` and goes on in `rest`.
fn digits(first: char, rest: &str) -> Result<(usize, &str), Mistake> {
    let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let number: Option<usize> = format!("{first}{}", &rest[..length]).parse().ok();
    let number = number.filter(|number| *number <= MAX_PADDING);
    let number = number.ok_or_else(|| Mistake::new("a number in the format is too large").at(0))?;
    Ok((number, &rest[length..]))
}

impl Verb {
    fn fill(&self, argument: &Value, index: usize) -> Result<String, Mistake> {
        let number = || to_number(argument).ok_or_else(|| wrong(index, "a number", argument));
        let whole = || match number()? {
            Number::Integer(integer) => Ok(integer),
            Number::Float(_) => Err(Mistake::new("expected a whole number").at(index)),
        };
        let text = match self.letter {
            's' => self.cut(&to_text(argument).ok_or_else(|| wrong(index, "a string", argument))?),
            'q' => to_json_text(&to_text(argument).ok_or_else(|| wrong(index, "a string", argument))?),
            'v' => plain(argument)?,
            't' => to_bool(argument).ok_or_else(|| wrong(index, "true or false", argument))?.to_string(),
            'd' => self.signed(whole()?.to_string()),
            'b' => self.signed(format!("{:b}", whole()?)),
            'o' => self.signed(format!("{:o}", whole()?)),
            'x' => self.hexadecimal(argument, index, false)?,
            'X' => self.hexadecimal(argument, index, true)?,
            'f' => self.signed(format!("{:.*}", self.precision.unwrap_or(6), number()?.to_f64())),
            'e' => self.signed(format!("{:.*e}", self.precision.unwrap_or(6), number()?.to_f64())),
            'g' => self.signed(number()?.to_string()),
            other => {
                let mistake = Mistake::new(format!("there is no verb `%{other}`")).at(0);
                return Err(mistake.hint("the verbs are %s %d %f %q %v %t %x %b %o %e %g and %%"));
            }
        };
        Ok(self.pad(text))
    }

    /// A text's bytes or a whole number.
    fn hexadecimal(&self, argument: &Value, index: usize, upper: bool) -> Result<String, Mistake> {
        let text = match &argument.kind {
            ValueKind::String(text) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
            ValueKind::Number(Number::Integer(integer)) => self.signed(format!("{integer:x}")),
            _ => return Err(wrong(index, "a whole number or a string", argument)),
        };
        Ok(if upper { text.to_uppercase() } else { text })
    }

    fn signed(&self, digits: String) -> String {
        if self.plus && !digits.starts_with('-') { format!("+{digits}") } else { digits }
    }

    fn cut(&self, text: &str) -> String {
        text.chars().take(self.precision.unwrap_or(usize::MAX)).collect()
    }

    fn pad(&self, text: String) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if self.left {
            return text + &" ".repeat(missing);
        }
        if !self.zero || !matches!(self.letter, 'd' | 'f' | 'b' | 'o' | 'x' | 'X' | 'e' | 'g') {
            return " ".repeat(missing) + &text;
        }
        let sign = text.len() - text.trim_start_matches(['+', '-']).len();
        format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
    }
}

/// A value as it is: text plain, lists and maps as JSON.
fn plain(value: &Value) -> Result<String, Mistake> {
    match to_text(value) {
        Some(text) => Ok(text.into_owned()),
        None => crate::functions::encoding::to_json(value).map(|json| json.to_string()),
    }
}

//! What is lost and what is too much, between two multisets of rows.

use std::cmp::Ordering;
use std::fmt;

/// At most so many rows of each kind are shown.
const SHOWN: usize = 5;

/// How what is stored differs from what should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Rows that should be there and are not, each as often as it is missing.
    pub lost: Vec<String>,
    /// Rows that are there and should not be, each as often as it is too many.
    pub surplus: Vec<String>,
}

impl Difference {
    /// Compares as multisets: the order does not count, how often a row occurs does. `None` if both are equal.
    pub fn between(mut expected: Vec<String>, mut got: Vec<String>) -> Option<Self> {
        expected.sort_unstable();
        got.sort_unstable();
        let (mut lost, mut surplus) = (Vec::new(), Vec::new());
        let (mut expected, mut got) = (expected.into_iter().peekable(), got.into_iter().peekable());
        loop {
            let order = match (expected.peek(), got.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(expected), Some(got)) => expected.cmp(got),
            };
            match order {
                Ordering::Less => lost.extend(expected.next()),
                Ordering::Greater => surplus.extend(got.next()),
                Ordering::Equal => drop((expected.next(), got.next())),
            }
        }
        (!lost.is_empty() || !surplus.is_empty()).then_some(Self { lost, surplus })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lost, {} too many", self.lost.len(), self.surplus.len())?;
        for (sign, rows) in [('-', &self.lost), ('+', &self.surplus)] {
            for row in rows.iter().take(SHOWN) {
                write!(f, "\n  {sign} {row}")?;
            }
            if rows.len() > SHOWN {
                write!(f, "\n  {sign} … and {} more", rows.len() - SHOWN)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn rows_are_compared_as_a_multiset() {
        assert_eq!(Difference::between(rows("a b b c"), rows("c b a b")), None);
        let difference = Difference::between(rows("a b b c"), rows("b c c d")).unwrap();
        assert_eq!((&difference.lost, &difference.surplus), (&rows("a b"), &rows("c d")));
        assert_eq!(difference.to_string(), "2 lost, 2 too many\n  - a\n  - b\n  + c\n  + d");
        let many = Difference::between(rows("1 2 3 4 5 6 7"), vec![]).unwrap().to_string();
        assert!(many.ends_with("- … and 2 more"), "{many}");
    }
}

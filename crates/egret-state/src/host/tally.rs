//! What happens to many files, told once.

/// So many are named.
const NAMED: usize = 3;

/// Counts, and remembers the first few.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    count: usize,
    examples: Vec<String>,
}

impl Tally {
    /// Counts one.
    pub(crate) fn add(&mut self, example: impl Into<String>) {
        self.count += 1;
        if self.examples.len() < NAMED {
            self.examples.push(example.into());
        }
    }

    /// How many there were, what about them, and which; `None` if there were none.
    pub(crate) fn tell(&self, what: &str) -> Option<String> {
        let more = if self.count > self.examples.len() { ", …" } else { "" };
        (self.count > 0).then(|| format!("{what}: {} ({}{more})", self.count, self.examples.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_named() {
        let mut tally = Tally::default();
        assert_eq!(tally.tell("left out"), None);
        tally.add("a");
        assert_eq!(tally.tell("left out").as_deref(), Some("left out: 1 (a)"));
        ["b", "c", "d"].into_iter().for_each(|name| tally.add(name));
        assert_eq!(tally.tell("left out").as_deref(), Some("left out: 4 (a, b, c, …)"));
    }
}

//! Keeps secrets out of what others say: a server or a command may repeat what it was given.

use egret_model::Secret;

/// A secret that is shorter cannot be told from other text.
const MIN_SECRET: usize = 4;

/// Secrets that must not be shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hidden(Vec<Secret>);

impl Hidden {
    /// Hides these.
    pub(crate) fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut secrets: Vec<Secret> =
            secrets.into_iter().filter(|secret| secret.expose().len() >= MIN_SECRET).cloned().collect();
        // One that has another in it goes first.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        Self(secrets)
    }

    /// `text` without them.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "…"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out() {
        let secrets = ["ab", "hunter2", "hunter2000"].map(Secret::new);
        assert_eq!(Hidden::new(&secrets).hide("ab hunter2000, hunter2"), "ab …, …");
    }
}

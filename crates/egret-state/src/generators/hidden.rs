//! Keeps secrets out of what others say: a server or a command may repeat what it was given.

use egret_http::Url;
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

    /// Hides a URL, and the password in it also where it is said without the rest.
    pub(crate) fn of_url(url: &Secret) -> Self {
        let parsed = Url::parse(url.expose()).ok();
        let in_query = parsed.iter().flat_map(|url| url.query_pairs()).filter(|(key, _)| key == "password");
        let mut secrets: Vec<Secret> = in_query.map(|(_, password)| Secret::new(password)).collect();
        if let Some(password) = parsed.as_ref().and_then(Url::password) {
            secrets.extend([Secret::new(password), decoded(password)]);
        }
        secrets.push(url.clone());
        Self::new(&secrets)
    }

    /// `text` without them.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "…"))
    }
}

/// Text of a URL without its percent signs.
fn decoded(text: &str) -> Secret {
    let query = Url::parse(&format!("http://a/?{}", text.replace('+', "%2B"))).ok();
    let decoded = query.and_then(|query| Some(query.query_pairs().next()?.0.into_owned()));
    Secret::new(decoded.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out() {
        let secrets = ["ab", "hunter2", "hunter2000"].map(Secret::new);
        assert_eq!(Hidden::new(&secrets).hide("ab hunter2000, hunter2"), "ab …, …");
    }

    #[test]
    fn the_password_of_a_url_is_left_out_however_it_is_said() {
        let url = Secret::new("postgres://ada:corr%40ect@db/x?password=hunter2");
        let said = format!("{}; corr%40ect, corr@ect, hunter2 for ada", url.expose());
        assert_eq!(Hidden::of_url(&url).hide(&said), "…; …, …, … for ada");
    }
}

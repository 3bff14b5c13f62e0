//! What blocks say of the requests that a generator makes: the method, and headers whose values are secrets.

use egret_config::{BlockReader, Diagnostic, Located};
use egret_http::Method;
use egret_http::header::{HeaderMap, HeaderName, HeaderValue};
use egret_model::Secret;

/// The method, of those that are `known`.
pub(crate) fn read_method(
    method: &Located<String>,
    known: [Method; 2],
    reader: &mut BlockReader<'_>,
) -> Option<Method> {
    let hint = format!("the methods are {} and {}", known[0], known[1]);
    let found = known.into_iter().find(|known| method.value.eq_ignore_ascii_case(known.as_str()));
    if found.is_none() {
        let mistake = Diagnostic::error(format!("`{}` is no method to ask with", method.value));
        reader.diagnostics().push(mistake.at(&method.location).hint(hint));
    }
    found
}

/// Headers to send.
pub(crate) fn read_headers(
    headers: &[(Located<String>, Secret)],
    reader: &mut BlockReader<'_>,
) -> Option<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let parsed = HeaderName::try_from(&name.value).ok();
        let Some((parsed, mut value)) = parsed.zip(HeaderValue::from_str(value.expose()).ok()) else {
            let message = format!("`{}` and its value cannot be a header", name.value);
            reader.diagnostics().error(&name.location, message);
            return None;
        };
        value.set_sensitive(true);
        map.insert(parsed, value);
    }
    Some(map)
}

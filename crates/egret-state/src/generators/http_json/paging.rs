//! The pages of an answer: which one comes first, and which one after another.

use egret_config::{BlockReader, Diagnostic, Located};
use egret_http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use egret_http::{HttpResponse, Url, escape_line};
use egret_model::Secret;
use serde_json::Value as Json;

use crate::definition::read_path;
use crate::shape::DocumentPath;

use super::answer::{Answer, is_nothing};
use super::request::Request;

/// How services page.
const WAYS: [&str; 5] = ["link", "next", "cursor", "page", "offset"];

/// How further pages are asked for.
#[derive(Debug)]
pub(super) struct Paging {
    way: Way,
    place: Place,
}

#[derive(Debug)]
enum Way {
    Link,
    Next(DocumentPath),
    Cursor { next: DocumentPath, more: Option<DocumentPath> },
    Page { first: u64 },
    Offset { first: u64 },
}

/// Where the parameter goes.
#[derive(Debug)]
enum Place {
    Query(String),
    Body(String),
    Header(HeaderName),
}

/// What an answer says of the page after it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    next: Option<Json>,
    more: Option<Json>,
}

/// A page as it is asked for.
#[derive(Clone)]
pub(super) struct Page {
    /// From 1.
    pub number: u64,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Secret>,
    /// The value of the parameter.
    value: Option<Json>,
    /// The answer of the page before.
    before: Option<blake3::Hash>,
}

impl Page {
    /// The only one, or the first.
    pub(super) fn first(request: &Request) -> Self {
        let (url, headers, body) = (request.url.clone(), request.headers.clone(), request.body.clone());
        Self { number: 1, url, headers, body, value: None, before: None }
    }
}

/// Reads the block `paging`, if there is one. `None` after a mistake, which was reported.
pub(super) fn decode(reader: &mut BlockReader<'_>, request: Option<&Request>) -> Option<Option<Paging>> {
    let Some(block) = reader.nested_block("paging") else { return Some(None) };
    let mut reader = BlockReader::new(block, reader.diagnostics());
    let way = decode_way(&mut reader);
    let parameter = reader.optional_or("parameter", None::<Located<String>>);
    let place = reader.optional_or("place", None::<Located<String>>);
    let decoded = way.and_then(|way| {
        let parameter = parameter?.unwrap_or_else(|| {
            let name = if matches!(way, Way::Page { .. }) { "page" } else { "" };
            let name = if matches!(way, Way::Offset { .. }) { "offset" } else { name };
            let name = if name.is_empty() { "cursor" } else { name };
            Located::new(name.to_owned(), reader.location().clone())
        });
        let place = read_place(place?, parameter, request, &mut reader)?;
        Some(Some(Paging { way, place }))
    });
    reader.finish();
    decoded
}

fn decode_way(reader: &mut BlockReader<'_>) -> Option<Way> {
    let by = reader.required::<Located<String>>("by");
    let next = reader.optional_or("next", None::<Located<String>>);
    let more = reader.optional_or("more", None::<Located<String>>);
    let first = reader.optional_or("first", None::<u64>);
    let by = by?;
    let path = |path: Option<Located<String>>, reader: &mut BlockReader<'_>| match path {
        Some(path) => read_path(&path, reader.diagnostics()).map(Some),
        None => Some(None),
    };
    let (next, more) = (next.and_then(|next| path(next, reader)), more.and_then(|more| path(more, reader)));
    let (next, more, first) = (next?, more?, first?);
    let missing = |reader: &mut BlockReader<'_>| {
        let mistake = Diagnostic::error(format!("paging by {} needs `next`", by.value)).at(&by.location);
        reader.diagnostics().push(mistake.hint("write a JSONPath of it, such as \"$.meta.next\""));
    };
    match (by.value.as_str(), next) {
        ("link", _) => Some(Way::Link),
        ("next", Some(next)) => Some(Way::Next(next)),
        ("cursor", Some(next)) => Some(Way::Cursor { next, more }),
        ("page", _) => Some(Way::Page { first: first.unwrap_or(1) }),
        ("offset", _) => Some(Way::Offset { first: first.unwrap_or(0) }),
        ("next" | "cursor", None) => {
            missing(reader);
            None
        }
        (other, _) => {
            let mistake = Diagnostic::error(format!("there is no paging by `{other}`")).at(&by.location);
            reader.diagnostics().push(mistake.hint(format!("services page by {}", WAYS.join(", "))));
            None
        }
    }
}

fn read_place(
    place: Option<Located<String>>,
    parameter: Located<String>,
    request: Option<&Request>,
    reader: &mut BlockReader<'_>,
) -> Option<Place> {
    let place = place.unwrap_or_else(|| Located::new("query".to_owned(), parameter.location.clone()));
    match place.value.as_str() {
        "query" => Some(Place::Query(parameter.value)),
        "header" => match HeaderName::try_from(&parameter.value) {
            Ok(name) => Some(Place::Header(name)),
            Err(_) => {
                let message = format!("`{}` cannot be a header", parameter.value);
                reader.diagnostics().error(&parameter.location, message);
                None
            }
        },
        "body" => {
            let body = request?.body.as_ref().map_or("{}", Secret::expose);
            let is_object = serde_json::from_str::<Json>(body).is_ok_and(|body| body.is_object());
            if !is_object {
                let mistake =
                    Diagnostic::error("the `body` is no JSON object, which a parameter could go into");
                reader.diagnostics().push(mistake.at(&place.location));
            }
            is_object.then_some(Place::Body(parameter.value))
        }
        other => {
            let mistake =
                Diagnostic::error(format!("a parameter cannot be in `{other}`")).at(&place.location);
            reader.diagnostics().push(mistake.hint("the places are query, body and header"));
            None
        }
    }
}

impl Paging {
    /// The page that is asked for first.
    ///
    /// # Errors
    /// If the parameter cannot be where it is to be.
    pub(super) fn first(&self, request: &Request) -> Result<Page, String> {
        let page = Page::first(request);
        match self.way {
            Way::Page { first } | Way::Offset { first } => self.with(request, page, Json::from(first)),
            _ => Ok(page),
        }
    }

    /// What an answer says of the page after it.
    pub(super) fn look(&self, answer: &Answer) -> Seen {
        match &self.way {
            Way::Next(next) => Seen { next: answer.first(next).cloned(), more: None },
            Way::Cursor { next, more } => Seen {
                next: answer.first(next).cloned(),
                more: more.as_ref().and_then(|more| answer.first(more)).cloned(),
            },
            _ => Seen::default(),
        }
    }

    /// The page after one, if there is one.
    ///
    /// # Errors
    /// If there is one that must not or cannot be asked for.
    pub(super) fn next(
        &self,
        request: &Request,
        page: &Page,
        response: &HttpResponse,
        seen: Seen,
        count: u64,
    ) -> Result<Option<Page>, String> {
        let mut after = Page { number: page.number + 1, ..page.clone() };
        let value = match &self.way {
            Way::Link => {
                return match next_link(&response.headers) {
                    Some(link) => at(after, page, &link).map(Some),
                    None => Ok(None),
                };
            }
            Way::Next(_) => {
                return match seen.next.filter(|link| !is_nothing(link)) {
                    Some(Json::String(link)) => at(after, page, &link).map(Some),
                    Some(_) => Err("what `next` finds is no URL".to_owned()),
                    None => Ok(None),
                };
            }
            Way::Cursor { more, .. } => {
                let is_last = more.is_some() && seen.more.as_ref().is_none_or(is_nothing);
                let Some(value) = seen.next.filter(|value| !is_last && !is_nothing(value)) else {
                    return Ok(None);
                };
                if !matches!(value, Json::String(_) | Json::Number(_)) {
                    return Err("what `next` finds is neither text nor a number".to_owned());
                }
                if page.value.as_ref() == Some(&value) {
                    return Err("it has the cursor of the page before".to_owned());
                }
                value
            }
            Way::Page { .. } | Way::Offset { .. } => {
                if count == 0 {
                    return Ok(None);
                }
                let hash = blake3::hash(&response.body);
                if page.before == Some(hash) {
                    return Err(
                        "the last two are the same: the service does not know the parameter".to_owned()
                    );
                }
                after.before = Some(hash);
                let step = if matches!(self.way, Way::Page { .. }) { 1 } else { count };
                Json::from(page.value.as_ref().and_then(Json::as_u64).unwrap_or(0).saturating_add(step))
            }
        };
        self.with(request, after, value).map(Some)
    }

    /// The page with the parameter. Everything else is as in the request, so that only one value of it is in it.
    fn with(&self, request: &Request, mut page: Page, value: Json) -> Result<Page, String> {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match &self.place {
            Place::Query(name) => {
                let others: Vec<(String, String)> =
                    request.url.query_pairs().into_owned().filter(|(other, _)| other != name).collect();
                page.url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, &text);
            }
            Place::Header(name) => {
                let value = HeaderValue::from_str(&text);
                page.headers.insert(name, value.map_err(|_| "its cursor cannot be in a header".to_owned())?);
            }
            Place::Body(path) => {
                let body = request.body.as_ref().map_or("{}", Secret::expose);
                let mut body: Json = serde_json::from_str(body).map_err(|error| error.to_string())?;
                let mut place = &mut body;
                for name in path.split('.') {
                    if !place.is_object() {
                        *place = Json::Object(serde_json::Map::new());
                    }
                    place = &mut place[name];
                }
                *place = value.clone();
                page.body = Some(Secret::new(body.to_string()));
            }
        }
        page.value = Some(value);
        Ok(page)
    }
}

/// The page at `link`, which must be where the pages before are: secrets go nowhere else.
fn at(mut after: Page, page: &Page, link: &str) -> Result<Page, String> {
    let mut url = page.url.join(link).map_err(|error| format!("its URL is none: {error}"))?;
    if url.origin() != page.url.origin() {
        let (there, here) = (url.origin().ascii_serialization(), page.url.origin().ascii_serialization());
        return Err(format!("it is at {}, and secrets are for {here} only", escape_line(&there)));
    }
    if url == page.url {
        return Err("it is the same page again".to_owned());
    }
    if url.username().is_empty() && url.password().is_none() {
        // Both can be in any URL that has a host.
        let _ = url.set_username(page.url.username());
        let _ = url.set_password(page.url.password());
    }
    after.url = url;
    Ok(after)
}

/// The target of the first `Link` whose relation is `next`, as RFC 8288 writes it.
fn next_link(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_link_of)
}

fn next_link_of(header: &str) -> Option<String> {
    let mut rest = header;
    loop {
        let (target, after) = rest.split_once('<')?.1.split_once('>')?;
        let (parameters, next) = parameters(after);
        let is_next =
            parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case("rel")).is_some_and(|(_, value)| {
                value.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
            });
        if is_next {
            return Some(target.trim().to_owned());
        }
        rest = next?;
    }
}

/// The parameters behind a target, and what comes after the comma that ends them.
fn parameters(text: &str) -> (Vec<(String, String)>, Option<&str>) {
    let (mut found, mut name, mut value) = (Vec::new(), String::new(), None::<String>);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (index, letter) in text.char_indices() {
        let is_value = value.is_some();
        let current = value.as_mut().unwrap_or(&mut name);
        match letter {
            _ if is_escaped => {
                current.push(letter);
                is_escaped = false;
            }
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => current.push(letter),
            '=' if !is_value => value = Some(String::new()),
            ';' | ',' => {
                found.push((
                    std::mem::take(&mut name).trim().to_owned(),
                    value.take().unwrap_or_default().trim().to_owned(),
                ));
                if letter == ',' {
                    return (found, Some(&text[index + 1..]));
                }
            }
            _ => current.push(letter),
        }
    }
    found.push((name.trim().to_owned(), value.unwrap_or_default().trim().to_owned()));
    (found, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_as_rfc_8288_writes_them() {
        for (header, expected) in [
            ("<https://a/?page=2>; rel=\"next\"", Some("https://a/?page=2")),
            (
                "<https://a/?p=1,2>; rel=prev, </b?p=3>;title=\"a, \\\"b\\\"; rel=next\" ; REL=\"last Next\"",
                Some("/b?p=3"),
            ),
            ("<https://a/>; title=\"rel=next\"", None),
            ("<https://a/>; rel=nextish, <b>", None),
            ("https://a/; rel=next", None),
            ("<https://a/; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next_link_of(header).as_deref(), expected, "{header}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_read(header in "[<>;,=\"\\\\a-z/ ]{0,40}") {
            let _ = next_link_of(&header);
        }
    }
}

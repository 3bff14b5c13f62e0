//! `http_json`: what a service answers in JSON, page by page.

mod answer;
mod paging;
mod request;

use std::sync::Arc;

use async_trait::async_trait;
use egret_config::AttributeDocumentation;
use egret_http::{HTTP_ATTRIBUTES, Http};

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::generators::selection::{SELECT, Selection};
use crate::registry::GeneratorType;

use answer::{Answer, ErrorPath};
use paging::{Page, Paging};
use request::{Asking, Request};

/// The generator type `http_json`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "http_json",
    description: "What a service answers in JSON, page by page.",
    channel: "custom.http_json",
    key: &[],
    ignore: &[],
    ordered: &[],
    attributes: &[
        &[
            AttributeDocumentation::required("url", "a string", "What to ask."),
            AttributeDocumentation::optional(
                "method",
                "a string",
                "GET or POST. Default: GET, or POST if there is a `body`.",
            ),
            AttributeDocumentation::optional(
                "headers",
                "a map of strings",
                "Headers to add; their values are secrets.",
            ),
            AttributeDocumentation::optional(
                "query",
                "a map of strings",
                "Parameters to add to the URL; their values are secrets.",
            ),
            AttributeDocumentation::optional(
                "body",
                "a string",
                "The body; it is JSON unless `headers` name another `Content-Type`.",
            ),
            AttributeDocumentation::optional("bearer", "a string", "A token for the header `Authorization`."),
            AttributeDocumentation::optional(
                "user",
                "a string",
                "A user's name for the header `Authorization`.",
            ),
            AttributeDocumentation::optional("password", "a string", "The user's password."),
            SELECT,
            AttributeDocumentation::optional(
                "error",
                "a string",
                "A JSONPath of what makes a failure of an answer that has a good status, unless it is null, false or empty: \
             \"$.error\" for Slack, \"$.errors[*].message\" for GraphQL.",
            ),
            AttributeDocumentation::optional(
                "paging",
                "a block",
                "How further pages are asked for; see below.",
            ),
            AttributeDocumentation::optional(
                "max_pages",
                "a number",
                "If there are more pages, the rest of the state stays as it was. Default: 1000.",
            ),
            AttributeDocumentation::optional(
                "rate",
                "a string",
                "So many requests at most: \"5/s\", \"100/m\", \"1000/h\". Default: no limit.",
            ),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"generator "http_json" "members" {
  url      = "https://api.example.org/v1/members"
  method   = "POST"
  headers  = { X-Tenant = "7" }
  query    = { limit = "200" }
  body     = "{\"filter\": {\"active\": true}}"
  user     = "egret"
  password = env("API_PASSWORD")
  # bearer = env("API_TOKEN")
  select    = "$.members[*]"
  error     = "$.error"
  max_pages = 500
  rate      = "5/s"
  key       = ["member_id"]

  paging {
    by        = "cursor"
    next      = "$.meta.next_cursor"
    more      = "$.meta.has_more"
    parameter = "cursor"
    place     = "query"
  }
}
"#,
    documents: "The items that `select` finds in each page, or the items of the list that the service answers:\n\n\
        ```json\n{\"id\": \"U7\", \"name\": \"ada\", \"admin\": true}\n```\n\n\
        Further pages are asked for as the block `paging` says:\n\n\
        | `by` | the next page |\n| --- | --- |\n\
        | `link` | is the header `Link` with `rel=\"next\"` (RFC 8288) |\n\
        | `next` | is the URL that the JSONPath `next` finds in the answer |\n\
        | `cursor` | has the value that `next` finds as its `parameter` (default `cursor`), as long as there is one and \
        `more`, a JSONPath too, does not find `false` |\n\
        | `page` | has the next number as its `parameter` (default `page`), from `first` (default 1) on, until a page is \
        empty |\n\
        | `offset` | has the number of items so far as its `parameter` (default `offset`), until a page is empty |\n\n\
        The `parameter` goes to the `query`, or as `place` says into the `body` (dots lead into its objects: \
        `variables.after`) or a `header`.\n\n\
        A page that fails after the first fails the run in part: what did not come stays as it was. 429, 5xx and answers \
        that do not come are waited out, as `Retry-After` says, as long as the `timeout` of the run allows. Redirects are \
        not followed, and pages at another host, port or scheme are not asked for: that would take secrets there. A page \
        may have 32 MiB.",
    permissions: "Whatever the service asks for: a `bearer` token, a `user` with a `password`, a key in `headers` or \
        `query`, or a client certificate. One that may only read is enough.",
    decode: |reader, context| {
        let http = Http::decode(reader, &context.service);
        let request = Request::decode(reader);
        let select = Selection::decode(reader);
        let error = ErrorPath::decode(reader);
        let max_pages = reader.optional_or("max_pages", 1000_u64);
        let rate = request::decode_rate(reader);
        let paging = paging::decode(reader, request.as_ref());
        let timeout = context.run_timeout;
        Some(Arc::new(HttpJson {
            asking: Asking::new(http?, rate?, timeout),
            request: request?,
            select: select?,
            error: error?,
            max_pages: max_pages?.max(1),
            paging: paging?,
        }))
    },
};

#[derive(Debug)]
struct HttpJson {
    asking: Asking,
    request: Request,
    select: Selection,
    error: ErrorPath,
    max_pages: u64,
    paging: Option<Paging>,
}

#[async_trait]
impl Generator for HttpJson {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let patience = self.asking.begin();
        let mut page = self.first_page()?;
        loop {
            let next = match self.page(&patience, &page, documents).await? {
                Ok(next) => next,
                Err(error) if page.number == 1 => return Err(error),
                Err(error) => {
                    documents.fail("", format!("page {}: {error}", page.number));
                    return Ok(());
                }
            };
            match next {
                Ok(None) => return Ok(()),
                Ok(Some(next)) if next.number > self.max_pages => {
                    documents
                        .fail("", format!("there are more than {} pages; raise `max_pages`", self.max_pages));
                    return Ok(());
                }
                Ok(Some(next)) => page = next,
                // The page itself came.
                Err(why) => {
                    documents.fail("", format!("page {} cannot be asked for: {why}", page.number + 1));
                    return Ok(());
                }
            }
        }
    }
}

/// The page after one, if there is one; or why it cannot be asked for.
type Next = Result<Option<Page>, String>;

impl HttpJson {
    fn first_page(&self) -> Result<Page, GenerateError> {
        match &self.paging {
            Some(paging) => paging.first(&self.request).map_err(GenerateError::refused),
            None => Ok(Page::first(&self.request)),
        }
    }

    /// Asks for a page and takes its documents. The outer failure is one of the run, the inner of the page.
    async fn page(
        &self,
        patience: &request::Patience<'_>,
        page: &Page,
        documents: &mut Documents,
    ) -> Result<Result<Next, GenerateError>, GenerateError> {
        let response = match patience.ask(&self.request, page).await {
            Ok(response) => response,
            Err(error) => return Ok(Err(error)),
        };
        let place = page.url.host_str().unwrap_or_default();
        let answer = Answer::read(&response, place, &self.error, &self.request.hidden);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        let seen = self.paging.as_ref().map(|paging| (paging, paging.look(&answer)));
        let found: Vec<_> =
            answer.values.into_iter().flat_map(|value| self.select.documents(value)).collect();
        let next = match seen {
            Some((paging, seen)) => paging.next(&self.request, page, &response, seen, found.len() as u64),
            None => Ok(None),
        };
        for document in found {
            documents.push(document)?;
        }
        Ok(Ok(next))
    }
}

#[cfg(test)]
mod tests;

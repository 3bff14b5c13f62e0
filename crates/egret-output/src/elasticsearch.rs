//! `elasticsearch`: a document an alert, by the bulk API of Elasticsearch and OpenSearch.

mod bulk;

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Located};
use egret_http::header::HeaderValue;
use egret_http::{Address, HTTP_ATTRIBUTES, Http, HttpRequest, Url, until};
use egret_model::{AlertAction, Secret};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::dated::DatedName;
use crate::delivery::{Letter, Output, Receipt, SendError};
use crate::escape::Escape;
use crate::payload::groups;
use crate::registry::OutputType;

/// A request this large passes everywhere: small managed services take 10 MiB.
const MAX_REQUEST_BYTES: usize = 8 << 20;

/// What one document may have.
const MAX_DOCUMENT_BYTES: usize = 2 << 20;

const BATCH_SIZE: usize = 100;

/// Of an answer only this is read.
const ANSWER: &str = "errors,items.*.status,items.*.error.type,items.*.error.reason";

/// The output type `elasticsearch`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "elasticsearch",
    description: "Keeps a document for each alert in Elasticsearch or OpenSearch.",
    attributes: &[
        &[
            AttributeDocumentation::required(
                "url",
                "a string",
                "The cluster: https://elastic.example.org:9200.",
            ),
            AttributeDocumentation::optional(
                "index",
                "a string",
                "The index, with parts of the date when the alert was opened. Default: egret-alerts-%Y.%m.",
            ),
            AttributeDocumentation::optional(
                "data_stream",
                "true or false",
                "Whether `index` names a data stream: it keeps a document for each thing that happens. Default: false.",
            ),
            AttributeDocumentation::optional(
                "api_key",
                "a string",
                "An API key, as the cluster shows it encoded.",
            ),
            AttributeDocumentation::optional("username", "a string", "A user, in place of an API key."),
            AttributeDocumentation::optional("password", "a string", "The user's password."),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"output "elasticsearch" "soc" {
  url         = "https://elastic.example.org:9200"
  index       = "egret-alerts-%Y.%m"
  data_stream = false
  api_key     = env("ELASTIC_API_KEY")
  # or
  # username = "egret"
  # password = env("ELASTIC_PASSWORD")
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    arrives: "One document an alert, with the alert's id as `_id`: `{\"@timestamp\", \"delivery_id\", \"action\", \"by\", \
        \"remark\", \"alert\": {…}}`, where `@timestamp` is when the alert changed. Everything that happens to the \
        alert replaces the document. Its version is the alert's revision, so what comes late or twice never replaces \
        what is newer: the cluster says that there is a conflict, and that counts as taken. The date in `index` is \
        when the alert was opened, so all its revisions meet in one index. A `template` with a `body` that writes a \
        JSON object says the document otherwise.\n\n\
        With `data_stream = true` there is a document for each thing that happens, with the delivery's id as `_id`.\n\n\
        Up to 100 documents, and up to 8 MiB, go in one request, and each has its own answer: 429, 5xx and blocked \
        indexes are tried again, other refusals are final. A document whose event does not fit the index's mapping \
        is sent again at once with the event and what was taken from it as JSON text in `alert_text`. A document over \
        2 MiB is shortened and says `\"shortened\": true`.",
    permissions: "A role that may write to the indexes and make them: the privileges `create_index`, `index` and \
        `create` (in OpenSearch `indices:data/write/*` and `indices:admin/create`, and the cluster permission \
        `indices:data/write/bulk`), and for data streams `auto_configure` and an index template that makes one. \
        Events have all sorts of fields: map `alert.event`, `alert.common`, `alert.merged_by` and \
        `alert.differences.values` as `flattened` (in OpenSearch `flat_object`) in an index template for \
        `egret-alerts-*`, so that their types never clash and their number has no limit.",
    decode: |reader, context| {
        let http = Http::decode(reader, context);
        let url = reader.required::<Address>("url");
        let default = Located::new("egret-alerts-%Y.%m".to_owned(), reader.location().clone());
        let index = reader.optional_or("index", default);
        let data_stream = reader.optional_or("data_stream", false);
        let authorization = read_authorization(reader);
        let index = index.and_then(|index| read_index(&index, reader));
        let url = url?;
        let mut bulk = url.join("_bulk");
        bulk.query_pairs_mut().append_pair("filter_path", ANSWER);
        Some(Arc::new(Elasticsearch {
            http: http?,
            place: format!("{url:?}"),
            bulk,
            index: index?,
            data_stream: data_stream?,
            authorization: authorization?,
        }))
    },
};

#[derive(Debug)]
struct Elasticsearch {
    http: Http,
    place: String,
    bulk: Url,
    index: DatedName,
    data_stream: bool,
    authorization: Option<Secret>,
}

fn read_authorization(reader: &mut BlockReader<'_>) -> Option<Option<Secret>> {
    let api_key = reader.optional_or("api_key", None::<Secret>);
    let username = reader.optional_or("username", None::<String>);
    let password = reader.optional_or("password", None::<Secret>);
    match (api_key?, username?, password?) {
        (None, None, None) => Some(None),
        (Some(key), None, None) => Some(Some(Secret::new(format!("ApiKey {}", key.expose())))),
        (None, Some(username), Some(password)) => {
            let pair = BASE64.encode(format!("{username}:{}", password.expose()));
            Some(Some(Secret::new(format!("Basic {pair}"))))
        }
        _ => {
            let mistake = Diagnostic::error("it is not clear who to be").at(reader.location());
            reader.diagnostics().push(
                mistake.hint("name an `api_key`, or a `username` with its `password`, or none of them"),
            );
            None
        }
    }
}

fn read_index(index: &Located<String>, reader: &mut BlockReader<'_>) -> Option<DatedName> {
    let forbidden = |c: char| c.is_uppercase() || c.is_whitespace() || "\\/*?\"<>|,#:".contains(c);
    let name = DatedName::read(index, reader.diagnostics())?;
    let shown = name.at(egret_model::Timestamp::from_seconds(0));
    let wrong = shown.is_empty()
        || shown.len() > 255
        || shown.starts_with(['-', '_', '+', '.'])
        || shown.contains(forbidden);
    if wrong {
        let mistake = Diagnostic::error(format!("`{shown}` cannot be the name of an index"));
        reader.diagnostics().push(mistake.at(&index.location).hint(
            "names are in lower case, have no spaces and none of \\ / * ? \" < > | , # :, and do not begin with - _ + or .",
        ));
        return None;
    }
    Some(name)
}

#[async_trait]
impl Output for Elasticsearch {
    fn actions(&self) -> &'static [AlertAction] {
        &AlertAction::ALL
    }

    fn escape(&self) -> Escape {
        Escape::Json
    }

    fn concurrency(&self) -> usize {
        4
    }

    fn batch_size(&self) -> usize {
        BATCH_SIZE
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        let deadline = self.http.deadline();
        let documents = letters.iter().map(|letter| (letter, document(letter)));
        let mut verdicts = self.send_documents(documents, deadline).await;
        let unfit: Vec<usize> =
            (0..verdicts.len()).filter(|index| matches!(verdicts[*index], bulk::Verdict::Unfit(_))).collect();
        if !unfit.is_empty() {
            let again = unfit.iter().map(|index| &letters[*index]);
            let again = again.map(|letter| (letter, as_text(document(letter))));
            let again = self.send_documents(again, deadline).await;
            for (index, verdict) in unfit.into_iter().zip(again) {
                // One that does not fit as text either says why; the first answer is of no more use.
                verdicts[index] = verdict;
            }
        }
        verdicts.into_iter().map(|verdict| verdict.answer(&self.place)).collect()
    }
}

impl Elasticsearch {
    async fn send_documents<'l>(
        &self,
        documents: impl Iterator<Item = (&'l Letter, Map<String, Value>)>,
        deadline: Instant,
    ) -> Vec<bulk::Verdict> {
        let lines: Vec<String> = documents.map(|(letter, document)| self.lines(letter, document)).collect();
        let sizes: Vec<usize> = lines.iter().map(String::len).collect();
        let mut verdicts = Vec::with_capacity(lines.len());
        for group in groups(&sizes, MAX_REQUEST_BYTES, BATCH_SIZE) {
            let count = group.len();
            match until(deadline, &self.place, self.post(lines[group].concat())).await {
                Ok(answer) => verdicts.extend(bulk::verdicts(&answer, count)),
                Err(error) => verdicts.extend(std::iter::repeat_n(bulk::Verdict::Failed(error), count)),
            }
        }
        verdicts
    }

    /// The two lines of a document: what to do, and the document.
    fn lines(&self, letter: &Letter, document: Map<String, Value>) -> String {
        let alert = &letter.delivery.alert;
        let index = self.index.at(alert.opened_at);
        let action = if self.data_stream {
            // Data streams only take what is new, without versions.
            serde_json::json!({"create": {"_index": index, "_id": letter.delivery.delivery_id}})
        } else {
            let (id, version) = (&alert.alert_id, alert.revision);
            serde_json::json!({
                "index": {"_index": index, "_id": id, "version": version, "version_type": "external"}
            })
        };
        format!("{action}\n{}\n", Value::from(document))
    }

    async fn post(&self, body: String) -> Result<Value, SendError> {
        let mut request = HttpRequest::json(self.bulk.clone(), &Value::Null);
        request.headers.insert("content-type", HeaderValue::from_static("application/x-ndjson"));
        request.body = Bytes::from(body);
        if let Some(authorization) = &self.authorization {
            request = request.with_secret("authorization", authorization.expose())?;
        }
        Ok(self.http.send(request).await?.json())
    }
}

fn document(letter: &Letter) -> Map<String, Value> {
    let mut document = letter.object_within(MAX_DOCUMENT_BYTES);
    let changed = letter.delivery.alert.updated_at.to_string();
    document.entry("@timestamp").or_insert_with(|| changed.into());
    document
}

/// The document with all that has a shape of its own as text, which every mapping takes.
fn as_text(mut document: Map<String, Value>) -> Map<String, Value> {
    if let Some(alert) = document.get_mut("alert").and_then(Value::as_object_mut) {
        let mut foreign = Map::new();
        for name in ["event", "common", "merged_by", "differences"] {
            foreign.extend(alert.remove(name).map(|value| (name.to_owned(), value)));
        }
        document.insert("alert_text".into(), Value::from(foreign).to_string().into());
    }
    document
}

#[cfg(test)]
mod tests;

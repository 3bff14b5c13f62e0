//! What an answer has in it: JSON, or the news that it went wrong in spite of its status.

use egret_config::{BlockReader, Located};
use egret_http::{CallError, HttpResponse, said};
use serde_json::Value as Json;

use crate::definition::read_path;
use crate::generators::hidden::Hidden;
use crate::shape::DocumentPath;

/// So much of an answer is shown to people.
const MAX_SHOWN: usize = 300;

/// What is found by the path `error` makes a failure of an answer.
#[derive(Debug, Default)]
pub(super) struct ErrorPath(Option<DocumentPath>);

impl ErrorPath {
    pub(super) fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        match reader.optional_or("error", None::<Located<String>>)? {
            Some(path) => Some(Self(Some(read_path(&path, reader.diagnostics())?))),
            None => Some(Self(None)),
        }
    }

    /// What it finds that stands for a failure, as people read it.
    fn find(&self, value: &Json) -> Option<String> {
        let found = self.0.as_ref()?.values(value);
        let told: Vec<String> = found
            .into_iter()
            .filter(|value| !is_nothing(value))
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

/// What an answer has in it.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its values: one, unless it is JSON lines.
    pub values: Vec<Json>,
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// If it is no JSON, or tells of a failure.
    pub(super) fn read(
        response: &HttpResponse,
        place: &str,
        error: &ErrorPath,
        hidden: &Hidden,
    ) -> Result<Self, CallError> {
        let values: Result<Vec<Json>, _> =
            serde_json::Deserializer::from_slice(&response.body).into_iter().collect();
        let values = values.map_err(|error| {
            let text = said(&hidden.hide(&String::from_utf8_lossy(&response.body)), MAX_SHOWN);
            CallError::refused(format!("the answer of {place} is no JSON: {error}: {text}"))
        })?;
        if let Some(told) = values.iter().find_map(|value| error.find(value)) {
            let told = said(&hidden.hide(&told), MAX_SHOWN);
            return Err(CallError::refused(format!("{place} answered with an error: {told}")));
        }
        Ok(Self { values })
    }

    /// What a path finds first in the last value.
    pub(super) fn first(&self, path: &DocumentPath) -> Option<&Json> {
        path.values(self.values.last()?).into_iter().next().filter(|value| !value.is_null())
    }
}

/// How services write that there is none.
pub(super) fn is_nothing(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    }
}

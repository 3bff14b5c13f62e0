//! The contract of outputs: what they are given, and what they say of how it went.

use std::fmt;

use async_trait::async_trait;
use egret_model::schema::is_own_column;
use egret_model::{Alert, AlertAction};

use crate::escape::Escape;
use crate::message::Message;

/// Why a service did not take a letter.
pub use egret_http::CallError as SendError;

/// What happened to an alert, to be told to one output.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Hash of alert, revision and output: the idempotency key wherever a service knows one. A delivery that is tried
    /// again has the same.
    pub delivery_id: String,
    /// What happened.
    pub action: AlertAction,
    /// Who did it, if a person.
    pub by: Option<String>,
    /// What they said.
    pub remark: Option<String>,
    /// The alert as it was then.
    pub alert: Alert,
    /// What the service called the thing that an earlier delivery of the same alert made: an issue's key, a thread.
    pub reference: Option<String>,
}

/// A delivery with the message that says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// What happened.
    pub delivery: Delivery,
    /// How to say it.
    pub message: Message,
}

impl Delivery {
    /// The event of the first finding for people: without Egret's own columns.
    pub(crate) fn event_for_people(&self) -> serde_json::Value {
        let told = self.alert.event.iter().filter(|(name, _)| !is_own_column(name));
        told.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
    }

    /// Everything, for programs.
    pub fn to_json(&self) -> serde_json::Value {
        let mut object = serde_json::Map::new();
        object.insert("delivery_id".into(), self.delivery_id.as_str().into());
        object.insert("action".into(), self.action.as_str().into());
        for (name, value) in [("by", &self.by), ("remark", &self.remark)] {
            if let Some(value) = value {
                object.insert(name.into(), value.as_str().into());
            }
        }
        object.insert("alert".into(), serde_json::to_value(&self.alert).unwrap_or_default());
        object.into()
    }
}

/// A service took a letter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// What it calls the thing that it made, for later deliveries of the same alert.
    pub reference: Option<String>,
}

/// Where alerts go.
///
/// The queue calls [`Output::send`] with letters of different alerts at the same time, as many as
/// [`Output::concurrency`] allows; letters of one alert come one after the other, the next once the one before was
/// taken or given up. A letter may come twice, with the same delivery id: nobody knows whether a service took what it
/// did not answer to. Nothing here decides when to try again, and nothing waits longer than the output's time limit.
#[async_trait]
pub trait Output: Send + Sync + fmt::Debug {
    /// What it is told of unless its block says otherwise.
    fn actions(&self) -> &'static [AlertAction] {
        &[AlertAction::Raise, AlertAction::Update, AlertAction::Reopen, AlertAction::Close]
    }

    /// How what came from logs must be written in messages that go there.
    fn escape(&self) -> Escape {
        Escape::Nothing
    }

    /// How many calls of [`Output::send`] it can do at once.
    fn concurrency(&self) -> usize {
        1
    }

    /// How many letters one call may have.
    fn batch_size(&self) -> usize {
        1
    }

    /// Sends `letters`, at least one and at most [`Output::batch_size`]; one answer for each, in their order.
    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>>;
}

/// The answer for outputs that send one letter a call.
pub(crate) async fn one_by_one<'l, F>(
    letters: &'l [Letter],
    send: impl Fn(&'l Letter) -> F,
) -> Vec<Result<Receipt, SendError>>
where
    F: Future<Output = Result<Receipt, SendError>> + Send,
{
    let mut answers = Vec::with_capacity(letters.len());
    for letter in letters {
        answers.push(send(letter).await);
    }
    answers
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::delivery;

    #[test]
    fn people_are_not_shown_our_own_columns() {
        let mut delivery = delivery(AlertAction::Raise);
        delivery.alert.event.insert("http_status".into(), json!({"tp_id": 1}));
        let shown =
            json!({"event_name": "ConsoleLogin", "source_ip": "198.51.100.7", "http_status": {"tp_id": 1}});
        assert_eq!(delivery.event_for_people(), shown);
        assert_eq!(delivery.to_json()["alert"]["event"]["tp_id"], "row-1", "programs get everything");
    }
}

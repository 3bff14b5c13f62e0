//! Producing records, and what the answers of brokers mean.

use std::fmt;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use egret_http::said;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::delivery::{Letter, Receipt, SendError};

/// So much of what librdkafka says is shown.
const MAX_SHOWN: usize = 300;

/// librdkafka looks for records that are too late once in this time.
const SCAN: Duration = Duration::from_secs(1);

/// A cluster, with the client for it.
pub struct Cluster {
    config: ClientConfig,
    timeout: Duration,
    /// Made when it is first used, and again after an error that it cannot get over.
    producer: Mutex<Option<FutureProducer<Listener>>>,
    listener: Listener,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("brokers", &self.config.get("bootstrap.servers"))
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// The one that `config` leads to; records are given up after `timeout`.
    pub fn new(mut config: ClientConfig, timeout: Duration) -> Self {
        // So that librdkafka says that a record is late before it is waited for in vain.
        let patience = timeout.saturating_sub(SCAN).max(timeout / 2);
        config.set("message.timeout.ms", patience.as_millis().max(1).to_string());
        config.set_log_level(RDKafkaLogLevel::Warning);
        Self { config, timeout, producer: Mutex::new(None), listener: Listener::default() }
    }

    /// Hands all letters over, then waits for what becomes of them.
    pub async fn produce(&self, topic: &str, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        let deadline = Instant::now() + self.timeout;
        let producer = match self.producer().await {
            Ok(producer) => producer,
            Err(error) => return vec![Err(error); letters.len()],
        };
        let begun: Vec<_> = letters.iter().map(|letter| begin(&producer, topic, letter)).collect();
        let mut answers = Vec::with_capacity(letters.len());
        let mut stuck = false;
        for begun in begun {
            let answer = match begun {
                Err(error) => Err(error),
                Ok(future) => match timeout_at(deadline, future).await {
                    Ok(Ok(fate)) => fate.map_err(|(error, _)| error),
                    Ok(Err(_)) => Err(KafkaError::Canceled),
                    Err(_) => Err(KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut)),
                },
            };
            stuck |= answer.as_ref().is_err_and(sticks);
            answers.push(answer.map(|_| Receipt::default()).map_err(|error| self.judge(&error)));
        }
        if stuck || producer.client().fatal_error().is_some() {
            let old = self.producer.lock().await.take();
            // It ends its threads, which takes a moment.
            drop(tokio::task::spawn_blocking(move || drop((old, producer))));
        }
        if answers.iter().all(Result::is_ok) {
            self.listener.forget();
        }
        answers
    }

    async fn producer(&self) -> Result<FutureProducer<Listener>, SendError> {
        let mut producer = self.producer.lock().await;
        if let Some(producer) = &*producer {
            return Ok(producer.clone());
        }
        let made: FutureProducer<Listener> =
            self.config.create_with_context(self.listener.clone()).map_err(|error| match error {
                // It shows the value, which may be a secret.
                KafkaError::ClientConfig(_, _, name, _) => {
                    SendError::retry(format!("librdkafka does not take the property `{name}`: correct it"))
                }
                error => SendError::retry(format!("the Kafka client cannot be made: {error}")),
            })?;
        *producer = Some(made.clone());
        Ok(made)
    }

    fn judge(&self, error: &KafkaError) -> SendError {
        let code = error.rdkafka_error_code();
        match code {
            Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::MessageBatchTooLarge) => {
                SendError::refused(
                    "the record is larger than is allowed: raise `message.max.bytes` here and `max.message.bytes` of \
                     the topic, or write a template with a shorter `body`",
                )
            }
            // The checksum was wrong on the way: InvalidMessage alone gets better.
            Some(
                RDKafkaErrorCode::InvalidRecord
                | RDKafkaErrorCode::InvalidTopic
                | RDKafkaErrorCode::PolicyViolation
                | RDKafkaErrorCode::UnsupportedForMessageFormat,
            ) => SendError::refused(self.explain(error)),
            Some(RDKafkaErrorCode::MessageTimedOut) => self.late(),
            _ => SendError::retry(self.explain(error)),
        }
    }

    fn late(&self) -> SendError {
        let said = self.listener.last();
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        SendError::retry(format!("{} did not take the record in time{said}", self.brokers()))
    }

    fn explain(&self, error: &KafkaError) -> String {
        let text = error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string());
        format!("{} said no: {}", self.brokers(), said(&text, MAX_SHOWN))
    }

    fn brokers(&self) -> &str {
        self.config.get("bootstrap.servers").unwrap_or_default()
    }
}

/// Whether the client keeps answering so for minutes without asking the brokers again, even if they were mended.
fn sticks(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    code.is_some_and(|code| {
        matches!(
            code,
            RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownPartition
        )
    })
}

fn begin(
    producer: &FutureProducer<Listener>,
    topic: &str,
    letter: &Letter,
) -> Result<DeliveryFuture, KafkaError> {
    let delivery = &letter.delivery;
    let payload = letter.payload();
    let headers = OwnedHeaders::new()
        .insert(Header { key: "delivery_id", value: Some(&delivery.delivery_id) })
        .insert(Header { key: "action", value: Some(delivery.action.as_str()) })
        .insert(Header { key: "severity", value: Some(letter.message.severity.as_str()) });
    let record = FutureRecord::to(topic).key(&delivery.alert.alert_id).payload(&payload).headers(headers);
    producer.send_result(record).map_err(|(error, _)| error)
}

/// Keeps what the client last complained of: the reason why records are late.
#[derive(Clone, Default)]
struct Listener {
    last: Arc<SyncMutex<String>>,
}

impl Listener {
    fn last(&self) -> String {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn forget(&self) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl ClientContext for Listener {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // Only that all are away; what keeps each of them away was said before.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            return;
        }
        let reason = said(reason, MAX_SHOWN);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}

//! What trackers of issues have in common: an alert is one issue, found again before a second is made, and what happens
//! to the alert is said in comments.

mod text;

use std::fmt;

use async_trait::async_trait;
use egret_config::Located;
use egret_http::shorten;
use egret_model::AlertAction;

use crate::delivery::{Delivery, Letter, Receipt, SendError};
use crate::escape::Escape;
use crate::message::Text;
use crate::template::render;

pub(crate) use text::{Dialect, compose};

/// A service that keeps issues.
#[async_trait]
pub(crate) trait Tracker: Send + Sync + fmt::Debug {
    /// The issue of the alert, if there is one: a letter may come twice, and the first answer may have been lost.
    async fn find(&self, delivery: &Delivery) -> Result<Option<String>, SendError>;

    /// Makes the issue of the alert, or joins one.
    async fn open(&self, letter: &Letter) -> Result<String, SendError>;

    /// Says what happened in the issue.
    async fn comment(&self, issue: &str, letter: &Letter) -> Result<(), SendError>;

    /// Closes the issue, or opens it again. Done twice, it does nothing the second time.
    async fn set_open(&self, issue: &str, open: bool) -> Result<(), SendError>;
}

/// Tells a letter.
pub(crate) async fn tell(tracker: &impl Tracker, letter: &Letter) -> Result<Receipt, SendError> {
    let delivery = &letter.delivery;
    let known = match &delivery.reference {
        Some(issue) => Some(issue.clone()),
        None => tracker.find(delivery).await?,
    };
    let Some(issue) = known else {
        if delivery.action == AlertAction::Close {
            // Nobody was told of it, and nobody need be.
            return Ok(Receipt::default());
        }
        let issue = tracker.open(letter).await?;
        if matches!(delivery.action, AlertAction::Acknowledge | AlertAction::Comment) {
            tracker.comment(&issue, letter).await?;
        }
        return Ok(Receipt { reference: Some(issue) });
    };
    // The state first: to set it twice does no harm, a comment that comes twice is a nuisance.
    match delivery.action {
        AlertAction::Raise => return Ok(Receipt { reference: Some(issue) }),
        AlertAction::Close => tracker.set_open(&issue, false).await?,
        AlertAction::Reopen => tracker.set_open(&issue, true).await?,
        AlertAction::Update | AlertAction::Acknowledge | AlertAction::Comment => {}
    }
    tracker.comment(&issue, letter).await?;
    Ok(Receipt { reference: Some(issue) })
}

/// A title where titles are shown as they are: one line.
pub(crate) fn title(title: &Text, limit: usize) -> String {
    let title = match title {
        Text::Plain(title) => Escape::Line.apply(title),
        Text::MarkUp(title) => Escape::Line.apply(title.trim()),
    };
    if title.trim().is_empty() { "Alert".to_owned() } else { shorten(&title, limit) }
}

/// What the templates of labels say, without those that say nothing or fail.
pub(crate) fn labels(templates: &[Located<String>], delivery: &Delivery, limit: usize) -> Vec<String> {
    let mut labels = Vec::new();
    for template in templates {
        match render(&template.value, delivery, Escape::Line) {
            Ok(label) if label.trim().is_empty() => {}
            Ok(label) => labels.push(label.trim().chars().take(limit).collect()),
            Err(error) => {
                tracing::warn!(
                    alert = delivery.alert.alert_id,
                    "the label at {}: {error}",
                    template.location
                );
            }
        }
    }
    labels
}

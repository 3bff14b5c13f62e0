//! What people do with alerts.

use egret_model::alert::Remark;
use egret_model::{Alert, AlertAction, AlertStatus, Timestamp};
use egret_store::{AuditEntry, Store};

use crate::configuration::AlertSettings;
use crate::error::AlertError;
use crate::tell::deliveries_of;

/// Says that somebody looks at an alert.
///
/// # Errors
/// If there is no such alert, it is closed, or the store fails.
pub async fn acknowledge(
    store: &Store,
    settings: &AlertSettings,
    alert_id: &str,
    remark: Remark,
) -> Result<Alert, AlertError> {
    change_alert(store, settings, alert_id, AlertAction::Acknowledge, remark, |alert, remark| {
        if alert.status == AlertStatus::Closed {
            return Err("a closed alert cannot be acknowledged");
        }
        alert.status = AlertStatus::Acknowledged;
        alert.acknowledged = Some(remark);
        Ok(())
    })
    .await
}

/// Closes an alert, with the reason.
///
/// # Errors
/// If there is no such alert, it is closed already, or the store fails.
pub async fn close(
    store: &Store,
    settings: &AlertSettings,
    alert_id: &str,
    remark: Remark,
) -> Result<Alert, AlertError> {
    change_alert(store, settings, alert_id, AlertAction::Close, remark, |alert, remark| {
        if alert.status == AlertStatus::Closed {
            return Err("it was closed before");
        }
        alert.status = AlertStatus::Closed;
        alert.closed = Some(remark);
        Ok(())
    })
    .await
}

/// Says something about an alert.
///
/// # Errors
/// If there is no such alert, or the store fails.
pub async fn comment(
    store: &Store,
    settings: &AlertSettings,
    alert_id: &str,
    remark: Remark,
) -> Result<Alert, AlertError> {
    change_alert(store, settings, alert_id, AlertAction::Comment, remark, |alert, remark| {
        alert.comments.push(remark);
        Ok(())
    })
    .await
}

/// Gives up what waits for an output, for good; its dead letters too. Returns how many deliveries.
///
/// # Errors
/// If the store fails.
pub async fn drop_queued(store: &Store, output: &str, remark: Remark) -> Result<u64, AlertError> {
    let mut change = store.change().await?;
    let dropped = change.drop_queued(output).await?;
    if dropped > 0 {
        let Remark { by, at, text } = remark;
        let noun = if dropped == 1 { "delivery" } else { "deliveries" };
        let detail = format!("{dropped} {noun}: {text}");
        let action = "dropped".to_owned();
        change.audit(&[AuditEntry { at, by, subject: format!("output:{output}"), action, detail }]).await?;
    }
    change.commit().await?;
    Ok(dropped)
}

async fn change_alert(
    store: &Store,
    settings: &AlertSettings,
    alert_id: &str,
    action: AlertAction,
    remark: Remark,
    apply: impl FnOnce(&mut Alert, Remark) -> Result<(), &'static str>,
) -> Result<Alert, AlertError> {
    let mut change = store.change().await?;
    let mut stored =
        change.alert(alert_id).await?.ok_or_else(|| AlertError::UnknownAlert(alert_id.to_owned()))?;
    let status = stored.alert.status.as_str();
    let Remark { by, at, text } = remark.clone();
    if stored.alert.status == AlertStatus::Gathering && action != AlertAction::Comment {
        let hint = "it was not raised: it has fewer findings than its threshold asks for";
        return Err(AlertError::State { alert_id: alert_id.to_owned(), status, hint });
    }
    apply(&mut stored.alert, remark).map_err(|hint| AlertError::State {
        alert_id: alert_id.to_owned(),
        status,
        hint,
    })?;
    stored.alert.revision += 1;
    stored.alert.updated_at = at;
    let queued = deliveries_of(settings, &stored, action, Some(&by), Some(&text));
    change.put_alerts(&[&stored]).await?;
    change.queue(&queued, at).await?;
    change.audit(&[entry(alert_id, action, by, text, at)]).await?;
    change.commit().await?;
    Ok(stored.alert)
}

fn entry(alert_id: &str, action: AlertAction, by: String, detail: String, at: Timestamp) -> AuditEntry {
    let action = match action {
        AlertAction::Acknowledge => "acknowledged",
        AlertAction::Close => "closed",
        _ => "commented",
    };
    AuditEntry { at, by, subject: format!("alert:{alert_id}"), action: action.to_owned(), detail }
}

//! How alerts are stored: as JSON.

use egret_model::Alert;

use crate::error::StoreError;

/// An alert as it is stored.
pub(crate) fn write_body(alert: &Alert) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(alert)
        .map_err(|error| StoreError::Broken { what: format!("alert {}", alert.alert_id), error })
}

/// An alert that is stored.
pub(crate) fn read_body(body: &[u8]) -> Result<Alert, StoreError> {
    serde_json::from_slice(body).map_err(|error| StoreError::Broken { what: "an alert".to_owned(), error })
}

//! What an answer means: taken, to be tried again, or refused for good.

use std::time::Duration;

use chrono::DateTime;
use egret_model::Timestamp;
use reqwest::StatusCode;

use crate::client::HttpResponse;
use crate::error::CallError;
use crate::text::said;

/// So much of an answer is shown to people.
const MAX_SHOWN: usize = 300;

/// A service that asks for more patience than this is asked again nevertheless.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The answer if it is a success.
///
/// # Errors
/// To be tried again after 408, 425, 429 and 5xx; refused after all others, redirects included: the same request
/// would get the same answer.
pub fn judge(place: &str, response: HttpResponse, now: Timestamp) -> Result<HttpResponse, CallError> {
    let status = response.status;
    if status.is_success() {
        return Ok(response);
    }
    let body = String::from_utf8_lossy(&response.body);
    let said = said(&body, MAX_SHOWN);
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    let message = format!("{place} answered {status}{said}");
    let may_change = status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        );
    if may_change && status != StatusCode::NOT_IMPLEMENTED {
        return Err(CallError::Retry { message, after: response.retry_after(now) });
    }
    Err(CallError::Refused { message })
}

/// The time that `Retry-After` asks for: seconds, or a date.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let asked = match value.parse::<f64>() {
        Ok(seconds) if seconds >= 0.0 => Duration::try_from_secs_f64(seconds).ok()?,
        Ok(_) => return None,
        Err(_) => {
            let at: Timestamp = DateTime::parse_from_rfc2822(value).ok()?.to_utc().into();
            Duration::from_micros(u64::try_from(at.micros() - now.micros()).unwrap_or(0))
        }
    };
    Some(asked.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_bounded() {
        let now = Timestamp::parse("2024-02-01T10:00:00Z").unwrap();
        for (value, expected) in [
            ("30", Some(30)),
            ("1.5", Some(1)),
            ("999999", Some(3600)),
            ("Thu, 01 Feb 2024 10:01:00 GMT", Some(60)),
            ("Thu, 01 Feb 2024 09:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(value, now).map(|after| after.as_secs()), expected, "{value}");
        }
    }
}

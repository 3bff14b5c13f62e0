//! Suppressions, maintenance windows and severity overrides: what is said about findings before they are merged.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveTime, Utc, Weekday};
use egret_config::{BlockReader, Decode, Diagnostic, Located, Location};
use egret_model::channel::wildcard_matches;
use egret_model::{ChannelPattern, Expression, Finding, Severity, Timestamp};

/// Which findings a block is about.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    pub channel: Option<ChannelPattern>,
    pub detection: Option<Located<String>>,
    pub condition: Option<Located<String>>,
}

impl Selector {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let channel = reader.optional_or("channel", None::<String>);
        let detection = reader.optional_or("detection", None::<Located<String>>);
        let condition = reader.optional_or("where", None::<Located<String>>);
        let selector =
            Self { channel: channel?.map(ChannelPattern::new), detection: detection?, condition: condition? };
        if selector.channel.is_none() && selector.detection.is_none() && selector.condition.is_none() {
            let kind = reader.block().kind.value.clone();
            let mistake = Diagnostic::error(format!("`{kind}` says of no finding that it is meant"))
                .at(reader.location())
                .hint("add `detection`, `channel` or `where`; for all findings write channel = \"*\"");
            reader.diagnostics().push(mistake);
            return None;
        }
        Some(selector)
    }

    /// Whether a finding is meant, as far as it can be told without the condition.
    fn names(&self, finding: &Finding) -> bool {
        self.channel.as_ref().is_none_or(|channel| channel.matches(&finding.channel))
            && self.detection.as_ref().is_none_or(|pattern| {
                wildcard_matches(&pattern.value, &finding.detection_id)
                    || wildcard_matches(&pattern.value, &finding.title)
            })
    }
}

/// What a `suppress` block says.
#[derive(Debug, Clone)]
pub(crate) struct SuppressDefinition {
    pub name: Located<String>,
    pub selector: Selector,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub every: Option<Every>,
    pub reason: String,
}

/// A maintenance window that comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Every {
    days: Vec<Weekday>,
    at: NaiveTime,
    lasts: Duration,
}

impl Every {
    /// Whether `time` is in one of the windows.
    fn covers(&self, time: DateTime<Utc>) -> bool {
        // A window may reach into the days after it.
        let days = self.lasts.as_secs() / 86_400 + 1;
        (0..=days).any(|back| {
            let Some(day) = time.date_naive().checked_sub_days(chrono::Days::new(back)) else { return false };
            let starts = day.and_time(self.at).and_utc();
            let ends = chrono::Duration::from_std(self.lasts)
                .ok()
                .and_then(|lasts| starts.checked_add_signed(lasts));
            (self.days.is_empty() || self.days.contains(&day.weekday()))
                && starts <= time
                && ends.is_some_and(|ends| time < ends)
        })
    }
}

impl Decode for SuppressDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let name = reader.located_label(0);
        let selector = Selector::decode(reader);
        let from = decode_time(reader, "from");
        let until = decode_time(reader, "until");
        let every = reader
            .nested_block("every")
            .map(|block| egret_config::decode_block::<Every>(block, reader.diagnostics()));
        let reason = reader.required::<String>("reason");
        Some(Self {
            name: name?,
            selector: selector?,
            from: from?,
            until: until?,
            every: every.map_or(Some(None), |every| every.map(Some))?,
            reason: reason?,
        })
    }
}

impl Decode for Every {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let days = reader.optional_or("days", Vec::<Located<String>>::new());
        let at = reader.required::<Located<String>>("at");
        let lasts = reader.required::<Duration>("for");
        let mut weekdays = Some(Vec::new());
        for day in days? {
            match (day.value.parse::<Weekday>(), &mut weekdays) {
                (Ok(weekday), Some(weekdays)) => weekdays.push(weekday),
                (Ok(_), None) => {}
                (Err(_), _) => {
                    let mistake = Diagnostic::error(format!("`{}` is no day of the week", day.value));
                    reader
                        .diagnostics()
                        .push(mistake.at(&day.location).hint("write mon, tue, wed, thu, fri, sat or sun"));
                    weekdays = None;
                }
            }
        }
        Some(Self { days: weekdays?, at: parse_time_of_day(&at?, reader)?, lasts: lasts? })
    }
}

/// `02:30`, in UTC.
pub(crate) fn parse_time_of_day(text: &Located<String>, reader: &mut BlockReader<'_>) -> Option<NaiveTime> {
    let time = NaiveTime::parse_from_str(text.value.trim(), "%H:%M").ok();
    if time.is_none() {
        let mistake = Diagnostic::error(format!("`{}` is no time of day", text.value));
        reader
            .diagnostics()
            .push(mistake.at(&text.location).hint("write hours and minutes in UTC, like 02:30"));
    }
    time
}

/// `None` after a mistake.
fn decode_time(reader: &mut BlockReader<'_>, name: &'static str) -> Option<Option<Timestamp>> {
    let Some(text) = reader.optional_or(name, None::<Located<String>>)? else { return Some(None) };
    let time = Timestamp::parse(text.value.trim());
    if time.is_none() {
        let mistake = Diagnostic::error(format!("`{}` is not a time", text.value)).at(&text.location);
        reader.diagnostics().push(mistake.hint("write it like 2026-12-24T18:00:00Z or 2026-12-24"));
    }
    time.map(Some)
}

/// What an `override` block says.
#[derive(Debug, Clone)]
pub(crate) struct OverrideDefinition {
    pub location: Location,
    pub selector: Selector,
    pub severity: Severity,
}

impl Decode for OverrideDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let location = reader.location().clone();
        let name = reader.label(0);
        let selector = Selector::decode(reader);
        let severity = reader.required("severity");
        // For those who read the configuration.
        let reason = reader.optional_or("reason", None::<String>);
        name?;
        reason?;
        Some(Self { location, selector: selector?, severity: severity? })
    }
}

/// A block about findings, with its condition compiled.
#[derive(Debug)]
pub(crate) struct About<D> {
    pub definition: D,
    pub condition: Option<Arc<dyn Expression>>,
}

impl About<SuppressDefinition> {
    /// Whether a finding is taken out; `holds` says whether the condition holds for it. The time is the event's, so
    /// that it makes no difference when it is read.
    pub(crate) fn takes(&self, finding: &Finding, holds: bool) -> bool {
        let definition = &self.definition;
        let in_time = definition.from.is_none_or(|from| from <= finding.time)
            && definition.until.is_none_or(|until| finding.time < until)
            && definition
                .every
                .as_ref()
                .is_none_or(|every| finding.time.to_datetime().is_some_and(|time| every.covers(time)));
        holds && in_time && definition.selector.names(finding)
    }
}

impl About<OverrideDefinition> {
    /// Whether a finding gets another severity.
    pub(crate) fn takes(&self, finding: &Finding, holds: bool) -> bool {
        holds && self.definition.selector.names(finding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_comes_again_and_may_reach_over_midnight() {
        let every = Every {
            days: vec![Weekday::Sat],
            at: NaiveTime::from_hms_opt(22, 0, 0).unwrap(),
            lasts: Duration::from_secs(4 * 3600),
        };
        // 2024-02-03 is a Saturday.
        for (time, expected) in [
            ("2024-02-03T21:59:59Z", false),
            ("2024-02-03T22:00:00Z", true),
            ("2024-02-04T01:59:59Z", true),
            ("2024-02-04T02:00:00Z", false),
            ("2024-02-04T22:30:00Z", false),
            ("2024-02-10T23:00:00Z", true),
        ] {
            let time = Timestamp::parse(time).unwrap();
            assert_eq!(every.covers(time.to_datetime().unwrap()), expected, "{time}");
        }
    }
}

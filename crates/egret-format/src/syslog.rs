//! `syslog`: what daemons log, in the old format (RFC 3164), the new one (RFC 5424), or with ISO times.

mod header;
mod structured;

use std::sync::Arc;

use egret_config::{BlockReader, Decode};

use self::header::{HeaderTime, Priority, is_time_of_5424, split_tag, take_time};
use crate::decoder::{Decoder, Format, Framing, ObjectContext};
use crate::lines::{LineParser, Reject, boxed};
use crate::plan::RecordPlan;
use crate::registry::{FormatType, Preset, decode_as};
use crate::rows::{FieldId, RowBuilder};
use crate::time::parse_iso;
use crate::time_field::TimeField;

const FIELDS: [&str; 10] = [
    "timestamp",
    "host",
    "program",
    "pid",
    "message",
    "facility",
    "severity",
    "msgid",
    "version",
    "structured_data",
];

pub(crate) const SYSLOG: FormatType = FormatType {
    name: "syslog",
    description: "Syslog in every usual form: RFC 3164 (`Feb  1 10:00:00 host sshd[123]: …`), the same with ISO \
                  times, RFC 5424, each with or without `<PRI>`. Fields: `timestamp`, `host`, `program`, `pid`, \
                  `message`, `facility`, `severity`, `msgid`, `version`, `structured_data` (JSON). `timestamp` is \
                  RFC 3339 in UTC; a year that is not there is the last one in which the time is not more than a \
                  day after the file was modified. `timestamp_offset` has the offset of a time that is not \
                  written in UTC, `timestamp_text` what was written where time and offset do not give it back.",
    attributes: &[],
    presets: &[Preset {
        name: "default",
        description: "Syslog in every usual form.",
        layout: None,
        make: || Some(Arc::new(SyslogFormat)),
    }],
    example: r#"format "syslog" "system" {
}
"#,
    decode: decode_as::<SyslogFormat>,
};

/// Syslog lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct SyslogFormat;

impl Decode for SyslogFormat {
    fn decode(_: &mut BlockReader<'_>) -> Option<Self> {
        Some(Self)
    }
}

impl Format for SyslogFormat {
    fn kind(&self) -> &'static str {
        SYSLOG.name
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn fields(&self) -> Option<Vec<String>> {
        Some(FIELDS.map(str::to_owned).to_vec())
    }

    fn decoder(&self, plan: &Arc<RecordPlan>, object: &ObjectContext) -> Box<dyn Decoder> {
        let [_, host, program, pid, message, facility, severity, msgid, version, structured_data] =
            FIELDS.map(|name| FieldId::new(plan, name));
        boxed(SyslogParser {
            clock: header::Clock::new(object),
            timestamp: TimeField::always_converted(plan, FIELDS[0]),
            host,
            program,
            pid,
            message,
            facility,
            severity,
            msgid,
            version,
            structured_data,
        })
    }
}

struct SyslogParser {
    clock: header::Clock,
    timestamp: TimeField,
    host: FieldId,
    program: FieldId,
    pid: FieldId,
    message: FieldId,
    facility: FieldId,
    severity: FieldId,
    msgid: FieldId,
    version: FieldId,
    structured_data: FieldId,
}

impl LineParser for SyslogParser {
    fn parse(&mut self, line: &str, rows: &mut RowBuilder<'_>) -> Result<(), Reject> {
        let (priority, rest) = Priority::take(line);
        if let Some(priority) = priority {
            rows.text(&self.facility, priority.facility());
            rows.text(&self.severity, priority.severity());
        }
        if let Some((version, after)) = rest.split_once(' ')
            && matches!(version.as_bytes(), [b'1'..=b'9'] | [b'1'..=b'9', b'0'..=b'9'])
            && is_time_of_5424(after)
        {
            rows.text(&self.version, version);
            self.parse_5424(after, rows);
            return Ok(());
        }
        match take_time(rest) {
            Some((time, after)) => self.parse_3164(time, after, rows),
            // Some devices send no header at all.
            None if priority.is_some() => rows.text(&self.message, rest),
            None => {
                let start: String = rest.chars().take(40).collect();
                return Err(Reject(format!(
                    "expected a time such as `Feb  1 10:00:00` or `2024-02-01T10:00:00Z`, found `{start}`"
                )));
            }
        }
        Ok(())
    }
}

impl SyslogParser {
    fn parse_3164(&mut self, time: HeaderTime<'_>, rest: &str, rows: &mut RowBuilder<'_>) {
        match time {
            HeaderTime::Iso(text) => self.timestamp.put_zoned(rows, text, parse_iso),
            HeaderTime::Local(local) => {
                let clock = &mut self.clock;
                self.timestamp.put_local(rows, local.text, |_| clock.read(&local));
            }
        }
        let rest = rest.trim_start_matches(' ');
        let (host, after) = rest.split_once(' ').unwrap_or((rest, ""));
        // Some programs log without the host's name.
        let has_host = split_tag(rest).is_none();
        let rest = if has_host { after.trim_start_matches(' ') } else { rest };
        if has_host && !host.is_empty() {
            rows.text(&self.host, host);
        }
        // A message without a program keeps the spaces it starts with.
        match split_tag(rest) {
            Some(tag) => {
                rows.text(&self.program, tag.program);
                if let Some(pid) = tag.pid {
                    rows.text(&self.pid, pid);
                }
                if let Some(message) = tag.message {
                    rows.text(&self.message, message);
                }
            }
            None if after.is_empty() && has_host => {}
            None => rows.text(&self.message, if has_host { after } else { rest }),
        }
    }

    fn parse_5424(&mut self, rest: &str, rows: &mut RowBuilder<'_>) {
        let (time, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
        if time != "-" {
            self.timestamp.put_zoned(rows, time, parse_iso);
        }
        for field in [&self.host, &self.program, &self.pid, &self.msgid] {
            let (value, after) = rest.split_once(' ').unwrap_or((rest, ""));
            rest = after;
            if !matches!(value, "-" | "") {
                rows.text(field, value);
            }
        }
        let message = match structured::read(rest) {
            Some((json, after)) => {
                if let Some(json) = json {
                    rows.text(&self.structured_data, &json);
                }
                after
            }
            // What is no structured data must not be lost.
            None => rest,
        };
        if !message.is_empty() {
            rows.text(&self.message, message.strip_prefix('\u{feff}').unwrap_or(message));
        }
    }
}

#[cfg(test)]
mod tests;

//! `syslog`: RFC 5424 messages over UDP, TCP or TLS.

mod connection;
mod line;

use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader, ByteSize, Diagnostic, Located};
use egret_http::{CA_FILE, CLIENT_CERTIFICATE, CLIENT_KEY, ServiceContext, Tls};
use egret_model::AlertAction;
use tokio::time::timeout;

use crate::delivery::{Letter, Output, Receipt, SendError};
use crate::escape::Escape;
use crate::registry::OutputType;
use connection::{Collector, Transport};
use line::{FACILITIES, LineStyle, MsgFormat};

/// So many messages go through one connection.
const BATCH: usize = 100;

/// What every receiver must take, by RFC 5424.
const MIN_BYTES: u64 = 480;

/// The example enterprise number of RFC 5612: names with a number of one's own need one that is registered.
const STRUCTURED_DATA_ID: &str = "egret@32473";

/// The output type `syslog`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "syslog",
    description: "Sends RFC 5424 messages to a syslog server over UDP, TCP or TLS.",
    attributes: &[&[
        AttributeDocumentation::required(
            "host",
            "a string",
            "The server; for TLS its certificate must be for it.",
        ),
        AttributeDocumentation::optional(
            "transport",
            "a string",
            "tls (the default), tcp or udp; the last two are not encrypted.",
        ),
        AttributeDocumentation::optional("port", "a number", "Its port. Default: 6514 with tls, else 514."),
        AttributeDocumentation::optional(
            "format",
            "a string",
            "text (the default: title and message in a line) or json (the alert).",
        ),
        AttributeDocumentation::optional(
            "facility",
            "a string",
            "auth, authpriv, daemon, local0 to local7 or any other. Default: local0.",
        ),
        AttributeDocumentation::optional("app_name", "a string", "APP-NAME. Default: egret."),
        AttributeDocumentation::optional("hostname", "a string", "HOSTNAME. Default: the machine's name."),
        AttributeDocumentation::optional(
            "structured_data_id",
            "a string",
            "The name of the structured data; one of your own ends in @ and your enterprise number. Default: \
             egret@32473, a number for examples.",
        ),
        AttributeDocumentation::optional(
            "max_bytes",
            "a size",
            "Longer messages are shortened. Default: 2048 with udp, else 8192.",
        ),
        CA_FILE,
        CLIENT_CERTIFICATE,
        CLIENT_KEY,
    ]],
    example: r#"output "syslog" "siem" {
  host               = "syslog.example.org"
  port               = 6514
  transport          = "tls"
  format             = "json"
  facility           = "local0"
  app_name           = "egret"
  hostname           = "egret-1"
  structured_data_id = "egret@32473"
  max_bytes          = "8KiB"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    arrives: "`<PRI>1 TIME HOSTNAME APP-NAME PROCID ACTION [egret@32473 delivery_id=… alert_id=… action=… severity=… \
        detection_id=… channel=… count=… by=…] MSG`. Severities are critical 2, high 3, medium 4, low 5, informational \
        6. The time is when the alert changed, so a message that is sent again is the same. MSG is UTF-8 without a byte \
        order mark: a line with title and message, or the JSON that a webhook gets, or what a template's `body` says.\n\n\
        In structured data `\"`, `\\` and `]` have a backslash; control characters are written as `\\n`, `\\u{1b}` \
        everywhere, so one message is one line. A value there has at most 255 bytes. Text that goes beyond `max_bytes` is cut; JSON loses the parts that are \
        large, `\"shortened\": true` says so, and it stays valid. UDP defaults to the 2,048 bytes that RFC 5424 wants \
        every receiver to take; over TCP and TLS, 8,192 is what RFC 5425 recommends and rsyslog has as its limit.\n\n\
        TCP and TLS count octets (RFC 6587, RFC 5425). Syslog has no acknowledgement. What can be \
        known is waited for: Egret ends its side of the connection after the messages, and a server that read all of them ends \
        its own without an error; they count as taken then. A server that does not end its side within two seconds \
        is believed too. What a server takes and then loses is not noticed. With UDP only a \
        port that nobody listens on is noticed, and only if it is said at once; use TCP or TLS for what matters. \
        `delivery_id` tells repetitions.",
    permissions: "A server that takes messages from this machine. For TLS, its authority in `ca_file` if the system \
        does not know it, and a client certificate if it asks for one.",
    decode: |reader, context| {
        let host = reader.required::<String>("host");
        let port = reader.optional_or("port", None::<u16>);
        let transport = read_word(reader, "transport", "tls", Transport::from_word);
        let format = read_word(reader, "format", "text", MsgFormat::from_word);
        let facility = read_word(reader, "facility", "local0", facility);
        let app_name = read_name(reader, "app_name", 48, || "egret".to_owned());
        let hostname = read_name(reader, "hostname", 255, || own_name(context));
        let id = read_name(reader, "structured_data_id", 32, || STRUCTURED_DATA_ID.to_owned());
        let max_bytes = read_max_bytes(reader);
        let tls = Tls::decode(reader, context);
        let transport = transport?;
        let style = LineStyle {
            facility: facility?,
            hostname: hostname?,
            app_name: app_name?,
            structured_data_id: id?,
            format: format?,
            max_bytes: max_bytes?.unwrap_or(transport.default_max_bytes()),
        };
        let port = port?.unwrap_or(transport.default_port());
        let collector = Collector::new(host?, port, transport, tls?);
        Some(Arc::new(Syslog { collector, style, context: context.service.clone() }))
    },
};

/// Where a word is one of a few.
fn read_word<T>(
    reader: &mut BlockReader<'_>,
    name: &'static str,
    default: &str,
    from_word: fn(&str) -> Result<T, String>,
) -> Option<T> {
    let word = reader.optional_or(name, None::<Located<String>>)?;
    match from_word(word.as_ref().map_or(default, |word| word.value.as_str())) {
        Ok(value) => Some(value),
        Err(hint) => {
            let word = word?;
            let mistake = Diagnostic::error(format!("`{}` is no `{name}`", word.value)).at(&word.location);
            reader.diagnostics().push(mistake.hint(hint));
            None
        }
    }
}

fn facility(word: &str) -> Result<u8, String> {
    let found = FACILITIES.iter().position(|facility| *facility == word);
    let found = found.and_then(|number| u8::try_from(number).ok());
    found.ok_or_else(|| format!("the facilities are {}", FACILITIES.join(", ")))
}

/// A word of a message's head: printable ASCII without spaces, and in structured data's names without `=`, `]` and `"`.
fn read_name(
    reader: &mut BlockReader<'_>,
    name: &'static str,
    limit: usize,
    default: impl FnOnce() -> String,
) -> Option<String> {
    let Some(word) = reader.optional_or(name, None::<Located<String>>)? else { return Some(default()) };
    let is_allowed = |c: char| c.is_ascii_graphic() && !matches!(c, '=' | ']' | '"');
    if word.value.is_empty() || word.value.len() > limit || !word.value.chars().all(is_allowed) {
        let message =
            format!("`{name}` is 1 to {limit} letters, digits and signs without spaces, =, ] and \"");
        reader.diagnostics().error(&word.location, message);
        return None;
    }
    Some(word.value)
}

fn read_max_bytes(reader: &mut BlockReader<'_>) -> Option<Option<usize>> {
    let Some(size) = reader.optional_or("max_bytes", None::<Located<ByteSize>>)? else { return Some(None) };
    if size.value.0 < MIN_BYTES {
        let message = format!("`max_bytes` is at least {MIN_BYTES}, which every syslog server takes");
        reader.diagnostics().error(&size.location, message);
        return None;
    }
    usize::try_from(size.value.0).ok().map(Some)
}

/// The machine's name, as far as it can be a word of a message; `-` is syslog's word for nothing.
fn own_name(context: &ServiceContext) -> String {
    let set = context.environment.variables.get("HOSTNAME").cloned();
    let name = set.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok()).unwrap_or_default();
    let name: String = name.trim().chars().filter(char::is_ascii_graphic).take(255).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

#[derive(Debug)]
struct Syslog {
    collector: Collector,
    style: LineStyle,
    context: ServiceContext,
}

#[async_trait]
impl Output for Syslog {
    fn actions(&self) -> &'static [AlertAction] {
        &AlertAction::ALL
    }

    fn escape(&self) -> Escape {
        match self.style.format {
            MsgFormat::Text => Escape::Line,
            MsgFormat::Json => Escape::Json,
        }
    }

    fn batch_size(&self) -> usize {
        BATCH
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        let lines: Vec<String> = letters.iter().map(|letter| self.style.line(letter)).collect();
        let answer = match timeout(self.context.timeout, self.collector.send(&lines)).await {
            Ok(answer) => answer.map(|()| Receipt::default()),
            Err(_) => Err(SendError::retry(format!("{} did not take it in time", self.collector.place()))),
        };
        // Which of them arrived nobody says: all or none.
        vec![answer; letters.len()]
    }
}

#[cfg(test)]
mod tests;

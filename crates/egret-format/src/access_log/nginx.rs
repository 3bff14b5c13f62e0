//! `nginx_access_log`: what nginx writes, by its own `log_format`.

use std::str::FromStr;
use std::sync::Arc;

use egret_config::{BlockReader, Decode};

use super::layout::{Layout, Token, Value};
use super::parser::AccessLogParser;
use crate::decoder::{Decoder, Format, Framing, ObjectContext};
use crate::layout_error::LayoutError;
use crate::lines::boxed;
use crate::plan::RecordPlan;
use crate::registry::{FormatType, Preset, decode_as, decode_layout, layout_attribute};

const COMBINED: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

pub(crate) const NGINX_ACCESS_LOG: FormatType = FormatType {
    name: "nginx_access_log",
    description: "nginx access logs, by the server's own `log_format`. Each field has the name of its variable; \
                  `$request` is split into `request_method`, `request_uri` and `server_protocol`, and is kept \
                  whole as `request` where it is no request. A value `-` is absent.",
    attributes: &[layout_attribute(
        "The text of nginx's `log_format`, with its $variables. The whole directive may be pasted.",
    )],
    presets: &[Preset {
        name: "combined",
        description: "What nginx writes if nothing else is configured.",
        layout: Some(COMBINED),
        make: || Some(Arc::new(COMBINED.parse::<NginxAccessLogFormat>().ok()?)),
    }],
    example: r#"format "nginx_access_log" "timed" {
  layout = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent $request_time`
}
"#,
    decode: decode_as::<NginxAccessLogFormat>,
};

/// nginx access logs.
#[derive(Debug, Clone)]
pub struct NginxAccessLogFormat {
    layout: Layout,
}

impl FromStr for NginxAccessLogFormat {
    type Err = LayoutError;

    /// Reads the text of a `log_format`, or the whole directive.
    fn from_str(written: &str) -> Result<Self, LayoutError> {
        let Some(directive) = Directive::of(written) else {
            return Ok(Self { layout: Layout::new(tokens(written.trim_end())?, written)? });
        };
        let whole = 0..written.len();
        let is_other_escape = |word: &&String| word.starts_with("escape=") && *word != "escape=default";
        if let Some(escape) = directive.parameters.iter().find(is_other_escape) {
            let message = format!("`{escape}` is not read here");
            return Err(LayoutError::new(message, "use a format `jsonl` for logs written as JSON", whole));
        }
        let tokens = tokens(&directive.text).map_err(|error| LayoutError { span: whole.clone(), ..error })?;
        let layout = Layout::new(tokens, &directive.text);
        Ok(Self { layout: layout.map_err(|error| LayoutError { span: whole, ..error })? })
    }
}

impl Decode for NginxAccessLogFormat {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        decode_layout(reader)
    }
}

impl Format for NginxAccessLogFormat {
    fn kind(&self) -> &'static str {
        NGINX_ACCESS_LOG.name
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn fields(&self) -> Option<Vec<String>> {
        Some(self.layout.fields())
    }

    fn decoder(&self, plan: &Arc<RecordPlan>, object: &ObjectContext) -> Box<dyn Decoder> {
        boxed(AccessLogParser::new(&self.layout, plan, object))
    }
}

/// Cuts a layout at its variables: `$name` or `${name}`.
fn tokens(layout: &str) -> Result<Vec<Token>, LayoutError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(dollar) = layout[at..].find('$').map(|found| at + found) {
        tokens.push(Token::Text(layout[at..dollar].to_owned()));
        let after = &layout[dollar + 1..];
        let (name, end) = match after.strip_prefix('{') {
            Some(braced) => {
                let end = braced.find('}').unwrap_or(0);
                (&braced[..end], dollar + 1 + end + 2)
            }
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (&after[..end], dollar + 1 + end)
            }
        };
        if name.is_empty() {
            let hint = "write variables like `$remote_addr`";
            return Err(LayoutError::new("a `$` without a variable's name", hint, dollar..dollar + 1));
        }
        let name_owned = name.to_owned();
        let value = match name {
            "request" => Value::Request,
            "time_local" => Value::CommonLogTime(name_owned),
            "time_iso8601" => Value::IsoTime(name_owned),
            _ => Value::Text(name_owned),
        };
        tokens.push(Token::Value(value, dollar..end));
        at = end;
    }
    tokens.push(Token::Text(layout[at..].to_owned()));
    tokens.retain(|token| !matches!(token, Token::Text(text) if text.is_empty()));
    Ok(tokens)
}

/// The directive of nginx's configuration: `log_format main '…' '…';`, or only its quoted texts.
struct Directive {
    parameters: Vec<String>,
    text: String,
}

impl Directive {
    fn of(written: &str) -> Option<Self> {
        let mut directive = Self { parameters: Vec::new(), text: String::new() };
        let trimmed = written.trim();
        let mut rest = trimmed.strip_prefix("log_format").unwrap_or(trimmed).trim_start();
        if !trimmed.starts_with("log_format") && !trimmed.starts_with('\'') {
            return None;
        }
        while !rest.is_empty() && rest != ";" {
            let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
            let Some(quote) = quote else {
                let end = rest.find(char::is_whitespace)?;
                directive.parameters.push(rest[..end].to_owned());
                rest = rest[end..].trim_start();
                continue;
            };
            let end = rest[1..].find(quote)? + 1;
            directive.text.push_str(&rest[1..end]);
            rest = rest[end + 1..].trim_start();
        }
        Some(directive)
    }
}

//! `apache_access_log`: what Apache httpd writes, by its own `LogFormat`.

use std::str::FromStr;
use std::sync::Arc;

use egret_config::{BlockReader, Decode};

use super::directive::tokens;
use super::layout::Layout;
use super::parser::AccessLogParser;
use crate::decoder::{Decoder, Format, Framing, ObjectContext};
use crate::layout_error::LayoutError;
use crate::lines::boxed;
use crate::plan::RecordPlan;
use crate::registry::{FormatType, Preset, decode_as, decode_layout, layout_attribute};

const COMMON: &str = r#"%h %l %u %t "%r" %>s %b"#;
const COMBINED: &str = r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#;

pub(crate) const APACHE_ACCESS_LOG: FormatType = FormatType {
    name: "apache_access_log",
    description: "Apache httpd access logs, by the server's own `LogFormat`. `%r` is split into \
                  `request_method`, `request_uri` and `server_protocol`, and is kept whole as `request` where it \
                  is no request; request headers become `http_<name>`, response headers `sent_http_<name>`. \
                  A value `-` is absent.",
    attributes: &[layout_attribute(
        "The text of Apache's `LogFormat`, with its %directives; `\\\"` is read as a quote.",
    )],
    presets: &[
        Preset {
            name: "common",
            description: "The common log format.",
            layout: Some(COMMON),
            make: || Some(Arc::new(COMMON.parse::<ApacheAccessLogFormat>().ok()?)),
        },
        Preset {
            name: "combined",
            description: "The common log format with referrer and user agent.",
            layout: Some(COMBINED),
            make: || Some(Arc::new(COMBINED.parse::<ApacheAccessLogFormat>().ok()?)),
        },
    ],
    example: r#"format "apache_access_log" "timed" {
  layout = `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D`
}
"#,
    decode: decode_as::<ApacheAccessLogFormat>,
};

/// Apache httpd access logs.
#[derive(Debug, Clone)]
pub struct ApacheAccessLogFormat {
    layout: Layout,
}

impl FromStr for ApacheAccessLogFormat {
    type Err = LayoutError;

    /// Reads the text of a `LogFormat`.
    fn from_str(written: &str) -> Result<Self, LayoutError> {
        Ok(Self { layout: Layout::new(tokens(written.trim_end())?, written)? })
    }
}

impl Decode for ApacheAccessLogFormat {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        decode_layout(reader)
    }
}

impl Format for ApacheAccessLogFormat {
    fn kind(&self) -> &'static str {
        APACHE_ACCESS_LOG.name
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

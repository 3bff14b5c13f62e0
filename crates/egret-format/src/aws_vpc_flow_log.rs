//! `aws_vpc_flow_log`: lines of values with a space between them, named by a list of AWS's fields.

use std::str::FromStr;
use std::sync::Arc;

use egret_config::{BlockReader, Decode, Diagnostic, Located};
use egret_model::{Timestamp, suggest};

use crate::decoder::{Decoder, Format, Framing, ObjectContext};
use crate::layout_error::LayoutError;
use crate::lines::{LineParser, Reject, boxed};
use crate::plan::RecordPlan;
use crate::registry::{AttributeDocumentation, FormatType, Preset, decode_as, layout_attribute};
use crate::rows::{FieldId, RowBuilder};
use crate::time_field::TimeField;

/// Version 2, which is what AWS writes if nothing else is configured.
const DEFAULT: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes \
                       start end action log-status";

/// Every field of AWS's, by the name in its documentation. Most become the field of the same name with `_`.
const AWS_FIELDS: &[&str] = &[
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "type",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "region",
    "az-id",
    "sublocation-type",
    "sublocation-id",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
    "flow-direction",
    "traffic-path",
    "ecs-cluster-arn",
    "ecs-cluster-name",
    "ecs-container-instance-arn",
    "ecs-container-instance-id",
    "ecs-container-id",
    "ecs-second-container-id",
    "ecs-service-name",
    "ecs-task-definition-arn",
    "ecs-task-arn",
    "ecs-task-id",
    "reject-reason",
    "resource-id",
    "encryption-status",
];

pub(crate) const AWS_VPC_FLOW_LOG: FormatType = FormatType {
    name: "aws_vpc_flow_log",
    description: "AWS VPC flow logs, by the list of their fields in AWS's names. A line of names at the start of \
                  a file (which S3 has and CloudWatch has not) says what follows and overrules the list. Fields \
                  are named as the columns of `aws_vpc_flow_log`: `srcaddr` is `src_addr`, `start` is \
                  `start_time`. A value `-` is absent.",
    attributes: &[
        AttributeDocumentation {
            default: Some("the 14 fields of version 2"),
            ..layout_attribute(
                "The fields as AWS's console shows them: `${version} ${account-id} …`, or without the signs.",
            )
        },
        AttributeDocumentation {
            name: "fields",
            value_type: "list of strings",
            default: Some("as `layout`"),
            description: "The same as a list.",
        },
    ],
    presets: &[Preset {
        name: "default",
        description: "Version 2, which is what AWS writes if nothing else is configured.",
        layout: Some(DEFAULT),
        make: || Some(Arc::new(DEFAULT.parse::<VpcFlowLogFormat>().ok()?)),
    }],
    example: r#"format "aws_vpc_flow_log" "with_service" {
  layout = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status flow-direction pkt-dst-aws-service"
}
"#,
    decode: decode_as::<VpcFlowLogFormat>,
};

/// AWS VPC flow logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcFlowLogFormat {
    /// The fields in their order, as we name them.
    fields: Vec<String>,
}

impl FromStr for VpcFlowLogFormat {
    type Err = LayoutError;

    /// Reads a list of AWS's fields with spaces between them.
    fn from_str(layout: &str) -> Result<Self, LayoutError> {
        let mut fields: Vec<String> = Vec::new();
        let start_of = |word: &str| word.as_ptr() as usize - layout.as_ptr() as usize;
        for word in layout.split_whitespace() {
            let span = start_of(word)..start_of(word) + word.len();
            let field = field_of(word).map_err(|hint| {
                LayoutError::new(format!("AWS has no flow log field `{word}`"), hint, span.clone())
            })?;
            if fields.contains(&field) {
                return Err(LayoutError::new(
                    format!("the field `{word}` is there twice"),
                    "remove one of them",
                    span,
                ));
            }
            fields.push(field);
        }
        if fields.is_empty() {
            let hint = "write AWS's names with spaces between them";
            return Err(LayoutError::new("the layout has no fields", hint, 0..layout.len()));
        }
        Ok(Self { fields })
    }
}

/// The name of the field that AWS calls `word`, or a hint.
fn field_of(word: &str) -> Result<String, String> {
    let plain = word.strip_prefix("${").and_then(|word| word.strip_suffix('}')).unwrap_or(word);
    let aws = plain.replace('_', "-");
    if AWS_FIELDS.contains(&aws.as_str()) {
        return Ok(column_name(&aws));
    }
    // Our own names are understood as well.
    if let Some(aws) = AWS_FIELDS.iter().find(|aws| column_name(aws) == plain) {
        return Ok(column_name(aws));
    }
    Err(match suggest::nearest(plain, AWS_FIELDS.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "see https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html".to_owned(),
    })
}

fn column_name(aws: &str) -> String {
    match aws {
        "srcaddr" => "src_addr",
        "dstaddr" => "dst_addr",
        "srcport" => "src_port",
        "dstport" => "dst_port",
        "pkt-srcaddr" => "pkt_src_addr",
        "pkt-dstaddr" => "pkt_dst_addr",
        "start" => "start_time",
        "end" => "end_time",
        other => return other.replace('-', "_"),
    }
    .to_owned()
}

impl Decode for VpcFlowLogFormat {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let layout: Option<Option<Located<String>>> = reader.optional_or("layout", None);
        let fields: Option<Option<Vec<Located<String>>>> = reader.optional_or("fields", None);
        match (layout?, fields?) {
            (None, None) => DEFAULT.parse().ok(),
            (Some(layout), None) => parse_at(&layout, reader),
            (None, Some(fields)) => from_list(&fields, reader),
            (Some(layout), Some(_)) => {
                let mistake = Diagnostic::error("`layout` and `fields` say the same").at(&layout.location);
                reader.diagnostics().push(mistake.hint("remove one of them"));
                None
            }
        }
    }
}

fn parse_at(layout: &Located<String>, reader: &mut BlockReader<'_>) -> Option<VpcFlowLogFormat> {
    let report = |LayoutError { message, hint, span }| {
        reader.diagnostics().push(Diagnostic::error(message).at(&layout.inside(span)).hint(hint));
    };
    layout.value.parse().map_err(report).ok()
}

fn from_list(list: &[Located<String>], reader: &mut BlockReader<'_>) -> Option<VpcFlowLogFormat> {
    let mut fields: Vec<String> = Vec::new();
    for name in list {
        for field in parse_at(name, reader)?.fields {
            if fields.contains(&field) {
                let message = format!("the field `{}` is there twice", name.value);
                reader
                    .diagnostics()
                    .push(Diagnostic::error(message).at(&name.location).hint("remove one of them"));
                return None;
            }
            fields.push(field);
        }
    }
    if fields.is_empty() {
        let mistake = Diagnostic::error("the list of fields is empty").at(reader.location());
        reader.diagnostics().push(mistake.hint("write AWS's names, or leave it out for version 2"));
        return None;
    }
    Some(VpcFlowLogFormat { fields })
}

impl Format for VpcFlowLogFormat {
    fn kind(&self) -> &'static str {
        AWS_VPC_FLOW_LOG.name
    }

    /// The line of names may be needed.
    fn framing(&self) -> Framing {
        Framing::Stateful
    }

    fn fields(&self) -> Option<Vec<String>> {
        Some(self.fields.clone())
    }

    fn decoder(&self, plan: &Arc<RecordPlan>, _: &ObjectContext) -> Box<dyn Decoder> {
        boxed(FlowLogParser { plan: plan.clone(), targets: targets(plan, &self.fields), at_start: true })
    }
}

/// Whether `line` is one of AWS's names: the header of a flow log.
pub(crate) fn is_header(line: &[u8]) -> bool {
    // Nearly every line of values starts with the version's digit.
    line.first().is_some_and(u8::is_ascii_lowercase) && words(line).all(is_aws_field)
}

/// Whether `line`, the first of its file, is a header. AWS adds fields: most of its names are known, not all.
pub(crate) fn is_first_header(line: &[u8]) -> bool {
    if !line.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let (known, unknown): (Vec<_>, Vec<_>) = words(line).partition(|word| is_aws_field(word));
    known.len() > unknown.len()
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

fn is_aws_field(word: &[u8]) -> bool {
    AWS_FIELDS.iter().any(|field| field.as_bytes() == word)
}

enum Target {
    Text(FieldId),
    /// Seconds since the epoch.
    Time(TimeField),
}

fn targets(plan: &Arc<RecordPlan>, fields: &[String]) -> Vec<Target> {
    let target = |name: &String| match name.as_str() {
        "start_time" | "end_time" => Target::Time(TimeField::new(plan, name)),
        _ => Target::Text(FieldId::new(plan, name)),
    };
    fields.iter().map(target).collect()
}

struct FlowLogParser {
    plan: Arc<RecordPlan>,
    targets: Vec<Target>,
    /// The next line is the first.
    at_start: bool,
}

impl LineParser for FlowLogParser {
    fn is_header(&mut self, line: &[u8]) -> bool {
        let at_start = std::mem::replace(&mut self.at_start, false);
        let is_header = if at_start { is_first_header(line) } else { is_header(line) };
        if !is_header {
            return false;
        }
        let line = String::from_utf8_lossy(line);
        // What AWS added since becomes a field of its own name.
        let fields: Vec<String> = line
            .split_ascii_whitespace()
            .map(|word| field_of(word).unwrap_or_else(|_| word.to_owned()))
            .collect();
        self.targets = targets(&self.plan, &fields);
        true
    }

    fn parse(&mut self, line: &str, rows: &mut RowBuilder<'_>) -> Result<(), Reject> {
        let mut found = 0;
        let mut rest = line.trim_ascii_end();
        let mut targets = self.targets.iter_mut();
        while !rest.is_empty() {
            let end = memchr::memchr(b' ', rest.as_bytes()).unwrap_or(rest.len());
            let value = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            found += 1;
            let Some(target) = targets.next() else { continue };
            match target {
                _ if value == "-" => {}
                Target::Text(field) => rows.text(field, value),
                Target::Time(field) => field.put_local(rows, value, |text| {
                    let seconds: i64 = text.parse().ok()?;
                    // `007` is the same number but not what it prints.
                    let is_exact = text == "0" || !text.trim_start_matches('-').starts_with(['0', '+']);
                    Some((Timestamp::from_seconds(seconds), is_exact))
                }),
            }
        }
        let expected = self.targets.len();
        if found == expected {
            return Ok(());
        }
        Err(Reject(format!("expected {expected} values, found {found}")))
    }
}

#[cfg(test)]
mod tests;

//! Routes: which alerts go where.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch};
use egret_config::{BlockReader, Decode, Located, Location, Reference, decode_block};
use egret_model::channel::wildcard_matches;
use egret_model::{ChannelPattern, Expression, Severity};
use egret_output::{TEMPLATE_BLOCK, Templates};

use crate::conditions::mask;
use crate::severity_test::SeverityTest;

/// What a `route` block says.
#[derive(Debug, Clone)]
pub(crate) struct RouteDefinition {
    pub location: Location,
    pub name: Option<String>,
    pub channel: Option<ChannelPattern>,
    pub severity: Option<SeverityTest>,
    pub severity_text: Option<String>,
    pub tags: Vec<String>,
    pub detection: Option<Located<String>>,
    pub condition: Option<Located<String>>,
    pub to: Vec<Reference>,
    pub goes_on: bool,
    pub is_default: bool,
    pub templates: Option<Templates>,
}

impl Decode for RouteDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let location = reader.location().clone();
        let name = reader.optional_or("name", None::<String>);
        let channel = reader.optional_or("channel", None::<String>);
        let severity_text = reader.optional_or("severity", None::<String>);
        let severity =
            if severity_text.is_some() { reader.optional_or("severity", None) } else { Some(None) };
        let tags = reader.optional_or("tags", Vec::new());
        let detection = reader.optional_or("detection", None::<Located<String>>);
        let condition = reader.optional_or("where", None::<Located<String>>);
        let to = reader.required::<Vec<Reference>>("to");
        let goes_on = reader.optional_or("continue", false);
        let is_default = reader.optional_or("default", false);
        let template = reader.nested_block(TEMPLATE_BLOCK);
        let templates = template.and_then(|block| decode_block(block, reader.diagnostics()));
        Some(Self {
            location,
            name: name?,
            channel: channel?.map(ChannelPattern::new),
            severity: severity?,
            severity_text: severity_text?,
            tags: tags?,
            detection: detection?,
            condition: condition?,
            to: to?,
            goes_on: goes_on?,
            is_default: is_default?,
            templates,
        })
    }
}

/// A route that can be asked.
#[derive(Debug)]
pub(crate) struct Route {
    /// Its name, or its number.
    pub key: String,
    pub definition: RouteDefinition,
    /// Its outputs, as `type.name`.
    pub to: Vec<String>,
    pub condition: Option<Arc<dyn Expression>>,
}

/// What routes look at.
#[derive(Debug, Clone, Copy)]
pub struct RouteSubject<'a> {
    /// The channel.
    pub channel: &'a str,
    /// How bad it is.
    pub severity: Severity,
    /// The rule's tags.
    pub tags: &'a [String],
    /// The rule's id.
    pub detection_id: &'a str,
}

/// Where an alert goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    pub output: String,
    /// The route that says so, if it has templates.
    pub route: Option<String>,
}

/// What a route says about an alert, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RouteVerdict {
    /// The route's name, or its number.
    pub route: String,
    /// Where it is written.
    pub location: String,
    /// Whether the alert goes its way.
    pub matches: bool,
    /// Why, or why not.
    pub reason: String,
    /// Where it leads.
    pub to: Vec<String>,
}

impl Route {
    /// Why an alert does not go this way; `None` if it does. `holds` says whether the condition holds, `None` where
    /// there is no finding to ask.
    fn objection(&self, subject: &RouteSubject<'_>, holds: Option<bool>) -> Option<String> {
        let definition = &self.definition;
        if let Some(channel) = &definition.channel
            && !channel.matches(subject.channel)
        {
            return Some(format!("channel {} is not {channel}", subject.channel));
        }
        if let (Some(severity), Some(text)) = (&definition.severity, &definition.severity_text)
            && !severity.holds(subject.severity)
        {
            return Some(format!("severity {} is not {text}", subject.severity));
        }
        if !definition.tags.is_empty() && !definition.tags.iter().any(|tag| has_tag(subject.tags, tag)) {
            return Some(format!("it has none of the tags {}", definition.tags.join(", ")));
        }
        if let Some(pattern) = &definition.detection
            && !wildcard_matches(&pattern.value, subject.detection_id)
        {
            return Some(format!("detection {} is not {}", subject.detection_id, pattern.value));
        }
        match (&definition.condition, holds) {
            (Some(condition), Some(false)) => Some(format!("it is not so that {}", condition.value)),
            (Some(condition), None) => Some(format!("only a finding can tell whether {}", condition.value)),
            _ => None,
        }
    }

    /// Why an alert goes this way.
    fn reason(&self) -> String {
        let definition = &self.definition;
        let mut reasons = Vec::new();
        reasons.extend(definition.channel.as_ref().map(|channel| format!("channel is {channel}")));
        reasons.extend(definition.severity_text.as_ref().map(|text| format!("severity is {text}")));
        if !definition.tags.is_empty() {
            reasons.push(format!("it has one of the tags {}", definition.tags.join(", ")));
        }
        reasons
            .extend(definition.detection.as_ref().map(|pattern| format!("detection is {}", pattern.value)));
        reasons.extend(definition.condition.as_ref().map(|condition| condition.value.clone()));
        if definition.is_default {
            reasons.push("no other route took it".to_owned());
        }
        if reasons.is_empty() { "the route takes everything".to_owned() } else { reasons.join(", ") }
    }
}

/// `attack.t1078` has the tag `attack.t1078` and the tag `attack.*`.
fn has_tag(tags: &[String], pattern: &str) -> bool {
    tags.iter().any(|tag| wildcard_matches(&pattern.to_lowercase(), &tag.to_lowercase()))
}

/// For each route whether its condition holds, row by row; `None` for one without.
pub(crate) fn conditions(routes: &[Route], rows: &RecordBatch) -> Vec<Option<BooleanArray>> {
    let evaluate = |route: &Route| {
        let place = || format!("`where` of the route at {}", route.definition.location);
        mask(route.condition.as_ref(), rows, place)
    };
    routes.iter().map(evaluate).collect()
}

/// What each route says, in order, up to the one that ends the way; the default is asked if no other took it.
/// `holds` gives the result of a route's condition, by its number.
pub(crate) fn verdicts(
    routes: &[Route],
    subject: &RouteSubject<'_>,
    holds: impl Fn(usize) -> Option<bool>,
) -> Vec<RouteVerdict> {
    let mut verdicts = Vec::new();
    let mut taken = false;
    for is_default in [false, true] {
        if is_default && taken {
            break;
        }
        for (number, route) in routes.iter().enumerate() {
            if route.definition.is_default != is_default {
                continue;
            }
            let objection = route.objection(subject, holds(number));
            let matches = objection.is_none();
            taken |= matches;
            verdicts.push(RouteVerdict {
                route: route.key.clone(),
                location: route.definition.location.to_string(),
                matches,
                reason: objection.unwrap_or_else(|| route.reason()),
                to: route.to.clone(),
            });
            if matches && !route.definition.goes_on {
                break;
            }
        }
    }
    verdicts
}

/// Where an alert goes: each output once, by the first route that leads there.
pub(crate) fn destinations(
    routes: &[Route],
    subject: &RouteSubject<'_>,
    holds: impl Fn(usize) -> Option<bool>,
) -> Vec<Destination> {
    let mut destinations: Vec<Destination> = Vec::new();
    for verdict in verdicts(routes, subject, holds).into_iter().filter(|verdict| verdict.matches) {
        let route = routes.iter().find(|route| route.key == verdict.route);
        let has_templates = route.is_some_and(|route| route.definition.templates.is_some());
        for output in verdict.to {
            if !destinations.iter().any(|destination| destination.output == output) {
                let route = has_templates.then(|| verdict.route.clone());
                destinations.push(Destination { output, route });
            }
        }
    }
    destinations
}

/// The result of a route's condition in one row.
pub(crate) fn in_row(conditions: &[Option<BooleanArray>], row: usize) -> impl Fn(usize) -> Option<bool> {
    move |route| conditions.get(route)?.as_ref().map(|mask| mask.is_valid(row) && mask.value(row))
}

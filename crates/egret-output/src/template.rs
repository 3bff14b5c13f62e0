//! Templates of users: any part of a message in `minijinja`, with the values from logs escaped for where they go.

use std::fmt;
use std::sync::Arc;

use egret_config::{BlockReader, Decode, Diagnostic, Diagnostics, Located};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, Value, context};

use crate::delivery::Delivery;
use crate::escape::{Escape, one_line};
use crate::message::{Link, Message, Text};

/// The block `template { … }` in an output or a route.
pub const TEMPLATE_BLOCK: &str = "template";

/// What one template may compute, in minijinja's units: loops over an event end long before.
const FUEL: u64 = 200_000;

/// A template's result is cut here; services take much less.
const MAX_BYTES: usize = 4 << 20;

/// The parts of a message that templates say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Templates {
    /// In place of the title.
    pub title: Option<Located<String>>,
    /// In place of the text.
    pub text: Option<Located<String>>,
    /// In place of the description.
    pub description: Option<Located<String>>,
    /// In place of the fields.
    pub fields: Option<Vec<(Located<String>, Located<String>)>>,
    /// Beside the rule's links.
    pub links: Option<Vec<(Located<String>, Located<String>)>>,
    /// In place of the whole payload.
    pub body: Option<Located<String>>,
}

impl Decode for Templates {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let templates = Self {
            title: reader.optional("title"),
            text: reader.optional("text"),
            description: reader.optional("description"),
            fields: reader.optional("fields"),
            links: reader.optional("links"),
            body: reader.optional("body"),
        };
        templates.check(reader.diagnostics());
        Some(templates)
    }
}

impl Templates {
    fn check(&self, diagnostics: &mut Diagnostics) {
        let single = [&self.title, &self.text, &self.description, &self.body].into_iter().flatten();
        let maps = [&self.fields, &self.links].into_iter().flatten().flatten().map(|(_, template)| template);
        for template in single.chain(maps) {
            check(template, diagnostics);
        }
    }

    /// Puts what the templates say into the message. A template that fails leaves the part as it is: an alert is told
    /// in any case.
    pub(crate) fn apply(&self, message: &mut Message, delivery: &Delivery, escape: Escape) {
        let context = context_of(delivery);
        let mut problems = Vec::new();
        let mut write = |template: &Located<String>, escape: Escaping| match write(
            &template.value,
            context.clone(),
            escape,
        ) {
            Ok(text) => Some(text),
            Err(error) => {
                problems.push(format!("the template at {}: {}", template.location, reason(&error)));
                None
            }
        };
        let in_text = Escaping::new(move |text| escape.apply(text));
        let in_field = Escaping::new(move |text| match escape.is_for_programs() {
            true => escape.apply(text),
            false => escape.apply(&one_line(text)),
        });
        let in_title = Escaping::new(move |text| escape.apply_in_title(text));
        for (template, part, escape) in [
            (&self.title, &mut message.title, &in_title),
            (&self.text, &mut message.text, &in_text),
            (&self.description, &mut message.description, &in_text),
        ] {
            if let Some(text) = template.as_ref().and_then(|template| write(template, escape.clone())) {
                *part = Text::MarkUp(text);
            }
        }
        if let Some(fields) = &self.fields {
            message.fields.clear();
            for (name, template) in fields {
                let value = write(template, in_field.clone()).filter(|value| !value.is_empty());
                message.fields.extend(value.map(|value| (name.value.clone(), Text::MarkUp(value))));
            }
        }
        for (title, template) in self.links.iter().flatten() {
            // A value from logs is a part of the link, and never says where it leads.
            let url = write(template, Escaping::new(|text| Escape::Url.apply(text)));
            let url = url.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
            message.links.extend(url.map(|url| Link { title: title.value.clone(), url }));
        }
        let in_body = Escaping {
            in_json: Some(Arc::new(move |text| escape.apply_in_json(text))),
            ..Escaping::new(move |text| escape.apply_in_body(text)).for_programs(escape.is_for_programs())
        };
        if let Some(body) = self.body.as_ref().and_then(|template| write(template, in_body)) {
            message.body = Some(body);
        }
        if !problems.is_empty() {
            let problem = problems.join("; ");
            tracing::warn!(alert = delivery.alert.alert_id, problem, "a template failed");
            message.problem = Some(problem);
        }
    }
}

/// Whether a template can be read; a mistake is reported.
pub(crate) fn check(template: &Located<String>, diagnostics: &mut Diagnostics) -> bool {
    let environment = environment(Escaping::new(str::to_owned));
    let Err(error) = environment.template_from_str(&template.value) else { return true };
    let mistake = Diagnostic::error(format!("the template is wrong: {}", reason(&error)))
        .at(&template.location)
        .hint("templates are written as in Jinja: {{ alert.title }}, {% if alert.count > 1 %} … {% endif %}");
    diagnostics.push(mistake);
    false
}

/// What one template makes of a delivery, with values escaped.
///
/// # Errors
/// As minijinja says, in one line.
pub(crate) fn render(template: &str, delivery: &Delivery, escape: Escape) -> Result<String, String> {
    let escape = Escaping::new(move |text| escape.apply(text)).for_programs(escape.is_for_programs());
    write(template, context_of(delivery), escape).map_err(|error| reason(&error))
}

/// How values are written in a template.
#[derive(Clone)]
struct Escaping {
    /// Where the template puts one.
    value: EscapeFunction,
    /// Texts in what the filter `tojson` writes, if that is the place's own language; else its result is a value like
    /// any other.
    in_json: Option<EscapeFunction>,
    /// Whether the filter `safe` is there: not where a value could be obeyed.
    is_for_programs: bool,
}

type EscapeFunction = Arc<dyn Fn(&str) -> String + Send + Sync>;

impl Escaping {
    fn new(value: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self { value: Arc::new(value), in_json: None, is_for_programs: false }
    }

    fn for_programs(self, is_for_programs: bool) -> Self {
        Self { is_for_programs, ..self }
    }
}

fn write(template: &str, context: Value, escape: Escaping) -> Result<String, minijinja::Error> {
    let mut text = environment(escape).render_str(template, context)?;
    if text.len() > MAX_BYTES {
        let end = (0..=MAX_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    Ok(text)
}

fn environment(escaping: Escaping) -> Environment<'static> {
    let Escaping { value: escape, in_json, is_for_programs } = escaping;
    let mut environment = Environment::new();
    // Minijinja's own calls what it writes safe, whatever the place.
    environment.add_filter("tojson", move |value: Value| to_json(&value, in_json.as_deref()));
    if !is_for_programs {
        environment.remove_filter("safe");
    }
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("place".into()));
    environment.set_formatter(move |out, _, value| {
        if value.is_undefined() || value.is_none() {
            return Ok(());
        }
        let failed = |error: fmt::Error| minijinja::Error::new(ErrorKind::BadEscape, error.to_string());
        if value.is_safe() {
            return write!(out, "{value}").map_err(failed);
        }
        out.write_str(&escape(&value.to_string())).map_err(failed)
    });
    environment
}

fn to_json(
    value: &Value,
    in_json: Option<&(dyn Fn(&str) -> String + Send + Sync)>,
) -> Result<Value, minijinja::Error> {
    let wrong =
        |error: serde_json::Error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string());
    let mut json = serde_json::to_value(value).map_err(wrong)?;
    let Some(escape) = in_json else { return Ok(json.to_string().into()) };
    escape_texts(&mut json, escape);
    Ok(Value::from_safe_string(json.to_string()))
}

fn escape_texts(json: &mut serde_json::Value, escape: &(dyn Fn(&str) -> String + Send + Sync)) {
    match json {
        serde_json::Value::String(text) => *text = escape(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| escape_texts(item, escape)),
        serde_json::Value::Object(object) => {
            *object = std::mem::take(object)
                .into_iter()
                .map(|(key, mut value)| {
                    escape_texts(&mut value, escape);
                    (escape(&key), value)
                })
                .collect();
        }
        _ => {}
    }
}

fn context_of(delivery: &Delivery) -> Value {
    context! {
        alert => Value::from(Serde(&delivery.alert)),
        action => delivery.action.as_str(),
        by => delivery.by.clone(),
        remark => delivery.remark.clone(),
        delivery_id => delivery.delivery_id.clone(),
    }
}

/// What minijinja says, in one line.
fn reason(error: &minijinja::Error) -> String {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) if line > 1 => format!("{detail} (line {line} of it)"),
        _ => detail,
    }
}

#[cfg(test)]
mod tests {
    use egret_config::{BlockKind, Configuration, Environment, decode_block};
    use egret_model::AlertAction;

    use super::*;
    use crate::testing::delivery;

    fn templates(text: &str) -> (Option<Templates>, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let kinds = [BlockKind::new("template", &[])];
        let none = Environment::default();
        let configuration = Configuration::parse("egret.hcl", text, &kinds, &none, &mut diagnostics);
        let block = configuration.blocks_of("template").next().unwrap();
        (decode_block(block, &mut diagnostics), diagnostics)
    }

    #[test]
    fn values_are_escaped_and_the_template_is_not() {
        let (templates, diagnostics) =
            templates(r#"template { text = "*{{ alert.event.user }}* {{ nothing }}{{ alert.count }}" }"#);
        assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
        let mut delivery = delivery(AlertAction::Raise);
        delivery.alert.event.insert("user".into(), "<!channel>".into());
        let message = Message::of(&delivery, Escape::Slack, &[&templates.unwrap()]);
        assert_eq!(message.text, Text::MarkUp("*&lt;!channel&gt;* 3".into()));
        assert_eq!(message.title, Text::Plain("Root login".into()));
    }

    #[test]
    fn a_mistake_is_shown_at_its_place() {
        let (_, diagnostics) = templates(r#"template { title = "{{ alert.title" }"#);
        let shown = diagnostics.render(false);
        assert!(shown.contains("the template is wrong: ") && shown.contains("egret.hcl:1:20"), "{shown}");
    }

    #[test]
    fn one_that_fails_does_not_hold_up_the_alert() {
        let (templates, _) = templates(
            r#"template { title = "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}" }"#,
        );
        let message = Message::of(&delivery(AlertAction::Raise), Escape::Nothing, &[&templates.unwrap()]);
        assert_eq!(message.title, Text::Plain("Root login".into()));
        assert!(message.problem.unwrap().contains("egret.hcl:1"));
    }

    #[test]
    fn the_first_template_of_a_part_wins() {
        let (route, _) = templates(r#"template { title = "route" }"#);
        let (output, _) = templates("template {\n title = \"output\"\n text = \"{{ alert.severity }}\"\n}");
        let letters = [&route.unwrap(), &output.unwrap()];
        let message = Message::of(&delivery(AlertAction::Raise), Escape::Nothing, &letters);
        assert_eq!(message.title, Text::MarkUp("route".into()));
        assert_eq!(message.text, Text::MarkUp("high".into()));
    }

    /// `tojson` gives valid JSON whose texts are harmless where it goes.
    #[test]
    fn json_in_a_body_is_escaped_too() {
        let (templates, _) =
            templates(r#"template { body = "{\"text\": {{ alert.event.user | tojson }}}" }"#);
        let mut delivery = delivery(AlertAction::Raise);
        delivery.alert.event.insert("user".into(), "<!channel> \"quoted\"".into());
        let templates = templates.unwrap();
        for (escape, expected) in
            [(Escape::Slack, "&lt;!channel&gt; \"quoted\""), (Escape::Json, "<!channel> \"quoted\"")]
        {
            let message = Message::of(&delivery, escape, &[&templates]);
            let body: serde_json::Value = serde_json::from_str(&message.body.unwrap()).unwrap();
            assert_eq!(body["text"], expected);
        }
    }

    #[test]
    fn no_filter_switches_escaping_off() {
        for template in ["{{ alert.event.user | safe }}", "{{ alert.event.user | tojson }}"] {
            let (templates, _) = templates(&format!("template {{ text = \"{template}\" }}"));
            let mut delivery = delivery(AlertAction::Raise);
            delivery.alert.event.insert("user".into(), "<!channel>".into());
            let message = Message::of(&delivery, Escape::Slack, &[&templates.unwrap()]);
            assert!(
                !message.text.written(Escape::Slack).contains("<!channel>"),
                "{template}: {:?}",
                message.text
            );
        }
    }

    #[test]
    fn a_value_makes_no_line_among_fields() {
        let (templates, _) =
            templates("template {\n fields = { User = \"{{ alert.event.user }}\\n*x*\" }\n}");
        let mut delivery = delivery(AlertAction::Raise);
        delivery.alert.event.insert("user".into(), "bob\n\nSeverity: low".into());
        let message = Message::of(&delivery, Escape::Slack, &[&templates.unwrap()]);
        let written = Text::MarkUp("bob ↵ Severity: low\n*x*".into());
        assert_eq!(message.fields, [("User".to_owned(), written)]);
    }

    #[test]
    fn a_value_does_not_say_where_a_link_leads() {
        let (templates, _) = templates(
            r#"template { links = { Good = "https://example.org/{{ alert.event.user }}", Bad = "{{ alert.event.url }}" } }"#,
        );
        let mut delivery = delivery(AlertAction::Raise);
        delivery.alert.references.clear();
        delivery.alert.event.insert("user".into(), "a_b/../c".into());
        delivery.alert.event.insert("url".into(), "https://evil.example".into());
        let message = Message::of(&delivery, Escape::Slack, &[&templates.unwrap()]);
        let urls: Vec<&str> = message.links.iter().map(|link| link.url.as_str()).collect();
        assert_eq!(urls, ["https://example.org/a_b%2F..%2Fc"]);
    }
}

//! `config show`: the effective configuration as HCL, with expressions where a value must not be seen.

use std::fmt::Write;

use crate::block::{Attribute, Block};
use crate::load::Configuration;
use crate::value::{Value, ValueKind};

/// Stands for a secret that is written in the file itself.
const HIDDEN: &str = "\"…\"";

/// Attributes whose names contain one of these are not shown, whoever reads them: a block that nobody reads
/// (a connection of an unknown kind) may hold secrets too.
const SECRET_NAMES: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "private_key",
    "access_key",
    "api_key",
    "apikey",
    "authorization",
];

/// The configuration as HCL. Values from `env()` and `file()` are shown as the expression that gave them; what
/// is or sounds like a [`Secret`](egret_model::Secret) is not shown at all unless it came that way.
///
/// Decode the blocks first, so that it is known which attributes are secrets.
pub fn show(configuration: &Configuration) -> String {
    let mut text = String::new();
    for block in &configuration.blocks {
        if !text.is_empty() {
            text.push('\n');
        }
        show_block(block, 0, &mut text);
    }
    text
}

fn show_block(block: &Block, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let _ = write!(text, "{indent}{}", block.kind.value);
    for label in &block.labels {
        let _ = write!(text, " {}", quoted(&label.value));
    }
    if block.attributes.is_empty() && block.blocks.is_empty() {
        text.push_str(" {}\n");
        return;
    }
    text.push_str(" {\n");
    let width = block.attributes.iter().map(|attribute| attribute.name.value.chars().count()).max();
    for attribute in &block.attributes {
        let name = &attribute.name.value;
        let _ = writeln!(
            text,
            "{indent}  {name:0$} = {1}",
            width.unwrap_or(0),
            show_attribute(attribute, depth + 1)
        );
    }
    for (index, nested) in block.blocks.iter().enumerate() {
        if index > 0 || !block.attributes.is_empty() {
            text.push('\n');
        }
        show_block(nested, depth + 1, text);
    }
    let _ = writeln!(text, "{indent}}}");
}

fn show_attribute(attribute: &Attribute, depth: usize) -> String {
    let secret = attribute.is_secret() || sounds_secret(&attribute.name.value);
    match &attribute.value {
        Some(value) => show_value(value, secret, depth),
        // It has a mistake; what it says may still be a secret.
        None => HIDDEN.to_owned(),
    }
}

/// `value` as an expression. The evaluator bounds the depth.
fn show_value(value: &Value, secret: bool, depth: usize) -> String {
    if value.from_outside {
        return show_expression(value);
    }
    let indent = "  ".repeat(depth);
    match &value.kind {
        ValueKind::Null => "null".to_owned(),
        ValueKind::List(items) => {
            let items: Vec<String> = items.iter().map(|item| show_value(item, secret, depth + 1)).collect();
            format!("[{}]", items.join(", "))
        }
        ValueKind::Map(entries) if entries.is_empty() => "{}".to_owned(),
        ValueKind::Map(entries) => {
            let mut text = "{\n".to_owned();
            for (key, entry) in entries {
                let secret = secret || sounds_secret(&key.value);
                let entry = show_value(entry, secret, depth + 1);
                let _ = writeln!(text, "{indent}  {} = {entry}", quoted(&key.value));
            }
            text + &indent + "}"
        }
        ValueKind::Reference(path) => path.join("."),
        _ if secret => HIDDEN.to_owned(),
        ValueKind::Bool(bool) => bool.to_string(),
        ValueKind::Number(number) => number.to_string(),
        ValueKind::String(text) => quoted(text),
    }
}

/// The expression of a value from outside, unless the value itself stands in it (as a default).
fn show_expression(value: &Value) -> String {
    let expression = value.location.text();
    let tells = value.as_str().is_some_and(|text| !text.is_empty() && expression.contains(text));
    if tells { HIDDEN.to_owned() } else { expression.to_owned() }
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

/// `text` as a quoted string of HCL.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests;

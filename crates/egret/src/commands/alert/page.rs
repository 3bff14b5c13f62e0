//! An alert with all that belongs to it, as a page for people.

use std::fmt::Write as _;
use std::io::Write as _;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use egret_model::alert::{Difference, Remark};
use egret_model::schema::is_own_column;
use egret_model::{Alert, AlertStatus};
use egret_store::{AuditEntry, DeliveryState, StoredDelivery};
use serde_json::{Map, Value, json};

use crate::alerting::count_of;
use crate::failure::Failure;
use crate::output::{cell_text, printable, style, terminal_table};

/// Longer lines are not read.
const MAX_WIDTH: usize = 110;

/// Columns that are no wider are not made narrower.
const UNBROKEN: u16 = 24;

/// So many of what there may be hundreds of are shown.
const MANY: usize = 20;
/// So many ids.
const IDS: usize = 5;

/// An alert with its findings, its deliveries and its history.
pub struct Page {
    pub alert: Alert,
    pub findings: Vec<String>,
    pub deliveries: Vec<StoredDelivery>,
    pub history: Vec<AuditEntry>,
}

impl Page {
    /// All of it, for programs.
    pub fn to_json(&self) -> Value {
        let mut object = serde_json::to_value(&self.alert).unwrap_or_default();
        object["findings"] = json!(self.findings);
        object["deliveries"] = json!(self.deliveries);
        object["history"] = json!(self.history);
        object
    }

    /// Prints it to stdout, as wide as the terminal.
    pub fn print(&self) -> Result<(), Failure> {
        let width = terminal_table([]).width().map_or(MAX_WIDTH, usize::from);
        let text = self.draw(width.min(MAX_WIDTH), style::stdout_has_colour());
        Ok(std::io::stdout().write_all(text.as_bytes())?)
    }

    fn draw(&self, width: usize, has_colour: bool) -> String {
        let mut drawing = Drawing { text: String::new(), width, has_colour };
        self.draw_head(&mut drawing);
        let alert = &self.alert;
        drawing.section("Merged by", fields(&alert.merged_by));
        if alert.count > 1 {
            drawing.section("What all findings share", event_fields(&alert.common));
            drawing.section("Where they differ", self.differences());
            let rest = alert.count.saturating_sub(alert.differences.len() as u64);
            if rest > 0 && !alert.differences.is_empty() {
                drawing.remark(&format!("and {}", count_of(rest, "more finding", "more findings")));
            }
        } else {
            drawing.section("The event", event_fields(&alert.event));
        }
        drawing.section("Seen in them", self.observables());
        let evidence = alert.evidence.iter().map(|evidence| {
            let field = evidence.field.as_deref().unwrap_or("anywhere");
            vec![field.to_owned(), evidence.test.clone(), evidence.value.clone()]
        });
        drawing.section("Evidence", evidence.collect());
        let ids = self.findings.iter().take(IDS).map(|id| vec![id.clone()]);
        drawing.section("Findings", ids.collect());
        drawing.left_out(self.findings.len().saturating_sub(IDS), "more");
        drawing.section("Comments", alert.comments.iter().map(remark).collect());
        drawing.section("Deliveries", last(&self.deliveries).map(delivery).collect());
        drawing.left_out(self.deliveries.len().saturating_sub(MANY), "earlier");
        drawing.section("History", last(&self.history).map(entry).collect());
        drawing.left_out(self.history.len().saturating_sub(MANY), "earlier");
        drawing.section("Read more", alert.references.iter().map(|link| vec![link.clone()]).collect());
        drawing.text
    }

    fn draw_head(&self, drawing: &mut Drawing) {
        let alert = &self.alert;
        let severity = drawing.painted(style::severity_code(alert.severity), alert.severity.as_str());
        let status = match alert.status {
            AlertStatus::Gathering => "gathering: it has fewer findings than its threshold asks for",
            status => status.as_str(),
        };
        drawing.paragraph(&alert.title, Some("1"));
        let count = count_of(alert.count, "finding", "findings");
        drawing.line(&format!("{severity}, {status}, {count} of {}", shown(&alert.detection_id)));
        let when = if alert.time_first == alert.time_last {
            alert.time_first.to_string()
        } else {
            format!("{} to {}", alert.time_first, alert.time_last)
        };
        drawing.line(&format!("{when}, last changed {}", alert.updated_at));
        let source = [&alert.channel, &alert.table, &alert.partition];
        let source: Vec<String> =
            source.into_iter().filter(|part| !part.is_empty()).map(|part| shown(part)).collect();
        drawing.line(&format!("{} revision {}, {}", alert.alert_id, alert.revision, source.join(" ")));
        for (who, what) in [(&alert.acknowledged, "acknowledged"), (&alert.closed, "closed")] {
            if let Some(remark) = who {
                let text = if remark.text.is_empty() { String::new() } else { format!(": {}", remark.text) };
                drawing.paragraph(&format!("{what} by {} {}{text}", remark.by, remark.at), None);
            }
        }
        if alert.message != alert.title {
            drawing.space();
            drawing.paragraph(&alert.message, None);
        }
        if !alert.description.is_empty() {
            drawing.space();
            drawing.paragraph(&alert.description, None);
        }
    }

    /// A line for each finding that is told apart.
    fn differences(&self) -> Vec<Vec<String>> {
        let row = |difference: &Difference| {
            let values = event_fields(&difference.values).into_iter().map(|field| field.join(" "));
            vec![difference.time.to_string(), values.collect::<Vec<_>>().join(", ")]
        };
        self.alert.differences.iter().map(row).collect()
    }

    fn observables(&self) -> Vec<Vec<String>> {
        let observables = &self.alert.observables;
        [
            ("addresses", &observables.ips),
            ("domains", &observables.domains),
            ("e-mail", &observables.emails),
            ("users", &observables.usernames),
            ("resources", &observables.akas),
            ("hashes", &observables.hashes),
        ]
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| vec![name.to_owned(), first_of(values, MANY)])
        .collect()
    }
}

/// The fields of an event with dotted names, without Egret's own columns.
fn event_fields(event: &Map<String, Value>) -> Vec<Vec<String>> {
    let told = event.iter().filter(|(name, _)| !is_own_column(name));
    fields(&told.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The fields of an object with dotted names.
fn fields(object: &Map<String, Value>) -> Vec<Vec<String>> {
    fn add(rows: &mut Vec<Vec<String>>, prefix: &str, object: &Map<String, Value>) {
        for (name, value) in object {
            let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                Value::Object(inner) => add(rows, &name, inner),
                value => rows.push(vec![name, cell_text(value)]),
            }
        }
    }
    let mut rows = Vec::new();
    add(&mut rows, "", object);
    rows
}

fn first_of(values: &[String], most: usize) -> String {
    let mut text = values.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    if values.len() > most {
        let _ = write!(text, " and {} more", values.len() - most);
    }
    text
}

/// The last of many.
fn last<T>(all: &[T]) -> impl Iterator<Item = &T> {
    all.iter().skip(all.len().saturating_sub(MANY))
}

fn remark(remark: &Remark) -> Vec<String> {
    vec![remark.at.to_string(), remark.by.clone(), remark.text.clone()]
}

fn delivery(delivery: &StoredDelivery) -> Vec<String> {
    let mut text = format!("{} {}", delivery.action, delivery.state.as_str());
    match (delivery.state, delivery.finished_at) {
        (DeliveryState::Pending, _) => _ = write!(text, ", due {}", delivery.due_at),
        (_, Some(finished_at)) => _ = write!(text, " {finished_at}"),
        (_, None) => {}
    }
    if delivery.attempts != 1 {
        _ = write!(text, ", {}", count_of(u64::from(delivery.attempts), "try", "tries"));
    }
    if let Some(error) = &delivery.error {
        _ = write!(text, ": {error}");
    }
    vec![delivery.output.clone(), text]
}

fn entry(entry: &AuditEntry) -> Vec<String> {
    vec![entry.at.to_string(), entry.by.clone(), entry.action.clone(), entry.detail.clone()]
}

/// Text of others with nothing in it that a terminal obeys, or that changes the order of what is read.
fn shown(text: &str) -> String {
    let is_order = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut safe = String::with_capacity(text.len());
    for c in printable(text).chars() {
        if is_order(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

struct Drawing {
    text: String,
    width: usize,
    has_colour: bool,
}

impl Drawing {
    fn painted(&self, code: &str, text: &str) -> String {
        if self.has_colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn space(&mut self) {
        self.text.push('\n');
    }

    /// A line of our own.
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Text of somebody's, wrapped. Its lines stay lines.
    fn paragraph(&mut self, text: &str, code: Option<&str>) {
        let rows = text.lines().map(|line| vec![line.to_owned()]).collect();
        for line in self.laid_out(rows, self.width) {
            let line = code.map_or(line.clone(), |code| self.painted(code, &line));
            self.line(&line);
        }
    }

    /// A heading, and rows of cells below it; nothing where there are none.
    fn section(&mut self, title: &str, rows: Vec<Vec<String>>) {
        if rows.is_empty() {
            return;
        }
        self.space();
        let title = self.painted("1;36", title);
        self.line(&title);
        for line in self.laid_out(rows, self.width.saturating_sub(2)) {
            self.line(&format!("  {line}"));
        }
    }

    /// Below a section, how much of it is not shown.
    fn left_out(&mut self, count: usize, what: &str) {
        if count > 0 {
            self.remark(&format!("and {count} {what}: --output json shows all"));
        }
    }

    fn remark(&mut self, text: &str) {
        let text = self.painted("2", text);
        self.line(&format!("  {text}"));
    }

    /// Cells side by side, wrapped so that all fit into the width.
    fn laid_out(&self, rows: Vec<Vec<String>>, width: usize) -> Vec<String> {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        for row in rows {
            table.add_row(row.iter().map(|cell| shown(cell)));
        }
        let widths = table.column_max_content_widths();
        for (column, content) in table.column_iter_mut().zip(widths) {
            column.set_padding((0, 2));
            // A time or a name is not broken, where it is no long one.
            if content <= UNBROKEN {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table.lines().map(|line| line.trim_end().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests;

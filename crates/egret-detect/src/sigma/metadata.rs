//! A document's map read as a rule.

use std::sync::Arc;

use chrono::NaiveDate;
use egret_config::{Diagnostic, Located, SourceFile};
use egret_model::Severity;
use serde_json::Map;

use super::limits::{self, Report};
use super::rule::{LogSource, Related, RelatedKind, Status};
use super::yaml::{Entry, Kind, Node};

/// What a rule says beside its detection. What every rule needs is optional, so that all mistakes are found at once.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    pub title: Option<String>,
    pub id: Option<String>,
    pub name: Option<String>,
    pub related: Vec<Related>,
    pub taxonomy: Option<String>,
    pub status: Option<Status>,
    pub description: Option<String>,
    pub license: Option<String>,
    pub author: Option<String>,
    pub references: Vec<String>,
    pub date: Option<NaiveDate>,
    pub modified: Option<NaiveDate>,
    pub logsource: Option<Located<LogSource>>,
    pub fields: Vec<String>,
    pub falsepositives: Vec<String>,
    pub level: Option<Severity>,
    pub tags: Vec<String>,
    pub scope: Vec<String>,
    pub custom: Map<String, serde_json::Value>,
}

/// Reads what `entries` say beside the detection.
pub(super) fn read(entries: &[Entry], file: &Arc<SourceFile>, report: &mut Report) -> Metadata {
    let mut reader = MetadataReader { file, report };
    let mut metadata = Metadata::default();
    for entry in entries {
        let value = &entry.value;
        match entry.key.text.as_str() {
            "title" => metadata.title = reader.title(entry),
            "id" => metadata.id = reader.text(entry),
            "name" => metadata.name = reader.text(entry),
            "related" => metadata.related = reader.related(entry),
            "taxonomy" => metadata.taxonomy = reader.text(entry),
            "status" => metadata.status = reader.status(entry),
            "description" => metadata.description = reader.text(entry),
            "license" => metadata.license = reader.text(entry),
            "author" => {
                metadata.author = Some(reader.texts(entry).join(", ")).filter(|author| !author.is_empty())
            }
            "references" | "reference" => metadata.references.extend(reader.texts(entry)),
            "date" => metadata.date = reader.date(entry),
            "modified" => metadata.modified = reader.date(entry),
            "logsource" => metadata.logsource = reader.logsource(entry),
            "fields" => metadata.fields = reader.texts(entry),
            "falsepositives" => metadata.falsepositives = reader.texts(entry),
            "level" => metadata.level = reader.level(entry),
            "tags" => metadata.tags = reader.texts(entry),
            "scope" => metadata.scope = reader.texts(entry),
            "detection" | "action" => {}
            custom => {
                metadata.custom.insert(custom.to_owned(), value.to_json());
            }
        }
    }
    metadata
}

struct MetadataReader<'a> {
    file: &'a Arc<SourceFile>,
    report: &'a mut Report,
}

impl MetadataReader<'_> {
    /// One text. Numbers are text too: an id may have digits only.
    fn text(&mut self, entry: &Entry) -> Option<String> {
        if entry.value.is_null() {
            return None;
        }
        let Kind::Scalar(scalar) = &entry.value.kind else {
            self.left_out(entry, &entry.value, "is text");
            return None;
        };
        Some(scalar.text().trim().to_owned())
    }

    /// Unlike other texts, every rule has a title.
    fn title(&mut self, entry: &Entry) -> Option<String> {
        if matches!(entry.value.kind, Kind::Scalar(_)) {
            return self.text(entry);
        }
        let mistake =
            Diagnostic::error(format!("`title` is text, and this is {}", entry.value.description()));
        self.report
            .push(mistake.at(&entry.value.location(self.file)).hint("write `title: …` with a few words"));
        None
    }

    /// Several texts, or one.
    fn texts(&mut self, entry: &Entry) -> Vec<String> {
        let items = match &entry.value.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&entry.value),
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match &item.kind {
                _ if item.is_null() => {}
                Kind::Scalar(scalar) => texts.push(scalar.text().trim().to_owned()),
                Kind::List(_) | Kind::Map(_) => self.left_out(entry, item, "is a list of texts"),
            }
        }
        texts
    }

    fn date(&mut self, entry: &Entry) -> Option<NaiveDate> {
        let text = self.text(entry)?;
        let date = parse_date(&text);
        if date.is_none() {
            self.left_out(entry, &entry.value, "is a day such as 2024-12-31");
        }
        date
    }

    fn status(&mut self, entry: &Entry) -> Option<Status> {
        let word = self.text(entry)?;
        let found = Status::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(&word));
        if found.is_none() {
            let hint = limits::nearest_hint(&word, &Status::ALL.map(Status::as_str), "statuses");
            self.warning(&entry.value, format!("`{word}` is no status"), hint);
        }
        found
    }

    /// Unlike the status, a level decides what becomes of a match.
    fn level(&mut self, entry: &Entry) -> Option<Severity> {
        let word = self.text(entry)?;
        let found = Severity::ALL.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(&word));
        if found.is_none() {
            let hint = limits::nearest_hint(&word, &Severity::ALL.map(Severity::as_str), "levels");
            let mistake = Diagnostic::error(format!("`{word}` is no level"));
            self.report.push(mistake.at(&entry.value.location(self.file)).hint(hint));
        }
        found
    }

    fn related(&mut self, entry: &Entry) -> Vec<Related> {
        let Kind::List(items) = &entry.value.kind else {
            if !entry.value.is_null() {
                self.left_out(entry, &entry.value, "is a list of maps with `id` and `type`");
            }
            return Vec::new();
        };
        items.iter().filter_map(|item| self.related_rule(entry, item)).collect()
    }

    fn related_rule(&mut self, entry: &Entry, item: &Node) -> Option<Related> {
        let (Some(id), Some(kind)) = (item.get("id"), item.get("type")) else {
            self.left_out(entry, item, "is a list of maps with `id` and `type`");
            return None;
        };
        let (id, word) = (self.text(id)?, self.text(kind)?);
        let found = RelatedKind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(&word));
        if found.is_none() {
            let hint = limits::nearest_hint(&word, &RelatedKind::ALL.map(RelatedKind::as_str), "types");
            self.warning(&kind.value, format!("rules are not related by `{word}`"), hint);
        }
        Some(Related { id, kind: found? })
    }

    fn logsource(&mut self, entry: &Entry) -> Option<Located<LogSource>> {
        const HINT: &str = "name what the rule looks at by `category`, `product` and `service`";
        if entry.value.is_null() {
            return None;
        }
        let Kind::Map(entries) = &entry.value.kind else {
            let mistake =
                Diagnostic::error(format!("`logsource` is a map, and this is {}", entry.value.description()));
            self.report.push(mistake.at(&entry.value.location(self.file)).hint(HINT));
            return None;
        };
        let mut logsource = LogSource::default();
        for part in entries {
            match part.key.text.as_str() {
                "category" => logsource.category = self.text(part),
                "product" => logsource.product = self.text(part),
                "service" => logsource.service = self.text(part),
                "definition" => logsource.definition = self.text(part),
                custom => {
                    logsource.custom.insert(custom.to_owned(), part.value.to_json());
                }
            }
        }
        if logsource.category.is_none() && logsource.product.is_none() && logsource.service.is_none() {
            let mistake = Diagnostic::error("`logsource` names no log source");
            self.report.push(mistake.at(&entry.key.location(self.file)).hint(HINT));
            return None;
        }
        Some(Located::new(logsource, entry.value.location(self.file)))
    }

    fn left_out(&mut self, entry: &Entry, value: &Node, is: &str) {
        let hint = format!("`{}` {is}", entry.key.text);
        self.warning(value, format!("{} is not read here", value.description()), hint);
    }

    fn warning(&mut self, value: &Node, message: String, hint: String) {
        self.report.push(Diagnostic::warning(message).at(&value.location(self.file)).hint(hint));
    }
}

/// `2024-12-31`, or `2024/12/31` as old rules have it.
fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split(['-', '/']);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

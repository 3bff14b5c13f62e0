//! Detections that look at nothing, or not at everything they seem to.

use egret_model::{Column, ColumnType, TableSchema};

use super::*;
use crate::testing::{SmallCompiler, detections, login_table};

#[test]
fn whoever_looks_at_nothing_is_told() {
    let text = r#"
detection "fine" {
  table = "login"
  where = "event_name = a"
}

detection "typo" {
  table = "logn"
  where = "event_name = a"
}

detection "unknown" {
  table = "kubernetes"
  where = "event_name = a"
}

detection "silent" {
  channel = "gcp.*"
  where   = "event_name = a"
}

detection "nowhere" {
  channel = "app.*"
  where   = "evnt_name = a"
}

detection "somewhere" {
  channel = "app.*"
  where   = "port = a"
}

detection "on_a_channel_elsewhere" {
  table   = "logout"
  channel = "app.sign_out"
  where   = "event_name = a"
}

detection "on_no_channel" {
  table   = "logout"
  channel = "app.sign_ot"
  where   = "evnt_name = a"
}

detection "on_a_channel_of_another" {
  table   = "login"
  channel = "app.logout"
  where   = "event_name = a"
}

detection "on_no_table" {
  table   = "logn"
  channel = "app.*"
  where   = "event_name = a"
}

detection "where_nothing_is_yet" {
  channel = "app.sign_out"
  where   = "evnt_name = a"
}

detection "off" {
  table   = "nothing"
  where   = "x"
  enabled = false
}
"#;
    let definitions = detections(text);
    let logout = TableSchema {
        name: "logout".into(),
        description: String::new(),
        channel: "app.logout".into(),
        columns: vec![Column::new("event_name", ColumnType::Varchar, "")],
        roots: Vec::new(),
    };
    let tables = [login_table(), logout];
    let detectors: Vec<Detector> = tables
        .iter()
        .map(|table| Detector::compile_valid(&definitions, table, &table.channel, &SmallCompiler).0)
        .collect();
    let detectors: Vec<&Detector> = detectors.iter().collect();
    let channels = [("logout".to_owned(), "app.sign_out".to_owned())];
    let places =
        Places { tables: &tables, channels: &channels, detectors: &detectors, compiler: &SmallCompiler };
    let diagnostics = check_targets(&definitions, &places);
    insta::assert_snapshot!(diagnostics.render(false));
}

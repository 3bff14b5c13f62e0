//! From records to rows: every kind of column, and every outcome of a bad row.

use arrow::array::AsArray;
use egret_config::{Located, Location, SourceFile};
use egret_format::json::JsonLinesFormat;
use egret_model::{RecordIds, Stage};
use serde_json::{Value, json};

use crate::PartitionContext;
use crate::testing::{FakeCompiler, map_at, map_lines, mapper, rows_of, table};

/// The given columns of the rows that the table makes of lines of JSON.
fn columns(definition: &str, lines: &str, names: &[&str]) -> Vec<Vec<Value>> {
    let mapped = map_lines(&mapper(&table(definition)), lines);
    let rows = rows_of(&mapped.rows);
    rows.iter()
        .map(|row| names.iter().map(|name| row.get(*name).cloned().unwrap_or_default()).collect())
        .collect()
}

const TIME: &str = r#"column "tp_timestamp" { source = "t" }"#;

#[test]
fn common_columns_are_filled() {
    let definition = table(&format!("table \"doors\" {{\n {TIME}\n map_fields = []\n }}"));
    let line = r#"{"t":"2024-02-01T23:59:59.5Z","x":1}"#;
    let mapped = map_at(&mapper(&definition), &JsonLinesFormat, line.as_bytes(), 7);
    let row = Value::Object(rows_of(&mapped.rows).remove(0));
    let expected = json!({
        "tp_id": RecordIds::new("t", "o").id(7, line.as_bytes()).to_string(),
        "tp_timestamp": "2024-02-01T23:59:59.500", "tp_ingest_timestamp": "2024-03-01T00:00:00",
        "tp_table": "doors", "tp_partition": "p", "tp_index": "default", "tp_date": "2024-02-01",
        "tp_source_type": "file", "tp_source_name": "tests", "tp_source_location": "/logs/a.log",
        "extra": row["extra"],
    });
    assert_eq!(row, expected);
    let extra: Value = serde_json::from_str(row["extra"].as_str().unwrap()).unwrap();
    assert_eq!(extra["x"], 1);
    let names: Vec<&str> = expected.as_object().unwrap().keys().map(String::as_str).collect();
    let schema = mapped.rows.schema();
    let got: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(got, names, "in the order of the schema");
}

#[test]
fn the_first_field_that_is_there_counts() {
    let definition = r#"table "t" {
        column "tp_timestamp" { source = ["exact", "rough"] }
        column "rough" {}
        map_fields = []
    }"#;
    let lines = "{\"exact\":1706781600.25,\"rough\":\"2024-02-01 10:00:00\"}\n{\"rough\":\"2024-02-01 10:00:00\"}\n\
                 {\"exact\":\"x\",\"rough\":\"2024-02-01 10:00:01\"}\n";
    let rows = columns(definition, lines, &["tp_timestamp", "rough", "extra"]);
    assert_eq!(
        rows[0],
        [json!("2024-02-01T10:00:00.250"), json!("2024-02-01 10:00:00"), json!("{\"exact\":1706781600.25}")]
    );
    assert_eq!(rows[1], [json!("2024-02-01T10:00:00"), json!("2024-02-01 10:00:00"), Value::Null]);
    assert_eq!(rows[2][0], json!("2024-02-01T10:00:01"));
    assert_eq!(rows[2][2], json!("{\"exact\":\"x\"}"), "nothing is lost");
}

#[test]
fn transforms_read_fields_as_text_and_lose_nothing() {
    let definition = format!(
        "table \"t\" {{\n {TIME}\n map_fields = []\n column \"name\" {{ transform = \"upper(user)\" }}\n \
         column \"size\" {{\n transform = \"number(bytes)\"\n type = \"integer\"\n }}\n }}"
    );
    let lines = "{\"t\":1706781600,\"user\":\"eve\",\"bytes\":5}\n{\"t\":1706781600,\"bytes\":\"many\"}\n\
                 {\"t\":1706781600,\"user\":\"bob\",\"bytes\":\"7\"}\n";
    let mapped = map_lines(&mapper(&table(&definition)), lines);
    let rows = rows_of(&mapped.rows);
    assert_eq!((&rows[0]["name"], &rows[0]["size"]), (&json!("EVE"), &json!(5)));
    assert_eq!((rows[1].get("name"), rows[1].get("size")), (None, None), "a row that fails is alone");
    assert_eq!((&rows[2]["name"], &rows[2]["size"]), (&json!("BOB"), &json!(7)));
    assert_eq!(mapped.misfits, 1);
    for (row, field) in
        [(0, "\"user\":\"eve\",\"bytes\":5"), (1, "\"bytes\":\"many\""), (2, "\"bytes\":\"7\"")]
    {
        let extra = rows[row]["extra"].as_str().unwrap();
        assert!(extra.contains(field), "{extra}");
    }
}

#[test]
fn a_transformed_field_is_mapped_like_any_other() {
    let definition =
        format!("table \"t\" {{\n {TIME}\n column \"name\" {{ transform = \"upper(user)\" }}\n }}");
    let lines = "{\"t\":1706781600,\"user\":\"eve\",\"Name\":\"x\",\"tp_id\":\"forged\"}\n";
    let rows = columns(&definition, lines, &["name", "user", "Name"]);
    assert_eq!(rows, [[json!("EVE"), json!("eve"), Value::Null]]);
    let mapped = map_lines(&mapper(&table(&definition)), lines);
    let row = &rows_of(&mapped.rows)[0];
    assert!(row["extra"].as_str().unwrap().contains(r#""Name":"x","tp_id":"forged""#), "{row:?}");
    assert_ne!(row["tp_id"], "forged");
}

#[test]
fn bad_rows_are_quarantined_with_their_bytes_and_the_others_stay() {
    let definition = format!(
        "table \"t\" {{\n {TIME}\n column \"user\" {{ required = true }}\n column \"n\" {{ type = \"integer\" }}\n }}"
    );
    let lines = [
        r#"{"t":"2024-02-01T10:00:00Z","user":"a","n":"x"}"#,
        r#"{"t":"2024-02-01T10:00:00Z"}"#,
        r#"{"user":"b"}"#,
        "oops",
        r#"{"t":"soon","user":"c"}"#,
        r#"{"t":"1970-01-01T00:00:00Z","user":"d"}"#,
        r#"{"t":"2031-01-01T00:00:00Z","user":"e"}"#,
        r#"{"t":"2024-02-01T10:00:00Z","user":"f","n":"1"}"#,
    ];
    let mapped = map_lines(&mapper(&table(&definition)), &(lines.join("\n") + "\n"));
    let users: Vec<Value> = rows_of(&mapped.rows).iter().map(|row| row["user"].clone()).collect();
    assert_eq!(users, ["a", "f"]);
    assert_eq!(mapped.misfits, 2, "`x` is no integer, `soon` no time");
    let ids = mapped.rows.column_by_name("tp_id").unwrap();
    let offset = lines[..7].iter().map(|line| line.len() as u64 + 1).sum();
    let last = RecordIds::new("t", "o").id(offset, lines[7].as_bytes()).to_string();
    assert_eq!(ids.as_string_view().value(1), last, "ids belong to the rows that are left");
    let reasons: Vec<(Stage, &str)> =
        mapped.quarantined.iter().map(|record| (record.stage, record.reason.as_str())).collect();
    assert_eq!(reasons[0], (Stage::Map, "the required column `user` has no value"));
    assert_eq!(reasons[1], (Stage::Map, "the required column `tp_timestamp` has no value"));
    assert_eq!(reasons[2].0, Stage::Parse);
    assert_eq!(reasons[3], (Stage::Map, "the required column `tp_timestamp` has no value"));
    assert!(reasons[4].1.contains("1970-01-01T00:00:00Z, before 1990"), "{}", reasons[4].1);
    assert!(reasons[5].1.contains("more than a day after it was collected"), "{}", reasons[5].1);
    for (record, line) in mapped.quarantined.iter().zip([1, 2, 3, 4, 5, 6]) {
        assert_eq!(record.raw.as_deref(), Some(lines[line].as_bytes()));
        let offset: usize = lines[..line].iter().map(|line| line.len() + 1).sum();
        assert_eq!((record.offset, record.length), (offset as u64, lines[line].len() as u64));
    }
}

#[test]
fn observables_are_checked_and_come_once() {
    let definition = format!(
        r#"table "t" {{
             {TIME}
             map_fields = []
             column "from" {{ observable = "ip" }}
             column "to" {{ observable = "ip" }}
             column "tp_destination_ip" {{ source = "to" }}
             column "who" {{
               type = "struct(name varchar, mails varchar[], roles struct(arn varchar))"
               observables = {{ name = "username", mails = "email", "roles.arn" = "aka" }}
             }}
             column "things" {{
               type = "json"
               observables = {{ "[*].id" = "aka", "[*].tags[*]" = "tag" }}
             }}
             column "tp_domains" {{ source = "names" }}
             column "sha256" {{ observable = "hash" }}
           }}"#
    );
    let definition = table(&definition);
    let mapper = mapper(&definition);
    assert_eq!(mapper.hash_columns().collect::<Vec<_>>(), ["sha256"]);
    let lines = concat!(
        r#"{"t":1706781600,"from":"10.0.0.1","to":"10.0.0.1","sha256":"ab","names":["a.example.org","nothing","#,
        r#""a.example.org"],"who":{"name":"eve","mails":["eve@example.org","x"],"roles":{"arn":"arn:aws:iam::1:role/long"}},"#,
        r#""things":[{"id":"arn:aws:iam::1:role/long","tags":["x","y"]},{"id":"sh\"rt"},{"id":7}]}"#,
        "\n",
        r#"{"t":1706781600,"from":"ec2.amazonaws.com","to":"AWS Internal","who":{},"things":{"id":"no"}}"#,
        "\n",
    );
    let mapped = map_lines(&mapper, lines);
    let rows = rows_of(&mapped.rows);
    assert_eq!(rows[0]["tp_ips"], json!(["10.0.0.1"]));
    assert_eq!(rows[0]["tp_destination_ip"], "10.0.0.1");
    assert_eq!(rows[0]["tp_domains"], json!(["a.example.org"]));
    assert_eq!(rows[0]["tp_emails"], json!(["eve@example.org"]));
    assert_eq!(rows[0]["tp_usernames"], json!(["eve"]));
    assert_eq!(rows[0]["tp_akas"], json!(["arn:aws:iam::1:role/long", "sh\"rt"]));
    assert_eq!(rows[0]["tp_tags"], json!(["x", "y"]));
    assert!(
        rows[0]["extra"].as_str().unwrap().contains("nothing"),
        "what is left out of a list stays in extra"
    );
    assert_eq!(rows[1]["tp_domains"], json!(["ec2.amazonaws.com"]));
    for name in ["tp_ips", "tp_akas", "tp_tags", "tp_usernames", "tp_emails"] {
        assert_eq!(rows[1].get(name), None, "{name}");
    }
}

#[test]
fn observables_share_the_text_of_their_columns() {
    let definition =
        table(&format!("table \"t\" {{\n {TIME}\n column \"arn\" {{ observable = \"aka\" }}\n }}"));
    let line = r#"{"t":1706781600,"arn":"arn:aws:iam::123456789012:user/alice"}"#;
    let mapped = map_lines(&mapper(&definition), line);
    let arns = mapped.rows.column_by_name("arn").unwrap().as_string_view();
    let akas = mapped.rows.column_by_name("tp_akas").unwrap().as_list::<i32>();
    assert_eq!(akas.values().as_string_view().value(0).as_ptr(), arns.value(0).as_ptr());
}

#[test]
fn tp_index_comes_from_the_partition_or_the_table() {
    let definition = table(&format!(
        "table \"t\" {{\n {TIME}\n column \"tp_index\" {{ source = \"a\" }}\n column \"b\" {{}}\n }}"
    ));
    let lines = "{\"t\":1706781600,\"a\":\"1\",\"b\":\"2\"}\n{\"t\":1706781600}\n";
    let index = |context: PartitionContext| {
        let mapper = definition.compile(&FakeCompiler, context).unwrap();
        let rows = rows_of(&map_lines(&mapper, lines).rows);
        rows.iter().map(|row| row["tp_index"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(index(PartitionContext::new("p")), ["1", "default"]);
    let file = SourceFile::new("egret.hcl", "b");
    let sql = Located::new("b".to_owned(), Location::new(&file, 0..1));
    assert_eq!(index(PartitionContext { index: Some(sql), ..PartitionContext::new("p") }), ["2", "default"]);
}

#[test]
fn null_if_is_for_the_column_or_for_all() {
    let definition = format!(
        "table \"t\" {{\n {TIME}\n null_if = [\"-\"]\n column \"a\" {{}}\n column \"b\" {{ null_if = [\"none\"] }}\n }}"
    );
    let lines =
        "{\"t\":1706781600,\"a\":\"-\",\"b\":\"-\"}\n{\"t\":1706781600,\"a\":\"none\",\"b\":\"none\"}\n";
    let rows = columns(&definition, lines, &["a", "b"]);
    assert_eq!(rows, [[Value::Null, json!("-")], [json!("none"), Value::Null]]);
}

#[test]
fn no_rows_give_no_rows() {
    let mapped = map_lines(&mapper(&table(&format!("table \"t\" {{\n {TIME}\n }}"))), "\n\n");
    assert_eq!((mapped.rows.num_rows(), mapped.quarantined.len(), mapped.misfits), (0, 0, 0));
}

#[test]
fn channels_come_from_the_partition_the_table_or_the_name() {
    let plain = table(&format!("table \"doors\" {{\n {TIME}\n }}"));
    assert_eq!(mapper(&plain).channel(), "custom.doors");
    let named = table(&format!("table \"doors\" {{\n {TIME}\n channel = \"house.doors\"\n }}"));
    assert_eq!(mapper(&named).channel(), "house.doors");
    let context = PartitionContext { channel: Some("my.doors".to_owned()), ..PartitionContext::new("p") };
    assert_eq!(named.compile(&FakeCompiler, context).unwrap().channel(), "my.doors");
}

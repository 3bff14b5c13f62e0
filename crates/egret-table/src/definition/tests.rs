//! What `table` blocks may say, and how each mistake in one is told.

use crate::testing::{FakeCompiler, mapper, parse_table, table};
use crate::{PartitionContext, TableDefinition};
use egret_config::{Diagnostics, Located, Location, SourceFile};
use serde_json::json;

/// The mistakes in a table, decoding and compiling it: place, message and hint, a line each.
fn mistakes(text: &str) -> Vec<String> {
    let (table, mut diagnostics) = parse_table(text);
    if let (Some(table), false) = (table, diagnostics.has_errors())
        && let Err(mistakes) = table.compile(&FakeCompiler, PartitionContext::new("p"))
    {
        diagnostics.extend(mistakes);
    }
    shown(diagnostics)
}

fn shown(diagnostics: Diagnostics) -> Vec<String> {
    diagnostics
        .into_iter()
        .map(|mistake| {
            let place = mistake.location.map_or(String::new(), |at| at.text().to_owned());
            format!("{place} | {} | {}", mistake.message, mistake.hint.unwrap_or_default())
        })
        .collect()
}

const TIME: &str = r#"column "tp_timestamp" { source = "time" }"#;

#[test]
fn each_mistake_has_its_place_and_a_hint() {
    for (body, expected) in [
        (
            r#"column "a" { type = "varchr" }"#,
            "\"varchr\" | \"varchr\" is not a column type | did you mean `varchar`?",
        ),
        (
            r#"column "a" {
               source = "x"
               transform = "upper(y)"
             }"#,
            "\"upper(y)\" | a column has either `source` or `transform`, not both | a transform names its fields \
             itself: remove `source`",
        ),
        (
            r#"column "a" { transform = "upper(y" }"#,
            "upper(y | unknown column `upper(y` | did you mean `upper`?",
        ),
        ("column \"a\" {}\n column \"A\" {}", "\"A\" | column `A` is there twice | remove one of them"),
        (
            r#"column "a" { observable = "ips" }"#,
            "\"ips\" | \"ips\" is no kind of observable | did you mean \"ip\"?",
        ),
        (
            "column \"a\" {\n type = \"integer\"\n observable = \"ip\"\n }",
            "\"ip\" | a integer cannot be observable | only text is: `varchar`, `varchar[]`, or strings inside `json`",
        ),
        (
            "column \"a\" {\n type = \"struct(name varchar)\"\n observables = { nme = \"username\" }\n }",
            "nme | the struct has no field `nme` | did you mean `name`?",
        ),
        (
            "column \"a\" {\n type = \"json\"\n observable = \"ip\"\n }",
            "\"ip\" | a JSON column needs a path to what is observable in it | name the strings inside, as in \
             `observables = { \"[*].ARN\" = \"aka\" }`",
        ),
        (
            r#"column "a" { type = "struct(x varchar)[]" }"#,
            "\"a\" | column `a` cannot be read as struct(x varchar)[]: only lists of plain values can; use `json` | ",
        ),
        (
            r#"column "extra" {}"#,
            "\"extra\" | `extra` is the column of what no other column holds | give the column another name",
        ),
        (
            r#"column "tp_id" {}"#,
            "\"tp_id\" | `tp_id` is filled by Egret itself | did you mean `tp_ips`? Names with `tp_` are for the \
             common columns",
        ),
        (
            r#"column "tp_timestmp" {}"#,
            "\"tp_timestmp\" | there is no common column `tp_timestmp` | did you mean `tp_timestamp`? Names with \
             `tp_` are for the common columns",
        ),
        (
            r#"column "tp_index" { type = "integer" }"#,
            "\"tp_index\" | `tp_index` is a varchar, not a integer | remove `type`",
        ),
        (
            r#"column "a" { source = [] }"#,
            "[] | `source` names no field | leave it out if the field is called like the column",
        ),
        (
            r#"roots = ["winlog", "winlog..data"]"#,
            "\"winlog..data\" | \"winlog..data\" is no path to a field | write names with dots between them",
        ),
        (
            r#"recognise = [["door", ""]]"#,
            "\"\" | \"\" is no path to a field | write names with dots between them",
        ),
        (
            "recognise = [[\"door\"], []]",
            "\"t\" | a list in `recognise` names no field | name the fields that every record of the table has",
        ),
        (r#"colum "a" {}"#, "colum | `table` has no block `colum` | did you mean `column`?"),
        (
            "format = format.regex.mine\n format \"jsonl\" {}",
            "format \"jsonl\" | the table has two formats | remove one of them",
        ),
        (r#"format "jsnl" {}"#, "\"jsnl\" | there is no format of type `jsnl` | did you mean `jsonl`?"),
        (
            "column \"user\" {}\n extract \"message\" { pattern = `by (?<usr>.*)` }",
            "usr | the group `usr` is no column of table `t` | did you mean `user`?",
        ),
        (
            r#"extract "message" { pattern = "by (" }"#,
            "\"by (\" | not a regular expression: unclosed group | groups are written `(?<column>…)`; there is no \
             look-around and no back-reference",
        ),
        (
            r#"extract "message" {}"#,
            "extract \"message\" | `extract` needs a pattern | add `pattern = \"…\"`, a regular expression whose \
             named groups are columns",
        ),
        (
            "column \"a\" { type = \"varchar[]\" }\n extract \"m\" { pattern = `(?<a>.*)` }",
            "a | a pattern cannot fill `a`, a varchar[] | it fills text, numbers, times and truth values",
        ),
        (
            "column \"a\" {}\n extract \"m\" {\n pattern = \"x\"\n when = \"a = 'x\" \n}\n extract \"m\" {\n \
             pattern = \"x\"\n when = \"b = 'x'\"\n }",
            "b | unknown column `b` | did you mean `a`?",
        ),
        (
            "column \"a\" {}\n extract \"m\" {\n pattern = \"x\"\n when = \"a\"\n }",
            "\"a\" | `when` gives Utf8View, not true or false | write a comparison",
        ),
        (
            "column \"a\" {}\n extract \"m\" {\n pattern = \"x\"\n when = { aa = \"x\" }\n }",
            "aa | `aa` is no column of table `t` | did you mean `a`?",
        ),
        (
            "column \"a\" {}\n extract \"m\" {\n pattern = \"x\"\n when = 5\n }",
            "5 | expected SQL as a string, or a map such as { program = [\"sshd\"] }, found the number 5 | ",
        ),
        (
            "extract \"m\" {\n pattern = \"x\"\n set = { kind = \"x\" }\n }",
            "kind | `kind` is no column of table `t` | declare it: `column \"kind\" { … }`",
        ),
    ] {
        assert_eq!(mistakes(&format!("table \"t\" {{\n{TIME}\n{body}\n}}")), [expected], "{body}");
    }
}

#[test]
fn the_table_itself_is_checked() {
    let no_time = "\"t\" | table `t` does not say when its events happened | add `column \"tp_timestamp\" { source = \
                   \"…\" }` with the field that holds the time";
    assert_eq!(mistakes("table \"t\" {\n column \"a\" {}\n }"), [no_time]);
    let name = "\"my logs\" | \"my logs\" is not a name for a table | use letters, digits and `_`, and start with a \
                letter";
    assert_eq!(mistakes(&format!("table \"my logs\" {{\n {TIME}\n }}")), [name]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "table \"t\" {\n column \"a\" { type = \"intger\" }\n column \"b\" { observable = \"adress\" }\n \
                 column \"tp_date\" {}\n nul_if = []\n }";
    let all = mistakes(text);
    assert_eq!(all.len(), 4, "{all:#?}");
}

#[test]
fn a_format_that_knows_its_fields_finds_typing_errors_in_transforms() {
    let definition =
        table(&format!("table \"t\" {{\n {TIME}\n column \"a\" {{ transform = \"upper(usr)\" }}\n }}"));
    assert!(definition.compile(&FakeCompiler, PartitionContext::new("p")).is_ok(), "any field may be there");
    let context = PartitionContext {
        format_fields: Some(vec!["time".to_owned(), "user".to_owned()]),
        ..PartitionContext::new("p")
    };
    let mistakes = shown(definition.compile(&FakeCompiler, context).unwrap_err());
    assert_eq!(mistakes, ["usr | unknown column `usr` | did you mean `user`?"]);
}

#[test]
fn the_partition_s_index_is_checked_too() {
    let definition = table(&format!("table \"t\" {{\n {TIME}\n column \"account\" {{}}\n }}"));
    let file = SourceFile::new("egret.hcl", "tp_index = \"acount\"");
    let index = Located::new("acount".to_owned(), Location::new(&file, 11..19));
    let context = PartitionContext { index: Some(index), ..PartitionContext::new("p") };
    let mistakes = shown(definition.compile(&FakeCompiler, context).unwrap_err());
    assert_eq!(mistakes, ["acount | unknown column `acount` | did you mean `account`?"]);
}

#[test]
fn the_schema_has_own_columns_first_and_common_ones_once() {
    let definition: TableDefinition = table(
        r#"table "t" {
             column "tp_timestamp" {
               source      = "time"
               description = "When the door opened."
             }
             column "door" { description = "Which door." }
             column "Opened" { transform = "number(n)" }
             column "tp_source_ip" { source = ["from", "net.from"] }
             roots = ["data", "details.*"]
           }"#,
    );
    let schema = mapper(&definition).schema().clone();
    let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names[..3], ["door", "Opened", "tp_id"]);
    assert_eq!(names.last(), Some(&"extra"));
    assert_eq!(names.iter().filter(|name| **name == "tp_timestamp").count(), 1);
    assert_eq!(schema.column("tp_timestamp").unwrap().description, "When the door opened.");
    assert_eq!(
        schema.column("Opened").unwrap().column_type.to_string(),
        "bigint",
        "what the transform gives"
    );
    assert_eq!(schema.channel, "custom.t");
    let sources = |name: &str| schema.column(name).unwrap().sources.clone();
    assert_eq!(
        (sources("door"), sources("tp_source_ip")),
        (vec!["door".into()], vec!["from".into(), "net.from".into()])
    );
    assert_eq!((sources("Opened"), sources("tp_id")), (vec![], vec![]), "computed");
    assert_eq!(
        (&schema.roots, &definition.schema().roots),
        (&vec!["data".into(), "details.*".into()], &schema.roots)
    );
}

#[test]
fn a_table_of_the_same_name_changes_only_what_it_names() {
    let base = table(
        r#"table "t" {
             description = "base"
             channel     = "some.where"
             map_fields  = []
             roots       = ["data"]
             recognise   = [["time", "a"]]
             column "tp_timestamp" { source = "time" }
             column "a" {
               type        = "integer"
               description = "A."
               source      = "x"
             }
             column "b" {}
             extract "m" { pattern = "(?<b>base)" }
           }"#,
    );
    let own = table(
        r#"table "t" {
             column "A" { source = "y" }
             column "c" {}
             null_if = ["-"]
             recognise = [["b.c"]]
             extract "m" { pattern = "(?<b>own)" }
           }"#,
    );
    let merged = own.extending(&base);
    let names: Vec<&str> = merged.columns.iter().map(|column| column.name.value.as_str()).collect();
    assert_eq!(names, ["tp_timestamp", "a", "b", "c"]);
    let schema = mapper(&merged).schema().clone();
    assert_eq!(schema.column("a").unwrap().column_type.to_string(), "integer");
    assert_eq!((schema.description.as_str(), schema.channel.as_str()), ("base", "some.where"));
    assert_eq!(schema.roots, ["data"]);
    let is_recognised = |record| merged.recognises(&record);
    assert!(is_recognised(json!({"b": {"c": null}})) && is_recognised(json!({"b.c": 1})));
    assert!(!is_recognised(json!({"time": 1, "a": 2})) && !is_recognised(json!({"b": "c"})));
    assert_eq!(merged.extracts[0].patterns[0].pattern.value, "(?<b>own)", "the user's come first");
    assert_eq!((merged.null_if, merged.map_fields), (Some(vec!["-".to_owned()]), Some(vec![])));
}

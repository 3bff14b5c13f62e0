//! Tests of expressions: one table of expressions and their values, places, and limits.

use proptest::prelude::*;

use crate::{BlockKind, Configuration, Diagnostics, Environment, Value, ValueKind, decode_block};

const KINDS: [BlockKind; 1] = [BlockKind::new("test", &[])];

fn parse(text: &str) -> Result<Configuration, String> {
    let environment = Environment::new([("NAME", "value")]);
    let mut diagnostics = Diagnostics::new();
    let configuration = Configuration::parse("egret.hcl", text, &KINDS, &environment, &mut diagnostics);
    if diagnostics.has_errors() { Err(diagnostics.render(false)) } else { Ok(configuration) }
}

/// The value of `it` in the block `test`.
fn evaluate(text: &str) -> Result<Value, String> {
    let configuration = parse(text)?;
    Ok(configuration.blocks[0].attribute("it").unwrap().value.clone().unwrap())
}

/// A value in short: as JSON where it can be.
fn short(value: &Value) -> String {
    match &value.kind {
        ValueKind::Null => "null".to_owned(),
        ValueKind::Bool(value) => value.to_string(),
        ValueKind::Number(number) => number.to_string(),
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::List(items) => format!("[{}]", items.iter().map(short).collect::<Vec<_>>().join(",")),
        ValueKind::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}:{}", key.value, short(value))).collect();
            format!("{{{}}}", entries.join(","))
        }
        ValueKind::Reference(path) => format!("<{}>", path.join(".")),
    }
}

#[test]
fn each_expression_gives_what_the_table_says() {
    for (expression, expected) in [
        ("null", "null"),
        ("-5", "-5"),
        ("[-9223372036854775808, -9223372036854775809 < 0, - 3]", "[-9223372036854775808,true,-3]"),
        ("2.5e3", "2500"),
        ("18446744073709551615", "18446744073709551615"),
        ("9007199254740993", "9007199254740993"),
        ("9007199254740993 + 1", "9007199254740994"),
        ("[7 / 2, 8 / 2, 7 % 3, -7 % 3, 1.5 * 2, 2 - 5]", "[3.5,4,1,-1,3,-3]"),
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("-(1 + 2)", "-3"),
        ("\"5\" + 1", "6"),
        ("[1 < 2, 2 <= 2, 1 > 2, 2 >= 2, 1 < 1.5]", "[true,true,false,true,true]"),
        (
            "[1 == 1.0, \"1\" == 1, [1] == [1], { a = 1 } == { a = 1 }, null == null, 1 != 2]",
            "[true,false,true,true,true,true]",
        ),
        ("[true && false, true || false, !true]", "[false,true,false]"),
        ("false && env(\"NOT_SET\") == \"\"", "false"),
        ("true ? 1 : env(\"NOT_SET\")", "1"),
        (r#""a\tb\"\\\u00e9\n""#, r#""a\tb\"\\é\n""#),
        (r"`a\tb${x}%{if}`", r#""a\\tb${x}%{if}""#),
        ("``", r#""""#),
        (r#""$${x} %%{y} $ % {}""#, r#""${x} %{y} $ % {}""#),
        (r#""AWSLogs/%{DATA:org}/%{YEAR}.gz""#, r#""AWSLogs/%{DATA:org}/%{YEAR}.gz""#),
        (r#""%{DATA:org}/${1 + 1}""#, r#""%{DATA:org}/2""#),
        (r#""a${1}b${true}c${"d"}${`e"`}""#, r#""a1btruecde\"""#),
        (r#""${[1]}""#, "[1]"),
        (r#""x${"y ${"z"}"}""#, r#""xy z""#),
        (r#""<%{ if true }yes%{ else }no%{ endif }>""#, r#""<yes>""#),
        (r#""<%{ if false }yes%{ endif }>""#, r#""<>""#),
        (r#""%{ for i, x in ["a", "b"] }${i}${x} %{ endfor }""#, r#""0a 1b ""#),
        (r#""a  ${~ 1 ~}  b""#, r#""a1b""#),
        (r#""%{ for x in [1, 2] ~} ${x} %{~ endfor }""#, r#""12""#),
        ("<<EOT\n  a ${1}\n\n  b\nEOT\n", r#""  a 1\n\n  b\n""#),
        ("<<-EOT\n    a\n      b ${1}\n\n    c\n  EOT\n", r#""a\n  b 1\n\nc\n""#),
        ("<<-EOT\n  foo ${1}\n      bar\n  EOT\n", r#""foo 1\n    bar\n""#),
        ("<<-EOT\n  ${1}\n      bar ${2}\n    EOT\n", r#""1\n    bar 2\n""#),
        ("<<-EOT\n  %{ if true ~}\n  a `b` \\n $${x}\n  %{~ endif }\n  EOT\n", r#""a `b` \\n ${x}\n""#),
        ("<<EOT\nEOT\n", r#""""#),
        ("[1, \"a\", [],]", r#"[1,"a",[]]"#),
        ("{ a = 1, \"b c\" : 2, (\"d\") = 3, `e` = 4 }", "{a:1,b c:2,d:3,e:4}"),
        ("{ `\"` = 1, `'` = 2, `$` = 3 }", "{\":1,':2,$:3}"),
        ("[for x in [1, 2, 3] : x * 2 if x != 2]", "[2,6]"),
        ("[for k, v in { a = 1, b = 2 } : \"${k}${v}\"]", r#"["a1","b2"]"#),
        ("{ for i, x in [\"a\", \"b\"] : x => i }", "{a:0,b:1}"),
        ("{ for x in [\"a\", \"b\", \"a\"] : x => 1... }", "{a:[1,1],b:[1]}"),
        ("[for x in [1] : [for x in [2] : x]]", "[[2]]"),
        ("[for x in [{ a = 1 }] : x.a]", "[1]"),
        ("[[1, 2][1], [1, 2].0, { a = { b = 5 } }.a.b, { a = 1 }[\"a\"]]", "[2,1,5,1]"),
        ("[{ a = 1 }, { a = 2 }][*].a", "[1,2]"),
        ("[[{ a = [1] }], []][*][*].a[0]", "[[1],[]]"),
        ("[{ a = [1] }][*].a[0]", "[1]"),
        ("[{ a = [1] }].*.a[0]", "[1]"),
        ("[{ a = [1] }].*.b", "error"),
        ("null[*]", "[]"),
        ("{ a = 1 }[*].a", "[1]"),
        ("format.regex.mine", "<format.regex.mine>"),
        ("format.nginx_access_log.combined", "<format.nginx_access_log.combined>"),
        ("connection[\"aws\"].prod", "<connection.aws.prod>"),
        ("[varchar]", "[<varchar>]"),
        ("upper(\"x\")", r#""X""#),
        ("join(\",\", [for x in [\"a\"] : upper(x)])", r#""A""#),
        ("max([1, 2]...)", "2"),
    ] {
        match evaluate(&format!("test {{\n  it = {expression}\n}}\n")) {
            Ok(value) => assert_eq!(short(&value), expected, "{expression}"),
            Err(rendered) => assert_eq!(expected, "error", "{expression}: {rendered}"),
        }
    }
}

#[test]
fn locals_are_used_across_blocks_in_any_order() {
    let text = "
        test { it = \"${local.greeting}, ${local.people[0].name}\" }
        locals {
          greeting = upper(local.word)
        }
        locals {
          word   = \"hello\"
          people = [{ name = \"Ada\" }]
        }
    ";
    assert_eq!(short(&evaluate(text).unwrap()), r#""HELLO, Ada""#);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_fine() {
    let text = "\u{feff}test {\r\n  it = <<-EOT\r\n    a\r\n    b\r\n  EOT\r\n  x = `y`\r\n}\r\n";
    assert_eq!(short(&evaluate(text).unwrap()), r#""a\r\nb\r\n""#);
}

#[test]
fn values_know_where_they_are_written() {
    let text =
        "locals { x = [`é`, 2] }\ntest {\n  it = [\"a\", [`b`], { c = 1 + 1 }, local.x, upper(\"d\")]\n}\n";
    let value = evaluate(text).unwrap();
    let ValueKind::List(items) = &value.kind else { panic!("a list") };
    let written: Vec<&str> = items.iter().map(|item| item.location.text()).collect();
    assert_eq!(written, ["\"a\"", "[`b`]", "{ c = 1 + 1 }", "local.x", "upper(\"d\")"]);
    let ValueKind::Map(entries) = &items[2].kind else { panic!("a map") };
    assert_eq!((entries[0].0.location.text(), entries[0].1.location.text()), ("c", "1 + 1"));
    let ValueKind::List(inner) = &items[3].kind else { panic!("a list") };
    assert_eq!(inner[0].location.to_string(), "egret.hcl:1:15");
}

#[test]
fn what_comes_from_outside_is_marked() {
    for (expression, outside) in [
        ("env(\"NAME\")", true),
        ("\"x-${env(\"NAME\")}\"", true),
        ("upper(env(\"NAME\"))", true),
        ("env(\"NAME\") == \"x\"", true),
        ("local.name", true),
        ("local.map.name", true),
        ("[for x in [env(\"NAME\")] : x][0]", true),
        ("<<EOT\n${env(\"NAME\")}\nEOT\n", true),
        ("split(\"a\", env(\"NAME\"))[0]", true),
        ("[env(\"NAME\")]", true),
        ("local.map.other", false),
        ("\"NAME\"", false),
    ] {
        let locals = "locals {\n  name = env(\"NAME\")\n  map = { name = env(\"NAME\"), other = 1 }\n}\n";
        let value = evaluate(&format!("{locals}test {{\n  it = {expression}\n}}\n")).unwrap();
        assert_eq!(value.holds_outside(), outside, "{expression}");
    }
}

#[test]
fn depth_is_bounded() {
    for text in [
        format!("test {{\n  it = {}1{}\n}}\n", "[".repeat(5000), "]".repeat(5000)),
        format!("test {{\n  it = {}1{}\n}}\n", "(".repeat(5000), ")".repeat(5000)),
        format!("test {{\n  it = {}true\n}}\n", "!".repeat(5000)),
        format!("test {{\n  it = 1{}\n}}\n", " + 1".repeat(5000)),
        format!("test {{\n  it = {}1{}\n}}\n", "\"${".repeat(5000), "}\"".repeat(5000)),
        format!("{}{}", "test {\n".repeat(5000), "}\n".repeat(5000)),
    ] {
        assert!(parse(&text).is_err());
    }
    let chain: String = (0..2000).map(|n| format!("  l{n:04} = local.l{:04}\n", n + 1)).collect();
    let rendered = parse(&format!("locals {{\n{chain}  l2000 = 1\n}}\n")).err().unwrap();
    assert!(rendered.contains("nested too deep"), "{rendered}");
}

#[test]
fn size_is_bounded() {
    let doubling: String = (1..60).map(|n| format!("  l{n} = [local.l{0}, local.l{0}]\n", n - 1)).collect();
    let loops = "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]]";
    let directives = "%{ for a in range(1000) }%{ for b in range(1000) }%{ for c in range(1000) }x";
    let ends = "%{ endfor }".repeat(3);
    for locals in [
        format!("  l0 = 1\n{doubling}"),
        format!("  l0 = {loops}\n"),
        format!("  l0 = \"{directives}{ends}\"\n"),
    ] {
        let rendered = parse(&format!("locals {{\n{locals}}}\n")).err().unwrap();
        assert!(rendered.contains("more than 64 MiB"), "{rendered}");
        assert_eq!(rendered.matches("error:").count(), 1, "{rendered}");
    }
}

/// Reads nothing, so that everything in a block is unknown.
struct Nothing;

impl crate::Decode for Nothing {
    fn decode(_: &mut crate::BlockReader<'_>) -> Option<Self> {
        Some(Self)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_makes_it_panic(
        text in r#"(test|locals|[a-c]|"|`|\{|\}|\[|\]|\(|\)|\$\{|%\{|%\{ ?if |%\{ ?endif|%\{ ?for |~\}|<<-?E\n|\nE\n|\.\.\.|\.|\*|=>|=|:|\?|,|-|\+|!|/\*|\*/|#|\\|\n|\r\n| |[0-9]{1,3}|1e|local\.|for |in |if |format\(|regex\(|split\(|é|🦩|\x01){0,50}"#
    ) {
        for text in [text.clone(), format!("test {{\n  it = {text}\n}}\n"), format!("locals {{\n  a = \"{text}\"\n}}\n")] {
            let mut diagnostics = Diagnostics::new();
            let environment = Environment::default();
            let configuration = Configuration::parse("a.hcl", text, &KINDS, &environment, &mut diagnostics);
            for block in &configuration.blocks {
                decode_block::<Nothing>(block, &mut diagnostics);
            }
            crate::show(&configuration);
            diagnostics.render(true);
        }
    }

    #[test]
    fn any_unicode_is_survived(text in any::<String>()) {
        let mut diagnostics = Diagnostics::new();
        Configuration::parse("a.hcl", text, &KINDS, &Environment::default(), &mut diagnostics);
        diagnostics.render(false);
    }

    #[test]
    fn a_backtick_string_keeps_its_text_and_place(content in "[^`\u{1}]{0,40}", before in "[ é#]{0,20}") {
        let text = format!("# {before}\ntest {{\n  a = 1\n  it = [`{content}`, 2]\n}}\n");
        let value = evaluate(&text).unwrap();
        let ValueKind::List(items) = &value.kind else { panic!("a list") };
        prop_assert_eq!(items[0].as_str(), Some(content.as_str()));
        prop_assert_eq!(items[0].location.text(), format!("`{content}`"));
        prop_assert_eq!(items[1].location.text(), "2");
    }
}

//! Tests of functions: one table of calls and what they give, as JSON.

use std::collections::BTreeSet;

use super::documentation;
use crate::{BlockKind, Configuration, Diagnostics, Environment};

/// `jsonencode(expression)`, or what is reported.
fn give(expression: &str, environment: &Environment, path: &str) -> Result<String, String> {
    let text = format!("test {{\n  it = jsonencode({expression})\n}}\n");
    let mut diagnostics = Diagnostics::new();
    let kinds = [BlockKind::new("test", &[])];
    let configuration = Configuration::parse(path, text, &kinds, environment, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err(diagnostics.render(false));
    }
    let value = configuration.blocks[0].attribute("it").unwrap().value.clone().unwrap();
    Ok(value.as_str().unwrap().to_owned())
}

const CASES: &[(&str, &str)] = &[
    (r#"upper("grün")"#, r#""GRÜN""#),
    (r#"lower("ABC")"#, r#""abc""#),
    (r#"title("hello big world's end")"#, r#""Hello Big World's End""#),
    (r#"trim("?!hi?!", "!?")"#, r#""hi""#),
    (r#"trimspace("  hi \n")"#, r#""hi""#),
    (r#"trimprefix("helloworld", "hello")"#, r#""world""#),
    (r#"trimprefix("world", "hello")"#, r#""world""#),
    (r#"trimsuffix("helloworld", "world")"#, r#""hello""#),
    (r#"chomp("hello\n\r\n")"#, r#""hello""#),
    (r#"indent(2, "a\nb\nc")"#, r#""a\n  b\n  c""#),
    (r#"split(",", "a,b,")"#, r#"["a","b",""]"#),
    (r#"split(",", "")"#, "[]"),
    (r#"split("", "äb")"#, r#"["ä","b"]"#),
    (r#"join("-", ["a", 1, true])"#, r#""a-1-true""#),
    (r#"join("-", ["a"], ["b", "c"])"#, r#""a-b-c""#),
    (r#"substr("hellö world", 1, 4)"#, r#""ellö""#),
    (r#"substr("hello", -3, -1)"#, r#""llo""#),
    (r#"strrev("hellö")"#, r#""ölleh""#),
    (r#"startswith("hello", "he")"#, "true"),
    (r#"endswith("hello", "he")"#, "false"),
    (r#"strcontains("hello", "ell")"#, "true"),
    (r#"strlen("grün")"#, "4"),
    (r#"format("%s has %d items, %5.2f%%", "x", 3, 99.5)"#, r#""x has 3 items, 99.50%""#),
    (r#"format("%[2]s %[1]s|%-4s|%4s|%04d|%+d|%x|%X|%b|%o", "a", "b")"#, "error"),
    (r#"format("%[2]s %[1]s", "a", "b")"#, r#""b a""#),
    (
        r#"format("%-4s|%4s|%05d|%+d|%x|%X|%b|%o|%.1e|%g", "a", "b", -12, 3, 255, "hi", 5, 8, 12345, 0.5)"#,
        r#""a   |   b|-0012|+3|ff|6869|101|10|1.2e4|0.5""#,
    ),
    (
        r#"format("%q %v %v %t %.2s", "a\"b", [1, "x"], { a = null }, true, "abc")"#,
        r#""\"a\\\"b\" [1,\"x\"] {\"a\":null} true ab""#,
    ),
    (r#"formatlist("%s-%s", ["a", "b"], "x")"#, r#"["a-x","b-x"]"#),
    ("tostring(5)", r#""5""#),
    ("tostring(null)", "null"),
    (r#"tonumber("2.50")"#, "2.5"),
    (r#"tonumber("-7")"#, "-7"),
    (r#"tobool("true")"#, "true"),
    (r#"parseint("ff", 16)"#, "255"),
    (r#"urlencode("a b&ü")"#, r#""a+b%26%C3%BC""#),
    (r#"replace("1 + 2 + 3", "+", "-")"#, r#""1 - 2 - 3""#),
    (r#"replace("hello", "/l(.)/", "<$1>")"#, r#""he<l>o""#),
    (r#"regex("[0-9]+", "abc 123")"#, r#""123""#),
    (r#"regex("(\\d+)-(\\d+)?", "12-")"#, r#"["12",null]"#),
    (r#"regex("(?P<user>\\w+)@(?P<host>\\w+)", "me@here")"#, r#"{"user":"me","host":"here"}"#),
    (r#"regexall("[a-z]+", "1abc2de")"#, r#"["abc","de"]"#),
    (r#"regexall("x", "1abc2de")"#, "[]"),
    ("concat([1], [], [2, 3])", "[1,2,3]"),
    (r#"[length("grün"), length([1, 2]), length({ a = 1 })]"#, "[4,2,1]"),
    ("keys({ b = 1, a = 2 })", r#"["a","b"]"#),
    ("values({ b = 1, a = 2 })", "[2,1]"),
    ("merge({ a = 1, b = 2 }, null, { b = 3 })", r#"{"a":1,"b":3}"#),
    (r#"[lookup({ a = 1 }, "a", 5), lookup({ a = 1 }, "b", 5)]"#, "[1,5]"),
    (r#"[contains(["a", "b"], "b"), contains([1.0], 1), contains([], 1)]"#, "[true,true,false]"),
    (r#"index(["a", "b"], "b")"#, "1"),
    (r#"coalesce(null, "", "x", "y")"#, r#""x""#),
    (r#"coalesce([null, "z"]...)"#, r#""z""#),
    ("coalescelist([], [1], [2])", "[1]"),
    (r#"compact(["a", "", null, "b"])"#, r#"["a","b"]"#),
    (r#"distinct(["a", "b", "a"])"#, r#"["a","b"]"#),
    ("flatten([1, [2, [3]], []])", "[1,2,3]"),
    (r#"sort(["b", "a"])"#, r#"["a","b"]"#),
    ("reverse([1, 2, 3])", "[3,2,1]"),
    ("[element([1, 2], 3), element([1, 2], -1)]", "[2,2]"),
    ("slice([1, 2, 3], 1, 3)", "[2,3]"),
    ("chunklist([1, 2, 3], 2)", "[[1,2],[3]]"),
    (
        "[range(3), range(1, 4), range(1, 8, 3), range(3, 0), range(0)]",
        "[[0,1,2],[1,2,3],[1,4,7],[3,2,1],[]]",
    ),
    ("[one([7]), one([])]", "[7,null]"),
    (r#"[alltrue([true, "true"]), alltrue([true, false]), alltrue([])]"#, "[true,false,true]"),
    ("[anytrue([false, true]), anytrue([])]", "[true,false]"),
    (r#"zipmap(["a", "b"], [1, 2])"#, r#"{"a":1,"b":2}"#),
    ("setunion([1, 2], [2, 3])", "[1,2,3]"),
    ("setintersection([1, 2, 3], [3, 2], [2])", "[2]"),
    ("setsubtract([1, 2, 3], [2])", "[1,3]"),
    ("tolist([1])", "[1]"),
    ("toset([1, 1])", "[1]"),
    ("tomap({ a = 1 })", r#"{"a":1}"#),
    ("[min(3, 1, 2), min([5, 4]...), max(1, 2.5)]", "[1,4,2.5]"),
    ("max([1, 9])", "9"),
    ("[sum([1, 2, 3]), sum([1, 0.5]), sum([])]", "[6,1.5,0]"),
    ("[abs(-5), abs(-1.5)]", "[5,1.5]"),
    ("[ceil(1.2), ceil(5), floor(-1.2), round(2.5), signum(-3), signum(0)]", "[2,5,-2,3,-1,0]"),
    ("[pow(2, 10), log(16, 2)]", "[1024,4]"),
    (r#"jsonencode({ a = [1, 2.5, null, true, "x"] })"#, r#""{\"a\":[1,2.5,null,true,\"x\"]}""#),
    (
        r#"jsondecode("{\"b\": 18446744073709551615, \"a\": [1.5, -1]}")"#,
        r#"{"b":18446744073709551615,"a":[1.5,-1]}"#,
    ),
    (r#"base64encode("grün")"#, r#""Z3LDvG4=""#),
    (r#"base64decode("Z3LDvG4=")"#, r#""grün""#),
    (r#"[env("NAME"), env("NOT_SET", "default"), env("EMPTY", "x")]"#, r#"["value","default",""]"#),
    (r#"[file("data.txt"), file("./data.txt")]"#, r#"["the text\n","the text\n"]"#),
    (r#"[fileexists("data.txt"), fileexists("nothing.txt"), fileexists("~/x")]"#, "[true,false,false]"),
    (r#"[basename("/a/b.txt"), dirname("/a/b.txt"), dirname("b.txt")]"#, r#"["b.txt","/a","."]"#),
    (
        r#"[pathexpand("~/x"), pathexpand("~"), pathexpand("~other/x")]"#,
        r#"["/nowhere/me/x","/nowhere/me","~other/x"]"#,
    ),
    (r#"[abspath("a/../b/./c"), abspath("/x")]"#, r#"["/somewhere/b/c","/x"]"#),
];

#[test]
fn each_gives_what_the_table_says() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data.txt"), "the text\n").unwrap();
    let path = folder.path().join("egret.hcl");
    let variables = [("NAME", "value"), ("EMPTY", ""), ("HOME", "/nowhere/me")];
    let environment = Environment::new(variables).in_folder("/somewhere");
    for (expression, expected) in CASES {
        match give(expression, &environment, &path.to_string_lossy()) {
            Ok(json) => assert_eq!(json, *expected, "{expression}"),
            Err(rendered) => assert_eq!(*expected, "error", "{expression}: {rendered}"),
        }
    }
}

#[test]
fn each_function_has_a_case_a_name_of_its_own_and_a_description() {
    let mut names = BTreeSet::new();
    for (signature, description) in documentation() {
        let (name, _) = signature.split_once('(').unwrap();
        assert!(names.insert(name), "{name} is there twice");
        assert!(!description.is_empty() && !description.ends_with('.'), "{name}");
        let call = format!("{name}(");
        assert!(CASES.iter().any(|(case, _)| case.contains(&call)), "no case for {name}");
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let environment = Environment::default();
    for (expression, expected) in [
        ("env()", "it is called as `env(name, default?)`"),
        ("min()", "needs at least one number"),
        ("element([], 0)", "the list is empty"),
        ("slice([1], 0, 2)", "lies outside of a list of 1"),
        ("slice([1, 2], 2, 1)", "lies outside of a list of 2"),
        ("chunklist([1], 0)", "at least 1"),
        ("range(1, 5, 0)", "must not be 0"),
        (r#"lookup({}, "a")"#, "there is no key `a`"),
        (r#"index([1], 2)"#, "not in the list"),
        ("one([1, 2])", "has 2 items"),
        (r#"zipmap(["a", "a"], [1, 2])"#, "there twice"),
        (r#"zipmap(["a"], [])"#, "1 keys and 0 values"),
        (r#"base64decode("???")"#, "not Base64"),
        (r#"base64decode("/w==")"#, "not UTF-8"),
        (r#"parseint("12", 99)"#, "from 2 to 36"),
        (r#"parseint("zz", 10)"#, "whole number in base 10"),
        (r#"substr("x", 0, -2)"#, "outside of the text"),
        ("indent(100000000, \"x\")", "expected a number of spaces"),
        (r#"format("%99999999d", 1)"#, "too large"),
        (r#"format("%", 1)"#, "in the middle of a verb"),
        (r#"formatlist("%s %s", [1], [1, 2])"#, "different lengths"),
        (r#"regex("(x{1000}){1000}", "")"#, "not a regular expression"),
        (r#"regex(`(?=x)`, "")"#, "look-around"),
        ("jsonencode(format.regex.x)", "has no value of its own"),
        ("pow(10, 400)", "no finite number"),
        ("log(0, 10)", "no finite number"),
        (r#"pathexpand("~/x")"#, "the home folder is not known"),
        (r#"file("/")"#, "cannot read /"),
        (r#"a::upper("x")"#, "there is no function `upper`"),
    ] {
        let rendered = give(expression, &environment, "egret.hcl").unwrap_err();
        assert!(rendered.contains(expected), "{expression}: {rendered}");
    }
}

#[test]
fn a_file_that_is_too_large_or_no_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("egret.hcl");
    let large = std::fs::File::create(folder.path().join("large")).unwrap();
    large.set_len((16 << 20) + 1).unwrap();
    std::fs::write(folder.path().join("binary"), b"ab\xff").unwrap();
    let environment = Environment::default();
    for (expression, expected) in
        [(r#"file("large")"#, "larger than 16 MiB"), (r#"file("binary")"#, "not UTF-8 at byte 2")]
    {
        let rendered = give(expression, &environment, &path.to_string_lossy()).unwrap_err();
        assert!(rendered.contains(expected), "{rendered}");
    }
}

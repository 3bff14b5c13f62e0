//! Placeholders: files of them, and where they are in a value.

use super::*;

#[test]
fn files_are_yaml_or_json() {
    let mut diagnostics = Diagnostics::new();
    let text = "Servers: [srv*, 7]\n'%Admins%': root\nEmpty: []\n---\nServers:\n  - more\n";
    let mut placeholders = Placeholders::parse("site.yml", text, &mut diagnostics);
    placeholders.extend(Placeholders::parse("site.json", r#"{"Hosts": ["a", "b"]}"#, &mut diagnostics));
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    assert_eq!(placeholders.get("Servers"), ["srv*", "7", "more"]);
    assert_eq!(placeholders.names().collect::<Vec<_>>(), ["Admins", "Hosts", "Servers"]);
    assert!(placeholders.get("Empty").is_empty() && placeholders.get("servers").is_empty());
    assert_eq!(placeholders.hint("servrs"), "did you mean `%Servers%`?");
}

#[test]
fn what_is_wrong_in_a_file_is_left_out() {
    let mut diagnostics = Diagnostics::new();
    let text = "A: [x, null]\nB: {c: d}\nC: true\nD: ok\n---\n- list\n---\n'\n";
    let placeholders = Placeholders::parse("site.yml", text, &mut diagnostics);
    assert_eq!(placeholders.names().collect::<Vec<_>>(), ["D"]);
    insta::assert_snapshot!(diagnostics.render(false));
    let mut diagnostics = Diagnostics::new();
    Placeholders::parse("site.yml", "#".repeat(2 << 20), &mut diagnostics);
    assert!(diagnostics.render(false).contains("larger than 1 MiB"));
}

#[test]
fn a_percent_sign_needs_another() {
    let shown = |text: &str| {
        let parts = parts(text).into_iter().filter(|part| *part != Part::Text(String::new()));
        let shown = parts.map(|part| match part {
            Part::Text(text) => text,
            Part::Placeholder(name) => format!("<{name}>"),
        });
        shown.collect::<Vec<_>>().join("")
    };
    for (text, expected) in [
        ("", ""),
        ("%a%", "<a>"),
        ("x%a%y%b%", "x<a>y<b>"),
        ("%a%b%", "<a>b%"),
        (r"\%a%b%", "%a<b>"),
        (r"%a\%", r"%a%"),
        (r"\\%a%", r"\\<a>"),
        (r"\\\%a%", r"\\%a%"),
        (r"\a%b%", r"\a<b>"),
        ("100% of %", "100% of %"),
        ("%%", "%%"),
        ("%%a%%", "%<a>%"),
        ("%a-b.c_d%", "<a-b.c_d>"),
        ("%é%", "<é>"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn values_multiply_up_to_a_limit() {
    let mut placeholders = Placeholders::new();
    placeholders.insert("d", (0..10).map(|digit| digit.to_string()));
    assert_eq!(expand("%d%%d%", &placeholders, 100).unwrap().len(), 100);
    assert!(matches!(expand("%d%%d%%d%", &placeholders, 100), Err(Problem::Value { .. })));
    let missing = expand("%x%%d%%y%", &placeholders, 100);
    assert_eq!(missing, Err(Problem::Missing(vec!["x".to_owned(), "y".to_owned()])));
    assert_eq!(expand_regex("%d%%d%", &placeholders, 100).unwrap()[99], "99");
}

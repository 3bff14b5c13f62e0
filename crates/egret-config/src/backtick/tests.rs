//! Tests of the backtick pre-pass: what counts as one, and that no position moves.

use proptest::prelude::*;

use super::{Unclosed, mask};

#[test]
fn only_backticks_in_code_open_a_string() {
    for (text, expected) in [
        ("a = 1", "a = 1"),
        (r"a = `x\d`", "a = \"x\u{3}d\""),
        (r#"a = `say "hi" ${x} %{if}`"#, "a = \"say \u{2}hi\u{2} \u{4}{x} \u{5}{if}\""),
        ("a = ``", "a = \"\""),
        ("a = `é\nü`", "a = \"é\nü\""),
        ("# `\na = `b`", "# `\na = \"b\""),
        ("// `\na = `b`", "// `\na = \"b\""),
        ("/* ` \n ` ` */ a = `b`", "/* ` \n ` ` */ a = \"b\""),
        (r#"a = "`" b = `c`"#, r#"a = "`" b = "c""#),
        (r#"a = "\"`" b = `c`"#, r#"a = "\"`" b = "c""#),
        (r#"a = "${f(`x$`)}`" b = `c`"#, "a = \"${f(\"x\u{4}\")}`\" b = \"c\""),
        (r#"a = "${{a = "`"}}`" b = `c`"#, r#"a = "${{a = "`"}}`" b = "c""#),
        (r#"a = "$${`" b = `c`"#, r#"a = "$${`" b = "c""#),
        ("a = <<EOT\n`\n  EOT\nb = `c`", "a = <<EOT\n`\n  EOT\nb = \"c\""),
        ("a = <<EOT\r\n`\r\nEOT\r\nb = `c`", "a = <<EOT\r\n`\r\nEOT\r\nb = \"c\""),
        ("a = <<-EOT\n`\nEOTX\n`\nEOT\nb = `c`", "a = <<-EOT\n`\nEOTX\n`\nEOT\nb = \"c\""),
        ("a = <<EOT\nEOT\nb = `c`", "a = <<EOT\nEOT\nb = \"c\""),
        ("a = \"%{DATA:x}-%{if true}`%{endif}\"", "a = \"\u{1}{DATA:x}-%{if true}`%{endif}\""),
        ("a = <<EOT\n${f(`x`)} `\nEOT\nb = `c`", "a = <<EOT\n${f(\"x\")} `\nEOT\nb = \"c\""),
    ] {
        assert_eq!(mask(text).unwrap(), expected);
    }
}

#[test]
fn an_open_backtick_is_told_where_it_stands() {
    assert_eq!(mask("é = `x"), Err(Unclosed { offset: 5 }));
    assert_eq!(mask("a = `x` b = `"), Err(Unclosed { offset: 12 }));
}

proptest! {
    #[test]
    fn length_line_ends_and_everything_outside_stay(
        text in r#"([a-z]| |\n|`|"|\\|\$\{|\}|%\{|\{|#|/\*|\*/|<<EOT\n|\nEOT\n|é|\r\n){0,40}"#
    ) {
        let Ok(masked) = mask(&text) else { return Ok(()) };
        prop_assert_eq!(masked.len(), text.len());
        for (at, (before, after)) in text.bytes().zip(masked.bytes()).enumerate() {
    let changed = matches!(before, b'`' | b'"' | b'\\' | b'$' | b'%');
            prop_assert!(before == after || changed, "byte {at} of {text:?}");
            prop_assert_eq!(before == b'\n', after == b'\n');
        }
        let indices = |text: &str| text.char_indices().map(|(at, _)| at).collect::<Vec<_>>();
        prop_assert_eq!(indices(&text), indices(&masked));
    }

    #[test]
    fn a_raw_string_between_plain_code_is_found_whole(content in "[^`]{0,30}", before in "[a-z ={\n]{0,10}") {
        let text = format!("{before}`{content}` = 1");
        let masked = mask(&text).unwrap();
        prop_assert_eq!(&masked[..before.len() + 1], format!("{before}\""));
        prop_assert_eq!(&masked[masked.len() - 5..], "\" = 1");
        prop_assert!(!masked[before.len() + 1..masked.len() - 5].contains(['"', '\\', '$', '%', '`']));
    }
}

//! Encodings and dashes: that they find what they are meant for.

use proptest::prelude::*;

use super::encoding::{base64, base64_offsets};
use super::*;

#[test]
fn dashes_begin_options() {
    let count = |text: &str| dashes::all_dashes(&Pattern::parse(text), 10_000).map(|all| all.len());
    assert_eq!(count("-a"), Some(5));
    assert_eq!(count(" /a"), Some(5));
    assert_eq!(count("-a /b"), Some(25));
    assert_eq!(count("a-b"), Some(1));
    assert_eq!(count("a/b -"), Some(1));
    assert_eq!(count("--long"), Some(5));
    assert_eq!(count("*-a"), Some(5));
    assert_eq!(count("é-a"), Some(1));
    assert_eq!(count("\"-a\""), Some(5));
    assert_eq!(count("―a"), Some(5));
    assert_eq!(count(" -a -b -c -d -e"), Some(3125));
    assert_eq!(count(" -a -b -c -d -e -f"), None);
}

#[test]
fn networks_may_have_bits_behind_the_prefix() {
    let shown = |text: &str| network(text).map(|network| network.to_string());
    assert_eq!(shown("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
    assert_eq!(shown("10.1.2.3").as_deref(), Some("10.1.2.3/32"));
    assert_eq!(shown("fe80::1/10").as_deref(), Some("fe80::/10"));
    assert_eq!(shown("::ffff:10.0.0.1/104").as_deref(), Some("::ffff:10.0.0.0/104"));
    assert_eq!(shown("10.0.0.0/8/8"), None);
    assert_eq!(shown("host"), None);
}

proptest! {
    #[test]
    fn base64_in_the_middle_is_found(before in "[a-z]{0,7}", text in "\\PC{2,12}", behind in "[a-z]{0,7}") {
        prop_assume!(text.len() >= 2);
        let all = base64(format!("{before}{text}{behind}").as_bytes());
        let offsets = base64_offsets(text.as_bytes());
        prop_assert!(offsets.iter().all(|offset| !offset.is_empty()));
        prop_assert!(all.contains(&offsets[before.len() % 3]), "{} {:?}", all, offsets);
    }

    #[test]
    fn a_pattern_shown_is_read_as_the_same(text in "[ab*?\\\\é]{0,12}") {
        let pattern = Pattern::parse(&text);
        let shown = pattern.clone().into_text_pattern(false).unwrap().to_string();
        prop_assert_eq!(Pattern::parse(&shown), pattern);
    }

    #[test]
    fn utf16_of_text_is_its_code_units(text in "\\PC{0,12}") {
        let plain = Pattern::literal(&text);
        let units: Vec<u16> = text.encode_utf16().collect();
        let bytes = |kind| encoding::utf16(plain.clone(), kind).bytes().unwrap().to_vec();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        prop_assert_eq!(bytes(crate::sigma::modifier::Utf16::Marked), [encoding::MARK, &little].concat());
        prop_assert_eq!(bytes(crate::sigma::modifier::Utf16::Little), little);
        prop_assert_eq!(bytes(crate::sigma::modifier::Utf16::Big), big);
    }
}

//! The fuzzed functions on the seeds, and on bytes that are random: what a fuzzer would find in its first second.

use std::fs;

use proptest::prelude::*;

/// A target's name, which is the folder of its seeds, and the target.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 6] = [
    ("configuration", egret_fuzz::configuration),
    ("layouts", egret_fuzz::layouts),
    ("records", egret_fuzz::records),
    ("rules", egret_fuzz::rules),
    ("states", egret_fuzz::states),
    ("values", egret_fuzz::values),
];

#[test]
fn every_seed_keeps_the_invariants() {
    for (name, target) in TARGETS {
        let folder = egret_testkit::crate_folder().join("seeds").join(name);
        let seeds: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for seed in seeds {
            target(&fs::read(seed).unwrap());
        }
    }
}

/// Bytes of which most parsers get past the first.
fn interesting() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "{\"a\":", "\"time\":\"2024-05-01T10:00:00Z\"", "Records", "[", "]", "}", ",", ":", "\"", "\\", "\n",
            "\r\n", " ", "\t", "=", "- - [01/May/2024:10:00:00 +0000]", "<34>1 ", "May  1 10:00:00 host ", "null",
            "1e400", "$", "${", "title: x\n", "detection:\n  s:\n    CommandLine|contains: ", "  condition: s\n", "- ", "---\n", "|re", "*", "\0", "é", "\u{feff}",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    let head = prop::collection::vec(any::<u8>(), 2);
    (head, prop::collection::vec(piece, 0..40)).prop_map(|(head, pieces)| [head, pieces.concat()].concat())
}

/// Small documents of all kinds, with lists of objects that have names.
fn document() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["null", "true", "1", "1.5", "\"a\"", "\"\"", "[]", "{}"]);
    leaf.prop_map(str::to_owned).prop_recursive(3, 24, 4, |inner| {
        let keys = prop::sample::select(vec!["a", "b", "id", "name", "/", "~"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((keys, inner), 0..4).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn changes_lead_from_any_document_to_any_other(choice: u8, before in document(), after in document()) {
        for ignored in ["", "$.a", "$..id", "$[0]"] {
            egret_fuzz::states(&[&[choice], format!("{ignored}\n{before}\n{after}").as_bytes()].concat());
        }
    }

    #[test]
    fn any_bytes_keep_the_invariants(bytes in interesting()) {
        for (_, target) in TARGETS {
            target(&bytes);
        }
    }
}

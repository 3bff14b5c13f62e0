//! The literals that every match of a regular expression contains: a text without any of them is not looked at.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::fold::fold;

/// Literals shorter than this are everywhere.
const MIN_BYTES: usize = 3;

/// More alternatives than this are no help.
const MAX_LITERALS: usize = 64;

/// Folded texts of which each match of `regex` contains at least one; `None` if there are none worth looking for.
pub(crate) fn required_literals(regex: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::parse(regex).ok()?;
    let found = required(&hir)?;
    (found.iter().all(|literal| literal.len() >= MIN_BYTES)).then_some(found)
}

fn required(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(_) | HirKind::Class(_) => exact(hir).map(|text| vec![text]),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Repetition(_) => None,
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Concat(parts) => best(parts),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(required(part)?);
            }
            (all.len() <= MAX_LITERALS).then_some(all)
        }
    }
}

/// Of the parts that follow each other, the one with the longest literals. Parts with one text join.
fn best(parts: &[Hir]) -> Option<Vec<String>> {
    let mut candidates = Vec::new();
    let mut run = String::new();
    for part in parts {
        match exact(part) {
            Some(text) => run.push_str(&text),
            None => {
                candidates.push(vec![std::mem::take(&mut run)]);
                candidates.extend(required(part));
            }
        }
    }
    candidates.push(vec![run]);
    let shortest = |literals: &Vec<String>| literals.iter().map(String::len).min().unwrap_or(0);
    candidates.into_iter().max_by_key(shortest).filter(|literals| shortest(literals) > 0)
}

/// The folded text that this part always matches, if it is always the same.
fn exact(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(fold),
        HirKind::Capture(capture) => exact(&capture.sub),
        HirKind::Class(Class::Unicode(class)) => {
            let mut folded = None;
            for range in class.ranges() {
                if range.len() > 4 {
                    return None;
                }
                for c in range.start()..=range.end() {
                    let text = fold(c.encode_utf8(&mut [0; 4]));
                    if *folded.get_or_insert_with(|| text.clone()) != text {
                        return None;
                    }
                }
            }
            folded
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_where_every_match_has_them() {
        let cases: [(&str, Option<&[&str]>); 12] = [
            ("powershell", Some(&["powershell"])),
            ("(?i)download.*file", Some(&["download"])),
            (r"\d+\.exe$", Some(&[".exe"])),
            ("(cmd|Powershell) -c", Some(&[" -c"])),
            ("(command|PowerShell)x", Some(&["command", "powershell"])),
            ("a+b", None),
            ("(abc)?", None),
            ("(abc)+", Some(&["abc"])),
            (".*", None),
            ("abc|", None),
            (r"\\system32\\[^\\]+\.dll", Some(&[r"\system32\"])),
            ("(", None),
        ];
        for (regex, expected) in cases {
            let found = required_literals(regex);
            assert_eq!(
                found.as_deref(),
                expected.map(|all| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).as_deref(),
                "{regex}"
            );
        }
    }
}

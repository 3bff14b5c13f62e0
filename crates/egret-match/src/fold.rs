//! Case folding: one definition for rules and for values.

/// `text` in lower case, character by character, so that a part of a text folds to a part of the folded text.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

/// As [`fold`], into memory that is used again.
pub(crate) fn fold_into(text: &str, folded: &mut String) {
    folded.clear();
    let mut rest = text;
    // Nearly all is ASCII, also in texts that are not: whole runs of it are folded at once.
    while let Some(end) = rest.bytes().position(|byte| !byte.is_ascii()) {
        let (ascii, from) = rest.split_at(end);
        push_ascii(ascii, folded);
        let others = from.find(|c: char| c.is_ascii()).unwrap_or(from.len());
        folded.extend(from[..others].chars().flat_map(char::to_lowercase));
        rest = &from[others..];
    }
    push_ascii(rest, folded);
}

fn push_ascii(text: &str, folded: &mut String) {
    let start = folded.len();
    folded.push_str(text);
    folded[start..].make_ascii_lowercase();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_folds_to_a_part() {
        // The standard library's lower case of a final sigma depends on what is around it.
        assert!(fold("ΟΔΥΣΣΕΥΣ.EXE").contains(&fold("ΟΔΥΣΣΕΥΣ")));
        assert_eq!(fold("Straße\\ÄÖÜ"), "straße\\äöü");
    }
}

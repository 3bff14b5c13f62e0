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
    if text.is_ascii() {
        folded.push_str(text);
        folded.make_ascii_lowercase();
    } else {
        folded.extend(text.chars().flat_map(char::to_lowercase));
    }
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

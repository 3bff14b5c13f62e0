//! Checks of Rust files: the head, the size, who prints.

use crate::workspace::TextFile;

/// Above so many lines a file gets a warning.
const LARGE: usize = 500;

/// Above so many lines a file is refused.
const TOO_LARGE: usize = 700;

/// Above so many lines a file of tests is refused.
const TOO_LARGE_FOR_TESTS: usize = 1000;

/// Where printing is the job.
const PRINTERS: [&str; 2] = ["crates/egret/", "xtask/"];

/// What prints. `io::stdout()` is here as well, since it gets past the compiler's lints.
const PRINTING: [&str; 7] =
    ["println!", "print!", "eprintln!", "eprint!", "dbg!", "io::stdout()", "io::stderr()"];

/// Whether line 1 says what the file owns.
pub fn missing_head(file: &TextFile) -> Option<String> {
    let head = file.text.lines().next().unwrap_or_default();
    let says = head.strip_prefix("//!").is_some_and(|rest| !rest.trim().is_empty());
    (!says).then(|| format!("{}:1: line 1 is `//!` and says what the file owns", file.path))
}

/// How a file's length is judged.
#[derive(Debug, PartialEq, Eq)]
pub enum Size {
    /// Short enough.
    Fine,
    /// Worth a second look.
    Large(String),
    /// To be split.
    TooLarge(String),
}

/// Judges the length of a file.
pub fn size(file: &TextFile) -> Size {
    let lines = file.line_count();
    let limit = if is_test(&file.path) { TOO_LARGE_FOR_TESTS } else { TOO_LARGE };
    if lines > limit {
        return Size::TooLarge(format!("{}: {lines} lines; split it ({limit} at most)", file.path));
    }
    if lines > LARGE && !is_test(&file.path) {
        return Size::Large(format!("{}: {lines} lines; look for the second room in it", file.path));
    }
    Size::Fine
}

/// Printing outside the binary: everything else returns what it has to say.
pub fn printing(file: &TextFile) -> Vec<String> {
    if is_test(&file.path)
        || file.path.contains("/examples/")
        || PRINTERS.iter().any(|folder| file.path.starts_with(folder))
    {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        if line.trim() == "#[cfg(test)]" {
            break;
        }
        if line.trim_start().starts_with("//") {
            continue;
        }
        if let Some(found) = PRINTING.iter().find(|word| names_word(line, word)) {
            complaints.push(format!("{}:{}: `{found}` outside the binary; return it", file.path, index + 1));
        }
    }
    complaints
}

/// Whether a file holds nothing but tests.
fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// Whether `word` stands in `line` and is not the end of a longer name.
fn names_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_1_says_something() {
        assert_eq!(missing_head(&TextFile::new("a.rs", "//! Owns a.\n")), None);
        for text in ["", "\n//! Late.\n", "//!\n", "// Owns a.\n"] {
            assert!(missing_head(&TextFile::new("a.rs", text)).is_some(), "{text:?}");
        }
    }

    #[test]
    fn length_is_judged_by_kind() {
        let lines = |count: usize| "x\n".repeat(count);
        assert_eq!(size(&TextFile::new("src/a.rs", lines(500))), Size::Fine);
        assert!(matches!(size(&TextFile::new("src/a.rs", lines(501))), Size::Large(_)));
        assert!(matches!(size(&TextFile::new("src/a.rs", lines(701))), Size::TooLarge(_)));
        assert_eq!(size(&TextFile::new("src/a/tests.rs", lines(1000))), Size::Fine);
        assert!(matches!(size(&TextFile::new("crates/x/tests/a.rs", lines(1001))), Size::TooLarge(_)));
    }

    #[test]
    fn only_the_binary_prints() {
        let text = "//! A.\nfn f() {\n    println!(\"x\");\n}\n";
        assert_eq!(printing(&TextFile::new("crates/egret/src/a.rs", text)), Vec::<String>::new());
        assert_eq!(printing(&TextFile::new("crates/egret-lake/tests/a.rs", text)), Vec::<String>::new());
        let complaints = printing(&TextFile::new("crates/egret-lake/src/a.rs", text));
        assert_eq!(complaints, ["crates/egret-lake/src/a.rs:3: `println!` outside the binary; return it"]);
    }

    #[test]
    fn comments_tests_and_other_names_do_not_print() {
        let text = "//! A.\n/// As println! does.\nfn f() { pretty_print!(); }\n#[cfg(test)]\nmod tests { dbg!(1); }\n";
        assert_eq!(printing(&TextFile::new("crates/egret-lake/src/a.rs", text)), Vec::<String>::new());
        let text = "//! A.\nfn f() { writeln!(std::io::stdout(), \"x\"); }\n";
        assert_eq!(printing(&TextFile::new("crates/egret-lake/src/a.rs", text)).len(), 1);
    }
}

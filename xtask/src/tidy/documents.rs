//! Checks of documents: lengths, the map of the crates, links.

use std::path::Path;

use crate::workspace::TextFile;

/// How long the documents that everybody reads may be.
const LIMITS: [(&str, usize); 2] = [("README.md", 150), ("ARCHITECTURE.md", 250)];

/// A document that nobody would read to its end.
pub fn too_long(file: &TextFile) -> Option<String> {
    let (_, limit) = LIMITS.iter().find(|(path, _)| *path == file.path)?;
    let lines = file.line_count();
    (lines > *limit)
        .then(|| format!("{}: {lines} lines; {limit} at most, the rest belongs in docs/", file.path))
}

/// Every crate has its heading in ARCHITECTURE.md with at least one invariant, and no other crate has one.
pub fn map_of_crates(files: &[TextFile]) -> Vec<String> {
    let crates: Vec<&str> = files
        .iter()
        .filter_map(|file| file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"))
        .filter(|name| !name.contains('/'))
        .collect();
    let text = files.iter().find(|file| file.path == "ARCHITECTURE.md").map_or("", |file| file.text.as_str());
    let sections = crate_sections(text);
    let mut complaints = Vec::new();
    for name in &crates {
        match sections.iter().find(|(heading, _)| heading == name) {
            None => complaints.push(format!("ARCHITECTURE.md: crate `{name}` has no heading ### `{name}`")),
            Some((_, body)) if !body.contains("Invariant:") => {
                complaints
                    .push(format!("ARCHITECTURE.md: crate `{name}` has no line that begins `Invariant:`"));
            }
            Some(_) => {}
        }
    }
    for (heading, _) in sections.iter().filter(|(heading, _)| !crates.contains(heading)) {
        complaints.push(format!("ARCHITECTURE.md: there is no crate `{heading}`"));
    }
    complaints
}

/// The sections headed by a name in backticks, such as ### `egret-model`.
fn crate_sections(text: &str) -> Vec<(&str, String)> {
    let mut sections: Vec<(&str, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with('#') {
            let name = line.strip_prefix("### `").and_then(|rest| rest.split('`').next());
            let name = name.filter(|name| *name == "egret" || name.starts_with("egret-"));
            inside = name.is_some();
            sections.extend(name.map(|name| (name, String::new())));
        } else if inside && let Some((_, body)) = sections.last_mut() {
            body.push_str(line);
            body.push('\n');
        }
    }
    sections
}

/// Relative links that lead nowhere.
pub fn broken_links(root: &Path, files: &[TextFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.ending() == "md") {
        let folder = root.join(&file.path);
        let folder = folder.parent().unwrap_or(root);
        for (line, target) in relative_links(&file.text) {
            if !folder.join(target).exists() {
                complaints.push(format!("{}:{line}: the link to {target} leads nowhere", file.path));
            }
        }
    }
    complaints
}

/// The targets of `[text](target)` outside code, with their lines. Addresses and anchors are left out.
fn relative_links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let in_backticks = line[..at].matches('`').count() % 2 == 1;
            let Some(target) = line[at + 2..].split([')', ' ']).next() else { continue };
            let path = target.split('#').next().unwrap_or_default();
            if !in_backticks && !path.is_empty() && !path.contains(':') {
                links.push((index + 1, path));
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_end() {
        assert_eq!(too_long(&TextFile::new("README.md", "x\n".repeat(150))), None);
        assert!(too_long(&TextFile::new("README.md", "x\n".repeat(151))).is_some());
        assert_eq!(too_long(&TextFile::new("docs/README.md", "x\n".repeat(151))), None);
    }

    #[test]
    fn the_map_shows_each_crate_and_no_other() {
        let map =
            "## Crates\n### `egret-a`\nInvariant: none.\n### `egret-b`\nWords.\n### `egret-gone`\n## Rest\n";
        let files = [
            TextFile::new("ARCHITECTURE.md", map),
            TextFile::new("crates/egret-a/Cargo.toml", ""),
            TextFile::new("crates/egret-b/Cargo.toml", ""),
            TextFile::new("crates/egret-c/Cargo.toml", ""),
        ];
        let complaints = map_of_crates(&files);
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(complaints[0].contains("`egret-b` has no line that begins `Invariant:`"));
        assert!(complaints[1].contains("`egret-c` has no heading"));
        assert!(complaints[2].contains("no crate `egret-gone`"));
    }

    #[test]
    fn links_lead_somewhere() {
        let text = "[a](here.md) [b](gone.md#part)\n[c](https://example.com) [d](#part)\n`[e](x.md)`\n```\n[f](y.md)\n```\n";
        assert_eq!(relative_links(text), [(1, "here.md"), (1, "gone.md")]);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("here.md"), "").unwrap();
        let complaints = broken_links(folder.path(), &[TextFile::new("README.md", text)]);
        assert_eq!(complaints, ["README.md:1: the link to gone.md leads nowhere"]);
    }
}

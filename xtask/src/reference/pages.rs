//! From what the binary says to pages of the book.

use std::fmt::Write as _;

use serde_json::Value;

use super::binary::Help;

/// A generated page; its path is relative to the folder of generated pages.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it lies.
    pub path: String,
    /// Its title in the table of contents.
    pub title: String,
    /// How deep it stands there.
    pub depth: usize,
    /// What it says.
    pub text: String,
}

/// A kind of thing that the binary describes with `list` and `show`.
#[derive(Debug)]
pub struct Kind {
    /// The command: `table`.
    pub command: &'static str,
    folder: &'static str,
    title: &'static str,
    introduction: &'static str,
    /// The language of its examples, for highlighting.
    example: &'static str,
}

/// Log types.
pub const TABLES: Kind = Kind {
    command: "table",
    folder: "tables",
    title: "Tables",
    introduction: "The log types that Egret knows by itself. `egret table show NAME` prints the same.",
    example: "sql",
};

/// Where bytes come from.
pub const SOURCES: Kind = Kind {
    command: "source",
    folder: "sources",
    title: "Sources",
    introduction: "Where bytes come from. `egret source show NAME` prints the same.",
    example: "hcl",
};

/// How bytes become records.
pub const FORMATS: Kind = Kind {
    command: "format",
    folder: "formats",
    title: "Formats",
    introduction: "How bytes become records. `egret format show NAME` prints the same.",
    example: "hcl",
};

/// Where alerts go.
pub const OUTPUTS: Kind = Kind {
    command: "output",
    folder: "outputs",
    title: "Outputs",
    introduction: "Where alerts go. `egret output show NAME` prints the same.",
    example: "hcl",
};

/// Where states come from.
pub const GENERATORS: Kind = Kind {
    command: "generator",
    folder: "generators",
    title: "Generators",
    introduction: "Where states come from. `egret generator show NAME` prints the same.",
    example: "hcl",
};

/// What is prose: a key of the description, and the heading it gets.
const PROSE: [(&str, &str); 3] =
    [("documents", "Documents"), ("arrives", "What arrives"), ("permissions", "Permissions")];

/// Of these, what a picture shows.
const PICTURED: &str = "arrives";

/// The heading in the table of contents whose part is generated.
const CONTENTS_HEADING: &str = "# Reference";

const GENERATED: &str = "<!-- Written by `cargo xtask gen` from what `egret` says of itself. -->\n";

/// One page with the help of every command.
pub fn commands(helps: &[Help]) -> Page {
    let mut text = format!("# Commands\n\n{GENERATED}");
    for help in helps {
        let level = "#".repeat(help.words.len().min(3) + 1);
        let _ = write!(text, "\n{level} `{}`\n\n```text\n{}```\n", help.words.join(" "), help.text);
    }
    Page { path: "commands.md".to_owned(), title: "Commands".to_owned(), depth: 0, text }
}

/// The page that lists all things of a kind.
pub fn index(kind: &Kind, described: &[Value]) -> Page {
    let mut text =
        format!("# {}\n\n{GENERATED}\n{}\n\n| name | |\n| --- | --- |\n", kind.title, kind.introduction);
    for value in described {
        let name = field(value, "name");
        let _ = writeln!(
            text,
            "| [`{name}`]({}/{name}.md) | {} |",
            kind.folder,
            cell(&field(value, "description"))
        );
    }
    Page { path: format!("{}.md", kind.folder), title: kind.title.to_owned(), depth: 0, text }
}

/// Where the picture of a thing lies below the book's sources, if there is one.
pub fn picture(kind: &Kind, value: &Value) -> String {
    format!("images/{}/{}.png", kind.folder, field(value, "name"))
}

/// The page of one thing: description, facts, lists of columns or arguments as tables, example, and what is prose, with
/// the picture of what arrives.
pub fn one(kind: &Kind, value: &Value, has_picture: bool) -> Page {
    let name = field(value, "name");
    let mut text = format!("# `{name}`\n\n{GENERATED}\n{}\n", field(value, "description"));
    let mut facts = String::new();
    let mut lists = String::new();
    for (key, content) in value.as_object().into_iter().flatten() {
        match content {
            _ if matches!(key.as_str(), "name" | "description" | "example" | "examples") => {}
            _ if PROSE.iter().any(|(prose, _)| prose == key) => {}
            Value::Null => {}
            Value::Array(rows) if rows.is_empty() => {}
            Value::Array(rows) if rows.iter().all(Value::is_object) => {
                let _ = write!(lists, "\n## {}\n\n{}", heading(key), markdown_table(rows));
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| format!("`{}`", plain(item))).collect();
                let _ = writeln!(facts, "- {}: {}", heading(key), items.join(", "));
            }
            content => {
                let _ = writeln!(facts, "- {}: `{}`", heading(key), plain(content));
            }
        }
    }
    if !facts.is_empty() {
        let _ = write!(text, "\n{facts}");
    }
    text.push_str(&lists);
    let examples = examples(value);
    if !examples.is_empty() {
        text.push_str("\n## Example\n");
    }
    for example in examples {
        let _ = write!(text, "\n```{}\n{}\n```\n", kind.example, example.trim_end());
    }
    for (key, title) in PROSE {
        let prose = field(value, key);
        if !prose.is_empty() {
            let _ = write!(text, "\n## {title}\n\n");
            if key == PICTURED && has_picture {
                let _ = write!(text, "![An alert as {name} shows it](../../{})\n\n", picture(kind, value));
            }
            let _ = writeln!(text, "{prose}");
        }
    }
    Page { path: format!("{}/{name}.md", kind.folder), title: format!("`{name}`"), depth: 1, text }
}

/// The table of contents with its generated part made anew.
///
/// # Errors
/// If it has no such part.
pub fn with_contents(summary: &str, pages: &[Page]) -> Result<String, String> {
    let mut lines: Vec<String> = Vec::new();
    let mut inside = false;
    let mut found = false;
    for line in summary.lines() {
        if line == CONTENTS_HEADING {
            (inside, found) = (true, true);
            lines.push(format!("{line}\n"));
            lines.extend(pages.iter().map(|page| {
                format!("{}- [{}](reference/{})", "  ".repeat(page.depth), page.title, page.path)
            }));
            lines.push(String::new());
        } else {
            inside = inside && !line.starts_with("# ");
            if !inside {
                lines.push(line.to_owned());
            }
        }
    }
    if !found {
        return Err(format!("the book's SUMMARY.md has no line `{CONTENTS_HEADING}`"));
    }
    Ok(lines.join("\n").trim_end().to_owned() + "\n")
}

/// Rows as a table; its columns are the keys in the order in which they first appear.
fn markdown_table(rows: &[Value]) -> String {
    let mut keys: Vec<&str> = Vec::new();
    for key in rows.iter().filter_map(Value::as_object).flat_map(|row| row.keys()) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    let headings: Vec<String> = keys.iter().map(|key| heading(key).to_lowercase()).collect();
    let mut text = format!("| {} |\n|{}\n", headings.join(" | "), " --- |".repeat(keys.len()));
    for row in rows {
        let cells: Vec<String> = keys
            .iter()
            .map(|key| match (field(row, key), *key) {
                (content, "description") => cell(&content),
                (content, _) if content.is_empty() => String::new(),
                (content, _) => format!("`{}`", cell(&content)),
            })
            .collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn examples(value: &Value) -> Vec<String> {
    let found = value.get("examples").or_else(|| value.get("example"));
    match found {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(examples)) => examples.iter().map(plain).collect(),
        Some(example) => vec![plain(example)],
    }
}

fn field(value: &Value, key: &str) -> String {
    value.get(key).map(plain).unwrap_or_default()
}

/// A value as people write it: text without quotes, nothing for null.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `source_name` → `Source name`.
fn heading(key: &str) -> String {
    let words = key.replace('_', " ");
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().collect::<String>() + characters.as_str(),
        None => String::new(),
    }
}

/// Text that fits into one cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_becomes_a_page() {
        let page = one(
            &TABLES,
            &json!({
                "name": "web_log",
                "description": "What a web server served.",
                "channel": "web.access",
                "columns": [
                    {"name": "status", "type": "integer", "description": "200 | 404"},
                    {"name": "path", "type": "varchar", "description": null},
                ],
                "example": "select 1\n",
            }),
            false,
        );
        assert_eq!((page.path.as_str(), page.depth), ("tables/web_log.md", 1));
        let body = page.text.replace(GENERATED, "");
        let expected = "# `web_log`\n\n\nWhat a web server served.\n\n- Channel: `web.access`\n\n## Columns\n\n\
            | name | type | description |\n| --- | --- | --- |\n| `status` | `integer` | 200 \\| 404 |\n\
            | `path` | `varchar` |  |\n\n## Example\n\n```sql\nselect 1\n```\n";
        assert_eq!(body, expected);
    }

    #[test]
    fn what_arrives_is_shown_where_there_is_a_picture() {
        let value = json!({"name": "post", "description": "Letters.", "arrives": "A letter.", "permissions": "A stamp."});
        assert_eq!(picture(&OUTPUTS, &value), "images/outputs/post.png");
        let shown = one(&OUTPUTS, &value, true).text;
        let expected = "\n## What arrives\n\n![An alert as post shows it](../../images/outputs/post.png)\n\nA letter.\n\n\
            ## Permissions\n\nA stamp.\n";
        assert!(shown.ends_with(expected), "{shown}");
        let plain = one(&OUTPUTS, &value, false).text;
        assert!(plain.ends_with("\n## What arrives\n\nA letter.\n\n## Permissions\n\nA stamp.\n"), "{plain}");
    }

    #[test]
    fn an_index_links_to_its_pages() {
        let page = index(&SOURCES, &[json!({"name": "file", "description": "Files\nand folders."})]);
        assert!(page.text.ends_with("| [`file`](sources/file.md) | Files and folders. |\n"), "{}", page.text);
    }

    #[test]
    fn commands_have_headings_by_depth() {
        let help = |words: &[&str]| Help {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            text: "Usage\n".to_owned(),
        };
        let text = commands(&[help(&["egret"]), help(&["egret", "table", "list"])]).text;
        assert!(text.contains("\n## `egret`\n\n```text\nUsage\n```\n"), "{text}");
        assert!(text.contains("\n#### `egret table list`\n"), "{text}");
    }

    #[test]
    fn only_the_reference_part_of_the_contents_changes() {
        let page = |path: &str, depth: usize| Page {
            path: path.to_owned(),
            title: path.to_owned(),
            depth,
            text: String::new(),
        };
        let before = "# Summary\n\n# Guides\n\n- [A](a.md)\n\n# Reference\n\n- [old](old.md)\n\n# Internals\n\n- [B](b.md)\n";
        let after = with_contents(before, &[page("tables.md", 0), page("tables/t.md", 1)]).unwrap();
        let expected = "# Summary\n\n# Guides\n\n- [A](a.md)\n\n# Reference\n\n- [tables.md](reference/tables.md)\n  \
            - [tables/t.md](reference/tables/t.md)\n\n# Internals\n\n- [B](b.md)\n";
        assert_eq!(after, expected);
        assert_eq!(with_contents(&after, &[page("tables.md", 0), page("tables/t.md", 1)]).unwrap(), expected);
        assert!(with_contents("# Summary\n", &[]).is_err());
    }
}

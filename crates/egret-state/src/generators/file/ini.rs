//! INI, of which no two programs have the same idea: what all of them agree on, line by line.

use serde_json::{Map, Value as Json, json};

/// The sections of a text, in their order. One that comes twice is two, and what stands before the first is one without a
/// name.
pub(super) fn read(text: &str) -> Vec<Json> {
    let mut sections = Vec::new();
    let (mut name, mut values) = (String::new(), Map::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim().to_owned();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(next) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(next, _)| next)
        {
            end(
                &mut sections,
                std::mem::replace(&mut name, next.trim().to_owned()),
                std::mem::take(&mut values),
            );
            continue;
        }
        // A backslash at the end of a line goes on with the next.
        while let Some(before) = line.strip_suffix('\\') {
            let Some(after) = lines.next() else { break };
            line = format!("{} {}", before.trim_end(), after.trim());
        }
        let (key, value) = match line.find(['=', ':']) {
            Some(at) => (line[..at].trim(), Json::from(unquoted(line[at + 1..].trim()))),
            None => (line.as_str(), Json::Null),
        };
        match values.get_mut(key) {
            None => {
                values.insert(key.to_owned(), value);
            }
            Some(Json::Array(all)) => all.push(value),
            Some(first) => *first = json!([first, value]),
        }
    }
    end(&mut sections, name, values);
    sections
}

fn end(sections: &mut Vec<Json>, name: String, values: Map<String, Json>) {
    if !name.is_empty() || !values.is_empty() {
        sections.push(json!({"name": name, "values": values}));
    }
}

fn unquoted(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote).and_then(|value: &str| value.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_values() {
        let text = "# comment\n; too\ntop = 1\n[ mysqld ]\n  skip-networking\nport = 3306\nbind: \"a = b\"\nempty=\n\
            [Peer]\nAllowed = 10.0.0.1\nAllowed = 10.0.0.2\nAllowed = '10.0.0.3'\n[Peer]\nExec = a \\\n   b \\\n  c\n= x\n[odd\n[]\n";
        assert_eq!(
            Json::from(read(text)),
            json!([
                {"name": "", "values": {"top": "1"}},
                {"name": "mysqld", "values": {"skip-networking": null, "port": "3306", "bind": "a = b", "empty": ""}},
                {"name": "Peer", "values": {"Allowed": ["10.0.0.1", "10.0.0.2", "10.0.0.3"]}},
                {"name": "Peer", "values": {"Exec": "a b c", "": "x", "[odd": null}},
            ])
        );
        assert_eq!(read(""), [Json::Null; 0]);
        assert_eq!(read("a = \"\na = \\"), [json!({"name": "", "values": {"a": ["\"", "\\"]}})]);
    }
}

//! The `extra` object of a row, written while its record is read.

/// Collects what no column takes, under the vendor's names and nesting.
#[derive(Debug, Default)]
pub(crate) struct ExtraWriter {
    text: String,
    /// The names of the objects that are open in the record, each with whether it is written already.
    path: Vec<(String, bool)>,
    depth: usize,
}

impl ExtraWriter {
    /// Begins a row.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.depth = 0;
    }

    /// The record's reading has come into the object `name`.
    pub(crate) fn enter(&mut self, name: &str) {
        if self.path.len() == self.depth {
            self.path.push((String::new(), false));
        }
        let slot = &mut self.path[self.depth];
        slot.0.clear();
        slot.0.push_str(name);
        slot.1 = false;
        self.depth += 1;
    }

    /// The record's reading has left the innermost object.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
        if self.path[self.depth].1 {
            self.text.push('}');
        }
    }

    /// Keeps `json`, a JSON value, as it stands.
    pub(crate) fn put_json(&mut self, name: &str, json: &str) {
        if self.text.is_empty() {
            self.text.push('{');
        }
        for (object, written) in &mut self.path[..self.depth] {
            if !*written {
                write_name(&mut self.text, object);
                self.text.push('{');
                *written = true;
            }
        }
        write_name(&mut self.text, name);
        self.text.push_str(json);
    }

    /// Keeps `text` as a JSON string.
    pub(crate) fn put_text(&mut self, name: &str, text: &str) {
        let mut json = String::with_capacity(text.len() + 2);
        write_string(&mut json, text);
        self.put_json(name, &json);
    }

    /// The whole object, or `None` if there is nothing in it. Ends the row.
    pub(crate) fn finish(&mut self) -> Option<&str> {
        if self.text.is_empty() {
            return None;
        }
        self.text.push('}');
        Some(&self.text)
    }
}

fn write_name(text: &mut String, name: &str) {
    if !text.ends_with('{') {
        text.push(',');
    }
    write_string(text, name);
    text.push(':');
}

/// Writes `value` as a JSON string.
pub(crate) fn write_string(text: &mut String, value: &str) {
    text.push('"');
    let mut plain_from = 0;
    for (at, byte) in value.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        text.push_str(&value[plain_from..at]);
        plain_from = at + 1;
        if escape.is_empty() {
            text.push_str(&format!("\\u{byte:04x}"));
        } else {
            text.push_str(escape);
        }
    }
    text.push_str(&value[plain_from..]);
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_objects_only_when_something_is_in_them() {
        let mut extra = ExtraWriter::default();
        extra.clear();
        extra.put_json("a", "null");
        extra.enter("empty");
        extra.leave();
        extra.enter("user");
        extra.enter("context");
        extra.put_text("q\"", "x\n\u{1}");
        extra.leave();
        extra.put_json("n", "[1]");
        extra.leave();
        extra.put_json("z", "1");
        assert_eq!(
            extra.finish(),
            Some(r#"{"a":null,"user":{"context":{"q\"":"x\n\u0001"},"n":[1]},"z":1}"#)
        );
        extra.clear();
        assert_eq!(extra.finish(), None);
    }
}

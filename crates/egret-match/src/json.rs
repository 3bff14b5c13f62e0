//! Fields inside JSON that a column holds as text: `extra`, and columns for whole objects.

use std::collections::HashMap;

use jiter::{Jiter, JiterError, Peek};

use crate::cell::Cell;

/// A step of a path that is any name, where no other is meant.
const ANY_NAME: &str = "*";

/// Which members of a JSON object are fields that rules look at.
#[derive(Debug, Default)]
pub(crate) struct Members {
    by_name: HashMap<Box<str>, Self>,
    /// The fields that this value is.
    fields: Vec<usize>,
}

impl Members {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty() && self.fields.is_empty()
    }

    /// Adds the field number `field` at `path`. A flat record may have the whole path as one name.
    pub(crate) fn add(&mut self, path: &[String], field: usize) {
        let mut node = &mut *self;
        for name in path {
            node = node.by_name.entry(name.as_str().into()).or_default();
        }
        node.fields.push(field);
        if path.len() > 1 {
            self.by_name.entry(path.join(".").into()).or_default().fields.push(field);
        }
    }

    /// Calls `found` for each of these fields that the JSON value `json` has. One inside a list is found once for each
    /// element. What is no JSON has none.
    pub(crate) fn find<'j>(&self, json: &'j str, found: &mut dyn FnMut(usize, Cell<'j>)) {
        for field in &self.fields {
            found(*field, Cell::from_json(json));
        }
        if !self.by_name.is_empty() {
            // Whoever wrote the column has checked it: where reading fails there is nothing more to find.
            let _ = self.find_inside(json, found);
        }
    }

    fn find_inside<'j>(
        &self,
        text: &'j str,
        found: &mut dyn FnMut(usize, Cell<'j>),
    ) -> Result<(), JiterError> {
        let mut json = Jiter::new(text.as_bytes());
        match json.peek()? {
            Peek::Object => {
                let mut name = json.next_object()?;
                while let Some(key) = name {
                    let member = self.member(key);
                    let value = skip_value(&mut json, text)?;
                    if let Some(member) = member {
                        member.find(value, found);
                    }
                    name = json.next_key()?;
                }
            }
            Peek::Array => {
                let mut element = json.next_array()?;
                while element.is_some() {
                    self.find_inside(skip_value(&mut json, text)?, found)?;
                    element = json.array_step()?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn member(&self, key: &str) -> Option<&Self> {
        if let Some(member) = self.by_name.get(key) {
            return Some(member);
        }
        // Spaces in names do not count.
        let has_space = key.bytes().any(|byte| byte == b' ');
        let known = if has_space { self.by_name.get(key.replace(' ', "").as_str()) } else { None };
        known.or_else(|| self.by_name.get(ANY_NAME))
    }
}

/// Reads over the next value of `json`, which reads `text`, and gives it as it is written.
fn skip_value<'j>(json: &mut Jiter<'_>, text: &'j str) -> Result<&'j str, JiterError> {
    let peek = json.peek()?;
    let start = json.current_index();
    json.known_skip(peek)?;
    Ok(text.get(start..json.current_index()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(paths: &[&str], json: &str) -> Vec<(usize, String)> {
        let mut members = Members::default();
        for (field, path) in paths.iter().enumerate() {
            members.add(&path.split('.').map(str::to_owned).collect::<Vec<_>>(), field);
        }
        let mut found = Vec::new();
        members.find(json, &mut |field, cell| found.push((field, format!("{cell:?}"))));
        found
    }

    #[test]
    fn members_are_found_at_their_paths() {
        let json = r#"{"a":{"b":"x\ty","c":null},"d":[{"e":1},{"e":true},{}],"Threat Name":"n","a.b":"flat","skip":[1]}"#;
        let found = find(&["a.b", "a.c", "d.e", "ThreatName", "d", "none"], json);
        let expected = [
            (0, r#"Text("x\ty")"#),
            (1, "Null"),
            (4, r#"Nested("[{\"e\":1},{\"e\":true},{}]")"#),
            (2, r#"Text("1")"#),
            (2, r#"Text("true")"#),
            (3, r#"Text("n")"#),
            (0, r#"Text("flat")"#),
        ];
        assert_eq!(found, expected.map(|(field, cell)| (field, cell.to_owned())));
    }

    #[test]
    fn a_star_is_any_name() {
        let json = r#"{"UserData":{"EventXML":{"Param1":"a"},"Param1":"b"}}"#;
        assert_eq!(find(&["UserData.*.Param1"], json), [(0, r#"Text("a")"#.to_owned())]);
    }

    #[test]
    fn what_is_no_json_has_no_members() {
        assert_eq!(find(&["a"], "not json"), []);
        assert_eq!(find(&["a"], r#"{"a":1,"#), [(0, r#"Text("1")"#.to_owned())]);
        assert_eq!(find(&["a"], "7"), []);
        assert_eq!(find(&["a"], ""), []);
    }
}

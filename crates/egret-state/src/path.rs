//! Where in a document something is: for machines as RFC 6901 says, and for people with names in place of numbers.

use std::fmt::Write as _;

use serde_json::Value as Json;

/// One step down into a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The member of an object.
    Member(String),
    /// The item of a list.
    Item {
        /// Where it stands.
        index: usize,
        /// The field and value that tell it from the others, where there is one.
        identity: Option<(String, Json)>,
    },
}

/// The way from a document down to a place in it. The empty one is the document itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Path(Vec<Step>);

impl Path {
    /// The way to a member of this place.
    #[must_use]
    pub fn member(&self, name: &str) -> Self {
        self.with(Step::Member(name.to_owned()))
    }

    /// The way to an item of this place.
    #[must_use]
    pub fn item(&self, index: usize, identity: Option<(String, Json)>) -> Self {
        self.with(Step::Item { index, identity })
    }

    /// The steps, from the document down.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// As RFC 6901 writes it: `/rules/3/port`.
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.0 {
            pointer.push('/');
            match step {
                Step::Member(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
                Step::Item { index, .. } => {
                    let _ = write!(pointer, "{index}");
                }
            }
        }
        pointer
    }

    /// As people read it: `rules[name=ssh].port`.
    pub fn readable(&self) -> String {
        let mut text = String::new();
        for step in &self.0 {
            match step {
                Step::Member(name) if is_plain(name) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(name);
                }
                Step::Member(name) => {
                    let _ = write!(text, "[{}]", Json::from(name.as_str()));
                }
                Step::Item { identity: Some((field, value)), .. } => {
                    let _ = write!(text, "[{field}={}]", plain(value));
                }
                Step::Item { index, identity: None } => {
                    let _ = write!(text, "[{index}]");
                }
            }
        }
        text
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = Vec::with_capacity(self.0.len() + 1);
        steps.extend_from_slice(&self.0);
        steps.push(step);
        Self(steps)
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || "_-:@".contains(letter))
}

/// A scalar without quotes.
pub(crate) fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_for_machines_and_for_people() {
        let path = Path::default()
            .member("rules")
            .item(3, Some(("name".to_owned(), Json::from("ssh"))))
            .member("a/b~c")
            .item(0, None);
        assert_eq!(path.pointer(), "/rules/3/a~1b~0c/0");
        assert_eq!(path.readable(), r#"rules[name=ssh]["a/b~c"][0]"#);
        assert_eq!((Path::default().pointer(), Path::default().readable()), (String::new(), String::new()));
    }

    #[test]
    fn pointers_lead_there() {
        let document = serde_json::json!({"a/b": [{"~": 7}]});
        let path = Path::default().member("a/b").item(0, None).member("~");
        assert_eq!(document.pointer(&path.pointer()), Some(&Json::from(7)));
    }
}

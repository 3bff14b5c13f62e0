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

    /// The way that is one step.
    pub(crate) fn of_step(step: &Step) -> Self {
        Self::from_steps(std::slice::from_ref(step))
    }

    pub(crate) fn from_steps(steps: &[Step]) -> Self {
        Self(steps.to_vec())
    }

    /// What [`Self::pointer`] and [`Self::readable`] gave. The pointer says how many steps there are, the text what kind they
    /// are of; where it does not, numbers are items. `None` if `pointer` is none.
    pub(crate) fn parse(pointer: &str, readable: &str) -> Option<Self> {
        if pointer.is_empty() {
            return Some(Self::default());
        }
        let names = pointer.strip_prefix('/')?.split('/');
        let names: Vec<String> = names.map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
        let plain = |name: &String| match name.parse() {
            Ok(index) => Step::Item { index, identity: None },
            Err(_) => Step::Member(name.clone()),
        };
        let steps = read_steps(&names, readable).unwrap_or_else(|| names.iter().map(plain).collect());
        Some(Self(steps))
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
                Step::Member(name) => text.push_str(&readable_member(name, text.is_empty())),
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

fn readable_member(name: &str, is_first: bool) -> String {
    match is_plain(name) {
        true if is_first => name.to_owned(),
        true => format!(".{name}"),
        false => format!("[{}]", Json::from(name)),
    }
}

/// The steps of a readable path, when it is known what each is called in the pointer.
fn read_steps(names: &[String], readable: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::with_capacity(names.len());
    let mut rest = readable;
    for name in names {
        let step = match rest.strip_prefix(&readable_member(name, steps.is_empty())) {
            Some(after) if is_step_end(after) => {
                rest = after;
                Step::Member(name.clone())
            }
            _ => {
                let (identity, after) = read_item(rest, name)?;
                rest = after;
                Step::Item { index: name.parse().ok()?, identity }
            }
        };
        steps.push(step);
    }
    rest.is_empty().then_some(steps)
}

/// The identity of an item, if it has one, and what follows: `[3]`, `[name=ssh]`.
fn read_item<'a>(text: &'a str, index: &str) -> Option<(Option<(String, Json)>, &'a str)> {
    let text = text.strip_prefix('[')?;
    if let Some(after) = text.strip_prefix(index).and_then(|after| after.strip_prefix(']')) {
        return Some((None, after));
    }
    let (field, value) = text.split_once('=')?;
    let (end, _) = value.match_indices(']').find(|(end, _)| is_step_end(&value[end + 1..]))?;
    Some((Some((field.to_owned(), Json::from(&value[..end]))), &value[end + 1..]))
}

fn is_step_end(after: &str) -> bool {
    after.is_empty() || after.starts_with(['.', '['])
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
    fn read_as_it_was_written() {
        let read = |pointer: &str, readable: &str| {
            let path = Path::parse(pointer, readable).unwrap();
            (path.pointer(), path.readable())
        };
        for (pointer, readable) in [
            ("", ""),
            ("/mfa", "mfa"),
            ("/rules/3/a~1b~0c/0", r#"rules[name=ssh]["a/b~c"][0]"#),
            ("/0/3/7", "[id=a]]b].3[7]"),
            ("/a.b//x", r#"["a.b"][""].x"#),
            ("/list/1/n", "list[id=tcp/0.0.0.0/22].n"),
        ] {
            assert_eq!(read(pointer, readable), (pointer.to_owned(), readable.to_owned()));
        }
        // Where a value looks like the end of a step, places go without names.
        assert_eq!(read("/a/2/n", "a[id=x].y].n").1, "a[2].n");
        assert_eq!(read("/a/2", "").1, "a[2]");
        assert_eq!(Path::parse("a", "a"), None);
    }

    #[test]
    fn pointers_lead_there() {
        let document = serde_json::json!({"a/b": [{"~": 7}]});
        let path = Path::default().member("a/b").item(0, None).member("~");
        assert_eq!(document.pointer(&path.pointer()), Some(&Json::from(7)));
    }
}

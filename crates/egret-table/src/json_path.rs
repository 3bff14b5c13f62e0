//! Paths into JSON text: every string at `[*].ARN`, without building the document.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Names with dots between them, and `[*]` for each element of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Each,
}

impl JsonPath {
    /// Reads a path; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        for (index, part) in text.split('.').enumerate() {
            let name = part.trim_end_matches("[*]");
            if part.is_empty() || name.contains(['[', ']', '*']) || (name.is_empty() && index > 0) {
                return None;
            }
            if !name.is_empty() {
                steps.push(Step::Field(name.to_owned()));
            }
            steps.extend(std::iter::repeat_n(Step::Each, (part.len() - name.len()) / "[*]".len()));
        }
        Some(Self(steps))
    }

    /// Calls `found` with every string at this path in `json`. Text that is no JSON has none from there on.
    pub(crate) fn strings(&self, json: &str, mut found: impl FnMut(&str)) {
        let walk = Walk { steps: &self.0, found: &mut found };
        let _ = walk.deserialize(&mut serde_json::Deserializer::from_str(json));
    }
}

struct Walk<'a> {
    steps: &'a [Step],
    found: &'a mut dyn FnMut(&str),
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.steps.is_empty() {
            (self.found)(text);
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        match self.steps.split_first() {
            Some((Step::Each, rest)) => {
                while items.next_element_seed(Walk { steps: rest, found: self.found })?.is_some() {}
            }
            _ => while items.next_element::<IgnoredAny>()?.is_some() {},
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Some((Step::Field(name), rest)) = self.steps.split_first() else {
            while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        while let Some(field) = fields.next_key::<std::borrow::Cow<'_, str>>()? {
            if field == name.as_str() {
                fields.next_value_seed(Walk { steps: rest, found: self.found })?;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_strings_at_a_path() {
        for (path, json, expected) in [
            ("[*].ARN", r#"[{"ARN":"a","x":{"ARN":"no"}},{"ARN":1},{"ARN":"b\"c"},7]"#, vec!["a", "b\"c"]),
            ("a.b[*].c", r#"{"z":[{"c":"no"}],"a":{"b":[{"c":"1"},{"c":"2"}],"c":"no"}}"#, vec!["1", "2"]),
            ("a[*]", r#"{"a":["x",["no"],null,true,1.5,-1]}"#, vec!["x"]),
            ("a", r#"{"a":{"b":"no"}}"#, vec![]),
            ("a", r#"["a"]"#, vec![]),
            ("[*]", r#"["kept", oops"#, vec!["kept"]),
            ("a", "", vec![]),
        ] {
            let mut found = Vec::new();
            JsonPath::parse(path).unwrap().strings(json, |text| found.push(text.to_owned()));
            assert_eq!(found, expected, "{path} {json}");
        }
    }

    #[test]
    fn refuses_what_is_no_path() {
        for path in ["", "a..b", "a.[*]", "a[0]", "*", ".a"] {
            assert_eq!(JsonPath::parse(path), None, "{path}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(100_000);
        JsonPath::parse("[*][*]").unwrap().strings(&deep, |_| panic!("there is no string"));
    }
}

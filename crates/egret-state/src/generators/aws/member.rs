//! What answers of AWS have, as its command line writes it: names and types of members. Answers in XML tell neither
//! numbers from texts nor an empty list from nothing, so somebody has to know.

use egret_model::Timestamp;
use serde_json::{Map, Number, Value as Json};

use super::xml::Element;

const SECOND_MICROS: i64 = 1_000_000;

/// A member of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Member {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// An instant, in whole seconds: in XML a text, in JSON seconds since 1970.
    Time,
    /// A policy: JSON, perhaps encoded as in a URL.
    Policy,
    /// A list of `Key` and `Value`, as a map.
    Tags,
    /// A list: everything in the element is an item of it.
    List(&'static Member),
    /// A list without an element of its own: it is repeated.
    Repeated(&'static Member),
    /// Members with names. A name is as the command line writes it, with what the answer calls it after a `=` if that is
    /// more than another case of the first letter.
    Structure(&'static [(&'static str, Member)]),
}

impl Member {
    /// What an element of an answer says. Lists are there even when they are empty, everything else only if it is said.
    pub(crate) fn read(&self, element: &Element) -> Json {
        match self {
            Self::Text => Json::from(element.text.as_str()),
            Self::Number => number(&element.text),
            Self::Flag => flag(&element.text),
            Self::Time => time(&element.text),
            Self::Policy => policy(&element.text),
            Self::Tags => tags(element.children.iter().map(|tag| {
                let either = |one: &str, other: &str| {
                    let found = tag.child(one).or_else(|| tag.child(other));
                    found.map_or_else(String::new, |found| found.text.clone())
                };
                (either("Key", "key"), either("Value", "value"))
            })),
            Self::List(item) | Self::Repeated(item) => {
                Json::Array(element.children.iter().map(|child| item.read(child)).collect())
            }
            Self::Structure(members) => {
                let mut object = Map::new();
                for (names, member) in *members {
                    let (name, called) = names.split_once('=').unwrap_or((names, names));
                    if let Some(value) = member.of(element, called) {
                        object.insert(name.to_owned(), value);
                    }
                }
                Json::Object(object)
            }
        }
    }

    /// The member as `parent` has it, under a name.
    fn of(&self, parent: &Element, called: &str) -> Option<Json> {
        let is_it = |name: &str| name == called || lower_first(called).is_some_and(|lower| name == lower);
        if let Self::Repeated(item) = self {
            let items = parent.children.iter().filter(|child| is_it(&child.name));
            return Some(Json::Array(items.map(|child| item.read(child)).collect()));
        }
        if let Some(child) = parent.children.iter().find(|child| is_it(&child.name)) {
            return Some(self.read(child));
        }
        let attribute = parent.attributes.iter().find(|(name, _)| name == called);
        match (self, attribute) {
            (Self::Text, Some((_, value))) => Some(Json::from(value.as_str())),
            (Self::List(_), _) => Some(Json::Array(Vec::new())),
            (Self::Tags, _) => Some(Json::Object(Map::new())),
            _ => None,
        }
    }

    /// The same of an answer in JSON.
    pub(crate) fn pick(&self, value: &Json) -> Json {
        match (self, value) {
            (Self::Time, Json::Number(seconds)) => {
                let seconds = seconds.as_f64().map(|seconds| seconds.floor() as i64);
                seconds.map_or(Json::Null, |seconds| {
                    Json::from(Timestamp::from_micros(seconds.saturating_mul(SECOND_MICROS)).to_string())
                })
            }
            (Self::Tags, Json::Array(items)) => tags(items.iter().map(|tag| {
                let text = |name: &str| tag[name].as_str().unwrap_or_default().to_owned();
                (text("Key"), text("Value"))
            })),
            (Self::List(item) | Self::Repeated(item), Json::Array(items)) => {
                Json::Array(items.iter().map(|value| item.pick(value)).collect())
            }
            (Self::Structure(members), Json::Object(object)) => {
                let mut picked = Map::new();
                for (name, member) in *members {
                    let value = match (object.get(*name).filter(|value| !value.is_null()), member) {
                        (Some(value), _) => member.pick(value),
                        (None, Self::List(_) | Self::Repeated(_)) => Json::Array(Vec::new()),
                        (None, Self::Tags) => Json::Object(Map::new()),
                        (None, _) => continue,
                    };
                    picked.insert((*name).to_owned(), value);
                }
                Json::Object(picked)
            }
            _ => value.clone(),
        }
    }
}

/// The name as EC2 writes it: `GroupId` is `groupId` there.
fn lower_first(name: &str) -> Option<String> {
    let first = name.chars().next()?;
    Some(first.to_ascii_lowercase().to_string() + &name[first.len_utf8()..])
}

fn number(text: &str) -> Json {
    text.trim().parse::<i64>().map_or_else(|_| Json::from(text), |number| Json::Number(Number::from(number)))
}

fn flag(text: &str) -> Json {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Json::Bool(true),
        text if text.eq_ignore_ascii_case("false") => Json::Bool(false),
        text => Json::from(text),
    }
}

/// In whole seconds: services write fractions of them, or not.
fn time(text: &str) -> Json {
    let Some(time) = Timestamp::parse(text.trim()) else { return Json::from(text) };
    let seconds = time.micros().div_euclid(SECOND_MICROS);
    Json::from(Timestamp::from_micros(seconds.saturating_mul(SECOND_MICROS)).to_string())
}

fn tags(tags: impl Iterator<Item = (String, String)>) -> Json {
    Json::Object(tags.map(|(key, value)| (key, Json::from(value))).collect())
}

/// The JSON of a policy, whose `Statement` is always a list; the text as it is if it is none.
pub(crate) fn policy(text: &str) -> Json {
    let parsed = serde_json::from_str::<Json>(text);
    let Ok(mut policy) = parsed.or_else(|_| serde_json::from_slice::<Json>(&percent_decoded(text))) else {
        return Json::from(text);
    };
    if let Some(statement) = policy.get_mut("Statement").filter(|statement| statement.is_object()) {
        *statement = Json::Array(vec![statement.take()]);
    }
    policy
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const THING: Member = Member::Structure(&[
        ("Id", Member::Text),
        ("Size", Member::Number),
        ("Open", Member::Flag),
        ("Born", Member::Time),
        ("Pairs=groups", Member::List(&Member::Structure(&[("UserId", Member::Text)]))),
        ("Rules=Rule", Member::Repeated(&Member::Text)),
        ("Tags=tagSet", Member::Tags),
        ("Kind=x:kind", Member::Text),
        ("Gone", Member::Text),
        ("Inner", Member::Structure(&[("Names", Member::List(&Member::Text))])),
    ]);

    fn read(text: &str) -> Json {
        THING.read(&Element::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn answers_become_what_the_command_line_writes() {
        let full = read(
            "<t x:kind=\"k\"><id>1</id><size>22</size><open>true</open><born>2024-01-01T00:00:00.789Z</born>\
             <groups><item><userId>7</userId></item></groups><Rule>a</Rule><Rule>b</Rule>\
             <tagSet><item><key>true</key><value>1</value></item></tagSet><inner><names/></inner><more>x</more></t>",
        );
        assert_eq!(
            full,
            json!({
                "Id": "1", "Size": 22, "Open": true, "Born": "2024-01-01T00:00:00Z", "Pairs": [{"UserId": "7"}],
                "Rules": ["a", "b"], "Tags": {"true": "1"}, "Kind": "k", "Inner": {"Names": []},
            })
        );
        assert_eq!(read("<t/>"), json!({"Pairs": [], "Rules": [], "Tags": {}}));
    }

    #[test]
    fn the_same_of_json() {
        let value = json!({
            "Id": "1", "Size": 22, "Born": 1_704_067_200.9, "Tags": [{"Key": "a"}], "Gone": null, "More": 1,
        });
        let picked = Member::Structure(&[
            ("Id", Member::Text),
            ("Size", Member::Number),
            ("Born", Member::Time),
            ("Tags", Member::Tags),
            ("Gone", Member::Text),
            ("List", Member::List(&Member::Text)),
        ])
        .pick(&value);
        let expected =
            json!({"Id": "1", "Size": 22, "Born": "2024-01-01T00:00:00Z", "Tags": {"a": ""}, "List": []});
        assert_eq!(picked, expected);
    }

    #[test]
    fn policies_are_decoded() {
        let plain = r#"{"Statement": {"Sid": "a+b %41", "Action": "*"}}"#;
        let expected = json!({"Statement": [{"Sid": "a+b %41", "Action": "*"}]});
        assert_eq!(policy(plain), expected);
        let encoded =
            "%7B%22Statement%22%3A%7B%22Sid%22%3A%22a%2Bb%20%2541%22%2C%22Action%22%3A%22%2A%22%7D%7D";
        assert_eq!(policy(encoded), expected);
        assert_eq!(policy("100%"), json!("100%"));
        assert_eq!(policy("%zz%é%"), json!("%zz%é%"));
    }
}

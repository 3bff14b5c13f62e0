//! What a generator's documents are like: what in them does not count, where order matters, what tells items apart.

use std::collections::{HashMap, HashSet};

use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use serde_json::{Map, Value as Json};

/// A JSONPath (RFC 9535) over one document.
#[derive(Debug, Clone)]
pub struct DocumentPath(JpQuery);

impl DocumentPath {
    /// Reads a JSONPath.
    ///
    /// # Errors
    /// If it is none, with what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse_json_path(text).map(Self).map_err(|error| error.to_string())
    }

    /// What it means in `document`.
    pub fn values<'a>(&self, document: &'a Json) -> Vec<&'a Json> {
        let found = js_path_process(&self.0, document).unwrap_or_default();
        found.into_iter().map(|reference| reference.val()).collect()
    }

    /// The places in `document` that it means, as RFC 6901 writes them.
    pub fn places(&self, document: &Json) -> Vec<String> {
        let found = js_path_process(&self.0, document).unwrap_or_default();
        found.into_iter().map(|reference| pointer_of(&reference.path())).collect()
    }
}

/// What a generator's documents are like.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// What does not count: it changes without anything having changed.
    pub ignore: Vec<DocumentPath>,
    /// Lists whose order matters. All others are sets.
    pub ordered: Vec<DocumentPath>,
    /// Lists of objects, with the field that tells the objects apart.
    pub identity: Vec<(DocumentPath, String)>,
}

/// What a shape says of the lists of one document, by their places.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    ordered: HashSet<String>,
    identity: HashMap<String, String>,
}

impl Shape {
    /// What it says of the lists of `document`.
    pub(crate) fn marks(&self, document: &Json) -> Marks {
        let identity = self.identity.iter().flat_map(|(path, field)| {
            path.places(document).into_iter().map(move |place| (place, field.clone()))
        });
        Marks {
            ordered: self.ordered.iter().flat_map(|path| path.places(document)).collect(),
            identity: identity.collect(),
        }
    }

    /// The canonical form of a document: without what does not count, members by name, lists without order sorted. The
    /// same data has the same form, whatever the order it came in.
    pub fn canonical(&self, mut document: Json) -> Json {
        for path in &self.ignore {
            let mut places = path.places(&document);
            // From the end of a list on, so that the places before it stay where they are.
            places.sort_by(|one, other| by_steps(other, one));
            for place in places {
                remove(&mut document, &place);
            }
        }
        let marks = self.marks(&document);
        if marks.ordered.is_empty() {
            sort_all(&mut document);
        } else {
            sort(&mut document, &mut String::new(), &marks);
        }
        document
    }
}

impl Marks {
    pub(crate) fn is_ordered(&self, place: &str) -> bool {
        self.ordered.contains(place)
    }

    pub(crate) fn identity(&self, place: &str) -> Option<&str> {
        self.identity.get(place).map(String::as_str)
    }
}

/// As [`sort`] where no list is in order, so that no places are needed: most documents are like that.
fn sort_all(value: &mut Json) {
    match value {
        Json::Object(object) => {
            sort_members(object);
            object.values_mut().for_each(sort_all);
        }
        Json::Array(items) => {
            items.iter_mut().for_each(sort_all);
            sort_items(items);
        }
        _ => {}
    }
}

fn sort_members(object: &mut Map<String, Json>) {
    if !object.keys().is_sorted() {
        object.sort_keys();
    }
}

fn sort_items(items: &mut [Json]) {
    if items.len() > 1 {
        items.sort_by_cached_key(Json::to_string);
    }
}

fn sort(value: &mut Json, place: &mut String, marks: &Marks) {
    match value {
        Json::Object(object) => {
            sort_members(object);
            for (name, member) in object.iter_mut() {
                below(place, &name.replace('~', "~0").replace('/', "~1"), |place| sort(member, place, marks));
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                below(place, &index.to_string(), |place| sort(item, place, marks));
            }
            if !marks.is_ordered(place) {
                sort_items(items);
            }
        }
        _ => {}
    }
}

/// Runs `work` with one more step at the end of `place`.
fn below<T>(place: &mut String, step: &str, work: impl FnOnce(&mut String) -> T) -> T {
    let length = place.len();
    place.push('/');
    place.push_str(step);
    let done = work(place);
    place.truncate(length);
    done
}

/// Takes the value at a place out of the document. The document itself becomes null.
fn remove(document: &mut Json, place: &str) {
    let Some((parent, step)) = place.rsplit_once('/') else {
        *document = Json::Null;
        return;
    };
    match document.pointer_mut(parent) {
        Some(Json::Object(object)) => {
            object.shift_remove(&step.replace("~1", "/").replace("~0", "~"));
        }
        Some(Json::Array(items)) => {
            if let Some(index) = step.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

/// Orders places so that items of a list stand by their number.
fn by_steps(one: &str, other: &str) -> std::cmp::Ordering {
    let steps = |place: &str| -> Vec<(Option<usize>, String)> {
        place.split('/').map(|step| (step.parse().ok(), step.to_owned())).collect()
    };
    steps(one).cmp(&steps(other))
}

/// A normalised path of RFC 9535 (`$['a'][0]`) as RFC 6901 writes it.
fn pointer_of(path: &str) -> String {
    let mut pointer = String::new();
    let mut letters = path.trim_start_matches('$').chars();
    while let Some(open) = letters.next() {
        if open != '[' {
            continue;
        }
        pointer.push('/');
        let mut is_quoted = false;
        while let Some(letter) = letters.next() {
            match letter {
                '\'' => {
                    if is_quoted {
                        letters.next();
                        break;
                    }
                    is_quoted = true;
                }
                ']' if !is_quoted => break,
                '\\' => pointer.extend(letters.next()),
                '~' => pointer.push_str("~0"),
                '/' => pointer.push_str("~1"),
                letter => pointer.push(letter),
            }
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> DocumentPath {
        DocumentPath::parse(text).unwrap()
    }

    #[test]
    fn paths_become_pointers() {
        let document = json!({"a/b": [{"it's": 1}, {"it's": 2}], "~": {"x": 3}});
        assert_eq!(path("$['a/b'][*]").places(&document), ["/a~1b/0", "/a~1b/1"]);
        assert_eq!(path("$..x").places(&document), ["/~0/x"]);
        assert_eq!(path("$").places(&document), [""]);
        assert!(DocumentPath::parse("$[").is_err());
    }

    #[test]
    fn what_does_not_count_is_left_out() {
        let shape = Shape {
            ignore: vec![path("$.seen"), path("$.keys[*].used"), path("$.list[?@ > 1]")],
            ..Shape::default()
        };
        let document = json!({"seen": 1, "keys": [{"id": 1, "used": 2}], "list": [3, 1, 2]});
        assert_eq!(shape.canonical(document), json!({"keys": [{"id": 1}], "list": [1]}));
    }

    #[test]
    fn order_counts_where_it_is_said() {
        let shape = Shape { ordered: vec![path("$.rules")], ..Shape::default() };
        let document = json!({"rules": [{"b": [2, 1], "a": 0}, 1], "names": ["z", "a"]});
        let canonical = shape.canonical(document);
        assert_eq!(canonical.to_string(), r#"{"names":["a","z"],"rules":[{"a":0,"b":[1,2]},1]}"#);
    }

    proptest::proptest! {
        /// A list in order anywhere leaves all others as they are without.
        #[test]
        fn what_is_in_order_elsewhere_does_not_matter(document in crate::testing::document()) {
            let shape = Shape { ordered: vec![path("$.elsewhere")], ..Shape::default() };
            let mut document = json!({"document": document, "elsewhere": []});
            let expected = shape.canonical(document.clone());
            document = Shape::default().canonical(document);
            proptest::prop_assert_eq!(document.to_string(), expected.to_string());
        }
    }
}

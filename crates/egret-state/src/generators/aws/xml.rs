//! XML as AWS answers with it: a tree of elements, bounded in depth. Its size is that of the answer, which is capped.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// No answer is deeper.
const MAX_DEPTH: usize = 40;

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: Vec<(String, String)>,
    /// The text in it, outside of other elements.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a document.
    ///
    /// # Errors
    /// If it is no XML, or too deep; in words.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = vec![Self::default()];
        loop {
            let event = reader.read_event().map_err(|error| error.to_string())?;
            let Some(innermost) = open.last_mut() else { return Err("it ends what it did not begin".into()) };
            match event {
                Event::Start(start) => {
                    let element = Self::begin(&start)?;
                    open.push(element);
                    if open.len() > MAX_DEPTH {
                        return Err(format!("it is deeper than {MAX_DEPTH} elements"));
                    }
                }
                Event::Empty(start) => innermost.children.push(Self::begin(&start)?),
                Event::End(_) => {
                    let ended = open.pop().unwrap_or_default();
                    let Some(parent) = open.last_mut() else {
                        return Err("it ends what it did not begin".into());
                    };
                    parent.children.push(ended);
                }
                Event::Text(text) => innermost.text.push_str(&text),
                Event::CData(text) => innermost.text.push_str(&text),
                Event::GeneralRef(reference) => {
                    let letter = match &*reference {
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "amp" => Some('&'),
                        "apos" => Some('\''),
                        "quot" => Some('"'),
                        _ => reference.resolve_char_ref().map_err(|error| error.to_string())?,
                    };
                    innermost.text.extend(letter);
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        let [document] = open.as_mut_slice() else { return Err("it ends in the middle".into()) };
        document.children.pop().ok_or_else(|| "it is empty".to_owned())
    }

    fn begin(start: &BytesStart<'_>) -> Result<Self, String> {
        let mut element = Self { name: start.name().as_ref().to_owned(), ..Self::default() };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value = quick_xml::escape::unescape(&attribute.value).map_err(|error| error.to_string())?;
            element.attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Ok(element)
    }

    /// The first element of this name in it.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first element of this name in it; empty without one.
    pub(crate) fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.as_str())
    }

    /// What is in the first element of this name in it: the items of a list.
    pub(crate) fn items(&self, name: &str) -> &[Self] {
        self.child(name).map_or(&[], |child| child.children.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read() {
        let text = "<?xml version=\"1.0\"?>\n<A xmlns=\"x\"><B t:a=\"&lt;1&gt;\">a &amp; b&#x41;<![CDATA[<c>]]></B><L>\n<member>1</member>\
                    <member/></L><!-- no --></A>";
        let tree = Element::parse(text.as_bytes()).unwrap();
        assert_eq!(tree.text_of("B"), "a & bA<c>");
        assert_eq!(tree.child("B").unwrap().attributes, [("t:a".to_owned(), "<1>".to_owned())]);
        let items: Vec<&str> = tree.items("L").iter().map(|item| item.text.as_str()).collect();
        assert_eq!(items, ["1", ""]);
        assert!(tree.items("none").is_empty() && tree.text_of("none").is_empty());
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        for text in ["", "text", "<a>", "</a>", "<a></b>", "<a", "<a b></a>", &deep] {
            assert!(Element::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Element::parse(b"<a>\xff</a>").is_err());
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read_or_refused(text in "[<>/&;#a-c \"=!\\[\\]?-]{0,60}") {
            let _ = Element::parse(text.as_bytes());
        }
    }
}

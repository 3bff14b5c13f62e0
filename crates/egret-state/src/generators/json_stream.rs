//! JSON as it comes, in pieces of any size: JSON lines, values one after the other, or one list whose items are taken one
//! by one. Only the value that is being read is held.

use serde_json::Value as Json;

/// What the stream is cut into.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece {
    /// A value.
    Value(Json),
    /// Something that is no JSON.
    Wrong {
        /// In which line it begins, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
}

/// Cuts a stream into values.
#[derive(Debug)]
pub(crate) struct JsonStream {
    splits_lists: bool,
    max_bytes: usize,
    state: State,
    /// The value that is being read, and the line that it begins in.
    value: Vec<u8>,
    began: u64,
    line: u64,
    list: List,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a value.
    Before,
    /// In a list, behind an item.
    After,
    /// In a number or a word.
    Word,
    /// In a string, or in so many brackets.
    Inside { depth: usize, is_quoted: bool, is_escaped: bool },
    /// In a line with something wrong.
    Skipping,
    /// What was wrong makes all that follows meaningless.
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    /// In none that is split.
    None,
    /// In one, with nothing but its bracket before.
    Begun,
    /// In one.
    Inside,
}

impl JsonStream {
    /// A stream with values of at most `max_bytes`. If it `splits_lists`, each item of a list that is in nothing else is a
    /// value.
    pub(crate) fn new(splits_lists: bool, max_bytes: usize) -> Self {
        let (state, value, list) = (State::Before, Vec::new(), List::None);
        Self { splits_lists, max_bytes, state, value, began: 1, line: 1, list }
    }

    /// Takes what came.
    ///
    /// # Errors
    /// If `take` fails.
    pub(crate) fn feed<E>(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(Piece) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            let dull = self.dull(rest);
            if dull > 0 {
                self.value.extend_from_slice(&rest[..dull]);
                rest = &rest[dull..];
                continue;
            }
            self.step(byte, take)?;
            self.line += u64::from(byte == b'\n');
            rest = after;
        }
        Ok(())
    }

    /// There is no more.
    ///
    /// # Errors
    /// If `take` fails.
    pub(crate) fn end<E>(mut self, take: &mut impl FnMut(Piece) -> Result<(), E>) -> Result<(), E> {
        if self.state == State::Word {
            self.complete(take)?;
        }
        let is_cut = match self.state {
            State::Inside { .. } => true,
            State::Before | State::After => self.list != List::None,
            _ => false,
        };
        if !is_cut {
            return Ok(());
        }
        let line = if self.list == List::None { self.began } else { self.line };
        take(Piece::Wrong { line, why: "it ends in the middle of a value".to_owned() })
    }

    /// How many bytes there are that only belong to the value that is being read, and can be taken together.
    fn dull(&self, bytes: &[u8]) -> usize {
        let State::Inside { is_quoted, is_escaped: false, .. } = self.state else { return 0 };
        let is_dull = |byte: &u8| match byte {
            b'"' | b'\n' => false,
            b'\\' => !is_quoted,
            b'{' | b'}' | b'[' | b']' => is_quoted,
            _ => true,
        };
        let room = self.max_bytes.saturating_sub(self.value.len());
        bytes.iter().take(room).take_while(|byte| is_dull(byte)).count()
    }

    fn step<E>(&mut self, byte: u8, take: &mut impl FnMut(Piece) -> Result<(), E>) -> Result<(), E> {
        if self.state == State::Word {
            if !is_space(byte) && !matches!(byte, b',' | b'[' | b']' | b'{' | b'}' | b'"' | b':') {
                return self.hold(byte, take);
            }
            self.complete(take)?;
        }
        match self.state {
            State::Lost => Ok(()),
            State::Skipping => {
                if byte == b'\n' {
                    self.state = State::Before;
                }
                Ok(())
            }
            State::Inside { depth, is_quoted, is_escaped } => {
                self.inside(byte, depth, is_quoted, is_escaped, take)
            }
            State::Before | State::After if is_space(byte) => Ok(()),
            State::After => match byte {
                b',' => {
                    self.state = State::Before;
                    Ok(())
                }
                b']' => self.end_list(),
                _ => self.wrong("a list goes on without a comma", take),
            },
            State::Before | State::Word => self.begin(byte, take),
        }
    }

    /// A value begins, or a list that is split.
    fn begin<E>(&mut self, byte: u8, take: &mut impl FnMut(Piece) -> Result<(), E>) -> Result<(), E> {
        match (byte, self.list) {
            (b'[', List::None) if self.splits_lists => {
                (self.list, self.began) = (List::Begun, self.line);
                return Ok(());
            }
            (b']', List::Begun) => return self.end_list(),
            (b']' | b',', List::Begun | List::Inside) => {
                return self.wrong("an item of a list is missing", take);
            }
            _ => {}
        }
        self.began = self.line;
        self.value.clear();
        self.state = match byte {
            b'"' => State::Inside { depth: 0, is_quoted: true, is_escaped: false },
            b'{' | b'[' => State::Inside { depth: 1, is_quoted: false, is_escaped: false },
            b'}' | b']' | b',' | b':' => return self.wrong("a value is missing", take),
            _ => State::Word,
        };
        self.hold(byte, take)
    }

    fn inside<E>(
        &mut self,
        byte: u8,
        depth: usize,
        is_quoted: bool,
        is_escaped: bool,
        take: &mut impl FnMut(Piece) -> Result<(), E>,
    ) -> Result<(), E> {
        if is_quoted && byte == b'\n' {
            // A string that is not ended in its line: nobody knows where it was to end.
            return self.wrong("a string goes over the end of its line", take);
        }
        let (depth, is_quoted, is_escaped) = match (byte, is_quoted) {
            (b'"', true) if !is_escaped => (depth, false, false),
            (b'\\', true) if !is_escaped => (depth, true, true),
            (_, true) => (depth, true, false),
            (b'"', false) => (depth, true, false),
            (b'{' | b'[', false) => (depth + 1, false, false),
            (b'}' | b']', false) => (depth - 1, false, false),
            (_, false) => (depth, false, false),
        };
        self.state = State::Inside { depth, is_quoted, is_escaped };
        self.hold(byte, take)?;
        let is_held = matches!(self.state, State::Inside { .. });
        if is_held && depth == 0 && !is_quoted { self.complete(take) } else { Ok(()) }
    }

    fn hold<E>(&mut self, byte: u8, take: &mut impl FnMut(Piece) -> Result<(), E>) -> Result<(), E> {
        if self.value.len() >= self.max_bytes {
            let why = format!("a value is larger than {} MiB", self.max_bytes >> 20);
            return self.wrong(&why, take);
        }
        self.value.push(byte);
        Ok(())
    }

    /// The value that was held is whole.
    fn complete<E>(&mut self, take: &mut impl FnMut(Piece) -> Result<(), E>) -> Result<(), E> {
        match serde_json::from_slice(&self.value) {
            Ok(value) => {
                self.state = State::Before;
                if self.list != List::None {
                    (self.state, self.list) = (State::After, List::Inside);
                }
                self.value.clear();
                take(Piece::Value(value))
            }
            Err(error) => {
                // Lines are counted from the file's beginning; the parser counts from the value's.
                let why = error.to_string();
                let why = why.split(" at line ").next().unwrap_or_default().to_owned();
                self.wrong(&why, take)
            }
        }
    }

    fn end_list<E>(&mut self) -> Result<(), E> {
        (self.list, self.state) = (List::None, State::Before);
        Ok(())
    }

    /// Something is wrong. If all of it is in one line and in no list, reading goes on with the next line.
    fn wrong<E>(&mut self, why: &str, take: &mut impl FnMut(Piece) -> Result<(), E>) -> Result<(), E> {
        let is_one_line = self.list == List::None && self.began == self.line;
        let line = if self.value.is_empty() { self.line } else { self.began };
        self.value = Vec::new();
        self.state = if is_one_line { State::Skipping } else { State::Lost };
        take(Piece::Wrong { line, why: why.to_owned() })
    }
}

/// White space, and what RFC 7464 writes before each value.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x1e)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use serde_json::json;

    use super::*;

    /// The values, and what is wrong, of a text that comes in pieces of `size` bytes.
    fn pieces_of(text: &[u8], splits_lists: bool, size: usize) -> Vec<Json> {
        let mut pieces = Vec::new();
        let mut take = |piece| -> Result<(), Infallible> {
            pieces.push(match piece {
                Piece::Value(value) => value,
                Piece::Wrong { line, why } => json!(format!("line {line}: {why}")),
            });
            Ok(())
        };
        let mut stream = JsonStream::new(splits_lists, 1000);
        text.chunks(size).for_each(|piece| stream.feed(piece, &mut take).unwrap());
        stream.end(&mut take).unwrap();
        pieces
    }

    #[track_caller]
    fn check(text: &str, expected: &[Json]) {
        for size in [1, 3, text.len().max(1)] {
            assert_eq!(pieces_of(text.as_bytes(), true, size), expected, "in pieces of {size}: {text}");
        }
    }

    #[test]
    fn values_come_as_lines_one_after_the_other_or_in_a_list() {
        let (a, b) = (json!({"a": [1, {"b": "}]\\\""}]}), json!("x"));
        check("{\"a\": [1, {\"b\": \"}]\\\\\\\"\"}]}\n\"x\"\n\n", &[a.clone(), b.clone()]);
        check("{\"a\":\n[1,\n{\"b\": \"}]\\\\\\\"\"}]\n}\"x\"", &[a.clone(), b.clone()]);
        check(" [ {\"a\": [1, {\"b\": \"}]\\\\\\\"\"}]} ,\n\"x\" ] ", &[a, b]);
        check(
            "[]\n[[1, 2], 3]4 true\r\n\u{1e}null",
            &[json!([1, 2]), json!(3), json!(4), json!(true), Json::Null],
        );
        check("", &[]);
        check("-1.5e3", &[json!(-1500.0)]);
        assert_eq!(pieces_of(b"[1, 2]\n3", false, 9), [json!([1, 2]), json!(3)]);
    }

    #[test]
    fn a_wrong_line_costs_only_itself() {
        let expected = [json!(1), json!("line 2: expected value"), json!(2)];
        check("1\nWarning: \"odd\" {\n2", &expected);
        check(
            "1\n{\"a\": \"cut\n2\n",
            &[json!(1), json!("line 2: a string goes over the end of its line"), json!(2)][..2],
        );
        check("1\n{1: 2}\n2\n", &[json!(1), json!("line 2: key must be a string"), json!(2)]);
        check(", 1\n2\n", &[json!("line 1: a value is missing"), json!(2)]);
    }

    #[test]
    fn what_is_wrong_in_a_list_or_over_several_lines_ends_it() {
        check("[1 2, 3]\n4\n", &[json!(1), json!("line 1: a list goes on without a comma")]);
        check("[1,\n,2]", &[json!(1), json!("line 2: an item of a list is missing")]);
        check("[1,]", &[json!(1), json!("line 1: an item of a list is missing")]);
        check("{\n1: 2}\n3", &[json!("line 1: key must be a string")]);
        check("1\n{\"a\": [\n2", &[json!(1), json!("line 2: it ends in the middle of a value")]);
        check("[1,\n2", &[json!(1), json!(2), json!("line 2: it ends in the middle of a value")]);
        check("[", &[json!("line 1: it ends in the middle of a value")]);
    }

    #[test]
    fn no_value_takes_all_memory() {
        let text = format!("\"{}\"\n1\n", "x".repeat(2000));
        let mut wrong = pieces_of(text.as_bytes(), true, 100);
        assert_eq!(wrong.pop(), Some(json!(1)));
        assert_eq!(wrong, [json!("line 1: a value is larger than 0 MiB")]);
        let deep = "[".repeat(400) + &"]".repeat(400);
        assert_eq!(pieces_of(deep.as_bytes(), true, 100), [json!("line 1: recursion limit exceeded")]);
        assert_eq!(pieces_of(b"\xff\xfe\n1", true, 9), [json!("line 1: expected value"), json!(1)]);
        assert_eq!(
            pieces_of(b"\"\xff\"\n1", true, 9),
            [json!("line 1: invalid unicode code point"), json!(1)]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_in_any_pieces_gives_the_same(text in "[\\[\\]{}\",:1a \\n\\\\]{0,40}", size in 1usize..9) {
            let whole = pieces_of(text.as_bytes(), true, 100);
            proptest::prop_assert_eq!(pieces_of(text.as_bytes(), true, size), whole);
        }

        #[test]
        fn lines_come_back(values in proptest::collection::vec("[a-z\"\\\\{}\\[\\]\\n]{0,8}", 0..9)) {
            let values: Vec<Json> = values.into_iter().map(|text| json!({"a": [text]})).collect();
            let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
            proptest::prop_assert_eq!(&pieces_of(lines.as_bytes(), true, 7), &values);
            let list = Json::Array(values.clone()).to_string();
            proptest::prop_assert_eq!(&pieces_of(list.as_bytes(), true, 7), &values);
        }
    }
}

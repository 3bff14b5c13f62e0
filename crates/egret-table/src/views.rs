//! Columns of text that lies in other columns: views are copied, text is not.

use std::ops::Range;

use arrow::array::{NullBufferBuilder, StringViewArray, make_view};
use arrow::buffer::{Buffer, ScalarBuffer};

/// The index of the buffer with text that lies in no other column.
const SCRATCH_BUFFER: u32 = 0;

/// Texts of at most so many bytes are in the view itself.
const MAX_INLINE: u32 = 12;

/// Builds a column of text out of texts, and parts of texts, of other columns.
#[derive(Debug)]
pub(crate) struct ViewBuilder {
    views: Vec<u128>,
    nulls: NullBufferBuilder,
    scratch: Vec<u8>,
    buffers: Vec<Buffer>,
}

/// A column whose texts a [`ViewBuilder`] takes, and where its buffers are among the builder's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextSource<'a> {
    texts: &'a StringViewArray,
    first_buffer: u32,
}

impl ViewBuilder {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            views: Vec::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
            scratch: Vec::new(),
            buffers: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.views.len()
    }

    /// Makes the texts of a column available. Columns that share their buffers take no more room than one.
    pub(crate) fn source<'a>(&mut self, texts: &'a StringViewArray) -> TextSource<'a> {
        let wanted = texts.data_buffers();
        let same = |mine: &[Buffer]| {
            mine.iter()
                .zip(wanted)
                .all(|(mine, other)| mine.as_ptr() == other.as_ptr() && mine.len() == other.len())
        };
        let found = match wanted.len() {
            0 => Some(0),
            count => self.buffers.windows(count).position(same),
        };
        let first = found.unwrap_or_else(|| {
            self.buffers.extend_from_slice(wanted);
            self.buffers.len() - wanted.len()
        });
        TextSource { texts, first_buffer: SCRATCH_BUFFER + 1 + first as u32 }
    }

    pub(crate) fn push_null(&mut self) {
        self.views.push(0);
        self.nulls.append_null();
    }

    /// The text in `row` of a source.
    pub(crate) fn push(&mut self, source: TextSource<'_>, row: usize) {
        let view = source.texts.views()[row];
        self.views.push(if view as u32 <= MAX_INLINE {
            view
        } else {
            view + (u128::from(source.first_buffer) << 64)
        });
        self.nulls.append_non_null();
    }

    /// A part of the text in `row` of a source.
    pub(crate) fn push_part(&mut self, source: TextSource<'_>, row: usize, part: Range<usize>) {
        let text = &source.texts.value(row)[part.clone()];
        if text.len() <= MAX_INLINE as usize {
            self.views.push(make_view(text.as_bytes(), 0, 0));
        } else {
            // A text with so long a part is not in its view.
            let view = source.texts.views()[row];
            let (buffer, offset) = ((view >> 64) as u32, (view >> 96) as u32);
            self.views.push(make_view(
                text.as_bytes(),
                source.first_buffer + buffer,
                offset + part.start as u32,
            ));
        }
        self.nulls.append_non_null();
    }

    /// A text that lies in no column: it is copied.
    pub(crate) fn push_text(&mut self, text: &str) {
        let at = self.scratch.len() as u32;
        if text.len() > MAX_INLINE as usize {
            self.scratch.extend_from_slice(text.as_bytes());
        }
        self.views.push(make_view(text.as_bytes(), SCRATCH_BUFFER, at));
        self.nulls.append_non_null();
    }

    /// Whether the text in `row` of a source is among those pushed from number `from` on.
    pub(crate) fn has_since(&self, from: usize, source: TextSource<'_>, row: usize) -> bool {
        let view = source.texts.views()[row];
        self.views[from..].iter().any(|mine| {
            // The low half is the length and the first four bytes.
            let inline = view as u32 <= MAX_INLINE;
            match *mine as u64 == view as u64 {
                true if inline => *mine == view,
                true => self.long_bytes(*mine) == source.texts.value(row).as_bytes(),
                false => false,
            }
        })
    }

    /// The text with number `at`.
    pub(crate) fn text(&self, at: usize) -> String {
        let view = self.views[at];
        let length = view as u32 as usize;
        let inline = view.to_le_bytes();
        let bytes =
            if length <= MAX_INLINE as usize { &inline[4..4 + length] } else { self.long_bytes(view) };
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn long_bytes(&self, view: u128) -> &[u8] {
        let (length, buffer, offset) = (view as u32 as usize, (view >> 64) as u32, (view >> 96) as usize);
        let bytes = match buffer.checked_sub(SCRATCH_BUFFER + 1) {
            Some(index) => self.buffers[index as usize].as_slice(),
            None => self.scratch.as_slice(),
        };
        &bytes[offset..offset + length]
    }

    /// The column.
    pub(crate) fn finish(mut self) -> StringViewArray {
        let mut buffers = vec![Buffer::from_vec(self.scratch)];
        buffers.append(&mut self.buffers);
        #[expect(unsafe_code, reason = "checking every text again would cost as much as decoding")]
        // SAFETY: every view was made from a `&str` whose bytes lie in these buffers: `push` and `push_part` take
        // texts of valid columns, whose buffers `source` has put here in their order, `push_text` copies one.
        unsafe {
            StringViewArray::new_unchecked(ScalarBuffer::from(self.views), buffers, self.nulls.finish())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Array;

    const LONG: &str = "a text of more than twelve bytes";

    fn column(texts: &[&str]) -> StringViewArray {
        texts.iter().map(|text| Some(*text)).collect()
    }

    /// Everything that `finish` takes for granted, checked by Arrow.
    fn checked(builder: ViewBuilder) -> StringViewArray {
        let array = builder.finish();
        StringViewArray::try_new(array.views().clone(), array.data_buffers(), array.nulls().cloned()).unwrap()
    }

    #[test]
    fn takes_texts_and_parts_without_copying() {
        let (first, second) = (column(&["short", LONG]), column(&[LONG, "x", "another text that is long"]));
        let mut builder = ViewBuilder::with_capacity(0);
        let (a, b) = (builder.source(&first), builder.source(&second));
        builder.push(a, 0);
        builder.push(a, 1);
        builder.push(b, 2);
        builder.push_part(b, 2, 8..25);
        builder.push_part(b, 2, 8..12);
        builder.push_part(a, 0, 1..3);
        builder.push_null();
        builder.push_text(LONG);
        builder.push_text("");
        let array = checked(builder);
        let texts: Vec<Option<&str>> = array.iter().collect();
        let expected = ["short", LONG, "another text that is long", "text that is long", "text", "ho"];
        assert_eq!(texts[..6], expected.map(Some));
        assert_eq!(texts[6..], [None, Some(LONG), Some("")]);
        assert_eq!(array.data_buffers()[0].len(), LONG.len(), "only the pushed text was copied");
    }

    #[test]
    fn columns_that_share_buffers_take_room_once() {
        let texts = column(&[LONG, "another text that is long"]);
        let (one, two) = (texts.slice(0, 1), texts.slice(1, 1));
        let mut builder = ViewBuilder::with_capacity(0);
        let (one, two, short) = (builder.source(&one), builder.source(&two), column(&["x"]));
        let short = builder.source(&short);
        builder.push(one, 0);
        builder.push(two, 0);
        builder.push(short, 0);
        let array = checked(builder);
        assert_eq!(array.data_buffers().len(), 2);
        assert_eq!(array.iter().flatten().collect::<Vec<_>>(), [LONG, "another text that is long", "x"]);
    }

    #[test]
    fn knows_what_was_pushed() {
        let other = "a text of more than thirteen bytes";
        let (first, second) = (column(&["x", LONG]), column(&[LONG, other, "x", "y"]));
        let mut builder = ViewBuilder::with_capacity(0);
        let (a, b) = (builder.source(&first), builder.source(&second));
        builder.push(a, 0);
        builder.push(a, 1);
        let found: Vec<bool> = (0..4).map(|row| builder.has_since(0, b, row)).collect();
        assert_eq!(found, [true, false, true, false]);
        assert!(!builder.has_since(1, b, 2));
        assert_eq!(builder.len(), 2);
    }
}

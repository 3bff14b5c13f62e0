//! Columns that hold the same text in every row, and ids.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use egret_format::{Block, Span};
use egret_model::RecordIds;

use crate::views::ViewBuilder;

/// A column of `rows` times `text`, all of which point to one copy of it.
pub(crate) fn constant_text(text: &str, rows: usize) -> ArrayRef {
    let one = StringViewArray::from_iter_values([text]);
    let indices = UInt32Array::from(vec![0; rows]);
    // The only index is that of the only value.
    take(&one, &indices, None).unwrap_or_else(|_| new_null_array(&DataType::Utf8View, rows))
}

/// The bytes of a record; none if the span is not of this block.
pub(crate) fn record_bytes(block: &Block, span: Span) -> &[u8] {
    let from = span.offset.checked_sub(block.offset).and_then(|from| usize::try_from(from).ok());
    from.and_then(|from| block.bytes.get(from..from + span.length as usize)).unwrap_or_default()
}

/// `tp_id` of each record, as 32 hexadecimal digits.
pub(crate) fn record_ids(ids: &RecordIds, block: &Block, spans: &[Span]) -> ArrayRef {
    let mut builder = ViewBuilder::with_capacity(spans.len());
    for span in spans {
        let id = ids.id(span.offset, record_bytes(block, *span));
        builder.push_text(std::str::from_utf8(&id.to_hex()).unwrap_or_default());
    }
    Arc::new(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use arrow::buffer::Buffer;

    #[test]
    fn a_constant_is_stored_once() {
        let long = "a text that is longer than twelve bytes";
        let array = constant_text(long, 1_000);
        let array = array.as_string_view();
        assert_eq!((array.len(), array.value(999), array.total_buffer_bytes_used()), (1_000, long, 39_000));
        assert_eq!(array.data_buffers().iter().map(Buffer::len).sum::<usize>(), long.len());
        assert_eq!(constant_text("", 2).as_string_view().value(1), "");
        assert_eq!(constant_text("x", 0).len(), 0);
    }

    #[test]
    fn ids_are_those_of_the_model() {
        let block = Block::new(b"one\ntwo\n".to_vec(), 100, true);
        let spans = [Span { offset: 100, length: 3 }, Span { offset: 104, length: 3 }];
        let ids = RecordIds::new("t", "/a.log");
        let array = record_ids(&ids, &block, &spans);
        let expected: Vec<String> = vec![ids.id(100, b"one").to_string(), ids.id(104, b"two").to_string()];
        let got: Vec<&str> = array.as_string_view().iter().flatten().collect();
        assert_eq!(got, expected);
    }
}

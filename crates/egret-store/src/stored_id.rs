//! How ids are stored: as the bytes that their digits stand for, half as large as the text.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Sqlite, Type, TypeInfo, ValueRef};

/// The ids of a list that is bound as `$1`, as they are stored.
pub(crate) const STORED_IDS: &str = "(SELECT coalesce(unhex(value), value) FROM json_each($1))";

/// An id to be bound. What has no hexadecimal digits is stored as text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredId<'a>(pub &'a str);

/// An id that was read.
#[derive(Debug, Clone)]
pub(crate) struct ReadId(pub String);

impl Type<Sqlite> for StoredId<'_> {
    fn type_info() -> SqliteTypeInfo {
        <[u8] as Type<Sqlite>>::type_info()
    }
}

impl<'q> Encode<'q, Sqlite> for StoredId<'_> {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        match bytes_of(self.0) {
            Some(bytes) => <Vec<u8> as Encode<'q, Sqlite>>::encode(bytes, buffer),
            None => <String as Encode<'q, Sqlite>>::encode(self.0.to_owned(), buffer),
        }
    }
}

impl Type<Sqlite> for ReadId {
    fn type_info() -> SqliteTypeInfo {
        <[u8] as Type<Sqlite>>::type_info()
    }

    fn compatible(info: &SqliteTypeInfo) -> bool {
        <[u8] as Type<Sqlite>>::compatible(info)
    }
}

impl<'r> Decode<'r, Sqlite> for ReadId {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        let is_text = value.type_info().name() == "TEXT";
        let bytes = <&[u8] as Decode<'r, Sqlite>>::decode(value)?;
        Ok(Self(if is_text { std::str::from_utf8(bytes)?.to_owned() } else { digits_of(bytes) }))
    }
}

/// As SQLite's `unhex` does it.
fn bytes_of(id: &str) -> Option<Vec<u8>> {
    if !id.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    id.as_bytes().chunks_exact(2).map(|pair| Some((digit(pair[0])? << 4) | digit(pair[1])?)).collect()
}

fn digits_of(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits =
        bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    digits.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_id_comes_back_as_it_was_and_is_stored_as_a_list_of_them_is() {
        let pool = sqlx::sqlite::SqlitePool::connect("sqlite::memory:").await.unwrap();
        for id in ["00ff1731bd3c98ab", "a", "not hexadecimal", "ab", "g0", ""] {
            let sql = format!("SELECT $2, $2 IN {STORED_IDS}");
            let list = crate::change::json_list([id]);
            let (read, is_in): (ReadId, bool) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
                .bind(list)
                .bind(StoredId(id))
                .fetch_one(&pool)
                .await
                .unwrap();
            assert_eq!((read.0.as_str(), is_in), (id, true));
        }
    }
}

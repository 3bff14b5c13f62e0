//! Which runs are wanted, as SQL: the same for every database.

use sqlx::{Database, Encode, QueryBuilder, Type};

use super::RunFilter;

/// Adds the conditions, the order and the limit to a query of runs.
pub(super) fn push_filter<'f, DB: Database>(select: &mut QueryBuilder<DB>, filter: &'f RunFilter)
where
    &'f str: Encode<'f, DB> + Type<DB>,
    i64: Encode<'f, DB> + Type<DB>,
{
    select.push(" WHERE true");
    if let Some(generator) = &filter.generator {
        select.push(" AND generator = ").push_bind(generator.as_str());
    }
    if let Some(until) = filter.until {
        select.push(" AND started_at <= ").push_bind(until.micros());
    }
    if let Some(since) = filter.since {
        select.push(" AND started_at >= ").push_bind(since.micros());
    }
    if filter.with_state {
        select.push(" AND has_state");
    }
    select.push(" ORDER BY started_at DESC, run DESC");
    if let Some(limit) = filter.limit {
        select.push(" LIMIT ").push_bind(i64::from(limit));
    }
}

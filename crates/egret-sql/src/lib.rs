//! The SQL dialect: rewriter, functions, sessions, and expressions over record batches.
//!
//! DuckDB's dialect over DataFusion: every query that is valid in DuckDB gives DuckDB's result. The same
//! expression means the same in the stream (`Expression`, compiled by [`SqlCompiler`]) and over history
//! ([`Session::query`]), since both go through one grammar, one set of functions and one planner.

mod casts;
mod describe;
mod dialect;
mod error;
mod expression;
mod functions;
mod json;
mod names;
mod output;
mod planner;
mod result;
mod rewrite;
mod session;
mod shape;
mod state;

pub use dialect::MAX_SQL_BYTES;
pub use error::SqlError;
pub use expression::SqlCompiler;
pub use result::QueryResult;
pub use session::{CATALOG, SCHEMA, Session, SessionOptions};

//! The matcher: the predicates of all rules, evaluated together over batches of rows.
//!
//! Rule languages lower to a [`Condition`]: tests of fields under and, or, not. [`Program::compile`] takes the
//! conditions of all rules of a table and finds where their fields are, by a [`FieldMap`]. [`Program::run`] looks at
//! each value of a column once, whatever the number of rules: one automaton finds the literals of all of them, the
//! other tests wait for a literal of theirs, and what was found out about a value is remembered, since values come
//! again. A rule is evaluated only if a test held that it needs, by operations on sets of rows.

mod bits;
mod bounds;
mod cell;
mod condition;
mod explain;
mod fields;
mod fold;
mod graph;
mod json;
mod literals;
mod memo;
mod prefilter;
mod program;
mod relation;
mod run;
mod scanner;
mod text;
mod value_test;
mod witnesses;

pub use condition::{Comparison, Condition, FieldRelation, Predicate, Subject, Test, TextRelation, TimePart};
pub use fields::{ColumnPlace, FieldMap, Place};
pub use program::{CompileError, Program};
pub use run::{Match, Memory, RuleStatistics};
pub use text::{Part, TextPattern};

//! From findings to people.

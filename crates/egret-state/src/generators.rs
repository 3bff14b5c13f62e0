//! The generators, one module each.

mod json_stream;
mod selection;

pub mod exec;
pub mod kernel_modules;

#[cfg(test)]
mod examples;

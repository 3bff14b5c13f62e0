//! The generators, one module each.

pub mod kernel_modules;

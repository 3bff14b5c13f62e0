//! Fuzzes [`egret_fuzz::layouts`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| egret_fuzz::layouts(data));

//! Fuzzes [`egret_fuzz::values`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| egret_fuzz::values(data));

//! Fuzzes [`egret_fuzz::records`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| egret_fuzz::records(data));

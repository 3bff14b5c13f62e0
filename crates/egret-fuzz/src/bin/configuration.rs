//! Fuzzes [`egret_fuzz::configuration`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| egret_fuzz::configuration(data));

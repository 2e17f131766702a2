#![no_main]

#[path = "../src/microdata.rs"]
mod microdata;

libfuzzer_sys::fuzz_target!(|data: &[u8]| microdata::run(data));

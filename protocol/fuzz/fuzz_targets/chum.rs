#![no_main]

#[path = "../src/chum.rs"]
mod chum;

libfuzzer_sys::fuzz_target!(|data: &[u8]| chum::run(data));

#![no_main]

#[path = "../src/pairing.rs"]
mod pairing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| pairing::run(data));

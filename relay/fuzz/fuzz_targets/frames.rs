#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ratatosk_relay_fuzz::frames::run(data));

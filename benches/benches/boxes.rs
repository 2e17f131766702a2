//! What a box costs: sealing and opening one message, against the bare cipher and against copying the bytes.
//!
//! The bare cipher gets its buffers for nothing; what `ratatosk_protocol` needs beyond it is allocation and copying. The
//! nonce is a constant for both: where random bytes come from is not what is measured here.

use std::hint::black_box;

use crypto_secretbox::XSalsa20Poly1305;
use crypto_secretbox::aead::{AeadInPlace, KeyInit};
use ratatosk_benches::{Contender, Outcome, Times, duel};
use ratatosk_protocol::crypto::{SharedKey, boxed};
use ratatosk_protocol::entropy::Entropy;

const ROUNDS: usize = 101;
const SIZES: [usize; 3] = [100, 1024, 65_536];
const KEY: [u8; 32] = [7; 32];

/// The same bytes again and again.
struct Constant;

impl Entropy for Constant {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.fill(9);
    }
}

fn main() -> Outcome<()> {
    println!("seal + open of one message; medians of {ROUNDS} alternating rounds");
    println!("{:>7}  {:<18} {:>12} {:>10} {:>10}", "bytes", "what", "ns", "MB/s", "ratio");
    for size in SIZES {
        let all = measure(size)?;
        for times in &all {
            let (Times { name, .. }, seconds, ratio) = (times, times.seconds(), times.against(&all[0]));
            let megabytes = f64::from(u32::try_from(size).unwrap_or(u32::MAX)) / 1e6;
            println!("{size:>7}  {name:<18} {:>12.0} {:>10.0} {ratio:>10.4}", seconds * 1e9, megabytes / seconds);
        }
    }
    Ok(())
}

fn measure(size: usize) -> Outcome<Vec<Times>> {
    let message = vec![0xa5; size];
    let shared = SharedKey::from_bytes(KEY);
    let cipher = XSalsa20Poly1305::new((&KEY).into());
    let nonce = [9; 24].into();
    let mut buffer = message.clone();
    let mut copy = message.clone();

    duel(
        ROUNDS,
        &mut [
            Contender::new("bare cipher", || {
                let tag = cipher.encrypt_in_place_detached(&nonce, &[], &mut buffer);
                if let Ok(tag) = black_box(tag) {
                    black_box(cipher.decrypt_in_place_detached(&nonce, &[], &mut buffer, &tag)).ok();
                }
            }),
            Contender::new("boxed", || {
                let sealed = black_box(boxed::seal(&shared, black_box(&message), &mut Constant));
                black_box(boxed::open(&shared, &sealed)).ok();
            }),
            Contender::new("memcpy, twice", || {
                copy.copy_from_slice(black_box(&message));
                black_box(&mut copy);
                copy.copy_from_slice(black_box(&message));
                black_box(&mut copy);
            }),
        ],
    )
}

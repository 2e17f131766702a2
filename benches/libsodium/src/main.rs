//! libsodium as a contender of `cargo xtask bench plugins`: `crypto_secretbox_easy` and `crypto_secretbox_open_easy` through
//! a safe wrapper, with nothing around them.
//!
//! Says `ready` and what it is. Then each line `BYTES TIMES` is a turn: so many messages of that size are sealed and opened,
//! and the seconds that this took are the answer. Ends with its input.

use std::error::Error;
use std::hint::black_box;
use std::io::{self, BufRead, Write};
use std::time::Instant;

use alkali::SODIUM_VERSION_STRING;
use alkali::symmetric::cipher::xsalsa20poly1305::{self as secretbox, Key, MAC_LENGTH, NONCE_LENGTH};

fn main() -> Result<(), Box<dyn Error>> {
    let key = Key::try_from(&[7; 32])?;
    let mut counter = 0_u64;
    let mut output = io::stdout();
    let version = String::from_utf8_lossy(SODIUM_VERSION_STRING).trim_end_matches('\0').to_owned();
    writeln!(output, "ready libsodium {version}")?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (size, times) = line.split_once(' ').ok_or("BYTES TIMES")?;
        let (size, times): (usize, u32) = (size.parse()?, times.parse()?);
        let (mut message, mut sealed) = (vec![0xa5; size], vec![0; size + MAC_LENGTH]);
        let began = Instant::now();
        for _ in 0..times {
            let mut nonce = [0; NONCE_LENGTH];
            nonce[NONCE_LENGTH - 8..].copy_from_slice(&counter.to_be_bytes());
            counter += 2;
            secretbox::encrypt(black_box(&message), &key, Some(&nonce), &mut sealed)?;
            secretbox::decrypt(black_box(&sealed), &key, &nonce, &mut message)?;
        }
        let took = began.elapsed().as_secs_f64();
        if message.iter().any(|byte| *byte != 0xa5) {
            return Err("what was opened is not what was sealed".into());
        }
        writeln!(output, "{took}")?;
    }
    Ok(())
}

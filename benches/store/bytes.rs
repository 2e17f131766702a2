//! BLOBs in and out.

use std::path::Path;
use std::time::{Duration, Instant};

use ratatosk_benches::{Contender, Outcome, Times, duel};
use ratatosk_store::Store;
use sha2::{Digest, Sha256};

use crate::files::Files;
use crate::keeper::{FILES, STORE};
use crate::options::Options;

/// Bytes of a BLOB: a few photographs.
pub(crate) const SIZE: usize = 16 << 20;

/// What is pushed and read at a time.
const PIECE: usize = 64 << 10;

pub(crate) fn all(options: &Options, scratch: &Path) -> Outcome<Vec<(&'static str, Vec<Times>)>> {
    let store = Store::open(scratch.join("bytes"))?;
    let files = Files::create(&scratch.join("byte-files"), true)?;
    let mut content = vec![0; SIZE];
    let mut number = 0_u64;
    let [mut in_store, mut in_files] = [[0; 32]; 2];
    let mut next = || {
        number += 1;
        for (place, piece) in content.chunks_mut(PIECE).enumerate() {
            piece.fill(u8::try_from(place % 251).unwrap_or(0));
            piece[..8].copy_from_slice(&number.to_le_bytes());
        }
        content.clone()
    };
    // Each is written once, and removed outside the time, so that the disk does not fill.
    let rounds = options.rounds.min(21);
    let mut write = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        let bytes = next();
        let began = Instant::now();
        let mut writer = store.write_blob(u64::MAX);
        bytes.chunks(PIECE).try_for_each(|piece| writer.push(piece))?;
        in_store = *writer.finish(None)?.as_bytes();
        write[0].push(began.elapsed());
        let began = Instant::now();
        files.put_bytes(&bytes, PIECE)?;
        write[1].push(began.elapsed());
        in_files = Sha256::digest(&bytes).into();
    }
    let series = |name: &str, times: &[Duration]| Times {
        name: name.to_owned(),
        rounds: times.iter().map(Duration::as_secs_f64).collect(),
    };
    let write = vec![series(STORE, &write[0]), series(FILES, &write[1])];
    let mut contenders = [
        Contender::timed(STORE, |times| {
            let began = Instant::now();
            for _ in 0..times {
                let hash = ratatosk_objects::BlobHash::from_bytes(in_store);
                let mut reader = store.read_blob(&hash)?.ok_or("the BLOB is gone")?;
                while reader.piece()?.is_some() {}
            }
            Ok(began.elapsed())
        }),
        Contender::timed(FILES, |times| {
            let began = Instant::now();
            for _ in 0..times {
                files.get_bytes(&in_files, PIECE)?;
            }
            Ok(began.elapsed())
        }),
    ];
    let read = duel(rounds, &mut contenders)?;
    let all = vec![("written", write), ("read", read)];
    for (what, times) in &all {
        for times in times {
            println!("16 MiB {what:<9} {:<26} {:>9.0} MB/s", times.name, SIZE as f64 / 1e6 / times.seconds());
        }
    }
    Ok(all)
}

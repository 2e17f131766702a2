//! Whether a contender delivers what it is given: no figure counts before that.

use std::io::Write;
use std::thread;

use crate::Outcome;
use crate::client::{Peer, pair};
use crate::contender::Kind;
use crate::frames::{self, BINARY, TEXT};
use crate::iroh;
use crate::process::Process;

/// Each size, and how many messages of it are on their way together.
const SIZES: [(usize, usize); 8] =
    [(0, 50), (1, 50), (100, 2000), (125, 50), (126, 50), (1024, 1000), (65_536, 60), (1_000_000, 4)];

/// Sends text and binary of every size both ways, at the same time, and compares every byte.
pub(crate) fn check(kind: Kind, process: &Process) -> Outcome<()> {
    if kind == Kind::Iroh {
        return iroh::load("check", process, &[], None).map(drop);
    }
    let (mut connector, mut listener) = pair(process.address, kind.is_comm_server())?;
    for (size, count) in SIZES {
        let messages: Vec<_> = (0..count).map(|number| message(size, number)).collect();
        exchange(&mut connector, &mut listener, &messages)
            .map_err(|error| format!("{}, {size} bytes: {error}", kind.name()))?;
    }
    Ok(())
}

fn exchange(one: &mut Peer, other: &mut Peer, messages: &[(u8, Vec<u8>)]) -> Outcome<()> {
    let mut bytes = Vec::new();
    for (opcode, payload) in messages {
        frames::append(&mut bytes, *opcode, payload);
    }
    let (mut to_one, mut to_other) = (one.stream.try_clone()?, other.stream.try_clone()?);
    thread::scope(|scope| {
        let senders = [&mut to_one, &mut to_other].map(|stream| scope.spawn(|| stream.write_all(&bytes)));
        let receivers = [one, other].map(|peer| scope.spawn(|| receive(peer, messages)));
        for receiver in receivers {
            receiver.join().map_err(|_| "a receiver panicked")??;
        }
        for sender in senders {
            sender.join().map_err(|_| "a sender panicked")??;
        }
        Ok(())
    })
}

fn receive(peer: &mut Peer, messages: &[(u8, Vec<u8>)]) -> Outcome<()> {
    for (number, message) in messages.iter().enumerate() {
        if peer.message()? != *message {
            return Err(format!("message {number} arrived changed").into());
        }
    }
    Ok(())
}

/// Text and binary in turns, no two alike.
fn message(size: usize, number: usize) -> (u8, Vec<u8>) {
    if number.is_multiple_of(2) {
        let text: String = (number..).map(|place| ['a', 'é', '€', '🎉', 'z'][place % 5]).take(size).collect();
        let end = (0..=size).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        (TEXT, text.as_bytes()[..end.min(text.len())].to_vec())
    } else {
        let bytes = (0..size).map(|place| (place * 31 + number * 7).to_le_bytes()[0]);
        (BINARY, bytes.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_texts_and_nearly_as_long_as_wanted() {
        for size in [0, 1, 100, 1024] {
            let (opcode, text) = message(size, 2);
            assert_eq!(opcode, TEXT);
            assert!(String::from_utf8(text.clone()).is_ok() && text.len() + 4 > size && text.len() <= size);
            assert_eq!(message(size, 3).1.len(), size);
        }
    }
}

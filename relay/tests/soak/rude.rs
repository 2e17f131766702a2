//! Clients that keep to no rule.

use std::net::SocketAddr;
use std::time::Duration;

use ratatosk_protocol::message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::{Client, key, raw, within};
use crate::dice::Dice;
use crate::{meet, reset};

/// Stops halfway, at any byte, and goes or waits for its deadline.
pub(crate) async fn half_open(address: SocketAddr, dice: &mut Dice) {
    let register = raw::message(&message::register(key(1).public()));
    let bytes = [raw::UPGRADE.as_bytes(), &register].concat();
    let length = dice.below(bytes.len() + 1);
    let mut stream = raw::connect(address).await;
    stream.write_all(&bytes[..length]).await.unwrap();
    match dice.below(3) {
        0 => drop(stream),
        1 => reset(stream),
        _ => {
            raw::rest(&mut stream).await;
        }
    }
}

/// Bytes that mean nothing: instead of HTTP, behind the upgrade, from a spare, from one half of a pair.
pub(crate) async fn garbage(address: SocketAddr, dice: &mut Dice, unique: u16) {
    let (stream, other) = match dice.below(4) {
        0 => (raw::connect(address).await, None),
        1 => (raw::upgrade_and(address, b"").await, None),
        2 => (Client::register(address, &key(unique)).await.ws.into_inner(), None),
        _ => {
            let (connector, listener) = meet(address, &key(1002), &key(unique)).await;
            (connector.ws.into_inner(), Some(listener))
        }
    };
    let length = dice.length();
    let mut bytes = dice.bytes(length);
    if dice.one_in(2) {
        // Closer to a frame than chance comes.
        bytes.splice(..0, raw::frame([raw::TEXT, raw::BINARY, 0x01, 0x00, 0x88, 0x89][dice.below(6)], &[]));
    }
    let (mut reader, mut writer) = stream.into_split();
    let write = async {
        let _ = writer.write_all(&bytes).await;
        let _ = writer.shutdown().await;
    };
    let mut scrap = Vec::new();
    let read = async {
        let _ = reader.read_to_end(&mut scrap).await;
    };
    let hear = async {
        if let Some(mut other) = other {
            // Whatever arrives of it is a message, and the end comes.
            while other.try_recv().await.is_ok() {}
        }
    };
    within(async { tokio::join!(write, read, hear) }).await;
}

/// One half of a pair takes nothing, for a while or for good.
pub(crate) async fn stall(address: SocketAddr, dice: &mut Dice, unique: u16) {
    let (connector, listener) = meet(address, &key(1003), &key(unique)).await;
    let (mut sender, receiver) = (connector.ws.into_inner(), listener.ws.into_inner());
    let frame = raw::frame(raw::BINARY, &[0x5a; 60_000]);
    let for_good = dice.one_in(2);
    let patience = Duration::from_millis(dice.below(800) as u64);
    let filling = async { while sender.write_all(&frame).await.is_ok() {} };
    if tokio::time::timeout(patience, filling).await.is_err() && !for_good {
        return drain(receiver).await;
    }
    // The relay gives it up: then writing fails.
    within(async { while sender.write_all(&frame).await.is_ok() {} }).await;
    drop(receiver);
}

/// Reads what is there, for a moment.
async fn drain(mut stream: TcpStream) {
    let mut buffer = vec![0; 65_536];
    for _ in 0..50 {
        if !matches!(within(stream.read(&mut buffer)).await, Ok(1..)) {
            return;
        }
    }
    reset(stream);
}

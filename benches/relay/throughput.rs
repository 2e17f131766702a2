//! Payload per second in one direction of one pair.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::pair;
use crate::contender::Kind;
use crate::frames::{self, BINARY};
use crate::iroh;
use crate::pause::pause;
use crate::process::Process;

/// Bytes that are written at once: many small messages, or a few large ones.
const BLOCK: usize = 256 * 1024;

/// Payload that may be on its way. A contender that keeps what the receiver has not read must not be paid for that.
const WINDOW: u64 = 4 << 20;

/// The last message of a turn.
const MARK: &[u8; 16] = b"\xf7the very last.\xf8";

/// What a turn gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// Payload in MB per second of a clock.
    pub(crate) whole: f64,
    /// Payload in MB per second of the server's CPU time.
    pub(crate) per_cpu: f64,
}

/// One turn.
pub(crate) fn turn(kind: Kind, process: &Process, size: usize, length: Duration) -> Outcome<Rate> {
    if kind == Kind::Iroh {
        return datagrams(process, size, length);
    }
    let (connector, listener) = pair(process.address, kind.is_comm_server())?;
    let received = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let cpu = process.cpu()?;
    let began = Instant::now();
    let messages = thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let result = drain(&listener.stream, &received);
            failed.store(result.is_err(), Ordering::Relaxed);
            result
        });
        let sent = send(&connector.stream, size, length, &received, &failed);
        receiver.join().map_err(|_| "the receiver panicked")??;
        sent
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = process.cpu()? - cpu;
    let megabytes = messages as f64 * size as f64 / 1e6;
    Ok(Rate { whole: megabytes / seconds, per_cpu: megabytes / cpu })
}

fn datagrams(process: &Process, size: usize, length: Duration) -> Outcome<Rate> {
    let cpu = process.cpu()?;
    let size = size.min(iroh::LARGEST) as u128;
    let figures = iroh::load("throughput", process, &[size, length.as_millis()], None)?;
    let cpu = process.cpu()? - cpu;
    match figures.as_slice() {
        [megabytes, seconds] => Ok(Rate { whole: megabytes / seconds, per_cpu: megabytes / cpu }),
        other => Err(format!("not two figures: {other:?}").into()),
    }
}

/// Sends for so long, and then the mark. Gives the number of messages.
fn send(
    mut stream: &TcpStream,
    size: usize,
    length: Duration,
    received: &AtomicU64,
    failed: &AtomicBool,
) -> Outcome<u64> {
    let (mut block, mut messages) = (Vec::with_capacity(BLOCK + size + 14), 0_u64);
    while block.len() < BLOCK {
        frames::append(&mut block, BINARY, &vec![0xa5; size]);
        messages += 1;
    }
    let payload = messages * size as u64;
    let on_the_wire = messages * frames::server_frame(size) as u64;
    let (mut sent, mut blocks) = (0, 0);
    let began = Instant::now();
    while began.elapsed() < length {
        while sent > received.load(Ordering::Relaxed) + WINDOW {
            if failed.load(Ordering::Relaxed) {
                return Err("the receiver has ended".into());
            }
            pause(Duration::from_micros(50));
        }
        stream.write_all(&block)?;
        sent += on_the_wire.max(payload);
        blocks += 1;
    }
    let mut mark = Vec::new();
    frames::append(&mut mark, BINARY, MARK);
    stream.write_all(&mark)?;
    Ok(messages * blocks)
}

/// Reads until the mark, masked or not, is the last that came.
fn drain(mut stream: &TcpStream, received: &AtomicU64) -> Outcome<()> {
    let mut masked = Vec::new();
    frames::append(&mut masked, BINARY, MARK);
    let masked = &masked[masked.len() - MARK.len()..];
    let mut buffer = vec![0; MARK.len() + (1 << 20)];
    loop {
        // What came last stays in front of what comes next, so that a mark in two parts is found.
        let len = stream.read(&mut buffer[MARK.len()..])?;
        if len == 0 {
            return Err("the stream ended before the mark".into());
        }
        received.fetch_add(len as u64, Ordering::Relaxed);
        let tail = len..len + MARK.len();
        if buffer[tail.clone()] == *MARK || buffer[tail.clone()] == *masked {
            return Ok(());
        }
        buffer.copy_within(tail, 0);
    }
}

//! One direction of one connection: reads, looks, waits, writes.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::SemaphorePermit;
use tokio::time::{sleep, sleep_until, timeout};

use super::faults::Shape;
use super::frame::Frame;
use super::inspect::{BINARY, Inspector, Passing, TEXT};
use super::log::Told;
use super::queue::{Item, MAX_WAITING, Queue, Then};
use super::{Direction, Shared, lock};

/// How long nothing may come in either direction, and how long an end may take nothing.
pub(super) const IDLE: Duration = Duration::from_secs(600);
/// The time in which a frame drips.
const DRIP: Duration = Duration::from_secs(1);
/// The pieces in which it does.
const DRIP_PIECES: u32 = 50;
/// Bytes that are read at once.
const READ: usize = 64 << 10;

/// What both directions of a connection share.
pub(super) struct Scene<'a> {
    pub(super) shared: &'a Shared,
    pub(super) connection: u64,
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    pub(super) inspector: Inspector,
    pub(super) told: Told,
    /// When something came last.
    pub(super) active: Instant,
}

/// How a direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The sender has nothing more to say, and all of it was written.
    Finished,
    /// The sender's connection broke.
    Broken,
    /// The receiver's connection is gone.
    Gone,
    /// Nothing came for a long time, or nothing was taken.
    Idle,
    /// A fault: both connections are to be reset.
    Reset,
    /// A fault: both connections are to be closed.
    Close,
}

pub(super) struct Pump<'a> {
    scene: &'a Scene<'a>,
    direction: Direction,
    buffer: BytesMut,
    queue: Queue,
    frames: u64,
    /// What comes is not looked at any more; so many bytes.
    opaque: Option<u64>,
    /// The place for a large frame, while one is on its way.
    large: Option<SemaphorePermit<'a>>,
}

impl<'a> Pump<'a> {
    /// `buffer` is what has been read already.
    pub(super) fn new(scene: &'a Scene<'a>, direction: Direction, buffer: BytesMut) -> Self {
        Self { scene, direction, buffer, queue: Queue::default(), frames: 0, opaque: None, large: None }
    }

    /// Everything that comes is passed on without a look.
    pub(super) fn opaque(mut self) -> Self {
        self.opaque = Some(0);
        self
    }

    /// Runs until the direction ends.
    pub(super) async fn run(mut self, from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) -> Ended {
        let ended = self.pass(from, to).await;
        if let Some(bytes) = self.opaque {
            lock(&self.scene.shared.log).opaque(&lock(&self.scene.state).told, self.direction, bytes);
        }
        ended
    }

    async fn pass(&mut self, from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) -> Ended {
        let mut end = None;
        self.arrived();
        loop {
            while let Some(item) = self.queue.take(Instant::now()) {
                if let Err(ended) = write(to, &item).await {
                    return ended;
                }
            }
            // What was read while there was no room is not followed by a reading: its sender may wait for an answer.
            if end.is_none() && self.look() {
                continue;
            }
            self.give_back();
            if let Some(end) = end
                && self.queue.is_empty()
            {
                if end == Ended::Finished {
                    // If that fails, the receiver is gone, and the other direction tells.
                    to.shutdown().await.unwrap_or_default();
                }
                return end;
            }
            let due = self.queue.next_due();
            self.buffer.reserve(READ);
            tokio::select! {
                read = from.read_buf(&mut self.buffer), if end.is_none() && self.queue.has_room() => {
                    match read {
                        Ok(0) => end = Some(Ended::Finished),
                        Ok(_) => self.arrived(),
                        Err(_) => end = Some(Ended::Broken),
                    }
                    if end.is_some() {
                        // A frame that never became whole.
                        let rest = self.buffer.split().to_vec();
                        self.raw(rest);
                        self.queue.release(Instant::now());
                    }
                }
                () = until(due), if due.is_some() => {}
                () = sleep(IDLE), if due.is_none() => {
                    if lock(&self.scene.state).active.elapsed() >= IDLE {
                        return Ended::Idle;
                    }
                }
            }
        }
    }

    /// Something has been read.
    fn arrived(&mut self) {
        lock(&self.scene.state).active = Instant::now();
        self.look();
    }

    /// Takes what has been read, as far as there is room; whether it was anything.
    fn look(&mut self) -> bool {
        let (now, before) = (Instant::now(), self.buffer.len());
        while self.opaque.is_none() && self.queue.has_room() {
            match Frame::take(&mut self.buffer) {
                Ok(Some(frame)) => self.frame(now, frame),
                Ok(None) if self.may_hold() => break,
                Ok(None) | Err(_) => self.opaque = Some(0),
            }
        }
        if self.opaque.is_some() {
            let bytes = self.buffer.split().to_vec();
            self.raw(bytes);
        }
        self.buffer.len() < before
    }

    /// Whether the beginning of a frame may wait for its rest.
    fn may_hold(&mut self) -> bool {
        if self.buffer.len() > MAX_WAITING && self.large.is_none() {
            self.large = self.scene.shared.large.try_acquire().ok();
            return self.large.is_some();
        }
        true
    }

    /// Gives up the place of a large frame that has been written, and its memory.
    fn give_back(&mut self) {
        if self.large.is_some() && self.buffer.len() <= MAX_WAITING && self.queue.is_light() {
            self.buffer = BytesMut::from(&self.buffer[..]);
            self.large = None;
        }
    }

    fn raw(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            *self.opaque.get_or_insert_default() += bytes.len() as u64;
            self.queue.raw(Instant::now(), bytes);
        }
    }

    fn frame(&mut self, now: Instant, frame: Frame) {
        let Scene { shared, connection, state } = self.scene;
        let mut state = lock(state);
        let State { inspector, told, .. } = &mut *state;
        for passing in inspector.frame(self.direction, frame) {
            let number = self.frames;
            self.frames += 1;
            let decision = shared.faults.decide(shared.seed, *connection, self.direction, number, shape(&passing));
            lock(&shared.log).frame(told, self.direction, number, &passing, &decision);
            self.queue.frame(now, passing.frame, &decision);
        }
    }
}

fn shape(passing: &Passing) -> Shape {
    let frame = &passing.frame;
    let message = frame.is_final() && matches!(frame.opcode(), TEXT | BINARY);
    Shape { head: frame.head_len(), payload: frame.len(), message }
}

async fn until(due: Option<Instant>) {
    if let Some(due) = due {
        sleep_until(due.into()).await;
    }
}

async fn write(to: &mut OwnedWriteHalf, item: &Item) -> Result<(), Ended> {
    let writing = async {
        if item.then == Then::Drip {
            let piece = item.bytes.len().div_ceil(DRIP_PIECES as usize).max(1);
            for piece in item.bytes.chunks(piece) {
                to.write_all(piece).await?;
                sleep(DRIP / DRIP_PIECES).await;
            }
            return Ok(());
        }
        to.write_all(&item.bytes).await
    };
    match timeout(IDLE, writing).await {
        Err(_) => Err(Ended::Idle),
        Ok(Err(_)) => Err(Ended::Gone),
        Ok(Ok::<(), std::io::Error>(())) => match item.then {
            Then::Nothing | Then::Drip => Ok(()),
            Then::Reset => Err(Ended::Reset),
            Then::Close => Err(Ended::Close),
        },
    }
}

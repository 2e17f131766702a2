//! One TCP connection of the virtual network: bytes on their way in both directions.
//!
//! A direction delivers in order, later or never, and takes no more than its window: what its reader leaves lying stops its
//! writer. Times are milliseconds since the start of the run.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::sync::Notify;

/// Virtual time.
pub(super) type Millis = u64;

/// Names a TCP connection of a run.
pub(super) type LinkId = usize;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From the peer to the relay.
    Up,
    /// From the relay to the peer.
    Down,
}

impl Way {
    pub(super) const BOTH: [Self; 2] = [Self::Up, Self::Down];

    pub(super) fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// How a direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing more comes.
    Fin,
    /// The connection is gone.
    Reset,
}

/// What travels.
#[derive(Debug)]
pub(super) enum Piece {
    Bytes(Vec<u8>),
    End(Ending),
}

/// What has become of the program that reads a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    There,
    /// Its system answers with a reset.
    Gone,
    /// Its machine is down, and answers with a reset from then on.
    DownUntil(Millis),
}

/// One direction.
#[derive(Debug)]
pub(super) struct Pipe {
    window: usize,
    /// Written, and not on the way yet.
    pub(super) waiting: Vec<u8>,
    pub(super) flight: VecDeque<(Millis, Piece)>,
    in_flight: usize,
    /// Not earlier than what is on the way already.
    pub(super) last_due: Millis,
    pub(super) arrived: VecDeque<u8>,
    /// The end has arrived, behind `arrived`.
    pub(super) over: Option<Ending>,
    /// The end is to be sent, behind `waiting`.
    pub(super) ending: Option<Ending>,
    /// The end is sent.
    pub(super) ended: bool,
    pub(super) reader: Reader,
    pub(super) wake_reader: Option<Waker>,
    pub(super) wake_writer: Option<Waker>,
}

impl Pipe {
    fn new(window: usize) -> Self {
        Self {
            window,
            waiting: Vec::new(),
            flight: VecDeque::new(),
            in_flight: 0,
            last_due: 0,
            arrived: VecDeque::new(),
            over: None,
            ending: None,
            ended: false,
            reader: Reader::There,
            wake_reader: None,
            wake_writer: None,
        }
    }

    /// Bytes that may be written now.
    pub(super) fn room(&self) -> usize {
        self.window.saturating_sub(self.waiting.len() + self.in_flight + self.arrived.len())
    }

    /// Takes what there is room for.
    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.room());
        self.waiting.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Gives what has arrived, so much at most, and wakes the writer.
    pub(super) fn read(&mut self, most: usize) -> Vec<u8> {
        let bytes = self.arrived.drain(..most.min(self.arrived.len())).collect();
        if let Some(waker) = self.wake_writer.take() {
            waker.wake();
        }
        bytes
    }

    /// Sends the end, unless it is sent already.
    pub(super) fn end(&mut self, ending: Ending) {
        if !self.ended && self.ending != Some(Ending::Reset) {
            self.ending = Some(ending);
        }
    }

    pub(super) fn depart(&mut self, due: Millis, piece: Piece) {
        if let Piece::Bytes(bytes) = &piece {
            self.in_flight += bytes.len();
        }
        self.last_due = due;
        self.flight.push_back((due, piece));
    }

    /// The next piece that is due.
    pub(super) fn land(&mut self, now: Millis) -> Option<Piece> {
        let (due, _) = self.flight.front()?;
        if *due > now {
            return None;
        }
        let (_, piece) = self.flight.pop_front()?;
        if let Piece::Bytes(bytes) = &piece {
            self.in_flight -= bytes.len();
        }
        Some(piece)
    }

    /// What its reader gets. Nothing comes behind an end.
    pub(super) fn arrive(&mut self, piece: Piece) {
        match piece {
            Piece::Bytes(bytes) if self.over.is_none() => self.arrived.extend(bytes),
            Piece::Bytes(_) => {}
            Piece::End(ending) => self.over = Some(ending),
        }
        if let Some(waker) = self.wake_reader.take() {
            waker.wake();
        }
        if self.over == Some(Ending::Reset)
            && let Some(waker) = self.wake_writer.take()
        {
            waker.wake();
        }
    }
}

/// Both directions.
#[derive(Debug)]
pub(super) struct Wires {
    pub(super) up: Pipe,
    pub(super) down: Pipe,
    is_dirty: bool,
}

impl Wires {
    pub(super) fn way(&mut self, way: Way) -> &mut Pipe {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }
}

/// A TCP connection, shared by its two ends and the network between them.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: LinkId,
    wires: Mutex<Wires>,
    bell: Arc<Bell>,
}

impl Link {
    pub(super) fn new(id: LinkId, window: usize, bell: &Arc<Bell>) -> Arc<Self> {
        let wires = Wires { up: Pipe::new(window), down: Pipe::new(window), is_dirty: false };
        Arc::new(Self { id, wires: Mutex::new(wires), bell: Arc::clone(bell) })
    }

    pub(super) fn wires(&self) -> MutexGuard<'_, Wires> {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was written or read: the network has to look.
    pub(super) fn touch(&self, wires: &mut Wires) {
        if !std::mem::replace(&mut wires.is_dirty, true) {
            self.bell.ring(self.id);
        }
    }

    /// The network is looking.
    pub(super) fn clean(&self) -> MutexGuard<'_, Wires> {
        let mut wires = self.wires();
        wires.is_dirty = false;
        wires
    }
}

/// Tells the network which connections to look at.
#[derive(Debug, Default)]
pub(super) struct Bell {
    dirty: Mutex<Vec<LinkId>>,
    rung: Notify,
}

impl Bell {
    fn ring(&self, link: LinkId) {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner).push(link);
        self.rung.notify_one();
    }

    /// Who has rung since the last time, in that order.
    pub(super) fn take(&self) -> Vec<LinkId> {
        std::mem::take(&mut *self.dirty.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) async fn heard(&self) {
        self.rung.notified().await;
    }
}

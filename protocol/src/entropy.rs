//! Where unpredictable bytes come from.
//!
//! The core never asks the operating system for anything. Whoever drives it passes an [`Entropy`]: the driver passes
//! [`OsEntropy`], a test passes bytes that it knows.

#[cfg(feature = "os-entropy")]
mod pool;

#[cfg(feature = "os-entropy")]
use std::cell::RefCell;

#[cfg(feature = "os-entropy")]
use self::pool::{MAX_REQUEST, Pool};

/// A source of bytes that nobody else can predict.
pub trait Entropy: Send {
    /// Fills `buffer` completely.
    fn fill(&mut self, buffer: &mut [u8]);

    /// `N` fresh bytes.
    fn bytes<const N: usize>(&mut self) -> [u8; N]
    where
        Self: Sized,
    {
        array(self)
    }
}

impl Entropy for Box<dyn Entropy> {
    fn fill(&mut self, buffer: &mut [u8]) {
        self.as_mut().fill(buffer);
    }
}

/// `N` fresh bytes from a source behind a reference.
pub fn array<const N: usize>(entropy: &mut dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// The operating system's random numbers.
///
/// Each thread keeps 4 KiB of them in store, for requests of up to some hundred bytes. A byte is wiped from there when it is
/// handed out. The store is memory of this process: one that went on in a copy of itself (`fork` without `exec`, which safe code
/// cannot do) would hand out the same bytes in both.
#[cfg(feature = "os-entropy")]
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

#[cfg(feature = "os-entropy")]
thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::EMPTY) };
}

#[cfg(feature = "os-entropy")]
impl OsEntropy {
    /// Whether there are random numbers: to be asked by a program at its start, so that it can say what is missing.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn check() -> Result<(), String> {
        getrandom::fill(&mut [0; 32]).map_err(|error| error.to_string())
    }

    /// # Panics
    ///
    /// When the operating system has no random numbers. There is no safe way to go on without them.
    #[expect(clippy::panic, reason = "a key made of predictable bytes is worse than a stopped process")]
    fn ask(buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            panic!("the operating system gives no random numbers: {error}");
        }
    }
}

#[cfg(feature = "os-entropy")]
impl Entropy for OsEntropy {
    /// # Panics
    ///
    /// When the operating system has no random numbers.
    fn fill(&mut self, buffer: &mut [u8]) {
        // A thread that ends has no store any more.
        if buffer.len() > MAX_REQUEST || POOL.try_with(|pool| pool.borrow_mut().take(buffer, Self::ask)).is_err() {
            Self::ask(buffer);
        }
    }
}

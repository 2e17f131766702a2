//! Encryption (`spec/wire.md §4`): XSalsa20-Poly1305 with counter nonces, random padding, text flag.
//!
//! The frame grows around the message where it lies: padding and tag go in front of it, nothing is copied.
//!
//! The configuration is [`CONFIG_LEN`] bytes: the shared key, then 0 for even nonces (the acceptor sends with those) or 1 for
//! odd ones (the connector).

mod nonce;
pub mod padding;
pub mod secretbox;

use ratatosk_plugin::{Buffer, Direction, Failure, Host, Kind, Plugin, Verdict, abi, export_plugin, text};

use self::nonce::nonce_end;
pub use self::nonce::{MAX_NONCE_COUNTER, NonceExhausted, NonceParity, nonce};
use self::padding::{FLAG_TEXT, PaddingError};
use self::secretbox::{KEY_LEN, Secretbox, TAG_LEN};

/// Bytes of a configuration.
pub const CONFIG_LEN: usize = KEY_LEN + 1;

/// Bytes that the reference keeps in front of a decrypted message; they count in the offset of one of its error texts.
const REFERENCE_HEADROOM: u64 = 32;

/// The encryption plugin of one connection. Its key is wiped when it is dropped.
pub struct Encryption {
    secretbox: Secretbox,
    send: u64,
    receive: u64,
}

/// The configuration for a key and the nonces of one end. Whoever takes it is responsible for wiping it.
#[must_use]
pub fn config(key: &[u8; KEY_LEN], sends: NonceParity) -> [u8; CONFIG_LEN] {
    let mut config = [0; CONFIG_LEN];
    config[..KEY_LEN].copy_from_slice(key);
    config[KEY_LEN] = u8::from(sends == NonceParity::Odd);
    config
}

impl Encryption {
    /// Starts both counters.
    #[must_use]
    pub fn new(key: &[u8; KEY_LEN], sends: NonceParity) -> Self {
        Self::with_secretbox(Secretbox::new(key), sends)
    }

    /// Starts both counters, with a cipher that is there already.
    #[must_use]
    pub fn with_secretbox(secretbox: Secretbox, sends: NonceParity) -> Self {
        let (send, receive) = match sends {
            NonceParity::Even => (0, 1),
            NonceParity::Odd => (1, 0),
        };
        Self { secretbox, send, receive }
    }

    fn seal(&mut self, host: &mut dyn Host, data: &mut Buffer, flags: u8) -> Result<(), Failure> {
        let nonce = nonce_end(self.send).map_err(Failure::new)?;
        let mut random = [0];
        host.random(&mut random);
        // One random byte says how much padding there is, so its length takes one byte or none.
        let header = prepend(data, 1 + usize::from(random[0]))?;
        header[0] = flags << 4;
        if let Some(rest) = random[0].checked_sub(1) {
            header[0] |= 1;
            header[1] = rest;
        }
        host.random(header.get_mut(2..).unwrap_or_default());
        let tag = self.secretbox.seal(nonce, data);
        prepend(data, TAG_LEN)?.copy_from_slice(&tag);
        self.send += 2;
        host.emit(Direction::Outgoing, Kind::Binary, data);
        Ok(())
    }

    fn open(&mut self, host: &mut dyn Host, data: &mut Buffer) -> Result<(), Failure> {
        let nonce = nonce_end(self.receive).map_err(Failure::new)?;
        // The counter advances even if the frame is bad, as in the reference.
        self.receive += 2;
        let refused = || Failure::new("Decryption of message failed.");
        let (tag, sealed) = data.split_first_chunk_mut::<TAG_LEN>().ok_or_else(refused)?;
        self.secretbox.open(nonce, sealed, tag).map_err(|_| refused())?;
        let (start, flags) = padding::remove(sealed).map_err(|error| match error {
            PaddingError::OutOfBounds { offset } => {
                Failure::new(PaddingError::OutOfBounds { offset: offset + REFERENCE_HEADROOM })
            }
            other => Failure::new(other),
        })?;
        data.skip(TAG_LEN + start);
        if flags & FLAG_TEXT == 0 {
            host.emit(Direction::Incoming, Kind::Binary, data);
        } else if is_text(data) {
            host.emit(Direction::Incoming, Kind::Text, data);
        } else {
            host.emit(Direction::Incoming, Kind::Text, text::decode(data).as_bytes());
        }
        Ok(())
    }
}

/// More bytes in front of the message. The header and the tag always fit.
fn prepend(data: &mut Buffer, len: usize) -> Result<&mut [u8], Failure> {
    data.prepend(len).ok_or_else(|| Failure::new("no room in front of the message"))
}

/// Whether decoding would leave the bytes as they are. It drops a leading byte order mark.
fn is_text(data: &[u8]) -> bool {
    !data.starts_with(b"\xEF\xBB\xBF") && str::from_utf8(data).is_ok()
}

impl Plugin for Encryption {
    const SUBSCRIBE: u32 = abi::MESSAGES;

    fn open(_host: &mut dyn Host, config: &[u8]) -> Result<Self, Failure> {
        let malformed = || Failure::new("the configuration is 32 bytes of key and 0 or 1 for the parity of the nonces");
        let (key, parity) = config.split_first_chunk::<KEY_LEN>().ok_or_else(malformed)?;
        let sends = match parity {
            [0] => NonceParity::Even,
            [1] => NonceParity::Odd,
            _ => return Err(malformed()),
        };
        Ok(Self::new(key, sends))
    }

    fn on_event(
        &mut self,
        host: &mut dyn Host,
        direction: Direction,
        kind: Kind,
        data: &mut Buffer,
    ) -> Result<Verdict, Failure> {
        match (direction, kind) {
            (Direction::Outgoing, Kind::Text) => self.seal(host, data, FLAG_TEXT)?,
            (Direction::Outgoing, Kind::Binary) => self.seal(host, data, 0)?,
            (Direction::Incoming, Kind::Binary) => self.open(host, data)?,
            (Direction::Incoming, Kind::Text) => {
                return Err(Failure::new("Incoming encrypted message is a string, it needs to be binary"));
            }
            _ => return Ok(Verdict::Pass),
        }
        Ok(Verdict::Consumed)
    }
}

export_plugin!(Encryption);

//! Bytes under a passphrase: format 1.
//!
//! ```text
//! "RATATOSK-BACKUP\n"  16 bytes
//! format               4 bytes, big-endian
//! memory, passes, lanes  3 × 4 bytes: what guessing the passphrase costs (Argon2id)
//! salt                 16 bytes
//! nonce                19 bytes
//! pieces               65536 bytes each, the last one 0 to 65536; behind each a tag of 16
//! ```
//!
//! Each piece is sealed with XChaCha20-Poly1305; its nonce is the one above, its number, and whether it is the last one (STREAM,
//! Hoang, Reyhanitabar, Rogaway and Vizár 2015). The head is associated data of all. So nothing of it can be changed, moved, repeated
//! or cut off without being noticed, in whatever order it is read.

use std::io::{self, ErrorKind, Read, Write};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::entropy::array;
use zeroize::Zeroizing;

use super::BackupError;
use crate::model::home::{Cost, MAX_PASSPHRASE};

const MAGIC: &[u8; 16] = b"RATATOSK-BACKUP\n";
const FORMAT: u32 = 1;
const SALT: usize = 16;
const NONCE: usize = 19;
const HEAD: usize = MAGIC.len() + 4 * 4 + SALT + NONCE;
/// Bytes of a piece.
const PIECE: usize = 64 * 1024;
const TAG: usize = 16;
/// The most that a backup may ask for when it is opened: nobody shall make us take all memory.
const MOST: Cost = Cost { memory_kib: 1024 * 1024, passes: 64, lanes: 16 };

/// What both directions need.
struct Key {
    cipher: XChaCha20Poly1305,
    head: [u8; HEAD],
    number: u32,
}

impl Key {
    fn new(passphrase: &str, head: [u8; HEAD]) -> Result<Self, BackupError> {
        if passphrase.is_empty() || passphrase.len() > MAX_PASSPHRASE {
            return Err(BackupError::Passphrase);
        }
        let number = |place: usize| {
            let bytes = head.get(place..place + 4).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; 4]);
            u32::from_be_bytes(bytes)
        };
        let at = MAGIC.len();
        match number(at) {
            FORMAT => {}
            other => return Err(BackupError::Format(other)),
        }
        let (memory_kib, passes, lanes) = (number(at + 4), number(at + 8), number(at + 12));
        if memory_kib > MOST.memory_kib || passes > MOST.passes || lanes > MOST.lanes {
            return Err(BackupError::Damaged("what it says about the cost of its passphrase is out of bounds"));
        }
        let impossible = |_| BackupError::Damaged("what it says about the cost of its passphrase cannot be");
        let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(impossible)?;
        let mut key = Zeroizing::new([0; 32]);
        let salt = &head[at + 16..at + 16 + SALT];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
            .map_err(impossible)?;
        Ok(Self { cipher: XChaCha20Poly1305::new((&*key).into()), head, number: 0 })
    }

    /// The nonce of the next piece. 2^32 pieces are 256 TiB.
    fn nonce(&mut self, is_last: bool) -> io::Result<[u8; 24]> {
        let mut nonce = [0; 24];
        nonce[..NONCE].copy_from_slice(&self.head[HEAD - NONCE..]);
        nonce[NONCE..23].copy_from_slice(&self.number.to_be_bytes());
        nonce[23] = u8::from(is_last);
        let next = self.number.checked_add(1);
        self.number = next.ok_or_else(|| io::Error::other("a backup of more than 256 TiB"))?;
        Ok(nonce)
    }
}

/// Seals what is written to it.
pub(super) struct Sealer<W> {
    to: W,
    key: Key,
    piece: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealer<W> {
    /// Begins, with a head of its own.
    pub(super) fn new(mut to: W, passphrase: &str, cost: Cost) -> Result<Self, BackupError> {
        let mut head = Vec::with_capacity(HEAD);
        head.extend(MAGIC);
        for number in [FORMAT, cost.memory_kib, cost.passes, cost.lanes] {
            head.extend(number.to_be_bytes());
        }
        let mut entropy = os_entropy();
        head.extend(array::<SALT>(entropy.as_mut()));
        head.extend(array::<NONCE>(entropy.as_mut()));
        let head = <[u8; HEAD]>::try_from(head).map_err(|_| BackupError::Damaged("its head has another length"))?;
        let key = Key::new(passphrase, head)?;
        to.write_all(&head).map_err(BackupError::io("write", "the backup".as_ref()))?;
        Ok(Self { to, key, piece: Zeroizing::new(Vec::with_capacity(PIECE)) })
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        let nonce = self.key.nonce(is_last)?;
        let payload = Payload { msg: &self.piece, aad: &self.key.head };
        let sealed = self.key.cipher.encrypt(&nonce.into(), payload);
        self.piece.clear();
        self.to.write_all(&sealed.map_err(|_| io::Error::other("it cannot be sealed"))?)
    }

    /// Writes the last piece, and gives back what was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.to.flush()?;
        Ok(self.to)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full piece waits until it is known whether it is the last one.
        if self.piece.len() == PIECE {
            self.seal(false)?;
        }
        let length = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens what is read from it.
pub(super) struct Opener<R> {
    from: R,
    key: Key,
    /// What was read and not opened yet: up to a piece and one byte more, which tells that it is not the last one.
    ahead: Vec<u8>,
    piece: Zeroizing<Vec<u8>>,
    /// How much of the piece was given.
    given: usize,
    is_over: bool,
}

impl<R: Read> Opener<R> {
    /// Reads the head, and opens the first piece.
    pub(super) fn new(mut from: R, passphrase: &str, name: &std::path::Path) -> Result<Self, BackupError> {
        let mut head = [0; HEAD];
        let no_backup = || BackupError::NoBackup(name.to_owned());
        match from.read_exact(&mut head) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(no_backup()),
            read => read.map_err(BackupError::io("read", name))?,
        }
        if !head.starts_with(MAGIC) {
            return Err(no_backup());
        }
        let key = Key::new(passphrase, head)?;
        let mut opener = Self { from, key, ahead: Vec::new(), piece: Zeroizing::default(), given: 0, is_over: false };
        match opener.open() {
            Err(error) if error.kind() == ErrorKind::InvalidData => Err(BackupError::WrongPassphrase),
            opened => opened.map(|()| opener).map_err(BackupError::io("read", name)),
        }
    }

    /// The next piece.
    fn open(&mut self) -> io::Result<()> {
        let wanted = PIECE + TAG + 1 - self.ahead.len();
        self.from.by_ref().take(wanted as u64).read_to_end(&mut self.ahead)?;
        let is_last = self.ahead.len() <= PIECE + TAG;
        let length = self.ahead.len().min(PIECE + TAG);
        let nonce = self.key.nonce(is_last)?;
        let payload = Payload { msg: &self.ahead[..length], aad: &self.key.head };
        let opened = self.key.cipher.decrypt(&nonce.into(), payload);
        self.piece = Zeroizing::new(opened.map_err(|_| io::Error::from(ErrorKind::InvalidData))?);
        self.ahead.drain(..length);
        (self.given, self.is_over) = (0, is_last);
        Ok(())
    }
}

/// [`ErrorKind::InvalidData`]: it is not what was written.
impl<R: Read> Read for Opener<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.piece.len() {
            if self.is_over {
                return Ok(0);
            }
            self.open()?;
        }
        let rest = &self.piece[self.given..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

    fn sealed(length: usize) -> (Vec<u8>, Vec<u8>) {
        let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
        let mut sealer = Sealer::new(Vec::new(), "correct horse", CHEAP).unwrap();
        sealer.write_all(&bytes).unwrap();
        (bytes, sealer.finish().unwrap())
    }

    fn opened(sealed: &[u8], passphrase: &str) -> Result<Vec<u8>, BackupError> {
        let mut opener = Opener::new(sealed, passphrase, Path::new("it"))?;
        let mut bytes = Vec::new();
        match opener.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidData);
                Err(BackupError::Damaged("a piece"))
            }
        }
    }

    #[test]
    fn what_was_sealed_opens_with_the_passphrase_and_with_no_other() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7] {
            let (bytes, sealed) = sealed(length);
            assert_eq!(opened(&sealed, "correct horse").unwrap(), bytes, "{length}");
            assert!(matches!(opened(&sealed, "wrong horse"), Err(BackupError::WrongPassphrase)));
        }
    }

    #[test]
    fn nothing_can_be_changed_or_cut_off_anywhere() {
        let (_, whole) = sealed(2 * PIECE + 100);
        for place in (0..whole.len()).step_by(997).chain(0..HEAD) {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            // Guessing must not become expensive by a changed cost.
            if (20..32).contains(&place) && place % 4 != 3 {
                continue;
            }
            assert!(opened(&changed, "correct horse").is_err(), "changed at {place}");
        }
        let (end, full) = (whole.len(), HEAD + PIECE + TAG);
        for length in (0..end).step_by(997).chain([0, HEAD, full, full - 1, full + 1, full + PIECE + TAG, end - 1]) {
            assert!(opened(&whole[..length], "correct horse").is_err(), "cut at {length}");
        }
        let longer = [whole.as_slice(), b"x"].concat();
        assert!(opened(&longer, "correct horse").is_err());
    }

    #[test]
    fn pieces_cannot_be_moved() {
        let (_, whole) = sealed(3 * PIECE);
        let size = PIECE + TAG;
        let mut moved = whole.clone();
        moved[HEAD..HEAD + size].copy_from_slice(&whole[HEAD + size..HEAD + 2 * size]);
        moved[HEAD + size..HEAD + 2 * size].copy_from_slice(&whole[HEAD..HEAD + size]);
        assert!(opened(&moved, "correct horse").is_err());
        let without = [&whole[..HEAD + size], &whole[HEAD + 2 * size..]].concat();
        assert!(opened(&without, "correct horse").is_err());
    }

    #[test]
    fn other_files_and_other_formats_are_told_apart() {
        let (_, whole) = sealed(10);
        assert!(matches!(opened(b"", "x"), Err(BackupError::NoBackup(_))));
        assert!(matches!(opened(&[b'x'; 1000], "x"), Err(BackupError::NoBackup(_))));
        let mut later = whole.clone();
        later[19] = 2;
        assert!(matches!(opened(&later, "correct horse"), Err(BackupError::Format(2))));
        let mut dear = whole;
        dear[20] = 0xff;
        assert!(matches!(opened(&dear, "correct horse"), Err(BackupError::Damaged(_))));
        assert!(matches!(Sealer::new(Vec::new(), "", CHEAP), Err(BackupError::Passphrase)));
    }
}

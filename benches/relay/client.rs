//! A peer of a contender: blocking sockets, raw frames.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::crypto::challenge::respond;
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::key::{KeyPair, PublicKey, SecretKey};
use ratatosk_protocol::message::{self, AuthenticationRequest, Payload};
use socket2::SockRef;

use crate::Outcome;
use crate::frames::{self, BINARY, Reader, TEXT};

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A key pair with a number.
pub(crate) fn key(number: u32) -> KeyPair {
    let mut bytes = [0x2a; 32];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_bytes(bytes).into()
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Peer<S = TcpStream> {
    pub(crate) stream: S,
    reader: Reader,
}

impl Peer {
    /// A bare TCP connection.
    pub(crate) fn connect(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        // Thousands of connections would otherwise leave their ports occupied for a minute.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        Ok(Self { stream, reader: Reader::default() })
    }

    /// A WebSocket.
    pub(crate) fn upgrade(address: SocketAddr) -> Outcome<Self> {
        Self::upgrade_over(Self::connect(address)?.stream)
    }

    /// A spare of that key.
    pub(crate) fn register(address: SocketAddr, key: &KeyPair) -> Outcome<Self> {
        Self::register_over(Self::connect(address)?.stream, key)
    }
}

impl<S: Read + Write> Peer<S> {
    fn upgrade_over(stream: S) -> Outcome<Self> {
        let mut peer = Self { stream, reader: Reader::default() };
        peer.stream.write_all(UPGRADE.as_bytes())?;
        let mut answer = [0; 512];
        let mut len = 0;
        // No server speaks first, so nothing comes behind the answer.
        while !answer[..len].ends_with(b"\r\n\r\n") {
            match peer.stream.read(&mut answer[len..])? {
                0 => return Err("no answer to the upgrade".into()),
                more => len += more,
            }
        }
        if answer.starts_with(b"HTTP/1.1 101 ") { Ok(peer) } else { Err("the upgrade was refused".into()) }
    }

    /// A spare of that key, over a connection to a server.
    pub(crate) fn register_over(stream: S, key: &KeyPair) -> Outcome<Self> {
        let mut peer = Self::upgrade_over(stream)?;
        peer.send(&message::register(key.public()))?;
        let request = AuthenticationRequest::parse(&peer.receive()?)?;
        let shared = SharedKey::between(key.secret(), &request.server);
        let response = respond(&shared, &request.challenge, &mut OsEntropy)?;
        peer.send(&message::authentication_response(&response))?;
        message::parse_authentication_success(&peer.receive()?)?;
        Ok(peer)
    }

    /// Asks for a spare of `target`.
    pub(crate) fn request(&mut self, source: &PublicKey, target: &PublicKey) -> Outcome<()> {
        self.send(&message::communication_request(source, target))
    }

    /// Reads what a spare is told when it is handed over.
    pub(crate) fn handed_over(&mut self) -> Outcome<()> {
        for _ in 0..2 {
            self.receive()?;
        }
        Ok(())
    }

    pub(crate) fn send(&mut self, payload: &Payload) -> Outcome<()> {
        let mut frame = Vec::new();
        match payload {
            Payload::Text(text) => frames::append(&mut frame, TEXT, text.as_bytes()),
            Payload::Binary(data) => frames::append(&mut frame, BINARY, data),
        }
        Ok(self.stream.write_all(&frame)?)
    }

    /// The next message and its opcode.
    pub(crate) fn message(&mut self) -> Outcome<(u8, Vec<u8>)> {
        self.reader.message(&mut self.stream)
    }

    fn receive(&mut self) -> Outcome<Payload> {
        match self.message()? {
            (TEXT, text) => Ok(Payload::Text(String::from_utf8(text)?)),
            (_, data) => Ok(Payload::binary(data)),
        }
    }
}

/// Two connected peers: connector and listener.
pub(crate) fn pair(address: SocketAddr, comm_server: bool) -> Outcome<(Peer, Peer)> {
    if !comm_server {
        // A proxy connects every second connection with the one before it.
        let listener = Peer::connect(address)?;
        return Ok((Peer::connect(address)?, listener));
    }
    let (source, target) = (key(u32::MAX), key(u32::MAX - 1));
    let mut listener = Peer::register(address, &target)?;
    let mut connector = Peer::upgrade(address)?;
    connector.request(source.public(), target.public())?;
    listener.handed_over()?;
    Ok((connector, listener))
}

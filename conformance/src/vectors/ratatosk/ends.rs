//! Connections: a plugin stack each, with scripted random bytes and a clock of its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::ping::{DEFAULT_PING_GRACE, DEFAULT_PING_INTERVAL, DEFAULT_PONG_TIMEOUT};
use ratatosk_protocol::plugin::{
    CHUNK_LEN, CLOSE_AFTER_SILENCE, Encryption, Fragmentation, Incoming, KeepAlive, MAX_MESSAGE_LEN, NonceParity,
    Outgoing, Ping, Plugin, Pong, SEND_AFTER_IDLE, Stack,
};

use super::{MakePlugin, Script};
use crate::vectors::{Answer, CodecError, Event, Happening, Hex, Message, Parity, PluginSpec};

/// Most timers that may go off during one wait: no vector comes near, a timer that never rests does.
const MAX_TIMERS: usize = 1000;

/// The ends of the current case, by name.
#[derive(Default)]
pub(super) struct Ends(BTreeMap<String, End>);

/// One end of a connection.
pub(super) struct End {
    stack: Stack,
    script: Script,
    opened: Instant,
    now: Instant,
    failed: bool,
}

impl Ends {
    pub(super) fn connect(
        &mut self,
        name: String,
        plugins: Vec<PluginSpec>,
        make: &mut MakePlugin,
    ) -> Result<Answer, CodecError> {
        let script = Script::default();
        let now = Instant::now();
        let made = plugins.into_iter().map(|spec| make(spec, now, Box::new(script.clone())));
        let plugins = made.collect::<Result<_, _>>()?;
        let mut stack = match Stack::new(plugins, Box::new(script.clone())) {
            Ok(stack) => stack,
            Err(error) => return Ok(Answer::Error(error.to_string())),
        };
        stack.handle_incoming(now, Incoming::Opened);
        let opened = stack.poll_event() == Some(Incoming::Opened);
        self.0.insert(name, End { stack, script, opened: now, now, failed: false });
        Ok(Answer::Flag(opened))
    }

    pub(super) fn get(&mut self, name: &str) -> Result<&mut End, CodecError> {
        self.0.get_mut(name).ok_or_else(|| CodecError(format!("no end is called {name}")))
    }
}

impl End {
    pub(super) fn send(&mut self, message: Message, random: Hex) -> Answer {
        self.script.load(random.0);
        if let Err(error) = self.stack.send(self.now, payload(message)) {
            return Answer::Error(error.to_string());
        }
        let mut sent = Vec::new();
        while let Some(event) = self.stack.poll_transmit() {
            match event {
                Outgoing::Message(payload) => sent.push(self::message(payload)),
                Outgoing::Close(request) => return Answer::Error(request.reason()),
            }
        }
        self.script.used_up(Answer::Messages(sent))
    }

    pub(super) fn receive(&mut self, messages: Vec<Message>) -> Answer {
        for message in messages {
            self.stack.handle_incoming(self.now, Incoming::Message(payload(message)));
        }
        let mut delivered = Vec::new();
        while let Some(event) = self.stack.poll_event() {
            if let Incoming::Message(payload) = event {
                delivered.push(message(payload));
            }
        }
        match self.stack.failure() {
            Some(failure) if !self.failed => {
                self.failed = true;
                let text = failure.error.text.clone();
                self.closed_with(text)
            }
            _ => Answer::Messages(delivered),
        }
    }

    /// An error must have become the one and only thing that goes to the socket: a close with its text.
    fn closed_with(&mut self, text: String) -> Answer {
        let sent: Vec<_> = std::iter::from_fn(|| self.stack.poll_transmit()).collect();
        if sent == [Outgoing::Close(CloseRequest::because(text.clone()))] {
            return Answer::Error(text);
        }
        Answer::Error(format!("{text}, but {} other things went to the socket", sent.len()))
    }

    pub(super) fn wait(&mut self, until_ms: u64) -> Result<Answer, CodecError> {
        let until = self.opened + Duration::from_millis(until_ms);
        let mut events = self.happenings();
        for _ in 0..MAX_TIMERS {
            let Some(deadline) = self.stack.poll_timeout().filter(|&deadline| deadline <= until) else {
                self.now = until;
                return Ok(Answer::Events(events));
            };
            self.now = deadline.max(self.now);
            self.stack.handle_timeout(self.now);
            events.extend(self.happenings());
        }
        Err(CodecError("a timer never rests".to_owned()))
    }

    fn happenings(&mut self) -> Vec<Event> {
        let at = u64::try_from((self.now - self.opened).as_millis()).unwrap_or(u64::MAX);
        let event = |event| match event {
            Outgoing::Message(payload) => Happening::Send(message(payload)),
            Outgoing::Close(request) => Happening::Close(request.reason()),
        };
        std::iter::from_fn(|| self.stack.poll_transmit()).map(|sent| Event { at, what: event(sent) }).collect()
    }
}

/// The plugin of `ratatosk-protocol` for a specification.
///
/// # Errors
///
/// If the specification cannot be met.
pub fn native_plugin(spec: PluginSpec) -> Result<Box<dyn Plugin>, CodecError> {
    let or = |millis: Option<u64>, default| millis.map_or(default, Duration::from_millis);
    Ok(match spec {
        PluginSpec::Encryption { key, sends } => {
            let key = key.0.try_into().map_err(|_| CodecError("a shared key has 32 bytes".to_owned()))?;
            let sends = match sends {
                Parity::Even => NonceParity::Even,
                Parity::Odd => NonceParity::Odd,
            };
            Box::new(Encryption::new(&SharedKey::from_bytes(key), sends))
        }
        PluginSpec::Keepalive { send_after_ms, close_after_ms } => {
            Box::new(KeepAlive::new(or(send_after_ms, SEND_AFTER_IDLE), or(close_after_ms, CLOSE_AFTER_SILENCE)))
        }
        PluginSpec::Fragmentation { chunk_len } => {
            Box::new(Fragmentation::new(chunk_len.unwrap_or(CHUNK_LEN), MAX_MESSAGE_LEN))
        }
        PluginSpec::Ping { interval_ms, timeout_ms } => {
            Box::new(Ping::new(or(interval_ms, DEFAULT_PING_INTERVAL), or(timeout_ms, DEFAULT_PONG_TIMEOUT)))
        }
        PluginSpec::Pong { interval_ms, grace_ms } => {
            Box::new(Pong::new(Duration::from_millis(interval_ms), or(grace_ms, DEFAULT_PING_GRACE)))
        }
    })
}

fn payload(message: Message) -> Payload {
    match message {
        Message::Text(text) => Payload::Text(text),
        Message::Bytes(Hex(data)) => Payload::binary(data),
    }
}

fn message(payload: Payload) -> Message {
    match payload {
        Payload::Text(text) => Message::Text(text),
        Payload::Binary(data) => Message::Bytes(Hex(data.to_vec())),
    }
}

//! Keepalive (`spec/wire.md §4`): a pulse when nothing was sent, a close when nothing was received.
//!
//! The configuration is empty for the reference's times, or [`CONFIG_LEN`] bytes: milliseconds without sending until a pulse,
//! milliseconds without receiving until the end (both little-endian, eight bytes), and a byte of flags.

use std::time::Duration;

use ratatosk_plugin::keyword::Keyword;
use ratatosk_plugin::{Buffer, Direction, Failure, Host, Kind, Plugin, Verdict, abi, close, export_plugin};

/// The pulse.
pub const KEEPALIVE: Keyword = Keyword("keepalive");
/// How long nothing is sent before a pulse is.
pub const SEND_AFTER_IDLE: Duration = Duration::from_secs(20);
/// How long nothing is received before the connection is given up.
pub const CLOSE_AFTER_SILENCE: Duration = Duration::from_secs(25);

/// Bytes of a configuration.
pub const CONFIG_LEN: usize = 17;

const FIRST_PULSE: u8 = 1;
const SPEAKS_SECOND: u8 = 2;

const NO_LIFESIGN: &str = "Keepalive: No lifesign of the other side";

/// What one end wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Milliseconds without sending until a pulse is due, at least 1.
    pub send_after_ms: u64,
    /// Milliseconds without receiving until the connection is given up.
    pub close_after_ms: u64,
    /// Sends a pulse as soon as the connection is open, so that the other end can see that the keys fit.
    pub first_pulse: bool,
    /// Sends no pulse before the other end has sent something: an acceptor's first frame must not outrun the connector's
    /// decryption (`spec/wire.md §10`).
    pub speaks_second: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(SEND_AFTER_IDLE, CLOSE_AFTER_SILENCE)
    }
}

impl Settings {
    /// With these times, in whole milliseconds.
    #[must_use]
    pub fn new(send_after: Duration, close_after: Duration) -> Self {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(abi::NEVER);
        let (send_after_ms, close_after_ms) = (millis(send_after), millis(close_after));
        Self { send_after_ms, close_after_ms, first_pulse: false, speaks_second: false }
    }

    /// The configuration that says the same.
    #[must_use]
    pub fn config(self) -> [u8; CONFIG_LEN] {
        let mut config = [0; CONFIG_LEN];
        config[..8].copy_from_slice(&self.send_after_ms.to_le_bytes());
        config[8..16].copy_from_slice(&self.close_after_ms.to_le_bytes());
        if self.first_pulse {
            config[16] |= FIRST_PULSE;
        }
        if self.speaks_second {
            config[16] |= SPEAKS_SECOND;
        }
        config
    }

    fn parse(config: &[u8]) -> Option<Self> {
        if config.is_empty() {
            return Some(Self::default());
        }
        let (send_after, rest) = config.split_first_chunk()?;
        let (close_after, flags) = rest.split_first_chunk()?;
        let &[flags @ 0..=3] = flags else { return None };
        Some(Self {
            send_after_ms: u64::from_le_bytes(*send_after),
            close_after_ms: u64::from_le_bytes(*close_after),
            first_pulse: flags & FIRST_PULSE != 0,
            speaks_second: flags & SPEAKS_SECOND != 0,
        })
    }
}

/// The keepalive plugin of one connection.
pub struct KeepAlive {
    settings: Settings,
    running: Option<Running>,
    /// What the host's timer is set to.
    timer: u64,
}

/// Times in milliseconds.
struct Running {
    sent: u64,
    received: u64,
    may_pulse: bool,
}

impl Running {
    fn close_at(&self, settings: &Settings) -> u64 {
        self.received.saturating_add(settings.close_after_ms)
    }

    fn pulse_at(&self, settings: &Settings) -> u64 {
        if self.may_pulse { self.sent.saturating_add(settings.send_after_ms) } else { abi::NEVER }
    }
}

impl KeepAlive {
    /// With these settings.
    #[must_use]
    pub fn new(mut settings: Settings) -> Self {
        // Without any time between pulses the timer would never rest.
        settings.send_after_ms = settings.send_after_ms.max(1);
        Self { settings, running: None, timer: abi::NEVER }
    }

    /// Sets the timer to what is due next.
    fn arm(&mut self, host: &mut dyn Host) {
        let due = |running: &Running| running.close_at(&self.settings).min(running.pulse_at(&self.settings));
        let at = self.running.as_ref().map_or(abi::NEVER, due);
        if at != self.timer {
            self.timer = at;
            host.set_timer(at);
        }
    }

    fn opened(&mut self, host: &mut dyn Host) {
        let now = host.now_ms();
        self.running = Some(Running { sent: now, received: now, may_pulse: !self.settings.speaks_second });
        if self.settings.first_pulse {
            pulse(host);
        }
    }

    fn received(&mut self, host: &mut dyn Host, kind: Kind, data: &[u8]) -> Result<Verdict, Failure> {
        if let Some(running) = &mut self.running {
            running.received = host.now_ms();
            running.may_pulse = true;
        }
        if kind == Kind::Text && data == KEEPALIVE.0.as_bytes() {
            return Ok(Verdict::Consumed);
        }
        if kind == Kind::Text && data.starts_with(KEEPALIVE.0.as_bytes()) {
            let mut text = String::from_utf8_lossy(data).into_owned();
            KEEPALIVE.unescape(&mut text).map_err(Failure::new)?;
            host.emit(Direction::Incoming, Kind::Text, text.as_bytes());
            return Ok(Verdict::Consumed);
        }
        Ok(Verdict::Pass)
    }

    fn sent(&mut self, host: &mut dyn Host, kind: Kind, data: &[u8]) -> Verdict {
        if let Some(running) = &mut self.running {
            running.sent = host.now_ms();
        }
        // Only what begins like the keyword, or with a byte order mark, can need a mark.
        if kind == Kind::Text && matches!(data.first(), Some(b'k' | 0xEF)) {
            let mut text = String::from_utf8_lossy(data).into_owned();
            KEEPALIVE.escape(&mut text);
            host.emit(Direction::Outgoing, Kind::Text, text.as_bytes());
            return Verdict::Consumed;
        }
        Verdict::Pass
    }
}

fn pulse(host: &mut dyn Host) {
    host.emit(Direction::Outgoing, Kind::Text, KEEPALIVE.0.as_bytes());
}

impl Plugin for KeepAlive {
    fn open(_host: &mut dyn Host, config: &[u8]) -> Result<Self, Failure> {
        let settings = Settings::parse(config);
        settings.map(Self::new).ok_or_else(|| Failure::new("the configuration is empty, or two times and flags"))
    }

    fn on_event(
        &mut self,
        host: &mut dyn Host,
        direction: Direction,
        kind: Kind,
        data: &mut Buffer,
    ) -> Result<Verdict, Failure> {
        let mut verdict = Verdict::Pass;
        match (direction, kind) {
            (Direction::Incoming, Kind::Opened) => self.opened(host),
            (Direction::Incoming, Kind::Closed) => self.running = None,
            (Direction::Incoming, Kind::Text | Kind::Binary) => verdict = self.received(host, kind, data)?,
            (Direction::Outgoing, Kind::Text | Kind::Binary) => verdict = self.sent(host, kind, data),
            _ => {}
        }
        self.arm(host);
        Ok(verdict)
    }

    fn on_timer(&mut self, host: &mut dyn Host) -> Result<(), Failure> {
        self.timer = abi::NEVER;
        let now = host.now_ms();
        let Some(running) = &mut self.running else { return Ok(()) };
        if now >= running.close_at(&self.settings) {
            self.running = None;
            host.emit(Direction::Outgoing, Kind::Close, &close::terminate(NO_LIFESIGN));
        } else if now >= running.pulse_at(&self.settings) {
            running.sent = now;
            pulse(host);
        }
        self.arm(host);
        Ok(())
    }
}

export_plugin!(KeepAlive);

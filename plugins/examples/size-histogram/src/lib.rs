//! Counts the messages of a connection by direction and size, and tells the counts in notes.
//!
//! There is a note when the connection closes. The configuration is a text that asks for more of them: `every=100` for one
//! after each 100 messages, `seconds=60` for one each minute in which there were messages, or both with a space between.

use std::fmt::Write;

use ratatosk_plugin::{Buffer, Direction, Failure, Host, Kind, Plugin, Verdict, abi, export_plugin};

/// The largest message of each class, in bytes. One more class takes what is larger.
const CLASSES: [usize; 7] = [16, 64, 256, 1024, 4096, 16_384, 65_536];

/// How many messages there were of each class.
type Counts = [u64; CLASSES.len() + 1];

/// When to tell the counts, besides at the end. 0 is never.
#[derive(Default)]
struct Settings {
    every: u64,
    seconds: u64,
}

impl Settings {
    fn parse(config: &[u8]) -> Result<Self, Failure> {
        let text = str::from_utf8(config).map_err(Failure::new)?;
        let mut settings = Self::default();
        for word in text.split_whitespace() {
            let number = |text: &str| text.parse().map_err(|_| Failure::new(format!("{word} has no number")));
            match word.split_once('=') {
                Some(("every", value)) => settings.every = number(value)?,
                Some(("seconds", value)) => settings.seconds = number(value)?,
                _ => return Err(Failure::new(format!("{word} is neither every=NUMBER nor seconds=NUMBER"))),
            }
        }
        Ok(settings)
    }
}

/// The plugin of one connection.
struct SizeHistogram {
    settings: Settings,
    received: Counts,
    sent: Counts,
    /// Messages since the last note.
    untold: u64,
}

impl SizeHistogram {
    fn count(&mut self, host: &mut dyn Host, direction: Direction, len: usize) {
        let counts = match direction {
            Direction::Incoming => &mut self.received,
            Direction::Outgoing => &mut self.sent,
        };
        counts[CLASSES.iter().take_while(|&&largest| len > largest).count()] += 1;
        self.untold += 1;
        if self.untold == self.settings.every {
            self.tell(host);
        }
    }

    fn tell(&mut self, host: &mut dyn Host) {
        self.untold = 0;
        host.note(&format!("received {}, sent {}", show(&self.received), show(&self.sent)));
    }

    fn set_timer(&self, host: &mut dyn Host) {
        if self.settings.seconds > 0 {
            let at = host.now_ms().saturating_add(self.settings.seconds.saturating_mul(1000));
            host.set_timer(at);
        }
    }
}

/// For instance `3 (2 up to 16 B, 1 up to 256 B)`.
fn show(counts: &Counts) -> String {
    let mut text = counts.iter().sum::<u64>().to_string();
    let mut separator = " (";
    for (class, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
        // Writing into a String cannot fail.
        let _ = match CLASSES.get(class) {
            Some(largest) => write!(text, "{separator}{count} up to {largest} B"),
            None => write!(text, "{separator}{count} larger"),
        };
        separator = ", ";
    }
    if separator == ", " {
        text.push(')');
    }
    text
}

impl Plugin for SizeHistogram {
    const SUBSCRIBE: u32 = abi::MESSAGES | abi::bit(abi::INCOMING, abi::OPENED) | abi::bit(abi::INCOMING, abi::CLOSED);

    fn open(_host: &mut dyn Host, config: &[u8]) -> Result<Self, Failure> {
        let settings = Settings::parse(config)?;
        Ok(Self { settings, received: Counts::default(), sent: Counts::default(), untold: 0 })
    }

    fn on_event(
        &mut self,
        host: &mut dyn Host,
        direction: Direction,
        kind: Kind,
        data: &mut Buffer,
    ) -> Result<Verdict, Failure> {
        match kind {
            Kind::Text | Kind::Binary => self.count(host, direction, data.len()),
            Kind::Opened => self.set_timer(host),
            Kind::Closed => self.tell(host),
            _ => {}
        }
        Ok(Verdict::Pass)
    }

    fn on_timer(&mut self, host: &mut dyn Host) -> Result<(), Failure> {
        if self.untold > 0 {
            self.tell(host);
        }
        self.set_timer(host);
        Ok(())
    }
}

export_plugin!(SizeHistogram);

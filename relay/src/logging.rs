//! Where the log of the program goes: standard error, as text or as JSON, and what of it can be changed while it runs.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use clap::ValueEnum;
use ratatosk_relay::LogControl;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// The log, once it is set up.
pub(crate) struct Log {
    filter: Mutex<String>,
    handle: reload::Handle<EnvFilter, Registry>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

impl Log {
    /// Logs from now on what `filter` lets through.
    ///
    /// # Errors
    ///
    /// What is wrong with `filter`.
    pub(crate) fn start(filter: &str, format: LogFormat) -> Result<Self, String> {
        let (layer, handle) = reload::Layer::new(parse(filter)?);
        let ansi = io::stderr().is_terminal();
        let lines = tracing_subscriber::fmt::layer().with_writer(Lines { ansi }).with_ansi(ansi);
        let lines = match format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().with_ansi(false).boxed(),
        };
        let started = tracing_subscriber::registry().with(layer).with(lines).try_init();
        started.map_err(|error: TryInitError| error.to_string())?;
        Ok(Self { filter: Mutex::new(filter.to_owned()), handle })
    }
}

impl LogControl for Log {
    fn filter(&self) -> String {
        self.filter.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_filter(&self, filter: &str) -> Result<(), String> {
        let parsed = parse(filter)?;
        let mut current = self.filter.lock().unwrap_or_else(PoisonError::into_inner);
        self.handle.reload(parsed).map_err(|error| error.to_string())?;
        filter.clone_into(&mut current);
        Ok(())
    }
}

/// Reads a filter strictly: a mistake is an error, not silence.
pub(crate) fn parse(filter: &str) -> Result<EnvFilter, String> {
    if filter.trim().is_empty() {
        return Err("the log filter is empty; \"off\" logs nothing".to_owned());
    }
    EnvFilter::builder().parse(filter).map_err(|error| {
        format!("{filter:?} is not a log filter: {error}; it should look like info or ratatosk_relay=debug")
    })
}

/// Standard error, one line for each event, whatever the event contains.
#[derive(Clone, Copy, Debug)]
struct Lines {
    /// Colours are wanted, so escape characters are not touched; in values the formatter has escaped them already.
    ansi: bool,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl Write for Lines {
    /// Takes the line of one event. That it cannot be written is no reason to stop.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().lock().write_all(&one_line(line, self.ansi));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The same with every control character escaped, except for the end of the line.
fn one_line(line: &[u8], ansi: bool) -> Vec<u8> {
    let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line));
    let mut out = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if c.is_control() && !(ansi && c == '\x1b') {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_it_contains() {
        assert_eq!(one_line(b"a\nb\r\0\x1b[31m\n", false), b"a\\nb\\r\\u{0}\\u{1b}[31m\n");
        assert_eq!(one_line("\u{9b}1mé".as_bytes(), false), "\\u{9b}1mé\n".as_bytes());
        assert_eq!(one_line(b"\x1b[31mred\x1b[0m\r", true), b"\x1b[31mred\x1b[0m\\r\n");
    }

    #[test]
    fn a_filter_that_is_none_is_an_error() {
        for filter in ["", " ", "=", "ratatosk_relay=loud", "a=b=c"] {
            assert!(parse(filter).is_err(), "{filter:?}");
        }
        for filter in ["off", "info", "ratatosk_relay=debug", "warn,ratatosk_relay::conn=trace"] {
            assert!(parse(filter).is_ok(), "{filter:?}");
        }
    }
}

//! What a setting can hold: how it is read from text, and how it is shown. One text serves flags, environment and file.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use clap::ValueEnum;
use ipnet::IpNet;
use ratatosk_relay::session::Timer;
use ratatosk_relay::{HookConfig, parse_network};

use super::Settings;
use crate::logging::{self, LogFormat};

/// A place in [`Settings`].
pub(crate) struct Field<T: 'static> {
    pub(super) get: fn(&Settings) -> &T,
    pub(super) place: fn(&mut Settings) -> &mut T,
}

/// The [`Field`] with that path in [`Settings`].
macro_rules! field {
    ($($part:ident).+) => {
        $crate::settings::value::Field { get: |settings| &settings.$($part).+, place: |settings| &mut settings.$($part).+ }
    };
}
pub(super) use field;

/// A place and what it holds.
pub(crate) enum Value {
    /// How many of something.
    Count(Field<usize>),
    /// How many bytes.
    Bytes(Field<usize>),
    /// How many a second, or at once.
    Rate(Field<u32>),
    /// A deadline of the relay, in milliseconds.
    Timeout(Timer),
    /// Any other time, in milliseconds.
    Millis(Field<Duration>),
    /// Yes or no.
    Switch(Field<bool>),
    /// Where to listen, or `off`.
    Address(Field<Option<SocketAddr>>),
    /// A path or a URL; empty is none.
    Text(Field<String>, &'static str),
    /// A URL that may hold secrets; empty is none.
    Url(Field<String>),
    /// Networks.
    Networks(Field<Vec<IpNet>>),
    /// Texts without commas.
    Texts(Field<Vec<String>>, &'static str),
    /// A log filter.
    Filter(Field<String>),
    /// How a line of the log looks.
    Format(Field<LogFormat>),
}

/// How a value is written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// Text in quotation marks.
    String,
    /// Several of them.
    Array,
}

impl Value {
    /// How it is written in a file.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Count(_) | Self::Bytes(_) | Self::Rate(_) | Self::Timeout(_) | Self::Millis(_) => Kind::Integer,
            Self::Switch(_) => Kind::Boolean,
            Self::Address(_) | Self::Text(..) | Self::Url(_) | Self::Filter(_) | Self::Format(_) => Kind::String,
            Self::Networks(_) | Self::Texts(..) => Kind::Array,
        }
    }

    /// What stands for it in the help.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Count(_) | Self::Rate(_) => "N",
            Self::Bytes(_) => "BYTES",
            Self::Timeout(_) | Self::Millis(_) => "MS",
            Self::Switch(_) => "true|false",
            Self::Address(_) => "HOST:PORT|off",
            Self::Text(_, name) | Self::Texts(_, name) => name,
            Self::Url(_) => "URL",
            Self::Networks(_) => "NETWORK,…",
            Self::Filter(_) => "FILTER",
            Self::Format(_) => "text|json",
        }
    }

    /// Puts into its place what `parts` say: several for [`Kind::Array`], one for the others.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and what they should look like.
    pub(crate) fn set(&self, settings: &mut Settings, parts: &[&str]) -> Result<(), String> {
        let text = parts.first().copied().unwrap_or("");
        match self {
            Self::Count(field) | Self::Bytes(field) => *(field.place)(settings) = number(text)?,
            Self::Rate(field) => *(field.place)(settings) = number(text)?,
            Self::Timeout(timer) => {
                let timeouts = &mut settings.relay.timeouts;
                *timeouts = timeouts.with(*timer, Duration::from_millis(number(text)?));
            }
            Self::Millis(field) => *(field.place)(settings) = Duration::from_millis(number(text)?),
            Self::Switch(field) => {
                let wrong = |_| format!("{text:?} is neither true nor false");
                *(field.place)(settings) = text.parse().map_err(wrong)?;
            }
            Self::Address(field) => *(field.place)(settings) = address(text)?,
            Self::Text(field, _) | Self::Url(field) => text.clone_into((field.place)(settings)),
            Self::Networks(field) => {
                *(field.place)(settings) = parts.iter().map(|part| network(part)).collect::<Result<_, _>>()?;
            }
            Self::Texts(field, _) => {
                *(field.place)(settings) = parts.iter().map(|part| (*part).to_owned()).collect();
            }
            Self::Filter(field) => {
                logging::parse(text)?;
                text.clone_into((field.place)(settings));
            }
            Self::Format(field) => {
                let wrong = |_| format!("{text:?} is neither \"text\" nor \"json\"");
                *(field.place)(settings) = LogFormat::from_str(text, false).map_err(wrong)?;
            }
        }
        Ok(())
    }

    /// What is in its place: as many parts as [`Self::set`] takes.
    pub(crate) fn get(&self, settings: &Settings) -> Vec<String> {
        match self {
            Self::Count(field) | Self::Bytes(field) => vec![(field.get)(settings).to_string()],
            Self::Rate(field) => vec![(field.get)(settings).to_string()],
            Self::Timeout(timer) => vec![settings.relay.timeouts.of(*timer).as_millis().to_string()],
            Self::Millis(field) => vec![(field.get)(settings).as_millis().to_string()],
            Self::Switch(field) => vec![(field.get)(settings).to_string()],
            Self::Address(field) => {
                vec![(field.get)(settings).map_or_else(|| "off".to_owned(), |address| address.to_string())]
            }
            Self::Text(field, _) | Self::Url(field) | Self::Filter(field) => vec![(field.get)(settings).clone()],
            Self::Networks(field) => (field.get)(settings).iter().map(ToString::to_string).collect(),
            Self::Texts(field, _) => (field.get)(settings).clone(),
            Self::Format(field) => {
                let format = (field.get)(settings).to_possible_value();
                vec![format.map_or_else(String::new, |value| value.get_name().to_owned())]
            }
        }
    }

    /// The same as TOML, without what nobody should read over the shoulder of an operator.
    pub(crate) fn toml(&self, settings: &Settings) -> String {
        let mut parts = self.get(settings);
        if let Self::Url(_) = self {
            parts = parts.iter().map(|url| without_secrets(url)).collect();
        }
        match self.kind() {
            Kind::Integer | Kind::Boolean => parts.concat(),
            Kind::String => quoted(&parts.concat()),
            Kind::Array => format!("[{}]", parts.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// Scheme, host and port of a URL; whatever is more may be a password or a token. What this leaves out makes it a URL that
/// cannot be read, so that nobody takes it for the whole.
fn without_secrets(url: &str) -> String {
    let (timeout, cache) = (Duration::ZERO, Duration::ZERO);
    let place = HookConfig { url: url.to_owned(), timeout, cache }.place();
    if url.trim_end_matches('/') == place || url.is_empty() { url.to_owned() } else { format!("{place}/<not shown>") }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn number<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let largest = match size_of::<T>() {
        4 => u64::from(u32::MAX),
        // What a file can say.
        _ => u64::try_from(i64::MAX).unwrap_or(u64::MAX),
    };
    let number = text.parse::<u64>().ok().filter(|number| *number <= largest);
    number
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| format!("{text:?} is not a whole number between 0 and {largest}"))
}

/// Names like `localhost:8000` are looked up when the setting is read.
fn address(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" {
        return Ok(None);
    }
    let found = text.to_socket_addrs();
    let mut found = found.map_err(|error| {
        format!("{text:?} is no address ({error}); it should look like 127.0.0.1:8000, or be \"off\"")
    })?;
    found.next().map(Some).ok_or_else(|| format!("{text:?} is a name without an address"))
}

fn network(text: &str) -> Result<IpNet, String> {
    parse_network(text)
        .ok_or_else(|| format!("{text:?} is no network; it should look like 192.0.2.0/24 or 2001:db8::1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (url, shown) in [
            ("", ""),
            ("http://h:1/", "http://h:1/"),
            ("https://h", "https://h"),
            ("http://user:secret@h:1/", "http://h:1/<not shown>"),
            ("https://h/secret", "https://h/<not shown>"),
            ("https://h/?secret", "https://h/<not shown>"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
        let copied =
            HookConfig { url: "https://h/<not shown>".to_owned(), timeout: Duration::ZERO, cache: Duration::ZERO };
        assert_eq!(copied.place(), "(invalid)");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for text in ["8000", "127.0.0.1", "127.0.0.1:70000", "", "Off"] {
            assert!(address(text).is_err(), "{text}");
        }
        assert_eq!(address("off"), Ok(None));
        assert_eq!(address("[::1]:80"), Ok(Some("[::1]:80".parse().unwrap())));
    }

    #[test]
    fn a_number_has_bounds() {
        assert_eq!(number::<u32>("4294967295"), Ok(u32::MAX));
        assert!(number::<u32>("4294967296").is_err());
        assert_eq!(number::<u64>("9223372036854775807"), Ok(u64::MAX / 2));
        for text in ["9223372036854775808", "-1", "1.5", "1e3", "", " 1", "0x10"] {
            assert!(number::<u64>(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn networks_are_read_strictly() {
        assert_eq!(network("192.0.2.1"), Ok("192.0.2.1/32".parse().unwrap()));
        assert_eq!(network("::ffff:192.0.2.1"), Ok("192.0.2.1/32".parse().unwrap()));
        for text in ["192.0.2", "192.0.2.0/33", "localhost", ""] {
            assert!(network(text).is_err(), "{text}");
        }
    }

    #[test]
    fn text_is_quoted_for_toml() {
        assert_eq!(quoted("a\"b\\c\n\u{7f}é"), r#""a\"b\\c\u000A\u007Fé""#);
    }
}

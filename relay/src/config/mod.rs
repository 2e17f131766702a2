//! What can be set about a relay. Data, and whether it can work; where it comes from is the business of the program.

mod list;
mod tls;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use ratatosk_protocol::message::MAX_CONTROL_LEN;

use crate::admission::{HookUrl, is_origin};
use crate::registry::{Limits, Rate, Rates};
use crate::session::{Timeouts, Timer};
pub use list::{List, ListError, parse_network};
pub use tls::{AcmeConfig, CertificateFiles, CertificateSource, TlsConfig};

/// The largest message that is relayed unless told otherwise: 100 MiB (`spec/wire.md §1`).
pub const DEFAULT_MAX_MESSAGE_LEN: usize = 104_857_600;

/// What can be set about a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen without TLS, if at all. Port 0 takes a free one. Needs a restart.
    pub listen: Option<SocketAddr>,
    /// Where to listen with TLS, if at all. The address needs a restart; the files are read again when they change.
    pub tls: Option<TlsConfig>,
    /// How long everything may take.
    pub timeouts: Timeouts,
    /// How much is held.
    pub limits: Limits,
    /// How often things may happen.
    pub rates: Rates,
    /// Addresses for which nothing is counted per IP: those of this machine, unless told otherwise, since what comes from
    /// there are proxies and the operator. What is counted per key and for the whole relay counts for them as well.
    pub unlimited: Vec<IpNet>,
    /// The largest message that is relayed, in bytes.
    ///
    /// Nothing is re-assembled, so the memory of a pair does not depend on this: a direction keeps at most 512 KiB that its
    /// receiver has not taken, and 8 KiB of a frame whose rest is on its way. While the receiver does not read, its sender
    /// is not read either, so this is all, however much is sent; without traffic a pair keeps nothing.
    pub max_message_len: usize,
    /// Who may say where a connection really comes from.
    pub proxies: Proxies,
    /// The values of `Origin` that are accepted, as browsers send them; empty is any. Clients that are no browsers send
    /// none and are not asked.
    pub origins: Vec<String>,
    /// Who is let in.
    pub admission: Admission,
}

/// Proxies before the relay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Their addresses. Only they are believed when they say where a connection comes from: in `Forwarded` or
    /// `X-Forwarded-For`, or with the PROXY protocol.
    pub trusted: Vec<IpNet>,
    /// Each connection of a trusted proxy begins with a header of the PROXY protocol, version 2.
    pub protocol: bool,
}

/// Who is let in. Everything that cannot be found out is a no.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// If it names keys, only they may register; if it names addresses, only from there may anybody connect.
    pub allow: Option<Arc<List>>,
    /// Keys that may neither register nor be asked for, and addresses that nobody may connect from. Stronger than `allow`.
    pub deny: Option<Arc<List>>,
    /// Somebody else to ask.
    pub hook: Option<HookConfig>,
}

/// An HTTP service that is asked about each registration and each request.
#[derive(Clone, PartialEq, Eq)]
pub struct HookConfig {
    /// Where it is asked: `http://` or `https://`, with `user:password@` or without. It may hold secrets, so it is shown by
    /// [`Self::place`] alone.
    pub url: String,
    /// How long it may take. After that the answer is no.
    pub timeout: Duration,
    /// How long an answer holds.
    pub cache: Duration,
}

impl HookConfig {
    /// Scheme, host and port of the URL: what of it may be shown.
    #[must_use]
    pub fn place(&self) -> String {
        HookUrl::parse(&self.url).map_or_else(|| "(invalid)".to_owned(), |url| url.place())
    }
}

impl fmt::Debug for HookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url: _, timeout, cache } = self;
        f.debug_struct("HookConfig")
            .field("place", &self.place())
            .field("timeout", timeout)
            .field("cache", cache)
            .finish_non_exhaustive()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 8000))),
            tls: None,
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            rates: Rates::default(),
            unlimited: loopback(),
            max_message_len: DEFAULT_MAX_MESSAGE_LEN,
            proxies: Proxies::default(),
            origins: Vec::new(),
            admission: Admission::default(),
        }
    }
}

fn loopback() -> Vec<IpNet> {
    let v4 = ipnet::Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
    let v6 = ipnet::Ipv6Net::new_assert(std::net::Ipv6Addr::LOCALHOST, 128);
    vec![v4.into(), v6.into()]
}

impl Config {
    /// Whether a relay can run with this.
    ///
    /// # Errors
    ///
    /// The first thing that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.listen.is_none() && self.tls.is_none() {
            return Err(ConfigError::NoListener);
        }
        if let Some(TlsConfig { certificate: CertificateSource::Acme(acme), .. }) = &self.tls {
            acme.validate()?;
        }
        if let Some(timer) = Timer::ALL.into_iter().find(|timer| self.timeouts.of(*timer) < timer.shortest()) {
            return Err(ConfigError::TooShort { timer });
        }
        if let Some(timer) = Timer::ALL.into_iter().find(|timer| self.timeouts.of(*timer) > LONGEST) {
            return Err(ConfigError::TooLong { timer });
        }
        if self.limits.all().contains(&0) {
            return Err(ConfigError::NoRoom);
        }
        if self.rates.all().into_iter().any(|Rate { per_second, burst }| per_second > 0 && burst == 0) {
            return Err(ConfigError::NoBurst);
        }
        if self.max_message_len < MAX_CONTROL_LEN {
            return Err(ConfigError::SmallMessages);
        }
        if self.admission.allow.as_ref().is_some_and(|list| !list.names_keys() && !list.names_addresses()) {
            return Err(ConfigError::NobodyAllowed);
        }
        if let Some(hook) = &self.admission.hook
            && !(SHORTEST..=LONGEST).contains(&hook.timeout)
        {
            return Err(ConfigError::HookTimeout);
        }
        if let Some(hook) = &self.admission.hook {
            let url = HookUrl::parse(&hook.url).ok_or(ConfigError::HookUrl)?;
            if url.needs_tls() && !cfg!(feature = "tls") {
                return Err(ConfigError::HookTls);
            }
        }
        if let Some(place) = self.origins.iter().position(|origin| !is_origin(origin)) {
            return Err(ConfigError::Origin { number: place + 1 });
        }
        if self.proxies.protocol && self.proxies.trusted.is_empty() {
            return Err(ConfigError::NoProxy);
        }
        Ok(())
    }
}

/// The shortest time in which something can happen at all.
pub(crate) const SHORTEST: Duration = Duration::from_millis(1);

/// A day. Deadlines are computed from this, and must not overflow.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What is wrong with a [`Config`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Nobody could connect.
    #[error("there must be an address to listen on, with TLS or without")]
    NoListener,
    /// A timeout would always have run out already.
    #[error("the {} timeout must be at least 1 ms", timer.name())]
    TooShort {
        /// Which one.
        timer: Timer,
    },
    /// A timeout that protects from nothing.
    #[error("the {} timeout must be at most 24 h", timer.name())]
    TooLong {
        /// Which one.
        timer: Timer,
    },
    /// A limit is 0.
    #[error("every limit must be at least 1")]
    NoRoom,
    /// A rate that lets nothing through.
    #[error("every burst must be at least 1 (a rate of 0 a second turns its limit off)")]
    NoBurst,
    /// Control messages would not fit.
    #[error("the largest message must be at least {MAX_CONTROL_LEN} bytes")]
    SmallMessages,
    /// A list of whom to let in that says nothing. It would let everybody in, and that is what a file looks like which is
    /// just being written.
    #[error("the list of whom to let in is empty; without such a list everybody is let in")]
    NobodyAllowed,
    /// The admission hook could never answer, or could hold everything up.
    #[error("the timeout of the admission hook must be between 1 ms and 24 h")]
    HookTimeout,
    /// Nobody could be asked there.
    #[error("the URL of the admission hook must be like http://127.0.0.1:8080/admission")]
    HookUrl,
    /// This program cannot ask there.
    #[error("this program was built without TLS and cannot ask an admission hook over https")]
    HookTls,
    /// An entry that no request would match.
    #[error("origin number {number} is not like https://example.org (scheme, host and perhaps a port, nothing more)")]
    Origin {
        /// Its place in the list, counted from 1.
        number: usize,
    },
    /// This program gets no certificates.
    #[error(
        "this program was built without ACME: build it with the cargo feature \"acme\", or give it the files of a certificate"
    )]
    NoAcme,
    /// A certificate is for somebody.
    #[error("ACME needs the names that the certificate is for, at most {}", tls::MAX_DOMAINS)]
    AcmeDomains,
    /// A name that no ACME server would take.
    #[error("ACME domain number {number} is not like relay.example.org (no wildcard: TLS-ALPN-01 cannot prove one)")]
    AcmeDomain {
        /// Its place in the list, counted from 1.
        number: usize,
    },
    /// A contact that no ACME server would take.
    #[error("ACME contact number {number} is not like mailto:ops@example.org")]
    AcmeContact {
        /// Its place in the list, counted from 1.
        number: usize,
    },
    /// A new certificate at each start would soon be refused.
    #[error("ACME needs a folder of its own, where the key of its account and the certificate survive a restart")]
    AcmeCache,
    /// Not asked in the open.
    #[error("the directory of the ACME server must be like https://acme.example.org/directory")]
    AcmeDirectory,
    /// Nobody could send the header of the PROXY protocol.
    #[error("the PROXY protocol needs the addresses of the proxies that are trusted to speak it")]
    NoProxy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Config::default().validate(), Ok(()));
    }

    fn hook(url: &str) -> HookConfig {
        HookConfig { url: url.to_owned(), timeout: Duration::from_secs(1), cache: Duration::ZERO }
    }

    #[test]
    fn the_secrets_of_a_url_are_not_shown() {
        let config = hook("http://user:secret@127.0.0.1:1/secret?secret");
        let config =
            Config { admission: Admission { hook: Some(config), ..Admission::default() }, ..Config::default() };
        let text = format!("{config:?}");
        assert!(text.contains("http://127.0.0.1:1") && !text.contains("secret"), "{text}");
        assert!(!format!("{:?}", hook("secret")).contains("\"secret\""));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let default = Config::default();
        let timeouts = |timer, duration| default.timeouts.with(timer, duration);
        let with = |change: fn(&mut Config)| {
            let mut config = default.clone();
            change(&mut config);
            config
        };
        let stall = Timer::Stall;
        let cases = [
            (with(|config| config.listen = None), ConfigError::NoListener),
            (
                Config { timeouts: timeouts(stall, Duration::ZERO), ..default.clone() },
                ConfigError::TooShort { timer: stall },
            ),
            (
                Config { timeouts: timeouts(stall, Duration::MAX), ..default.clone() },
                ConfigError::TooLong { timer: stall },
            ),
            (with(|config| config.limits.spares = 0), ConfigError::NoRoom),
            (with(|config| config.rates.requests_per_key = Rate { per_second: 1, burst: 0 }), ConfigError::NoBurst),
            (with(|config| config.max_message_len = 1000), ConfigError::SmallMessages),
            (with(|config| config.proxies.protocol = true), ConfigError::NoProxy),
            (
                with(|config| {
                    let (url, cache) = ("http://127.0.0.1:1/".to_owned(), Duration::ZERO);
                    config.admission.hook = Some(HookConfig { url, timeout: Duration::ZERO, cache });
                }),
                ConfigError::HookTimeout,
            ),
            (with(|config| config.admission.hook = Some(hook("127.0.0.1:1"))), ConfigError::HookUrl),
            (with(|config| config.admission.allow = Some(Arc::default())), ConfigError::NobodyAllowed),
            (
                with(|config| config.origins = vec!["null".to_owned(), "example.org".to_owned()]),
                ConfigError::Origin { number: 2 },
            ),
        ];
        for (config, error) in cases {
            assert_eq!(config.validate(), Err(error));
        }
        let https = with(|config| config.admission.hook = Some(hook("https://127.0.0.1")));
        assert_eq!(https.validate(), if cfg!(feature = "tls") { Ok(()) } else { Err(ConfigError::HookTls) });
        let no_wait = Config { timeouts: timeouts(Timer::SpareWait, Duration::ZERO), ..default.clone() };
        assert_eq!(no_wait.validate(), Ok(()), "0 turns it off");
    }
}

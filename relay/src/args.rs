//! The command line. Every flag can be given as an environment variable as well; the flag wins.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use clap::Parser;
use ratatosk_relay::registry::Limits;
use ratatosk_relay::session::{Timeouts, Timer};
use ratatosk_relay::{Config, DEFAULT_MAX_MESSAGE_LEN};
use tracing_subscriber::EnvFilter;

use crate::logging::LogFormat;

/// A CommServer: relays between peers of the ONE network.
#[derive(Debug, Parser)]
#[command(name = "commserver", version)]
pub(crate) struct Args {
    /// Where to listen: HOST:PORT. Port 0 takes a free one.
    #[arg(long, env = "COMMSERVER_LISTEN", default_value = "127.0.0.1:8000", value_parser = address)]
    listen: SocketAddr,

    /// Milliseconds after which an idle spare connection is pinged.
    #[arg(long, env = "COMMSERVER_PING_INTERVAL_MS", value_name = "MS", default_value_t = ms(Timer::PingInterval))]
    ping_interval_ms: u64,

    /// Milliseconds that a spare connection may take to answer a ping.
    #[arg(long, env = "COMMSERVER_PONG_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Timer::PongTimeout))]
    pong_timeout_ms: u64,

    /// Milliseconds from accepting a connection until it must be registered or paired.
    #[arg(long, env = "COMMSERVER_HANDSHAKE_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Timer::Handshake))]
    handshake_timeout_ms: u64,

    /// Milliseconds in which a receiver must take at least one byte of what waits for it.
    #[arg(long, env = "COMMSERVER_STALL_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Timer::Stall))]
    stall_timeout_ms: u64,

    /// Milliseconds in which a receiver must take what was read at once, or what is left when the other side has gone.
    #[arg(long, env = "COMMSERVER_DELIVERY_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Timer::Delivery))]
    delivery_timeout_ms: u64,

    /// Milliseconds that a client may take to answer a close.
    #[arg(long, env = "COMMSERVER_CLOSE_TIMEOUT_MS", value_name = "MS", default_value_t = ms(Timer::Close))]
    close_timeout_ms: u64,

    /// Milliseconds that pairs have to finish when the server is told to stop.
    #[arg(long, env = "COMMSERVER_DRAIN_TIMEOUT_MS", value_name = "MS", default_value_t = 10_000)]
    drain_timeout_ms: u64,

    /// Most spare connections of one key.
    #[arg(long, env = "COMMSERVER_MAX_SPARES_PER_KEY", value_name = "N", default_value_t = Limits::default().spares_per_key)]
    max_spares_per_key: usize,

    /// Most spare connections.
    #[arg(long, env = "COMMSERVER_MAX_SPARES", value_name = "N", default_value_t = Limits::default().spares)]
    max_spares: usize,

    /// Most connections of any kind.
    #[arg(long, env = "COMMSERVER_MAX_CONNECTIONS", value_name = "N", default_value_t = Limits::default().connections)]
    max_connections: usize,

    /// Most connections that are neither registered nor paired yet.
    #[arg(long, env = "COMMSERVER_MAX_HANDSHAKING", value_name = "N", default_value_t = Limits::default().handshaking)]
    max_handshaking: usize,

    /// Largest message that is relayed, in bytes.
    #[arg(long, env = "COMMSERVER_MAX_MESSAGE", value_name = "BYTES", default_value_t = DEFAULT_MAX_MESSAGE_LEN)]
    max_message: usize,

    /// What to log to standard error: error, warn, info, debug, trace, or a filter like "ratatosk_relay=debug".
    #[arg(long, env = "COMMSERVER_LOG", value_name = "FILTER", default_value = "info", value_parser = filter)]
    pub(crate) log: String,

    /// How a line of the log looks.
    #[arg(long, env = "COMMSERVER_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,

    /// Where operators find health, metrics and the status page: HOST:PORT, or "off". Whoever reaches it can read it.
    #[arg(long, env = "COMMSERVER_OPS_LISTEN", value_name = "HOST:PORT|off", default_value = "127.0.0.1:9464", value_parser = ops)]
    pub(crate) ops_listen: OpsListen,
}

impl Args {
    /// The configuration that the flags stand for.
    pub(crate) fn config(&self) -> Config {
        let timeouts = [
            (Timer::PingInterval, self.ping_interval_ms),
            (Timer::PongTimeout, self.pong_timeout_ms),
            (Timer::Handshake, self.handshake_timeout_ms),
            (Timer::Stall, self.stall_timeout_ms),
            (Timer::Delivery, self.delivery_timeout_ms),
            (Timer::Close, self.close_timeout_ms),
        ];
        let with = |table: Timeouts, (timer, millis)| table.with(timer, Duration::from_millis(millis));
        Config {
            listen: Some(self.listen),
            timeouts: timeouts.into_iter().fold(Timeouts::default(), with),
            limits: Limits {
                spares_per_key: self.max_spares_per_key,
                spares: self.max_spares,
                connections: self.max_connections,
                handshaking: self.max_handshaking,
                ..Limits::default()
            },
            max_message_len: self.max_message,
            ..Config::default()
        }
    }

    /// How long pairs may take to finish.
    pub(crate) fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms)
    }
}

fn ms(timer: Timer) -> u64 {
    u64::try_from(timer.default().as_millis()).unwrap_or(u64::MAX)
}

/// Where operators find the relay; `None` is nowhere.
pub(crate) type OpsListen = Option<SocketAddr>;

fn ops(text: &str) -> Result<OpsListen, String> {
    if text == "off" { Ok(None) } else { address(text).map(Some) }
}

/// Names like `localhost:8000` are looked up once, at the start.
fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| format!("{error}; it should look like 127.0.0.1:8000"))?;
    found.next().ok_or_else(|| "this name has no address".to_owned())
}

/// A filter that is wrong would log something else than was asked for.
fn filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{error}; it should look like info or ratatosk_relay=debug")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_flags_the_defaults_hold() {
        let args = Args::try_parse_from(["commserver"]).unwrap();
        assert_eq!(args.config(), Config::default());
        assert_eq!(args.ops_listen, Some(SocketAddr::from(([127, 0, 0, 1], 9464))));
        assert_eq!(args.log_format, LogFormat::Text);
    }

    #[test]
    fn every_flag_reaches_its_place() {
        let line = "commserver --listen 127.0.0.1:0 --ping-interval-ms 1 --pong-timeout-ms 2 --handshake-timeout-ms 3 \
                    --stall-timeout-ms 4 --close-timeout-ms 5 --drain-timeout-ms 6 --max-spares-per-key 7 --max-spares 8 \
                    --max-connections 9 --max-handshaking 10 --max-message 11 --ops-listen off --log-format json \
                    --log warn --delivery-timeout-ms 12";
        let args = Args::try_parse_from(line.split_whitespace()).unwrap();
        let config = args.config();
        let millis = |timer| config.timeouts.of(timer).as_millis();
        let timers = Timer::ALL;
        assert_eq!(timers.map(millis), [3, 1, 2, 2000, 4, 12, 5]);
        assert_eq!(args.drain(), Duration::from_millis(6));
        let limits = Limits { spares_per_key: 7, spares: 8, connections: 9, handshaking: 10, ..Limits::default() };
        assert_eq!((config.limits, config.max_message_len), (limits, 11));
        assert_eq!(config.listen.map(|address| address.port()), Some(0));
        assert_eq!((args.ops_listen, args.log_format, args.log.as_str()), (None, LogFormat::Json, "warn"));
    }

    #[test]
    fn an_address_that_is_none_is_refused_at_the_start() {
        for text in ["8000", "127.0.0.1", "127.0.0.1:70000", ""] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}

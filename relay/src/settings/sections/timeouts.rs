//! How long everything may take.

use ratatosk_relay::session::Timer;

use super::Change::Reload;
use super::Value::{Millis, Timeout};
use super::{Section, Setting, field};

pub(in crate::settings) const TIMEOUTS: Section = Section {
    name: "timeouts",
    heading: "How long things may take",
    settings: &[
        Setting {
            path: "timeouts.handshake_ms",
            flag: "handshake-timeout-ms",
            env: "COMMSERVER_HANDSHAKE_TIMEOUT_MS",
            help: "Milliseconds from accepting a connection until it must be registered or paired.",
            change: Reload,
            value: Timeout(Timer::Handshake),
        },
        Setting {
            path: "timeouts.ping_interval_ms",
            flag: "ping-interval-ms",
            env: "COMMSERVER_PING_INTERVAL_MS",
            help: "Milliseconds after which an idle spare connection is pinged.",
            change: Reload,
            value: Timeout(Timer::PingInterval),
        },
        Setting {
            path: "timeouts.pong_ms",
            flag: "pong-timeout-ms",
            env: "COMMSERVER_PONG_TIMEOUT_MS",
            help: "Milliseconds that a spare connection may take to answer a ping.",
            change: Reload,
            value: Timeout(Timer::PongTimeout),
        },
        Setting {
            path: "timeouts.spare_wait_ms",
            flag: "spare-wait-ms",
            env: "COMMSERVER_SPARE_WAIT_MS",
            help: "Milliseconds that a request waits for the next spare of a key that had one a moment ago. 0 turns waiting off.",
            change: Reload,
            value: Timeout(Timer::SpareWait),
        },
        Setting {
            path: "timeouts.stall_ms",
            flag: "stall-timeout-ms",
            env: "COMMSERVER_STALL_TIMEOUT_MS",
            help: "Milliseconds in which a receiver must take at least one byte of what waits for it.",
            change: Reload,
            value: Timeout(Timer::Stall),
        },
        Setting {
            path: "timeouts.delivery_ms",
            flag: "delivery-timeout-ms",
            env: "COMMSERVER_DELIVERY_TIMEOUT_MS",
            help: "Milliseconds in which a receiver must take what was read at once, or what is left when the other side has gone.",
            change: Reload,
            value: Timeout(Timer::Delivery),
        },
        Setting {
            path: "timeouts.close_ms",
            flag: "close-timeout-ms",
            env: "COMMSERVER_CLOSE_TIMEOUT_MS",
            help: "Milliseconds that a client may take to answer a close.",
            change: Reload,
            value: Timeout(Timer::Close),
        },
        Setting {
            path: "timeouts.drain_ms",
            flag: "drain-timeout-ms",
            env: "COMMSERVER_DRAIN_TIMEOUT_MS",
            help: "Milliseconds that pairs have to finish when the server is told to stop.",
            change: Reload,
            value: Millis(field!(drain)),
        },
    ],
};

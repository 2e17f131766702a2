//! A CommServer: brings connectors and listeners of the ONE network together and relays between them.
//!
//! The rules are in two pure rooms; everything else is sockets and tasks around them.
//!
//! | Room | What lives there |
//! | --- | --- |
//! | [`registry`] | which spare connections wait for which key, and how many of everything there may be |
//! | [`session`] | what each connection means, as states consumed by transitions |
//! | `tls` | the certificate, read again when it changes, and the TLS handshake |
//! | `upgrade` | HTTP/1.1 to WebSocket |
//! | `proxy` | where a client really is, when a proxy stands before the relay |
//! | `admission` | who is let in: lists, origins, a hook of the operator |
//! | `frame` | WebSocket frames as bytes: messages for the relay itself, cut-through for a pair |
//! | `socket` | one WebSocket with bounded buffers |
//! | `conn` | one task per connection: handshake, spare, request, pair |
//! | `metrics` | what is counted, and the page that Prometheus reads |
//! | `ops` | health, metrics and a status page for operators, on a listener of its own |
//! | `directory` | where spares are found: the registry behind a lock, or whatever knows more |
//! | `switchboard` | what the tasks share: settings, and counts as guards |
//! | `server` | accepting, draining, stopping |
//! | `outside` | the clock and the randomness of all of them |

mod admission;
mod config;
mod conn;
mod directory;
mod frame;
#[doc(hidden)]
pub mod handed;
#[doc(hidden)]
pub mod inputs;
mod metrics;
mod ops;
mod outside;
mod proxy;
pub mod registry;
mod server;
pub mod session;
mod socket;
mod switchboard;
mod tls;
mod upgrade;

pub use config::{
    AcmeConfig, Admission, CertificateFiles, CertificateSource, Config, ConfigError, DEFAULT_MAX_MESSAGE_LEN,
    HookConfig, List, ListError, Proxies, TlsConfig, parse_network,
};
pub use ops::{LogControl, Ops};
pub use server::{BindError, Server, View};
pub use switchboard::Snapshot;
pub use tls::{TlsError, TlsFile};

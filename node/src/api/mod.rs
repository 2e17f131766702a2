//! The HTTP API of a daemon, on loopback alone.
//!
//! | File | What lives there |
//! | --- | --- |
//! | `types` | what goes over it, in both directions |
//! | `server` | sockets: accepting, limits, stopping |
//! | `record` | `daemon.json`: where it listens, and the token |
//! | `guard` | who may ask: the token, and no web page |
//! | `patient` | a socket whose other end has to read |
//! | `extract` | what comes with a request, bounded |
//! | `refusal` | answers that are no success |
//! | `routes` | what can be asked for, a file for each thing |
//! | `document` | the OpenAPI document, and the router: both are made of the same list |
//!
//! Whoever can read the owner's files can do what the owner can; nobody else can do anything. A web page in the owner's browser is
//! nobody: it cannot know the token, and requests that name another host or come from an origin are refused besides.

mod document;
mod extract;
mod guard;
mod patient;
mod record;
mod refusal;
mod routes;
mod server;
pub mod types;

pub(crate) use self::server::Server;

//! Who takes part.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use crate::options::Options;
use crate::process::Process;
use crate::{Outcome, iroh};

/// Idle spares must not be pinged, or dropped, while they are counted.
const NO_PINGS_MS: &str = "600000";

/// Somebody who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The relay of this repository.
    Ratatosk,
    /// A relay of whole messages with tokio-tungstenite as it comes: receive one, send one.
    Tungstenite,
    /// The same, writing only when nothing more is there to be read.
    TungsteniteForward,
    /// Bytes from one TCP connection to another.
    TcpProxy,
    /// The reference server.
    Reference,
    /// iroh-relay, with its own protocol.
    Iroh,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Ratatosk, Self::Tungstenite, Self::TungsteniteForward, Self::TcpProxy, Self::Reference, Self::Iroh];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ratatosk => "ratatosk commserver",
            Self::Tungstenite => "tokio-tungstenite, `send`",
            Self::TungsteniteForward => "tokio-tungstenite, `forward`",
            Self::TcpProxy => "TCP proxy, 128 KiB buffers",
            Self::Reference => "reference server (Node)",
            Self::Iroh => "iroh-relay, datagrams",
        }
    }

    /// Whether it speaks the protocol of a CommServer.
    pub(crate) fn is_comm_server(self) -> bool {
        !matches!(self, Self::TcpProxy | Self::Iroh)
    }

    /// Those that are here.
    pub(crate) fn present() -> Vec<Self> {
        let is_here = |kind: &Self| match kind {
            Self::Reference => reference().is_some(),
            Self::Iroh => iroh::program().is_some(),
            _ => true,
        };
        Self::ALL.into_iter().filter(is_here).collect()
    }

    /// Starts it, on one CPU if that is named.
    pub(crate) fn start(self, options: &Options, cpu: Option<usize>) -> Outcome<Process> {
        let own = env::current_exe()?;
        let (program, arguments): (PathBuf, Vec<String>) = match self {
            Self::Ratatosk => (options.relay.clone(), relay_flags("127.0.0.1:0")),
            Self::Tungstenite => (own, serve("tungstenite-send")),
            Self::TungsteniteForward => (own, serve("tungstenite-forward")),
            Self::TcpProxy => (own, serve("proxy")),
            Self::Iroh => (iroh::program().ok_or("RATATOSK_IROH is not set")?, vec!["serve".to_owned()]),
            Self::Reference => {
                let script = reference().ok_or("RATATOSK_REFERENCE is not set")?;
                let script = script.to_string_lossy().into_owned();
                (PathBuf::from("node"), vec![script, "0".to_owned(), "--ping".to_owned(), NO_PINGS_MS.to_owned()])
            }
        };
        let mut command = on_cpu(program.as_os_str(), cpu);
        command.args(arguments);
        Process::start(command)
    }
}

/// How the relay of this repository is started: every limit and rate is counted, also per IP for the clients of this
/// machine, and none is reached.
pub(crate) fn relay_flags(listen: &str) -> Vec<String> {
    let mut flags = ["--listen", listen, "--ops-listen", "off", "--log", "error", "--ping-interval-ms", NO_PINGS_MS]
        .map(str::to_owned)
        .to_vec();
    // Nobody is there.
    flags.extend(["--unlimited".to_owned(), "192.0.2.1".to_owned()]);
    for limit in ["spares", "connections", "handshaking"] {
        flags.extend([format!("--max-{limit}-per-ip"), "131072".to_owned()]);
    }
    flags.extend(["--max-spares-per-key".to_owned(), "131072".to_owned()]);
    for rate in
        ["connections-per-ip", "registrations-per-ip", "registrations-per-key", "requests-per-ip", "requests-per-key"]
    {
        for part in ["per-second", "burst"] {
            flags.extend([format!("--{rate}-{part}"), "1000000".to_owned()]);
        }
    }
    flags
}

/// A command that runs on one CPU only, if one is named.
pub(crate) fn on_cpu(program: &OsStr, cpu: Option<usize>) -> Command {
    match cpu {
        Some(cpu) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &cpu.to_string()]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

fn serve(who: &str) -> Vec<String> {
    vec!["serve".to_owned(), who.to_owned()]
}

fn reference() -> Option<PathBuf> {
    env::var_os("RATATOSK_REFERENCE").map(PathBuf::from).filter(|path| path.exists())
}

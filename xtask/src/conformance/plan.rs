//! What there is to measure: the cells of the matrix.

/// The CommServers.
pub(super) const SERVERS: [&str; 2] = ["ratatosk", "reference"];

/// The peers, by the names under which `conformance peer` knows them.
pub(super) const PEERS: [&str; 4] = ["ratatosk-wasm", "ratatosk-native", "js", "reference"];

/// The codec of this project.
pub(super) const CODEC: &str = "ratatosk";

/// One run of the conformance suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// A CommServer.
    Server(&'static str),
    /// The codec.
    Codec,
    /// A peer before the hostile partner.
    Hostile(&'static str),
    /// Two peers, each once as the one that connects and once as the one that listens.
    Pair(&'static str, &'static str),
}

impl Cell {
    /// All of them, in the order in which they run.
    pub(super) fn all() -> Vec<Self> {
        let pairs =
            PEERS.iter().enumerate().flat_map(|(index, a)| PEERS.iter().skip(index).map(move |b| Self::Pair(a, b)));
        let servers = SERVERS.iter().map(|name| Self::Server(name));
        let hostile = PEERS.iter().map(|name| Self::Hostile(name));
        servers.chain([Self::Codec]).chain(hostile).chain(pairs).collect()
    }

    /// The suite, as reports call it.
    pub(super) fn suite(self) -> &'static str {
        match self {
            Self::Server(_) => "server",
            Self::Codec => "vectors",
            Self::Hostile(_) | Self::Pair(..) => "peer",
        }
    }

    /// Who is measured.
    pub(super) fn subjects(self) -> Vec<&'static str> {
        match self {
            Self::Server(name) | Self::Hostile(name) => vec![name],
            Self::Codec => vec![CODEC],
            Self::Pair(a, b) => vec![a, b],
        }
    }

    /// The name of its files, without what follows the dot.
    pub(super) fn file(self) -> String {
        match self {
            Self::Server(name) => format!("server-{name}"),
            Self::Codec => format!("vectors-{CODEC}"),
            Self::Hostile(name) => format!("hostile-{name}"),
            Self::Pair(a, b) => format!("pair-{a}+{b}"),
        }
    }

    /// For people.
    pub(super) fn title(self) -> String {
        match self {
            Self::Server(name) => format!("CommServer: {name}"),
            Self::Codec => format!("codec: {CODEC}"),
            Self::Hostile(name) => format!("hostile partner: {name}"),
            Self::Pair(a, b) => format!("pair: {a} ↔ {b}"),
        }
    }

    /// The scenarios of a quick run: the beginning of their ids, "" for all.
    pub(super) fn quick(self) -> &'static str {
        match self {
            Self::Server(_) => "e/",
            Self::Codec => "",
            Self::Hostile(_) => "hostile/",
            Self::Pair(..) => "data/",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_pair_is_there_once() {
        let cells = Cell::all();
        let pairs: BTreeSet<_> = cells
            .iter()
            .filter_map(|cell| match cell {
                Cell::Pair(a, b) => Some([*a.min(b), *a.max(b)]),
                _ => None,
            })
            .collect();
        assert_eq!(pairs.len(), PEERS.len() * (PEERS.len() + 1) / 2);
        assert_eq!(cells.iter().map(|cell| cell.file()).collect::<BTreeSet<_>>().len(), cells.len());
        assert_eq!(cells.len(), SERVERS.len() + 1 + PEERS.len() + pairs.len());
    }
}

//! The fuzz targets. A test compares the list with what lies in the folders.

/// A crate with fuzz targets, a workspace of its own.
pub(super) struct FuzzCrate {
    /// Where it is, from the root.
    pub(super) folder: &'static str,
    /// What it tests.
    pub(super) of: &'static str,
    /// Longest input, in bytes.
    pub(super) max_len: u32,
}

/// A fuzz target.
pub(super) struct Target {
    pub(super) fuzz_crate: &'static FuzzCrate,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
}

const PROTOCOL: &FuzzCrate = &FuzzCrate { folder: "protocol/fuzz", of: "protocol", max_len: 1500 };
/// A head of an upgrade may have 8 KiB.
const RELAY: &FuzzCrate = &FuzzCrate { folder: "relay/fuzz", of: "relay", max_len: 9000 };
/// A header with a few tensors has some 1 kB.
const ENGINE: &FuzzCrate = &FuzzCrate { folder: "node/engine/fuzz", of: "engine", max_len: 4096 };

const TARGETS: &[Target] = &[
    Target { fuzz_crate: PROTOCOL, name: "message", about: "every parser of control messages" },
    Target { fuzz_crate: PROTOCOL, name: "padding", about: "padding with flags, both ways" },
    Target { fuzz_crate: PROTOCOL, name: "secretbox", about: "the cipher, beside the audited crate" },
    Target {
        fuzz_crate: PROTOCOL,
        name: "fragmentation",
        about: "keywords, texts and chunks, beside a second implementation",
    },
    Target { fuzz_crate: PROTOCOL, name: "microdata", about: "objects: refused, or written to the same bytes again" },
    Target { fuzz_crate: PROTOCOL, name: "pairing", about: "phase 6 as a script, and invitations" },
    Target { fuzz_crate: PROTOCOL, name: "chum", about: "CHUM as a script, both sides" },
    Target { fuzz_crate: PROTOCOL, name: "stack", about: "all plugins: frames, plaintexts, time, an application" },
    Target { fuzz_crate: RELAY, name: "proxy_header", about: "headers of the PROXY protocol" },
    Target { fuzz_crate: RELAY, name: "forwarded", about: "Forwarded and X-Forwarded-For" },
    Target { fuzz_crate: RELAY, name: "upgrade", about: "the head of a request, and the answer to it" },
    Target { fuzz_crate: RELAY, name: "frames", about: "frames of a client, passed on in pieces, beside tungstenite" },
    Target { fuzz_crate: ENGINE, name: "gguf", about: "the header of a model file" },
];

/// All targets, the shorter ones first.
pub(super) fn all() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::workspace;

    #[test]
    fn every_target_is_listed_once_and_has_seeds() {
        let root = workspace::root().unwrap();
        let mut there = BTreeSet::new();
        for fuzz_crate in [PROTOCOL, RELAY, ENGINE] {
            for entry in fs::read_dir(root.join(fuzz_crate.folder).join("fuzz_targets")).unwrap() {
                let name = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
                let seeds = root.join(fuzz_crate.folder).join("seeds").join(&name);
                assert!(fs::read_dir(seeds).unwrap().count() > 0, "{name} has no seeds");
                there.insert((fuzz_crate.folder, name));
            }
        }
        let listed: BTreeSet<_> = all().map(|target| (target.fuzz_crate.folder, target.name.to_owned())).collect();
        assert_eq!(listed, there);
        let names: BTreeSet<_> = all().map(|target| target.name).collect();
        assert_eq!(names.len(), TARGETS.len(), "a name stands for one target");
    }
}

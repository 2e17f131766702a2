//! Two peers without a network between them, with the plugins that a reader's `plugins.toml` names.

use std::time::Instant;

use ratatosk_plugin_bundle as bundle;
use ratatosk_plugin_host::{BuiltIn, Choices, HostLimits, PluginSet, Sources};
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{
    CHUNK_LEN, Incoming, KeepAliveSettings, MAX_MESSAGE_LEN, NonceParity, Origin, Outgoing, Plugins, Setup, Stack,
};

use super::folder::Folder;

/// A stack that sends, and one that receives.
pub(crate) struct Peers {
    pub(crate) sender: Stack,
    pub(crate) receiver: Stack,
    now: Instant,
}

impl Peers {
    /// Connects them.
    ///
    /// # Errors
    ///
    /// Why a plugin cannot be used, in the host's words.
    pub(crate) fn connect(folder: &Folder) -> Result<Self, String> {
        let now = Instant::now();
        let sender = stack(folder, NonceParity::Even, now)?;
        let receiver = stack(folder, NonceParity::Odd, now)?;
        let mut peers = Self { sender, receiver, now };
        for stack in [&mut peers.sender, &mut peers.receiver] {
            stack.handle_incoming(now, Incoming::Opened);
            assert_eq!(stack.poll_event(), Some(Incoming::Opened));
        }
        Ok(peers)
    }

    /// Sends a text. Returns what arrives.
    pub(crate) fn send(&mut self, text: &str) -> Vec<String> {
        // A failure is found in the stack.
        let _ = self.sender.send(self.now, Payload::text(text));
        while let Some(Outgoing::Message(message)) = self.sender.poll_transmit() {
            self.receiver.handle_incoming(self.now, Incoming::Message(message));
        }
        let mut texts = Vec::new();
        while let Some(event) = self.receiver.poll_event() {
            match event {
                Incoming::Message(Payload::Text(text)) => texts.push(text),
                other => panic!("{other:?} arrives"),
            }
        }
        texts
    }

    /// Ends the connection at both ends. Returns what the plugins of the sender and of the receiver have said.
    pub(crate) fn close(mut self) -> [Vec<String>; 2] {
        for (stack, origin) in [(&mut self.sender, Origin::Local), (&mut self.receiver, Origin::Remote)] {
            stack.handle_incoming(self.now, Incoming::Closed { reason: String::new(), origin });
        }
        [self.sender, self.receiver].map(|mut stack| {
            let notes = std::iter::from_fn(|| stack.poll_note());
            notes.map(|note| format!("{}: {}", note.plugin, note.text)).collect()
        })
    }
}

/// A stack with the plugins of `plugins.toml`, as the program makes it.
fn stack(folder: &Folder, sends: NonceParity, now: Instant) -> Result<Stack, String> {
    let choices = Choices::read(&folder.path("plugins.toml")).map_err(|error| error.to_string())?;
    let built_in = |built: bundle::Module| BuiltIn { manifest: built.manifest, wasm: built.wasm };
    let sources = Sources {
        built_in: [bundle::ENCRYPTION, bundle::KEEPALIVE, bundle::FRAGMENTATION].map(built_in).into(),
        entropy: || Box::new(OsEntropy),
        limits: HostLimits { instances: 10, ..HostLimits::default() },
    };
    let set = PluginSet::start(&choices, sources).map_err(|error| error.to_string())?;
    let key = SharedKey::from_bytes([7; 32]);
    let setup = Setup {
        now,
        key: &key,
        sends,
        keepalive: KeepAliveSettings::default(),
        chunk_len: CHUNK_LEN,
        max_message_len: MAX_MESSAGE_LEN,
    };
    let plugins = set.make(&setup).map_err(|failure| failure.error.to_string())?;
    Stack::new(plugins, Box::new(OsEntropy)).map_err(|error| error.to_string())
}

//! Where the plugins of a connection come from, once its keys are exchanged.

use std::fmt;
use std::time::Instant;

use ratatosk_plugin_encryption::{self as encryption, NonceParity};
use ratatosk_plugin_fragmentation as fragmentation;
use ratatosk_plugin_keepalive::Settings;
use zeroize::Zeroizing;

use super::{Encryption, Fragmentation, KeepAlive, Layer, Plugin, PluginFailure};
use crate::crypto::SharedKey;

/// Makes the plugins of connections.
pub trait Plugins: fmt::Debug + Send + Sync {
    /// The plugins of one connection, from the socket outwards. Encryption, keepalive and fragmentation have to be among
    /// them.
    ///
    /// # Errors
    ///
    /// The plugin that could not be made; the connection is then closed.
    fn make(&self, setup: &Setup<'_>) -> Result<Vec<Box<dyn Plugin>>, PluginFailure>;
}

/// What the plugins of one connection are made from.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// The time of the connection.
    pub now: Instant,
    /// The key that both ends share.
    pub key: &'a SharedKey,
    /// The nonces that this end sends with.
    pub sends: NonceParity,
    /// When to send a sign of life, and when to give up.
    pub keepalive: Settings,
    /// Bytes of a fragment.
    pub chunk_len: usize,
    /// Largest message that is put together from fragments, in bytes.
    pub max_message_len: usize,
}

impl Setup<'_> {
    /// The configuration of a module in the place of one of the three plugins, as the crate of that plugin describes it.
    /// `None` for other layers. Wiped when it is dropped, as that of the encryption holds the key.
    #[must_use]
    pub fn config(&self, layer: Layer) -> Option<Zeroizing<Vec<u8>>> {
        let short = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        Some(Zeroizing::new(match layer {
            Layer::Encryption => Zeroizing::new(encryption::config(self.key.expose(), self.sends)).to_vec(),
            Layer::KeepAlive => self.keepalive.config().to_vec(),
            Layer::Fragmentation => fragmentation::config(short(self.chunk_len), short(self.max_message_len)).to_vec(),
            Layer::Observer | Layer::PingPong | Layer::Transform => return None,
        }))
    }

    /// The linked plugin of a layer. `None` for layers of which there is none.
    #[must_use]
    pub fn linked(&self, layer: Layer) -> Option<Box<dyn Plugin>> {
        Some(match layer {
            Layer::Encryption => Box::new(Encryption::new(self.key, self.sends)),
            Layer::KeepAlive => Box::new(KeepAlive::with_settings(self.keepalive)),
            Layer::Fragmentation => Box::new(Fragmentation::new(self.chunk_len, self.max_message_len)),
            Layer::Observer | Layer::PingPong | Layer::Transform => return None,
        })
    }
}

/// The three plugins that every connection has, all of them linked.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllLinked;

impl Plugins for AllLinked {
    fn make(&self, setup: &Setup<'_>) -> Result<Vec<Box<dyn Plugin>>, PluginFailure> {
        let layers = [Layer::Encryption, Layer::KeepAlive, Layer::Fragmentation];
        Ok(layers.into_iter().filter_map(|layer| setup.linked(layer)).collect())
    }
}

//! Which plugin may stand where.

use super::Plugin;

/// The place of a plugin, from the socket outwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Only looks; may stand anywhere, any number of times.
    Observer,
    /// Ping or pong of a spare connection: plain text, so inside encryption.
    PingPong,
    /// Turns everything into ciphertext: everything but ping and observers stands outside it.
    Encryption,
    /// Changes messages of the application: anywhere outside encryption, any number of times.
    Transform,
    /// Its pulses are encrypted and must not be fragmented.
    KeepAlive,
    /// Its chunks pass through all others, so it stands outermost of the layers above.
    Fragmentation,
}

/// Why a list of plugins is no valid stack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// Two plugins for one layer that takes one.
    #[error("the stack has two plugins for the same layer, {first} and {second}; remove one of them")]
    Duplicate {
        /// The inner one.
        first: String,
        /// The outer one.
        second: String,
    },
    /// A plugin stands inside one that must be further in.
    #[error(
        "{inner} stands inside {outer}; from the socket outwards the order is ping or pong, encryption, keepalive, fragmentation"
    )]
    Misplaced {
        /// The plugin that stands too far in.
        inner: String,
        /// The plugin that must be further in.
        outer: String,
    },
    /// A connection without one of the three plugins that every connection has.
    #[error("the stack has no plugin for {layer}; every connection needs encryption, keepalive and fragmentation")]
    Missing {
        /// What is missing.
        layer: &'static str,
    },
}

/// Checks the plugins of a connection whose keys are exchanged, names and layers from the socket outwards.
///
/// # Errors
///
/// [`OrderError`], also if one of the three is missing that every connection has.
pub fn check_order(plugins: &[(&str, Layer)]) -> Result<(), OrderError> {
    pairs(plugins)?;
    let needed =
        [(Layer::Encryption, "encryption"), (Layer::KeepAlive, "keepalive"), (Layer::Fragmentation, "fragmentation")];
    match needed.into_iter().find(|(layer, _)| plugins.iter().all(|(_, other)| other != layer)) {
        Some((_, layer)) => Err(OrderError::Missing { layer }),
        None => Ok(()),
    }
}

/// Checks a stack, given from the socket outwards.
pub(super) fn validate(plugins: &[Box<dyn Plugin>]) -> Result<(), OrderError> {
    let plugins: Vec<_> = plugins.iter().map(|plugin| (plugin.name(), plugin.layer())).collect();
    pairs(&plugins)
}

fn pairs(plugins: &[(&str, Layer)]) -> Result<(), OrderError> {
    for (index, &(outer, b)) in plugins.iter().enumerate() {
        for &(inner, a) in &plugins[..index] {
            if a == Layer::Observer || b == Layer::Observer {
                continue;
            }
            if a == b && a != Layer::Transform {
                return Err(OrderError::Duplicate { first: inner.to_owned(), second: outer.to_owned() });
            }
            // Transforms may stand between and around the outer layers; only encryption and ping bind them.
            let free = a == Layer::Transform && b > Layer::Encryption;
            if a > b && !(free || (b == Layer::Transform && a > Layer::Encryption)) {
                return Err(OrderError::Misplaced { inner: inner.to_owned(), outer: outer.to_owned() });
            }
        }
    }
    Ok(())
}

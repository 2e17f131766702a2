//! This project's own codec: each operation, done with `ratatosk-protocol` and `ratatosk-objects`.

mod ends;
mod entropy;
mod keys;
mod messages;
mod objects;

use std::time::Instant;

use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::keyword::Keyword;
use ratatosk_protocol::padding;
use ratatosk_protocol::plugin::{KEEPALIVE, Plugin, nonce};
use serde_json::Value;

use self::ends::Ends;
use self::entropy::Script;
use super::{Answer, Codec, CodecError, Hex, Layer, Op, PluginSpec};

pub use self::ends::native_plugin;

/// Makes the plugins of a connection that opens at this time. The random bytes are those that the vectors prescribe, for
/// plugins that do not take them from the stack.
pub type MakePlugin = Box<dyn FnMut(PluginSpec, Instant, Box<dyn Entropy>) -> Result<Box<dyn Plugin>, CodecError>>;

/// `ratatosk-protocol` as a [`Codec`].
pub struct Ratatosk {
    ends: Ends,
    make: MakePlugin,
}

impl Default for Ratatosk {
    fn default() -> Self {
        Self::with_plugins(Box::new(|spec, _, _| native_plugin(spec)))
    }
}

impl Ratatosk {
    /// With other plugins in the stack than those of `ratatosk-protocol`.
    #[must_use]
    pub fn with_plugins(make: MakePlugin) -> Self {
        Self { ends: Ends::default(), make }
    }
}

impl Codec for Ratatosk {
    fn reset(&mut self) {
        self.ends = Ends::default();
    }

    fn answer(&mut self, op: &Value) -> Result<Value, CodecError> {
        let malformed = |error: serde_json::Error| CodecError(format!("{error} in {op}"));
        let answer = self.run(serde_json::from_value(op.clone()).map_err(malformed)?)?;
        serde_json::to_value(answer).map_err(malformed)
    }
}

impl Ratatosk {
    fn run(&mut self, op: Op) -> Result<Answer, CodecError> {
        Ok(match op {
            Op::PublicKey { secret } => keys::public_key(&secret),
            Op::SharedKey { secret, public } => keys::shared_key(&secret, &public),
            Op::Seal { secret, public, nonce, content } => keys::seal(&secret, &public, nonce, &content),
            Op::Open { secret, public, boxed } => keys::open(&secret, &public, &boxed),
            Op::Check { kind, bytes } => keys::check(kind, &bytes),
            Op::IsHex { text } => messages::is_hex(&text),
            Op::FromHex { text } => messages::from_hex(&text),
            Op::Register { public } => messages::register(&public),
            Op::Challenge { secret, public, challenge, nonce } => {
                messages::challenge(&secret, &public, &challenge, &nonce)
            }
            Op::Response { secret, frame, nonce } => messages::response(&secret, frame, nonce),
            Op::Verify { secret, public, challenge, frame } => messages::verify(&secret, &public, &challenge, frame),
            Op::Success { interval_ms } => messages::success(interval_ms),
            Op::ClientMessage { text } => messages::client_message(text),
            Op::ServerMessage { text } => messages::server_message(text),
            Op::Pad { value, total, flags, random } => pad(&value, total, flags, random),
            Op::Unpad { padded } => answer(padding::remove(&padded.0), |(start, flags)| Answer::Value {
                bytes: Hex(padded.0[start..].to_vec()),
                flags,
            }),
            Op::Nonce { counter } => answer(nonce(counter), |nonce| Answer::Bytes(Hex(nonce.to_vec()))),
            Op::Escape { layer, text } => Answer::Text(escape(layer, text)),
            Op::Unescape { layer, text } => unescape(layer, text),
            Op::CloseReason { text, terminate } => close_reason(text, terminate),
            Op::Connect { end, plugins } => self.ends.connect(end, plugins, &mut self.make)?,
            Op::Send { end, message, random } => self.ends.get(&end)?.send(message, random),
            Op::Receive { end, messages } => self.ends.get(&end)?.receive(messages),
            Op::Microdata { recipe, object } => objects::write(&recipe, &object, false)?,
            Op::IdMicrodata { recipe, object } => objects::write(&recipe, &object, true)?,
            Op::Hash { text } => objects::hash(&text),
            Op::Rewrite { recipe, text } => objects::rewrite(&recipe, &text)?,
            Op::Wait { end, until_ms } => self.ends.get(&end)?.wait(until_ms)?,
        })
    }
}

/// An error is an answer too.
fn answer<T, E: std::fmt::Display>(result: Result<T, E>, ok: impl FnOnce(T) -> Answer) -> Answer {
    result.map_or_else(|error| Answer::Error(error.to_string()), ok)
}

fn pad(value: &Hex, total: usize, flags: u8, random: Hex) -> Answer {
    let mut script = Script::of(random.0);
    let mut out = Vec::new();
    match padding::add(&mut out, &value.0, total, flags, &mut |bytes| script.fill(bytes)) {
        Err(error) => Answer::Error(error.to_string()),
        Ok(()) => script.used_up(Answer::Bytes(Hex(out))),
    }
}

fn keywords(layer: Layer) -> &'static [Keyword] {
    match layer {
        Layer::Keepalive => &[KEEPALIVE],
        Layer::Fragmentation => &[
            Keyword("fragmentation_start_binary"),
            Keyword("fragmentation_start_string"),
            Keyword("fragmentation_end"),
        ],
    }
}

fn escape(layer: Layer, mut text: String) -> String {
    keywords(layer).iter().for_each(|keyword| keyword.escape(&mut text));
    text
}

fn unescape(layer: Layer, mut text: String) -> Answer {
    let result = keywords(layer).iter().rev().try_for_each(|keyword| keyword.unescape(&mut text));
    answer(result, |()| Answer::Text(text))
}

fn close_reason(text: Option<String>, terminate: bool) -> Answer {
    let request = match (text, terminate) {
        (text, false) => CloseRequest::Close(text),
        (Some(text), true) => CloseRequest::Terminate(text),
        (None, true) => return Answer::Unsupported("every timer gives its reason".to_owned()),
    };
    Answer::Text(request.reason())
}

//! The second part of the demo: two people become contacts, and write to each other.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::peer::Peer;

/// Messages that both post at the same time, so that there is something to bring together.
const AT_ONCE: usize = 15;

/// Pairs two people over the relay and lets them chat.
///
/// # Errors
///
/// A sentence.
pub(super) fn chat(program: &Path, url: &str, form: &str) -> Result<(), String> {
    println!("── two people: Anna invites, Ben accepts");
    let mut anna = Peer::person("Anna", program, url, "wasm")?;
    let mut ben = Peer::person("Ben", program, url, form)?;
    anna.wait_until_online()?;
    let invitation = anna.call(json!({"cmd": "invite"}), "invitation")?["invitation"].clone();
    println!("   invitation  {}", shortened(&invitation));
    let start = Instant::now();
    ben.call(json!({"cmd": "accept", "invitation": invitation}), "accepted")?;
    println!("   paired after {:.1?}: identities exchanged, person keys proven", start.elapsed());
    anna.wait_for("protocolStart")?;
    ben.wait_for("protocolStart")?;
    println!("   connected after {:.1?}, with the keys of their devices\n", start.elapsed());

    println!("── they chat: objects, signed by their authors, brought up to date by CHUM 8");
    let topic = anna.call(json!({"cmd": "topic", "with": ben.person}), "result")?["topic"].clone();
    for (from_anna, text) in [
        (true, "Hi Ben, this is Anna."),
        (false, "Grüße, Anna! Does it work without a cloud? 🐿️"),
        (true, "There is nothing between us but a relay that cannot read this."),
    ] {
        let (from, to) = if from_anna { (&mut anna, &mut ben) } else { (&mut ben, &mut anna) };
        let start = Instant::now();
        from.call(json!({"cmd": "send", "topic": topic, "text": text}), "result")?;
        let message = next_message(to)?;
        if message["text"] != text || message["author"] != from.person.as_str() {
            return Err(format!("{} got another message than {} wrote: {message}", to.name(), from.name()));
        }
        let signature = message["affirmed"].as_str().unwrap_or("not looked at");
        println!(
            "   {:<5} {text}\n         at {} after {:.1?}; signature {signature}",
            from.name(),
            to.name(),
            start.elapsed()
        );
    }

    let start = Instant::now();
    for peer in [&mut anna, &mut ben] {
        peer.command(&json!({"cmd": "burst", "topic": topic, "text": "at once", "n": AT_ONCE}))?;
    }
    for peer in [&mut anna, &mut ben] {
        for _ in 0..AT_ONCE {
            next_message(peer)?;
        }
    }
    let head = |peer: &mut Peer| -> Result<Value, String> {
        Ok(peer.call(json!({"cmd": "head", "topic": topic}), "result")?["hash"].clone())
    };
    let heads = [head(&mut anna)?, head(&mut ben)?];
    if heads[0] != heads[1] {
        return Err(format!("the histories differ: {} and {}", heads[0], heads[1]));
    }
    println!("   {AT_ONCE} messages of each at the same time: one history on both after {:.1?}", start.elapsed());
    println!("   its hash at Anna and at Ben: {}\n", heads[0].as_str().unwrap_or_default());
    anna.quit()?;
    ben.quit()
}

/// The next message of somebody else.
fn next_message(peer: &Peer) -> Result<Value, String> {
    loop {
        let message = peer.wait_for("message")?;
        if message["own"] != true {
            return Ok(message);
        }
    }
}

/// An invitation without its secret.
fn shortened(invitation: &Value) -> String {
    let mut shown = invitation.clone();
    let token = shown["token"].as_str().unwrap_or_default();
    shown["token"] = json!(format!("{}…", token.get(..6).unwrap_or_default()));
    shown.to_string()
}

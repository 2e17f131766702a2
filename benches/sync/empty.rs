//! A history that one has and the other has not: how it arrives, through a relay.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use ratatosk_benches::Outcome;
use serde_json::json;

use crate::Results;
use crate::options::Options;
use crate::people::{Peer, Relay, reference};
use crate::poll::remove;

/// How often is looked whether it is there. What comes of it is that much too long at most.
const LOOK: Duration = Duration::from_millis(50);
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// What came of it.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) who: String,
    pub(crate) messages: usize,
    /// From the moment at which both speak CHUM until the receiver has the last message.
    pub(crate) seconds: f64,
    /// On the wire, in both directions.
    pub(crate) bytes: f64,
    /// Seconds of CPU of the sender and of the receiver.
    pub(crate) cpu: [f64; 2],
    /// Largest growth of resident memory while it arrives, in MiB, of the sender and of the receiver.
    pub(crate) memory: [f64; 2],
}

/// Who takes part.
struct Pairing {
    who: &'static str,
    line: String,
    messages: usize,
}

pub(crate) fn all(options: &Options, scratch: &Path, results: &mut Results) -> Outcome<()> {
    let programs = options.relay.parent().map(PathBuf::from).unwrap_or_default();
    let ratatosk = format!("{} peer", programs.join("ratatosk").display());
    let mut pairings = vec![Pairing { who: "ratatosk", line: ratatosk.clone(), messages: options.messages }];
    if reference().is_some() {
        let line = "node conformance/peers/reference/peer.js".to_owned();
        let messages = options.reference_messages;
        pairings.push(Pairing { who: "ratatosk, a short history", line: ratatosk, messages });
        pairings.push(Pairing { who: "reference, a short history", line, messages });
    } else {
        results.absent.push("the reference (RATATOSK_REFERENCE is not set)".to_owned());
    }
    for pairing in pairings {
        println!("── {}: {} messages from empty", pairing.who, pairing.messages);
        let folder = scratch.join("empty");
        remove(&folder)?;
        match measure(&pairing, &options.relay, &folder) {
            Ok(arrival) => results.arrivals.push(arrival),
            Err(error) => results.absent.push(format!("{}: {error}", pairing.who)),
        }
        remove(&folder)?;
    }
    Ok(())
}

fn measure(pairing: &Pairing, relay: &Path, folder: &Path) -> Outcome<Arrival> {
    let relay = Relay::start(relay)?;
    let start = |name: &str| Peer::start(&pairing.line, name, &relay.url, &folder.join(name));
    let (mut sender, mut receiver) = (start("sender")?, start("receiver")?);
    sender.wait_for("online")?;
    receiver.wait_for("online")?;
    let invitation = sender.ask(&json!({"cmd": "invite"}), "invitation")?["invitation"].clone();
    receiver.ask(&json!({"cmd": "accept", "invitation": invitation}), "accepted")?;
    sender.wait_for("pairing")?;
    let topic = sender.ask(&json!({"cmd": "topic", "with": receiver.person}), "result")?["topic"].clone();
    let topic = topic.as_str().ok_or("no topic")?.to_owned();
    // Both know the topic before there is anything in it, so that what is measured is messages.
    until(|| Ok(receiver.head(&topic).is_some()))?;
    receiver.quit()?;
    sender.ask(&json!({"cmd": "burst", "topic": topic, "text": "message", "n": pairing.messages}), "result")?;
    let last = sender.head(&topic).ok_or("the sender has no topic")?;

    let mut receiver = start("receiver")?;
    let (cpu, bytes) = ([sender.cpu()?, receiver.cpu()?], relay.forwarded()?);
    let before = [sender.resident()?, receiver.resident()?];
    receiver.wait_for("protocolStart")?;
    let began = Instant::now();
    let mut most = before;
    until(|| {
        most = [most[0].max(sender.resident()?), most[1].max(receiver.resident()?)];
        Ok(receiver.head(&topic).as_ref() == Some(&last))
    })?;
    Ok(Arrival {
        who: pairing.who.to_owned(),
        messages: pairing.messages,
        seconds: began.elapsed().as_secs_f64(),
        bytes: relay.forwarded()? - bytes,
        cpu: [sender.cpu()? - cpu[0], receiver.cpu()? - cpu[1]],
        memory: [0, 1].map(|end| (most[end] - before[end]) / 1024.0),
    })
}

/// Looks again and again. This is a measurement of programs from outside, which tell by no event that they have everything.
fn until(mut is_so: impl FnMut() -> Outcome<bool>) -> Outcome<()> {
    let end = Instant::now() + PATIENCE;
    while !is_so()? {
        if Instant::now() > end {
            return Err("it takes too long".into());
        }
        thread::park_timeout(LOOK);
    }
    Ok(())
}

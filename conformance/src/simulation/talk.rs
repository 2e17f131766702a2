//! What two ends say to each other, and whether it arrives: everything, once, in order, and from nobody else.

use std::collections::VecDeque;

use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::message::Payload;

use super::pipe::Millis;
use super::random::{Chance, digest};

/// Names an end of a connection for the whole run.
pub(super) type EndId = usize;

/// What stands before the end's number in the reason of its close.
const BYE: &str = "bye ";

/// One end's part of a conversation.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// Digests of what was handed to the machine.
    sent: Vec<u64>,
    /// How many messages of the partner have come.
    got: usize,
    /// Who says to be the other end.
    partner: Option<EndId>,
    /// Who says that this is its other end.
    named_by: Option<EndId>,
    /// What had been sent when this end closed.
    said_bye: Option<usize>,
    keys: Option<(PublicKey, PublicKey)>,
    script: VecDeque<(Millis, bool, usize)>,
    /// When this end closes, if it does.
    pub(super) bye_at: Option<Millis>,
}

impl Talk {
    /// Draws what will be said: `messages` at most, of up to so many bytes.
    pub(super) fn begin(&mut self, keys: (PublicKey, PublicKey), now: Millis, draw: &mut Chance, size: (u64, u64)) {
        let (messages, largest) = size;
        let mut at = now;
        for number in 0..draw.between(1, messages) {
            at += if draw.percent(60) { draw.below(50) } else { draw.below(4000) };
            // The first one says who speaks.
            let low = if number == 0 { 24 } else { 0 };
            let high = if draw.percent(70) { 200 } else { largest };
            let len = usize::try_from(draw.between(low, high)).unwrap_or(24);
            self.script.push_back((at, draw.percent(50), len));
        }
        self.bye_at = draw.percent(45).then(|| at + draw.below(3000));
        self.keys = Some(keys);
    }

    /// The next message that is due, as this end with that number says it.
    pub(super) fn next(&mut self, id: EndId, now: Millis) -> Option<Payload> {
        let (_, is_text, len) = *self.script.front().filter(|(at, ..)| *at <= now)?;
        self.script.pop_front();
        let mut text = format!("{id:016x}{:08x}", self.sent.len());
        let mut filler = Chance::new(((id as u64) << 32) | self.sent.len() as u64);
        let mut bytes = vec![0; len.saturating_sub(text.len())];
        ratatosk_protocol::entropy::Entropy::fill(&mut filler, &mut bytes);
        Some(if is_text {
            text.extend(bytes.iter().map(|byte| char::from(b'a' + byte % 26)));
            text.truncate(len);
            Payload::Text(text)
        } else {
            let mut all = text.into_bytes();
            all.extend(bytes);
            all.truncate(len);
            Payload::binary(all)
        })
    }

    /// Nothing is left to be said, and it is time to go.
    pub(super) fn is_over(&self, now: Millis) -> bool {
        self.script.is_empty() && self.bye_at.is_some_and(|at| at <= now) && self.said_bye.is_none()
    }

    /// Nothing more is said, and the end closes.
    pub(super) fn hurry(&mut self, now: Millis) {
        self.script.clear();
        self.bye_at = Some(now);
    }

    /// The machine has taken it.
    pub(super) fn said(&mut self, payload: &Payload) {
        self.sent.push(hash(payload));
    }

    /// The reason to close with.
    pub(super) fn bye(&mut self, id: EndId) -> String {
        self.said_bye = Some(self.sent.len());
        format!("{BYE}{id}")
    }

    /// When there is something to do.
    pub(super) fn due(&self) -> Option<Millis> {
        match self.script.front() {
            Some((at, ..)) => Some(*at),
            None => self.bye_at.filter(|_| self.said_bye.is_none()),
        }
    }

    pub(super) fn keys(&self) -> Option<&(PublicKey, PublicKey)> {
        self.keys.as_ref()
    }

    /// Messages that this end has got.
    pub(super) fn got(&self) -> usize {
        self.got
    }
}

fn hash(payload: &Payload) -> u64 {
    match payload {
        Payload::Text(text) => digest(true, text.as_bytes()),
        Payload::Binary(data) => digest(false, data),
    }
}

/// Who has sent the first message of a conversation.
fn speaker(payload: &Payload) -> Option<EndId> {
    let bytes: &[u8] = match payload {
        Payload::Text(text) => text.as_bytes(),
        Payload::Binary(data) => data,
    };
    usize::from_str_radix(std::str::from_utf8(bytes.get(..16)?).ok()?, 16).ok()
}

/// Takes a message that has come to an end.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn hear(talks: &mut [Talk], id: EndId, payload: &Payload) -> Result<(), String> {
    let partner = match talks[id].partner {
        Some(partner) => partner,
        None => {
            let partner = speaker(payload).filter(|partner| *partner < talks.len());
            let partner = partner.ok_or("the first message that came was never the first of anybody")?;
            introduce(talks, id, partner)?;
            partner
        }
    };
    let (place, heard) = (talks[id].got, hash(payload));
    let sent = &talks[partner].sent;
    match sent.iter().position(|hash| *hash == heard) {
        _ if sent.get(place) == Some(&heard) => {}
        Some(other) if other < place => {
            return Err(format!("message {other} of end {partner} came again, in place of {place}"));
        }
        Some(other) => return Err(format!("message {other} of end {partner} came in place of {place}")),
        None => return Err(format!("what came in place of message {place} was never sent by end {partner}")),
    }
    talks[id].got += 1;
    Ok(())
}

/// Two ends meet. Nobody else may have met either of them, and each must be whom the other asked for.
fn introduce(talks: &mut [Talk], id: EndId, partner: EndId) -> Result<(), String> {
    if talks[partner].partner.is_some_and(|other| other != id) {
        return Err(format!("end {partner} speaks to this one, and hears somebody else"));
    }
    if talks[partner].named_by.is_some_and(|other| other != id) {
        return Err(format!("end {partner} is heard by two"));
    }
    if let (Some((own, wanted)), Some((theirs, asked))) = (talks[id].keys(), talks[partner].keys())
        && (own != asked || wanted != theirs)
    {
        return Err(format!("end {partner} is not the peer that this connection is with"));
    }
    talks[partner].named_by = Some(id);
    talks[id].partner = Some(partner);
    Ok(())
}

/// An end hears that the other one has closed; what was sent before that must have come.
///
/// # Errors
///
/// What is missing.
pub(super) fn hear_bye(talks: &[Talk], id: EndId, reason: &str) -> Result<bool, String> {
    let Some(partner) = reason.strip_prefix("Close called: ").and_then(|text| text.strip_prefix(BYE)) else {
        return Ok(false);
    };
    let partner: EndId = partner.parse().map_err(|_| "a close with a reason that nobody gave".to_owned())?;
    let known = talks.get(partner).and_then(|talk| talk.said_bye);
    let sent = known.ok_or("a close of somebody who has not closed")?;
    let Talk { got, partner: heard, .. } = &talks[id];
    if heard.is_some_and(|heard| heard != partner) {
        return Err(format!("the close of end {partner} came to somebody else"));
    }
    if *got == sent {
        Ok(true)
    } else {
        Err(format!("the close of end {partner} came, but only {got} of {sent} messages"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> Vec<Talk> {
        let mut talks: Vec<Talk> = (0..3).map(|_| Talk::default()).collect();
        for talk in &mut talks {
            talk.script =
                (0..4).map(|number| (number, number % 2 == 0, 24 + usize::try_from(number).unwrap())).collect();
        }
        talks
    }

    fn says(talks: &mut [Talk], id: EndId) -> Payload {
        let payload = talks[id].next(id, 100).unwrap();
        talks[id].said(&payload);
        payload
    }

    #[test]
    fn what_comes_in_order_is_right_and_everything_else_is_not() {
        let mut talks = pair();
        let all: Vec<Payload> = (0..4).map(|_| says(&mut talks, 0)).collect();
        hear(&mut talks, 1, &all[0]).unwrap();
        assert!(hear(&mut talks, 1, &all[0]).unwrap_err().contains("again"));
        assert!(hear(&mut talks, 1, &all[2]).unwrap_err().contains("in place of 1"));
        assert!(hear(&mut talks, 1, &Payload::text("x")).unwrap_err().contains("never sent"));
        hear(&mut talks, 1, &all[1]).unwrap();
        assert!(hear(&mut talks, 2, &all[0]).unwrap_err().contains("heard by two"));
        let bye = format!("Close called: {}", talks[0].bye(0));
        assert!(hear_bye(&talks, 1, &bye).unwrap_err().contains("only 2 of 4"));
        hear(&mut talks, 1, &all[2]).unwrap();
        hear(&mut talks, 1, &all[3]).unwrap();
        assert_eq!(hear_bye(&talks, 1, &bye), Ok(true));
        assert_eq!(hear_bye(&talks, 1, "Close called."), Ok(false));
    }
}

//! The text form of scenarios for two implementations: one line a step, as in [`crate::scenario::parse`].
//!
//! ```text
//! == data/text a short text, and its answer
//! spec §4
//! meet
//! a > hello
//! b < hello
//! b > hello to you
//! a < hello to you
//! ```
//!
//! `b` is a peer of the implementation that listens; `a`, `a2`, `a3` … are peers of the one that connects. Without another
//! name an `a` speaks with `b`, and `b` with `a`.
//!
//! | A peer | Meaning |
//! | --- | --- |
//! | `starts`, `quits`, `killed` | is started; is told to quit, and does; is killed |
//! | `disconnects`, `reconnects` | is told so |
//! | `online`, `offline` | says so |
//! | `> text`, `>hex HEX`, `>ascii N`, `>euros N`, `>crabs N`, `>bytes N` | is told to send, which works |
//! | `>marked N` | the same: a byte order mark and N ASCII characters |
//! | `>! text` | is told to send, which does not work |
//! | `to nobody >! text` | the same, to a key that nobody has |
//! | `< text`, `<hex HEX` … | gets exactly this |
//! | `from a2 < text`, `to a2 > text` | from or to another one |
//! | `ended`, `ended REASON` | one of its connections is over, with this reason if the other end gave one |
//! | `connections N` | has so many |
//! | `quiet MS` | gets nothing, and no connection ends |
//!
//! A text in quotation marks is read as JSON. Without a name: `meet` (`a` and `b` start, `b` is online), `all > text` (all
//! connectors at once, until it works), `exchange N BYTES` (`a` and `b` to each other at the same time), `relay stops`,
//! `relay starts`, and `either … end` with the continuations `as conforms`,
//! `as better REASON`, `as deviates REASON`.

use super::payload;
use super::script::{Name, Script, Step};
use crate::scenario::lines::{Lines, Mistake, ParseError, all, branches, millis, number, split};
use crate::scenario::template::Template;

/// Reads the scenarios of a file.
///
/// # Errors
///
/// The first line that cannot be understood.
pub fn parse(source: &str) -> Result<Vec<Script>, ParseError> {
    all(source, script)
}

fn script(head: &str, lines: &mut Lines<'_>) -> Result<Script, Mistake> {
    let (id, title) = split(head.strip_prefix("== ").ok_or(Mistake::NoScenario)?);
    let mut spec = String::new();
    if let Some((_, section)) = lines.peek().and_then(|line| line.split_once("spec ")) {
        section.clone_into(&mut spec);
        lines.take();
    }
    let steps = block(lines, |line| line.starts_with("== "))?;
    Ok(Script { id: id.to_owned(), title: title.to_owned(), spec, steps })
}

/// Reads steps up to the line that ends the block, which is left where it is.
fn block(lines: &mut Lines<'_>, ends: fn(&str) -> bool) -> Result<Vec<Step>, Mistake> {
    let mut steps = Vec::new();
    while let Some(line) = lines.peek().filter(|line| !ends(line)) {
        lines.take();
        let (word, rest) = split(line);
        match word {
            "meet" => {
                let (a, b) = ("a".to_owned(), "b".to_owned());
                steps.extend([Step::Start(a), Step::Start(b.clone()), Step::Online { name: b, state: true }]);
            }
            "either" => steps.push(Step::Either(branches(lines, block, Step::tells_apart)?)),
            "relay" => steps.push(Step::Relay(match rest {
                "stops" => false,
                "starts" => true,
                other => return Err(Mistake::Word(other.to_owned())),
            })),
            "exchange" => {
                let (count, len) = split(rest);
                steps.push(Step::Exchange { count: number(count)?, len: number(len)? });
            }
            "all" => {
                let (verb, rest) = split(rest);
                let kind = verb.strip_prefix('>').ok_or_else(|| Mistake::Word(verb.to_owned()))?;
                steps.push(Step::SendAll(payload::parse(kind, rest)?));
            }
            "end" | "as" | "==" => return Err(Mistake::Block),
            name => steps.push(peer(name, rest)?),
        }
    }
    Ok(steps)
}

/// A line about a peer.
fn peer(name: &str, line: &str) -> Result<Step, Mistake> {
    if !name.starts_with(['a', 'b']) {
        return Err(Mistake::Word(name.to_owned()));
    }
    let (word, behind) = split(line);
    let (other, line) = match word {
        "to" | "from" => {
            let (other, line) = split(behind);
            (other, line)
        }
        _ => (if name.starts_with('b') { "a" } else { "b" }, line),
    };
    let (verb, rest) = split(line);
    let name: Name = name.to_owned();
    Ok(match verb {
        "starts" => Step::Start(name),
        "quits" => Step::Quit(name),
        "killed" => Step::Kill(name),
        "disconnects" => Step::Disconnect(name),
        "reconnects" => Step::Reconnect(name),
        "online" => Step::Online { name, state: true },
        "offline" => Step::Online { name, state: false },
        "connections" => Step::Connections { name, count: number(rest)? },
        "quiet" => Step::Quiet { name, time: millis(rest)? },
        "ended" => {
            let reason = (!rest.is_empty()).then(|| Template::parse(rest)).transpose()?;
            Step::Ended { name, reason }
        }
        _ => {
            if let Some(kind) = verb.strip_prefix('<') {
                return Ok(Step::Receive { name, from: other.to_owned(), payload: payload::parse(kind, rest)? });
            }
            let kind = verb.strip_prefix('>').ok_or_else(|| Mistake::Word(verb.to_owned()))?;
            let (works, kind) = kind.strip_prefix('!').map_or((true, kind), |kind| (false, kind));
            let to = (other != "nobody").then(|| other.to_owned());
            Step::Send { name, to, payload: payload::parse(kind, rest)?, works }
        }
    })
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::message::Payload;

    use super::*;

    fn steps(lines: &str) -> Vec<Step> {
        parse(&format!("== data/x title\nspec §4\n{lines}")).unwrap().remove(0).steps
    }

    #[test]
    fn names_have_their_partners() {
        let to = |lines: &str| match steps(lines).remove(0) {
            Step::Send { name, to, works, .. } => (name, to, works),
            other => panic!("{other:?}"),
        };
        assert_eq!(to("a > x"), ("a".to_owned(), Some("b".to_owned()), true));
        assert_eq!(to("b to a2 > x"), ("b".to_owned(), Some("a2".to_owned()), true));
        assert_eq!(to("a to nobody >! x"), ("a".to_owned(), None, false));
        let received = Step::Receive { name: "b".to_owned(), from: "a3".to_owned(), payload: Payload::text("") };
        assert_eq!(steps("b from a3 <"), [received]);
    }

    #[test]
    fn mistakes_are_noticed() {
        for bad in ["c > x", "a dances", "relay sleeps", "exchange 5", "all < x", "a >feet 3", "either\nend", "end"] {
            assert!(parse(&format!("== data/x title\n{bad}")).is_err(), "{bad}");
        }
        assert!(parse("a > x").is_err());
    }

    #[test]
    fn restarts_are_known() {
        let script = |lines: &str| parse(&format!("== data/x title\n{lines}")).unwrap().remove(0);
        assert!(script("meet\nrelay stops").restarts_relay());
        assert!(!script("meet\na > x").restarts_relay());
    }
}

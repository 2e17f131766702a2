//! The text form of scripts: one line a step, as in [`crate::scenario::parse`].
//!
//! ```text
//! == d2/12 the server closes a spare
//! spec §5
//! from d2_client_side_failures.json#12
//! it listens 1 250
//! s registers
//! it <ready 1
//! s >close 1000 srv
//! s <close 1000 srv
//! it <retries 250
//! t registers
//! ```
//!
//! A head line may also be `runs N`, `deadlines MS` (each phase) or `keepalive MS MS` (pulse, silence).
//! `it` is the peer under test; all other names are connections of the scripted side, which plays the CommServer and the
//! peer behind it to a listener or connector, and dials an acceptor.
//!
//! | `it` | Meaning |
//! | --- | --- |
//! | `listens LIMIT MS`, `listens sequential MS` | begins to keep spares; MS is the delay after failures at most |
//! | `connects`, `connects-until MS…`, `connects-nowhere`, `accepts` | begins to connect, or to accept |
//! | `> text`, `>close text`, `pauses`, `reads`, `stops` | what its application wants |
//! | `<connected`, `< text`, `<hex HEX`, `<binary` | what its application gets |
//! | `<failed TEXT`, `<refused TEXT`, `<ended here REASON`, `<ended there REASON` | how it ends |
//! | `<ready N`, `<retries MS…` | registered spares; delays before further attempts, each at most so long |
//! | `quiet MS` | reports nothing |
//!
//! | A connection | Meaning |
//! | --- | --- |
//! | `open`, `drops`, `mute` | is made; made and dropped; made and not answered |
//! | `> text`, `>bin text`, `>hex HEX`, `>close CODE reason`, `>abort` | sends, unencrypted |
//! | `>challenge N`, `>key`, `>key-other`, `>key-bytes N` | sends a challenge, a key message |
//! | `>key-hex HEX`, `>key-back` | sends a key message with a key of these bytes; sends the peer's own key message |
//! | `>e text`, `>e-hex HEX`, `>e-padded HEX`, `>e-tampered text`, `>e-parity text`, `>again` | sends, encrypted |
//! | `< text`, `<answer N`, `<key`, `<e text`, `<e-length BYTES`, `<pulse`, `<close CODE reason` | gets exactly this |
//! | `quiet MS`, `alive`, `not-before MS` | gets nothing; has everything read and stays open; gets the next thing no earlier |
//! | `registers`, `hands-over`, `serves`, `dials`, `joins`, `encrypts` | the usual steps of the protocol |
//!
//! A `+` behind a `>` verb, as in `>key+`, keeps the message back for the write of the next one. Without a name:
//! `wait MS`, `alone MS` (no further connection), and `either … end` with the continuations `as conforms`,
//! `as better REASON`, `as deviates REASON`.

use std::num::NonZeroUsize;

use super::script::{Expected, Outgoing, Place, Report, Script, Start, Step, Tell, Times};
use crate::scenario::lines::{Lines, Mistake, ParseError, all, branches, millis, number, split};
use crate::scenario::template::{NoValues, Template};

/// Reads the scripts of a file.
///
/// # Errors
///
/// The first line that cannot be understood.
pub fn parse(source: &str) -> Result<Vec<Script>, ParseError> {
    all(source, script)
}

fn script(head: &str, lines: &mut Lines<'_>) -> Result<Script, Mistake> {
    let (id, title) = split(head.strip_prefix("== ").ok_or(Mistake::NoScenario)?);
    let mut script = Script {
        id: id.to_owned(),
        title: title.to_owned(),
        spec: String::new(),
        recorded: Vec::new(),
        runs: 1,
        times: Times::default(),
        steps: Vec::new(),
    };
    while let Some(line) = lines.peek() {
        let (word, rest) = split(line);
        match word {
            "spec" => rest.clone_into(&mut script.spec),
            "from" => script.recorded = rest.split(' ').map(str::to_owned).collect(),
            "runs" => script.runs = number(rest)?,
            "deadlines" => script.times.deadlines = Some(millis(rest)?),
            "keepalive" => {
                let (pulse, silence) = split(rest);
                script.times.keepalive = Some((millis(pulse)?, millis(silence)?));
            }
            _ => break,
        }
        lines.take();
    }
    script.steps = block(lines, |line| line.starts_with("== "))?;
    Ok(script)
}

/// Reads steps up to the line that ends the block, which is left where it is.
fn block(lines: &mut Lines<'_>, ends: fn(&str) -> bool) -> Result<Vec<Step>, Mistake> {
    let mut steps = Vec::new();
    while let Some(line) = lines.peek().filter(|line| !ends(line)) {
        lines.take();
        let (word, rest) = split(line);
        match word {
            "either" => steps.push(Step::Either(branches(lines, block, Step::tells_apart)?)),
            "wait" => steps.push(Step::Wait(millis(rest)?)),
            "alone" => steps.push(Step::Quiet { place: Place::Door, time: millis(rest)? }),
            "it" => steps.push(subject(rest)?),
            "end" | "as" | "==" => return Err(Mistake::Block),
            name => connection(name, rest, &mut steps)?,
        }
    }
    Ok(steps)
}

/// A line about the peer under test.
fn subject(line: &str) -> Result<Step, Mistake> {
    let (verb, rest) = split(line);
    let times = |words: &str| words.split(' ').map(millis).collect::<Result<Vec<_>, _>>();
    Ok(match verb {
        "listens" => {
            let (limit, backoff) = split(rest);
            let spares = match limit {
                "sequential" => None,
                limit => Some(number::<NonZeroUsize>(limit)?),
            };
            Step::Start(Start::Listen { spares, backoff: millis(backoff)? })
        }
        "connects" => Step::Start(Start::Connect),
        "connects-until" => Step::Start(Start::ConnectUntilSuccessful(times(rest)?)),
        "connects-nowhere" => Step::Start(Start::ConnectNowhere),
        "accepts" => Step::Start(Start::Accept),
        ">" => Step::Tell(Tell::Send(Template::parse(rest)?)),
        ">close" => Step::Tell(Tell::Close(rest.to_owned())),
        "pauses" => Step::Tell(Tell::Pause),
        "reads" => Step::Tell(Tell::Read),
        "stops" => Step::Tell(Tell::Stop),
        "<connected" => Step::Report(Report::Connected),
        "<" => Step::Report(Report::Text(Template::parse(rest)?)),
        "<hex" => Step::Report(Report::Binary(bytes(rest)?)),
        "<binary" => Step::Report(Report::AnyBinary),
        "<failed" => Step::Report(Report::Failed(Template::parse(rest)?)),
        "<refused" => Step::Report(Report::Refused(Template::parse(rest)?)),
        "<ended" => {
            let (who, reason) = split(rest);
            let here = match who {
                "here" => true,
                "there" => false,
                other => return Err(Mistake::Word(other.to_owned())),
            };
            Step::Report(Report::Ended { here, reason: Template::parse(reason)? })
        }
        "<ready" => Step::Ready(number(rest)?),
        "<retries" => Step::Retries(times(rest)?),
        "quiet" => Step::Quiet { place: Place::Subject, time: millis(rest)? },
        other => return Err(Mistake::Word(other.to_owned())),
    })
}

/// A line about a connection of the scripted side.
pub(super) fn connection(name: &str, line: &str, steps: &mut Vec<Step>) -> Result<(), Mistake> {
    let (verb, rest) = split(line);
    let owned = || name.to_owned();
    let step = match verb {
        "open" => Step::Open(owned()),
        "drops" => Step::Drop(owned()),
        "mute" => Step::Mute(owned()),
        "alive" => Step::Alive(owned()),
        "quiet" => Step::Quiet { place: Place::Connection(owned()), time: millis(rest)? },
        "not-before" => Step::NotBefore { name: owned(), time: millis(rest)? },
        ">close" => {
            let (code, reason) = split(rest);
            Step::Close { name: owned(), code: number(code)?, reason: Template::parse(reason)? }
        }
        ">abort" => Step::Abort(owned()),
        _ if verb.starts_with('>') => {
            let hold = verb.ends_with('+');
            Step::Send { name: owned(), what: outgoing(verb.trim_end_matches('+'), rest)?, hold }
        }
        _ if verb.starts_with('<') => Step::Expect { name: owned(), what: expected(verb, rest)? },
        _ => {
            for line in usual(verb)? {
                connection(name, line, steps)?;
            }
            return Ok(());
        }
    };
    steps.push(step);
    Ok(())
}

/// What a verb for the usual steps of the protocol stands for.
fn usual(verb: &str) -> Result<&'static [&'static str], Mistake> {
    Ok(match verb {
        "registers" => &[
            "open",
            r#"< {"command":"register","publicKey":"<listener>"}"#,
            ">challenge 64",
            "<answer 104",
            r#"> {"command":"authentication_success","pingInterval":25000}"#,
        ],
        // To a listener's spare: a connector has come, and goes through the key exchange.
        "hands-over" => &[
            r#">+ {"command":"connection_handover"}"#,
            r#"> {"command":"communication_request","sourcePublicKey":"<connector>","targetPublicKey":"<listener>"}"#,
            r#"< {"command":"communication_ready"}"#,
        ],
        // To an acceptor.
        "dials" => &[
            "open",
            r#"> {"command":"communication_request","sourcePublicKey":"<connector>","targetPublicKey":"<listener>"}"#,
            r#"< {"command":"communication_ready"}"#,
        ],
        // The connector's part of the key exchange.
        "joins" => &[">key", "<key", ">e keepalive"],
        // To a connector: the listener that it asked for is ready.
        "serves" => &[
            "open",
            r#"< {"command":"communication_request","sourcePublicKey":"<connector>","targetPublicKey":"<listener>"}"#,
            r#"> {"command":"communication_ready"}"#,
        ],
        // The same, with the acceptor's part of the key exchange.
        "encrypts" => &["serves", "<key", ">key"],
        other => return Err(Mistake::Word(other.to_owned())),
    })
}

fn outgoing(verb: &str, rest: &str) -> Result<Outgoing, Mistake> {
    Ok(match verb {
        ">" => Outgoing::Text(Template::parse(rest)?),
        ">bin" => Outgoing::TextAsBinary(Template::parse(rest)?),
        ">hex" => Outgoing::Binary(bytes(rest)?),
        ">challenge" => Outgoing::Challenge(number(rest)?),
        ">key" => Outgoing::Key,
        ">key-other" => Outgoing::KeyOfOther,
        ">key-bytes" => Outgoing::KeyOfLength(number(rest)?),
        ">key-hex" => Outgoing::KeyOf(bytes(rest)?),
        ">key-back" => Outgoing::KeyBack,
        ">e" => Outgoing::Encrypted(Template::parse(rest)?),
        ">e-hex" => Outgoing::EncryptedBinary(bytes(rest)?),
        ">e-padded" => Outgoing::Padded(bytes(rest)?),
        ">e-tampered" => Outgoing::Tampered(Template::parse(rest)?),
        ">e-parity" => Outgoing::WrongParity(Template::parse(rest)?),
        ">again" => Outgoing::Again,
        other => return Err(Mistake::Word(other.to_owned())),
    })
}

fn expected(verb: &str, rest: &str) -> Result<Expected, Mistake> {
    Ok(match verb {
        "<" => Expected::Text(Template::parse(rest)?),
        "<answer" => Expected::Answer(number(rest)?),
        "<key" => Expected::Key,
        "<e" => Expected::Encrypted(Template::parse(rest)?),
        "<e-length" => Expected::EncryptedLength(number(rest)?),
        "<pulse" => Expected::Pulse,
        "<close" => {
            let (code, reason) = split(rest);
            Expected::Close { code: number(code)?, reason: Template::parse(reason)? }
        }
        other => return Err(Mistake::Word(other.to_owned())),
    })
}

/// Hex digits, with placeholders for repetitions such as `<61*70>`.
fn bytes(source: &str) -> Result<Vec<u8>, Mistake> {
    let bad = || Mistake::Hex(source.to_owned());
    hex::decode(Template::parse(source)?.render(&NoValues).ok_or_else(bad)?).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn steps(lines: &str) -> Vec<Step> {
        parse(&format!("== x/1 title\n{lines}")).unwrap().remove(0).steps
    }

    fn mistake(lines: &str) -> (usize, Mistake) {
        let error = parse(&format!("== x/1 title\n{lines}")).unwrap_err();
        (error.line, error.mistake)
    }

    #[test]
    fn a_script_has_a_head_and_steps() {
        let source = "# c\n== h/1 title of it\nspec §6\nfrom a.json#1\nruns 3\ndeadlines 50\nkeepalive 20 30\nit accepts\n== h/2 x";
        let [first, second] = parse(source).unwrap().try_into().unwrap();
        assert_eq!((first.id.as_str(), first.title.as_str(), first.spec.as_str()), ("h/1", "title of it", "§6"));
        assert_eq!((first.recorded.as_slice(), first.runs), (["a.json#1".to_owned()].as_slice(), 3));
        let millis = Duration::from_millis;
        let times = Times { deadlines: Some(millis(50)), keepalive: Some((millis(20), millis(30))) };
        assert_eq!((first.times, first.steps), (times, vec![Step::Start(Start::Accept)]));
        assert_eq!((second.id.as_str(), second.runs, second.steps.len()), ("h/2", 1, 0));
    }

    #[test]
    fn a_plus_keeps_a_message_back() {
        let held = |line: &str| match steps(line).remove(0) {
            Step::Send { what, hold, .. } => (what, hold),
            other => panic!("{other:?}"),
        };
        assert_eq!(held("s >key"), (Outgoing::Key, false));
        assert_eq!(held("s >key+"), (Outgoing::Key, true));
        assert_eq!(held("s >hex+ 0a<00*2>"), (Outgoing::Binary(vec![10, 0, 0]), true));
        assert_eq!(held("s > +"), (Outgoing::Text(Template::parse("+").unwrap()), false));
    }

    #[test]
    fn usual_steps_are_spelled_out() {
        let spelled = steps("s encrypts");
        assert_eq!(spelled.len(), 5);
        assert_eq!(spelled.first(), Some(&Step::Open("s".to_owned())));
        assert_eq!(spelled.last(), steps("s >key").first());
    }

    #[test]
    fn mistakes_in_a_file_are_noticed() {
        assert_eq!(mistake("it connects\nit sings"), (3, Mistake::Word("sings".to_owned())));
        assert_eq!(mistake("s sings"), (2, Mistake::Word("sings".to_owned())));
        assert_eq!(mistake("s >hex abc"), (2, Mistake::Hex("abc".to_owned())));
        assert_eq!(mistake("s >hex <listener>"), (2, Mistake::Hex("<listener>".to_owned())));
        assert_eq!(mistake("it listens 0 5").1, Mistake::Number("0".to_owned()));
        assert_eq!(mistake("it <ended nowhere x").1, Mistake::Word("nowhere".to_owned()));
        assert_eq!(mistake("end").1, Mistake::Block);
        assert_eq!(mistake("either\nas conforms\nit quiet 5").1, Mistake::Block);
        assert_eq!(mistake("either\nas conforms\nwait 5\nend").1, Mistake::Missing, "a wait tells nothing apart");
        assert_eq!(mistake("either\nas better luck\nit quiet 5\nend").1, Mistake::Word("luck".to_owned()));
    }
}

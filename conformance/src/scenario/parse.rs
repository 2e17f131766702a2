//! The text form of scenarios: one line a step, close to how a conversation is told.
//!
//! ```text
//! # a comment
//! == d/041 first: communication_request odd source
//! spec §6
//! from d_failures.json#41
//! a open
//! a > {"command":"communication_request","sourcePublicKey":"abc","targetPublicKey":"<listener>"}
//! a <close 1000 Close called: Received data does not match the data of a client message.
//! ```
//!
//! A step begins with the name of a client. What follows a verb and one space is taken as it is, see
//! [`super::template`] for its placeholders.
//!
//! | Verb | Meaning |
//! | --- | --- |
//! | `open [path]` | opens a WebSocket connection |
//! | `> text`, `>+ text` | sends a text message; `+` keeps it back for the write of the next one |
//! | `>fragments N text` | sends a text message in N frames |
//! | `>bin text`, `>hex HEX`, `>hex-fragments N HEX` | sends a binary message |
//! | `>rawtext HEX` | sends a text message that need not be UTF-8 |
//! | `>zeros N`, `>bytes N` | sends a binary message of N zeros, or of N bytes that tell order and sender |
//! | `>ping text` | sends a WebSocket ping |
//! | `>frame FIRST text`, `>frame-hex FIRST HEX*N` | writes a frame with this first byte; before it `unmasked`, `long-2` or `long-8` |
//! | `>wire HEX` | writes bytes that need not be a frame |
//! | `>close`, `>close CODE reason`, `>abort` | ends the connection, with or without close frame |
//! | `< text`, `<bin text`, `<hex HEX`, `<bytes N FROM`, `<pong text` | gets exactly this |
//! | `<close CODE reason` | gets this end; 1005 is an empty frame, 1006 none |
//! | `quiet MS` | gets nothing for so long, and stays open |
//! | `not-before N`, `not-after N` | gets the next thing so many ping intervals after its last success or pong |
//! | `not-before N ms`, `not-after N ms` | gets the next thing so long after it began to connect |
//! | `pauses`, `resumes` | does not read, reads again |
//! | `answers-pings` | from now on answers the protocol's pings by itself; they are not seen any more |
//! | `floods TO COUNT SIZE` | sends much to a client that does not read, and then does |
//! | `fills TO COUNT SIZE` | sends so much to a client that does not read, or until the server takes no more |
//! | `drains FROM SIZE` | reads again, and gets everything that was sent so |
//! | `http line\|line` then `<status N`, `<header N: V`, `<no-header N`, `<body text` | plain HTTP |
//! | `registers`, `requests`, `handed`, `accepts C`, `pinged`, `relays TO SIZE…` | the usual steps of the protocol |
//! | `registers-key N`, `requests-key N`, `handed-key N` | the same with other keys; who requests is connected already |
//!
//! Without a client: `wait MS`, `stop`, `repeat N … end`, `each N..M … end` with `$` for each number, `tally N of C C C <…`, and `either … end` with the
//! continuations `as conforms`, `as better REASON`, `as deviates REASON`.

use super::lines::{Lines, all, branches, millis, number, split};
use super::template::Template;
use super::usual::usual;
use super::wire::Wire;
use super::{Expected, HttpCheck, Moment, Needs, Outgoing, Scenario, Step};

pub use super::lines::{Mistake, ParseError};

/// Reads the scenarios of a file.
///
/// # Errors
///
/// The first line that cannot be understood.
pub fn parse(source: &str) -> Result<Vec<Scenario>, ParseError> {
    all(source, scenario)
}

fn scenario(head: &str, lines: &mut Lines<'_>) -> Result<Scenario, Mistake> {
    let (id, title) = split(head.strip_prefix("== ").ok_or(Mistake::NoScenario)?);
    let mut scenario = Scenario {
        id: id.to_owned(),
        title: title.to_owned(),
        spec: String::new(),
        recorded: Vec::new(),
        needs: Needs::default(),
        steps: Vec::new(),
    };
    while let Some(line) = lines.peek() {
        let (word, rest) = split(line);
        match word {
            "spec" => rest.clone_into(&mut scenario.spec),
            "from" => scenario.recorded = rest.split(' ').map(str::to_owned).collect(),
            "needs" => scenario.needs = needs(rest)?,
            _ => break,
        }
        lines.take();
    }
    scenario.steps = block(lines, |line| line.starts_with("== "))?;
    Ok(scenario)
}

fn needs(words: &str) -> Result<Needs, Mistake> {
    let mut needs = Needs::default();
    for word in words.split(' ') {
        match word {
            "short-timers" => needs.short_timers = true,
            "alone" => needs.alone = true,
            "stop" => needs.stop = true,
            other => return Err(Mistake::Word(other.to_owned())),
        }
    }
    Ok(needs)
}

/// Reads steps up to the line that ends the block, which is left where it is.
fn block(lines: &mut Lines<'_>, ends: fn(&str) -> bool) -> Result<Vec<Step>, Mistake> {
    let mut steps = Vec::new();
    while let Some(line) = lines.peek().filter(|line| !ends(line)) {
        lines.take();
        let (word, rest) = split(line);
        match word {
            "repeat" => {
                let body = block(lines, |line| line == "end")?;
                lines.take().ok_or(Mistake::Block)?;
                steps.extend((0..number::<usize>(rest)?).flat_map(|_| body.clone()));
            }
            "each" => {
                let (first, last) = rest.split_once("..").ok_or(Mistake::Missing)?;
                let body = lines.body()?.join("\n");
                for value in number::<u32>(first)?..=number(last)? {
                    steps.extend(block(&mut Lines::of(&body.replace('$', &value.to_string())), |_| false)?);
                }
            }
            "either" => steps.push(Step::Either(branches(lines, block, Step::tells_apart)?)),
            "wait" => steps.push(Step::Wait(millis(rest)?)),
            "stop" => steps.push(Step::Stop),
            "tally" => steps.push(tally(rest)?),
            "end" | "as" | "==" => return Err(Mistake::Block),
            client => step(client, rest, &mut steps)?,
        }
    }
    Ok(steps)
}

fn tally(rest: &str) -> Result<Step, Mistake> {
    let (count, rest) = split(rest);
    let (names, what) = rest.strip_prefix("of ").and_then(|rest| rest.split_once(" <")).ok_or(Mistake::Missing)?;
    let (verb, rest) = split(what);
    Ok(Step::Tally {
        count: number(count)?,
        clients: names.split(' ').map(str::to_owned).collect(),
        what: expected(&format!("<{verb}"), rest)?,
    })
}

fn step(client: &str, line: &str, steps: &mut Vec<Step>) -> Result<(), Mistake> {
    let (verb, rest) = split(line);
    let name = || client.to_owned();
    let mut push = |step| steps.push(step);
    match verb {
        "open" => push(Step::Open(name())),
        ">close" if rest.is_empty() => push(Step::Close { client: name(), frame: None }),
        ">close" => {
            let (code, reason) = split(rest);
            push(Step::Close { client: name(), frame: Some((number(code)?, Template::parse(reason)?)) });
        }
        ">abort" => push(Step::Abort(name())),
        "pauses" => push(Step::Pause(name(), true)),
        "resumes" => push(Step::Pause(name(), false)),
        "answers-pings" => push(Step::AnswerPings(name())),
        "fills" => {
            let (to, rest) = split(rest);
            let (count, size) = split(rest);
            push(Step::Fill { from: name(), to: to.to_owned(), count: number(count)?, size: number(size)? });
        }
        "drains" => {
            let (from, size) = split(rest);
            push(Step::Drain { to: name(), from: from.to_owned(), size: number(size)? });
        }
        "quiet" => push(Step::Quiet { client: name(), time: millis(rest)? }),
        "not-before" => push(Step::NotBefore { client: name(), moment: moment(rest)? }),
        "not-after" => push(Step::NotAfter { client: name(), moment: moment(rest)? }),
        "floods" => {
            let (to, rest) = split(rest);
            let (count, size) = split(rest);
            push(Step::Flood { from: name(), to: to.to_owned(), count: number(count)?, size: number(size)? });
        }
        "http" => {
            let head = rest.split('|').map(Template::parse).collect::<Result<_, _>>()?;
            push(Step::Http { client: name(), head });
        }
        "<status" | "<header" | "<no-header" | "<body" => {
            push(Step::Response { client: name(), check: http_check(verb, rest)? });
        }
        "relays" => {
            let (to, sizes) = split(rest);
            for size in sizes.split(' ') {
                step(client, &format!(">bytes {size}"), steps)?;
                step(to, &format!("<bytes {size} {client}"), steps)?;
            }
        }
        _ if verb.starts_with('>') => {
            push(Step::Send { client: name(), what: outgoing(verb, rest)?, hold: verb == ">+" });
        }
        _ if verb.starts_with('<') => push(Step::Expect { client: name(), what: expected(verb, rest)? }),
        _ => {
            for line in usual(verb)? {
                let (who, line) = line.strip_prefix("C ").map_or((client, *line), |line| (rest, line));
                if who.is_empty() {
                    return Err(Mistake::Missing);
                }
                step(who, &line.replace('#', rest), steps)?;
            }
        }
    }
    Ok(())
}

fn outgoing(verb: &str, rest: &str) -> Result<Outgoing, Mistake> {
    Ok(match verb {
        ">" | ">+" => Outgoing::Text(Template::parse(rest)?),
        ">fragments" => {
            let (count, text) = split(rest);
            Outgoing::Fragments(number(count)?, Template::parse(text)?)
        }
        ">bin" => Outgoing::TextAsBinary(Template::parse(rest)?),
        ">hex" => Outgoing::Binary(bytes(rest)?),
        ">hex-fragments" => {
            let (count, hex) = split(rest);
            Outgoing::BinaryFragments(number(count)?, bytes(hex)?)
        }
        ">rawtext" => Outgoing::RawText(bytes(rest)?),
        ">zeros" => Outgoing::Zeros(number(rest)?),
        ">bytes" => Outgoing::Numbered(number(rest)?),
        ">wire" | ">frame" | ">frame-hex" => Outgoing::Wire(Wire::parse(verb, rest)?),
        ">ping" => Outgoing::Ping(rest.as_bytes().to_vec()),
        other => return Err(Mistake::Word(other.to_owned())),
    })
}

fn expected(verb: &str, rest: &str) -> Result<Expected, Mistake> {
    Ok(match verb {
        "<" => Expected::Text(Template::parse(rest)?),
        "<bin" => Expected::Binary(rest.as_bytes().to_vec()),
        "<hex" => Expected::Binary(bytes(rest)?),
        "<bytes" => {
            let (size, from) = split(rest);
            Expected::Numbered { size: number(size)?, from: from.to_owned() }
        }
        "<pong" => Expected::Pong(rest.as_bytes().to_vec()),
        "<close" => {
            let (code, reason) = split(rest);
            Expected::Close { code: number(code)?, reason: Template::parse(reason)? }
        }
        other => return Err(Mistake::Word(other.to_owned())),
    })
}

fn moment(words: &str) -> Result<Moment, Mistake> {
    match split(words) {
        (count, "") => Ok(Moment::Intervals(number(count)?)),
        (count, "ms") => Ok(Moment::Open(millis(count)?)),
        (_, unit) => Err(Mistake::Word(unit.to_owned())),
    }
}

fn http_check(verb: &str, rest: &str) -> Result<HttpCheck, Mistake> {
    Ok(match verb {
        "<status" => HttpCheck::Status(number(rest)?),
        "<header" => {
            let (header, value) = rest.split_once(": ").ok_or(Mistake::Missing)?;
            HttpCheck::Header(header.to_owned(), value.to_owned())
        }
        "<no-header" => HttpCheck::NoHeader(rest.to_owned()),
        _ => HttpCheck::Body(rest.to_owned()),
    })
}

fn bytes(word: &str) -> Result<Vec<u8>, Mistake> {
    hex::decode(word).map_err(|_| Mistake::Hex(word.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::reason::Reason;
    use crate::scenario::template::TemplateError;

    fn steps(lines: &str) -> Vec<Step> {
        parse(&format!("== x/1 title\n{lines}")).unwrap().remove(0).steps
    }

    fn mistake(source: &str) -> (usize, Mistake) {
        let error = parse(source).unwrap_err();
        (error.line, error.mistake)
    }

    fn text(text: &str) -> Template {
        Template::parse(text).unwrap()
    }

    #[test]
    fn a_scenario_has_a_head_and_steps() {
        let source =
            "# c\n== d/041 odd source\nspec §6\nfrom a.json#1 b.json#x\nneeds alone stop\n\na open\n== e/1 next\n";
        let [first, second] = parse(source).unwrap().try_into().unwrap();
        assert_eq!((first.id.as_str(), first.title.as_str(), first.spec.as_str()), ("d/041", "odd source", "§6"));
        assert_eq!(first.recorded, ["a.json#1", "b.json#x"]);
        assert_eq!(first.needs, Needs { short_timers: false, alone: true, stop: true });
        assert_eq!(first.steps, [Step::Open("a".to_owned())]);
        assert_eq!((second.id.as_str(), second.steps.len()), ("e/1", 0));
    }

    #[test]
    fn texts_are_taken_as_they_are() {
        let send = |what| Step::Send { client: "a".to_owned(), what: Outgoing::Text(what), hold: false };
        assert_eq!(steps("a > {\"a\": 1}  b\na >"), [send(text("{\"a\": 1}  b")), send(text(""))]);
    }

    #[test]
    fn an_end_has_a_code_and_perhaps_a_reason() {
        let end = |code, reason| Step::Expect { client: "a".to_owned(), what: Expected::Close { code, reason } };
        assert_eq!(steps("a <close 1000 x y\na <close 1005"), [end(1000, text("x y")), end(1005, text(""))]);
        assert_eq!(mistake("== x y\na <close * x"), (2, Mistake::Number("*".to_owned())));
    }

    #[test]
    fn times_count_from_the_last_sign_of_life_or_from_the_beginning() {
        let client = || "a".to_owned();
        let expected = [
            Step::NotBefore { client: client(), moment: Moment::Intervals(1.5) },
            Step::NotAfter { client: client(), moment: Moment::Open(Duration::from_millis(20)) },
        ];
        assert_eq!(steps("a not-before 1.5\na not-after 20 ms"), expected);
        assert_eq!(mistake("== x y\na not-before 20 s"), (2, Mistake::Word("s".to_owned())));
    }

    #[test]
    fn blocks_nest() {
        let steps = steps(
            "repeat 2\nrepeat 3\nwait 5\nend\nend\neither\nas conforms\na quiet 9\nas better stop\na < x\nwait 1\nend\nstop",
        );
        assert_eq!(steps.len(), 6 + 1 + 1);
        let Step::Either(branches) = &steps[6] else { panic!("{steps:?}") };
        assert_eq!(branches[1].reason, Some(Reason::Stop));
        assert_eq!(branches.iter().map(|branch| branch.steps.len()).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_block_for_each_number() {
        assert_eq!(
            steps("each 9..11\nrepeat 2\na$ open\nend\nend\nstop"),
            steps("a9 open\na9 open\na10 open\na10 open\na11 open\na11 open\nstop")
        );
    }

    #[test]
    fn the_usual_steps_are_spelled_out() {
        assert_eq!(steps("l registers").len(), 5);
        assert_eq!(steps("l accepts c").len(), 2 + 2 + 2);
        assert_eq!(steps("c relays l 5 6")[3], steps("l <bytes 6 c")[0]);
        assert_eq!(
            steps("c requests-key 7"),
            steps(
                "c > {\"command\":\"communication_request\",\"sourcePublicKey\":\"<connector>\",\"targetPublicKey\":\"<key:7>\"}"
            )
        );
        assert_eq!(mistake("== x y\nc requests-key x").1, TemplateError::Unknown("key:x".to_owned()).into());
    }

    #[test]
    fn mistakes_name_their_line() {
        assert_eq!(mistake("\na open"), (2, Mistake::NoScenario));
        assert_eq!(mistake("== x y\na opens"), (2, Mistake::Word("opens".to_owned())));
        assert_eq!(mistake("== x y\na <close x y"), (2, Mistake::Number("x".to_owned())));
        assert_eq!(mistake("== x y\na open\na >hex 0"), (3, Mistake::Hex("0".to_owned())));
        assert_eq!(mistake("== x y\na > <oops>"), (2, TemplateError::Unknown("oops".to_owned()).into()));
        assert_eq!(mistake("== x y\nrepeat 2\na open").1, Mistake::Block);
        assert_eq!(mistake("== x y\nend").1, Mistake::Block);
        assert_eq!(mistake("== x y\neach 1..2\nrepeat 2\nend").1, Mistake::Block);
        assert_eq!(mistake("== x y\neach 1\nend").1, Mistake::Missing);
        assert_eq!(mistake("== x y\neither\nas better nothing\na quiet 1\nend").1, Mistake::Word("nothing".to_owned()));
        assert_eq!(mistake("== x y\neither\nas conforms\na open\nend").1, Mistake::Missing);
        assert_eq!(mistake("== x y\nl accepts").1, Mistake::Missing);
    }
}

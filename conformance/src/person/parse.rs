//! The text form of scenarios for peers with identities: one line a step, as in [`crate::scenario::parse`].
//!
//! ```text
//! == chat/both-ways messages in both directions
//! spec §5 of spec/one.md
//! befriend
//! a > hello
//! b < hello
//! agree 1
//! ```
//!
//! `b` invites, `a` accepts; without another name an `a` speaks with `b`, and everybody else with `a`. Behind `spec` may
//! stand `invitations MS` (how long they hold) and `no topics` (peers do not make the topic with a new contact).
//!
//! | A peer | Meaning |
//! | --- | --- |
//! | `starts`, `quits`, `killed`, `online` | is started, as who it was before; quits; is killed; can be reached |
//! | `invites`, `accepts`, `accepts!` | makes an invitation; accepts it, which works; which does not |
//! | `paired`, `linked` | says that it is paired; that it exchanges objects |
//! | `knows NAMES`, `knows nobody` | has exactly these contacts |
//! | `sees TEXT`, `renames TEXT` | its contact has this name; is told its own |
//! | `opens`, `finds` | makes or finds the topic; has it without having been asked |
//! | `> text`, `>ascii N`, `>euros N` … | posts; a text in quotation marks is read as JSON |
//! | `< text`, `<ascii N` … | gets a message |
//! | `file N`, `has file` | posts a file of so many bytes; has the last one as it was sent |
//! | `connections N` | comes to so many |
//! | `shows HOW text`, `with b shows HOW text` | shows this message, of `m` or of `b`, as `verified`, `unverified`, `forged`, without a word on that (`unsaid`), or not at all (`nothing`) |
//! | `to b2 > text`, `from a2 < text`, `to a2 opens` | with another one |
//!
//! Without a name: `meet` (`a` and `b` start and are online), `befriend` (they meet, are paired and linked, and have a
//! topic), `spoil` (the invitation gets another token), `burst N`, `agree N`, `wait MS`, `idle MS`, `disconnect NAMES`,
//! `reconnect NAMES`, `attack NAME` (of the hostile partner `m`; `attack2` of
//! `m2`), `got TEMPLATE` (what came of it), and `either … end`.

use ratatosk_protocol::message::Payload;

use super::script::{Name, Script, Step};
use crate::peer::payload;
use crate::scenario::lines::{Lines, Mistake, ParseError, all, branches, millis, number, split};
use crate::scenario::template::Template;

/// What stands behind `befriend`.
const BEFRIEND: [&str; 12] = [
    "a starts",
    "b starts",
    "a online",
    "b online",
    "b invites",
    "a accepts",
    "a paired",
    "b paired",
    "a linked",
    "b linked",
    "a opens",
    "b finds",
];

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
    let mut script = Script {
        id: id.to_owned(),
        title: title.to_owned(),
        spec: String::new(),
        invitations: None,
        makes_topics: true,
        steps: Vec::new(),
    };
    while let Some(line) = lines.peek() {
        match split(line) {
            ("spec", section) => section.clone_into(&mut script.spec),
            ("invitations", time) => script.invitations = Some(millis(time)?),
            ("no", "topics") => script.makes_topics = false,
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
            "end" | "as" | "==" => return Err(Mistake::Block),
            _ => one(word, rest, &mut steps)?,
        }
    }
    Ok(steps)
}

fn one(word: &str, rest: &str, steps: &mut Vec<Step>) -> Result<(), Mistake> {
    let names = || rest.split(' ').map(str::to_owned).collect();
    match word {
        "meet" => return several(&BEFRIEND[..4], steps),
        "befriend" => return several(&BEFRIEND, steps),
        "spoil" => steps.push(Step::Spoil),
        "burst" => steps.push(Step::Burst(number(rest)?)),
        "agree" => steps.push(Step::Agree(number(rest)?)),
        "wait" => steps.push(Step::Wait(millis(rest)?)),
        "idle" => steps.push(Step::Idle(millis(rest)?)),
        "disconnect" => steps.push(Step::Disconnect(names())),
        "reconnect" => steps.push(Step::Reconnect(names())),
        "attack" => steps.push(Step::Attack { name: "m".to_owned(), what: rest.to_owned() }),
        "attack2" => steps.push(Step::Attack { name: "m2".to_owned(), what: rest.to_owned() }),
        "got" => steps.push(Step::Got(Template::parse(rest)?)),
        name => steps.push(peer(name, rest)?),
    }
    Ok(())
}

fn several(lines: &[&str], steps: &mut Vec<Step>) -> Result<(), Mistake> {
    for line in lines {
        let (name, rest) = split(line);
        steps.push(peer(name, rest)?);
    }
    Ok(())
}

/// A line about a peer.
fn peer(name: &str, line: &str) -> Result<Step, Mistake> {
    if !name.starts_with(['a', 'b', 'm']) {
        return Err(Mistake::Word(name.to_owned()));
    }
    let (word, behind) = split(line);
    let (other, line) = match word {
        "to" | "from" | "with" => split(behind),
        _ => (if name.starts_with('a') { "b" } else { "a" }, line),
    };
    let (verb, rest) = split(line);
    let (name, with): (Name, Name) = (name.to_owned(), other.to_owned());
    Ok(match verb {
        "starts" => Step::Start(name),
        "online" => Step::Online(name),
        "invites" => Step::Invite(name),
        "accepts" => Step::Accept { name, works: true },
        "accepts!" => Step::Accept { name, works: false },
        "paired" => Step::Paired { name, with },
        "linked" => Step::Linked { name, with },
        "knows" if rest == "nobody" => Step::Knows { name, whom: Vec::new() },
        "knows" => Step::Knows { name, whom: rest.split(' ').map(str::to_owned).collect() },
        "sees" => Step::Called { name, whom: with, called: rest.to_owned() },
        "renames" => Step::Rename { name, called: rest.to_owned() },
        "opens" => Step::Topic { name, with },
        "finds" => Step::Finds { name, with },
        "file" => Step::File { name, to: with, len: number(rest)? },
        "has" if rest == "file" => Step::HasFile { name, from: with },
        "connections" => Step::Connections { name, count: number(rest)? },
        "quits" => Step::Quit(name),
        "killed" => Step::Kill(name),
        "shows" => {
            let (how, text) = split(rest);
            // What is shown otherwise than it should be is mostly of the hostile partner.
            let with = if word == "with" { with } else { "m".to_owned() };
            Step::Shown { name, with, text: text.to_owned(), how: how.to_owned() }
        }
        verb => {
            let text = |kind: &str| match payload::parse(kind, rest)? {
                Payload::Text(text) => Ok(text),
                Payload::Binary(_) => Err(Mistake::Word(verb.to_owned())),
            };
            if let Some(kind) = verb.strip_prefix('>') {
                Step::Say { name, to: with, text: text(kind)? }
            } else if let Some(kind) = verb.strip_prefix('<') {
                Step::Hear { name, from: with, text: text(kind)? }
            } else {
                return Err(Mistake::Word(verb.to_owned()));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_has_settings_and_steps() {
        let scripts = parse("== x/y title\nspec §1\ninvitations 500\nno topics\nmeet\na to b2 > \"x\\n\"\n").unwrap();
        assert_eq!(scripts[0].invitations.map(|time| time.as_millis()), Some(500));
        assert!(!scripts[0].makes_topics);
        assert_eq!(scripts[0].steps.len(), 5);
        let say = Step::Say { name: "a".to_owned(), to: "b2".to_owned(), text: "x\n".to_owned() };
        assert_eq!(scripts[0].steps[4], say);
    }

    #[test]
    fn whatever_is_not_known_is_a_mistake() {
        for line in ["c starts", "a dances", "a >bytes 3", "agree many", "has file", "either\nas conforms\nwait 1\nend"]
        {
            assert!(parse(&format!("== x/y title\nspec §1\n{line}\n")).is_err(), "{line}");
        }
    }
}

//! What somebody types in a chat: a message, or a command that begins with a slash.

use std::path::PathBuf;

use ratatosk_agent::Rules;

/// A line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// To be sent as it is.
    Message(String),
    /// Nothing was typed.
    Nothing,
    Help,
    /// The conversations.
    Topics,
    /// Go to a conversation: a name, an e-mail, a number of the list.
    To(String),
    /// Begin a conversation of several: what it is called, and with whom.
    Group(String, Vec<String>),
    /// Contacts, and who is connected.
    Contacts,
    /// More of what was said before.
    More,
    /// Send a file.
    Send(PathBuf),
    /// Save an attachment by its number, here or there.
    Save(usize, Option<PathBuf>),
    /// Ends what AIs of ours are writing here.
    Stop,
    /// What the engines have to do.
    Queue,
    /// Says how AIs behave here: a message that everybody sees.
    Rules(String),
    /// Make an invitation.
    Invite,
    /// Accept one.
    Accept(String),
    /// Change our name.
    Name(String),
    Quit,
    /// What is wrong with the line, for whoever typed it.
    Wrong(String),
}

/// What `/help` shows.
pub(super) const HELP: &[&str] = &[
    "/topics          your conversations",
    "/to NAME         go to a conversation: a name, an e-mail, or a number of /topics",
    "/group NAME: A, B   begin a conversation with several contacts",
    "/contacts        your contacts, and who is connected",
    "/more            what was said before",
    "/send FILE       send a file",
    "/save N [FILE]   save attachment N",
    "/stop            end what your AIs are writing here",
    "/queue           what your AIs are writing, and who waits",
    "/ai MODE         which AIs answer here: off, mention, round-robin, free, free hops 8; all can see it",
    "/invite          invite somebody: shows a link and a QR code",
    "/accept LINK     accept an invitation",
    "/name NAME       change the name that others see",
    "/quit            end; so does Ctrl-D",
    "//text           send a message that begins with a slash",
];

impl Typed {
    /// Understands a line.
    pub(super) fn parse(line: &str) -> Self {
        let line = line.trim_end_matches(['\r', '\n']);
        if line.trim().is_empty() {
            return Self::Nothing;
        }
        let Some(command) = line.strip_prefix('/') else { return Self::Message(line.to_owned()) };
        if command.starts_with('/') {
            return Self::Message(command.to_owned());
        }
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        let needs = |what: &str| Self::Wrong(format!("/{name} needs {what}; /help shows how"));
        match (name, rest) {
            ("help" | "?", _) => Self::Help,
            ("topics" | "t", _) => Self::Topics,
            ("to", "") => needs("a name"),
            ("to", name) => Self::To(name.to_owned()),
            ("group", rest) => group(rest).unwrap_or_else(|| needs("a name, a colon, and who takes part")),
            ("contacts" | "who", _) => Self::Contacts,
            ("more", _) => Self::More,
            ("send", "") => needs("a file"),
            ("send", path) => Self::Send(path_of(path)),
            ("save", rest) => save(rest).unwrap_or_else(|| needs("the number of an attachment")),
            ("stop", _) => Self::Stop,
            ("queue", _) => Self::Queue,
            ("ai", _) if Rules::parse(line).is_none() => {
                needs("off, mention, round-robin or free, and perhaps hops and a number")
            }
            ("ai", _) => Self::Rules(line.trim_end().to_owned()),
            ("invite", _) => Self::Invite,
            ("accept", "") => needs("an invitation"),
            ("accept", link) => Self::Accept(link.to_owned()),
            ("name", "") => needs("a name"),
            ("name", name) => Self::Name(name.to_owned()),
            ("quit" | "exit" | "q", _) => Self::Quit,
            _ => Self::Wrong(format!(
                "there is no /{name}; /help shows what there is, and // begins a message with a slash"
            )),
        }
    }
}

fn group(rest: &str) -> Option<Typed> {
    let (name, others) = rest.split_once(':')?;
    let others: Vec<String> =
        others.split(',').map(|other| other.trim().to_owned()).filter(|other| !other.is_empty()).collect();
    let name = name.trim();
    (!name.is_empty() && !others.is_empty()).then(|| Typed::Group(name.to_owned(), others))
}

fn save(rest: &str) -> Option<Typed> {
    let (number, path) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let number = number.parse().ok().filter(|number| *number > 0)?;
    let path = path.trim();
    Some(Typed::Save(number, (!path.is_empty()).then(|| path_of(path))))
}

/// A path as a shell would have it at its simplest: quotes around it do not belong to it, and `~/` is the home.
fn path_of(text: &str) -> PathBuf {
    let unquoted = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(text);
    match (unquoted.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(unquoted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_messages_unless_they_begin_with_one_slash() {
        let cases = [
            ("hello", Typed::Message("hello".to_owned())),
            ("  indented", Typed::Message("  indented".to_owned())),
            ("//tmp is a folder", Typed::Message("/tmp is a folder".to_owned())),
            ("   ", Typed::Nothing),
            ("/to  Anna Müller ", Typed::To("Anna Müller".to_owned())),
            ("/send \"a b.txt\"", Typed::Send(PathBuf::from("a b.txt"))),
            ("/save 2", Typed::Save(2, None)),
            ("/save 2 there.bin", Typed::Save(2, Some(PathBuf::from("there.bin")))),
            (
                "/group us three: Anna, Carl",
                Typed::Group("us three".to_owned(), vec!["Anna".to_owned(), "Carl".to_owned()]),
            ),
            ("/ai free hops 3", Typed::Rules("/ai free hops 3".to_owned())),
            ("/quit", Typed::Quit),
        ];
        for (line, typed) in cases {
            assert_eq!(Typed::parse(line), typed, "{line}");
        }
        for line in [
            "/save",
            "/save 0",
            "/save x",
            "/to",
            "/group",
            "/group a",
            "/group a:",
            "/dance",
            "/ai",
            "/ai loud",
            "/ai free 3",
        ] {
            assert!(matches!(Typed::parse(line), Typed::Wrong(_)), "{line}");
        }
    }

    #[test]
    fn every_command_of_the_help_is_one() {
        for line in HELP.iter().filter(|line| !line.starts_with("//")) {
            let command =
                line.split("  ").next().unwrap().replace("[FILE]", "").replace(" N", " 1").replace("MODE", "free");
            assert!(!matches!(Typed::parse(&command), Typed::Wrong(_)), "{command}");
        }
    }
}

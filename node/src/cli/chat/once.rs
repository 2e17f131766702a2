//! Something said, and the answer waited for: `ratatosk chat NAME --say TEXT --wait`, for scripts.
//!
//! Standard output has the answer and nothing else, once it is there and its signature is good. What an AI is writing until then
//! goes to standard error.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write, stderr};
use std::path::Path;
use std::time::Duration;

use ratatosk_agent::{NOTICE, Rules, is_notice};
use ratatosk_node::api::types::{Affirmed, DraftEvent, DraftState, Event, Message, NewMessage, PageQuery, Topic};
use ratatosk_node::client::{Client, Events};
use tokio::time::{Instant, timeout_at};

use super::{files, meant};
use crate::cli::names::{is_removed, participant, short};
use crate::cli::problem::Problem;
use crate::cli::{say, text};

/// How long the first delivery is waited for where no answer is.
const DELIVERY: Duration = Duration::from_secs(15);
/// Messages that are looked through for an answer that may have been missed.
const PAGE: usize = 50;

/// Says something; with a deadline, waits for a signed answer and prints it.
///
/// # Errors
///
/// That nothing could be said, or no answer came.
pub(super) async fn run(
    client: &Client,
    name: &str,
    said: &str,
    file: Option<&Path>,
    deadline: Option<Duration>,
    streams: bool,
) -> Result<(), Problem> {
    let topic = meant(client, name).await?;
    nobody_removed(client, &topic).await?;
    // Whatever comes from now on is heard.
    let mut events = client.events().await?;
    if let Some(file) = file {
        files::send(client, &topic.id, file).await?;
    }
    let posted = client.say(&topic.id, &NewMessage { text: said.to_owned(), attachments: Vec::new() }).await?;
    let Some(deadline) = deadline else { return deliver(&mut events, &topic).await };
    let mut waiting = Waiting {
        client,
        contacts: client.contacts().await?,
        topic,
        posted: posted.id,
        stream: Stream { is_on: streams || stderr().is_terminal(), ..Stream::default() },
        doubtful: BTreeSet::new(),
    };
    let end = Instant::now() + deadline;
    let answer = loop {
        match timeout_at(end, events.next()).await {
            Err(_) => {
                waiting.stream.end();
                let what = format!("no signed answer came within {} seconds", deadline.as_secs());
                let problem =
                    Problem::new(what, "ratatosk chat shows it when it comes; --deadline SECONDS waits longer");
                return Err(problem.meaning("your message is kept, and goes out when you are both connected"));
            }
            Ok(event) => {
                if let Some(answer) = waiting.heard(event?).await? {
                    break answer;
                }
            }
        }
    };
    waiting.stream.end();
    text::lines(&answer.text).for_each(say);
    Ok(())
}

/// Whether somebody is there who can answer.
///
/// # Errors
///
/// That this is the conversation with an AI of ours that we have removed.
async fn nobody_removed(client: &Client, topic: &Topic) -> Result<(), Problem> {
    let agents = client.agents().await?;
    let removed = topic.participants.iter().find(|one| is_removed(&one.person, one.ai.as_ref(), &agents));
    match removed.and_then(|one| one.ai.as_ref()).filter(|_| topic.one_to_one) {
        Some(ai) => Err(Problem::new(
            format!("{} was an AI of yours and is removed: nobody answers here any more", text::line(&ai.slug)),
            "`ratatosk agent list` shows those that there are",
        )),
        None => Ok(()),
    }
}

/// Waits until somebody has it.
async fn deliver(events: &mut Events, topic: &Topic) -> Result<(), Problem> {
    let end = Instant::now() + DELIVERY;
    while let Ok(event) = timeout_at(end, events.next()).await {
        if matches!(event?, Event::Delivered(delivered) if delivered.topic == topic.id) {
            return Ok(());
        }
    }
    eprintln!("Nobody has got this yet; it goes out when you are both connected.");
    Ok(())
}

/// What a message is to somebody who waits for an answer.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// An answer: of an AI, where there is one.
    Answer,
    /// An AI says why it cannot answer.
    Excuse,
    /// It may be from somebody else than it says.
    Doubtful,
    /// Ours, of other people beside an AI, or how AIs have to behave.
    Else,
}

impl Said {
    fn of(topic: &Topic, message: &Message) -> Self {
        let is_ai = topic.participants.iter().any(|one| one.person == message.author && one.ai.is_some());
        let has_ai = topic.participants.iter().any(|one| one.ai.is_some());
        if message.own || has_ai && !is_ai || !is_ai && Rules::parse(&message.text).is_some() {
            Self::Else
        } else if message.affirmed != Affirmed::Verified {
            Self::Doubtful
        } else if is_ai && is_notice(&message.text) {
            Self::Excuse
        } else {
            Self::Answer
        }
    }
}

/// What is known while an answer is waited for.
struct Waiting<'a> {
    client: &'a Client,
    contacts: Vec<ratatosk_node::api::types::Contact>,
    topic: Topic,
    posted: String,
    stream: Stream,
    /// Answers that nobody has signed whom we know.
    doubtful: BTreeSet<String>,
}

impl Waiting<'_> {
    /// The answer, if this is it.
    async fn heard(&mut self, event: Event) -> Result<Option<Message>, Problem> {
        match event {
            Event::Message(message) if message.topic == self.topic.id => self.look_at(message),
            Event::Draft(draft) if draft.topic == self.topic.id => {
                let name = self.name(&draft.person);
                self.stream.take(&draft, &name);
                Ok(None)
            }
            Event::Lagged { .. } | Event::Ready => {
                let newest = PageQuery { before: None, limit: Some(PAGE) };
                let page = self.client.messages(&self.topic.id, &newest).await?;
                let after = page.messages.iter().position(|message| message.id == self.posted);
                for message in page.messages.into_iter().skip(after.map_or(usize::MAX, |index| index + 1)) {
                    if let Some(answer) = self.look_at(message)? {
                        return Ok(Some(answer));
                    }
                }
                Ok(None)
            }
            Event::AgentRemoved { .. } => {
                self.stream.end();
                nobody_removed(self.client, &self.topic).await?;
                Ok(None)
            }
            Event::Trouble(trouble) => {
                self.stream.end();
                eprintln!("{}: {}", text::line(&trouble.place), text::line(&trouble.text));
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn look_at(&mut self, message: Message) -> Result<Option<Message>, Problem> {
        match Said::of(&self.topic, &message) {
            Said::Answer => return Ok(Some(message)),
            Said::Excuse => {
                self.stream.end();
                let (name, what) = (self.name(&message.author), message.text.trim_start_matches(NOTICE).trim());
                let help = "`ratatosk doctor`, where the AI is at home, shows why";
                return Err(Problem::new(format!("{name} gave no answer: {}", text::line(what)), help));
            }
            Said::Doubtful => {
                if self.doubtful.insert(message.id.clone()) {
                    self.stream.end();
                    let name = self.name(&message.author);
                    eprintln!("There is an answer that is not signed by {name}; it does not count.");
                }
            }
            Said::Else => {}
        }
        Ok(None)
    }

    fn name(&self, person: &str) -> String {
        let known = self.topic.participants.iter().find(|one| one.person == person);
        known.map_or_else(|| short(person), |one| participant(one, &self.contacts))
    }
}

/// What is being written, on standard error, letter by letter.
#[derive(Default)]
struct Stream {
    is_on: bool,
    answer: String,
    /// Bytes of the draft that were written.
    written: usize,
    note: Option<String>,
    /// Something stands in the last line.
    is_open: bool,
}

impl Stream {
    fn take(&mut self, draft: &DraftEvent, name: &str) {
        if let Some(text) = self.text(draft, name) {
            let mut terminal = stderr();
            // What cannot be shown is no harm.
            let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
        }
    }

    /// What has to be written.
    fn text(&mut self, draft: &DraftEvent, name: &str) -> Option<String> {
        if !self.is_on {
            return None;
        }
        let mut shown = String::new();
        let offset = usize::try_from(draft.offset).unwrap_or(usize::MAX);
        if self.answer != draft.answer || offset < self.written {
            // Another one, or the same one anew.
            shown.push_str(self.break_line());
            (self.answer, self.written, self.note) = (draft.answer.clone(), offset, None);
        }
        // How much is done of something is not worth a line each time.
        let kind = |note: &Option<String>| note.as_ref().map(|note| note.replace(|one: char| one.is_ascii_digit(), ""));
        if draft.note != self.note {
            let is_new =
                kind(&draft.note) != kind(&self.note) || draft.note.as_ref().is_none_or(|note| !note.contains('%'));
            self.note.clone_from(&draft.note);
            if let Some(note) = draft.note.as_ref().filter(|_| is_new) {
                shown.push_str(self.break_line());
                shown.push_str(&format!("{name}: {}\n", text::line(note)));
            }
        }
        if !draft.text.is_empty() {
            if !self.is_open {
                shown.push_str(&format!("{name} is writing: "));
            }
            let lines: Vec<String> = text::lines(&draft.text).collect();
            shown.push_str(&lines.join("\n"));
            self.written = offset.saturating_add(draft.text.len());
            self.is_open = true;
        }
        if matches!(draft.state, DraftState::Failed | DraftState::Cancelled) {
            shown.push_str(self.break_line());
            shown.push_str(&format!("{name} has stopped\n"));
        }
        (!shown.is_empty()).then_some(shown)
    }

    fn break_line(&mut self) -> &'static str {
        if std::mem::take(&mut self.is_open) { "\n" } else { "" }
    }

    /// The last line is over.
    fn end(&mut self) {
        if !self.break_line().is_empty() {
            eprintln!();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(answer: &str, offset: u64, text: &str, note: Option<&str>) -> DraftEvent {
        DraftEvent {
            topic: "t".to_owned(),
            person: "p".to_owned(),
            answer: answer.to_owned(),
            offset,
            text: text.to_owned(),
            state: DraftState::Writing,
            note: note.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_being_written_is_written_as_it_comes() {
        let mut stream = Stream { is_on: true, ..Stream::default() };
        let steps = [
            (piece("1", 0, "", Some("2 before you")), Some("Smol: 2 before you\n")),
            (piece("1", 0, "", Some("2 before you")), None),
            (piece("1", 0, "", Some("1 before you")), Some("Smol: 1 before you\n")),
            (piece("1", 0, "", Some("loading: 1 %")), Some("Smol: loading: 1 %\n")),
            (piece("1", 0, "", Some("loading: 50 %")), None),
            (piece("1", 0, "Good ", None), Some("Smol is writing: Good ")),
            (piece("1", 5, "day\u{1b}[2J\nto", None), Some("day\\e[2J\nto")),
            // The worker has begun anew.
            (piece("1", 0, "Good", None), Some("\nSmol is writing: Good")),
            (piece("2", 0, "x", None), Some("\nSmol is writing: x")),
            (DraftEvent { state: DraftState::Cancelled, ..piece("2", 1, "", None) }, Some("\nSmol has stopped\n")),
        ];
        for (draft, shown) in steps {
            assert_eq!(stream.text(&draft, "Smol").as_deref(), shown, "{draft:?}");
        }
        assert_eq!(Stream::default().text(&piece("1", 0, "x", None), "Smol"), None);
    }

    #[test]
    fn an_answer_is_of_an_ai_where_there_is_one() {
        let ai = serde_json::json!({"slug": "smol", "owner": "p", "own": true, "confirmed": true});
        let topic = |with_ai: bool| -> Topic {
            let mut participants = vec![serde_json::json!({"person": "p", "me": true})];
            participants.push(serde_json::json!({"person": "ben", "me": false}));
            if with_ai {
                participants.push(serde_json::json!({"person": "smol", "me": false, "ai": ai}));
            }
            let rules = serde_json::json!({"mode": "mention", "hops": 4});
            let topic = serde_json::json!({
                "id": "t", "one_to_one": false, "participants": participants, "rules": rules, "priority": 5, "head": "h"
            });
            serde_json::from_value(topic).unwrap()
        };
        let said = |author: &str, text: &str, affirmed| Message {
            id: "m".to_owned(),
            topic: "t".to_owned(),
            author: author.to_owned(),
            own: author == "p",
            at: 0,
            text: text.to_owned(),
            affirmed,
            attachments: Vec::new(),
        };
        let judged = |with_ai, message| Said::of(&topic(with_ai), &message);
        let yes = Affirmed::Verified;
        assert_eq!(judged(true, said("smol", "Nuts.", yes)), Said::Answer);
        assert_eq!(judged(true, said("ben", "Me too.", yes)), Said::Else);
        assert_eq!(judged(true, said("p", "Hello?", yes)), Said::Else);
        assert_eq!(judged(true, said("smol", "⚠ My model broke down.", yes)), Said::Excuse);
        assert_eq!(judged(true, said("smol", "Nuts.", Affirmed::Forged)), Said::Doubtful);
        assert_eq!(judged(false, said("ben", "Fine.", yes)), Said::Answer);
        assert_eq!(judged(false, said("ben", "/ai free", yes)), Said::Else);
        assert_eq!(judged(false, said("ben", "Fine.", Affirmed::Unverified)), Said::Doubtful);
    }
}

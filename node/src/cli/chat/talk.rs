//! The loop of a chat: what happens is shown, what is typed is done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ratatosk_node::model::{Affirmed, Attachment, Change, Contact, Cursor, Message, Node, Page, Topic};
use ratatosk_node::service::News;
use ratatosk_objects::{IdHash, ObjectHash, PersonId};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::command::{HELP, Typed};
use super::screen::Screen;
use super::show::{Line, Mark, Show};
use super::{YOU, called, files, find};
use crate::cli::online::{self, Online, PATIENCE, on_disk};
use crate::cli::problem::Problem;
use crate::cli::{describe, invite, parse_invitation, text};

/// Messages that are remembered as shown, so that none is shown twice.
const SHOWN: usize = 10_000;

/// How long what was said in a pipe may take until somebody has it, and until nothing more of it arrives.
const DELIVERY: Duration = Duration::from_secs(15);
const QUIET: Duration = Duration::from_secs(1);

/// A chat.
pub(super) struct Talk {
    online: Online,
    screen: Screen,
    show: Show,
    last: usize,
    /// The conversation that is open.
    topic: Option<Topic>,
    /// Where what was said before it was shown begins.
    older: Option<Cursor>,
    shown: BTreeSet<ObjectHash>,
    /// By their numbers, less one.
    attachments: Vec<Attachment>,
    /// What the last list of conversations was, for numbers.
    listed: Vec<Topic>,
    contacts: BTreeMap<PersonId, Contact>,
    connected: BTreeSet<PersonId>,
    /// The channel in which something was said last.
    unsent: Option<IdHash>,
    /// Invitations that are being accepted.
    pairing: JoinSet<Result<PersonId, Problem>>,
}

impl Talk {
    pub(super) fn new(online: Online, screen: Screen, show: Show, last: usize) -> Self {
        Self {
            online,
            screen,
            show,
            last,
            topic: None,
            older: None,
            shown: BTreeSet::new(),
            attachments: Vec::new(),
            listed: Vec::new(),
            contacts: BTreeMap::new(),
            connected: BTreeSet::new(),
            unsent: None,
            pairing: JoinSet::new(),
        }
    }

    /// Runs until the lines end, or one says so.
    ///
    /// # Errors
    ///
    /// What is wrong with the node from the beginning.
    pub(super) async fn run(mut self, to: Option<Contact>, mut lines: mpsc::Receiver<String>) -> Result<(), Problem> {
        let begun = self.begin(to).await;
        if begun.is_ok() {
            let (patience, mut is_patient) = (Instant::now() + PATIENCE, true);
            loop {
                tokio::select! {
                    () = sleep_until(patience), if is_patient => {
                        is_patient = false;
                        if !*self.online.service.online().borrow() {
                            let problem = self.online.unreachable();
                            self.problem(&problem);
                        }
                    }
                    line = lines.recv() => {
                        let Some(line) = line else {
                            if !self.screen.is_terminal() {
                                self.deliver().await;
                            }
                            break;
                        };
                        match self.typed(Typed::parse(&line)).await {
                            Ok(true) => break,
                            Ok(false) => {}
                            Err(problem) => self.problem(&problem),
                        }
                        self.screen.next();
                    }
                    Some(news) = self.online.news.recv() => self.heard(news).await,
                    Some(Ok(paired)) = self.pairing.join_next() => if let Err(problem) = paired { self.problem(&problem) },
                }
            }
        }
        self.online.stop().await;
        begun
    }

    /// The lines came from a file or a program and are all there: what they said should get to where it belongs. As long as
    /// something arrives there, a little more is waited for.
    async fn deliver(&mut self) {
        let Some(channel) = self.unsent.take() else { return };
        let deadline = Instant::now() + DELIVERY;
        let mut end = deadline;
        while let Ok(Some(news)) = timeout_at(end, self.online.news.recv()).await {
            if matches!(&news, News::Delivered { id, .. } if *id == channel) {
                end = deadline.min(Instant::now() + QUIET);
            }
            self.heard(news).await;
        }
        if end == deadline {
            self.note("nobody has got this yet; it goes out when you are both connected");
        }
    }

    async fn begin(&mut self, to: Option<Contact>) -> Result<(), Problem> {
        self.read_contacts().await?;
        match to {
            Some(contact) => self.open_with(&contact).await,
            None if self.contacts.is_empty() => {
                self.note(
                    "you have no contacts yet: /invite somebody, or /accept an invitation; /help shows all commands",
                );
                Ok(())
            }
            None => {
                self.list_topics().await?;
                self.note("/to NAME opens a conversation; /help shows all commands");
                Ok(())
            }
        }
    }

    /// Does what was typed. Says whether that is the end.
    async fn typed(&mut self, typed: Typed) -> Result<bool, Problem> {
        match typed {
            Typed::Nothing => {}
            Typed::Quit => return Ok(true),
            Typed::Help => HELP.iter().for_each(|line| self.note(line)),
            Typed::Wrong(problem) => self.screen.write([self.show.problem(&text::line(&problem))]),
            Typed::Message(message) => self.say(message).await?,
            Typed::Topics => self.list_topics().await?,
            Typed::To(name) => self.go_to(&name).await?,
            Typed::Group(name, others) => self.group(name, &others).await?,
            Typed::Contacts => self.list_contacts().await?,
            Typed::More => self.more().await?,
            Typed::Send(path) => {
                let topic = self.topic_id()?;
                let node = self.online.node.clone();
                let sent = tokio::task::spawn_blocking(move || files::send(&node, &topic, &path)).await;
                let name = sent.map_err(|error| Problem::new(error.to_string(), "nothing was sent"))??;
                self.online.service.changed();
                self.note(&format!("you sent {}", text::line(&name)));
            }
            Typed::Save(number, there) => {
                let attachment = self.attachments.get(number - 1).cloned();
                let attachment = attachment.ok_or_else(|| {
                    Problem::new(format!("there is no attachment {number}"), "their numbers stand beside them")
                })?;
                let node = self.online.node.clone();
                let saved =
                    tokio::task::spawn_blocking(move || files::save(&node, &attachment, there.as_deref())).await;
                let path = saved.map_err(|error| Problem::new(error.to_string(), "nothing was saved"))??;
                self.note(&format!("saved as {}", text::line(&path.to_string_lossy())));
            }
            Typed::Invite => {
                let invitation = self.online.service.invite().await?;
                self.screen.write(invite::lines(&invitation));
            }
            Typed::Accept(link) => {
                let invitation = parse_invitation(&link)?;
                self.pairing.spawn(online::accept(self.online.service.clone(), invitation));
                self.note("accepting the invitation …");
            }
            Typed::Name(name) => {
                on_disk(&self.online.node, move |node| node.set_name(&name)).await?;
                self.online.service.changed();
                self.note("your contacts see your new name when they are connected");
            }
        }
        Ok(false)
    }

    async fn heard(&mut self, news: News) {
        let done = match news {
            News::Online(online) => {
                let relay = text::line(&self.online.relay);
                let state =
                    if online { "is there" } else { "cannot be reached; what you write goes out when it is back" };
                self.note(&format!("the CommServer {relay} {state}"));
                Ok(())
            }
            News::Paired { person, .. } => self.paired(person).await,
            News::Connection(_) => self.connections().await,
            News::Changed(change) => self.changed(change).await,
            News::Trouble { place, text } => {
                self.screen.write([self.show.problem(&text::line(&format!("{place}: {text}")))]);
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(problem) = done {
            self.problem(&problem);
        }
    }

    async fn paired(&mut self, person: PersonId) -> Result<(), Problem> {
        self.read_contacts().await?;
        let Some(contact) = self.contacts.get(&person).cloned() else { return Ok(()) };
        self.note(&format!("you and {} are contacts now", describe(&contact)));
        if self.topic.is_none() { self.open_with(&contact).await } else { Ok(()) }
    }

    async fn connections(&mut self) -> Result<(), Problem> {
        let now: BTreeSet<PersonId> = self.online.service.connections().iter().map(|info| info.remote_person).collect();
        let before = std::mem::replace(&mut self.connected, now.clone());
        for person in now.difference(&before) {
            self.note(&format!("{} is connected", self.name(*person)));
        }
        for person in before.difference(&now) {
            self.note(&format!("{} is not connected any more", self.name(*person)));
        }
        Ok(())
    }

    async fn changed(&mut self, change: Change) -> Result<(), Problem> {
        match change {
            Change::Topic(topic) => self.note(&format!("a new conversation: {}", self.title(&topic))),
            Change::Profile(person) => {
                let before = self.name(person);
                self.read_contacts().await?;
                if self.name(person) != before {
                    self.note(&format!("{before} is called {} now", self.name(person)));
                }
            }
            Change::Messages { topic, arrivals }
                if self.topic.as_ref().is_some_and(|open| open.id.to_string() == topic) =>
            {
                if arrivals.total > arrivals.messages.len() {
                    self.note(&format!(
                        "{} more have come; /more shows what was said before",
                        arrivals.total - arrivals.messages.len()
                    ));
                }
                arrivals.messages.iter().for_each(|message| self.message(message));
            }
            Change::Messages { topic, arrivals } => {
                let title =
                    on_disk(&self.online.node, move |node| node.topic(&topic)).await.map(|topic| self.title(&topic))?;
                let count = arrivals.total;
                let what = if count == 1 { "a new message".to_owned() } else { format!("{count} new messages") };
                self.note(&format!("{what} in the conversation with {title}"));
            }
            _ => {}
        }
        Ok(())
    }

    async fn say(&mut self, message: String) -> Result<(), Problem> {
        let topic = self.topic_id()?;
        let said = message.clone();
        let posted = on_disk(&self.online.node, move |node| node.post(&topic, &message, Vec::new())).await?;
        self.online.service.changed();
        self.shown.insert(posted.id);
        self.unsent = self.topic.as_ref().map(|topic| topic.channel);
        if !self.screen.is_terminal() {
            let line = Line {
                time: i64::try_from(posted.creation_time).unwrap_or(i64::MAX),
                author: self.name(posted.author),
                own: true,
                mark: Mark::Verified,
                text: said,
                attachments: Vec::new(),
            };
            let lines = self.show.message(&line);
            self.screen.write(lines);
        }
        Ok(())
    }

    async fn go_to(&mut self, name: &str) -> Result<(), Problem> {
        if let Ok(number) = name.parse::<usize>()
            && let Some(topic) = number.checked_sub(1).and_then(|index| self.listed.get(index)).cloned()
        {
            return self.open(topic).await;
        }
        self.read_contacts().await?;
        let contacts: Vec<Contact> = self.contacts.values().cloned().collect();
        let by_name = find(&contacts, name);
        match by_name {
            Ok(contact) => self.open_with(&contact).await,
            Err(problem) => {
                let topics = on_disk(&self.online.node, Node::topics).await?;
                let wanted = name.to_lowercase();
                match topics.into_iter().find(|topic| self.title(topic).to_lowercase() == wanted) {
                    Some(topic) => self.open(topic).await,
                    None => Err(problem),
                }
            }
        }
    }

    async fn group(&mut self, name: String, others: &[String]) -> Result<(), Problem> {
        self.read_contacts().await?;
        let contacts: Vec<Contact> = self.contacts.values().cloned().collect();
        let others: Vec<PersonId> = others
            .iter()
            .map(|other| find(&contacts, other).map(|contact| contact.person))
            .collect::<Result<_, _>>()?;
        let topic = on_disk(&self.online.node, move |node| node.create_group(&name, &others)).await?;
        self.online.service.changed();
        self.open(topic).await
    }

    async fn open_with(&mut self, contact: &Contact) -> Result<(), Problem> {
        let person = contact.person;
        let topic = on_disk(&self.online.node, move |node| node.topic_with(person)).await?;
        self.online.service.changed();
        self.open(topic).await
    }

    async fn open(&mut self, topic: Topic) -> Result<(), Problem> {
        let (id, last) = (topic.id.to_string(), self.last);
        let page = on_disk(&self.online.node, move |node| node.messages(&id, None, last)).await?;
        self.show.turn();
        self.note(&format!("the conversation with {}", self.title(&topic)));
        self.shown.clear();
        self.attachments.clear();
        self.topic = Some(topic);
        self.page(&page);
        Ok(())
    }

    fn page(&mut self, page: &Page) {
        self.older = page.older;
        page.messages.iter().for_each(|message| self.message(message));
    }

    async fn more(&mut self) -> Result<(), Problem> {
        let topic = self.topic_id()?;
        let (Some(before), last) = (self.older, self.last.max(1)) else {
            self.note("this is where the conversation begins");
            return Ok(());
        };
        let page = on_disk(&self.online.node, move |node| node.messages(&topic, Some(before), last)).await?;
        self.show.turn();
        self.note("what was said before:");
        self.page(&page);
        self.show.turn();
        self.note("so far what was said before");
        Ok(())
    }

    fn message(&mut self, message: &Message) {
        if self.shown.len() >= SHOWN {
            self.shown.clear();
        }
        if !self.shown.insert(message.id) {
            return;
        }
        let first = self.attachments.len() + 1;
        let numbered = message.attachments.iter().enumerate();
        let attachments = numbered.map(|(index, file)| (first + index, file.name.clone(), file.size)).collect();
        self.attachments.extend(message.attachments.iter().cloned());
        let line = Line {
            time: i64::try_from(message.creation_time).unwrap_or(i64::MAX),
            author: self.name(message.author),
            own: message.own,
            mark: match message.affirmed {
                Affirmed::Verified => Mark::Verified,
                Affirmed::Unverified => Mark::Unverified,
                Affirmed::Forged => Mark::Forged,
            },
            text: message.text.clone(),
            attachments,
        };
        let lines = self.show.message(&line);
        self.screen.write(lines);
    }

    async fn list_topics(&mut self) -> Result<(), Problem> {
        self.listed = on_disk(&self.online.node, Node::topics).await?;
        if self.listed.is_empty() {
            self.note("there are no conversations yet; /to NAME begins one");
        }
        for (index, topic) in self.listed.iter().enumerate() {
            let line = format!("{:>3}  {}", index + 1, self.title(topic));
            self.screen.write([self.show.note(&line)]);
        }
        Ok(())
    }

    async fn list_contacts(&mut self) -> Result<(), Problem> {
        self.read_contacts().await?;
        for contact in self.contacts.values() {
            let state = if self.connected.contains(&contact.person) { "connected" } else { "not connected" };
            self.screen.write([self.show.note(&format!("{}, {state}", describe(contact)))]);
        }
        Ok(())
    }

    async fn read_contacts(&mut self) -> Result<(), Problem> {
        let contacts = on_disk(&self.online.node, Node::contacts).await?;
        self.contacts = contacts.into_iter().map(|contact| (contact.person, contact)).collect();
        Ok(())
    }

    /// What somebody is called; safe to be shown.
    fn name(&self, person: PersonId) -> String {
        if person == self.online.node.person() {
            return YOU.to_owned();
        }
        match self.contacts.get(&person) {
            Some(contact) => called(contact, self.contacts.values()),
            None => format!("somebody ({:.8}…)", person.to_string()),
        }
    }

    /// What a conversation is called; safe to be shown.
    fn title(&self, topic: &Topic) -> String {
        let me = self.online.node.person();
        let others: Vec<String> =
            topic.id.participants().iter().filter(|person| **person != me).map(|person| self.name(*person)).collect();
        match &topic.name {
            Some(name) if !topic.id.is_one_to_one() => format!("{} ({})", text::name(name), others.join(", ")),
            _ => others.join(", "),
        }
    }

    fn topic_id(&self) -> Result<String, Problem> {
        let problem = || Problem::new("no conversation is open", "/to NAME opens one, /contacts shows whom you know");
        self.topic.as_ref().map(|topic| topic.id.to_string()).ok_or_else(problem)
    }

    fn note(&mut self, note: &str) {
        self.screen.write([self.show.note(note)]);
    }

    fn problem(&mut self, problem: &Problem) {
        let lines: Vec<String> = problem.to_string().lines().map(|line| self.show.problem(line)).collect();
        self.screen.write(lines);
    }
}

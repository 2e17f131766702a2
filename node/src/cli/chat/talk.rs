//! The loop of a chat: what is typed is done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ratatosk_node::api::types::{Attachment, Contact, Event, Me, NewInvitation, NewMessage, Status, Topic};
use ratatosk_node::client::{Client, ClientError, Events};
use ratatosk_node::daemon::Purpose;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::command::{HELP, Typed};
use super::drafts::Drafts;
use super::files;
use super::screen::Screen;
use super::show::Show;
use crate::cli::attach::{Attached, PATIENCE, running, unreachable};
use crate::cli::folder::Place;
use crate::cli::people::{accept_with, parse_invitation};
use crate::cli::problem::Problem;
use crate::cli::status::queue_lines;
use crate::cli::{invite, text};

/// How long what was said in a pipe may take until somebody has it, and until nothing more of it arrives.
const DELIVERY: Duration = Duration::from_secs(15);
const QUIET: Duration = Duration::from_secs(1);

/// How long a chat waits for a node that has gone, how often it looks, and after how long it runs the node itself if it can:
/// whatever restarts nodes should have had its turn.
const RETURN: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(500);
const TURN: Duration = Duration::from_secs(15);

/// For how many minutes invitations that are made in a chat are good.
const INVITATION: u32 = 5;

/// A chat.
pub(super) struct Talk {
    pub(super) client: Client,
    events: Events,
    attached: Attached,
    place: Place,
    pub(super) screen: Screen,
    pub(super) show: Show,
    pub(super) last: usize,
    pub(super) me: Me,
    pub(super) relay: String,
    /// The conversation that is open.
    pub(super) topic: Option<Topic>,
    /// Where what was said before it was shown begins.
    pub(super) older: Option<String>,
    pub(super) shown: BTreeSet<String>,
    /// By their numbers, less one.
    pub(super) attachments: Vec<Attachment>,
    /// What the last list of conversations was, for numbers.
    pub(super) listed: Vec<Topic>,
    pub(super) contacts: BTreeMap<String, Contact>,
    pub(super) drafts: Drafts,
    /// Whether we can be reached at the CommServer.
    pub(super) relay_online: bool,
    /// The conversation in which something was said last.
    unsent: Option<String>,
    /// Invitations that are being accepted.
    pairing: JoinSet<Result<Contact, Problem>>,
}

impl Talk {
    /// Listens to what happens.
    ///
    /// # Errors
    ///
    /// That the node is not there any more.
    pub(super) async fn new(
        attached: Attached,
        place: Place,
        screen: Screen,
        show: Show,
        last: usize,
    ) -> Result<Self, Problem> {
        let client = attached.client.clone();
        let events = client.events().await?;
        let Status { me, relay, .. } = client.status().await?;
        Ok(Self {
            client,
            events,
            attached,
            place,
            screen,
            show,
            last,
            me,
            relay: relay.url,
            relay_online: relay.online,
            topic: None,
            older: None,
            shown: BTreeSet::new(),
            attachments: Vec::new(),
            listed: Vec::new(),
            contacts: BTreeMap::new(),
            drafts: Drafts::default(),
            unsent: None,
            pairing: JoinSet::new(),
        })
    }

    /// Runs until the lines end, or one says so.
    ///
    /// # Errors
    ///
    /// What is wrong with the node from the beginning, and that it has gone and does not come back.
    pub(super) async fn run(mut self, to: Option<Topic>, lines: mpsc::Receiver<String>) -> Result<(), Problem> {
        let result = self.go_on(to, lines).await;
        self.attached.close().await;
        result
    }

    async fn go_on(&mut self, to: Option<Topic>, mut lines: mpsc::Receiver<String>) -> Result<(), Problem> {
        self.begin(to).await?;
        let (patience, mut is_patient) = (Instant::now() + PATIENCE, true);
        loop {
            tokio::select! {
                // What was typed stands on the screen already: nothing should be written before that is known.
                biased;
                line = lines.recv() => {
                    let Some(line) = line else {
                        if !self.screen.is_terminal() {
                            self.deliver().await?;
                        }
                        return Ok(());
                    };
                    self.screen.typed(&line);
                    match self.typed(Typed::parse(&line)).await {
                        Ok(true) => return Ok(()),
                        Ok(false) => {}
                        Err(problem) => self.problem(&problem),
                    }
                    self.screen.next();
                }
                event = self.events.next() => self.happened(event).await?,
                Some(Ok(paired)) = self.pairing.join_next() => if let Err(problem) = paired { self.problem(&problem) },
                () = sleep_until(patience), if is_patient => {
                    is_patient = false;
                    let status = self.client.status().await?;
                    if !status.relay.online && !status.relay.url.is_empty() {
                        self.problem(&unreachable(&status, None));
                    }
                }
            }
        }
    }

    async fn happened(&mut self, event: Result<Event, ClientError>) -> Result<(), Problem> {
        match event {
            Ok(event) => {
                self.heard(event).await;
                Ok(())
            }
            Err(error) => self.again(error).await,
        }
    }

    /// The node has gone, and was another process: it may come back, as one more, or this one takes its place.
    async fn again(&mut self, error: ClientError) -> Result<(), Problem> {
        if self.attached.is_inside() {
            return Err(error.into());
        }
        self.drafts.clear();
        self.draw();
        self.note("your node does not answer any more; what was said is kept. Waiting for it to come back …");
        let begin = Instant::now();
        let dir = self.place.dir()?;
        loop {
            sleep(LOOK).await;
            let found = match running(&dir).await {
                Ok(Some(client)) => Ok(Attached::of(client)),
                // A passphrase cannot be asked for where somebody types.
                Ok(None) if begin.elapsed() > TURN && self.place.opens_by_itself() => {
                    Attached::open(&self.place, Purpose::Talk).await
                }
                Ok(None) if begin.elapsed() > RETURN => return Err(error.into()),
                Ok(None) => continue,
                Err(problem) => Err(problem),
            };
            let attached = found?;
            if let Ok(events) = attached.client.events().await {
                (self.client, self.events, self.attached) = (attached.client.clone(), events, attached);
                self.note("your node is back");
                return Ok(());
            }
        }
    }

    /// The lines came from a file or a program and are all there: what they said should get to where it belongs. As long as
    /// something arrives there, a little more is waited for.
    async fn deliver(&mut self) -> Result<(), Problem> {
        let Some(topic) = self.unsent.take() else { return Ok(()) };
        let deadline = Instant::now() + DELIVERY;
        let mut end = deadline;
        while let Ok(event) = timeout_at(end, self.events.next()).await {
            if matches!(&event, Ok(Event::Delivered(delivered)) if delivered.topic == topic) {
                end = deadline.min(Instant::now() + QUIET);
            }
            self.happened(event).await?;
        }
        if end == deadline {
            self.note("nobody has got this yet; it goes out when you are both connected");
        }
        Ok(())
    }

    async fn begin(&mut self, to: Option<Topic>) -> Result<(), Problem> {
        self.read_contacts().await?;
        match to {
            Some(topic) => self.open(topic).await,
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
            Typed::Rules(message) => {
                if self.topic.as_ref().is_some_and(|topic| topic.one_to_one) {
                    let what = "this is a conversation of two: an AI in it always answers";
                    return Err(Problem::new(what, "/group NAME: A, B begins one of several"));
                }
                self.say(message).await?;
            }
            Typed::Topics => self.list_topics().await?,
            Typed::To(name) => self.go_to(&name).await?,
            Typed::Group(name, others) => self.group(name, &others).await?,
            Typed::Contacts => self.list_contacts().await?,
            Typed::More => self.more().await?,
            Typed::Send(path) => {
                let sent = files::send(&self.client, &self.topic_id()?, &path).await?;
                self.said(&sent.id);
                self.note(&format!("you sent {}", text::line(&sent.text)));
            }
            Typed::Save(number, there) => {
                let attachment = number.checked_sub(1).and_then(|index| self.attachments.get(index));
                let attachment = attachment.ok_or_else(|| {
                    Problem::new(format!("there is no attachment {number}"), "their numbers stand beside them")
                })?;
                let path = files::save(&self.client, attachment, there.as_deref()).await?;
                self.note(&format!("saved as {}", text::line(&path.to_string_lossy())));
            }
            Typed::Stop => {
                let stopped = self.client.stop_answers(&self.topic_id()?).await?;
                self.note(match stopped.answers {
                    0 => "no AI of yours is writing here; those of others are stopped by them",
                    _ => "stopped",
                });
            }
            Typed::Queue => {
                let lines = queue_lines(&self.client.queue().await?);
                if lines.is_empty() {
                    self.note("your AIs have nothing to do");
                }
                lines.iter().for_each(|line| self.note(line));
            }
            Typed::Invite => {
                let wish = NewInvitation { agent: None, minutes: Some(INVITATION) };
                let invitation = self.client.invite(&wish).await?;
                self.screen.write(invite::lines(&invitation));
            }
            Typed::Accept(link) => {
                let (client, link) = (self.client.clone(), parse_invitation(&link)?.to_url());
                self.pairing.spawn(async move { accept_with(&client, &link).await });
                self.note("accepting the invitation …");
            }
            Typed::Name(name) => {
                self.client.rename(&name).await?;
                self.note("your contacts see your new name when they are connected");
            }
        }
        Ok(false)
    }

    async fn say(&mut self, message: String) -> Result<(), Problem> {
        let topic = self.topic_id()?;
        let posted = self.client.say(&topic, &NewMessage { text: message, attachments: Vec::new() }).await?;
        self.unsent = Some(topic);
        if self.screen.is_terminal() {
            // It stands there as it was typed.
            self.said(&posted.id);
        } else {
            self.message(&posted);
        }
        Ok(())
    }

    /// Something of ours that need not be shown again.
    fn said(&mut self, id: &str) {
        self.shown.insert(id.to_owned());
        self.unsent = self.topic.as_ref().map(|topic| topic.id.clone());
    }

    pub(super) fn topic_id(&self) -> Result<String, Problem> {
        let problem = || Problem::new("no conversation is open", "/to NAME opens one, /contacts shows whom you know");
        self.topic.as_ref().map(|topic| topic.id.clone()).ok_or_else(problem)
    }

    pub(super) fn note(&mut self, note: &str) {
        self.screen.write([self.show.note(note)]);
    }

    pub(super) fn problem(&mut self, problem: &Problem) {
        let lines: Vec<String> = problem.to_string().lines().map(|line| self.show.problem(line)).collect();
        self.screen.write(lines);
    }
}

//! The task of an AI: takes what its service tells, and has topics attended to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ratatosk_agent::Rules;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::attend::{Attended, attend};
use super::desk::{Desk, lock};
use super::waiting::Waiting;
use crate::api::types::{ConnectionEvent, Event, PairedEvent, TroubleEvent};
use crate::daemon::view;
use crate::model::{Change, ModelError};
use crate::service::{News, Status};

/// Topics that one AI attends to at a time.
const TOPICS: usize = 8;
/// All topics are not looked at more often, however often somebody changes their profile.
const SURVEY: Duration = Duration::from_secs(10);

/// What is to be looked at.
struct Crew {
    desk: Arc<Desk>,
    /// Topics in which there may be something to answer.
    waiting: Waiting,
    /// Topics that are attended to, by their tasks.
    ongoing: BTreeMap<Id, String>,
    /// When topics are to be looked at though nothing comes.
    later: BTreeMap<String, Instant>,
    /// When all topics are to be looked at.
    survey: Option<Instant>,
    tasks: JoinSet<Done>,
}

/// A task has ended.
enum Done {
    Attended(Attended),
    Topics(Vec<String>),
}

/// Runs until everything ends. Dropping it ends it as well.
pub(super) async fn run(desk: Arc<Desk>, mut told: mpsc::Receiver<News>, mut stopping: watch::Receiver<bool>) {
    let mut agents = desk.agents();
    let mut crew = Crew {
        desk,
        waiting: Waiting::default(),
        ongoing: BTreeMap::new(),
        later: BTreeMap::new(),
        survey: Some(Instant::now()),
        tasks: JoinSet::new(),
    };
    loop {
        crew.begin();
        let next = crew.next();
        tokio::select! {
            news = told.recv() => match news {
                Some(news) => crew.hear(news).await,
                // The service has ended, and nobody can be answered any more.
                None => break,
            },
            Some(done) = crew.tasks.join_next_with_id() => crew.ended(done),
            // An AI that becomes active, or gets another model, may have much to say.
            Ok(()) = agents.changed() => crew.survey = Some(Instant::now()),
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            () = wished(&mut stopping) => break,
        }
    }
    // What is being posted is waited for: a runner that comes next has to see it.
    crew.tasks.shutdown().await;
    crew.desk.settle().await;
}

/// Waits until everything is to end.
async fn wished(stopping: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could wish anything else.
    let _ = stopping.wait_for(|stop| *stop).await;
}

impl Crew {
    /// When something is due.
    fn next(&self) -> Option<Instant> {
        let survey = self.survey.filter(|_| self.tasks.len() <= TOPICS);
        self.later.values().copied().chain(survey).min()
    }

    /// Begins what is due.
    fn begin(&mut self) {
        let now = Instant::now();
        let due: Vec<_> = self.later.extract_if(.., |_, at| *at <= now).map(|(topic, _)| topic).collect();
        due.into_iter().for_each(|topic| self.waiting.add(topic));
        if self.survey.is_some_and(|at| at <= now) && self.tasks.len() <= TOPICS {
            self.survey = None;
            self.tasks.spawn(topics(self.desk.clone()));
        }
        if !self.desk.agent().settings.active {
            // When it is active again, all are looked at.
            self.waiting.clear();
        }
        while self.ongoing.len() < TOPICS {
            let is_free = |topic: &str| !self.ongoing.values().any(|busy| busy == topic);
            let Some(topic) = self.waiting.take(is_free) else { return };
            let place = self.desk.place(&topic);
            let task = self.tasks.spawn(attending(self.desk.clone(), place));
            self.ongoing.insert(task.id(), topic);
        }
    }

    fn ended(&mut self, done: Result<(Id, Done), JoinError>) {
        match done {
            Ok((id, Done::Attended(Attended { topic, again }))) => {
                self.ongoing.remove(&id);
                if let Some(time) = again {
                    self.later.insert(topic, Instant::now() + time);
                }
            }
            Ok((_, Done::Topics(topics))) => topics.into_iter().for_each(|topic| self.waiting.add(topic)),
            Err(error) => {
                // One topic has a task that panicked; all others go on.
                self.ongoing.remove(&error.id());
                tracing::error!(%error, "a topic is not attended to");
            }
        }
    }

    async fn hear(&mut self, news: News) {
        let desk = &self.desk;
        let agent = Some(desk.agent().slug);
        match news {
            News::Changed(Change::Messages { topic, arrivals }) => {
                // What was said while somebody was away may have its place far back, where nobody looks again.
                if arrivals.messages.len() < arrivals.total
                    || arrivals.messages.iter().any(|message| Rules::parse(&message.text).is_some())
                {
                    lock(&desk.rules).remove(&topic);
                }
                self.waiting.add(topic);
            }
            News::Changed(Change::Topic(topic)) => {
                self.waiting.add(topic.id.to_string());
            }
            // Somebody's keys may be known by now, and what they have said can be verified.
            News::Changed(Change::Profile(_)) => self.survey_soon(),
            News::Paired { person, initiated, .. } => {
                let contact = move |desk: &Desk| -> Result<_, ModelError> {
                    let contact = desk.node.contact(person)?;
                    contact.map(|contact| view::contact(&desk.node, &contact, &BTreeSet::from([person]))).transpose()
                };
                if let Some(Ok(Some(contact))) = desk.on_disk(contact).await {
                    desk.hub.tell(Event::Paired(PairedEvent { contact, initiated, agent }));
                }
                self.survey_soon();
            }
            News::Connection(info) => {
                let (person, connected) = (info.remote_person.to_string(), info.status == Status::Open);
                desk.hub.tell(Event::Connection(ConnectionEvent { person, connected, agent }));
            }
            News::Online(_) => desk.tell_state(),
            News::Trouble { place, text } => {
                desk.hub.tell(Event::Trouble(TroubleEvent { place: place.to_owned(), text, agent }));
            }
            _ => {}
        }
    }

    fn survey_soon(&mut self) {
        self.survey.get_or_insert_with(|| Instant::now() + SURVEY);
    }
}

async fn attending(desk: Arc<Desk>, place: super::desk::Place) -> Done {
    Done::Attended(attend(desk, place).await)
}

/// All topics.
async fn topics(desk: Arc<Desk>) -> Done {
    let all = |desk: &Desk| desk.node.topics().map(|all| all.iter().map(|topic| topic.id.to_string()).collect());
    match desk.on_disk(all).await {
        Some(Ok(topics)) => Done::Topics(topics),
        Some(Err(error)) => {
            desk.trouble("the AI's node", error.to_string());
            Done::Topics(Vec::new())
        }
        None => Done::Topics(Vec::new()),
    }
}

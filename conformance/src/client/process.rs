//! A process behind the peer control interface, in the place of this project's own listener, connector or acceptor.
//!
//! It has a key of its own, is a listener all the time, keeps as many spares as it likes, tries again when it likes, and
//! puts errors into its own words; a connector needs something to say. What a script wants to know beyond that is not asked.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::Role;
use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::Subprocess;
use super::inbox::{Filler, Inbox};
use super::line::OPENING;
use super::parse;
use super::play::{IT, Stage};
use super::reception::Reception;
use super::script::{Report, Start, Step};
use super::subject::{Order, Reported, Subject, report};
use crate::peer::process::Process;
use crate::peer::told::State;
use crate::play::{self, Played, difference};
use crate::scenario::template::Template;

/// Longer than any script.
const LONG: Duration = Duration::from_secs(3600);

impl Stage<'_> {
    /// Starts the process in its role.
    pub(super) async fn start_process(&mut self, start: &Start, subprocess: &Subprocess, deadline: Instant) -> Played {
        let problem = |error: String| difference(IT, "that it starts", error);
        let role = match start {
            Start::Listen { .. } | Start::Accept => Role::Listener,
            Start::Connect | Start::ConnectUntilSuccessful(_) | Start::ConnectNowhere => Role::Initiator,
        };
        let address = match role {
            Role::Listener => self.door.address(),
            Role::Initiator => {
                let reception = Reception::open().await.map_err(|error| problem(error.to_string()))?;
                self.reception.insert(reception).address()
            }
        };
        let command = &subprocess.implementation.command;
        let mut process = Process::start(command, &format!("ws://{address}"), "it", &subprocess.launch)
            .map_err(|error| problem(error.to_string()))?;
        let Some(key) = process.key(deadline).await else {
            return Err(difference(IT, "ready, with its key", process.silence()));
        };
        self.keys.own = Some((role, key));
        self.keeps_other_spares = !matches!(start, Start::Listen { spares: Some(spares), .. } if spares.get() == 2);

        let partner = *match role {
            Role::Listener => self.keys.connector.public(),
            Role::Initiator => self.keys.listener.public(),
        };
        let (filler, reports) = Inbox::new();
        let (orders, orders_end) = mpsc::channel(16);
        let (online, ready) = watch::channel(0);
        let mut part = Part { partner, reports: filler, online, asked: BTreeSet::new(), connected: false };
        if role == Role::Initiator {
            part.send(&mut process, OPENING).await;
        }
        let task = tokio::spawn(part.play(process, orders_end));
        self.subject = Some(Subject::played(reports, ready, *start == Start::Accept, orders, task));
        Ok(())
    }

    /// A process cannot be dialled: it registers, and is handed over.
    pub(super) async fn take_spare(&mut self, name: &str) -> Played {
        let mut steps = Vec::new();
        for line in ["registers", r#"> {"command":"connection_handover"}"#] {
            parse::connection(name, line, &mut steps).map_err(|mistake| difference(name, line, mistake.to_string()))?;
        }
        // It is open already.
        steps.retain(|step| !matches!(step, Step::Open(_)));
        play::steps(self, &steps).await
    }

    /// Whether a process does not tell this: nobody has asked it to accept the connection.
    pub(super) fn is_untold(&self, what: &Report) -> bool {
        matches!(self.keys.own, Some((Role::Listener, _))) && matches!(what, Report::Failed(_))
    }

    /// What a process says against something is its own.
    pub(super) fn in_any_words(&self, what: &Report) -> Report {
        let any = || Template::parse("<any>").unwrap_or_default();
        match what {
            Report::Failed(_) if self.keys.own.is_some() => Report::Failed(any()),
            Report::Refused(_) if self.keys.own.is_some() => Report::Refused(any()),
            other => other.clone(),
        }
    }
}

/// The part of an application.
struct Part {
    partner: PublicKey,
    reports: Filler<Reported>,
    online: watch::Sender<usize>,
    /// The commands to send that are not answered yet.
    asked: BTreeSet<u64>,
    connected: bool,
}

/// Something that the process has told.
enum News {
    Online(bool),
    Report(Reported),
    /// It could not send.
    Refused(String),
    Sent,
}

impl Part {
    async fn play(mut self, mut process: Process, mut orders: mpsc::Receiver<Order>) {
        loop {
            let (deadline, online) = (Instant::now() + LONG, *self.online.borrow() > 0);
            let asked = &mut self.asked;
            tokio::select! {
                news = process.find(deadline, |state| news(state, online, asked)) => match news {
                    Some(news) => self.tell(news).await,
                    None => break,
                },
                order = orders.recv() => match order {
                    Some(Order::Send(text)) => self.send(&mut process, &text).await,
                    Some(Order::Stop) => drop(process.tell(json!({"cmd": "disconnect"}), Instant::now() + LONG).await),
                    // Scripts that want this are left out.
                    Some(Order::Close(_) | Order::Pause(_)) => {}
                    None => return,
                },
            }
        }
        let over = process.over().unwrap_or_default();
        report(&self.reports, Reported::Failed(over)).await;
        while orders.recv().await.is_some() {}
    }

    async fn send(&mut self, process: &mut Process, text: &str) {
        let id = process.tell(Process::raw(&self.partner, &Payload::text(text)), Instant::now() + LONG).await;
        self.asked.extend(id);
    }

    async fn tell(&mut self, news: News) {
        match news {
            News::Online(online) => drop(self.online.send_replace(usize::from(online))),
            News::Report(what) => {
                self.connected |= what == Reported::Connected;
                report(&self.reports, what).await;
            }
            News::Refused(error) if self.connected => report(&self.reports, Reported::Refused(error)).await,
            News::Refused(error) => report(&self.reports, Reported::Failed(error)).await,
            News::Sent => {}
        }
    }
}

/// The next thing, in the order in which an application would want to know.
fn news(state: &mut State, online: bool, asked: &mut BTreeSet<u64>) -> Option<News> {
    if state.online != online {
        return Some(News::Online(state.online));
    }
    if state.connected.pop_front().is_some() {
        return Some(News::Report(Reported::Connected));
    }
    if let Some(received) = state.messages.pop_front() {
        return Some(News::Report(Reported::Message(received.payload)));
    }
    if let Some(ended) = state.ended.pop_front() {
        return Some(News::Report(Reported::Ended { here: ended.here, reason: ended.reason }));
    }
    let id = *asked.iter().find(|id| state.answers.contains_key(id))?;
    asked.remove(&id);
    Some(match state.answers.remove(&id)? {
        Ok(_) => News::Sent,
        Err(error) => News::Refused(error),
    })
}

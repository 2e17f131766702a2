//! What a peer with an identity does when it is told to.

use std::process::ExitCode;
use std::sync::Arc;

use ratatosk_node::model::{Change, FileInfo, MAX_PAGE, Message, Node, Posted};
use ratatosk_node::service::Service;
use ratatosk_objects::PersonId;
use ratatosk_pairing::Invitation;
use ratatosk_protocol::driver::os_entropy;
use serde_json::{Value, json};

use super::command::{Command, Request};
use super::{Peer, tell};
use crate::peer::answer::Answer;
use crate::peer::output::{Output, Room};

/// The name of a file that `sendFile` makes, and the text that goes with it.
const FILE: &str = "file";

/// Bytes of such a file that are made at a time.
const CHUNK: usize = 64 * 1024;

impl Peer {
    /// Obeys one line. An exit code ends the peer.
    pub(super) async fn obey(&mut self, line: &str, seat: Room) -> Option<ExitCode> {
        let Request { id, name, command } = match Request::parse(line) {
            Ok(request) => request,
            Err((id, problem)) => {
                self.answer(seat, "command", id).error(&problem);
                return None;
            }
        };
        let answer = self.answer(seat, &name, id);
        match command {
            Command::Quit => {
                answer.silence();
                return Some(ExitCode::SUCCESS);
            }
            Command::Info => answer.result(self.info()),
            Command::Mark(text) => match self.transcript.mark(&text) {
                Ok(()) => answer.result(json!({})),
                Err(problem) => answer.error(&problem),
            },
            Command::Disconnect => {
                self.disconnect().await;
                answer.result(json!({}));
            }
            Command::Reconnect => match self.connect().await {
                Ok(()) => answer.result(json!({})),
                Err(problem) => answer.error(&problem),
            },
            Command::Connections => {
                let connections = self.service().map(|service| service.connections()).unwrap_or_default();
                let connections: Vec<Value> = connections.iter().map(tell::connection).collect();
                answer.result(json!({"connections": connections}));
            }
            Command::Timeline => {
                let timelines = self.service().map(|service| service.timelines()).unwrap_or_default();
                let timelines: Vec<Value> =
                    timelines.iter().map(|(id, timeline)| tell::timeline(*id, timeline)).collect();
                answer.result(json!({"timelines": timelines}));
            }
            Command::Invite => self.invite(answer),
            Command::Accept(invitation) => self.accept(answer, &invitation),
            other => self.work(answer, other).await,
        }
        None
    }

    pub(super) fn answer(&self, seat: Room, command: &str, id: Option<Value>) -> Answer {
        Answer::new(&self.output, seat, command.to_owned(), id)
    }

    fn service(&self) -> Option<Arc<Service>> {
        self.running.as_ref().map(|running| running.service.clone())
    }

    fn invite(&mut self, answer: Answer) {
        let Some(service) = self.service() else { return answer.error(OFFLINE) };
        self.jobs.spawn(async move {
            match service.invite().await {
                Ok(Invitation { token, public_key, url }) => {
                    let invitation = json!({"token": token.expose(), "publicKey": public_key.to_hex(), "url": url});
                    answer.told("invitation", json!({"invitation": invitation}));
                }
                Err(problem) => answer.error(&problem.to_string()),
            }
        });
    }

    fn accept(&mut self, answer: Answer, invitation: &Value) {
        let Some(service) = self.service() else { return answer.error(OFFLINE) };
        let text = match invitation {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let invitation = match Invitation::parse(&text) {
            Ok(invitation) => invitation,
            Err(problem) => return answer.error(&problem.to_string()),
        };
        self.jobs.spawn(async move {
            match service.accept(invitation).await {
                Ok(_) => answer.told("accepted", json!({})),
                Err(problem) => answer.error(&problem.to_string()),
            }
        });
    }

    /// What works at the storage.
    async fn work(&mut self, answer: Answer, command: Command) {
        let (output, service) = (self.output.clone(), self.service());
        let changed = move || service.iter().for_each(|service| service.changed());
        let work = move |node: &Arc<Node>| -> Result<Value, String> {
            let problem = |error: ratatosk_node::model::ModelError| error.to_string();
            match command {
                Command::Contacts => {
                    let contacts = node.contacts().map_err(problem)?;
                    Ok(json!({"contacts": contacts.iter().map(tell::contact).collect::<Vec<_>>()}))
                }
                Command::Topics => {
                    let topics = node.topics().map_err(problem)?;
                    Ok(json!({"topics": topics.iter().map(tell::topic).collect::<Vec<_>>()}))
                }
                Command::Topic(person) => {
                    let person = person.parse().map_err(|_| format!("{person:?} is no person id (64 hex digits)"))?;
                    let topic = topic_with(node, &output, person)?;
                    changed();
                    Ok(json!({"topic": topic}))
                }
                Command::Messages(topic) => {
                    let messages = all_messages(node, &topic).map_err(problem)?;
                    Ok(json!({"messages": messages.iter().map(tell::message).collect::<Vec<_>>()}))
                }
                Command::Head(topic) => Ok(json!({"hash": node.head(&topic).map_err(problem)?})),
                Command::Send { topic, text } => {
                    let posted = node.post(&topic, &text, Vec::new()).map_err(problem)?;
                    changed();
                    tell_own(&output, &topic, &text, posted);
                    Ok(json!({}))
                }
                Command::Burst { topic, text, count } => {
                    for number in 0..count {
                        let text = format!("{text} {number}");
                        let posted = node.post(&topic, &text, Vec::new()).map_err(problem)?;
                        changed();
                        tell_own(&output, &topic, &text, posted);
                    }
                    Ok(json!({}))
                }
                Command::SendFile { topic, size } => {
                    let info = FileInfo {
                        name: FILE.to_owned(),
                        media_type: "application/octet-stream".to_owned(),
                        last_modified: 0,
                    };
                    let file = node.attach(info, &mut Noise { left: size }).map_err(problem)?;
                    let posted = node.post(&topic, FILE, vec![file]).map_err(problem)?;
                    changed();
                    tell_own(&output, &topic, FILE, posted);
                    Ok(json!({}))
                }
                Command::SetName(name) => {
                    node.set_name(&name).map_err(problem)?;
                    changed();
                    Ok(json!({}))
                }
                other => Err(format!("{other:?} is not done here")),
            }
        };
        self.queue.put(answer, work).await;
    }
}

const OFFLINE: &str = "the peer is disconnected; reconnect first";

/// The 1:1 topic with a contact. A new one is told.
pub(super) fn topic_with(node: &Node, output: &Output, person: PersonId) -> Result<String, String> {
    let problem = |error: ratatosk_node::model::ModelError| error.to_string();
    let before = node.topics().map_err(problem)?.len();
    let topic = node.topic_with(person).map_err(problem)?.id.to_string();
    if node.topics().map_err(problem)?.len() > before {
        output.event(&json!({"event": "newTopic", "topic": topic}));
    }
    Ok(topic)
}

/// Every message of a topic, in the order of the channel.
fn all_messages(node: &Node, topic: &str) -> Result<Vec<Message>, ratatosk_node::model::ModelError> {
    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let page = node.messages(topic, before, MAX_PAGE)?;
        pages.push(page.messages);
        before = page.older;
        if before.is_none() {
            return Ok(pages.into_iter().rev().flatten().collect());
        }
    }
}

/// What is told of something that came from a contact.
pub(super) fn events_of(change: &Change) -> Vec<Value> {
    match change {
        Change::Topic(topic) => vec![json!({"event": "newTopic", "topic": topic.id.to_string()})],
        Change::Messages { topic, arrivals } => {
            arrivals.messages.iter().map(|message| event_of(topic, message)).collect()
        }
        Change::Profile(person) => vec![json!({"event": "contact", "personId": person})],
        _ => Vec::new(),
    }
}

fn event_of(topic: &str, message: &Message) -> Value {
    let mut event = tell::message(message);
    event["event"] = json!("message");
    event["topic"] = json!(topic);
    event
}

fn tell_own(output: &Output, topic: &str, text: &str, posted: Posted) {
    output.event(&json!({
        "event": "message",
        "topic": topic,
        "text": text,
        "author": posted.author,
        "own": true,
        "creationTime": posted.creation_time,
    }));
}

/// A file of random bytes.
struct Noise {
    left: u64,
}

impl std::io::Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(CHUNK).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        os_entropy().fill(&mut buffer[..length]);
        self.left -= length as u64;
        Ok(length)
    }
}

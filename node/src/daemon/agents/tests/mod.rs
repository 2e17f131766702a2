//! AIs at work, with engines that say what a test wants, and people whose nodes are linked in memory.

mod answers;
mod crashes;
mod floods;
mod groups;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use ratatosk_engine::{
    Busy, Description, Engine, Event, Finish, Generation, Outlet, Place, Request, Usage, Waiting, generation,
};
use ratatosk_objects::PersonId;
use ratatosk_protocol::driver::Environment;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use super::{Runner, Seat};
use crate::daemon::config::AgentsConfig;
use crate::daemon::engines::{NoEngine, Provider};
use crate::daemon::hub::Hub;
use crate::model::{Affirmed, AgentSettings, NewAgent, NewPerson, Node, Protection};
use crate::service::{Config, Link, News, Service, link};

/// What no test comes near to.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fails a test that would hang.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this takes too long")
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("ratatosk-runner-{}-{count}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An engine that a test plays.
struct Scripted {
    asked: mpsc::Sender<(Request, Outlet)>,
    /// Whether there is one at all.
    is_there: AtomicBool,
    context: u32,
}

/// The test's end of it.
type Asked = mpsc::Receiver<(Request, Outlet)>;

impl Scripted {
    fn new(context: u32) -> (Arc<Self>, Asked) {
        let (asked, asks) = mpsc::channel(64);
        (Arc::new(Self { asked, is_there: AtomicBool::new(true), context }), asks)
    }
}

/// What the AI is given.
struct Given(Arc<Scripted>);

impl Provider for Given {
    fn engine(&self, _: &str, _: u32) -> Result<Arc<dyn Engine>, NoEngine> {
        if self.0.is_there.load(Ordering::Relaxed) {
            Ok(Arc::new(Self(self.0.clone())))
        } else {
            Err(NoEngine::Unchosen)
        }
    }
}

impl Engine for Given {
    fn describe(&self) -> Description {
        Description { name: "scripted".to_owned(), context: self.0.context, place: Place::Local }
    }

    fn generate(&self, request: Request) -> Result<Generation, Busy> {
        request.check().unwrap();
        let (outlet, generation) = generation(64);
        self.0.asked.try_send((request, outlet)).map_err(|_| Busy::Full { waiting: 64 })?;
        Ok(generation)
    }

    fn queue(&self) -> watch::Receiver<Vec<Waiting>> {
        watch::channel(Vec::new()).1
    }
}

fn started() -> Event {
    Event::Started { prompt_tokens: 1, reused_tokens: 0, left_out: 0 }
}

fn finished(reason: Finish) -> Event {
    Event::Finished { reason, usage: Usage::default() }
}

/// The next question to the engine.
async fn next(asked: &mut Asked) -> (Request, Outlet) {
    within(asked.recv()).await.expect("nobody can ask any more")
}

/// Says something as a whole.
async fn say(outlet: &Outlet, text: &str) {
    for event in [started(), Event::Text(text.to_owned()), finished(Finish::Stop)] {
        assert!(outlet.send(event).await, "nobody reads {text:?}");
    }
}

/// Answers everything from now on, each time with another number.
fn answer_all(mut asked: Asked, text: &'static str) -> tokio::task::JoinHandle<usize> {
    tokio::spawn(async move {
        let mut count = 0;
        while let Some((_, outlet)) = asked.recv().await {
            count += 1;
            for event in [started(), Event::Text(format!("{text} {count}")), finished(Finish::Stop)] {
                outlet.send(event).await;
            }
        }
        count
    })
}

/// Somebody with a node: a person, or an AI without its runner.
struct Person {
    node: Arc<Node>,
    service: Arc<Service>,
    told: Option<mpsc::Receiver<News>>,
    _folder: Option<Folder>,
}

impl Person {
    async fn new(name: &str) -> Self {
        let folder = Folder::new();
        let person =
            NewPerson { email: format!("{name}@peer.test"), instance: "laptop".to_owned(), name: name.to_owned() };
        let node = Arc::new(Node::create(&folder.0, &person, &Protection::KeyFile(None)).unwrap());
        Self::start(node, Some(folder)).await
    }

    async fn start(node: Arc<Node>, folder: Option<Folder>) -> Self {
        // Nobody is there: all that happens here happens in memory.
        let config = Config::new("ws://127.0.0.1:9".to_owned());
        let (service, told) = Service::start(node.clone(), Environment::default(), config, None).await.unwrap();
        Self { node, service: Arc::new(service), told: Some(told), _folder: folder }
    }

    fn id(&self) -> PersonId {
        self.node.person()
    }

    fn post(&self, topic: &str, text: &str) {
        self.node.post(topic, text, Vec::new()).unwrap();
        self.service.changed();
    }

    fn texts(&self, topic: &str) -> Vec<String> {
        let Ok(page) = self.node.messages(topic, None, 1000) else { return Vec::new() };
        page.messages.into_iter().map(|message| message.text).collect()
    }

    /// Waits until something is as it should be. It is looked at when there is news, and now and then: what happens between other
    /// nodes is no news here.
    async fn until<T>(&mut self, mut look: impl FnMut(&Self, Option<&News>) -> Option<T>) -> T {
        let mut told = self.told.take().unwrap();
        let waiting = async {
            if let Some(found) = look(self, None) {
                return found;
            }
            let mut now_and_then = tokio::time::interval(Duration::from_millis(300));
            now_and_then.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let news = tokio::select! {
                    news = told.recv() => Some(news.expect("the service has ended")),
                    _ = now_and_then.tick() => None,
                };
                if let Some(found) = look(self, news.as_ref()) {
                    return found;
                }
            }
        };
        let found = within(waiting).await;
        self.told = Some(told);
        found
    }

    /// Waits until these are the texts of a topic, all of them signed by their authors.
    async fn reads(&mut self, topic: &str, texts: &[&str]) {
        self.until(|own, _| (own.texts(topic) == texts).then_some(())).await;
        let messages = self.node.messages(topic, None, 1000).unwrap().messages;
        assert!(messages.iter().all(|message| message.affirmed == Affirmed::Verified));
    }
}

/// Makes two people contacts and links them.
fn befriend(one: &Person, other: &Person) -> Link {
    let identity = |of: &Person| of.node.me().identity.clone();
    one.node.add_contact(&identity(other)).unwrap();
    other.node.add_contact(&identity(one)).unwrap();
    link(&one.service, &other.service)
}

/// An AI at work.
struct Ai {
    slug: String,
    person: Person,
    engine: Arc<Scripted>,
    hub: Hub,
    config: AgentsConfig,
    runner: Option<Runner>,
    /// Keeps it connected.
    links: Vec<Link>,
}

impl Ai {
    /// A new one, which does nothing yet.
    async fn of(owner: &Person, name: &str, context: u32) -> (Self, Asked) {
        let slug = name.to_lowercase();
        let settings = AgentSettings { model: "tiny".to_owned(), context, max_tokens: 100, ..AgentSettings::default() };
        owner.node.create_agent(&NewAgent { slug: slug.clone(), name: name.to_owned(), settings }).unwrap();
        let person = Person::start(owner.node.open_agent(&slug).unwrap(), None).await;
        let links = vec![link(&owner.service, &person.service)];
        let (engine, asked) = Scripted::new(context);
        let (hub, config) = (Hub::default(), AgentsConfig::default());
        let ai = Self { slug, person, engine, hub, config, runner: None, links };
        ai.meet(owner, &[]);
        (ai, asked)
    }

    /// Knows whom its owner knows, and is known by these.
    fn meet(&self, owner: &Person, others: &[&Person]) {
        let agent = owner.node.agent(&self.slug).unwrap();
        self.person.node.mirror(&owner.node.identities_for(&agent).unwrap()).unwrap();
        for other in others {
            other.node.add_contact(&self.person.node.me().identity).unwrap();
        }
    }

    /// Begins to work. What its service told while nobody worked is lost, as in a crash.
    async fn begin(&mut self, owner: &Person) {
        let service = &mut self.person;
        if service.told.is_none() {
            // The service goes with the runner that took its news.
            self.links.clear();
            service.service.stop().await;
            *service = Person::start(service.node.clone(), None).await;
            self.links.push(link(&owner.service, &service.service));
        }
        self.runner = Some(Runner::start(Seat {
            agent: owner.node.agent(&self.slug).unwrap(),
            owner: owner.node.clone(),
            node: self.person.node.clone(),
            service: self.person.service.clone(),
            told: self.person.told.take().unwrap(),
            hub: self.hub.clone(),
            engines: Arc::new(Given(self.engine.clone())),
            config: self.config.clone(),
        }));
    }

    fn runner(&self) -> &Runner {
        self.runner.as_ref().unwrap()
    }

    /// Ends it in the middle of what it does.
    async fn crash(&mut self) {
        let desk = self.runner.take().unwrap().desk.clone();
        // What was begun at the disk goes on to its end. A crash of the process would end it or come after it.
        within(desk.settle()).await;
    }
}

/// An owner and an AI at work, who have a topic.
async fn house() -> (Person, Ai, Asked, String) {
    let owner = Person::new("Olga").await;
    let (mut ai, asked) = Ai::of(&owner, "Max", 2048).await;
    ai.begin(&owner).await;
    let topic = owner.node.topic_with(ai.person.id()).unwrap().id.to_string();
    (owner, ai, asked, topic)
}

//! A relay, and people with nodes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ratatosk_node::model::{Affirmed, AgentSettings, Change, Message, NewAgent, NewPerson, Node, Protection};
use ratatosk_node::service::{Config, Ear, News, Service, Status};
use ratatosk_objects::PersonId;
use ratatosk_pairing::Identity;
use ratatosk_protocol::backoff::Backoff;
use ratatosk_protocol::driver::Environment;
use ratatosk_protocol::phase::Deadlines;
use ratatosk_relay::Server;
use tokio::sync::mpsc;

/// What no test comes near to.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fails a test that would hang.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this takes too long")
}

/// A relay at a free port.
pub(crate) async fn relay() -> Server {
    relay_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
}

pub(crate) async fn relay_at(address: SocketAddr) -> Server {
    Server::bind(ratatosk_relay::Config { listen: Some(address), ..ratatosk_relay::Config::default() }).await.unwrap()
}

pub(crate) fn url(relay: &Server) -> String {
    format!("ws://{}", relay.local_addr())
}

/// Settings under which nobody waits long.
pub(crate) fn config(url: &str) -> Config {
    let mut config = Config::new(url);
    config.backoff = Backoff::new(&[Duration::from_millis(300)]);
    config
}

/// Somebody with a node.
pub(crate) struct Person {
    pub(crate) node: Arc<Node>,
    pub(crate) service: Service,
    news: mpsc::Receiver<News>,
    /// What was told and nobody has asked for yet.
    pub(crate) told: Vec<News>,
    config: Config,
    /// Of an AI none: its owner has it.
    folder: Option<Folder>,
}

/// A folder that goes with this.
struct Folder(PathBuf);

impl Folder {
    fn open(&self) -> Node {
        Node::open(&self.0, &Protection::KeyFile(None)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Person {
    /// A new person who can be reached.
    pub(crate) async fn new(name: &str, url: &str) -> Self {
        Self::with(name, config(url)).await
    }

    pub(crate) async fn with(name: &str, config: Config) -> Self {
        let mut person = Self::create(name, config).await;
        person.online().await;
        person
    }

    /// A new person whose CommServer need not be there.
    pub(crate) async fn offline(name: &str, url: &str) -> Self {
        Self::create(name, config(url)).await
    }

    /// An AI of theirs, which can be reached as well.
    pub(crate) async fn agent(&self, slug: &str) -> Self {
        if !self.node.agents().unwrap().iter().any(|agent| agent.slug == slug) {
            let settings = AgentSettings::default();
            self.node.create_agent(&NewAgent { slug: slug.to_owned(), name: slug.to_owned(), settings }).unwrap();
            self.service.contacts_changed();
        }
        let node = self.node.open_agent(slug).unwrap();
        let mut agent = Self::start(node, Environment::default(), self.config.clone(), None).await;
        agent.online().await;
        agent
    }

    /// Lets an AI of theirs know whom they know.
    pub(crate) fn tell_agent(&self, slug: &str, agent: &Self) {
        let identities = self.node.identities_for(&self.node.agent(slug).unwrap()).unwrap();
        if agent.node.mirror(&identities).unwrap() {
            agent.service.contacts_changed();
        }
    }

    /// Waits until they can be reached.
    pub(crate) async fn online(&mut self) {
        self.find(|news| matches!(news, News::Online(true)).then_some(())).await;
    }

    async fn create(name: &str, config: Config) -> Self {
        // Tests run side by side, each in a folder of its own.
        let test = std::thread::current().name().unwrap_or_default().replace(':', "-");
        let folder = Folder(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{name}")));
        let _ = std::fs::remove_dir_all(&folder.0);
        let person = NewPerson {
            email: format!("{name}@example.test"),
            instance: format!("{name}'s device"),
            name: name.to_owned(),
        };
        let node = Node::create(&folder.0, &person, &Protection::KeyFile(None)).unwrap();
        Self::start(Arc::new(node), Environment::default(), config, Some(folder)).await
    }

    /// Goes on the network again, with other deadlines.
    pub(crate) async fn with_deadlines(self, deadlines: Deadlines) -> Self {
        let Stopped { config, folder } = self.stop().await;
        let folder = folder.unwrap();
        let connections = ratatosk_protocol::connection::Config { deadlines, ..Default::default() };
        let environment = Environment { config: Arc::new(connections), ..Environment::default() };
        let mut person = Self::start(Arc::new(folder.open()), environment, config, Some(folder)).await;
        person.online().await;
        person
    }

    async fn start(node: Arc<Node>, environment: Environment, config: Config, folder: Option<Folder>) -> Self {
        let started = Service::start(node.clone(), environment, config.clone(), None).await;
        let (service, news) = started.unwrap();
        Self { node, service, news, told: Vec::new(), config, folder }
    }

    /// Ends as a program does that is told to quit.
    pub(crate) async fn stop(self) -> Stopped {
        let Self { node, service, mut news, config, folder, .. } = self;
        within(async {
            tokio::select! {
                () = service.stop() => {}
                () = async { while news.recv().await.is_some() {} } => service.stop().await,
            }
        })
        .await;
        drop((service, news));
        // Whatever still worked at the storage has ended with the service.
        within(async {
            while Arc::strong_count(&node) > 1 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        drop(node);
        Stopped { config, folder }
    }

    pub(crate) async fn restart(self) -> Self {
        self.stop().await.start().await
    }

    pub(crate) fn id(&self) -> PersonId {
        self.node.person()
    }

    /// The next news that is as wanted. Others are kept for who asks for them.
    pub(crate) async fn find<T>(&mut self, mut wanted: impl FnMut(&News) -> Option<T>) -> T {
        let known = self.told.iter().enumerate().find_map(|(index, news)| wanted(news).map(|found| (index, found)));
        if let Some((index, found)) = known {
            self.told.remove(index);
            return found;
        }
        within(async {
            loop {
                let news = self.news.recv().await.expect("nothing is told any more");
                match wanted(&news) {
                    Some(found) => return found,
                    None => self.told.push(news),
                }
            }
        })
        .await
    }

    /// Waits until a connection to somebody is in use.
    pub(crate) async fn connected(&mut self, to: PersonId) {
        self.find(|news| match news {
            News::Connection(info) if info.remote_person == to && info.status == Status::Open => Some(()),
            _ => None,
        })
        .await;
    }

    /// The 1:1 topic with somebody.
    pub(crate) fn topic(&self, with: PersonId) -> String {
        let topic = self.node.topic_with(with).unwrap().id.to_string();
        self.service.changed();
        topic
    }

    pub(crate) fn say(&self, topic: &str, text: &str) {
        self.node.post(topic, text, Vec::new()).unwrap();
        self.service.changed();
    }

    /// Waits for a message with this text, and looks at who has signed it.
    pub(crate) async fn hears(&mut self, text: &str) -> Message {
        let message = self
            .find(|news| match news {
                News::Changed(Change::Messages { arrivals, .. }) => {
                    arrivals.messages.iter().find(|message| message.text == text).cloned()
                }
                _ => None,
            })
            .await;
        assert_eq!(message.affirmed, Affirmed::Verified);
        message
    }

    /// All texts of a topic, in its order.
    pub(crate) fn texts(&self, topic: &str) -> Vec<String> {
        let page = self.node.messages(topic, None, 1000).unwrap();
        page.messages.into_iter().map(|message| message.text).collect()
    }

    /// What was told so far and nobody has asked for.
    pub(crate) fn told(&mut self) -> &[News] {
        while let Ok(news) = self.news.try_recv() {
            self.told.push(news);
        }
        &self.told
    }
}

/// A person whose program does not run.
pub(crate) struct Stopped {
    config: Config,
    folder: Option<Folder>,
}

impl Stopped {
    pub(crate) async fn start(self) -> Person {
        let mut person = self.start_offline().await;
        person.online().await;
        person
    }

    /// The same, with somebody who hears every message.
    pub(crate) async fn start_heard(self, ear: Arc<dyn Ear>) -> Person {
        let folder = self.folder.unwrap();
        let node = Arc::new(folder.open());
        let (service, news) =
            Service::start(node.clone(), Environment::default(), self.config.clone(), Some(ear)).await.unwrap();
        Person { node, service, news, told: Vec::new(), config: self.config, folder: Some(folder) }
    }

    /// The same, whether or not the CommServer is there.
    pub(crate) async fn start_offline(self) -> Person {
        let folder = self.folder.unwrap();
        Person::start(Arc::new(folder.open()), Environment::default(), self.config, Some(folder)).await
    }
}

/// Makes contacts of two people, and waits until they are connected.
pub(crate) async fn pair(inviter: &mut Person, invited: &mut Person) {
    let invitation = inviter.service.invite().await.unwrap();
    let (person, instance) = within(invited.service.accept(invitation)).await.unwrap();
    assert_eq!((person, instance), (inviter.id(), inviter.node.me().instance));
    inviter.connected(invited.id()).await;
    invited.connected(inviter.id()).await;
}

/// Makes contacts of two people without a network.
pub(crate) fn introduce(one: &Person, other: &Person) {
    for (to, who) in [(one, other), (other, one)] {
        let identity = Identity { url: Some(who.config.url.clone()), ..who.node.me().identity.clone() };
        to.node.add_contact(&identity).unwrap();
        to.service.contacts_changed();
    }
}

/// Waits until both have the same of a topic.
pub(crate) async fn converge(one: &Person, other: &Person, topic: &str) {
    within(async {
        while one.node.head(topic).ok() != other.node.head(topic).ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

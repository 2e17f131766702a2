//! Daemons, and requests to them written by hand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ratatosk_node::api::types::{Contact, Event, NewInvitation, NewTopic, Topic};
use ratatosk_node::client::{Client, Events};
use ratatosk_node::daemon::{Config, Daemon, Purpose};
use ratatosk_node::model::{NewPerson, Node, Protection};
use ratatosk_relay::Server;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What no test comes near to.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fails a test that would hang.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this takes too long")
}

pub(crate) async fn relay() -> Server {
    let listen = Some(([127, 0, 0, 1], 0).into());
    Server::bind(ratatosk_relay::Config { listen, ..ratatosk_relay::Config::default() }).await.unwrap()
}

/// A folder that goes with this.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        // Tests run side by side, each in a folder of its own.
        let test = std::thread::current().name().unwrap_or_default().replace(':', "-");
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("api-{test}-{name}"));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Somebody with a daemon.
pub(crate) struct Person {
    pub(crate) daemon: Daemon,
    pub(crate) client: Client,
    pub(crate) folder: Folder,
}

/// A new node in this folder.
pub(crate) fn node(folder: &Folder, name: &str) -> Node {
    let email = format!("{name}@peer.test");
    let person = NewPerson { email, instance: "test".to_owned(), name: name.to_owned() };
    Node::create(folder.path(), &person, &Protection::KeyFile(None)).unwrap()
}

impl Person {
    /// With a node that goes on no network.
    pub(crate) async fn alone(name: &str) -> Self {
        Self::with(name, Config::default(), Purpose::Talk).await
    }

    /// With a node at a relay, which has it.
    pub(crate) async fn at(name: &str, relay: &Server) -> Self {
        let mut config = Config::default();
        config.relay.url = Some(format!("ws://{}", relay.local_addr()));
        let person = Self::with(name, config, Purpose::Serve).await;
        let mut events = person.client.events().await.unwrap();
        within(async {
            while !person.client.status().await.unwrap().relay.online {
                events.next().await.unwrap();
            }
        })
        .await;
        person
    }

    pub(crate) async fn with(name: &str, config: Config, purpose: Purpose) -> Self {
        let folder = Folder::new(name);
        let daemon = Daemon::start(node(&folder, name), config, purpose).await.unwrap();
        let client = Client::new(daemon.address().unwrap().port(), daemon.token().unwrap());
        Self { daemon, client, folder }
    }

    /// Sends a request as it stands, and reads until the connection ends.
    pub(crate) async fn raw(&self, request: &str) -> String {
        within(raw(self.daemon.address().unwrap().port(), request)).await
    }

    /// The status and the JSON of an answer to a request without a body, with these lines in its head.
    pub(crate) async fn ask(&self, request: &str, lines: &[&str]) -> (u16, Value) {
        let lines = lines.join("\r\n");
        let answer = self.raw(&format!("{request} HTTP/1.1\r\nConnection: close\r\n{lines}\r\n\r\n")).await;
        parse(&answer)
    }

    pub(crate) fn host(&self) -> String {
        format!("Host: {}", self.daemon.address().unwrap())
    }

    pub(crate) fn token(&self) -> String {
        format!("Authorization: Bearer {}", self.daemon.token().unwrap())
    }
}

pub(crate) async fn raw(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // An end that is not a polite one is one as well.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Status and JSON of an answer.
pub(crate) fn parse(answer: &str) -> (u16, Value) {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status.unwrap_or_else(|| panic!("no answer: {answer:?}")), serde_json::from_str(body).unwrap_or_default())
}

/// Makes contacts of two people, and gives what each sees of the other.
pub(crate) async fn pair(one: &Person, other: &Person) -> (Contact, Contact) {
    let mut events = one.client.events().await.unwrap();
    let invitation = one.client.invite(&NewInvitation::default()).await.unwrap();
    let accepted = within(other.client.accept(&invitation.url)).await.unwrap();
    let paired = find(&mut events, |event| match event {
        Event::Paired(paired) => Some(paired.contact),
        _ => None,
    });
    (paired.await, accepted)
}

/// The conversation of two.
pub(crate) async fn topic(person: &Person, with: &Contact) -> Topic {
    let new = NewTopic { name: None, people: vec![with.person.clone()] };
    person.client.create_topic(&new).await.unwrap()
}

/// Waits for an event.
pub(crate) async fn find<T>(events: &mut Events, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
    within(async {
        loop {
            if let Some(found) = wanted(events.next().await.unwrap()) {
                return found;
            }
        }
    })
    .await
}

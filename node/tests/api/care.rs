//! Backups, the end, and a relay inside.

use ratatosk_node::api::types::{Event, Level, NewBackup, NewMessage};
use ratatosk_node::backup;
use ratatosk_node::client::ClientError;
use ratatosk_node::daemon::{Config, Daemon, Purpose};
use ratatosk_node::model::{Node, Protection};

use crate::support::{Folder, Person, find, node, pair, topic, within};

#[tokio::test]
async fn a_household_has_its_own_relay() {
    let mut config = Config::default();
    config.relay.embedded = Some(([127, 0, 0, 1], 0).into());
    let ada = Person::with("ada", config, Purpose::Serve).await;
    let status = ada.client.status().await.unwrap();
    assert_eq!(Some(status.relay.url.as_str()), ada.daemon.url());
    assert_eq!(status.relay.embedded.map(|address| format!("ws://{address}")), Some(status.relay.url.clone()));
    let mut config = Config::default();
    config.relay.url = Some(status.relay.url);
    let bob = Person::with("bob", config, Purpose::Talk).await;
    let (seen_bob, _) = pair(&ada, &bob).await;
    assert_eq!(seen_bob.email, "bob@peer.test");
    bob.daemon.stop().await;
    within(ada.daemon.stop()).await;
}

#[tokio::test]
async fn a_node_without_a_relay_says_what_can_be_done() {
    let folder = Folder::new("ada");
    let refused = Daemon::start(node(&folder, "ada"), Config::default(), Purpose::Serve).await.err().unwrap();
    for way in ["--relay", "--embedded-relay", "accept"] {
        assert!(refused.help.contains(way), "{refused:?}");
    }
    assert!(!folder.path().join("daemon.json").exists());
}

#[tokio::test]
async fn a_backup_becomes_the_same_node_elsewhere() {
    let mut config = Config::default();
    config.relay.embedded = Some(([127, 0, 0, 1], 0).into());
    let ada = Person::with("ada", config.clone(), Purpose::Serve).await;
    config.relay = Config::default().relay;
    config.relay.url = ada.daemon.url().map(str::to_owned);
    let bob = Person::with("bob", config, Purpose::Talk).await;
    let (seen_bob, _) = pair(&ada, &bob).await;
    let talk = topic(&ada, &seen_bob).await;
    let message = NewMessage { text: "remember this".to_owned(), attachments: Vec::new() };
    ada.client.say(&talk.id, &message).await.unwrap();
    let there = Folder::new("there");
    std::fs::create_dir_all(there.path()).unwrap();
    let file = there.path().join("ada.backup");
    let new =
        NewBackup { path: file.to_string_lossy().into_owned(), passphrase: "correct horse".to_owned(), models: false };
    let mut events = ada.client.events().await.unwrap();
    let made = within(ada.client.backup(&new)).await.unwrap();
    assert_eq!(made.size, std::fs::metadata(&file).unwrap().len());
    find(&mut events, |event| matches!(event, Event::Progress(progress) if progress.what == "backup").then_some(()))
        .await;
    let again = ada.client.backup(&new).await;
    assert!(matches!(again, Err(ClientError::Refused { status: 409, .. })));
    ada.daemon.stop().await;
    let head = |dir: &std::path::Path| {
        let node = Node::open(dir, &Protection::KeyFile(None)).unwrap();
        let topic = node.topics().unwrap().remove(0);
        (node.person(), node.head(&topic.id.to_string()).unwrap())
    };
    let restored = there.path().join("home");
    backup::restore(&file, "correct horse", &restored, &mut |_| true).unwrap();
    assert_eq!(head(&restored), head(ada.folder.path()));
}

#[tokio::test]
async fn it_stops_when_it_is_asked_and_tells_everybody() {
    let ada = Person::alone("ada").await;
    let mut events = ada.client.events().await.unwrap();
    find(&mut events, |event| matches!(event, Event::Ready).then_some(())).await;
    ada.client.stop().await.unwrap();
    let mut stopping = ada.daemon.stopping();
    within(stopping.wait_for(|stop| *stop)).await.unwrap();
    let Person { daemon, client, folder } = ada;
    let ended = tokio::spawn(daemon.stop());
    find(&mut events, |event| matches!(event, Event::Stopping).then_some(())).await;
    within(ended).await.unwrap();
    assert!(matches!(client.status().await, Err(ClientError::Gone(_))));
    // The folder is free again.
    Node::open(folder.path(), &Protection::KeyFile(None)).unwrap();
}

#[tokio::test]
async fn an_examination_says_what_is_wrong_and_what_to_do() {
    let ada = Person::alone("ada").await;
    let report = ada.client.examine().await.unwrap();
    let relay = report.findings.iter().find(|finding| finding.subject == "relay").unwrap();
    assert_eq!(relay.level, Level::Warning);
    assert!(relay.help.contains("--relay") && !relay.meaning.is_empty());
    let store = report.findings.iter().find(|finding| finding.subject == "store").unwrap();
    assert_eq!(store.level, Level::Good, "{report:?}");
    let repaired = ada.client.repair().await.unwrap();
    assert!(repaired.repaired.is_empty());
}

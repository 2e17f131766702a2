//! Two people with daemons: pairing, talking, files.

use std::time::{SystemTime, UNIX_EPOCH};

use ratatosk_node::api::types::{Affirmed, EditTopic, Event, Level, Mode, NewAttachment, NewMessage, PageQuery};
use ratatosk_node::client::{Client, ClientError};
use ratatosk_node::daemon::{Config, Daemon, Purpose};
use ratatosk_node::model::{AgentSettings, Home, NewAgent, Node, Protection};

use crate::support::{Folder, Person, find, node, pair, relay, topic, within};

#[tokio::test]
async fn two_people_pair_and_talk() {
    let relay = relay().await;
    let (ada, bob) = (Person::at("ada", &relay).await, Person::at("bob", &relay).await);
    let (seen_bob, seen_ada) = pair(&ada, &bob).await;
    assert_eq!((seen_bob.email.as_str(), seen_ada.email.as_str()), ("bob@peer.test", "ada@peer.test"));
    assert_eq!(ada.client.contacts().await.unwrap().len(), 1);
    let talk = topic(&ada, &seen_bob).await;
    assert!(talk.one_to_one && talk.name.is_none() && talk.participants.len() == 2);
    assert_eq!(topic(&ada, &seen_bob).await.id, talk.id);
    let mut told = bob.client.events().await.unwrap();
    let mut own = ada.client.events().await.unwrap();
    let said = NewMessage { text: "hej <b>\n\u{1b}[0m \"ö\"".to_owned(), attachments: Vec::new() };
    let posted = ada.client.say(&talk.id, &said).await.unwrap();
    assert!(posted.own && posted.affirmed == Affirmed::Verified);
    let came = find(&mut told, |event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    });
    let came = came.await;
    assert_eq!((came.id.as_str(), came.text.as_str()), (posted.id.as_str(), said.text.as_str()));
    assert!(!came.own && came.affirmed == Affirmed::Verified && came.topic == talk.id);
    find(&mut own, |event| matches!(event, Event::Message(message) if message == posted).then_some(())).await;
    find(&mut own, |event| matches!(event, Event::Delivered(delivered) if delivered.topic == talk.id).then_some(()))
        .await;
    let page = bob.client.messages(&talk.id, &PageQuery::default()).await.unwrap();
    assert_eq!((page.messages, page.older), (vec![came], None));
    let trace = ada.client.trace().await.unwrap();
    let is_bob = |person: &Option<String>| person.as_deref() == Some(seen_bob.person.as_str());
    let live = trace.connections.iter().find(|connection| connection.open && is_bob(&connection.person));
    assert!(live.is_some_and(|connection| connection.entries.len() > 5), "{trace:?}");
    let report = ada.client.examine().await.unwrap();
    assert!(report.findings.iter().all(|finding| finding.level < Level::Error), "{report:?}");
}

#[tokio::test]
async fn pages_go_back_to_the_beginning() {
    let relay = relay().await;
    let (ada, bob) = (Person::at("ada", &relay).await, Person::at("bob", &relay).await);
    let (seen_bob, _) = pair(&ada, &bob).await;
    let talk = topic(&ada, &seen_bob).await;
    for number in 0..7 {
        let message = NewMessage { text: number.to_string(), attachments: Vec::new() };
        ada.client.say(&talk.id, &message).await.unwrap();
    }
    let (mut texts, mut before) = (Vec::new(), None);
    loop {
        let page = ada.client.messages(&talk.id, &PageQuery { before, limit: Some(3) }).await.unwrap();
        texts.splice(0..0, page.messages.into_iter().map(|message| message.text));
        before = page.older;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(texts, ["0", "1", "2", "3", "4", "5", "6"]);
    let edit = EditTopic { priority: 9 };
    ada.client.edit_topic(&talk.id, &edit).await.unwrap();
    assert_eq!(ada.client.topic(&talk.id).await.unwrap().priority, 9);
    let wrong = ada.client.edit_topic(&talk.id, &EditTopic { priority: 11 }).await;
    assert!(matches!(wrong, Err(ClientError::Refused { status: 400, .. })));
}

#[tokio::test]
async fn a_file_goes_through_piece_by_piece() {
    let relay = relay().await;
    let (ada, bob) = (Person::at("ada", &relay).await, Person::at("bob", &relay).await);
    let (seen_bob, _) = pair(&ada, &bob).await;
    let talk = topic(&ada, &seen_bob).await;
    let bytes: Vec<u8> = (0..=250).cycle().take(3_000_000).collect();
    let file = ada.folder.path().join("it.bin");
    std::fs::write(&file, &bytes).unwrap();
    let stored = ada.client.store_file(&file, "it ö.bin", "application/x-it").await.unwrap();
    assert_eq!(stored.size, 3_000_000);
    let mut told = bob.client.events().await.unwrap();
    let attachments = vec![NewAttachment { file: stored.file.clone() }];
    let message = NewMessage { text: "look".to_owned(), attachments };
    ada.client.say(&talk.id, &message).await.unwrap();
    let again = ada.client.say(&talk.id, &message).await;
    assert!(matches!(again, Err(ClientError::Refused { status: 404, .. })), "it goes with one message");
    let came = find(&mut told, |event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    });
    let attachment = came.await.attachments.remove(0);
    assert_eq!((attachment.file.as_str(), attachment.name.as_str()), (stored.file.as_str(), "it ö.bin"));
    assert_eq!(attachment.media_type, "application/x-it");
    let mut fetched = Vec::new();
    within(async { bob.client.file(&attachment.file).await.unwrap().write(&mut fetched).await.unwrap() }).await;
    assert!(fetched == bytes);
}

#[tokio::test]
async fn an_invitation_that_was_taken_back_leads_to_nothing() {
    let relay = relay().await;
    let (ada, bob) = (Person::at("ada", &relay).await, Person::at("bob", &relay).await);
    let invitation = ada.client.invite(&ratatosk_node::api::types::NewInvitation::default()).await.unwrap();
    ada.client.revoke(&invitation.url).await.unwrap();
    match within(bob.client.accept(&invitation.url)).await {
        Err(ClientError::Refused { status: 503, help, .. }) => assert!(help.is_some_and(|help| !help.is_empty())),
        other => panic!("{other:?}"),
    }
    let wrong = bob.client.accept("nonsense").await;
    assert!(matches!(wrong, Err(ClientError::Refused { status: 400, .. })));
}

#[tokio::test]
async fn what_is_said_below_messages_from_the_future_is_said() {
    const AHEAD: u64 = 48 * 3_600_000;
    let folder = Folder::new("olga");
    drop(node(&folder, "olga"));
    let now = || u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let home = Home::open(folder.path(), &Protection::KeyFile(None)).unwrap();
    let olga = Node::start(home, Box::new(move || now() + AHEAD)).unwrap();
    let new = NewAgent { slug: "max".to_owned(), name: "Max".to_owned(), settings: AgentSettings::default() };
    let topic = olga.topic_with(olga.create_agent(&new).unwrap().person).unwrap();
    for number in 0..90 {
        olga.post(&topic.id.to_string(), &number.to_string(), Vec::new()).unwrap();
    }
    drop(olga);
    // Somebody has set the clock right.
    let olga = Node::open(folder.path(), &Protection::KeyFile(None)).unwrap();
    let daemon = Daemon::start(olga, Config::default(), Purpose::Local).await.unwrap();
    let client = Client::new(daemon.address().unwrap().port(), daemon.token().unwrap());
    let message = NewMessage { text: "now".to_owned(), attachments: Vec::new() };
    let posted = client.say(&topic.channel.to_string(), &message).await.unwrap();
    let is_now = u64::try_from(posted.at).unwrap() < now() + AHEAD / 2;
    assert!(posted.text == "now" && posted.own && is_now, "{posted:?}");
    daemon.stop().await;
}

#[tokio::test]
async fn what_was_said_of_ais_long_ago_still_holds() {
    let folder = Folder::new("rita");
    let rita = node(&folder, "rita");
    let new = NewAgent { slug: "max".to_owned(), name: "Max".to_owned(), settings: AgentSettings::default() };
    let max = rita.create_agent(&new).unwrap().person;
    let topic = rita.create_group("Garden", &[max]).unwrap();
    let id = topic.id.to_string();
    rita.post(&id, "/ai free hops 7", Vec::new()).unwrap();
    for number in 0..450 {
        rita.post(&id, &number.to_string(), Vec::new()).unwrap();
    }
    let daemon = Daemon::start(rita, Config::default(), Purpose::Local).await.unwrap();
    let client = Client::new(daemon.address().unwrap().port(), daemon.token().unwrap());
    let topics = client.topics().await.unwrap();
    let rules = topics.iter().find(|one| one.id == topic.channel.to_string()).unwrap().rules;
    assert_eq!((rules.mode, rules.hops), (Mode::Free, 7));
    daemon.stop().await;
}

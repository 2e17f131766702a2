//! AIs: made, introduced, changed, paired with, removed. What they say is tested elsewhere.

use ratatosk_engine::testing::{Tiny, tiny_model};
use ratatosk_node::api::types::{
    AgentState, Audience, EditAgent, Event, ImportModel, Level, NewAgent, NewInvitation, NewMessage,
};
use ratatosk_node::client::ClientError;

use crate::support::{Person, find, pair, relay, topic, within};

async fn with_a_model(person: &Person) {
    let file = person.folder.path().join("tiny.gguf");
    std::fs::write(&file, tiny_model(&Tiny::default())).unwrap();
    let import = ImportModel { path: file.to_string_lossy().into_owned(), name: Some("tiny".to_owned()), link: false };
    let model = person.client.import_model(&import).await.unwrap();
    assert!(model.chat && model.problem.is_none() && model.name == "tiny");
    let again = person.client.import_model(&import).await;
    assert!(matches!(again, Err(ClientError::Refused { status: 409, .. })), "{again:?}");
}

fn munin() -> NewAgent {
    NewAgent { name: "Munin".to_owned(), model: "TINY".to_owned(), ..NewAgent::default() }
}

#[tokio::test]
async fn an_ai_is_introduced_to_contacts_and_can_be_paired_with() {
    let relay = relay().await;
    let (ada, bob) = (Person::at("ada", &relay).await, Person::at("bob", &relay).await);
    pair(&ada, &bob).await;
    with_a_model(&ada).await;
    let mut told = bob.client.events().await.unwrap();
    let made = ada.client.create_agent(&munin()).await.unwrap();
    assert_eq!((made.slug.as_str(), made.model.as_str()), ("munin", "tiny"));
    let introduced = find(&mut told, |event| match event {
        Event::Contact(contact) if contact.person == made.person && contact.name.is_some() => Some(contact),
        _ => None,
    });
    let introduced = introduced.await;
    let ai = introduced.ai.as_ref().expect("it is known to be an AI");
    let me = ada.client.status().await.unwrap().me;
    assert_eq!((ai.slug.as_str(), ai.owner.as_str(), ai.own), ("munin", me.person.as_str(), false));
    assert_eq!(introduced.name.as_deref(), Some("Munin"));
    let own = ada.client.contacts().await.unwrap().into_iter().find(|contact| contact.person == made.person);
    assert!(own.and_then(|own| own.ai).is_some_and(|ai| ai.own));
    // Whoever knows nobody here can pair with the AI alone.
    let eve = Person::at("eve", &relay).await;
    let new = NewInvitation { agent: Some("munin".to_owned()), minutes: Some(5) };
    let invitation = ada.client.invite(&new).await.unwrap();
    let contact = within(eve.client.accept(&invitation.url)).await.unwrap();
    assert_eq!(contact.person, made.person);
    let missing = ada.client.invite(&NewInvitation { agent: Some("hugin".to_owned()), minutes: None }).await;
    assert!(matches!(missing, Err(ClientError::Refused { status: 404, .. })), "{missing:?}");
    let report = ada.client.examine().await.unwrap();
    let broken = |subject: &str, level| level == Level::Error && subject != "agents" && subject != "worker";
    assert!(!report.findings.iter().any(|finding| broken(&finding.subject, finding.level)), "{report:?}");
}

#[tokio::test]
async fn an_ai_is_changed_and_removed_with_its_keys() {
    let relay = relay().await;
    let ada = Person::at("ada", &relay).await;
    with_a_model(&ada).await;
    let mut told = ada.client.events().await.unwrap();
    let made = ada.client.create_agent(&NewAgent { audience: Audience::Owner, ..munin() }).await.unwrap();
    let again = ada.client.create_agent(&munin()).await;
    assert!(matches!(again, Err(ClientError::Refused { status: 409, .. })), "{again:?}");
    let unknown = ada.client.create_agent(&NewAgent { model: "none".to_owned(), ..munin() }).await;
    assert!(matches!(unknown, Err(ClientError::Refused { status: 404, .. })), "{unknown:?}");
    assert!(ada.client.model("tiny").await.unwrap().memory.is_some_and(|memory| memory > 100_000));
    assert!(matches!(ada.client.remove_model("tiny").await, Err(ClientError::Refused { status: 409, .. })));
    let contact = ada.client.contacts().await.unwrap().remove(0);
    let talk = topic(&ada, &contact).await;
    let edit = EditAgent { name: Some("Hugin".to_owned()), active: Some(false), ..EditAgent::default() };
    let edited = ada.client.edit_agent("munin", &edit).await.unwrap();
    assert_eq!((edited.name.as_str(), edited.state), ("Hugin", AgentState::Off));
    assert_eq!((edited.personality, edited.audience), (made.personality, made.audience));
    let wrong = EditAgent { temperature: Some(9.0), ..EditAgent::default() };
    let wrong = ada.client.edit_agent("munin", &wrong).await;
    assert!(matches!(wrong, Err(ClientError::Refused { status: 400, .. })), "{wrong:?}");
    let message = NewMessage { text: "good bye".to_owned(), attachments: Vec::new() };
    ada.client.say(&talk.id, &message).await.unwrap();
    let folder = ada.folder.path().join("agents/munin");
    assert!(folder.join("identity.json").exists());
    within(ada.client.remove_agent("munin")).await.unwrap();
    assert!(!folder.exists());
    find(&mut told, |event| matches!(event, Event::AgentRemoved { .. }).then_some(())).await;
    assert!(ada.client.agents().await.unwrap().is_empty());
    assert!(matches!(ada.client.remove_agent("munin").await, Err(ClientError::Refused { status: 404, .. })));
    ada.client.remove_model("tiny").await.unwrap();
    assert_eq!(ada.client.topic(&talk.id).await.unwrap().id, talk.id);
    let report = ada.client.examine().await.unwrap();
    assert!(report.findings.iter().all(|finding| finding.level < Level::Error), "{report:?}");
}

//! AIs of ours: made, opened, changed, removed; and what they say to whom.

use ratatosk_objects::typed::{Llm, Profile, Typed as _};
use ratatosk_store::SharedRoot;

use super::super::genesis::default_profile;
use super::super::{
    Affirmed, AgentEdit, AgentSettings, AgentState, Audience, HomeError, MAX_AGENTS, MAX_CONSIDERED, ModelError,
    NewAgent, Preset, db,
};
use super::*;

pub(super) fn new_agent(slug: &str) -> NewAgent {
    let settings = AgentSettings { model: "smollm2".into(), ..AgentSettings::default() };
    NewAgent { slug: slug.into(), name: format!("Name of {slug}"), settings }
}

/// A text in a topic, with what is known of who has written it.
fn said(node: &Node, topic: &str) -> Vec<(String, Affirmed)> {
    let page = node.messages(topic, None, 1000).unwrap();
    page.messages.into_iter().map(|message| (message.text, message.affirmed)).collect()
}

#[test]
fn an_ai_is_made_with_all_that_belongs_to_it() {
    let a = Person::new("a@peer.test");
    a.node.set_comm_server("ws://localhost:8000").unwrap();
    let agent = a.node.create_agent(&new_agent("helper")).unwrap();
    assert_eq!(
        (agent.slug.as_str(), agent.name.as_str(), agent.state),
        ("helper", "Name of helper", AgentState::Ready)
    );
    assert_eq!((agent.email.owner, agent.usage_count, agent.last_used), (a.id(), 0, None));
    assert_eq!(a.node.agents().unwrap(), vec![agent.clone()]);

    let contact = a.node.contact(agent.person).unwrap().unwrap();
    assert_eq!(contact.ai().as_ref(), Some(&agent.email));
    assert_eq!(contact.name.as_deref(), Some("Name of helper"));
    assert_eq!(contact.status.as_deref(), Some("AI · smollm2 · hosted by Name of a@peer.test"));
    assert!(contact.introduced && contact.person_keys.len() == 1 && contact.sign_keys.len() == 1);
    assert_eq!(contact.endpoints[0].url.as_deref(), Some("ws://localhost:8000"));
    // It lives here: nobody dials it.
    assert!(a.node.endpoints().unwrap().is_empty());

    let node = a.node.open_agent("helper").unwrap();
    assert_eq!((node.person(), node.owner(), a.node.owner()), (agent.person, Some(a.id()), None));
    assert_eq!(*node.instance_key().public(), contact.endpoints[0].key);
    assert!(node.endpoints().unwrap().is_empty() && node.contact(a.id()).unwrap().is_some());
    // Both stores have the very same profile.
    let id = default_profile(agent.person).unwrap();
    let profile = |node: &Node| node.store.read(|view| db::current::<Profile>(view, id)).unwrap().unwrap().hash;
    assert_eq!(profile(&node), profile(&a.node));
    let llm = a.node.store.read(|view| db::current::<Llm>(view, super::super::ai::llm_id(&agent.email)?));
    let llm = llm.unwrap().unwrap().value;
    assert_eq!((llm.person_id, llm.filename.as_str(), llm.active), (Some(agent.person), "smollm2", true));
    assert!(a.node.examine().unwrap().is_empty(), "{:?}", a.node.examine().unwrap());
    assert!(a.node.repair().unwrap().is_empty());
}

#[test]
fn an_ai_is_the_same_after_a_restart_and_opens_without_being_asked_for_anything() {
    let a = Person::new("a@peer.test");
    let agent = a.node.create_agent(&new_agent("helper")).unwrap();
    let key = *a.node.open_agent("helper").unwrap().instance_key().public();
    let a = a.restart();
    assert_eq!(a.node.agent("helper").unwrap(), agent);
    let node = a.node.open_agent("helper").unwrap();
    assert_eq!(*node.instance_key().public(), key);
    assert!(Arc::ptr_eq(&node, &a.node.open_agent("helper").unwrap()));
    // Nobody else opens it.
    let dir = a.folder.path().join("agents/helper");
    drop(node);
    let b = Person::new("b@peer.test");
    let email = agent.email.to_string();
    let refused = Home::open(&dir, &Protection::Owner(b.node.home().secrets().agent_key(&email)));
    assert!(matches!(refused, Err(HomeError::OtherOwner(_))));
    assert!(matches!(Home::open(&dir, &Protection::KeyFile(None)), Err(HomeError::OtherProtection(_))));
    assert!(Home::open(&dir, &Protection::Owner(a.node.home().secrets().agent_key(&email))).is_ok());
}

#[test]
fn what_no_ai_can_be_is_refused() {
    let a = Person::new("a@peer.test");
    let slugs = ["", "A", "a b", "-a", "a-", "a--b", "../a", "a/b", "ä", "a\0", &"a".repeat(33)].map(new_agent);
    for new in &slugs {
        assert!(matches!(a.node.create_agent(new), Err(ModelError::BadSlug)), "{:?}", new.slug);
    }
    let good = new_agent("helper");
    let with = |settings| NewAgent { settings, ..good.clone() };
    for new in [
        NewAgent { name: String::new(), ..good.clone() },
        NewAgent { name: "a\nb".into(), ..good.clone() },
        NewAgent { name: "x".repeat(300), ..good.clone() },
        with(AgentSettings { personality: "x".repeat(20_000), ..AgentSettings::default() }),
        with(AgentSettings { personality: "a\u{1b}[2J".into(), ..AgentSettings::default() }),
        with(AgentSettings { model: "a\nb".into(), ..AgentSettings::default() }),
        with(AgentSettings { temperature: Some(f64::NAN), ..AgentSettings::default() }),
        with(AgentSettings { temperature: Some(-0.1), ..AgentSettings::default() }),
        with(AgentSettings { max_tokens: 0, ..AgentSettings::default() }),
        with(AgentSettings { context: u32::MAX, ..AgentSettings::default() }),
    ] {
        assert!(a.node.create_agent(&new).is_err(), "{new:?}");
    }
    assert!(a.node.agents().unwrap().is_empty() && !a.folder.path().join("agents").exists());
    // The longest that is allowed, of letters that take most room.
    let long = AgentSettings { personality: "\n".repeat(16 << 10), ..AgentSettings::default() };
    a.node.create_agent(&with(long)).unwrap();
    assert!(matches!(a.node.create_agent(&good), Err(ModelError::AgentExists(_))));
    assert!(matches!(a.node.open_agent("other"), Err(ModelError::UnknownAgent(_))));
    // AIs have none of their own.
    let node = a.node.open_agent("helper").unwrap();
    assert!(matches!(node.create_agent(&new_agent("child")), Err(ModelError::OfAgent)));
}

#[test]
fn there_is_an_end_to_the_number_of_ais() {
    let a = Person::new("a@peer.test");
    for number in 0..MAX_AGENTS {
        a.node.create_agent(&new_agent(&format!("helper-{number}"))).unwrap();
    }
    assert!(matches!(a.node.create_agent(&new_agent("more")), Err(ModelError::TooMuch { .. })));
    a.node.remove_agent("helper-7").unwrap();
    a.node.create_agent(&new_agent("more")).unwrap();
    assert_eq!(a.node.agents().unwrap().len(), MAX_AGENTS);
}

#[test]
fn a_change_is_told_in_both_stores() {
    let (a, b) = pair();
    a.node.set_comm_server("ws://one.test").unwrap();
    a.node.create_agent(&new_agent("helper")).unwrap();
    let node = a.node.open_agent("helper").unwrap();
    sync(&a, &b);
    let settings = AgentSettings {
        model: "other".into(),
        preset: Preset::Precise,
        temperature: Some(0.25),
        active: false,
        ..AgentSettings::default()
    };
    let edit = AgentEdit { name: Some("Someone else".into()), settings: Some(settings.clone()) };
    let agent = a.node.edit_agent("helper", &edit).unwrap();
    assert_eq!((agent.name.as_str(), &agent.settings), ("Someone else", &settings));
    a.node.set_comm_server("ws://other.test").unwrap();
    a.node.set_name("Ada").unwrap();
    a.node.refresh_agents().unwrap();
    assert_eq!(node.name().unwrap(), "Someone else");
    for _ in 0..2 {
        sync(&a, &b);
        sync_nodes(&a.node, &node);
        for node in [&a.node, &b.node] {
            let contact = node.contact(agent.person).unwrap().unwrap();
            assert_eq!(contact.name.as_deref(), Some("Someone else"));
            assert_eq!(contact.status.as_deref(), Some("AI · other · hosted by Ada"));
            assert_eq!(contact.endpoints[0].url.as_deref(), Some("ws://other.test"));
        }
    }
    assert_eq!(a.node.edit_agent("helper", &AgentEdit::default()).unwrap(), a.node.agent("helper").unwrap());
    assert!(a.node.examine().unwrap().is_empty(), "{:?}", a.node.examine().unwrap());
}

#[test]
fn a_removed_ai_is_gone_and_what_it_has_said_stays() {
    let (a, b) = pair();
    let agent = a.node.create_agent(&new_agent("helper")).unwrap();
    let node = a.node.open_agent("helper").unwrap();
    let topic = a.node.topic_with(agent.person).unwrap().id.to_string();
    a.node.post(&topic, "hello", vec![]).unwrap();
    sync_nodes(&a.node, &node);
    node.post_answer(&topic, "hello yourself", &[]).unwrap();
    sync_nodes(&a.node, &node);
    assert!(matches!(a.node.remove_agent("helper"), Err(ModelError::AgentInUse(_))));
    drop(node);
    a.node.remove_agent("helper").unwrap();
    assert!(a.node.agents().unwrap().is_empty() && !a.folder.path().join("agents/helper").exists());
    assert!(matches!(a.node.open_agent("helper"), Err(ModelError::UnknownAgent(_))));
    let root = SharedRoot::Id(default_profile(agent.person).unwrap());
    assert!(!a.node.store.read(|view| view.is_shared(&b.id(), root)).unwrap());
    let expected = [("hello".to_owned(), Affirmed::Verified), ("hello yourself".to_owned(), Affirmed::Verified)];
    assert_eq!(said(&a.node, &topic), expected);
    assert_eq!(a.node.identities().unwrap().len(), 2, "ourselves and b");
    assert!(a.node.examine().unwrap().is_empty(), "{:?}", a.node.examine().unwrap());
    // The same short name is somebody else.
    let again = a.node.create_agent(&new_agent("helper")).unwrap();
    assert_ne!(again.person, agent.person);
    assert!(a.node.examine().unwrap().is_empty());
}

#[test]
fn nobody_pairs_as_an_ai_of_ours() {
    let a = Person::new("a@peer.test");
    let agent = a.node.create_agent(&new_agent("helper")).unwrap();
    for email in [agent.email.to_string(), format!("other-00000000@{}.ai.invalid", a.id())] {
        let stranger = Person::new(&email);
        assert!(matches!(a.node.add_contact(&stranger.identity()), Err(ModelError::NotOurAgent)));
    }
}

#[test]
fn an_answer_and_what_it_answers_are_noted_together() {
    let a = Person::new("a@peer.test");
    let agent = a.node.create_agent(&new_agent("helper")).unwrap();
    let node = a.node.open_agent("helper").unwrap();
    let topic = a.node.topic_with(agent.person).unwrap().id.to_string();
    let asked = a.node.post(&topic, "hello", vec![]).unwrap().id;
    sync_nodes(&a.node, &node);
    assert!(node.considered(&topic).unwrap().is_empty());
    node.post_answer(&topic, "yes", &[asked, asked]).unwrap();
    node.post_answer(&topic, "yes again", &[asked]).unwrap();
    assert_eq!(node.considered(&topic).unwrap(), [asked]);
    // What cannot be posted answers nothing.
    let other = ratatosk_objects::ObjectHash::from_bytes([9; 32]);
    assert!(node.post_answer(&topic, &"&".repeat(4 << 20), &[other]).is_err());
    assert_eq!(node.considered(&topic).unwrap(), [asked]);
    let many = (0..=u16::MAX).step_by(97).map(|number| {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        ratatosk_objects::ObjectHash::from_bytes(bytes)
    });
    let many: Vec<_> = many.collect();
    node.consider(&topic, &many).unwrap();
    let kept = node.considered(&topic).unwrap();
    assert_eq!((kept.len(), kept.last(), kept.contains(&asked)), (MAX_CONSIDERED, many.last(), false));
    assert!(matches!(node.considered("nothing"), Err(ModelError::UnknownTopic)));
}

#[test]
fn answers_are_counted_without_making_the_store_grow() {
    let a = Person::new("a@peer.test");
    let agent = a.node.create_agent(&new_agent("helper")).unwrap();
    a.node.agent_used("helper").unwrap();
    let objects = |person: &Person| person.node.store.check(|_| ()).unwrap().objects;
    let before = objects(&a);
    for _ in 0..50 {
        a.node.agent_used("helper").unwrap();
    }
    assert_eq!(objects(&a), before);
    let used = a.node.agent("helper").unwrap();
    assert!(used.usage_count == 51 && used.last_used.is_some_and(|time| time > START), "{used:?}");
    let llm = |person: &Person| {
        let read = person.node.store.read(|view| db::current::<Llm>(view, super::super::ai::llm_id(&agent.email)?));
        read.unwrap().unwrap().value
    };
    a.node.flush_usage().unwrap();
    assert_eq!(llm(&a).usage_count, Some(51));
    assert!(llm(&a).last_used.starts_with("2026-11-"), "{}", llm(&a).last_used);
    let after = objects(&a);
    a.node.flush_usage().unwrap();
    assert_eq!(objects(&a), after);
    a.set_clock(START + 2 * 3_600_000);
    a.node.agent_used("helper").unwrap();
    assert_eq!(llm(&a).usage_count, Some(52));
    assert!(matches!(a.node.agent_used("other"), Err(ModelError::UnknownAgent(_))));
    let a = a.restart();
    assert_eq!(a.node.agent("helper").unwrap().usage_count, 52);
    assert_eq!(Llm::TYPE, "LLM");
}

#[test]
fn how_important_a_topic_is_is_ours_alone() {
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap();
    assert_eq!(a.node.topic_priority(&topic.channel).unwrap(), 5);
    a.node.set_topic_priority(&topic.channel, 9).unwrap();
    for wrong in [0, 11, 255] {
        assert!(matches!(a.node.set_topic_priority(&topic.channel, wrong), Err(ModelError::OutOfRange { .. })));
    }
    let nothing = ratatosk_objects::IdHash::from_bytes([3; 32]);
    assert!(matches!(a.node.set_topic_priority(&nothing, 3), Err(ModelError::UnknownTopic)));
    sync(&a, &b);
    let a = a.restart();
    assert_eq!(a.node.topic_priority(&topic.channel).unwrap(), 9);
    assert_eq!(b.node.topic_priority(&topic.channel).unwrap(), 5);
}

/// Two people and two AIs, on two machines, in one group: everybody sees the same, with everybody's signatures.
#[test]
fn people_and_ais_talk_in_a_group() {
    let (a, b) = pair();
    let ours = a.node.create_agent(&new_agent("ours")).unwrap();
    let theirs = b.node.create_agent(&NewAgent { name: "Other".into(), ..new_agent("theirs") }).unwrap();
    sync(&a, &b);
    let (one, two) = (a.node.open_agent("ours").unwrap(), b.node.open_agent("theirs").unwrap());
    one.mirror(&a.node.identities_for(&ours).unwrap()).unwrap();
    two.mirror(&b.node.identities_for(&theirs).unwrap()).unwrap();
    let group = a.node.create_group("all", &[b.id(), ours.person, theirs.person]).unwrap().id.to_string();
    let nodes = [&a.node, &b.node, &one, &two];
    let everybody = || {
        for _ in 0..3 {
            for (index, left) in nodes.iter().enumerate() {
                nodes[index + 1..].iter().for_each(|right| drop(sync_nodes(left, right)));
            }
        }
    };
    a.node.post(&group, "from a", vec![]).unwrap();
    everybody();
    b.node.post(&group, "from b", vec![]).unwrap();
    one.post_answer(&group, "from ours", &[]).unwrap();
    two.post_answer(&group, "from theirs", &[]).unwrap();
    everybody();
    let expected = said(&a.node, &group);
    assert_eq!(expected.len(), 4);
    assert!(expected.iter().all(|(_, affirmed)| *affirmed == Affirmed::Verified), "{expected:?}");
    for node in nodes {
        assert_eq!(said(node, &group), expected);
        assert_eq!(node.head(&group).unwrap(), a.node.head(&group).unwrap());
    }
    // Whoever is an AI is known to be one.
    assert!(one.contact(b.id()).unwrap().unwrap().ai().is_none());
    assert_eq!(one.contact(theirs.person).unwrap().unwrap().ai(), Some(theirs.email));
    for person in [&a, &b] {
        assert!(person.node.examine().unwrap().is_empty(), "{:?}", person.node.examine().unwrap());
    }
}

#[test]
fn an_audience_of_one_is_kept() {
    let (a, b) = pair();
    let private = AgentSettings { audience: Audience::Owner, ..AgentSettings::default() };
    let agent = a.node.create_agent(&NewAgent { settings: private, ..new_agent("helper") }).unwrap();
    let c = Person::new("c@peer.test");
    befriend(&a, &c);
    for other in [&b, &c] {
        sync(&a, other);
        assert!(other.node.contact(agent.person).unwrap().is_none());
    }
    let node = a.node.open_agent("helper").unwrap();
    let known =
        |node: &Node| node.contacts().unwrap().into_iter().filter(|contact| !contact.person_keys.is_empty()).count();
    assert_eq!(known(&node), 1);
    // Opened to all, and closed again.
    let edit = AgentEdit { settings: Some(AgentSettings::default()), name: None };
    a.node.edit_agent("helper", &edit).unwrap();
    sync(&a, &b);
    assert!(b.node.contact(agent.person).unwrap().unwrap().introduced);
    assert_eq!(known(&node), 3);
    let closed = AgentSettings { audience: Audience::Owner, ..AgentSettings::default() };
    a.node.edit_agent("helper", &AgentEdit { settings: Some(closed), name: None }).unwrap();
    assert_eq!(known(&node), 1);
    let d = Person::new("d@peer.test");
    befriend(&a, &d);
    for other in [&c, &d] {
        sync(&a, other);
        assert!(other.node.contact(agent.person).unwrap().is_none());
    }
    assert!(a.node.examine().unwrap().is_empty(), "{:?}", a.node.examine().unwrap());
}

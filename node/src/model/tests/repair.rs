//! Whatever is interrupted or lost of an AI is named, and mended as far as it can be.

use ratatosk_objects::typed::Leute;
use ratatosk_store::{SettingKey, SharedRoot};

use super::super::ai::{Removal, Step};
use super::super::genesis::{default_profile, leute_id};
use super::super::{AgentState, ModelError, Problem, Repaired, db};
use super::agents::new_agent;
use super::*;

fn problems(person: &Person) -> Vec<Problem> {
    person.node.examine().unwrap()
}

fn interrupted() -> ModelError {
    ModelError::UnknownTopic
}

/// Mends, after which nothing is left to be mended.
fn repaired(person: &Person) -> Vec<Repaired> {
    let repaired = person.node.repair().unwrap();
    assert!(problems(person).is_empty(), "{:?}", problems(person));
    assert!(person.node.repair().unwrap().is_empty());
    repaired
}

const STEPS: [Step; 4] = [Step::Keys, Step::Node, Step::Profile, Step::Recorded];

fn create_until(person: &Person, last: Step) {
    let mut done = |step| if step == last { Err(interrupted()) } else { Ok(()) };
    assert!(person.node.create_agent_in_steps(&new_agent("helper"), &mut done).is_err());
}

#[test]
fn a_creation_that_was_interrupted_is_taken_back() {
    for last in STEPS {
        let a = Person::new("a@peer.test");
        create_until(&a, last);
        let a = a.restart();
        if last == Step::Recorded {
            assert!(problems(&a).is_empty(), "{:?}", problems(&a));
            assert!(a.node.open_agent("helper").unwrap().contact(a.id()).unwrap().is_some());
            continue;
        }
        assert!(a.node.agents().unwrap().is_empty() && a.node.contacts().unwrap().is_empty());
        let found = problems(&a);
        assert!(matches!(found.as_slice(), [Problem::FolderWithoutAgent(slug)] if slug == "helper"), "{found:?}");
        assert_eq!(repaired(&a), [Repaired::FolderDeleted("helper".into())], "{last:?}");
        assert!(!a.folder.path().join("agents/helper").exists());
        a.node.create_agent(&new_agent("helper")).unwrap();
    }
}

#[test]
fn a_creation_that_was_interrupted_can_be_repeated() {
    for last in &STEPS[..3] {
        let (a, b) = pair();
        create_until(&a, *last);
        let a = a.restart();
        let agent = a.node.create_agent(&new_agent("helper")).unwrap();
        assert_eq!(agent.state, AgentState::Ready);
        assert!(problems(&a).is_empty(), "{:?}", problems(&a));
        sync(&a, &b);
        assert!(b.node.contact(agent.person).unwrap().unwrap().introduced);
    }
}

/// The folder is there before its keys.
#[test]
fn an_empty_folder_is_in_nobodys_way() {
    let a = Person::new("a@peer.test");
    let dir = a.folder.path().join("agents/helper");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("identity.json.new"), "{").unwrap();
    assert!(matches!(problems(&a).as_slice(), [Problem::FolderWithoutAgent(_)]));
    assert_eq!(repaired(&a), [Repaired::FolderDeleted("helper".into())]);
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let (a, b) = (Person::new("a@peer.test"), Person::new("b@peer.test"));
    b.node.create_agent(&new_agent("theirs")).unwrap();
    let agents = a.folder.path().join("agents");
    std::fs::create_dir_all(agents.join("photos")).unwrap();
    std::fs::write(agents.join("photos/cat.jpg"), "meow").unwrap();
    std::fs::write(agents.join("notes"), "x").unwrap();
    drop(b.node);
    std::fs::rename(b.folder.path().join("agents/theirs"), agents.join("theirs")).unwrap();
    let found = problems(&a);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().all(|problem| matches!(problem, Problem::StrangeFolder { .. }) && !problem.is_repairable()));
    assert!(a.node.repair().unwrap().is_empty());
    assert!(agents.join("photos/cat.jpg").exists() && agents.join("theirs/identity.json").exists());
    assert!(a.node.create_agent(&new_agent("theirs")).is_err());
}

#[test]
fn a_removal_that_was_interrupted_is_ended() {
    for last in [Removal::Marked, Removal::Deleted] {
        let a = Person::new("a@peer.test");
        a.node.create_agent(&new_agent("helper")).unwrap();
        let mut done = |step| if step == last { Err(interrupted()) } else { Ok(()) };
        assert!(a.node.remove_agent_in_steps("helper", &mut done).is_err());
        let a = a.restart();
        assert_eq!(a.node.agent("helper").unwrap().state, AgentState::Removing);
        assert!(matches!(a.node.open_agent("helper"), Err(ModelError::AgentRemoving(_))));
        assert!(matches!(a.node.create_agent(&new_agent("helper")), Err(ModelError::AgentExists(_))));
        let found = problems(&a);
        assert!(matches!(found.as_slice(), [Problem::RemovalInterrupted(_)]), "{found:?}");
        assert_eq!(repaired(&a), [Repaired::Removed("helper".into())]);
        assert!(a.node.agents().unwrap().is_empty());
    }
}

#[test]
fn an_ai_without_its_folder_is_inactive_and_that_is_said() {
    let a = Person::new("a@peer.test");
    a.node.create_agent(&new_agent("helper")).unwrap();
    std::fs::remove_dir_all(a.folder.path().join("agents/helper")).unwrap();
    assert_eq!(a.node.agent("helper").unwrap().state, AgentState::KeysLost);
    assert!(matches!(a.node.open_agent("helper"), Err(ModelError::AgentKeysLost(_))));
    let found = problems(&a);
    assert!(matches!(found.as_slice(), [Problem::AgentKeysLost(_)]), "{found:?}");
    assert!(found[0].to_string().contains("keys"));
    assert_eq!(repaired(&a), [Repaired::Inactive("helper".into())]);
    assert!(!a.node.agent("helper").unwrap().settings.active);
    a.node.refresh_agents().unwrap();
    a.node.remove_agent("helper").unwrap();
    assert!(a.node.agents().unwrap().is_empty());
}

/// A store that lost something: each thing, one after the other.
#[test]
fn what_the_store_has_lost_of_an_ai_is_made_anew_from_its_own_node() {
    type Loss = fn(&Person, &super::super::Agent);
    let losses: [(&str, Loss); 5] = [
        ("someone", |a, _| {
            let now = a.node.now();
            let lose = |tx: &mut ratatosk_store::Transaction<'_>| -> Result<(), ModelError> {
                let leute = db::current::<Leute>(tx, leute_id()?)?.unwrap().value;
                db::store(tx, &Leute { other: vec![], ..leute }, now).map(drop)
            };
            a.node.change(lose).unwrap();
        }),
        ("keys", |a, agent| {
            a.node.forget_keys(agent.person).unwrap();
        }),
        ("introduction", |a, agent| {
            let root = SharedRoot::Id(default_profile(agent.person).unwrap());
            let people: Vec<_> = a.node.contacts().unwrap().iter().map(|contact| contact.person).collect();
            let lose = |tx: &mut ratatosk_store::Transaction<'_>| -> Result<(), ModelError> {
                super::super::sharing::unshare(tx, default_profile(agent.person)?, &people, START)?;
                for person in &people {
                    tx.unshare(person, root)?;
                }
                Ok(())
            };
            a.node.change(lose).unwrap();
        }),
        ("profile", |a, agent| {
            let empty = super::super::genesis::empty_profile(agent.person);
            let now = a.node.now();
            a.node.change(|tx| db::store(tx, &empty, now).map(drop)).unwrap();
        }),
        ("our profile", |a, agent| {
            let root = SharedRoot::Id(default_profile(a.id()).unwrap());
            a.node.change(|tx| tx.unshare(&agent.person, root).map(drop)).unwrap();
        }),
    ];
    for (what, lose) in losses {
        let (a, b) = pair();
        let agent = a.node.create_agent(&new_agent("helper")).unwrap();
        lose(&a, &agent);
        if what == "someone" {
            a.node.add_contact(&b.identity()).unwrap();
        }
        let found = problems(&a);
        let is_named = |problem: &Problem| matches!(problem, Problem::AgentIncomplete { .. });
        assert!(found.iter().any(is_named), "{what}: {found:?}");
        assert_eq!(repaired(&a), [Repaired::Anew("helper".into())], "{what}");
        assert_eq!(a.node.agent("helper").unwrap().name, "Name of helper");
        sync(&a, &b);
        assert!(b.node.contact(agent.person).unwrap().unwrap().introduced, "{what}");
    }
}

#[test]
fn lost_settings_are_those_that_do_nothing() {
    let a = Person::new("a@peer.test");
    let agent = a.node.create_agent(&new_agent("helper")).unwrap();
    let key: SettingKey<String> = SettingKey::of("agent", agent.email.local());
    for damage in [None, Some("{".to_owned())] {
        a.node
            .store
            .transaction(|tx| match &damage {
                None => tx.clear_setting(&key),
                Some(text) => tx.set_setting(&key, text),
            })
            .unwrap();
        let found = problems(&a);
        assert!(matches!(found.as_slice(), [Problem::AgentSettingsLost(_)]), "{found:?}");
        assert_eq!(repaired(&a), [Repaired::Settings("helper".into())]);
        let settings = a.node.agent("helper").unwrap().settings;
        assert!(!settings.active && settings.model == "smollm2");
    }
}

/// The owner's store is older than the AI: it was restored from a backup.
#[test]
fn an_ai_that_others_know_is_adopted() {
    let (a, b) = pair();
    let agent = a.node.create_agent(&new_agent("helper")).unwrap();
    let topic = a.node.topic_with(agent.person).unwrap().id.to_string();
    let node = a.node.open_agent("helper").unwrap();
    a.node.post(&topic, "hello", vec![]).unwrap();
    sync_nodes(&a.node, &node);
    drop(node);
    let llm = super::super::ai::llm_id(&agent.email).unwrap();
    a.node
        .change(|tx| -> Result<(), ModelError> {
            tx.unpin("agents", ratatosk_objects::Reference::Id(llm))?;
            tx.clear_setting(&SettingKey::<String>::of("agent", agent.email.local()))?;
            Ok(())
        })
        .unwrap();
    assert!(a.node.agents().unwrap().is_empty());
    let found = problems(&a);
    assert!(found.iter().all(Problem::is_repairable) && found.len() == 2, "{found:?}");
    assert_eq!(repaired(&a), [Repaired::Adopted("helper".into())]);
    let again = a.node.agent("helper").unwrap();
    assert_eq!((again.person, again.settings.active, again.state), (agent.person, false, AgentState::Ready));
    drop(b);
}

#[test]
fn an_entry_of_the_address_book_that_leads_to_nobody_is_taken_out() {
    let (a, b) = pair();
    let now = a.node.now();
    a.node
        .change(|tx| -> Result<(), ModelError> {
            let mut leute = db::current::<Leute>(tx, leute_id()?)?.unwrap().value;
            let someone = ratatosk_objects::typed::Someone {
                someone_id: "lost".into(),
                main_profile: default_profile(b.id())?,
                identities: vec![],
            };
            leute.other.push(db::put_id(tx, &someone)?);
            db::store(tx, &leute, now).map(drop)
        })
        .unwrap();
    assert!(matches!(problems(&a).as_slice(), [Problem::ContactMissing(_)]), "{:?}", problems(&a));
    assert_eq!(repaired(&a), [Repaired::AddressBook(1)]);
    assert_eq!(a.node.contacts().unwrap().len(), 1);
}

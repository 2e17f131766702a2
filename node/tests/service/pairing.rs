//! Invitations, and what becomes of them.

use std::time::Duration;

use ratatosk_node::model::Change;
use ratatosk_node::service::{News, ServiceError};
use ratatosk_pairing::{Invitation, Token};
use ratatosk_protocol::driver::os_entropy;

use super::support::{Person, config, pair, relay, url, within};

#[tokio::test(flavor = "multi_thread")]
async fn two_people_become_contacts_and_learn_each_others_names() {
    let relay = relay().await;
    let (mut anna, mut bert) = (Person::new("anna", &url(&relay)).await, Person::new("bert", &url(&relay)).await);
    pair(&mut anna, &mut bert).await;
    let (a, b) = (anna.id(), bert.id());
    for (one, other, initiated, name) in [(&mut anna, b, false, "bert"), (&mut bert, a, true, "anna")] {
        let told = one.find(|news| match news {
            News::Paired { person, initiated, .. } => Some((*person, *initiated)),
            _ => None,
        });
        assert_eq!(told.await, (other, initiated));
        one.find(|news| matches!(news, News::Changed(Change::Profile(person)) if *person == other).then_some(())).await;
        let contact = one.node.contact(other).unwrap().unwrap();
        assert_eq!((contact.name.as_deref(), contact.email), (Some(name), format!("{name}@example.test")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_good_once() {
    let relay = relay().await;
    let (mut anna, bert) = (Person::new("anna", &url(&relay)).await, Person::new("bert", &url(&relay)).await);
    let carl = Person::new("carl", &url(&relay)).await;
    let invitation = anna.service.invite().await.unwrap();
    within(bert.service.accept(invitation.clone())).await.unwrap();
    let refused = within(carl.service.accept(invitation)).await.unwrap_err();
    assert!(refused.to_string().contains("Authentication token is not existing."), "{refused}");
    anna.connected(bert.id()).await;
    assert_eq!(anna.node.contacts().unwrap().len(), 1);
    assert!(carl.node.contacts().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_expired_and_revoked_invitations_lead_to_nothing() {
    let relay = relay().await;
    let mut short = config(&url(&relay));
    short.invitation_life = Duration::from_millis(1);
    let (anna, bert) = (Person::with("anna", short).await, Person::new("bert", &url(&relay)).await);
    let expired = anna.service.invite().await.unwrap();
    // Its life is one millisecond.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let wrong = Invitation { token: Token::generate(os_entropy().as_mut()), ..expired.clone() };
    let carl = Person::new("carl", &url(&relay)).await;
    let revoked = carl.service.invite().await.unwrap();
    carl.service.revoke(&revoked.token).await.unwrap();
    for invitation in [expired, wrong, revoked] {
        let refused = within(bert.service.accept(invitation)).await.unwrap_err();
        assert!(refused.to_string().contains("Authentication token is not existing."), "{refused}");
    }
    for person in [anna, bert, carl] {
        assert!(person.node.contacts().unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_there_cannot_be_paired_with() {
    let relay = relay().await;
    let (anna, bert) = (Person::new("anna", &url(&relay)).await, Person::new("bert", &url(&relay)).await);
    let invitation = anna.service.invite().await.unwrap();
    let stopped = anna.stop().await;
    let refused = within(bert.service.accept(invitation.clone())).await.unwrap_err();
    assert!(matches!(&refused, ServiceError::NotPaired(text) if text.contains("ask for a new one")), "{refused}");
    // The invitation has not suffered, and outlives the program that made it.
    let mut anna = stopped.start().await;
    within(bert.service.accept(invitation)).await.unwrap();
    anna.connected(bert.id()).await;
    assert_eq!(anna.node.contacts().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pairing_again_changes_nothing() {
    let relay = relay().await;
    let (mut anna, mut bert) = (Person::new("anna", &url(&relay)).await, Person::new("bert", &url(&relay)).await);
    pair(&mut anna, &mut bert).await;
    let invitation = bert.service.invite().await.unwrap();
    within(anna.service.accept(invitation)).await.unwrap();
    for person in [&anna, &bert] {
        let contacts = person.node.contacts().unwrap();
        assert_eq!((contacts.len(), contacts[0].endpoints.len()), (1, 1));
    }
    let topic = anna.topic(bert.id());
    anna.say(&topic, "still there?");
    bert.hears("still there?").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pairs_with_themselves() {
    let relay = relay().await;
    let anna = Person::new("anna", &url(&relay)).await;
    let invitation = anna.service.invite().await.unwrap();
    within(anna.service.accept(invitation)).await.unwrap_err();
    assert!(anna.node.contacts().unwrap().is_empty());
}

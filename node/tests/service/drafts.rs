//! What somebody is writing, at those who look on.

use ratatosk_node::service::{AnswerId, Draft, DraftState, DraftUpdate, News, link};
use ratatosk_objects::PersonId;

use super::support::{Person, introduce, pair, relay, url};

/// Writes a piece.
fn write(person: &Person, topic: &str, answer: u8, offset: usize, text: &str, state: DraftState) {
    let answer = AnswerId::from_bytes([answer; 16]);
    person.service.draft(topic, DraftUpdate { answer, offset: offset as u64, text: text.to_owned(), state });
}

/// Waits for the end of a draft, and gives the whole text.
async fn watches(person: &mut Person, author: PersonId, answer: u8) -> (String, DraftState) {
    let answer = AnswerId::from_bytes([answer; 16]);
    let mut text = String::new();
    loop {
        let piece = |news: &News| match news {
            News::Draft { person, draft } if draft.answer == answer => Some((*person, draft.clone())),
            _ => None,
        };
        let (by, Draft { offset, text: piece, state, .. }) = person.find(piece).await;
        assert_eq!(by, author);
        text.truncate(usize::try_from(offset).unwrap());
        text.push_str(&piece);
        if state.is_final() {
            return (text, state);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_seen_by_who_takes_part_and_by_nobody_else() {
    let relay = relay().await;
    let mut anna = Person::new("anna", &url(&relay)).await;
    let (mut bert, mut carl) = (Person::new("bert", &url(&relay)).await, Person::new("carl", &url(&relay)).await);
    pair(&mut anna, &mut bert).await;
    pair(&mut anna, &mut carl).await;
    let (topic, other) = (anna.topic(bert.id()), anna.topic(carl.id()));
    let mut written = String::new();
    for number in 0..2000 {
        let word = format!("wörd {number} ");
        write(&anna, &topic, 1, written.len(), &word, DraftState::Writing);
        written.push_str(&word);
    }
    write(&anna, &topic, 1, written.len(), "", DraftState::Done);
    anna.say(&topic, &written);
    write(&anna, &other, 2, 0, "for carl", DraftState::Failed);
    assert_eq!(watches(&mut bert, anna.id(), 1).await, (written.clone(), DraftState::Done));
    bert.hears(&written).await;
    assert_eq!(watches(&mut carl, anna.id(), 2).await, ("for carl".to_owned(), DraftState::Failed));
    let seen = |person: &mut Person| person.told().iter().filter(|news| matches!(news, News::Draft { .. })).count();
    assert_eq!((seen(&mut bert), seen(&mut carl)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_in_the_middle_sees_it_from_the_beginning() {
    let nowhere = "ws://127.0.0.1:9";
    let (mut anna, mut robot) = (Person::offline("anna", nowhere).await, Person::offline("robot", nowhere).await);
    introduce(&anna, &robot);
    let topic = anna.topic(robot.id());
    write(&anna, &topic, 1, 0, "Once upon", DraftState::Writing);
    write(&anna, &topic, 2, 0, "is over already", DraftState::Done);
    let _link = link(&anna.service, &robot.service);
    anna.connected(robot.id()).await;
    write(&anna, &topic, 1, 9, " a time", DraftState::Cancelled);
    assert_eq!(watches(&mut robot, anna.id(), 1).await, ("Once upon a time".to_owned(), DraftState::Cancelled));
    // Nobody's topic, or one of others, is shown to nobody.
    write(&robot, "chat", 3, 0, "x", DraftState::Done);
    write(&robot, &topic, 4, 0, "seen", DraftState::Done);
    assert_eq!(watches(&mut anna, robot.id(), 4).await.0, "seen");
}

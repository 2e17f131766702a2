//! Whatever people do and whoever meets whom when: once everybody has met, everybody has the same.

use proptest::prelude::*;

use super::*;

/// What somebody does.
#[derive(Clone, Debug)]
enum Action {
    /// In the common topic, or in that with the next person.
    Post {
        who: usize,
        common: bool,
    },
    /// Two meet.
    Meet(usize, usize),
    /// Somebody's clock goes elsewhere.
    Clock {
        who: usize,
        to: u64,
    },
    Restart(usize),
    Rename(usize),
}

const PEOPLE: usize = 3;

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (0..PEOPLE, any::<bool>()).prop_map(|(who, common)| Action::Post { who, common }),
        3 => (0..PEOPLE, 1..PEOPLE).prop_map(|(one, step)| Action::Meet(one, (one + step) % PEOPLE)),
        1 => (0..PEOPLE, 0..600_000_u64).prop_map(|(who, to)| Action::Clock { who, to }),
        1 => (0..PEOPLE).prop_map(Action::Restart),
        1 => (0..PEOPLE).prop_map(Action::Rename),
    ]
}

fn all_meet(people: &[Person]) {
    for _ in 0..2 {
        for (one, other) in [(0, 1), (1, 2), (2, 0)] {
            let talk = sync(&people[one], &people[other]);
            assert_eq!(talk.refused, [Vec::<String>::new(), vec![]]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everybody_ends_with_the_same(actions in prop::collection::vec(action(), 1..20)) {
        let mut people: Vec<_> = ["a@peer.test", "b@peer.test", "c@peer.test"].map(Person::new).into();
        for (one, other) in [(0, 1), (1, 2), (2, 0)] {
            befriend(&people[one], &people[other]);
        }
        let others: Vec<_> = people.iter().map(Person::id).collect();
        let common = people[0].node.create_group("all", &others).unwrap().id.to_string();
        all_meet(&people);
        let mut posted = 0;
        for (number, action) in actions.into_iter().enumerate() {
            match action {
                Action::Post { who, common: true } => {
                    people[who].node.post(&common, &number.to_string(), vec![]).unwrap();
                    posted += 1;
                }
                Action::Post { who, common: false } => {
                    let with = others[(who + 1) % PEOPLE];
                    let topic = people[who].node.topic_with(with).unwrap().id.to_string();
                    people[who].node.post(&topic, &number.to_string(), vec![]).unwrap();
                }
                Action::Meet(one, other) => drop(sync(&people[one], &people[other])),
                Action::Clock { who, to } => people[who].set_clock(START + to),
                Action::Restart(who) => {
                    let person = people.remove(who).restart();
                    people.insert(who, person);
                }
                Action::Rename(who) => people[who].node.set_name(&format!("name {number}")).unwrap(),
            }
        }
        all_meet(&people);
        prop_assert_eq!(people[0].texts(&common).len(), posted);
        for (one, other) in [(0, 1), (1, 2), (2, 0)] {
            let (one, other) = (&people[one], &people[other]);
            for topic in one.node.topics().unwrap() {
                if topic.id.names(one.id(), other.id()) {
                    let id = topic.id.to_string();
                    prop_assert_eq!(one.node.head(&id).unwrap(), other.node.head(&id).unwrap());
                    prop_assert_eq!(one.texts(&id), other.texts(&id));
                }
            }
            let name = one.node.contact(other.id()).unwrap().unwrap().name;
            prop_assert_eq!(name, Some(other.node.name().unwrap()));
        }
        for person in &people {
            let problems = person.node.integrity().unwrap();
            prop_assert!(problems.is_empty(), "{:?}", problems);
        }
    }
}

//! Random interleavings against a model that is too simple to be wrong.

use proptest::prelude::*;
use ratatosk_protocol::key::SecretKey;

use super::*;

const KEYS: u8 = 3;

fn key(number: u8) -> PublicKey {
    SecretKey::from_bytes([number + 1; 32]).public_key()
}

fn registry() -> Registry<u32, u32> {
    Registry::new(Limits { spares_per_key: 6, spares: 12, waiting_per_key: 4, ..Limits::default() })
}

#[derive(Clone, Debug)]
enum Step {
    Register(u8),
    Reserve(u8),
    GiveBack(usize),
    Remove(usize),
    /// Somebody asks for a key and waits if there is nothing.
    Ask(u8),
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..KEYS).prop_map(Step::Register),
        3 => (0..KEYS).prop_map(Step::Reserve),
        2 => any::<usize>().prop_map(Step::GiveBack),
        2 => any::<usize>().prop_map(Step::Remove),
        3 => (0..KEYS).prop_map(Step::Ask),
        1 => any::<usize>().prop_map(Step::Leave),
    ]
}

/// One spare as the model sees it.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    id: SpareId,
    key: u8,
    handle: u32,
    reserved: bool,
}

#[derive(Default)]
struct Model {
    spares: Vec<Known>,
    /// Keys whose last ready spare closed, until somebody asks or a spare comes.
    lost: [bool; KEYS as usize],
    /// Keys that had a spare.
    had: [bool; KEYS as usize],
    handles: u32,
    /// Who waits for which key, first come first.
    waiting: Vec<(WaiterId, u8, u32)>,
}

impl Model {
    fn ready(&self, key: u8) -> usize {
        self.spares.iter().filter(|spare| spare.key == key && !spare.reserved).count()
    }

    fn run(&mut self, registry: &mut Registry<u32, u32>, step: &Step, now: Instant) {
        match *step {
            Step::Register(number) => {
                let of_key = self.spares.iter().filter(|spare| spare.key == number).count();
                self.handles += 1;
                match registry.register(key(number), self.handles) {
                    Ok(id) => {
                        assert!(of_key < 6 && self.spares.len() < 12);
                        assert!(self.spares.iter().all(|spare| spare.id < id), "ids only grow");
                        self.spares.push(Known { id, key: number, handle: self.handles, reserved: false });
                        self.lost[usize::from(number)] = false;
                        self.turns(registry, number);
                    }
                    Err(Limit::SparesPerKey) => assert_eq!(of_key, 6),
                    Err(limit) => assert_eq!((limit, self.spares.len()), (Limit::Spares, 12)),
                }
            }
            Step::Reserve(number) => {
                let got = registry.reserve(&key(number));
                let newest = self.newest(number);
                assert_eq!(got, newest.as_ref().map(|spare| (spare.id, spare.handle)));
                if let Some(spare) = newest {
                    spare.reserved = true;
                } else {
                    let lost = std::mem::take(&mut self.lost[usize::from(number)]);
                    let none = registry.refuse(&key(number), now);
                    assert_eq!(none, if lost { NoSpare::JustLost } else { NoSpare::NoListener });
                }
            }
            Step::Ask(number) if self.ready(number) == 0 => {
                let expected = self.spares.iter().any(|spare| spare.key == number) || self.had[usize::from(number)];
                assert_eq!(registry.expects(&key(number), now), expected);
                self.handles += 1;
                let before = self.waiting.iter().filter(|(_, key, _)| *key == number).count();
                match registry.wait(key(number), self.handles) {
                    Ok(id) => self.waiting.push((id, number, self.handles)),
                    Err(limit) => assert_eq!((limit, before), (Limit::WaitingPerKey, 4)),
                }
            }
            Step::Ask(_) => {}
            Step::Leave(pick) => {
                if self.waiting.is_empty() {
                    return;
                }
                let (id, number, _) = self.waiting.remove(pick % self.waiting.len());
                assert!(registry.leave(&key(number), id));
                assert!(!registry.leave(&key(number), id));
            }
            Step::GiveBack(pick) => {
                if self.spares.is_empty() {
                    return;
                }
                let place = pick % self.spares.len();
                let spare = &mut self.spares[place];
                assert_eq!(registry.give_back(spare.id, spare.handle), spare.reserved);
                if spare.reserved {
                    spare.reserved = false;
                    let number = spare.key;
                    self.lost[usize::from(number)] = false;
                    self.turns(registry, number);
                }
            }
            Step::Remove(pick) => {
                if self.spares.is_empty() {
                    return;
                }
                let spare = self.spares.remove(pick % self.spares.len());
                registry.remove(spare.id, now);
                registry.remove(spare.id, now);
                assert!(!registry.give_back(spare.id, spare.handle), "what is gone does not come back");
                if !spare.reserved && self.ready(spare.key) == 0 {
                    self.lost[usize::from(spare.key)] = true;
                }
                if !self.spares.iter().any(|other| other.key == spare.key) {
                    self.had[usize::from(spare.key)] = true;
                }
            }
        }
    }

    fn newest(&mut self, number: u8) -> Option<&mut Known> {
        self.spares.iter_mut().filter(|spare| spare.key == number && !spare.reserved).max_by_key(|spare| spare.id)
    }

    /// A spare has become ready: whoever waits gets it, first come first.
    fn turns(&mut self, registry: &mut Registry<u32, u32>, number: u8) {
        while let Some(place) = self.waiting.iter().position(|(_, key, _)| *key == number) {
            let Some(spare) = self.newest(number) else { break };
            spare.reserved = true;
            let handle = spare.handle;
            let (_, _, waiter) = self.waiting.remove(place);
            assert_eq!(registry.turn(&key(number)), Some((waiter, handle)));
        }
        assert_eq!(registry.turn(&key(number)), None);
    }

    fn compare(&self, registry: &Registry<u32, u32>) {
        assert_eq!(registry.spares(), self.spares.len());
        assert_eq!(registry.waiting(), self.waiting.len());
        assert_eq!(registry.reserved(), self.spares.iter().filter(|spare| spare.reserved).count());
        let ready: usize = registry.keys.values().map(|spares| spares.ready.len()).sum();
        assert_eq!(ready + registry.reserved(), registry.spares());
        let keys = (0..KEYS).filter(|number| self.spares.iter().any(|spare| spare.key == *number)).count();
        assert_eq!(registry.keys(), keys);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// 256 runs of 500 steps.
    #[test]
    fn it_does_what_the_model_does(steps in prop::collection::vec(step(), 500)) {
        let now = Instant::now();
        let (mut registry, mut model) = (registry(), Model::default());
        for step in &steps {
            model.run(&mut registry, step, now);
            model.compare(&registry);
        }
        for spare in std::mem::take(&mut model.spares) {
            registry.remove(spare.id, now);
        }
        for (id, number, _) in std::mem::take(&mut model.waiting) {
            registry.leave(&key(number), id);
        }
        model.compare(&registry);
        prop_assert!(registry.keys.is_empty() && registry.held.is_empty());
    }
}

#[test]
fn the_newest_goes_first() {
    let mut registry = registry();
    for handle in 1..=4 {
        registry.register(key(0), handle).unwrap();
    }
    let order: Vec<_> = (0..3).map(|_| registry.reserve(&key(0)).unwrap().1).collect();
    assert_eq!(order, [4, 3, 2]);
}

#[test]
fn a_spare_given_back_keeps_its_place() {
    let mut registry = registry();
    registry.register(key(0), 1).unwrap();
    let (old, handle) = registry.reserve(&key(0)).unwrap();
    registry.register(key(0), 2).unwrap();
    assert!(registry.give_back(old, handle));
    assert_eq!(registry.reserve(&key(0)).unwrap().1, 2);
    assert_eq!(registry.reserve(&key(0)).unwrap().1, 1);
}

#[test]
fn closing_the_last_spare_is_told_once_and_handing_it_over_is_not_told() {
    let now = Instant::now();
    let mut registry = registry();
    let (a, b) = (registry.register(key(0), 1).unwrap(), registry.register(key(0), 2).unwrap());
    registry.remove(a, now);
    registry.remove(b, now);
    assert_eq!(registry.refuse(&key(0), now), NoSpare::JustLost);
    assert_eq!(registry.refuse(&key(0), now), NoSpare::NoListener);

    registry.register(key(0), 3).unwrap();
    let (id, _) = registry.reserve(&key(0)).unwrap();
    registry.remove(id, now);
    assert_eq!(registry.refuse(&key(0), now), NoSpare::NoListener);
}

#[test]
fn a_key_without_spares_is_expected_back_for_seconds_only() {
    let now = Instant::now();
    let mut registry = registry();
    assert!(!registry.expects(&key(0), now), "nobody has ever heard of it");
    let id = registry.register(key(0), 1).unwrap();
    registry.reserve(&key(0)).unwrap();
    assert!(registry.expects(&key(0), now));
    registry.remove(id, now);
    assert!(registry.expects(&key(0), now + EXPECTED / 2));
    assert!(!registry.expects(&key(0), now + EXPECTED));
}

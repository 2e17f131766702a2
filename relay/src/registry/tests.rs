//! Random interleavings against a model that is too simple to be wrong.

use proptest::prelude::*;
use ratatosk_protocol::key::SecretKey;

use super::*;

const KEYS: u8 = 3;

fn key(number: u8) -> PublicKey {
    SecretKey::from_bytes([number + 1; 32]).public_key()
}

fn registry() -> Registry<u32> {
    Registry::new(Limits { spares_per_key: 6, spares: 12, ..Limits::default() })
}

#[derive(Clone, Debug)]
enum Step {
    Register(u8),
    Reserve(u8),
    GiveBack(usize),
    Remove(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..KEYS).prop_map(Step::Register),
        3 => (0..KEYS).prop_map(Step::Reserve),
        2 => any::<usize>().prop_map(Step::GiveBack),
        2 => any::<usize>().prop_map(Step::Remove),
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
    handles: u32,
}

impl Model {
    fn ready(&self, key: u8) -> usize {
        self.spares.iter().filter(|spare| spare.key == key && !spare.reserved).count()
    }

    fn run(&mut self, registry: &mut Registry<u32>, step: &Step, now: Instant) {
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
                    }
                    Err(Limit::SparesPerKey) => assert_eq!(of_key, 6),
                    Err(limit) => assert_eq!((limit, self.spares.len()), (Limit::Spares, 12)),
                }
            }
            Step::Reserve(number) => {
                let newest =
                    self.spares.iter_mut().filter(|spare| spare.key == number && !spare.reserved).max_by_key(|s| s.id);
                match (registry.reserve(&key(number), now), newest) {
                    (Ok(got), Some(spare)) => {
                        assert_eq!(got, (spare.id, spare.handle));
                        spare.reserved = true;
                    }
                    (Err(none), None) => {
                        let lost = std::mem::take(&mut self.lost[usize::from(number)]);
                        assert_eq!(none, if lost { NoSpare::JustLost } else { NoSpare::NoListener });
                    }
                    (got, expected) => panic!("{got:?} instead of {expected:?}"),
                }
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
                    self.lost[usize::from(spare.key)] = false;
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
            }
        }
    }

    fn compare(&self, registry: &Registry<u32>) {
        assert_eq!(registry.spares(), self.spares.len());
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
        model.compare(&registry);
        prop_assert!(registry.keys.is_empty() && registry.held.is_empty());
    }
}

#[test]
fn the_newest_goes_first() {
    let now = Instant::now();
    let mut registry = registry();
    for handle in 1..=4 {
        registry.register(key(0), handle).unwrap();
    }
    let order: Vec<_> = (0..3).map(|_| registry.reserve(&key(0), now).unwrap().1).collect();
    assert_eq!(order, [4, 3, 2]);
}

#[test]
fn a_spare_given_back_keeps_its_place() {
    let now = Instant::now();
    let mut registry = registry();
    registry.register(key(0), 1).unwrap();
    let (old, handle) = registry.reserve(&key(0), now).unwrap();
    registry.register(key(0), 2).unwrap();
    assert!(registry.give_back(old, handle));
    assert_eq!(registry.reserve(&key(0), now).unwrap().1, 2);
    assert_eq!(registry.reserve(&key(0), now).unwrap().1, 1);
}

#[test]
fn closing_the_last_spare_is_told_once_and_handing_it_over_is_not_told() {
    let now = Instant::now();
    let mut registry = registry();
    let (a, b) = (registry.register(key(0), 1).unwrap(), registry.register(key(0), 2).unwrap());
    registry.remove(a, now);
    registry.remove(b, now);
    assert_eq!(registry.reserve(&key(0), now), Err(NoSpare::JustLost));
    assert_eq!(registry.reserve(&key(0), now), Err(NoSpare::NoListener));

    registry.register(key(0), 3).unwrap();
    let (id, _) = registry.reserve(&key(0), now).unwrap();
    registry.remove(id, now);
    assert_eq!(registry.reserve(&key(0), now), Err(NoSpare::NoListener));
}

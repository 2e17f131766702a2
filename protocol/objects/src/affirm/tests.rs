//! Who made a message: every answer.

use super::*;
use crate::hash::IdHash;
use crate::memory::Memory;
use crate::storage::ObjectsMut;
use crate::typed::{CreationTime, Person, Versioned};

fn person(email: &str) -> PersonId {
    Person::new(email).id_hash().unwrap().into()
}

fn key(seed: u8) -> SignSecretKey {
    SignSecretKey::from_bytes(&[seed; 32])
}

/// What was posted, and a store that holds a certificate for it.
struct Posted {
    memory: Memory,
    data: ObjectHash,
    metadata: Vec<ObjectHash>,
}

fn posted(issuer: PersonId, key: &SignSecretKey) -> Posted {
    let mut memory = Memory::new();
    let time = CreationTime { timestamp: 1_700_000_000_000, data: ObjectHash::from_bytes([1; 32]) };
    let data = memory.put(&time.microdata().unwrap()).unwrap();
    let mut posted = Posted { memory, data, metadata: Vec::new() };
    posted.add(&affirm(data, issuer, key).unwrap());
    posted
}

impl Posted {
    fn add(&mut self, certified: &Certified) {
        self.memory.put(&certified.license).unwrap();
        self.memory.put(&certified.certificate).unwrap();
        self.metadata.push(self.memory.put(&certified.signature).unwrap());
    }

    fn verdict(&self, sender: PersonId, keys: &[SignPublicKey]) -> Affirmation {
        verify_affirmation(&self.memory, self.data, &self.metadata, sender, keys).unwrap()
    }
}

#[test]
fn a_signature_of_the_sender_is_verified_with_any_of_its_keys() {
    let (alice, secret) = (person("alice"), key(1));
    let posted = posted(alice, &secret);
    assert_eq!(posted.verdict(alice, &[key(9).public_key(), secret.public_key()]), Affirmation::Verified);
}

/// An entry of a channel may hold as much, and anybody who may write there can add to it.
#[test]
fn a_good_signature_is_found_beside_as_much_as_there_may_be() {
    let (alice, secret) = (person("alice"), key(1));
    let mut posted = posted(alice, &secret);
    let others = (1..64).map(|byte| ObjectHash::from_bytes([byte; 32]));
    posted.metadata = others.chain(posted.metadata).collect();
    assert_eq!(posted.verdict(alice, &[secret.public_key()]), Affirmation::Verified);
}

#[test]
fn without_a_key_or_a_certificate_nobody_can_tell() {
    let (alice, secret) = (person("alice"), key(1));
    let mut posted = posted(alice, &secret);
    assert_eq!(posted.verdict(alice, &[]), Affirmation::Unverified(Unverified::NoKey));
    let keys = [secret.public_key()];
    let none = Affirmation::Unverified(Unverified::NoCertificate);
    assert_eq!(verify_affirmation(&posted.memory, posted.data, &[], alice, &keys).unwrap(), none);
    // A certificate that is not there, and one with another licence.
    let certificate = affirm(posted.data, alice, &secret).unwrap().certificate.hash();
    posted.memory.forget(&certificate);
    assert_eq!(posted.verdict(alice, &keys), none);
    let other = AffirmationCertificate { data: posted.data, license: license::trust_keys_hash() }.microdata().unwrap();
    posted.add(&certified(license::trust_keys().microdata().unwrap(), other, alice, &secret).unwrap());
    assert_eq!(posted.verdict(alice, &keys), none);
}

#[test]
fn forgeries() {
    let (alice, mallory) = (person("alice"), person("mallory"));
    let (secret, others) = (key(1), key(2));
    let keys = [secret.public_key()];
    let verdict = |posted: &Posted| posted.verdict(alice, &keys);
    assert_eq!(verdict(&posted(alice, &others)), Affirmation::Forged(Forged::WrongSignature));
    assert_eq!(verdict(&posted(mallory, &others)), Affirmation::Forged(Forged::OtherIssuer));

    let mut replayed = posted(alice, &secret);
    replayed.metadata.clear();
    replayed.add(&affirm(ObjectHash::from_bytes([2; 32]), alice, &secret).unwrap());
    assert_eq!(verdict(&replayed), Affirmation::Forged(Forged::OtherObject));

    // All zeros, as real peers would show it with its author's name.
    let mut zeros = posted(alice, &secret);
    let certificate = affirm(zeros.data, alice, &secret).unwrap().certificate.hash();
    let signature = Signature { issuer: alice, data: certificate, signature: [0; 64] };
    zeros.metadata = vec![zeros.memory.put(&signature.microdata().unwrap()).unwrap()];
    assert_eq!(verdict(&zeros), Affirmation::Forged(Forged::WrongSignature));

    // A key that is no point, or a weak one, verifies nothing.
    for weak in [[0; 32], [0xff; 32]] {
        let answer = zeros.verdict(alice, &[SignPublicKey::from_bytes(weak)]);
        assert_eq!(answer, Affirmation::Forged(Forged::WrongSignature));
    }
}

#[test]
fn one_good_signature_is_enough_among_those_that_are_looked_at() {
    let (alice, secret) = (person("alice"), key(1));
    let mut posted = posted(person("mallory"), &key(2));
    posted.add(&affirm(posted.data, alice, &secret).unwrap());
    assert_eq!(posted.verdict(alice, &[secret.public_key()]), Affirmation::Verified);
    // Beyond the bound it is not found any more: the cost of one entry is bounded.
    let good = posted.metadata.pop().unwrap();
    posted.metadata = vec![posted.metadata[0]; MAX_METADATA];
    posted.metadata.push(good);
    assert_eq!(posted.verdict(alice, &[secret.public_key()]), Affirmation::Forged(Forged::OtherIssuer));
}

#[test]
fn trust_in_a_profile_is_signed_too() {
    let (alice, secret) = (person("alice"), key(1));
    let profile = ObjectHash::from_bytes([3; 32]);
    let certified = trust_keys(profile, alice, &secret).unwrap();
    let certificate = TrustKeysCertificate::read(&certified.certificate).unwrap();
    assert_eq!(certificate, TrustKeysCertificate { profile, license: certified.license.hash() });
    let signature = Signature::read(&certified.signature).unwrap();
    assert_eq!((signature.issuer, signature.data), (alice, certified.certificate.hash()));
    assert!(is_signed_with(&signature, &[secret.public_key()]));
    assert!(!is_signed_with(&signature, &[key(2).public_key()]));
    assert_ne!(alice, PersonId::from(IdHash::from_bytes([0; 32])));
}

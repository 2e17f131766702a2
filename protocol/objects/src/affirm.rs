//! Certificates: made, and verified (`spec/one.md §3, §5`). Real peers show the author of a message without looking at them.
//!
//! ```text
//! ChatMessage ← CreationTime ← AffirmationCertificate(license) ← Signature(issuer)
//! ```

use crate::error::WriteError;
use crate::hash::{ObjectHash, PersonId};
use crate::license;
use crate::microdata::Microdata;
use crate::sign::{SignPublicKey, SignSecretKey};
use crate::storage::Objects;
use crate::typed::{AffirmationCertificate, Signature, TrustKeysCertificate, Typed};

/// The most objects beside one entry of a channel, and the most that are looked at: each costs a lookup, and possibly a verification
/// with each key. Real peers write one or two.
pub const MAX_METADATA: usize = 64;

/// A certificate with its signature and its licence: three objects, in the order in which they refer to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// The licence.
    pub license: Microdata,
    /// The certificate.
    pub certificate: Microdata,
    /// The signature of the certificate. This is what stands in the metadata of an entry.
    pub signature: Microdata,
}

/// Affirms an object, e.g. the CreationTime of a message.
///
/// # Errors
///
/// As [`Typed::microdata`]; these objects fit.
pub fn affirm(data: ObjectHash, issuer: PersonId, key: &SignSecretKey) -> Result<Certified, WriteError> {
    let certificate = AffirmationCertificate { data, license: license::affirmation_hash() }.microdata()?;
    certified(license::affirmation().microdata()?, certificate, issuer, key)
}

/// Asserts that the keys of a profile are its person's.
///
/// # Errors
///
/// As [`Typed::microdata`]; these objects fit.
pub fn trust_keys(profile: ObjectHash, issuer: PersonId, key: &SignSecretKey) -> Result<Certified, WriteError> {
    let certificate = TrustKeysCertificate { profile, license: license::trust_keys_hash() }.microdata()?;
    certified(license::trust_keys().microdata()?, certificate, issuer, key)
}

fn certified(
    license: Microdata,
    certificate: Microdata,
    issuer: PersonId,
    key: &SignSecretKey,
) -> Result<Certified, WriteError> {
    let signature = sign(certificate.hash(), issuer, key).microdata()?;
    Ok(Certified { license, certificate, signature })
}

/// Signs an object in somebody's name.
#[must_use]
pub fn sign(data: ObjectHash, issuer: PersonId, key: &SignSecretKey) -> Signature {
    Signature { issuer, data, signature: key.sign(&data) }
}

/// Whether a signature was made with one of these keys, which the caller has from its issuer.
#[must_use]
pub fn is_signed_with(signature: &Signature, keys: &[SignPublicKey]) -> bool {
    keys.iter().any(|key| key.verify(&signature.data, &signature.signature))
}

/// What is known of who made an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affirmation {
    /// The sender has signed it.
    Verified,
    /// Nobody can tell.
    Unverified(Unverified),
    /// It was not the sender, or it is not this object that was signed.
    Forged(Forged),
}

/// Why nobody can tell who made an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// There is no certificate for it: real peers may leave it out.
    NoCertificate,
    /// No sign key of the sender is known.
    NoKey,
}

/// Why an object is not what it claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forged {
    /// None of the sender's keys has made the signature.
    WrongSignature,
    /// Somebody else has signed it.
    OtherIssuer,
    /// The certificate is for another object.
    OtherObject,
}

/// Finds out who made `data`, which `sender` claims to have: with the signatures that stand beside it in `metadata`, and the
/// sign keys that are known to be the sender's.
///
/// One good signature is enough, whatever stands beside it.
///
/// # Errors
///
/// If the store cannot answer. Objects that are not there, or of other types, count as no certificate.
pub fn verify_affirmation<O: Objects>(
    objects: &O,
    data: ObjectHash,
    metadata: &[ObjectHash],
    sender: PersonId,
    keys: &[SignPublicKey],
) -> Result<Affirmation, O::Error> {
    let mut found = Affirmation::Unverified(Unverified::NoCertificate);
    for hash in metadata.iter().take(MAX_METADATA) {
        let Some(signature) = typed::<O, Signature>(objects, hash)? else { continue };
        let Some(certificate) = typed::<O, AffirmationCertificate>(objects, &signature.data)? else { continue };
        if certificate.license != license::affirmation_hash() {
            continue;
        }
        let this = judge(&signature, &certificate, data, sender, keys);
        if this == Affirmation::Verified {
            return Ok(this);
        }
        // The worst that was found first: a forgery is not excused by something that nobody can check.
        if !matches!(found, Affirmation::Forged(_)) {
            found = this;
        }
    }
    Ok(found)
}

/// One signature over one certificate.
fn judge(
    signature: &Signature,
    certificate: &AffirmationCertificate,
    data: ObjectHash,
    sender: PersonId,
    keys: &[SignPublicKey],
) -> Affirmation {
    if certificate.data != data {
        Affirmation::Forged(Forged::OtherObject)
    } else if signature.issuer != sender {
        Affirmation::Forged(Forged::OtherIssuer)
    } else if keys.is_empty() {
        Affirmation::Unverified(Unverified::NoKey)
    } else if is_signed_with(signature, keys) {
        Affirmation::Verified
    } else {
        Affirmation::Forged(Forged::WrongSignature)
    }
}

/// An object of this type, if there is one.
fn typed<O: Objects, T: Typed>(objects: &O, hash: &ObjectHash) -> Result<Option<T>, O::Error> {
    Ok(objects.object(hash)?.and_then(|object| T::read(&object).ok()))
}

#[cfg(test)]
mod tests;

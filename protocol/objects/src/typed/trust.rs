//! Keys, signatures and what they certify.

use super::field::{Key, typed};
use crate::hash::{IdHash, ObjectHash, PersonId};

typed! {
    /// The public keys of a person or an instance.
    Keys {
        /// Id hash of the Person or the Instance.
        owner: IdHash = One "owner",
        /// For encryption (Curve25519).
        public_key: Key = One "publicKey",
        /// For signatures (Ed25519).
        public_sign_key: Key = One "publicSignKey",
    }
}

typed! {
    /// A sign key as part of a profile.
    SignKey {
        /// The public key (Ed25519).
        key: Key = One "key",
    }
}

typed! {
    /// What a certificate says, in words. Its hash is what counts: [`crate::license`] has the known ones.
    License {
        /// The name.
        name: String = One "name",
        /// The words.
        description: String = One "description",
    }
}

typed! {
    /// Somebody affirms that the content of an object is correct, if a [`Signature`] for this certificate exists.
    AffirmationCertificate {
        /// The object.
        data: ObjectHash = One "data",
        /// [`crate::license::affirmation`].
        license: ObjectHash = One "license",
    }
}

typed! {
    /// Somebody asserts that the keys of a profile belong to its person, if a [`Signature`] for this certificate exists.
    TrustKeysCertificate {
        /// One version of a Profile.
        profile: ObjectHash = One "profile",
        /// [`crate::license::trust_keys`].
        license: ObjectHash = One "license",
    }
}

typed! {
    /// A signature over an object's hash. That it is there says nothing: [`crate::affirm::verify_affirmation`].
    Signature {
        /// Who claims to have signed.
        issuer: PersonId = One "issuer",
        /// What is signed.
        data: ObjectHash = One "data",
        /// Ed25519 over the 64 hex digits of `data`.
        signature: [u8; 64] = One "signature",
    }
}

//! The licences of certificates. Their words are part of their hashes, by which all peers know them.

use std::sync::LazyLock;

use crate::error::WriteError;
use crate::hash::ObjectHash;
use crate::microdata::Microdata;
use crate::typed::{License, Typed};

/// What an [`crate::typed::AffirmationCertificate`] says.
#[must_use]
pub fn affirmation() -> License {
    License {
        name: "Affirmation".to_owned(),
        description: "[signature.issuer] affirms that content of [data] is correct.".to_owned(),
    }
}

/// What a [`crate::typed::TrustKeysCertificate`] says.
#[must_use]
pub fn trust_keys() -> License {
    License {
        name: "TrustKeys".to_owned(),
        description:
            "[signature.issuer] asserts that keys in [profile] belong to the person referenced by the profile."
                .to_owned(),
    }
}

/// The hash of [`affirmation`].
#[must_use]
pub fn affirmation_hash() -> ObjectHash {
    static HASH: LazyLock<Result<Microdata, WriteError>> = LazyLock::new(|| affirmation().microdata());
    known(&HASH)
}

/// The hash of [`trust_keys`].
#[must_use]
pub fn trust_keys_hash() -> ObjectHash {
    static HASH: LazyLock<Result<Microdata, WriteError>> = LazyLock::new(|| trust_keys().microdata());
    known(&HASH)
}

/// Two texts of ours can be written; the tests below write them.
fn known(written: &Result<Microdata, WriteError>) -> ObjectHash {
    written.as_ref().map_or(ObjectHash::from_bytes([0; 32]), Microdata::hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn their_hashes_are_those_of_all_peers() {
        assert_eq!(affirmation_hash().to_string(), "9a8405ef0c0fb9877c9a6bd25af5e3861549c5ec2a2bde041edeb9ad3559467a");
        assert_eq!(trust_keys_hash().to_string(), "7fe1bd5daf1de766ae1a3be18fe7f8938997e36a1add8b3621ff84ee20c28338");
        assert_eq!(affirmation_hash(), affirmation().microdata().unwrap().hash());
    }
}

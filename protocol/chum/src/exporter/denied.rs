//! Answers that are errors, with the codes of the reference.

use ratatosk_objects::ObjectHash;

use crate::message::{Arguments, Service, UNKNOWN_SERVICE, answer_error};

pub(super) struct Denied {
    name: &'static str,
    code: &'static str,
    message: String,
}

impl Denied {
    fn new(code: &'static str, message: &str) -> Self {
        Self { name: "Error", code, message: format!("{code}: {message}") }
    }

    pub(super) fn unknown(service: i64) -> Self {
        // With the slip of the pen that peers may know it by.
        let message = format!("Not a function: Servcie ID {service} [number]");
        Self { name: "TypeError", code: UNKNOWN_SERVICE, message }
    }

    /// Nothing but what was named may be asked for.
    pub(super) fn unannounced(service: Service, hash: &ObjectHash) -> Self {
        let (code, what) = match service {
            Service::ObjectChildren => ("CES-GOC1", "obj children for"),
            Service::IdChildren => ("CES-GIDOC1", "id-obj children for"),
            Service::IdObject => ("CES-GIDO1", "id-obj"),
            Service::Blob => ("CES-GBL1", "BLOB"),
            _ => ("CES-GO1", "obj"),
        };
        Self::new(code, &format!("Unauthorized, {what} {hash}"))
    }

    /// It was named, and is something else, or is gone.
    pub(super) fn not_there(service: Service, hash: &ObjectHash) -> Self {
        let code = if service == Service::IdObject { "CES-GIDO2" } else { "CES-GO2" };
        Self::new(code, &format!("Requested file {hash} is not a ONE microdata object"))
    }

    pub(super) fn encoding() -> Self {
        Self::new("CES-GBL2", "Bad request: Invalid \"encoding\" parameter")
    }

    /// Something below it is not stored here. The reference says the same when a file is missing.
    pub(super) fn incomplete() -> Self {
        Self { name: "FileNotFoundError", code: "SB-READ2", message: "SB-READ2: File not found".to_owned() }
    }

    /// There is no such code in the reference, which has no limit.
    pub(super) fn too_long() -> Self {
        Self::new("CES-LEN", "The list of children is longer than a message may be")
    }

    /// A draft that is none, or too long.
    pub(super) fn draft() -> Self {
        Self::new("CES-DRAFT", "Not a draft, or too long")
    }

    pub(super) fn answer(&self, id: i64) -> String {
        answer_error(id, self.name, self.code, &self.message)
    }
}

/// The hash that is asked for.
pub(super) fn hash(service: Service, arguments: &Arguments) -> Result<ObjectHash, Denied> {
    arguments.first().and_then(|text| text.parse().ok()).ok_or_else(|| match service {
        Service::IdChildren | Service::IdObject => Denied::new("UTC-EIDHASH", "Value is not a SHA-256 hash (ID)"),
        _ => Denied::new("UTC-EHASH", "Value is not a SHA-256 hash"),
    })
}

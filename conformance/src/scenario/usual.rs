//! Verbs that stand for the usual steps of the protocol.

use super::lines::Mistake;

/// What a verb stands for, and what it is said of. `C` at the beginning of a line is that other client, `#` that number.
pub(super) fn usual(verb: &str) -> Result<&'static [&'static str], Mistake> {
    Ok(match verb {
        "registers" => &[
            "open",
            r#"> {"command":"register","publicKey":"<listener>"}"#,
            r#"< {"command":"authentication_request","publicKey":"<server>","challenge":"<challenge>"}"#,
            r#"> {"command":"authentication_response","response":"<response>"}"#,
            r#"< {"command":"authentication_success","pingInterval":<interval>}"#,
        ],
        "registers-key" => &[
            "open",
            r##"> {"command":"register","publicKey":"<key:#>"}"##,
            r#"< {"command":"authentication_request","publicKey":"<server>","challenge":"<challenge>"}"#,
            r##"> {"command":"authentication_response","response":"<response:key:#>"}"##,
            r#"< {"command":"authentication_success","pingInterval":<interval>}"#,
        ],
        "requests" => &[
            "open",
            r#"> {"command":"communication_request","sourcePublicKey":"<connector>","targetPublicKey":"<listener>"}"#,
        ],
        "requests-key" => {
            &[r##"> {"command":"communication_request","sourcePublicKey":"<connector>","targetPublicKey":"<key:#>"}"##]
        }
        "handed" => &[
            r#"< {"command":"connection_handover"}"#,
            r#"< {"command":"communication_request","sourcePublicKey":"<connector>","targetPublicKey":"<listener>"}"#,
        ],
        "handed-key" => &[
            r#"< {"command":"connection_handover"}"#,
            r##"< {"command":"communication_request","sourcePublicKey":"<connector>","targetPublicKey":"<key:#>"}"##,
        ],
        "accepts" => &[
            "C requests",
            "handed",
            r#"> {"command":"communication_ready"}"#,
            r#"C < {"command":"communication_ready"}"#,
        ],
        // Two intervals of room for a busy machine.
        "pinged" => &["not-before 1", "not-after 3", r#"< {"command":"ping"}"#],
        other => return Err(Mistake::Word(other.to_owned())),
    })
}

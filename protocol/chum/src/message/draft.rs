//! Reading a piece of a draft: the one request with other arguments than hashes.

use std::borrow::Cow;

use super::incoming::Invalid;
use crate::draft::{Draft, DraftState};

#[derive(serde::Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    args: (String, Cow<'a, str>, u64, String, Cow<'a, str>),
}

/// Reads the arguments of a request of service 100. Its length is bounded by whoever took the message.
pub(crate) fn read_draft(text: &str) -> Result<Draft, Invalid> {
    let Raw { args: (topic, answer, offset, text, state) } = serde_json::from_str(text).map_err(|_| Invalid)?;
    let answer = answer.parse().map_err(|_| Invalid)?;
    let state = DraftState::of(&state).ok_or(Invalid)?;
    Ok(Draft { topic, answer, offset, text, state })
}

#[cfg(test)]
mod tests {
    use super::super::draft_request;
    use super::*;
    use crate::draft::AnswerId;

    #[test]
    fn what_is_written_can_be_read() {
        for (text, state) in
            [("", DraftState::Writing), ("\u{1b}\"\\ 世 👩", DraftState::Done), ("$__undefined$", DraftState::Failed)]
        {
            let answer = AnswerId::from_bytes(*b"0123456789abcdef");
            let draft = Draft { topic: "a<->b".to_owned(), answer, offset: 7, text: text.to_owned(), state };
            assert_eq!(read_draft(&draft_request(5, &draft)), Ok(draft));
        }
    }

    #[test]
    fn on_the_wire() {
        let answer = AnswerId::from_bytes([0xab; 16]);
        let draft =
            Draft { topic: "t".to_owned(), answer, offset: 3, text: "x".to_owned(), state: DraftState::Cancelled };
        assert_eq!(
            draft_request(5, &draft),
            r#"{"requestId":5,"type":"request","serviceId":100,"args":["t","abababababababababababababababab",3,"x","cancelled"]}"#
        );
    }

    #[test]
    fn what_is_no_draft() {
        let id = "ab".repeat(16);
        for args in [
            "[]".to_owned(),
            "{}".to_owned(),
            format!(r#"["t","{id}",0,"x"]"#),
            format!(r#"["t","{id}",0,"x","writing",1]"#),
            format!(r#"["t","{id}",0,"x","thinking"]"#),
            format!(r#"["t","{id}",-1,"x","writing"]"#),
            format!(r#"["t","{id}",0.5,"x","writing"]"#),
            format!(r#"["t","{id}","0","x","writing"]"#),
            format!(r#"["t","{}",0,"x","writing"]"#, id.to_uppercase()),
            format!(r#"["t","{}",0,"x","writing"]"#, &id[1..]),
            format!(r#"["t","+{}",0,"x","writing"]"#, &id[1..]),
            format!(r#"[null,"{id}",0,"x","writing"]"#),
            format!(r#"["t","{id}",0,["x"],"writing"]"#),
        ] {
            let text = format!(r#"{{"requestId":5,"type":"request","serviceId":100,"args":{args}}}"#);
            assert_eq!(read_draft(&text), Err(Invalid), "{text}");
        }
    }
}

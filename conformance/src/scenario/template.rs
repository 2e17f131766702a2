//! Texts with placeholders, for what differs from run to run.
//!
//! | Placeholder | Sent | Expected |
//! | --- | --- | --- |
//! | `<listener>` `<connector>` `<other>` | the key of this run, 64 hex digits; in capitals with upper-case digits | the same |
//! | `<key:N>` | one of any number of further keys, N from 0 to 255 | the same |
//! | `<server>` `<challenge>` `<interval>` | what the server said on this connection | 64 hex digits, 208 hex digits, a number; remembered |
//! | `<response>` `<response:KIND>` | the answer to the challenge, see [`Answer`]; in capitals with upper-case digits | no |
//! | `<host>` | host and port of the server | no |
//! | `<X*N>` | the text X, N times | the same |
//! | `<nl>` `<sp>` | a line feed, a space | the same |
//! | `<any>` | no | the rest of the text, whatever it is |

/// A key of the run. Every run of a scenario has its own, so that scenarios do not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyName {
    /// The one that registers.
    Listener,
    /// The one that asks for it.
    Connector,
    /// Somebody who has nothing to do with it.
    Other,
    /// One of many that register.
    Nth(u8),
}

/// What a server says and a client repeats or uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// Its public key.
    Server,
    /// The challenge.
    Challenge,
    /// The ping interval in milliseconds.
    Interval,
}

/// The ways to answer a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `<response>`: as it should be.
    Right,
    /// `<response:not-negated>`: the challenge as it was, boxed again.
    NotNegated,
    /// `<response:other-key>`: boxed with another key.
    OtherKey,
    /// `<response:plain:N>`: boxed, but N bytes: the right ones cut off, or zeros added.
    Plain(usize),
    /// `<response:short>`: right but for its last byte, which is missing.
    Short,
    /// `<response:key:N>`: as it should be for [`KeyName::Nth`].
    Nth(u8),
    /// `<response:odd>`: right but for its last hex digit, which is missing.
    Odd,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Key { name: KeyName, upper: bool },
    Slot(Slot),
    Response { answer: Answer, upper: bool },
    Host,
    Any,
}

/// Where the values of placeholders come from.
pub trait Values {
    /// A public key, in lower-case hex.
    fn key(&self, name: KeyName) -> String;
    /// What the server has said, if it has.
    fn slot(&self, slot: Slot) -> Option<String>;
    /// An answer to the challenge in lower-case hex, if there was one.
    fn response(&self, answer: Answer) -> Option<String>;
    /// Host and port of the server.
    fn host(&self) -> String;
}

/// Values where there is nobody to have any: of texts whose placeholders stand for whatever comes.
#[derive(Clone, Copy, Debug)]
pub struct NoValues;

impl Values for NoValues {
    fn key(&self, _: KeyName) -> String {
        // No hex: where bytes are due, a key's name is a mistake.
        "key".to_owned()
    }

    fn slot(&self, _: Slot) -> Option<String> {
        None
    }

    fn response(&self, _: Answer) -> Option<String> {
        None
    }

    fn host(&self) -> String {
        String::new()
    }
}

/// A text with placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    source: String,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// No such placeholder.
    #[error("there is no placeholder <{0}>")]
    Unknown(String),
    /// `<` without `>`.
    #[error("a placeholder does not end")]
    Open,
    /// `<any>` with something behind it.
    #[error("<any> is not at the end")]
    AnyInside,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// [`TemplateError`].
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some((literal, behind)) = rest.split_once('<') {
            push_literal(&mut parts, literal);
            let (name, after) = behind.split_once('>').ok_or(TemplateError::Open)?;
            match placeholder(name)? {
                Part::Literal(text) => push_literal(&mut parts, &text),
                Part::Any if !after.is_empty() => return Err(TemplateError::AnyInside),
                part => parts.push(part),
            }
            rest = after;
        }
        push_literal(&mut parts, rest);
        Ok(Self { parts, source: source.to_owned() })
    }

    /// The template as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text to send; `None` if the server has not said what it needs.
    #[must_use]
    pub fn render(&self, values: &dyn Values) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Key { name, upper } => out.push_str(&cased(values.key(*name), *upper)),
                Part::Slot(slot) => out.push_str(&values.slot(*slot)?),
                Part::Response { answer, upper } => out.push_str(&cased(values.response(*answer)?, *upper)),
                Part::Host => out.push_str(&values.host()),
                Part::Any => return None,
            }
        }
        Some(out)
    }

    /// Whether a text is the expected one, and what it says about the slots.
    #[must_use]
    pub fn matches(&self, text: &str, values: &dyn Values) -> Option<Vec<(Slot, String)>> {
        let mut learned = Vec::new();
        let mut rest = text;
        for part in &self.parts {
            match part {
                Part::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Part::Key { name, upper } => rest = rest.strip_prefix(cased(values.key(*name), *upper).as_str())?,
                Part::Slot(slot) => {
                    let value = slot.read(rest)?;
                    learned.push((*slot, value.to_owned()));
                    rest = &rest[value.len()..];
                }
                Part::Response { .. } | Part::Host => return None,
                Part::Any => return Some(learned),
            }
        }
        rest.is_empty().then_some(learned)
    }
}

impl Slot {
    /// The beginning of `text` that can be its value.
    fn read(self, text: &str) -> Option<&str> {
        let lower_hex = |len: usize| {
            text.get(..len).filter(|hex| hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
        };
        match self {
            Self::Server => lower_hex(64),
            Self::Challenge => lower_hex(208),
            Self::Interval => {
                let digits = text.bytes().take_while(u8::is_ascii_digit).count();
                text.get(..digits).filter(|digits| !digits.is_empty())
            }
        }
    }
}

fn cased(text: String, upper: bool) -> String {
    if upper { text.to_uppercase() } else { text }
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Literal(last)) => last.push_str(text),
        _ => parts.push(Part::Literal(text.to_owned())),
    }
}

fn placeholder(name: &str) -> Result<Part, TemplateError> {
    if let Some((text, count)) = name.rsplit_once('*')
        && let Ok(count) = count.parse::<u16>()
    {
        return Ok(Part::Literal(text.repeat(count.into())));
    }
    let key = |name, upper| Part::Key { name, upper };
    let response = |answer| Part::Response { answer, upper: false };
    Ok(match name {
        "nl" => Part::Literal("\n".to_owned()),
        "sp" => Part::Literal(" ".to_owned()),
        "listener" => key(KeyName::Listener, false),
        "connector" => key(KeyName::Connector, false),
        "other" => key(KeyName::Other, false),
        "LISTENER" => key(KeyName::Listener, true),
        "CONNECTOR" => key(KeyName::Connector, true),
        "server" => Part::Slot(Slot::Server),
        "challenge" => Part::Slot(Slot::Challenge),
        "interval" => Part::Slot(Slot::Interval),
        "response" => response(Answer::Right),
        "RESPONSE" => Part::Response { answer: Answer::Right, upper: true },
        "response:not-negated" => response(Answer::NotNegated),
        "response:other-key" => response(Answer::OtherKey),
        "response:short" => response(Answer::Short),
        "response:odd" => response(Answer::Odd),
        "host" => Part::Host,
        "any" => Part::Any,
        _ => {
            let nth = |prefix| name.strip_prefix(prefix).and_then(|number| number.parse().ok());
            if let Some(number) = nth("key:") {
                return Ok(key(KeyName::Nth(number), false));
            }
            if let Some(number) = nth("response:key:") {
                return Ok(response(Answer::Nth(number)));
            }
            let plain = name.strip_prefix("response:plain:").and_then(|bytes| bytes.parse::<u16>().ok());
            response(Answer::Plain(plain.ok_or_else(|| TemplateError::Unknown(name.to_owned()))?.into()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Values for Fixed {
        fn key(&self, name: KeyName) -> String {
            format!("{name:?}-abc").to_lowercase()
        }
        fn slot(&self, slot: Slot) -> Option<String> {
            (slot == Slot::Interval).then(|| "300".to_owned())
        }
        fn response(&self, _: Answer) -> Option<String> {
            Some("0f".to_owned())
        }
        fn host(&self) -> String {
            "example:1".to_owned()
        }
    }

    fn render(source: &str) -> Option<String> {
        Template::parse(source).unwrap().render(&Fixed)
    }

    fn matches(source: &str, text: &str) -> Option<Vec<(Slot, String)>> {
        Template::parse(source).unwrap().matches(text, &Fixed)
    }

    #[test]
    fn placeholders_are_filled_in() {
        assert_eq!(render(r#"{"k":"<listener>"}<nl><sp>"#).as_deref(), Some("{\"k\":\"listener-abc\"}\n "));
        assert_eq!(render("<LISTENER> <RESPONSE> <host>").as_deref(), Some("LISTENER-ABC 0F example:1"));
        assert_eq!(render("<€*3>|<\"a\",*2>").as_deref(), Some("€€€|\"a\",\"a\","));
        assert_eq!(render("<interval>").as_deref(), Some("300"));
        assert_eq!(render("<challenge>"), None, "the server has not sent one");
    }

    #[test]
    fn a_text_must_match_from_beginning_to_end() {
        assert_eq!(matches("abc <connector>", "abc connector-abc"), Some(vec![]));
        for wrong in ["abc connector-abcd", "abc connector-ab", "xabc connector-abc", ""] {
            assert_eq!(matches("abc <connector>", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_server_is_believed_only_in_the_right_form() {
        let key = "0a".repeat(32);
        assert_eq!(matches("k=<server>.", &format!("k={key}.")), Some(vec![(Slot::Server, key.clone())]));
        for wrong in [format!("k={}.", key.to_uppercase()), format!("k={}.", &key[1..]), "k=.".to_owned()] {
            assert_eq!(matches("k=<server>.", &wrong), None, "{wrong}");
        }
        assert_eq!(matches("<interval>}", "25000}"), Some(vec![(Slot::Interval, "25000".to_owned())]));
        assert_eq!(matches("<interval>}", "}"), None);
    }

    #[test]
    fn any_takes_the_rest_and_only_the_rest() {
        assert_eq!(matches("SyntaxError<any>", "SyntaxError: whatever"), Some(vec![]));
        assert_eq!(matches("SyntaxError<any>", "Syntax: whatever"), None);
        assert_eq!(Template::parse("<any>!"), Err(TemplateError::AnyInside));
    }

    #[test]
    fn mistakes_in_a_file_are_noticed() {
        assert_eq!(Template::parse("<lisener>"), Err(TemplateError::Unknown("lisener".to_owned())));
        assert_eq!(Template::parse("a < b"), Err(TemplateError::Open));
        assert_eq!(Template::parse("<response:plain:x>"), Err(TemplateError::Unknown("response:plain:x".to_owned())));
    }
}

//! One run of a template, with its bounds.

use std::collections::BTreeMap;
use std::io::{self, Write};

use minijinja::{Environment, Value};

use super::sentinel::sentinel;
use crate::{Role, Turn};

/// Steps of a template beside those for its turns.
const STEPS: u64 = 20_000;
/// Steps for each turn. Known templates take less than 200, and some look at all turns several times.
const STEPS_OF_A_TURN: u64 = 1000;
/// Bytes that a template may write beside those for its turns. The longest instructions in known templates have some 4 kB.
const BYTES: usize = 64 << 10;
/// Bytes for each turn, without its content.
const BYTES_OF_A_TURN: usize = 1 << 10;
/// Longest reason that a template can give, in characters.
const REASON: usize = 200;

/// Renders the template named `name` for `turns`, with sentinels in place of their contents.
///
/// # Errors
///
/// Why it cannot be rendered.
pub(super) fn render(
    environment: &Environment<'static>,
    name: &str,
    tokens: &[(&'static str, String)],
    turns: &[Turn],
) -> Result<String, String> {
    let reason = |error: minijinja::Error| error.to_string().chars().take(REASON).collect::<String>();
    let messages: Vec<Value> = turns.iter().enumerate().map(|(number, turn)| message(turn.role, number)).collect();
    let mut context: BTreeMap<&str, Value> = BTreeMap::from([
        ("messages", Value::from(messages)),
        ("add_generation_prompt", Value::from(true)),
        // Said as `transformers` says it: templates ask whether they are none.
        ("tools", Value::from(())),
        ("documents", Value::from(())),
    ]);
    context.extend(tokens.iter().map(|(name, text)| (*name, Value::from(text.as_str()))));
    let mut environment = environment.clone();
    let count = u64::try_from(turns.len()).unwrap_or(u64::MAX);
    environment.set_fuel(Some(count.saturating_mul(STEPS_OF_A_TURN).saturating_add(STEPS)));
    let mut output =
        Bounded { written: Vec::new(), room: BYTES.saturating_add(turns.len() * BYTES_OF_A_TURN), overflown: false };
    let template = environment.get_template(name).map_err(reason)?;
    let rendered = template.render_captured_to(Value::from(context), &mut output).map(drop);
    if output.overflown {
        return Err("it writes too much".to_owned());
    }
    rendered.map_err(reason)?;
    String::from_utf8(output.written).map_err(|_| "it does not write UTF-8".to_owned())
}

fn message(role: Role, number: usize) -> Value {
    let role = match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    Value::from(BTreeMap::from([("role", Value::from(role)), ("content", Value::from(sentinel(number)))]))
}

/// Takes so many bytes and no more.
struct Bounded {
    written: Vec<u8>,
    room: usize,
    overflown: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(room) = self.room.checked_sub(bytes.len()) else {
            self.overflown = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.room = room;
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

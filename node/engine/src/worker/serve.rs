//! What the worker does with each command.

use super::lines::{Inbox, Out};
use super::model::Model;
use super::session::{Listener, Session, Step};
use crate::EngineError;
use crate::ipc::{Command, Generate, Load, MAX_TEXT, Reply, VERSION};

/// Serves until there are no more commands.
pub(super) fn serve(inbox: &Inbox, out: &Out) {
    out.say(&Reply::Ready { version: VERSION });
    // One that fails may be followed by another.
    let Some(model) = model(inbox, out) else {
        return;
    };
    let mut session = match Session::new(&model) {
        Ok(session) => session,
        Err(error) => return out.say(&Reply::Failed { id: None, error }),
    };
    out.say(&Reply::Loaded { description: model.describe() });
    while !out.ended() {
        match inbox.next() {
            Some(Command::Generate(generate)) => answer(&mut session, &generate, out),
            Some(_) => refuse(None, "a model is loaded already", out),
            None => return,
        }
    }
}

/// Waits for a model that can be loaded.
fn model(inbox: &Inbox, out: &Out) -> Option<Model> {
    loop {
        match inbox.next()? {
            Command::Load(load) => match read(&load, out) {
                Ok(model) => return Some(model),
                Err(_) if out.ended() => return None,
                Err(error) => out.say(&Reply::Failed { id: None, error }),
            },
            Command::Generate(generate) => refuse(Some(generate.id), "no model is loaded", out),
            Command::Cancel { .. } => {}
        }
    }
}

fn read(load: &Load, out: &Out) -> Result<Model, EngineError> {
    let out = out.clone();
    Model::load(load, move |percent| {
        out.say(&Reply::Loading { percent });
        !out.ended()
    })
}

fn answer(session: &mut Session<'_>, generate: &Generate, out: &Out) {
    let id = generate.id;
    match session.generate(generate, &mut Asker { id, out }) {
        Ok((reason, usage)) => out.say(&Reply::Finished { id, reason, usage }),
        Err(error) => out.say(&Reply::Failed { id: Some(id), error }),
    }
}

fn refuse(id: Option<u64>, reason: &str, out: &Out) {
    out.say(&Reply::Failed { id, error: EngineError::Protocol { reason: reason.to_owned() } });
}

/// The engine, waiting for one answer.
struct Asker<'o> {
    id: u64,
    out: &'o Out,
}

impl Listener for Asker<'_> {
    fn step(&mut self, step: Step) -> bool {
        let id = self.id;
        match step {
            Step::Started { prompt_tokens, reused_tokens, left_out } => {
                self.out.say(&Reply::Started { id, prompt_tokens, reused_tokens, left_out });
            }
            Step::Text(mut text) => {
                while !text.is_empty() {
                    let rest = text.split_off(text.floor_char_boundary(MAX_TEXT));
                    self.out.say(&Reply::Text { id, text: std::mem::replace(&mut text, rest) });
                }
            }
        }
        !self.out.ended()
    }

    fn cancelled(&self) -> bool {
        self.out.cancelled(self.id)
    }
}

//! The answer that every command is owed, exactly one, whatever becomes of the command.

use serde_json::{Value, json};

use super::output::{Output, Room, error};

/// The answer to one command. Dropped before it is given, it tells that the command was given up.
pub(super) struct Answer {
    output: Output,
    seat: Option<Room>,
    command: String,
    id: Option<Value>,
}

impl Answer {
    /// The answer to the command of that name, which takes that seat at the output.
    pub(super) fn new(output: &Output, seat: Room, command: String, id: Option<Value>) -> Self {
        Self { output: output.clone(), seat: Some(seat), command, id }
    }

    /// It is done; `fields` say more.
    pub(super) fn result(self, fields: Value) {
        self.told("result", fields);
    }

    /// It is done, and a command that has an event of its own tells that.
    pub(super) fn told(mut self, event: &str, mut fields: Value) {
        fields["event"] = json!(event);
        fields["cmd"] = json!(self.command);
        if let Some(id) = &self.id {
            fields["id"] = id.clone();
        }
        self.give(&fields);
    }

    /// It cannot be done.
    pub(super) fn error(mut self, message: &str) {
        self.fail(message);
    }

    /// What the command does is answer enough.
    pub(super) fn silence(mut self) {
        self.seat = None;
    }

    fn fail(&mut self, message: &str) {
        self.give(&error(&self.command, self.id.as_ref(), message));
    }

    fn give(&mut self, line: &Value) {
        if let Some(seat) = self.seat.take() {
            self.output.tell(line.to_string(), seat);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.fail("the connection ended before this was done");
    }
}

//! What a template asks of a conversation, and how a conversation is brought into that shape.

use std::borrow::Cow;

use crate::{Role, Turn};

/// Stands where nobody has said anything yet, or where a template wants a person to begin and the model did.
const SILENCE: &str = "…";

/// What a template can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// There is a role for instructions; else they stand in front of what the first person says.
    pub(super) system: bool,
    /// Person and model may speak several times in a row, and the model may begin; else turns are joined.
    pub(super) any_order: bool,
}

impl Shape {
    /// All, the freest first.
    pub(super) const ALL: [Self; 4] = [
        Self { system: true, any_order: true },
        Self { system: true, any_order: false },
        Self { system: false, any_order: true },
        Self { system: false, any_order: false },
    ];

    /// `turns` as the template takes them, with the instructions first and no blanks around contents: most templates take them
    /// away, and here they cannot.
    pub(super) fn of(self, turns: &[Turn]) -> Vec<Turn> {
        let (instructions, spoken): (Vec<&Turn>, Vec<&Turn>) = turns.iter().partition(|turn| turn.role == Role::System);
        let mut shaped: Vec<Turn> = Vec::new();
        for turn in spoken {
            match shaped.last_mut() {
                Some(last) if !self.any_order && last.role == turn.role => join(last, &turn.content),
                _ => shaped.push(of(turn.role, &turn.content)),
            }
        }
        if shaped.first().is_none_or(|first| !self.any_order && first.role == Role::Assistant) {
            shaped.insert(0, of(Role::User, SILENCE));
        }
        let mut instructions = instructions.into_iter().filter(|turn| !turn.content.trim().is_empty());
        let Some(first) = instructions.next() else { return shaped };
        let mut system = of(Role::System, &first.content);
        instructions.for_each(|more| join(&mut system, &more.content));
        if self.system {
            shaped.insert(0, system);
            return shaped;
        }
        match shaped.iter_mut().find(|turn| turn.role == Role::User) {
            Some(first) => {
                join(&mut system, &first.content);
                first.content = system.content;
            }
            None => shaped.insert(0, of(Role::User, &system.content)),
        }
        shaped
    }
}

fn of(role: Role, content: &str) -> Turn {
    Turn { role, content: content.trim().to_owned() }
}

/// Adds a paragraph.
fn join(to: &mut Turn, content: &str) {
    let content = Cow::Borrowed(content.trim());
    if !to.content.is_empty() && !content.is_empty() {
        to.content.push_str("\n\n");
    }
    to.content.push_str(&content);
}

/// Conversations that a template has to take, so that it takes those of people: with instructions, several speakers in a row
/// and a model that begins.
pub(super) fn probes() -> [Vec<Turn>; 4] {
    use Role::{Assistant, System, User};
    let turns = |roles: &[Role]| roles.iter().map(|&role| of(role, "x")).collect();
    [
        turns(&[User]),
        turns(&[System, User]),
        turns(&[System, User, Assistant, User]),
        turns(&[System, Assistant, User, User, Assistant, Assistant, User]),
    ]
}

//! What of a conversation fits into a context.

use crate::{EngineError, Role, Turn};

/// The oldest turns are left out so many at a time, so that prompts begin alike for a while and what was computed for one can be
/// used for the next.
const STEP: usize = 8;

/// A conversation that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// Instructions and the newest turns.
    pub turns: Vec<Turn>,
    /// How many older turns were left out.
    pub left_out: u32,
}

/// Takes the instructions and as many of the newest of `turns` as have at most `budget` tokens by `count`.
///
/// `count` is asked for what may be in the result, from the newest on, not for much more than fits.
///
/// # Errors
///
/// [`EngineError::PromptTooLong`] if not even the newest turn fits, and what `count` fails with.
pub fn fit(
    turns: &[Turn],
    budget: u32,
    mut count: impl FnMut(&[Turn]) -> Result<u32, EngineError>,
) -> Result<Fitted, EngineError> {
    let (instructions, spoken): (Vec<&Turn>, Vec<&Turn>) = turns.iter().partition(|turn| turn.role == Role::System);
    let with = |newest: usize| -> Vec<Turn> {
        let newest = spoken.iter().skip(spoken.len() - newest);
        instructions.iter().chain(newest).map(|turn| (*turn).clone()).collect()
    };
    let mut tokens = |newest: usize| count(&with(newest));
    // So many fit, so many do not.
    let mut fits = spoken.len().min(1);
    let shortest = tokens(fits)?;
    if shortest > budget {
        return Err(EngineError::PromptTooLong { tokens: shortest, context: budget });
    }
    let mut too_many = spoken.len() + 1;
    let mut step = 1;
    while fits + step < too_many {
        if tokens(fits + step)? > budget {
            too_many = fits + step;
        } else {
            fits += step;
            step *= 2;
        }
    }
    while fits + 1 < too_many {
        let middle = fits.midpoint(too_many);
        if tokens(middle)? > budget { too_many = middle } else { fits = middle }
    }
    let mut left_out = spoken.len() - fits;
    let rounded = left_out.next_multiple_of(STEP);
    // Not if that costs more than half of what fits.
    let kept = spoken.len().saturating_sub(rounded);
    if kept > 0 && kept * 2 >= fits && tokens(kept)? <= budget {
        left_out = rounded;
    }
    Ok(Fitted { turns: with(spoken.len() - left_out), left_out: u32::try_from(left_out).unwrap_or(u32::MAX) })
}

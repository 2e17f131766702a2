use proptest::prelude::*;

use super::super::fit;
use super::*;
use crate::EngineError;

/// A token for each byte and four for each turn.
fn count(turns: &[Turn]) -> Result<u32, EngineError> {
    Ok(turns.iter().map(|turn| u32::try_from(turn.content.len()).unwrap() + 4).sum())
}

#[test]
fn what_fits_stays_whole() {
    let talk = turns(&[('s', "be kind"), ('u', "hello"), ('a', "hi")]);
    let fitted = fit(&talk, 100, count).unwrap();
    assert_eq!((fitted.turns, fitted.left_out), (talk, 0));
    assert_eq!(fit(&[], 10, count).unwrap().turns, []);
}

#[test]
fn the_oldest_goes_first_and_instructions_stay() {
    let talk = turns(&[('s', "be kind"), ('u', "one"), ('a', "two"), ('u', "three")]);
    let fitted = fit(&talk, 29, count).unwrap();
    assert_eq!(fitted.turns, turns(&[('s', "be kind"), ('a', "two"), ('u', "three")]));
    assert_eq!(fitted.left_out, 1);
}

#[test]
fn a_newest_turn_that_does_not_fit_is_an_error() {
    let talk = turns(&[('s', "be kind"), ('u', "a long message")]);
    assert_eq!(fit(&talk, 20, count).unwrap_err(), EngineError::PromptTooLong { tokens: 29, context: 20 });
}

#[test]
fn prompts_of_a_long_conversation_begin_alike_for_a_while() {
    let firsts: Vec<_> = (100..116)
        .map(|length| {
            let texts: Vec<_> = (0..length).map(|at| format!("{at:06}")).collect();
            let talk: Vec<_> = texts.iter().map(|text| ('u', text.as_str())).collect();
            fit(&turns(&talk), 400, count).unwrap().turns[0].content.clone()
        })
        .collect();
    let changes = firsts.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(changes <= 2, "{firsts:?}");
}

#[test]
fn a_long_history_is_not_counted_as_a_whole() {
    let texts = vec!["x".repeat(1000); 2000];
    let talk: Vec<_> = texts.iter().map(|text| ('u', text.as_str())).collect();
    let mut counted = 0;
    let fitted = fit(&turns(&talk), 10_000, |turns| {
        counted += turns.len();
        count(turns)
    });
    assert_eq!(fitted.unwrap().turns.len(), 8);
    assert!(counted < 100, "{counted}");
}

proptest! {
    #[test]
    fn the_result_fits_and_is_the_end_of_the_conversation(
        lengths in prop::collection::vec((prop::sample::select(vec!['s', 'u', 'a']), 0usize..60), 0..60),
        budget in 0u32..2000,
    ) {
        let texts: Vec<_> = lengths.iter().map(|(role, length)| (*role, "x".repeat(*length))).collect();
        let talk = turns(&texts.iter().map(|(role, text)| (*role, text.as_str())).collect::<Vec<_>>());
        let (system, spoken): (Vec<_>, Vec<_>) = talk.into_iter().partition(|turn| turn.role == Role::System);
        let all: Vec<_> = system.iter().chain(&spoken).cloned().collect();
        match fit(&all, budget, count) {
            Ok(fitted) => {
                prop_assert!(count(&fitted.turns).unwrap() <= budget);
                let left_out = usize::try_from(fitted.left_out).unwrap();
                let expected: Vec<_> = system.iter().chain(&spoken[left_out..]).cloned().collect();
                prop_assert_eq!(&fitted.turns, &expected);
                prop_assert!(spoken.is_empty() || left_out < spoken.len());
            }
            Err(error) => {
                let least: Vec<_> = system.iter().chain(spoken.last()).cloned().collect();
                let tokens = count(&least).unwrap();
                prop_assert!(tokens > budget);
                prop_assert_eq!(error, EngineError::PromptTooLong { tokens, context: budget });
            }
        }
    }
}

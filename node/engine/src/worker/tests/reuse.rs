//! What was computed for an earlier prompt changes nothing but the time.

use super::*;

/// So hot that every small difference in what the model remembers shows in the text.
fn hot() -> Sampling {
    Sampling { temperature: 4.0, top_k: 0, top_p: 1.0, min_p: 0.0, repeat_penalty: 1.0, seed: Some(11) }
}

fn ask_hot(conversation: &str, turns: &[Turn]) -> Generate {
    Generate { conversation: conversation.to_owned(), sampling: hot(), max_tokens: 40, ..ask(turns) }
}

fn fresh(model: &Model, turns: &[Turn]) -> String {
    answer(&mut Session::new(model).unwrap(), &ask_hot("fresh", turns)).unwrap().0
}

#[test]
fn a_conversation_that_goes_on_is_not_computed_again() {
    let model = model(&Tiny::default(), 1024);
    let mut session = Session::new(&model).unwrap();
    let mut turns = vec![user("Let us talk about trees and rivers and hills.")];
    for round in 0..4 {
        let (text, _, usage) = answer(&mut session, &ask_hot("one", &turns)).unwrap();
        assert_eq!(text, fresh(&model, &turns), "round {round}");
        if round > 0 {
            assert!(usage.reused_tokens > 20 && usage.reused_tokens < usage.prompt_tokens, "{usage:?}");
        }
        turns.push(assistant(&text));
        turns.push(user(&format!("And then, for the {round}th time?")));
    }
}

#[test]
fn a_conversation_that_changes_is_computed_from_the_change_on() {
    let model = model(&Tiny::default(), 1024);
    let mut session = Session::new(&model).unwrap();
    let turns = [user("The first message stays."), assistant("Yes."), user("The third is edited.")];
    answer(&mut session, &ask_hot("one", &turns)).unwrap();
    let edited = [user("The first message stays."), assistant("No."), user("The third was edited.")];
    let (text, _, usage) = answer(&mut session, &ask_hot("one", &edited)).unwrap();
    assert!(usage.reused_tokens > 10 && usage.reused_tokens + 10 < usage.prompt_tokens, "{usage:?}");
    assert_eq!(text, fresh(&model, &edited));
    // The same once more: all but the last token.
    let (text, _, usage) = answer(&mut session, &ask_hot("one", &edited)).unwrap();
    assert_eq!(usage.reused_tokens + 1, usage.prompt_tokens);
    assert_eq!(text, fresh(&model, &edited));
}

#[test]
fn conversations_take_turns_and_each_goes_on_where_it_was() {
    let model = model(&Tiny::default(), 1024);
    let mut session = Session::new(&model).unwrap();
    let names = ["one", "two", "three"];
    let mut before = [0; 3];
    let mut talks = names.map(|name| vec![user(&format!("{name} has a long first message about {name} and more."))]);
    for round in 0..3 {
        for ((name, turns), before) in names.iter().zip(&mut talks).zip(&mut before) {
            let (text, _, usage) = answer(&mut session, &ask_hot(name, turns)).unwrap();
            assert_eq!(text, fresh(&model, turns), "{name}, round {round}");
            assert!(usage.reused_tokens >= *before, "{name}, round {round}: {usage:?}");
            // Its last token is a newline, which may become one token with what comes next.
            *before = usage.prompt_tokens - 1;
            turns.push(assistant(&text));
            turns.push(user("Go on."));
        }
    }
}

#[test]
fn another_conversation_begins_with_what_both_have() {
    let model = model(&Tiny::default(), 1024);
    let mut session = Session::new(&model).unwrap();
    let system = Turn { role: Role::System, content: "You are a squirrel, you run up and down a tree.".to_owned() };
    let first = [system.clone(), user("Who lives at the top of it?")];
    let second = [system, user("And who at the roots?")];
    answer(&mut session, &ask_hot("one", &first)).unwrap();
    let (text, _, usage) = answer(&mut session, &ask_hot("two", &second)).unwrap();
    assert!(usage.reused_tokens > 20, "{usage:?}");
    assert_eq!(text, fresh(&model, &second));
    // The first is as it was.
    let (text, _, usage) = answer(&mut session, &ask_hot("one", &first)).unwrap();
    assert_eq!(usage.reused_tokens + 1, usage.prompt_tokens);
    assert_eq!(text, fresh(&model, &first));
}

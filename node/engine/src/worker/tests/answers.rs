//! What comes back.

use super::*;
use crate::testing::{Broken, broken_model};

#[test]
fn a_model_is_loaded_and_says_what_it_says() {
    let file = File::new(&tiny_model(&Tiny::saying("Hello, 🌳 and the world.")));
    let (said, seen) = std::sync::mpsc::sync_channel(128);
    let model = Model::load(&file.load(512), move |percent| said.send(percent).is_ok()).unwrap();
    let seen: Vec<u8> = seen.iter().collect();
    assert!(seen.is_sorted() && seen.last() == Some(&100), "{seen:?}");
    let description = model.describe();
    assert_eq!((description.name.as_str(), description.context), ("Tiny", 512));
    let mut session = Session::new(&model).unwrap();
    let (text, finish, usage) = answer(&mut session, &ask(&[user("Say it")])).unwrap();
    assert_eq!((text.as_str(), finish), ("Hello, 🌳 and the world.", Finish::Stop));
    assert!(usage.generated_tokens > 3 && usage.prompt_tokens > 5 && usage.reused_tokens == 0);
    assert!(!usage.first_token.is_zero() && usage.first_token <= usage.duration);
}

#[test]
fn whoever_stops_listening_while_loading_ends_it() {
    let file = File::new(&tiny_model(&Tiny::default()));
    assert!(Model::load(&file.load(512), |_| false).is_err());
}

#[test]
fn the_context_is_never_larger_than_the_model_knows() {
    let model = model(&Tiny { context: 300, ..Tiny::default() }, 100_000);
    assert_eq!(model.describe().context, 300);
    Session::new(&model).unwrap();
}

#[test]
fn greedy_and_a_seed_give_the_same_text_each_time() {
    let model = model(&Tiny::endless("one two three four five"), 512);
    let wild =
        |seed| Sampling { temperature: 5.0, top_k: 0, top_p: 1.0, min_p: 0.0, repeat_penalty: 1.2, seed: Some(seed) };
    let run = |sampling: Sampling| {
        let mut session = Session::new(&model).unwrap();
        answer(&mut session, &Generate { sampling, max_tokens: 40, ..ask(&[user("Go")]) }).unwrap().0
    };
    assert_eq!(run(Sampling::greedy()), run(Sampling::greedy()));
    assert_eq!(run(wild(3)), run(wild(3)));
    assert_ne!(run(wild(3)), run(wild(4)));
}

#[test]
fn an_answer_ends_at_a_stop_text_and_at_its_length() {
    let model = model(&Tiny::endless("one two three four five "), 512);
    let mut session = Session::new(&model).unwrap();
    let stopped = Generate { stop: vec!["ree fo".to_owned(), "never".to_owned()], ..ask(&[user("Go")]) };
    let (text, finish, _) = answer(&mut session, &stopped).unwrap();
    assert_eq!((text.as_str(), finish), ("one two th", Finish::Stop));
    let (text, finish, usage) = answer(&mut session, &Generate { max_tokens: 2, ..ask(&[user("Go")]) }).unwrap();
    assert_eq!((text.as_str(), finish, usage.generated_tokens), ("one two", Finish::Length, 2));
}

#[test]
fn a_full_context_ends_the_answer() {
    let model = model(&Tiny::endless("one two three four five "), 150);
    let mut session = Session::new(&model).unwrap();
    let (_, finish, usage) = answer(&mut session, &Generate { max_tokens: 10_000, ..ask(&[user("Go")]) }).unwrap();
    // The last token need not be computed any more.
    assert_eq!((finish, usage.prompt_tokens + usage.generated_tokens), (Finish::Length, 151));
    // And the next one works.
    assert!(answer(&mut session, &Generate { max_tokens: 5, ..ask(&[user("Again")]) }).is_ok());
}

#[test]
fn the_oldest_turns_are_left_out_when_the_room_is_small() {
    let model = model(&Tiny::saying("Yes."), 400);
    let mut session = Session::new(&model).unwrap();
    let turns: Vec<Turn> = (0..40).map(|at| user(&format!("This is message number {at}."))).collect();
    let mut reader = Reader::default();
    let (finish, _) = session.generate(&Generate { max_tokens: 50, ..ask(&turns) }, &mut reader).unwrap();
    let (prompt, _, left_out) = reader.started.unwrap();
    assert_eq!((finish, reader.text.as_str()), (Finish::Stop, "Yes."));
    assert!((1..40).contains(&left_out) && prompt <= 350 && prompt > 250, "{prompt} tokens, {left_out} left out");
    let endless = Generate { max_tokens: 50, ..ask(&[user(&"too long ".repeat(500))]) };
    assert!(matches!(answer(&mut session, &endless), Err(EngineError::PromptTooLong { .. })));
}

#[test]
fn an_answer_that_is_cancelled_ends_between_two_computations() {
    let model = model(&Tiny::endless("one two three four five "), 2048);
    let mut session = Session::new(&model).unwrap();
    let long = ask(&[user(&"and on ".repeat(200))]);
    // At once, before anything of the prompt is computed.
    let mut reader = Reader { cancel_after: Some(0), ..Reader::default() };
    assert_eq!(session.generate(&long, &mut reader).unwrap().0, Finish::Cancelled);
    assert_eq!(reader.text, "");
    // After the third piece of text.
    let mut reader = Reader { cancel_after: Some(4), ..Reader::default() };
    let (finish, usage) = session.generate(&long, &mut reader).unwrap();
    assert_eq!((finish, usage.generated_tokens), (Finish::Cancelled, 3));
    assert_eq!(reader.text, "one two three");
    // What was computed is there for the next one.
    let (text, _, usage) = answer(&mut session, &Generate { max_tokens: 2, ..long }).unwrap();
    assert_eq!(text, "one two");
    assert_eq!(usage.reused_tokens + 1, usage.prompt_tokens);
}

#[test]
fn files_that_are_no_models_are_refused_in_words() {
    for broken in Broken::ALL {
        let file = File::new(&broken_model(broken));
        let error = match Model::load(&file.load(512), |_| true) {
            Err(error) => error,
            // Whole but for the length that it states, or for its template: ChatML is used then.
            Ok(model) => {
                let usable = [Broken::AbsurdContext, Broken::NoTemplate, Broken::EndlessTemplate];
                let answer = answer(&mut Session::new(&model).unwrap(), &ask(&[user("Hi")]));
                assert!(usable.contains(&broken) && answer.is_ok(), "{broken:?} says {answer:?}");
                continue;
            }
        };
        assert!(!matches!(error, EngineError::Inference { .. }), "{broken:?}: {error}");
    }
    let missing = Load { path: "/nowhere/model.gguf".to_owned(), ..File::new(b"").load(512) };
    assert!(matches!(Model::load(&missing, |_| true), Err(EngineError::FileMissing { .. })));
}

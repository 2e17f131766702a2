//! Workers that die, hang and lie in the middle of an answer.

use super::*;
use crate::ipc::Reply;
use crate::{Usage, Wait};

const DIED: &str = "its connection ended";

fn died() -> Event {
    Event::Failed(EngineError::WorkerDied { reason: DIED.to_owned() })
}

/// Loads, writes a word and dies.
async fn dies(mut played: Played) {
    played.load().await;
    if let Some(generate) = played.started().await {
        played.text(generate.id, "half an").await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_begins_anew_when_the_worker_dies() {
    let engine = engine(settings(), |number, played| async move {
        if number == 0 { dies(played).await } else { played.serve().await }
    });
    let events = events(engine.generate(request("hello")).unwrap()).await;
    let started = Event::Started { prompt_tokens: 7, reused_tokens: 3, left_out: 1 };
    let text = |text: &str| Event::Text(text.to_owned());
    let finished = Event::Finished { reason: Finish::Stop, usage: Usage::default() };
    assert_eq!(events, [started.clone(), text("half an"), Event::Restarted, started, text("HELLO"), finished]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_always_dies_is_left_alone_for_a_while() {
    let engine = engine(settings(), |number, played| async move {
        if number < 3 { dies(played).await } else { played.serve().await }
    });
    let first = events(engine.generate(request("first")).unwrap()).await;
    assert_eq!(first.iter().filter(|event| **event == Event::Restarted).count(), 1);
    assert_eq!(first.last(), Some(&died()));
    // The third death is one too many: there is no second try.
    assert_eq!(events(engine.generate(request("second")).unwrap()).await.last(), Some(&died()));
    assert!(matches!(*engine.phase().borrow(), Phase::Resting { .. }));
    let third = events(engine.generate(request("third")).unwrap()).await;
    assert_eq!(third, [Event::Failed(EngineError::Resting { seconds: 60 })]);
    assert_eq!(engine.load().await, Err(EngineError::Resting { seconds: 60 }));
    tokio::time::advance(Duration::from_secs(60)).await;
    let fourth = events(engine.generate(request("fourth")).unwrap()).await;
    assert!(matches!(fourth.last(), Some(Event::Finished { .. })), "{fourth:?}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_while_nobody_asks_is_replaced() {
    let engine = engine(settings(), |number, mut played| async move {
        if number == 0 {
            played.load().await;
        } else {
            played.serve().await;
        }
    });
    engine.load().await.unwrap();
    engine.phase().wait_for(|phase| *phase == Phase::Unloaded).await.unwrap();
    let events = events(engine.generate(request("hello")).unwrap()).await;
    assert!(!events.contains(&Event::Restarted), "nobody has noticed: {events:?}");
    assert!(matches!(events.last(), Some(Event::Finished { .. })), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_hangs_is_ended() {
    let engine = engine(settings(), |number, mut played| async move {
        if number == 2 {
            return played.serve().await;
        }
        played.load().await;
        let id = played.started().await.unwrap().id;
        if number == 1 {
            played.text(id, "half an").await;
        }
        assert_eq!(played.told().await, None, "it is let go");
    });
    let first = events(engine.generate(request("first")).unwrap()).await;
    assert_eq!(first.last(), Some(&Event::Failed(EngineError::TimedOut { wait: Wait::FirstToken, seconds: 60 })));
    let second = events(engine.generate(request("second")).unwrap()).await;
    assert_eq!(second.last(), Some(&Event::Failed(EngineError::TimedOut { wait: Wait::NextToken, seconds: 60 })));
    let third = events(engine.generate(request("third")).unwrap()).await;
    assert!(matches!(third.last(), Some(Event::Finished { .. })), "{third:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_not_asked_for_ends_a_worker() {
    let started = |id| Reply::Started { id, prompt_tokens: 1, reused_tokens: 0, left_out: 0 };
    let text = |id| Reply::Text { id, text: "lie".to_owned() };
    let lies: [fn(u64) -> Vec<Reply>; 6] = [
        |id| vec![Reply::Text { id, text: "too early".to_owned() }],
        |id| vec![Reply::Finished { id: id + 1, reason: Finish::Stop, usage: Usage::default() }],
        |_| vec![Reply::Ready { version: 1 }],
        |_| vec![Reply::Loading { percent: 1 }],
        |_| vec![Reply::Failed { id: None, error: EngineError::NoLlama }],
        |id| vec![Reply::Failed { id: Some(id + 1), error: EngineError::NoLlama }],
    ];
    let twice: Vec<Vec<Reply>> = vec![vec![started(1), started(1)], vec![started(1), text(2)]];
    let cases: Vec<_> = lies.into_iter().map(|lie| lie(1)).chain(twice).collect();
    for replies in cases {
        let said = replies.clone();
        let engine = engine(settings(), move |_, mut played| {
            let replies = replies.clone();
            async move {
                played.load().await;
                played.told().await;
                for reply in &replies {
                    played.say(reply).await;
                }
                while played.told().await.is_some() {}
            }
        });
        let events = events(engine.generate(request("hello")).unwrap()).await;
        assert!(matches!(events.last(), Some(Event::Failed(EngineError::Protocol { .. }))), "{said:?}: {events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_ends_a_worker() {
    for line in [vec![b'x'; 1 << 20], b"hello\n".to_vec(), b"\xff\xfe\n".to_vec(), b"\n".to_vec()] {
        let engine = engine(settings(), move |_, mut played| {
            let line = line.clone();
            async move {
                played.load().await;
                played.started().await;
                played.write(&line).await;
                while played.told().await.is_some() {}
            }
        });
        let events = events(engine.generate(request("hello")).unwrap()).await;
        assert!(matches!(events.last(), Some(Event::Failed(EngineError::Protocol { .. }))), "{events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_end_ends_a_worker() {
    let engine = engine(settings(), |_, mut played| async move {
        played.load().await;
        let id = played.started().await.unwrap().id;
        while played.text(id, &"x".repeat(8 << 10)).await {}
    });
    let mut generation = engine.generate(request("hello")).unwrap();
    let (mut bytes, mut last) = (0, None);
    while let Some(event) = generation.next().await {
        if let Event::Text(text) = &event {
            bytes += text.len();
        }
        last = Some(event);
    }
    assert!(matches!(last, Some(Event::Failed(EngineError::Protocol { .. }))), "{last:?}");
    assert!(bytes <= 4 << 20, "{bytes}");
}

#[tokio::test(start_paused = true)]
async fn what_llama_cannot_do_is_said_and_the_worker_stays() {
    let engine = engine(settings(), |number, mut played| async move {
        assert_eq!(number, 0);
        played.load().await;
        let id = played.started().await.unwrap().id;
        let error = EngineError::Inference { reason: "no slot".to_owned() };
        played.say(&Reply::Failed { id: Some(id), error }).await;
        played.answer_on().await;
    });
    let first = events(engine.generate(request("first")).unwrap()).await;
    assert_eq!(first.last(), Some(&Event::Failed(EngineError::Inference { reason: "no slot".to_owned() })));
    let second = events(engine.generate(request("second")).unwrap()).await;
    assert!(matches!(second.last(), Some(Event::Finished { .. })), "{second:?}");
}

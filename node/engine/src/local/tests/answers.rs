//! Answers as they should be, cancelled ones, and readers that do not read.

use super::*;
use crate::ipc::{Command, Generate};

const STARTED: Event = Event::Started { prompt_tokens: 7, reused_tokens: 3, left_out: 1 };

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

fn finish(event: Option<&Event>) -> Option<Finish> {
    match event {
        Some(Event::Finished { reason, .. }) => Some(*reason),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn one_worker_answers_one_after_the_other() {
    let engine = engine(settings(), |number, played| async move {
        assert_eq!(number, 0, "one is enough");
        played.serve().await;
    });
    let (first, second) = (engine.generate(request("one")).unwrap(), engine.generate(request("two")).unwrap());
    assert_eq!(engine.queue().borrow().len(), 2);
    for (generation, expected) in [(first, "ONE"), (second, "TWO")] {
        let events = events(generation).await;
        assert_eq!(events[..2], [STARTED, text(expected)]);
        assert_eq!(finish(events.get(2)), Some(Finish::Stop));
    }
    engine.queue().wait_for(Vec::is_empty).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_important_overtake() {
    let engine = engine(settings(), |_, played| played.serve());
    let mut generations = Vec::new();
    for (label, priority) in [("low", 1), ("high", 10), ("middle", 5)] {
        generations.push(engine.generate(crate::Request { priority, ..request(label) }).unwrap());
    }
    let labels: Vec<_> = engine.queue().borrow().iter().map(|waiting| waiting.label.clone()).collect();
    assert_eq!(labels, ["high", "middle", "low"]);
    for generation in generations {
        assert_eq!(finish(events(generation).await.last()), Some(Finish::Stop));
    }
}

/// A worker that writes until it is cancelled.
async fn writes_on(mut played: Played) {
    played.load().await;
    while let Some(Generate { id, .. }) = played.started().await {
        played.text(id, "begun").await;
        assert_eq!(played.told().await, Some(Command::Cancel { id }), "it has to hear of the cancellation");
        played.text(id, "late").await;
        played.finished(id, Finish::Cancelled).await;
    }
}

#[tokio::test(start_paused = true)]
async fn cancelling_reaches_the_worker() {
    let engine = engine(settings(), |_, played| writes_on(played));
    for _ in 0..2 {
        let mut generation = engine.generate(request("hello")).unwrap();
        while generation.next().await != Some(text("begun")) {}
        generation.cancel();
        let events = events(generation).await;
        assert_eq!(events.len(), 1, "nothing that was written later is passed on: {events:?}");
        assert_eq!(finish(events.first()), Some(Finish::Cancelled));
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_cancels() {
    let engine = engine(settings(), |_, played| writes_on(played));
    let mut generation = engine.generate(request("hello")).unwrap();
    while generation.next().await != Some(text("begun")) {}
    drop(generation);
    // The worker is free again, and the same.
    let mut next = engine.generate(request("again")).unwrap();
    while next.next().await != Some(text("begun")) {}
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_does_not_cancel_is_ended() {
    let engine = engine(settings(), |number, mut played| async move {
        if number > 0 {
            return played.serve().await;
        }
        played.load().await;
        played.started().await;
        while played.told().await.is_some() {}
    });
    let mut generation = engine.generate(request("hello")).unwrap();
    while generation.next().await != Some(STARTED) {}
    generation.cancel();
    assert_eq!(finish(events(generation).await.last()), Some(Finish::Cancelled));
    assert_eq!(finish(events(engine.generate(request("again")).unwrap()).await.last()), Some(Finish::Stop));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_read_holds_its_answer_up_and_then_loses_it() {
    let engine = engine(settings(), |number, mut played| async move {
        assert_eq!(number, 0, "the worker does nothing wrong");
        played.load().await;
        let id = played.started().await.unwrap().id;
        let mut written = 0;
        loop {
            tokio::select! {
                biased;
                told = played.told() => {
                    assert_eq!(told, Some(Command::Cancel { id }));
                    break;
                }
                () = std::future::ready(()) => {}
            }
            played.text(id, &"x".repeat(1000)).await;
            written += 1;
            assert!(written < 200, "nothing holds it up");
        }
        played.finished(id, Finish::Cancelled).await;
        played.answer_on().await;
    });
    let idle = engine.generate(request("not read")).unwrap();
    let next = events(engine.generate(request("read")).unwrap()).await;
    assert_eq!(finish(next.last()), Some(Finish::Stop), "the next gets an answer though nobody has read the first");
    assert_eq!(events(idle).await.last(), Some(&Event::Failed(EngineError::SlowReader { seconds: 30 })));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_reads_now_and_then_does_not_hold_the_others_up() {
    let engine = engine(settings(), |_, mut played| async move {
        played.load().await;
        let id = played.started().await.unwrap().id;
        // It does not look whether it is cancelled before it has written all.
        for _ in 0..500 {
            played.text(id, "x").await;
        }
        assert_eq!(played.told().await, Some(Command::Cancel { id }));
        played.finished(id, Finish::Cancelled).await;
        played.answer_on().await;
    });
    let mut slow = engine.generate(request("slow")).unwrap();
    let slowly = tokio::spawn(async move {
        let mut last = None;
        while let Some(event) = slow.next().await {
            last = Some(event);
            tokio::time::sleep(Duration::from_secs(7)).await;
        }
        last
    });
    let asked = tokio::time::Instant::now();
    let next = events(engine.generate(request("next")).unwrap()).await;
    assert_eq!(finish(next.last()), Some(Finish::Stop));
    assert!(asked.elapsed() < Duration::from_secs(60), "{:?}", asked.elapsed());
    assert_eq!(slowly.await.unwrap(), Some(Event::Failed(EngineError::SlowReader { seconds: 30 })));
}

#[tokio::test(start_paused = true)]
async fn the_memory_is_given_back_when_nobody_asks() {
    let mut settings = settings();
    settings.idle = Some(Duration::from_secs(600));
    let engine = engine(settings, |_, played| played.serve());
    let mut phase = engine.phase();
    for _ in 0..2 {
        assert_eq!(finish(events(engine.generate(request("hello")).unwrap()).await.last()), Some(Finish::Stop));
        assert_eq!(*phase.borrow_and_update(), Phase::Loaded);
        let asked = tokio::time::Instant::now();
        phase.wait_for(|phase| *phase == Phase::Unloaded).await.unwrap();
        assert!(asked.elapsed() >= Duration::from_secs(599), "{:?}", asked.elapsed());
    }
    engine.load().await.unwrap();
    engine.unload().await;
    assert_eq!(*phase.borrow_and_update(), Phase::Unloaded);
}

#[tokio::test(start_paused = true)]
async fn stopping_tells_everybody() {
    let engine = engine(settings(), |_, played| writes_on(played));
    let mut running = engine.generate(request("running")).unwrap();
    let waiting = engine.generate(request("waiting")).unwrap();
    while running.next().await != Some(text("begun")) {}
    engine.stop().await;
    for generation in [running, waiting] {
        assert_eq!(events(generation).await, [Event::Failed(EngineError::Stopped)]);
    }
    assert!(engine.generate(request("late")).is_err());
    assert_eq!(engine.load().await, Err(EngineError::Stopped));
    engine.unload().await;
}

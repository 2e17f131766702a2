//! What may happen before a model is in memory.

use super::*;
use crate::Wait;
use crate::ipc::{self, Reply};

#[tokio::test(start_paused = true)]
async fn progress_is_told_and_the_facts_are_taken_over() {
    let engine = engine(settings(), |_, mut played| async move {
        played.say(&Reply::Ready { version: ipc::VERSION }).await;
        played.told().await;
        for percent in [10, 60, 60, 100] {
            played.say(&Reply::Loading { percent }).await;
            // All together more than the time that is given without progress.
            tokio::time::sleep(Duration::from_secs(50)).await;
        }
        played.loaded(256).await;
        played.answer_on().await;
    });
    assert_eq!(engine.describe().context, 512);
    let mut generation = engine.generate(request("hello")).unwrap();
    let mut percents = Vec::new();
    loop {
        match generation.next().await {
            Some(Event::Loading { percent }) => percents.push(percent),
            Some(Event::Queued { .. }) => {}
            event => {
                assert!(matches!(event, Some(Event::Started { .. })), "{event:?}");
                break;
            }
        }
    }
    assert_eq!(percents, [0, 10, 60, 100]);
    let description = engine.describe();
    assert_eq!((description.context, description.name.as_str()), (256, "tiny"));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_the_worker_refuses_is_no_crash() {
    let error = EngineError::UnsupportedArchitecture { architecture: "of tomorrow".to_owned() };
    let said = error.clone();
    let engine = engine(settings(), move |_, mut played| {
        let error = said.clone();
        async move {
            played.say(&Reply::Ready { version: ipc::VERSION }).await;
            played.told().await;
            played.say(&Reply::Failed { id: None, error }).await;
        }
    });
    for _ in 0..5 {
        assert_eq!(events(engine.generate(request("hello")).unwrap()).await, [Event::Failed(error.clone())]);
    }
    assert_eq!(*engine.phase().borrow(), Phase::Unloaded);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_while_loading_is_tried_again_once() {
    let engine = engine(settings(), |number, mut played| async move {
        if number > 0 {
            return played.serve().await;
        }
        played.say(&Reply::Ready { version: ipc::VERSION }).await;
        played.told().await;
    });
    let events = events(engine.generate(request("hello")).unwrap()).await;
    assert!(!events.contains(&Event::Restarted), "there was nothing to forget: {events:?}");
    assert!(matches!(events.last(), Some(Event::Finished { .. })), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn loading_that_does_not_go_on_is_ended() {
    let engine = engine(settings(), |_, mut played| async move {
        played.say(&Reply::Ready { version: ipc::VERSION }).await;
        played.told().await;
        // The same number again and again is no progress.
        while played.say(&Reply::Loading { percent: 1 }).await {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    assert_eq!(engine.load().await, Err(EngineError::TimedOut { wait: Wait::Load, seconds: 120 }));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_begins_otherwise_is_ended() {
    for lines in [
        "{\"reply\":\"ready\",\"version\":99}\n",
        "{\"reply\":\"loading\",\"percent\":5}\n",
        "{\"reply\":\"ready\",\"version\":1}\n{\"reply\":\"ready\",\"version\":1}\n",
        "{\"reply\":\"ready\",\"version\":1}\n{\"reply\":\"loading\",\"percent\":101}\n",
        "{\"reply\":\"ready\",\"version\":1}\n\
         {\"reply\":\"loaded\",\"description\":{\"name\":\"\",\"context\":513,\"place\":\"local\"}}\n",
        "usage: something else\n",
    ] {
        let engine = engine(settings(), move |_, mut played| async move {
            played.write(lines.as_bytes()).await;
            while played.told().await.is_some() {}
        });
        let result = engine.load().await;
        assert!(matches!(result, Err(EngineError::Protocol { .. })), "{lines}: {result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_it_loads_leaves_a_loaded_model() {
    let engine = engine(settings(), |number, mut played| async move {
        assert_eq!(number, 0);
        played.say(&Reply::Ready { version: ipc::VERSION }).await;
        played.told().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        played.loaded(512).await;
        played.answer_on().await;
    });
    let generation = engine.generate(request("hello")).unwrap();
    let mut phase = engine.phase();
    phase.wait_for(|phase| matches!(phase, Phase::Loading { .. })).await.unwrap();
    generation.cancel();
    let events = events(generation).await;
    assert!(matches!(events[..], [Event::Finished { reason: Finish::Cancelled, .. }]), "{events:?}");
    assert!(engine.queue().borrow().is_empty(), "it is not shown as running");
    phase.wait_for(|phase| *phase == Phase::Loaded).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_loaded_is_said_before_a_worker_starts() {
    let nobody = || |_: usize, _: Played| async { panic!("no worker is needed to know that") };
    let mut settings = settings();
    settings.needs = Some(u64::MAX - 1);
    let error = engine(settings.clone(), nobody()).load().await.unwrap_err();
    let EngineError::NotEnoughMemory { needs, free } = error else { panic!("{error:?}") };
    assert!(needs == u64::MAX - 1 && free > 0 && free < needs);
    settings.needs = None;
    settings.load.path = "there/is/no/such.gguf".to_owned();
    let error = engine(settings.clone(), nobody()).load().await.unwrap_err();
    assert!(matches!(error, EngineError::FileMissing { .. }), "{error:?}");
    settings.load.path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").to_owned();
    let error = engine(settings, nobody()).load().await.unwrap_err();
    assert!(matches!(error, EngineError::NotGguf { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn dropping_the_engine_lets_the_worker_go() {
    let (gone_tx, gone) = tokio::sync::oneshot::channel();
    let gone_tx = std::sync::Mutex::new(Some(gone_tx));
    let engine: Local = engine(settings(), move |_, played| {
        let gone = gone_tx.lock().unwrap().take().unwrap();
        async move {
            played.serve().await;
            gone.send(()).unwrap();
        }
    });
    engine.load().await.unwrap();
    drop(engine);
    gone.await.unwrap();
}

//! Engines without a worker: who gets which, and what is told.

use std::ops::ControlFlow;
use std::path::Path;

use ratatosk_engine::testing::{Tiny, tiny_model};
use ratatosk_engine::{EngineError, Event as Said, Role, Sampling, Turn};

use super::*;
use crate::models::Import;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ratatosk-engines-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn import(catalogue: &Catalogue, folder: &Path, model: &Tiny) -> PathBuf {
    let path = folder.join("tiny.gguf");
    std::fs::write(&path, tiny_model(model)).unwrap();
    let wanted = Import { path: path.clone(), name: "tiny".to_owned(), in_place: true };
    catalogue.import(&wanted, &mut |_| ControlFlow::Continue(())).unwrap();
    path
}

fn request() -> Request {
    Request {
        label: "max to Olga".to_owned(),
        conversation: "c".to_owned(),
        priority: 7,
        turns: vec![Turn { role: Role::User, content: "hello".to_owned() }],
        sampling: Sampling::greedy(),
        max_tokens: 8,
        stop: Vec::new(),
    }
}

/// Engines whose worker does not exist.
fn engines(catalogue: &Arc<Catalogue>) -> Engines {
    let program = Program { path: PathBuf::from("/no/such/program"), arguments: Vec::new() };
    Engines::new(catalogue.clone(), &AgentsConfig::default(), Hub::default()).with_program(program)
}

#[tokio::test]
async fn who_wants_the_same_shares_an_engine() {
    let folder = Folder::new("shared");
    let catalogue = Arc::new(Catalogue::open(&folder.0).unwrap());
    let path = import(&catalogue, &folder.0, &Tiny { context: 512, ..Tiny::default() });
    let engines = engines(&catalogue);
    let one = engines.engine("tiny", 256).unwrap();
    assert!(Arc::ptr_eq(&one, &engines.engine("TINY", 256).unwrap()));
    assert_eq!(one.describe().context, 256);
    // More than the model was made for is of no use, and none said is the daemon's setting.
    for context in [0, 100_000] {
        assert_eq!(engines.engine("tiny", context).unwrap().describe().context, 512);
    }
    let brief = engines.briefs();
    assert_eq!(brief.iter().map(|brief| brief.context).collect::<Vec<_>>(), [256, 512]);
    assert!(brief.iter().all(|brief| brief.state == EngineState::Idle && brief.model == "tiny"));
    assert!(matches!(engines.engine("", 256), Err(NoEngine::Unchosen)));
    let missing = engines.engine("other", 256).err().unwrap().to_string();
    assert!(missing.contains("no model called \"other\"") && missing.contains("model list"), "{missing}");
    // Another file under that name is another model.
    catalogue.remove("tiny", &[]).unwrap();
    import(&catalogue, &folder.0, &Tiny { context: 1024, name: "Other".to_owned(), ..Tiny::default() });
    assert!(!Arc::ptr_eq(&one, &engines.engine("tiny", 256).unwrap()));
    std::fs::remove_file(path).unwrap();
    let gone = engines.engine("tiny", 256).err().unwrap().to_string();
    assert!(gone.contains("its file is gone"), "{gone}");
    engines.stop().await;
    assert!(matches!(engines.engine("", 256), Err(NoEngine::Unchosen)) && engines.briefs().is_empty());
}

#[tokio::test]
async fn what_waits_is_seen_and_a_worker_that_is_not_there_is_told() {
    let folder = Folder::new("queue");
    let catalogue = Arc::new(Catalogue::open(&folder.0).unwrap());
    import(&catalogue, &folder.0, &Tiny::default());
    let engines = engines(&catalogue);
    let mut events = engines.shared.hub.listen();
    let mut generation = engines.engine("tiny", 256).unwrap().generate(request()).unwrap();
    let Event::Queue(queue) = &*events.next().await.unwrap() else { panic!("the queue has changed") };
    let shown = |waiting: &types::Waiting| (waiting.model.clone(), waiting.label.clone(), waiting.priority);
    let all: Vec<_> = queue.waiting.iter().map(shown).collect();
    assert!(all.is_empty() || all == [("tiny".to_owned(), "max to Olga".to_owned(), 7)], "{all:?}");
    let failed = async {
        loop {
            match generation.next().await {
                Some(Said::Failed(error)) => return error,
                Some(_) => {}
                None => panic!("it ended without a word"),
            }
        }
    };
    let error = tokio::time::timeout(std::time::Duration::from_secs(60), failed).await.unwrap();
    assert!(matches!(error, EngineError::WorkerStart { .. }), "{error}");
    engines.stop().await;
    assert!(engines.queue().waiting.is_empty());
    assert!(matches!(engines.engine("tiny", 256), Err(NoEngine::Stopped)));
}

#[tokio::test]
async fn no_more_answers_wait_than_the_owner_wants() {
    let folder = Folder::new("bounded");
    let catalogue = Arc::new(Catalogue::open(&folder.0).unwrap());
    import(&catalogue, &folder.0, &Tiny::default());
    let mut engines = engines(&catalogue);
    engines.config.queue = 2;
    let engine = engines.engine("tiny", 256).unwrap();
    // Nobody takes one meanwhile: there is one thread, and it is here.
    let waiting: Vec<_> = (0..2).map(|_| engine.generate(request()).unwrap()).collect();
    assert!(matches!(engine.generate(request()), Err(Busy::Full { waiting: 2 })));
    drop(waiting);
    engines.stop().await;
}

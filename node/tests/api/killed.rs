//! `ratatosk serve`, killed at any moment: what was acknowledged is there when it is started again, and nothing is half there.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use ratatosk_engine::testing::{Tiny, tiny_model};
use ratatosk_node::api::types::{ImportModel, NewAgent, NewBackup, NewMessage, PageQuery};
use ratatosk_node::backup;
use ratatosk_node::client::{Client, Record};
use ratatosk_node::model::{AgentSettings, Node, Protection};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::{Folder, node, within};

/// A daemon as a process.
struct Served {
    process: Child,
    client: Client,
    _said: Lines<BufReader<ChildStdout>>,
}

impl Served {
    async fn start(dir: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratatosk"));
        command.args(["serve", "--embedded-relay=127.0.0.1:0", "--dir"]).arg(dir);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        within(async {
            while !said.next_line().await.unwrap().expect("it ended").starts_with("API http://127.0.0.1:") {}
        })
        .await;
        let client = Record::read(dir).unwrap().expect("it listens").client();
        Self { process, client, _said: said }
    }

    async fn kill(mut self) {
        self.process.start_kill().unwrap();
        within(self.process.wait()).await.unwrap();
    }
}

/// A node with an AI, which is somebody to talk with.
fn with_an_ai(folder: &Folder) {
    let node = node(folder, "ada");
    let settings = AgentSettings { active: false, ..AgentSettings::default() };
    let new = ratatosk_node::model::NewAgent { slug: "munin".to_owned(), name: "Munin".to_owned(), settings };
    let munin = node.create_agent(&new).unwrap();
    node.topic_with(munin.person).unwrap();
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let folder = Folder::new("ada");
    with_an_ai(&folder);
    let mut acknowledged = Vec::new();
    for round in 0..4_u32 {
        let served = Served::start(folder.path()).await;
        let topic = served.client.topics().await.unwrap().remove(0).id;
        let page = PageQuery { before: None, limit: Some(200) };
        let there: Vec<_> =
            served.client.messages(&topic, &page).await.unwrap().messages.into_iter().map(|it| it.id).collect();
        assert!(acknowledged.iter().all(|id| there.contains(id)), "in round {round}");
        let wanted = acknowledged.len() + 3 + round as usize;
        let client = served.client.clone();
        let talking = tokio::spawn(async move {
            let mut posted = Vec::new();
            let message = NewMessage { text: "once more".to_owned(), attachments: Vec::new() };
            while let Ok(message) = client.say(&topic, &message).await {
                posted.push(message.id);
                if posted.len() == 3 + round as usize {
                    break;
                }
            }
            // One is on its way when everything ends.
            let on_its_way = client.say(&topic, &message);
            (posted, tokio::time::timeout(Duration::from_millis(u64::from(round)), on_its_way).await.is_ok())
        });
        let (posted, _) = within(talking).await.unwrap();
        acknowledged.extend(posted);
        assert_eq!(acknowledged.len(), wanted);
        served.kill().await;
        assert!(folder.path().join("daemon.json").exists(), "nobody has taken it away");
    }
    let node = Node::open(folder.path(), &Protection::KeyFile(None)).unwrap();
    let problems = node.examine().unwrap();
    assert!(problems.is_empty(), "{problems:?}");
}

#[tokio::test]
async fn a_backup_that_is_killed_is_no_backup() {
    let folder = Folder::new("ada");
    with_an_ai(&folder);
    let there = Folder::new("there");
    std::fs::create_dir_all(there.path()).unwrap();
    let mut killed = 0;
    for round in 0..4_u64 {
        let served = Served::start(folder.path()).await;
        let swept = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(swept.into_iter().all(|name| !name.to_string_lossy().starts_with(".backup-")));
        let file = there.path().join(format!("{round}.backup"));
        let path = file.to_string_lossy().into_owned();
        let new = NewBackup { path, passphrase: "correct horse".to_owned(), models: false };
        let done = tokio::time::timeout(Duration::from_millis(40 * round), served.client.backup(&new)).await;
        served.kill().await;
        if file.exists() {
            backup::restore(&file, "correct horse", &there.path().join(format!("{round}")), &mut |_| true).unwrap();
        } else {
            assert!(done.is_err(), "it was acknowledged");
            killed += 1;
        }
    }
    assert!(killed > 0);
}

#[tokio::test]
async fn an_ai_is_there_as_a_whole_after_a_kill_or_not_at_all() {
    let folder = Folder::new("ada");
    drop(node(&folder, "ada"));
    let file = folder.path().join("tiny.gguf");
    std::fs::write(&file, tiny_model(&Tiny::default())).unwrap();
    let import = ImportModel { path: file.to_string_lossy().into_owned(), name: Some("tiny".to_owned()), link: true };
    let mut made = 0;
    for round in 0..6_u64 {
        let served = Served::start(folder.path()).await;
        if round == 0 {
            served.client.import_model(&import).await.unwrap();
        }
        let agents = served.client.agents().await.unwrap();
        assert!(agents.len() >= made, "{agents:?}");
        assert!(agents.iter().all(|agent| agent.problem.is_none()), "{agents:?}");
        made = agents.len();
        let new = NewAgent { name: format!("Munin {round}"), model: "tiny".to_owned(), ..NewAgent::default() };
        let attempt = tokio::time::timeout(Duration::from_millis(15 * round), served.client.create_agent(&new)).await;
        served.kill().await;
        made += usize::from(matches!(attempt, Ok(Ok(_))));
    }
    let node = Node::open(folder.path(), &Protection::KeyFile(None)).unwrap();
    node.repair().unwrap();
    let problems = node.examine().unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    assert!(node.agents().unwrap().len() >= made);
}

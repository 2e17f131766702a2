//! From a node to a backup and to a node again.

use std::fs;
use std::path::Path;

use super::*;
use crate::model::home::Cost;
use crate::model::home::tests::Folder;
use crate::model::{AgentSettings, NewAgent, NewPerson, Node, Protection};

const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };
const PASSPHRASE: &str = "correct horse";

fn node(dir: &Path) -> Node {
    let person = NewPerson { email: "a@peer.test".to_owned(), instance: "here".to_owned(), name: "A".to_owned() };
    let node = Node::create(dir, &person, &Protection::KeyFile(None)).unwrap();
    let munin = NewAgent { slug: "munin".to_owned(), name: "Munin".to_owned(), settings: AgentSettings::default() };
    let munin = node.create_agent(&munin).unwrap().person;
    let topic = node.topic_with(munin).unwrap();
    node.post(&topic.id.to_string(), "what do you remember?", Vec::new()).unwrap();
    fs::write(dir.join("config.toml"), "[api]\nport = 7000\n").unwrap();
    fs::create_dir_all(dir.join("models/small")).unwrap();
    fs::write(dir.join("models/small/model.json"), "{}").unwrap();
    fs::write(dir.join("models/small/model.gguf"), vec![7; 200_000]).unwrap();
    node
}

fn source(node: &Node, models: bool) -> Source {
    let agents = vec![("munin".to_owned(), node.open_agent("munin").unwrap().store().clone())];
    Source { dir: node.dir().to_owned(), store: node.store().clone(), agents, models }
}

fn backup(node: &Node, to: &Path, models: bool) -> Made {
    make(&source(node, models), to, PASSPHRASE, CHEAP, &mut |_| true).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_node_comes_back_with_its_ais_and_says_what_is_missing() {
    let (old, new) = (Folder::new(), Folder::new());
    let file = old.path().join("it.backup");
    let home = old.path().join("home");
    let (person, said) = {
        let node = node(&home);
        let made = backup(&node, &file, false);
        assert_eq!(made.left_out, ["the model small: import it again"]);
        assert_eq!(made.size, fs::metadata(&file).unwrap().len());
        let topic = node.topics().unwrap().remove(0).id.to_string();
        (node.person(), (topic.clone(), node.head(&topic).unwrap(), node.messages(&topic, None, 10).unwrap()))
    };
    assert_eq!(names(old.path()), ["home", "it.backup"]);
    assert!(!names(&home).iter().any(|name| name.starts_with('.')), "{:?}", names(&home));
    let dir = new.path().join("there");
    let mut last = 0;
    let restored = restore(&file, PASSPHRASE, &dir, &mut |progress| {
        last = progress.done;
        true
    });
    let restored = restored.unwrap();
    assert_eq!((restored.email.as_str(), restored.agents.as_slice()), ("a@peer.test", ["munin".to_owned()].as_slice()));
    assert!(last > 10_000);
    let node = Node::open(&dir, &Protection::KeyFile(None)).unwrap();
    assert_eq!(node.person(), person);
    assert_eq!(node.head(&said.0).unwrap(), said.1);
    assert_eq!(node.messages(&said.0, None, 10).unwrap(), said.2);
    assert_eq!(node.open_agent("munin").unwrap().owner(), Some(person));
    assert_eq!(fs::read_to_string(dir.join("config.toml")).unwrap(), "[api]\nport = 7000\n");
    assert!(!dir.join("models").exists());
    assert_eq!(names(new.path()), ["there"]);
}

#[test]
fn files_of_models_are_in_it_if_they_are_wanted() {
    let folder = Folder::new();
    let file = folder.path().join("it.backup");
    let made = backup(&node(&folder.path().join("home")), &file, true);
    assert!(made.left_out.is_empty() && made.size > 200_000);
    restore(&file, PASSPHRASE, &folder.path().join("there"), &mut |_| true).unwrap();
    assert_eq!(fs::read(folder.path().join("there/models/small/model.gguf")).unwrap(), vec![7; 200_000]);
}

#[test]
fn nothing_is_left_of_what_cannot_be() {
    let folder = Folder::new();
    let file = folder.path().join("it.backup");
    let node = node(&folder.path().join("home"));
    backup(&node, &file, false);
    let again = make(&source(&node, false), &file, PASSPHRASE, CHEAP, &mut |_| true);
    assert!(matches!(again, Err(BackupError::Exists(_))));
    let stopped = make(&source(&node, false), &folder.path().join("other"), PASSPHRASE, CHEAP, &mut |_| false);
    assert!(matches!(stopped, Err(BackupError::Stopped)));
    let dir = folder.path().join("there");
    let wrong = restore(&file, "wrong horse", &dir, &mut |_| true);
    assert!(matches!(wrong, Err(BackupError::WrongPassphrase)));
    let stopped = restore(&file, PASSPHRASE, &dir, &mut |progress| progress.done < 70_000);
    assert!(matches!(stopped, Err(BackupError::Stopped)));
    assert!(matches!(restore(&file, PASSPHRASE, folder.path(), &mut |_| true), Err(BackupError::NotEmpty(_))));
    let whole = fs::read(&file).unwrap();
    for length in [0, 50, whole.len() / 2, whole.len() - 1] {
        fs::write(folder.path().join("cut"), &whole[..length]).unwrap();
        assert!(restore(&folder.path().join("cut"), PASSPHRASE, &dir, &mut |_| true).is_err(), "{length}");
    }
    let mut changed = whole;
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(folder.path().join("cut"), &changed).unwrap();
    assert!(matches!(
        restore(&folder.path().join("cut"), PASSPHRASE, &dir, &mut |_| true),
        Err(BackupError::Damaged(_))
    ));
    assert_eq!(names(folder.path()), ["cut", "home", "it.backup"]);
}

#[test]
fn the_keys_do_not_lie_in_the_open() {
    let folder = Folder::new();
    let file = folder.path().join("it.backup");
    let home = folder.path().join("home");
    backup(&node(&home), &file, false);
    let (sealed, key) = (fs::read(&file).unwrap(), fs::read(home.join("identity.key")).unwrap());
    for secret in [key.trim_ascii_end(), b"a@peer.test", b"SQLite format 3", b"what do you remember?"] {
        assert!(!sealed.windows(secret.len()).any(|window| window == secret));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_a_killed_backup_left_is_swept_away() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path().join(".backup-0123/x")).unwrap();
    fs::write(folder.path().join("mine"), "x").unwrap();
    sweep(folder.path()).unwrap();
    assert_eq!(names(folder.path()), ["mine"]);
}

#[test]
fn the_next_attempt_removes_what_a_killed_one_left_and_nothing_else() {
    let folder = Folder::new();
    let node = node(&folder.path().join("home"));
    let at = |name: &str| folder.path().join(name);
    fs::write(at("it.backup.0123abcd.partial"), "half").unwrap();
    fs::write(at("it.backup.mine.partial"), "mine").unwrap();
    fs::create_dir_all(at(".there.0123abcd.restoring/agents")).unwrap();
    fs::create_dir_all(at(".elsewhere.0123abcd.restoring")).unwrap();
    backup(&node, &at("it.backup"), false);
    restore(&at("it.backup"), PASSPHRASE, &at("there"), &mut |_| true).unwrap();
    let left = [".elsewhere.0123abcd.restoring", "home", "it.backup", "it.backup.mine.partial", "there"];
    assert_eq!(names(folder.path()), left);
}

//! `ratatosk plugin`: what it says of files and modules.

use std::path::Path;
use std::process::Command;

use super::modules::{Folder, sha256, speaker};
use super::support::Peer;

/// What it prints, what it complains about, and its exit code.
fn plugin(arguments: &[&str]) -> (String, String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ratatosk"));
    let output = command.arg("plugin").args(arguments).env("RATATOSK_LOG", "error").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_file_that_can_be_used_is_shown_as_a_table() {
    let wasm = speaker("x");
    let folder = Folder::with_guest("check", &wasm);
    let guest = std::fs::read_to_string(folder.file()).unwrap();
    let extra = "\", version = \"2.1\", memory_max = 131072, deadline_ms = 70 }";
    let order = "order = [\"encryption\", \"guest\", \"keepalive\", \"fragmentation\"]";
    folder.write(&format!("fragmentation = \"native\"\n{}\n{order}\n", guest.replace("\" }", extra)));
    let (table, problem, code) = plugin(&["check", &folder.file()]);
    assert_eq!((&*problem, code), ("", 0));
    assert!(table.contains("outwards: encryption, guest, keepalive, fragmentation\n"), "{table}");
    let row = |name: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    assert_eq!(row("name"), ["name", "layer", "form", "version", "memory", "deadline", "sha256"]);
    assert_eq!(row("guest"), ["guest", "observer", "wasm", "2.1", "128 KiB", "70 ms", &*sha256(&wasm)]);
    assert_eq!(row("fragmentation")[1..3], ["fragmentation", "native"]);
    assert_eq!(row("fragmentation")[4..], ["-", "-", "-"]);
    assert_eq!((&*row("encryption")[2], row("encryption")[6].len()), ("wasm", 64));
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_by_the_check_and_at_the_start() {
    let wasm = speaker("no thanks");
    let folder = Folder::with_guest("mistakes", &wasm);
    let guest = std::fs::read_to_string(folder.file()).unwrap();
    let (hash, other_hash) = (sha256(&wasm), "ab".repeat(32));
    let order = |names: &str| format!("{guest}\norder = [{names}]\n");
    let cases = [
        (guest.replace(&hash, &other_hash), vec!["guest", &*other_hash, &*hash]),
        (order(r#""keepalive", "encryption", "fragmentation", "guest""#), vec!["keepalive", "inside encryption"]),
        (order(r#""keepalive", "fragmentation", "guest""#), vec!["encryption", "leaves"]),
        (order(r#""encryption", "keepalive", "fragmentation", "ghost", "guest""#), vec!["ghost"]),
        (guest.replace("\" }", "\", colour = 1 }"), vec!["guest", "colour"]),
        (guest.replace("\" }", "\", config = \"x\" }"), vec!["guest refused its configuration: no thanks"]),
        (guest.replace("observer", "audience"), vec!["guest", "layer"]),
        (guest.replace(r#", layer = "observer""#, ""), vec!["guest", "layer"]),
        ("encryption = \"rust\"".to_owned(), vec!["encryption", "native"]),
        ("a = 1\nb = [".to_owned(), vec!["line 2"]),
    ];
    for (text, problems) in cases {
        folder.write(&text);
        let (table, problem, code) = plugin(&["check", &folder.file()]);
        assert_eq!((&*table, code), ("", 1), "{text}");
        let (events, code) = Peer::spawn("ws://127.0.0.1:1", &[("RATATOSK_PLUGINS", &folder.file())]).rest().await;
        assert_eq!((events.len(), code), (2, 1), "{text}: {events:?}");
        let at_start = events[0]["error"]["message"].as_str().unwrap();
        for said in [&*problem, at_start] {
            assert!(problems.iter().all(|part| said.contains(part)), "{text}: {said}");
            assert!(said.contains("plugins.toml"), "{said}");
        }
    }
    let (_, problem, code) = plugin(&["check", path(&folder.path().join("nowhere.toml"))]);
    assert!(problem.contains("nowhere.toml") && code == 1, "{problem}");
}

#[test]
fn a_module_is_looked_into() {
    let wasm = speaker("x");
    let folder = Folder::with_guest("inspect", &wasm);
    let (text, problem, code) = plugin(&["inspect", path(&folder.path().join("guest.wasm"))]);
    assert_eq!((&*problem, code), ("", 0));
    let signature = "on_event (i32 i32 i32 i32) -> (i32)";
    for part in [&*sha256(&wasm), signature, "ratatosk_plugin_1.emit", "memory, 2 pages", "version 1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // The line can be used as it is.
    folder.write(text.lines().find(|line| line.starts_with("guest = ")).unwrap());
    let (_, problem, code) = plugin(&["check", &folder.file()]);
    assert_eq!((&*problem, code), ("", 0));

    let strange = [
        ("empty.wasm", wat::parse_str("(module)").unwrap(), "ratatosk_plugin_abi_1"),
        ("wasi.wasm", foreign(), "wasi_snapshot_preview1"),
        ("text.wasm", b"hello".to_vec(), "\\0asm"),
        ("cut.wasm", wasm[..wasm.len() - 9].to_vec(), "cannot be used as a plugin"),
    ];
    for (name, bytes, part) in strange {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let (text, problem, code) = plugin(&["inspect", path(&file)]);
        assert!(problem.contains(part) && problem.contains(name), "{name}: {problem}");
        assert_eq!(code, 1, "{name}");
        assert!(!text.contains("plugins.toml"), "{text}");
    }
}

/// Follows the ABI, and imports more than it has.
fn foreign() -> Vec<u8> {
    let wat = r#"(module
      (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "ratatosk_plugin_abi_1")))"#;
    wat::parse_str(wat).unwrap()
}

//! The tutorial of `docs/plugins.md`, followed to the letter from an empty folder: what it has the reader make is what lies in
//! `plugins/examples`, builds, and does in a stack what the page says.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod folder;
mod page;
mod peers;
mod programs;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use folder::Folder;
use page::{Block, Role};
use peers::Peers;
use programs::Programs;
use ratatosk_plugin_host::{HostLimits, Manifest, Module, PluginHost};
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{Incoming, Origin, Outgoing, Stack};
use sha2::{Digest, Sha256};

/// What it has a reader send.
const TEXTS: [&str; 5] = ["one", "two", "three", "four", "and a fifth that is quite a lot longer"];

/// The SDK, as the page and the example have it: the one lies beside the repository, the other in it.
const SDK: (&str, &str) = ("\"../ratatosk/plugins/sdk\"", "\"../../sdk\"");

#[test]
fn the_files_of_the_page_are_those_of_the_examples() {
    let examples = page::root().join("plugins/examples");
    let mut on_page = BTreeSet::new();
    for block in page::blocks() {
        if let Role::File(name) = block.role() {
            let example = fs::read_to_string(examples.join(name)).unwrap();
            assert!(example == block.text.replace(SDK.0, SDK.1), "{name} of the page is not that of the examples");
            on_page.insert(name.to_owned());
        }
    }
    let mut found = BTreeSet::new();
    files(&examples, "", &mut found);
    assert_eq!(found, on_page);
}

/// The files below a folder, without what building leaves there.
fn files(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    const BUILT: [&str; 5] = ["target", "Cargo.lock", "node_modules", "package-lock.json", "build"];
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if BUILT.contains(&&*name) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &format!("{path}/"), found);
        } else {
            found.insert(path);
        }
    }
}

/// The page says this.
#[track_caller]
fn assert_on_page(text: &str) {
    assert!(page::text().contains(text), "the page does not say {text:?}");
}

#[test]
fn the_plugin_in_rust_counts_and_its_bug_ends_the_connection() {
    let folder = Folder::new("rust");
    let blocks = page::blocks();
    let mut blocks = blocks.iter();
    let mut follow_to = |end: &dyn Fn(&Block) -> bool| {
        for block in blocks.by_ref() {
            folder.follow(block, false);
            if end(block) {
                return;
            }
        }
        panic!("the page ends early");
    };

    follow_to(&writes_plugins_toml);
    let mut peers = Peers::connect(&folder).unwrap();
    for text in TEXTS {
        assert_eq!(peers.send(text), [text]);
        assert_on_page(text);
    }
    let [sender, receiver] = peers.close();
    let five = "5 (4 up to 16 B, 1 up to 64 B)";
    let sent = ["received 0, sent 4 (4 up to 16 B)".to_owned(), format!("received 0, sent {five}")];
    let received = ["received 4 (4 up to 16 B), sent 0".to_owned(), format!("received {five}, sent 0")];
    for (notes, expected) in [(sender, sent), (receiver, received)] {
        assert_eq!(notes, expected.clone().map(|text| format!("size-histogram: {text}")));
        expected.iter().for_each(|text| assert_on_page(text));
    }

    // Other settings than it knows.
    let plugins = fs::read_to_string(folder.path("plugins.toml")).unwrap();
    fs::write(folder.path("plugins.toml"), plugins.replace("every=4", "colour=4")).unwrap();
    assert_on_page(&Peers::connect(&folder).err().unwrap());
    fs::write(folder.path("plugins.toml"), plugins).unwrap();

    // A bug: the pin refuses the module that has it, and when it is pinned, it ends the connection.
    follow_to(&|block| matches!(block.role(), Role::Insert(_)));
    follow_to(&|block| block.text.contains("cargo build"));
    let refused = Peers::connect(&folder).err().unwrap();
    let (_, why) = refused.split_once("the module has the SHA-256").unwrap_or_else(|| panic!("{refused}"));
    assert!(why.contains(" its manifest says "), "{refused}");
    follow_to(&|block| block.text.contains("sed -i.bak"));
    let mut peers = Peers::connect(&folder).unwrap();
    assert_eq!(peers.send("one"), ["one"]);
    assert_eq!(peers.send("boom"), [""; 0]);
    assert_on_page(&peers.sender.failure().unwrap().error.to_string());
    assert!(peers.receiver.failure().is_none());

    // And out again.
    follow_to(&|block| block.text.contains("sed -i.bak"));
    let mut peers = Peers::connect(&folder).unwrap();
    assert_eq!(peers.send("boom"), ["boom"]);
}

fn writes_plugins_toml(block: &Block) -> bool {
    block.text.contains("cat > plugins.toml")
}

#[test]
fn the_plugin_in_assemblyscript_replaces_shortcodes() {
    let folder = Folder::new("assemblyscript");
    if let Err(why) = npm(&folder) {
        skipped(&format!("the AssemblyScript part of docs/plugins.md, as npm or its registry is not there: {why}"));
        return;
    }
    page::blocks().iter().for_each(|block| folder.follow(block, true));

    let mut peers = Peers::connect(&folder).unwrap();
    assert_eq!(peers.send("hello :wave: at 12:30:45, :tea:?"), ["hello 👋 at 12:30:45, 🍵?"]);
    assert_eq!(peers.send("nothing here: or there"), ["nothing here: or there"]);
    let [sender, receiver] = peers.close();
    // The histogram stands outside: it counts what the application sends, and what it receives.
    let notes = ["emoji: replaced 2 shortcodes", "size-histogram: received 0, sent 2 (2 up to 64 B)"];
    assert_eq!(sender, notes);
    let notes = ["emoji: replaced 0 shortcodes", "size-histogram: received 2 (2 up to 64 B), sent 0"];
    assert_eq!(receiver, notes);
    many_connections_share_one_page(&folder);
}

/// Whether npm and its registry are there.
fn npm(folder: &Folder) -> Result<(), String> {
    let asked = folder.run("npm view assemblyscript version --fetch-retries=0 --fetch-timeout=20000");
    if asked.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&asked.stderr);
    Err(said.lines().find(|line| !line.contains(" warn ")).unwrap_or("no reason given").to_owned())
}

/// Says what was not tested, past the capture of the test harness.
fn skipped(what: &str) {
    io::stderr().write_all(format!("skipped: {what}\n").as_bytes()).unwrap();
}

/// What the page promises of the module: it tells connections apart that share an instance, and stays in 64 KiB of memory.
fn many_connections_share_one_page(folder: &Folder) {
    let wasm = fs::read(folder.path("emoji.wasm")).unwrap();
    let limits = HostLimits { instances: 1, instances_per_module: 1, ..HostLimits::default() };
    let host = PluginHost::new(limits).unwrap();
    let digest = hex::encode(Sha256::digest(&wasm));
    let manifest = format!(
        "name = \"emoji\"\nversion = \"1\"\nabi = 1\nfile = \"emoji.wasm\"\nsha256 = {digest:?}\nlayer = \"transform\"\n\
         memory_max = 65536\n"
    );
    let module = Module::new(&host, Manifest::parse(&manifest).unwrap(), &wasm).unwrap();
    let connect = |config: &str| {
        let plugin = module.open(config.as_bytes(), Instant::now(), Box::new(OsEntropy)).unwrap();
        let mut stack = Stack::of_one(Box::new(plugin), Box::new(OsEntropy));
        stack.handle_incoming(Instant::now(), Incoming::Opened);
        stack
    };
    let say = |stack: &mut Stack, text: &str| {
        stack.send(Instant::now(), Payload::text(text)).unwrap();
        stack.poll_transmit()
    };
    let mut stays = connect("tea=🫖");
    let long = ":tea: or not, ".repeat(500);
    let replaced = |emoji: &str| Some(Outgoing::Message(Payload::text(long.replace(":tea:", emoji))));
    for _ in 0..2000 {
        let mut comes_and_goes = connect("tea=🍵");
        assert!(say(&mut stays, &long) == replaced("🫖"));
        assert!(say(&mut comes_and_goes, &long) == replaced("🍵"));
    }
    assert_eq!(module.instances(), 1);
    let closed = Incoming::Closed { reason: String::new(), origin: Origin::Local };
    stays.handle_incoming(Instant::now(), closed);
    assert_eq!(stays.poll_note().unwrap().text, "replaced 1000000 shortcodes");
}

/// The rest of the page: commands that need the programs, which the tests of this package cannot build.
#[test]
fn the_programs_do_what_the_page_shows() {
    let Some(programs) = env::var_os("RATATOSK_PROGRAMS") else {
        skipped("commands of docs/plugins.md; RATATOSK_PROGRAMS, a folder with commserver and ratatosk, has them run");
        return;
    };
    let folder = Folder::new("programs");
    let npm = npm(&folder);
    let mut programs = Programs::new(&folder, &page::root().join(programs));
    for block in page::blocks() {
        if let (Role::Npm, Err(why)) = (block.role(), &npm) {
            skipped(&format!("docs/plugins.md from line {}, as npm or its registry is not there: {why}", block.line));
            return;
        }
        folder.follow(&block, true);
        programs.follow(&block);
    }
}

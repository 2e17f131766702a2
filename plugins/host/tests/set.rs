//! `plugins.toml`, and the plugins that connections get from it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ratatosk_plugin_bundle as bundle;
use ratatosk_plugin_host::{BuiltIn, Change, Choices, HostLimits, PluginSet, SetError, Sources};
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{Form, Incoming, KeepAliveSettings, NonceParity, Outgoing, Plugins, Setup, Stack};
use sha2::{Digest, Sha256};

/// Says `text` of every text that it sees.
fn speaker(text: &str) -> Vec<u8> {
    module(text, "")
}

/// As [`speaker`], and does that when a connection is closed.
fn module(text: &str, at_close: &str) -> Vec<u8> {
    let len = text.len();
    let wat = format!(
        r#"(module
          (import "ratatosk_plugin_1" "emit" (func $emit (param i32 i32 i32 i32)))
          (memory (export "memory") 2)
          (data (i32.const 0) "{text}")
          (func (export "ratatosk_plugin_abi_1"))
          (func (export "alloc") (param i32) (result i32) (i32.const 1024))
          (func (export "open") (param i32) (result i32) (i32.const 0))
          (func (export "on_event") (param i32 i32 i32 i32) (result i32)
            (if (i32.eq (local.get 2) (i32.const 1))
              (then (call $emit (i32.const 1) (i32.const 6) (i32.const 0) (i32.const {len}))))
            (i32.const 1))
          (func (export "on_timer") (param i32) (result i32) (i32.const 1))
          (func (export "close") (param i32) {at_close}))"#
    );
    wat::parse_str(wat).unwrap()
}

fn hash(wasm: &[u8]) -> String {
    hex::encode(Sha256::digest(wasm))
}

/// A folder of the test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("set").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn sources() -> Sources {
    let built_in = [bundle::ENCRYPTION, bundle::KEEPALIVE, bundle::FRAGMENTATION]
        .map(|built| BuiltIn { manifest: built.manifest, wasm: built.wasm });
    let limits = HostLimits { instances: 20, instances_per_module: 4, ..HostLimits::default() };
    Sources { built_in: built_in.into(), entropy: os_entropy, limits }
}

fn connect(set: &PluginSet, sends: NonceParity) -> Stack {
    let now = Instant::now();
    let keepalive = KeepAliveSettings::default();
    let key = SharedKey::from_bytes([3; 32]);
    let setup = Setup { now, key: &key, sends, keepalive, chunk_len: 65_536, max_message_len: 1 << 20 };
    let mut stack = Stack::new(set.make(&setup).unwrap(), os_entropy()).unwrap();
    stack.handle_incoming(now, Incoming::Opened);
    assert_eq!(stack.poll_event(), Some(Incoming::Opened));
    stack
}

fn notes(stack: &mut Stack) -> Vec<String> {
    stack.send(Instant::now(), Payload::text("text")).unwrap();
    std::iter::from_fn(|| stack.poll_note()).map(|note| format!("{}: {}", note.plugin, note.text)).collect()
}

fn refused(text: &str) -> String {
    Choices::parse(text, Path::new("")).unwrap_err().to_string()
}

#[test]
fn mistakes_are_named() {
    let hash = "ab".repeat(32);
    let own = format!("wasm = 'x.wasm', sha256 = '{hash}'");
    let order = |list: &str| refused(&format!("order = [{list}]"));
    let cases = [
        (refused("encryption = 'wasm'\n= 3"), "line 2: "),
        (refused("encryption = 'rust'"), "encryption: it has to be \"wasm\", \"native\" or { wasm = "),
        (refused("colour = 'native'"), "of plugins, the program has only encryption, keepalive, fragmentation"),
        (refused("colour = 3"), "colour: it has to be { wasm = "),
        (refused("'Big Name' = { wasm = 'x' }"), "Big Name: a plugin's name is 1 to 64 of a-z"),
        (refused("colour = { wasm = 'x.wasm', layer = 'observer' }"), "colour: it does not say sha256"),
        (refused(&format!("colour = {{ {own} }}")), "colour: it does not say layer"),
        (
            refused(&format!("colour = {{ {own}, layer = 'observer', hue = 1 }}")),
            "it says \"hue\", which means nothing",
        ),
        (refused(&format!("colour = {{ {own}, layer = 'pingpong' }}")), "layer has to be observer, encryption, "),
        (refused(&format!("encryption = {{ {own} }}")), "encryption: it needs may_have_keys = true, because"),
        // It could not be told from encryption itself, which every connection has.
        (
            refused(&format!("colour = {{ {own}, layer = 'encryption' }}")),
            "colour: layer has to be observer or transform; ",
        ),
        (refused(&(0..1000).map(|at| format!("p{at} = 'wasm'\n")).collect::<String>()), "it lists 1000 plugins, and"),
        (refused("colour = 'ä\u{1b}[31mö"), "line 1: "),
        (refused(&format!("keepalive = {{ {own}, layer = 'observer' }}")), "layer has to be the one of that name"),
        (refused(&format!("keepalive = {{ {own}, config = 'x' }}")), "config has to be left out"),
        (order("'encryption', 'keepalive'"), "order leaves \"fragmentation\" out"),
        (order("'encryption', 'encryption'"), "order names \"encryption\" twice"),
        (order("'colour'"), "order names \"colour\", which the file does not describe"),
        (order("1"), "order has something in it that is no name"),
        (refused("order = 'encryption'"), "order has to be a list"),
        (
            order("'keepalive', 'encryption', 'fragmentation'"),
            "keepalive stands inside encryption; from the socket outwards the order is ping or pong, encryption, keepalive, \
             fragmentation",
        ),
        (order("'encryption', 'fragmentation', 'keepalive'"), "fragmentation stands inside keepalive; "),
        (
            refused(&format!(
                "colour = {{ {own}, layer = 'transform' }}\norder = ['colour', 'encryption', 'keepalive', 'fragmentation']"
            )),
            "colour stands inside encryption; ",
        ),
    ];
    for (said, expected) in cases {
        assert!(said.contains(expected), "{said}");
    }
    let missing = Choices::read(Path::new("no/such/plugins.toml")).unwrap_err().to_string();
    assert!(missing.starts_with("no/such/plugins.toml: "), "{missing}");
}

#[test]
fn any_mixture_talks_to_any_other() {
    let mixtures = ["", "encryption = 'native'", "keepalive = 'native'\nfragmentation = 'native'"];
    let sets: Vec<_> = mixtures
        .iter()
        .map(|text| PluginSet::start(&Choices::parse(text, Path::new("")).unwrap(), sources()).unwrap())
        .chain([PluginSet::start(&Choices::all_native(), sources()).unwrap()])
        .collect();
    let now = Instant::now();
    for one in &sets {
        for other in &sets {
            let (mut from, mut to) = (connect(one, NonceParity::Odd), connect(other, NonceParity::Even));
            let message = Payload::binary(vec![5; 200_000]);
            from.send(now, message.clone()).unwrap();
            while let Some(Outgoing::Message(frame)) = from.poll_transmit() {
                to.handle_incoming(now, Incoming::Message(frame));
            }
            assert_eq!(to.poll_event(), Some(Incoming::Message(message)));
        }
    }
    for set in &sets {
        for plugin in set.describe() {
            assert_eq!((plugin.form == Form::Wasm, plugin.stats.connections()), (plugin.sha256.is_some(), 0));
            assert!(plugin.stats.calls() >= 8 && !plugin.stats.time().is_zero(), "{plugin:?}");
        }
    }
}

#[test]
fn new_connections_get_what_changed_and_others_keep_what_they_have() {
    let folder = folder("reload");
    let (first, second) = (speaker("first"), speaker("second"));
    let choices = |wasm: &[u8], order: &str| {
        fs::write(folder.join("speaker.wasm"), wasm).unwrap();
        let text = format!(
            "speaker = {{ wasm = 'speaker.wasm', sha256 = '{}', layer = 'observer' }}\norder = [{order}]",
            hash(wasm)
        );
        fs::write(folder.join("plugins.toml"), text).unwrap();
        Choices::read(&folder.join("plugins.toml")).unwrap()
    };
    let outside = "'encryption', 'keepalive', 'fragmentation', 'speaker'";
    let set = PluginSet::start(&choices(&first, outside), sources()).unwrap();
    let mut old = connect(&set, NonceParity::Odd);
    assert_eq!(notes(&mut old), ["speaker: first"]);

    let change = |name: &str, what| Change { name: name.to_owned(), what };
    assert_eq!(set.reload(&choices(&second, outside)).unwrap(), [change("speaker", "replaced")]);
    let mut new = connect(&set, NonceParity::Odd);
    assert_eq!(
        (notes(&mut old), notes(&mut new)),
        (vec!["speaker: first".to_owned()], vec!["speaker: second".to_owned()])
    );

    // Inside encryption there are no texts.
    let inside = choices(&second, "'speaker', 'encryption', 'keepalive', 'fragmentation'");
    assert_eq!(
        set.reload(&inside).unwrap(),
        [("speaker", "moved"), ("encryption", "moved"), ("keepalive", "moved"), ("fragmentation", "moved")]
            .map(|(name, what)| change(name, what))
    );
    assert!(notes(&mut connect(&set, NonceParity::Odd)).is_empty());
    assert!(set.reload(&inside).unwrap().is_empty());

    // Other bytes than those that were meant: nothing changes.
    fs::write(folder.join("speaker.wasm"), &first).unwrap();
    let mixed_up = set.reload(&inside).unwrap_err();
    assert!(matches!(mixed_up, SetError::Load(_)), "{mixed_up}");
    assert!(mixed_up.to_string().contains(&hash(&second)), "{mixed_up}");
    assert_eq!(set.describe().len(), 4);

    let changes = set.reload(&Choices::parse("encryption = 'native'", Path::new("")).unwrap()).unwrap();
    assert!(changes.contains(&change("encryption", "replaced")) && changes.contains(&change("speaker", "removed")));
    assert_eq!(notes(&mut old), ["speaker: first"]);
    assert_eq!(set.describe()[0].form, Form::Native);
}

#[test]
fn a_module_is_there_for_new_connections_whatever_old_ones_hold() {
    let set = PluginSet::start(&Choices::all_wasm(), sources()).unwrap();
    // Each generation holds four instances of each of three modules, and the engine has room for twenty in all: when the second
    // one has its first instances, only five are left.
    let hold = || (0..8).map(|_| connect(&set, NonceParity::Even)).collect::<Vec<_>>();
    let first = hold();
    set.reload(&Choices::all_native()).unwrap();
    set.reload(&Choices::all_wasm()).unwrap();
    let second = hold();
    let instances: Vec<_> = set.describe().iter().map(|plugin| plugin.instances).collect();
    assert!(instances.iter().all(|&count| count > 0) && instances.iter().sum::<usize>() == 8, "{instances:?}");
    // A third generation finds no room, and says so; the second one goes on.
    set.reload(&Choices::all_native()).unwrap();
    let full = set.reload(&Choices::all_wasm()).unwrap_err();
    assert!(full.to_string().contains("stopped"), "{full}");
    assert!(set.describe().iter().all(|plugin| plugin.form == Form::Native));
    drop((first, second));
    set.reload(&Choices::all_wasm()).unwrap();
    connect(&set, NonceParity::Even);
}

#[test]
fn a_program_without_modules_says_so() {
    let sources = Sources { built_in: Vec::new(), ..sources() };
    let error = PluginSet::start(&Choices::all_wasm(), sources.clone()).unwrap_err().to_string();
    assert_eq!(error, "this program does not carry the plugin encryption as a module; \"native\" is what it has");
    let native: Arc<PluginSet> = PluginSet::start(&Choices::all_native(), sources).unwrap();
    assert_eq!(native.describe().len(), 3);
}

#[test]
fn a_module_that_ends_at_its_first_close_is_not_begun_with() {
    let folder = folder("close");
    let wasm = module("never", "unreachable");
    fs::write(folder.join("ends.wasm"), &wasm).unwrap();
    let text = format!("ends = {{ wasm = 'ends.wasm', sha256 = '{}', layer = 'observer' }}", hash(&wasm));
    let error = PluginSet::start(&Choices::parse(&text, &folder).unwrap(), sources()).unwrap_err().to_string();
    assert!(error.contains("plugin ends stopped: ") && error.contains("unreachable"), "{error}");
}

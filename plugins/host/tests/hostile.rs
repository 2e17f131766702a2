//! Modules that break the rules: their connection ends with their name and the reason, everything else goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::Seeded;
use ratatosk_plugin::abi::{MAX_NOTE_LEN, MAX_NOTES};
use ratatosk_plugin_host::{AbiError, HostLimits, LoadError, Manifest, Misuse, Module, OpenError, PluginHost, Stopped};
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::abi::EmitError;
use ratatosk_protocol::plugin::{Context, Incoming, Layer, Origin, Outgoing, Plugin, PluginError, SendError, Stack};
use sha2::{Digest, Sha256};

const MEMORY_MAX: usize = 1 << 20;
const EVENTS: usize = 500;

/// A module that passes everything but does `on_text` when a text comes.
const WELL_BEHAVED: &str = r#"(module
  (import "ratatosk_plugin_1" "emit" (func $emit (param i32 i32 i32 i32)))
  (import "ratatosk_plugin_1" "random" (func $random (param i32 i32)))
  (import "ratatosk_plugin_1" "now_ms" (func $now_ms (result i64)))
  (import "ratatosk_plugin_1" "set_timer" (func $set_timer (param i32 i64)))
  (import "ratatosk_plugin_1" "fail" (func $fail (param i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "the reason\ff")
  (global $next (mut i32) (i32.const 0))
  (func (export "ratatosk_plugin_abi_1"))
  (func (export "alloc") (param i32) (result i32) (;alloc;) (i32.const 1024))
  (func (export "open") (param i32) (result i32) (;open;)
    (global.set $next (i32.add (global.get $next) (i32.const 1)))
    (i32.sub (global.get $next) (i32.const 1)))
  (func $on_event (export "on_event") (param $handle i32) (param $direction i32) (param $kind i32) (param i32) (result i32)
    (if (i32.eq (local.get $kind) (i32.const 1)) (then (;on_text;)))
    (i32.const 1))
  (func (export "on_timer") (param i32) (result i32) (i32.const 1))
  (func (export "close") (param i32))
  (;more;)
)"#;

fn with(place: &str, code: &str) -> String {
    let module = WELL_BEHAVED.replace(place, &format!("{place} {code}"));
    assert_ne!(module, WELL_BEHAVED);
    module
}

fn on_text(code: &str) -> String {
    with("(;on_text;)", code)
}

fn host() -> &'static PluginHost {
    static HOST: OnceLock<PluginHost> = OnceLock::new();
    HOST.get_or_init(|| {
        let limits =
            HostLimits { instances: 100, instances_per_module: 2, memory_max: 2 * MEMORY_MAX, events_per_call: EVENTS };
        PluginHost::new(limits).unwrap()
    })
}

fn manifest(wasm: &[u8]) -> Manifest {
    let digest = hex::encode(Sha256::digest(wasm));
    let text = format!(
        "name = \"hostile\"\nversion = \"1\"\nabi = 1\nfile = \"hostile.wasm\"\nsha256 = \"{digest}\"\nlayer = \"transform\"\n\
         memory_max = {MEMORY_MAX}\ndeadline_ms = 300\n"
    );
    Manifest::parse(&text).unwrap()
}

fn load_bytes(wasm: &[u8]) -> Result<Module, LoadError> {
    Module::new(host(), manifest(wasm), wasm)
}

fn load(text: &str) -> Result<Module, LoadError> {
    load_bytes(&wat::parse_str(text).unwrap())
}

fn connect(module: &Module) -> Stack {
    let now = Instant::now();
    let plugin = module.open(b"configuration", now, Box::new(Seeded(1))).unwrap();
    let mut stack = Stack::new(vec![Box::new(plugin)], Box::new(Seeded(1))).unwrap();
    stack.handle_incoming(now, Incoming::Opened);
    assert_eq!(stack.poll_event(), Some(Incoming::Opened));
    stack
}

fn passes(stack: &mut Stack) -> bool {
    let message = Incoming::Message(Payload::binary(&b"data"[..]));
    stack.handle_incoming(Instant::now(), message.clone());
    stack.poll_event() == Some(message)
}

/// The reason with which the module is ended when a text comes.
fn ended(module: &str) -> String {
    let module = load(module).unwrap();
    let mut bystander = connect(&module);
    let mut stack = connect(&module);
    assert!(passes(&mut stack) && passes(&mut bystander));

    stack.handle_incoming(Instant::now(), Incoming::Message(Payload::text("text")));
    let failure = stack.failure().expect("the module got away with it").clone();
    assert_eq!(failure.plugin, "hostile");
    // The other end hears who stopped, not what a module says of itself, and nothing that was emitted goes anywhere.
    assert_eq!(stack.poll_transmit(), Some(Outgoing::Close(CloseRequest::because("plugin hostile stopped"))));
    assert_eq!((stack.poll_transmit(), stack.poll_event()), (None, None));
    // The application hears that it is over, and nothing is delivered unseen by the plugin.
    assert!(!passes(&mut stack));
    let closed = Incoming::Closed { reason: String::new(), origin: Origin::Local };
    stack.handle_incoming(Instant::now(), closed.clone());
    assert_eq!(stack.poll_event(), Some(closed));

    // Others of the same module go on, and new ones come.
    assert!(passes(&mut bystander));
    assert!(passes(&mut connect(&module)));
    let stopped = failure.error.text.strip_prefix("plugin hostile stopped: ");
    stopped.expect("ended without the name").to_owned()
}

#[test]
fn the_module_that_the_others_are_made_of_is_well_behaved() {
    let module = load(WELL_BEHAVED).unwrap();
    let mut stack = connect(&module);
    stack.handle_incoming(Instant::now(), Incoming::Message(Payload::text("text")));
    assert_eq!(stack.poll_event(), Some(Incoming::Message(Payload::text("text"))));
    assert!(passes(&mut stack) && stack.failure().is_none());
    assert_eq!(module.instances(), 1);
    drop(stack);
    assert_eq!(module.instances(), 0);
}

#[test]
fn an_endless_loop() {
    assert_eq!(ended(&on_text("(loop (br 0))")), "no answer within 300 ms");
}

#[test]
fn a_memory_hog() {
    let hog = "(loop (drop (memory.grow (i32.const 1))) (br 0))";
    assert_eq!(ended(&on_text(hog)), Misuse::Memory { max: MEMORY_MAX }.to_string());
}

#[test]
fn endless_recursion() {
    let deep = "(drop (call $on_event (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0)))";
    assert!(ended(&on_text(deep)).contains("stack"), "{}", ended(&on_text(deep)));
}

#[test]
fn a_panic() {
    assert_eq!(ended(&on_text("(call $fail (i32.const 0) (i32.const 10)) unreachable")), "the reason");
    assert!(ended(&on_text("unreachable")).contains("unreachable"));
    // What it says is bounded and in one line, and may be no text at all.
    let long = ended(&on_text("(call $fail (i32.const 0) (i32.const 100000)) unreachable"));
    assert!(long.starts_with("the reason\u{FFFD} ") && long.len() < 1100, "{long}");
}

#[test]
fn bad_pointers() {
    let outside = |call, ptr, len| Misuse::OutOfBounds { call, ptr, len }.to_string();
    let emit = on_text("(call $emit (i32.const 0) (i32.const 2) (i32.const 131072) (i32.const 1))");
    assert_eq!(ended(&emit), outside("emit", 131_072, 1));
    let emit = on_text("(call $emit (i32.const 0) (i32.const 2) (i32.const -1) (i32.const -1))");
    assert_eq!(ended(&emit), outside("emit", u32::MAX, u32::MAX as usize));
    assert_eq!(ended(&on_text("(call $random (i32.const 131000) (i32.const 73))")), outside("random", 131_000, 73));
    assert_eq!(ended(&on_text("(call $fail (i32.const 131072) (i32.const 1))")), outside("fail", 131_072, 1));
    assert!(ended(&on_text("(drop (i32.load (i32.const -4)))")).contains("out of bounds"));

    let alloc = load(&with("(;alloc;)", "(return (i32.const 131070))")).unwrap();
    let opened = alloc.open(b"configuration", Instant::now(), Box::new(Seeded(1)));
    let misuse = Misuse::OutOfBounds { call: "alloc", ptr: 131_070, len: 13 };
    let reason = Stopped::Misuse(misuse);
    assert_eq!(opened.unwrap_err(), OpenError::Stopped { name: "hostile".to_owned(), reason });
}

#[test]
fn emit_storms() {
    let storm = |len| {
        on_text(&format!("(loop (call $emit (i32.const 0) (i32.const 2) (i32.const 0) (i32.const {len})) (br 0))"))
    };
    assert_eq!(ended(&storm(1)), Misuse::TooManyEvents { max: EVENTS }.to_string());
    assert_eq!(ended(&storm(65_536)), Misuse::TooManyBytes { max: MEMORY_MAX }.to_string());
}

#[test]
fn too_much_randomness() {
    let much = "(call $random (i32.const 0) (i32.const 65537))";
    assert_eq!(ended(&on_text(much)), Misuse::RandomLen { len: 65_537 }.to_string());
}

#[test]
fn garbage() {
    assert_eq!(ended(&on_text("(return (i32.const 77))")), "on_event returned 77, which means nothing");
    let emit = |direction, kind, len| {
        on_text(&format!("(call $emit (i32.const {direction}) (i32.const {kind}) (i32.const 0) (i32.const {len}))"))
    };
    assert_eq!(ended(&emit(0, 1, 11)), EmitError::NotText.to_string());
    for (direction, kind) in [(0, 3), (0, 4), (0, 5), (1, 3), (1, 5), (2, 1), (0, 99)] {
        assert_eq!(ended(&emit(direction, kind, 5)), EmitError::Event { direction, kind }.to_string());
    }
    // Its buffer has moved: that is no garbage.
    let mut stack = connect(&load(&on_text("(return (i32.const 257))")).unwrap());
    stack.handle_incoming(Instant::now(), Incoming::Message(Payload::text("text")));
    assert_eq!(stack.poll_event(), Some(Incoming::Message(Payload::text("text"))));
    // An error without a reason is the plugin's own failure: the instance goes on.
    let mut stack = connect(&load(&on_text("(return (i32.const 2))")).unwrap());
    stack.handle_incoming(Instant::now(), Incoming::Message(Payload::text("text")));
    assert_eq!(stack.failure().unwrap().to_string(), "hostile: no reason given");
    assert!(passes(&mut stack));
}

#[test]
fn another_connections_handle() {
    let foreign = "(call $set_timer (i32.xor (local.get $handle) (i32.const 1)) (i64.const 1))";
    assert!(ended(&on_text(foreign)).starts_with("used the handle "));
    let opened = |code| load(&with("(;open;)", code)).unwrap().open(&[], Instant::now(), Box::new(Seeded(1)));
    let stopped = |reason: Misuse| OpenError::Stopped { name: "hostile".to_owned(), reason: reason.into() };
    let foreign = opened("(call $set_timer (i32.const 7) (i64.const 1)) (return (i32.const 0))").unwrap_err();
    assert_eq!(foreign, stopped(Misuse::ForeignHandle { handle: 7 }));
    // Nothing can be emitted before the connection has a handle.
    let early = opened("(call $emit (i32.const 0) (i32.const 2) (i32.const 0) (i32.const 1))").unwrap_err();
    assert_eq!(early, stopped(Misuse::Emit(EmitError::Event { direction: 0, kind: 2 })));
    let garbage = opened("(return (i32.const -7))").unwrap_err();
    assert_eq!(garbage, stopped(Misuse::Result { call: "open", result: -7 }));
    let refused = opened("(call $fail (i32.const 0) (i32.const 10)) (return (i32.const -1))").unwrap_err();
    assert_eq!(refused.to_string(), "plugin hostile refused its configuration: the reason");
}

/// A module that hands out one handle again and again would take one person's messages for another's.
#[test]
fn one_handle_for_two_connections() {
    let module = load(&with("(;open;)", "(return (i32.const 5))")).unwrap();
    let open = || module.open(&[], Instant::now(), Box::new(Seeded(1)));
    // Two instances at most: the third connection shares one.
    let (_first, _second) = (open().unwrap(), open().unwrap());
    let reason = Misuse::HandleTaken { handle: 5 }.into();
    assert_eq!(open().unwrap_err(), OpenError::Stopped { name: "hostile".to_owned(), reason });
    // Of a connection that is gone, it may be used again.
    let module = load(&with("(;open;)", "(return (i32.const 5))")).unwrap();
    let open = || module.open(&[], Instant::now(), Box::new(Seeded(1))).unwrap();
    let (first, second) = (open(), open());
    drop((first, second));
    open();
}

/// Sends so many texts for each one.
struct Many(usize);

impl Plugin for Many {
    fn name(&self) -> &str {
        "many"
    }

    fn layer(&self) -> Layer {
        Layer::Transform
    }

    fn outgoing(&mut self, cx: &mut Context<'_>, event: Outgoing) -> Result<(), PluginError> {
        (0..self.0).for_each(|_| cx.sink(event.clone()));
        Ok(())
    }
}

#[test]
fn many_calls_for_one_message_have_one_deadline() {
    // Some milliseconds, which each of the calls may take.
    let wasm = wat::parse_str(on_text(
        "(global.set $next (i32.const 5000000))
         (loop (global.set $next (i32.sub (global.get $next) (i32.const 1))) (br_if 0 (global.get $next)))",
    ));
    let wasm = wasm.unwrap();
    let slow = Module::new(host(), Manifest { deadline_ms: 400, ..manifest(&wasm) }, &wasm).unwrap();
    let connect = |times| {
        let now = Instant::now();
        let plugin = slow.open(&[], now, Box::new(Seeded(1))).unwrap();
        let mut stack = Stack::new(vec![Box::new(plugin), Box::new(Many(times))], Box::new(Seeded(1))).unwrap();
        stack.handle_incoming(now, Incoming::Opened);
        stack
    };
    let mut stack = connect(100_000);
    let SendError::Plugin(failure) = stack.send(Instant::now(), Payload::text("text")).unwrap_err() else { panic!() };
    assert_eq!(failure.to_string(), "hostile: plugin hostile stopped: no answer within 400 ms");
    // Messages that come one by one have a deadline each.
    let (mut stack, start) = (connect(1), Instant::now());
    while start.elapsed() < Duration::from_millis(800) {
        stack.send(start, Payload::text("text")).unwrap();
        assert!(stack.poll_transmit().is_some());
    }
}

#[test]
fn two_modules_that_answer_each_other_for_ever() {
    let answers = |to: u32| {
        let code = format!(
            "(if (i32.eq (local.get $direction) (i32.const {to})) (then
               (call $emit (i32.const {}) (i32.const 1) (i32.const 0) (i32.const 10)) (return (i32.const 0))))",
            1 - to
        );
        load(&on_text(&code)).unwrap()
    };
    let now = Instant::now();
    let open = |module: &Module| Box::new(module.open(&[], now, Box::new(Seeded(1))).unwrap());
    let (inner, outer) = (answers(1), answers(0));
    let mut stack = Stack::new(vec![open(&inner), open(&outer)], Box::new(Seeded(1))).unwrap();
    stack.handle_incoming(now, Incoming::Opened);
    stack.handle_incoming(now, Incoming::Message(Payload::text("text")));
    let failure = stack.failure().unwrap().to_string();
    assert_eq!(failure, "hostile: plugin hostile stopped: no answer within 300 ms");
}

#[test]
fn names_that_are_no_text_for_a_terminal() {
    let said = |module: &str| load(module).unwrap_err().to_string();
    let escape = WELL_BEHAVED.replacen("\"emit\"", "\"\\1b[31memit\"", 1);
    assert_eq!(
        said(&escape),
        "plugin hostile: the module imports ratatosk_plugin_1.\\u{1b}[31memit, which plugins are not given"
    );
    let version = WELL_BEHAVED.replace("abi_1", &format!("abi_{}", "9".repeat(50_000)));
    assert!(said(&version).len() < 300);
    let twice = with("(;more;)", "(func (export \"\\1b[31m\")) (func (export \"\\1b[31m\"))");
    assert!(!said(&twice).chars().any(char::is_control), "{:?}", said(&twice));
}

#[test]
fn an_instance_that_ends_takes_only_its_own_connections_along() {
    let module = load(&on_text("unreachable")).unwrap();
    // Two instances at most, so the first and the third share one.
    let mut stacks = [(); 3].map(|()| connect(&module));
    assert_eq!(module.instances(), 2);
    stacks[0].handle_incoming(Instant::now(), Incoming::Message(Payload::text("text")));
    assert!(passes(&mut stacks[1]));
    assert!(!passes(&mut stacks[2]));
    assert!(stacks[2].failure().unwrap().to_string().starts_with("hostile: plugin hostile stopped: "));
    assert_eq!(module.instances(), 1);
    assert!(passes(&mut connect(&module)));
}

#[test]
fn modules_of_another_kind() {
    let abi = |text: &str| match load(text) {
        Err(LoadError::Abi { error, .. }) => error,
        other => panic!("{other:?}"),
    };
    let version = WELL_BEHAVED.replace("ratatosk_plugin_abi_1", "ratatosk_plugin_abi_2");
    assert_eq!(abi(&version), AbiError::Version { found: "2".to_owned() });
    assert_eq!(abi("(module)"), AbiError::NoMarker);
    let import = |module: &str, name: &str| AbiError::Import { module: module.to_owned(), name: name.to_owned() };
    let wasi = WELL_BEHAVED.replacen("\"ratatosk_plugin_1\" \"emit\"", "\"wasi_snapshot_preview1\" \"fd_write\"", 1);
    assert_eq!(abi(&wasi), import("wasi_snapshot_preview1", "fd_write"));
    let unknown = WELL_BEHAVED.replacen("\"emit\"", "\"open_file\"", 1);
    assert_eq!(abi(&unknown), import("ratatosk_plugin_1", "open_file"));
    let wrong =
        WELL_BEHAVED.replace("\"now_ms\" (func $now_ms (result i64))", "\"now_ms\" (func $now_ms (result i32))");
    assert_eq!(abi(&wrong), import("ratatosk_plugin_1", "now_ms"));
    let missing = WELL_BEHAVED.replace("(export \"close\")", "");
    assert!(matches!(abi(&missing), AbiError::Export { name: "close", .. }));
    let memory = WELL_BEHAVED.replace("(export \"memory\")", "");
    assert!(matches!(abi(&memory), AbiError::Export { name: "memory", .. }));
}

#[test]
fn modules_that_cannot_be_set_up() {
    let stopped = |text: &str| match load(text) {
        Err(LoadError::Stopped { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let starts = |code| with("(;more;)", &format!("(func $start {code}) (start $start)"));
    assert_eq!(stopped(&starts("(loop (br 0))")), Stopped::Deadline { deadline_ms: 300 });
    let early = starts("(call $fail (i32.const 0) (i32.const 1))");
    assert_eq!(stopped(&early), Stopped::Misuse(Misuse::TooEarly { call: "fail" }));
    let large = WELL_BEHAVED.replace("(export \"memory\") 2)", "(export \"memory\") 17)");
    assert_eq!(stopped(&large), Stopped::Misuse(Misuse::Memory { max: MEMORY_MAX }));
}

#[test]
fn other_bytes_than_the_manifest_means() {
    let wasm = wat::parse_str(WELL_BEHAVED).unwrap();
    for len in [0, 7, wasm.len() / 2, wasm.len() - 1] {
        assert!(matches!(load_bytes(&wasm[..len]), Err(LoadError::Compile { .. })), "{len}");
    }
    let mut changed = wasm.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(matches!(Module::new(host(), manifest(&wasm), &changed), Err(LoadError::Hash { .. })));
    // Text is no module, whatever features the engine was built with.
    assert!(matches!(load_bytes(WELL_BEHAVED.as_bytes()), Err(LoadError::Compile { .. })));
    let greedy = Manifest { memory_max: 2 * MEMORY_MAX + 1, ..manifest(&wasm) };
    assert!(matches!(Module::new(host(), greedy, &wasm), Err(LoadError::Memory { .. })));
}

#[test]
fn notes_are_few_short_and_in_one_line() {
    let note = "(call $emit (i32.const 1) (i32.const 6) (i32.const 0) (i32.const 11))";
    let mut stack = connect(&load(&on_text(&note.repeat(40))).unwrap());
    stack.handle_incoming(Instant::now(), Incoming::Message(Payload::text("text")));
    assert_eq!(stack.poll_event(), Some(Incoming::Message(Payload::text("text"))));
    let notes: Vec<_> = std::iter::from_fn(|| stack.poll_note()).collect();
    assert_eq!(notes.len(), MAX_NOTES);
    assert_eq!((notes[0].plugin.as_str(), notes[0].text.as_str()), ("hostile", "the reason\u{FFFD}"));
    // Nobody reads them: they do not pile up.
    for _ in 0..40 {
        stack.handle_incoming(Instant::now(), Incoming::Message(Payload::text("text")));
    }
    assert_eq!(std::iter::from_fn(|| stack.poll_note()).count(), 64);
    let long = "(call $emit (i32.const 1) (i32.const 6) (i32.const 0) (i32.const 70000))";
    let mut stack = connect(&load(&on_text(long)).unwrap());
    stack.handle_incoming(Instant::now(), Incoming::Message(Payload::text("text")));
    let len = stack.poll_note().unwrap().text.len();
    assert!((MAX_NOTE_LEN - 2..=MAX_NOTE_LEN).contains(&len), "{len}");
}

#[test]
fn an_observer_cannot_change_anything() {
    let load = |wat: &str| {
        let wasm = wat::parse_str(wat).unwrap();
        Module::new(host(), Manifest { layer: Layer::Observer, ..manifest(&wasm) }, &wasm).unwrap()
    };
    let mut stack = connect(&load(&on_text("(return (i32.const 0))")));
    assert!(passes(&mut stack));
    stack.handle_incoming(Instant::now(), Incoming::Message(Payload::text("text")));
    assert_eq!(stack.poll_event(), Some(Incoming::Message(Payload::text("text"))));
    let emits = on_text("(call $emit (i32.const 0) (i32.const 2) (i32.const 0) (i32.const 1))");
    let mut stack = connect(&load(&emits));
    stack.handle_incoming(Instant::now(), Incoming::Message(Payload::text("text")));
    let error = EmitError::Event { direction: 0, kind: 2 };
    assert_eq!(stack.failure().unwrap().to_string(), format!("hostile: plugin hostile stopped: {error}"));
}

/// A promise saves calls of `alloc` for short messages, and what comes is what was sent.
#[test]
fn a_steady_buffer_is_not_asked_for_again() {
    // Each call of `alloc` moves the buffer, and each text goes on as a binary with the number of calls in front.
    let module = |steady: &str| {
        let wat = on_text(
            r#"(i32.store8 (i32.sub (global.get $at) (i32.const 1)) (global.get $asked))
               (call $emit (i32.const 0) (i32.const 2) (i32.sub (global.get $at) (i32.const 1)) (i32.add (local.get 3) (i32.const 1)))
               (return (i32.const 0))"#,
        );
        let wat = wat.replace(
            "(;alloc;)",
            "(global.set $asked (i32.add (global.get $asked) (i32.const 1)))
             (global.set $at (i32.add (global.get $at) (i32.const 1000))) (global.get $at) (return)",
        );
        wat.replace(
            "(;more;)",
            &format!("(global $asked (mut i32) (i32.const 0)) (global $at (mut i32) (i32.const 2000)) {steady}"),
        )
    };
    let asked = |steady: &str| {
        let mut stack = connect(&load(&module(steady)).unwrap());
        let mut counts = Vec::new();
        for len in [1, 64, 65, 64, 3] {
            stack.handle_incoming(Instant::now(), Incoming::Message(Payload::text("x".repeat(len))));
            let Some(Incoming::Message(Payload::Binary(data))) = stack.poll_event() else { panic!("nothing came") };
            assert_eq!(data[1..], vec![b'x'; len]);
            counts.push(data[0] - counts.first().copied().unwrap_or(0));
        }
        counts[1..].to_vec()
    };
    assert_eq!(asked(""), [1, 2, 3, 4]);
    let steady = |len: i64| format!("(func (export \"steady\") (result i32) (i32.const {len}))");
    assert_eq!(asked(&steady(64)), [0, 1, 2, 2]);
    // Whoever promises everything is asked for 64 KiB at most.
    assert_eq!(asked(&steady(-1)), [0, 0, 0, 0]);
}

#[test]
fn whoever_ends_an_instance_at_its_close_leaves_no_dead_one_behind() {
    let close = |body: &str| format!(r#"(func (export "close") (param i32){body})"#);
    let module = load(&WELL_BEHAVED.replace(&close(""), &close(" unreachable"))).unwrap();
    // The host lets two instances of a module live, so the third connection shares one.
    let first = connect(&module);
    let _second = connect(&module);
    let third = connect(&module);
    assert_eq!(module.instances(), 2);
    drop(third);
    assert_eq!((module.instances(), module.stats().traps()), (1, 1));
    assert!(passes(&mut connect(&module)));
    drop(first);
}

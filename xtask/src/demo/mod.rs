//! `cargo xtask demo`: the main job of the repository, live, on this machine and without any network but loopback.
//!
//! A CommServer and two peers start as processes of their own; one peer reaches the other through the CommServer; messages
//! of every shape go both ways; then both peers tell what happened on their side. After that come two people, who pair and chat,
//! and at the end one of them asks the AI of the other one.

mod ai;
mod exchange;
mod peer;
mod people;
mod process;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use self::exchange::Shape;
use self::peer::Peer;
pub(crate) use self::process::Relay;
use crate::{cargo, model, test, workspace};

const HELP: &str = "\
usage: cargo xtask demo [--keep] [--mixed] [--release] [--without-ai]

  --keep      leave the relay running and say how to connect to it
  --mixed     give the initiator its plugins as native code; the listener's are WebAssembly modules all the same
  --release   build with optimisation (slower to build, faster to run)
  --without-ai
              leave the AI out: no llama.cpp is built, which takes some minutes, and no model of 98 MB is fetched
";

struct Options {
    keep: bool,
    mixed: bool,
    release: bool,
    without_ai: bool,
}

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let mut options = Options { keep: false, mixed: false, release: false, without_ai: false };
    for argument in arguments {
        match argument.as_str() {
            "--keep" => options.keep = true,
            "--mixed" => options.mixed = true,
            "--release" => options.release = true,
            "--without-ai" => options.without_ai = true,
            "-h" | "--help" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            other => {
                eprint!("xtask demo: there is no option {other:?}\n\n{HELP}");
                return ExitCode::FAILURE;
            }
        }
    }
    match demo(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("\nThe demo failed: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn demo(options: &Options) -> Result<(), String> {
    let root = workspace::root()?;
    // What takes long comes first.
    let smollm2 = if options.without_ai { None } else { Some(model::model(&root, None)?) };
    let programs = build(&root, options)?;
    let start = Instant::now();

    println!("── a CommServer and two peers, each a process of its own");
    let relay = Relay::start(&programs.join("commserver"), &root.join("target/demo/relay.log"), &[])?;
    println!("   relay   {} (process {})", relay.url(), relay.id());
    let form = if options.mixed { "native" } else { "wasm" };
    let mut initiator = Peer::start("initiator", &programs.join("ratatosk"), relay.url(), form)?;
    let mut listener = Peer::start("listener", &programs.join("ratatosk"), relay.url(), "wasm")?;
    println!("   {listener}\n   {initiator}");
    listener.wait_until_online()?;
    println!("   the listener has registered its key and keeps spare connections\n");

    println!("── the initiator names the listener's key; then both talk, end-to-end encrypted");
    for shape in Shape::ALL {
        let there = exchange::one_way(&mut initiator, &mut listener, *shape)?;
        let back = exchange::one_way(&mut listener, &mut initiator, *shape)?;
        println!("   {:<24} {there:>9.1?} there {back:>9.1?} back", shape.name());
    }
    println!("   every message arrived unchanged, {} each way\n", Shape::ALL.len());

    for peer in [&mut listener, &mut initiator] {
        let (report, plugins) = (peer.report()?, peer.plugins()?);
        println!("── what the {} saw\n{report}   {plugins}\n", peer.name());
    }
    initiator.quit()?;
    listener.quit()?;
    people::chat(&programs.join("ratatosk"), relay.url(), form)?;
    if let Some(smollm2) = &smollm2 {
        ai::ask(&programs.join("ratatosk"), &root.join("target/demo/ai"), relay.url(), smollm2)?;
    }
    println!("All peers have ended by themselves; the whole run took {:.1?}.", start.elapsed());
    finish(relay, options, &programs)
}

/// Builds what the demo needs and nothing else.
fn build(root: &Path, options: &Options) -> Result<std::path::PathBuf, String> {
    // The plugins are compiled for it.
    test::wasm_target(root)?;
    let profile = if options.release { " --release" } else { "" };
    let llama = if options.without_ai {
        ""
    } else {
        test::llama_tools()?;
        ",ratatosk-node/llama"
    };
    // Without wss://, which the demo has no use for.
    let line = format!(
        "cargo build{profile} --locked -p ratatosk-relay -p ratatosk-node --no-default-features --features ratatosk-node/wasm{llama}"
    );
    println!("── {line}");
    let mut command = cargo::call(root, &line);
    // The programs are looked for where this workspace builds, wherever the caller's settings point.
    let target = root.join("target");
    command.env("CARGO_TARGET_DIR", &target);
    let status = command.status().map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !status.success() {
        return Err(format!("the build failed; to see it alone: {line}"));
    }
    println!();
    Ok(target.join(if options.release { "release" } else { "debug" }))
}

fn finish(relay: Relay, options: &Options, programs: &Path) -> Result<(), String> {
    if !options.keep {
        return relay.stop();
    }
    let (url, id, peer) = (relay.url().to_owned(), relay.id(), programs.join("ratatosk"));
    relay.leave();
    println!(
        "\nThe relay stays at {url}. A peer that you drive by hand:\n\n    \
         COMM_SERVER_URL={url} {peer} peer\n\n\
         Type {{\"cmd\":\"info\"}} into two of them, then in one {{\"cmd\":\"raw\",\"key\":\"<the other's key>\",\"text\":\"hello\"}}.\n\
         Reference peers connect to the same URL. To stop the relay: kill {id}",
        peer = peer.display()
    );
    Ok(())
}

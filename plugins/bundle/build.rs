//! Builds the three plugins as WebAssembly modules, with a cargo of its own.
//!
//! The nested cargo gets a target directory under `OUT_DIR`, because the outer one holds the lock of the usual one while this
//! script runs, and none of the settings that were meant for the programs around the modules.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use sha2::{Digest, Sha256};

const PLUGINS: [&str; 3] = ["encryption", "fragmentation", "keepalive"];
const TARGET: &str = "wasm32-unknown-unknown";
/// `[profile.wasm]` of the workspace.
const PROFILE: &str = "wasm";

/// What the modules are made of, from the root of the workspace.
const SOURCES: [&str; 6] =
    ["Cargo.toml", "Cargo.lock", "plugins/sdk", "plugins/encryption", "plugins/fragmentation", "plugins/keepalive"];

/// Settings of the outer cargo that must not reach the nested one: the names, and how families of names begin.
const NOT_INHERITED: [&str; 5] =
    ["CARGO_ENCODED_RUSTFLAGS", "CARGO_MAKEFLAGS", "RUSTC_WORKSPACE_WRAPPER", "RUSTC_WRAPPER", "RUSTFLAGS"];
const FAMILIES_NOT_INHERITED: [&str; 3] = ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_"];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.to_string().lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    require_target()?;
    compile(&root, &out.join("target"))?;
    for name in PLUGINS {
        let built = out.join(format!("target/{TARGET}/{PROFILE}/ratatosk_plugin_{name}.wasm"));
        let module = fs::read(built)?;
        let manifest = fs::read_to_string(root.join(format!("plugins/{name}/plugin.toml")))?;
        let digest = hex::encode(Sha256::digest(&module));
        fs::write(
            out.join(format!("{name}.toml")),
            format!("{manifest}file = \"{name}.wasm\"\nsha256 = \"{digest}\"\n"),
        )?;
        fs::write(out.join(format!("{name}.wasm")), module)?;
    }
    Ok(())
}

/// Says how to install the target, if it is missing: the compiler's own message would be about `core`.
fn require_target() -> Result<(), Box<dyn Error>> {
    let mut rustc = Command::new(env::var("RUSTC")?);
    let output = rustc.args(["--print", "target-libdir", "--target", TARGET]).output()?;
    let libraries = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && libraries.is_dir() {
        return Ok(());
    }
    Err(format!(
        "the plugins are built for {TARGET}, and this toolchain lacks that target. To install it:\n    rustup target add {TARGET}"
    )
    .into())
}

fn compile(root: &Path, target: &Path) -> Result<(), Box<dyn Error>> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    // The stack is small because every connection may have one; paths of this machine do not belong into the modules.
    let mut flags = vec![
        "-Ctarget-feature=+simd128".to_owned(),
        "-Clink-arg=-zstack-size=65536".to_owned(),
        format!("--remap-path-prefix={}=.", root.display()),
    ];
    flags.extend(home.map(|home| format!("--remap-path-prefix={}=cargo", home.display())));

    let mut cargo = Command::new(env::var("CARGO")?);
    cargo.current_dir(root).args(["build", "--locked", "--target", TARGET, "--profile", PROFILE, "--target-dir"]);
    cargo.arg(target);
    for name in PLUGINS {
        cargo.args(["--package", &format!("ratatosk-plugin-{name}")]);
    }
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if NOT_INHERITED.contains(&&*text) || FAMILIES_NOT_INHERITED.iter().any(|family| text.starts_with(family)) {
            cargo.env_remove(&name);
        }
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));

    let output = cargo.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("the plugins could not be built:\n{}", String::from_utf8_lossy(&output.stderr)).into())
}

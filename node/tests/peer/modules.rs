//! Modules as somebody else might bring them, and files that name them.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::support::fresh_path;

/// A module that does `on_text` with every text, whose bytes lie at 1024.
pub(crate) fn module(data: &str, on_text: &str) -> Vec<u8> {
    let wat = format!(
        r#"(module
          (import "ratatosk_plugin_1" "emit" (func $emit (param i32 i32 i32 i32)))
          (import "ratatosk_plugin_1" "fail" (func $fail (param i32 i32)))
          (memory (export "memory") 2)
          (data (i32.const 0) "{data}")
          (func (export "ratatosk_plugin_abi_1"))
          (func (export "alloc") (param i32) (result i32) (i32.const 1024))
          (func (export "open") (param $len i32) (result i32)
            (if (i32.eqz (local.get $len)) (then (return (i32.const 0))))
            (call $fail (i32.const 0) (i32.const {len}))
            (i32.const -1))
          (func (export "on_event") (param i32 i32 i32 i32) (result i32)
            (if (i32.eq (local.get 2) (i32.const 1)) (then {on_text}))
            (i32.const 1))
          (func (export "on_timer") (param i32) (result i32) (i32.const 1))
          (func (export "close") (param i32)))"#,
        len = data.len(),
    );
    wat::parse_str(wat).unwrap()
}

/// Notes `text` of every text that passes, and refuses every configuration in the same words.
pub(crate) fn speaker(text: &str) -> Vec<u8> {
    module(text, &format!("(call $emit (i32.const 1) (i32.const 6) (i32.const 0) (i32.const {}))", text.len()))
}

/// Traps when a text begins with an exclamation mark.
pub(crate) fn trap() -> Vec<u8> {
    module("", "(if (i32.eq (i32.load8_u (i32.const 1024)) (i32.const 33)) (then unreachable))")
}

pub(crate) fn sha256(wasm: &[u8]) -> String {
    hex::encode(Sha256::digest(wasm))
}

/// A folder with a `plugins.toml`.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = fresh_path(name);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    /// With this module as the observer `guest`.
    pub(crate) fn with_guest(name: &str, wasm: &[u8]) -> Self {
        let folder = Self::new(name);
        folder.put(wasm);
        folder
    }

    /// Puts another module into its place.
    pub(crate) fn put(&self, wasm: &[u8]) {
        fs::write(self.0.join("guest.wasm"), wasm).unwrap();
        self.write(&format!(r#"guest = {{ wasm = "guest.wasm", sha256 = "{}", layer = "observer" }}"#, sha256(wasm)));
    }

    pub(crate) fn write(&self, text: &str) {
        fs::write(self.file(), text).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self) -> String {
        self.0.join("plugins.toml").to_str().unwrap().to_owned()
    }
}

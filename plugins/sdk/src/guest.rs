//! The edge of a WebAssembly module: the host's functions as a [`Host`], and what [`crate::export_plugin!`] exports.
//!
//! The one place of this crate with `unsafe` in it: a declaration of imports is a promise about their signatures that no
//! compiler can check. All of them are safe to call: the host checks every pointer and length against the memory of the
//! module, and a wrong one ends the instance.
#![allow(unsafe_code, reason = "imports of a module can only be declared in an unsafe block")]

use std::cell::RefCell;
use std::panic;
use std::sync::Once;

use crate::abi;
use crate::{Direction, Failure, Host, Instance, Kind, Plugin, Verdict};

/// Where a module keeps its instance. It has one thread.
pub type Cell<P> = RefCell<Instance<P>>;

// SAFETY: names and signatures are those of ABI 1, to which the host links them; it refuses modules with any other import.
#[link(wasm_import_module = "ratatosk_plugin_1")]
unsafe extern "C" {
    safe fn emit(direction: u32, kind: u32, ptr: *const u8, len: usize);
    safe fn random(ptr: *mut u8, len: usize);
    safe fn now_ms() -> u64;
    safe fn set_timer(handle: u32, at_ms: u64);
    safe fn fail(ptr: *const u8, len: usize);
}

/// [`abi::STEADY_LEN`], in the type of the export.
pub const STEADY_LEN: u32 = 1024;
const _: () = assert!(STEADY_LEN as usize == abi::STEADY_LEN);

/// The host, during a call for one connection.
struct Imports {
    handle: u32,
}

impl Host for Imports {
    fn emit(&mut self, direction: Direction, kind: Kind, data: &[u8]) {
        emit(direction.code(), kind.code(), data.as_ptr(), data.len());
    }

    fn random(&mut self, out: &mut [u8]) {
        for part in out.chunks_mut(abi::MAX_RANDOM_LEN) {
            random(part.as_mut_ptr(), part.len());
        }
    }

    fn now_ms(&mut self) -> u64 {
        now_ms()
    }

    fn set_timer(&mut self, at_ms: u64) {
        set_timer(self.handle, at_ms);
    }
}

fn say(text: &str) {
    fail(text.as_ptr(), text.len());
}

fn report(failure: &Failure, result: i32) -> i32 {
    say(&failure.0);
    result
}

/// A panic ends the instance; before that it tells the host where it was and why.
fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| panic::set_hook(Box::new(|panic| say(&panic.to_string()))));
}

pub fn alloc<P>(instance: &mut Instance<P>, len: u32) -> *mut u8 {
    instance.alloc(len as usize).as_mut_ptr()
}

pub fn open<P: Plugin>(instance: &mut Instance<P>) -> i32 {
    report_panics();
    let mut host = Imports { handle: instance.next_handle() };
    match instance.open(&mut host) {
        Ok(handle) => i32::try_from(handle).unwrap_or(abi::REFUSED),
        Err(failure) => report(&failure, abi::REFUSED),
    }
}

pub fn on_event<P: Plugin>(instance: &mut Instance<P>, handle: u32, direction: u32, kind: u32, len: u32) -> i32 {
    let place = instance.place();
    instance.expect(len as usize);
    let result = match instance.on_event(&mut Imports { handle }, handle, direction, kind) {
        Ok(Verdict::Consumed) => abi::CONSUMED,
        Ok(Verdict::Pass) => abi::PASS,
        Err(failure) => report(&failure, abi::ERROR),
    };
    // A plugin may keep the buffer, or have made it grow.
    if instance.place() == place { result } else { result | abi::MOVED }
}

pub fn on_timer<P: Plugin>(instance: &mut Instance<P>, handle: u32) -> i32 {
    match instance.on_timer(&mut Imports { handle }, handle) {
        Ok(()) => abi::PASS,
        Err(failure) => report(&failure, abi::ERROR),
    }
}

pub fn close<P: Plugin>(instance: &mut Instance<P>, handle: u32) {
    instance.close(handle);
}

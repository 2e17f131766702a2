//! The five functions that a module can call, and what they find out about the call during which they are called.

use ratatosk_plugin::abi;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::plugin::Layer;
use ratatosk_protocol::plugin::abi::{EmitError, Event, readable};
use wasmtime::{Caller, Engine, Linker, Memory, ResourceLimiter, Result};

use crate::engine::TABLE_ELEMENTS;
use crate::stopped::Misuse;

/// What an instance may use, and the call that it is in.
pub(crate) struct State {
    pub(crate) limits: Limits,
    /// Known once the module is set up.
    pub(crate) memory: Option<Memory>,
    /// Boxed: it is exchanged at each call.
    pub(crate) call: Box<Call>,
}

/// The limits of an instance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of memory, and bytes that one call may emit.
    pub(crate) memory_max: usize,
    pub(crate) events_per_call: usize,
    /// Where in the stack the plugin stands: it decides what may be emitted.
    pub(crate) layer: Layer,
}

/// One call into a module.
pub(crate) struct Call {
    /// The connection that it is for; `None` while one is opened and has no handle yet.
    pub(crate) handle: Option<u32>,
    pub(crate) now_ms: u64,
    /// Ticks that earlier calls of the same turn have taken, which this one does not get.
    pub(crate) spent: u64,
    pub(crate) entropy: Box<dyn Entropy>,
    pub(crate) may_emit: bool,
    pub(crate) emitted: Vec<Event>,
    pub(crate) emitted_bytes: usize,
    /// For which handle, and when.
    pub(crate) timer: Option<(u32, u64)>,
    /// What it gave as its reason.
    pub(crate) failure: Option<String>,
}

/// Between calls there is nothing to be had.
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

impl Call {
    /// No call.
    pub(crate) fn none() -> Self {
        Self {
            handle: None,
            now_ms: 0,
            spent: 0,
            entropy: Box::new(NoEntropy),
            may_emit: false,
            emitted: Vec::new(),
            emitted_bytes: 0,
            timer: None,
            failure: None,
        }
    }
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let max = self.limits.memory_max;
        if desired > max { Err(Misuse::Memory { max }.into()) } else { Ok(true) }
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> Result<()> {
        Err(error)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        if desired > TABLE_ELEMENTS { Err(Misuse::Table { max: TABLE_ELEMENTS }.into()) } else { Ok(true) }
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }
}

/// The imports of the ABI.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap(abi::MODULE, "emit", emit)?;
    linker.func_wrap(abi::MODULE, "random", random)?;
    linker.func_wrap(abi::MODULE, "now_ms", |caller: Caller<'_, State>| caller.data().call.now_ms)?;
    linker.func_wrap(abi::MODULE, "set_timer", set_timer)?;
    linker.func_wrap(abi::MODULE, "fail", fail)?;
    Ok(linker)
}

fn emit(mut caller: Caller<'_, State>, direction: u32, kind: u32, ptr: u32, len: u32) -> Result<()> {
    let (data, state) = borrow(&mut caller, "emit", ptr, len)?;
    let call = &mut state.call;
    if !call.may_emit {
        return Err(Misuse::from(EmitError::Event { direction, kind }).into());
    }
    if call.emitted.len() >= state.limits.events_per_call {
        return Err(Misuse::TooManyEvents { max: state.limits.events_per_call }.into());
    }
    call.emitted_bytes = call.emitted_bytes.saturating_add(data.len());
    if call.emitted_bytes > state.limits.memory_max {
        return Err(Misuse::TooManyBytes { max: state.limits.memory_max }.into());
    }
    call.emitted.push(Event::emitted(state.limits.layer, direction, kind, data).map_err(Misuse::from)?);
    Ok(())
}

fn random(mut caller: Caller<'_, State>, ptr: u32, len: u32) -> Result<()> {
    let (out, state) = borrow(&mut caller, "random", ptr, len)?;
    if out.len() > abi::MAX_RANDOM_LEN {
        return Err(Misuse::RandomLen { len }.into());
    }
    state.call.entropy.fill(out);
    Ok(())
}

fn set_timer(mut caller: Caller<'_, State>, handle: u32, at_ms: u64) -> Result<()> {
    let call = &mut caller.data_mut().call;
    if call.handle.is_some_and(|own| own != handle) {
        return Err(Misuse::ForeignHandle { handle }.into());
    }
    call.timer = Some((handle, at_ms));
    Ok(())
}

fn fail(mut caller: Caller<'_, State>, ptr: u32, len: u32) -> Result<()> {
    let (text, state) = borrow(&mut caller, "fail", ptr, len)?;
    state.call.failure = Some(readable(text, abi::MAX_FAILURE_LEN));
    Ok(())
}

/// `len` bytes at `ptr` in the module's memory.
fn borrow<'a>(
    caller: &'a mut Caller<'_, State>,
    call: &'static str,
    ptr: u32,
    len: u32,
) -> Result<(&'a mut [u8], &'a mut State)> {
    let memory = caller.data().memory.ok_or(Misuse::TooEarly { call })?;
    let (data, state) = memory.data_and_store_mut(caller);
    let slice = data.get_mut(ptr as usize..).and_then(|rest| rest.get_mut(..len as usize));
    Ok((slice.ok_or(Misuse::OutOfBounds { call, ptr, len: len as usize })?, state))
}

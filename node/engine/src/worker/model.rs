//! Loading: what llama.cpp would end the process for is found before it sees the file.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::LazyLock;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;

use super::confine::confined;
use super::log;
use crate::ipc::Load;
use crate::prompt::Template;
use crate::{Description, EngineError, Place, gguf};

/// Tokens of a prompt that are computed together at most.
pub(super) const BATCH: u16 = 64;
/// Tokens of a prompt that are computed together at least: fewer take as long.
const SMALLEST: u16 = 8;
/// Multiplications in a tenth of a second that a slow core manages for sure.
const PACE: u64 = 2_400_000_000;
/// Threads at most: llama.cpp's bound.
const THREADS: u32 = 512;

/// One for the process; it is not freed, because there is nothing after it.
static BACKEND: LazyLock<Option<LlamaBackend>> = LazyLock::new(|| LlamaBackend::init().ok());

/// A model in memory.
pub(super) struct Model {
    pub(super) weights: LlamaModel,
    pub(super) template: Template,
    pub(super) name: String,
    /// Tokens of a prompt that are computed together.
    pub(super) chunk: u16,
    /// Tokens of prompt and answer together.
    context: u32,
    threads: i32,
    batch_threads: i32,
}

impl Model {
    /// Reads the file and says how far it is: 0 to 100. Saying false ends it.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, or that it was ended.
    pub(super) fn load(load: &Load, mut progress: impl FnMut(u8) -> bool + 'static) -> Result<Self, EngineError> {
        let path = Path::new(&load.path);
        let header = gguf::open(path)?;
        header.facts.check_supported()?;
        let template = confined(|| Template::of(&header.facts));
        if let Some(trouble) = template.trouble() {
            tracing::warn!("{trouble}; ChatML is used instead");
        }
        if load.context == 0 {
            return Err(EngineError::BadRequest { reason: "a context of no tokens".to_owned() });
        }
        let backend = backend()?;
        let mut said = None;
        let params =
            LlamaModelParams::default().with_n_gpu_layers(load.gpu_layers).with_progress_callback(move |part| {
                let percent = percent(part);
                // llama.cpp calls for every tensor.
                if said == Some(percent) {
                    return true;
                }
                said = Some(percent);
                progress(percent)
            });
        log::forget();
        let weights = LlamaModel::load_from_file(backend, path, &params)
            .map_err(|error| EngineError::Damaged { reason: log::reason(&error.to_string()) })?;
        let threads = |threads: u32| i32::try_from(threads.clamp(1, THREADS)).unwrap_or(1);
        let file = path.file_stem().map(|name| name.to_string_lossy().into_owned());
        Ok(Self {
            // A model that has to look further back than it has learnt to writes nonsense.
            context: load.context.min(weights.n_ctx_train().max(1)),
            chunk: chunk(header.facts.parameters),
            name: header.facts.name.or(file).unwrap_or_default(),
            weights,
            template,
            threads: threads(load.threads),
            batch_threads: threads(load.batch_threads),
        })
    }

    /// Memory for one conversation at a time.
    ///
    /// # Errors
    ///
    /// llama.cpp does not get what it needs.
    pub(super) fn context(&self) -> Result<LlamaContext<'_>, EngineError> {
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(self.context))
            .with_n_batch(u32::from(BATCH))
            .with_n_ubatch(u32::from(BATCH))
            .with_n_seq_max(1)
            .with_n_threads(self.threads)
            .with_n_threads_batch(self.batch_threads)
            .with_no_perf(true);
        log::forget();
        self.weights
            .new_context(backend()?, params)
            .map_err(|error| EngineError::Inference { reason: log::reason(&error.to_string()) })
    }

    /// What an engine says of it.
    pub(super) fn describe(&self) -> Description {
        Description { name: self.name.clone(), context: self.context, place: Place::Local }
    }
}

fn backend() -> Result<&'static LlamaBackend, EngineError> {
    BACKEND.as_ref().ok_or_else(|| EngineError::Inference { reason: "llama.cpp does not start".to_owned() })
}

/// How many tokens of a prompt are computed between two looks for a cancellation. It depends on the model alone: another
/// number would make numbers that differ in their last digits, and so now and then another text for the same seed.
fn chunk(parameters: u64) -> u16 {
    let tokens = PACE / parameters.max(1) / u64::from(SMALLEST) * u64::from(SMALLEST);
    u16::try_from(tokens).unwrap_or(BATCH).clamp(SMALLEST, BATCH)
}

/// A part of one as 0 to 100.
fn percent(part: f32) -> u8 {
    (0..100_u8).take_while(|percent| (f32::from(*percent) + 1.0) / 100.0 <= part).count().try_into().unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_models_take_smaller_chunks() {
        assert_eq!([1, 30_000_000, 134_515_008, 8_000_000_000, u64::MAX].map(chunk), [64, 64, 16, 8, 8]);
    }

    #[test]
    fn parts_are_said_in_percent() {
        assert_eq!([-1.0, 0.0, 0.004, 0.25, 0.999, 1.0, 7.0, f32::NAN].map(percent), [0, 0, 0, 25, 99, 100, 100, 0]);
    }
}

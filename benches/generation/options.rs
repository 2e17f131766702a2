//! The command line and the environment.

use std::env;
use std::path::PathBuf;

use ratatosk_benches::{Common, Outcome};

const HELP: &str = "\
usage: cargo xtask bench generation [options]

  --quick          fewer rounds
  --model FILE     the model (default: RATATOSK_MODEL, or what `cargo xtask model` fetches)
  --rounds N       turns of each contender
  --out FOLDER     where generation.md and generation.svg go (default: target/bench)

RATATOSK_LLAMA_BENCH  programs of llama.cpp's llama-bench, each as NAME=PROGRAM, between colons
RATATOSK_NODE_LLAMA   a folder with node_modules/node-llama-cpp
";

/// Tokens that are generated in a turn.
pub(crate) const TOKENS: u32 = 64;
/// Tokens of the context of all contenders that can be told.
pub(crate) const CONTEXT: u32 = 2048;
/// Threads of all contenders.
pub(crate) const THREADS: u32 = 1;

/// What is measured, and against what.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) common: Common,
    pub(crate) model: PathBuf,
    /// Turns of each contender.
    pub(crate) rounds: usize,
    /// Names and programs.
    pub(crate) llama_bench: Vec<(String, PathBuf)>,
    pub(crate) node: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Outcome<Self> {
        let (mut model, mut rounds) = (env::var_os("RATATOSK_MODEL").map(PathBuf::from), None);
        let common = Common::parse(words, HELP, |word, value| match word {
            "--model" => {
                model = Some(value.into());
                true
            }
            "--rounds" => {
                rounds = value.parse().ok();
                rounds.is_some()
            }
            _ => false,
        })?;
        let model = model.unwrap_or_else(|| "target/models/SmolLM2-135M-Instruct.Q4_1.gguf".into());
        if !model.is_file() {
            return Err(format!("there is no model {}: `cargo xtask model` fetches one", model.display()).into());
        }
        let rounds = rounds.unwrap_or(if common.quick { 3 } else { 11 });
        let llama_bench = programs(&env::var("RATATOSK_LLAMA_BENCH").unwrap_or_default())?;
        let node = env::var_os("RATATOSK_NODE_LLAMA").map(PathBuf::from);
        Ok(Self { common, model, rounds, llama_bench, node })
    }
}

fn programs(list: &str) -> Outcome<Vec<(String, PathBuf)>> {
    let words = list.split(':').filter(|word| !word.is_empty());
    words
        .map(|word| {
            let (name, program) = word.split_once('=').ok_or("RATATOSK_LLAMA_BENCH has no NAME=PROGRAM")?;
            Ok((format!("llama-bench, {name}"), program.into()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_have_names() {
        let found = programs("Debian=/usr/bin/llama-bench:own=bench").unwrap();
        assert_eq!(found[1], ("llama-bench, own".to_owned(), PathBuf::from("bench")));
        assert!(programs("").unwrap().is_empty());
        assert!(programs("/usr/bin/llama-bench").is_err());
    }
}

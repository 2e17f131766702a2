//! Others that run the same file with llama.cpp.

use std::path::Path;
use std::process::Command;

use ratatosk_benches::Outcome;
use serde_json::Value;

use crate::options::{THREADS, TOKENS};

/// One that takes turns with the worker.
pub(crate) enum Other {
    /// llama.cpp's own benchmark.
    LlamaBench(String, std::path::PathBuf),
    /// The bindings for Node.
    Node(std::path::PathBuf),
}

/// Tokens a second of one turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speeds {
    /// Generated, behind each of the depths.
    pub(crate) generation: [f64; 2],
    /// Computed of a prompt of the second depth.
    pub(crate) prompt: f64,
}

impl Other {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::LlamaBench(name, _) => name.clone(),
            Self::Node(_) => "node-llama-cpp".to_owned(),
        }
    }

    /// Generates behind so many tokens each.
    pub(crate) fn turn(&self, model: &Path, depths: [u32; 2]) -> Outcome<Speeds> {
        match self {
            Self::LlamaBench(_, program) => llama_bench(program, model, depths),
            Self::Node(folder) => node(folder, model, depths),
        }
    }
}

fn llama_bench(program: &Path, model: &Path, [short, deep]: [u32; 2]) -> Outcome<Speeds> {
    let run = |words: &[&str]| {
        let mut command = Command::new(program);
        command.args(["-o", "json", "-r", "1", "-t", &THREADS.to_string(), "-m"]).arg(model).args(words);
        output(command)
    };
    let speed = |value: &Value| value["avg_ts"].as_f64().ok_or("llama-bench says no speed");
    let generated: Value =
        serde_json::from_str(&run(&["-p", "0", "-n", &TOKENS.to_string(), "-d", &format!("{short},{deep}")])?)?;
    let prompt: Value = serde_json::from_str(&run(&["-p", &deep.to_string(), "-n", "0"])?)?;
    Ok(Speeds { generation: [speed(&generated[0])?, speed(&generated[1])?], prompt: speed(&prompt[0])? })
}

fn node(folder: &Path, model: &Path, [short, deep]: [u32; 2]) -> Outcome<Speeds> {
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("generation/node-llama-cpp.mjs"));
    command.arg(folder).arg(model).args([THREADS, TOKENS, short, deep].map(|number| number.to_string()));
    let text = output(command)?;
    let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let speed = |line: usize, what: &str| {
        lines.get(line).and_then(|line| line[what].as_f64()).ok_or("node-llama-cpp says no speed")
    };
    Ok(Speeds { generation: [speed(0, "generation")?, speed(1, "generation")?], prompt: speed(1, "prompt")? })
}

fn output(mut command: Command) -> Outcome<String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

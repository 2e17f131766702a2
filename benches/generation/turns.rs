//! What is measured: the worker and the others take turns.

use ratatosk_benches::{Outcome, Series, median};

use crate::options::{Options, TOKENS};
use crate::others::{Other, Speeds};
use crate::worker::{Answer, Worker, assistant, user};

/// Answers that end earlier say too little about the speed.
const LEAST: u32 = TOKENS / 2;
/// Seeds that are tried for a long one.
const TRIES: u32 = 8;

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    /// Tokens of the short and of the long prompt.
    pub(crate) depths: [u32; 2],
    /// Tokens a second behind each of them, one for each round.
    pub(crate) generation: [Series; 2],
    /// Milliseconds until the first token: behind the short prompt, behind the long one, and behind the long one when the
    /// conversation goes on.
    pub(crate) first: [Series; 3],
    /// Tokens of the prompt when the conversation goes on, and how many of them were there already.
    pub(crate) again: [u32; 2],
    /// Milliseconds from the start of the process until the model is there.
    pub(crate) load: Series,
    /// MiB with the model and its context, and after answers of all kinds.
    pub(crate) memory: [f64; 2],
    pub(crate) others: Vec<(String, Vec<Speeds>)>,
}

pub(crate) fn all(options: &Options) -> Outcome<Results> {
    let mut results = Results::default();
    for _ in 0..options.rounds {
        results.load.push(Worker::start(&options.model)?.load);
    }
    let mut worker = Worker::start(&options.model)?;
    results.memory[0] = worker.memory()?;
    let others = options.llama_bench.iter().map(|(name, program)| Other::LlamaBench(name.clone(), program.clone()));
    let others: Vec<Other> = others.chain(options.node.clone().map(Other::Node)).collect();
    results.others = others.iter().map(|other| (other.name(), Vec::new())).collect();
    for round in 0..options.rounds {
        println!("round {} of {}", round + 1, options.rounds);
        ours(&mut worker, round, &mut results)?;
        for (other, (_, speeds)) in others.iter().zip(&mut results.others) {
            speeds.push(other.turn(&options.model, results.depths)?);
        }
    }
    results.memory[1] = worker.memory()?;
    Ok(results)
}

/// A turn of the worker.
fn ours(worker: &mut Worker, round: usize, results: &mut Results) -> Outcome<()> {
    // What is asked first is different each time, so that nothing of it has been computed before.
    let story = format!("{round} times I asked: write a very long story about a tree and everybody who lives on it.");
    let (short, _) = long_answer(worker, &format!("short {round}"), &story)?;
    results.generation[0].push(short.speed());
    results.first[0].push(short.first());
    let tale = "The tree stood by the river, the wind went over the hills, and nobody knew how old it was. ".repeat(22);
    let tale = format!("{round} years ago it was so. {tale}Go on with this story for as long as you can.");
    let conversation = format!("long {round}");
    let (long, tale) = long_answer(worker, &conversation, &tale)?;
    results.generation[1].push(long.speed());
    results.first[1].push(long.first());
    results.depths = [short.usage.prompt_tokens, long.usage.prompt_tokens];
    let turns = [user(&tale), assistant(&long.text), user("And then?")];
    let again = worker.answer(&conversation, &turns, 1)?;
    results.first[2].push(again.first());
    results.again = [again.usage.prompt_tokens, again.usage.reused_tokens];
    Ok(())
}

/// An answer that is long enough, and what was asked.
fn long_answer(worker: &mut Worker, conversation: &str, text: &str) -> Outcome<(Answer, String)> {
    for seed in 0..TRIES {
        // Another text for another try: the first token has to cost what it costs.
        let text = format!("{} {text}", seed + 1);
        let answer = worker.answer(conversation, &[user(&text)], seed)?;
        if answer.usage.generated_tokens >= LEAST {
            return Ok((answer, text));
        }
    }
    Err("the model answers too shortly to be measured".into())
}

impl Results {
    /// Medians of another's rounds: generation behind each depth, and the prompt.
    pub(crate) fn medians(speeds: &[Speeds]) -> [f64; 3] {
        let of = |figure: fn(&Speeds) -> f64| median(speeds.iter().map(figure).collect());
        [of(|speeds| speeds.generation[0]), of(|speeds| speeds.generation[1]), of(|speeds| speeds.prompt)]
    }

    /// The median of the rounds' ratios to another's generation.
    pub(crate) fn ratio(&self, depth: usize, speeds: &[Speeds]) -> f64 {
        let other: Series = speeds.iter().map(|speeds| speeds.generation[depth]).collect();
        ratatosk_benches::ratio(&self.generation[depth], &other)
    }

    /// Tokens of a prompt a second, each round.
    pub(crate) fn prompt(&self) -> Series {
        self.first[1].iter().map(|first| f64::from(self.depths[1]) * 1e3 / first).collect()
    }
}

//! What a poll costs, and a new message, when there are many messages already.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use ratatosk_benches::{Outcome, median};

use crate::options::Options;
use crate::pair::Pair;

/// The cost at one length of the history. Times are those of both nodes together, medians.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) messages: usize,
    /// Seconds for a poll of each by the other that finds nothing new.
    pub(crate) idle: f64,
    /// Seconds until one new message has arrived and nothing is left to do, without the posting.
    pub(crate) one: f64,
    /// Bytes on the connection for that.
    pub(crate) one_bytes: f64,
    /// Seconds for posting it.
    pub(crate) post: f64,
}

pub(crate) fn all(options: &Options, scratch: &Path) -> Outcome<Vec<Cost>> {
    let folder = scratch.join("poll");
    remove(&folder)?;
    // Each pair stays; all lengths are measured in turns, so that a moment that is slow is slow for all of them.
    let mut pairs = Vec::new();
    for messages in &options.histories {
        pairs.push(grown(&folder.join(messages.to_string()), *messages)?);
    }
    let mut series = vec![[Vec::new(), Vec::new(), Vec::new(), Vec::new()]; pairs.len()];
    for round in 0..options.rounds {
        for (pair, [idle, one, one_bytes, post]) in pairs.iter_mut().zip(&mut series) {
            let began = Instant::now();
            pair.poll()?;
            idle.push(began.elapsed().as_secs_f64());

            let began = Instant::now();
            pair.ends[round % 2].node.post(&pair.topic, "one more", Vec::new())?;
            post.push(began.elapsed().as_secs_f64());
            let bytes = pair.sent[1];
            let began = Instant::now();
            pair.converge()?;
            one.push(began.elapsed().as_secs_f64());
            one_bytes.push((pair.sent[1] - bytes) as f64);
        }
    }
    let costs = options.histories.iter().zip(series);
    let costs = costs.map(|(messages, [idle, one, one_bytes, post])| Cost {
        messages: *messages,
        idle: median(idle),
        one: median(one),
        one_bytes: median(one_bytes),
        post: median(post),
    });
    let costs = costs.collect();
    drop(pairs);
    remove(&folder)?;
    Ok(costs)
}

/// A pair with a history that both have.
fn grown(folder: &Path, messages: usize) -> Outcome<Pair> {
    let mut pair = Pair::new(folder)?;
    pair.converge()?;
    let began = Instant::now();
    for count in 0..messages {
        pair.ends[count % 2].node.post(&pair.topic, &format!("message {count}"), Vec::new())?;
        // The other one goes on from there, as people do.
        if count % 1000 == 999 || count + 1 == messages {
            pair.converge()?;
            print!("\r── {} of {messages} messages, {:.0} s ", count + 1, began.elapsed().as_secs_f64());
            std::io::stdout().flush()?;
        }
    }
    println!();
    Ok(pair)
}

pub(crate) fn remove(folder: &Path) -> Outcome<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

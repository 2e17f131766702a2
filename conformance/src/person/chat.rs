//! What two peers have in their topic, compared.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::actor::Actor;
use crate::play::{Played, difference};
use crate::report::Difference;

const AGAIN: Duration = Duration::from_millis(250);
/// How much of a text is shown.
const SHOWN: usize = 60;

/// The topic of two persons (`spec/one.md §5`).
pub(super) fn topic(one: &str, other: &str) -> String {
    format!("{}<->{}", one.min(other), one.max(other))
}

/// The same messages in the same order under the same head, so many of them.
pub(super) async fn agree((a, b): (&mut Actor, &mut Actor), topic: &str, count: usize, deadline: Instant) -> Played {
    loop {
        match compare(a, b, topic, count, deadline).await? {
            None => return Ok(()),
            Some(difference) if Instant::now() + AGAIN > deadline => return Err(difference),
            Some(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

async fn compare(a: &mut Actor, b: &mut Actor, topic: &str, count: usize, by: Instant) -> Played<Option<Difference>> {
    let (ask, head) = (json!({"cmd": "messages", "topic": topic}), json!({"cmd": "head", "topic": topic}));
    let (of_a, of_b) = (list(&a.ask(ask.clone(), by).await?), list(&b.ask(ask, by).await?));
    for (name, messages) in [("a", &of_a), ("b", &of_b)] {
        if messages.len() != count {
            return Ok(Some(difference(name, format!("{count} messages"), messages.len().to_string())));
        }
    }
    if let Some((one, other)) = of_a.iter().zip(&of_b).find(|(one, other)| one != other) {
        return Ok(Some(difference("b", format!("as a has it: {one}"), other.clone())));
    }
    let (of_a, of_b) = (a.ask(head.clone(), by).await?, b.ask(head, by).await?);
    let hash = |answer: &Value| answer["hash"].as_str().unwrap_or("no hash").to_owned();
    let differ = || difference("b", format!("the head of a: {}", hash(&of_a)), hash(&of_b));
    Ok((hash(&of_a) != hash(&of_b)).then(differ))
}

/// Author and text of each message, as one line.
fn list(answer: &Value) -> Vec<String> {
    let empty = Vec::new();
    let messages = answer["messages"].as_array().unwrap_or(&empty);
    messages.iter().map(|it| format!("{} {}", it["author"].as_str().unwrap_or("nobody"), short(&it["text"]))).collect()
}

fn short(text: &Value) -> String {
    text.as_str().unwrap_or("no text").chars().take(SHOWN).collect()
}

/// How a message is shown: what the peer says of its signature.
pub(super) fn shown(answer: &Value, text: &str) -> Option<String> {
    let message = answer["messages"].as_array()?.iter().find(|it| it["text"] == text)?;
    Some(message["affirmed"].as_str().unwrap_or("unsaid").to_owned())
}

/// The last file by an author: its hash and how many bytes of it are there.
pub(super) fn last_file(answer: &Value, author: &str) -> Option<(String, u64)> {
    let mut messages = answer["messages"].as_array()?.iter().rev();
    let message = messages.find(|it| it["text"] == "file" && it["author"] == author)?;
    let file = message["attachments"].as_array()?.first().filter(|file| file["present"] != false)?;
    Some((file["hash"].as_str()?.to_owned(), file["size"].as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_that_of_its_author() {
        let file = |author: &str, hash: &str| json!({"text": "file", "author": author, "attachments": [{"hash": hash, "size": 3}]});
        let answer =
            json!({"messages": [file("x", "1"), file("x", "2"), file("y", "3"), {"text": "file", "author": "z"}]});
        assert_eq!(last_file(&answer, "x"), Some(("2".to_owned(), 3)));
        assert_eq!(last_file(&answer, "z"), None);
        assert_eq!(topic("b", "a"), "a<->b");
    }
}

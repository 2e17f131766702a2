//! `ratatosk trace`: what happens on the connections, phase by phase.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use ratatosk_node::api::types::{Contact, Trace, TraceConnection};
use ratatosk_node::client::Client;
use ratatosk_node::daemon::Purpose;
use tokio::time::{MissedTickBehavior, interval};

use super::attach::Attached;
use super::folder::Place;
use super::names::{called, short};
use super::problem::Problem;
use super::{print_json, say, text};

/// How often a watcher looks.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Go on, and show what happens as it happens, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Only connections that are open
    #[arg(long)]
    open: bool,
    /// For programs: JSON, as the API has it
    #[arg(long, conflicts_with = "watch")]
    json: bool,
}

/// Shows the connections.
///
/// # Errors
///
/// What is wrong with the node.
pub(super) async fn run(options: &Options) -> Result<(), Problem> {
    let purpose = if options.watch { Purpose::Talk } else { Purpose::Local };
    let attached = Attached::open(&options.place, purpose).await?;
    let result = show(&attached.client, options, attached.is_inside()).await;
    attached.close().await;
    result
}

async fn show(client: &Client, options: &Options, is_inside: bool) -> Result<(), Problem> {
    if is_inside && !options.watch {
        let what = "your node does not run by itself, so there are no connections";
        return Err(Problem::new(what, "ratatosk serve starts it; --watch shows what happens from now on"));
    }
    let mut shown = Shown::default();
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
        let mut trace = client.trace().await?;
        if options.open {
            trace.connections.retain(|connection| connection.open);
        }
        if options.json {
            return print_json(&trace);
        }
        let contacts = client.contacts().await?;
        shown.lines(&trace, &contacts).iter().for_each(say);
        if !options.watch {
            if trace.connections.is_empty() {
                say("There are no connections. Next: ratatosk trace --watch");
            }
            return Ok(());
        }
    }
}

/// How much of each connection has been shown.
#[derive(Default)]
struct Shown {
    /// Entries, and whether its end as well.
    connections: BTreeMap<(Option<String>, u64), (usize, bool)>,
    last: Option<(Option<String>, u64)>,
}

impl Shown {
    /// What is new.
    fn lines(&mut self, trace: &Trace, contacts: &[Contact]) -> Vec<String> {
        let mut lines = Vec::new();
        let key = |connection: &TraceConnection| (connection.agent.clone(), connection.id);
        // What the daemon does not remember any more, nobody has to.
        self.connections.retain(|known, _| trace.connections.iter().any(|connection| key(connection) == *known));
        for connection in &trace.connections {
            let (entries, ended) = self.connections.entry(key(connection)).or_default();
            let new = connection.entries.get(*entries..).unwrap_or_default();
            let end = connection.end.as_deref().filter(|_| !*ended);
            if new.is_empty() && end.is_none() {
                continue;
            }
            if self.last.as_ref() != Some(&key(connection)) {
                lines.push(heading(connection, contacts));
                self.last = Some(key(connection));
            }
            for entry in new {
                // Microseconds as milliseconds with one digit behind the point.
                let at = format!("{}.{} ms", entry.at / 1000, entry.at / 100 % 10);
                let (phase, text) = (text::line(&entry.phase), text::line(&entry.text));
                let line = format!("{at:>14}  {} {phase:<16} {text}", bracket(&text));
                lines.push(line.trim_end().to_owned());
            }
            lines.extend(end.map(|end| format!("{:>14}  {}", "", text::line(end))));
            (*entries, *ended) = (connection.entries.len(), connection.end.is_some());
        }
        lines
    }
}

/// Where in its phase something stands, so that one sees how they follow each other.
fn bracket(text: &str) -> char {
    match text.split(' ').next() {
        Some("begins") => '┌',
        Some("done" | "ended") => '└',
        _ => '│',
    }
}

fn heading(connection: &TraceConnection, contacts: &[Contact]) -> String {
    let with = match &connection.person {
        Some(person) => match contacts.iter().find(|contact| contact.person == *person) {
            Some(contact) => format!(" with {}", called(contact, contacts.iter())),
            None => format!(" with {}", short(person)),
        },
        // A spare connection waits for somebody.
        None => String::new(),
    };
    let of = connection.agent.as_deref().map(|agent| format!(" of {}", text::line(agent))).unwrap_or_default();
    let state = if connection.open { "open" } else { "closed" };
    format!("connection {}{of}{with}, {state}", connection.id)
}

#[cfg(test)]
mod tests {
    use ratatosk_node::api::types::TraceEntry;

    use super::*;

    #[test]
    fn a_watcher_sees_everything_once() {
        let entry = |at: u64, text: &str| TraceEntry { at, phase: "challenge".to_owned(), text: text.to_owned() };
        let mut connection = TraceConnection {
            id: 7,
            agent: None,
            person: None,
            open: true,
            entries: vec![entry(1_234, "began\u{1b}[2J")],
            end: None,
        };
        let mut shown = Shown::default();
        let mut look =
            |connection: &TraceConnection| shown.lines(&Trace { connections: vec![connection.clone()] }, &[]);
        assert_eq!(look(&connection), ["connection 7, open", "        1.2 ms  │ challenge        began\\e[2J"]);
        assert_eq!(look(&connection), [""; 0]);
        connection.entries.push(entry(2_000, "done"));
        connection.end = Some("it is over".to_owned());
        assert_eq!(look(&connection), ["        2.0 ms  └ challenge        done", "                it is over"]);
        assert_eq!(look(&connection), [""; 0]);
    }
}

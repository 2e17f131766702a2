//! `ratatosk status`: how the node is, for people and for programs.

use ratatosk_node::api::types::{AgentState, EngineState, Queue, Status};
use ratatosk_node::client::Client;
use ratatosk_node::daemon::Purpose;

use super::attach::Attached;
use super::folder::Listing;
use super::problem::Problem;
use super::units::{age, now};
use super::{print_json, say, text};

/// Says how the node is.
///
/// # Errors
///
/// What is wrong with it.
pub(super) async fn run(options: &Listing) -> Result<(), Problem> {
    let attached = Attached::open(&options.place, Purpose::Local).await?;
    let is_inside = attached.is_inside();
    let result = ask(&attached.client).await;
    attached.close().await;
    let (status, queue) = result?;
    if options.json {
        return print_json(&serde_json::json!({ "running": !is_inside, "status": status, "queue": queue }));
    }
    lines(&status, &queue, is_inside).iter().for_each(say);
    Ok(())
}

async fn ask(client: &Client) -> Result<(Status, Queue), Problem> {
    Ok((client.status().await?, client.queue().await?))
}

fn lines(status: &Status, queue: &Queue, is_inside: bool) -> Vec<String> {
    let mut lines = vec![format!(
        "{} <{}>, person {}",
        text::name(&status.me.name),
        text::line(&status.me.email),
        text::line(&status.me.person)
    )];
    lines.push(if is_inside {
        format!("node        not running by itself (ratatosk serve starts it), {}", text::line(&status.folder))
    } else {
        let since = age(now().saturating_sub(status.started));
        format!(
            "node        running for {since}, process {}, version {}, {}",
            status.pid,
            text::line(&status.version),
            text::line(&status.folder)
        )
    });
    let relay = &status.relay;
    lines.push(match (relay.url.is_empty(), relay.online, is_inside) {
        (true, ..) => "CommServer  none yet: ratatosk serve --relay wss://…, or --embedded-relay".to_owned(),
        (_, true, _) => format!("CommServer  {}, connected", text::line(&relay.url)),
        // Who has just started cannot be there yet.
        (_, false, true) => format!("CommServer  {}", text::line(&relay.url)),
        (_, false, false) => format!("CommServer  {}, NOT connected: nobody reaches you", text::line(&relay.url)),
    });
    if let Some(embedded) = &relay.embedded {
        lines.push(format!("            inside this node, at {}", text::line(embedded)));
    }
    lines.push(format!(
        "people      {}, {} now; {}",
        count(status.contacts, "contact", "contacts"),
        count(status.connections, "connection", "connections"),
        count(status.topics, "conversation", "conversations")
    ));
    for agent in &status.agents {
        let online = if agent.online || is_inside { "" } else { ", not at the CommServer" };
        let (name, slug, model) = (text::name(&agent.name), text::line(&agent.slug), text::line(&agent.model));
        lines.push(format!("AI          {name} ({slug}), {}{online}, model {model}", agent_state(agent.state)));
    }
    for engine in &status.engines {
        let waiting = if engine.waiting == 0 { String::new() } else { format!(", {} to do", engine.waiting) };
        let (model, state) = (text::line(&engine.model), engine_state(engine.state));
        lines.push(format!("model       {model}, {state}, context {} tokens{waiting}", engine.context));
    }
    lines.extend(queue_lines(queue));
    if !status.inference {
        lines.push("models      this build cannot run any: it was made without llama.cpp (feature llama)".to_owned());
    }
    lines.extend(status.problems.iter().map(|problem| format!("problem     {}", text::line(problem))));
    lines
}

/// What the engines have to do; safe to be shown.
pub(super) fn queue_lines(queue: &Queue) -> Vec<String> {
    let line = |(index, one): (usize, &ratatosk_node::api::types::Waiting)| {
        let state = if one.running { "writing".to_owned() } else { format!("waiting, {index} before it") };
        let (label, model) = (text::line(&one.label), text::line(&one.model));
        format!("queue       {label}: {state} for {}, priority {}, model {model}", age(one.age), one.priority)
    };
    queue.waiting.iter().enumerate().map(line).collect()
}

pub(super) fn agent_state(state: AgentState) -> &'static str {
    match state {
        AgentState::Off => "off",
        AgentState::Idle => "ready",
        AgentState::Waiting => "waiting for its turn",
        AgentState::Answering => "answering",
        AgentState::Failed => "FAILED",
    }
}

fn engine_state(state: EngineState) -> &'static str {
    match state {
        EngineState::Idle => "not in memory",
        EngineState::Loading => "being loaded",
        EngineState::Ready => "in memory",
        EngineState::Failed => "FAILED to load",
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

//! What is wrong with a node and with what it needs, what that means, and what to do about it.

use std::sync::Arc;

use ratatosk_engine::EngineError;

use super::{Core, Failure, blocking};
use crate::api::types::{Finding, Level, Repair, Report};
use crate::model::{Agent, Node, Problem};
use crate::models::Catalogue;

/// Bytes that should be free where the node lies.
const ROOM: u64 = 256 << 20;

/// Examines everything. Takes as long as reading all of it.
///
/// # Errors
///
/// If that could not be done. What is found is no error.
pub(crate) async fn examine(core: &Arc<Core>) -> Result<Report, Failure> {
    let _turn = core.fleet.turn().await;
    report(core).await
}

/// Repairs what can be repaired, and examines everything again.
///
/// # Errors
///
/// What could not be written.
pub(crate) async fn repair(core: &Arc<Core>) -> Result<Repair, Failure> {
    let turn = core.fleet.turn().await;
    let node = core.node.clone();
    let repaired = blocking(move || Ok(node.repair()?)).await?;
    core.fleet.bring_up_rest(core, &turn).await?;
    core.acquainted();
    Ok(Repair { repaired: repaired.iter().map(ToString::to_string).collect(), report: report(core).await? })
}

async fn report(core: &Arc<Core>) -> Result<Report, Failure> {
    let known = core.on_disk(Node::comm_server).await?;
    let mut findings = vec![relay(core, core.config.relay.url.clone().or(known))];
    let (node, catalogue) = (core.node.clone(), core.fleet.catalogue.clone());
    let rest = blocking(move || {
        let mut findings = folder(&node);
        findings.extend(models(&catalogue, &node.agents()?)?);
        findings.extend(stored(&node)?);
        Ok(findings)
    });
    findings.extend(rest.await?);
    let has_use = !core.on_disk(Node::agents).await?.is_empty();
    if has_use {
        findings.push(if cfg!(feature = "llama") { worker().await } else { no_worker() });
    }
    findings.extend(core.fleet.problems().into_iter().map(|problem| Finding {
        meaning: "it answers nobody".to_owned(),
        help: "see above, or look into the log".to_owned(),
        ..finding(Level::Error, "agents", problem)
    }));
    Ok(Report { findings })
}

fn finding(level: Level, subject: &str, what: impl Into<String>) -> Finding {
    Finding {
        level,
        agent: None,
        subject: subject.to_owned(),
        what: what.into(),
        meaning: String::new(),
        help: String::new(),
        repairable: false,
    }
}

/// Whether others reach the node; `known` is the CommServer at which it would be, were it on the network.
fn relay(core: &Core, known: Option<String>) -> Finding {
    let Some(network) = &core.network else {
        if let Some(url) = known {
            return Finding {
                meaning: "nobody can reach you until it does".to_owned(),
                help: "run it: ratatosk serve; then ask again".to_owned(),
                ..finding(Level::Warning, "relay", format!("the node does not run by itself; {url} was not asked"))
            };
        }
        return Finding {
            meaning: "nobody can reach you, and you reach nobody".to_owned(),
            help: "name one with --relay wss://…, or run one in the same process with --embedded-relay".to_owned(),
            ..finding(Level::Warning, "relay", "the node is not on the network")
        };
    };
    if *network.service.online().borrow() {
        return finding(Level::Good, "relay", format!("the CommServer {} has us", network.url));
    }
    let why = core.tracer.last_failure().unwrap_or_else(|| "it does not answer yet".to_owned());
    Finding {
        meaning: "nobody can reach you; what you write goes out when it is back".to_owned(),
        help: "check the address and your network; another CommServer is named with --relay".to_owned(),
        ..finding(Level::Error, "relay", format!("the CommServer {} does not have us: {why}", network.url))
    }
}

/// What runs models.
async fn worker() -> Finding {
    match super::worker::check().await {
        Ok(()) => finding(Level::Good, "worker", "what runs models starts"),
        Err(why) => Finding {
            meaning: "no AI can answer".to_owned(),
            help: "look into the log; a processor without AVX2 needs a build of its own".to_owned(),
            ..finding(Level::Error, "worker", format!("what runs models does not start: {why}"))
        },
    }
}

/// Nothing of this program runs models.
fn no_worker() -> Finding {
    let error = EngineError::NoLlama;
    Finding {
        meaning: "no AI can answer".to_owned(),
        help: error.help().to_owned(),
        ..finding(Level::Error, "worker", error.to_string())
    }
}

/// The folder, and the disk that it is on.
fn folder(node: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let shown = node.dir().display();
        findings.push(match std::fs::metadata(node.dir()).map(|metadata| metadata.permissions().mode() & 0o777) {
            Ok(mode) if mode & 0o077 == 0 => finding(Level::Good, "folder", format!("{shown} is yours alone")),
            Ok(mode) => Finding {
                meaning: "others on this machine can read your keys and your messages".to_owned(),
                help: format!("chmod 700 '{shown}'"),
                ..finding(Level::Error, "folder", format!("{shown} is open to others (mode {mode:03o})"))
            },
            Err(error) => finding(Level::Error, "folder", format!("{shown} cannot be examined: {error}")),
        });
        match rustix::fs::statvfs(node.dir()).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)) {
            Ok(free) if free >= ROOM => findings.push(finding(Level::Good, "disk", format!("{} are free", mib(free)))),
            Ok(free) => findings.push(Finding {
                meaning: "when the disk is full, nothing that comes can be kept".to_owned(),
                help: "make room".to_owned(),
                ..finding(Level::Warning, "disk", format!("only {} are free", mib(free)))
            }),
            Err(error) => findings.push(finding(Level::Warning, "disk", format!("it cannot be examined: {error}"))),
        }
    }
    findings
}

#[cfg(unix)]
fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// The models, and whether each AI has one.
fn models(catalogue: &Catalogue, agents: &[Agent]) -> Result<Vec<Finding>, Failure> {
    let (mut findings, models) = (Vec::new(), catalogue.list()?);
    for model in &models {
        let name = &model.entry.name;
        findings.push(match &model.problem {
            None => finding(Level::Good, "models", format!("{name} is there")),
            Some(problem) => Finding {
                meaning: "no AI can use it".to_owned(),
                help: format!("bring the file back, or: ratatosk model remove {name}, and import it again"),
                ..finding(Level::Error, "models", format!("{name}: {problem}"))
            },
        });
    }
    for agent in agents.iter().filter(|agent| agent.settings.active) {
        let wanted = &agent.settings.model;
        if !models.iter().any(|model| model.entry.name == *wanted) {
            findings.push(Finding {
                agent: Some(agent.slug.clone()),
                meaning: "it answers nobody".to_owned(),
                help: format!("import that model, or: ratatosk agent edit {} --model NAME", agent.slug),
                ..finding(Level::Error, "agents", format!("its model {wanted:?} is not there"))
            });
        }
    }
    if !agents.is_empty() && !cfg!(feature = "llama") {
        findings.push(Finding {
            meaning: "no AI can answer".to_owned(),
            help: "use a build with the feature `llama`".to_owned(),
            ..finding(Level::Error, "agents", "this program was built without llama.cpp")
        });
    }
    Ok(findings)
}

/// What is stored.
fn stored(node: &Node) -> Result<Vec<Finding>, Failure> {
    let problems = node.examine()?;
    if problems.is_empty() {
        return Ok(vec![finding(Level::Good, "store", "everything that belongs to the node is there")]);
    }
    Ok(problems.iter().map(problem).collect())
}

fn problem(problem: &Problem) -> Finding {
    let repairable = problem.is_repairable();
    let (meaning, help) = match problem {
        Problem::Store(_) | Problem::More(_) | Problem::Unreadable(_) => (
            "part of what was stored is damaged; what is not still works",
            "restore a backup into another folder: ratatosk restore",
        ),
        Problem::AddressBook => ("nobody of your contacts is known any more", "restore a backup: ratatosk restore"),
        Problem::ProfileMissing(_) | Problem::KeysMissing(_) | Problem::ProfileNotShared(_) => {
            ("this contact cannot talk to you", "pair again: ratatosk invite")
        }
        Problem::ChannelMissing(_) => ("this conversation cannot be opened", "restore a backup, or begin it anew"),
        Problem::TopicNotShared { .. } => ("this participant does not see the conversation", "begin it anew"),
        _ if repairable => ("it does not work as it should", "ratatosk doctor --repair mends it"),
        _ => ("", ""),
    };
    Finding {
        meaning: meaning.to_owned(),
        help: help.to_owned(),
        agent: match problem {
            Problem::OfAgent(slug, _) => Some(slug.clone()),
            _ => None,
        },
        repairable,
        ..finding(Level::Error, "store", problem.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_llama_says_so() {
        let said = no_worker();
        assert!(
            said.level == Level::Error && said.what.contains("llama.cpp") && said.help.contains("llama"),
            "{said:?}"
        );
    }
}

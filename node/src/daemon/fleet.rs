//! The nodes of the AIs: each is opened, goes on the network, is linked with the owner's and with each other, and knows whom its
//! owner knows. What an AI says is the business of `agents`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ratatosk_protocol::driver::Environment;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::agents::{self, Runner, Seat};
use super::core::blocking;
use super::engines::Engines;
use super::tracer::Tracer;
use super::{Core, Failure, Kind, STOPPING};
use crate::api::types::{self, AgentBrief, AgentState, EngineBrief, Event};
use crate::model::{self, ModelError, Node};
use crate::models::Catalogue;
use crate::service::{self, Link, Service, link};

/// The AIs of a daemon.
pub(crate) struct Fleet {
    /// The models.
    pub(crate) catalogue: Arc<Catalogue>,
    /// What runs them.
    pub(crate) engines: Arc<Engines>,
    members: Mutex<BTreeMap<String, Arc<Member>>>,
    /// AIs that are there and cannot be used, and why.
    lost: Mutex<BTreeMap<String, String>>,
    links: Mutex<Vec<Linked>>,
    /// Held while an AI comes, changes or goes: one at a time.
    turn: tokio::sync::Mutex<()>,
    /// The owner knows somebody else than before, or is called otherwise.
    acquainted: Notify,
}

/// Two nodes that are linked.
struct Linked {
    /// Their slugs; the owner has none.
    ends: [Option<String>; 2],
    _link: Link,
}

/// An AI that is up.
pub(crate) struct Member {
    node: Arc<Node>,
    service: Option<Arc<Service>>,
    runner: Option<Runner>,
    tracer: Tracer,
    tasks: Mutex<JoinSet<()>>,
}

impl Fleet {
    pub(super) fn new(catalogue: Arc<Catalogue>, engines: Arc<Engines>) -> Self {
        Self {
            catalogue,
            engines,
            members: Mutex::default(),
            lost: Mutex::default(),
            links: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            acquainted: Notify::new(),
        }
    }

    /// Brings all AIs up. One that cannot come up keeps nobody else from it.
    pub(super) async fn start(&self, core: &Arc<Core>) -> Result<(), Failure> {
        let turn = self.turn().await;
        self.bring_up_rest(core, &turn).await
    }

    /// Brings an AI up. Of one that does not come up it is known why.
    async fn bring_up(&self, core: &Arc<Core>, slug: &str) -> Result<(), Failure> {
        let up = self.begin(core, slug).await;
        match &up {
            Ok(()) => drop(lock(&self.lost).remove(slug)),
            Err(failure) => {
                tracing::warn!(agent = slug, %failure, "an AI is not there");
                lock(&self.lost).insert(slug.to_owned(), failure.message.clone());
            }
        }
        up
    }

    async fn begin(&self, core: &Arc<Core>, slug: &str) -> Result<(), Failure> {
        let (owner, name) = (core.node.clone(), slug.to_owned());
        let (node, agent) = blocking(move || {
            let node = owner.open_agent(&name)?;
            Ok((node, owner.agent(&name)?))
        })
        .await?;
        let environment = Environment::default();
        let tracer = Tracer::new(&environment);
        let mut tasks = JoinSet::new();
        let (service, runner) = match &core.network {
            Some(network) => {
                let settings = service::Config::new(network.url.clone());
                let (service, told) = Service::start(node.clone(), environment, settings, None).await?;
                let service = Arc::new(service);
                self.link(slug, &service, &network.service);
                tasks.spawn(tracer.clone().run());
                let runner = Runner::start(Seat {
                    agent,
                    owner: core.node.clone(),
                    node: node.clone(),
                    service: service.clone(),
                    told,
                    hub: core.hub.clone(),
                    engines: self.engines.clone(),
                    config: core.config.agents.clone(),
                });
                (Some(service), Some(runner))
            }
            None => (None, None),
        };
        let member = Member { node, service, runner, tracer, tasks: Mutex::new(tasks) };
        self.members().insert(slug.to_owned(), Arc::new(member));
        Ok(())
    }

    /// Links a new one with the owner and with all others.
    fn link(&self, slug: &str, service: &Service, owner: &Service) {
        let mut links = lock(&self.links);
        links.push(Linked { ends: [Some(slug.to_owned()), None], _link: link(owner, service) });
        for (other, member) in &*self.members() {
            if let Some(far) = &member.service {
                links.push(Linked { ends: [Some(slug.to_owned()), Some(other.clone())], _link: link(far, service) });
            }
        }
    }

    /// Makes an AI and brings it up.
    ///
    /// # Errors
    ///
    /// What keeps it from existing.
    pub(crate) async fn create(&self, core: &Arc<Core>, new: model::NewAgent) -> Result<types::Agent, Failure> {
        let _turn = self.turn.lock().await;
        let slug = new.slug.clone();
        core.on_disk(move |node| node.create_agent(&new)).await?;
        self.bring_up(core, &slug).await?;
        core.changed();
        core.acquainted();
        self.tell(core, &slug).await
    }

    /// Changes an AI.
    ///
    /// # Errors
    ///
    /// What keeps it from being so.
    pub(crate) async fn edit(
        &self,
        core: &Arc<Core>,
        slug: &str,
        edit: model::AgentEdit,
    ) -> Result<types::Agent, Failure> {
        let _turn = self.turn.lock().await;
        let name = slug.to_owned();
        let agent = core.on_disk(move |node| node.edit_agent(&name, &edit)).await?;
        if let Some(member) = self.member(slug) {
            if let Some(service) = &member.service {
                service.changed();
            }
            if let Some(runner) = &member.runner {
                runner.changed(agent);
            }
        }
        core.changed();
        core.acquainted();
        self.tell(core, slug).await
    }

    /// Removes an AI with its keys.
    ///
    /// # Errors
    ///
    /// What keeps it; then it is up again.
    pub(crate) async fn remove(&self, core: &Arc<Core>, slug: &str) -> Result<(), Failure> {
        let _turn = self.turn.lock().await;
        let name = slug.to_owned();
        core.on_disk(move |node| node.agent(&name)).await?;
        lock(&self.links).retain(|linked| linked.ends.iter().all(|end| end.as_deref() != Some(slug)));
        let member = self.members().remove(slug);
        if let Some(member) = member {
            let node = Arc::downgrade(&member.node);
            stop(member).await;
            released(&node).await;
        }
        let name = slug.to_owned();
        let removed = core.on_disk(move |node| node.remove_agent(&name)).await;
        if removed.is_err() {
            self.bring_up(core, slug).await?;
            return removed;
        }
        lock(&self.lost).remove(slug);
        core.changed();
        core.acquainted();
        core.hub.tell(Event::AgentRemoved { slug: slug.to_owned() });
        Ok(())
    }

    /// Tells everybody how an AI is now.
    async fn tell(&self, core: &Arc<Core>, slug: &str) -> Result<types::Agent, Failure> {
        let agent = self.show(core, slug).await?;
        core.hub.tell(Event::Agent(agent.clone()));
        Ok(agent)
    }

    /// An AI.
    ///
    /// # Errors
    ///
    /// That there is none.
    pub(crate) async fn show(&self, core: &Arc<Core>, slug: &str) -> Result<types::Agent, Failure> {
        let name = slug.to_owned();
        let agent = core.on_disk(move |node| node.agent(&name)).await?;
        Ok(self.shown(&agent))
    }

    /// All AIs.
    ///
    /// # Errors
    ///
    /// The store's.
    pub(crate) async fn list(&self, core: &Arc<Core>) -> Result<Vec<types::Agent>, Failure> {
        let agents = core.on_disk(Node::agents).await?;
        Ok(agents.iter().map(|agent| self.shown(agent)).collect())
    }

    fn shown(&self, agent: &model::Agent) -> types::Agent {
        let member = self.member(&agent.slug);
        let runner = member.as_ref().and_then(|member| member.runner.as_ref());
        let lost = lock(&self.lost).get(&agent.slug).cloned();
        let state = match runner {
            _ if lost.is_some() => AgentState::Failed,
            Some(runner) => runner.state(),
            None => AgentState::Idle,
        };
        let online = member.as_ref().is_some_and(|member| member.is_online());
        agents::shown(agent, state, online, lost.or_else(|| runner.and_then(Runner::problem)))
    }

    /// All AIs in one line each.
    ///
    /// # Errors
    ///
    /// The store's.
    pub(crate) async fn briefs(&self, core: &Arc<Core>) -> Result<Vec<AgentBrief>, Failure> {
        let brief = |agent: types::Agent| {
            let types::Agent { slug, name, model, state, online, .. } = agent;
            AgentBrief { slug, name, model, state, online }
        };
        Ok(self.list(core).await?.into_iter().map(brief).collect())
    }

    /// What runs the models.
    pub(crate) fn engines(&self) -> Vec<EngineBrief> {
        self.engines.briefs()
    }

    /// What keeps AIs from working.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> =
            lock(&self.lost).iter().map(|(slug, why)| format!("the AI {slug}: {why}")).collect();
        for (slug, member) in &*self.members() {
            problems
                .extend(member.runner.as_ref().and_then(Runner::problem).map(|why| format!("the AI {slug}: {why}")));
        }
        problems
    }

    /// Ends what AIs are writing in a topic, or would. Gives how many.
    pub(crate) fn stop_answers(&self, topic: &str) -> usize {
        let members = self.members();
        members.values().filter_map(|member| member.runner.as_ref()).map(|runner| runner.stop_answers(topic)).sum()
    }

    /// The service of an AI.
    ///
    /// # Errors
    ///
    /// That there is none.
    pub(crate) fn service(&self, slug: &str) -> Result<Arc<Service>, Failure> {
        let unknown = || Failure::from(ModelError::UnknownAgent(slug.to_owned()));
        let member = self.member(slug).ok_or_else(unknown)?;
        member.service.clone().ok_or_else(|| {
            Failure::new(Kind::Unavailable, "the node is not on the network", "name a CommServer with --relay wss://…")
        })
    }

    /// The services of all AIs.
    pub(crate) fn services(&self) -> Vec<Arc<Service>> {
        self.members().values().filter_map(|member| member.service.clone()).collect()
    }

    /// The nodes of all AIs that are up.
    pub(crate) fn nodes(&self) -> Vec<(String, Arc<Node>)> {
        self.members().iter().map(|(slug, member)| (slug.clone(), member.node.clone())).collect()
    }

    /// What happened on the connections of all AIs.
    pub(crate) fn tracers(&self) -> Vec<(String, Tracer)> {
        self.members().iter().map(|(slug, member)| (slug.clone(), member.tracer.clone())).collect()
    }

    /// Says that the owner knows somebody else than before, or is called otherwise.
    pub(super) fn acquainted(&self) {
        self.acquainted.notify_one();
    }

    /// Lets all AIs know whom the owner knows, now and whenever that changes, for ever.
    pub(super) async fn keep_acquainted(core: Arc<Core>) {
        loop {
            core.fleet.acquainted.notified().await;
            let _turn = core.fleet.turn.lock().await;
            if let Err(failure) = core.on_disk(Node::refresh_agents).await {
                tracing::warn!(%failure, "the AIs may not know all of the owner's contacts");
            }
            for service in core.fleet.services() {
                service.contacts_changed();
            }
            if let Some(network) = &core.network {
                network.service.contacts_changed();
            }
        }
    }

    /// Takes all AIs down: answers end, connections close.
    pub(super) async fn stop(&self) {
        let _turn = self.turn.lock().await;
        lock(&self.links).clear();
        let members = std::mem::take(&mut *self.members());
        let mut stops = JoinSet::new();
        for member in members.into_values() {
            stops.spawn(stop(member));
        }
        while stops.join_next().await.is_some() {}
        if timeout(STOPPING, self.engines.stop()).await.is_err() {
            tracing::warn!("a model took too long to leave the memory");
        }
    }

    /// Keeps AIs from coming, changing and going until it is dropped.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Brings those up that are not, after a repair. The caller has the turn.
    pub(super) async fn bring_up_rest(
        &self,
        core: &Arc<Core>,
        _turn: &tokio::sync::MutexGuard<'_, ()>,
    ) -> Result<(), Failure> {
        for agent in core.on_disk(Node::agents).await? {
            if self.member(&agent.slug).is_none() {
                // Why it did not work is known, and the others are as they should be.
                let _ = self.bring_up(core, &agent.slug).await;
            }
        }
        Ok(())
    }

    fn member(&self, slug: &str) -> Option<Arc<Member>> {
        self.members().get(slug).cloned()
    }

    fn members(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Member>>> {
        lock(&self.members)
    }
}

impl Member {
    fn is_online(&self) -> bool {
        self.service.as_ref().is_some_and(|service| *service.online().borrow())
    }
}

async fn stop(member: Arc<Member>) {
    if let Some(runner) = &member.runner
        && timeout(STOPPING, runner.stop()).await.is_err()
    {
        tracing::warn!("an AI took too long to stop");
    }
    if let Some(service) = &member.service
        && timeout(STOPPING, service.stop()).await.is_err()
    {
        tracing::warn!("connections of an AI took too long to close");
    }
    lock(&member.tasks).abort_all();
}

/// Waits until nobody has a node any more: what was begun on other threads goes on to its end.
async fn released(node: &Weak<Node>) {
    let wait = async {
        while node.strong_count() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    // If somebody keeps it, removing it says so.
    let _ = timeout(STOPPING, wait).await;
}

/// Whatever panicked under such a lock had nothing half done: each change is one insertion or removal.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

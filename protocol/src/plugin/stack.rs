//! The stack: routes events through the plugins, keeps their timers, turns their errors into a close.

use std::collections::VecDeque;
use std::time::Instant;

use ratatosk_plugin::Buffer;

use super::bounds::{Bounds, cost_of_rising, cost_of_sinking};
use super::{Context, Emitted, Incoming, Layer, Note, OrderError, Outgoing, Plugin, PluginError, order};
use crate::close::CloseRequest;
use crate::entropy::Entropy;
use crate::message::Payload;

/// The plugins of one connection, from the socket outwards.
///
/// What goes to the socket comes out of [`Self::poll_transmit`], what goes to the application out of [`Self::poll_event`].
/// After a close was sent, nothing more is, but what still arrives is delivered, as in the reference.
pub struct Stack {
    plugins: Vec<Box<dyn Plugin>>,
    entropy: Box<dyn Entropy>,
    transmit: VecDeque<Outgoing>,
    transmit_bytes: usize,
    events: VecDeque<Incoming>,
    failure: Option<PluginFailure>,
    close_reason: Option<String>,
    state: State,
    work: Vec<Step>,
    bounds: Bounds,
    /// Counts what came from outside: an event of the socket or of the application, or a timer.
    turn: u64,
    emitted: Vec<Emitted>,
    notes: VecDeque<Note>,
    /// Notes of the current call.
    noted: Vec<String>,
    scratch: Buffer,
}

/// What an idle connection keeps of the memory for its messages, in bytes.
const IDLE_SCRATCH: usize = 4096;

/// Notes that wait to be read. More are dropped: a plugin that talks so much has said enough.
const MAX_WAITING_NOTES: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Open,
    Closing,
    Closed,
}

/// An event and the plugin that handles it next. `None` is the socket below the innermost plugin.
enum Step {
    Rising(usize, Incoming),
    Sinking(Option<usize>, Outgoing),
}

/// The plugin that gave the connection up, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{plugin}: {error}")]
pub struct PluginFailure {
    /// The plugin's name.
    pub plugin: String,
    /// What it said.
    pub error: PluginError,
}

impl PluginFailure {
    /// What the other end is told. Close frames are not encrypted: what a broken plugin says of itself, which may be a part of
    /// a message or a path of this machine, is for this end alone.
    #[must_use]
    pub fn told(&self) -> String {
        if self.error.broken { format!("plugin {} stopped", self.plugin) } else { self.error.text.clone() }
    }
}

/// Why a message was not taken for sending.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is not open yet, is closing or is closed.
    #[error("the connection is not open")]
    NotOpen,
    /// A plugin refused the message; the connection is being closed.
    #[error(transparent)]
    Plugin(PluginFailure),
}

impl Stack {
    /// A stack for a connection that is not open yet.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if the plugins cannot stand in this order.
    pub fn new(plugins: Vec<Box<dyn Plugin>>, entropy: Box<dyn Entropy>) -> Result<Self, OrderError> {
        order::validate(&plugins)?;
        Ok(Self::unchecked(plugins, entropy))
    }

    fn unchecked(plugins: Vec<Box<dyn Plugin>>, entropy: Box<dyn Entropy>) -> Self {
        Self {
            plugins,
            entropy,
            transmit: VecDeque::new(),
            transmit_bytes: 0,
            events: VecDeque::new(),
            failure: None,
            close_reason: None,
            state: State::Connecting,
            work: Vec::new(),
            bounds: Bounds::default(),
            turn: 0,
            emitted: Vec::new(),
            notes: VecDeque::new(),
            noted: Vec::new(),
            scratch: Buffer::new(),
        }
    }

    /// A stack of one plugin, which has no order to get wrong.
    #[must_use]
    pub fn of_one(plugin: Box<dyn Plugin>, entropy: Box<dyn Entropy>) -> Self {
        Self::unchecked(vec![plugin], entropy)
    }

    /// Puts a plugin outside all others. On an open connection it sees [`Incoming::Opened`] at once.
    ///
    /// # Errors
    ///
    /// [`OrderError`] if it cannot stand there; the stack is then unchanged.
    pub fn push(&mut self, now: Instant, plugin: Box<dyn Plugin>) -> Result<(), OrderError> {
        self.plugins.push(plugin);
        if let Err(error) = order::validate(&self.plugins) {
            self.plugins.pop();
            return Err(error);
        }
        if self.state == State::Open {
            let index = self.plugins.len() - 1;
            self.turn += 1;
            self.call(now, index, |plugin, cx| plugin.incoming(cx, Incoming::Opened));
            // The application has seen it long ago.
            self.emitted.retain(|emitted| !matches!(emitted, Emitted::Rising(Incoming::Opened)));
            self.schedule(index);
            self.run(now);
        }
        Ok(())
    }

    /// Takes the plugins of a layer out.
    pub fn remove(&mut self, layer: Layer) {
        self.plugins.retain(|plugin| plugin.layer() != layer);
    }

    /// Takes all plugins out, and with them the keys that they hold and what is left of messages.
    pub fn clear(&mut self) {
        self.plugins.clear();
        self.scratch.wipe();
    }

    /// The names of the plugins, from the socket outwards.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.plugins.iter().map(|plugin| plugin.name())
    }

    /// Something happened at the socket.
    pub fn handle_incoming(&mut self, now: Instant, event: Incoming) {
        match (&event, self.state) {
            (_, State::Closed) => return,
            (Incoming::Opened, State::Connecting) => self.state = State::Open,
            (Incoming::Closed { .. }, _) => self.state = State::Closed,
            _ => {}
        }
        self.bounds.received(&event);
        self.begin(now, Step::Rising(0, event));
    }

    /// The application sends a message.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the message is then not sent.
    pub fn send(&mut self, now: Instant, message: Payload) -> Result<(), SendError> {
        if self.state != State::Open {
            return Err(SendError::NotOpen);
        }
        let failed_before = self.failure.is_some();
        self.bounds.sent(message.len());
        self.begin(now, Step::Sinking(self.plugins.len().checked_sub(1), Outgoing::Message(message)));
        match &self.failure {
            Some(failure) if !failed_before => Err(SendError::Plugin(failure.clone())),
            _ => Ok(()),
        }
    }

    /// The application closes. A second close does nothing.
    pub fn close(&mut self, now: Instant, request: CloseRequest) {
        self.begin(now, Step::Sinking(self.plugins.len().checked_sub(1), Outgoing::Close(request)));
    }

    /// The earliest deadline of any plugin.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.state != State::Open {
            return None;
        }
        self.plugins.iter().filter_map(|plugin| plugin.deadline()).min()
    }

    /// Lets every plugin whose deadline has passed act.
    pub fn handle_timeout(&mut self, now: Instant) {
        // Whoever waits for a timer is idle: memory that only a large message needed is given back.
        if self.scratch.capacity() > IDLE_SCRATCH {
            self.scratch.wipe();
        }
        for index in 0..self.plugins.len() {
            let due = self.state == State::Open && self.plugins[index].deadline().is_some_and(|at| at <= now);
            if due {
                self.turn += 1;
                self.call(now, index, |plugin, cx| plugin.timer(cx));
                self.schedule(index);
                self.run(now);
            }
        }
    }

    /// The next thing for the socket: messages, then at most one close, after which nothing comes.
    pub fn poll_transmit(&mut self) -> Option<Outgoing> {
        let event = self.transmit.pop_front()?;
        self.bounds.taken(cost_of_sinking(&event));
        if let Outgoing::Message(message) = &event {
            self.transmit_bytes -= message.len();
        }
        Some(event)
    }

    /// Bytes of messages that wait for the socket. Whoever drives the stack stops sending while this is large.
    #[must_use]
    pub fn transmit_bytes(&self) -> usize {
        self.transmit_bytes
    }

    /// The next event for the application.
    pub fn poll_event(&mut self) -> Option<Incoming> {
        self.events.pop_front()
    }

    /// The next thing that a plugin said about the connection.
    pub fn poll_note(&mut self) -> Option<Note> {
        self.notes.pop_front()
    }

    /// The first failure of a plugin, if any.
    #[must_use]
    pub fn failure(&self) -> Option<&PluginFailure> {
        self.failure.as_ref()
    }

    /// The reason with which this end has closed, whoever in the stack decided it.
    #[must_use]
    pub fn close_reason(&self) -> Option<&str> {
        self.close_reason.as_deref()
    }

    /// The stack's source of unpredictable bytes, for whoever shares it.
    pub fn entropy(&mut self) -> &mut dyn Entropy {
        self.entropy.as_mut()
    }

    /// Something comes from outside.
    fn begin(&mut self, now: Instant, step: Step) {
        self.turn += 1;
        self.bounds.set_out(step.cost());
        self.work.push(step);
        self.run(now);
    }

    fn run(&mut self, now: Instant) {
        while let Some(step) = self.work.pop() {
            self.bounds.arrived(step.cost());
            match step {
                Step::Rising(index, event) if index < self.plugins.len() => {
                    self.call(now, index, |plugin, cx| plugin.incoming(cx, event));
                    self.schedule(index);
                }
                Step::Rising(_, event) => {
                    self.bounds.risen(cost_of_rising(&event));
                    self.events.push_back(event);
                }
                Step::Sinking(Some(index), event) => {
                    self.call(now, index, |plugin, cx| plugin.outgoing(cx, event));
                    self.schedule(index);
                }
                Step::Sinking(None, event) => self.queue_for_socket(event),
            }
        }
    }

    fn queue_for_socket(&mut self, event: Outgoing) {
        if matches!(self.state, State::Closing | State::Closed) {
            return;
        }
        match &event {
            Outgoing::Message(message) => self.transmit_bytes += message.len(),
            Outgoing::Close(request) => {
                self.state = State::Closing;
                self.close_reason = Some(request.reason());
            }
        }
        self.bounds.queued(cost_of_sinking(&event));
        self.transmit.push_back(event);
    }

    /// Calls one plugin. An error becomes the first failure and a close that sinks through the whole stack.
    fn call(
        &mut self,
        now: Instant,
        index: usize,
        action: impl FnOnce(&mut dyn Plugin, &mut Context<'_>) -> Result<(), PluginError>,
    ) {
        let plugin = self.plugins[index].as_mut();
        let mut cx = Context {
            now,
            turn: self.turn,
            entropy: self.entropy.as_mut(),
            emitted: &mut self.emitted,
            notes: &mut self.noted,
            scratch: &mut self.scratch,
        };
        let result = action(plugin, &mut cx);
        for text in self.noted.drain(..) {
            if self.notes.len() < MAX_WAITING_NOTES {
                self.notes.push_back(Note { plugin: plugin.name().to_owned(), text });
            }
        }
        if let Err(error) = result {
            self.emitted.clear();
            self.fail(index, error);
        }
    }

    fn fail(&mut self, index: usize, error: PluginError) {
        // The first close passes through the plugins, so that they can act on it; if one fails even then, straight down.
        let top = if self.failure.is_none() { self.plugins.len().checked_sub(1) } else { None };
        let failure = PluginFailure { plugin: self.plugins[index].name().to_owned(), error };
        let close = Step::Sinking(top, Outgoing::Close(CloseRequest::because(failure.told())));
        self.failure.get_or_insert(failure);
        self.bounds.set_out(close.cost());
        self.work.push(close);
    }

    /// Puts what a plugin emitted in front of all other work, so that each event is finished before the next begins.
    fn schedule(&mut self, index: usize) {
        for emitted in self.emitted.drain(..).rev() {
            let step = match emitted {
                Emitted::Rising(event) => Step::Rising(index + 1, event),
                Emitted::Sinking(event) => Step::Sinking(index.checked_sub(1), event),
            };
            self.bounds.set_out(step.cost());
            self.work.push(step);
        }
        let Some(max) = self.bounds.exceeded() else { return };
        let bounds = &mut self.bounds;
        self.work.retain(|step| {
            let stays = !step.is_message();
            if !stays {
                bounds.arrived(step.cost());
            }
            stays
        });
        let name = self.plugins[index].name();
        let text = format!("plugin {name}: more than {max} bytes wait to be sent or delivered");
        self.fail(index, PluginError::broken(text));
    }
}

impl Step {
    fn cost(&self) -> usize {
        match self {
            Self::Rising(_, event) => cost_of_rising(event),
            Self::Sinking(_, event) => cost_of_sinking(event),
        }
    }

    fn is_message(&self) -> bool {
        matches!(self, Self::Rising(_, Incoming::Message(_)) | Self::Sinking(_, Outgoing::Message(_)))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.scratch.wipe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::testing::open;
    use crate::plugin::{KeepAlive, KeepAliveSettings as Settings, Origin, Statistics};

    /// Fails on the word it is told, in either direction, and on each close once it has failed.
    #[derive(Default)]
    struct Fragile {
        failed: bool,
    }

    impl Plugin for Fragile {
        fn name(&self) -> &str {
            "fragile"
        }

        fn layer(&self) -> Layer {
            Layer::Transform
        }

        fn incoming(&mut self, cx: &mut Context<'_>, event: Incoming) -> Result<(), PluginError> {
            // What a failing plugin has emitted goes nowhere.
            cx.rise(event.clone());
            self.failed |= event == Incoming::Message(Payload::text("break"));
            if self.failed { Err(PluginError::new("broken")) } else { Ok(()) }
        }

        fn outgoing(&mut self, cx: &mut Context<'_>, event: Outgoing) -> Result<(), PluginError> {
            self.failed |= event == Outgoing::Message(Payload::text("break"));
            cx.sink(event);
            if self.failed { Err(PluginError::new("broken")) } else { Ok(()) }
        }
    }

    fn sent(stack: &mut Stack) -> Vec<Outgoing> {
        std::iter::from_fn(|| stack.poll_transmit()).collect()
    }

    #[test]
    fn a_failure_closes_once_even_if_the_close_fails_too() {
        let plugins = || vec![Box::new(Fragile::default()) as Box<dyn Plugin>, Box::new(Statistics::default())];
        let close = [Outgoing::Close(CloseRequest::because("broken"))];
        let (mut stack, now) = open(plugins());
        for text in ["break", "break", "x"] {
            stack.handle_incoming(now, Incoming::Message(Payload::text(text)));
        }
        assert_eq!(sent(&mut stack), close);
        assert_eq!(stack.poll_event(), None);
        assert_eq!(stack.failure().map(ToString::to_string).as_deref(), Some("fragile: broken"));

        let (mut stack, now) = open(plugins());
        assert!(matches!(stack.send(now, Payload::text("break")), Err(SendError::Plugin(_))));
        assert_eq!(sent(&mut stack), close);
        assert_eq!(stack.send(now, Payload::text("x")), Err(SendError::NotOpen));
    }

    #[test]
    fn nothing_goes_out_after_a_close_but_what_comes_in_is_delivered() {
        let (mut stack, now) = open(vec![Box::new(KeepAlive::default())]);
        stack.close(now, CloseRequest::Close(None));
        stack.close(now, CloseRequest::because("again"));
        assert_eq!(sent(&mut stack), [Outgoing::Close(CloseRequest::Close(None))]);
        assert_eq!(stack.close_reason(), Some("Close called."));
        assert_eq!(stack.poll_timeout(), None);
        let late = Incoming::Message(Payload::text("late"));
        stack.handle_incoming(now, late.clone());
        assert_eq!(stack.poll_event(), Some(late.clone()));
        let closed = Incoming::Closed { reason: String::new(), origin: Origin::Remote };
        stack.handle_incoming(now, closed.clone());
        stack.handle_incoming(now, closed.clone());
        stack.handle_incoming(now, late);
        assert_eq!(stack.poll_event(), Some(closed));
        assert_eq!(stack.poll_event(), None);
    }

    #[test]
    fn a_plugin_that_joins_sees_the_opening_and_the_application_does_not() {
        let (mut stack, now) = open(Vec::new());
        assert_eq!(stack.poll_timeout(), None);
        stack
            .push(now, Box::new(KeepAlive::with_settings(Settings { first_pulse: true, ..Settings::default() })))
            .unwrap();
        assert_eq!(stack.poll_event(), None);
        assert_eq!(sent(&mut stack).len(), 1);
        assert!(stack.poll_timeout().is_some());
        stack.remove(Layer::KeepAlive);
        assert_eq!(stack.names().count(), 0);
        assert_eq!(stack.poll_timeout(), None);
    }

    #[test]
    fn bytes_that_wait_are_counted() {
        let (mut stack, now) = open(Vec::new());
        stack.send(now, Payload::text("€")).unwrap();
        stack.send(now, Payload::binary(vec![0; 4])).unwrap();
        assert_eq!(stack.transmit_bytes(), 7);
        stack.poll_transmit();
        assert_eq!(stack.transmit_bytes(), 4);
    }
}

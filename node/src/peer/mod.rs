//! The peer control interface: commands as JSON lines on standard input, events on standard output, logs on standard
//! error. Any implementation of the protocol can stand behind it (`spec/peer-control.md`).
//!
//! A peer with an e-mail address has an identity and goes through all phases ([`person`]). One without knows phases 1 to 5:
//! encrypted connections to keys, over which it sends what it is told to.

mod answer;
mod command;
mod connections;
mod conversation;
mod hangup;
mod identity;
mod input;
mod mailbox;
mod news;
mod output;
mod person;
mod transcript;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ratatosk_protocol::backoff::Backoff;
use ratatosk_protocol::connection::{Config, KeyRing};
use ratatosk_protocol::driver::{Environment, Events, Listener, ListenerConfig, Session, check_url};
use ratatosk_protocol::key::KeyPair;
use ratatosk_protocol::spare::SparePolicy;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use self::answer::Answer;
use self::command::{Command, Request};
use self::connections::Connections;
use self::conversation::Ears;
use self::hangup::Hangup;
use self::input::{Input, InputError};
use self::output::{Output, Room};
use self::transcript::Transcript;
use crate::plugins::{Plugins, Wanted};

/// How long the end waits for plugins that are read again.
const RELOAD_PATIENCE: Duration = Duration::from_secs(10);
/// The exit code when the peer ran out of time.
const TIMED_OUT: u8 = 3;

/// How the peer is set up: environment variables, as every implementation takes them, or flags.
#[derive(Args)]
pub(crate) struct Options {
    /// The CommServer, ws:// or wss://.
    #[arg(long, env = "COMM_SERVER_URL")]
    comm_server_url: String,
    /// The folder in which the peer keeps its key; without it the key is new and forgotten at the end.
    #[arg(long, env = "PEER_DIR")]
    dir: Option<PathBuf>,
    /// The e-mail address of the person that the peer is. Without one it is a key and nothing else.
    #[arg(long, env = "PEER_EMAIL")]
    email: Option<String>,
    /// The name that contacts see [default: the e-mail address].
    #[arg(long, env = "PEER_NAME")]
    name: Option<String>,
    /// What the person's device is called.
    #[arg(long, env = "PEER_INSTANCE")]
    instance: Option<String>,
    /// Leave the temporary folder that a person has who was given none (KEEP_DIR=1).
    #[arg(long, env = "KEEP_DIR", value_parser = clap::builder::FalseyValueParser::new(), num_args = 0..=1, default_value = "false", default_missing_value = "true")]
    keep_dir: bool,
    /// 0: new contacts get no 1:1 topic by themselves.
    #[arg(long, env = "AUTO_TOPIC", default_value = "1")]
    auto_topic: String,
    /// How long an invitation is good for.
    #[arg(long, env = "INVITE_EXPIRY_MS")]
    invite_expiry_ms: Option<u64>,
    /// End with exit code 3 after so many milliseconds.
    #[arg(long, env = "PEER_TIMEOUT_MS")]
    timeout_ms: Option<u64>,
    /// A file that receives the decrypted messages, one JSON line each.
    #[arg(long, env = "TRANSCRIPT")]
    transcript: Option<PathBuf>,
    /// Do not exit at the end of input (STAY=1).
    #[arg(long, env = "STAY", value_parser = clap::builder::FalseyValueParser::new(), num_args = 0..=1, default_value = "false", default_missing_value = "true")]
    stay: bool,
    /// Keep at most so many spare connections; 0 is one at a time.
    #[arg(long, default_value_t = 2)]
    spares: usize,
    #[command(flatten)]
    plugins: Wanted,
}

/// Runs until it is told to quit, its input ends or its time is over.
pub(crate) async fn run(options: Options) -> ExitCode {
    let output = Output::start();
    let code = match &options.email {
        Some(email) if !email.is_empty() => person::run(&options, email, &output).await,
        _ => match Peer::new(&options, output.clone()) {
            Ok(peer) => Ok(peer.run(&options).await),
            Err(problem) => Err(problem),
        },
    };
    let code = match code {
        Ok(code) => code,
        Err(problem) => {
            output.problem("start", &problem);
            ExitCode::FAILURE
        }
    };
    output.event(&json!({"event": "exit"}));
    output.finish().await;
    code
}

struct Peer {
    key: KeyPair,
    environment: Environment,
    plugins: Plugins,
    /// The plugins are read again.
    reloads: JoinSet<()>,
    listener: Option<Listener>,
    spares: Option<watch::Receiver<usize>>,
    connections: Connections,
    online: bool,
    output: Output,
    transcript: Transcript,
}

impl Peer {
    fn new(options: &Options, output: Output) -> Result<Self, String> {
        let plugins = Plugins::start(&options.plugins)?;
        let config = Config { plugins: plugins.factory(), ..Config::default() };
        let environment = Environment { config: Arc::new(config), events: Events::default() };
        let key = identity::load_or_create(options.dir.as_deref())?;
        let transcript = Transcript::open(options.transcript.as_deref())?;
        check_url(&options.comm_server_url).map_err(|error| error.to_string())?;
        Ok(Self {
            connections: Connections::new(
                environment.clone(),
                options.comm_server_url.clone(),
                key.clone(),
                Ears { output: output.clone(), transcript: transcript.clone() },
            ),
            environment,
            plugins,
            reloads: JoinSet::new(),
            key,
            listener: None,
            spares: None,
            online: false,
            output,
            transcript,
        })
    }

    async fn run(mut self, options: &Options) -> ExitCode {
        self.output.event(&json!({"event": "ready", "publicKey": self.key.public().to_hex()}));
        if let Err(problem) = self.listen(options) {
            self.output.problem("listen", &problem);
            return ExitCode::FAILURE;
        }
        let end = options.timeout_ms.map(|millis| Instant::now() + Duration::from_millis(millis));
        let mut input = Input::new();
        let mut listening_to_input = true;
        let mut hangup = match self.plugins.has_file().then(Hangup::new).transpose() {
            Ok(hangup) => hangup,
            Err(error) => {
                self.output.problem("start", &format!("SIGHUP cannot be taken over: {error}"));
                return ExitCode::FAILURE;
            }
        };
        let code = loop {
            tokio::select! {
                (seat, line) = next_line(&self.output, &mut input), if listening_to_input => match line {
                    Ok(Some(line)) => if let Some(code) = self.obey(options, &line, seat).await { break code },
                    Ok(None) if options.stay => listening_to_input = false,
                    Ok(None) => break ExitCode::SUCCESS,
                    Err(error @ InputError::TooLong) => self.answer(seat, "input", None).error(&error.to_string()),
                    Err(error) => {
                        self.output.problem("input", &error.to_string());
                        break ExitCode::FAILURE;
                    }
                },
                () = hung_up(hangup.as_mut()) => self.reload_unasked(),
                Some(_) = self.reloads.join_next() => {}
                ready = ready_spares(self.spares.as_mut()) => self.online(ready > 0),
                Some(session) = accept(self.listener.as_mut()) => self.connections.add(session),
                () = self.connections.progress() => {}
                () = until(end) => break ExitCode::from(TIMED_OUT),
            }
        };
        self.disconnect().await;
        // A reload that was asked for is answered, unless it takes too long.
        let finish = async { while self.reloads.join_next().await.is_some() {} };
        if timeout(RELOAD_PATIENCE, finish).await.is_err() {
            tracing::warn!("the plugins were not read again in time");
        }
        code
    }

    /// Obeys one line. An exit code ends the peer.
    async fn obey(&mut self, options: &Options, line: &str, seat: Room) -> Option<ExitCode> {
        let Request { id, command, name } = match Request::parse(line) {
            Ok(request) => request,
            Err((id, problem)) => {
                self.answer(seat, "command", id).error(&problem);
                return None;
            }
        };
        let answer = self.answer(seat, &name, id);
        let result = match command {
            Command::Info => Ok(json!({"publicKey": self.key.public().to_hex(), "phases": 5})),
            Command::Connections => Ok(json!({"connections": self.connections.list()})),
            Command::Timeline => {
                self.connections.timelines(answer);
                return None;
            }
            Command::Plugins => Ok(json!({"plugins": self.plugins.describe()})),
            Command::ReloadPlugins => {
                self.reload(|result| match result {
                    Ok(fields) => answer.result(fields),
                    Err(problem) => answer.error(&problem),
                });
                return None;
            }
            Command::Mark { text } => self.transcript.mark(&text).map(|()| json!({})),
            Command::Raw { key, payload } => {
                self.connections.send(key, payload, answer);
                return None;
            }
            Command::Disconnect => {
                self.disconnect().await;
                Ok(json!({}))
            }
            Command::Reconnect => self.listen(options).map(|()| json!({})),
            Command::Quit => {
                answer.silence();
                return Some(ExitCode::SUCCESS);
            }
            Command::NeedsPhaseSix(name) => Err(format!(
                "{name:?} needs an identity (phase 6): start this peer with PEER_EMAIL; without one info, connections, timeline, \
                 plugins, reload-plugins, raw, mark, disconnect, reconnect and quit work"
            )),
        };
        match result {
            Ok(fields) => answer.result(fields),
            Err(problem) => answer.error(&problem),
        }
        None
    }

    fn answer(&self, seat: Room, command: &str, id: Option<Value>) -> Answer {
        Answer::new(&self.output, seat, command.to_owned(), id)
    }

    fn listen(&mut self, options: &Options) -> Result<(), String> {
        if self.listener.is_some() {
            return Ok(());
        }
        let spares = std::num::NonZeroUsize::new(options.spares).map_or(SparePolicy::Sequential, SparePolicy::Limit);
        let config = ListenerConfig {
            url: options.comm_server_url.clone(),
            keys: KeyRing::new(self.key.clone()),
            spares,
            backoff: Backoff::default(),
        };
        let listener = Listener::start(&self.environment, config).map_err(|error| error.to_string())?;
        self.spares = Some(listener.ready());
        self.listener = Some(listener);
        Ok(())
    }

    /// New connections get the plugins that the file names by now, or those that they had. Everything else goes on meanwhile.
    fn reload(&mut self, tell: impl FnOnce(Result<Value, String>) + Send + 'static) {
        let reload = self.plugins.reload();
        self.reloads.spawn(async move {
            tell(reload.await.map(|changes| {
                tracing::info!(%changes, "the plugins were read again");
                json!({"changes": changes})
            }));
        });
    }

    /// The same, if nobody waits for an answer.
    fn reload_unasked(&mut self) {
        let output = self.output.clone();
        self.reload(move |result| match result {
            Ok(mut event) => {
                event["event"] = json!("reloaded");
                output.event(&event);
            }
            Err(problem) => {
                tracing::warn!(problem, "the plugins stay as they are");
                output.problem("reload-plugins", &problem);
            }
        });
    }

    async fn disconnect(&mut self) {
        if let Some(listener) = self.listener.take() {
            self.spares = None;
            listener.stop().await;
            self.online(false);
        }
        self.connections.close_all().await;
    }

    /// Tells when the peer can be reached and when it cannot.
    fn online(&mut self, online: bool) {
        if self.online != online {
            self.online = online;
            self.output.event(&json!({"event": "online", "state": online}));
        }
    }
}

/// The next line, when there is a seat for its answer. Safe to cancel.
async fn next_line(output: &Output, input: &mut Input) -> (Room, Result<Option<String>, InputError>) {
    (output.seat().await, input.next().await)
}

async fn accept(listener: Option<&mut Listener>) -> Option<Session> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

async fn hung_up(hangup: Option<&mut Hangup>) {
    match hangup {
        Some(hangup) => hangup.next().await,
        None => std::future::pending().await,
    }
}

async fn ready_spares(spares: Option<&mut watch::Receiver<usize>>) -> usize {
    if let Some(spares) = spares
        && spares.changed().await.is_ok()
    {
        return *spares.borrow_and_update();
    }
    std::future::pending().await
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

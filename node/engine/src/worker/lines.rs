//! The worker's ends of the lines that go between it and the engine.

use std::io::{BufReader, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};

use crate::EngineError;
use crate::ipc::{Command, MAX_COMMAND, MAX_REPLY, Reply, decode, encode, read_line};

/// Commands that wait. The engine sends the next when it has the end of the last.
const WAITING: usize = 4;

/// Where replies go.
#[derive(Clone)]
pub(super) struct Out {
    output: Arc<Mutex<dyn Write + Send>>,
    signs: Arc<Signs>,
}

/// What the reading thread says to the other one in the middle of its work.
#[derive(Default)]
struct Signs {
    /// Requests up to this one are cancelled.
    cancelled: AtomicU64,
    /// Nobody is there any more.
    ended: AtomicBool,
}

impl Out {
    pub(super) fn new(output: impl Write + Send + 'static) -> Self {
        Self { output: Arc::new(Mutex::new(output)), signs: Arc::default() }
    }

    /// Writes a reply. If nobody takes it, everything [has ended](Self::ended).
    pub(super) fn say(&self, reply: &Reply) {
        let line = encode(reply, MAX_REPLY);
        let written = match (line, self.output.lock()) {
            (Ok(line), Ok(mut output)) => output.write_all(&line).and_then(|()| output.flush()).is_ok(),
            _ => false,
        };
        if !written {
            self.end();
        }
    }

    /// Whether the input has ended, or nobody takes the output.
    #[cfg(feature = "llama")]
    pub(super) fn ended(&self) -> bool {
        self.signs.ended.load(Ordering::Relaxed)
    }

    /// Whether this request shall end.
    #[cfg(feature = "llama")]
    pub(super) fn cancelled(&self, id: u64) -> bool {
        self.signs.cancelled.load(Ordering::Relaxed) >= id || self.ended()
    }

    fn end(&self) {
        self.signs.ended.store(true, Ordering::Relaxed);
    }
}

/// Where commands come from.
pub(super) struct Inbox(Receiver<Command>);

impl Inbox {
    /// Reads in a thread of its own. Cancellations become a sign; everything else waits its turn.
    pub(super) fn read(input: impl Read + Send + 'static, out: &Out) -> Self {
        let (commands, inbox) = sync_channel(WAITING);
        let out = out.clone();
        std::thread::spawn(move || {
            let mut input = BufReader::new(input);
            let broken = |reason: String| out.say(&Reply::Failed { id: None, error: EngineError::Protocol { reason } });
            loop {
                let command = match read_line(&mut input, MAX_COMMAND) {
                    Ok(None) => break,
                    Ok(Some(line)) => decode(&line),
                    Err(error) => Err(error),
                };
                match command {
                    Ok(Command::Cancel { id }) => {
                        out.signs.cancelled.fetch_max(id, Ordering::Relaxed);
                    }
                    Ok(command) => {
                        if commands.try_send(command).is_err() {
                            broken("more commands than answers".to_owned());
                            break;
                        }
                    }
                    Err(error) => {
                        broken(error.to_string());
                        break;
                    }
                }
            }
            out.end();
        });
        Self(inbox)
    }

    /// The next command; none at the end.
    pub(super) fn next(&self) -> Option<Command> {
        self.0.recv().ok()
    }
}

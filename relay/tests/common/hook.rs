//! An admission hook that answers as a test wants it, and counts.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ratatosk_relay::{Admission, Config, HookConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A hook on a free port. It ends with this.
pub struct Hook {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    open: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    answer: Mutex<Vec<u8>>,
    requests: Mutex<Vec<String>>,
    busy: AtomicUsize,
    busiest: AtomicUsize,
}

impl Hook {
    /// Answers everything with `answer`.
    pub async fn start(answer: &str) -> Self {
        Self::start_with(answer, |stream, shared, gate| async move { serve(stream, shared, gate).await }).await
    }

    /// The same with TLS.
    #[cfg(feature = "tls")]
    pub async fn start_tls(answer: &str, acceptor: tokio_rustls::TlsAcceptor) -> Self {
        let secured = move |stream, shared, gate| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, shared, gate).await;
                }
            }
        };
        Self::start_with(answer, secured).await
    }

    async fn start_with<F>(
        answer: &str,
        serve: impl Fn(TcpStream, Arc<Shared>, watch::Receiver<bool>) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answer: Mutex::new(answer.as_bytes().to_vec()),
            requests: Mutex::default(),
            busy: AtomicUsize::new(0),
            busiest: AtomicUsize::new(0),
        });
        let (open, gate) = watch::channel(true);
        let task = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    tokio::spawn(serve(stream, Arc::clone(&shared), gate.clone()));
                }
            }
        });
        Self { address, shared, open, task }
    }

    /// Answers so from now on.
    pub fn answer(&self, answer: &str) {
        *self.shared.answer.lock().unwrap() = answer.as_bytes().to_vec();
    }

    /// Takes questions and keeps the answers back, or gives them.
    pub fn hold(&self, hold: bool) {
        self.open.send_replace(!hold);
    }

    /// What it was asked, heads and bodies.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Waits until so many questions have come.
    pub async fn until_asked(&self, number: usize) {
        let asked = async {
            while self.requests().len() < number {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        super::within(asked).await;
    }

    /// Most questions at the same time.
    pub fn busiest(&self) -> usize {
        self.shared.busiest.load(SeqCst)
    }

    /// How to ask it.
    pub fn config(&self, timeout: Duration, cache: Duration) -> HookConfig {
        HookConfig { url: format!("http://{}/ask", self.address), timeout, cache }
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Settings of a relay that asks.
pub fn asking(hook: HookConfig) -> Config {
    Config { admission: Admission { hook: Some(hook), ..Admission::default() }, ..Config::default() }
}

/// A complete answer with that status line and body.
pub fn response(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, shared: Arc<Shared>, mut gate: watch::Receiver<bool>) {
    let mut request = Vec::new();
    // A body of one object ends with its brace.
    while !(request.ends_with(b"}") && request.windows(4).any(|four| four == b"\r\n\r\n")) {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    shared.busiest.fetch_max(shared.busy.fetch_add(1, SeqCst) + 1, SeqCst);
    shared.requests.lock().unwrap().push(String::from_utf8(request).unwrap());
    let opened = gate.wait_for(|open| *open).await.is_ok();
    shared.busy.fetch_sub(1, SeqCst);
    if opened {
        let answer = shared.answer.lock().unwrap().clone();
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
    }
}

//! One connection through the proxy, from its upgrade request to its end.

use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ratatosk_protocol::entropy::{OsEntropy, array};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::http::uri::PathAndQuery;

use super::frame::Frame;
use super::inspect::{CLOSE, Inspector};
use super::log::Told;
use super::pump::{Ended, Pump, Scene, State};
use super::{Direction, Shared, http, lock};

/// How long a client may take for its request, and the server for its TCP handshake and its answer.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long the other end may take once one has ended.
const LINGER: Duration = Duration::from_secs(10);
/// How long the ends may take to answer a close frame of the proxy's.
const CLOSING: Duration = Duration::from_secs(1);
/// What an injected close says: going away.
const INJECTED: (u16, &str) = (1001, "injected by the proxy");

/// Serves a client until its connection ends.
pub(super) async fn serve(shared: &Shared, connection: u64, client: TcpStream) {
    let mut told = lock(&shared.log).dialled(connection);
    let how = match Ends::open(shared, client, &mut told).await {
        Err(how) => how,
        Ok((ends, opened)) => {
            let state = State { inspector: Inspector::new(shared.keys.clone()), told, active: Instant::now() };
            let scene = Scene { shared, connection, state: Mutex::new(state) };
            let stopped = shared.stop.clone();
            let how = tokio::select! {
                how = ends.run(&scene, opened) => how,
                () = stopped.stopped() => "the proxy stops",
            };
            lock(&shared.log).ended(&mut lock(&scene.state).told, how);
            return;
        }
    };
    lock(&shared.log).ended(&mut told, &how);
}

/// Both TCP connections.
struct Ends {
    client: (OwnedReadHalf, OwnedWriteHalf),
    server: (OwnedReadHalf, OwnedWriteHalf),
}

/// What was read before the frames.
struct Opened {
    /// From the client, behind its request.
    up: BytesMut,
    /// From the server, behind its answer.
    down: BytesMut,
    /// There are frames at all.
    upgraded: bool,
}

impl Ends {
    /// Passes the upgrade on; the error is how the connection ended.
    async fn open(shared: &Shared, mut client: TcpStream, told: &mut Told) -> Result<(Self, Opened), String> {
        let peer = client.peer_addr().map_err(|error| error.to_string())?.to_string();
        let mut up = BytesMut::new();
        let head = within(http::read_head(&mut client, &mut up)).await.map_err(|why| format!("no request: {why}"))?;
        let target = &shared.to;
        let mut server = within(TcpStream::connect((target.host.as_str(), target.port)))
            .await
            .map_err(|why| format!("the server cannot be reached: {why}"))?;
        for stream in [&client, &server] {
            stream.set_nodelay(true).map_err(|error| error.to_string())?;
        }
        let request = match head {
            Some(len) => {
                let head = up.split_to(len);
                let path = target.uri.path_and_query().map(PathAndQuery::as_str).filter(|path| *path != "/");
                (http::path(&head), http::redirected(&head, &format!("{}:{}", target.host, target.port), path))
            }
            // Not HTTP: what the server makes of it is the server's to say.
            None => (String::new(), up.split().to_vec()),
        };
        within(server.write_all(&request.1)).await.map_err(|why| format!("the server takes nothing: {why}"))?;
        let mut down = BytesMut::new();
        let answered = within(http::read_head(&mut server, &mut down)).await;
        let status = match answered {
            Ok(Some(len)) => http::status(&down[..len]),
            _ => 0,
        };
        lock(&shared.log).opened(told, peer, &request.0, status);
        let upgraded = status == 101;
        if let (true, Ok(Some(len))) = (upgraded, answered) {
            let head = down.split_to(len);
            within(client.write_all(&head)).await.map_err(|why| format!("the client is gone: {why}"))?;
        }
        Ok((Self { client: client.into_split(), server: server.into_split() }, Opened { up, down, upgraded }))
    }

    /// Passes both directions on; says how it ended.
    async fn run(mut self, scene: &Scene<'_>, opened: Opened) -> &'static str {
        let Opened { up, down, upgraded } = opened;
        let pump = |direction, buffer| {
            let pump = Pump::new(scene, direction, buffer);
            if upgraded { pump } else { pump.opaque() }
        };
        let (first, direction, second) = {
            let mut up = pin!(pump(Direction::Up, up).run(&mut self.client.0, &mut self.server.1));
            let mut down = pin!(pump(Direction::Down, down).run(&mut self.server.0, &mut self.client.1));
            tokio::select! {
                first = &mut up => (first, Direction::Up, last(scene, first, down).await),
                first = &mut down => (first, Direction::Down, last(scene, first, up).await),
            }
        };
        for ended in [Some(first), second].into_iter().flatten() {
            match ended {
                Ended::Reset | Ended::Broken => self.reset(),
                Ended::Close => {
                    self.close().await;
                    return "closed by a fault";
                }
                Ended::Finished | Ended::Gone | Ended::Idle => continue,
            }
            return if ended == Ended::Reset { "reset by a fault" } else { "a connection broke" };
        }
        match (first, direction) {
            (Ended::Idle, _) => "nothing happened for a long time",
            (Ended::Finished, Direction::Up) | (Ended::Gone, Direction::Down) => "the client ended first",
            _ => "the server ended first",
        }
    }

    /// Ends both connections as a crash would.
    fn reset(self) {
        for stream in [self.client.1.as_ref(), self.server.1.as_ref()] {
            // Without it the connections end all the same, in the orderly way.
            stream.set_zero_linger().unwrap_or_default();
        }
    }

    /// Ends both connections with a close frame.
    async fn close(self) {
        let content = [&INJECTED.0.to_be_bytes()[..], INJECTED.1.as_bytes()].concat();
        let mask = Some(array(&mut OsEntropy));
        let both = [(self.client, None), (self.server, mask)].map(|((mut from, mut to), mask)| {
            let frame = Frame::new(CLOSE, true, &content, mask).into_wire();
            async move {
                to.write_all(&frame).await?;
                // The answer, and what was on its way.
                let mut rest = [0; 4096];
                while from.read(&mut rest).await? > 0 {}
                to.shutdown().await
            }
        });
        let [client, server] = both;
        // Whoever does not answer in time has lost the connection.
        let closing = async { drop(tokio::join!(client, server)) };
        timeout(CLOSING, closing).await.unwrap_or_default();
    }
}

/// What becomes of the other direction when one has ended; `None` if it is not waited for any longer.
async fn last(scene: &Scene<'_>, first: Ended, mut other: Pin<&mut impl Future<Output = Ended>>) -> Option<Ended> {
    if !matches!(first, Ended::Finished | Ended::Gone) {
        return None;
    }
    loop {
        if let Ok(ended) = timeout(LINGER, other.as_mut()).await {
            return Some(ended);
        }
        if lock(&scene.state).active.elapsed() >= LINGER {
            return None;
        }
    }
}

async fn within<T>(step: impl Future<Output = std::io::Result<T>>) -> Result<T, String> {
    match timeout(HANDSHAKE, step).await {
        Err(_) => Err("it takes too long".to_owned()),
        Ok(result) => result.map_err(|error| error.to_string()),
    }
}

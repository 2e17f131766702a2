//! The sockets of the ops listener.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Sources;
use super::route;
use crate::server::Acceptor;

/// More connections than this are ended at once.
const MAX_CONNECTIONS: usize = 32;

/// The head of a request has to be here by then.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);

/// Every connection is over by then: it carries one request.
const DEADLINE: Duration = Duration::from_secs(10);

/// Most bytes of a head; what hyper takes as the least.
const MAX_HEAD: usize = 8192;

/// Most bytes of a body.
const MAX_BODY: usize = 1024;

/// Serves until it is dropped, with all its connections.
pub(super) async fn run(listener: TcpListener, sources: Arc<Sources>) {
    let mut acceptor = Acceptor::new(listener, sources.view.metrics_of());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            (stream, _) = acceptor.accept() => {
                if connections.len() < MAX_CONNECTIONS {
                    connections.spawn(serve(stream, Arc::clone(&sources)));
                } else {
                    tracing::warn!("too many connections to the ops listener; one was ended");
                }
            }
        }
    }
}

async fn serve(stream: TcpStream, sources: Arc<Sources>) {
    let Ok(peer) = stream.peer_addr() else {
        return;
    };
    let service = service_fn(move |request| {
        let sources = Arc::clone(&sources);
        async move { Ok::<_, Infallible>(answer(request, peer.ip(), &sources).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(MAX_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // Whoever does not speak HTTP, or leaves, is of no interest.
    let _ = timeout(DEADLINE, connection).await;
}

async fn answer(request: Request<Incoming>, peer: IpAddr, sources: &Sources) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => route::answer(&head, &body.to_bytes(), peer, sources),
        Err(_) => route::text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large, or did not come\n"),
    }
}

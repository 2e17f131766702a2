//! The contenders that live here. Each says where it listens, like a relay does.

mod proxy;
mod tungstenite;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::Outcome;

/// Serves until the process is ended.
pub(crate) fn run(who: &str) -> Outcome<()> {
    let runtime = Runtime::new()?;
    match who {
        "proxy" => runtime.block_on(proxy::serve()),
        "tungstenite-send" => runtime.block_on(tungstenite::serve(tungstenite::Way::Send)),
        "tungstenite-forward" => runtime.block_on(tungstenite::serve(tungstenite::Way::Forward)),
        other => Err(format!("there is no {other}").into()),
    }
}

async fn listen() -> Outcome<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("ws://{}", listener.local_addr()?);
    Ok(listener)
}

async fn accept(listener: &TcpListener) -> Outcome<TcpStream> {
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

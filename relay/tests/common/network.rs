//! Clients at other addresses of this machine, and leave to have many of them.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use tokio::net::{TcpSocket, TcpStream};

/// A connection from an address of this machine; on Linux all of 127.0.0.0/8 is.
pub async fn connect_from(client: impl Into<IpAddr>, server: SocketAddr) -> TcpStream {
    let client = client.into();
    let socket = if client.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
    socket.bind(SocketAddr::new(client, 0)).unwrap();
    let stream = super::within(socket.connect(server)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Lets this process have that many files and sockets open, which is more than many a shell allows.
#[cfg(target_os = "linux")]
pub fn allow_files(number: usize) {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft = line.split_whitespace().nth(3).unwrap();
    if soft.parse().is_ok_and(|soft: usize| soft < number) {
        let arguments = [format!("--pid={}", std::process::id()), format!("--nofile={number}:")];
        let status = Command::new("prlimit").args(arguments).status().unwrap();
        assert!(status.success(), "this test needs {number} open files, and only {soft} are allowed");
    }
}

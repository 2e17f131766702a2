//! iroh-relay as a contender of `cargo xtask bench relay`: the published crate as a server, and a load in its own protocol
//! that is as raw as that for the others. Datagrams, each in a WebSocket frame behind a type, a key and a byte.
//!
//! The handshake is that of the crate's client, through a pump; when it is over, the pump's connection to the server is
//! taken over. The server drops what a receiver does not take in time, so few datagrams are on their way, and what counts
//! is what arrives.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use iroh_base::SecretKey;
use iroh_dns::dns::DnsResolver;
use iroh_relay::client::{Client, ClientBuilder};
use iroh_relay::server::{RelayConfig, Server, ServerConfig};
use iroh_relay::tls::{CaTlsConfig, default_provider};
use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Datagrams that may be on their way; the server's queue for a receiver holds 512.
const WINDOW: u64 = 256;

/// Type, key of the other side, and congestion bits, in front of each datagram.
const OVERHEAD: usize = 34;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

#[tokio::main]
async fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve"] => serve().await,
        ["check", address] => check(address.parse()?).await,
        ["throughput", address, size, millis] => {
            throughput(address.parse()?, size.parse()?, Duration::from_millis(millis.parse()?)).await
        }
        ["register", address, millis] => register(address.parse()?, Duration::from_millis(millis.parse()?)).await,
        ["hold", address, first, count] => hold(address.parse()?, first.parse()?, count.parse()?).await,
        ["round-trip", address, count] => round_trips(address.parse()?, count.parse()?).await,
        _ => Err("serve | check | throughput | register | hold | round-trip".into()),
    }
}

async fn serve() -> Outcome<()> {
    let mut config = ServerConfig::default();
    config.relay = Some(RelayConfig::new(([127, 0, 0, 1], 0)));
    let server = Server::spawn(config).await?;
    println!("ws://{}", server.http_addr().ok_or("no address")?);
    std::future::pending().await
}

fn secret(number: u32) -> SecretKey {
    let mut bytes = [0x2a; 32];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_bytes(&bytes)
}

async fn connect(address: SocketAddr, key: SecretKey) -> Outcome<Client> {
    let url: iroh_base::RelayUrl = format!("http://{address}").parse()?;
    let tls = CaTlsConfig::default().client_config(default_provider())?;
    Ok(ClientBuilder::new(url, key, DnsResolver::new()).tls_client_config(tls).connect().await?)
}

/// A connection to the server, behind the handshake.
async fn raw(address: SocketAddr, key: SecretKey) -> Outcome<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let pump = listener.local_addr()?;
    let connecting = tokio::spawn(connect(pump, key));
    let (mut near, _) = listener.accept().await?;
    let mut far = tokio::net::TcpStream::connect(address).await?;
    let client = tokio::select! {
        end = copy_bidirectional(&mut near, &mut far) => return Err(format!("the handshake ended: {end:?}").into()),
        client = connecting => client??,
    };
    let stream = far.into_std()?;
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    drop(client);
    Ok(stream)
}

/// Two connections that can send to each other, and the beginnings of their datagrams.
async fn pair(address: SocketAddr) -> Outcome<[(TcpStream, Vec<u8>); 2]> {
    let keys = [secret(u32::MAX), secret(u32::MAX - 1)];
    let streams = [raw(address, keys[0].clone()).await?, raw(address, keys[1].clone()).await?];
    let [one, other] = streams;
    let head = |key: &SecretKey| [&[4][..], key.public().as_bytes(), &[0]].concat();
    Ok([(one, head(&keys[1])), (other, head(&keys[0]))])
}

fn append(out: &mut Vec<u8>, head: &[u8], payload: &[u8]) {
    let length = head.len() + payload.len();
    out.push(0x82);
    match length {
        0..126 => out.push(0x80 | length as u8),
        126..65536 => {
            out.push(0xfe);
            out.extend((length as u16).to_be_bytes());
        }
        _ => {
            out.push(0xff);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend(KEY);
    out.extend(head.iter().chain(payload).zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// Bytes of a datagram's frame as it arrives.
fn arriving(size: usize) -> usize {
    let length = OVERHEAD + size;
    length
        + if length < 126 {
            2
        } else if length < 65_536 {
            4
        } else {
            10
        }
}

async fn check(address: SocketAddr) -> Outcome<()> {
    let [(mut one, one_head), (mut other, other_head)] = pair(address).await?;
    for size in [1, 100, 1024, 65_000] {
        for number in 0..50_usize {
            let payload: Vec<u8> = (0..size).map(|place| (place * 31 + number * 7) as u8).collect();
            let mut frame = Vec::new();
            append(&mut frame, &one_head, &payload);
            deliver(&mut one, &frame, &mut other, &payload)?;
            frame.clear();
            append(&mut frame, &other_head, &payload);
            deliver(&mut other, &frame, &mut one, &payload)?;
        }
    }
    Ok(())
}

fn deliver(from: &mut TcpStream, frame: &[u8], to: &mut TcpStream, payload: &[u8]) -> Outcome<()> {
    from.write_all(frame)?;
    let mut arrived = vec![0; arriving(payload.len())];
    to.read_exact(&mut arrived)?;
    if arrived.ends_with(payload) { Ok(()) } else { Err(format!("{} bytes arrived changed", payload.len()).into()) }
}

/// Prints the payload that has arrived in MB, and the seconds.
async fn throughput(address: SocketAddr, size: usize, length: Duration) -> Outcome<()> {
    let [(mut sender, head), (mut receiver, _)] = pair(address).await?;
    let mut datagram = Vec::new();
    append(&mut datagram, &head, &vec![0xa5; size]);
    // A few at once, so that several blocks are on their way.
    let in_block = (256 * 1024 / datagram.len()).clamp(1, WINDOW as usize / 4);
    let block = datagram.repeat(in_block);
    let (received, each) = (AtomicU64::new(0), arriving(size) as u64);
    let began = Instant::now();
    thread::scope(|scope| {
        let stream = receiver.try_clone()?;
        scope.spawn(|| {
            let mut buffer = vec![0; 1 << 20];
            while let Ok(length @ 1..) = receiver.read(&mut buffer) {
                received.fetch_add(length as u64, Ordering::Relaxed);
            }
        });
        let (mut sent, mut lost, mut waited) = (0, 0, Instant::now());
        while began.elapsed() < length {
            let arrived = received.load(Ordering::Relaxed) / each;
            if sent - lost < arrived + WINDOW {
                sender.write_all(&block)?;
                sent += in_block as u64;
                waited = Instant::now();
            } else if waited.elapsed() > Duration::from_millis(50) {
                // The server has dropped some.
                lost = sent - arrived;
            } else {
                thread::sleep(Duration::from_micros(20));
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        let megabytes = (received.load(Ordering::Relaxed) / each) as f64 * size as f64 / 1e6;
        println!("{megabytes} {seconds}");
        stream.shutdown(std::net::Shutdown::Both)?;
        Ok(())
    })
}

/// Prints how often eight clients have connected.
async fn register(address: SocketAddr, length: Duration) -> Outcome<()> {
    let began = Instant::now();
    let clients: Vec<_> = (0..8)
        .map(|number| {
            tokio::spawn(async move {
                let mut count = 0_u64;
                while began.elapsed() < length {
                    drop(connect(address, secret(number)).await?);
                    count += 1;
                }
                Outcome::Ok(count)
            })
        })
        .collect();
    let mut count = 0;
    for client in clients {
        count += client.await??;
    }
    println!("{count}");
    Ok(())
}

/// Keeps clients connected until standard input ends.
async fn hold(address: SocketAddr, first: u32, count: u32) -> Outcome<()> {
    let mut clients = Vec::new();
    for number in first..first + count {
        clients.push(connect(address, secret(number)).await?);
    }
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Prints two percentiles in microseconds.
async fn round_trips(address: SocketAddr, count: usize) -> Outcome<()> {
    const SIZE: usize = 100;
    let [(mut one, one_head), (mut other, other_head)] = pair(address).await?;
    let frames = [one_head, other_head].map(|head| {
        let mut frame = Vec::new();
        append(&mut frame, &head, &[7; SIZE]);
        frame
    });
    let mut arrived = vec![0; arriving(SIZE)];
    let mut times = Vec::new();
    for _ in 0..count + 50 {
        let began = Instant::now();
        one.write_all(&frames[0])?;
        other.read_exact(&mut arrived)?;
        other.write_all(&frames[1])?;
        one.read_exact(&mut arrived)?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    times.drain(..50);
    times.sort_by(f64::total_cmp);
    println!("{} {}", times[count / 2], times[count * 99 / 100]);
    Ok(())
}

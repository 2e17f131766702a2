//! The relay with TLS: what an idle spare costs then.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::Outcome;
use crate::client::{Peer, key};
use crate::contender;
use crate::options::Options;
use crate::process::Process;
use crate::spares::{WARM_UP, settled};

const NAME: &str = "localhost";

/// KiB of resident memory for each of so many spares with TLS.
pub(crate) fn each_spare(options: &Options) -> Outcome<f64> {
    fs::create_dir_all(&options.common.out)?;
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([NAME.to_owned()])?;
    let (certificate, secret) = (options.common.out.join("certificate.pem"), options.common.out.join("key.pem"));
    fs::write(&certificate, cert.pem())?;
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&secret)?;
    file.write_all(signing_key.serialize_pem().as_bytes())?;
    let mut command = Command::new(&options.relay);
    command.args(contender::relay_flags("off"));
    command.args(["--tls-listen", "127.0.0.1:0", "--tls-certificate"]).arg(certificate).arg("--tls-key").arg(secret);
    let process = Process::start(command)?;
    let trust = trust(cert.der())?;
    let register = |number| Peer::register_over(connect(&process, &trust)?, &key(number));
    let warm: Vec<_> = (0..WARM_UP).map(register).collect::<Outcome<_>>()?;
    let before = settled(&process)?;
    let last = WARM_UP + u32::try_from(options.spares)?;
    let spares: Vec<_> = (WARM_UP..last).map(register).collect::<Outcome<_>>()?;
    let each = (settled(&process)? - before) / options.spares as f64;
    drop((warm, spares));
    Ok(each)
}

fn trust(certificate: &CertificateDer<'static>) -> Outcome<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone())?;
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

fn connect(process: &Process, trust: &Arc<ClientConfig>) -> Outcome<StreamOwned<ClientConnection, TcpStream>> {
    let connection = ClientConnection::new(Arc::clone(trust), ServerName::try_from(NAME)?)?;
    Ok(StreamOwned::new(connection, Peer::connect(process.address)?.stream))
}

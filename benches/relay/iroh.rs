//! iroh-relay speaks a protocol of its own, so its load comes from the program that also serves it (`benches/iroh`).

use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::Outcome;
use crate::contender::on_cpu;
use crate::process::Process;

/// The largest datagram has room for so many bytes beside its head. Stands for 64 KiB.
pub(crate) const LARGEST: usize = 65_000;

/// The program, if it is here.
pub(crate) fn program() -> Option<PathBuf> {
    env::var_os("RATATOSK_IROH").map(PathBuf::from).filter(|path| path.exists())
}

/// Runs a load to its end and gives the figures that it prints.
pub(crate) fn load(what: &str, process: &Process, rest: &[u128], cpu: Option<usize>) -> Outcome<Vec<f64>> {
    let output = command(what, process, rest, cpu)?.output()?;
    if !output.status.success() {
        return Err(format!("iroh-relay, {what}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

/// Clients that stay until this is dropped.
#[derive(Debug)]
pub(crate) struct Clients(Child);

/// Connects so many clients.
pub(crate) fn hold(process: &Process, first: u32, count: u32) -> Outcome<Clients> {
    let mut command = command("hold", process, &[first.into(), count.into()], None)?;
    let mut clients = Clients(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    BufReader::new(clients.0.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    if line.trim() == "ready" { Ok(clients) } else { Err("iroh-relay: the clients are not connected".into()) }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // They may have ended already, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(what: &str, process: &Process, rest: &[u128], cpu: Option<usize>) -> Outcome<Command> {
    let program = program().ok_or("RATATOSK_IROH is not set")?;
    let mut command = on_cpu(program.as_os_str(), cpu);
    command.args([what, &process.address.to_string()]).args(rest.iter().map(u128::to_string));
    Ok(command)
}

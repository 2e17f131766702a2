//! Many connections at the same time, each with three plugins, in a process of their own.
//!
//! The connections are pairs of stacks. Every one sends and receives a message as soon as it is there, and again when all of
//! them are there. What a connection costs is what the resident memory of the process has grown by, over their number: both
//! what is in the guests and what the host has for them.

use std::env;
use std::process::Command;

use ratatosk_benches::{Outcome, mappings, resident_kib};
use ratatosk_protocol::message::Payload;

use crate::ends::Ends;
use crate::options::Options;
use crate::sets::{Form, Modules, THREE};

/// What many connections cost.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    pub(crate) what: String,
    /// Those that have exchanged messages when all of them were there.
    pub(crate) alive: usize,
    /// KiB for each.
    pub(crate) each: f64,
    /// Mappings of the process, and how many it may have.
    pub(crate) mappings: [usize; 2],
    /// Instances of the three modules.
    pub(crate) instances: usize,
}

/// The crowd as modules and linked, with short and with long messages.
pub(crate) fn measure(options: &Options) -> Outcome<Vec<Crowd>> {
    [("modules", 100), ("modules", 65_536), ("linked", 100), ("linked", 65_536)]
        .into_iter()
        .map(|(form, size)| {
            let mut command = Command::new(env::current_exe()?);
            command.args(["crowd", form]).args([size, options.crowd].map(|number| number.to_string()));
            let output = command.output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
            }
            let text = String::from_utf8(output.stdout)?;
            let words: Vec<&str> = text.split_whitespace().collect();
            let [alive, each, used, most, instances] = words.as_slice() else { return Err("a strange answer".into()) };
            Ok(Crowd {
                what: format!("{form}, messages of {size} B"),
                alive: alive.parse()?,
                each: each.parse()?,
                mappings: [used.parse()?, most.parse()?],
                instances: instances.parse()?,
            })
        })
        .collect()
}

/// Prints the figures of one crowd.
pub(crate) fn child(words: &[&str]) -> Outcome<()> {
    let [form, size, count] = words else { return Err("crowd FORM BYTES COUNT".into()) };
    let (size, count): (usize, usize) = (size.parse()?, count.parse()?);
    let modules = if *form == "modules" { Some(Modules::compile()?) } else { None };
    let form = modules.as_ref().map_or(Form::Linked, Form::Modules);
    let message = Payload::binary(vec![0xa5; size]);
    let before = resident_kib("self")?;
    let mut pairs = Vec::with_capacity(count / 2);
    for _ in 0..count / 2 {
        let mut pair = Ends::new(form, THREE)?;
        for from in [0, 1] {
            pair.exchange(from, &message)?;
        }
        pairs.push(pair);
    }
    for pair in &mut pairs {
        for from in [0, 1] {
            pair.exchange(from, &message)?;
        }
    }
    let each = (resident_kib("self")? - before) / count as f64;
    let [used, most] = mappings()?;
    let instances = modules.as_ref().map_or(0, Modules::instances);
    println!("{} {each} {used} {most} {instances}", pairs.len() * 2);
    Ok(())
}

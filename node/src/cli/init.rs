//! `ratatosk init`: a folder with an identity and its keys.

use clap::Args;
use ratatosk_node::model::home::Cost;
use ratatosk_node::model::{NewPerson, Node, Protection};

use super::folder::{self, Place};
use super::problem::Problem;
use super::{say, text};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Your e-mail address: it is who you are in the network, and cannot be changed later
    #[arg(long)]
    email: String,
    /// The name that your contacts see [default: the e-mail address]
    #[arg(long)]
    name: Option<String>,
    /// What this device is called
    #[arg(long, default_value = "ratatosk")]
    instance: String,
    /// Protect the keys by a file that only you can read, and not by a passphrase: for a machine that starts by itself
    #[arg(long)]
    without_passphrase: bool,
}

/// Makes a node, and says what comes next.
///
/// # Errors
///
/// Why there is none.
pub(super) fn run(options: &Options) -> Result<(), Problem> {
    let (dir, relay) = (options.place.dir()?, options.place.named_relay()?);
    if dir.join("identity.json").exists() {
        let help = "use it, or name another folder with --dir";
        return Err(Problem::new(format!("there is a node in {} already", dir.display()), help));
    }
    if !is_address(&options.email) {
        let what = format!("{:?} is no e-mail address", text::line(&options.email));
        return Err(Problem::new(what, "name yours, as you@example.org: it cannot be changed later"));
    }
    let person = NewPerson {
        email: options.email.clone(),
        instance: options.instance.clone(),
        name: options.name.clone().unwrap_or_else(|| options.email.clone()),
    };
    let protection = if options.without_passphrase {
        Protection::KeyFile(options.place.key_file())
    } else {
        Protection::Passphrase(folder::new_passphrase()?, Cost::STANDARD)
    };
    let node = Node::create(&dir, &person, &protection)?;
    if let Some(relay) = &relay {
        node.set_comm_server(relay)?;
    }
    say(format_args!("Your node is in {}.", dir.display()));
    say(format_args!(
        "You are {} <{}>, person {}.",
        text::name(&person.name),
        text::line(&person.email),
        node.person()
    ));
    match relay {
        Some(relay) => {
            say(format_args!("Its CommServer is {}.", text::line(&relay)));
            say(
                "Next: ratatosk serve, and leave it running. In another terminal: ratatosk invite, or ratatosk accept LINK.",
            );
        }
        None => {
            say("It has no CommServer yet, at which others reach you. Next, one of:");
            say("  ratatosk serve --relay wss://…    a CommServer that exists");
            say("  ratatosk serve --embedded-relay   one inside your node, for the devices in your network");
            say("  ratatosk accept LINK              the CommServer of somebody who has invited you");
        }
    }
    Ok(())
}

/// Whether this may be an e-mail address: nothing is ever sent to it, but what is no address is a slip, and stays.
fn is_address(email: &str) -> bool {
    email.rsplit_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && !email.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn a_slip_is_no_address() {
        let cases = [
            ("a@b", true),
            ("grün@example.org", true),
            ("anna", false),
            ("@b", false),
            ("a@", false),
            ("a b@c", false),
        ];
        for (email, good) in cases {
            assert_eq!(is_address(email), good, "{email}");
        }
    }
}

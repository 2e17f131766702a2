//! `ratatosk chat`: a conversation in the terminal.

mod command;
mod files;
mod screen;
mod show;
mod talk;

use clap::Args;
use jiff::tz::TimeZone;
use ratatosk_node::model::{Contact, Node};

use self::screen::Screen;
use self::show::Show;
use self::talk::Talk;
use super::folder::Place;
use super::online::{Online, on_disk};
use super::problem::Problem;
use super::style::Style;
use super::text;

/// What stands before what one types.
const PROMPT: &str = "> ";

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Whom to talk to: a name, an e-mail address, or the beginning of one
    name: Option<String>,
    /// How much of what was said before is shown
    #[arg(long, value_name = "MESSAGES", default_value_t = 20)]
    last: usize,
}

/// Talks until the lines end.
///
/// # Errors
///
/// What is wrong with the node, or the name.
pub(super) async fn run(options: Options) -> Result<(), Problem> {
    let node = options.place.open()?;
    let relay = options.place.relay(&node)?;
    let online = Online::start(node, relay, Some(INVITATION)).await?;
    let to = match find_first(&online, options.name.as_deref()).await {
        Ok(to) => to,
        Err(problem) => {
            online.stop().await;
            return Err(problem);
        }
    };
    let (screen, lines) = Screen::open(PROMPT);
    let show = Show::new(Style::of_stdout(), TimeZone::system());
    Talk::new(online, screen, show, options.last).run(to, lines).await
}

/// How long invitations that are made in a chat are good.
const INVITATION: std::time::Duration = std::time::Duration::from_secs(300);

/// Whom to talk to first: the one that was named, or the only one.
async fn find_first(online: &Online, name: Option<&str>) -> Result<Option<Contact>, Problem> {
    let mut contacts = on_disk(&online.node, Node::contacts).await?;
    match name {
        Some(name) => find(&contacts, name).map(Some),
        None if contacts.len() == 1 => Ok(contacts.pop()),
        None => Ok(None),
    }
}

/// The contact of this name or e-mail address, or whose name or address begins so.
///
/// # Errors
///
/// If it is nobody, or more than one.
pub(super) fn find(contacts: &[Contact], wanted: &str) -> Result<Contact, Problem> {
    let wanted = wanted.trim().to_lowercase();
    // People choose their names; nobody chooses somebody else's address.
    let named = |fits: &dyn Fn(&str) -> bool| -> Vec<&Contact> {
        let texts = |contact: &Contact| {
            [contact.name.clone().unwrap_or_default(), contact.email.clone(), contact.person.to_string()]
        };
        let fits = |text: &String| !text.is_empty() && fits(&text.to_lowercase());
        contacts.iter().filter(|contact| texts(contact).iter().any(fits)).collect()
    };
    let mut found: Vec<&Contact> = contacts
        .iter()
        .filter(|contact| contact.email.to_lowercase() == wanted || contact.person.to_string() == wanted)
        .collect();
    if found.is_empty() {
        found = named(&|text| text == wanted);
    }
    if found.is_empty() {
        found = named(&|text| text.starts_with(&wanted));
    }
    match found.as_slice() {
        [contact] => Ok((*contact).clone()),
        [] => {
            Err(Problem::new(format!("nobody of your contacts is called {wanted:?}"), "`ratatosk contacts` lists them"))
        }
        several => {
            let names: Vec<String> = several.iter().map(|contact| text::line(&contact.email)).collect();
            Err(Problem::new(format!("{:?} may be {}", wanted, names.join(" or ")), "use the whole e-mail address"))
        }
    }
}

/// What a contact is called in a chat; safe to be shown. People choose their names: whoever has the name of somebody else,
/// or calls themselves "you", is called by their e-mail address.
fn called<'a>(contact: &Contact, mut contacts: impl Iterator<Item = &'a Contact>) -> String {
    let shown = |contact: &Contact| text::name(contact.name.as_ref().unwrap_or(&contact.email));
    let name = shown(contact);
    let same = |other: &str| other.to_lowercase() == name.to_lowercase();
    let is_taken = same(YOU) || contacts.any(|other| other.person != contact.person && same(&shown(other)));
    if is_taken { text::name(&contact.email) } else { name }
}

/// What one is called oneself.
const YOU: &str = "you";

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(email: &str, name: &str) -> Contact {
        Contact {
            person: ratatosk_objects::PersonId::from(ratatosk_objects::IdHash::from_bytes([email.as_bytes()[0]; 32])),
            email: email.to_owned(),
            name: Some(name.to_owned()),
            endpoints: vec![],
            person_keys: vec![],
            sign_keys: vec![],
            former_sign_keys: vec![],
        }
    }

    #[test]
    fn nobody_gets_what_is_for_an_address_by_calling_themselves_so() {
        let contacts = [contact("bert@x.test", "Bert"), contact("mallory@x.test", "bert@x.test")];
        for (wanted, email) in [("BERT@x.test", "bert@x.test"), ("Bert", "bert@x.test"), ("mal", "mallory@x.test")] {
            assert_eq!(find(&contacts, wanted).unwrap().email, email, "{wanted}");
        }
        assert!(find(&contacts, "b").unwrap_err().to_string().contains("may be"));
        assert!(find(&contacts, "carl").is_err());
    }

    #[test]
    fn nobody_looks_like_somebody_else_by_taking_their_name() {
        let contacts = [
            contact("bert@x.test", "Bert"),
            contact("mallory@x.test", "bert "),
            contact("yvonne@x.test", "You"),
            contact("carl@x.test", "Carl"),
        ];
        let names: Vec<String> = contacts.iter().map(|one| called(one, contacts.iter())).collect();
        assert_eq!(names, ["bert@x.test", "mallory@x.test", "yvonne@x.test", "Carl"]);
    }
}

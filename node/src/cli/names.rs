//! Whom somebody means, and what people and conversations are called.
//!
//! People choose their names; nobody chooses somebody else's e-mail address. So an address is worth more than a name, and who
//! has the name of somebody else is shown by their address. Whether somebody is an AI is no matter of names: it is in the
//! address that their identity is made of, and always shown.

use ratatosk_node::api::types::{Agent, Ai, Contact, Me, Participant, Topic};

use super::problem::Problem;
use super::text;

/// What one is called oneself.
pub(super) const YOU: &str = "you";

/// What stands behind the name of an AI.
pub(super) const BADGE: &str = "[AI]";

/// The contact of this name, e-mail address or short name, or whose name or address begins so.
///
/// # Errors
///
/// If it is nobody, or more than one.
pub(super) fn find(contacts: &[Contact], wanted: &str) -> Result<Contact, Problem> {
    let wanted = wanted.trim().to_lowercase();
    match candidates(contacts, &wanted).as_slice() {
        [contact] => Ok((*contact).clone()),
        [] => Err(Problem::new(
            format!("nobody of your contacts is called {:?}", text::line(&wanted)),
            "`ratatosk contacts` lists them",
        )),
        several => {
            let names: Vec<String> = several.iter().map(|contact| text::line(&contact.email)).collect();
            let what = format!("{:?} may be {}", text::line(&wanted), names.join(" or "));
            Err(Problem::new(what, "use the whole e-mail address"))
        }
    }
}

fn candidates<'a>(contacts: &'a [Contact], wanted: &str) -> Vec<&'a Contact> {
    let find = |fits: &dyn Fn(&Contact) -> bool| contacts.iter().filter(|contact| fits(contact)).collect::<Vec<_>>();
    let texts = |contact: &Contact| {
        let slug = contact.ai.as_ref().map(|ai| ai.slug.clone());
        [contact.name.clone(), slug, Some(contact.email.clone()), Some(contact.person.clone())]
    };
    let named = |fits: &dyn Fn(&str) -> bool| {
        find(&|contact| texts(contact).iter().flatten().any(|text| !text.is_empty() && fits(&text.to_lowercase())))
    };
    let steps: [&dyn Fn() -> Vec<&'a Contact>; 5] = [
        &|| find(&|contact| contact.email.to_lowercase() == wanted || contact.person == wanted),
        // One that took the name of a removed one is meant before that: its node is this one.
        &|| find(&|contact| contact.connected && contact.ai.as_ref().is_some_and(|ai| ai.own && ai.slug == wanted)),
        &|| find(&|contact| contact.ai.as_ref().is_some_and(|ai| ai.own && ai.slug == wanted)),
        &|| named(&|text| text == wanted),
        &|| named(&|text| text.starts_with(wanted)),
    ];
    steps.iter().map(|step| step()).find(|found| !found.is_empty()).unwrap_or_default()
}

/// The conversation of this id, name or person: a group by its name, a conversation of two by the other one.
///
/// # Errors
///
/// If there is none, or more than one.
pub(super) fn find_topic(topics: &[Topic], contacts: &[Contact], wanted: &str) -> Result<Topic, Problem> {
    let lower = wanted.trim().to_lowercase();
    let named =
        |topic: &&Topic| topic.name.as_ref().is_some_and(|name| !topic.one_to_one && name.to_lowercase() == lower);
    let begun = |topic: &&Topic| {
        topic.name.as_ref().is_some_and(|name| !topic.one_to_one && name.to_lowercase().starts_with(&lower))
    };
    // An id may be shortened as long as it is clear.
    let by_id = |topic: &&Topic| topic.id == lower || (lower.len() >= 8 && topic.id.starts_with(&lower));
    let mut found: Vec<&Topic> = topics.iter().filter(by_id).collect();
    if found.is_empty() {
        found = topics.iter().filter(named).collect();
    }
    // People before names that are not whole.
    if found.is_empty() && find(contacts, wanted).is_err() && !lower.is_empty() {
        found = topics.iter().filter(begun).collect();
    }
    match found.as_slice() {
        [topic] => return Ok((*topic).clone()),
        [] => {}
        several => {
            let ids: Vec<&str> = several.iter().map(|topic| topic.id.get(..12).unwrap_or(&topic.id)).collect();
            let what = format!("{:?} may be one of several conversations: {}", text::line(wanted), ids.join(", "));
            return Err(Problem::new(what, "use the beginning of its id"));
        }
    }
    let contact = find(contacts, wanted).map_err(|_| {
        let what = format!("there is no conversation called {:?}, and no contact", text::line(wanted));
        Problem::new(what, "`ratatosk topics list` and `ratatosk contacts` show what there is")
    })?;
    let with = |topic: &&Topic| topic.one_to_one && topic.participants.iter().any(|one| one.person == contact.person);
    topics.iter().find(with).cloned().ok_or_else(|| {
        let what = format!("you have no conversation with {} yet", text::name(wanted));
        Problem::new(what, "`ratatosk chat NAME` begins one")
    })
}

/// What a contact is called; safe to be shown. Who has the name of somebody else, or calls themselves "you", is called by their
/// address.
pub(super) fn called<'a>(contact: &Contact, mut contacts: impl Iterator<Item = &'a Contact>) -> String {
    let shown = |contact: &Contact| text::name(contact.name.as_ref().unwrap_or(&contact.email));
    let name = shown(contact);
    let same = |other: &str| other.to_lowercase() == name.to_lowercase();
    let is_taken = same(YOU) || contacts.any(|other| other.person != contact.person && same(&shown(other)));
    if is_taken { text::name(&contact.email) } else { name }
}

/// A contact in one line, safe to be shown: that it is an AI, and whose, stands there whatever it calls itself.
pub(super) fn describe(contact: &Contact, contacts: &[Contact], me: &Me) -> String {
    let email = text::line(&contact.email);
    match (&contact.name, &contact.ai) {
        (Some(name), Some(ai)) => format!("{} [AI of {}]", text::name(name), owner(ai, contacts, me)),
        (None, Some(ai)) => format!("{} [AI of {}]", text::name(&ai.slug), owner(ai, contacts, me)),
        (Some(name), None) => format!("{} <{email}>", text::name(name)),
        (None, None) => format!("<{email}>"),
    }
}

/// Whether this is an AI of ours that we have removed: what it has said stays, and it will never answer.
pub(super) fn is_removed(person: &str, ai: Option<&Ai>, agents: &[Agent]) -> bool {
    ai.is_some_and(|ai| ai.own) && !agents.iter().any(|agent| agent.person == person)
}

/// Whose AI it is; safe to be shown.
fn owner(ai: &Ai, contacts: &[Contact], me: &Me) -> String {
    if ai.owner == me.person {
        return YOU.to_owned();
    }
    let name = match contacts.iter().find(|contact| contact.person == ai.owner) {
        Some(contact) => called(contact, contacts.iter()),
        None => short(&ai.owner),
    };
    if ai.confirmed { name } else { format!("{name}, who has not said so") }
}

/// Somebody in a conversation, with a badge if it is an AI; safe to be shown.
pub(super) fn participant(one: &Participant, contacts: &[Contact]) -> String {
    let name = match contacts.iter().find(|contact| contact.person == one.person) {
        _ if one.me => return YOU.to_owned(),
        Some(contact) => called(contact, contacts.iter()),
        None => short(&one.person),
    };
    if one.ai.is_some() { format!("{name} {BADGE}") } else { name }
}

/// What a conversation is called; safe to be shown.
pub(super) fn title(topic: &Topic, contacts: &[Contact]) -> String {
    let others = topic.participants.iter().filter(|one| !one.me).map(|one| participant(one, contacts));
    let others = others.collect::<Vec<_>>().join(", ");
    match &topic.name {
        Some(name) if !topic.one_to_one => format!("{} ({others})", text::name(name)),
        _ => others,
    }
}

/// Somebody of whom only the person id is known.
pub(super) fn short(person: &str) -> String {
    format!("somebody ({}…)", text::line(&person.chars().take(8).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(email: &str, name: &str) -> Contact {
        Contact {
            person: format!("{:0<64}", email.bytes().map(|byte| format!("{byte:02x}")).collect::<String>()),
            email: email.to_owned(),
            name: Some(name.to_owned()),
            devices: 1,
            connected: false,
            trusted: true,
            ai: None,
        }
    }

    fn me() -> Me {
        Me { person: "ab".repeat(32), instance: "cd".repeat(32), email: "me@x.test".to_owned(), name: "Me".to_owned() }
    }

    fn ai(slug: &str, name: &str, owner: &str) -> Contact {
        let ai = Ai { slug: slug.to_owned(), owner: owner.to_owned(), own: owner == me().person, confirmed: true };
        Contact { ai: Some(ai), ..contact(&format!("{slug}-01234567@{owner}.ai.invalid"), name) }
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

    #[test]
    fn an_ai_is_said_to_be_one_and_whose_whatever_it_calls_itself() {
        let anna = contact("anna@x.test", "Anna");
        let contacts = [ai("smol", "Smol", &me().person), ai("smol", "Bert", &anna.person), anna];
        let lines: Vec<String> = contacts.iter().map(|one| describe(one, &contacts, &me())).collect();
        assert_eq!(lines, ["Smol [AI of you]", "Bert [AI of Anna]", "Anna <anna@x.test>"]);
        // Whoever gives themselves such an address is not taken for somebody's AI.
        let mut claim = contacts[1].clone();
        claim.ai.iter_mut().for_each(|ai| ai.confirmed = false);
        assert_eq!(describe(&claim, &contacts, &me()), "Bert [AI of Anna, who has not said so]");
        // One that is there is meant before one of the same name that is removed.
        let mut again = contacts.clone();
        again[1] = Contact { connected: true, person: "ef".repeat(32), ..again[0].clone() };
        assert_eq!(find(&again, "smol").unwrap().person, again[1].person);
        // Our own one is meant by its short name.
        assert_eq!(find(&contacts, "smol").unwrap().name.unwrap(), "Smol");
    }

    #[test]
    fn conversations_have_names_and_people() {
        let contacts = [contact("bert@x.test", "Bert"), ai("smol", "Smol", &me().person)];
        let person = |contact: &Contact| Participant {
            person: contact.person.clone(),
            name: None,
            email: None,
            me: false,
            ai: contact.ai.clone(),
            head: None,
        };
        let rules = ratatosk_node::api::types::Rules { mode: ratatosk_node::api::types::Mode::Mention, hops: 4 };
        let topic = |id: &str, name: Option<&str>, people: Vec<Participant>| Topic {
            id: id.repeat(32),
            name: name.map(str::to_owned),
            one_to_one: name.is_none(),
            participants: people,
            rules,
            priority: 5,
            last: None,
            head: "ee".repeat(32),
        };
        let topics = [
            topic("aa", Some("us"), contacts.iter().map(person).collect()),
            topic("bb", None, vec![person(&contacts[0])]),
            topic("cc", Some("twice"), vec![]),
            topic("dd", Some("Twice"), vec![]),
        ];
        assert_eq!(title(&topics[0], &contacts), "us (Bert, Smol [AI])");
        assert_eq!(title(&topics[1], &contacts), "Bert");
        for (wanted, id) in [("US", "aa"), ("u", "aa"), ("bert", "bb"), ("b", "bb"), ("dddddddd", "dd")] {
            assert_eq!(find_topic(&topics, &contacts, wanted).unwrap().id, id.repeat(32), "{wanted}");
        }
        for (wanted, problem) in [
            ("twice", "several"),
            ("tw", "several"),
            ("smol", "no conversation with"),
            ("carl", "no contact"),
            ("", "no contact"),
        ] {
            let found = find_topic(&topics, &contacts, wanted);
            assert!(found.unwrap_err().to_string().contains(problem), "{wanted}");
        }
    }
}

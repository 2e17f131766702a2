use proptest::prelude::*;
use ratatosk_protocol::entropy::Entropy;

use super::*;

const KEY: &str = "0153c80dec602f6f787cee5f4455e130dd5df88492c817e70e5cb74083b18145";

/// What the reference's `JSON.stringify` and `encodeURIComponent` make of an invitation.
const JSON: &str = r#"{"token":"JktQ9PXC-_","publicKey":"0153c80dec602f6f787cee5f4455e130dd5df88492c817e70e5cb74083b18145","url":"wss://comm.example:8000/a?b=c&d"}"#;
const URL: &str = "https://edda.one/invites/invitePartner/#%7B%22token%22%3A%22JktQ9PXC-_%22%2C%22publicKey%22%3A%220153c80dec602f6f787cee5f4455e130dd5df88492c817e70e5cb74083b18145%22%2C%22url%22%3A%22wss%3A%2F%2Fcomm.example%3A8000%2Fa%3Fb%3Dc%26d%22%7D";

fn invitation() -> Invitation {
    Invitation {
        token: Token::of_invitation("JktQ9PXC-_".to_owned()).unwrap(),
        public_key: PublicKey::from_hex(KEY).unwrap(),
        url: "wss://comm.example:8000/a?b=c&d".to_owned(),
    }
}

#[test]
fn an_invitation_is_written_as_the_reference_writes_it() {
    assert_eq!(invitation().to_json(), JSON);
    assert_eq!(invitation().to_url(), URL);
}

#[test]
fn whatever_form_is_pasted_it_is_the_same_invitation() {
    let fragment = URL.split_once('#').unwrap().1;
    for text in [
        JSON.to_owned(),
        format!("\n\t {JSON} \r\n"),
        JSON.replace(",", ", ").replace(KEY, &KEY.to_uppercase()),
        URL.to_owned(),
        format!("  {URL}\n"),
        URL.replace("%2C", "%2c").replace("%3A", "%3a"),
        format!("https://lama.example/app/index.html?x=1#data={fragment}"),
        format!("HTTPS://other.example#{fragment}"),
        // A program that showed the link decoded it.
        format!("https://other.example/#{JSON}"),
    ] {
        assert_eq!(Invitation::parse(&text), Ok(invitation()), "{text}");
    }
}

#[test]
fn what_is_wrong_is_told() {
    use InvitationError as E;
    let url = |fragment: &str| format!("https://edda.one/invites/invitePartner/{fragment}");
    let with = |old: &str, new: &str| JSON.replace(old, new);
    let cases = [
        (String::new(), E::Empty),
        (" \n ".to_owned(), E::Empty),
        ("hello".to_owned(), E::NeitherUrlNorJson),
        ("http://edda.one/#%7B%7D".to_owned(), E::NeitherUrlNorJson),
        ("javascript://edda.one/#%7B%7D".to_owned(), E::NeitherUrlNorJson),
        ("Grüße🎉".to_owned(), E::NeitherUrlNorJson),
        (url(""), E::NoFragment),
        (url("#"), E::NoFragment),
        (url("#data="), E::NoFragment),
        (url("#%7B%2"), E::Encoding),
        (url("#%7B%zz"), E::Encoding),
        (url("#%ff%fe"), E::Encoding),
        (URL[..URL.len() - 23].to_owned(), E::NotJson),
        (JSON[..JSON.len() - 1].to_owned(), E::NotJson),
        (url("#[]"), E::NotJson),
        (with("\"token\"", "\"tokens\""), E::Missing("token")),
        (with("\"JktQ9PXC-_\"", "5"), E::Missing("token")),
        (with("publicKey", "key"), E::Missing("publicKey")),
        (with("\"url\"", "\"URL\""), E::Missing("url")),
        (with("{", "{\"x\":1,"), E::UnknownField),
        (with("JktQ9PXC-_", ""), E::Token),
        (with("JktQ9PXC-_", &"x".repeat(1025)), E::Token),
        (with(KEY, "abc"), E::Key(KeyError::OddLength { characters: 3 })),
        (with(KEY, &"0".repeat(64)), E::Key(KeyError::LowOrder)),
        (with("wss:", "https:"), E::Url),
        (with("wss://", ""), E::Url),
        (with("comm.example", &"x".repeat(2100)), E::Url),
        (with("JktQ9PXC-_", &"x".repeat(5000)), E::TooLong),
        (" ".repeat(100) + &"%20".repeat(5000), E::TooLong),
    ];
    for (text, error) in cases {
        assert_eq!(Invitation::parse(&text), Err(error), "{text}");
    }
}

#[test]
fn a_token_prefers_no_character() {
    /// Every byte in turn.
    struct Counter(u8);
    impl Entropy for Counter {
        fn fill(&mut self, buffer: &mut [u8]) {
            for byte in buffer {
                *byte = self.0;
                self.0 = self.0.wrapping_add(1);
            }
        }
    }
    let mut counter = Counter(0);
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..256 / TOKEN_LEN {
        let token = Token::generate(&mut counter);
        assert_eq!(token.expose().len(), TOKEN_LEN);
        token.expose().chars().for_each(|character| *counts.entry(character).or_insert(0) += 1);
    }
    assert_eq!(counts.len(), 64);
    assert!(counts.iter().all(|(c, n)| *n == 4 && (c.is_ascii_alphanumeric() || "_-".contains(*c))), "{counts:?}");
}

#[test]
fn a_token_is_not_printed() {
    assert_eq!(format!("{:?}", invitation().token), "Token(…)");
    assert!(!format!("{:?}", invitation()).contains("JktQ"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(token in ".{1,200}", path in ".{0,200}") {
        let (Some(token), url) = (Token::of_invitation(token), format!("ws://x/{path}")) else { return Ok(()) };
        let written = Invitation { token, public_key: PublicKey::from_hex(KEY).unwrap(), url };
        let parsed = [Invitation::parse(&written.to_json()), Invitation::parse(&written.to_url())];
        for parsed in parsed {
            prop_assert!(parsed == Ok(written.clone()) || parsed == Err(InvitationError::TooLong));
        }
    }

    #[test]
    fn any_text_is_an_invitation_or_an_error(text in prop_oneof![".{0,200}", "https://.{0,100}#.{0,100}", "\\{.{0,100}\\}"]) {
        if let Ok(invitation) = Invitation::parse(&text) {
            prop_assert_eq!(Invitation::parse(&invitation.to_url()), Ok(invitation));
        }
    }
}

//! Sources, errors, and what is made from the table.

use std::path::{Path, PathBuf};

use super::table::SECTIONS;
use super::*;

/// A folder with the files that settings name. It is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("commserver-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn load(flags: &[&str]) -> Result<Loaded, Problems> {
    let line = ["commserver"].iter().chain(flags);
    Loaded::from(&CommandLine::new(command().try_get_matches_from(line).unwrap()))
}

/// What is wrong with a file of that text.
fn wrong(text: &str) -> String {
    let mut draft = Draft::default();
    let read = file::parse("relay.toml", text, &mut draft);
    read.and_then(|()| draft.finish()).expect_err(text).to_string()
}

/// A value of every setting that is not its default; a new setting needs one here.
fn other_value(path: &str, folder: &Folder) -> String {
    match path {
        "listen" => "127.0.0.1:1".to_owned(),
        "origins" => "https://example.org,http://localhost:8080".to_owned(),
        "tls.listen" => "[::1]:2".to_owned(),
        "tls.certificate" => folder.file("certificate \"1\".pem", ""),
        "tls.key" => folder.file("key.pem", ""),
        "tls.acme_domains" => "relay.example.org,example.org".to_owned(),
        "tls.acme_contact" => "mailto:ops@example.org,mailto:more@example.org".to_owned(),
        "tls.acme_cache" => folder.0.join("acme").to_str().unwrap().to_owned(),
        "tls.acme_directory" => "https://acme.example.org/directory".to_owned(),
        "tls.acme_root" => folder.file("root.pem", ""),
        "limits.message_bytes" => "5000".to_owned(),
        "limits.unlimited" | "proxies.trusted" => "192.0.2.0/24,2001:db8::/32".to_owned(),
        "proxies.protocol" => "true".to_owned(),
        "admission.allow_file" => folder.file("allow", "192.0.2.1"),
        "admission.deny_file" => folder.file("deny", "192.0.2.2"),
        "admission.hook_url" => "http://127.0.0.1:3/".to_owned(),
        "log.filter" => "ratatosk_relay=debug".to_owned(),
        "log.format" => "json".to_owned(),
        "ops.listen" => "off".to_owned(),
        _ => {
            let place = table::all().position(|setting| setting.path == path).unwrap();
            let is_number = table::find(path).unwrap().value.kind() == value::Kind::Integer;
            assert!(is_number, "{path} has no value for this test");
            (7001 + place).to_string()
        }
    }
}

#[test]
fn every_flag_reaches_its_place_and_no_other() {
    let folder = Folder::new("flags");
    let defaults = Settings::default();
    for setting in table::all() {
        let given = other_value(setting.path, &folder);
        let mut draft = Draft::default();
        let line = [format!("--{}={given}", setting.flag)];
        let matches = command().try_get_matches_from(["commserver".to_owned()].iter().chain(&line)).unwrap();
        for (setting, text, origin) in CommandLine::new(matches).given() {
            draft.set(setting, &split(setting, text), origin);
        }
        assert!(draft.problems.is_empty(), "{:?}", draft.problems);
        for other in table::all() {
            let (now, default) = (other.value.get(&draft.settings), other.value.get(&defaults));
            if other.path == setting.path {
                assert_eq!((now.join(","), draft.origins.get(other.path)), (given.clone(), Some(&Origin::Flag)));
                assert_ne!(now, default, "{}", setting.path);
            } else {
                assert_eq!(now, default, "{} changes {}", setting.path, other.path);
            }
        }
    }
}

#[test]
fn what_is_printed_can_be_read_again() {
    let folder = Folder::new("print");
    let others = |but: &[&str]| -> Vec<String> {
        let all = table::all().filter(|setting| !but.iter().any(|path| setting.path.starts_with(path)));
        all.map(|setting| format!("--{}={}", setting.flag, other_value(setting.path, &folder))).collect()
    };
    // A certificate comes from files or by ACME.
    let files = others(&["tls.acme_"]);
    let acme = if cfg!(feature = "acme") { others(&["tls.certificate", "tls.key"]) } else { Vec::new() };
    for (flags, origin) in [(&[][..], "# default"), (&files[..], "# flag --"), (&acme[..], "# flag --")] {
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let given = if origin == "# default" { table::all().count() } else { flags.len() };
        let loaded = load(&flags).unwrap();
        let printed = loaded.to_toml();
        let file = folder.file("printed.toml", &printed);
        let again = load(&["--config", &file]).unwrap();
        assert_eq!(again.config(), loaded.config());
        let [before, after] = [&loaded, &again].map(|loaded| {
            table::all().map(|setting| (setting.path, setting.value.get(&loaded.settings))).collect::<Vec<_>>()
        });
        assert_eq!(before, after);
        assert_eq!(printed.matches(origin).count(), given, "{printed}");
        // Where a line of it comes from is where it stands.
        let place = printed.lines().position(|line| line.starts_with("stall_ms")).unwrap() + 1;
        assert!(again.to_toml().contains(&format!("# {}:{place}\n", file.escape_debug())), "{}", again.to_toml());
    }
    assert_eq!(load(&[]).unwrap().config(), Config::default());
}

const NO_ACME: &str =
    "tls.acme_domains (relay.toml:3): this program was built without ACME: build it with the cargo feature \"acme\"";

#[test]
fn mistakes_in_a_file_have_their_line() {
    for (text, expected) in [
        (
            "\n[limits]\nspares_per_kye = 3",
            "relay.toml:3: there is no setting limits.spares_per_kye; did you mean limits.spares_per_key?",
        ),
        ("[limts]\nspares = 3", "relay.toml:1: there is no section limts"),
        ("\nspares = 3", "relay.toml:2: there is no setting spares; did you mean limits.spares?"),
        ("[limits]\nspares = \"3\"", "limits.spares (relay.toml:2): is of the type string; it should be a number"),
        ("limits = 3", "relay.toml:1: there is no setting limits"),
        ("[limits]\nspares = -1", "limits.spares (relay.toml:2): \"-1\" is not a whole number between 0 and "),
        ("[limits]\nspares = 99999999999999999999", "limits.spares (relay.toml:2): "),
        ("[limits]\nspares = 0", "limits.spares (relay.toml:2): every limit must be at least 1"),
        ("[rates]\nrequests_per_key_burst = 0", "rates.requests_per_key_burst (relay.toml:2): every burst must be"),
        ("[timeouts]\n\nclose_ms = 0", "timeouts.close_ms (relay.toml:3): the close timeout must be at least 1 ms"),
        ("listen = 8000", "listen (relay.toml:1): is of the type integer; it should be text in quotation marks"),
        ("listen = \"8000\"", "it should look like 127.0.0.1:8000"),
        ("listen = \"off\"", "listen (relay.toml:1), tls.listen (default): there must be an address"),
        ("origins = \"*\"", "origins (relay.toml:1): is of the type string; it should be a list"),
        ("origins = [\"*\"]", "origins (relay.toml:1): origin number 1"),
        (
            "[proxies]\nprotocol = \"yes\"",
            "proxies.protocol (relay.toml:2): is of the type string; it should be true or false",
        ),
        (
            "[proxies]\nprotocol = true",
            "proxies.protocol (relay.toml:2), proxies.trusted (default): the PROXY protocol",
        ),
        ("[proxies]\ntrusted = [\"here\"]", "proxies.trusted (relay.toml:2): \"here\" is no network"),
        ("[admission]\nhook_url = \"ftp://x\"", "admission.hook_url (relay.toml:2): the URL of the admission hook"),
        ("[admission]\ndeny_file = \"/no/such\"", "admission.deny_file (relay.toml:2): cannot read \"/no/such\""),
        ("[log]\nfilter = \"a=b=c\"", "log.filter (relay.toml:2): \"a=b=c\" is not a log filter"),
        ("[log]\nformat = \"xml\"", "log.format (relay.toml:2): \"xml\" is neither \"text\" nor \"json\""),
        ("[tls]\nlisten = \"[::1]:1\"", "tls.key is not set, but tls.listen (relay.toml:2) is"),
        (
            "[tls]\nlisten = \"[::1]:1\"\nkey = \"k\"\nacme_domains = [\"a.b\"]",
            "tls.key (relay.toml:3) and tls.acme_domains (relay.toml:4) are both set: a certificate comes from files or by ACME",
        ),
        ("[tls]\nacme_domains = [\"a.b\"]", "tls.acme_domains (relay.toml:2) does nothing: tls.listen is \"off\""),
        (
            "[tls]\nlisten = \"[::1]:1\"\nacme_contact = [\"mailto:a@b\"]",
            "tls.acme_contact (relay.toml:3) does nothing without tls.acme_domains",
        ),
        (
            "[tls]\nlisten = \"[::1]:1\"\nacme_domains = [\"a.b\"]",
            if cfg!(feature = "acme") { "tls.acme_cache (default): ACME needs a folder" } else { NO_ACME },
        ),
        ("[tls]\ncertificate = \"/no/such\"", "tls.certificate (relay.toml:2) does nothing: tls.listen is \"off\""),
        ("\n[tls]\nlisten = \"[::1]:1\"\ncertificate = \"/no/such\"", "tls.certificate (relay.toml:4): cannot read"),
        ("a = 1\na = 2", "relay.toml:2: this is not TOML: "),
        ("\n\nlisten", "relay.toml:3: this is not TOML: "),
    ] {
        let error = wrong(text);
        assert!(error.contains(expected), "{text:?}\n{error}\n{expected}");
    }
    let both = wrong("colour = 1\n\"\\u001b\" = 2");
    assert!(both.contains("relay.toml:1: ") && both.contains("relay.toml:2: ") && !both.contains('\u{1b}'), "{both}");
}

#[test]
fn mistakes_elsewhere_name_their_flag_or_list() {
    let folder = Folder::new("mistakes");
    let list = folder.file("list", "192.0.2.1\nnobody");
    for (flags, expected) in [
        (["--max-spares", "many"], "limits.spares (flag --max-spares): \"many\" is not a whole number".to_owned()),
        (["--allow-file", &list], format!("admission.allow_file (flag --allow-file): {list:?}, line 2: \"nobody\"")),
        (["--config", "/no/such"], "cannot read the settings in \"/no/such\"".to_owned()),
    ] {
        let error = load(&flags).unwrap_err().to_string();
        assert!(error.contains(&expected), "{error}");
    }
    let empty = folder.file("empty", "# nobody yet\n");
    let error = load(&["--allow-file", &empty]).unwrap_err().to_string();
    assert!(error.starts_with("admission.allow_file (flag --allow-file): the list of whom"), "{error}");
    assert!(load(&["--deny-file", &empty]).is_ok());
    assert!(load(&["--config", "-/no/such"]).is_ok(), "it need not be there");
    assert!(load(&["--config=-/no/such"]).is_ok());
    assert!(load(&["--proxy-protocol", "--trusted-proxies", "192.0.2.1"]).unwrap().config().proxies.protocol);
    let huge = folder.file("huge.toml", &"#".repeat((1 << 20) + 1));
    assert!(load(&["--config", &huge]).unwrap_err().to_string().contains("larger than 1 MiB"));
}

#[test]
fn a_list_that_was_written_again_has_changed() {
    let folder = Folder::new("changes");
    let list = folder.file("list", "192.0.2.1");
    let flags = ["--deny-file", &list];
    let first = load(&flags).unwrap();
    assert!(load(&flags).unwrap().followed(&first).is_empty());
    folder.file("list", "192.0.2.2");
    let second = load(&flags).unwrap();
    assert_eq!(second.followed(&first), ["admission.deny_file"]);
    let third = load(&["--deny-file", &list, "--listen", "127.0.0.1:1", "--log", "warn"]).unwrap();
    assert_eq!((third.followed(&second), third.waiting(&second)), (vec!["log.filter"], vec!["listen"]));
}

/// Files of the repository that are made from the table. `WRITE_SETTINGS=1` writes them again.
fn compare(path: &str, found: &str, expected: &str) {
    if std::env::var_os("WRITE_SETTINGS").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(path), expected).unwrap();
    } else {
        let line = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
        assert!(
            found == expected,
            "{path} is not what the settings are; run this test with WRITE_SETTINGS=1: {line:?}"
        );
    }
}

#[test]
fn the_sample_file_has_every_setting_with_its_default() {
    let defaults = Settings::default();
    let mut sample = "# Settings of commserver. Every line that begins with # is a comment; those that set something show the default.\n\
                      # Environment (COMMSERVER_…) and flags are stronger than this file. After a change: commserver --check-config,\n\
                      # then systemctl reload commserver.\n"
        .to_owned();
    for section in SECTIONS {
        sample.push_str(&format!("\n# {}.\n", section.heading));
        if !section.name.is_empty() {
            sample.push_str(&format!("[{}]\n", section.name));
        }
        for setting in section.settings {
            let restart = if setting.change == Change::Restart { " Needs a restart." } else { "" };
            sample.push_str(&format!("\n# {}{restart}\n", setting.help));
            sample.push_str(&format!("# {} = {}\n", setting.key(), setting.value.toml(&defaults)));
        }
    }
    let path = "ops/commserver.toml";
    let found = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default();
    compare(path, &found, &sample);
    // It can be used as it is, and with everything in it switched on.
    let uncommented: String = sample
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|line| line.contains(" = ")).unwrap_or(line))
        .fold(String::new(), |text, line| text + line + "\n");
    for text in [sample.as_str(), &uncommented] {
        let mut draft = Draft::default();
        file::parse(path, text, &mut draft).unwrap();
        let expected = if text == sample { 0 } else { table::all().count() };
        assert_eq!((draft.problems.as_slice(), draft.origins.len()), (&[][..], expected));
        assert_eq!(draft.finish().unwrap().config(), Config::default());
    }
}

#[test]
fn the_manual_has_a_line_for_every_setting() {
    let defaults = Settings::default();
    let mut lines = "| Setting | Flag | Default | Change | Meaning |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for Setting { path, flag, help, change, value, .. } in table::all() {
        let change = if *change == Change::Restart { "restart" } else { "reload" };
        lines.push_str(&format!("| `{path}` | `--{flag}` | `{}` | {change} | {help} |\n", value.toml(&defaults)));
    }
    let path = "../docs/operations.md";
    let manual = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let start = manual.find("| Setting |").expect("a table of settings");
    let end = start + manual[start..].find("\n\n").expect("its end") + 1;
    compare(path, &manual, &[&manual[..start], &lines, &manual[end..]].concat());
}

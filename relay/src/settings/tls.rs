//! The listener with TLS, out of the settings that are about it.

use std::fs;

use ratatosk_relay::{AcmeConfig, TlsConfig};

use super::Settings;

/// The listener, whose files are there.
pub(super) fn listener(
    settings: &Settings,
    named: &dyn Fn(&str) -> String,
    problems: &mut Vec<String>,
) -> Option<TlsConfig> {
    let files = [("tls.certificate", &settings.tls_certificate), ("tls.key", &settings.tls_key)];
    let by_acme = !settings.acme.domains.is_empty();
    acme(settings, by_acme, named, problems);
    for (path, file) in files {
        match (settings.tls_listen, file.is_empty()) {
            (_, false) if by_acme => problems.push(format!(
                "{} and {} are both set: a certificate comes from files or by ACME",
                named(path),
                named("tls.acme_domains")
            )),
            (Some(_), true) if !by_acme => {
                problems.push(format!("{path} is not set, but {} is; TLS needs it", named("tls.listen")));
            }
            (None, false) => {
                problems
                    .push(format!("{} does nothing: tls.listen is \"off\"; set it or leave {path} out", named(path)));
            }
            (_, true) => {}
            (_, false) => {
                if let Err(error) = fs::File::open(file) {
                    problems.push(format!("{}: cannot read {file:?}: {error}", named(path)));
                }
            }
        }
    }
    let listen = settings.tls_listen?;
    if by_acme {
        let root = (!settings.acme_root.is_empty()).then(|| settings.acme_root.as_str().into());
        let acme = AcmeConfig { cache: settings.acme_cache.as_str().into(), root, ..settings.acme.clone() };
        return Some(TlsConfig::with_acme(listen, acme));
    }
    Some(TlsConfig::new(listen, settings.tls_certificate.as_str().into(), settings.tls_key.as_str().into()))
}

/// What is set for ACME has to have something to do.
fn acme(settings: &Settings, by_acme: bool, named: &dyn Fn(&str) -> String, problems: &mut Vec<String>) {
    let rest = [
        ("tls.acme_contact", !settings.acme.contact.is_empty()),
        ("tls.acme_cache", !settings.acme_cache.is_empty()),
        ("tls.acme_directory", settings.acme.directory != AcmeConfig::LETS_ENCRYPT),
        ("tls.acme_root", !settings.acme_root.is_empty()),
    ];
    for (path, is_set) in rest {
        if is_set && !by_acme {
            problems.push(format!("{} does nothing without tls.acme_domains", named(path)));
        }
    }
    if by_acme && settings.tls_listen.is_none() {
        let named = named("tls.acme_domains");
        problems.push(format!("{named} does nothing: tls.listen is \"off\"; set it or leave tls.acme_domains out"));
    }
    if by_acme
        && !settings.acme_root.is_empty()
        && let Err(error) = fs::File::open(&settings.acme_root)
    {
        problems.push(format!("{}: cannot read {:?}: {error}", named("tls.acme_root"), settings.acme_root));
    }
}

//! Where the program listens, whom it lets in, and what it says about itself.

use super::Change::{Reload, Restart};
use super::Value::{Address, Filter, Format, Millis, Networks, Switch, Text, Texts, Url};
use super::{Section, Setting, field};

pub(in crate::settings) const GENERAL: Section = Section {
    name: "",
    heading: "Clients",
    settings: &[
        Setting {
            path: "listen",
            flag: "listen",
            env: "COMMSERVER_LISTEN",
            help: "Where to listen without TLS. Port 0 takes a free one.",
            change: Restart,
            value: Address(field!(relay.listen)),
        },
        Setting {
            path: "origins",
            flag: "origins",
            env: "COMMSERVER_ORIGINS",
            help: "Web pages that may connect, like https://example.org; none is any. Clients that are no browsers are not asked.",
            change: Reload,
            value: Texts(field!(relay.origins), "ORIGIN,…"),
        },
    ],
};

pub(in crate::settings) const TLS: Section = Section {
    name: "tls",
    heading: "TLS",
    settings: &[
        Setting {
            path: "tls.listen",
            flag: "tls-listen",
            env: "COMMSERVER_TLS_LISTEN",
            help: "Where to listen with TLS. Needs a certificate and its key, or ACME.",
            change: Restart,
            value: Address(field!(tls_listen)),
        },
        Setting {
            path: "tls.certificate",
            flag: "tls-certificate",
            env: "COMMSERVER_TLS_CERTIFICATE",
            help: "The certificate and those between it and the root, in this order (PEM).",
            change: Reload,
            value: Text(field!(tls_certificate), "FILE"),
        },
        Setting {
            path: "tls.key",
            flag: "tls-key",
            env: "COMMSERVER_TLS_KEY",
            help: "The private key of the certificate (PEM).",
            change: Reload,
            value: Text(field!(tls_key), "FILE"),
        },
        Setting {
            path: "tls.acme_domains",
            flag: "acme-domains",
            env: "COMMSERVER_ACME_DOMAINS",
            help: "In place of files: the names that the relay gets and renews a certificate for, by ACME. Needs a build with the feature acme.",
            change: Restart,
            value: Texts(field!(acme.domains), "DOMAIN,…"),
        },
        Setting {
            path: "tls.acme_contact",
            flag: "acme-contact",
            env: "COMMSERVER_ACME_CONTACT",
            help: "Whom the ACME server may tell about trouble, like mailto:ops@example.org.",
            change: Restart,
            value: Texts(field!(acme.contact), "MAILTO,…"),
        },
        Setting {
            path: "tls.acme_cache",
            flag: "acme-cache",
            env: "COMMSERVER_ACME_CACHE",
            help: "A folder where the key of the ACME account and the certificate survive a restart. It is made if need be.",
            change: Restart,
            value: Text(field!(acme_cache), "FOLDER"),
        },
        Setting {
            path: "tls.acme_directory",
            flag: "acme-directory",
            env: "COMMSERVER_ACME_DIRECTORY",
            help: "The directory URL of the ACME server; that of Let's Encrypt unless told otherwise.",
            change: Restart,
            value: Text(field!(acme.directory), "URL"),
        },
        Setting {
            path: "tls.acme_root",
            flag: "acme-root",
            env: "COMMSERVER_ACME_ROOT",
            help: "Who certifies the ACME server itself (PEM); without it, those whom this machine believes.",
            change: Restart,
            value: Text(field!(acme_root), "FILE"),
        },
    ],
};

pub(in crate::settings) const PROXIES: Section = Section {
    name: "proxies",
    heading: "Proxies before the relay",
    settings: &[
        Setting {
            path: "proxies.trusted",
            flag: "trusted-proxies",
            env: "COMMSERVER_TRUSTED_PROXIES",
            help: "Addresses that are believed when they say where a connection comes from: in Forwarded or X-Forwarded-For, or with the PROXY protocol.",
            change: Reload,
            value: Networks(field!(relay.proxies.trusted)),
        },
        Setting {
            path: "proxies.protocol",
            flag: "proxy-protocol",
            env: "COMMSERVER_PROXY_PROTOCOL",
            help: "Each connection of a trusted proxy begins with a header of the PROXY protocol, version 2.",
            change: Reload,
            value: Switch(field!(relay.proxies.protocol)),
        },
    ],
};

pub(in crate::settings) const ADMISSION: Section = Section {
    name: "admission",
    heading: "Who is let in",
    settings: &[
        Setting {
            path: "admission.allow_file",
            flag: "allow-file",
            env: "COMMSERVER_ALLOW_FILE",
            help: "Keys and addresses, one a line. If it names keys, only they may register; if it names addresses, only from there may anybody connect.",
            change: Reload,
            value: Text(field!(allow_file), "FILE"),
        },
        Setting {
            path: "admission.deny_file",
            flag: "deny-file",
            env: "COMMSERVER_DENY_FILE",
            help: "Keys and addresses, one a line, that are refused, whatever else says yes.",
            change: Reload,
            value: Text(field!(deny_file), "FILE"),
        },
        Setting {
            path: "admission.hook_url",
            flag: "hook-url",
            env: "COMMSERVER_HOOK_URL",
            help: "An HTTP service that is asked about each registration and each request. No answer is a no.",
            change: Reload,
            value: Url(field!(hook_url)),
        },
        Setting {
            path: "admission.hook_timeout_ms",
            flag: "hook-timeout-ms",
            env: "COMMSERVER_HOOK_TIMEOUT_MS",
            help: "Milliseconds that the service may take to answer.",
            change: Reload,
            value: Millis(field!(hook_timeout)),
        },
        Setting {
            path: "admission.hook_cache_ms",
            flag: "hook-cache-ms",
            env: "COMMSERVER_HOOK_CACHE_MS",
            help: "Milliseconds that an answer of the service holds.",
            change: Reload,
            value: Millis(field!(hook_cache)),
        },
    ],
};

pub(in crate::settings) const LOG: Section = Section {
    name: "log",
    heading: "The log",
    settings: &[
        Setting {
            path: "log.filter",
            flag: "log",
            env: "COMMSERVER_LOG",
            help: "What to log to standard error: error, warn, info, debug, trace, off, or a filter like \"ratatosk_relay=debug\".",
            change: Reload,
            value: Filter(field!(log_filter)),
        },
        Setting {
            path: "log.format",
            flag: "log-format",
            env: "COMMSERVER_LOG_FORMAT",
            help: "How a line of the log looks: text for people, json for machines.",
            change: Restart,
            value: Format(field!(log_format)),
        },
    ],
};

pub(in crate::settings) const OPS: Section = Section {
    name: "ops",
    heading: "Operators",
    settings: &[Setting {
        path: "ops.listen",
        flag: "ops-listen",
        env: "COMMSERVER_OPS_LISTEN",
        help: "Where operators find health, metrics and the status page. Whoever reaches it can read it.",
        change: Restart,
        value: Address(field!(ops_listen)),
    }],
};

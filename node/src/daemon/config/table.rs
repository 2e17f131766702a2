//! Which settings there are.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ratatosk_protocol::driver::check_url;
use toml::de::DeValue;

use super::Config;

/// Where a relay inside the process listens if it is only said that there is to be one: reachable for a household.
const EMBEDDED: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8000);

/// A section of the file.
pub(super) struct Section {
    /// Its name.
    pub(super) name: &'static str,
    /// What it is about.
    about: &'static str,
    /// What is in it.
    pub(super) settings: &'static [Setting],
}

/// A setting.
pub(super) struct Setting {
    /// Its name in its section.
    pub(super) key: &'static str,
    /// What it means, for the sample.
    about: &'static str,
    /// Its value, as it is written in the file; `None` where there is none.
    get: fn(&Config) -> Option<String>,
    /// What the sample shows where there is none.
    example: &'static str,
    /// Takes a value over, or says what it should be.
    pub(super) set: fn(&mut Config, &DeValue<'_>) -> Result<(), &'static str>,
}

/// All sections.
pub(super) const SECTIONS: &[Section] = &[
    Section {
        name: "relay",
        about: "The CommServer, over which others reach this node.",
        settings: &[
            Setting {
                key: "url",
                about: "Its address, as your invitations name it: others must be able to reach it. Without it the node uses the one that it\n\
                        used before.",
                get: |config| config.relay.url.as_ref().map(|url| quoted(url)),
                example: "\"wss://relay.example.org\"",
                set: |config, value| {
                    let url = value.as_str().ok_or(URL)?;
                    check_url(url).map_err(|_| URL)?;
                    config.relay.url = Some(url.to_owned());
                    Ok(())
                },
            },
            Setting {
                key: "embedded",
                about: "Where a CommServer inside this process listens, for a household that has none: \"ADDRESS:PORT\", or true for 0.0.0.0:8000.\n\
                        Then `url` says how others reach it, like \"ws://192.168.1.10:8000\"; without `url` it is this machine's address.",
                get: |config| config.relay.embedded.map(|address| quoted(&address.to_string())),
                example: "\"0.0.0.0:8000\"",
                set: |config, value| {
                    config.relay.embedded = match value {
                        DeValue::Boolean(wanted) => wanted.then_some(EMBEDDED),
                        DeValue::String(text) => Some(text.parse().map_err(|_| LISTEN)?),
                        _ => return Err(LISTEN),
                    };
                    Ok(())
                },
            },
        ],
    },
    Section {
        name: "api",
        about: "The HTTP API that the commands speak with. It listens on 127.0.0.1, and nowhere else.",
        settings: &[
            Setting {
                key: "port",
                about: "Its port; 0 takes a free one. The commands find it either way.",
                get: |config| Some(config.api.port.to_string()),
                example: "",
                set: |config, value| put(&mut config.api.port, value, 0..=65535, "a port: 0 to 65535"),
            },
            Setting {
                key: "connections",
                about: "Connections at a time.",
                get: |config| Some(config.api.connections.to_string()),
                example: "",
                set: |config, value| put(&mut config.api.connections, value, 1..=4096, "a number from 1 to 4096"),
            },
        ],
    },
    Section {
        name: "agents",
        about: "The AIs of this node.",
        settings: &[
            Setting {
                key: "context",
                about: "Tokens of a conversation that an AI sees at once, unless it was created with a number of its own. More needs more memory.",
                get: |config| Some(config.agents.context.to_string()),
                example: "",
                set: |config, value| {
                    put(&mut config.agents.context, value, 256..=1_048_576, "a number from 256 to 1048576")
                },
            },
            Setting {
                key: "threads",
                about: "Threads that write an answer. More than one is slower as soon as one processor is busy with something else.",
                get: |config| Some(config.agents.threads.to_string()),
                example: "",
                set: |config, value| put(&mut config.agents.threads, value, 1..=1024, "a number from 1 to 1024"),
            },
            Setting {
                key: "prompt_threads",
                about: "Threads that read what was said before; 0 is one for each processor.",
                get: |config| Some(config.agents.prompt_threads.to_string()),
                example: "",
                set: |config, value| put(&mut config.agents.prompt_threads, value, 0..=1024, "a number from 0 to 1024"),
            },
            Setting {
                key: "gpu_layers",
                about: "Layers of a model that a GPU takes, in builds for one (cuda, vulkan, metal); 999 is all.",
                get: |config| Some(config.agents.gpu_layers.to_string()),
                example: "",
                set: |config, value| put(&mut config.agents.gpu_layers, value, 0..=999, "a number from 0 to 999"),
            },
            Setting {
                key: "idle_unload_minutes",
                about: "After how many minutes without a question a model leaves the memory.",
                get: |config| Some((config.agents.idle_unload.as_secs() / 60).to_string()),
                example: "",
                set: |config, value| {
                    let mut minutes = 0_u64;
                    put(&mut minutes, value, 1..=525_600, "a number of minutes, 1 to 525600")?;
                    config.agents.idle_unload = Duration::from_secs(minutes * 60);
                    Ok(())
                },
            },
            Setting {
                key: "queue",
                about: "Answers that wait for one model at most; who asks then is told to come back later.",
                get: |config| Some(config.agents.queue.to_string()),
                example: "",
                set: |config, value| put(&mut config.agents.queue, value, 1..=1024, "a number from 1 to 1024"),
            },
            Setting {
                key: "answers_per_minute",
                about: "Answers that one person can get of one AI in a minute, the AIs that they run included.",
                get: |config| Some(config.agents.answers_per_minute.to_string()),
                example: "",
                set: |config, value| {
                    put(&mut config.agents.answers_per_minute, value, 1..=6000, "a number from 1 to 6000")
                },
            },
        ],
    },
    Section {
        name: "log",
        about: "What is written to standard error.",
        settings: &[Setting {
            key: "filter",
            about: "error, warn, info, debug or trace; also for parts, as in \"warn,ratatosk_node=debug\". RATATOSK_LOG is stronger.",
            get: |config| Some(quoted(&config.log.filter)),
            example: "",
            set: |config, value| {
                value.as_str().ok_or("text in quotation marks")?.clone_into(&mut config.log.filter);
                Ok(())
            },
        }],
    },
];

const URL: &str = "an address like \"ws://host:8000\" or \"wss://host\"";
const LISTEN: &str = "true, false, or an address with a port like \"0.0.0.0:8000\"";

fn put<T: TryFrom<i64>>(
    place: &mut T,
    value: &DeValue<'_>,
    range: std::ops::RangeInclusive<i64>,
    wanted: &'static str,
) -> Result<(), &'static str> {
    let DeValue::Integer(number) = value else { return Err(wanted) };
    let number = i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| wanted)?;
    if !range.contains(&number) {
        return Err(wanted);
    }
    *place = T::try_from(number).map_err(|_| wanted)?;
    Ok(())
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A file with these settings and what they mean; what has no value is there as a comment.
#[must_use]
pub fn sample(config: &Config) -> String {
    let mut text =
        String::from("# Settings of a node: config.toml in its folder. What is not said here is as below.\n");
    for Section { name, about, settings } in SECTIONS {
        // Writing to a string does not fail.
        let _ = write!(text, "\n# {about}\n[{name}]\n");
        for Setting { key, about, get, example, .. } in *settings {
            for line in about.lines() {
                let _ = writeln!(text, "# {}", line.trim_start());
            }
            let _ = match get(config) {
                Some(value) => writeln!(text, "{key} = {value}"),
                None => writeln!(text, "#{key} = {example}"),
            };
        }
    }
    text
}

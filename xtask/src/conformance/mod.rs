//! `cargo xtask conformance`: who works with whom, measured, with the tables of it.

mod cell;
mod options;
mod plan;
mod present;
mod readme;
mod results;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use self::cell::Place;
use self::options::{Action, HELP, Options};
use self::plan::Cell;
use self::present::Missing;
use self::results::Counts;
use self::tables::Tables;
use crate::{cargo, test, workspace};

const BUILD: &str = "cargo build --locked -p ratatosk-relay -p ratatosk-node -p ratatosk-conformance";
const PROGRAMS: [&str; 3] = ["commserver", "ratatosk", "conformance"];

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let done = Options::parse(arguments).and_then(|options| {
        let root = workspace::root()?;
        match options.action {
            Action::Help => {
                print!("{HELP}");
                Ok(true)
            }
            Action::Measure => measure(&root, &options),
            Action::Write | Action::Check => publish(&root, &options),
        }
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("xtask conformance: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Runs everything that is there; whether it came as it is known.
fn measure(root: &Path, options: &Options) -> Result<bool, String> {
    let place = prepare(root, options)?;
    let missing = Missing::look(&place.program("conformance"), &place.adapters)?;
    let (cells, start) = (Cell::all(), Instant::now());
    let mut troubles = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        println!("── {}/{} {}", index + 1, cells.len(), cell.title());
        results::write_not_run(&place.out, *cell)?;
        if let Some(why) = missing.stands_against(*cell) {
            println!("   skipped: {why}");
            continue;
        }
        let begin = Instant::now();
        match place.measure(*cell) {
            Ok(as_known) => {
                let counts = Counts::of(&results::read(&place.out, *cell)?);
                println!("   {counts}, {:.0} s", begin.elapsed().as_secs_f64());
                if !as_known {
                    troubles.push(format!("{}: not everything came as it is known", cell.title()));
                }
            }
            Err(problem) => {
                println!("   {problem}");
                results::write_not_run(&place.out, *cell)?;
                troubles.push(format!("{}: {problem}", cell.title()));
            }
        }
    }
    let tables = tables(&place.out)?;
    println!("\n{}", tables.short());
    write(&place.out.join("matrix.md"), &format!("{}\n{}", tables.short(), tables.long()))?;
    page(&place)?;
    println!("{} s; reports, matrix.html and matrix.md are in {}", start.elapsed().as_secs(), place.out.display());
    for trouble in &troubles {
        println!("! {trouble}");
    }
    Ok(troubles.is_empty())
}

/// Builds, and makes room.
fn prepare(root: &Path, options: &Options) -> Result<Place, String> {
    // The plugins are compiled for it.
    test::wasm_target(root)?;
    test::llama_tools()?;
    println!("── {BUILD}");
    let target = root.join("target");
    let status = cargo::call(root, BUILD).env("CARGO_TARGET_DIR", &target).status();
    if !status.map_err(|error| format!("cargo cannot be started: {error}"))?.success() {
        return Err("the build failed".to_owned());
    }
    let out = folder(root, options);
    let programs = out.join("programs");
    for folder in [&programs, &out.join("logs")] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    cell::set_aside(&target.join("debug"), &programs, &PROGRAMS)?;
    let adapters = root.join("conformance/peers");
    Ok(Place { programs, adapters, out, quick: options.quick, patience: options.patience })
}

/// Where reports lie.
fn folder(root: &Path, options: &Options) -> PathBuf {
    let default = if options.quick { "target/conformance/quick" } else { "target/conformance" };
    // The programs are started from it with a path that has to hold elsewhere.
    root.join(options.out.as_deref().unwrap_or(Path::new(default)))
}

fn tables(folder: &Path) -> Result<Tables, String> {
    let read = |cell| Ok((cell, results::read(folder, cell)?));
    Cell::all().into_iter().map(read).collect::<Result<_, String>>().map(Tables)
}

/// The HTML page.
fn page(place: &Place) -> Result<(), String> {
    let mut command = Command::new(place.program("conformance"));
    command.arg("matrix").arg("--out").arg(place.out.join("matrix.html"));
    command.args(Cell::all().into_iter().map(|cell| results::path(&place.out, cell)));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("conformance matrix: {status}")),
        Err(error) => Err(format!("conformance matrix cannot be started: {error}")),
    }
}

/// Puts the tables of the last run into the documents, or compares; whether they have them.
fn publish(root: &Path, options: &Options) -> Result<bool, String> {
    let folder = folder(root, options);
    let tables = tables(&folder).map_err(|error| format!("{error}; cargo xtask conformance measures it"))?;
    let mut same = true;
    for (document, table) in [("README.md", tables.short()), ("conformance/README.md", tables.long())] {
        let path = root.join(document);
        let old = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let new = readme::with(&old, table.trim_end()).ok_or_else(|| format!("{document} has no marks for it"))?;
        match options.action {
            _ if new == old => println!("{document} has the tables of the last run"),
            Action::Write => {
                write(&path, &new)?;
                println!("{document} has got the tables of the last run");
            }
            _ => {
                println!("{document} has other tables than those of the last run: cargo xtask conformance --write");
                same = false;
            }
        }
    }
    Ok(same)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

//! `cargo xtask fuzz`: every fuzz target of the repository, one after the other, with its seeds.
//!
//! The bodies of the targets run in `cargo test` as well, over the seeds and a few thousand changed ones: this is for longer.

mod options;
mod progress;
mod targets;
mod tool;

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use self::options::Options;
use self::progress::{Progress, grouped};
use self::targets::Target;
use self::tool::Tool;
use crate::{cargo, workspace};

/// How often it is said how a run goes.
const PULSE: Duration = Duration::from_secs(10);

/// Most memory of a target, in MiB.
const MEMORY: u32 = 2048;

/// Seconds after which an input counts as one that fails. All take milliseconds, but the machine may be busy.
const SLOW: u32 = 60;

/// What a run needs to know.
struct Place<'a> {
    root: &'a Path,
    /// Everything that is written lies here: builds, inputs that were found, inputs that fail, logs.
    folder: &'a Path,
    tool: Tool,
    seconds: u32,
}

/// How a target did.
struct Line {
    target: &'static str,
    took: Duration,
    progress: Progress,
    /// Files with inputs that fail, of this run.
    findings: Vec<String>,
    /// The run ended as it should.
    ended_well: bool,
}

/// Runs the targets that `arguments` choose. Fails if one of them finds something, or cannot run.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match attempt(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("xtask fuzz: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn attempt(arguments: &[String]) -> Result<bool, String> {
    let options = Options::parse(arguments)?;
    if options.help {
        print!("{}", options::help());
        return Ok(true);
    }
    let root = workspace::root()?;
    let targets: Vec<_> = targets::all().filter(|target| options.chooses(target)).collect();
    if options.list {
        for target in targets {
            println!("{:<14} {:<12} {}", target.name, target.fuzz_crate.of, target.about);
        }
        return Ok(true);
    }
    let folder = cargo::target(&root).join("fuzz");
    let place = Place { root: &root, folder: &folder, tool: Tool::find(&root)?, seconds: options.seconds };
    println!("{}; everything goes to {}\n", place.tool, folder.display());
    let mut lines = Vec::new();
    for target in targets {
        println!("── {}: {}", target.name, target.about);
        lines.push(fuzz(&place, target).map_err(|error| format!("{}: {error}", target.name))?);
    }
    let table = table(&lines);
    print!("\n{table}");
    let report = folder.join("report.txt");
    fs::write(&report, table).map_err(|error| format!("{}: {error}", report.display()))?;
    Ok(lines.iter().all(|line| line.ended_well && line.findings.is_empty()))
}

fn fuzz(place: &Place<'_>, target: &Target) -> io::Result<Line> {
    let corpus = place.folder.join("corpus").join(target.name);
    let artifacts = place.folder.join("artifacts").join(target.name);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    let before = files(&artifacts)?;

    let fuzz_crate = place.root.join(target.fuzz_crate.folder);
    let mut command = place.tool.command(place.root);
    command.args(["run", "--fuzz-dir"]).arg(&fuzz_crate).args(place.tool.options());
    command.arg("--target-dir").arg(place.folder.join("build")).arg(target.name);
    command.arg(&corpus).arg(fuzz_crate.join("seeds").join(target.name)).arg("--");
    command.arg(format!("-max_total_time={}", place.seconds)).arg(format!("-max_len={}", target.fuzz_crate.max_len));
    command.arg(format!("-rss_limit_mb={MEMORY}")).arg("-print_final_stats=1");
    command.arg(format!("-timeout={SLOW}")).arg(format!("-report_slow_units={SLOW}"));
    // The last one counts; cargo-fuzz has named a folder in the sources.
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));

    let mut log = File::create(place.folder.join(format!("{}.log", target.name)))?;
    let mut progress = Progress::default();
    let mut began = Instant::now();
    let mut said = began;
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n') {
            let line = line?;
            log.write_all(&line)?;
            log.write_all(b"\n")?;
            let line = String::from_utf8_lossy(&line);
            if progress.executions == 0 {
                // Building is not running.
                began = Instant::now();
                if line.starts_with("error") {
                    println!("   {line}");
                }
            }
            progress.read(&line);
            if said.elapsed() >= PULSE && progress.executions > 0 {
                println!("   {progress}");
                said = Instant::now();
            }
        }
    }
    let ended_well = child.wait()?.success();
    let findings: Vec<_> = files(&artifacts)?.into_iter().filter(|file| !before.contains(file)).collect();
    if !ended_well {
        println!("   FAILED, see {}", place.folder.join(format!("{}.log", target.name)).display());
    }
    for finding in &findings {
        println!("   found {}", artifacts.join(finding).display());
    }
    println!("   {progress}");
    Ok(Line { target: target.name, took: began.elapsed(), progress, findings, ended_well })
}

fn files(folder: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn table(lines: &[Line]) -> String {
    let mut text = format!(
        "{:<14} {:>8} {:>14} {:>12} {:>9} {:>9}  result\n",
        "target", "seconds", "executions", "per second", "coverage", "findings"
    );
    for line in lines {
        let Progress { executions, coverage } = line.progress;
        let seconds = line.took.as_secs();
        let result = match (line.findings.is_empty(), line.ended_well) {
            (true, true) => "nothing found",
            (true, false) => "FAILED to run",
            (false, _) => "FOUND SOMETHING",
        };
        text.push_str(&format!(
            "{:<14} {seconds:>8} {:>14} {:>12} {coverage:>9} {:>9}  {result}\n",
            line.target,
            grouped(executions),
            grouped(executions / seconds.max(1)),
            line.findings.len(),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_says_how_it_went() {
        let line = |findings: &[&str], ended_well| Line {
            target: "padding",
            took: Duration::from_millis(60_400),
            progress: Progress { executions: 1_200_000, coverage: 117 },
            findings: findings.iter().map(ToString::to_string).collect(),
            ended_well,
        };
        let table = table(&[line(&[], true), line(&["crash-1"], false), line(&[], false)]);
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[1].starts_with("padding") && lines[1].ends_with("nothing found"), "{table}");
        assert!(lines[1].contains("1,200,000") && lines[1].contains(" 20,000 "), "{table}");
        assert!(lines[2].ends_with("1  FOUND SOMETHING") && lines[3].ends_with("FAILED to run"), "{table}");
    }
}

//! `conformance matrix`: joins the reports of runs into a page to publish and a table for a README.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ratatosk_conformance::report::{MAX_FILE, Matrix, Report, escape};

use super::output::create;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("form").args(["out", "text"]).required(true).multiple(true))]
pub(crate) struct Args {
    /// Write the matrix as one HTML page to a file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the counts as Markdown tables.
    #[arg(long)]
    text: bool,
    /// Reports that `--report` wrote. One without a date gets the day on which the file was written.
    #[arg(value_name = "REPORT", required = true)]
    reports: Vec<PathBuf>,
}

/// Joins the reports.
///
/// # Errors
///
/// The first file that cannot be read, or is no report; then nothing is written.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    let read = |path: &PathBuf| read(path).map_err(|error| format!("{}: {error}", path.display()));
    let reports = args.reports.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let matrix = Matrix::new(&reports);
    if let Some(path) = &args.out {
        create(path)?.write(&matrix.html())?;
    }
    if args.text {
        print!("{matrix}");
    }
    Ok(true)
}

fn read(path: &Path) -> Result<Report, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let written = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let mut text = String::new();
    // One byte more than a report may have, so that a longer one is noticed.
    let limit = u64::try_from(MAX_FILE).map_or(u64::MAX, |limit| limit + 1);
    file.take(limit).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let mut report = Report::parse(&text).map_err(|error| escape(&error.to_string()))?;
    report.date = report.date.or_else(|| written.and_then(day));
    Ok(report)
}

/// The day of a time, in UTC.
fn day(time: SystemTime) -> Option<String> {
    let days = time.duration_since(UNIX_EPOCH).ok()?.as_secs() / 86_400;
    // The civil calendar, in eras of 400 years that begin in March, so that the day that leaps is the last one.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_of_the_civil_calendar() {
        let at = |seconds| day(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        assert_eq!(at(0), "1970-01-01");
        assert_eq!(at(951_782_400), "2000-02-29");
        assert_eq!(at(1_709_251_199), "2024-02-29");
        assert_eq!(at(1_709_251_200), "2024-03-01");
        assert_eq!(at(4_102_444_799), "2099-12-31");
    }
}

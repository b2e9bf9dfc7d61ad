//! `test`: cadence tests. What fails is printed as expected against actual, day by day.

use super::CliError;
use crate::clock::Stopwatch;
use crate::config::problem::{ConfigError, Problems};
use crate::config::{Setup, cadence_test, cadence_tests, environment};
use crate::rehearsal::{self, Report, Test};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files of tests; without any, those beside the cadences
    files: Vec<PathBuf>,
    /// Only tests whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Also print the story of tests that hold
    #[arg(long)]
    all: bool,
    /// One JSON object a test
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let setup = Setup::load(config, environment())?;
    let tests = read(&setup, &args)?;
    if tests.is_empty() {
        return Err(CliError::Failed("there is no test of that name, or none at all; write one in cadences/tests".to_owned()));
    }
    let watch = Stopwatch::start();
    let reports = rehearsal::run(setup, tests).await.map_err(|e| CliError::Failed(format!("{e:#}")))?;
    let failed = reports.iter().filter(|r| !r.is_good()).count();
    for report in &reports {
        match args.json {
            true => say!("{}", as_json(report)),
            false => tell(report, args.all),
        }
    }
    if !args.json {
        let seconds = watch.elapsed().as_secs_f64();
        say!("tests: {}; hold: {}; fail: {failed} ({seconds:.1} s)", reports.len(), reports.len() - failed);
    }
    if failed == 0 { Ok(()) } else { Err(CliError::Told) }
}

fn read(setup: &Setup, args: &Args) -> Result<Vec<Test>, ConfigError> {
    let problems = Problems::default();
    let files = match args.files.is_empty() {
        true => cadence_tests(&setup.folder, &problems),
        false => args.files.iter().filter_map(|path| cadence_test(path, &problems)).collect(),
    };
    let mut tests: Vec<Test> = files.iter().flat_map(|file| rehearsal::read(file, setup, &problems)).collect();
    tests.retain(|t| args.only.as_ref().is_none_or(|only| t.name.contains(only.as_str())));
    if problems.is_empty() { Ok(tests) } else { Err(ConfigError(problems.into_sorted())) }
}

/// A table of the days: what was expected, what happened, and a cross at what is wrong.
fn tell(report: &Report, all: bool) {
    let good = report.is_good();
    say!("{}  {}", if good { "holds" } else { "FAILS" }, report.name);
    if good && !all {
        return;
    }
    say!("       {}", report.place);
    let width = report.lines.iter().filter_map(|l| l.expected.as_ref()).map(|t| t.chars().count()).max().unwrap_or(0).max(8);
    if !report.lines.is_empty() {
        say!("         {:<15}{:<width$}  happened", "", "expected");
    }
    for line in &report.lines {
        let day = line.on.strftime("%a %Y-%m-%d").to_string();
        let cross = if line.wrong.is_some() { "✗" } else { " " };
        let text = |t: &Option<String>| t.clone().unwrap_or_else(|| "–".to_owned());
        let expected = if line.expected.is_none() && line.wrong.is_none() { String::new() } else { text(&line.expected) };
        let wrong = line.wrong.as_ref().map(|w| format!("   {w}")).unwrap_or_default();
        say!("       {cross} {day:<15}{expected:<width$}  {}{wrong}", text(&line.happened));
    }
    report.trouble.iter().for_each(|t| say!("       ✗ {t}"));
}

fn as_json(report: &Report) -> serde_json::Value {
    let lines: Vec<serde_json::Value> = report
        .lines
        .iter()
        .map(|l| json!({ "on": l.on.to_string(), "expected": l.expected, "happened": l.happened, "wrong": l.wrong }))
        .collect();
    json!({ "name": report.name, "place": report.place, "holds": report.is_good(), "days": lines, "trouble": report.trouble })
}

//! The command line: one file a verb. Reading verbs print a table or, with --json, one object a line.

/// Prints a line; unlike `println!`, does not panic when the reader has gone away (`| head`).
macro_rules! say {
    () => {
        crate::cli::out::put(format_args!(""))
    };
    ($($text:tt)*) => {
        crate::cli::out::put(format_args!($($text)*))
    };
}

/// Prints a line on standard error; unlike `eprintln!`, does not panic when that is closed or full.
macro_rules! complain {
    ($($text:tt)*) => {
        crate::cli::out::told(format_args!($($text)*))
    };
}

mod approve;
mod bank;
mod calls;
mod check;
mod contact;
mod copies;
mod debtor;
mod demo;
mod explain;
mod hold;
mod hook;
mod inbox;
mod init;
mod log;
mod out;
mod person;
mod preview;
mod proposals;
mod reach;
mod release;
mod report;
mod run;
mod schema;
mod source;
mod status;
mod store;
mod takers;
mod tasks;
mod test;
mod uncertain;

use crate::clock::Clock;
use crate::config::problem::ConfigError;
use crate::config::{Setup, environment};
use crate::flow::{Desk, DeskError};
use crate::store::{Store, StoreError};
use clap::{Parser, Subcommand};
use jiff::civil::Date;
use std::path::PathBuf;
use std::process::ExitCode;

/// Watches a firm's invoices and writes to its customers before and after the due date.
#[derive(Debug, Parser)]
#[command(name = "relance", version, about, max_term_width = 100)]
pub struct Cli {
    /// The configuration
    #[arg(long, global = true, default_value = "/etc/relance/relance.toml", value_name = "FILE")]
    config: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Ask what is needed, write a relance.toml, try it, and show the first week; sends nothing
    Init(Box<init::Args>),
    /// Run in the foreground: poll, plan, deliver, review
    Run(run::Args),
    /// Check settings, cadences, letters and gateways
    Check(check::Args),
    /// Show who would get what and when; sends and writes nothing
    Preview(preview::Args),
    /// Explain what happens with an invoice or a debtor, and why
    Explain(explain::Args),
    /// Show what was sent and what came of it
    Log(log::Args),
    /// Show whether relance may send, and where every open amount stands
    Status(status::Args),
    /// Show the morning report: may I send, what must I decide, whom do I call
    Report(report::Args),
    /// Let pass what is held: by the volume brake, old debts of a DEBTOR, a shrunken --ledger, or a changed --iban
    Release(release::Args),
    /// List what waits for a yes, show a draft, or answer
    Approve(approve::Args),
    /// List whom to call today, the most urgent first, with the facts at hand
    Calls(calls::CallsArgs),
    /// Say what came of a call
    Called(calls::CalledArgs),
    /// List what else people have to do
    Tasks(tasks::TasksArgs),
    /// Say that a task was done
    Done(tasks::DoneArgs),
    /// Show what a customer is and who says so, or say it: state, kind, people, pay days
    Debtor(debtor::Args),
    /// Show who can still be reached, and by what evidence
    Reach(reach::Args),
    /// Add, correct or retire an address of a customer's
    Contact(contact::Args),
    /// Hold a debtor or an invoice until a day
    Hold(hold::HoldArgs),
    /// End the hold on a debtor or an invoice
    Resume(hold::ResumeArgs),
    /// List the holds
    Holds(hold::HoldsArgs),
    /// List messages that may or may not have left, or say what is to happen with one
    Uncertain(uncertain::Args),
    /// List what came back and waits to be read, show it, or say that it has been read
    Inbox(inbox::Args),
    /// List what customers answered on the page and waits for your word, show it, accept or refuse it
    Proposals(proposals::Args),
    /// List what the bank's statements show and waits for your word, show it, or say what it pays
    Bank(bank::Args),
    /// Print the URL to which the SMS gateway sends what comes back
    Hook(hook::Args),
    /// Print or erase all that is held about a customer
    Person(person::Args),
    /// Play the tests beside the cadences; sends and writes nothing
    Test(test::Args),
    /// Move the store from its file to PostgreSQL
    Store(store::Args),
    /// Read one page of the ledger and show how each column was read, for setting a source up
    Source(source::Args),
    /// Print the JSON Schema of a kind of file, for editors
    Schema(schema::Args),
    /// Live through sixty days with an embedded ledger: no set-up, no network
    Demo(demo::Args),
}

/// How a verb ends when it does not end well.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something failed.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The words of the call are off.
    #[error("{0}")]
    Usage(String),
    /// Something failed; the text says what and what to do.
    #[error("{0}")]
    Failed(String),
    /// It may work when it is tried again; the text says what stood in the way. For mail servers (sysexits: EX_TEMPFAIL).
    #[error("{0}")]
    Later(String),
    /// It failed and has said so already.
    #[error("")]
    Told,
}

impl CliError {
    fn code(&self) -> u8 {
        match self {
            CliError::Later(_) => 75,
            CliError::Config(_) | CliError::Usage(_) | CliError::Desk(DeskError::Config(_)) => 2,
            _ => 1,
        }
    }
}

/// How long threads may take to end behind a verb.
const LAST: std::time::Duration = std::time::Duration::from_millis(200);

/// Runs the command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Memory holds passwords and addresses, of a `check --connect` as well: no core dump has it, and no other program of this
    // user may look into it.
    if let Err(e) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        complain!("relance: a core dump of this program may hold passwords: {e}");
    }
    // One TLS provider for all of the program; a second call would only find it in place.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        complain!("relance: a TLS provider was in place already");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            complain!("relance: cannot start: {e}");
            return ExitCode::from(1);
        }
    };
    let done = runtime.block_on(dispatch(cli));
    // A thread that hangs in a file of others must not keep a program from its end that has done all else.
    runtime.shutdown_timeout(LAST);
    match done {
        Ok(()) if out::was_lost() => ExitCode::from(1),
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let code = e.code();
            match &e {
                CliError::Told => {}
                CliError::Config(_) | CliError::Desk(DeskError::Config(_)) => complain!("{e}"),
                other => complain!("relance: {other}"),
            }
            ExitCode::from(code)
        }
    }
}

async fn dispatch(cli: Cli) -> Result<(), CliError> {
    let config = cli.config;
    match cli.verb {
        Verb::Init(args) => init::run(&config, &args).await,
        Verb::Run(args) => run::run(&config, args).await,
        Verb::Check(args) => check::run(&config, args).await,
        Verb::Preview(args) => preview::run(&config, args).await,
        Verb::Explain(args) => explain::run(&config, args).await,
        Verb::Log(args) => log::run(&config, args).await,
        Verb::Status(args) => status::run(&config, args).await,
        Verb::Report(args) => report::run(&config, args).await,
        Verb::Release(args) => release::run(&config, args).await,
        Verb::Approve(args) => approve::run(&config, args).await,
        Verb::Calls(args) => calls::calls(&config, args).await,
        Verb::Called(args) => calls::called(&config, args).await,
        Verb::Tasks(args) => tasks::tasks(&config, args).await,
        Verb::Done(args) => tasks::done(&config, args).await,
        Verb::Debtor(args) => debtor::run(&config, args).await,
        Verb::Reach(args) => reach::run(&config, args).await,
        Verb::Contact(args) => contact::run(&config, args).await,
        Verb::Hold(args) => hold::hold(&config, args).await,
        Verb::Resume(args) => hold::resume(&config, args).await,
        Verb::Holds(args) => hold::holds(&config, args).await,
        Verb::Uncertain(args) => uncertain::run(&config, args).await,
        Verb::Bank(args) => bank::run(&config, args).await,
        Verb::Inbox(args) => inbox::run(&config, args).await,
        Verb::Proposals(args) => proposals::run(&config, args).await,
        Verb::Hook(args) => hook::run(&config, args).await,
        Verb::Person(args) => person::run(&config, args).await,
        Verb::Test(args) => test::run(&config, args).await,
        Verb::Store(args) => store::run(&config, args).await,
        Verb::Source(args) => source::run(&config, args).await,
        Verb::Schema(args) => schema::run(&args),
        Verb::Demo(args) => demo::run(args).await,
    }
}

/// The configuration and an existing store, for verbs that work beside a running daemon.
async fn open(config: &std::path::Path) -> Result<(Setup, Store), CliError> {
    let setup = Setup::load(config, environment())?;
    let store = Store::existing(&setup.settings.store, &setup.environment).await?;
    Ok((setup, store))
}

/// A desk on an existing store.
async fn desk(config: &std::path::Path) -> Result<Desk, CliError> {
    let (setup, store) = open(config).await?;
    Ok(Desk::new(setup, store, Clock::System).await?)
}

/// Reads words given on the command line: one line, not empty, and no more than a note needs.
fn words(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text {
        "" => Err("it is empty; wanted a few words".to_owned()),
        _ if text.len() > 2000 => Err("it is longer than 2000 bytes; wanted a few words".to_owned()),
        _ if text.chars().any(char::is_control) => Err("it has line ends or control characters; wanted one line".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// Reads the number of something that a verb lists, given on the command line.
fn number(text: &str) -> Result<i64, String> {
    let number = text.parse().ok().filter(|n| *n > 0);
    number.ok_or_else(|| "wanted a whole number such as 12, as the list of the same verb shows it".to_owned())
}

/// Reads how many of something are wanted.
fn how_many(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "wanted how many, a whole number such as 50".to_owned())
}

/// Reads a day given on the command line.
fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "wanted a date such as 2026-12-01".to_owned())
}

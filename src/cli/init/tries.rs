//! After the file is written: source, mail server and gateway are tried, the ledger is read into records that are thrown
//! away, and who gets which cadence and the first week are shown. The configured store is not touched.

use super::answers::{Answers, Key};
use super::guess::FILL_IN;
use crate::cli::{CliError, check, out, preview, takers};
use crate::clock::Clock;
use crate::config::secret::SecretSource;
use crate::config::settings::{SourceKind, StoreSettings};
use crate::config::{Setup, environment};
use crate::flow::desk::checked;
use crate::flow::{Desk, DeskError, collect};
use crate::rehearsal::Folder;
use crate::store::Store;
use crate::store::polls::PollOutcome;
use std::path::Path;
use std::time::Duration;

/// The records that are thrown away have one user, who gives no sign of life.
const LEASE: Duration = Duration::from_secs(3600);

/// Tries and shows everything; ends with how to start. The error code says that something did not work.
pub(super) async fn all(config: &Path, answers: &Answers) -> Result<(), CliError> {
    say!();
    // What lies beside the file has a say from here on; what is wrong is told by the check.
    let setup = match checked(config, environment()) {
        Ok((setup, _)) => setup,
        Err(_) => {
            let told = check::files(config).await.map(drop);
            complain!("relance: {} was written, but cannot be used before that is mended", config.display());
            return told;
        }
    };
    let tried = with_passwords(setup, config);
    let failed = check::tries(&tried).await;
    if !failed.contains(&"source") {
        // Its folder goes with it, also when somebody has seen enough.
        tokio::select! {
            done = first_week(&tried) => done?,
            _ = tokio::signal::ctrl_c() => return Err(CliError::Failed("ended; the file is written".to_owned())),
        }
    }
    say!();
    check::files(config).await?;
    for what in &failed {
        say!("\n{what} did not work: {}", advice(what, answers));
    }
    if !failed.is_empty() {
        say!("The file is written all the same. Once that is mended: relance --config {} check --connect", config.display());
    }
    next(config, answers);
    if failed.is_empty() { Ok(()) } else { Err(CliError::Told) }
}

/// What to do about a try that failed.
fn advice(what: &str, answers: &Answers) -> &'static str {
    match what {
        "source" if answers.get(Key::Query).is_some_and(|q| q.contains(FILL_IN)) => {
            "[source] query waits for you: see to what it says, and take FILL_IN out; until then nothing is read, and nothing leaves"
        }
        "source" => {
            "see [source] in the file (path or url, key or password, query), and `relance source try`; until it works nothing is read, and nothing leaves"
        }
        "email" => {
            "see [email] in the file (smtp, tls, user), and that the password is where it says; until it works messages wait"
        }
        _ => "see [sms] in the file (gateway, url, user), and that the password is where it says; until it works messages wait",
    }
}

/// The ledger, read into a folder that is thrown away; the table of cadences, and the first week.
async fn first_week(setup: &Setup) -> Result<(), CliError> {
    let folder = Folder::new().map_err(|e| CliError::Failed(format!("no room for the preview: {e:#}")))?;
    let mut setup = setup.clone();
    setup.settings.store = StoreSettings { lease: LEASE, ..StoreSettings::file(folder.path().join("relance.db")) };
    let store = Store::open(&setup.settings.store, &setup.environment).await?;
    let done = looked(setup, &store).await;
    store.close().await;
    done
}

async fn looked(setup: Setup, store: &Store) -> Result<(), CliError> {
    let session = store.join("init", &setup.agreement, Clock::System.now()).await?;
    let desk = Desk::new(setup, session, Clock::System).await?;
    out::aside("Reading the ledger …\n");
    let poll = collect::poll(&desk).await.map_err(|e: DeskError| CliError::Failed(e.to_string()))?;
    if poll.outcome != PollOutcome::Good {
        say!("The ledger could not be read to its end: {}", poll.text);
        return Ok(());
    }
    say!("\nWho gets which cadence:");
    takers::table(&desk).await?;
    say!("\nThe first week:");
    preview::week(&desk).await
}

/// How to start, and what to do when it has been seen.
fn next(config: &Path, answers: &Answers) {
    let file = config.display();
    let to = answers.get(Key::RedirectTo).or(answers.get(Key::Contact)).unwrap_or_default();
    match answers.get(Key::Start).unwrap_or("dry") {
        "me" => say!(
            "\nAll messages come to {to} at first; customers get nothing. When you like what you see, take redirect_to out of [guard]."
        ),
        "live" => say!("\nCAUTION: messages go to customers from the first day, in the hours of the cadences."),
        _ => say!(
            "\nNothing leaves at first (dry_run). When you like what `preview` shows, take dry_run out of [guard]; or first put redirect_to = \"{to}\" there: all messages to you."
        ),
    }
    if super::is_service(config) {
        say!("\nWhether the service's user may read all that you may: sudo -u relance relance check --connect");
        say!("\nTo start:  systemctl enable --now relance");
    } else {
        say!("\nTo start:  relance --config {} run", quoted(&file.to_string()));
    }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+,:=@".contains(&b));
    if plain { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

/// Where systemd looks for credentials that a unit names without a path (systemd.exec(5), LoadCredential).
const CREDENTIALS: &str = "/etc/credstore";

/// The same configuration with each credential that systemd does not give here replaced by the file that the unit takes it
/// from, relance.NAME in systemd's own folder, where that can be read: so that what the service will have is tried. For a
/// configuration that is not the service's, NAME.password beside it.
pub(super) fn with_passwords(mut setup: Setup, config: &Path) -> Setup {
    if setup.environment.contains_key("CREDENTIALS_DIRECTORY") {
        return setup;
    }
    let folder = config.parent().unwrap_or(Path::new(".")).to_path_buf();
    let found = |secret: &mut SecretSource| {
        if let SecretSource::Credential(name) = secret {
            let places = [Path::new(CREDENTIALS).join(format!("relance.{name}")), folder.join(format!("{name}.password"))];
            if let Some(path) = places.into_iter().find(|path| path.is_file()) {
                *secret = SecretSource::File(path);
            }
        }
    };
    let settings = &mut setup.settings;
    settings.email.iter_mut().filter_map(|e| e.password.as_mut()).for_each(found);
    settings.sms.iter_mut().filter_map(|s| s.password.as_mut()).for_each(found);
    match &mut settings.source.kind {
        SourceKind::Postgres(database) => database.password_mut().into_iter().for_each(found),
        SourceKind::Http(system) => system.values.secrets.values_mut().for_each(found),
        SourceKind::Sqlite(_) | SourceKind::Csv(_) => {}
    }
    setup
}

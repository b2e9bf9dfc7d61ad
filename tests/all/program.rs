//! The built program, run as a firm runs it: a folder of its own, a real ledger, a child process. Every wait has
//! an end. The program reads the machine's clock, so dates in these ledgers are counted from today.

use super::support::Config;
use super::support::home::Home;
use super::support::postgres::Database;
use super::support::row::Row;
use super::support::world::new_ledger;
use assert_cmd::Command;
use jiff::civil::Date;
use relance::clock::{Clock, Stopwatch};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqlitePool;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

/// No verb may take longer, on however slow a machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Open at all hours of all days, so that the hour at which the tests run is of no consequence.
pub const ALWAYS: &str = r#"
name = "standard"
[window]
days = "mon-sun"
hours = "00:00-24:00"
[window.sms]
days = "mon-sun"
hours = "00:00-24:00"
[[step]]
id = "reminder"
when = "1 day after due"
channel = "email"
"#;

/// Receipts are booked at once, so that nothing waits for them.
pub fn at_once(config: Config) -> Config {
    config.source_line("booking_lag = \"0 days\"").source_line("grace = \"0 days\"").cadence(ALWAYS)
}

/// Mail into the folder `mail`.
pub fn into_folder() -> Config {
    let config = Config::mail(25);
    let email = config.email.as_ref().map(|e| e.replace("smtp://127.0.0.1:25", "file://mail").replace("tls = \"none\"\n", ""));
    at_once(Config { email, ..config })
}

/// Some days after the day on which the tests began: the same day throughout, though midnight may pass meanwhile.
pub fn day(ahead: i64) -> Date {
    static TODAY: OnceLock<Date> = OnceLock::new();
    let today = TODAY.get_or_init(|| Clock::System.now().to_zoned(jiff::tz::TimeZone::UTC).date());
    relance::domain::time::plus_days(*today, ahead)
}

/// An invoice that fell due ten days ago.
pub fn late(id: &str, customer: &str) -> Row {
    Row::new(id, customer).with("issued_on", &day(-40).to_string()).with("due_on", &day(-10).to_string())
}

/// How a verb ended.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn new(output: &std::process::Output) -> Ran {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Asserts the exit code; shows everything when it is another.
    pub fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

/// A firm with its folder.
pub struct Firm {
    dir: TempDir,
    pub ledger: SqlitePool,
    pub home: Home,
}

impl Firm {
    /// Writes configuration and ledger.
    pub async fn new(config: &Config, rows: &[Row]) -> Firm {
        let dir = TempDir::new().unwrap();
        let mut config = config.clone();
        let home = config.home(dir.path()).await;
        config.write(dir.path());
        let ledger = new_ledger(&dir.path().join("ledger.db")).await;
        let firm = Firm { dir, ledger, home };
        firm.insert(rows).await;
        firm
    }

    /// A firm whose store is a database that several daemons share; `None` where there is no server for it.
    pub async fn shared(config: &Config, lease: &str, rows: &[Row]) -> Option<Firm> {
        let database = Database::new().await?;
        let store = format!("url = \"{}\"\nlease = \"{lease}\"\n", database.url());
        let mut firm = Firm::new(&Config { store, ..config.clone() }, rows).await;
        firm.home = Home::Database(database);
        Some(firm)
    }

    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub async fn insert(&self, rows: &[Row]) {
        let mut tx = self.ledger.begin().await.unwrap();
        for row in rows {
            let names: Vec<&str> = row.0.iter().map(|(n, _)| *n).collect();
            let places: Vec<String> = (1..=names.len()).map(|i| format!("${i}")).collect();
            let sql = format!("INSERT INTO relance_invoices ({}) VALUES ({})", names.join(", "), places.join(", "));
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (_, value) in &row.0 {
                query = query.bind(value.clone());
            }
            query.execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Writes a file beside relance.toml, over what is there.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The program with this firm's configuration and an empty environment.
    pub fn command(&self, verb: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relance"));
        command.env_clear().timeout(PATIENCE).arg("--config").arg(self.path("relance.toml")).args(verb);
        command
    }

    /// Runs a verb to its end.
    pub fn run(&self, verb: &[&str]) -> Ran {
        Ran::new(&self.command(verb).output().unwrap())
    }

    /// What a verb prints with --json, one value a line; it must end well.
    pub fn json(&self, verb: &[&str]) -> Vec<Value> {
        let ran = self.run(&[verb, &["--json"]].concat()).ends(0);
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The only object that a verb prints.
    pub fn object(&self, verb: &[&str]) -> Value {
        let mut all = self.json(verb);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// Outcome and debtor of every attempt.
    pub fn attempts(&self) -> Vec<String> {
        self.json(&["log"]).iter().map(|a| format!("{} {}", word(&a["outcome"]), word(&a["debtor"]))).collect()
    }

    /// The .eml files in the folder `mail` that went to debtors.
    pub fn mails(&self) -> Vec<PathBuf> {
        self.folder_of_mail().into_iter().filter(|m| !is_alert(m)).collect()
    }

    /// Those that went to the creditor.
    pub fn alerts(&self) -> Vec<PathBuf> {
        self.folder_of_mail().into_iter().filter(|m| is_alert(m)).collect()
    }

    fn folder_of_mail(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.path("mail")) else { return vec![] };
        let mut mails: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        mails.sort();
        mails
    }

    /// Starts the daemon; its journal goes to `journal.log`.
    pub fn daemon(&self) -> Daemon {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_relance"));
        command.arg("--config").arg(self.path("relance.toml")).arg("run");
        self.spawn(command.env_clear())
    }

    /// Starts the daemon as systemd does: it may tell what it does to a socket, and is watched.
    pub fn told_daemon(&self, socket: &str, watchdog: Duration) -> Daemon {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_relance"));
        command.arg("--config").arg(self.path("relance.toml")).arg("run").env_clear();
        self.spawn(command.env("NOTIFY_SOCKET", socket).env("WATCHDOG_USEC", watchdog.as_micros().to_string()))
    }

    /// Starts a daemon whose files may not grow beyond a size (in blocks of 512 bytes), until [`Daemon::unlimit`].
    pub fn cramped_daemon(&self, blocks: u32) -> Daemon {
        self.spawn(&mut self.cramped(blocks, "run"))
    }

    /// The program with a limit to the size of its files. The signal that comes with it is ignored, so that
    /// writing fails as it does on a full disk.
    pub fn cramped(&self, blocks: u32, verb: &str) -> std::process::Command {
        let (program, config) = (env!("CARGO_BIN_EXE_relance"), self.path("relance.toml"));
        let limit = format!("trap '' XFSZ; ulimit -S -f {blocks}; exec '{program}' --config '{}' {verb}", config.display());
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &limit]);
        command
    }

    /// Starts `log --follow --json`; what it prints goes to `followed.log`.
    pub fn follow_log(&self) -> Daemon {
        let out = File::create(self.path("followed.log")).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_relance"));
        command.arg("--config").arg(self.path("relance.toml")).args(["log", "--follow", "--json"]).env_clear();
        Daemon { child: command.stdin(Stdio::null()).stdout(out).spawn().unwrap() }
    }

    fn spawn(&self, command: &mut std::process::Command) -> Daemon {
        let journal = File::options().create(true).append(true).open(self.path("journal.log")).unwrap();
        Daemon { child: command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(journal).spawn().unwrap() }
    }

    pub fn journal(&self) -> String {
        std::fs::read_to_string(self.path("journal.log")).unwrap_or_default()
    }
}

fn is_alert(mail: &Path) -> bool {
    mail.file_name().unwrap().to_str().unwrap().starts_with("alert-")
}

/// A running daemon. It does not outlive its test.
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// A process that was started otherwise.
    pub fn of(child: Child) -> Daemon {
        Daemon { child }
    }

    /// SIGKILL: no leave-taking.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal by its name: STOP, CONT, TERM.
    pub fn signal(&self, name: &str) {
        let sent = std::process::Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGTERM; gives the exit code and how long the end took.
    pub fn terminate(mut self) -> (Option<i32>, Duration) {
        let watch = Stopwatch::start();
        self.signal("TERM");
        wait_for("the daemon's end", || self.child.try_wait().unwrap().is_some());
        (self.child.wait().unwrap().code(), watch.elapsed())
    }

    /// Lets the daemon's files grow again.
    pub fn unlimit(&self) {
        let pid = self.child.id().to_string();
        let done = std::process::Command::new("prlimit").args(["--fsize=unlimited", "--pid", &pid]).status().unwrap();
        assert!(done.success());
    }

    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already; either way nothing is left running.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until something holds.
pub fn wait_for(what: &str, holds: impl FnMut() -> bool) {
    assert!(within(Duration::from_secs(60), holds), "waited in vain for {what}");
}

/// The same, without keeping the tasks of this test from their work.
pub async fn wait_for_async(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let watch = Stopwatch::start();
    while !holds().await {
        assert!(watch.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether something holds before a time is over.
pub fn within(time: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let watch = Stopwatch::start();
    while watch.elapsed() < time {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    holds()
}

/// A text in JSON.
pub fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

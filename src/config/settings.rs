//! relance.toml: what it may say, and the types that the rest of the program sees.

pub use super::answers::AnswerSettings;
pub use super::bank::BankSettings;
pub use super::csv::{CsvColumn, CsvEncoding, CsvSettings};
use super::database::DatabaseSettings;
pub use super::inbox::{After, ImapSettings, InboxPlace, InboxSettings};
pub use super::listen::ListenSettings;
pub use super::observe::ObserveSettings;
use super::secret::SecretSource;
use super::system::{Name, System};
use crate::domain::calendar::Calendar;
use crate::domain::decision::Policy;
use crate::domain::keep::Keep;
use crate::domain::standing::Tags;
use crate::domain::time::Window;
use crate::domain::when::Delay;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The firm that runs relance.
    pub creditor: Creditor,
    /// Where the invoices are.
    pub source: SourceSettings,
    /// Where relance keeps its own records.
    pub store: StoreSettings,
    /// E-mail, when configured.
    pub email: Option<EmailSettings>,
    /// SMS, when configured.
    pub sms: Option<SmsSettings>,
    /// Mail that comes back, when configured.
    pub inbox: Option<InboxSettings>,
    /// Statements of the bank, when configured.
    pub bank: Option<BankSettings>,
    /// Copies of invoices, when configured.
    pub documents: Option<DocumentSettings>,
    /// What keeps sending safe.
    pub guard: Guard,
    /// The rules' own figures.
    pub policy: Policy,
    /// What people do.
    pub people: People,
    /// How long personal data is kept.
    pub retention: Retention,
    /// The morning report.
    pub report: ReportSettings,
    /// Metrics and health.
    pub observe: ObserveSettings,
    /// Where what comes back over HTTP is heard, when configured.
    pub listen: Option<ListenSettings>,
    /// The page on which customers answer, when configured.
    pub answers: Option<AnswerSettings>,
}

/// The morning report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportSettings {
    /// When it is sent, in the creditor's zone on its working days; `None`: never.
    pub morning: Option<jiff::civil::Time>,
    /// To whom.
    pub to: Vec<lettre::Address>,
}

/// What people do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People {
    /// When a customer may be called, in the customer's own time (R21).
    pub calls: Window,
    /// How long a question waits for an answer before it lapses.
    pub approve_within: Delay,
}

/// The firm that runs relance.
#[derive(Clone, Debug)]
pub struct Creditor {
    /// The name in letters.
    pub name: String,
    /// ISO 3166 country; its calendar counts bank working days.
    pub country: String,
    /// Language of letters for debtors whose own is not known or has no letters.
    pub language: String,
    /// Zone of the operator's dates.
    pub timezone: TimeZone,
    /// Account to pay to, electronic form without spaces.
    pub iban: Option<String>,
    /// Number in the register of enterprises, as letters print it.
    pub enterprise_no: Option<String>,
    /// Address for replies and alerts.
    pub contact: String,
    /// Holidays of the creditor's country, if there is a calendar for it.
    pub calendar: Option<Arc<Calendar>>,
}

/// What kind of ledger it is, and its place.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// An SQLite file, opened read-only.
    Sqlite(PathBuf),
    /// A PostgreSQL database, read in read-only transactions.
    Postgres(DatabaseSettings),
    /// A file or a folder of them, each a whole ledger.
    Csv(CsvSettings),
    /// An invoicing system with an HTTP API.
    Http(Box<HttpSettings>),
}

/// An invoicing system with an HTTP API.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// What it looks like.
    pub system: Arc<System>,
    /// Its base URL, without a slash at the end and without any login.
    pub url: String,
    /// What it asks for by name.
    pub values: Values,
    /// The zone of its midnights, where it gives days as instants; the creditor's when nothing is said.
    pub zone: Option<TimeZone>,
    /// When the whole is read, where between that only what changed is: cron in the creditor's zone.
    pub full: Schedule,
    /// Where tokens are kept that a system gives anew.
    pub tokens: Option<PathBuf>,
    /// A PEM file of certificate authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
}

/// What `[source]` says by the names that a system asks for.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// Secrets.
    pub secrets: BTreeMap<Name, SecretSource>,
    /// The others.
    pub words: BTreeMap<Name, String>,
}

/// Where the invoices are.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// The kind of ledger.
    pub kind: SourceKind,
    /// SQL that yields the columns; `None` reads the table or view relance_invoices.
    pub query: Option<String>,
    /// SQL with `:ids` (SQLite: a JSON array; PostgreSQL: a text[]) that reads some invoices again (R13).
    pub reread: Option<String>,
    /// When to poll: cron in the creditor's zone.
    pub poll: Schedule,
    /// How long receipts take to be booked (R10).
    pub booking_lag: Delay,
    /// SQL for the day up to which receipts are booked; replaces the lag.
    pub booked_through: Option<String>,
    /// What tags mean.
    pub tags: Tags,
}

/// A cron expression of five or six fields, in the creditor's zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// As written.
    pub text: String,
    /// Parsed.
    pub cron: croner::Cron,
}

/// Where relance keeps its own records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// The file or database.
    pub place: StorePlace,
    /// A daemon that was not heard of for so long has lost what it had in hand to the others.
    pub lease: Duration,
}

/// A file for one daemon, or a database for as many as one likes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorePlace {
    /// The SQLite file.
    Sqlite(PathBuf),
    /// The PostgreSQL database.
    Postgres(DatabaseSettings),
}

impl StoreSettings {
    /// A file, and all else as it is when nothing is said.
    pub fn file(path: impl Into<PathBuf>) -> StoreSettings {
        StoreSettings { place: StorePlace::Sqlite(path.into()), lease: Duration::from_secs(10) }
    }
}

impl StorePlace {
    /// The file or database, for messages.
    pub fn name(&self) -> String {
        match self {
            StorePlace::Sqlite(path) => path.display().to_string(),
            StorePlace::Postgres(database) => database.place().to_owned(),
        }
    }
}

/// What to do with a message that may or may not have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUncertain {
    /// Send it again; of an e-mail with the same Message-ID.
    Resend,
    /// Hold it until the operator says.
    Hold,
}

/// How mail leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailTransport {
    /// A server.
    Smtp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
        /// Encryption.
        tls: Tls,
    },
    /// A folder of .eml files.
    Folder(PathBuf),
}

/// Encryption of the connection to the mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte (smtps).
    Implicit,
    /// By STARTTLS, required.
    StartTls,
    /// None: only for a relay on this machine.
    None,
}

/// E-mail.
#[derive(Clone, Debug)]
pub struct EmailSettings {
    /// The From header.
    pub from: lettre::message::Mailbox,
    /// How it leaves.
    pub transport: MailTransport,
    /// Login.
    pub user: Option<String>,
    /// Password.
    pub password: Option<SecretSource>,
    /// A PEM file of certificate authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Connections at the most.
    pub connections: usize,
    /// Messages a minute at the most.
    pub max_per_minute: Option<u32>,
    /// What to do with the uncertain.
    pub when_uncertain: WhenUncertain,
    /// Base of the envelope sender; the token goes before the @.
    pub bounce_address: Option<lettre::Address>,
    /// Temporary failures are retried at most so long, in seconds.
    pub retry_for: i64,
    /// A deadline for each phase on the wire, in seconds.
    pub timeout: u64,
}

/// How SMS leave.
#[derive(Clone, Debug)]
pub enum SmsTransport {
    /// A gateway, described by a data file.
    Gateway {
        /// The description.
        gateway: Arc<super::gateway::Gateway>,
        /// Base URL; the description adds its path.
        url: String,
    },
    /// One file, a JSON object a line.
    File(PathBuf),
}

/// SMS.
#[derive(Clone, Debug)]
pub struct SmsSettings {
    /// How they leave.
    pub transport: SmsTransport,
    /// Login.
    pub user: Option<String>,
    /// The account, where the gateway wants one beside the login.
    pub account: Option<String>,
    /// Password.
    pub password: Option<SecretSource>,
    /// Sender.
    pub from: Option<String>,
    /// Connections at the most.
    pub connections: usize,
    /// Messages a minute at the most.
    pub max_per_minute: Option<u32>,
    /// What to do with the uncertain.
    pub when_uncertain: WhenUncertain,
    /// Temporary failures are retried at most so long, in seconds.
    pub retry_for: i64,
    /// A deadline for the whole request, in seconds.
    pub timeout: u64,
}

/// Copies of invoices (R24).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSettings {
    /// The folder below which the ledger's documents lie.
    pub folder: PathBuf,
    /// What the copies of a message may take in it, in bytes, encoded.
    pub max_size: u64,
}

/// What keeps sending safe.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Data older than this, in seconds, stops sending (R14).
    pub max_data_age: i64,
    /// The most messages in a cycle and over the rolling day; `None` is no limit.
    pub max_messages_per_cycle: Option<u64>,
    /// Percent of the open rows that may vanish in one poll (R14).
    pub max_vanished: u32,
    /// Send everything here instead.
    pub redirect_to: Option<lettre::Address>,
    /// Poll and plan, send nothing.
    pub dry_run: bool,
}

/// How long personal data is kept once nothing is claimed any more, by class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Addresses and messages, and what others said of them, after the claims that they were about.
    pub messages: Keep,
    /// Reasons of holds, words of events, letters to the creditor, after the claims that they were about.
    pub notes: Keep,
    /// Whole customers, after their last claim.
    pub customers: Keep,
}

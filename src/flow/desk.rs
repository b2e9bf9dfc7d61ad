//! The desk: configuration, store, letters, source and clock, as every pump needs them.

use super::account::{self, Account};
use super::bank::Counter;
use super::common;
use super::copies::CopyRoom;
pub use super::error::DeskError;
use super::guard::{self, Guards};
use super::listen::mailbox::Post;
use super::presence::Heart;
use super::pulse::Pulses;
use super::tally::Tally;
use crate::channel::email::Mailer;
use crate::channel::outlet::Outlet;
use crate::channel::sms::Texter;
use crate::channel::token::Keys;
use crate::clock::Clock;
use crate::config::problem::{ConfigError, Problem, Problems};
use crate::config::settings::SourceKind;
use crate::config::{Environment, Settings, Setup};
use crate::domain::cadence::Cadence;
use crate::domain::case::{ContactPoint, DebtorFile};
use crate::domain::debtor::{Debtor, Word};
use crate::domain::decision::{Booked, Brake, RuleWeighed, World, counts_from};
use crate::domain::invoice::Invoice;
use crate::domain::standing::Tagged;
use crate::domain::step::{Channel, ChannelChoice, How};
use crate::domain::time::{days_between, instant, local_date, plus_days};
use crate::letter::Letters;
use crate::source::row::Columns;
use crate::source::{Source, SourceError};
use crate::store::files::{FileOptions, Shape};
use crate::store::payloads::Dictionary;
use crate::store::polls::Poll;
use crate::store::{Store, StoreError};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use tokio::sync::{Mutex, OnceCell};

/// So long a daemon that could not read the ledger leaves it to others, in milliseconds.
const BLIND_MS: i64 = 300_000;

/// The name under which the session is kept that could not read the ledger last.
const FAILED_BY: &str = "failed_by";

/// What holds for every case at a moment.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// What stops sending.
    pub brakes: Vec<Brake>,
    /// Up to which day receipts are booked.
    pub booked: Booked,
    /// The day on which the ledger was last read, in the creditor's zone.
    pub read_on: Option<Date>,
}

impl Conditions {
    /// Up to which day receipts are booked, as people are told: no more than was read.
    pub fn booked_through(&self, today: Date, settings: &Settings) -> Date {
        match self.booked {
            Booked::Through(day) => day,
            _ => {
                let read = self.read_on.map_or(today, |day| day.min(today));
                settings.source.booking_lag.before(read, settings.creditor.calendar.as_deref())
            }
        }
    }
}

/// The desk: a handle that costs nothing to clone, so that every part of a pump can be a task of its own.
#[derive(Clone, Debug)]
pub struct Desk(Arc<DeskParts>);

impl std::ops::Deref for Desk {
    type Target = DeskParts;

    fn deref(&self) -> &DeskParts {
        &self.0
    }
}

/// What lies on the desk.
#[derive(Debug)]
pub struct DeskParts {
    /// Configuration.
    pub setup: Setup,
    /// Records.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// Letters.
    pub letters: Arc<Letters>,
    /// Keyed marks.
    pub keys: Keys,
    /// Channels that are configured.
    pub channels: Vec<Channel>,
    /// Whether what is in hand can still be this program's.
    pub heart: Arc<Heart>,
    /// When each pump moved last.
    pub pulses: Arc<Pulses>,
    /// What the pumps have done since the program began.
    pub tally: Arc<Tally>,
    /// Set when this desk is to be cleared: nothing new is begun.
    pub stopping: AtomicBool,
    /// Set when the program itself is to end, and soon: then what cannot be recorded is given up in the end.
    pub ending: AtomicBool,
    /// What bounds copies of invoices.
    pub copies: CopyRoom,
    /// Until when, in milliseconds, this daemon leaves polling and sending to the others: it could not read the ledger.
    blind_until: AtomicI64,
    /// Whether this program has read the whole ledger since it began.
    whole: AtomicBool,
    source: Mutex<Option<(Source, Columns)>>,
    /// The mailbox, and how it is with it.
    pub(super) post: Mutex<Post>,
    /// The folder of the bank's statements, and how it is with it.
    pub(super) counter: Mutex<Counter>,
    dictionary: OnceCell<Arc<Dictionary>>,
    /// Where everything goes in a test of cadences: nowhere.
    outlet: Option<Outlet>,
}

/// What the desks of many tests have in common, and where their messages go.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// Letters.
    pub letters: Arc<Letters>,
    /// What messages have in common; the store must hold it.
    pub dictionary: Arc<Dictionary>,
    /// Takes all messages.
    pub outlet: Outlet,
}

impl Desk {
    /// Prepares the desk on an open store.
    pub async fn new(setup: Setup, store: Store, clock: Clock) -> Result<Desk, DeskError> {
        Desk::after(setup, store, clock, Arc::default()).await
    }

    /// A desk of a program that has had others before: what it has done is counted on.
    pub async fn after(setup: Setup, store: Store, clock: Clock, tally: Arc<Tally>) -> Result<Desk, DeskError> {
        let letters = Arc::new(checked_letters(&setup)?);
        Desk::with(setup, store, clock, letters, OnceCell::new(), None, tally).await
    }

    /// A desk for a test of cadences: nothing that it sends leaves, and what is the same in all tests is not made anew.
    pub async fn rehearse(setup: Setup, store: Store, clock: Clock, rehearsal: Rehearsal) -> Result<Desk, DeskError> {
        let dictionary = OnceCell::from(rehearsal.dictionary);
        Desk::with(setup, store, clock, rehearsal.letters, dictionary, Some(rehearsal.outlet), Arc::default()).await
    }

    /// A desk on a stage: nothing that it sends leaves.
    pub async fn staged(setup: Setup, store: Store, clock: Clock, outlet: Outlet) -> Result<Desk, DeskError> {
        let letters = Arc::new(checked_letters(&setup)?);
        Desk::with(setup, store, clock, letters, OnceCell::new(), Some(outlet), Arc::default()).await
    }

    async fn with(
        setup: Setup,
        store: Store,
        clock: Clock,
        letters: Arc<Letters>,
        dictionary: OnceCell<Arc<Dictionary>>,
        outlet: Option<Outlet>,
        tally: Arc<Tally>,
    ) -> Result<Desk, DeskError> {
        let keys = Keys::new(store.secret_key().await?);
        if store.session().is_some() {
            account::begin(&store, &setup.settings.creditor, clock.now()).await?;
        }
        let channels = channels(&setup);
        let heart = Arc::new(Heart::new(setup.settings.store.lease));
        let blind_until = AtomicI64::new(i64::MIN);
        let (stopping, ending, source) = (AtomicBool::new(false), AtomicBool::new(false), Mutex::new(None));
        Ok(Desk(Arc::new(DeskParts {
            setup,
            store,
            clock,
            letters,
            keys,
            channels,
            heart,
            pulses: Arc::default(),
            tally,
            stopping,
            ending,
            copies: CopyRoom::default(),
            blind_until,
            whole: AtomicBool::new(false),
            source,
            post: Mutex::default(),
            counter: Mutex::default(),
            dictionary,
            outlet,
        })))
    }

    /// What messages have in common, for keeping them; made at the first use.
    pub async fn dictionary(&self) -> Result<Arc<Dictionary>, StoreError> {
        let lines = || common::lines(&self.letters, self.setup.settings.email.as_ref());
        let make = || async { Ok(Arc::new(self.store.dictionary(&lines()).await?)) };
        self.dictionary.get_or_try_init(make).await.cloned()
    }

    /// The source and its columns, opened when needed and whenever its file has been replaced.
    pub async fn source(&self) -> Result<(Source, Columns), SourceError> {
        let mut slot = self.source.lock().await;
        if let Some(open) = slot.as_ref().filter(|(source, _)| source.is_current()) {
            return Ok(open.clone());
        }
        slot.take();
        let source = Source::open(&self.setup).await?;
        let columns = source.columns().await?;
        Ok(slot.insert((source, columns)).clone())
    }

    /// Whether a re-read may take seconds: over HTTP, perhaps a request for each invoice.
    pub(super) fn reads_slowly(&self) -> bool {
        matches!(self.setup.settings.source.kind, SourceKind::Http(_))
    }

    /// Forgets the open source after a failure; the next use opens it anew.
    pub async fn drop_source(&self) {
        self.source.lock().await.take();
    }

    /// The ledger could not be read from here. On a shared store others may be able to: this one leaves it to them for a
    /// while, and they look at once. Who is alone goes on by its schedule.
    pub(super) async fn went_blind(&self) -> Result<(), StoreError> {
        if self.store.is_shared() && self.store.sessions().await?.len() > 1 {
            self.blind_until.store(self.clock.now().as_millisecond() + BLIND_MS, Ordering::SeqCst);
            self.store.set_meta(FAILED_BY, self.store.session().map(|s| s.to_string()).as_deref()).await?;
        }
        Ok(())
    }

    /// It could be read again: this one takes part as before.
    pub(super) fn sees_again(&self) {
        self.blind_until.store(i64::MIN, Ordering::SeqCst);
    }

    /// The whole ledger was read.
    pub(super) fn has_read_whole(&self) {
        self.whole.store(true, Ordering::SeqCst);
    }

    /// Whether it was, since this program began.
    pub(super) fn read_whole(&self) -> bool {
        self.whole.load(Ordering::SeqCst)
    }

    /// Whether it could not read the ledger a moment ago.
    pub(super) fn is_blind(&self) -> bool {
        self.clock.now().as_millisecond() < self.blind_until.load(Ordering::SeqCst)
    }

    /// Whether the last poll failed in another daemon's hands.
    pub(super) async fn another_failed(&self) -> Result<bool, StoreError> {
        let by = self.store.meta(FAILED_BY).await?;
        Ok(self.store.is_shared() && by.is_some() && by != self.store.session().map(|s| s.to_string()))
    }

    /// What stops sending now, and up to when receipts are booked.
    pub async fn conditions(&self, now: Timestamp) -> Result<Conditions, StoreError> {
        let (last, good) = (self.store.last_poll().await?, self.store.last_good_poll().await?);
        let account = Account::of(&self.store, &self.setup.settings.creditor).await?;
        let broken = self.weigh_guards(last.as_ref(), good.as_ref(), &account, now).into_iter().filter(|r| !r.holds);
        let brakes: Vec<Brake> = broken.map(|r| guard::broken(r, last.as_ref())).collect();
        let (source, creditor) = (&self.setup.settings.source, &self.setup.settings.creditor);
        let read_on = good.as_ref().map(|g| local_date(g.started_at, &creditor.timezone));
        let booked = match (good.as_ref().and_then(|g| g.booked_through), read_on) {
            (Some(through), _) => Booked::Through(through),
            // What nobody has read is not known to be booked. Where all stops anyway, that is what is to be said.
            (None, Some(on)) if on < local_date(now, &creditor.timezone) && brakes.is_empty() => {
                Booked::Read { lag: source.booking_lag, on }
            }
            (None, _) => Booked::Lag(source.booking_lag),
        };
        Ok(Conditions { brakes, booked, read_on })
    }

    /// Every guard of all sending (R14, R23) in words, also those that hold.
    pub(super) async fn guards(&self, now: Timestamp) -> Result<Vec<RuleWeighed>, StoreError> {
        let (last, good) = (self.store.last_poll().await?, self.store.last_good_poll().await?);
        let account = Account::of(&self.store, &self.setup.settings.creditor).await?;
        Ok(self.weigh_guards(last.as_ref(), good.as_ref(), &account, now))
    }

    fn weigh_guards(&self, last: Option<&Poll>, good: Option<&Poll>, account: &Account, now: Timestamp) -> Vec<RuleWeighed> {
        let guard = &self.setup.settings.guard;
        Guards { last, good, max_data_age: guard.max_data_age, dry_run: guard.dry_run, account, now }.weigh()
    }

    /// The world around a case.
    pub fn world<'a>(
        &'a self,
        conditions: &'a Conditions,
        debtor: &Debtor,
        zone: &'a TimeZone,
        cadence: &'a Cadence,
        now: Timestamp,
    ) -> World<'a> {
        World {
            now,
            zone,
            cadence,
            policy: &self.setup.settings.policy,
            booked: conditions.booked,
            bank: self.setup.settings.creditor.calendar.as_deref(),
            calendar: self.setup.calendar(debtor, Some(cadence)),
            brakes: &conditions.brakes,
            channels: &self.channels,
            own: None,
        }
    }

    /// Loads debtors' files as they matter now.
    pub async fn files(&self, debtors: &[i64], now: Timestamp) -> Result<Vec<DebtorFile>, StoreError> {
        let today = local_date(now, &TimeZone::UTC);
        let setup = &self.setup;
        let calendars = || setup.calendars.values().map(|c| Some(c.as_ref())).chain([None]);
        let cadences = || setup.cadences.iter().map(|c| &c.cadence);
        // Under the calendar with the most holidays, twice over: what counts nowhere does no harm in a file.
        let day = cadences().flat_map(|c| calendars().map(|days| counts_from(c, today, days))).min().unwrap_or(today);
        let day = plus_days(day, -days_between(day, today) / 4);
        // In a debtor's zone the day begins up to a day sooner, and it may be yesterday there.
        let since = instant(plus_days(day, -2), Time::midnight(), &TimeZone::UTC).unwrap_or(Timestamp::UNIX_EPOCH);
        let options = FileOptions { redirected: self.is_redirected(), contacts_since: since };
        self.store.debtor_files(debtors, options, &*self.0).await
    }

    /// The language in which a letter goes to a customer, where the letter can be made.
    pub fn language(&self, wanted: Option<&str>, letter: &str, channel: &str) -> Option<String> {
        let form = if channel == Channel::Sms.as_str() { "sms" } else { "md" };
        self.letters.language(wanted, letter, form).ok()
    }

    /// Whether everything goes to one address.
    pub fn is_redirected(&self) -> bool {
        self.setup.settings.guard.redirect_to.is_some()
    }

    /// A mailer with its password.
    pub fn mailer(&self) -> Result<Option<Mailer>, DeskError> {
        let Some(email) = &self.setup.settings.email else { return Ok(None) };
        if let Some(outlet) = &self.outlet {
            return Ok(Some(Mailer::Nowhere(outlet.clone())));
        }
        let password = email.password.as_ref().map(|p| p.load(&self.setup.environment)).transpose()?;
        Ok(Some(Mailer::new(email, password)))
    }

    /// A texter with its password.
    pub fn texter(&self) -> Result<Option<Texter>, DeskError> {
        let Some(sms) = &self.setup.settings.sms else { return Ok(None) };
        if let Some(outlet) = &self.outlet {
            return Ok(Some(Texter::Nowhere(outlet.clone())));
        }
        let password = sms.password.as_ref().map(|p| p.load(&self.setup.environment)).transpose()?;
        Ok(Some(Texter::new(sms, password, super::hook::for_receipts(self))?))
    }
}

/// Reads and checks everything below the folder of a relance.toml. The error holds every problem there is, in
/// settings, cadences, gateways, calendars and letters, by file and place.
pub fn checked(path: &Path, environment: Environment) -> Result<(Setup, Letters), ConfigError> {
    let ConfigError(mut found) = match Setup::load(path, environment) {
        Ok(setup) => {
            let letters = checked_letters(&setup)?;
            return Ok((setup, letters));
        }
        Err(e) => e,
    };
    // Without settings it is not known which letters the steps need, but all that are there can be read.
    let problems = Problems::default();
    Letters::new(&crate::config::letters(path, &Problems::default()), "en", &problems).check(&[], &problems);
    found.extend(problems.into_sorted());
    found.sort();
    found.dedup();
    Err(ConfigError(found))
}

/// Letters, checked against cadences and sample data: what `check` refuses, nothing starts with.
pub fn checked_letters(setup: &Setup) -> Result<Letters, ConfigError> {
    let problems = Problems::default();
    let mut letters = Letters::new(&setup.letters, &setup.settings.creditor.language, &problems);
    letters.check(&setup.cadences, &problems);
    check_channels(setup, &problems);
    check_notices(setup, &problems);
    check_creditor(setup, &problems);
    letters.warnings = problems.warnings();
    let found: Vec<Problem> = problems.into_sorted();
    if found.is_empty() { Ok(letters) } else { Err(ConfigError(found)) }
}

/// The letter that a country's law wants to name the creditor by its number.
const CONSUMER_FIRST: &str = "consumer-first";

/// A first reminder to consumers that cannot name all that the law of the creditor's country asks for.
fn check_creditor(setup: &Setup, problems: &Problems) {
    let creditor = &setup.settings.creditor;
    let today = setup.law.country(&creditor.country).and_then(|law| law.consumer_newest());
    if creditor.enterprise_no.is_some() || !today.is_some_and(|c| c.must_name.iter().any(|n| n == "enterprise_number")) {
        return;
    }
    for file in &setup.cadences {
        for (_, at) in file.cadence.steps.iter().zip(&file.letters_at).filter(|(step, _)| step.letter == CONSUMER_FIRST) {
            problems.warn(at, "the first reminder to a consumer must name your number in the register of enterprises; wanted [creditor] enterprise_no");
        }
    }
}

/// A step that no configured channel can take would never leave and never say so.
fn check_channels(setup: &Setup, problems: &Problems) {
    let have = channels(setup);
    for file in &setup.cadences {
        for (step, at) in file.cadence.steps.iter().zip(&file.letters_at) {
            let wanted = step.channels();
            if let How::Message(ChannelChoice::All(all)) = &step.how
                && all.iter().any(|c| have.contains(c))
                && let Some(lacking) = all.iter().find(|c| !have.contains(c))
            {
                let text = format!(
                    "step \"{}\" uses {lacking} as well, which is not configured; wanted a section [{lacking}] in relance.toml, or {{ first_of = [...] }}",
                    step.id
                );
                problems.add(at, text);
            }
            if step.task().is_none() && !wanted.iter().any(|c| have.contains(c)) {
                let names = wanted.iter().map(|c| format!("[{c}]")).collect::<Vec<_>>().join(" or ");
                let text =
                    format!("step \"{}\" has no channel that is configured; wanted a section {names} in relance.toml", step.id);
                match step.rank {
                    Some(_) => problems.add(at, text),
                    // Nothing waits for a note, such as a nudge by SMS.
                    None => problems.warn(at, format!("{text}; until then it is left out")),
                }
            }
        }
    }
}

/// A step whose owner can never be told would never leave: silence is a yes only of one who was told (R22).
fn check_notices(setup: &Setup, problems: &Problems) {
    let files = setup.cadences.iter().filter(|_| setup.settings.email.is_none());
    for (step, at) in files.flat_map(|file| file.cadence.steps.iter().zip(&file.notices_at)) {
        if step.notify_owner.is_some() {
            let text = format!(
                "the owner is told of step \"{}\" by e-mail, which is not configured, so it would never leave; wanted a section [email] in relance.toml, or approval = true",
                step.id
            );
            problems.add(at, text);
        }
    }
}

fn channels(setup: &Setup) -> Vec<Channel> {
    let email = setup.settings.email.as_ref().map(|_| Channel::Email);
    let sms = setup.settings.sms.as_ref().map(|_| Channel::Sms);
    email.into_iter().chain(sms).collect()
}

/// A customer is one of lately for so many days.
const LATELY_DAYS: i64 = 90;

impl Shape for DeskParts {
    fn debtor(&self, debtor: &mut Debtor, tags: &[Tagged], words: &[Word]) {
        self.setup.settle(debtor, tags.iter().copied(), words);
    }

    fn points(&self, debtor: &Debtor) -> Vec<ContactPoint> {
        super::points::points(debtor)
    }

    fn invoice(&self, debtor: &Debtor, invoice: &mut Invoice) {
        self.setup.place(debtor, invoice);
    }

    fn wrote_to(&self, cadence: &str, debtor: &Debtor) -> bool {
        self.setup.cadence(cadence).is_none_or(|c| c.applies_to.wrote_to(debtor.kind))
    }

    fn lately(&self) -> Date {
        plus_days(local_date(self.clock.now(), &self.setup.settings.creditor.timezone), -LATELY_DAYS)
    }
}

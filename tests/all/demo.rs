//! The demo is the whole job on one ledger, so it is judged as a whole: what it says of itself, and, from the
//! log and the story alone, whether every message kept the rules.

use super::demo_story::Story;
use super::support::mail::Parsed;
use jiff::Timestamp;
use jiff::civil::{Date, Weekday, date};
use relance::clock::Clock;
use relance::config::settings::StoreSettings;
use relance::config::{Environment, Setup};
use relance::domain::decision::tie_out;
use relance::domain::time::{days_between, plus_days};
use relance::flow::Desk;
use relance::store::Store;
use relance::store::attempts::{AttemptRow, LogFilter};
use relance::store::sqlite::StoreLock;
use serde_json::Value;
use sqlx::{Row as _, SqlitePool};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const LAST: Date = date(2026, 11, 20);

/// The moment at which the demo ends.
fn evening() -> Timestamp {
    LAST.at(18, 0, 0, 0).in_tz("Europe/Brussels").unwrap().timestamp()
}

/// A message that was accepted.
struct Left {
    attempt: AttemptRow,
    contact: i64,
    /// Counted from the first day of the demo.
    day: i64,
    date: Date,
    /// Hour and minute, in minutes, at the debtor's.
    minute: i16,
    /// Invoices named in it, with their stage and days late.
    named: Vec<(String, Option<String>, i64)>,
    /// Those among them to which it gave their stage.
    given: BTreeSet<String>,
    text: Option<String>,
}

#[tokio::test]
async fn sixty_days_keep_the_rules_and_are_the_same_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("demo");
    relance::demo::live(&folder, &Clock::manual(evening()), |_| ()).await.unwrap();
    let story = Story::read();
    let first = log(&folder, &story).await;
    facts(&folder, &story, &first).await;
    ties_out(&folder).await;
    once_a_term(&story, &first);
    firmness(&story, &first);
    nothing_for_the_paid(&story, &first);
    pace(&story, &first);
    hours(&first);
    texts(&story, &first);
    relance::demo::live(&folder, &Clock::manual(evening()), |_| ()).await.unwrap();
    let again = log(&folder, &story).await;
    let rows = |log: &[Left]| -> BTreeSet<_> {
        let row = |l: &Left| (l.attempt.debtor.clone(), l.attempt.step.clone(), l.attempt.channel.clone(), l.date);
        log.iter().map(row).collect()
    };
    assert_eq!(rows(&first), rows(&again), "the same story comes out the same, in a folder made anew");
    assert_eq!(first.len(), again.len());
}

#[tokio::test]
async fn a_folder_that_it_did_not_make_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("accounts.txt");
    std::fs::write(&mine, "mine").unwrap();
    for place in [dir.path(), &mine] {
        let refused = relance::demo::live(place, &Clock::manual(evening()), |_| ()).await.unwrap_err().to_string();
        assert!(refused.contains("was not made by `relance demo`"), "{refused}");
        assert_eq!(std::fs::read_to_string(&mine).unwrap(), "mine");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

#[tokio::test]
async fn a_folder_from_which_a_run_sends_is_not_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("demo");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join(".relance-demo"), "ours").unwrap();
    let store = Store::open(&StoreSettings::file(folder.join("relance.db")), &Environment::new()).await.unwrap();
    let lock = StoreLock::take(&folder.join("relance.db")).unwrap();
    let refused = relance::demo::live(&folder, &Clock::manual(evening()), |_| ()).await.unwrap_err().to_string();
    assert!(refused.contains("holds the store"), "{refused}");
    assert!(folder.join("relance.db").exists());
    drop(lock);
    store.close().await;
}

async fn open(path: &Path) -> SqlitePool {
    SqlitePool::connect(&format!("sqlite://{}?mode=ro", path.display())).await.unwrap()
}

/// Where the debtor's clock stands against the firm's, in minutes.
fn offset(country: &str) -> i16 {
    if matches!(country, "GB" | "IE") { -60 } else { 0 }
}

async fn log(folder: &Path, story: &Story) -> Vec<Left> {
    let store = Store::existing(&StoreSettings::file(folder.join("relance.db")), &Environment::new()).await.unwrap();
    let raw = open(&folder.join("relance.db")).await;
    let zone = jiff::tz::TimeZone::get("Europe/Brussels").unwrap();
    let filter = LogFilter { outcome: Some("accepted".to_owned()), ..LogFilter::default() };
    let mut log = Vec::new();
    for attempt in store.log_page(0, &filter).await.unwrap() {
        let contact =
            "SELECT c.pk, (SELECT json_group_array(i.source_id) FROM invoice i, json_each(c.invoices) j WHERE i.pk = j.value)
            FROM attempt a JOIN message m ON m.pk = a.message_pk JOIN contact c ON c.pk = m.contact_pk WHERE a.pk = $1";
        let contact = sqlx::query(contact).bind(attempt.id).fetch_one(&raw).await.unwrap();
        let at = zone.to_datetime(attempt.at);
        let named: Vec<Value> = serde_json::from_str(&attempt.invoices).unwrap();
        let name = |v: &Value| {
            let stage = v["stage"].as_str().map(str::to_owned);
            (v["number"].as_str().unwrap().to_owned(), stage, v["days_late"].as_i64().unwrap())
        };
        let payload = store.payload(attempt.payload_pk.unwrap()).await.unwrap().unwrap();
        let mail = attempt.channel.as_deref() == Some("email");
        let text = mail.then(|| Parsed::new(payload.message.as_ref().unwrap()).text().to_owned());
        log.push(Left {
            contact: contact.get(0),
            day: days_between(plus_days(LAST, -relance::demo::DAYS), at.date()),
            date: at.date(),
            minute: i16::from(at.hour()) * 60 + i16::from(at.minute()) + offset(&story.customers[&attempt.debtor].country),
            named: named.iter().map(name).collect(),
            given: serde_json::from_str(contact.get(1)).unwrap(),
            text,
            attempt,
        });
    }
    raw.close().await;
    store.close().await;
    log
}

/// What the summary says.
async fn facts(folder: &Path, story: &Story, log: &[Left]) {
    assert!(story.customers.len() >= 40 && story.papers.len() >= 120);
    let ledger = open(&folder.join("ledger.db")).await;
    let count = async |sql: &'static str| sqlx::query_scalar::<_, i64>(sql).fetch_one(&ledger).await.unwrap() as usize;
    assert_eq!(count("SELECT count(*) FROM customer").await, story.customers.len());
    assert_eq!(count("SELECT count(*) FROM invoice").await, story.papers.len());
    ledger.close().await;
    let store = Store::existing(&StoreSettings::file(folder.join("relance.db")), &Environment::new()).await.unwrap();
    let sent = store.sent().await.unwrap();
    let by = |step: &str, channel: &str| sent.iter().find(|s| s.0 == step && s.1 == channel).map_or(0, |s| s.2);
    assert!(["courtesy", "reminder", "firm", "final"].iter().all(|step| by(step, "email") > 0), "{sent:?}");
    assert!(by("reminder", "sms") > 0 && by("final", "sms") > 0, "{sent:?}");
    assert_eq!(sent.iter().map(|s| s.2).sum::<u64>(), log.len() as u64);
    let lost: Vec<String> = store.unreachable().await.unwrap().into_iter().map(|u| u.debtor).collect();
    assert_eq!(lost, ["C012", "C028"]);
    let verified = store.verify_log(true).await.unwrap();
    assert_eq!(verified.broken, Vec::<String>::new());
    let polled = store.last_good_poll().await.unwrap().unwrap();
    assert_eq!(polled.started_at, evening(), "the last look is at the time of the clock that it was given");
    store.close().await;
    let files = std::fs::read_dir(folder.join("mail")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mails = files.filter(|name| !name.starts_with("alert-")).count();
    let texts = std::fs::read_to_string(folder.join("sms.jsonl")).unwrap().lines().count();
    assert_eq!(
        (mails, texts),
        (log.iter().filter(|l| l.text.is_some()).count(), log.iter().filter(|l| l.text.is_none()).count())
    );
    assert!(log.iter().any(|l| l.attempt.debtor == "C010"), "who has only a phone is written to by SMS");
}

/// Rule R27, against the firm's own books.
async fn ties_out(folder: &Path) {
    let ledger = open(&folder.join("ledger.db")).await;
    let rows = sqlx::query("SELECT currency, balance FROM invoice WHERE status NOT IN ('paid', 'void')")
        .fetch_all(&ledger)
        .await
        .unwrap();
    let mut books: BTreeMap<String, i64> = BTreeMap::new();
    for row in &rows {
        let cents: i64 = row.get::<String, _>("balance").replace('.', "").parse().unwrap();
        *books.entry(row.get("currency")).or_default() += cents;
    }
    ledger.close().await;
    let setup = Setup::load(&folder.join("relance.toml"), BTreeMap::new()).unwrap();
    let store = Store::existing(&setup.settings.store, &setup.environment).await.unwrap();
    let evening = evening();
    let desk = Desk::new(setup, store, Clock::manual(evening)).await.unwrap();
    let conditions = desk.conditions(evening).await.unwrap();
    let keys = desk.store.open_debtors_after(0).await.unwrap();
    let mut states: BTreeMap<String, i64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for file in desk.files(&keys, evening).await.unwrap() {
        let zone = desk.setup.zone(&file.debtor);
        let world = |name: &str| desk.setup.cadence(name).map(|c| desk.world(&conditions, &file.debtor, &zone, c, evening));
        for (row, state, amount) in tie_out(&file, world) {
            assert!(seen.insert(row), "{row} is in two states, one of them {state}");
            *states.entry(amount.currency.code().to_owned()).or_default() += amount.minor;
        }
    }
    assert_eq!(states, books);
    desk.store.close().await;
}

/// Rule R1: no invoice has the same step twice in one term, and its stage never goes back.
fn once_a_term(story: &Story, log: &[Left]) {
    let mut had = BTreeSet::new();
    let mut furthest: BTreeMap<(&str, usize), usize> = BTreeMap::new();
    for left in log {
        for (number, stage, _) in left.named.iter().filter(|n| left.given.contains(&n.0)) {
            let stage = stage.as_deref().unwrap();
            let term = story.papers[number].term(left.day);
            let key = (number, term, stage.to_owned(), left.attempt.channel.clone());
            assert!(had.insert(key), "{number} had {stage} twice, again on {}", left.date);
            let before = furthest.insert((number, term), rank(stage)).unwrap_or_default();
            assert!(before <= rank(stage), "{number} went back to {stage} on {}", left.date);
        }
    }
    assert!(had.len() > 100);
}

fn rank(stage: &str) -> usize {
    ["courtesy", "reminder", "firm", "final"].iter().position(|s| *s == stage).unwrap()
}

/// Rule R2: nothing firm without the step below it, accepted in the same term; and what is given fits the day.
fn firmness(story: &Story, log: &[Left]) {
    let mut had: BTreeMap<(String, usize), BTreeSet<(usize, Date)>> = BTreeMap::new();
    for left in log {
        for (number, stage, late) in left.named.iter().filter(|n| left.given.contains(&n.0)) {
            let rank = rank(stage.as_deref().unwrap());
            let had = had.entry((number.clone(), story.papers[number].term(left.day))).or_default();
            if rank >= 2 {
                let lower = had.iter().any(|(r, on)| *r == rank - 1 && *on < left.date);
                assert!(lower, "{number}: {stage:?} on {} without the step below", left.date);
            }
            assert_eq!(rank > 0, *late > 0, "{number}: {stage:?} on {}, {late} days late", left.date);
            had.insert((rank, left.date));
        }
    }
}

/// Nothing is said of an invoice that the books say is paid, and nothing is asked for one that is not to be paid.
fn nothing_for_the_paid(story: &Story, log: &[Left]) {
    for left in log {
        let customer = &story.customers[&left.attempt.debtor];
        assert_eq!(customer.state, None, "{} was written to on {}", left.attempt.debtor, left.date);
        for (number, _, _) in &left.named {
            let paper = &story.papers[number];
            assert_eq!(paper.customer, left.attempt.debtor);
            assert!(!paper.is_paid(left.day), "{number} was paid, and is named on {}", left.date);
            let status = paper.status(left.day);
            assert!(!left.given.contains(number) || status == "open", "{number} is {status} and asked for on {}", left.date);
        }
    }
}

/// Whether the Belgian calendar counts the day: between September and November only Armistice Day falls in the week.
fn works(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && day != date(2026, 11, 11)
}

/// Rule R6: spacing and ceilings, over all channels and currencies.
fn pace(story: &Story, log: &[Left]) {
    let mut contacts: BTreeMap<&str, BTreeMap<i64, (Date, &str)>> = BTreeMap::new();
    for left in log {
        let of = contacts.entry(left.attempt.debtor.as_str()).or_default();
        of.insert(left.contact, (left.date, left.attempt.cadence.as_str()));
    }
    for (debtor, of) in contacts {
        let mut days: Vec<(Date, &str)> = of.into_values().collect();
        days.sort();
        let spacing = |cadence: &str| if cadence == "business" { 3 } else { 5 };
        for pair in days.windows(2) {
            let between = (1..=days_between(pair[0].0, pair[1].0)).filter(|n| works(plus_days(pair[0].0, *n))).count();
            assert!(between >= spacing(pair[1].1), "{debtor}: {} and {} are too close", pair[0].0, pair[1].0);
        }
        let month = if story.customers[debtor].consumer { 4 } else { 5 };
        for (last, _) in &days {
            for (span, most) in [(1, 1), (7, 3), (30, month)] {
                let inside = days.iter().filter(|(d, _)| (0..span).contains(&days_between(*d, *last))).count();
                assert!(inside <= most, "{debtor}: {inside} contacts in {span} days up to {last}");
            }
        }
    }
}

/// Rule R9: the debtor's own hours, on working days; R21: those of SMS.
fn hours(log: &[Left]) {
    for left in log {
        let (opens, closes) = if left.text.is_some() { (540, 1050) } else { (540, 1140) };
        assert!((opens..closes).contains(&left.minute), "{} on {} at minute {}", left.attempt.debtor, left.date, left.minute);
        assert!(works(left.date), "{} on {}", left.attempt.debtor, left.date);
    }
}

/// Each mail names the invoices that the log says it is about, and goes where the books say.
fn texts(story: &Story, log: &[Left]) {
    for (left, text) in log.iter().filter_map(|l| Some((l, l.text.as_ref()?))) {
        for (number, _, _) in &left.named {
            assert!(text.contains(number.as_str()), "{number} is not in the mail to {} of {}", left.attempt.debtor, left.date);
        }
        assert_eq!(left.attempt.address, story.customers[&left.attempt.debtor].email);
    }
}

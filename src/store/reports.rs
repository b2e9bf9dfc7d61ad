//! What the morning report reads that no other view shows, counted by the database; and whose copy of which day has left
//! (rule R28).

use super::db::{Store, day, instant, word};
use super::error::StoreError;
use super::sql::{Row, query};
use super::{keys, statements};
use crate::domain::currency::Currency;
use crate::domain::money::Money;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

statements! {
    /// What happened to invoices, by what it was and currency. A row that was cancelled was not paid.
    REPORT_EVENTS = "SELECT CASE WHEN e.kind = 'paid' AND i.status = 'void' THEN 'void' ELSE e.kind END AS what, i.currency, count(*) AS events,
            CAST(coalesce(sum(e.amount), 0) AS BIGINT) AS amount FROM event e JOIN invoice i ON i.pk = e.invoice_pk
        WHERE e.text <> '' AND e.at >= $1 AND e.at < $2 AND e.kind IN ('paid', 'part_paid', 'reopened') AND i.kind = 'invoice'
        GROUP BY 1, 2 ORDER BY 1, 2";
    REPORT_REOPENED = "SELECT d.source_id, d.name, i.number, i.currency, i.balance AS amount FROM event e JOIN invoice i ON i.pk = e.invoice_pk
        JOIN debtor d ON d.pk = i.debtor_pk WHERE e.text <> '' AND e.at >= $1 AND e.at < $2 AND e.kind = 'reopened' AND i.kind = 'invoice' AND i.presence <> 'closed'
        ORDER BY i.balance DESC, i.pk LIMIT $3";
    /// By way of people, a call is no message.
    REPORT_ACCEPTED = "SELECT a.step, a.channel, count(*) AS messages FROM attempt a
        WHERE a.at >= $1 AND a.at < $2 AND a.outcome = 'accepted' AND a.channel IN ('email', 'sms') GROUP BY a.step, a.channel ORDER BY 3 DESC, 1, 2";
    REPORT_REFUSED_COUNT = "SELECT count(*) FROM attempt a WHERE a.at >= $1 AND a.at < $2 AND a.outcome = 'refused' AND a.channel IN ('email', 'sms')";
    REPORT_REFUSED = "SELECT d.source_id, d.name, a.step, a.channel FROM attempt a JOIN debtor d ON d.pk = a.debtor_pk
        WHERE a.at >= $1 AND a.at < $2 AND a.outcome = 'refused' AND a.channel IN ('email', 'sms') ORDER BY a.pk DESC LIMIT $3";
    REPORT_PROMISES = "SELECT count(*) FILTER (WHERE at >= $1 AND at < $2) AS made,
            count(*) FILTER (WHERE state = 'kept' AND settled_at >= $1 AND settled_at < $2) AS kept,
            count(*) FILTER (WHERE state = 'broken' AND settled_at >= $1 AND settled_at < $2) AS broken FROM promise";
    REPORT_BROKEN = "SELECT d.source_id, d.name, p.until_day FROM promise p JOIN debtor d ON d.pk = p.debtor_pk
        WHERE p.state = 'broken' AND p.settled_at >= $1 AND p.settled_at < $2 ORDER BY p.pk DESC LIMIT $3";
    /// A customer who is to be called again, as agreed, stands on the call list; one who has paid since, nowhere.
    REPORT_HOLDS = "SELECT d.source_id, d.name, i.number, h.kind, h.until_day, h.reason, count(*) OVER () AS holds FROM hold h
        JOIN debtor d ON d.pk = h.debtor_pk LEFT JOIN invoice i ON i.pk = h.invoice_pk
        WHERE h.ended_at IS NULL AND h.until_day > $1 AND h.until_day <= $2 AND (h.kind <> 'call' OR
            (EXISTS (SELECT 1 FROM invoice o WHERE o.debtor_pk = h.debtor_pk AND o.kind = 'invoice' AND o.presence <> 'closed' AND o.due_on < $2)
             AND NOT EXISTS (SELECT 1 FROM task t WHERE t.debtor_pk = h.debtor_pk AND t.kind = 'call' AND t.state = 'open'
                AND t.redirected = $3 AND t.due_on <= $2)))
        ORDER BY h.until_day, h.pk LIMIT $4";
    REPORT_UNREACHABLE = "SELECT pk, source_id, name, unreachable_since, count(*) OVER () AS debtors FROM debtor
        WHERE unreachable_since IS NOT NULL ORDER BY unreachable_since DESC, pk LIMIT $1";
    /// Whom nobody has ever written to or spoken with.
    REPORT_STRANGERS = "SELECT d.pk FROM debtor d WHERE d.pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        AND NOT EXISTS (SELECT 1 FROM contact c WHERE c.debtor_pk = d.pk AND c.state IN ('left', 'maybe', 'dropped') AND c.redirected = $2)";
    /// The last promise and the day agreed in the last call, of debtors who are to be called.
    REPORT_AGREED = "SELECT d.pk, (SELECT p.state || ' ' || p.until_day FROM promise p WHERE p.debtor_pk = d.pk ORDER BY p.pk DESC LIMIT 1) AS promise,
            (SELECT c.next_on FROM call c WHERE c.debtor_pk = d.pk ORDER BY c.pk DESC LIMIT 1) AS next_on
        FROM debtor d WHERE d.pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))";
    REPORT_COPIES = "SELECT day, address, state, doubts, tries, next_at, at FROM report WHERE day >= $1 ORDER BY day, address";
    REPORT_LAST_DAY = "SELECT max(day) FROM report WHERE day < $1";
    REPORT_NEWEST = "SELECT day, address, state, doubts, tries, next_at, at FROM report ORDER BY day DESC, at DESC LIMIT 1";
    /// Whoever finds a copy being sent is its heir: it may have left.
    REPORT_MARK = "INSERT INTO report (day, address, state, tries, next_at, at) VALUES ($1, $2, 'sending', 1, $3, $3)
        ON CONFLICT (day, address) DO UPDATE SET state = 'sending', tries = report.tries + 1, at = excluded.at,
            doubts = report.doubts + CASE WHEN report.state = 'sending' THEN 1 ELSE 0 END
        WHERE report.state IN ('due', 'sending') AND report.next_at <= excluded.at RETURNING doubts";
    REPORT_SETTLE = "UPDATE report SET state = $3, doubts = doubts + $4, next_at = $5, at = $6 WHERE day = $1 AND address = $2 AND state = 'sending'";
    REPORT_TRIM = "DELETE FROM report WHERE day < $1";
}

/// What happened to invoices in a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// How often.
    pub count: u64,
    /// How much, by currency, as far as it is known.
    pub sums: BTreeMap<Currency, i64>,
}

/// Messages that were accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedRow {
    /// The step.
    pub step: String,
    /// The channel.
    pub channel: String,
    /// How many.
    pub count: u64,
}

/// Somebody, with what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The debtor's id in the source.
    pub debtor: String,
    /// The debtor's name.
    pub name: String,
    /// The number of an invoice, the step of a message.
    pub what: Option<String>,
    /// A channel, a kind of hold.
    pub how: Option<String>,
    /// A day: of a promise, of a hold's end.
    pub on: Option<Date>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Words of a person.
    pub text: Option<String>,
    /// An amount.
    pub amount: Option<Money>,
}

/// A list cut short, with how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Few {
    /// All of them.
    pub count: u64,
    /// The first.
    pub list: Vec<Told>,
}

/// Promises in a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PromiseCounts {
    /// Made.
    pub made: u64,
    /// Found to be kept.
    pub kept: u64,
    /// Found to be broken.
    pub broken: u64,
}

/// What was agreed with a debtor last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    /// State and day of the last promise.
    pub promise: Option<(String, Date)>,
    /// The day agreed in the last call.
    pub next_on: Option<String>,
}

/// A copy of a day's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The day.
    pub day: Date,
    /// To whom.
    pub address: String,
    /// `due`, `sending`, `sent`, `doubtful`, `refused`.
    pub state: String,
    /// How often it may have left without anybody knowing.
    pub doubts: u32,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next, if it is due.
    pub next_at: Timestamp,
    /// When it came to this state.
    pub at: Timestamp,
}

/// A stretch of time: from an instant until before another.
pub type Stretch = (Timestamp, Timestamp);

impl Store {
    /// What happened to invoices: `paid`, `void`, `part_paid`, `reopened`.
    pub async fn happened(&self, (from, until): Stretch) -> Result<BTreeMap<String, Happened>, StoreError> {
        let query = query(REPORT_EVENTS).bind(from.as_millisecond()).bind(until.as_millisecond());
        let mut all: BTreeMap<String, Happened> = BTreeMap::new();
        for row in &query.all(&self.reader).await? {
            let code: String = row.get("currency")?;
            let entry = all.entry(row.get("what")?).or_default();
            entry.count += row.count("events")?;
            entry.sums.insert(word(Currency::parse(&code), &code)?, row.get("amount")?);
        }
        Ok(all)
    }

    /// The largest invoices that are open again after they were paid.
    pub async fn reopened(&self, (from, until): Stretch, most: i64) -> Result<Vec<Told>, StoreError> {
        let query = query(REPORT_REOPENED).bind(from.as_millisecond()).bind(until.as_millisecond()).bind(most);
        let told = |row: &Row| {
            let code: String = row.get("currency")?;
            let amount = Some(Money::new(row.get("amount")?, word(Currency::parse(&code), &code)?));
            Ok(Told { what: row.get("number")?, amount, ..who(row)? })
        };
        query.all(&self.reader).await?.iter().map(told).collect()
    }

    /// Messages that the other side accepted, by step and channel.
    pub async fn accepted(&self, (from, until): Stretch) -> Result<Vec<AcceptedRow>, StoreError> {
        let query = query(REPORT_ACCEPTED).bind(from.as_millisecond()).bind(until.as_millisecond());
        let accepted =
            |row: &Row| Ok(AcceptedRow { step: row.get("step")?, channel: row.get("channel")?, count: row.count("messages")? });
        query.all(&self.reader).await?.iter().map(accepted).collect()
    }

    /// Messages that the other side refused for good, the newest first.
    pub async fn refused(&self, (from, until): Stretch, most: i64) -> Result<Few, StoreError> {
        let (from, until) = (from.as_millisecond(), until.as_millisecond());
        let count: i64 = query(REPORT_REFUSED_COUNT).bind(from).bind(until).sure(&self.reader).await?;
        let rows = query(REPORT_REFUSED).bind(from).bind(until).bind(most).all(&self.reader).await?;
        let told = |row: &Row| Ok(Told { what: row.get("step")?, how: row.get("channel")?, ..who(row)? });
        Ok(Few { count: count.max(0) as u64, list: rows.iter().map(told).collect::<Result<_, StoreError>>()? })
    }

    /// Promises that were made, kept and broken; and the last that were broken.
    pub async fn promises(&self, (from, until): Stretch, most: i64) -> Result<(PromiseCounts, Vec<Told>), StoreError> {
        let (from, until) = (from.as_millisecond(), until.as_millisecond());
        let row = query(REPORT_PROMISES).bind(from).bind(until).one(&self.reader).await?;
        let counts = PromiseCounts { made: row.count("made")?, kept: row.count("kept")?, broken: row.count("broken")? };
        let rows = query(REPORT_BROKEN).bind(from).bind(until).bind(most).all(&self.reader).await?;
        let told = |row: &Row| Ok(Told { on: Some(day(&row.get::<String>("until_day")?)?), ..who(row)? });
        Ok((counts, rows.iter().map(told).collect::<Result<_, StoreError>>()?))
    }

    /// Holds that end after one day and by another, but for those whose end is on the call list.
    pub async fn holds_ending(&self, (after, by): (Date, Date), redirected: bool, most: i64) -> Result<Few, StoreError> {
        let query = query(REPORT_HOLDS).bind(after.to_string()).bind(by.to_string()).bind(redirected).bind(most);
        let rows = query.all(&self.reader).await?;
        let told = |row: &Row| {
            let on = Some(day(&row.get::<String>("until_day")?)?);
            Ok(Told { what: row.get("number")?, how: row.get("kind")?, on, text: row.get("reason")?, ..who(row)? })
        };
        few(&rows, "holds", told)
    }

    /// Debtors who cannot be reached, the latest first, and their keys.
    pub async fn out_of_reach(&self, most: i64) -> Result<(Few, Vec<i64>), StoreError> {
        let rows = query(REPORT_UNREACHABLE).bind(most).all(&self.reader).await?;
        let few = few(&rows, "debtors", |row| Ok(Told { since: Some(instant(row.get("unreachable_since")?)?), ..who(row)? }))?;
        Ok((few, rows.iter().map(|row| row.get("pk")).collect::<Result<_, _>>()?))
    }

    /// Those of some debtors to whom nothing has ever left.
    pub async fn strangers(&self, debtors: &[i64], redirected: bool) -> Result<BTreeSet<i64>, StoreError> {
        if debtors.is_empty() {
            return Ok(BTreeSet::new());
        }
        let query = query(REPORT_STRANGERS).bind(keys(debtors.iter().copied())).bind(redirected);
        Ok(query.list(&self.reader).await?.into_iter().collect())
    }

    /// What was agreed last with some debtors.
    pub async fn agreed(&self, debtors: &[i64]) -> Result<BTreeMap<i64, Agreed>, StoreError> {
        let rows = query(REPORT_AGREED).bind(keys(debtors.iter().copied())).all(&self.reader).await?;
        let agreed = |row: &Row| {
            let promise: Option<String> = row.get("promise")?;
            let promise = match promise.as_deref().and_then(|p| p.split_once(' ')) {
                Some((state, until)) => Some((state.to_owned(), day(until)?)),
                None => None,
            };
            Ok((row.get("pk")?, Agreed { promise, next_on: row.get("next_on")? }))
        };
        rows.iter().map(agreed).collect()
    }

    /// The copies of the report of a day and later.
    pub async fn report_copies(&self, from: Date) -> Result<Vec<Copy>, StoreError> {
        query(REPORT_COPIES).bind(from.to_string()).all(&self.reader).await?.iter().map(copy).collect()
    }

    /// The last day before another of which a report was begun.
    pub async fn last_report_before(&self, before: Date) -> Result<Option<Date>, StoreError> {
        let found: Option<String> = query(REPORT_LAST_DAY).bind(before.to_string()).sure(&self.reader).await?;
        found.map(|text| day(&text)).transpose()
    }

    /// The copy that moved last.
    pub async fn newest_report(&self) -> Result<Option<Copy>, StoreError> {
        query(REPORT_NEWEST).optional(&self.reader).await?.as_ref().map(copy).transpose()
    }

    /// Marks a copy as being sent, before its first byte leaves; gives how often it may have left before, `None` when it is
    /// not to be sent. Copies of long ago are let go.
    pub async fn begin_report(&self, of: Date, address: &str, now: Timestamp) -> Result<Option<u32>, StoreError> {
        let mut tx = self.begin().await?;
        let old = crate::domain::time::plus_days(of, -90);
        query(REPORT_TRIM).bind(old.to_string()).execute(&mut tx).await?;
        let mark = query(REPORT_MARK).bind(of.to_string()).bind(address).bind(now.as_millisecond());
        let doubts: Option<i64> = mark.value(&mut tx).await?;
        tx.commit().await?;
        Ok(doubts.map(|n| n.max(0) as u32))
    }

    /// What became of a copy: its state, whether it may have left, and when it is tried again.
    pub async fn settle_report(
        &self,
        copy: (Date, &str),
        state: &str,
        doubtful: bool,
        next: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let settle = query(REPORT_SETTLE).bind(copy.0.to_string()).bind(copy.1).bind(state).bind(doubtful);
        self.write(settle.bind(next.as_millisecond()).bind(now.as_millisecond())).await?;
        Ok(())
    }
}

fn who(row: &Row) -> Result<Told, StoreError> {
    let (debtor, name) = (row.get("source_id")?, row.get("name")?);
    Ok(Told { debtor, name, what: None, how: None, on: None, since: None, text: None, amount: None })
}

fn few(rows: &[Row], count: &str, told: impl Fn(&Row) -> Result<Told, StoreError>) -> Result<Few, StoreError> {
    let all = rows.first().map_or(Ok(0), |row| row.count(count))?;
    Ok(Few { count: all, list: rows.iter().map(told).collect::<Result<_, _>>()? })
}

fn copy(row: &Row) -> Result<Copy, StoreError> {
    Ok(Copy {
        day: day(&row.get::<String>("day")?)?,
        address: row.get("address")?,
        state: row.get("state")?,
        doubts: row.count("doubts")? as u32,
        tries: row.count("tries")? as u32,
        next_at: instant(row.get("next_at")?)?,
        at: instant(row.get("at")?)?,
    })
}

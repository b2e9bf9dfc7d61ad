//! What speaks for and against reaching a debtor, in order; and what was made of it, where decisions need it.

use super::db::{Store, day, instant, word};
use super::error::StoreError;
use super::packed::{json, packed, unpack};
use super::settle::SETTLE_LOOK;
use super::sql::query;
use super::{keys, statements};
use crate::domain::attempt::FaultClass;
use crate::domain::debtor::Role;
use crate::domain::people::{PeopleWord, point_of};
use crate::domain::reach::{CallCame, Evidence, Kind, Point};
use crate::domain::step::Channel;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

statements! {
    /// All that counts of some debtors, of each kind the newest 200 of a debtor. What was redirected says nothing of them, and
    /// what was taken counts only when it did not come back.
    REACH_EVIDENCE = packed!("e.debtor_pk, e.at, e.kind, e.class, e.channel, e.address, e.role, e.text, e.more, e.ended_at"
        "FROM (
        SELECT a.debtor_pk, a.at, CASE WHEN a.outcome = 'accepted' THEN 'accepted' WHEN coalesce(w.why, a.why) <> 'returned' OR coalesce(w.why, a.why) IS NULL THEN 'refused'
                WHEN m.state = 'expired' THEN 'expired' ELSE 'returned' END AS kind,
            a.class, m.channel, m.address, coalesce(m.role, a.person) AS role,
            CASE WHEN a.outcome = 'accepted' THEN a.step ELSE a.step || ': ' || coalesce(w.answer, a.answer, w.why, a.why, '') END AS text,
            CAST(NULL AS TEXT) AS more, CAST(NULL AS BIGINT) AS ended_at, a.pk, row_number() OVER (PARTITION BY a.debtor_pk ORDER BY a.pk DESC) AS place
        FROM attempt a JOIN message m ON m.pk = a.message_pk JOIN contact c ON c.pk = m.contact_pk LEFT JOIN words w ON w.attempt_pk = a.pk
        WHERE a.debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND c.redirected = 0 AND m.address <> ''
          AND (a.outcome = 'refused' OR (a.outcome = 'accepted' AND m.state NOT IN ('refused', 'expired')))
        UNION ALL
        SELECT b.debtor_pk, b.at, CASE WHEN b.kind <> 'reply' OR b.via <> 'page' THEN b.kind
                WHEN EXISTS (SELECT 1 FROM proposal p WHERE p.inbound_pk = b.pk AND p.kind = 'person') THEN 'page_person' ELSE 'page' END, b.class, coalesce(m.channel, CASE b.via WHEN 'mail' THEN 'email' WHEN 'sms' THEN 'sms' END),
            CASE WHEN b.kind IN ('reply', 'stop') THEN coalesce(CASE WHEN b.matched_by = 'address' THEN b.sender END, m.address) ELSE m.address END, m.role,
            CASE WHEN b.kind IN ('reply', 'stop', 'automatic', 'delayed') THEN b.subject ELSE '' END, CASE WHEN b.kind = 'reply' THEN b.matched_by WHEN b.matched_by = 'address' THEN NULL ELSE b.back_on END, CAST(NULL AS BIGINT),
            b.pk, row_number() OVER (PARTITION BY b.debtor_pk ORDER BY b.pk DESC)
        FROM inbound b LEFT JOIN message m ON m.pk = b.message_pk LEFT JOIN contact c ON c.pk = m.contact_pk
        WHERE b.debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND coalesce(c.redirected, 0) = 0 AND b.kind IN ('delayed', 'delivered', 'automatic', 'reply', 'stop')
        UNION ALL
        SELECT l.debtor_pk, l.at, 'call_' || l.outcome, CAST(NULL AS TEXT), 'sms', l.number, l.role, coalesce(l.note, ''), CAST(NULL AS TEXT), CAST(NULL AS BIGINT),
            l.pk, row_number() OVER (PARTITION BY l.debtor_pk ORDER BY l.pk DESC)
        FROM call l WHERE l.debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        UNION ALL
        SELECT v.debtor_pk, v.at, CASE v.kind WHEN 'bank_paid' THEN 'paid' WHEN 'bank_part_paid' THEN 'part_paid' ELSE v.kind END, CAST(NULL AS TEXT), CAST(NULL AS TEXT), CASE WHEN v.kind = 'address' THEN v.text END, CAST(NULL AS TEXT),
            CASE WHEN v.kind = 'address' THEN 'the ledger has it' ELSE coalesce(i.number, v.text) END, CAST(NULL AS TEXT), CAST(NULL AS BIGINT),
            v.pk, row_number() OVER (PARTITION BY v.debtor_pk ORDER BY v.pk DESC)
        FROM event v LEFT JOIN invoice i ON i.pk = v.invoice_pk
        WHERE v.debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND v.kind IN ('paid', 'part_paid', 'bank_paid', 'bank_part_paid', 'address') AND v.text <> ''
        UNION ALL
        SELECT s.debtor_pk, s.at, 'people', CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT), s.reason, s.value, s.ended_at,
            s.pk, row_number() OVER (PARTITION BY s.debtor_pk ORDER BY s.pk DESC)
        FROM standing s WHERE s.debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1)) AND s.matter = 'contacts'
        UNION ALL
        SELECT p.debtor_pk, p.since, 'point_' || p.state, CAST(NULL AS TEXT), p.channel, p.address, CAST(NULL AS TEXT), p.evidence, CAST(NULL AS TEXT), CAST(NULL AS BIGINT), 0, 0
        FROM point p WHERE p.debtor_pk IN (SELECT CAST(value AS BIGINT) FROM json_each($1))
        ) e WHERE e.place <= 200" by "e.debtor_pk, e.at, e.pk");
    /// Of what was taken only where there are so many contacts without a sign that something may come of it.
    REACH_ATTEMPTS = "SELECT a.pk, a.debtor_pk, CAST(CASE WHEN a.outcome <> 'accepted' OR a.channel IS NULL OR a.channel NOT IN ('email', 'sms') THEN 1
            WHEN (SELECT count(*) FROM contact c WHERE c.debtor_pk = a.debtor_pk AND c.at > coalesce((SELECT d.last_sign_at FROM debtor d WHERE d.pk = a.debtor_pk), 0)
                AND c.state = 'left' AND c.redirected = 0) >= $2 THEN 1 ELSE 0 END AS BIGINT) AS counts
        FROM attempt a WHERE a.pk > $1 ORDER BY a.pk LIMIT 2000";
    REACH_EVENTS = "SELECT v.pk, v.debtor_pk FROM event v WHERE v.pk > $1 ORDER BY v.pk LIMIT 2000";
    REACH_NEWEST = "SELECT (SELECT coalesce(max(pk), 0) FROM attempt) AS attempts, (SELECT coalesce(max(pk), 0) FROM event) AS events";
    REACH_SUSPECTS_GO = "DELETE FROM point WHERE debtor_pk = $1 AND state = 'suspect'";
    REACH_SUSPECT = "INSERT INTO point (debtor_pk, channel, address, since, evidence, state) VALUES ($1, $2, $3, $4, $5, 'suspect')
        ON CONFLICT (debtor_pk, channel, address) DO NOTHING";
    REACH_ALIVE = "DELETE FROM point WHERE debtor_pk = $1 AND channel = $2 AND address = $3 AND state = 'dead' AND since <= $4";
    REACH_LOST = "SELECT unreachable_since, unreachable_why FROM debtor WHERE pk = $1";
    REACH_AGAIN = "UPDATE debtor SET unreachable_since = NULL, unreachable_why = NULL
        WHERE pk = $1 AND unreachable_since IS NOT NULL AND unreachable_why NOT LIKE 'no usable address%'";
    REACH_TASKS_CLOSE = "UPDATE task SET state = 'closed', settled_at = $1, why = 'can be reached again' WHERE settled_at IS NULL AND key LIKE 'reach:%'
        AND EXISTS (SELECT 1 FROM debtor d WHERE d.pk = task.debtor_pk AND d.unreachable_since IS NULL)";
}

#[derive(Deserialize)]
struct Row {
    debtor_pk: i64,
    at: i64,
    kind: String,
    class: Option<String>,
    channel: Option<String>,
    address: Option<String>,
    role: Option<String>,
    text: String,
    more: Option<String>,
    ended_at: Option<i64>,
}

/// An address with what is on record of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Which.
    pub point: Point,
    /// There is nobody behind it; else it is suspect.
    pub dead: bool,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub why: String,
}

/// All that is on record of a debtor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// What happened.
    pub evidence: Vec<Evidence>,
    /// What was made of it so far.
    pub recorded: Vec<Recorded>,
}

/// Debtors of whom something has happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Their keys, each once.
    pub debtors: Vec<i64>,
    /// So far was read: attempts and events.
    pub read: (i64, i64),
}

impl Store {
    /// What is on record of some debtors, by store key.
    pub async fn reach_known(&self, debtors: &[i64]) -> Result<BTreeMap<i64, Known>, StoreError> {
        let rows: Vec<Row> = unpack(query(REACH_EVIDENCE).bind(keys(debtors.iter().copied())), &self.reader).await?;
        let mut known: BTreeMap<i64, Known> = BTreeMap::new();
        let mut words: BTreeMap<i64, Vec<Row>> = BTreeMap::new();
        for row in rows {
            let of = known.entry(row.debtor_pk).or_default();
            match row.kind.as_str() {
                "people" => words.entry(row.debtor_pk).or_default().push(row),
                "point_dead" | "point_suspect" => of.recorded.extend(recorded(row)?),
                _ => of.evidence.extend(evidence(row)?),
            }
        }
        for (debtor, said) in words {
            known.entry(debtor).or_default().evidence.extend(people(&said)?);
        }
        for of in known.values_mut() {
            remember(of);
        }
        Ok(known)
    }

    /// Debtors of whom something has happened since, behind the attempts and events that were read. Of what was taken only
    /// those with at least `contacts` contacts since their last sign.
    pub async fn reach_touched(&self, since: (i64, i64), contacts: i64) -> Result<Touched, StoreError> {
        let mut touched = Touched { read: since, ..Touched::default() };
        for row in query(REACH_ATTEMPTS).bind(since.0).bind(contacts).all(&self.reader).await? {
            touched.read.0 = row.get("pk")?;
            if row.get::<i64>("counts")? != 0 {
                touched.debtors.push(row.get("debtor_pk")?);
            }
        }
        for row in query(REACH_EVENTS).bind(since.1).all(&self.reader).await? {
            touched.read.1 = row.get("pk")?;
            touched.debtors.push(row.get("debtor_pk")?);
        }
        touched.debtors.sort_unstable();
        touched.debtors.dedup();
        Ok(touched)
    }

    /// The newest attempt and event.
    pub async fn reach_newest(&self) -> Result<(i64, i64), StoreError> {
        let row = query(REACH_NEWEST).one(&self.reader).await?;
        Ok((row.get("attempts")?, row.get("events")?))
    }

    /// Writes what was made of a debtor's evidence: which addresses are suspect, and which of the dead are not. The case is
    /// looked at again.
    pub async fn set_points(
        &self,
        debtor_pk: i64,
        suspects: &[Recorded],
        alive: &[Recorded],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        query(REACH_SUSPECTS_GO).bind(debtor_pk).execute(&mut tx).await?;
        for s in suspects {
            let new = query(REACH_SUSPECT).bind(debtor_pk).bind(s.point.channel.as_str()).bind(&s.point.address);
            new.bind(s.since.as_millisecond()).bind(&s.why).execute(&mut tx).await?;
        }
        for a in alive {
            let gone = query(REACH_ALIVE).bind(debtor_pk).bind(a.point.channel.as_str()).bind(&a.point.address);
            gone.bind(a.since.as_millisecond()).execute(&mut tx).await?;
        }
        query(SETTLE_LOOK).bind(keys([debtor_pk])).bind(now.as_millisecond()).execute(&mut tx).await?;
        tx.commit().await
    }

    /// Since when a debtor cannot be reached, and why; `None` when it can.
    pub async fn lost(&self, debtor_pk: i64) -> Result<Option<(Timestamp, String)>, StoreError> {
        let Some(row) = query(REACH_LOST).bind(debtor_pk).optional(&self.reader).await? else { return Ok(None) };
        let since: Option<i64> = row.get("unreachable_since")?;
        since.map(|at| Ok((instant(at)?, row.get::<Option<String>>("unreachable_why")?.unwrap_or_default()))).transpose()
    }

    /// A debtor who was silent can be reached again.
    pub async fn heard_again(&self, debtor_pk: i64) -> Result<(), StoreError> {
        self.write(query(REACH_AGAIN).bind(debtor_pk)).await?;
        Ok(())
    }

    /// Tasks about debtors who can be reached again are over.
    pub async fn close_reach_tasks(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(query(REACH_TASKS_CLOSE).bind(now.as_millisecond())).await?;
        Ok(())
    }

    /// Writes tasks that belong to no step.
    pub async fn give_out(&self, tasks: &[super::tasks::NewTask], now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        super::tasks::insert(&mut tx, tasks, now.as_millisecond()).await?;
        tx.commit().await
    }
}

/// How far was read, as it is kept.
pub fn read_mark(read: (i64, i64)) -> Result<String, StoreError> {
    json(&[read.0, read.1])
}

/// The other way; nothing that can be read is the beginning.
pub fn parse_mark(text: Option<&str>) -> (i64, i64) {
    text.and_then(|t| serde_json::from_str::<[i64; 2]>(t).ok()).map_or((0, 0), |[a, e]| (a, e))
}

fn point(channel: Option<&str>, address: Option<String>) -> Option<Point> {
    let address = address.filter(|a| !a.is_empty())?;
    match channel.and_then(Channel::parse) {
        Some(channel) => Some(Point { channel, address }),
        None => Some(point_of(&address)),
    }
}

/// A role; a message without one went to whom the ledger's own columns name.
fn role(text: Option<&str>) -> Option<Role> {
    text.and_then(Role::parse)
}

fn evidence(row: Row) -> Result<Option<Evidence>, StoreError> {
    let class = row.class.as_deref().and_then(FaultClass::parse).unwrap_or(FaultClass::Server);
    let kind = match row.kind.as_str() {
        "accepted" => Kind::Accepted,
        "refused" => Kind::Refused(class),
        "returned" => Kind::Returned { class, expired: false },
        "expired" => Kind::Returned { class, expired: true },
        "delayed" => Kind::Delayed(class),
        "delivered" => Kind::Delivered,
        "automatic" => Kind::Automatic { back_on: row.more.as_deref().map(day).transpose()? },
        "reply" => Kind::Reply { sure: row.more.as_deref() != Some("address") },
        "page" => Kind::PageAnswer,
        "page_person" => Kind::WrongPerson,
        "stop" => Kind::Stop,
        "paid" => Kind::Paid,
        "part_paid" => Kind::PartPaid,
        "address" => Kind::Added,
        other => match other.strip_prefix("call_") {
            Some(came) => Kind::Call(word(CallCame::parse(came), came)?),
            None => return Ok(None),
        },
    };
    let point = point(row.channel.as_deref(), row.address);
    // Of what was erased nothing is known any more but that it was.
    Ok(Some(Evidence { at: instant(row.at)?, kind, point, role: role(row.role.as_deref()), text: row.text }))
}

fn recorded(row: Row) -> Result<Option<Recorded>, StoreError> {
    let (dead, since) = (row.kind == "point_dead", instant(row.at)?);
    Ok(point(row.channel.as_deref(), row.address).map(|point| Recorded { point, dead, since, why: row.text }))
}

/// What is on record as dead stays so even where what killed it is no longer kept.
fn remember(known: &mut Known) {
    for dead in known.recorded.iter().filter(|r| r.dead) {
        let kills = |e: &Evidence| {
            matches!(
                e.kind,
                Kind::Refused(FaultClass::Address)
                    | Kind::Returned { class: FaultClass::Address, .. }
                    | Kind::Call(CallCame::WrongNumber)
            )
        };
        if known.evidence.iter().any(|e| e.point.as_ref() == Some(&dead.point) && kills(e)) {
            continue;
        }
        known.evidence.push(Evidence {
            at: dead.since,
            kind: Kind::Refused(FaultClass::Address),
            point: Some(dead.point.clone()),
            role: None,
            text: dead.why.clone(),
        });
    }
}

/// What people said of addresses, word by word: each in place of the one before it, as long as that held.
fn people(said: &[Row]) -> Result<Vec<Evidence>, StoreError> {
    let mut found = Vec::new();
    let mut before: Option<(PeopleWord, i64)> = None;
    const TAKEN_BACK: &str = "as the ledger says again";
    let mut change = |from: &PeopleWord, to: &PeopleWord, at: i64, text: &str| -> Result<(), StoreError> {
        let at = instant(at)?;
        let made = from.changes(to).into_iter();
        found.extend(made.map(|(kind, point, role)| Evidence { at, kind, point: Some(point), role, text: text.to_owned() }));
        Ok(())
    };
    for row in said {
        let word = PeopleWord::parse(row.more.as_deref()).unwrap_or_default();
        let (old, ended) = before.take().unwrap_or_default();
        match ended < row.at {
            true => {
                change(&old, &PeopleWord::default(), ended, TAKEN_BACK)?;
                change(&PeopleWord::default(), &word, row.at, &row.text)?;
            }
            false => change(&old, &word, row.at, &row.text)?,
        }
        before = Some((word, row.ended_at.unwrap_or(i64::MAX)));
    }
    if let Some((old, ended)) = before.filter(|(_, ended)| *ended < i64::MAX) {
        change(&old, &PeopleWord::default(), ended, TAKEN_BACK)?;
    }
    Ok(found)
}

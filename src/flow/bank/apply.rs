//! Entries of statements, matched with what is open and put on record one by one, in the order of the file.

use super::Round;
use crate::domain::bank::{Candidate, Entry, EntryKind, Judged, Near, Seek, judge, keys, undone};
use crate::domain::calendar::plus_working_days;
use crate::domain::time::{local_date, plus_days};
use crate::flow::desk::{Desk, DeskError};
use crate::flow::pulse::Pump;
use crate::store::bank::{Kept, Matched, Taking};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::HashMap;

/// Bank days for which an invoice that is likely paid is not written about.
const PAUSE: i32 = 3;

/// A reversal looks back so many days for what it takes back: direct debits may come back for thirteen months.
const LOOK_BACK: i64 = 400;

/// What pays nothing known is tried again for so many days.
const TRY_AGAIN: i64 = 31;

/// The day and the ends of holds that begin on it.
struct Days {
    today: Date,
    wait: Date,
    pause: Date,
}

impl Days {
    fn of(desk: &Desk, now: Timestamp) -> Days {
        let creditor = &desk.setup.settings.creditor;
        let today = local_date(now, &creditor.timezone);
        let wait = super::settle::wait(desk, today);
        Days { today, wait, pause: plus_working_days(today, PAUSE, creditor.calendar.as_deref()) }
    }
}

/// Takes in the entries of a file; gives how many had not come before.
pub(super) async fn entries(desk: &Desk, list: &[Entry], round: &mut Round, now: Timestamp) -> Result<u64, DeskError> {
    let all = keys(list);
    let known = desk.store.bank_known(&all).await?;
    let new: Vec<(&Entry, &String)> = list.iter().zip(&all).filter(|(_, key)| !known.contains(*key)).collect();
    let entries: Vec<&Entry> = new.iter().map(|(entry, _)| *entry).collect();
    let candidates = candidates(desk, &entries).await?;
    let mut taker = Taker { desk, now, days: Days::of(desk, now), covered: HashMap::new(), waiting: waiting(desk, now).await? };
    let mut fresh = 0;
    for ((entry, key), mut perhaps) in new.into_iter().zip(candidates) {
        desk.pulses.moved(Pump::Bank);
        taker.settle_covered(&mut perhaps);
        let taken = match entry.kind {
            EntryKind::Credit => taker.credit(entry, key, &perhaps, round).await?,
            EntryKind::Reversal => taker.reversal(entry, key, &perhaps, round).await?,
            EntryKind::Debit => taker.debit(entry, key, round).await?,
        };
        fresh += u64::from(taken);
    }
    Ok(fresh)
}

/// The open invoices that each entry may have to do with. The ledger is gone through once, however many entries there are.
async fn candidates(desk: &Desk, entries: &[&Entry]) -> Result<Vec<Vec<Candidate>>, DeskError> {
    let mut found: Vec<Vec<Candidate>> = vec![Vec::new(); entries.len()];
    if entries.is_empty() {
        return Ok(found);
    }
    let seek = Seek::new(entries.iter().copied());
    let mut above = 0;
    loop {
        let page = desk.store.bank_open(above).await?;
        let Some(last) = page.last() else { return Ok(found) };
        above = last.pk;
        desk.pulses.moved(Pump::Bank);
        for invoice in page {
            for n in seek.entries_for(&invoice) {
                if let Some(list) = found.get_mut(n) {
                    list.push(invoice.clone());
                }
            }
        }
    }
}

/// Reversals that have taken nothing back yet.
async fn waiting(desk: &Desk, now: Timestamp) -> Result<Vec<Kept>, DeskError> {
    let today = local_date(now, &desk.setup.settings.creditor.timezone);
    Ok(desk.store.bank_in("waiting", plus_days(today, -TRY_AGAIN), 0).await?)
}

struct Taker<'d> {
    desk: &'d Desk,
    now: Timestamp,
    days: Days,
    /// What entries of this file cover, by invoice.
    covered: HashMap<i64, i64>,
    waiting: Vec<Kept>,
}

impl Taker<'_> {
    fn settle_covered(&self, list: &mut [Candidate]) {
        for candidate in list {
            let more = self.covered.get(&candidate.pk).copied().unwrap_or_default();
            candidate.covered = candidate.covered.saturating_add(more);
        }
    }

    async fn take(&self, taking: Taking<'_>) -> Result<bool, DeskError> {
        let state = taking.state;
        let taken = self.desk.store.bank_take(&taking, self.now).await?.is_some();
        if taken {
            self.desk.tally.banked(state);
        }
        Ok(taken)
    }

    /// Money came.
    async fn credit(&mut self, entry: &Entry, key: &str, perhaps: &[Candidate], round: &mut Round) -> Result<bool, DeskError> {
        if let Some(reversal) = self.taken_back(entry) {
            // What took it back came first.
            let taking = Taking { entry, key, state: "reversed", why: None, matched: vec![], undoes: None };
            let taken = self.take(taking).await?;
            self.desk.store.bank_met(reversal).await?;
            return Ok(taken);
        }
        let (state, why, matched) = self.judged(entry, perhaps);
        for m in matched.iter().filter(|m| m.state == "live") {
            let covered = self.covered.entry(m.invoice_pk).or_default();
            *covered = covered.saturating_add(m.amount);
        }
        round.matched += u64::from(state == "matched");
        round.proposed += u64::from(state == "proposed");
        self.take(Taking { entry, key, state, why, matched, undoes: None }).await
    }

    /// What a credit comes to: its state, why, and what it pays.
    fn judged(&self, entry: &Entry, perhaps: &[Candidate]) -> (&'static str, Option<String>, Vec<Matched>) {
        let live = |pk: i64, amount: i64, kind: &'static str| Matched {
            invoice_pk: pk,
            state: "live",
            amount,
            until: Some(self.days.wait),
            event: Some((kind, format!("{} came on {}, not in the ledger yet", entry.amount, entry.booked_on))),
        };
        match judge(entry, perhaps, self.days.today) {
            Judged::Certain(shares) => ("matched", None, shares.iter().map(|s| live(s.pk, s.amount, "bank_paid")).collect()),
            // The whole invoice rests: a letter that asks for all of it would be wrong, and one that takes off what is not
            // in the books would name a sum that nobody finds there. When the ledger has it, R12 goes on from there.
            Judged::Part(share) => ("matched", None, vec![live(share.pk, share.amount, "bank_part_paid")]),
            Judged::Near { why, perhaps, pause } => {
                let matched = |pk: &i64| Matched {
                    invoice_pk: *pk,
                    state: if pause == Some(*pk) { "paused" } else { "perhaps" },
                    amount: entry.amount.minor,
                    until: (pause == Some(*pk)).then_some(self.days.pause),
                    event: (pause == Some(*pk))
                        .then(|| ("bank_near", format!("{} came on {}: {}", entry.amount, entry.booked_on, why.text()))),
                };
                ("proposed", Some(why.as_str().to_owned()), perhaps.iter().take(20).map(matched).collect())
            }
            Judged::Nothing => ("unmatched", None, vec![]),
        }
    }

    /// A reversal that waits for this credit. One that was booked on the same day may be of another payment, unless both bear
    /// the same name: then the money that is here counts.
    fn taken_back(&mut self, credit: &Entry) -> Option<i64> {
        let at = self.waiting.iter().position(|w| {
            let r = &w.entry;
            let alike = r.account == credit.account && r.amount == credit.amount;
            let same = r.end_to_end.is_some() && r.end_to_end == credit.end_to_end;
            let past = crate::domain::bank::Past {
                pk: 0,
                booked_on: credit.booked_on,
                references: crate::domain::bank::references(credit),
                bank_ref: credit.bank_ref.clone(),
                end_to_end: credit.end_to_end.clone(),
                iban: None,
            };
            alike && (credit.booked_on < r.booked_on || same) && undone(r, &[past]).is_some()
        })?;
        Some(self.waiting.remove(at).pk)
    }

    /// The bank took money back.
    async fn reversal(&mut self, entry: &Entry, key: &str, perhaps: &[Candidate], round: &mut Round) -> Result<bool, DeskError> {
        let past = self.desk.store.bank_past(entry, plus_days(entry.booked_on, -LOOK_BACK)).await?;
        let of_debit = |c: &&Candidate| entry.returns_debit_of(c.reference.as_ref(), &c.number);
        let returned = perhaps.iter().filter(of_debit).map(|c| Matched {
            invoice_pk: c.pk,
            state: "returned",
            amount: entry.amount.minor,
            until: None,
            event: Some(("bank_reversed", format!("{} went back on {}", entry.amount, entry.booked_on))),
        });
        let (state, matched, undoes) = match undone(entry, &past) {
            Some(credit) => ("done", vec![], Some(credit)),
            None => {
                let returned: Vec<Matched> = returned.take(20).collect();
                (if returned.is_empty() { "waiting" } else { "done" }, returned, None)
            }
        };
        round.matched += u64::from(state == "done");
        let taken = self.take(Taking { entry, key, state, why: entry.why.clone(), matched, undoes }).await?;
        if let Some(credit) = undoes.filter(|_| taken) {
            self.uncover(credit).await?;
        } else if taken && state == "waiting" {
            self.waiting = waiting(self.desk, self.now).await?;
        }
        Ok(taken)
    }

    /// What a credit that was taken back covered is open again for the entries after it.
    async fn uncover(&mut self, credit: i64) -> Result<(), DeskError> {
        for m in self.desk.store.bank_matches(credit).await? {
            if let Some(covered) = self.covered.get_mut(&m.invoice_pk) {
                *covered = covered.saturating_sub(m.amount).max(0);
            }
        }
        Ok(())
    }

    /// Money went. A refund of what was paid twice looks just so: it undoes nothing, and a person is asked.
    async fn debit(&mut self, entry: &Entry, key: &str, round: &mut Round) -> Result<bool, DeskError> {
        let named = crate::domain::bank::references(entry);
        if named.is_empty() {
            return Ok(false);
        }
        let past = self.desk.store.bank_past(entry, plus_days(entry.booked_on, -TRY_AGAIN)).await?;
        let of_it =
            |p: &&crate::domain::bank::Past| p.booked_on <= entry.booked_on && p.references.iter().any(|r| named.contains(r));
        let Some(credit) = past.iter().find(of_it).map(|p| p.pk) else { return Ok(false) };
        let live: Vec<_> = self.desk.store.bank_matches(credit).await?.into_iter().filter(|m| m.state == "live").collect();
        if live.is_empty() {
            return Ok(false);
        }
        let matched = live.iter().map(|m| Matched {
            invoice_pk: m.invoice_pk,
            state: "perhaps",
            amount: m.amount,
            until: None,
            event: None,
        });
        round.proposed += 1;
        let why = Some(Near::Out.as_str().to_owned());
        self.take(Taking { entry, key, state: "proposed", why, matched: matched.collect(), undoes: Some(credit) }).await
    }
}

/// Credits that paid nothing known when they came, tried once more: an invoice may have come into the ledger since.
pub(super) async fn again(desk: &Desk, round: &mut Round, now: Timestamp) -> Result<(), DeskError> {
    let days = Days::of(desk, now);
    let since = plus_days(days.today, -TRY_AGAIN);
    let taker = Taker { desk, now, days, covered: HashMap::new(), waiting: vec![] };
    let mut above = 0;
    loop {
        let list = desk.store.bank_in("unmatched", since, above).await?;
        let Some(last) = list.last() else { return Ok(()) };
        above = last.pk;
        let with: Vec<&Kept> = list.iter().filter(|k| !k.entry.references.is_empty()).collect();
        let entries: Vec<&Entry> = with.iter().map(|k| &k.entry).collect();
        for (kept, perhaps) in with.iter().zip(candidates(desk, &entries).await?) {
            // Several in one ledger are seen one by one: what the first covers is on record before the second is weighed.
            let mut fresh = Vec::with_capacity(perhaps.len());
            for candidate in &perhaps {
                fresh.extend(desk.store.bank_invoice(candidate.pk, kept.pk).await?);
            }
            let (state, why, matched) = taker.judged(&kept.entry, &fresh);
            if state == "unmatched" {
                continue;
            }
            if desk.store.bank_again(kept.pk, state, why.as_deref(), &matched, now).await? {
                round.matched += u64::from(state == "matched");
                round.proposed += u64::from(state == "proposed");
                desk.tally.banked(state);
            }
        }
    }
}

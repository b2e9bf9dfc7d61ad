//! Rules of time: spacing and ceilings, hours, days, guards, the morning report (R6, R9, R14, R20, R21, R28).

use super::court::{Breach, Contact, Court, rank};
use super::days::{HOME, at_home, days, holiday, plus, weekend, working_between, works, zone};
use super::read::word;
use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a customer felt: messages, and calls that rang through, by its own days.
pub fn felt<'c>(court: &'c Court, debtor: &str) -> Vec<(Timestamp, Date, Option<&'c Contact>)> {
    let zone = zone(&court.customers[debtor].country);
    let messages = court.contacts.iter().filter(|c| c.debtor == debtor).map(|c| (c.at, c.local.date(), Some(c)));
    let calls = court.papers.journal.iter().filter(|(_, what, v)| {
        what == "called"
            && word(v, "customer") == debtor
            && matches!(word(v, "outcome").as_str(), "reached" | "voicemail" | "refused")
    });
    let mut all: Vec<_> = calls.map(|(at, ..)| (*at, zone.to_datetime(*at).date(), None)).chain(messages).collect();
    all.sort_by_key(|f| f.0);
    all
}

/// R6: working days between contacts; one a day, three in seven days, five in thirty, of a private person four.
pub fn r6(court: &Court, out: &mut Vec<Breach>) {
    for debtor in court.customers.keys() {
        let (felt, calendars) = (felt(court, debtor), court.calendars(debtor));
        for (i, (_, on, contact)) in felt.iter().enumerate() {
            let Some(contact) = contact else { continue };
            let spacing = if matches!(contact.cadence.as_str(), "business" | "key-account" | "public-body") { 2 } else { 3 };
            if let Some((_, before, _)) = felt[..i].last() {
                let between = working_between(*before, *on, &calendars);
                if between < spacing {
                    out.push(court.breach("R6", contact, format!("{between} working days after the contact of {before}")));
                }
            }
            let consumer = court.customers[debtor].is("kind", contact.at) == Some("consumer");
            for (span, most) in [(1, 1), (7, 3), (30, if consumer { 4 } else { 5 })] {
                let inside = felt[..=i].iter().filter(|f| days(f.1, *on) < span).count();
                if inside > most {
                    out.push(court.breach("R6", contact, format!("{inside} contacts in {span} days")));
                }
            }
        }
    }
}

/// Why another contact on a day would be one too many, if it would.
pub fn too_soon(court: &Court, debtor: &str, at: Timestamp, on: Date) -> Option<String> {
    let consumer = court.customers[debtor].is("kind", at) == Some("consumer");
    let spacing = if court.customers[debtor].is("kind", at) == Some("business") { 2 } else { 3 };
    let before: Vec<Date> = felt(court, debtor).into_iter().filter(|f| f.0 < at).map(|f| f.1).collect();
    let last = before.last()?;
    let between = working_between(*last, on, &court.calendars(debtor));
    if between < spacing {
        return Some(format!("{between} working days after the contact of {last}"));
    }
    [(1, 1), (7, 3), (30, if consumer { 4 } else { 5 })].into_iter().find_map(|(span, most)| {
        let inside = 1 + before.iter().filter(|d| days(**d, on) < span).count();
        (inside > most).then(|| format!("it would be {inside} contacts in {span} days"))
    })
}

/// R6 for calls: one is made when there may be a contact, or on the day that a person agreed on; one a day and customer and
/// cadence.
pub fn r6_calls(court: &Court, out: &mut Vec<Breach>) {
    let calls: Vec<_> = court.papers.journal.iter().filter(|l| l.1 == "called").collect();
    for (i, (at, _, facts)) in calls.iter().enumerate() {
        let debtor = word(facts, "customer");
        let local = |at: Timestamp| zone(&court.customers[&debtor].country).to_datetime(at).date();
        let on = local(*at);
        let text = |why: String| format!("{debtor} {on} {} is called about: {why}", word(facts, "step"));
        let before = || calls[..i].iter().filter(|l| word(&l.2, "customer") == debtor);
        if before().any(|l| local(l.0) == on && l.2["step"] == facts["step"]) {
            out.push(Breach { rule: "R6", text: text("twice on a day".to_owned()) });
        }
        let next = |l: &&&(Timestamp, String, Value)| {
            l.2["next"].as_str().or(l.2["promise"].as_str()).and_then(|d| d.parse::<Date>().ok())
        };
        let agreed = before().filter_map(|l| next(&l)).any(|day| day <= on && days(day, on) <= 12);
        if let Some(why) = too_soon(court, &debtor, *at, on).filter(|_| !agreed) {
            out.push(Breach { rule: "R6", text: text(why) });
        }
    }
}

/// R9 and R21: in the customer's own hours, on days on which neither it nor the creditor rests.
pub fn r9(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        let (on, minute) = (contact.local.date(), i32::from(contact.local.hour()) * 60 + i32::from(contact.local.minute()));
        let sms = contact.channel == "sms";
        let rule = if sms { "R21" } else { "R9" };
        let closes = if sms { 19 * 60 } else { 17 * 60 + 30 };
        if !(9 * 60..closes).contains(&minute) {
            out.push(court.breach(rule, contact, "not at this hour"));
        }
        let rests = if sms { on.weekday() == Weekday::Sunday } else { weekend(on) };
        if rests || holiday(on, &court.calendars(&contact.debtor)) {
            out.push(court.breach(rule, contact, "not on this day"));
        }
    }
    for (at, _, facts) in court.papers.journal.iter().filter(|l| l.1 == "called") {
        let debtor = word(facts, "customer");
        let there = zone(&court.customers[&debtor].country).to_datetime(*at);
        if !(9..19).contains(&there.hour()) || !works(there.date(), &court.calendars(&debtor)) {
            out.push(Breach { rule: "R21", text: format!("{debtor} {there}: a call for this hour or day was on the list") });
        }
    }
}

/// R14: nothing while the ledger cannot be read, half of it is gone, or relance stands still.
pub fn r14(court: &Court, out: &mut Vec<Breach>) {
    let ends = [("ledger_away", "ledger_back"), ("ledger_halved", "ledger_whole"), ("stands_still", "runs_again")];
    for (begins, ends) in ends {
        let when = |what: &str| court.papers.journal.iter().find(|l| l.1 == what).map(|l| l.0);
        let (Some(from), Some(to)) = (when(begins), when(ends)) else {
            out.push(Breach { rule: "R14", text: format!("the journal has no {begins} and {ends}") });
            continue;
        };
        for contact in court.contacts.iter().filter(|c| (from..to).contains(&c.at)) {
            out.push(court.breach("R14", contact, format!("between {begins} and {ends}")));
        }
    }
}

/// R20: nothing firm on a Friday from noon, on the eve of a holiday, or in quiet weeks.
pub fn r20(court: &Court, out: &mut Vec<Breach>) {
    for contact in court.contacts.iter().filter(|c| rank(&c.cadence, &c.step) >= Some(2)) {
        let on = contact.local.date();
        if on.weekday() == Weekday::Friday && contact.local.hour() >= 12 {
            out.push(court.breach("R20", contact, "a Friday afternoon"));
        }
        if holiday(plus(on, 1), &court.calendars(&contact.debtor)) {
            out.push(court.breach("R20", contact, "the eve of a holiday"));
        }
        let quiet = match (on.month(), on.day()) {
            (8, day) => day <= 20,
            (12, day) => day >= 23,
            (1, day) => day <= 3,
            _ => false,
        };
        if quiet {
            out.push(court.breach("R20", contact, "a quiet week"));
        }
    }
}

/// R28: a report on each of the creditor's working days on which relance ran, one, at half past seven.
pub fn r28(court: &Court, out: &mut Vec<Breach>) {
    let mut had: BTreeMap<Date, Vec<Timestamp>> = BTreeMap::new();
    court.papers.reports.iter().for_each(|(at, _)| had.entry(at_home(*at)).or_default().push(*at));
    let journal = &court.papers.journal;
    let (Some(first), Some(last)) = (journal.first().map(|l| at_home(l.0)), journal.last().map(|l| at_home(l.0))) else { return };
    let when = |what: &str| journal.iter().find(|l| l.1 == what).map(|l| at_home(l.0));
    let still = when("stands_still").zip(when("runs_again")).map(|(from, to)| from..to);
    let mut wrong = |text: String| out.push(Breach { rule: "R28", text });
    for day in (0..=days(first, last)).map(|n| plus(first, n)) {
        let runs = works(day, &[HOME]) && !still.as_ref().is_some_and(|s| s.contains(&day));
        let reports = had.remove(&day).unwrap_or_default();
        if reports.len() != usize::from(runs) {
            wrong(format!("{day}: {} reports, wanted {}", reports.len(), usize::from(runs)));
        }
        for at in reports {
            let there = zone(HOME).to_datetime(at);
            if (there.hour(), there.minute() / 10) != (7, 3) {
                wrong(format!("{day}: a report at {}", there.time()));
            }
        }
    }
    had.keys().for_each(|day| wrong(format!("{day}: a report outside the year")));
}

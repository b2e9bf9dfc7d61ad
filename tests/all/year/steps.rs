//! Rules of the case: which step may follow which, for each invoice and term (R1 to R4, R7).

use super::court::{Breach, Contact, Court, rank};
use super::days::{at_home, days, plus, plus_working, working_between};
use super::read::word;
use std::collections::{BTreeMap, BTreeSet};

/// R1: no step twice for an invoice in a term, and no way back.
pub fn r1(court: &Court, out: &mut Vec<Breach>) {
    let mut had: BTreeMap<(&str, usize, &str), &Contact> = BTreeMap::new();
    let mut furthest: BTreeMap<(&str, usize), u8> = BTreeMap::new();
    for contact in &court.contacts {
        for number in &contact.asked {
            let Some(row) = court.rows.get(number) else { continue };
            let term = row.term(contact.at);
            if let Some(before) = had.insert((number, term, &contact.step), contact) {
                out.push(court.breach("R1", contact, format!("{number} had it on {} already", before.local.date())));
            }
            let Some(rank) = rank(&contact.cadence, &contact.step) else { continue };
            let before = furthest.insert((number, term), rank).unwrap_or_default();
            if before > rank {
                out.push(court.breach("R1", contact, format!("{number} goes back from rank {before} to {rank}")));
            }
        }
    }
}

/// Step below, and how many days lie between.
fn below(cadence: &str, step: &str) -> Option<(&'static str, i64)> {
    match (cadence, step) {
        ("business", "firm") => Some(("reminder", 8)),
        ("business", "final") => Some(("firm", 7)),
        ("consumer-be" | "consumer", "second") => Some(("first", 18)),
        ("consumer-fr", "second") => Some(("first", 12)),
        (_, "nudge") => Some(("first", 7)),
        _ => None,
    }
}

/// R2: what is firm comes after the step below was accepted for the same invoice in the same term, and its time has run; the
/// formal notice after the final letter, the hand-off after the formal notice was done.
pub fn r2(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        let Some((lower, wait)) = below(&contact.cadence, &contact.step) else { continue };
        for number in &contact.asked {
            let row = &court.rows[number];
            let earlier = court.contacts.iter().filter(|c| {
                let same = c.debtor == contact.debtor && c.at < contact.at && row.term(c.at) == row.term(contact.at);
                same && court.named(c).any(|n| n.number == *number && n.stage.as_deref() == Some(lower))
            });
            match earlier.map(|c| c.local.date()).min() {
                None => out.push(court.breach("R2", contact, format!("{number} has had no accepted {lower} in this term"))),
                Some(on) if days(on, contact.local.date()) < wait => {
                    out.push(court.breach("R2", contact, format!("{number} had {lower} on {on}, less than {wait} days ago")));
                }
                _ => {}
            }
        }
    }
    for (at, what, facts) in &court.papers.journal {
        let (debtor, step) = (word(facts, "customer"), word(facts, "step"));
        let ready = match (what.as_str(), step.as_str()) {
            ("approved", "formal") => court.contacts.iter().any(|c| {
                let (last, wait) = if c.cadence == "business" { ("final", 10) } else { ("second", 14) };
                c.debtor == debtor && c.step == last && days(c.local.date(), at_home(*at)) >= wait
            }),
            ("approved", "handoff") => {
                court.told(&debtor, "done", *at).any(|(t, v)| word(v, "step") == "formal" && days(at_home(t), at_home(*at)) >= 20)
            }
            _ => true,
        };
        if !ready {
            out.push(Breach { rule: "R2", text: format!("{debtor} {at} {step} is proposed before what comes before it") });
        }
    }
}

/// R3: the first contact is no more than a reminder; what was late when relance began enters after its due date.
pub fn r3(court: &Court, out: &mut Vec<Breach>) {
    let mut known = BTreeSet::new();
    let begin = court.papers.journal.first().map(|l| at_home(l.0)).unwrap_or_default();
    let mut entered = BTreeSet::new();
    for contact in &court.contacts {
        let rank = rank(&contact.cadence, &contact.step);
        if known.insert(&contact.debtor) && rank > Some(1) {
            out.push(court.breach("R3", contact, "the first contact of all is more than a reminder"));
        }
        for number in contact.asked.iter().filter(|n| court.rows[*n].due < begin) {
            if rank.is_some() && entered.insert(number) && rank != Some(1) {
                out.push(court.breach("R3", contact, format!("{number} is an old debt and enters with this")));
            }
        }
    }
}

/// R4: no step before its day, no courtesy when the day has passed; after the standstill one message for a debtor, and for
/// an invoice one step.
pub fn r4(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        let (on, calendars) = (contact.local.date(), court.calendars(&contact.debtor));
        for number in &contact.asked {
            let due = court.rows[number].due;
            let from = match (contact.cadence.as_str(), contact.step.as_str()) {
                ("business" | "unknown", "courtesy") => plus_working(due, -5, &calendars),
                (_, "courtesy") => plus(due, -3),
                ("business", "reminder") => plus_working(due, 4, &calendars),
                (_, "first" | "reminder") => plus_working(due, 5, &calendars),
                (_, "enquiry" | "personal") => plus_working(due, 6, &calendars),
                _ => continue,
            };
            if on < from {
                out.push(court.breach("R4", contact, format!("{number} is due on {due}, so not before {from}")));
            }
            if contact.step == "courtesy" && on > due {
                out.push(court.breach("R4", contact, format!("{number} was due on {due} already")));
            }
        }
    }
    let begins = court.papers.journal.iter().filter(|l| l.1 == "runs_again").map(|l| l.0);
    for begin in begins {
        let mut had: BTreeMap<&str, usize> = BTreeMap::new();
        for contact in court.contacts.iter().filter(|c| c.at >= begin) {
            if working_between(at_home(begin), contact.local.date(), &court.calendars(&contact.debtor)) < 2 {
                let count = had.entry(&contact.debtor).or_default();
                *count += 1;
                if *count > 1 {
                    out.push(court.breach("R4", contact, "a second message on the days after the standstill"));
                }
            }
        }
    }
}

/// R7: after a returned payment a reminder comes first.
pub fn r7(court: &Court, out: &mut Vec<Breach>) {
    for (number, row) in court.rows.iter().filter(|(_, r)| !r.returns.is_empty()) {
        for term in 1..=row.returns.len() {
            let first = court
                .contacts
                .iter()
                .find(|c| c.asked.contains(number) && row.term(c.at) == term && rank(&c.cadence, &c.step).is_some_and(|r| r > 0));
            if let Some(contact) = first.filter(|c| rank(&c.cadence, &c.step) != Some(1)) {
                out.push(court.breach("R7", contact, format!("the payment of {number} came back, and this is the first since")));
            }
        }
    }
}

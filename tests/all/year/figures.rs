//! The year in figures: what somebody who reads them should find plausible.

use super::court::Court;
use super::days::{HOME, plus_working, zone};
use super::read::word;
use super::who::{date_of, settled_since};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The end of a day at the firm.
fn night(day: Date) -> Timestamp {
    day.at(23, 59, 0, 0).to_zoned(zone(HOME)).unwrap().timestamp()
}

pub fn of(court: &Court) -> String {
    let mut text = String::new();
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for e in &court.papers.log {
        let key = match e.channel.as_str() {
            "call" => format!("call {}", e.why),
            "" => e.outcome.clone(),
            channel => format!("{channel} {}", e.outcome),
        };
        *count.entry(format!("{} {} {key}", e.cadence, e.step)).or_default() += 1;
    }
    count.iter().for_each(|(what, n)| writeln!(text, "{n:>6} {what}").unwrap());
    let mut habits: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for c in court.customers.values() {
        *habits.entry((&c.habit, c.is("kind", Timestamp::MAX).unwrap_or("unknown"))).or_default() += 1;
    }
    writeln!(text, "customers {habits:?}").unwrap();
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    court.papers.journal.iter().for_each(|(_, what, _)| *told.entry(what).or_default() += 1);
    writeln!(text, "journal {told:?}").unwrap();
    let promises = court.papers.journal.iter().filter(|l| l.1 == "called").filter_map(|(at, _, v)| {
        let until = date_of(v, "promise")?;
        Some(settled_since(court, &word(v, "customer"), *at, night(plus_working(until, 2, &[HOME]))))
    });
    let (kept, broken): (Vec<bool>, Vec<bool>) = promises.partition(|kept| *kept);
    writeln!(text, "promises kept {}, broken {}", kept.len(), broken.len()).unwrap();
    let ends = [court.papers.journal.first(), court.papers.journal.last()];
    for at in ends.into_iter().flatten().map(|l| night(zone(HOME).to_datetime(l.0).date())) {
        let on = zone(HOME).to_datetime(at).date();
        let mut overdue: BTreeMap<&str, (usize, i64, i64)> = BTreeMap::new();
        for row in court.rows.values().filter(|r| r.kind == "invoice") {
            let balance = row.at(at).filter(|s| s.status != "void").map_or(0, |s| s.balance);
            let entry = overdue.entry(&row.currency).or_default();
            entry.1 += balance / 100;
            if row.due < on && balance > 0 {
                entry.0 += 1;
                entry.2 += balance / 100;
            }
        }
        writeln!(text, "{on}: overdue rows, open, overdue in whole units {overdue:?}").unwrap();
    }
    text
}

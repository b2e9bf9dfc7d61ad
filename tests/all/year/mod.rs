//! A year of a firm with three hundred customers, judged from outside: by the journal of what really happened, the log, and
//! what arrived. Nothing here asks the planner's own code, so what it has wrong it cannot hide. And the judge is judged:
//! each rule must find what was forged.

mod court;
mod days;
mod figures;
mod forgeries;
mod forgeries_too;
mod money;
mod read;
mod steps;
mod tamper;
mod when;
mod who;
mod whole;
mod words;

use court::{Breach, Court};
use jiff::Timestamp;
use jiff::civil::date;
use read::Papers;
use relance::clock::Clock;
use std::collections::{BTreeMap, BTreeSet};

/// So many lines of a failure are printed.
const LINES: usize = 60;

/// A rule: what it reads, and where its breaches go.
type Rule = fn(&Court, &mut Vec<Breach>);

/// Every rule by its name.
const RULES: [(&str, Rule); 29] = [
    ("R1", steps::r1),
    ("R2", steps::r2),
    ("R3", steps::r3),
    ("R4", steps::r4),
    ("R5", money::r5),
    ("R6", when::r6),
    ("R6 calls", when::r6_calls),
    ("R7", steps::r7),
    ("R9", when::r9),
    ("R10", money::r10),
    ("R11", money::r11),
    ("R12", money::r12),
    ("R13", money::r13),
    ("R14", when::r14),
    ("R15", who::r15),
    ("R16", who::r16),
    ("R17", who::r17),
    ("R17 words", words::r17_neutral),
    ("R18", money::r18),
    ("R19", who::r19),
    ("R20", when::r20),
    ("R20 days", words::r20_deadlines),
    ("R22", who::r22),
    ("R23", words::r23),
    ("R24", words::r24),
    ("R25", money::r25),
    ("R26", whole::r26),
    ("R27", whole::r27),
    ("R27 mornings", whole::r27_mornings),
];

/// And those that go by no number.
const OTHERS: [(&str, Rule); 3] = [("R28", when::r28), ("ALIVE", whole::alive), ("PROMPT", whole::prompt)];

/// The moment at which the year ends.
fn evening() -> Timestamp {
    date(2026, 11, 20).at(18, 0, 0, 0).in_tz("Europe/Brussels").unwrap().timestamp()
}

fn judge(papers: &Papers) -> Vec<Breach> {
    let court = Court::new(papers);
    let mut found = Vec::new();
    RULES.iter().chain(&OTHERS).for_each(|(_, rule)| rule(&court, &mut found));
    found
}

/// The breaches, some of each rule, in no more lines than can be read.
fn listed(found: &[Breach]) -> String {
    let mut by_rule: BTreeMap<&str, Vec<&Breach>> = BTreeMap::new();
    found.iter().for_each(|b| by_rule.entry(b.rule).or_default().push(b));
    let most = (LINES / by_rule.len().max(1)).max(2) - 1;
    let mut lines = Vec::new();
    for (rule, of) in by_rule {
        lines.push(format!("{rule}: {} breaches", of.len()));
        lines.extend(of.iter().take(most).map(|b| format!("  {}", b.text)));
    }
    lines.truncate(LINES);
    lines.join("\n")
}

#[tokio::test]
async fn no_rule_is_broken_in_a_year() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("year");
    relance::demo::live_a_year(&folder, &Clock::manual(evening()), 1, |_| ()).await.unwrap();
    let papers = read::read(&folder).await;
    let found = judge(&papers);
    println!("{}", figures::of(&Court::new(&papers)));
    assert_eq!(tamper::missed(&papers), BTreeSet::new(), "forged, and not found");
    assert!(found.is_empty(), "{} breaches\n{}", found.len(), listed(&found));
}

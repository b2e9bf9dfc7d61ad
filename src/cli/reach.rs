//! `reach`: who can still be reached, and by what evidence.

use super::hold::debtor;
use super::{CliError, desk, out};
use crate::domain::reach::{Answers, PersonReach, PointReach, Reach};
use crate::flow::Desk;
use crate::flow::reach::{Folded, folded};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;

/// Debtors that are read at once.
const BATCH: usize = 200;

/// Evidence that is shown of an address; JSON has all.
const SHOWN: usize = 6;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The debtor's id; left out: all who are not responsive, the worst first
    debtor: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// A debtor's state: what the evidence says, or what is on record where nothing can be sent.
struct Told {
    one: Folded,
    state: Answers,
    why: String,
    since: Option<Timestamp>,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let now = desk.clock.now();
    if let Some(id) = &args.debtor {
        let pk = debtor(&desk.store, id.trim_start_matches("debtor:")).await?;
        let Some(one) = folded(&desk, &[pk], now).await?.pop() else {
            return Err(CliError::Failed(format!("there is no debtor \"{id}\"")));
        };
        let told = told(&desk, one).await?;
        match args.json {
            true => drop(out::json(&object(&desk, &told))),
            false => print(&desk, &told),
        }
        return Ok(());
    }
    let found = not_responsive(&desk, now).await?;
    if args.json {
        for told in &found {
            if !out::json(&object(&desk, told)) {
                break; // Nobody reads any more.
            }
        }
        return Ok(());
    }
    if found.is_empty() {
        say!("all customers with something open are responsive");
        return Ok(());
    }
    let row = |told: &Told| {
        let d = &told.one.file.debtor;
        vec![format!("{} {}", d.id, d.name), told.state.as_str().to_owned(), told.why.clone()]
    };
    out::table(&["debtor", "state", "why"], found.iter().map(row).collect());
    say!(
        "\nrelance reach DEBTOR shows the evidence; relance contact correct DEBTOR --new ADDRESS --reason TEXT mends an address"
    );
    Ok(())
}

/// Of those with something open all who are quiet or unreachable, the worst first.
async fn not_responsive(desk: &Desk, now: Timestamp) -> Result<Vec<Told>, CliError> {
    let (mut found, mut above) = (Vec::new(), 0);
    loop {
        let page = desk.store.open_debtors_after(above).await?;
        let Some(last) = page.last() else { break };
        above = *last;
        for batch in page.chunks(BATCH) {
            for one in folded(desk, batch, now).await? {
                found.extend(Some(told(desk, one).await?).filter(|t| t.state != Answers::Responsive));
            }
        }
    }
    found.sort_by(|a, b| (b.state, a.since, &a.one.file.debtor.id).cmp(&(a.state, b.since, &b.one.file.debtor.id)));
    Ok(found)
}

async fn told(desk: &Desk, one: Folded) -> Result<Told, CliError> {
    let lost = desk.store.lost(one.file.debtor.pk).await?;
    let found = &one.reach.found;
    Ok(match lost {
        Some((since, why)) if found.state != Answers::Unreachable => {
            Told { state: Answers::Unreachable, why, since: Some(since), one }
        }
        lost => Told { state: found.state, why: found.why.clone(), since: lost.map(|(since, _)| since), one },
    })
}

fn object(desk: &Desk, told: &Told) -> Value {
    let zone = &desk.setup.settings.creditor.timezone;
    let reach = &told.one.reach;
    let evidence = |i: &usize| {
        let e = &reach.evidence[*i];
        json!({ "at": out::rfc3339(e.at, zone), "kind": e.kind.as_str(), "text": e.text })
    };
    let point = |p: &PointReach| {
        json!({ "channel": p.point.channel.as_str(), "address": p.point.address, "state": p.found.state.as_str(),
            "evidence": p.evidence.iter().map(evidence).collect::<Vec<_>>() })
    };
    let person = |p: &PersonReach| json!({ "person": who(p), "state": p.found.state.as_str(), "points": p.points.iter().map(point).collect::<Vec<_>>() });
    json!({ "debtor": told.one.file.debtor.id, "state": told.state.as_str(),
        "people": reach.people.iter().map(person).collect::<Vec<_>>() })
}

/// A person by role and name; `former` of addresses that are nobody's any more.
fn who(p: &PersonReach) -> String {
    match (p.role, &p.name) {
        (Some(role), Some(name)) => format!("{} {name}", role.as_str()),
        (Some(role), None) => role.as_str().to_owned(),
        (None, _) => "former".to_owned(),
    }
}

fn print(desk: &Desk, told: &Told) {
    let zone = &desk.setup.settings.creditor.timezone;
    let (debtor, reach): (_, &Reach) = (&told.one.file.debtor, &told.one.reach);
    say!("{} {}: {}", debtor.id, debtor.name, told.state.as_str());
    say!("  {}", told.why);
    for person in &reach.people {
        say!();
        match person.role {
            Some(_) => say!("{}: {} ({})", who(person), person.found.state.as_str(), person.found.why),
            None => say!("former addresses"),
        }
        for p in &person.points {
            say!("  {} {}: {} ({})", p.point.channel, p.point.address, p.found.state.as_str(), p.found.why);
            let earlier = p.evidence.len().saturating_sub(SHOWN);
            if earlier > 0 {
                say!("    {earlier} earlier: --json has all");
            }
            for e in p.evidence.iter().skip(earlier).map(|i| &reach.evidence[*i]) {
                let decides = if p.found.by.iter().any(|i| &reach.evidence[*i] == e) { " ←" } else { "" };
                say!("    {}  {:<18} {}{decides}", out::short(e.at, zone), e.kind.as_str().replace('_', " "), e.text);
            }
        }
    }
    let whole: Vec<_> = reach.evidence.iter().filter(|e| e.point.is_none()).collect();
    if !whole.is_empty() {
        say!("\nof the customer as a whole");
    }
    for e in whole.iter().skip(whole.len().saturating_sub(2 * SHOWN)) {
        say!("    {}  {:<18} {}", out::short(e.at, zone), e.kind.as_str().replace('_', " "), e.text);
    }
}

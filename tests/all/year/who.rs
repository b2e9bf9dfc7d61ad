//! Rules of whom: states, kinds, people, holds, conditions, approvals (R15 to R17, R19, R22).

use super::court::{Breach, Contact, Court, rank};
use super::days::{HOME, at_home, days, plus, plus_working, working_between};
use super::read::word;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

/// States that silence a customer for good.
const SILENT: [&str; 6] = ["insolvency", "debt_settlement", "deceased", "legal", "intra_group", "do_not_contact"];

/// R15: nothing to whom a state silences; a debit may still come; key accounts and public bodies have their own steps.
pub fn r15(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        let state = court.customers[&contact.debtor].is("state", contact.at);
        match state {
            Some(state) if SILENT.contains(&state) => out.push(court.breach("R15", contact, format!("its state is {state}"))),
            Some("direct_debit") => {
                for number in &contact.asked {
                    let row = &court.rows[number];
                    let late = working_between(row.due, contact.local.date(), &court.calendars(&contact.debtor));
                    if row.term(contact.at) == 0 && late < 5 {
                        out.push(court.breach(
                            "R15",
                            contact,
                            format!("{number} is paid by debit, and {late} working days late"),
                        ));
                    }
                }
            }
            Some("key_account") if contact.step != "personal" => {
                out.push(court.breach("R15", contact, "a key account gets nothing by itself"));
            }
            Some("public_body") if contact.channel != "email" || contact.step != "enquiry" => {
                out.push(court.breach("R15", contact, "not for a public body"));
            }
            _ => {}
        }
    }
}

/// R16: whom nobody knows gets a reminder at most; the cadence is the one for what the customer is.
pub fn r16(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        let customer = &court.customers[&contact.debtor];
        let wanted = match (customer.is("state", contact.at), customer.is("kind", contact.at), customer.country.as_str()) {
            (Some("key_account"), ..) => "key-account",
            (Some("public_body"), ..) => "public-body",
            (_, Some("business"), _) => "business",
            (_, Some("consumer"), "BE") => "consumer-be",
            (_, Some("consumer"), "FR") => "consumer-fr",
            (_, Some("consumer"), _) => "consumer",
            _ => "unknown",
        };
        if contact.cadence != wanted {
            out.push(court.breach("R16", contact, format!("the customer belongs into {wanted}")));
        }
        if wanted == "unknown" && rank(&contact.cadence, &contact.step) > Some(1) {
            out.push(court.breach("R16", contact, "nobody knows what this customer is"));
        }
    }
}

/// R17: to the customer's own address; a private person's to nobody else; copies to a manager only with the final letter.
pub fn r17(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        let customer = &court.customers[&contact.debtor];
        let consumer = customer.is("kind", contact.at) == Some("consumer");
        for entry in contact.entries.iter().map(|e| &court.papers.log[*e]) {
            let own = customer.is(&contact.channel.replace("sms", "phone"), contact.at) == Some(&entry.address);
            let manager = !consumer && !entry.address.is_empty() && customer.contacts.contains(&entry.address);
            // Who is there is written to when the customer's own address is known to be dead.
            let dead = court.papers.log.iter().any(|e| {
                e.debtor == contact.debtor && e.at <= contact.at && (e.outcome == "refused" || e.outcome == "no_address")
            });
            if !own && !(manager && (contact.step == "final" || dead)) {
                out.push(court.breach("R17", contact, format!("it went to {}", entry.address)));
            }
            let Some(letter) = court.papers.letters.get(&entry.message) else { continue };
            if !letter.to.contains(&entry.address) && !letter.cc.contains(&entry.address) {
                out.push(court.breach("R17", contact, format!("the mail is to {}, the log has {}", letter.to, entry.address)));
            }
            let addressees = letter.to.matches('@').count() + letter.cc.matches('@').count();
            if addressees > 1 && (consumer || contact.step != "final") {
                out.push(court.breach("R17", contact, format!("a copy for {}", letter.cc)));
            }
            if entry.language != customer.language {
                out.push(court.breach(
                    "R17",
                    contact,
                    format!("in {}, the customer reads {}", entry.language, customer.language),
                ));
            }
        }
    }
}

/// Whether all that was overdue at a moment has been settled by another, or is covered by money that nobody has placed yet.
pub fn settled_since(court: &Court, debtor: &str, then: Timestamp, now: Timestamp) -> bool {
    let rows = || court.of.get(debtor).into_iter().flatten().map(|n| &court.rows[n]);
    let overdue = rows().filter(|r| r.kind == "invoice" && r.due < at_home(then) && r.owed(then) > 0);
    let left: i64 = overdue.map(|r| r.owed(now)).sum();
    let loose = rows().filter(|r| r.kind != "invoice" && r.names.is_none());
    left <= loose.map(|r| r.at(now).map_or(0, |s| s.balance.abs())).sum()
}

/// What keeps a customer silent on a day, if a person has said so before the moment: a hold, a promise, a date agreed.
pub fn silence(court: &Court, debtor: &str, at: Timestamp, day: Date) -> Option<String> {
    if let Some((_, hold)) = court.told(debtor, "held", at).find(|(_, v)| day < date_of(v, "until").unwrap_or(day)) {
        return Some(format!("held until {}", word(hold, "until")));
    }
    let (then, call) = court.told(debtor, "called", at).find(|(_, v)| word(v, "outcome") == "reached")?;
    if settled_since(court, debtor, then, at) {
        return None;
    }
    match (date_of(call, "promise"), date_of(call, "next")) {
        (Some(promise), _) if day <= plus_working(promise, 2, &[HOME]) => Some(format!("promised for {promise}")),
        (None, Some(next)) if day < next => Some(format!("agreed on the telephone for {next}")),
        _ => None,
    }
}

pub fn date_of(value: &Value, field: &str) -> Option<Date> {
    value[field].as_str().and_then(|d| d.parse().ok())
}

/// R19: held is silent, and so is who has promised or agreed on a day.
pub fn r19(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        if let Some(why) = silence(court, &contact.debtor, contact.at, contact.local.date()) {
            out.push(court.breach("R19", contact, why));
        }
    }
}

/// Whether an invoice of the customer was ever open after its due date, before a moment.
fn late_before(court: &Court, contact: &Contact) -> bool {
    let rows = court.of[&contact.debtor].iter().map(|n| &court.rows[n]).filter(|r| r.kind == "invoice");
    rows.into_iter().any(|r| {
        let after = |at: Timestamp| at_home(at) > r.due;
        let paid_late = r.tale.iter().any(|(at, s)| s.balance == 0 && after(*at) && *at <= contact.at && r.tale.len() > 1);
        paid_late || (after(contact.at) && r.at(contact.at).is_some_and(|s| s.balance > 0))
    })
}

/// R22: a courtesy note only where its condition holds; nothing right before a pay day; nothing without the yes it wants.
pub fn r22(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        let (customer, on) = (&court.customers[&contact.debtor], contact.local.date());
        if contact.step == "courtesy" {
            for number in &contact.asked {
                let due = court.rows[number].due;
                let same = court.rows_of(&contact.debtor, &contact.currency).filter(|(_, r)| r.due == due && r.kind == "invoice");
                let sum: i64 = same.map(|(_, r)| r.owed(contact.at)).sum();
                let least = if contact.cadence.starts_with("consumer") { 5_000 } else { 50_000 };
                let firm = contact.cadence == "business";
                if sum < least && !(firm && (days(customer.since, on) <= 90 || late_before(court, contact))) {
                    out.push(court.breach(
                        "R22",
                        contact,
                        format!("{number}: {sum} is little, the customer neither new nor late"),
                    ));
                }
            }
        }
        if let Some(runs) = &customer.pay_runs {
            let pays = |d: Date| {
                if runs == "last" { d == d.last_of_month() } else { runs.split(", ").any(|r| r.parse() == Ok(d.day())) }
            };
            if rank(&contact.cadence, &contact.step) != Some(0) && (1..=2).any(|n| pays(plus(on, n))) {
                out.push(court.breach("R22", contact, format!("it pays on the {runs}")));
            }
        }
        if contact.step == "personal" && !approved(court, contact) {
            out.push(court.breach("R22", contact, "nobody has said yes to it"));
        }
    }
    for (at, _, facts) in court.papers.journal.iter().filter(|l| l.1 == "done") {
        let (debtor, step) = (word(facts, "customer"), word(facts, "step"));
        let yes = |s: &str| court.told(&debtor, "approved", *at).any(|(_, v)| word(v, "step") == s);
        if matches!(step.as_str(), "formal" | "handoff") && !yes(&step) {
            out.push(Breach { rule: "R22", text: format!("{debtor} {at} {step} became a task without a yes") });
        }
    }
}

/// A yes since the last message of the step.
fn approved(court: &Court, contact: &Contact) -> bool {
    let same = |c: &&Contact| c.debtor == contact.debtor && c.step == contact.step && c.at < contact.at;
    let last = court.contacts.iter().rfind(same).map_or(Timestamp::MIN, |c| c.at);
    court.told(&contact.debtor, "approved", contact.at).any(|(at, v)| at > last && word(v, "step") == contact.step)
}

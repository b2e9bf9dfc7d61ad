//! Rules of the sums: what a message lists and asks for, against the ledger at that second (R5, R10 to R13, R18, R25).

use super::court::{Breach, Contact, Court, Row, rank};
use super::days::{HOME, at_home, plus_working, working_between};
use super::words::long_dates;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What is asked of each invoice of a case: less what is disputed, less credits, those that name it first, then the others and
/// what is left of those, on the oldest.
fn asked_of(court: &Court, contact: &Contact) -> BTreeMap<String, i64> {
    let rows: Vec<(&String, &Row)> = court.rows_of(&contact.debtor, &contact.currency).collect();
    let mut open: BTreeMap<String, i64> = BTreeMap::new();
    for (number, row) in rows.iter().filter(|(_, r)| r.kind == "invoice") {
        open.insert((*number).clone(), row.owed(contact.at));
    }
    let seen = court.last_poll(contact.at);
    let mut loose = 0;
    for (_, credit) in rows.iter().filter(|(_, r)| r.kind != "invoice" && r.since <= seen) {
        let amount = credit.at(contact.at).map_or(0, |s| s.balance.abs());
        let named = credit.names.as_ref().and_then(|n| Some((n, court.rows.get(n)?.at(contact.at)?)));
        let Some((name, standing)) = named else {
            loose += amount;
            continue;
        };
        // What its own invoice does not need is free for others; one that is disputed as a whole needs all of its own.
        let left = open.get(name).copied().unwrap_or_default();
        let needed = if standing.status == "open" { left } else { standing.balance };
        let used = amount.min(needed.max(0));
        open.insert(name.clone(), (left - used).max(0));
        loose += amount - used;
    }
    let mut oldest: Vec<(&String, &Row)> = rows.iter().filter(|(_, r)| r.kind == "invoice").copied().collect();
    oldest.sort_by_key(|(number, r)| (r.due, (*number).clone()));
    for (number, _) in oldest {
        let Some(left) = open.get_mut(number) else { continue };
        let part = loose.min(*left);
        *left -= part;
        loose -= part;
    }
    open
}

/// R5: a mail lists each invoice of the case that is late or disputed (of those not due yet it may name what is near), asks for those that are at its stage alone, and adds up.
pub fn r5(court: &Court, out: &mut Vec<Breach>) {
    for contact in court.contacts.iter().filter(|c| c.channel == "email") {
        let Some(letter) = court.letter(contact) else {
            out.push(court.breach("R5", contact, "the mail is not in the folder"));
            continue;
        };
        let want = asked_of(court, contact);
        for (number, row) in court.rows_of(&contact.debtor, &contact.currency) {
            let late = row.due < contact.local.date();
            let open = row.at(contact.at).is_some_and(|s| {
                s.status == "disputed" || (late && s.status == "open" && want.get(number).is_some_and(|w| *w > 100))
            });
            let known = row.kind == "invoice" && row.since <= court.last_poll(contact.at);
            if open && known && !letter.text.contains(number.as_str()) {
                out.push(court.breach("R5", contact, format!("{number} is open and not in the mail")));
            }
        }
        let Some(first) = letter.blocks.first() else {
            // A short note names the one invoice and its sum.
            let said = |n: &String| letter.text.contains(n.as_str()) && digits(&letter.text).contains(&want[n].to_string());
            if contact.asked.len() != 1 || !contact.asked.iter().all(said) {
                out.push(court.breach("R5", contact, "no list of invoices, or another sum"));
            }
            continue;
        };
        let (mut sum, mut listed) = (0, 0);
        for (number, amount, _) in &first.rows {
            let right = want.get(number).copied().unwrap_or_default();
            if *amount != right {
                out.push(court.breach("R5", contact, format!("{number}: asks for {amount}, {right} is owed")));
            }
            if !contact.asked.contains(number) {
                out.push(court.breach("R5", contact, format!("{number} is asked for and is at another stage in the log")));
            }
            sum += amount;
            listed += 1;
        }
        let shown = first.total.or((listed == 1).then_some(sum));
        if shown != Some(sum) || letter.panel.is_some_and(|p| p != sum) {
            let (shown, panel) = (shown.unwrap_or_default(), letter.panel.unwrap_or_default());
            out.push(court.breach("R5", contact, format!("asks for {sum}, says {shown} and to pay {panel}")));
        }
        let intro = letter.text.split(&first.heading).next().unwrap_or_default();
        for named in court.named(contact).filter(|n| !contact.asked.contains(&n.number)) {
            if intro.contains(named.number.as_str()) || letter.subject.contains(named.number.as_str()) {
                out.push(court.breach("R5", contact, format!("{} is spoken of as if it were asked for", named.number)));
            }
        }
        for later in letter.blocks.iter().skip(1).filter(|b| b.total.is_some()) {
            if later.rows.iter().map(|r| r.1).sum::<i64>() != later.total.unwrap_or_default() {
                out.push(court.breach("R5", contact, format!("“{}” does not add up", later.heading)));
            }
        }
    }
}

/// R10: nothing about what is overdue before receipts are booked through the due date and two working days; the letter says
/// up to which day they are.
pub fn r10(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        let booked = court.booked_through(contact.at);
        if rank(&contact.cadence, &contact.step) == Some(0) {
            continue;
        }
        for number in &contact.asked {
            let wanted = plus_working(court.rows[number].due, 2, &[HOME]);
            if booked < wanted {
                out.push(court.breach("R10", contact, format!("{number}: receipts are booked through {booked}, not {wanted}")));
            }
        }
        if let Some(letter) = court.letter(contact)
            && !long_dates(&letter.text).contains(&booked)
        {
            out.push(court.breach("R10", contact, format!("does not say that payments are counted up to {booked}")));
        }
    }
}

/// R11: receipts that nobody has placed cover what is overdue: then nothing about it leaves.
pub fn r11(court: &Court, out: &mut Vec<Breach>) {
    for contact in court.contacts.iter().filter(|c| rank(&c.cadence, &c.step) != Some(0)) {
        let seen = court.last_poll(contact.at);
        let rows = || court.rows_of(&contact.debtor, &contact.currency);
        let loose = rows().filter(|(_, r)| r.kind != "invoice" && r.names.is_none() && r.since <= seen);
        let loose: i64 = loose.map(|(_, r)| r.at(contact.at).map_or(0, |s| s.balance.abs())).sum();
        let late = rows().filter(|(_, r)| r.kind == "invoice" && r.due < contact.local.date());
        let late: i64 = late.map(|(_, r)| r.owed(contact.at)).sum();
        if loose > 0 && loose >= late {
            out.push(court.breach("R11", contact, format!("{loose} are received and not placed, {late} are overdue")));
        }
    }
}

/// When an invoice was paid in part, before a moment.
pub fn parts(row: &Row, before: Timestamp) -> impl Iterator<Item = Timestamp> {
    let pairs = row.tale.windows(2).filter(move |w| w[1].0 <= before);
    pairs.filter(|w| w[1].1.balance > 0 && w[1].1.balance < w[0].1.balance).map(|w| w[1].0)
}

/// R12: a part payment pauses the next step for three working days and is shown; less than the minimum is not asked for,
/// nor a rounding difference.
pub fn r12(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        let calendars = court.calendars(&contact.debtor);
        for number in &contact.asked {
            for part in parts(&court.rows[number], contact.at) {
                if working_between(at_home(part), contact.local.date(), &calendars) < 3 {
                    out.push(court.breach("R12", contact, format!("{number} was paid in part on {}", at_home(part))));
                }
            }
        }
        let Some(first) = court.letter(contact).and_then(|l| l.blocks.first()) else { continue };
        let sum: i64 = first.rows.iter().map(|r| r.1).sum();
        if sum < 1000 {
            out.push(court.breach("R12", contact, format!("asks for {sum} hundredths, less than the minimum")));
        }
        for (number, amount, below) in &first.rows {
            if *amount <= 100 {
                out.push(court.breach("R12", contact, format!("{number}: {amount} hundredths are rounding")));
            }
            let Some(row) = court.rows.get(number) else { continue };
            let received = row.total - row.at(contact.at).map_or(0, |s| s.balance);
            let shown = |sum: i64| below.split([':', ';', '\n', ',']).count() > 2 && digits(below).contains(&sum.to_string());
            if received > 0 && !(shown(row.total) && shown(received)) {
                out.push(court.breach(
                    "R12",
                    contact,
                    format!("{number}: {received} of {} came in, and it is not shown", row.total),
                ));
            }
        }
    }
}

/// Digits alone.
fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// R13: nothing about a row that was booked to nothing, or void, before the moment, to the second.
pub fn r13(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        for named in court.named(contact) {
            let standing = court.rows.get(&named.number).and_then(|r| r.at(contact.at));
            match standing {
                Some(s) if s.balance != 0 && s.status != "void" && s.status != "paid" => {
                    if s.balance != named.balance {
                        let text = format!("{}: the log has {}, the ledger {}", named.number, named.balance, s.balance);
                        out.push(court.breach("R13", contact, text));
                    }
                }
                _ => out.push(court.breach("R13", contact, format!("{} is settled in the ledger", named.number))),
            }
        }
    }
}

/// R18: what is disputed is not asked for, in whole or in part.
pub fn r18(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        let first = court.letter(contact).and_then(|l| l.blocks.first());
        for number in &contact.asked {
            let Some(standing) = court.rows[number].at(contact.at) else { continue };
            if standing.status == "disputed" {
                out.push(court.breach("R18", contact, format!("{number} is disputed")));
            }
            let asked = first.and_then(|b| b.rows.iter().find(|r| r.0 == *number)).map_or(0, |r| r.1);
            if asked > standing.balance - standing.disputed {
                out.push(court.breach("R18", contact, format!("{number}: {asked} includes {} in dispute", standing.disputed)));
            }
        }
    }
}

/// R25: the invoice's own currency.
pub fn r25(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        let wrong = court.named(contact).find(|n| court.rows.get(&n.number).is_some_and(|r| r.currency != n.currency));
        if let Some(named) = wrong {
            out.push(court.breach("R25", contact, format!("{} is given in {}", named.number, named.currency)));
        }
        let other = if contact.currency == "GBP" { "€" } else { "£" };
        let text = court.letter(contact).map(|l| l.text.as_str()).unwrap_or_default();
        if let Some(line) = text.lines().find(|l| l.starts_with("  ") && l.contains(other)) {
            out.push(court.breach("R25", contact, format!("an amount in another currency: {}", line.trim())));
        }
    }
}

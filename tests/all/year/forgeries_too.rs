//! What is forged, rule by rule: the rules of the people, of the words and of the whole.

use super::read::{Entry, Papers};
use super::tamper::{Forge, LATE, any, asked, at_moment, belgian, just_before, moment};
use jiff::tz::TimeZone;
use serde_json::json;

fn consumer(e: &Entry) -> bool {
    e.cadence.starts_with("consumer")
}

/// Rule, what is forged, how.
pub const FORGERIES: &[(&str, &str, Forge)] = &[
    ("R15", "insolvent since a second", |p| {
        let e = p.some(&["courtesy"], any)?;
        p.tell_of(&e, "state", "insolvency")
    }),
    ("R15", "paid by debit", |p| {
        let e = p.some(&["courtesy"], any)?;
        p.tell_of(&e, "state", "direct_debit")
    }),
    ("R15", "a key account", |p| {
        let e = p.some(&["reminder"], any)?;
        p.tell_of(&e, "state", "key_account")
    }),
    ("R16", "nobody knows what it is", |p| {
        let e = p.some(&["firm"], any)?;
        p.tell_of(&e, "kind", "")
    }),
    ("R17", "to a stranger", |p| {
        let e = p.some(&["firm"], any)?;
        p.change(&e, |e| e.address = "stranger@elsewhere.example".into())
    }),
    ("R17", "a copy of a private person's", |p| {
        let e = p.some(&["second"], consumer)?;
        p.letter_of(&e)?.cc = "partner@elsewhere.example".into();
        Some(())
    }),
    ("R17", "a manager's copy of a reminder", |p| {
        let e = p.some(&["reminder"], any)?;
        p.letter_of(&e)?.cc = "direction@elsewhere.example".into();
        Some(())
    }),
    ("R17", "in a language that it does not read", |p| {
        let e = p.some(&LATE, belgian)?;
        p.change(&e, |e| e.language = "en".into())
    }),
    ("R17 words", "a debt in a private person's subject", |p| {
        let e = p.some(&["second"], consumer)?;
        p.letter_of(&e)?.subject += ": Rappel";
        Some(())
    }),
    ("R17 words", "a debt in an SMS", |p| {
        let e = p.some(&["nudge"], any)?;
        p.texts.get_mut(&e.message)?.1 += " Zahlung?";
        Some(())
    }),
    ("R18", "disputed since a second", |p| {
        let e = p.some(&LATE, any)?;
        p.tell_of_invoice(&e, "status", json!({"value": "disputed"}))
    }),
    ("R18", "a part in dispute since a second", |p| {
        let e = p.some(&LATE, any)?;
        p.tell_of_invoice(&e, "disputed_amount", json!({"value": "1.00"}))
    }),
    ("R19", "held", |p| {
        let e = p.some(&LATE, any)?;
        p.tell(just_before(&e), "held", json!({"customer": e.debtor, "until": "2027-01-01"}))
    }),
    ("R19", "promised", |p| {
        let e = p.some(&LATE, any)?;
        p.tell(just_before(&e), "called", json!({"customer": e.debtor, "outcome": "reached", "promise": "2027-01-01"}))
    }),
    ("R19", "agreed on the telephone", |p| {
        let e = p.some(&LATE, any)?;
        p.tell(just_before(&e), "called", json!({"customer": e.debtor, "outcome": "reached", "next": "2027-01-01"}))
    }),
    ("R20", "firm on a Friday afternoon", |p| {
        let e = p.some(&["firm"], any)?;
        at_moment(p, &e, moment("2026-06-19T14:05"))
    }),
    ("R20", "firm on the eve of Ascension Day", |p| {
        let e = p.some(&["final"], any)?;
        at_moment(p, &e, moment("2026-05-13T10:40"))
    }),
    ("R20", "firm in August", |p| {
        let e = p.some(&["second"], |e| e.cadence != "consumer")?;
        at_moment(p, &e, moment("2026-08-11T10:40"))
    }),
    ("R20 days", "a Sunday as the day", |p| {
        let e = p.some(&["final"], any)?;
        p.letter_of(&e)?.text += " d’ici au 6 juin 2027.";
        Some(())
    }),
    ("R20 days", "a firm letter without a day", |p| {
        let e = p.some(&["firm"], |e| e.invoices.len() == 1)?;
        p.letter_of(&e)?.text = String::new();
        Some(())
    }),
    ("R22", "a courtesy for little", |p| {
        let prompt: Vec<String> = p
            .journal
            .iter()
            .filter(|l| l.2["customer"]["habit"] == "prompt")
            .map(|l| l.2["customer"]["id"].to_string())
            .collect();
        let e = p.some(&["courtesy"], |e| {
            e.cadence == "business" && e.invoices.len() == 1 && prompt.contains(&format!("{:?}", e.debtor))
        })?;
        let number = asked(&e)?;
        let rows = p.journal.iter().filter(|l| l.1 == "row" && l.2["customer"] == e.debtor.as_str());
        let others: Vec<_> = rows.map(|l| l.2["invoice"].clone()).filter(|n| *n != number.as_str()).collect();
        p.journal.retain(|l| !others.contains(&l.2["invoice"]));
        p.log.retain(|r| r.debtor != e.debtor || r.at == e.at);
        p.row(&number)?["balance"] = "20.00".into();
        let known = p.journal.iter_mut().find(|l| l.1 == "customer" && l.2["customer"]["id"] == e.debtor.as_str())?;
        known.2["since"] = "2001-01-01".into();
        Some(())
    }),
    ("R22", "a day before it pays", |p| {
        let e = p.some(&["reminder"], |e| e.at > moment("2026-02-05T00:00") && e.at < moment("2026-02-20T00:00"))?;
        let tomorrow = TimeZone::get("Europe/Brussels").unwrap().to_datetime(e.at).date().tomorrow().ok()?.day();
        p.customer(&e.debtor)?["pay_runs"] = format!("{tomorrow}, 31").into();
        Some(())
    }),
    ("R22", "a personal mail without a yes", |p| {
        p.journal.retain(|l| l.1 != "approved" || l.2["step"] != "personal");
        Some(())
    }),
    ("R22", "a formal notice without a yes", |p| {
        p.journal.retain(|l| l.1 != "approved" || l.2["step"] != "formal");
        Some(())
    }),
    ("R23", "a threat", |p| {
        let e = p.some(&["final"], any)?;
        p.letter_of(&e)?.text += "\nNous saisirons le tribunal.";
        Some(())
    }),
    ("R23", "“last” in a reminder", |p| {
        let e = p.some(&LATE, any)?;
        p.letter_of(&e)?.text += "\nDies ist die letzte Erinnerung.";
        Some(())
    }),
    ("R23", "another account in the HTML", |p| {
        let e = p.some(&LATE, any)?;
        p.letter_of(&e)?.html += "<td>DE89 3704 0044 0532 0130 00</td>";
        Some(())
    }),
    ("R24", "no copy", |p| {
        let e = p.some(&LATE, |e| p.letters.get(&e.message).is_some_and(|l| !l.files.is_empty()))?;
        p.letter_of(&e)?.files.clear();
        Some(())
    }),
    ("R24", "no copy, and no word of one", |p| {
        let e = p.some(&["firm"], |e| e.invoices.len() == 1 && p.letters.get(&e.message).is_some_and(|l| l.files.is_empty()))?;
        p.letter_of(&e)?.text = "compta@canal.example".into();
        Some(())
    }),
    ("R25", "pounds instead of euro", |p| {
        let e = p.some(&LATE, belgian)?;
        p.letter_of(&e)?.text += "\n  2026-0001: £20.00\n";
        Some(())
    }),
    ("R26", "a broken row", |p| {
        p.verified["broken"] = json!(["row 7"]);
        Some(())
    }),
    ("R26", "a row less", |p| p.log.pop().map(drop)),
    ("R27", "a cent too much in a state", |p| {
        p.status["tie_out"][0]["states"]["not_due"] = "0.01".into();
        Some(())
    }),
    ("R27", "a cent in the books of which nobody knows", |p| {
        *p.ledger.get_mut("EUR")? += 1;
        Some(())
    }),
    ("R27 mornings", "a cent less in a report", |p| {
        p.reports.first_mut()?.1.first_mut()?.1 -= 1;
        Some(())
    }),
    ("R28", "a report less", |p| p.reports.pop().map(drop)),
    ("R28", "a report twice", |p| {
        let first = p.reports.first()?.clone();
        p.reports.push(first);
        Some(())
    }),
    ("R28", "a report on a Sunday", |p| {
        p.reports.push((moment("2026-05-17T07:31"), Vec::new()));
        Some(())
    }),
    ("ALIVE", "nobody is written to who is not called", |p| {
        let called = |p: &Papers, id: &str| p.journal.iter().any(|l| l.1 == "called" && l.2["customer"] == id);
        let log = std::mem::take(&mut p.log);
        p.log = log.into_iter().filter(|r| called(p, &r.debtor)).collect();
        Some(())
    }),
    ("PROMPT", "paid on the day, and reminded", |p| {
        let e = p.some(&LATE, any)?;
        let number = asked(&e)?;
        let due = p.row(&number)?["due_on"].as_str()?.to_owned();
        p.tell(moment(&format!("{due}T12:00")), "booked", json!({"invoice": number, "balance": "0.00"}))
    }),
];

//! What is forged, rule by rule: the rules of the case, of the sums and of time.

use super::read::{Entry, Named};
use super::tamper::{DAY, Forge, LATE, any, asked, at_moment, belgian, just_before, later, moment, promote, when};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

/// Rule, what is forged, how.
pub const FORGERIES: &[(&str, &str, Forge)] = &[
    ("R1", "a reminder a second time", |p| {
        let e = p.some(&LATE, any)?;
        p.again(&e, |e| e.at = later(e, 20 * DAY))
    }),
    ("R1", "a step back", |p| {
        let e = p.some(&["final"], any)?;
        p.again(&e, |e| {
            e.at = later(e, 20 * DAY);
            promote(e, "courtesy");
        })
    }),
    ("R2", "firm although the reminder never left", |p| {
        let e = p.some(&["firm"], any)?;
        p.log.iter_mut().filter(|r| r.debtor == e.debtor && r.step == "reminder").for_each(|r| r.outcome = "refused".into());
        Some(())
    }),
    ("R2", "firm too early", |p| {
        let e = p.some(&["firm"], any)?;
        let number = asked(&e)?;
        let had =
            |r: &&Entry| r.at < e.at && r.invoices.iter().any(|n| n.number == number && n.stage.as_deref() == Some("reminder"));
        let lower = p.log.iter().find(had)?.clone();
        at_moment(p, &e, later(&lower, 7 * DAY))
    }),
    ("R2", "a formal notice without a final letter", |p| {
        let e = p.some(&LATE, any)?;
        p.tell(later(&e, DAY), "approved", json!({"customer": e.debtor, "step": "formal"}))
    }),
    ("R3", "firm on first contact", |p| {
        let e = p.some(&LATE, any)?;
        p.log.retain(|r| r.debtor != e.debtor || r.at >= e.at);
        p.change(&e, |e| promote(e, "firm"))
    }),
    ("R4", "a reminder too early", |p| {
        let e = p.some(&["reminder"], any)?;
        let due = p.row(&asked(&e)?)?["due_on"].as_str()?.parse::<Date>().ok()?;
        at_moment(p, &e, moment(&format!("{}T10:00", due.tomorrow().ok()?)))
    }),
    ("R4", "a courtesy when the day has passed", |p| {
        let e = p.some(&["courtesy"], any)?;
        at_moment(p, &e, later(&e, 20 * DAY))
    }),
    ("R4", "two messages after the standstill", |p| {
        let begin = when(p, "runs_again")?;
        let e = p.some(&LATE, |e| e.at > begin)?;
        p.again(&e, |e| e.at = later(e, 3600))
    }),
    ("R5", "a sum that is not owed", |p| {
        let e = p.some(&LATE, any)?;
        p.letter_of(&e)?.blocks.first_mut()?.rows.first_mut()?.1 += 1;
        Some(())
    }),
    ("R5", "another sum in the panel", |p| {
        let e = p.some(&["firm"], any)?;
        *p.letter_of(&e)?.panel.as_mut()? += 1;
        Some(())
    }),
    ("R5", "a late invoice left out", |p| {
        let other = |n: &&Named| matches!(n.stage.as_deref(), Some("reminder" | "firm"));
        let e = p.some(&["final", "courtesy"], |e| e.invoices.iter().any(|n| other(&n)))?;
        let gone = e.invoices.iter().find(other)?.number.clone();
        let letter = p.letter_of(&e)?;
        letter.text = letter.text.replace(&gone, "");
        Some(())
    }),
    ("R6", "two on a day", |p| {
        let e = p.some(&["courtesy"], any)?;
        p.again(&e, |e| {
            e.at = later(e, 3600);
            promote(e, "reminder");
        })
    }),
    ("R6", "a message on the day after a call", |p| {
        let e = p.some(&["firm"], any)?;
        p.tell(later(&e, -DAY), "called", json!({"customer": e.debtor, "outcome": "voicemail"}))
    }),
    ("R6 calls", "a call on the day of a letter", |p| {
        let e = p.some(&["final"], any)?;
        p.journal.retain(|l| l.1 != "called" || l.2["customer"] != e.debtor.as_str());
        p.tell(later(&e, 60), "called", json!({"customer": e.debtor, "step": "call-firm", "outcome": "reached"}))
    }),
    ("R7", "firm after a returned payment", |p| {
        let e = p.some(&["firm"], any)?;
        p.tell_of_invoice(&e, "returned", json!({}))
    }),
    ("R9", "before the hour", |p| {
        let e = p.some(&["courtesy"], any)?;
        at_moment(p, &e, later(&e, -3 * 3600))
    }),
    ("R9", "in England an hour early", |p| {
        let e = p.some(&["courtesy"], |e| e.language == "en")?;
        let day = TimeZone::get("Europe/Brussels").unwrap().to_datetime(e.at).date();
        at_moment(p, &e, moment(&format!("{day}T09:02")))
    }),
    ("R9", "on Ascension Day", |p| {
        let e = p.some(&LATE, belgian)?;
        at_moment(p, &e, moment("2026-05-14T10:40"))
    }),
    ("R9", "an SMS on a Sunday", |p| {
        let e = p.some(&["nudge"], any)?;
        at_moment(p, &e, moment("2026-05-17T10:40"))
    }),
    ("R10", "a reminder before receipts are booked", |p| {
        let e = p.some(&LATE, any)?;
        let day = TimeZone::get("Europe/Brussels").unwrap().to_datetime(e.at).date().yesterday().ok()?;
        p.row(&asked(&e)?)?["due_on"] = day.to_string().into();
        Some(())
    }),
    ("R10", "no word of the day", |p| {
        let e = p.some(&LATE, any)?;
        p.letter_of(&e)?.text = String::new();
        Some(())
    }),
    ("R11", "money that nobody has placed", |p| {
        let e = p.some(&LATE, any)?;
        let number = asked(&e)?;
        let mut row = p.row(&number)?.clone();
        (row["kind"], row["invoice"]) = ("payment".into(), "P-X".into());
        (row["balance"], row["total"], row["for_invoice"]) = ("-99999.00".into(), "-99999.00".into(), json!(null));
        p.tell(later(&e, -DAY), "row", row)
    }),
    ("R12", "a part payment on the day before", |p| {
        let e = p.some(&["firm"], any)?;
        let number = asked(&e)?;
        p.tell(later(&e, -DAY), "booked", json!({"invoice": number, "balance": "20.00"}))
    }),
    ("R12", "a trifle", |p| {
        let e = p.some(&["firm"], |e| e.invoices.len() == 1)?;
        p.letter_of(&e)?.blocks.first_mut()?.rows.first_mut()?.1 = 420;
        Some(())
    }),
    ("R12", "a part payment that is not shown", |p| {
        let e = p.some(&["firm"], any)?;
        p.row(&asked(&e)?)?["total"] = "123456.78".into();
        Some(())
    }),
    ("R13", "paid a second before", |p| {
        let e = p.some(&["firm"], any)?;
        p.tell_of_invoice(&e, "booked", json!({"balance": "0.00"}))
    }),
    ("R13", "paid a second before, and listed only", |p| {
        let e = p.some(&["final"], |e| e.invoices.len() > 1)?;
        let number = e.invoices.iter().find(|n| n.stage.as_deref() != Some("final"))?.number.clone();
        p.tell(just_before(&e), "booked", json!({"invoice": number, "balance": "0.00"}))
    }),
    ("R14", "while the ledger is away", |p| {
        let (e, at) = (p.some(&LATE, any)?, when(p, "ledger_away")?);
        at_moment(p, &e, at + jiff::Span::new().hours(30))
    }),
    ("R14", "while half of it is gone", |p| {
        let (e, at) = (p.some(&LATE, any)?, when(p, "ledger_halved")?);
        at_moment(p, &e, at + jiff::Span::new().hours(6))
    }),
];

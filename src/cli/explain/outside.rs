//! What no cadence takes, and what only the ledger itself can tell: rows that were never read, or were paid already.

use super::{Args, Subject, attempts_json};
use crate::cli::{CliError, out};
use crate::domain::case::DebtorFile;
use crate::domain::reason::Reason;
use crate::flow::Desk;
use crate::source::row::{Columns, RawRow};
use serde_json::json;

/// The row of the ledger itself, read now.
async fn in_ledger(desk: &Desk, id: &str) -> Option<(Columns, RawRow)> {
    let (source, columns) = desk.source().await.ok()?;
    let rows = source.reread(&columns, &[id.to_owned()]).await.ok()?;
    rows.into_iter().next().map(|row| (columns, row))
}

/// The row that a person named, by its id or else by a number that it alone has.
async fn found(desk: &Desk, name: &str) -> Option<(Columns, RawRow)> {
    if let Some(found) = in_ledger(desk, name).await {
        return Some(found);
    }
    let (source, columns) = desk.source().await.ok()?;
    let mut rows = source.numbered(&columns, name).await.ok()?;
    let row = rows.pop()?;
    rows.is_empty().then_some((columns, row))
}

/// A name that the store does not know: a row that could not be read, or one that never was open.
pub(super) async fn run(desk: &Desk, args: &Args, unknown: String) -> Result<(), CliError> {
    let name = args.name.trim_start_matches("invoice:");
    let row = found(desk, name).await;
    let id = row.as_ref().map_or(name, |(_, row)| row.id.as_str()).to_owned();
    let id = id.as_str();
    let unreadable = desk.store.unreadable_row(id).await?;
    let (decision, reason, by, text) = match (unreadable, row) {
        (Some(why), _) => {
            let text = format!("the row was never read, so its customer and its money are unknown: {why}");
            ("hold", Reason::Unreadable, "operator", text)
        }
        (None, Some((columns, row))) => match row.read(&columns, &desk.setup.settings.creditor.country) {
            Err(why) => ("hold", Reason::Unreadable, "operator", format!("the row cannot be read: {why}")),
            Ok(row) if !row.is_open() => {
                let text = format!("{} is paid or void in the ledger, and was when relance first read it", row.number);
                ("done", Reason::Paid, "nobody", text)
            }
            Ok(_) => ("wait", Reason::NotYet, "relance", "it is new in the ledger; the next poll takes it in".to_owned()),
        },
        (None, None) => return Err(CliError::Failed(unknown)),
    };
    if args.json {
        out::json(&json!({ "subject": id, "debtor": null, "cadence": null, "currency": null,
            "decision": decision, "reason": reason.code(), "step": null, "next_on": null, "next_by": by,
            "rules": [{ "rule": "R27", "holds": false, "text": text }], "notes": [], "attempts": [] }));
    } else {
        say!("{id}: {text} ({})", reason.code());
        say!("Done so far: nothing");
    }
    Ok(())
}

/// Nothing open, or no cadence.
pub(super) async fn without_case(desk: &Desk, subject: &Subject, as_json: bool) {
    let asked = |pk: i64| subject.on.invoice_pk.is_none_or(|asked| asked == pk);
    let open: Vec<_> = subject.file.rows.iter().map(|r| &r.invoice).filter(|i| asked(i.pk)).collect();
    let mut rules = Vec::new();
    for invoice in &open {
        rules.push(format!("{}: {}", invoice.number, why_no_cadence(desk, &invoice.id).await));
    }
    let (decision, reason, by) = match open.is_empty() {
        false => ("hold", Reason::NoCadence, "operator"),
        true => ("done", Reason::Paid, "nobody"),
    };
    if as_json {
        let rules: Vec<_> = rules.iter().map(|text| json!({ "rule": "R16", "holds": false, "text": text })).collect();
        out::json(&json!({ "subject": subject.name, "debtor": subject.file.debtor.id, "cadence": null, "currency": null,
            "decision": decision, "reason": reason.code(), "step": null, "next_on": null, "next_by": by,
            "rules": rules, "notes": subject.notes, "attempts": attempts_json(desk, subject) }));
        return;
    }
    say!("{}: {} ({})", subject.name, reason.text(), reason.code());
    rules.iter().for_each(|text| super::rules::line("✗", "R16", text));
    subject.notes.iter().for_each(|note| say!("  ! {note}"));
}

/// Why no cadence takes a row, by what the ledger says of it.
async fn why_no_cadence(desk: &Desk, id: &str) -> String {
    let known: Vec<&str> = desk.setup.cadences.iter().map(|c| c.cadence.name.as_str()).collect();
    let row = match in_ledger(desk, id).await {
        Some((columns, row)) => row.read(&columns, &desk.setup.settings.creditor.country).ok(),
        None => None,
    };
    let Some(row) = row else { return format!("no cadence takes it; there are {}", known.join(", ")) };
    if let Some(named) = row.cadence.as_deref().filter(|named| !known.contains(named)) {
        return format!(
            "the ledger's column cadence says \"{named}\", and there is none of that name; there are {}",
            known.join(", ")
        );
    }
    let kind = row.customer.kind.map_or("unknown", |k| k.as_str());
    let country = row.customer.country.as_deref().unwrap_or("unknown");
    let tags = if row.tags.is_empty() { "none".to_owned() } else { row.tags.join(", ") };
    let amount = row.total.unwrap_or(row.balance);
    format!(
        "applies_to of no cadence ({}) matches: customer_kind {kind}, country {country}, tags {tags}, amount {amount}",
        known.join(", ")
    )
}

/// Payments and credit notes that name an invoice of another customer: those of this one, and those that name its own.
pub(super) async fn misnamed(desk: &Desk, file: &DebtorFile) -> Result<Vec<String>, CliError> {
    let mut notes = Vec::new();
    let invoices = || file.rows.iter().map(|r| &r.invoice);
    for credit in invoices().filter(|i| i.is_credit()) {
        let Some(name) = credit.for_invoice.as_deref() else { continue };
        if invoices().any(|i| i.id == name || i.number == name) {
            continue;
        }
        if let Some(other) = desk.store.owner_of(name).await?.filter(|other| *other != file.debtor.id) {
            notes.push(format!(
                "{} names {name}, which is an invoice of another customer, {other}: it is set off there; please allocate it in the ledger",
                credit.number
            ));
        }
    }
    let names: Vec<&str> = invoices().filter(|i| !i.is_credit()).flat_map(|i| [i.id.as_str(), i.number.as_str()]).collect();
    for other in desk.store.named_by_others(&names, file.debtor.pk).await? {
        notes.push(format!(
            "{} of another customer, {}, names {}: it is set off here; please allocate it in the ledger",
            other.number, other.debtor, other.names
        ));
    }
    Ok(notes)
}

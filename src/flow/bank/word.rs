//! A person's word on what the bank shows: it pays this invoice; it does not.

use super::settle::wait;
use crate::domain::time::local_date;
use crate::flow::desk::{Desk, DeskError};
use crate::store::bank::Matched;
use jiff::Timestamp;

/// What became of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is done: in words.
    Done(String),
    /// It cannot be: why, and what was wanted.
    Not(String),
}

/// A person says that an entry pays an invoice: the one that is named, or the only one that may be meant. Of money that went
/// out: that it took the payment back. Of what is held already: that it is to be held for longer.
pub async fn take(desk: &Desk, id: i64, invoice: Option<i64>, by: Option<&str>, now: Timestamp) -> Result<Said, DeskError> {
    let Some(row) = desk.store.bank_row(id).await? else { return Ok(unknown(id)) };
    let matches = desk.store.bank_matches(id).await?;
    if let (Some(credit), "proposed") = (row.undoes, row.state.as_str()) {
        return Ok(match desk.store.bank_taken_back(id, credit, by, None, now).await? {
            true => Said::Done(format!("the payment {credit} was taken back: what it held goes on")),
            false => settled(id, &row.state),
        });
    }
    if row.kind != crate::domain::bank::EntryKind::Credit {
        return Ok(Said::Not(format!("{id} is no money that came; there is nothing to take")));
    }
    let perhaps: Vec<i64> = matches.iter().filter(|m| m.open).map(|m| m.invoice_pk).collect();
    let chosen: Vec<i64> = match (invoice, perhaps.as_slice(), row.state.as_str()) {
        (Some(pk), ..) => vec![pk],
        (None, all, "matched") => all.to_vec(),
        (None, [one], _) => vec![*one],
        (None, [], _) => {
            return Ok(Said::Not(format!("it is not known which invoice {id} pays; wanted relance bank take {id} INVOICE")));
        }
        (None, several, _) => {
            let all: i64 = matches.iter().filter(|m| m.open).fold(0i64, |sum, m| sum.saturating_add(m.balance));
            if all != row.amount.minor {
                let numbers: Vec<&str> = matches.iter().filter(|m| m.open).map(|m| m.number.as_str()).collect();
                return Ok(Said::Not(format!(
                    "{id} may pay several: {}; wanted relance bank take {id} INVOICE",
                    numbers.join(", ")
                )));
            }
            several.to_vec()
        }
    };
    let until = wait(desk, local_date(now, &desk.setup.settings.creditor.timezone));
    let mut left = row.amount.minor;
    let (mut list, mut numbers) = (Vec::new(), Vec::new());
    for pk in chosen {
        let Some(found) = desk.store.bank_invoice(pk, id).await? else { continue };
        if found.balance.currency != row.amount.currency {
            let text = format!(
                "{} is in {}, and {id} in {}; amounts of two currencies never meet",
                found.number, found.balance.currency, row.amount.currency
            );
            return Ok(Said::Not(text));
        }
        let amount = found.balance.minor.clamp(0, left);
        left = left.saturating_sub(amount);
        let text = format!("{} came on {}, a person says", row.amount, row.booked_on);
        let kind = if amount < found.balance.minor { "bank_part_paid" } else { "bank_paid" };
        list.push(Matched { invoice_pk: pk, state: "live", amount, until: Some(until), event: Some((kind, text)) });
        numbers.push(found.number);
    }
    if list.is_empty() {
        return Ok(Said::Not(format!("{id} pays nothing that is still open")));
    }
    Ok(match desk.store.bank_said(id, ("matched", &list), (by, None), now).await? {
        true => Said::Done(format!(
            "{} {} not written about until the ledger has the payment; you are asked after {until}",
            numbers.join(", "),
            if numbers.len() == 1 { "is" } else { "are" }
        )),
        false => settled(id, &row.state),
    })
}

/// A person says that an entry pays nothing of ours: what it held goes on. Of money that went out: that it is a refund.
pub async fn refuse(desk: &Desk, id: i64, reason: &str, by: Option<&str>, now: Timestamp) -> Result<Said, DeskError> {
    let Some(row) = desk.store.bank_row(id).await? else { return Ok(unknown(id)) };
    Ok(match desk.store.bank_said(id, ("refused", &[]), (by, Some(reason)), now).await? {
        true => Said::Done(format!("{id} pays nothing of this ledger: what it held goes on")),
        false => settled(id, &row.state),
    })
}

fn unknown(id: i64) -> Said {
    Said::Not(format!("there is no entry {id}; `relance bank --all` lists them"))
}

fn settled(id: i64, state: &str) -> Said {
    Said::Not(format!("{id} is {state}; there is nothing to say about it any more"))
}

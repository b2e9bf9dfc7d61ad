//! Where each row of a case stands, in words.

use super::ladder::{Block, Ladder, booked_for, marks, needed_booking};
use super::netting::{SetOff, Target, named};
use super::survey::{Place, Placed};
use super::{Booked, RuleWeighed, World};
use crate::domain::case::{CaseInvoice, CaseKey, DebtorFile, HoldKind, Mark, MarkKind};
use crate::domain::condition::lacking;
use crate::domain::invoice::RowStatus;
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::time::local_date;
use jiff::civil::Date;

/// A rule that lets the message pass, or blocks it for a reason.
pub(super) fn rule(rule: &'static str, holds: bool, reason: Reason, text: String) -> RuleWeighed {
    RuleWeighed { rule, holds, reason, text }
}

/// A line or two for each row.
pub(super) fn rows(world: &World, file: &DebtorFile, case: &CaseKey, placed: &[Placed]) -> Vec<RuleWeighed> {
    let mut credits = Vec::new();
    let today = local_date(world.now, world.zone);
    named(&file.rows, case.currency, today, |credit| credits.push(credit));
    let mut found = Vec::new();
    for p in placed {
        let number = &p.row.invoice.number;
        let balance = p.row.invoice.balance;
        match &p.place {
            Place::Credit => found.push(rule("R11", true, Reason::Due, credit(file, &credits, p.row))),
            Place::Covered => {
                found.push(rule("R11", false, Reason::UnallocatedCovers, covered(file, &credits, p.row)));
            }
            Place::Rounding => {
                let text = format!("{number}: {balance} is a rounding difference ([guard] tolerance) and never chased");
                found.push(rule("R12", false, Reason::Rounding, text));
            }
            Place::Held(reason, until) => found.push(rule(rule_of(*reason), false, *reason, held(p.row, *reason, *until))),
            Place::Live(ladder) => {
                let reason = if ladder.next.is_some() { Reason::NotYet } else { Reason::Finished };
                found.push(rule("R4", ladder.due.is_some(), reason, on_its_cadence(world, p, ladder)));
                if p.disputed > 0 {
                    found.push(rule("R18", true, Reason::Disputed, set_aside(p)));
                }
                for step in &ladder.left_out {
                    let text = format!(
                        "{number}: step {} is a note that no channel can carry, so it is left out",
                        world.cadence.steps[*step].id
                    );
                    found.push(rule("R2", true, Reason::Due, text));
                }
                found.extend(ladder.blocked.map(|b| rule(rule_of(b.reason), false, b.reason, blocked(world, file, p, &b))));
            }
        }
    }
    found
}

fn on_its_cadence(world: &World, p: &Placed, ladder: &Ladder) -> String {
    let steps = &world.cadence.steps;
    let number = &p.row.invoice.number;
    let net = Money::new(p.net, p.row.invoice.balance.currency);
    let age = match p.days_late {
        1 => "1 day past due".to_owned(),
        d if d > 0 => format!("{d} days past due"),
        0 => "due today".to_owned(),
        -1 => "due tomorrow".to_owned(),
        d => format!("due in {} days", -d),
    };
    let had = ladder.stage.map_or("no step yet".to_owned(), |step| had(world, p.row, step));
    let next = match (ladder.due, ladder.next) {
        (Some(due), _) => format!("step {} is due", steps[due].id),
        (None, Some((day, step))) if ladder.blocked.is_none() => {
            let (step, name) = (&steps[step], &world.cadence.name);
            format!("step {} is next, on {day} at the earliest ({}, by cadence \"{name}\")", step.id, step.when)
        }
        (None, Some((day, _))) => format!("next look on {day}"),
        (None, None) if ladder.blocked.is_some() => "nothing further by date".to_owned(),
        (None, None) => "no further step by date".to_owned(),
    };
    let awaited = match p.row.invoice.pending_since {
        Some(since) => format!(", a payment that was under way on {since} has not come, so it is open again"),
        None => String::new(),
    };
    format!("{number}: {net} open, {age}, {had}{awaited}; {next}")
}

/// The furthest step had, as far as it was had.
fn had(world: &World, row: &CaseInvoice, step: usize) -> String {
    let name = &world.cadence.steps[step].id;
    match marks(world, row).find(|m| world.cadence.position(&m.step) == Some(step)) {
        Some(Mark { kind: MarkKind::InHand, .. }) => format!("step {name} is under way"),
        Some(Mark { kind: MarkKind::Maybe, .. }) => format!("step {name} may have left"),
        Some(Mark { kind: MarkKind::Left, on, .. }) => format!("furthest step had: {name} on {on}"),
        _ => format!("furthest step had: {name}"),
    }
}

fn held(row: &CaseInvoice, reason: Reason, until: Option<Date>) -> String {
    let number = &row.invoice.number;
    match (until, reason) {
        (Some(day), _) => {
            let hold = row.holds.iter().filter(|h| h.kind.reason() == reason && h.part.is_none()).max_by_key(|h| h.until);
            let why = match hold {
                Some(h) if matches!(h.kind, HoldKind::Bank | HoldKind::BankNear) => {
                    format!(": {} (relance bank show {})", h.reason, h.id)
                }
                Some(h) => format!(" (hold {}): {}", h.id, h.reason),
                None => String::new(),
            };
            format!("{number}: {} until {day}{why}", reason.text())
        }
        (None, Reason::Disputed) => format!("{number}: in dispute{}", dispute(row)),
        (None, Reason::Draft) => format!("{number}: {} (the ledger's column status)", reason.text()),
        (None, _) => format!("{number}: {}", reason.text()),
    }
}

/// How much is in dispute, and who says so.
fn dispute(row: &CaseInvoice) -> String {
    let invoice = &row.invoice;
    if let Some(tag) = &invoice.dispute_tag {
        return format!(" (the tag \"{tag}\")");
    }
    if invoice.status == RowStatus::Disputed {
        return " (the ledger's column status)".to_owned();
    }
    if let Some(hold) = row.holds.iter().filter(|h| h.part.is_some()).max_by_key(|h| h.part) {
        let part = Money::new(hold.part.unwrap_or_default(), invoice.balance.currency);
        return format!(": {part} (hold {} until {}): {}", hold.id, hold.until, hold.reason);
    }
    match invoice.disputed.filter(|d| d.minor > 0) {
        Some(part) => format!(": {part} (the ledger's column disputed_amount)"),
        None => String::new(),
    }
}

/// R18: what is in dispute is set aside, and the rest is chased.
fn set_aside(p: &Placed) -> String {
    let currency = p.row.invoice.balance.currency;
    let rest = Money::new(p.net, currency);
    format!("{}: in dispute{}; the undisputed part, {rest}, is chased", p.row.invoice.number, dispute(p.row))
}

fn credit(file: &DebtorFile, credits: &[SetOff], row: &CaseInvoice) -> String {
    let invoice = &row.invoice;
    let what = format!(
        "{}: a credit of {}",
        invoice.number,
        Money::new(invoice.balance.minor.saturating_abs(), invoice.balance.currency)
    );
    let money = |minor| Money::new(minor, invoice.balance.currency);
    let name = invoice.for_invoice.as_deref().unwrap_or_default();
    match credits.iter().find(|c| file.rows[c.credit].invoice.pk == invoice.pk) {
        Some(SetOff { target: Target::Named(at), on_named, rest, .. }) => {
            let to = &file.rows[*at].invoice.number;
            let rest =
                if *rest > 0 { format!(", the other {} against the oldest invoices", money(*rest)) } else { String::new() };
            format!("{what} that names {to}: {} set off against it{rest}", money(*on_named))
        }
        Some(SetOff { target: Target::Gone, .. }) => {
            format!("{what} that names \"{name}\", which is not open: set off against the oldest invoices")
        }
        Some(SetOff { target: Target::Another, .. }) => {
            format!("{what} that names \"{name}\", an invoice of another customer: set off there, and against nothing here")
        }
        _ => format!("{what} that names no invoice: set off against the oldest invoices"),
    }
}

/// What covers a row: credits that name it, and others.
fn covered(file: &DebtorFile, credits: &[SetOff], row: &CaseInvoice) -> String {
    let invoice = &row.invoice;
    let names_it = |c: &&SetOff| matches!(c.target, Target::Named(at) if file.rows[at].invoice.pk == invoice.pk);
    let own: Vec<&SetOff> = credits.iter().filter(names_it).collect();
    let sum = own.iter().fold(invoice.paid_by_others, |sum, c| sum.saturating_add(c.on_named));
    let numbers: Vec<&str> = own.iter().map(|c| file.rows[c.credit].invoice.number.as_str()).collect();
    let named = (!own.is_empty()).then(|| format!("{}, which names it", numbers.join(" and ")));
    let others = (invoice.paid_by_others > 0).then(|| "payments of other customers that name it".to_owned());
    let rest = (invoice.balance.minor > sum).then(|| "payments or credit notes without an invoice".to_owned());
    let by: Vec<String> = [named, others, rest].into_iter().flatten().collect();
    let by = by.join(", and by ");
    format!("{}: {} is covered by {by}; please allocate this in the ledger", invoice.number, invoice.balance)
}

/// What stands against a step whose day has come.
pub(super) fn blocked(world: &World, file: &DebtorFile, p: &Placed, block: &Block) -> String {
    let number = &p.row.invoice.number;
    let step = &world.cadence.steps[block.step].id;
    match block.reason {
        Reason::PaymentsNotBooked => format!("{number}: step {step} waits: {}", booked(world, p.row)),
        Reason::PartPaid => format!(
            "{number}: step {step} waits until {} because of a part payment",
            block.until.map(|d| d.to_string()).unwrap_or_default()
        ),
        Reason::CannotReach => {
            format!("{number}: step {step}: the step before it could not be delivered, so nothing firmer may leave")
        }
        Reason::PassedOver => {
            format!("{number}: step {step}: the step before it was passed over by a person's word, so nothing firmer may leave")
        }
        Reason::OldDebt => format!(
            "{number}: first seen on {}, after it fell due; [guard] old_debts = \"hold\": waits for `relance release {}`",
            p.row.invoice.first_seen, file.debtor.id
        ),
        Reason::NeedsData => {
            let needs = &world.cadence.steps[block.step].needs;
            let lacking = lacking(needs, &file.debtor, &p.row.invoice).iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
            format!("{number}: step {step} needs {lacking}, which the ledger does not give")
        }
        reason => format!("{number}: step {step}: {}", reason.text()),
    }
}

/// Up to when receipts are booked and must be, for a row.
pub(super) fn booked(world: &World, row: &CaseInvoice) -> String {
    let today = local_date(world.now, world.zone);
    let booked = booked_for(world, row);
    let through = booked.through(today, today, world.bank);
    let needed = needed_booking(world, row.invoice.due_on);
    let from = match booked {
        Booked::Lag(_) => "by booking_lag",
        Booked::Read { .. } => "by booking_lag, before the day on which the ledger was last read",
        Booked::Through(_) => "as the source says",
    };
    format!(
        "payments are booked through {through} ({from}), needed through {needed} (due date plus grace of {})",
        world.policy.grace
    )
}

/// Whether receipts are booked far enough for a row.
pub(super) fn is_booked(world: &World, row: &CaseInvoice) -> bool {
    let today = local_date(world.now, world.zone);
    booked_for(world, row).through(today, today, world.bank) >= needed_booking(world, row.invoice.due_on)
}

/// The rule of the trade that a reason belongs to.
pub(super) fn rule_of(reason: Reason) -> &'static str {
    match reason {
        Reason::PaymentsNotBooked | Reason::Pending => "R10",
        Reason::PartPaid | Reason::Rounding | Reason::BelowMinimum => "R12",
        Reason::OldDebt | Reason::FirstContact => "R3",
        Reason::Missing => "R13",
        Reason::Disputed => "R18",
        Reason::Held | Reason::Promised | Reason::Answered | Reason::PageAnswered => "R19",
        Reason::DirectDebit | Reason::DebtorState => "R15",
        Reason::KindUnknown => "R16",
        Reason::QuietTime => "R20",
        Reason::NeedsData
        | Reason::RuledOut
        | Reason::PayRun
        | Reason::AwaitsApproval
        | Reason::OwnerTold
        | Reason::OwnerUntold => "R22",
        Reason::CannotReach | Reason::PassedOver | Reason::Uncertain => "R2",
        _ => "R27",
    }
}

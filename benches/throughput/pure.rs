//! How many cases one core decides in a second.

use jiff::civil::date;
use relance::config::Setup;
use relance::domain::case::{CaseInvoice, CaseKey, ContactPoint, DebtorFile, PointState};
use relance::domain::currency::Currency;
use relance::domain::debtor::{CustomerKind, Debtor, Role};
use relance::domain::decision::{Booked, NoTrace, World, decide as one};
use relance::domain::invoice::{Invoice, Presence, RowKind, RowStatus};
use relance::domain::money::Money;
use relance::domain::step::Channel;
use std::time::Instant;

fn file(pk: i64, rows: i64, cadence: &str) -> DebtorFile {
    let row = |n: i64| CaseInvoice {
        invoice: Invoice {
            pk: pk * 10 + n,
            id: format!("{pk}-{n}"),
            number: format!("F-{pk}-{n}"),
            kind: RowKind::Invoice,
            status: RowStatus::Open,
            presence: Presence::Open,
            issued_on: Some(date(2026, 10, 5)),
            due_on: date(2026, 11, (1 + (pk + n) % 28) as i8),
            balance: Money::new(125_000, Currency::EUR),
            total: None,
            disputed: None,
            reference: None,
            pay_url: None,
            document: None,
            po_number: None,
            owner: None,
            tags: vec![],
            dispute_tag: None,
            for_invoice: None,
            for_another: false,
            paid_by_others: 0,
            booked_through: None,
            cadence: Some(cadence.to_owned()),
            term: 1,
            first_seen: date(2026, 10, 6),
            reopened: false,
            paused_until: None,
            pending_since: None,
            thread: None,
        },
        marks: vec![],
        holds: vec![],
        digest: 0,
    };
    DebtorFile {
        debtor: Debtor {
            pk,
            id: format!("C{pk}"),
            name: "Client".to_owned(),
            kind: Some(CustomerKind::Business),
            ..Debtor::default()
        },
        rows: (0..rows).map(row).collect(),
        points: vec![ContactPoint {
            channel: Channel::Email,
            address: "a@b.example".to_owned(),
            state: PointState::Usable,
            role: Role::Accounts,
            name: None,
            language: None,
        }],
        ..DebtorFile::default()
    }
}

/// Decides cases of three invoices with different due dates: on the cadence of the tests, and on the longest that is shipped.
pub(crate) fn decide() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let world = runtime.block_on(super::world::World::new(super::home::Home::File, 1, 1, "2026-11-03"))?;
    world.configure("smtp://127.0.0.1:9", 1, "")?;
    decide_with(&world.setup()?)?;
    world.as_shipped()?;
    decide_with(&world.setup()?)?;
    Ok(())
}

fn decide_with(setup: &Setup) -> anyhow::Result<()> {
    let zone = setup.settings.creditor.timezone.clone();
    let Some(cadence) = setup.cadences.iter().map(|c| &c.cadence).max_by_key(|c| c.steps.len()) else {
        anyhow::bail!("there is no cadence")
    };
    let files: Vec<DebtorFile> = (0..1000).map(|pk| file(pk, 3, &cadence.name)).collect();
    let world = World {
        now: super::world::NOW.parse()?,
        zone: &zone,
        cadence,
        policy: &setup.settings.policy,
        booked: Booked::Through(date(2026, 11, 17)),
        bank: setup.settings.creditor.calendar.as_deref(),
        calendar: setup.settings.creditor.calendar.as_deref(),
        brakes: &[],
        channels: &[Channel::Email],
        own: None,
    };
    let case = CaseKey { cadence: cadence.name.clone(), currency: Currency::EUR };
    let (mut decided, mut sends) = (0u64, 0u64);
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < 3.0 {
        for file in &files {
            let decision = one(file, &case, &world, &mut NoTrace);
            sends += u64::from(decision.verdict.as_str() == "send");
            decided += 1;
        }
    }
    let rate = decided as f64 / start.elapsed().as_secs_f64();
    let (name, steps, send) = (&cadence.name, cadence.steps.len(), 100.0 * sends as f64 / decided as f64);
    println!("decide: {rate:.0} cases/s on one core (3 invoices each, cadence {name} of {steps} steps, {send:.0} % send)");
    Ok(())
}

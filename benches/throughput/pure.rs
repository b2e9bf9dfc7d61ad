//! How many cases one core decides in a second.

use jiff::civil::date;
use relance::config::{Environment, Setup};
use relance::domain::case::{CaseInvoice, CaseKey, ContactPoint, DebtorFile, PointState};
use relance::domain::currency::Currency;
use relance::domain::debtor::{CustomerKind, Debtor, Role};
use relance::domain::decision::{Booked, NoTrace, World, decide as one};
use relance::domain::invoice::{Invoice, Presence, RowKind, RowStatus};
use relance::domain::money::Money;
use relance::domain::step::Channel;
use std::time::Instant;

fn file(pk: i64, rows: i64) -> DebtorFile {
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
            cadence: Some("standard".to_owned()),
            term: 1,
            first_seen: date(2026, 10, 6),
            reopened: false,
            paused_until: None,
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

/// Decides cases of three invoices with different due dates.
pub(crate) fn decide() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let world = runtime.block_on(super::world::World::new(super::home::Home::File, 1, 1, "2026-11-03"))?;
    let desk = runtime.block_on(world.desk("smtp://127.0.0.1:9", 1, ""))?;
    let setup: &Setup = &desk.setup;
    assert!(Environment::new().is_empty());
    let zone = setup.settings.creditor.timezone.clone();
    let cadence = &setup.cadences[0].cadence;
    let files: Vec<DebtorFile> = (0..1000).map(|pk| file(pk, 3)).collect();
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
    let case = CaseKey { cadence: "standard".to_owned(), currency: Currency::EUR };
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
    println!("decide: {rate:.0} cases/s on one core (3 invoices each, {:.0} % send)", 100.0 * sends as f64 / decided as f64);
    Ok(())
}

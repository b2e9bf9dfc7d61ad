//! R11: receipts and credit notes without an invoice are set off, oldest first, and never across currencies.

use super::build::*;
use crate::domain::case::{Hold, HoldKind};
use crate::domain::currency::Currency;
use crate::domain::decision::net;
use crate::domain::invoice::{Presence, RowKind, RowStatus};
use crate::domain::money::Money;
use proptest::prelude::*;

fn nets(scene: &Scene) -> Vec<i64> {
    net(&scene.file.rows, Currency::EUR, day("2026-06-08"))
}

#[test]
fn r11_oldest_first_whatever_the_grouping() {
    let scene =
        Scene::new(standard()).with(1, "2026-06-03", "50.00").with(2, "2026-06-01", "40.00").with_credit(3, "-45.00", None);
    assert_eq!(nets(&scene), [4_500, 0, 0]);
    let plan = scene.sent("2026-06-09 10:00");
    assert_eq!(shown(&scene, &plan), "reminder 45.00 EUR [3:Credit 1:Asked=reminder]");
    let mut scene = scene;
    scene.cadence.group = crate::domain::cadence::Group::Invoice;
    assert_eq!(scene.shows("2026-06-09 10:00"), "reminder 45.00 EUR [1:Asked=reminder]");
}

#[test]
fn r11_a_credit_that_names_an_invoice_goes_to_it() {
    let base = || Scene::new(standard()).with(1, "2026-06-01", "40.00").with(2, "2026-06-03", "50.00");
    assert_eq!(nets(&base().with_credit(3, "-30.00", Some("F-2"))), [4_000, 2_000, 0], "by number");
    assert_eq!(nets(&base().with_credit(3, "-30.00", Some("i2"))), [4_000, 2_000, 0], "by id");
    assert_eq!(nets(&base().with_credit(3, "-70.00", Some("F-2"))), [2_000, 0, 0], "what is over goes to the oldest");
    assert_eq!(nets(&base().with_credit(3, "-30.00", Some("F-77"))), [1_000, 5_000, 0], "one that is not open");
}

/// Its own case stays as it is, and the one that was paid for is not asked.
#[test]
fn r11_a_receipt_for_another_customers_invoice_goes_there() {
    let mut payer = Scene::new(standard()).with(1, "2026-06-01", "40.00").with_credit(2, "-40.00", Some("F-900"));
    payer.row(2).invoice.for_another = true;
    assert_eq!(nets(&payer), [4_000, 0]);
    assert_eq!(payer.shows("2026-06-05 10:00"), "reminder 40.00 EUR [1:Asked=reminder]");
    let mut paid_for = Scene::new(standard()).with(900, "2026-06-01", "40.00").with(901, "2026-06-01", "50.00");
    paid_for.row(900).invoice.paid_by_others = 4_000;
    assert_eq!(nets(&paid_for), [0, 5_000]);
    paid_for.row(900).invoice.paid_by_others = 9_000;
    assert_eq!(nets(&paid_for), [0, 5_000], "what is over is nobody's but the payer's");
}

#[test]
fn r11_a_negative_invoice_is_a_credit() {
    let scene = Scene::new(standard()).with(1, "2026-06-01", "40.00").with(2, "2026-06-01", "-15.00");
    assert_eq!(nets(&scene), [2_500, 0]);
}

#[test]
fn r11_what_is_disputed_or_held_is_covered_last() {
    let mut scene =
        Scene::new(standard()).with(1, "2026-05-01", "40.00").with(2, "2026-06-01", "50.00").with_credit(3, "-50.00", None);
    scene.row(1).invoice.status = RowStatus::Disputed;
    assert_eq!(nets(&scene), [4_000, 0, 0]);
}

#[test]
fn r11_a_hold_that_is_over_changes_nothing_any_more() {
    let mut scene =
        Scene::new(standard()).with(1, "2026-05-04", "40.00").with(2, "2026-06-01", "40.00").with_credit(3, "-40.00", None);
    scene.row(1).holds.push(Hold {
        id: 1,
        kind: HoldKind::Operator,
        until: day("2026-06-09"),
        reason: "call".to_owned(),
        part: None,
    });
    assert_eq!(nets(&scene), [4_000, 0, 0], "on hold until tomorrow: covered last");
    assert_eq!(scene.line("2026-06-08 10:00"), "hold unallocated_covers 2026-06-09 09:00 operator");
    // From the day on which the hold ends, the oldest is covered first again.
    assert_eq!(scene.shows("2026-06-09 10:00"), "reminder 40.00 EUR [2:Asked=reminder]");
}

#[test]
fn r11_never_across_currencies_and_never_from_closed_rows() {
    let mut scene =
        Scene::new(standard()).with(1, "2026-06-01", "40.00").with_credit(2, "-30.00", None).with_credit(3, "-30.00", None);
    scene.row(2).invoice.balance = Money::new(-3_000, Currency::parse("USD").unwrap());
    scene.row(3).invoice.presence = Presence::Closed;
    assert_eq!(nets(&scene), [4_000, 0, 0]);
    assert_eq!(scene.shows("2026-06-05 10:00"), "reminder 40.00 EUR [1:Asked=reminder]");
}

#[test]
fn r11_covered_means_nothing_leaves_and_the_operator_allocates() {
    let scene = Scene::new(standard()).with(1, "2026-06-01", "40.00").with_credit(2, "-39.50", None);
    assert_eq!(scene.line("2026-06-05 10:00"), "hold unallocated_covers never operator", "up to the tolerance");
    assert!(scene.explained("2026-06-05 10:00").iter().any(|l| l.starts_with("R11 no: F-1: 40.00 EUR is covered")));
    // What is not due yet still gets its courtesy note in its turn.
    let scene = scene.with(3, "2026-07-01", "70.00");
    assert_eq!(scene.line("2026-06-05 10:00"), "hold unallocated_covers 2026-06-26 09:00 operator");
}

#[test]
fn r11_a_credit_under_another_cadence_counts_too() {
    let mut scene = Scene::new(standard()).with(1, "2026-06-01", "40.00").with_credit(2, "-40.00", None);
    scene.row(2).invoice.cadence = None;
    assert_eq!(scene.line("2026-06-05 10:00"), "hold unallocated_covers never operator");
}

proptest! {
    /// Whatever is paid is set off once, and nobody is asked for more than the sum of what is owed and paid.
    #[test]
    fn r11_the_nets_add_up(rows in prop::collection::vec((1i64..9, -9_000i64..9_000, 0u8..4, prop::option::of(1i64..9)), 0..9)) {
        let mut scene = Scene::new(standard());
        for (i, (weeks, minor, kind, names)) in rows.iter().enumerate() {
            let pk = i as i64 + 1;
            let due = crate::domain::time::plus_days(day("2026-01-01"), weeks * 7);
            let mut row = invoice(pk, due, Money::new(*minor, Currency::EUR));
            if *kind == 0 {
                row.invoice.kind = RowKind::CreditNote;
                row.invoice.balance.minor = -minor.abs();
                row.invoice.for_invoice = names.map(|n| format!("F-{n}"));
            }
            scene.file.rows.push(row);
        }
        let owed: i64 = scene.file.rows.iter().filter(|r| r.invoice.kind == RowKind::Invoice).map(|r| r.invoice.balance.minor.max(0)).sum();
        let credit: i64 = scene.file.rows.iter().map(|r| (-r.invoice.balance.minor).max(0)).sum();
        let nets = nets(&scene);
        prop_assert_eq!(nets.iter().sum::<i64>(), (owed - credit).max(0));
        for (row, net) in scene.file.rows.iter().zip(&nets) {
            prop_assert!((0..=row.invoice.balance.minor.max(0)).contains(net));
        }
    }
}

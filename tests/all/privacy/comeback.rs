//! The ledger is read again and again: who was erased does not come back by what was settled, and begins anew by what is
//! claimed anew.

use super::{EMAIL, NAME, REFERENCE};
use crate::support::{Config, Row, Smtp, World};
use relance::store::ledger::{DebtorRow, InvoiceRow, PageChange};
use relance::store::person::erase::{Erasure, Word};

fn row(id: &str) -> Row {
    Row::new(id, "C7").with("customer_name", NAME).with("email", EMAIL).with("reference", REFERENCE)
}

/// A world in which C7 was written to, has paid, and was erased.
async fn erased(server: &Smtp) -> World {
    let world = World::with(Config::mail(server.port), &[row("F-1"), Row::new("G-1", "C8")]).await;
    world.round().await;
    world.pay("F-1").await;
    world.poll().await;
    erase(&world).await;
    world
}

async fn erase(world: &World) {
    let pk = world.store().find_debtor("C7").await.unwrap().unwrap();
    let word = Word { cause: "person", reason: "asked", author: None };
    let today = "2026-11-02".parse().unwrap();
    let done = world.store().erase_person(pk, word, today, world.clock.now()).await.unwrap();
    assert!(matches!(done, Erasure::Done(_)), "{done:?}");
}

async fn c7(world: &World) -> Vec<String> {
    world.peek("SELECT name || '/' || coalesce(email, '-') || '/' || CASE WHEN erased_at IS NULL THEN 'there' ELSE 'erased' END FROM debtor WHERE source_id = 'C7'").await
}

const REFERENCES: &str =
    "SELECT source_id || ' ' || coalesce(reference, '-') FROM invoice WHERE source_id LIKE 'F-%' ORDER BY pk";

#[tokio::test]
async fn what_is_settled_brings_nobody_back() {
    let server = Smtp::start().await;
    let mut world = erased(&server).await;
    assert_eq!(c7(&world).await, ["/-/erased"]);
    // The row is still there, it changes, and then every row is weighed anew.
    world.poll().await;
    world.change("F-1", "customer_name", "Madame Quittelier").await;
    world.change("F-1", "status", "paid").await;
    world.poll().await;
    world.reconfigure(|c| c.guard_line("tolerance = \"2.00\"")).await;
    world.poll().await;
    world.plan().await;
    assert_eq!((c7(&world).await, world.peek(REFERENCES).await), (vec!["/-/erased".to_owned()], vec!["F-1 -".to_owned()]));
    // Gone from the ledger altogether: no less.
    world.delete("F-1").await;
    world.poll().await;
    assert_eq!(c7(&world).await, ["/-/erased"]);
    world.finish().await;
}

#[tokio::test]
async fn a_new_claim_begins_a_fresh_file() {
    let server = Smtp::start().await;
    let world = erased(&server).await;
    world.insert(&[row("F-2")]).await;
    world.poll().await;
    assert_eq!(c7(&world).await, [format!("{NAME}/{EMAIL}/there")]);
    // What was settled before stays erased beside it.
    world.change("F-1", "customer_name", NAME).await;
    world.change("F-1", "tags", "more").await;
    world.poll().await;
    assert_eq!(world.peek(REFERENCES).await, ["F-1 -", &format!("F-2 {REFERENCE}")]);
    world.days(8);
    world.round().await;
    let steps: Vec<String> = world.log().await.into_iter().filter(|a| a.debtor == "C7").map(|a| a.step).collect();
    assert_eq!(steps, ["reminder", "reminder"], "as to anybody");
    assert_eq!(world.log().await.iter().filter(|a| a.address.is_none()).count(), 1);
    // It can be erased again, when it has been settled again.
    world.pay("F-2").await;
    world.poll().await;
    erase(&world).await;
    assert_eq!(c7(&world).await, ["/-/erased"]);
    assert_eq!(world.peek("SELECT count(*) || '' FROM tombstone").await, ["2"]);
    world.finish().await;
}

#[tokio::test]
async fn a_payment_that_is_called_back_opens_the_same_invoice() {
    let server = Smtp::start().await;
    let world = erased(&server).await;
    world.change("F-1", "balance", "120.00").await;
    world.poll().await;
    assert_eq!(c7(&world).await, [format!("{NAME}/{EMAIL}/there")]);
    assert_eq!(
        world
            .peek(
                "SELECT term || ' ' || reopened || ' ' || coalesce(closed_at, erased_at, 0) FROM invoice WHERE source_id = 'F-1'"
            )
            .await,
        ["2 1 0"]
    );
    world.finish().await;
}

/// A page that was read before somebody was erased is written after.
#[tokio::test]
async fn a_page_that_comes_late_brings_nobody_back() {
    let server = Smtp::start().await;
    let world = erased(&server).await;
    let debtor = |id: &str, name: &str| DebtorRow {
        id: id.to_owned(),
        name: name.to_owned(),
        language: None,
        country: None,
        kind: None,
        timezone: None,
        state: None,
        email: Some(format!("{id}@late.example")),
        phone: None,
        enterprise_no: None,
        contacts: None,
        pay_runs: None,
        since: None,
    };
    let invoice = |id: &str, debtor: &str, presence: &'static str| InvoiceRow {
        id: id.to_owned(),
        debtor: debtor.to_owned(),
        number: id.to_owned(),
        kind: "invoice",
        status: "open",
        presence,
        issued_on: None,
        due_on: "2026-10-26".to_owned(),
        currency: "EUR".to_owned(),
        total: None,
        balance: 0,
        disputed: None,
        reference: Some(REFERENCE.to_owned()),
        pay_url: None,
        document: None,
        po_number: None,
        owner: None,
        for_invoice: None,
        booked_through: None,
        tags: "[]".to_owned(),
        cadence: None,
        term: 1,
        first_seen: "2026-11-02".to_owned(),
        reopened: 0,
        paused_until: None,
        pending_since: None,
        promised_on: None,
        digest: 77,
    };
    let page = PageChange {
        debtors: vec![debtor("C7", NAME), debtor("C8", "Maison C8")],
        invoices: vec![invoice("F-1", "C7", "closed"), invoice("G-1", "C8", "closed")],
        ..PageChange::default()
    };
    world.store().apply_page(&page, jiff::civil::date(2026, 1, 1), world.clock.now()).await.unwrap();
    assert_eq!((c7(&world).await, world.peek(REFERENCES).await), (vec!["/-/erased".to_owned()], vec!["F-1 -".to_owned()]));
    assert_eq!(world.peek("SELECT email FROM debtor WHERE source_id = 'C8'").await, ["C8@late.example"], "others are written");
    world.finish().await;
}

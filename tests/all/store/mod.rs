//! The store by itself: its statements, its guards, its lock, and a log that shows when somebody touched it.

mod copy;
mod copy_program;
mod copy_refused;
pub mod filled;
mod guards;
mod log;
pub mod old;
mod opening;
mod schemas;
mod upgrade;
mod upgrade_refused;

use crate::support::home::Home;
use jiff::Timestamp;
use relance::config::Environment;
use relance::config::settings::StoreSettings;
use relance::domain::attempt::Outcome;
use relance::store::Store;
use relance::store::attempts::NewAttempt;
use relance::store::chain::Verified;
use relance::store::ledger::{DebtorRow, InvoiceRow, PageChange};
use relance::store::payloads::Payload;
use relance::store::plan::{Looks, NewContact, NewMessage};
use relance::store::settle::{After, Settlement};
use std::path::PathBuf;
use tempfile::TempDir;

fn now() -> Timestamp {
    "2026-11-02T10:00:00+01:00".parse().unwrap()
}

/// A folder with a store: in it, or on the server where the tests run on PostgreSQL.
struct Place {
    folder: TempDir,
    home: Home,
    settings: StoreSettings,
}

impl Place {
    async fn new() -> Place {
        let folder = TempDir::new().unwrap();
        let home = Home::new(folder.path()).await;
        let settings = home.settings();
        Place { folder, home, settings }
    }

    /// In a file, wherever the tests run: for what only a file has.
    fn in_file() -> Place {
        let folder = TempDir::new().unwrap();
        let home = Home::File(folder.path().join("relance.db"));
        let settings = home.settings();
        Place { folder, home, settings }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("relance.db")
    }

    async fn store(&self) -> Store {
        let store = Store::open(&self.settings, &Environment::new()).await.unwrap();
        store.join("test", "", now()).await.unwrap()
    }

    /// Runs SQL past the program, and says what the database thinks of it.
    async fn sql(&self, sql: &str) -> Result<u64, String> {
        self.home.run(sql).await
    }
}

/// A debtor with an invoice, and one sent message for each text.
async fn with_log(place: &Place, messages: &[&str]) -> (Store, String) {
    let store = place.store().await;
    store.apply_page(&page(), jiff::civil::date(2026, 1, 1), now()).await.unwrap();
    let message = |n: usize| NewMessage {
        channel: relance::domain::step::Channel::Email,
        address: format!("c{n}@debtor.example"),
        message_id: format!("m{n}@canal.example"),
        copy: false,
        role: relance::domain::debtor::Role::Accounts,
    };
    let contact = |n: usize| NewContact {
        debtor_pk: 1,
        cadence: "standard".to_owned(),
        currency: "EUR".to_owned(),
        step: "reminder".to_owned(),
        letter: "reminder".to_owned(),
        redirected: false,
        invoices: vec![],
        marks: vec![],
        messages: vec![message(n)],
        question: None,
    };
    let contacts: Vec<NewContact> = (0..messages.len()).map(contact).collect();
    store.commit_plan(0, &Looks { contacts: contacts.clone(), ..Looks::default() }, false, now()).await.unwrap();
    let claimed = store.claim(relance::domain::step::Channel::Email, now(), 100, None).await.unwrap();
    let mut settlements = Vec::new();
    for (claimed, text) in claimed.iter().zip(messages) {
        let payload = Payload::new(&claimed.address, text.as_bytes()).unwrap();
        let sealed = (payload.salt.to_vec(), payload.address.clone(), payload.body_hash.to_vec());
        let kept = store.mark_sending(&[(claimed.pk, payload)], now()).await.unwrap();
        settlements.push(Settlement {
            message_pk: claimed.pk,
            contact_pk: claimed.contact_pk,
            copy: false,
            after: After::Accepted,
            day: "2026-11-02".parse().unwrap(),
            attempt: NewAttempt {
                message_id: Some(claimed.message_id.clone()),
                message_pk: Some(claimed.pk),
                payload_pk: Some(kept[0]),
                ..attempt()
            },
            payload: None,
            sealed: Some(sealed),
            threads: vec![],
            dead: None,
            gateway_id: None,
        });
    }
    let head = store.settle(&settlements, now()).await.unwrap();
    (store, head.iter().map(|b| format!("{b:02x}")).collect())
}

/// An attempt as it is written, but for its message.
fn attempt() -> NewAttempt {
    NewAttempt {
        at: now().as_millisecond(),
        debtor_pk: 1,
        debtor: "C1".to_owned(),
        person: None,
        channel: Some("email".to_owned()),
        cadence: "standard".to_owned(),
        step: "reminder".to_owned(),
        letter: "reminder".to_owned(),
        language: Some("fr".to_owned()),
        invoices: "[]".to_owned(),
        outcome: Outcome::Accepted,
        class: None,
        why: None,
        answer: Some("250 2.0.0 queued".to_owned()),
        message_id: None,
        message_pk: None,
        payload_pk: None,
        digest: None,
    }
}

fn page() -> PageChange {
    let debtor = DebtorRow {
        id: "C1".to_owned(),
        name: "Brasserie du Parvis".to_owned(),
        language: None,
        country: None,
        kind: None,
        timezone: None,
        state: None,
        email: None,
        phone: None,
        enterprise_no: None,
        contacts: None,
        pay_runs: None,
        since: None,
    };
    let invoice = InvoiceRow {
        id: "i1".to_owned(),
        debtor: "C1".to_owned(),
        number: "F-1".to_owned(),
        kind: "invoice",
        status: "open",
        presence: "open",
        issued_on: None,
        due_on: "2026-10-01".to_owned(),
        currency: "EUR".to_owned(),
        total: None,
        balance: 10_000,
        disputed: None,
        reference: None,
        pay_url: None,
        for_invoice: None,
        document: None,
        po_number: None,
        owner: None,
        booked_through: None,
        tags: "[]".to_owned(),
        cadence: Some("standard".to_owned()),
        term: 1,
        first_seen: "2026-09-01".to_owned(),
        reopened: 0,
        paused_until: None,
        pending_since: None,
        promised_on: None,
        digest: 1,
    };
    PageChange { debtors: vec![debtor], invoices: vec![invoice], ..PageChange::default() }
}

async fn verified(store: &Store, deep: bool) -> Verified {
    store.verify_log(deep).await.unwrap()
}

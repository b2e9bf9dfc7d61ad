//! Personal data: where it lies, that all of it is told and all of it goes, and that what stays verifies.

mod comeback;
mod erase;
mod places;
mod remains;
mod retention;
mod told;

use crate::program::{Firm, into_folder, late};
use crate::support::{Config, Row};

/// Words that belong to one person alone: nothing else in a store holds them.
pub const NAME: &str = "Quittelier";
pub const EMAIL: &str = "zoe.quittelier@privee.example";
pub const PHONE: &str = "+32470998877";
pub const REFERENCE: &str = "+++090/9337/55493+++";
pub const LINK: &str = "https://pay.example/q1u2i3";
pub const TAG: &str = "tagofquit";
pub const REASON: &str = "her mother telephoned";

/// The row of that person.
pub fn zoe(id: &str) -> Row {
    late(id, "C7")
        .with("customer_name", &format!("Zoé {NAME}"))
        .with("email", EMAIL)
        .with("phone", PHONE)
        .with("reference", REFERENCE)
        .with("pay_url", LINK)
        .with("tags", TAG)
}

/// By mail and SMS, into files.
pub fn both() -> Config {
    let cadence = crate::program::ALWAYS.replace("channel = \"email\"", "channel = [\"email\", \"sms\"]");
    into_folder().with_sms_file().cadence(&cadence)
}

/// A firm that has written to that person and to another.
pub async fn firm() -> Firm {
    let firm = Firm::new(&both(), &[zoe("F-7"), late("F-8", "C8").with("phone", "+32470112233")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let until = crate::program::day(20).to_string();
    firm.run(&["hold", "debtor:C7", "--until", &until, "--reason", REASON]).ends(0);
    firm
}

/// All that the person owed is paid in the ledger, and relance knows; the hold is ended.
pub async fn settle(firm: &Firm) {
    firm.run(&["resume", "debtor:C7"]).ends(0);
    settle_only(firm).await;
}

/// The same without a hold.
pub async fn settle_only(firm: &Firm) {
    sqlx::query("UPDATE relance_invoices SET balance = '0.00' WHERE customer_id = 'C7'").execute(&firm.ledger).await.unwrap();
    firm.run(&["run", "--once"]).ends(0);
}

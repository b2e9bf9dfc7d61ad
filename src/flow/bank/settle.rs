//! How a payment that the bank has comes to its end: the ledger books it, or a person is asked when its time is over. Whoever
//! has paid is not written to meanwhile, however long that takes; and it is said again, not passed over in silence.

use crate::domain::bank::{Live, booked};
use crate::domain::time::local_date;
use crate::domain::when::Delay;
use crate::flow::desk::{Desk, DeskError};
use jiff::Timestamp;
use jiff::civil::Date;

/// How long the ledger has where `[bank]` is no longer configured.
const WAIT: &str = "10 working days";

/// The last day of a wait that begins on a day.
pub(super) fn wait(desk: &Desk, today: Date) -> Date {
    let settings = &desk.setup.settings;
    let wait = settings.bank.as_ref().map(|b| b.wait).or_else(|| Delay::parse(WAIT).ok());
    wait.unwrap_or(Delay::NONE).after(today, settings.creditor.calendar.as_deref())
}

/// Ends what the ledger has booked, and asks about what it has not booked in time. Done after every poll as well, so that
/// what is held ends also where `[bank]` is configured no more.
pub async fn settle(desk: &Desk, now: Timestamp) -> Result<u64, DeskError> {
    let rows = desk.store.bank_live().await?;
    let mut done = Vec::new();
    for of_invoice in rows.chunk_by(|a, b| a.0 == b.0) {
        let live: Vec<Live> = of_invoice.iter().map(|(_, live, _)| *live).collect();
        let open = of_invoice.first().and_then(|(_, _, open)| *open);
        done.extend(booked(&live, open));
    }
    let ended = desk.store.bank_booked(&done, now).await?;
    if ended > 0 {
        tracing::info!(event = "bank_booked", payments = ended, "payments that the bank showed are in the ledger");
    }
    ask(desk, now).await?;
    Ok(ended)
}

async fn ask(desk: &Desk, now: Timestamp) -> Result<(), DeskError> {
    let today = local_date(now, &desk.setup.settings.creditor.timezone);
    for late in desk.store.bank_overdue(today).await? {
        let until = wait(desk, today);
        let text = format!(
            "The bank shows {} that came on {} and pays the invoice {} of {} ({}), and the ledger still has it open.\n\nNothing is sent about it: whoever has paid is not reminded. Book it, or say that it is no payment of this invoice: relance bank refuse {} --reason …\nrelance bank show {} tells all that the bank says. You are asked again by the morning report.",
            late.amount, late.booked_on, late.number, late.name, late.debtor, late.entry_pk, late.entry_pk
        );
        let subject = format!("relance: paid by bank, and not in the ledger: {}", late.number);
        desk.store.raise_alert(&format!("bank:{}", late.pk), now, &subject, &text).await?;
        desk.store.bank_later(late.pk, until, now).await?;
    }
    Ok(())
}

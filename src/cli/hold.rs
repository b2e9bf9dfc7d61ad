//! `hold`, `resume`, `holds`: standstills that people put, each with a reason and an end.

use super::out;
use super::{CliError, desk, open};
use crate::clock::Clock;
use crate::domain::money::Money;
use crate::domain::time::local_date;
use crate::flow::Desk;
use crate::store::Store;
use crate::store::holds::{Found, Named};
use jiff::Timestamp;
use jiff::civil::Date;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct HoldArgs {
    /// A debtor's id, or an invoice's id or number
    #[arg(value_name = "DEBTOR|INVOICE")]
    name: String,
    /// The day on which things move again
    #[arg(long, value_parser = super::day)]
    until: Date,
    /// Why, for those who come after you
    #[arg(long)]
    reason: String,
    /// The customer disputes the invoice: all of it, or this AMOUNT, and then the rest is chased
    #[arg(long, num_args = 0..=1, value_name = "AMOUNT")]
    disputed: Option<Option<String>>,
}

#[derive(Debug, clap::Args)]
pub(super) struct ResumeArgs {
    /// A debtor's id, or an invoice's id or number
    #[arg(value_name = "DEBTOR|INVOICE")]
    name: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct HoldsArgs {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Finds what a person named.
pub(super) async fn named(store: &Store, name: &str) -> Result<Named, CliError> {
    if let Some(id) = name.strip_prefix("debtor:") {
        return Ok(Named { debtor_pk: debtor(store, id).await?, invoice_pk: None });
    }
    let plain = name.strip_prefix("invoice:");
    match store.find(plain.unwrap_or(name)).await? {
        Found::One(Named { invoice_pk: Some(_), .. }) if plain.is_none() && store.find_debtor(name).await?.is_some() => {
            Err(CliError::Usage(format!("{name} is a debtor and an invoice as well; say debtor:{name} or invoice:{name}")))
        }
        Found::One(found) => Ok(found),
        Found::Several(list) => Err(several(name, &list)),
        Found::Nothing => Err(CliError::Failed(format!(
            "there is no debtor and no invoice \"{name}\"; wanted a debtor's id, or an invoice's id or number as in the ledger"
        ))),
    }
}

fn several(name: &str, list: &[(String, String)]) -> CliError {
    let list: Vec<String> = list.iter().map(|(id, debtor)| format!("{id} (of debtor {debtor})")).collect();
    CliError::Usage(format!("{name} is the number of several invoices; say which, by its id: {}", list.join(", ")))
}

/// Finds the debtor of an invoice that a person named.
pub(super) async fn debtor_of_invoice(store: &Store, name: &str) -> Result<i64, CliError> {
    match store.find(name).await? {
        Found::One(Named { debtor_pk, invoice_pk: Some(_) }) => Ok(debtor_pk),
        Found::Several(list) => Err(several(name, &list)),
        _ => Err(CliError::Failed(format!("there is no invoice \"{name}\"; wanted its id or number as in the ledger"))),
    }
}

/// Finds a debtor by its id; never an invoice, whose id may be the same number.
pub(super) async fn debtor(store: &Store, id: &str) -> Result<i64, CliError> {
    let found = store.find_debtor(id).await?;
    found.ok_or_else(|| CliError::Failed(format!("there is no debtor \"{id}\"; wanted a debtor's id as in the ledger")))
}

pub(super) async fn hold(config: &Path, args: HoldArgs) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let store = &desk.store;
    let now = desk.clock.now();
    let today = local_date(now, &desk.setup.settings.creditor.timezone);
    if args.until <= today {
        return Err(CliError::Usage(format!("--until is {}; wanted a day after today, {today}", args.until)));
    }
    if args.reason.trim().is_empty() {
        return Err(CliError::Usage("--reason is empty; wanted a few words for those who come after you".to_owned()));
    }
    let on = named(store, &args.name).await?;
    let reason = args.reason.trim();
    let id = match &args.disputed {
        None => store.put_hold(on, args.until, reason, now).await?,
        Some(amount) => {
            let part = disputed(&desk, on, amount.as_deref(), now).await?;
            store.put_dispute(on, part, args.until, reason, now).await?
        }
    };
    let what = if on.invoice_pk.is_some() { "invoice" } else { "debtor" };
    let name = args.name.trim_start_matches("invoice:").trim_start_matches("debtor:");
    say!("hold {id}: {what} {name} until {}", args.until);
    Ok(())
}

/// What of an invoice is disputed, in minor units; `None` for all of it.
async fn disputed(desk: &Desk, on: Named, amount: Option<&str>, now: Timestamp) -> Result<Option<i64>, CliError> {
    let Some(pk) = on.invoice_pk else {
        return Err(CliError::Usage("--disputed is about an invoice; wanted its id or number".to_owned()));
    };
    let Some(text) = amount else { return Ok(None) };
    let file = desk.files(&[on.debtor_pk], now).await?.pop();
    let row = file.as_ref().and_then(|f| f.rows.iter().find(|r| r.invoice.pk == pk));
    let Some(balance) = row.map(|r| r.invoice.balance) else {
        return Err(CliError::Failed("this invoice is not open; there is nothing to dispute".to_owned()));
    };
    let part = Money::parse(text, balance.currency).map_err(|e| {
        let wanted = format!("wanted an amount in {} such as 125.00, with a point and no sign of the currency", balance.currency);
        CliError::Usage(format!("--disputed is \"{text}\", {e}; {wanted}"))
    })?;
    if part.minor <= 0 || part.minor >= balance.minor {
        return Err(CliError::Usage(format!(
            "--disputed is {part}; wanted more than nothing and less than what is open, {balance}"
        )));
    }
    Ok(Some(part.minor))
}

pub(super) async fn resume(config: &Path, args: ResumeArgs) -> Result<(), CliError> {
    let (_, store) = open(config).await?;
    let on = named(&store, &args.name).await?;
    let ended = store.end_holds(on, Clock::System.now()).await?;
    if ended.is_empty() {
        return Err(CliError::Failed(format!("there is no hold on {}; `relance holds` lists them", args.name)));
    }
    say!("resumed {}", args.name);
    Ok(())
}

pub(super) async fn holds(config: &Path, args: HoldsArgs) -> Result<(), CliError> {
    let (setup, store) = open(config).await?;
    let zone = &setup.settings.creditor.timezone;
    let rows = store.holds(local_date(Clock::System.now(), zone)).await?;
    if args.json {
        for r in rows {
            let created = out::rfc3339(r.created_at, zone);
            out::json(&serde_json::json!({ "id": r.id, "debtor": r.debtor, "invoice": r.invoice,
                "kind": r.kind.as_str(), "disputed": r.part, "until": r.until.to_string(), "reason": r.reason, "created_at": created }));
        }
        return Ok(());
    }
    if rows.is_empty() {
        say!("no holds");
        return Ok(());
    }
    let row = |r: crate::store::holds::HoldRow| {
        let kind = r.kind.as_str().to_owned();
        vec![
            r.id.to_string(),
            r.until.to_string(),
            kind,
            format!("{} {}", r.debtor, r.name),
            r.invoice.unwrap_or_default(),
            r.reason,
        ]
    };
    out::table(&["hold", "until", "kind", "debtor", "invoice", "why"], rows.into_iter().map(row).collect());
    Ok(())
}

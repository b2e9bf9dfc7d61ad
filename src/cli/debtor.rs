//! `debtor`: what a customer is and who says so; and a person's word on its state, kind, people and pay days.

use super::hold::debtor;
use super::{CliError, desk, out};
use crate::domain::debtor::{CustomerKind, Debtor, Matter, Person, Role, State, Word, parse_pay_runs};
use crate::domain::people::PeopleWord;
use crate::domain::time::local_date;
use crate::flow::Desk;
use jiff::Timestamp;
use serde_json::json;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The debtor's id
    id: String,
    /// insolvency, debt_settlement, deceased, legal, intra_group, do_not_contact, direct_debit, key_account, public_body;
    /// none: in no such state; ledger: as the ledger says
    #[arg(long, requires = "reason", group = "word")]
    state: Option<String>,
    /// business or consumer; unknown; ledger: as the ledger says
    #[arg(long, requires = "reason", group = "word")]
    kind: Option<String>,
    /// Days of the month on which it pays: "10,25", "last"; none; ledger
    #[arg(long, requires = "reason", group = "word", value_name = "DAYS")]
    pay_runs: Option<String>,
    /// Adds a person in this role: accounts, manager, person, copy; none: nobody besides the ledger's own columns; ledger
    #[arg(long, requires = "reason", group = "word", value_name = "ROLE")]
    contact: Option<String>,
    /// Takes out a person, by name, address or number: somebody who has left
    #[arg(long, requires = "reason", group = "word", value_name = "NAME", value_parser = super::words)]
    retire: Option<String>,
    /// The person's name
    #[arg(long, requires = "contact", value_parser = super::words)]
    name: Option<String>,
    /// The person's e-mail address
    #[arg(long, requires = "contact")]
    email: Option<String>,
    /// The person's number, in international form
    #[arg(long, requires = "contact")]
    phone: Option<String>,
    /// The person's language
    #[arg(long, requires = "contact")]
    language: Option<String>,
    /// Why, for those who come after you
    #[arg(long, value_parser = super::words)]
    reason: Option<String>,
    /// Who says so
    #[arg(long, value_parser = super::words)]
    by: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Path, args: Args) -> Result<(), CliError> {
    let desk = desk(config).await?;
    let pk = debtor(&desk.store, args.id.trim_start_matches("debtor:")).await?;
    let now = desk.clock.now();
    let Some(file) = desk.files(&[pk], now).await?.pop() else {
        return Err(CliError::Failed(format!("there is no debtor \"{}\"", args.id)));
    };
    let people = people_said(&desk, pk).await?;
    let Some((matter, value)) = word(&args, &file.debtor, people)? else { return show(&desk, pk, args.json, now).await };
    let today = local_date(now, &desk.setup.settings.creditor.timezone);
    let reason = args.reason.clone().unwrap_or_default();
    let said = value.map(|value| Word { matter, value, on: today, reason });
    desk.store.say(pk, matter, said.as_ref(), args.by.as_deref(), now).await?;
    match &said {
        Some(word) => {
            say!("{}: from now on {}", args.id, word.words());
            if matter == Matter::Contacts && !file.debtor.may_have_others() {
                say!("Nobody of them is written to or called while it is not known that the customer is a firm.");
            }
        }
        None => say!("{}: {} is what the ledger says again", args.id, matter.as_str()),
    }
    Ok(())
}

/// What was said of the people so far, and still holds.
async fn people_said(desk: &Desk, pk: i64) -> Result<PeopleWord, CliError> {
    let value = desk.store.said_now(pk, Matter::Contacts).await?;
    Ok(value.map(|v| PeopleWord::parse(v.as_deref()).unwrap_or_default()).unwrap_or_default())
}

/// What is said: the matter, and the value (`None` inside: none at all); `None` for the value: as the ledger says.
type Said = Option<(Matter, Option<Option<String>>)>;

fn word(args: &Args, debtor: &Debtor, mut people: PeopleWord) -> Result<Said, CliError> {
    let wrong = |what: &str, text: &str, wanted: &str| CliError::Usage(format!("--{what} is \"{text}\"; wanted {wanted}"));
    let plain = |what: &str, text: &str, none: &str, wanted: String, valid: bool| match text {
        "ledger" => Ok(None),
        t if t == none => Ok(Some(None)),
        t if valid => Ok(Some(Some(t.to_owned()))),
        t => Err(wrong(what, t, &wanted)),
    };
    if let Some(text) = &args.state {
        let wanted = format!("one of: {}, none, ledger", State::words());
        return Ok(Some((Matter::State, plain("state", text, "none", wanted, State::parse(text).is_some())?)));
    }
    if let Some(text) = &args.kind {
        let wanted = "business, consumer, unknown or ledger".to_owned();
        return Ok(Some((Matter::Kind, plain("kind", text, "unknown", wanted, CustomerKind::parse(text).is_some())?)));
    }
    if let Some(text) = &args.pay_runs {
        let wanted = "days of the month such as \"10,25\" or \"last\", none or ledger".to_owned();
        return Ok(Some((Matter::PayRuns, plain("pay-runs", text, "none", wanted, parse_pay_runs(text).is_some())?)));
    }
    if let Some(name) = &args.retire {
        people.retire(name, &debtor.people).map_err(CliError::Usage)?;
        return Ok(Some((Matter::Contacts, Some(Some(people.text())))));
    }
    let Some(text) = &args.contact else { return Ok(None) };
    match text.as_str() {
        "ledger" => return Ok(Some((Matter::Contacts, None))),
        "none" => return Ok(Some((Matter::Contacts, Some(None)))),
        _ => {}
    }
    let roles = Role::ALL.map(Role::as_str).join(", ");
    let role = Role::parse(text).ok_or_else(|| wrong("contact", text, &format!("one of: {roles}, none, ledger")))?;
    if args.email.is_none() && args.phone.is_none() {
        return Err(CliError::Usage("a contact without --email and --phone cannot be reached; wanted one of them".to_owned()));
    }
    if let Some(email) = args.email.as_deref().filter(|e| crate::channel::email::address::parse(e).is_none()) {
        return Err(wrong("email", email, "an e-mail address"));
    }
    let dialled = |p: &&str| p.strip_prefix('+').is_some_and(|d| d.len() >= 8 && d.bytes().all(|b| b.is_ascii_digit()));
    if let Some(phone) = args.phone.as_deref().filter(|p| !dialled(p)) {
        return Err(wrong("phone", phone, "a number in international form such as +3221234567"));
    }
    let person = Person {
        role,
        name: args.name.clone(),
        email: args.email.clone(),
        phone: args.phone.clone(),
        language: args.language.clone(),
    };
    people.add(person, &debtor.people).map_err(CliError::Usage)?;
    Ok(Some((Matter::Contacts, Some(Some(people.text())))))
}

async fn show(desk: &Desk, pk: i64, as_json: bool, now: Timestamp) -> Result<(), CliError> {
    let zone = &desk.setup.settings.creditor.timezone;
    let Some(file) = desk.files(&[pk], now).await?.pop() else { return Ok(()) };
    let d = &file.debtor;
    let (said, calls, promises) = (desk.store.said(pk).await?, desk.store.calls_of(pk).await?, desk.store.promises_of(pk).await?);
    let runs = d.pay_runs.iter().map(|n| if *n == 31 { "last".to_owned() } else { n.to_string() }).collect::<Vec<_>>().join(", ");
    if as_json {
        let people: Vec<_> = d.everybody().iter().map(Person::json).collect();
        let history: Vec<_> = said
            .iter()
            .map(|s| {
                json!({ "at": out::rfc3339(s.at, zone), "matter": s.word.matter.as_str(), "value": s.word.value, "reason": s.word.reason,
                    "by": s.by, "ended_at": s.ended_at.map(|at| out::rfc3339(at, zone)) })
            })
            .collect();
        out::json(&json!({ "id": d.id, "name": d.name, "kind": d.kind.map(CustomerKind::as_str), "kind_from": d.kind_from.who(),
            "state": d.state.map(State::as_str), "state_from": d.state_from.who(), "country": d.country, "language": d.language,
            "people": people, "pay_runs": d.pay_runs, "invoices": d.past.invoices, "paid": d.past.paid, "paid_late": d.past.late,
            "promises_broken": d.past.broken, "said": history }));
        return Ok(());
    }
    say!("{} {}", d.id, d.name);
    match d.kind {
        Some(kind) => say!("  kind      {} that this is a {}", d.kind_from.who(), kind.as_str()),
        None => say!(
            "  kind      not known: nothing above a reminder leaves. `relance debtor {} --kind business|consumer --reason TEXT`",
            d.id
        ),
    }
    match d.state {
        Some(state) => say!("  state     {} {}", d.state_from.who(), state.as_str()),
        None => say!("  state     none"),
    }
    let added = people_said(desk, pk).await?.added;
    for p in d.everybody() {
        let from = if added.contains(&p) { " (a person said so)" } else { "" };
        let parts = [p.name, p.email, p.phone, p.language];
        say!("  {:<9} {}{from}", p.role.as_str(), parts.into_iter().flatten().collect::<Vec<_>>().join(", "));
    }
    for p in d.people.iter().filter(|_| !d.may_have_others()) {
        say!("  not told  {}: the customer is not known to be a firm", p.words());
    }
    if !runs.is_empty() {
        say!("  pays on   {runs}");
    }
    say!(
        "  so far    {} invoices seen; paid in full {} times (a returned payment counts again), {} of them late; {} promises broken",
        d.past.invoices,
        d.past.paid,
        d.past.late,
        d.past.broken
    );
    for p in &promises {
        say!("  promised  {}: {}", p.until, p.state);
    }
    for c in &calls {
        let note = c.note.as_ref().map(|n| format!(": {n}")).unwrap_or_default();
        say!("  called    {} {}{note}", out::short(c.at, zone), c.outcome.replace('_', " "));
    }
    for s in &said {
        let until = s.ended_at.map(|at| format!(", until {}", out::short(at, zone))).unwrap_or_default();
        let by = s.by.as_ref().map(|b| format!(" by {b}")).unwrap_or_default();
        say!("  said      {}{by}: {} ({}){until}", out::short(s.at, zone), s.word.words(), s.word.reason);
    }
    Ok(())
}

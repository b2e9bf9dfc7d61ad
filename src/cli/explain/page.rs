//! What `explain` prints for people: the answer, the invoices, what was done, and last the rules.

use super::{Subject, Told, rules};
use crate::cli::{CliError, log, out};
use crate::domain::decision::{Coming, Verdict, tie_out};
use crate::domain::invoice::Presence;
use crate::domain::money::Money;
use crate::domain::reason::Reason;
use crate::domain::step::TaskKind;
use crate::domain::time::{days_between, local_date};
use crate::flow::Desk;
use std::collections::BTreeMap;

/// So many attempts are shown; `log` has all.
const SHOWN: usize = 12;

/// So many events of the ledger are shown.
const EVENTS: i64 = 12;

/// Prints all that is told of a subject.
pub(super) async fn print(desk: &Desk, subject: &Subject, cases: &[Told<'_>]) -> Result<(), CliError> {
    let states = states(desk, subject).await?;
    for told in cases {
        answer(desk, subject, told);
        invoices(desk, subject, told, &states);
        say!();
    }
    if !cases.is_empty() {
        subject.notes.iter().for_each(|note| say!("  ! {note}"));
    }
    if !cases.is_empty() && !subject.notes.is_empty() {
        say!();
    }
    history(desk, subject).await?;
    for told in cases {
        let case = told.case;
        let which = if cases.len() > 1 { format!(" for {} in {}", case.cadence, case.currency) } else { String::new() };
        say!();
        say!("Rules weighed{which}, those that stop (✗) before those that hold (✓):");
        rules::print(&told.rules);
    }
    Ok(())
}

/// What happens next, when and by whom; and what decides, with its value and where that comes from.
fn answer(desk: &Desk, subject: &Subject, told: &Told) {
    let (debtor, case, decision) = (&subject.file.debtor, told.case, &told.decision);
    say!("{} {} · cadence {} · {}", debtor.id, debtor.name, case.cadence, case.currency);
    say!();
    say!("Next:     {}", told.next.words(desk, debtor));
    let (verdict, code) = (decision.verdict.as_str(), decision.reason.code());
    let decides = told.rules.iter().find(|r| !r.holds && r.reason == decision.reason);
    match decides.filter(|_| !matches!(decision.verdict, Verdict::Send(_))) {
        Some(rule) => {
            say!("Why:      {} ({verdict}, {code})", decision.reason.text());
            say!("          {}: {} ({})", rules::name(rule.rule), rule.text, rule.rule);
        }
        None => say!("Why:      {} ({verdict}, {code})", decision.reason.text()),
    }
    say!();
}

/// The state of each open row, by store key: as `status` counts it.
type States = BTreeMap<i64, Vec<(String, Money)>>;

async fn states(desk: &Desk, subject: &Subject) -> Result<States, CliError> {
    let (conditions, zone) = (desk.conditions(subject.now).await?, desk.setup.zone(&subject.file.debtor));
    let world =
        |cadence: &str| desk.setup.cadence(cadence).map(|c| desk.world(&conditions, &subject.file.debtor, &zone, c, subject.now));
    let mut states = States::new();
    for (pk, state, amount) in tie_out(&subject.file, world) {
        states.entry(pk).or_default().push((state, amount));
    }
    Ok(states)
}

/// The open rows of a case, the oldest first: how late, how much, which step they have had, and what is with them now.
fn invoices(desk: &Desk, subject: &Subject, told: &Told, states: &States) {
    let case = told.case;
    let today = local_date(subject.now, &desk.setup.zone(&subject.file.debtor));
    let of_case = |r: &&crate::domain::case::CaseInvoice| {
        let i = &r.invoice;
        let asked = subject.on.invoice_pk.is_none_or(|pk| pk == i.pk || told.coming.iter().any(|c| c.pk == i.pk));
        i.is_open() && i.cadence.as_ref() == Some(&case.cadence) && i.balance.currency == case.currency && asked
    };
    let mut rows: Vec<_> = subject.file.rows.iter().filter(of_case).collect();
    rows.sort_by_key(|r| (r.invoice.due_on, r.invoice.pk));
    let row = |r: &&crate::domain::case::CaseInvoice| {
        let i = &r.invoice;
        let late = days_between(i.due_on, today);
        let own = states.get(&i.pk).map(Vec::as_slice).unwrap_or_default();
        let coming = told.coming.iter().find(|c| c.pk == i.pk);
        let gone = if i.presence == Presence::Missing { "not in the ledger just now; " } else { "" };
        vec![
            i.number.clone(),
            i.due_on.to_string(),
            if late > 0 && !i.is_credit() { late.to_string() } else { String::new() },
            i.balance.to_string(),
            had(desk, &case.cadence, r).unwrap_or_default(),
            format!("{gone}{}", stands(desk, &case.cadence, own, coming)),
        ]
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    if !rows.is_empty() {
        out::table(&["invoice", "due on", "days late", "open", "last step", "now"], rows);
    }
}

/// The furthest step that a row has had, with its day.
fn had(desk: &Desk, cadence: &str, row: &crate::domain::case::CaseInvoice) -> Option<String> {
    use crate::domain::case::MarkKind::{InHand, Left, Maybe};
    let cadence_ = desk.setup.cadence(cadence)?;
    let had = row.marks.iter().filter(|m| matches!(m.kind, Left | Maybe | InHand));
    let mark = had.max_by_key(|m| (cadence_.position(&m.step), m.on))?;
    let how = match mark.kind {
        InHand => ", under way",
        Maybe => ", uncertain",
        _ => "",
    };
    Some(format!("{}, {}{how}", step(desk, cadence, mark.step.as_str()), mark.on))
}

/// What is with a row now: what stops it, or what comes.
fn stands(desk: &Desk, cadence: &str, states: &[(String, Money)], coming: Option<&Coming>) -> String {
    let one = |state: &str| match (state.split_once(':'), coming) {
        (Some(("held", reason)), _) => Reason::parse(reason).map_or_else(|| reason.to_owned(), |r| r.text().to_owned()),
        (Some(("in_hand", name)), _) => format!("{} is under way", step(desk, cadence, name)),
        (_, Some(c)) if c.blocked.is_some() => c.blocked.map(|r| r.text().to_owned()).unwrap_or_default(),
        (_, Some(c)) if state == "below_minimum" => {
            format!("{}: {}", step(desk, cadence, c.step.as_str()), Reason::BelowMinimum.text())
        }
        (_, Some(c)) => match c.on {
            Some(day) => format!("next: {}, {day} at the earliest", step(desk, cadence, c.step.as_str())),
            None => format!("due: {}", step(desk, cadence, c.step.as_str())),
        },
        (Some(("step", _)), None) => "no further step by date".to_owned(),
        (_, None) => match state {
            "covered" => Reason::UnallocatedCovers.text().to_owned(),
            "rounding" => Reason::Rounding.text().to_owned(),
            "credit" => "set off against the invoices".to_owned(),
            other => Reason::parse(other).map_or_else(|| other.replace('_', " "), |r| r.text().to_owned()),
        },
    };
    match states {
        [] => String::new(),
        [(state, _)] => one(state),
        // Of a dispute in part each part is told with its amount.
        several => several.iter().map(|(state, amount)| format!("{amount}: {}", one(state))).collect::<Vec<_>>().join("; "),
    }
}

/// A step as people call it.
fn step(desk: &Desk, cadence: &str, id: &str) -> String {
    desk.setup.step_called(cadence, id)
}

/// What was done, the last of it, and what the ledger told.
async fn history(desk: &Desk, subject: &Subject) -> Result<(), CliError> {
    let zone = &desk.setup.settings.creditor.timezone;
    let earlier = subject.attempts.len().saturating_sub(SHOWN);
    match (subject.attempts.is_empty(), earlier) {
        (true, _) => say!("Done so far: nothing"),
        (false, 0) => say!("Done so far:"),
        (false, n) => say!("Done so far ({n} earlier: `relance log --debtor {}`):", subject.file.debtor.id),
    }
    let shown = &subject.attempts[earlier..];
    let wide = shown.iter().map(|a| step(desk, &a.cadence, &a.step).chars().count()).max().unwrap_or_default();
    for a in shown {
        let address = a.address.as_deref().map(log::mask).unwrap_or_default();
        let how = a.channel.as_deref().unwrap_or("-");
        let why = a.why.as_deref().or(a.class.as_deref()).map(|w| format!(" ({w})")).unwrap_or_default();
        // What came of a call says it all; nobody accepts one.
        let what = match a.channel.as_deref() == Some(TaskKind::Call.as_str()) {
            true => a.why.as_deref().unwrap_or_default().replace('_', " "),
            false => format!("{}{why}", a.outcome),
        };
        let step = step(desk, &a.cadence, &a.step);
        say!("  {}  {step:<wide$} {how:<6} {address:<28} {what}  [log show {}]", out::short(a.at, zone), a.id);
    }
    let events = desk.store.events(subject.on.debtor_pk, EVENTS).await?;
    if !events.is_empty() {
        say!("Seen in the ledger:");
    }
    for e in events.iter().rev() {
        let about = e.invoice.as_deref().map(|number| format!("{number}: ")).unwrap_or_default();
        say!("  {}  {:<14} {about}{}", out::short(e.at, zone), e.kind.replace('_', " "), e.text);
    }
    Ok(())
}

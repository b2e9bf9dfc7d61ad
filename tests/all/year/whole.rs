//! The log as a whole, the sums as a whole, and that nobody is forgotten (R26, R27, liveness).

use super::court::{Breach, Court, Customer, Row, rank};
use super::days::{HOME, at_home, plus, plus_working, works, zone};
use super::money::parts;
use super::read::cents;
use super::when::too_soon;
use super::who::silence;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// R26: the log verifies, payloads with it.
pub fn r26(court: &Court, out: &mut Vec<Breach>) {
    let broken = &court.papers.verified["broken"];
    if broken.as_array().is_none_or(|b| !b.is_empty()) {
        out.push(Breach { rule: "R26", text: format!("log verify: {broken}") });
    }
    let rows = court.papers.verified["rows"].as_u64().unwrap_or_default();
    if rows != court.papers.log.len() as u64 {
        out.push(Breach { rule: "R26", text: format!("{rows} rows verified, {} in the log", court.papers.log.len()) });
    }
}

/// R27: what status says of each currency is what the ledger's rows add up to, and so are its states.
pub fn r27(court: &Court, out: &mut Vec<Breach>) {
    let mut told: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for tie in court.papers.status["tie_out"].as_array().into_iter().flatten() {
        let states = tie["states"].as_object().into_iter().flatten().map(|(_, v)| cents(v.as_str().unwrap_or_default())).sum();
        let ledger = cents(tie["ledger"].as_str().unwrap_or_default());
        told.insert(tie["currency"].as_str().unwrap_or_default().to_owned(), (ledger, states));
    }
    for currency in ["EUR", "GBP"] {
        let open = court.papers.ledger.get(currency).copied().unwrap_or_default();
        let journal = open_at(court, currency, Timestamp::MAX);
        if told.get(currency) != Some(&(open, open)) || journal != open {
            let told = told.get(currency);
            out.push(Breach {
                rule: "R27",
                text: format!("{currency}: the ledger has {open}, status {told:?}, the journal {journal}"),
            });
        }
    }
}

/// What is open in a currency at a moment, by the journal.
fn open_at(court: &Court, currency: &str, at: Timestamp) -> i64 {
    let rows = court.rows.values().filter(|r| r.currency == currency).filter_map(|r| r.at(at));
    rows.filter(|s| s.status != "void" && s.status != "paid").map(|s| s.balance).sum()
}

/// R27 of each morning: the report's sums are the ledger's at that moment, but for days on which it could not be read.
pub fn r27_mornings(court: &Court, out: &mut Vec<Breach>) {
    let when = |what: &str| court.papers.journal.iter().find(|l| l.1 == what).map(|l| l.0);
    let unread = [("ledger_away", "ledger_back"), ("ledger_halved", "ledger_whole")].map(|(a, b)| when(a).zip(when(b)));
    for (at, sums) in &court.papers.reports {
        if unread.iter().flatten().any(|(from, to)| (*from..*to).contains(at)) {
            continue;
        }
        for currency in ["EUR", "GBP"] {
            let right = open_at(court, currency, *at);
            let told: Vec<i64> = sums.iter().filter(|s| s.0 == currency).map(|s| s.1).collect();
            if told != [right, right] {
                out.push(Breach { rule: "R27", text: format!("report of {at}: {currency} {told:?}, the ledger has {right}") });
            }
        }
    }
}

/// Why nobody need have been reminded of an invoice on a day, if there is a reason that a person would accept.
fn excuse(court: &Court, debtor: &str, row: &Row, day: Date) -> Option<&'static str> {
    let customer: &Customer = &court.customers[debtor];
    let noon = day.at(17, 0, 0, 0).to_zoned(zone(HOME)).unwrap().timestamp();
    let standing = row.at(noon)?;
    let within = |from: &str, to: &str| {
        let when = |what: &str| court.papers.journal.iter().find(|l| l.1 == what).map(|l| l.0);
        when(from).zip(when(to)).is_some_and(|(a, b)| (a..b).contains(&noon))
    };
    let reasons: [(&str, &dyn Fn() -> bool); 13] = [
        ("not working", &|| !works(day, &court.calendars(debtor))),
        ("settled", &|| standing.balance <= 100),
        ("disputed", &|| standing.status != "open" || standing.balance - standing.disputed < 1000),
        ("state", &|| customer.is("state", noon).is_some()),
        ("no address", &|| customer.is("email", noon).is_none()),
        ("held", &|| silence(court, debtor, noon, day).is_some()),
        ("part payment", &|| parts(row, noon).any(|at| plus_working(at_home(at), 3, &court.calendars(debtor)) > day)),
        ("not booked", &|| court.booked_through(noon) < plus_working(row.due, 2, &[HOME])),
        ("unplaced money", &|| unplaced(court, debtor, row, noon)),
        ("not running", &|| {
            within("stands_still", "runs_again")
                || within("ledger_away", "ledger_back")
                || within("ledger_halved", "ledger_whole")
        }),
        ("dead address", &|| dead(court, debtor, noon)),
        ("as many contacts as may be", &|| too_soon(court, debtor, noon, day).is_some()),
        ("pay day", &|| customer.pay_runs.is_some()),
    ];
    reasons.into_iter().find(|r| r.1()).map(|r| r.0)
}

fn unplaced(court: &Court, debtor: &str, row: &Row, at: Timestamp) -> bool {
    court.rows_of(debtor, &row.currency).any(|(_, r)| r.kind != "invoice" && r.at(at).is_some_and(|s| s.balance != 0))
}

/// The last message to the address the customer has now was refused.
fn dead(court: &Court, debtor: &str, at: Timestamp) -> bool {
    let email = court.customers[debtor].is("email", at);
    court
        .papers
        .log
        .iter()
        .any(|e| e.debtor == debtor && e.at <= at && e.outcome == "refused" && Some(e.address.as_str()) == email)
}

/// Of business and private customers whoever is overdue for fifteen working days, not counting those on which there is a
/// reason not to write, has had an accepted reminder.
pub fn alive(court: &Court, out: &mut Vec<Breach>) {
    let (Some(first), Some(last)) = (court.papers.journal.first(), court.papers.journal.last()) else { return };
    let (first, last) = (at_home(first.0), at_home(last.0));
    for (number, row) in court.rows.iter().filter(|(_, r)| r.kind == "invoice") {
        if court.customers[&row.customer].is("kind", Timestamp::MAX).is_none() {
            continue;
        }
        let mut days = 0;
        let mut why: BTreeMap<&str, usize> = BTreeMap::new();
        let mut day = plus(row.due.max(first).max(at_home(row.since)), 1);
        let reminded = court.contacts.iter().filter(|c| c.debtor == row.customer && c.at >= row.since).find(|c| {
            court.named(c).any(|n| n.number == *number && n.stage.as_deref().is_some_and(|s| rank(&c.cadence, s) >= Some(1)))
        });
        let until = reminded.map_or(last, |c| c.local.date());
        while day < until && days < 15 {
            match excuse(court, &row.customer, row, day) {
                None => days += 1,
                Some("settled") => break,
                Some(reason) => *why.entry(reason).or_default() += 1,
            }
            day = plus(day, 1);
        }
        if days >= 15 {
            let text =
                format!("{}: {number}, due on {}, is without a reminder on {day}; beside that {why:?}", row.customer, row.due);
            out.push(Breach { rule: "ALIVE", text });
        }
    }
}

/// Who pays by the due date hears of it in a courtesy note at most.
pub fn prompt(court: &Court, out: &mut Vec<Breach>) {
    for contact in court.contacts.iter().filter(|c| rank(&c.cadence, &c.step) != Some(0)) {
        for number in &contact.asked {
            let row = &court.rows[number];
            // What is paid on a day is booked on the next working day.
            let booked = row.tale.iter().find(|(_, s)| s.balance == 0).map(|(at, _)| at_home(*at));
            if row.term(contact.at) == 0 && booked.is_some_and(|b| b <= plus_working(row.due, 1, &[HOME])) {
                out.push(court.breach("PROMPT", contact, format!("{number} was paid by {}", row.due)));
            }
        }
        if court.customers[&contact.debtor].habit == "prompt" {
            out.push(court.breach("PROMPT", contact, "this customer always pays in time"));
        }
    }
}

//! The ledger: what is in it, which query reads it, and how the first rows look by it. A query that was guessed is shown
//! and tried, and used only if a person says yes; else it is written with a word in front that keeps it from being used.

use super::answers::{Answers, Key};
use super::ask::Asker;
use super::guess::{FILL_IN, Guess, guess};
use super::tries::with_passwords;
use crate::cli::{CliError, out};
use crate::config::{Environment, Setup};
use crate::source::look::{Relation, relations};
use crate::source::{Source, SourceError};
use std::path::Path;

/// What is read to see whether a query works, and what of it is shown.
const ROWS: usize = 64;
const SHOWN: usize = 5;

/// Tables that are listed.
const LISTED: usize = 40;

/// Finds the query, unless a flag has it.
pub(super) async fn query(
    asker: &Asker<'_>,
    answers: &mut Answers,
    config: &Path,
    environment: &Environment,
) -> Result<(), CliError> {
    if let Some(query) = asker.flag(Key::Query) {
        answers.set(Key::Query, query);
        let setup = setup(answers, config, environment)?;
        shown(&setup).await.unwrap_or_else(|e| say!("The query does not work yet: {e}"));
        return Ok(());
    }
    let setup = setup(answers, config, environment)?;
    if !matches!(answers.kind(), "sqlite" | "postgres") {
        shown(&setup).await.unwrap_or_else(|e| say!("It cannot be read yet: {e}"));
        return Ok(());
    }
    let found = match relations(&setup).await {
        Ok(found) => found,
        Err(e) => return away(asker, &e.to_string()),
    };
    if found.iter().any(|r| r.plain() == "relance_invoices") {
        say!("The ledger has relance_invoices: that is what is read.");
        shown(&setup).await.unwrap_or_else(|e| say!("It cannot be read yet: {e}"));
        return Ok(());
    }
    listed(&found);
    let guess = guess(&found, answers.kind() == "postgres");
    propose(asker, answers, config, environment, guess).await
}

/// A ledger that cannot be looked at: a person decides, and the file says what is to be done.
fn away(asker: &Asker<'_>, why: &str) -> Result<(), CliError> {
    say!("The ledger cannot be looked at: {why}");
    if !asker.agreed("Go on all the same, and see to the ledger later?", !asker.is_terminal())? {
        return Err(CliError::Failed("nothing was written; see to the ledger, and say `relance init` again".to_owned()));
    }
    say!("The file will read relance_invoices from it: make that view, or write a query into [source].");
    Ok(())
}

/// The tables and their columns.
fn listed(found: &[Relation]) {
    if found.is_empty() {
        return say!("There is no table in the ledger that this user may read.");
    }
    say!("There is no table or view relance_invoices in the ledger. It holds:\n");
    let row = |r: &Relation| vec![r.name.clone(), r.columns.join(", ")];
    out::table(&["table", "text"], found.iter().take(LISTED).map(row).collect());
    if found.len() > LISTED {
        say!("… and {} more.", found.len() - LISTED);
    }
}

/// Shows a guess, tries it, and asks.
async fn propose(
    asker: &Asker<'_>,
    answers: &mut Answers,
    config: &Path,
    environment: &Environment,
    guess: Guess,
) -> Result<(), CliError> {
    say!(
        "\nrelance wants one row for each invoice, with columns of its own names (README.md, \"The columns\"). By the names alone it could be:\n"
    );
    say!("{}\n", guess.sql);
    let mut works = false;
    if guess.missing.is_empty() {
        let mut tried = answers.clone();
        tried.set(Key::Query, guess.sql.as_str());
        match shown(&setup(&tried, config, environment)?).await {
            Ok(()) => works = true,
            Err(e) => say!("It does not work: {e}"),
        }
    } else {
        say!("Not found: {}.", guess.missing.join(", "));
    }
    let text = "Are these the numbers, customers, dates and amounts of your books (not a hundred times too large), and no drafts or cancelled invoices among them?";
    if works && asker.agreed(text, false)? {
        answers.set(Key::Query, guess.sql);
        return Ok(());
    }
    let front = if works || guess.missing.is_empty() {
        "read the query, mend it, then take out this line"
    } else {
        "fill in what is missing, then take out this line"
    };
    say!("It is written into [source] query with {FILL_IN} in front, so that nothing is read by it before you have seen to it.");
    answers.set(Key::Query, format!("{FILL_IN} -- guessed by the names of columns: {front}\n{}", guess.sql));
    Ok(())
}

/// The configuration so far, with the passwords that can be had.
fn setup(answers: &Answers, config: &Path, environment: &Environment) -> Result<Setup, CliError> {
    answers.judged(config, environment).map(|setup| with_passwords(setup, config)).map_err(CliError::Failed)
}

/// Reads some rows and shows the first as relance understands them.
async fn shown(setup: &Setup) -> Result<(), SourceError> {
    let source = Source::open(setup).await?;
    let columns = source.columns().await?;
    let mut reading = source.read(&columns, ROWS).await?;
    let rows = reading.next_page().await?.map(|page| page.rows).unwrap_or_default();
    reading.end().await;
    let read: Vec<_> = rows.iter().map(|r| (r.id.clone(), r.read(&columns, &setup.settings.creditor.country))).collect();
    let good = read.iter().filter_map(|(_, row)| row.as_ref().ok());
    let cells = |r: &crate::domain::ledger::LedgerRow| {
        vec![
            r.number.clone(),
            r.customer.name.clone(),
            r.due_on.to_string(),
            r.balance.to_string(),
            super::super::log::mask(r.customer.email.as_deref().unwrap_or("–")),
        ]
    };
    say!("The first rows, as relance understands them:\n");
    out::table(&["invoice", "debtor", "due", "open", "email"], good.take(SHOWN).map(cells).collect());
    let bad: Vec<String> = read.iter().filter_map(|(id, row)| row.as_ref().err().map(|why| format!("{id}: {why}"))).collect();
    if !bad.is_empty() {
        say!(
            "\nOf the first {} rows {} cannot be read: {}",
            read.len(),
            bad.len(),
            bad.iter().take(3).cloned().collect::<Vec<_>>().join("; ")
        );
    }
    say!();
    Ok(())
}

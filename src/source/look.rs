//! What is in a ledger that nobody has described yet: its tables and views with their columns. For `relance init`, which
//! proposes a query by them.

use super::SourceError;
use super::postgres::Connections;
use crate::config::settings::{SourceKind, SourceSettings};
use crate::config::{Environment, Setup};

/// More tables, and columns of one, than this are not looked at: nobody reads such a list, and what is guessed by it.
pub(super) const MOST: usize = 300;

/// A table or view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The name as SQL writes it: in quotation marks where it needs them, with its schema where that is no usual one.
    pub name: String,
    /// The columns, as they are called in the database.
    pub columns: Vec<String>,
}

impl Relation {
    /// The name without schema and quotation marks, in lower case.
    pub fn plain(&self) -> String {
        self.name.rsplit('.').next().unwrap_or_default().trim_matches('"').to_ascii_lowercase()
    }
}

/// Lists what can be read, by name. Nothing of the ledger's rows is read.
pub async fn relations(setup: &Setup) -> Result<Vec<Relation>, SourceError> {
    let source = &setup.settings.source;
    match &source.kind {
        // A query that is always there: the real one is not known yet.
        SourceKind::Sqlite(path) => {
            let any = SourceSettings { query: Some("SELECT 1".to_owned()), reread: None, ..source.clone() };
            super::sqlite::SqliteSource::open(path, &any).await?.relations().await
        }
        SourceKind::Postgres(database) => {
            let environment: &Environment = &setup.environment;
            let zone = setup.settings.creditor.timezone.iana_name();
            Connections::new(database.options(environment)?, database.place(), zone).relations().await
        }
        // What an export has in it stands in its first line.
        SourceKind::Csv(_) => Ok(Vec::new()),
        // Its file says where its columns come from.
        SourceKind::Http(_) => Ok(Vec::new()),
    }
}

/// A name as SQL writes it.
pub fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain && !RESERVED.contains(&name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Words of SQL that tables and columns of books are called by.
const RESERVED: [&str; 12] =
    ["order", "group", "user", "table", "check", "to", "from", "references", "default", "end", "limit", "index"];

/// Gathers rows of a table's name and a column's name, which come in the order of the names.
pub(super) fn gathered(rows: Vec<(String, String)>) -> Vec<Relation> {
    let mut found: Vec<Relation> = Vec::new();
    for (name, column) in rows {
        match found.last_mut() {
            Some(last) if last.name == name => last.columns.push(column),
            _ => found.push(Relation { name, columns: vec![column] }),
        }
    }
    found.truncate(MOST);
    found.iter_mut().for_each(|r| r.columns.truncate(MOST));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_sql_would_misread_are_quoted() {
        for (name, sql) in
            [("invoices", "invoices"), ("Invoices", "\"Invoices\""), ("order", "\"order\""), ("a b\"", "\"a b\"\"\"")]
        {
            assert_eq!(quoted(name), sql);
        }
        assert_eq!(Relation { name: "books.\"Facturen\"".to_owned(), columns: vec![] }.plain(), "facturen");
    }
}

//! A query by the names of tables and columns: a beginning, to be read and mended by somebody who knows the books. What it
//! says is never taken without a person's yes.

use crate::source::look::{Relation, quoted};
use crate::source::row::REQUIRED;

/// What stands in a query where a person has to say something. No database knows it, so nothing is read before.
pub(super) const FILL_IN: &str = "FILL_IN";

/// Names of an invoice's columns, the likeliest first, in the languages of our letters.
const INVOICE: [(&str, &[&str]); 6] = [
    ("invoice_id", &["invoice_id", "id", "uuid", "invoiceid", "invoice_key"]),
    (
        "number",
        &[
            "number",
            "invoice_number",
            "invoice_no",
            "invoicenumber",
            "inv_no",
            "numero",
            "numero_facture",
            "nummer",
            "factuurnummer",
            "rechnungsnummer",
            "doc_number",
            "document_number",
            "no",
            "ref",
            "reference",
        ],
    ),
    (
        "customer_id",
        &[
            "customer_id",
            "client_id",
            "debtor_id",
            "partner_id",
            "customerid",
            "clientid",
            "id_client",
            "klant_id",
            "kunde_id",
            "kunden_id",
            "contact_id",
            "account_id",
        ],
    ),
    (
        "due_on",
        &[
            "due_on",
            "due_date",
            "date_due",
            "duedate",
            "due",
            "payment_due",
            "invoice_date_due",
            "echeance",
            "date_echeance",
            "vervaldatum",
            "faellig_am",
            "faelligkeit",
        ],
    ),
    (
        "issued_on",
        &[
            "issued_on",
            "issue_date",
            "invoice_date",
            "issued",
            "date_issued",
            "invoicedate",
            "date_facture",
            "factuurdatum",
            "rechnungsdatum",
            "date",
        ],
    ),
    ("currency", &["currency", "currency_code", "devise", "valuta", "munt", "waehrung"]),
];

/// Names of what is open, and of what was invoiced and paid.
const BALANCE: &[&str] = &[
    "balance",
    "open_amount",
    "amount_open",
    "amount_due",
    "outstanding",
    "amount_residual",
    "residual",
    "remaining",
    "due_amount",
    "open",
    "solde",
    "reste_a_payer",
    "saldo",
    "openstaand",
    "offen",
    "balance_cents",
    "open_cents",
    "amount_due_cents",
    "outstanding_cents",
];
const TOTAL: &[&str] = &[
    "total",
    "total_amount",
    "amount_total",
    "grand_total",
    "gross",
    "total_ttc",
    "amount",
    "totaal",
    "brutto",
    "betrag",
    "total_cents",
    "amount_cents",
];
const PAID: &[&str] = &["paid", "amount_paid", "paid_amount", "paye", "betaald", "bezahlt", "paid_cents", "amount_paid_cents"];

/// Names of a customer's columns.
const NAME: &[&str] = &[
    "customer_name",
    "client_name",
    "name",
    "display_name",
    "company",
    "company_name",
    "nom",
    "raison_sociale",
    "naam",
    "firma",
];
const CUSTOMER: [(&str, &[&str]); 5] = [
    ("email", &["email", "e_mail", "mail", "email_address", "courriel"]),
    ("phone", &["phone", "mobile", "telephone", "phone_number", "tel", "gsm", "telefoon", "telefon"]),
    ("language", &["language", "lang", "language_code", "langue", "taal", "sprache"]),
    ("country", &["country", "country_code", "pays", "land"]),
    ("enterprise_no", &["vat_number", "vat", "vat_no", "enterprise_no", "siren", "siret", "tva", "btw", "ust_id"]),
];

/// Parts of a table's name that make it one of invoices, or of customers.
const INVOICES: [&str; 5] = ["invoice", "facture", "factu", "rechnung", "account_move"];
const CUSTOMERS: [&str; 8] = ["customer", "client", "partner", "debtor", "klant", "kunde", "contact", "compan"];

/// A query, and what of it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guess {
    /// The query; where something is missing it says so.
    pub(super) sql: String,
    /// Columns for which nothing was found.
    pub(super) missing: Vec<&'static str>,
}

/// A table, and the name by which the query calls it.
struct Part<'r> {
    relation: &'r Relation,
    alias: &'static str,
}

impl Part<'_> {
    /// The first of some names that the table has.
    fn find(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|n| self.relation.columns.iter().find(|c| c.eq_ignore_ascii_case(n))).map(String::as_str)
    }

    fn sql(&self, column: &str) -> String {
        format!("{}.{}", self.alias, quoted(column))
    }

    fn found(&self, names: &[&str]) -> Option<String> {
        self.find(names).map(|c| self.sql(c))
    }

    /// An amount in whole units with two decimals: what is called cents is divided.
    fn amount(&self, column: &str, postgres: bool) -> String {
        let sql = self.sql(column);
        match (column.to_ascii_lowercase().contains("cent"), postgres) {
            (true, true) => format!("{sql} / 100.0"),
            (true, false) => format!("printf('%.2f', {sql} / 100.0)"),
            (false, _) => sql,
        }
    }
}

/// The likeliest query.
pub(super) fn guess(relations: &[Relation], postgres: bool) -> Guess {
    let Some(invoices) = best(relations, &INVOICES, fit) else { return template() };
    let i = Part { relation: invoices, alias: "i" };
    let others: Vec<Relation> = relations.iter().filter(|r| r.name != invoices.name).cloned().collect();
    let customers = best(&others, &CUSTOMERS, |r| usize::from(Part { relation: r, alias: "c" }.find(NAME).is_some()));
    let c = customers.map(|relation| Part { relation, alias: "c" });
    let mut lines: Vec<(&'static str, Option<String>)> = INVOICE.iter().map(|(name, names)| (*name, i.found(names))).collect();
    lines.insert(3, ("customer_name", c.as_ref().and_then(|c| c.found(NAME)).or_else(|| i.found(&NAME[..2]))));
    let total = i.find(TOTAL).map(|t| i.amount(t, postgres));
    lines.push(("total", total));
    lines.push(("balance", balance(&i, postgres)));
    for (name, names) in CUSTOMER {
        lines.push((name, c.as_ref().and_then(|c| c.found(names)).or_else(|| i.found(names))));
    }
    let mut from = format!("FROM {} i", invoices.name);
    if let Some(c) = &c {
        let key = c.find(&["id", "customer_id", "client_id", "partner_id"]).map_or(FILL_IN.to_owned(), |k| c.sql(k));
        let reference = i.found(INVOICE[2].1).unwrap_or_else(|| FILL_IN.to_owned());
        from.push_str(&format!("\nJOIN {} c ON {key} = {reference}", c.relation.name));
    }
    write(lines, &from, i.find(&["status", "state", "statut", "etat"]))
}

/// What is open: a column, or the total less what was paid.
fn balance(i: &Part, postgres: bool) -> Option<String> {
    if let Some(open) = i.find(BALANCE) {
        return Some(i.amount(open, postgres));
    }
    let (total, paid) = (i.find(TOTAL)?, i.find(PAID)?);
    let cents = |c: &str| c.to_ascii_lowercase().contains("cent");
    let less = format!("{} - coalesce({}, 0)", i.sql(total), i.sql(paid));
    match (cents(total) && cents(paid), postgres) {
        (true, true) => Some(format!("({less}) / 100.0")),
        (true, false) => Some(format!("printf('%.2f', ({less}) / 100.0)")),
        // Where the two count in different units nothing may be guessed.
        (false, _) if cents(total) || cents(paid) => None,
        (false, true) => Some(less),
        (false, false) => Some(format!("printf('%.2f', {less})")),
    }
}

/// How many of an invoice's columns a table has.
fn fit(relation: &Relation) -> usize {
    let part = Part { relation, alias: "i" };
    INVOICE.iter().filter(|(_, names)| part.find(names).is_some()).count()
}

/// The table whose name and columns fit best, the first of equals; none that fits in neither.
fn best<'r>(relations: &'r [Relation], names: &[&str], fit: impl Fn(&Relation) -> usize) -> Option<&'r Relation> {
    let score = |r: &Relation| {
        let plain = r.plain();
        let named = names.iter().any(|n| plain.contains(n));
        // Lines of invoices and their payments are not invoices.
        let part = ["line", "item", "payment", "_tax", "ligne", "regel"].iter().any(|n| plain.contains(n));
        if part || !named { 0 } else { 10 + fit(r) }
    };
    let most = relations.iter().map(&score).max().filter(|s| *s > 10)?;
    relations.iter().find(|r| score(r) == most)
}

/// The query for books of which nothing is known.
fn template() -> Guess {
    let lines = REQUIRED.iter().map(|name| (*name, None)).chain([("email", None), ("country", None)]).collect();
    write(lines, &format!("FROM {FILL_IN}"), None)
}

fn write(lines: Vec<(&'static str, Option<String>)>, from: &str, status: Option<&str>) -> Guess {
    let is_needed = |name: &&str| REQUIRED.contains(name) || *name == "email" || *name == "country";
    let missing = lines.iter().filter(|(name, found)| found.is_none() && is_needed(name)).map(|(name, _)| *name).collect();
    let column = |(name, found): (&str, Option<String>)| match found {
        Some(sql) => Some(format!("       {sql} AS {name}")),
        None if REQUIRED.contains(&name) => Some(format!("       {FILL_IN} AS {name}")),
        None => None,
    };
    let columns: Vec<String> = lines.into_iter().filter_map(column).collect();
    let columns = columns.join(",\n");
    let mut sql = format!("SELECT {}\n{from}", columns.trim_start());
    if let Some(status) = status {
        // What its words mean nobody can guess, and a draft must not be chased.
        sql.push_str(&format!(
            "\n-- i.{} is not used yet: drafts, cancelled and disputed invoices need `status` ('draft', 'void', 'disputed')",
            quoted(status)
        ));
    }
    Guess { sql, missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(name: &str, columns: &str) -> Relation {
        Relation { name: name.to_owned(), columns: columns.split(' ').map(str::to_owned).collect() }
    }

    #[test]
    fn books_with_usual_names() {
        let books = [
            relation("customers", "id name email phone country vat_number"),
            relation("invoice_lines", "id invoice_id number due_date amount"),
            relation("invoices", "id number customer_id issued_on due_on currency total_cents paid_cents state"),
        ];
        insta::assert_snapshot!(guess(&books, false).sql, @r"
        SELECT i.id AS invoice_id,
               i.number AS number,
               i.customer_id AS customer_id,
               c.name AS customer_name,
               i.due_on AS due_on,
               i.issued_on AS issued_on,
               i.currency AS currency,
               printf('%.2f', i.total_cents / 100.0) AS total,
               printf('%.2f', (i.total_cents - coalesce(i.paid_cents, 0)) / 100.0) AS balance,
               c.email AS email,
               c.phone AS phone,
               c.country AS country,
               c.vat_number AS enterprise_no
        FROM invoices i
        JOIN customers c ON c.id = i.customer_id
        -- i.state is not used yet: drafts, cancelled and disputed invoices need `status` ('draft', 'void', 'disputed')
        ");
        assert!(guess(&books, false).missing.is_empty());
        assert!(guess(&books, true).sql.contains("i.total_cents / 100.0 AS total"));
    }

    #[test]
    fn what_is_not_found_is_to_be_filled_in() {
        let books = [relation("\"Facturen\"", "Id Factuurnummer Klant_id Vervaldatum total paid_cents")];
        let guess = guess(&books, false);
        assert_eq!(guess.missing, ["customer_name", "currency", "balance", "email", "country"]);
        assert!(
            guess.sql.starts_with("SELECT i.\"Id\" AS invoice_id,") && guess.sql.contains("FILL_IN AS balance"),
            "{}",
            guess.sql
        );
        let nothing = super::guess(&[relation("notes", "id text")], false);
        assert!(nothing.sql.contains("FROM FILL_IN") && nothing.missing.len() == 9, "{nothing:?}");
    }
}

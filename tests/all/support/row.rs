//! A row of the firm's ledger.

/// The columns of the test ledger, all of them text.
pub const COLUMNS: [&str; 28] = [
    "invoice_id",
    "number",
    "customer_id",
    "customer_name",
    "issued_on",
    "due_on",
    "currency",
    "total",
    "balance",
    "status",
    "kind",
    "email",
    "phone",
    "language",
    "country",
    "customer_kind",
    "reference",
    "pay_url",
    "disputed_amount",
    "for_invoice",
    "tags",
    "booked_through",
    "contacts",
    "owner",
    "state",
    "pay_runs",
    "enterprise_no",
    "document",
];

/// An invoice of 120.00 EUR that fell due a week before the tests' Monday: its reminder is due on that day.
#[derive(Clone, Debug)]
pub struct Row(pub Vec<(&'static str, String)>);

impl Row {
    /// An invoice of a customer, who has an e-mail address.
    pub fn new(id: &str, customer: &str) -> Row {
        let email = format!("{}@client.example", customer.to_ascii_lowercase());
        Row(Vec::new())
            .with("invoice_id", id)
            .with("number", id)
            .with("customer_id", customer)
            .with("customer_name", &format!("Maison {customer}"))
            .with("issued_on", "2026-09-26")
            .with("due_on", "2026-10-26")
            .with("currency", "EUR")
            .with("total", "120.00")
            .with("balance", "120.00")
            .with("email", &email)
            .with("country", "BE")
            .with("customer_kind", "business")
    }

    /// The row with a column set.
    pub fn with(mut self, column: &'static str, value: &str) -> Row {
        assert!(COLUMNS.contains(&column), "no column {column} in the test ledger");
        self.0.retain(|(name, _)| *name != column);
        self.0.push((column, value.to_owned()));
        self
    }

    /// The row without a value in a column.
    pub fn without(mut self, column: &str) -> Row {
        self.0.retain(|(name, _)| *name != column);
        self
    }
}

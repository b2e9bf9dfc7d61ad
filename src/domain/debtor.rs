//! Customers: what kind, in which state, who speaks for them, and how each of these is known (rules R15 to R17).

use super::people::PeopleWord;
use jiff::civil::Date;

/// The kind of customer, which decides tone and law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CustomerKind {
    /// A firm.
    Business,
    /// A private person.
    Consumer,
}

impl CustomerKind {
    /// Both.
    pub const ALL: [CustomerKind; 2] = [CustomerKind::Business, CustomerKind::Consumer];

    /// The word in the source, in files and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            CustomerKind::Business => "business",
            CustomerKind::Consumer => "consumer",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<CustomerKind> {
        CustomerKind::ALL.into_iter().find(|k| k.as_str() == text)
    }
}

/// A state of a customer that changes what may be done (rule R15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Bankrupt, in judicial reorganisation, in administration.
    Insolvency,
    /// A private person in a collective settlement of debts.
    DebtSettlement,
    /// Dead.
    Deceased,
    /// In the hands of a lawyer, a court, a bailiff.
    Legal,
    /// A firm of the creditor's own group.
    IntraGroup,
    /// Asked not to be written to, or the creditor decided so.
    DoNotContact,
    /// Pays by direct debit: silent until the debit is returned or some days late.
    DirectDebit,
    /// A person of the creditor's firm acts first.
    KeyAccount,
    /// The state, a town, a school: its own cadence, no SMS.
    PublicBody,
}

impl State {
    /// All states.
    pub const ALL: [State; 9] = [
        State::Insolvency,
        State::DebtSettlement,
        State::Deceased,
        State::Legal,
        State::IntraGroup,
        State::DoNotContact,
        State::DirectDebit,
        State::KeyAccount,
        State::PublicBody,
    ];

    /// The word in the source, in files, tags and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Insolvency => "insolvency",
            State::DebtSettlement => "debt_settlement",
            State::Deceased => "deceased",
            State::Legal => "legal",
            State::IntraGroup => "intra_group",
            State::DoNotContact => "do_not_contact",
            State::DirectDebit => "direct_debit",
            State::KeyAccount => "key_account",
            State::PublicBody => "public_body",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<State> {
        State::ALL.into_iter().find(|s| s.as_str() == text)
    }

    /// All words, for messages.
    pub fn words() -> String {
        State::ALL.map(State::as_str).join(", ")
    }

    /// No message at all: what was queued is cancelled, and a person has a task.
    pub fn silences(self) -> bool {
        !matches!(self, State::DirectDebit | State::KeyAccount | State::PublicBody)
    }

    /// Only a cadence that names this state takes such a customer.
    pub fn wants_its_own_cadence(self) -> bool {
        matches!(self, State::KeyAccount | State::PublicBody)
    }
}

/// How something about a customer is known.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Origin {
    /// A column of the ledger says so.
    #[default]
    Ledger,
    /// This tag of one of its open invoices says so.
    Tag(String),
    /// An invoice had this tag when it was closed, and nobody has taken it back since.
    ClosedTag {
        /// The tag.
        tag: String,
        /// The number of the invoice.
        invoice: String,
    },
    /// A person of the creditor's firm said so.
    Operator {
        /// The day.
        on: Date,
        /// Why.
        reason: String,
    },
    /// It has a valid enterprise number (rule R16).
    EnterpriseNumber,
}

impl Origin {
    /// Who says so: the subject of a sentence.
    pub fn who(&self) -> String {
        match self {
            Origin::Ledger => "the ledger says".to_owned(),
            Origin::Tag(tag) => format!("the tag \"{tag}\" says"),
            Origin::ClosedTag { tag, invoice } => format!("the tag \"{tag}\", which {invoice} had when it was closed, says"),
            Origin::Operator { on, reason } => format!("a person said on {on} ({reason})"),
            Origin::EnterpriseNumber => "its enterprise number, which is valid, proposes".to_owned(),
        }
    }
}

/// What a person is for the customer (rule R17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Accounts payable: whom letters go to.
    Accounts,
    /// Who decides.
    Manager,
    /// The customer itself, where it is a private person; else somebody by name.
    Person,
    /// Gets copies and no more.
    Copy,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 4] = [Role::Accounts, Role::Manager, Role::Person, Role::Copy];

    /// The word in the source, in files and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Accounts => "accounts",
            Role::Manager => "manager",
            Role::Person => "person",
            Role::Copy => "copy",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|r| r.as_str() == text)
    }
}

/// Somebody at the customer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What for.
    pub role: Role,
    /// The name in letters and on the call list.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number, in its international form where it could be read.
    pub phone: Option<String>,
    /// Language, where it is not the customer's.
    pub language: Option<String>,
}

impl Person {
    /// As in the column `contacts`.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "role": self.role.as_str(), "name": self.name, "email": self.email, "phone": self.phone, "language": self.language })
    }

    /// Role, name, address and number, as people read them.
    pub fn words(&self) -> String {
        let parts = [&self.name, &self.email, &self.phone, &self.language];
        format!("{} {}", self.role.as_str(), parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", "))
    }
}

/// How a customer has paid so far, as far as relance has seen it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Invoices of it that were ever seen.
    pub invoices: u32,
    /// Invoices that were seen to be paid.
    pub paid: u32,
    /// Those of them that were paid after their due date and the days that a bank takes.
    pub late: u32,
    /// Promises that were broken.
    pub broken: u32,
    /// Came after relance began to read the ledger, or is a customer only since lately, as the ledger says.
    pub came_lately: bool,
}

impl Past {
    /// Nobody knows yet how it pays.
    pub fn is_new(self) -> bool {
        self.came_lately && self.paid == 0
    }
}

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Debtor {
    /// The key in relance's store.
    pub pk: i64,
    /// The key in the source.
    pub id: String,
    /// The name on the letter.
    pub name: String,
    /// Language of the letters, such as `fr` or `nl-BE`; as the source gives it.
    pub language: Option<String>,
    /// ISO 3166 country.
    pub country: Option<String>,
    /// Firm or private person, where known.
    pub kind: Option<CustomerKind>,
    /// How the kind is known.
    pub kind_from: Origin,
    /// IANA time zone of its own.
    pub timezone: Option<String>,
    /// What changes what may be done.
    pub state: Option<State>,
    /// How the state is known.
    pub state_from: Origin,
    /// Its number in a register of firms, as the source gives it.
    pub enterprise_no: Option<String>,
    /// E-mail address as the source gives it.
    pub email: Option<String>,
    /// Phone number as the source gives it.
    pub phone: Option<String>,
    /// People besides, by role.
    pub people: Vec<Person>,
    /// Days of the month on which it pays what it owes; 31 is the last.
    pub pay_runs: Vec<u8>,
    /// How it has paid so far.
    pub past: Past,
}

impl Debtor {
    /// Whether it is a private person.
    pub fn is_consumer(&self) -> bool {
        self.kind == Some(CustomerKind::Consumer)
    }

    /// Whether it is known to be a firm, where people besides may learn what concerns it. Of a private person, and of one
    /// who may be a private person, nobody else does (rules R16, R17).
    pub fn may_have_others(&self) -> bool {
        self.kind == Some(CustomerKind::Business)
    }

    /// Everybody whom messages may go to, the address of the ledger's own columns first.
    pub fn everybody(&self) -> Vec<Person> {
        let role = if self.is_consumer() { Role::Person } else { Role::Accounts };
        let own = Person { role, name: None, email: self.email.clone(), phone: self.phone.clone(), language: None };
        let others: &[Person] = if self.may_have_others() { &self.people } else { &[] };
        std::iter::once(own).chain(others.iter().cloned()).collect()
    }
}

/// What a person of the creditor's firm said about a customer; the last word on each matter counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// On what.
    pub matter: Matter,
    /// What; `None`: as if nobody had ever said anything, also not the ledger.
    pub value: Option<String>,
    /// The day.
    pub on: Date,
    /// Why.
    pub reason: String,
}

impl Word {
    /// What was said, as people read it.
    pub fn words(&self) -> String {
        let value = self.value.as_deref();
        let people =
            || PeopleWord::parse(value).map_or_else(|_| "unreadable, so it counts for nothing".to_owned(), |w| w.words());
        match (self.matter, value) {
            // Retention takes what was said and why, and leaves that something was.
            (matter, None) if self.reason == "erased" => format!("{}: erased", matter.as_str().replace('_', " ")),
            (Matter::Contacts, Some(_)) => format!("people: {}", people()),
            (Matter::Contacts, None) => "people: nobody besides the ledger's own columns".to_owned(),
            (matter, value) => format!("{}: {}", matter.as_str().replace('_', " "), value.unwrap_or("none").replace('_', " ")),
        }
    }
}

/// What a word can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matter {
    /// The state: a word of [`State`].
    State,
    /// The kind: a word of [`CustomerKind`].
    Kind,
    /// Days of the month on which it pays.
    PayRuns,
    /// The people besides the ledger's own columns: a [`super::people::PeopleWord`].
    Contacts,
}

impl Matter {
    /// All matters.
    pub const ALL: [Matter; 4] = [Matter::State, Matter::Kind, Matter::PayRuns, Matter::Contacts];

    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Matter::State => "state",
            Matter::Kind => "kind",
            Matter::PayRuns => "pay_runs",
            Matter::Contacts => "contacts",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Matter> {
        Matter::ALL.into_iter().find(|m| m.as_str() == text)
    }
}

/// Reads days of the month: `10, 25` or `10, last`.
pub fn parse_pay_runs(text: &str) -> Option<Vec<u8>> {
    let day = |part: &str| match part.trim() {
        "last" | "end" => Some(31),
        number => number.parse::<u8>().ok().filter(|d| (1..=31).contains(d)),
    };
    let mut days: Vec<u8> = text.split([',', ';']).map(day).collect::<Option<_>>()?;
    days.sort_unstable();
    days.dedup();
    (!days.is_empty() && days.len() <= 8).then_some(days)
}

/// The most people that a customer has.
pub(super) const MOST_PEOPLE: usize = 20;

/// Reads people from JSON: `[{"role": "manager", "name": "…", "email": "…", "phone": "…", "language": "…"}]`.
/// The error says what is wrong.
pub fn parse_people(text: &str) -> Result<Vec<Person>, String> {
    let wanted = "wanted a list such as [{\"role\": \"manager\", \"name\": \"A. Maes\", \"email\": \"a@firm.example\"}]";
    let list: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(text).map_err(|e| format!("{wanted}: {e}"))?;
    if list.len() > MOST_PEOPLE {
        return Err(format!("wanted at most {MOST_PEOPLE} people"));
    }
    list.iter().map(person).collect()
}

pub(super) fn person(entry: &serde_json::Map<String, serde_json::Value>) -> Result<Person, String> {
    const KEYS: [&str; 5] = ["role", "name", "email", "phone", "language"];
    if let Some(unknown) = entry.keys().find(|k| !KEYS.contains(&k.as_str())) {
        return Err(format!("unknown key \"{unknown}\"; wanted one of: {}", KEYS.join(", ")));
    }
    let text = |key: &str| match entry.get(key) {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(serde_json::Value::String(s)) if s.len() <= 500 && !s.chars().any(char::is_control) => {
            Ok(Some(s.trim().to_owned()).filter(|s| !s.is_empty()))
        }
        Some(_) => Err(format!("\"{key}\" is no text of one line")),
    };
    let words = Role::ALL.map(Role::as_str).join(", ");
    let role = text("role")?.ok_or_else(|| format!("\"role\" is missing; wanted one of: {words}"))?;
    Ok(Person {
        role: Role::parse(&role).ok_or_else(|| format!("\"role\" is \"{role}\"; wanted one of: {words}"))?,
        name: text("name")?,
        email: text("email")?,
        phone: text("phone")?,
        language: text("language")?,
    })
}

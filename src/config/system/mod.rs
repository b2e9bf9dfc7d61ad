//! Invoicing systems with an HTTP API: what a system looks like on the wire is data, one file each (`sources/NAME.toml`).
//! Here are the types; the file `read.rs` makes them from a file.

mod columns;
mod read;
mod template;

pub use columns::{Alternative, As, Column, Several, When};
pub use read::system;
pub use template::{Name, Template};

use super::gateway::Method;
use crate::domain::json::{Json, Path};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// An invoicing system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// The name of its file.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What the key must be allowed to do, and what to switch off there: for people.
    pub docs: String,
    /// How relance says who it is.
    pub auth: Auth,
    /// Headers of every request.
    pub headers: Vec<(String, Template)>,
    /// Requests a minute at the most.
    pub rate: Option<u32>,
    /// The zone of its midnights, where that is known; what `[source]` says comes first.
    pub zone: Option<TimeZone>,
    /// Where an answer with a good status says that it is a failure all the same.
    pub fault: Option<Path>,
    /// The list of open invoices.
    pub list: Ask,
    /// How the list goes on.
    pub paging: Paging,
    /// Some invoices again, by their ids.
    pub one: Option<ById>,
    /// Invoices by their number.
    pub number: Option<Ask>,
    /// What has changed since an instant, paid invoices among it.
    pub changes: Option<Changes>,
    /// Customers, where what is needed of them is not in the invoice.
    pub customer: Option<Customer>,
    /// Decimals of amounts in minor units, where the system counts otherwise than ISO 4217.
    pub decimals: BTreeMap<String, u32>,
    /// Where each of relance's columns comes from.
    pub columns: Vec<Column>,
}

/// A re-read before sending asks so often at the most in a share of its time, which is ten seconds.
const REREAD_REQUESTS: usize = 60;

/// There are six such shares in a minute, and two who may want one.
const SHARES_A_MINUTE: usize = 12;

impl System {
    /// What has to be said in `[source]` for it, in order, each once.
    pub fn needs(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.templates().flat_map(Template::names).filter(|name| name.is_setting()).collect();
        if let Auth::OAuth(oauth) = &self.auth {
            names.extend([Name::ClientId, Name::Secret]);
            names.extend((oauth.grant == Grant::Refresh).then_some(Name::Key));
        }
        names.sort();
        names.dedup();
        names
    }

    /// About how many invoices one request can be; where none can be asked for alone the list is about all of them.
    pub fn at_once(&self) -> usize {
        self.one.as_ref().map_or(usize::MAX, |one| one.many.max(1))
    }

    /// How many requests a re-read before sending may take in one share of its time: no more than the system bears within that.
    pub fn requests_of_a_share(&self) -> usize {
        let borne = self.rate.map_or(usize::MAX, |a_minute| a_minute as usize / SHARES_A_MINUTE);
        borne.clamp(1, REREAD_REQUESTS)
    }

    /// What of a customer's answer any column needs; the other members of its table are let go.
    pub fn of_customer(&self, whole: &Json) -> Json {
        let of_it = self.columns.iter().flat_map(|column| &column.from).filter(|from| from.of_customer);
        let members: Option<BTreeSet<&str>> = of_it.filter_map(|from| from.path.as_ref()).map(Path::member).collect();
        match (members, whole) {
            (Some(members), Json::Table(table)) => {
                let needed = table.iter().filter(|(name, _)| members.contains(name.as_str()));
                Json::Table(needed.map(|(name, value)| (name.clone(), value.clone())).collect())
            }
            // A path that goes through all of it needs all of it.
            _ => whole.clone(),
        }
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        let asks = [Some(&self.list), self.one.as_ref().map(|o| &o.ask), self.number.as_ref()].into_iter();
        let more = [self.changes.as_ref().map(|c| &c.ask), self.customer.as_ref().map(|c| &c.by.ask)];
        let asks = asks.chain(more).flatten().flat_map(Ask::templates);
        let auth = match &self.auth {
            Auth::Header { value, .. } => vec![value],
            Auth::Basic { user, password } => vec![user, password],
            Auth::Bearer(token) => vec![token],
            Auth::None | Auth::OAuth(_) => Vec::new(),
        };
        let fixed = self.columns.iter().flat_map(|column| &column.from).filter_map(|from| from.value.as_ref());
        asks.chain(auth).chain(self.headers.iter().map(|(_, value)| value)).chain(fixed)
    }
}

/// How relance says who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all: in front of something on this machine.
    None,
    /// By a header.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: Template,
    },
    /// HTTP basic.
    Basic {
        /// The user.
        user: Template,
        /// The password.
        password: Template,
    },
    /// A bearer token that does not change.
    Bearer(Template),
    /// A bearer token that is fetched, and fetched anew when its time is over.
    OAuth(OAuth),
}

/// OAuth 2: how a token is had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth {
    /// By what.
    pub grant: Grant,
    /// Where: `https://…`, or a path behind the base URL.
    pub url: String,
    /// For what.
    pub scope: Option<String>,
    /// Whether id and secret of the client travel in the body instead of as HTTP basic.
    pub in_body: bool,
}

/// By what a token is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// By id and secret alone.
    Client,
    /// By a token for that, which each time may be another.
    Refresh,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// GET or POST. Nothing is changed by either.
    pub method: Method,
    /// The path behind the base URL.
    pub path: Template,
    /// The query; what comes out empty is left out.
    pub query: Vec<(String, Template)>,
    /// Headers.
    pub headers: Vec<(String, Template)>,
    /// The body: JSON.
    pub body: Option<Template>,
    /// How a value is written where it stands within another language.
    pub escape: Escape,
    /// Where the items are; the first path that leads to a list counts, and a path to an object is a list of one.
    pub items: Vec<Path>,
}

impl Ask {
    fn templates(&self) -> impl Iterator<Item = &Template> {
        let named = self.query.iter().chain(&self.headers).map(|(_, template)| template);
        std::iter::once(&self.path).chain(named).chain(&self.body)
    }

    /// Its path as the file says it, for messages: nothing is filled in.
    pub fn name(&self) -> &str {
        self.path.text()
    }
}

/// How a value is written where it stands within another language in query and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// As it is.
    None,
    /// As the inside of a JSON text; ids as a JSON array's inside.
    Json,
    /// Behind a backslash where it is a quotation mark; ids in quotation marks: query languages with '…'.
    Quoted,
}

/// Invoices or customers by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ById {
    /// The request.
    pub ask: Ask,
    /// So many ids in a request; 1: one an id.
    pub many: usize,
}

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The request; it goes on as the list does.
    pub ask: Ask,
    /// How the instant is written.
    pub since: Since,
    /// It is asked for so much more than since the last poll, in seconds: clocks differ.
    pub overlap: i64,
}

/// How an instant is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// Seconds since 1970.
    Epoch,
    /// By a pattern of strftime, in UTC.
    Pattern(String),
}

/// Customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Where an invoice has the id of its customer.
    pub id: Path,
    /// The request.
    pub by: ById,
    /// Where a customer has its id; needed where many are asked for at once.
    pub key: Option<Path>,
    /// How long one is kept, in seconds.
    pub keep: u64,
}

/// How a list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// By what.
    pub kind: PagingKind,
    /// The size that is asked for.
    pub size: u64,
    /// A page with fewer items than that is the last.
    pub short: bool,
    /// Where it is said how many there are.
    pub total: Option<Total>,
    /// Where it is said whether there are more.
    pub more: Option<Path>,
    /// The status of a page behind the last.
    pub past_end: Option<u16>,
}

/// By what a list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PagingKind {
    /// It does not: all is in one answer.
    None,
    /// By the number of the page, from this one on.
    Page(u64),
    /// By the number of items before, counted from this one on.
    Offset(u64),
    /// By something of the last item.
    After(Path),
    /// By a token in the answer; where there is none, it was the last.
    Token(Path),
    /// By a URL in the answer.
    NextUrl(Path),
    /// By the header Link.
    Link,
}

/// Where it is said how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Total {
    /// In the body.
    Body(Path),
    /// In a header.
    Header(String),
}

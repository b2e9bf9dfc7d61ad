//! An invoicing system with an HTTP API, as its file in `sources/` describes it.

mod auth;
mod client;
mod gate;
mod kept;
mod listing;
mod pick;

pub use listing::Listing;
pub use pick::{Picker, Trace};

use super::SourceError;
use super::row::{Columns, RawRow};
use crate::clock::Stopwatch;
use crate::config::Environment;
use crate::config::settings::HttpSettings;
use crate::config::system::{Ask, ById, Escape, Name, Since, System};
use crate::domain::json::Json;
use client::{Client, Filling, Patience, Target};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// So many requests are under way at once where each is about one invoice or customer.
pub(super) const AT_ONCE: usize = 6;

/// The re-read before sending takes no longer for a share of requests ([`System::requests_of_a_share`]), and so much longer for more,
/// up to an end: what was read first is old by then. Whoever re-reads for several customers keeps to one such share; only one
/// with very many invoices, at a system that shows them one by one, takes more, and would else never be written to.
pub const REREAD: Duration = Duration::from_secs(10);
const REREAD_MOST: Duration = Duration::from_secs(120);

/// The states by which a system says that something is not there.
const NOT_THERE: &[u16] = &[404, 410];

/// So many customers are kept.
const MOST_CUSTOMERS: usize = 100_000;

/// What a reading is to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All that is open.
    All,
    /// What has changed since then.
    Since(Timestamp),
}

/// A system and the way to it. A handle that costs nothing to clone.
#[derive(Clone, Debug)]
pub struct HttpSource(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    client: Arc<Client>,
    zone: TimeZone,
    customers: Mutex<HashMap<String, Kept>>,
}

/// A customer that was read; nothing where there is none.
#[derive(Clone, Debug)]
struct Kept {
    customer: Option<Arc<Json>>,
    since: Stopwatch,
}

impl HttpSource {
    /// Prepares the way; nothing goes over it yet. `zone` is the creditor's.
    pub fn open(settings: &HttpSettings, zone: &TimeZone, environment: &Environment) -> Result<HttpSource, SourceError> {
        let load = |(name, source): (&Name, &crate::config::secret::SecretSource)| Ok((*name, source.load(environment)?));
        let secrets = settings.values.secrets.iter().map(load).collect::<Result<_, SourceError>>()?;
        let client = Arc::new(Client::new(settings, secrets)?);
        let zone = settings.zone.as_ref().or(settings.system.zone.as_ref()).unwrap_or(zone).clone();
        Ok(HttpSource(Arc::new(Parts { client, zone, customers: Mutex::default() })))
    }

    fn client(&self) -> &Arc<Client> {
        &self.0.client
    }

    /// What the system looks like.
    pub fn system(&self) -> &Arc<System> {
        &self.client().settings.system
    }

    /// The base URL, for messages.
    pub fn place(&self) -> &str {
        self.client().place()
    }

    /// The columns that its file gives.
    pub fn columns(&self) -> Result<Columns, SourceError> {
        Columns::new(self.system().columns.iter().map(|column| column.name.to_owned()).collect())
    }

    /// Begins to read the list.
    pub fn list(&self, columns: &Columns, scope: &Scope) -> Listing {
        Listing::new(self.clone(), columns, scope)
    }

    /// Whether invoices can be asked for alone.
    pub fn asks_alone(&self) -> bool {
        self.system().one.is_some()
    }

    /// Some invoices again, by their ids: alone where the system can, else from the list. What is gone is not among them.
    pub async fn reread(&self, columns: &Columns, ids: &[String]) -> Result<Vec<RawRow>, SourceError> {
        let most = time_for(ids.len().div_ceil(self.at_once()), self.system().requests_of_a_share());
        let late = || SourceError::TimedOut { place: self.place().to_owned(), seconds: most.as_secs() };
        tokio::time::timeout(most, self.alone(columns, ids, Patience::Now)).await.map_err(|_| late())?
    }

    /// How many invoices one request can be about.
    pub fn at_once(&self) -> usize {
        self.system().at_once()
    }

    /// The same in a poll, where there is more time.
    pub async fn confirm(&self, columns: &Columns, ids: &[String]) -> Result<Vec<RawRow>, SourceError> {
        self.alone(columns, ids, Patience::Poll).await
    }

    async fn alone(&self, columns: &Columns, ids: &[String], patience: Patience) -> Result<Vec<RawRow>, SourceError> {
        let wanted: HashSet<&str> = ids.iter().map(String::as_str).collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let Some(one) = &self.system().one else {
            let mut listing = self.list(columns, &Scope::All);
            let mut found = Vec::new();
            while let Some(page) = listing.next_page().await? {
                found.extend(page.rows.into_iter().filter(|row| wanted.contains(row.id.as_str())));
            }
            return Ok(found);
        };
        let items: Vec<Json> = self.by_id(one, ids, patience).await?.into_iter().map(|(_, item)| item).collect();
        let rows = self.rows(columns, &items, patience).await?;
        // An answer about something else says nothing of what was asked for, and least of all that it is gone.
        match rows.iter().all(|row| wanted.contains(row.id.as_str())) {
            true => Ok(rows),
            false => Err(self.client().failed(format!(
                "{}: its answer shows another invoice than was asked for, or none with an id; wanted [one] of sources/{}.toml to lead to it (see \"items\" there)",
                one.ask.name(),
                self.system().name
            ))),
        }
    }

    /// Invoices with a number: a few, as a person asks for them.
    pub async fn numbered(&self, columns: &Columns, number: &str) -> Result<Vec<RawRow>, SourceError> {
        let Some(ask) = &self.system().number else {
            let mut listing = self.list(columns, &Scope::All);
            let mut found = Vec::new();
            while let Some(page) = listing.next_page().await? {
                found.extend(page.rows.into_iter().filter(|row| row.is_number(columns, number)));
            }
            return Ok(found);
        };
        let items = self.items(ask, Filling::with(Name::Number, number), NOT_THERE, Patience::Now).await?;
        let rows = self.rows(columns, &items, Patience::Now).await?;
        Ok(rows.into_iter().filter(|row| row.is_number(columns, number)).take(2).collect())
    }

    /// The first page, as it was read: each row with how each of its columns came about.
    pub async fn traced(&self, columns: &Columns) -> Result<Vec<(RawRow, Vec<Trace>)>, SourceError> {
        let system = self.system();
        let filling = listing::first_page(&system.paging);
        let items = self.items(&system.list, filling, NOT_THERE, Patience::Now).await?;
        let customers = self.customers(&items, Patience::Now).await?;
        let picker = self.picker();
        let traced = items.iter().zip(&customers).map(|(item, customer)| {
            let customer = customer.as_deref();
            (picker.row(columns, item, customer), picker.traces(item, customer))
        });
        Ok(traced.collect())
    }

    fn picker(&self) -> Picker<'_> {
        Picker { system: self.system(), zone: &self.0.zone, words: &self.client().settings.values.words }
    }

    /// The rows of items, with what is said of their customers elsewhere.
    async fn rows(&self, columns: &Columns, items: &[Json], patience: Patience) -> Result<Vec<RawRow>, SourceError> {
        let customers = self.customers(items, patience).await?;
        let picker = self.picker();
        let row = |(item, customer): (&Json, &Option<Arc<Json>>)| picker.row(columns, item, customer.as_deref());
        Ok(items.iter().zip(&customers).map(row).collect())
    }

    /// The items of one answer; none where it says that there is nothing.
    async fn items(&self, ask: &Ask, filling: Filling, also: &[u16], patience: Patience) -> Result<Vec<Json>, SourceError> {
        let answer = self.client().ask(&Target::Ask(ask, filling), also, patience).await?;
        if also.contains(&answer.head.status) {
            return Ok(Vec::new());
        }
        // Alone, null, an empty text or an empty list in the place of the list means that there is nothing. Where the place itself is
        // missing the answer is about something else: a failure, as a rule.
        let found = listing::items(&ask.items, &answer.json);
        let is_nothing = ask.items.iter().any(|path| path.first(&answer.json).is_some_and(Json::is_empty));
        match found {
            Some(items) => Ok(items),
            None if is_nothing => Ok(Vec::new()),
            None => Err(self.client().failed(format!("{}: its answer has no list where its file says", ask.name()))),
        }
    }

    /// What stands under ids, several requests at once; each with the first id that its request asked for.
    async fn by_id(&self, by: &ById, ids: &[String], patience: Patience) -> Result<Vec<(String, Json)>, SourceError> {
        let mut left = ids.chunks(by.many.max(1));
        let mut under_way: JoinSet<(String, Result<Vec<Json>, SourceError>)> = JoinSet::new();
        let mut found = Vec::new();
        loop {
            while under_way.len() < AT_ONCE
                && let Some(chunk) = left.next()
            {
                let (source, by) = (self.clone(), by.clone());
                let filling = by_ids(&by.ask, chunk);
                // Of several at once "not found" says that there is no such request, and nothing of any of them.
                let also: &[u16] = if by.many > 1 { &[] } else { NOT_THERE };
                let asked = chunk.first().cloned().unwrap_or_default();
                under_way.spawn(async move { (asked, source.items(&by.ask, filling, also, patience).await) });
            }
            match under_way.join_next().await {
                None => return Ok(found),
                Some(Ok((asked, items))) => found.extend(items?.into_iter().map(|item| (asked.clone(), item))),
                Some(Err(e)) => return Err(self.client().failed(format!("a request ended unexpectedly: {e}"))),
            }
        }
    }

    /// The customers of items, in their order; those that were read lately are not asked for again.
    async fn customers(&self, items: &[Json], patience: Patience) -> Result<Vec<Option<Arc<Json>>>, SourceError> {
        let Some(customer) = &self.system().customer else { return Ok(vec![None; items.len()]) };
        let keep = Duration::from_secs(customer.keep);
        let ids: Vec<Option<String>> =
            items.iter().map(|item| customer.id.first(item).and_then(Json::word).filter(|id| !id.trim().is_empty())).collect();
        let mut found: HashMap<String, Option<Arc<Json>>> = HashMap::new();
        let mut lacking: Vec<String> = Vec::new();
        {
            let kept = self.0.customers.lock().await;
            for id in ids.iter().flatten() {
                match kept.get(id).filter(|kept| patience == Patience::Now || kept.since.elapsed() < keep) {
                    Some(kept) => {
                        found.insert(id.clone(), kept.customer.clone());
                    }
                    None if !lacking.contains(id) => lacking.push(id.clone()),
                    None => {}
                }
            }
        }
        if !lacking.is_empty() {
            let read = self.read_customers(customer, &lacking, patience).await?;
            let mut kept = self.0.customers.lock().await;
            if kept.len() + lacking.len() > MOST_CUSTOMERS {
                kept.clear();
            }
            for id in lacking {
                let customer = read.get(&id).map(|whole| Arc::new(self.system().of_customer(whole)));
                kept.insert(id.clone(), Kept { customer: customer.clone(), since: Stopwatch::start() });
                found.insert(id, customer);
            }
        }
        Ok(ids.into_iter().map(|id| id.and_then(|id| found.get(&id).cloned().flatten())).collect())
    }

    async fn read_customers(
        &self,
        customer: &crate::config::system::Customer,
        ids: &[String],
        patience: Patience,
    ) -> Result<HashMap<String, Json>, SourceError> {
        let mut read = HashMap::new();
        for (asked, item) in self.by_id(&customer.by, ids, patience).await? {
            // Without a place where its id stands a customer is asked for alone, and the first that comes is the one.
            match &customer.key {
                Some(key) => read.extend(key.first(&item).and_then(Json::word).map(|id| (id, item.clone()))),
                None => drop(read.entry(asked).or_insert(item)),
            }
        }
        Ok(read)
    }
}

/// How long a re-read of so many requests may take, with so many in a share.
fn time_for(requests: usize, share: usize) -> Duration {
    let shares = u32::try_from(requests.div_ceil(share)).unwrap_or(u32::MAX);
    REREAD.saturating_mul(shares.max(1)).min(REREAD_MOST)
}

/// What names some invoices or customers in a request.
fn by_ids(ask: &Ask, ids: &[String]) -> Filling {
    let is_number = |id: &String| !id.is_empty() && id.len() < 19 && id.bytes().all(|b| b.is_ascii_digit());
    let written = |id: &String| match ask.escape {
        Escape::None => id.clone(),
        Escape::Json if is_number(id) => id.clone(),
        Escape::Json => serde_json::Value::from(id.as_str()).to_string(),
        Escape::Quoted => format!("'{}'", id.replace('\\', "\\\\").replace('\'', "\\'")),
    };
    let list = ids.iter().map(written).collect::<Vec<_>>().join(",");
    Filling(vec![(Name::Ids, list), (Name::Id, ids.first().cloned().unwrap_or_default())])
}

/// An instant as a system wants it.
fn written(since: &Since, at: Timestamp) -> String {
    match since {
        Since::Epoch => at.as_second().to_string(),
        Since::Pattern(pattern) => {
            jiff::fmt::strtime::format(pattern, &at.to_zoned(TimeZone::UTC)).unwrap_or_else(|_| at.to_string())
        }
    }
}

/// Whether a URL's host is this machine.
fn is_loopback(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_default();
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    plain == "localhost" || plain.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::time_for;

    #[test]
    fn many_requests_may_take_longer_and_none_for_ever() {
        let seconds = |requests: usize| time_for(requests, 60).as_secs();
        assert_eq!([0, 1, 60, 61, 500, 5000, usize::MAX].map(seconds), [10, 10, 10, 20, 90, 120, 120]);
    }
}

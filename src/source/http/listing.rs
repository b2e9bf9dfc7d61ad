//! Reading a list page by page. A list is not a snapshot: between two pages an invoice may be paid, and all behind it move up
//! by one. So a reading that shows any sign of that begins again, and gives up in the end: what was read only in part is no
//! reading. And what is missing from a whole one is asked for alone before it counts as paid (flow/gone.rs),
//! because there are changes of which no page shows a sign.

use super::client::{Answer, Filling, Patience, Target};
use super::{HttpSource, Scope};
use crate::config::gateway::Method;
use crate::config::system::{Ask, Name, Paging, PagingKind, Total};
use crate::domain::json::{Json, Path};
use crate::source::row::{Columns, RawRow};
use crate::source::{Page, SourceError};
use reqwest::header::HeaderMap;
use std::collections::HashMap;

/// A reading that sees the list change begins again so often.
const AGAIN: u32 = 3;

/// The most pages and the most invoices of a list.
const MOST_PAGES: u64 = 20_000;
const MOST_ROWS: usize = 2_000_000;

/// A reading of a list.
#[derive(Debug)]
pub struct Listing {
    source: HttpSource,
    columns: Columns,
    ask: Ask,
    since: Option<String>,
    next: Next,
    /// Ids that this reading has shown, with the digests of their rows.
    seen: HashMap<String, i64>,
    /// Rows besides, which no id tells apart: without one, or with one that stands twice on a page.
    others: u64,
    total: Option<u64>,
    pages: u64,
    again: u32,
}

/// Where the next page is.
#[derive(Clone, Debug, PartialEq)]
enum Next {
    Filled { page: u64, offset: u64, cursor: String },
    Url(String),
    Nowhere,
}

/// What was made of an answer.
enum Made {
    Page(Page),
    /// The list has changed while it was read.
    Changed(&'static str),
}

impl Listing {
    pub(super) fn new(source: HttpSource, columns: &Columns, scope: &Scope) -> Listing {
        let system = source.system();
        let (ask, since) = match (scope, &system.changes) {
            (Scope::Since(at), Some(changes)) => (changes.ask.clone(), Some(super::written(&changes.since, *at))),
            _ => (system.list.clone(), None),
        };
        let next = first(&system.paging.kind);
        Listing {
            source,
            columns: columns.clone(),
            ask,
            since,
            next,
            seen: HashMap::new(),
            others: 0,
            total: None,
            pages: 0,
            again: 0,
        }
    }

    /// The next page; `None` after the last.
    pub async fn next_page(&mut self) -> Result<Option<Page>, SourceError> {
        loop {
            if self.next == Next::Nowhere {
                return Ok(None);
            }
            if let Some((answer, items)) = self.fetch().await? {
                match self.made(&answer, items).await? {
                    Made::Page(page) => return Ok(Some(page)),
                    Made::Changed(what) => self.anew(what)?,
                }
            } else if self.is_short_of_total() {
                self.anew("it ended before all that it had announced")?;
            } else {
                self.next = Next::Nowhere;
            }
        }
    }

    /// From the first page on; what was taken in stays, because it was true when it was read.
    fn anew(&mut self, what: &str) -> Result<(), SourceError> {
        self.again += 1;
        if self.again > AGAIN {
            return Err(self.partial(format!("{what}, {} times in a row", self.again)));
        }
        self.next = first(&self.source.system().paging.kind);
        self.seen.clear();
        self.source.client().pages().clear();
        (self.total, self.pages, self.others) = (None, 0, 0);
        Ok(())
    }

    fn partial(&self, why: String) -> SourceError {
        SourceError::Partial { place: self.source.place().to_owned(), why }
    }

    fn is_short_of_total(&self) -> bool {
        self.total.is_some_and(|total| self.shown() < total)
    }

    /// How many rows were shown so far.
    fn shown(&self) -> u64 {
        self.seen.len() as u64 + self.others
    }

    /// The answer and its items; `None` for a page behind the last.
    async fn fetch(&mut self) -> Result<Option<(Answer, Vec<Json>)>, SourceError> {
        let paging = &self.source.system().paging;
        self.pages += 1;
        if self.pages > MOST_PAGES || self.seen.len() > MOST_ROWS {
            return Err(self.partial(format!("it has no end within {MOST_PAGES} pages and {MOST_ROWS} invoices")));
        }
        let target = match &self.next {
            Next::Url(url) => Target::Url(&self.ask, url.clone()),
            Next::Filled { .. } => {
                let mut filling = filling(&self.next, paging.size);
                filling.0.extend(self.since.clone().map(|since| (Name::Since, since)));
                Target::Ask(&self.ask, filling)
            }
            Next::Nowhere => return Ok(None),
        };
        // On the first page the status for "nothing there" may be said of a list that is empty as well.
        let also: Vec<u16> = paging.past_end.into_iter().collect();
        let client = self.source.client();
        let answer = match self.may_reuse() {
            true => client.page(&target, &also).await?,
            false => client.ask(&target, &also, Patience::Poll).await?,
        };
        if also.contains(&answer.head.status) {
            return Ok(None);
        }
        let items = items(&self.ask.items, &answer.json).ok_or_else(|| {
            self.source.client().failed(format!("{}: its answer has no list where its file says", self.ask.name()))
        })?;
        Ok(Some((answer, items)))
    }

    /// Whether a page that has not changed may be taken from the reading before. Not where headers say how many there are or where
    /// the next page is, because a page's ETag is about its body.
    fn may_reuse(&self) -> bool {
        let paging = &self.source.system().paging;
        let in_headers = matches!(paging.kind, PagingKind::Link) || matches!(paging.total, Some(Total::Header(_)));
        self.since.is_none() && self.ask.method == Method::Get && !in_headers
    }

    async fn made(&mut self, answer: &Answer, items: Vec<Json>) -> Result<Made, SourceError> {
        let (count, system) = (items.len() as u64, self.source.system().clone());
        if let Some(total) = self.announced(answer, &system.paging.total)? {
            if self.total.is_some_and(|before| before != total) {
                return Ok(Made::Changed("its number of invoices changed while it was read"));
            }
            self.total = Some(total);
        }
        let rows = self.source.rows(&self.columns, &items, Patience::Poll).await?;
        let doubled = doubled_within(&rows);
        let known = self.shown();
        let mut fresh = Vec::with_capacity(rows.len());
        for row in rows {
            match self.seen.insert(row.id.clone(), row.digest) {
                None => fresh.push(row),
                Some(_) if !row.has_id() || doubled.contains(&row.id) => {
                    self.others += 1;
                    fresh.push(row);
                }
                // What moved to this page from one before is one invoice, not two.
                Some(before) if before == row.digest => {}
                Some(_) => return Ok(Made::Changed("an invoice changed while it was read")),
            }
        }
        if count > 0 && self.shown() == known && self.pages > 1 {
            return Ok(Made::Changed("it gave a page again that it had given before (or does not know its paging parameters)"));
        }
        self.next = self.behind(answer, &items, count)?;
        if self.next == Next::Nowhere && self.is_short_of_total() {
            return Ok(Made::Changed("it ended before all that it had announced"));
        }
        Ok(Made::Page(Page { rows: fresh, doubled }))
    }

    /// How many there are, where that is said.
    fn announced(&self, answer: &Answer, total: &Option<Total>) -> Result<Option<u64>, SourceError> {
        let Some(total) = total else { return Ok(None) };
        let (place, word) = match total {
            Total::Body(path) => (path.text(), path.first(&answer.json).and_then(Json::word)),
            Total::Header(name) => (name.as_str(), header(&answer.head.headers, name)),
        };
        let read = word.and_then(|word| word.trim().parse().ok());
        let missing = || {
            self.source.client().failed(format!("{}: its answer does not say how many there are (at {place})", self.ask.name()))
        };
        read.map(Some).ok_or_else(missing)
    }

    /// Where the page behind this one is.
    fn behind(&self, answer: &Answer, items: &[Json], count: u64) -> Result<Next, SourceError> {
        let paging = &self.source.system().paging;
        let more = match &paging.more {
            None => true,
            Some(path) => match path.first(&answer.json) {
                Some(Json::Bool(more)) => *more,
                _ => {
                    let text =
                        format!("{}: its answer does not say whether there are more (at {})", self.ask.name(), path.text());
                    return Err(self.source.client().failed(text));
                }
            },
        };
        let is_last = !more || (paging.short && count < paging.size) || self.total.is_some_and(|total| self.shown() >= total);
        let Next::Filled { page, offset, .. } = &self.next else { return self.followed(answer) };
        let (page, offset) = (page + 1, offset + count);
        let filled = |cursor: String| Next::Filled { page, offset, cursor };
        match &paging.kind {
            PagingKind::Token(_) | PagingKind::NextUrl(_) | PagingKind::Link => self.followed(answer),
            PagingKind::None => Ok(Next::Nowhere),
            // An empty page is the last, whatever else is said.
            _ if is_last || count == 0 => Ok(Next::Nowhere),
            PagingKind::Page(_) | PagingKind::Offset(_) => Ok(filled(String::new())),
            PagingKind::After(path) => {
                let cursor = items.last().and_then(|item| path.first(item)).and_then(Json::word).filter(|w| !w.is_empty());
                let missing =
                    || self.source.client().failed(format!("{}: its last invoice has no {}", self.ask.name(), path.text()));
                cursor.map(filled).ok_or_else(missing)
            }
        }
    }

    /// The next page where the answer itself says which that is.
    fn followed(&self, answer: &Answer) -> Result<Next, SourceError> {
        let word = |path: &Path| path.first(&answer.json).filter(|value| !value.is_empty()).and_then(Json::word);
        let url = match &self.source.system().paging.kind {
            PagingKind::Token(path) => {
                let again = |next: &Next| matches!((next, &self.next), (Next::Filled { cursor: a, .. }, Next::Filled { cursor: b, .. }) if a == b);
                let next = word(path).map(|cursor| Next::Filled { page: self.pages + 1, offset: self.seen.len() as u64, cursor });
                if next.as_ref().is_some_and(again) {
                    return Err(self.partial("it leads from a page to the same page".to_owned()));
                }
                return Ok(next.unwrap_or(Next::Nowhere));
            }
            PagingKind::NextUrl(path) => word(path),
            _ => link(&answer.head.headers),
        };
        let Some(url) = url else { return Ok(Next::Nowhere) };
        let base = reqwest::Url::parse(self.source.place()).ok();
        // A URL without its beginning counts from where it was said (RFC 3986, 5.1.3).
        let next = answer.head.url.join(&url).ok();
        match (base, next) {
            (Some(base), Some(next)) if base.origin() == next.origin() => Ok(Next::Url(next.to_string())),
            _ => Err(self.source.client().failed(format!(
                "{}: its next page is elsewhere, where the key does not go; wanted it below [source] url",
                self.ask.name()
            ))),
        }
    }
}

fn first(kind: &PagingKind) -> Next {
    let (page, offset) = match kind {
        PagingKind::Page(first) => (*first, 0),
        PagingKind::Offset(first) => (0, *first),
        _ => (1, 0),
    };
    Next::Filled { page, offset, cursor: String::new() }
}

/// What the first page is asked for with.
pub(super) fn first_page(paging: &Paging) -> Filling {
    filling(&first(&paging.kind), paging.size)
}

fn filling(next: &Next, size: u64) -> Filling {
    let Next::Filled { page, offset, cursor } = next else { return Filling::default() };
    let numbers = [(Name::Page, *page), (Name::Offset, *offset), (Name::Limit, size)];
    let mut filling: Vec<(Name, String)> = numbers.map(|(name, number)| (name, number.to_string())).into();
    filling.push((Name::Cursor, cursor.clone()));
    Filling(filling)
}

/// The items of an answer: the list at the first path that leads to one, or the one object there.
pub(super) fn items(paths: &[Path], json: &Json) -> Option<Vec<Json>> {
    paths.iter().find_map(|path| {
        let all = path.all(json);
        match all.first()? {
            Json::List(list) => Some(list.clone()),
            Json::Table(table) if table.is_empty() => Some(Vec::new()),
            // An object where a list of its own stands at another path is only what is around that.
            Json::Table(_) => {
                let others = paths.iter().filter(|other| *other != path);
                let around = others.clone().any(|other| other.first(json).is_some_and(|v| v.list().is_some()));
                (!around).then(|| all.into_iter().cloned().collect())
            }
            _ => None,
        }
    })
}

/// Ids that stand twice in one answer with other words each time: such rows cannot be trusted.
fn doubled_within(rows: &[RawRow]) -> Vec<String> {
    let mut first: HashMap<&str, i64> = HashMap::with_capacity(rows.len());
    let mut doubled = Vec::new();
    for row in rows.iter().filter(|row| row.has_id()) {
        if first.insert(&row.id, row.digest).is_some_and(|before| before != row.digest) {
            doubled.push(row.id.clone());
        }
    }
    doubled
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The next page of a Link header (RFC 8288).
fn link(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
    values.find_map(next_of)
}

fn next_of(value: &str) -> Option<String> {
    // A URL may hold commas, and so may a text in quotation marks; a link begins with `<`.
    let mut rest = value;
    while let Some((_, behind)) = rest.split_once('<') {
        let (url, parameters) = behind.split_once('>')?;
        let own = parameters.split('<').next().unwrap_or_default();
        let is_next = own.split(';').filter_map(|p| p.split_once('=')).any(|(name, said)| {
            let words = said.trim().trim_end_matches([',', ' ']).trim_matches('"').to_ascii_lowercase();
            name.trim().eq_ignore_ascii_case("rel") && words.split_whitespace().any(|word| word == "next")
        });
        if is_next {
            return Some(url.trim().to_owned());
        }
        rest = parameters;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::next_of;

    #[test]
    fn the_next_page_of_a_link_header() {
        for (value, next) in [
            ("<https://x/i?page=2>; rel=\"next\"", Some("https://x/i?page=2")),
            ("<https://x/i?fields=a,b&page=2>; rel=\"next\"", Some("https://x/i?fields=a,b&page=2")),
            ("<https://x/1>; rel=\"first\", <https://x/3>; rel = \"next last\"", Some("https://x/3")),
            ("<https://x/1>; title=\"a, b\"; rel=prev, </i?page=3>;rel=next, <https://x/9>; rel=last", Some("/i?page=3")),
            ("<https://x/1>; rel=\"prev\"", None),
            ("<https://x/1>; title=\"next\"", None),
            ("next", None),
            ("<", None),
        ] {
            assert_eq!(next_of(value).as_deref(), next, "{value}");
        }
    }
}

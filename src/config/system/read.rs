//! From a file in `sources/` to a [`System`].

use super::super::gateway::Method;
use super::super::node::Node;
use super::super::problem::Problems;
use super::super::section::Section;
use super::template::{OF_CHANGES, OF_IDS, OF_LIST, OF_NUMBER};
use super::*;

/// The most ids of one request, and the most items of one page.
const MOST_IDS: i64 = 500;
const MOST_ITEMS: i64 = 10_000;

const POINTER: &str = "a path such as \"/data\"";

/// Reads one file; `None` when it cannot be used (the problems say why).
pub fn system(name: &str, root: &Node, problems: &Problems) -> Option<System> {
    let top = Section::new("", root, problems);
    let title = top.required("title", "what people call the system");
    let docs = top.text("docs", "text for people").unwrap_or_default();
    let rate = top.integer("rate", 1..=60_000).and_then(|n| u32::try_from(n).ok());
    let fault = top.parse("fault", POINTER, Path::parse);
    let zone = top.parse("zone", "an IANA time zone such as \"UTC\"", |text| jiff::tz::TimeZone::get(text).ok());
    let headers = top.section("headers").map(|s| templates(s, &[])).unwrap_or_default();
    let auth = match top.section("auth") {
        Some(s) => auth(s),
        None => Some(Auth::None),
    };
    let list = needed(&top, "list").and_then(|s| ask(s, &OF_LIST, |_| ()).map(|(ask, ())| ask));
    let paging = match top.section("paging") {
        Some(s) => paging(s),
        None => Some(Paging { kind: PagingKind::None, size: 0, short: false, total: None, more: None, past_end: None }),
    };
    let one = top.section("one").map(|s| by_id(s, |_| ()).map(|(by, ())| by));
    let number = top.section("number").map(|s| ask(s, &OF_NUMBER, |_| ()).map(|(ask, ())| ask));
    let changes = top.section("changes").map(changes);
    let customer = top.section("customer").map(customer);
    let decimals = top.section("decimals").map(decimals).unwrap_or_default();
    let columns = needed(&top, "columns").map(|s| columns::columns(s, customer.is_some()));
    top.finish();
    Some(System {
        name: name.to_owned(),
        title: title?,
        docs,
        auth: auth?,
        headers,
        rate,
        zone,
        fault,
        list: list?,
        paging: paging?,
        one: flat(one)?,
        number: flat(number)?,
        changes: flat(changes)?,
        customer: flat(customer)?,
        decimals,
        columns: columns?,
    })
}

/// What is not there is nothing wrong; what is there has to be right.
fn flat<T>(found: Option<Option<T>>) -> Option<Option<T>> {
    match found {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

fn needed<'a>(top: &Section<'a>, key: &str) -> Option<Section<'a>> {
    let section = top.section(key);
    if section.is_none() {
        top.missing(key, &format!("a [{key}] table"));
    }
    section
}

fn template(s: &Section, key: &str, text: &str, known: &[Name]) -> Option<Template> {
    let wanted = || Name::SETTINGS.iter().chain(known).map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    Template::parse(text, known)
        .map_err(|word| s.problem(key, format!("unknown placeholder {{{word}}}; wanted one of: {}", wanted())))
        .ok()
}

/// Named texts; of a list each under the same name.
fn templates(s: Section, known: &[Name]) -> Vec<(String, Template)> {
    let mut found = Vec::new();
    for (key, _, _) in s.free() {
        let texts = s.texts(key, "text with placeholders, or a list of such");
        found.extend(texts.iter().filter_map(|(_, text)| Some((key.clone(), template(&s, key, text, known)?))));
    }
    s.finish();
    found
}

fn required_template(s: &Section, key: &str, wanted: &str, known: &[Name]) -> Option<Template> {
    s.required(key, wanted).and_then(|text| template(s, key, &text, known))
}

fn auth(s: Section) -> Option<Auth> {
    let wanted = "\"none\", \"header\", \"basic\", \"bearer\" or \"oauth2\"";
    let kind = s.required("kind", wanted);
    let read = match kind.as_deref() {
        Some("none") => Some(Auth::None),
        Some("header") => {
            let name = s.required("header", "the name of a header");
            let value = required_template(&s, "value", "the value of the header, such as \"{key}\"", &[]);
            name.zip(value).map(|(name, value)| Auth::Header { name, value })
        }
        Some("basic") => {
            let user = required_template(&s, "user", "the user, such as \"{user}\"", &[]);
            let password = required_template(&s, "password", "the password, such as \"{key}\"", &[]);
            user.zip(password).map(|(user, password)| Auth::Basic { user, password })
        }
        Some("bearer") => {
            let text = s.text("value", "the token, such as \"{key}\"").unwrap_or_else(|| "{key}".to_owned());
            template(&s, "value", &text, &[]).map(Auth::Bearer)
        }
        Some("oauth2") => oauth(&s).map(Auth::OAuth),
        Some(other) => {
            s.problem("kind", format!("\"kind\" is \"{other}\"; wanted {wanted}"));
            ["header", "value", "user", "password", "grant", "url", "scope", "client"].into_iter().for_each(|key| {
                s.node(key);
            });
            None
        }
        None => None,
    };
    s.finish();
    read
}

fn oauth(s: &Section) -> Option<OAuth> {
    let grants = "\"client_credentials\" or \"refresh_token\"";
    if !s.has("grant") {
        s.missing("grant", grants);
    }
    let grant = s.parse("grant", grants, |word| match word {
        "client_credentials" => Some(Grant::Client),
        "refresh_token" => Some(Grant::Refresh),
        _ => None,
    });
    if !s.has("url") {
        s.missing("url", "where tokens are had");
    }
    let url = s.parse("url", "https://… or a path behind the base URL", |text| {
        (text.starts_with("https://") || text.starts_with('/')).then(|| text.to_owned())
    });
    let scope = s.text("scope", "text");
    let in_body = s.parse("client", "\"basic\" or \"body\"", |word| match word {
        "basic" => Some(false),
        "body" => Some(true),
        _ => None,
    });
    Some(OAuth { grant: grant?, url: url?, scope, in_body: in_body.unwrap_or(false) })
}

/// A request, with what else its table says.
fn ask<T>(s: Section, known: &[Name], more: impl FnOnce(&Section) -> T) -> Option<(Ask, T)> {
    let method = s.parse("method", "\"GET\" or \"POST\"", Method::parse).unwrap_or(Method::Get);
    if !s.has("path") {
        s.missing("path", "the path behind the base URL");
    }
    let path = s.text("path", "the path behind the base URL").and_then(|text| template(&s, "path", &text, known));
    let body = s.text("body", "JSON with placeholders").map(|text| template(&s, "body", &text, known));
    if body.is_some() && method == Method::Get {
        s.problem("body", "a GET has no body; wanted method = \"POST\"");
    }
    let escape = s.parse("escape", "\"none\", \"json\" or \"quoted\"", |word| match word {
        "none" => Some(Escape::None),
        "json" => Some(Escape::Json),
        "quoted" => Some(Escape::Quoted),
        _ => None,
    });
    let items: Vec<Path> = s.words("items", POINTER, Path::parse);
    let query = s.section("query").map(|q| templates(q, known)).unwrap_or_default();
    let headers = s.section("headers").map(|h| templates(h, known)).unwrap_or_default();
    let more = more(&s);
    s.finish();
    let escape = escape.unwrap_or(if body.is_some() { Escape::Json } else { Escape::None });
    let items = if items.is_empty() { Path::parse("").into_iter().collect() } else { items };
    Some((Ask { method, path: path?, query, headers, body: flat(body)?, escape, items }, more))
}

fn by_id<T>(s: Section, more: impl FnOnce(&Section) -> T) -> Option<(ById, T)> {
    let at = s.at().clone();
    let many = s.integer("many", 1..=MOST_IDS).unwrap_or(1);
    // Placed before the section is used up.
    let told = s.teller();
    let (ask, more) = ask(s, &OF_IDS, more)?;
    let names: Vec<Name> = ask.templates().flat_map(Template::names).collect();
    let wanted = if many > 1 { Name::Ids } else { Name::Id };
    let named = names.contains(&wanted) || (many == 1 && names.contains(&Name::Ids));
    if !named {
        told.add(&at, format!("nothing here has {{{}}}; wanted it where the invoice is named", wanted.as_str()));
        return None;
    }
    Some((ById { ask, many: usize::try_from(many).unwrap_or(1) }, more))
}

fn changes(s: Section) -> Option<Changes> {
    let (ask, (since, overlap)) = ask(s, &OF_CHANGES, |s| {
        let since = s.parse("since", "\"epoch\" or a pattern such as \"%Y-%m-%dT%H:%M:%SZ\"", |text| match text {
            "epoch" => Some(Since::Epoch),
            _ => text.contains('%').then(|| Since::Pattern(text.to_owned())),
        });
        if !s.has("since") {
            s.missing("since", "how the instant is written: \"epoch\" or a pattern of strftime, in UTC");
        }
        (since, s.integer("overlap", 0..=172_800).unwrap_or(300))
    })?;
    Some(Changes { ask, since: since?, overlap })
}

fn customer(s: Section) -> Option<Customer> {
    let (by, (id, key, keep)) = by_id(s, |s| {
        if !s.has("id") {
            s.missing("id", "where an invoice has the id of its customer");
        }
        let id = s.parse("id", POINTER, Path::parse);
        let key = s.parse("key", POINTER, Path::parse);
        (id, key, s.integer("keep", 0..=86_400).unwrap_or(3600))
    })?;
    Some(Customer { id: id?, by, key, keep: u64::try_from(keep).unwrap_or(3600) })
}

fn decimals(s: Section) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    for (code, _, _) in s.free() {
        found.extend(s.integer(code, 0..=4).and_then(|n| u32::try_from(n).ok()).map(|n| (code.clone(), n)));
    }
    s.finish();
    found
}

fn paging(s: Section) -> Option<Paging> {
    let wanted = "\"none\", \"page\", \"offset\", \"after\", \"token\", \"next_url\" or \"link\"";
    let kind = s.required("kind", wanted);
    let size = s.integer("size", 1..=MOST_ITEMS).and_then(|n| u64::try_from(n).ok()).unwrap_or(100);
    let pointer = |key: &str| {
        if !s.has(key) {
            s.missing(key, POINTER);
        }
        s.parse(key, POINTER, Path::parse)
    };
    let kind = match kind.as_deref() {
        Some("none") => Some(PagingKind::None),
        Some("page") => Some(PagingKind::Page(s.integer("first", 0..=1).and_then(|n| u64::try_from(n).ok()).unwrap_or(1))),
        Some("offset") => Some(PagingKind::Offset(s.integer("first", 0..=1).and_then(|n| u64::try_from(n).ok()).unwrap_or(0))),
        Some("after") => pointer("after").map(PagingKind::After),
        Some("token") => pointer("next").map(PagingKind::Token),
        Some("next_url") => pointer("next").map(PagingKind::NextUrl),
        Some("link") => Some(PagingKind::Link),
        Some(other) => {
            s.problem("kind", format!("\"kind\" is \"{other}\"; wanted {wanted}"));
            None
        }
        None => None,
    };
    if kind.is_none() {
        ["first", "after", "next"].into_iter().for_each(|key| {
            s.node(key);
        });
    }
    let short = s.bool("short").unwrap_or(false);
    let more = s.parse("more", POINTER, Path::parse);
    let total =
        s.parse("total", "a path such as \"/meta/total\", or \"header NAME\"", |text| match text.strip_prefix("header ") {
            Some(name) => Some(Total::Header(name.trim().to_owned())),
            None => Path::parse(text).map(Total::Body),
        });
    let past_end = s.integer("past_end", 400..=499).and_then(|n| u16::try_from(n).ok());
    s.finish();
    Some(Paging { kind: kind?, size, short, total, more, past_end })
}

//! `[source]`: the kind of ledger and what goes with it.

use super::database::{DatabaseSettings, is_postgres};
use super::http_source::{self, Systems};
use super::read::schedule;
use super::section::Section;
use super::settings::{SourceKind, SourceSettings};
use crate::domain::standing::{TagMeaning, Tags};
use crate::domain::when::Delay;
use std::path::Path;

/// The kinds of ledger.
const KINDS: &str = "\"sqlite\", \"postgres\", \"csv\" or \"http\"";

/// Where a PostgreSQL ledger is, as it is written.
const URL: &str = "\"postgres://user@host/database\"";

/// Reads the section; with the settings comes the time that receipts have before a reminder (`grace`).
pub(super) fn read(s: Section, systems: &Systems, base: &Path) -> Option<(SourceSettings, Delay)> {
    let word = s.required("kind", KINDS);
    let kind = match word.as_deref() {
        Some("sqlite") => sqlite(&s, base),
        Some("postgres") => postgres(&s, base),
        Some("csv") => super::csv::read(&s, base).map(SourceKind::Csv),
        Some("http") => http_source::read(&s, systems, base).map(|http| SourceKind::Http(Box::new(http))),
        other => {
            if let Some(other) = other {
                s.problem("kind", format!("\"kind\" is \"{other}\"; wanted {KINDS}"));
            }
            // Which of these belong here is known with the kind.
            let csv = ["delimiter", "encoding", "decimal", "date", "last_line_end", "columns"];
            for key in ["path", "url", "password", "insecure"].into_iter().chain(csv).chain(http_source::KEYS) {
                s.node(key);
            }
            None
        }
    };
    let of_sql = word.as_deref() != Some("http");
    let sql = |key: &str, wanted: &str| if of_sql { s.text(key, wanted) } else { None };
    let query = sql("query", "SQL that yields the columns");
    let example = match word.as_deref() {
        Some("postgres") => "the array :ids, e.g. … WHERE id = ANY(:ids::bigint[])",
        _ => "the JSON array :ids, e.g. … WHERE id IN (SELECT value FROM json_each(:ids))",
    };
    let reread = sql("reread", "SQL with :ids").filter(|sql| {
        if !sql.contains(":ids") {
            s.problem("reread", format!("\"reread\" has no :ids; wanted SQL that reads the rows whose id is in {example}"));
        }
        sql.contains(":ids")
    });
    let poll = s.parse_with("poll", schedule);
    let poll = if s.has("poll") { poll } else { schedule("*/10 * * * *").ok() };
    let delay = |key: &str, default: &str| match s.has(key) {
        true => s.parse_with(key, |t| Delay::parse(t).map_err(|e| e.to_string())),
        false => Delay::parse(default).ok(),
    };
    let booking_lag = delay("booking_lag", "1 working day");
    let grace = delay("grace", "2 working days");
    let booked_through = sql("booked_through", "SQL that yields one date");
    let tags = s.section("tags").map(tags).unwrap_or_default();
    s.finish();
    let (kind, poll, booking_lag) = (kind?, poll?, booking_lag?);
    let settings = SourceSettings { kind, query, reread, poll, booking_lag, booked_through, tags };
    Some((settings, grace?))
}

/// `[source.tags]`: what the ledger's own tags mean.
fn tags(s: Section) -> Tags {
    let mut tags = Tags::default();
    for (tag, _, _) in s.free() {
        let meaning = s.parse(tag, &format!("one of: {}", TagMeaning::words()), TagMeaning::parse);
        tags.0.extend(meaning.map(|m| (tag.clone(), m)));
    }
    s.finish();
    tags
}

fn sqlite(s: &Section, base: &Path) -> Option<SourceKind> {
    let is_server = s.word("url").is_some_and(|url| is_postgres(&url));
    let kind = if is_server { " (of a PostgreSQL database the kind is \"postgres\")" } else { "" };
    s.misplaced("url", &format!("an SQLite ledger is a file; wanted \"path\"{kind}"));
    s.misplaced("password", "an SQLite ledger is a file and has none; wanted the line taken out");
    s.required("path", "the path of the SQLite file").map(|path| SourceKind::Sqlite(base.join(path)))
}

fn postgres(s: &Section, base: &Path) -> Option<SourceKind> {
    s.misplaced("path", &format!("a PostgreSQL ledger is named by \"url\"; wanted {URL} there"));
    if !s.has("url") {
        s.missing("url", URL);
    }
    DatabaseSettings::read(s, base).map(SourceKind::Postgres)
}

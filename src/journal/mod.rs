//! The journal of a running daemon: one line an event, in one of three forms. Where systemd has connected the error output
//! to its journal, each event goes there by the journal's own protocol, so that fields are fields; in a container it can be
//! a JSON object a line; else it is text. Each value is masked and bounded before it takes any form.

mod forms;
mod line;
mod native;

pub use native::lost;

use crate::clock::Clock;
use crate::config::Environment;
use line::Line;
use native::Native;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Where events go.
#[derive(Debug)]
enum Outlet {
    Text,
    Json,
    Journal(Native),
}

/// The layer that writes them.
#[derive(Debug)]
struct Journal(Outlet);

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = Line::of(event, Clock::System.now());
        match &self.0 {
            Outlet::Text => write(&forms::text(&line)),
            Outlet::Json => write(&forms::json(&line)),
            Outlet::Journal(native) => native.tell(&line),
        }
    }
}

/// A line to standard error. One that cannot be written must end nothing: the pump that has something to say goes on.
fn write(line: &str) {
    let mut out = std::io::stderr().lock();
    if out.write_all(line.as_bytes()).is_err() {
        native::lose();
    }
}

/// Begins it for this process. RELANCE_LOG sets the level; RELANCE_LOG_FORMAT the form (`journal`, `json`, `text`), which is
/// else found out; RELANCE_LOG_SOCKET another socket of the journal than systemd's.
pub fn begin(environment: &Environment) {
    let level = environment.get("RELANCE_LOG").map_or("info", String::as_str);
    let filter =
        tracing_subscriber::EnvFilter::try_new(format!("relance={level},warn")).unwrap_or_else(|_| "relance=info,warn".into());
    let (outlet, wrong) = outlet(environment);
    if let Err(e) = tracing_subscriber::registry().with(filter).with(Journal(outlet)).try_init() {
        write(&format!("relance: the journal could not be set up: {e}\n"));
    }
    if let Some(wrong) = wrong {
        tracing::warn!(event = "log_format", "{wrong}");
    }
}

/// Where events go, and what is wrong with what was wanted.
fn outlet(environment: &Environment) -> (Outlet, Option<String>) {
    let native = || match Native::open(Path::new(environment.get("RELANCE_LOG_SOCKET").map_or(native::SOCKET, String::as_str))) {
        Ok(native) => (Outlet::Journal(native), None),
        Err(e) => (Outlet::Text, Some(format!("the journal cannot be reached ({e}); text is written in its place"))),
    };
    match environment.get("RELANCE_LOG_FORMAT").map(String::as_str) {
        Some("json") => (Outlet::Json, None),
        Some("text") => (Outlet::Text, None),
        Some("journal") => native(),
        Some(other) if !other.is_empty() => {
            let wrong = format!("RELANCE_LOG_FORMAT is \"{other}\"; wanted journal, json or text, so it is text");
            (Outlet::Text, Some(wrong))
        }
        _ if is_connected(environment) => native(),
        _ => (Outlet::Text, None),
    }
}

/// Whether standard error is the stream that systemd has connected to its journal: JOURNAL_STREAM names it, and is handed on
/// to children whose error output goes elsewhere.
fn is_connected(environment: &Environment) -> bool {
    let Some((device, inode)) = environment.get("JOURNAL_STREAM").and_then(|s| s.split_once(':')) else { return false };
    let own = std::io::stderr().as_fd().try_clone_to_owned().and_then(|fd| std::fs::File::from(fd).metadata());
    own.is_ok_and(|own| device.parse() == Ok(own.dev()) && inode.parse() == Ok(own.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> (String, bool) {
        let environment = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let (outlet, wrong) = outlet(&environment);
        let name = match outlet {
            Outlet::Text => "text",
            Outlet::Json => "json",
            Outlet::Journal(_) => "journal",
        };
        (name.to_owned(), wrong.is_some())
    }

    #[test]
    fn the_form_is_wanted_or_found_out() {
        assert_eq!(form(&[]), ("text".to_owned(), false));
        assert_eq!(form(&[("RELANCE_LOG_FORMAT", "json")]), ("json".to_owned(), false));
        assert_eq!(form(&[("RELANCE_LOG_FORMAT", "journal")]), ("journal".to_owned(), false));
        assert_eq!(form(&[("RELANCE_LOG_FORMAT", "xml")]), ("text".to_owned(), true));
        let own = std::fs::File::from(std::io::stderr().as_fd().try_clone_to_owned().unwrap()).metadata().unwrap();
        let stream = format!("{}:{}", own.dev(), own.ino());
        assert_eq!(form(&[("JOURNAL_STREAM", &stream)]), ("journal".to_owned(), false));
        assert_eq!(form(&[("JOURNAL_STREAM", &stream), ("RELANCE_LOG_FORMAT", "text")]), ("text".to_owned(), false));
        for other in ["", "1", "1:2", "x:y", &format!("{}:{}", own.dev(), own.ino() + 1)] {
            assert_eq!(form(&[("JOURNAL_STREAM", other)]), ("text".to_owned(), false), "{other}");
        }
    }
}

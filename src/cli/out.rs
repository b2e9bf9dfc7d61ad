//! Printing: tables fitted to the terminal, JSON one object a line, times in the creditor's zone.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// RFC 3339 with milliseconds and a numeric offset.
pub(super) fn rfc3339(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

/// Day and minute, for tables.
pub(super) fn short(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Set when something could not be printed and was not meant to be lost.
static LOST: AtomicBool = AtomicBool::new(false);

/// A line on standard output; false when it could not be printed. A reader that went away (`| head`) is no error,
/// a full disk is one.
pub(super) fn line(text: &str) -> bool {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => true,
        Err(e) => {
            if e.kind() != std::io::ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::SeqCst) {
                complain!("relance: cannot print: {e}");
            }
            false
        }
    }
}

/// On standard error, as it is. Where that cannot be written there is nobody left to tell.
pub(super) fn aside(text: &str) {
    let mut err = std::io::stderr().lock();
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}

/// What `complain!` prints.
pub(super) fn told(text: std::fmt::Arguments) {
    aside(&format!("{text}\n"));
}

/// What `say!` prints.
pub(super) fn put(text: std::fmt::Arguments) {
    line(&text.to_string());
}

/// Whether something could not be printed: then the exit code says so.
pub(super) fn was_lost() -> bool {
    LOST.load(Ordering::SeqCst)
}

/// One JSON object on a line.
pub(super) fn json(value: &serde_json::Value) -> bool {
    line(&value.to_string())
}

/// A table as wide as the terminal; as wide as it needs when there is none. False when it could not be printed.
pub(super) fn table(header: &[&str], rows: Vec<Vec<String>>) -> bool {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().map(|h| h.to_uppercase()));
    if let Some((terminal_size::Width(width), _)) = terminal_size::terminal_size() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    for row in rows {
        table.add_row(row);
    }
    table.lines().all(|text| line(text.trim_end()))
}

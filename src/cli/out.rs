//! Printing: tables fitted to the terminal, JSON one object a line, times in the creditor's zone.

use crate::domain::tame::{is_tame, tame};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::borrow::Cow;
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
    match writeln!(std::io::stdout(), "{}", harmless(text)) {
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
    drop(err.write_all(harmless(text).as_bytes()).and_then(|()| err.flush()));
}

/// A text as a terminal may have it: whatever found its way into it, nothing moves the cursor, changes a colour, sets a title
/// or turns the direction of reading. Ends of lines and tabs stay.
fn harmless(text: &str) -> Cow<'_, str> {
    let lays_out = |c: char| matches!(c, '\n' | '\t');
    if text.chars().all(|c| lays_out(c) || tame(c) == Some(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter_map(|c| if lays_out(c) { Some(c) } else { tame(c) }).collect())
}

/// JSON in which what is not harmless is written by its number, so that no value is lost and no terminal is moved.
fn spelled(json: String) -> String {
    if is_tame(&json) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if tame(c) == Some(c) {
            out.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
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

/// A line of something that is shown whole: what it is, and its value where there is one.
pub(super) fn field(name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|v| !v.is_empty()) {
        say!("{name:<12} {value}");
    }
}

/// One JSON object on a line.
pub(super) fn json(value: &serde_json::Value) -> bool {
    line(&spelled(value.to_string()))
}

/// A table as wide as the terminal; as wide as it needs when there is none. False when it could not be printed.
pub(super) fn table(header: &[&str], rows: Vec<Vec<String>>) -> bool {
    fitted(header, rows, width()).iter().all(|text| line(text))
}

/// The columns of the terminal, where there is one.
pub(super) fn width() -> Option<usize> {
    terminal_size::terminal_size().map(|(terminal_size::Width(width), _)| usize::from(width))
}

/// Columns that hold words and may be cut, those that are missed least first. All others (numbers, dates, codes,
/// amounts) stand whole or not at all.
const WORDS: [&str; 8] = ["answer", "why", "now", "text", "address", "invoices", "invoice", "debtor"];

/// Columns of words are not cut below this.
const LEAST: usize = 12;

/// The lines of a table. Where it is too wide, columns of words are cut with an ellipsis; where that does not do,
/// they move to a second line below each row.
fn fitted(header: &[&str], mut rows: Vec<Vec<String>>, width: Option<usize>) -> Vec<String> {
    for cell in rows.iter_mut().flatten() {
        if cell.contains(char::is_control) {
            *cell = cell.replace(char::is_control, " ");
        }
    }
    let Some(width) = width else { return plain(header, &rows) };
    let whole: Vec<usize> = (0..header.len()).map(|i| widest(header[i], &rows, i)).collect();
    let words: Vec<usize> = WORDS.iter().filter_map(|w| header.iter().position(|h| h == w)).collect();
    // As few columns as can be move down.
    let mut tried = (0..=words.len()).map(|n| (narrowed(header, &whole, &words, n, width), n));
    let fits = tried.find(|(widths, n)| total(widths, &words[..*n]) <= width);
    let (widths, moved) = fits.unwrap_or((whole.clone(), words.len()));
    let mut below = words[..moved].to_vec();
    below.sort_unstable();
    let kept: Vec<usize> = (0..header.len()).filter(|i| !below.contains(i)).collect();
    let names: Vec<&str> = kept.iter().map(|i| header[*i]).collect();
    let above: Vec<Vec<String>> = rows.iter().map(|r| kept.iter().map(|i| cut(&r[*i], widths[*i])).collect()).collect();
    let mut lines = plain(&names, &above).into_iter();
    let mut out: Vec<String> = lines.next().into_iter().collect();
    for (text, row) in lines.zip(&rows) {
        out.push(text);
        let rest: Vec<&str> = below.iter().map(|i| row[*i].as_str()).filter(|t| !t.is_empty()).collect();
        if !rest.is_empty() {
            out.push(cut(&format!("{:INDENT$}{}", "", rest.join(" · ")), width));
        }
    }
    out
}

/// The widths of the columns when the first columns of words have moved down and the others are cut.
fn narrowed(header: &[&str], whole: &[usize], words: &[usize], moved: usize, width: usize) -> Vec<usize> {
    let mut widths = whole.to_vec();
    for i in &words[moved..] {
        let over = total(&widths, &words[..moved]).saturating_sub(width);
        let least = LEAST.max(header[*i].chars().count()).min(widths[*i]);
        widths[*i] = widths[*i].saturating_sub(over).max(least);
    }
    widths
}

/// How wide a table is without some of its columns: a blank stands before the first.
fn total(widths: &[usize], without: &[usize]) -> usize {
    widths.iter().enumerate().filter(|(i, _)| !without.contains(i)).map(|(_, w)| w + GAP).sum::<usize>().saturating_sub(1)
}

/// Blanks between two columns, and before a second line.
const GAP: usize = 2;
const INDENT: usize = 6;

/// A table of one line a row, in which nothing is cut.
fn plain(header: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().map(|h| h.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    table.lines().map(|text| text.trim_end().to_owned()).collect()
}

fn widest(name: &str, rows: &[Vec<String>], i: usize) -> usize {
    rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).chain([name.chars().count()]).max().unwrap_or_default()
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: [&str; 9] = ["id", "at", "debtor", "channel", "address", "step", "invoices", "outcome", "answer"];

    fn log(width: Option<usize>) -> String {
        let row = |id: &str, outcome: &str, answer: &str| {
            [
                id,
                "2026-11-16 10:05",
                "C003",
                "email",
                "ac…@brasserie-du-parvis.example",
                "reminder",
                "F-1031 F-1036",
                outcome,
                answer,
            ]
            .map(str::to_owned)
            .to_vec()
        };
        let long = "address: 550 5.1.1 the mailbox that you look for is not here and never was\nreally";
        fitted(&LOG, vec![row("7", "accepted", "250 2.0.0 Ok: queued as 4XyZ"), row("118", "refused", long)], width).join("\n")
    }

    #[test]
    fn a_table_fits_the_terminal_and_breaks_no_date_and_no_code() {
        insta::assert_snapshot!(log(Some(80)), @"
        ID   AT                DEBTOR  CHANNEL  STEP      INVOICES       OUTCOME
        7    2026-11-16 10:05  C003    email    reminder  F-1031 F-1036  accepted
             ac…@brasserie-du-parvis.example · 250 2.0.0 Ok: queued as 4XyZ
        118  2026-11-16 10:05  C003    email    reminder  F-1031 F-1036  refused
             ac…@brasserie-du-parvis.example · address: 550 5.1.1 the mailbox that you…
        ");
        for width in [60, 80, 100, 120, 160, 400] {
            let text = log(Some(width));
            assert!(text.lines().all(|l| l.chars().count() <= width), "{width}:\n{text}");
            for whole in ["2026-11-16 10:05", "accepted", "refused", "reminder"] {
                assert!(text.contains(whole), "{width}: {whole}\n{text}");
            }
        }
    }

    #[test]
    fn no_text_moves_a_terminal() {
        assert_eq!(harmless("a\tb\n\u{1b}]0;x\u{7}\u{9b}2J\u{202e}c\r"), "a\tb\n ]0;x  2Jc ");
        let value = serde_json::json!({ "name": "a\u{1b}[2J\u{9b}\u{7f}\u{202e}\u{e0041}é" });
        let text = spelled(value.to_string());
        assert_eq!(text, r#"{"name":"a\u001b[2J\u009b\u007f\u202e\udb40\udc41é"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn without_a_terminal_nothing_is_cut() {
        let text = log(None);
        assert!(text.contains("never was really") && text.lines().count() == 3, "{text}");
    }
}

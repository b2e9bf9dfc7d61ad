//! Time zones, locale and the width of a terminal never change what is written to files: the journal, mails, reports, the log.

use super::super::program::{Firm, day, into_folder, late};
use crate::support::Row;
use crate::support::world::KEY;
use relance::clock::Clock;
use relance::config::Setup;
use relance::store::Store;
use serde_json::Value;
use std::collections::BTreeMap;

const HOME: [(&str, &str); 1] = [("TZ", "UTC")];
const ABROAD: [(&str, &str); 6] = [
    ("TZ", "Asia/Tokyo"),
    ("LC_ALL", "tr_TR.UTF-8"),
    ("LANG", "tr_TR.UTF-8"),
    ("LANGUAGE", "tr"),
    ("COLUMNS", "20"),
    ("NO_COLOR", ""),
];

/// What a firm's files hold after a round, with what is another at each moment taken out.
async fn written(environment: &[(&str, &str)]) -> BTreeMap<String, String> {
    let rows: Vec<Row> = vec![
        late("F-1", "C1").with("balance", "1234.50").with("total", "1234.50"),
        late("F-2", "I2").with("language", "de"),
        late("F-3", "C3").with("issued_on", &day(-80).to_string()).with("due_on", &day(-50).to_string()),
    ];
    let config = into_folder().email_line("connections = 1").report_line("morning = \"07:30\"").on_file();
    let firm = Firm::new(&config, &rows).await;
    // One key, so that names made with it are the same.
    let setup = Setup::load(&firm.path("relance.toml"), BTreeMap::new()).unwrap();
    let store = Store::open(&setup.settings.store, &setup.environment).await.unwrap();
    store.set_meta("key", Some(KEY)).await.unwrap();
    store.close().await;
    let run = |words: &[&str], more: &[(&str, &str)]| {
        let mut command = firm.command(words);
        command.envs(environment.iter().copied()).envs(more.iter().copied());
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap())
    };
    let mut files = BTreeMap::new();
    let journal = run(&["run", "--once"], &[("RELANCE_LOG_FORMAT", "json")]).1;
    files.insert("journal".to_owned(), events(&journal));
    for mail in firm.mails() {
        let name = mail.file_name().unwrap().to_str().unwrap().to_owned();
        files.insert(name, std::fs::read_to_string(mail).unwrap());
    }
    assert!(files.len() > 3, "{files:?}");
    let html = firm.path("report.html");
    run(&["report", "morning", "--html", html.to_str().unwrap()], &[]);
    files.insert("report".to_owned(), std::fs::read_to_string(html).unwrap());
    files.insert("log".to_owned(), run(&["log", "--json"], &[]).0);
    files.insert("explained".to_owned(), run(&["explain", "C1"], &[]).0);
    let folder = firm.folder().display().to_string();
    files.into_iter().map(|(name, text)| (name, timeless(&text.replace(&folder, "FOLDER")))).collect()
}

/// The events of a journal; how many groups the attempts came in is a matter of speed.
fn events(journal: &str) -> String {
    let mut events: Vec<Value> = Vec::new();
    for line in journal.lines() {
        let mut event: Value = serde_json::from_str(line).unwrap();
        assert!(event["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
        let fields = event["fields"].as_object_mut().unwrap();
        fields.remove("ms");
        if fields["event"] == "messages_sent" {
            fields.retain(|key, _| !["accepted", "settled", "chain"].contains(&key.as_str()));
            if events.last().is_some_and(|last| last["fields"] == event["fields"]) {
                continue;
            }
        }
        events.push(event);
    }
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// A text without what differs from run to run: times of day and digests. A day that is another stays another.
fn timeless(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_inclusive(|c: char| " \n\"<>;,(".contains(c)) {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let hex = word.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
        let is_digest = hex.len() >= 24 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        let is_time = word.contains(':') && digits >= 4;
        match word {
            _ if is_digest => out.push_str("DIGEST "),
            _ if is_time => {
                // `2026-11-22T10:15:03+01:00`: the day and the zone stay.
                let (before, after) = word.split_at(word.find(':').unwrap_or(0));
                let zone = after.find(['+', 'Z']).map_or("", |at| &after[at..]);
                out.push_str(before.trim_end_matches(|c: char| c.is_ascii_digit()));
                out.push_str("TIME");
                out.push_str(zone);
            }
            word => out.push_str(word),
        }
    }
    // The age of the data is told in seconds.
    match (out.find("(il y a "), out.find(')')) {
        (Some(from), Some(_)) => {
            let end = out[from..].find(')').map_or(out.len(), |at| from + at);
            format!("{}{}", &out[..from], &out[end..])
        }
        _ => out,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_setting_of_the_machine_shows_in_what_is_written() {
    let today = || Clock::System.now().to_zoned(jiff::tz::TimeZone::get("Europe/Brussels").unwrap()).date();
    loop {
        let before = today();
        let (home, abroad) = (written(&HOME).await, written(&ABROAD).await);
        // Midnight between the two is no fault of theirs.
        if today() != before {
            continue;
        }
        for (name, text) in &home {
            assert_eq!(abroad.get(name), Some(text), "{name}");
        }
        assert_eq!(home.len(), abroad.len());
        return;
    }
}

//! A store of each earlier version, in a file and in a database, is brought up to date: a backup first, every row kept,
//! what was in hand settled as after a crash.

use super::old::{Old, make, newest, rows_of};
use super::schemas::Schema;
use super::{Place, now};
use crate::program::{Firm, into_folder, late};
use crate::support::home::Home;
use crate::support::postgres::Database;
use relance::clock::Clock;
use relance::config::Environment;
use relance::flow::desk::Desk;
use relance::flow::presence;
use relance::store::Store;
use relance::store::attempts::LogFilter;
use std::os::unix::fs::PermissionsExt as _;

/// Columns that a later version took away, and those that every row is read anew for.
const CHANGED: [(&str, &str); 5] =
    [("message", "lease_until"), ("message", "session_pk"), ("invoice", "cadence"), ("invoice", "digest"), ("point", "dead_at")];

/// Tables that a later version added, or that it writes itself.
const NEW: [&str; 19] = [
    "proposal",
    "session",
    "duty",
    "words",
    "tombstone",
    "standing",
    "task",
    "call",
    "promise",
    "question",
    "document",
    "payload_document",
    "report",
    "inbound",
    "bookmark",
    "stopped",
    "bank_file",
    "bank_entry",
    "bank_match",
];

/// The rows as far as the old schema has them: of each table the columns that it had, but for those that changed.
fn kept(rows: Vec<(String, Vec<String>)>, old: &[(String, Vec<String>)]) -> Vec<(String, Vec<String>)> {
    let name = |cell: &str| cell.split(": ").next().unwrap_or_default().to_owned();
    let cells_of = |row: &str| -> Vec<String> {
        let mut cells: Vec<String> = Vec::new();
        for part in row.split(", ") {
            // A text may hold what stands between cells.
            match part.split_once(": ") {
                Some((name, _)) if name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => cells.push(part.to_owned()),
                _ => cells.last_mut().unwrap().push_str(&format!(", {part}")),
            }
        }
        cells
    };
    let names = |table: &str| -> Vec<String> {
        let rows = old.iter().find(|(t, _)| t == table).and_then(|(_, rows)| rows.first());
        rows.map(|row| cells_of(row).iter().map(|c| name(c)).collect()).unwrap_or_default()
    };
    let cells = |table: &str, row: &String| {
        let had = names(table);
        let stays = |cell: &String| had.contains(&name(cell)) && !CHANGED.contains(&(table, name(cell).as_str()));
        cells_of(row).into_iter().filter(stays).collect::<Vec<_>>().join(", ")
    };
    let rows = rows.into_iter().filter(|(table, _)| !NEW.contains(&table.as_str()));
    let mut rows: Vec<_> = rows
        .map(|(table, rows)| {
            let rows = rows.iter().map(|row| cells(&table, row)).collect::<Vec<_>>();
            (table, rows)
        })
        .collect();
    rows.iter_mut().flat_map(|(_, rows)| rows).for_each(|row| {
        if row.contains("key: (version)") {
            *row = "the version".to_owned();
        }
    });
    rows
}

#[tokio::test]
async fn every_row_is_kept_and_a_backup_made() {
    for old in Old::all().await {
        let before = old.rows().await;
        assert!(before.iter().all(|(table, rows)| !rows.is_empty() || table == "duty"), "{before:?}");
        let store = old.opened().await.unwrap();
        assert_eq!(old.says().await, newest().to_string());
        assert_eq!(kept(old.rows().await, &before), kept(before.clone(), &before));
        assert_eq!(store.verify_log(true).await.unwrap().broken, Vec::<String>::new());
        store.close().await;
        let (name, version) = (format!("relance_v{}", old.version), old.version.to_string());
        match &old.home {
            Home::File(_) => {
                let path = old.folder.path().join(format!("relance.v{}.db", old.version));
                assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "it holds addresses");
                let backup = Home::File(path);
                assert_eq!(rows_of(&backup, "main").await, before);
                assert_eq!(backup.texts("SELECT user_version || '' FROM pragma_user_version").await, [version]);
                assert_eq!(backup.texts("PRAGMA integrity_check").await, ["ok"]);
                assert!(!old.folder.path().join(format!("relance.v{}.draft", old.version)).exists());
            }
            Home::Database(_) => {
                assert_eq!(rows_of(&old.home, &name).await, before);
                let kept = format!("SELECT value FROM {name}.meta WHERE key = 'version'");
                assert_eq!(old.home.all_texts(kept).await, [version]);
            }
        }
        // A second start finds nothing to do.
        let after = old.rows().await;
        old.opened().await.unwrap().close().await;
        assert_eq!(old.rows().await, after);
    }
}

/// What becomes of an old store is what a new one is.
#[tokio::test]
async fn an_old_schema_becomes_the_new_one() {
    for old in Old::all().await {
        old.opened().await.unwrap().close().await;
        let fresh = match old.home {
            Home::File(_) => Place::in_file(),
            Home::Database(_) => Place { home: Home::Database(Database::new().await.unwrap()), ..Place::in_file() },
        };
        make(&fresh.home, newest()).await;
        assert_eq!(Schema::of(&old.home).await.unlike(&Schema::of(&fresh.home).await), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_was_in_hand_is_settled_as_after_a_crash() {
    drop(rustls::crypto::ring::default_provider().install_default());
    for old in Old::all().await {
        let store = old.opened().await.unwrap().join("test", "", now()).await.unwrap();
        let desk = Desk::new(old.setup(), store, Clock::manual(now())).await.unwrap();
        presence::settle_all(&desk).await.unwrap();
        let state = "SELECT state || ' ' || coalesce(CAST(session_pk AS TEXT), 'free') FROM message WHERE pk >= 50 ORDER BY pk";
        assert_eq!(old.home.texts(state).await, ["queued free", "deferred free", "queued free"]);
        assert_eq!(desk.store.sessions().await.unwrap().len(), 1, "only this program's own is left");
        // The last of the old log, and how many it had.
        let (last, rows) = if old.version < 3 { (8, 6) } else { (12, 9) };
        let log = desk.store.log_page(last, &LogFilter::default()).await.unwrap();
        let brief: Vec<_> = log.iter().map(|a| (a.id, a.outcome.as_str(), a.message_id.as_deref(), a.payload_pk)).collect();
        assert_eq!(brief, [(last + 1, "unknown", Some("m51@canal.example"), Some(5))]);
        assert_eq!(log[0].answer.as_deref(), Some("the program stopped while this message was being sent"));
        let verified = desk.store.verify_log(true).await.unwrap();
        assert_eq!((verified.rows, verified.broken.len()), (rows + 1, 0));
    }
}

/// Verbs say that the store is old and what brings it up to date; `check` has nothing against it; `run` does it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn only_run_brings_a_store_up_to_date() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    make(&firm.home, 1).await;
    let place = match &firm.home {
        Home::File(path) => path.display().to_string(),
        Home::Database(database) => database.url().to_owned(),
    };
    let text = format!(
        "relance: the store {place} was written by an older relance (version 1, this one wants {}); `relance run` makes a backup and brings it up to date at its start\n",
        newest()
    );
    let hold = ["hold", "C1", "--until", "2999-01-01", "--reason", "x"];
    for verb in [&["status"][..], &["log"], &["log", "verify"], &["holds"], &["explain", "C1"], &["uncertain"], &hold] {
        assert_eq!(firm.run(verb).ends(1).err, text, "{verb:?}");
    }
    firm.run(&["check"]).ends(0);
    assert_eq!(firm.home.texts("SELECT count(*) || '' FROM debtor").await, ["0"]);
    let ran = firm.run(&["run", "--once"]).ends(0);
    assert!(ran.err.contains("the store was brought up to date") && ran.err.contains("v1"), "{}", ran.err);
    assert_eq!(firm.attempts(), ["accepted C1"]);
    firm.run(&["log", "verify", "--deep"]).ends(0);
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_refused_by_everybody() {
    for old in Old::all().await {
        old.opened().await.unwrap().close().await;
        let sql = match old.home {
            Home::File(_) => "PRAGMA user_version = 99",
            Home::Database(_) => "UPDATE meta SET value = '99' WHERE key = 'version'",
        };
        old.home.run(sql).await.unwrap();
        let before = old.rows().await;
        let text = format!(
            "the store {} was written by a newer relance (version 99, this one knows {}); install the newer program",
            old.settings.place.name(),
            newest()
        );
        assert_eq!(old.opened().await.unwrap_err(), text);
        assert_eq!(Store::existing(&old.settings, &Environment::new()).await.unwrap_err().to_string(), text);
        assert_eq!(Store::take(&old.settings, &Environment::new()).await.unwrap_err().to_string(), text);
        assert_eq!(old.rows().await, before);
    }
}

//! Opening, upgrading and locking the store, and its statements.

use super::Place;
use relance::config::Environment;
use relance::config::settings::StoreSettings;
use relance::store::{Store, all_statements};

#[tokio::test]
async fn every_statement_prepares_on_a_fresh_store() {
    let place = Place::new().await;
    let store = place.store().await;
    let statements = all_statements();
    assert!(statements.len() > 80, "{}", statements.len());
    let mut failed = Vec::new();
    for (name, sql) in &statements {
        if let Err(e) = store.prepare(*sql).await {
            failed.push(format!("{name}: {e}"));
        }
    }
    assert_eq!(failed, Vec::<String>::new());
    let mut names: Vec<&str> = statements.iter().map(|s| s.0).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), statements.len(), "a name stands twice");
}

#[tokio::test]
async fn opening_makes_upgrades_and_keeps() {
    let place = Place::in_file();
    let missing = Store::existing(&place.settings, &Environment::new()).await.unwrap_err().to_string();
    assert_eq!(
        missing,
        format!("there is no store at {} yet; `relance run` makes it at its first start", place.file().display())
    );
    assert!(!place.file().exists());
    let store = place.store().await;
    let key = store.secret_key().await.unwrap();
    store.close().await;
    let again = Store::existing(&place.settings, &Environment::new()).await.unwrap();
    assert_eq!(again.secret_key().await.unwrap(), key, "made once");
    assert_ne!(key, [0; 32]);
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(place.file()).unwrap().permissions().mode() & 0o777, 0o600, "it holds addresses");
}

#[tokio::test]
async fn a_folder_that_may_not_be_entered_is_no_missing_store() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::in_file();
    place.store().await.close().await;
    let beyond = place.file().join("relance.db");
    let failed = Store::existing(&StoreSettings::file(&beyond), &Environment::new()).await.unwrap_err().to_string();
    assert!(failed.starts_with(&format!("cannot open the store {}: ", beyond.display())), "{failed}");
    let folder = place.file().parent().unwrap().to_path_buf();
    let mode = |mode| std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    let failed = Store::existing(&place.settings, &Environment::new()).await;
    mode(0o700);
    // Whom no folder keeps out, root, simply opens it.
    if let Err(e) = failed {
        let text = format!(
            "this user may not open the store {}; use relance as the service's user: sudo -u relance relance …",
            place.file().display()
        );
        assert_eq!(e.to_string(), text);
    }
}

#[tokio::test]
async fn the_store_is_durable_to_the_disk() {
    let place = Place::in_file();
    place.store().await;
    assert_eq!(place.home.texts("PRAGMA journal_mode").await, ["wal"]);
}

#[tokio::test]
async fn a_newer_store_is_refused() {
    let place = Place::in_file();
    place.store().await.close().await;
    place.sql("PRAGMA user_version = 99").await.unwrap();
    let refused = Store::open(&place.settings, &Environment::new()).await.unwrap_err().to_string();
    let known = refused.split("this one knows ").nth(1).and_then(|t| t.split(')').next()).unwrap();
    assert!(known.parse::<u32>().is_ok_and(|n| n < 99), "{refused}");
    let text = format!(
        "the store {} was written by a newer relance (version 99, this one knows {known}); install the newer program",
        place.file().display()
    );
    assert_eq!(refused, text);
}

#[tokio::test]
async fn what_is_no_store_is_refused() {
    let place = Place::in_file();
    std::fs::write(place.file(), "this is not a database, but it is long enough to be taken for one at first sight").unwrap();
    assert!(Store::open(&place.settings, &Environment::new()).await.is_err());
    let nowhere = Store::open(&StoreSettings::file("/nonexistent/folder/relance.db"), &Environment::new()).await;
    let nowhere = nowhere.unwrap_err().to_string();
    assert!(nowhere.contains("see that its folder exists and that this user may write to it"), "{nowhere}");
}

#[tokio::test]
async fn only_one_holds_the_lock() {
    let place = Place::in_file();
    let (settings, none) = (place.settings.clone(), Environment::new());
    let (first, held) = Store::take(&settings, &none).await.unwrap();
    let refused = Store::take(&settings, &none).await.unwrap_err().to_string();
    assert_eq!(
        refused,
        format!("another `relance run` holds the store {}; stop it first (only one may send)", place.file().display())
    );
    assert!(Store::existing(&settings, &none).await.unwrap().meta("key").await.is_ok(), "all else works beside it");
    first.close().await;
    drop(held);
    assert!(Store::take(&settings, &none).await.is_ok(), "free as soon as its holder is gone");
}

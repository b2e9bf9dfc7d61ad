//! A store that cannot be brought up to date stays as it was, whatever is in the way, and says what to do.

use super::old::Old;
use crate::program::{Firm, Ran, into_folder};
use crate::support::home::Home;
use crate::support::postgres::Database;
use relance::config::Environment;
use relance::config::database::DatabaseSettings;
use relance::config::settings::{StorePlace, StoreSettings};
use relance::store::Store;
use tempfile::TempDir;

/// Whether the text tells of the store that it cannot be brought up to date, why, and that it is as it was.
fn tells(old: &Old, error: &str, why: &str) {
    let begin = format!("the store {} cannot be brought up to date: {why}", old.settings.place.name());
    assert!(error.starts_with(&begin) && error.ends_with("; it is as it was"), "{error}");
}

/// The backup that the version gets.
fn backup(old: &Old) -> String {
    old.folder.path().join(format!("relance.v{}.db", old.version)).display().to_string()
}

/// Whether a backup is there.
async fn has_backup(old: &Old) -> bool {
    match &old.home {
        Home::File(_) => std::path::Path::new(&backup(old)).exists(),
        Home::Database(_) => {
            let sql = format!("SELECT nspname || '' FROM pg_namespace WHERE nspname = 'relance_v{}'", old.version);
            !old.home.all_texts(sql).await.is_empty()
        }
    }
}

#[tokio::test]
async fn a_backup_in_the_way_is_not_written_over() {
    for old in Old::all().await {
        let (before, schema) = (old.rows().await, format!("relance_v{}", old.version));
        let why = match &old.home {
            Home::File(_) => {
                std::fs::write(backup(&old), "of an earlier time").unwrap();
                format!("its backup {} is there already; move it away", backup(&old))
            }
            Home::Database(_) => {
                old.home.run(&format!("CREATE SCHEMA {schema}; CREATE TABLE {schema}.meta (key TEXT)")).await.unwrap();
                format!(
                    "its backup, the schema {schema}, is there already; rename it (ALTER SCHEMA {schema} RENAME TO …) or drop it"
                )
            }
        };
        for _ in 0..2 {
            tells(&old, &old.opened().await.unwrap_err(), &why);
            assert_eq!((old.rows().await, old.says().await), (before.clone(), old.version.to_string()));
        }
        match &old.home {
            Home::File(_) => {
                assert_eq!(std::fs::read_to_string(backup(&old)).unwrap(), "of an earlier time");
                std::fs::remove_file(backup(&old)).unwrap();
            }
            Home::Database(_) => drop(old.home.run(&format!("ALTER SCHEMA {schema} RENAME TO aside")).await.unwrap()),
        }
        old.opened().await.unwrap();
    }
}

/// Something makes a migration fail; its backup is not left in the way of the next try.
#[tokio::test]
async fn a_migration_that_fails_changes_nothing() {
    for old in Old::all().await.into_iter().filter(|old| old.version == 1) {
        // In the middle: the tables before it are made by then, and the column behind it is not there yet.
        old.home.run("CREATE TABLE other (x TEXT); CREATE INDEX message_in_hand ON other (x)").await.unwrap();
        let before = old.rows().await;
        for _ in 0..2 {
            let error = old.opened().await.unwrap_err();
            tells(&old, &error, "");
            assert!(error.contains("message_in_hand") && error.contains("already exists"), "{error}");
            assert_eq!((old.rows().await, old.says().await), (before.clone(), "1".to_owned()));
            assert!(!has_backup(&old).await);
        }
        old.home.run("DROP TABLE other").await.unwrap();
        old.opened().await.unwrap();
        assert!(has_backup(&old).await);
    }
}

#[tokio::test]
async fn a_backup_that_cannot_be_written_is_named() {
    for old in Old::all().await.into_iter().filter(|old| matches!(old.home, Home::File(_))) {
        let before = old.rows().await;
        // Stands for a folder in which this user may not make files, which root always may.
        let draft = old.folder.path().join(format!("relance.v{}.draft", old.version));
        std::fs::create_dir(&draft).unwrap();
        let error = old.opened().await.unwrap_err();
        tells(&old, &error, &format!("its backup {} could not be written: ", backup(&old)));
        assert!(error.contains("see that this user may write to its folder"), "{error}");
        assert_eq!(old.rows().await, before);
        std::fs::remove_dir(&draft).unwrap();
        // Cut off in the middle of it, an earlier try left a piece behind.
        std::fs::write(&draft, "a piece").unwrap();
        old.opened().await.unwrap();
        assert!(has_backup(&old).await && !draft.exists());
    }
}

#[tokio::test]
async fn a_disk_without_room_for_the_backup_keeps_the_store() {
    let firm = Firm::new(&into_folder().on_file(), &[]).await;
    let file = Home::File(firm.path("relance.db"));
    let old = Old::filled(file, TempDir::new().unwrap(), 1).await;
    old.home
        .run("INSERT INTO poll (pk, started_at, finished_at, outcome, rows, unreadable, vanished, booked_through, text) SELECT pk + 10, 1, 1, 'good', 1, 0, 0, NULL, hex(randomblob(500000)) FROM poll")
        .await
        .unwrap();
    let before = old.rows().await;
    let ran = Ran::new(&firm.cramped(1000, "run --once").env_clear().env("PATH", "/usr/bin:/bin").output().unwrap()).ends(1);
    let text = format!("its backup {} could not be written: ", firm.path("relance.v1.db").display());
    assert!(ran.err.contains(&text) && ran.err.contains("its disk has room"), "{}", ran.err);
    assert!(ran.err.trim_end().ends_with("it is as it was"), "{}", ran.err);
    assert!(!firm.path("relance.v1.db").exists() && !firm.path("relance.v1.draft").exists());
    assert_eq!((old.rows().await, old.says().await), (before, "1".to_owned()));
    Store::open(&old.settings, &Environment::new()).await.unwrap();
}

/// A role that owns the tables and may make no schema: it is told what to ask for, and then needs no more.
#[tokio::test]
async fn a_role_that_may_make_no_backup_is_told_how() {
    let Some(database) = Database::new().await else { return };
    let (role, url) = database.role().await;
    let mut old = Old::filled(Home::Database(database), TempDir::new().unwrap(), 1).await;
    old.settings = StoreSettings { place: StorePlace::Postgres(DatabaseSettings::at(&url).unwrap()), ..StoreSettings::file("") };
    let Home::Database(database) = &old.home else { unreachable!() };
    let before = old.rows().await;
    let refused = async |why: &str, hint: &str| {
        let error = old.opened().await.unwrap_err();
        assert!(error.contains(why) && error.contains(hint), "{error}");
        assert_eq!((old.rows().await, old.says().await), (before.clone(), "1".to_owned()));
    };
    let owner = "the schema relance must belong to this role: ALTER SCHEMA relance OWNER TO role, and the same for what is in it";
    refused("permission denied for schema relance", owner).await;
    database
        .run(&format!("GRANT USAGE, CREATE ON SCHEMA relance TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA relance TO {role}"))
        .await;
    let backup = "make it for this role: CREATE SCHEMA relance_v1 AUTHORIZATION role";
    refused("its backup, the schema relance_v1, could not be made: permission denied for database", backup).await;
    database.run(&format!("CREATE SCHEMA relance_v1 AUTHORIZATION {role}")).await;
    refused("cannot be brought up to date: must be owner of", owner).await;
    let owned = "DO $$ DECLARE t text; BEGIN FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'relance'::regnamespace AND relkind IN ('r', 'v') LOOP EXECUTE format('ALTER TABLE relance.%I OWNER TO ";
    database.run(&format!("ALTER SCHEMA relance OWNER TO {role}; {owned}{role}', t); END LOOP; END $$")).await;
    old.opened().await.unwrap();
    assert!(has_backup(&old).await);
    database.run(&format!("REASSIGN OWNED BY {role} TO relance")).await;
}

/// Where there is a schema for the role in which it may make nothing, that is what the error is about.
#[tokio::test]
async fn a_schema_in_which_nothing_may_be_made_is_named() {
    let Some(database) = Database::new().await else { return };
    let (role, url) = database.role().await;
    database.run(&format!("CREATE SCHEMA relance; GRANT USAGE ON SCHEMA relance TO {role}")).await;
    let settings = StoreSettings { place: StorePlace::Postgres(DatabaseSettings::at(&url).unwrap()), ..StoreSettings::file("") };
    let error = Store::open(&settings, &Environment::new()).await.unwrap_err().to_string();
    let text = format!("cannot open the store {url}: permission denied for schema relance (SQLSTATE 42501); ");
    assert!(error.starts_with(&text) && error.contains("ALTER SCHEMA relance OWNER TO role"), "{error}");
    database.run(&format!("DROP OWNED BY {role}")).await;
}

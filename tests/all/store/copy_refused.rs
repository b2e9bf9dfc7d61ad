//! `store copy` refuses what it cannot do whole, says why, and leaves file and database as they were.

use super::Place;
use super::copy::Move;
use crate::support::home::Home;
use crate::support::postgres::Database;
use relance::config::Environment;
use relance::config::database::DatabaseSettings;
use relance::store::Store;
use relance::store::copy::copy;
use relance::store::sqlite::StoreLock;

#[tokio::test]
async fn a_store_in_use_there_is_not_written_over() {
    let Some(moving) = Move::new().await else { return };
    moving.make_target().await;
    for (sql, what) in [
        ("INSERT INTO debtor (source_id, name) VALUES ('x', 'x')", "its table debtor has rows"),
        ("TRUNCATE debtor CASCADE; INSERT INTO meta VALUES ('key', 'x')", "its table meta has rows"),
        (
            "DELETE FROM meta WHERE key = 'key'; INSERT INTO session (name, started_at, agreement) VALUES ('x', 1, '')",
            "its table session has rows",
        ),
        (
            "DELETE FROM session; UPDATE meta SET value = '1' WHERE key = 'version'",
            "its tables are of version 1, and this program's of ",
        ),
        ("UPDATE meta SET value = '99' WHERE key = 'version'", "its tables are of version 99, and this program's of "),
        ("DROP TABLE meta", "it has tables that are not relance's (alert, attempt, bank_entry, bank_file, "),
    ] {
        // The log takes no TRUNCATE.
        let sql = format!("SET session_replication_role = replica; {sql}");
        moving.target.run(&sql).await.unwrap();
        moving.refused(&format!("the schema relance in {} is in use: {what}", moving.target.url())).await;
    }
}

/// The program ended between the two marks: the copy is whole, and the file does not know. Both ways out are told.
#[tokio::test]
async fn a_copy_that_was_cut_off_at_its_end_is_named() {
    let Some(moving) = Move::new().await else { return };
    moving.copy().await.unwrap();
    moving.source.sql("DELETE FROM meta WHERE key = 'moved_to'").await.unwrap();
    let (to, from) = (moving.target.url(), moving.source.file());
    moving
        .refused(&format!(
            "If an earlier `relance store copy` made it, which was cut off before its end: either go on with it (set [store] url to {to} and put {} away, so that nothing starts with that any more), or drop it (DROP SCHEMA relance CASCADE) and copy again",
            from.display()
        ))
        .await;
    moving.target.run("DROP SCHEMA relance CASCADE").await.unwrap();
    moving.copy().await.unwrap();
}

#[tokio::test]
async fn what_was_left_half_done_is_settled_first() {
    let Some(moving) = Move::new().await else { return };
    for state in ["leased", "sending"] {
        let sql = format!(
            "UPDATE message SET state = '{state}', payload_pk = 5, session_pk = (SELECT min(pk) FROM session) WHERE pk = 3"
        );
        moving.source.sql(&sql).await.unwrap();
        moving
            .refused(
                "holds messages that were in hand when `relance run` last ended (1), and some may have left; start `relance run`",
            )
            .await;
    }
}

#[tokio::test]
async fn only_a_file_that_nobody_holds_is_moved() {
    let Some(moving) = Move::new().await else { return };
    let held = StoreLock::take(&moving.source.file()).unwrap();
    moving.refused("another `relance run` holds the store ").await;
    drop(held);
    let place = Place { home: Home::Database(Database::new().await.unwrap()), ..Place::in_file() };
    let settings = place.home.settings();
    let error = copy(&settings, &moving.to(), &Environment::new()).await.unwrap_err().to_string();
    let text = "is in PostgreSQL already; `relance store copy` moves one that is in a file";
    assert_eq!(error, format!("the store {} {text}", place.home.url()));
    let missing = Place::in_file();
    let error = copy(&missing.settings, &moving.to(), &Environment::new()).await.unwrap_err().to_string();
    assert!(error.contains("there is no store at ") && !missing.file().exists(), "{error}");
    moving.source.sql("PRAGMA user_version = 1").await.unwrap();
    moving.refused("was written by an older relance (version 1, ").await;
}

/// Where a database cannot be reached or does not let us in, it is named with what to do.
#[tokio::test]
async fn a_database_that_is_not_there_is_named() {
    let Some(moving) = Move::new().await else { return };
    let url = moving.target.url();
    let nowhere = url.rsplit_once('/').unwrap().0.to_owned() + "/relance_nowhere";
    let try_it = async |url: &str, password: Option<&str>| {
        let to = DatabaseSettings::at(url).unwrap().with_password_file(password.map(|p| moving.source.file().with_file_name(p)));
        copy(&moving.source.settings, &to, &Environment::new()).await.unwrap_err().to_string()
    };
    let error = try_it(&nowhere, None).await;
    assert!(error.contains(&format!("cannot open the store {nowhere}: ")) && error.contains("createdb"), "{error}");
    let error = try_it("postgres://relance@127.0.0.1:1/relance", None).await;
    let text = "cannot copy the store to postgres://relance@127.0.0.1:1/relance: ";
    assert!(error.starts_with(text) && error.contains("nothing was copied"), "{error}");
    let error = try_it(&url, Some("no.such.file")).await;
    assert!(error.contains("cannot read the secret file ") && error.contains("no.such.file"), "{error}");
    assert!(Store::existing(&moving.source.settings, &Environment::new()).await.is_ok());
}

#[tokio::test]
async fn a_role_that_may_not_make_the_schema_is_told_how() {
    let Some(moving) = Move::new().await else { return };
    let Home::Database(database) = &moving.target else { unreachable!() };
    let (role, url) = database.role().await;
    let to = DatabaseSettings::at(&url).unwrap();
    let error = copy(&moving.source.settings, &to, &Environment::new()).await.unwrap_err().to_string();
    let hint = "make its schema for this role: CREATE SCHEMA relance AUTHORIZATION role";
    assert!(error.starts_with(&format!("cannot open the store {url}: ")) && error.contains(hint), "{error}");
    database.run(&format!("CREATE SCHEMA relance AUTHORIZATION {role}")).await;
    copy(&moving.source.settings, &to, &Environment::new()).await.unwrap();
    // So that the role can be dropped with the database.
    database.run(&format!("REASSIGN OWNED BY {role} TO relance")).await;
}

/// The database fails in the middle, at the last table: nothing stays there, and the file is as it was.
#[tokio::test]
async fn a_database_that_fails_in_the_middle_keeps_nothing() {
    let Some(moving) = Move::new().await else { return };
    moving.make_target().await;
    moving.target.run("ALTER TABLE alert ADD CHECK (key <> 'uncertain')").await.unwrap();
    moving.refused("violates check constraint \"alert_key_check\" (SQLSTATE 23514); nothing was copied").await;
    for table in relance::store::copy::names().0 {
        let rows = moving.target.all_texts(format!("SELECT count(*) || '' FROM {table} WHERE '{table}' <> 'meta'")).await;
        assert_eq!(rows, ["0"], "{table}");
    }
    moving.target.run("ALTER TABLE alert DROP CONSTRAINT alert_key_check").await.unwrap();
    moving.copy().await.unwrap();
}

/// Something there changes rows on their way in, drops some, or adds to them: reading back finds it before anything is kept.
#[tokio::test]
async fn a_changed_byte_in_the_copy_is_found() {
    let Some(moving) = Move::new().await else { return };
    moving.make_target().await;
    for (table, change, what) in [
        ("event", "NEW.text := NEW.text || ' '; RETURN NEW", "a value in table event was changed on its way"),
        (
            "payload",
            "NEW.salt := set_byte(NEW.salt, 7, 255 - get_byte(NEW.salt, 7)); RETURN NEW",
            "a value in table payload was changed",
        ),
        ("poll", "NEW.booked_through := coalesce(NEW.booked_through, ''); RETURN NEW", "a value in table poll was changed"),
        ("point", "NEW.since := 1; RETURN NEW", "a value in table point was changed on its way"),
        ("brake", "RETURN CASE WHEN NEW.kind = 'volume' THEN NULL ELSE NEW END", "of 2 rows of table brake it took 1"),
        (
            "hold",
            "INSERT INTO poll (pk, started_at, finished_at, outcome, rows, unreadable, vanished, booked_through, text) VALUES (99, 1, 1, 'good', 0, 0, 0, NULL, ''); RETURN NEW",
            "",
        ),
    ] {
        let sql = format!(
            "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {change}; END $$;
            CREATE TRIGGER meddle BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION meddle()"
        );
        moving.target.run(&sql).await.unwrap();
        moving.refused(what).await;
        moving.target.run("DROP FUNCTION meddle CASCADE").await.unwrap();
    }
    moving.copy().await.unwrap();
}

/// Of a row whose key holds an address only the debtor's number is told.
#[tokio::test]
async fn a_text_that_postgresql_cannot_hold_is_named() {
    let Some(moving) = Move::new().await else { return };
    for (sql, what) in [
        (
            "INSERT INTO point VALUES (7, 'email', 'x' || char(0), 1, '', 'dead')",
            "column address of table point holds a NUL character, which PostgreSQL has no way to keep, in the row with debtor_pk 7",
        ),
        (
            "UPDATE event SET text = 'a' || char(0) || 'b' WHERE pk = 40",
            "column text of table event holds a NUL character, which PostgreSQL has no way to keep, in the row with pk 40",
        ),
        (
            "INSERT INTO unreadable VALUES ('r' || char(0), '', 1)",
            "column source_id of table unreadable holds a NUL character, which PostgreSQL has no way to keep, in the row with source_id \"r\\0\"",
        ),
    ] {
        moving.source.sql(sql).await.unwrap();
        moving.refused(what).await;
    }
}

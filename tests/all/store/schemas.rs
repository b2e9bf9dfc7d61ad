//! The two schemas say the same: every table, column, key, index, check, view and trigger of the one is in the other. Each
//! is read from a database that the migrations made, as lines that can be compared.

use super::old::{make, newest};
use crate::support::home::Home;
use crate::support::postgres::Database;
use std::collections::BTreeSet;
use tempfile::TempDir;

/// What PostgreSQL alone needs: SQLite has no TRUNCATE.
const POSTGRES_ONLY: &str = "trigger attempt_is_never_emptied on attempt: before truncate";

/// A schema in lines that are the same for both databases.
pub struct Schema {
    of: &'static str,
    lines: BTreeSet<String>,
}

impl Schema {
    /// Reads the schema of a store.
    pub async fn of(home: &Home) -> Schema {
        let (of, queries) = match home {
            Home::File(_) => ("SQLite", SQLITE),
            Home::Database(_) => ("PostgreSQL", POSTGRES),
        };
        let mut lines = BTreeSet::new();
        for sql in queries {
            lines.extend(home.texts(sql).await.iter().map(|line| plain(line)));
        }
        if let Home::File(_) = home {
            let tables = "SELECT name || '|' || sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
            for table in home.texts(tables).await {
                let (name, sql) = table.split_once('|').unwrap();
                lines.extend(checks(sql).iter().map(|check| plain(&format!("check on {name}: {check}"))));
            }
        }
        Schema { of, lines }
    }

    /// What one has and the other has not.
    pub fn unlike(&self, other: &Schema) -> Vec<String> {
        let only = |one: &Schema, two: &Schema| {
            let lines = one.lines.difference(&two.lines).filter(|line| *line != POSTGRES_ONLY || one.of == two.of);
            lines.map(|line| format!("only {} has the {line}", one.of)).collect::<Vec<_>>()
        };
        [only(self, other), only(other, self)].concat()
    }
}

/// The tables' checks, from the words that made them.
fn checks(sql: &str) -> Vec<String> {
    let bare: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap()).collect();
    let bare = bare.join(" ");
    let behind = bare.split("CHECK (").skip(1);
    let inner = |text: &str| {
        let mut depth = 1;
        let end = text.char_indices().find(|(_, c)| {
            depth += match c {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth == 0
        });
        text[..end.unwrap().0].to_owned()
    };
    behind.map(inner).collect()
}

/// A line in words that both databases have, whichever they write for it: without parentheses and casts, and IN for what
/// PostgreSQL makes of it.
fn plain(line: &str) -> String {
    let mut text = line.replace(" = ANY (ARRAY[", " IN (").replace(" = ANY ((ARRAY[", " IN (").to_lowercase();
    for cast in ["::text", "::bigint", "collate \"c\""] {
        text = text.replace(cast, "");
    }
    text.retain(|c| !"()[]\"".contains(c));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // A list of one.
    match text.split_once(" in '") {
        Some((before, rest)) if !rest.contains(',') => format!("{before} = '{rest}"),
        _ => text,
    }
}

const SQLITE: &[&str] = &[
    "SELECT type || ' ' || name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'",
    "SELECT 'column ' || t.name || '.' || c.name || ': ' || CASE c.type WHEN 'INTEGER' THEN 'bigint' WHEN 'BLOB' THEN 'bytea' ELSE c.type END || CASE WHEN c.\"notnull\" OR c.pk > 0 THEN ', not null' ELSE '' END
        || coalesce(', default ' || c.dflt_value, '')
        FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'",
    "SELECT 'column ' || v.name || '.' || c.name || ' of a view' FROM sqlite_schema v JOIN pragma_table_info(v.name) c WHERE v.type = 'view'",
    "SELECT 'primary key of ' || t.name || ': ' || (SELECT group_concat(name, ', ' ORDER BY pk) FROM pragma_table_info(t.name) WHERE pk > 0)
        FROM sqlite_schema t WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'",
    "SELECT 'unique constraint on ' || t.name || ': ' || (SELECT group_concat(name, ', ' ORDER BY seqno) FROM pragma_index_info(i.name))
        FROM sqlite_schema t JOIN pragma_index_list(t.name) i WHERE i.origin = 'u'",
    "SELECT CASE WHEN i.\"unique\" THEN 'unique ' ELSE '' END || 'index ' || i.name || ' on ' || t.name || ': '
        || (SELECT group_concat(name, ', ' ORDER BY seqno) FROM pragma_index_info(i.name))
        || CASE WHEN i.partial THEN ' where ' || substr(s.sql, instr(s.sql, ' WHERE ') + 7) ELSE '' END
        FROM sqlite_schema t JOIN pragma_index_list(t.name) i JOIN sqlite_schema s ON s.name = i.name WHERE i.origin = 'c'",
    "SELECT 'foreign key ' || t.name || '.' || f.\"from\" || ' to ' || f.\"table\" || '.' || f.\"to\" || ', on delete ' || f.on_delete
        FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
    "SELECT 'trigger ' || name || ' on ' || tbl_name || ': before ' || CASE WHEN sql LIKE '%BEFORE UPDATE ON%' THEN 'update'
        WHEN sql LIKE '%BEFORE DELETE ON%' THEN 'delete' ELSE sql END FROM sqlite_schema WHERE type = 'trigger'",
];

const POSTGRES: &[&str] = &[
    "SELECT CASE relkind WHEN 'v' THEN 'view ' ELSE 'table ' END || relname FROM pg_class
        WHERE relnamespace = 'relance'::regnamespace AND relkind IN ('r', 'v')",
    "SELECT 'column ' || c.relname || '.' || a.attname || ': ' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attnotnull THEN ', not null' ELSE '' END || coalesce(', default ' || pg_get_expr(d.adbin, d.adrelid), '')
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'relance'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped",
    "SELECT 'column ' || c.relname || '.' || a.attname || ' of a view' FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'relance'::regnamespace AND c.relkind = 'v' AND a.attnum > 0",
    "SELECT CASE k.contype WHEN 'p' THEN 'primary key of ' ELSE 'unique constraint on ' END || k.conrelid::regclass || ': '
        || (SELECT string_agg(a.attname, ', ' ORDER BY o.i) FROM unnest(k.conkey) WITH ORDINALITY o (n, i)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = o.n)
        FROM pg_constraint k WHERE k.connamespace = 'relance'::regnamespace AND k.contype IN ('p', 'u')",
    "SELECT CASE WHEN i.indisunique THEN 'unique ' ELSE '' END || 'index ' || i.indexrelid::regclass || ' on ' || i.indrelid::regclass || ': '
        || (SELECT string_agg(pg_get_indexdef(i.indexrelid, n, true), ', ' ORDER BY n) FROM generate_series(1, i.indnatts) n)
        || coalesce(' where ' || pg_get_expr(i.indpred, i.indrelid), '')
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'relance'::regnamespace
        AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))",
    "SELECT 'foreign key ' || k.conrelid::regclass || '.' || a.attname || ' to ' || k.confrelid::regclass || '.' || f.attname || ', on delete '
        || CASE k.confdeltype WHEN 'a' THEN 'no action' WHEN 'c' THEN 'cascade' ELSE k.confdeltype::text END
        FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
        JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]
        WHERE k.connamespace = 'relance'::regnamespace AND k.contype = 'f'",
    "SELECT 'check on ' || k.conrelid::regclass || ': ' || pg_get_expr(k.conbin, k.conrelid) FROM pg_constraint k
        WHERE k.connamespace = 'relance'::regnamespace AND k.contype = 'c'",
    "SELECT 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass || ': ' || CASE t.tgtype
            WHEN 19 THEN 'before update' WHEN 11 THEN 'before delete' WHEN 34 THEN 'before truncate' ELSE 'type ' || t.tgtype END
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'relance'::regnamespace AND NOT t.tgisinternal",
];

/// A store in a file and one in a database, of this program's version; `None` where there is no server.
async fn both() -> Option<(TempDir, Home, Home)> {
    let database = Home::Database(Database::new().await?);
    let folder = TempDir::new().unwrap();
    let file = Home::File(folder.path().join("relance.db"));
    make(&file, newest()).await;
    make(&database, newest()).await;
    Some((folder, file, database))
}

#[tokio::test]
async fn both_databases_have_the_same_schema() {
    let Some((_folder, file, database)) = both().await else { return };
    let (one, two) = (Schema::of(&file).await, Schema::of(&database).await);
    assert_eq!(one.unlike(&two).join("\n"), "");
    for (what, least) in [
        ("table", 20),
        ("column", 165),
        ("primary", 20),
        ("unique", 4),
        ("index", 23),
        ("foreign", 18),
        ("check", 31),
        ("view", 2),
        ("trigger", 2),
    ] {
        let found = one.lines.iter().filter(|line| line.starts_with(what)).count();
        assert!(found >= least, "{what}: {found}");
    }
    assert!(two.lines.contains(POSTGRES_ONLY));
    let other = "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'relance'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND a.atttypid = 'text'::regtype
        AND a.attcollation <> '\"C\"'::regcollation";
    assert_eq!(database.texts(other).await, Vec::<String>::new(), "text that does not sort by its bytes, as SQLite's does");
}

/// Whatever differs is told by a line of its own.
#[tokio::test]
async fn a_difference_is_told() {
    let Some((_folder, file, database)) = both().await else { return };
    let one = Schema::of(&file).await;
    for (sql, lines) in [
        (
            "CREATE TABLE more (pk BIGINT NOT NULL)",
            &["PostgreSQL has the column more.pk: bigint, not null", "PostgreSQL has the table more"][..],
        ),
        (
            "ALTER TABLE hold ALTER until_day DROP NOT NULL",
            &["SQLite has the column hold.until_day: text, not null", "PostgreSQL has the column hold.until_day: text"],
        ),
        (
            "ALTER TABLE brake ALTER tries SET DEFAULT 1",
            &[
                "SQLite has the column brake.tries: bigint, not null, default 0",
                "PostgreSQL has the column brake.tries: bigint, not null, default 1",
            ],
        ),
        (
            "ALTER TABLE event ALTER at TYPE INTEGER",
            &["SQLite has the column event.at: bigint, not null", "PostgreSQL has the column event.at: integer, not null"],
        ),
        ("ALTER TABLE mark DROP CONSTRAINT mark_pkey", &["SQLite has the primary key of mark: invoice_pk, term, step"]),
        ("ALTER TABLE debtor DROP CONSTRAINT debtor_source_id_key", &["SQLite has the unique constraint on debtor: source_id"]),
        (
            "DROP INDEX alert_lasting; CREATE INDEX alert_lasting ON alert (key) WHERE ended_at IS NULL",
            &[
                "SQLite has the unique index alert_lasting on alert: key where ended_at is null",
                "PostgreSQL has the index alert_lasting on alert: key where ended_at is null",
            ],
        ),
        (
            "DROP INDEX attempt_at; CREATE INDEX attempt_at ON attempt (at) WHERE at > 0",
            &[
                "SQLite has the index attempt_at on attempt: at",
                "PostgreSQL has the index attempt_at on attempt: at where at > 0",
            ],
        ),
        (
            "DROP INDEX event_of_debtor; CREATE INDEX event_of_debtor ON event (at, debtor_pk)",
            &[
                "SQLite has the index event_of_debtor on event: debtor_pk, at",
                "PostgreSQL has the index event_of_debtor on event: at, debtor_pk",
            ],
        ),
        (
            "ALTER TABLE duty DROP CONSTRAINT duty_session_pk_fkey, ADD FOREIGN KEY (session_pk) REFERENCES session (pk)",
            &[
                "SQLite has the foreign key duty.session_pk to session.pk, on delete cascade",
                "PostgreSQL has the foreign key duty.session_pk to session.pk, on delete no action",
            ],
        ),
        (
            "ALTER TABLE poll DROP CONSTRAINT poll_outcome_check",
            &["SQLite has the check on poll: outcome in 'good', 'shrunk', 'failed'"],
        ),
        (
            "ALTER TABLE invoice DROP CONSTRAINT invoice_term_check, ADD CHECK (term >= 0)",
            &["SQLite has the check on invoice: term > 0", "PostgreSQL has the check on invoice: term >= 0"],
        ),
        ("DROP TRIGGER attempt_is_never_deleted", &["SQLite has the trigger attempt_is_never_deleted on attempt: before delete"]),
        (
            "DROP VIEW last_refusal",
            &[
                "SQLite has the column last_refusal.answer of a view",
                "SQLite has the column last_refusal.debtor_pk of a view",
                "SQLite has the column last_refusal.step of a view",
                "SQLite has the view last_refusal",
            ],
        ),
    ] {
        let Home::Database(server) = &database else { unreachable!() };
        // Each in a store of its own kind again: what was changed is put back by making it anew.
        server.run("DROP SCHEMA relance CASCADE").await;
        make(&database, newest()).await;
        database.run(sql).await.unwrap();
        let lines: Vec<String> = lines.iter().map(|line| format!("only {line}")).collect();
        assert_eq!(one.unlike(&Schema::of(&database).await), lines, "{sql}");
    }
}

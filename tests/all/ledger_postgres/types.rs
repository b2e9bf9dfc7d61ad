//! What the types of columns mean: ids, amounts, dates, nothing.

use super::{all, line, one_row, source, told};
use crate::support::Database;
use relance::domain::ledger::LedgerRow;

/// The row of a query of one row with some columns.
async fn read(database: &Database, columns: &[(&str, &str)]) -> Result<LedgerRow, String> {
    let source = source(database.url(), &line("query", &one_row(columns))).await.unwrap_or_else(|e| panic!("{columns:?}: {e}"));
    let (names, rows, _) = all(&source, 10).await;
    assert_eq!(rows.len(), 1);
    rows[0].read(&names, "BE")
}

#[tokio::test]
async fn ids_are_the_same_whatever_their_type_and_are_found_again() {
    let Some(database) = Database::new().await else { return };
    database.run("CREATE TYPE series AS ENUM ('late', 'early'); CREATE DOMAIN invoice_no AS bigint CHECK (VALUE > 0)").await;
    for (id, shown) in [
        ("123::int2", "123"),
        ("123::int4", "123"),
        ("'-9223372036854775808'::int8", "-9223372036854775808"),
        ("123::oid", "123"),
        ("123::numeric(10,0)", "123"),
        ("123.00::numeric(10,2)", "123"),
        ("100::numeric", "100"),
        ("123456789012345678901234567890::numeric", "123456789012345678901234567890"),
        ("'123'::text", "123"),
        ("'007'::varchar(10)", "007"),
        ("'F-1'::char(10)", "F-1"),
        ("'F-1'::name", "F-1"),
        ("'early'::series", "early"),
        ("5::invoice_no", "5"),
        ("'123E4567-E89B-12D3-A456-426614174000'::uuid", "123e4567-e89b-12d3-a456-426614174000"),
        ("'2026-10-26'::date", "2026-10-26"),
        ("true", "true"),
        ("'é/ü''\"\\:ids'", "é/ü'\"\\:ids"),
    ] {
        let source = source(database.url(), &line("query", &one_row(&[("invoice_id", id)]))).await.unwrap();
        let (columns, rows, _) = all(&source, 10).await;
        let row = rows[0].read(&columns, "BE").unwrap_or_else(|e| panic!("{id}: {e}"));
        assert_eq!(row.id, shown, "{id}");
        // Ids of another ledger, or another type, are in no row and make no statement fail.
        let others = ["", "5.5", "-", "x", "0123", "99999999999999999999", "NaN", "{a}", "'", "a\0b", "2026-13-45"];
        let asked: Vec<String> = std::iter::once(shown).chain(others).map(str::to_owned).collect();
        let again = source.reread(&columns, &asked).await.unwrap_or_else(|e| panic!("{id}: {e}"));
        assert_eq!(again.len(), 1, "{id}");
        assert_eq!((again[0].id.as_str(), again[0].digest), (shown, rows[0].digest), "{id}");
        assert!(source.reread(&columns, &[]).await.unwrap().is_empty());
        assert!(source.twins().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_can_be_no_id_is_refused() {
    let Some(database) = Database::new().await else { return };
    let fraction = "invoice_id is a fraction; wanted text or a whole number";
    let neither = "invoice_id is neither text nor a whole number";
    for (id, why) in [
        ("NULL::bigint", "invoice_id is empty"),
        ("''::text", "invoice_id is empty"),
        ("'   '::char(5)", "invoice_id is empty"),
        ("5.5", fraction),
        ("'NaN'::numeric", fraction),
        ("5::float8", fraction),
        ("'\\x00ff'::bytea", neither),
        ("'{\"a\": 1}'::json->'a'", neither),
        ("ARRAY['a']", neither),
        ("ROW(1, 2)", neither),
    ] {
        assert_eq!(read(&database, &[("invoice_id", id)]).await.unwrap_err(), why, "{id}");
    }
}

#[tokio::test]
async fn numbers_that_are_equal_are_one_id() {
    let Some(database) = Database::new().await else { return };
    let row = one_row(&[("invoice_id", "x")]);
    let query = line("query", &format!("{row} FROM unnest(ARRAY[1, 10, 1.0, 2, 1.00, 20]) x"));
    let (_, rows, doubled) = all(&source(database.url(), &query).await.unwrap(), 2).await;
    assert_eq!(doubled, ["1"]);
    let mut ids: Vec<String> = rows.into_iter().map(|r| r.id).collect();
    ids.dedup();
    assert_eq!(ids, ["1", "2", "10", "20"]);
}

/// Where an order takes different texts for equal, the same ones need not stand together in it.
#[tokio::test]
async fn the_order_of_texts_is_that_of_their_bytes() {
    let Some(database) = Database::new().await else { return };
    database.run("CREATE COLLATION careless (provider = icu, locale = 'und-u-ks-level2', deterministic = false)").await;
    let row = one_row(&[("invoice_id", "x COLLATE careless")]);
    let query = line("query", &format!("{row} FROM unnest(ARRAY['a', 'A', 'a', 'b', 'A', 'B']) x"));
    let source = source(database.url(), &query).await.unwrap();
    let (columns, rows, doubled) = all(&source, 100).await;
    assert_eq!((rows.len(), doubled), (6, vec!["A".to_owned(), "a".to_owned()]));
    assert!(source.reread(&columns, &["b".to_owned()]).await.unwrap().iter().any(|r| r.id == "b"));
}

#[tokio::test]
async fn amounts_are_exact() {
    let Some(database) = Database::new().await else { return };
    database.run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lc_monetary = ''C''', current_database()); END $$").await;
    for (balance, currency, wanted) in [
        ("12.50::numeric(12,2)", "EUR", "12.50"),
        ("1250::numeric(24,8)", "EUR", "1250.00"),
        ("-0.10::numeric", "EUR", "-0.10"),
        ("100.000::numeric(12,3)", "EUR", "100.00"),
        ("1200.00::numeric(12,2)", "JPY", "1200"),
        ("12.345::numeric", "TND", "12.345"),
        ("1250::int2", "EUR", "1250.00"),
        ("1250::int8", "EUR", "1250.00"),
        ("(0.1::float8 + 0.2::float8)", "EUR", "0.30"),
        ("12.34::float4", "EUR", "12.34"),
        ("1e3::float8", "EUR", "1000.00"),
        ("1234.56::money", "EUR", "1234.56"),
        ("'1250.00'::varchar", "EUR", "1250.00"),
        ("' 12.5 '::text", "EUR", "12.50"),
    ] {
        let code = format!("'{currency}'");
        let row =
            read(&database, &[("balance", balance), ("currency", &code)]).await.unwrap_or_else(|e| panic!("{balance}: {e}"));
        assert_eq!((row.balance.decimal().as_str(), row.balance.currency.code()), (wanted, currency), "{balance}");
    }
    for (balance, why) in [
        ("12.345::numeric", "balance in EUR: more decimals than the currency has"),
        ("'100.000'::text", "balance in EUR: more decimals than the currency has"),
        ("12.345::float8", "balance in EUR: more decimals than the currency has"),
        ("'NaN'::numeric", "balance in EUR: not a decimal number such as 1250.00"),
        ("'Infinity'::float8", "balance in EUR: not a decimal number such as 1250.00"),
        ("92233720368547758::int8", "balance in EUR: too large"),
        ("NULL::numeric", "balance is empty"),
        ("'5'::jsonb", "balance in EUR: not a decimal number such as 1250.00"),
    ] {
        assert_eq!(read(&database, &[("balance", balance)]).await.unwrap_err(), why, "{balance}");
    }
}

#[tokio::test]
async fn days_are_those_of_the_firms_calendar() {
    let Some(database) = Database::new().await else { return };
    database.run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = ''German''', current_database()); END $$").await;
    for day in [
        "date '2026-10-26'",
        "timestamp '2026-10-26 23:59:59.5'",
        // Midnight and one minute before midnight in Brussels.
        "timestamptz '2026-10-25 23:00:00Z'",
        "timestamptz '2026-10-26 22:59:00Z'",
        "'2026-10-26'::text",
        "'2026-10-26'::char(10)",
    ] {
        let row = read(&database, &[("due_on", day)]).await.unwrap_or_else(|e| panic!("{day}: {e}"));
        assert_eq!(row.due_on.to_string(), "2026-10-26", "{day}");
    }
    for (day, why) in [
        ("date 'infinity'", "due_on is \"infinity\"; wanted a date YYYY-MM-DD"),
        ("date '0044-03-15 BC'", "due_on is 0044-03-15; wanted a year from 1970 to 2199"),
        ("NULL::date", "due_on is empty"),
    ] {
        assert_eq!(read(&database, &[("due_on", day)]).await.unwrap_err(), why, "{day}");
    }
}

#[tokio::test]
async fn words_and_nothing() {
    let Some(database) = Database::new().await else { return };
    let row = read(
        &database,
        &[
            ("number", "2026::int"),
            ("customer_id", "7::bigint"),
            ("customer_name", "'Maison C1'::char(40)"),
            ("email", "NULL"),
            ("phone", "NULL::text"),
            ("country", "'BE'::char(3)"),
            ("tags", "ARRAY['vip', NULL, 'export']"),
            ("reference", "12.50"),
        ],
    );
    let row = row.await.unwrap();
    let customer = &row.customer;
    assert_eq!((row.number.as_str(), customer.id.as_str(), customer.name.as_str()), ("2026", "7", "Maison C1"));
    assert_eq!((&customer.email, &customer.phone, customer.country.as_deref()), (&None, &None, Some("BE")));
    assert_eq!((row.tags, row.reference.as_deref()), (vec!["vip".to_owned(), "export".to_owned()], Some("12.50")));
    // A text of JSON would come with its quotation marks.
    let told = read(&database, &[("customer_name", "'{\"name\": \"Maison C1\"}'::jsonb->'name'")]).await.unwrap_err();
    assert_eq!(told, "customer_name is neither text nor a number");
    let query = line("query", &one_row(&[("number", "2026"), ("zeta", "ROW(1)"), ("\"a]\"\"b\"", "1")]));
    let source = source(database.url(), &query).await.unwrap();
    let columns = source.columns().await.unwrap();
    assert_eq!(columns.unknown(), ["zeta", "a]\"b"]);
    assert_eq!(source.numbered(&columns, "2026").await.unwrap().len(), 1);
    assert_eq!(source.numbered(&columns, "2027").await.unwrap().len(), 0);
}

#[tokio::test]
async fn columns_that_are_missing_or_stand_twice() {
    let Some(database) = Database::new().await else { return };
    assert_eq!(
        told(database.url(), &line("query", "SELECT 1 AS invoice_id, 'F-1' AS \"Number\"")).await,
        "the ledger's query yields no column number, customer_id, customer_name, due_on, currency, balance; needed are invoice_id, number, customer_id, customer_name, due_on, currency, balance"
    );
    let twice = format!("{}, 'F-2' AS number", one_row(&[]));
    assert_eq!(
        told(database.url(), &line("query", &twice)).await,
        "the ledger's query failed: column reference \"number\" is ambiguous; wanted each column once, under a name of its own"
    );
    let reread = line("reread", &format!("{} WHERE 'i1' = ANY(:ids)", one_row(&[]).replace(", 'F-1' AS number", "")));
    assert_eq!(
        told(database.url(), &reread_of(&reread)).await,
        "the ledger's re-read failed: it yields no column number; wanted the same columns as those of the query"
    );
}

fn reread_of(reread: &str) -> String {
    format!("{}\n{reread}", line("query", &one_row(&[])))
}

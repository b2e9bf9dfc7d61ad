//! Servers that let nobody in, and statements that fail: what is told says what is wrong and what to do.

use super::{line, one_row, source, told};
use crate::program::{Firm, into_folder, wait_for_async};
use crate::support::{Database, Relay};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that answers every start with an error; gives its URL.
async fn refusing(code: &str, message: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://relance@{}/books?sslmode=disable", listener.local_addr().unwrap());
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let length = socket.read_u32().await.unwrap();
            socket.read_exact(&mut vec![0; length as usize - 4]).await.unwrap();
            socket.write_u8(b'E').await.unwrap();
            socket.write_u32(fields.len() as u32 + 4).await.unwrap();
            socket.write_all(fields.as_bytes()).await.unwrap();
        }
    });
    url
}

#[tokio::test]
async fn a_server_that_lets_nobody_in() {
    let again = "It is tried again by itself, and nothing leaves before";
    for (code, message, advice) in [
        (
            "28P01",
            "password authentication failed for user \"relance\"",
            "see that [source] password is the one that the server knows for this user",
        ),
        (
            "28000",
            "role \"relance\" does not exist",
            "see the user in [source] url, and on the server the lines of pg_hba.conf that let users in",
        ),
        ("3D000", "database \"books\" does not exist", "see the name of the database in [source] url"),
        ("42501", "permission denied for database \"books\"", "let the user in: GRANT CONNECT ON DATABASE … TO …"),
        (
            "53300",
            "sorry, too many clients already",
            "relance needs up to three connections; see max_connections and who else is connected",
        ),
        ("57P03", "the database system is starting up", again),
    ] {
        let url = refusing(code, message).await;
        let place = url.split('?').next().unwrap();
        let said = told(&url, "").await;
        assert!(said.starts_with(&format!("cannot reach the ledger {place}: {message}; ")) && said.ends_with(advice), "{said}");
    }
}

#[tokio::test]
async fn a_server_that_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("postgres://relance@127.0.0.1:{port}/books?sslmode=require");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            socket.read_exact(&mut [0; 8]).await.unwrap();
            socket.write_all(b"N").await.unwrap();
        }
    });
    assert_eq!(
        told(&url, "").await,
        format!(
            "cannot reach the ledger postgres://relance@127.0.0.1:{port}/books: server does not support TLS; let the server speak TLS with a certificate that this machine trusts, or see sslmode and sslrootcert in [source] url"
        )
    );
    let nobody = "postgres://relance@no-such-host.invalid/books";
    let said = told(nobody, "").await;
    assert!(said.starts_with(&format!("cannot reach the ledger {nobody}: ")), "{said}");
    let secret = told("postgres://relance@127.0.0.1/books", "password = { file = \"nowhere.pw\" }").await;
    assert!(secret.starts_with("cannot read the secret file ") && secret.contains("No such file"), "{secret}");
}

#[tokio::test]
async fn a_user_who_may_read_what_was_granted() {
    let Some(database) = Database::new().await else { return };
    database.run("CREATE TABLE books (id int PRIMARY KEY); INSERT INTO books VALUES (1)").await;
    let (role, url) = database.role().await;
    let query = line("query", &format!("{} FROM books", one_row(&[("invoice_id", "id")])));
    assert_eq!(
        told(&url, &query).await,
        "the ledger's query failed: permission denied for table books; let the user read what the query names: GRANT SELECT ON … TO …"
    );
    database.run(&format!("GRANT SELECT ON books TO {role}")).await;
    let source = source(&url, &query).await.unwrap();
    assert_eq!(super::all(&source, 10).await.1.len(), 1);
    database.run(&format!("REVOKE ALL ON books FROM {role}")).await;
}

#[tokio::test]
async fn a_query_that_fails_is_told_in_the_servers_words() {
    let Some(database) = Database::new().await else { return };
    let url = database.url();
    assert_eq!(told(url, "").await, "the ledger's query failed: relation \"relance_invoices\" does not exist");
    database.run("CREATE TABLE books (numbr text)").await;
    let query = line("query", &format!("{} FROM books b", one_row(&[("number", "b.number")])));
    assert_eq!(
        told(url, &query).await,
        "the ledger's query failed: column b.number does not exist (Perhaps you meant to reference the column \"b.numbr\".)"
    );
    let query = line("query", &one_row(&[]));
    let cast = line("reread", &format!("{} WHERE 1 = ANY(:ids::bigint[])", one_row(&[])));
    assert_eq!(
        told(url, &format!("{query}\n{cast}")).await,
        "the ledger's re-read failed: invalid input syntax for type bigint: \"i1\""
    );
    let booked = line("booked_through", "SELECT 'soon'");
    assert_eq!(
        told(url, &format!("{query}\n{booked}")).await,
        "the ledger's booked_through failed: it gave \"soon\"; wanted a date YYYY-MM-DD"
    );
}

#[tokio::test]
async fn a_table_that_another_transaction_keeps() {
    let Some(database) = Database::new().await else { return };
    database.run("CREATE TABLE books (id int)").await;
    let query = line("query", &format!("{} FROM books", one_row(&[("invoice_id", "id")])));
    let mut other = database.pool().begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE books IN ACCESS EXCLUSIVE MODE").execute(&mut *other).await.unwrap();
    let said = told(database.url(), &query).await;
    let kept = format!(
        "another program's transaction has kept a table of the ledger {} locked for 10 seconds; see that it ends (pg_locks and pg_stat_activity name it). It is read again by itself, and nothing leaves before",
        database.url()
    );
    assert_eq!(said, kept);
    other.rollback().await.unwrap();
    source(database.url(), &query).await.unwrap();
}

#[tokio::test]
async fn a_server_that_goes_away_while_it_is_read() {
    let Some(database) = Database::new().await else { return };
    let mut relay = Relay::to(&database.address()).await;
    let url = database.url_by(&relay.address.to_string());
    let query = line("query", &format!("{} FROM generate_series(1, 9) n", one_row(&[("invoice_id", "n")])));
    let source = source(&url, &query).await.unwrap();
    let columns = source.columns().await.unwrap();
    let mut reading = source.read(&columns, 3).await.unwrap();
    reading.next_page().await.unwrap().unwrap();
    relay.cut().await;
    let said = reading.next_page().await.unwrap_err().to_string();
    assert!(said.starts_with(&format!("cannot reach the ledger {url}: ")) && said.ends_with("nothing leaves before"), "{said}");
    assert!(reading.next_page().await.is_err(), "half a reading is not taken for a whole one");
    relay.mend().await;
    assert_eq!(super::all(&source, 3).await.1.len(), 9);
    wait_for_async("the end of all transactions", async || super::open_transactions(&database).await == 0).await;
}

/// The whole program: what is told reaches the person who asks, and the password does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn check_connect_looks_at_the_database() {
    let refused = refusing("28P01", "password authentication failed for user \"relance\"").await;
    let config = into_folder().ledger(&refused).source_line("password = { file = \"books.pw\" }").file("books.pw", "hunter2\n");
    let firm = Firm::new(&config, &[]).await;
    firm.run(&["check"]).ends(0);
    let lost = firm.run(&["check", "--connect"]).ends(1);
    assert!(lost.out.contains("source: FAILED: cannot reach the ledger postgres://relance@127.0.0.1:"), "{}", lost.out);
    assert!(!format!("{}{}", lost.out, lost.err).contains("hunter2"));
    let once = firm.run(&["run", "--once"]).ends(1);
    assert!(once.err.contains("password authentication failed") && !once.err.contains("hunter2"), "{}", once.err);

    let Some(database) = Database::new().await else { return };
    let query = format!("{}, 1 AS zeta FROM unnest(ARRAY['i1', 'i2', NULL]) x", one_row(&[("invoice_id", "x")]));
    let config = into_folder().ledger(database.url()).source_line(&line("query", &query));
    let firm = Firm::new(&config.source_line(&line("booked_through", "SELECT date '2026-10-30'")), &[]).await;
    let good = firm.run(&["check", "--connect"]).ends(0);
    let told = format!("source: {} answers; 2 rows read again in ", database.url());
    assert!(good.out.contains(&told) && good.out.contains(", booked through 2026-10-30"), "{}", good.out);
    assert!(!good.out.contains("CAUTION"), "{}", good.out);
    assert!(good.out.contains("columns that relance does not use: zeta"), "{}", good.out);
    assert!(good.out.contains("rows that cannot be read: (no invoice_id; number F-1): invoice_id is empty"), "{}", good.out);
}

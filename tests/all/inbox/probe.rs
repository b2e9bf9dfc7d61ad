//! `check --connect` reaches the mailbox, and changes nothing there.

use super::inbox;
use super::server::{Act, Imap};
use relance::config::settings::After;

#[tokio::test]
async fn a_try_logs_in_and_changes_nothing() {
    let server = Imap::start(|state| drop(state.folders.insert("read".to_owned(), vec![]))).await;
    server.deliver(b"Subject: x\r\n\r\n");
    let mut mailbox = inbox(server.port, |inbox, _| inbox.after = After::Move("read".to_owned()));
    let told = mailbox.probe().await.unwrap();
    assert_eq!(told, format!("127.0.0.1:{} answers, logged in; \"INBOX\" holds 1 mails; tells of news", server.port));
    assert_eq!(server.changes(), Vec::<String>::new());
    server.act("AUTHENTICATE", Act::End("NO wrong"));
    assert!(mailbox.probe().await.unwrap_err().text.contains("refuses the login"));
}

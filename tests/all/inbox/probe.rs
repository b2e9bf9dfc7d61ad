//! `check --connect` reaches the mailbox, and changes nothing there.

use super::inbox;
use super::server::{Act, Imap};
use crate::program::{Firm, into_folder, late};
use relance::config::settings::After;
use std::os::unix::fs::PermissionsExt as _;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn check_connect_reaches_the_mailbox() {
    let server = Imap::start(|state| state.login = ("bounces", "open sesame")).await;
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    let lines = format!(
        "[inbox]\nkind = \"imap\"\nurl = \"imap://127.0.0.1:{}\"\ntls = \"none\"\nuser = \"bounces\"\npassword = {{ file = \"p\" }}\n",
        server.port
    );
    std::fs::create_dir_all(firm.path("conf.d")).unwrap();
    firm.write("conf.d/inbox.toml", &lines);
    firm.write("p", "open sesame\n");
    firm.run(&["check", "--connect"]).ends(2);
    std::fs::set_permissions(firm.path("p"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let good = firm.run(&["check", "--connect"]).ends(0);
    assert!(good.out.contains("inbox: 127.0.0.1") && good.out.contains("\"INBOX\" holds 0 mails"), "{}", good.out);
    firm.write("p", "xyzzy-guess\n");
    let refused = firm.run(&["check", "--connect"]).ends(1);
    assert!(refused.out.contains("inbox: FAILED") && refused.out.contains("see [inbox] user and password"), "{}", refused.out);
    assert!(!format!("{}{}", refused.out, refused.err).contains("xyzzy"), "a secret was printed");
    assert_eq!(server.changes(), Vec::<String>::new());
    std::fs::create_dir_all(firm.path("mail/new")).unwrap();
    firm.write("conf.d/inbox.toml", "[inbox]\nkind = \"maildir\"\npath = \"mail\"\n");
    let half = firm.run(&["check", "--connect"]).ends(1);
    assert!(half.out.contains("mail/cur") && half.out.contains("see [inbox] path"), "{}", half.out);
    std::fs::create_dir_all(firm.path("mail/cur")).unwrap();
    let whole = firm.run(&["check", "--connect"]).ends(0);
    assert!(whole.out.contains("mail: 0 new mails"), "{}", whole.out);
}

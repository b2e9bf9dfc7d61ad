//! A mailbox's server at its worst: it ends by itself, says whose business it is and what to do, shows no password, and the next
//! round begins as if nothing had been.

use super::inbox;
use super::server::{Act, Imap, PASSWORD};
use crate::support::tls::Authority;
use relance::config::settings::{After, Tls};
use relance::inbox::{Cursor, InboxError, Mark, Trouble};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// So long a server is waited for that never answers; long enough for one that does, on however slow a machine.
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);

/// One mail, read from a server that does something at a command; then it is read as if nothing had been.
async fn at(command: &'static str, act: Act) -> InboxError {
    within(command, act, LONG).await
}

async fn within(command: &'static str, act: Act, timeout: Duration) -> InboxError {
    let server = Imap::start(|_| {}).await;
    server.deliver(b"Subject: x\r\n\r\nbody\r\n");
    let mut mailbox = inbox(server.port, |_, imap| imap.timeout = timeout);
    server.act(command, act);
    let error = mailbox.fetch(None, 10).await.unwrap_err();
    assert!(!error.text.contains("horse") && !error.text.contains('\n') && error.text.chars().count() < 600, "{error}");
    assert!(error.text.contains(&format!("127.0.0.1:{}", server.port)), "{error}");
    let batch = mailbox.fetch(None, 10).await.unwrap();
    assert_eq!((batch.mails.len(), batch.cursor), (1, Some(Cursor { validity: 7, last: 1 })));
    error
}

/// Every command of a round, and what it is called in words.
const PHASES: [(&str, &str); 7] = [
    ("greeting", "the greeting"),
    ("CAPABILITY", "CAPABILITY"),
    ("AUTHENTICATE", "the login"),
    ("EXAMINE", "the folder"),
    ("SEARCH", "the search for new messages"),
    ("FETCH", "the sizes of new messages"),
    ("BODY", "a message"),
];

#[tokio::test]
async fn a_server_that_hangs_or_drips_is_given_up() {
    let mut tries = JoinSet::new();
    for (command, what) in PHASES {
        for act in [Act::Hang, Act::Drip] {
            tries.spawn(async move { (command, what, within(command, act, SHORT).await) });
        }
    }
    while let Some(tried) = tries.join_next().await {
        let (command, what, error) = tried.unwrap();
        assert_eq!(error.trouble, Trouble::Network, "{command}: {error}");
        assert!(error.text.contains(&format!("no answer to {what} within 1 s")), "{command}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_breaks_off_or_takes_its_leave_is_told_so() {
    for (command, what) in PHASES {
        let error = at(command, Act::Close).await;
        assert!(error.trouble == Trouble::Network && error.text.contains(&format!("at {what}")), "{command}: {error}");
        let error = at(command, Act::Bye("too many connections \u{1b}[2J")).await;
        assert!(error.trouble == Trouble::Server && error.text.contains("too many connections"), "{command}: {error}");
        assert!(!error.text.contains('\u{1b}'), "{error}");
    }
}

#[tokio::test]
async fn answers_out_of_turn_are_never_taken_for_the_right_ones() {
    for (command, _) in PHASES.iter().skip(1) {
        for act in [
            Act::WrongTag,
            Act::Only(b"nonsense\r\n".to_vec()),
            Act::Only(b"\r\n".to_vec()),
            Act::Only(b"* OK \xff\xfe {5\r\n+\r\n+\r\n".to_vec()),
            Act::Only("* x".repeat(2_000_000).into_bytes()),
            Act::Only("* OK\r\n".repeat(20_000).into_bytes()),
        ] {
            let said = format!("{:.80}", format!("{act:?}"));
            let error = at(command, act).await;
            assert!(matches!(error.trouble, Trouble::Server | Trouble::Network), "{command} {said}: {error}");
        }
    }
}

#[tokio::test]
async fn counted_bytes_beyond_what_was_asked_for_are_not_taken_in() {
    for count in ["{99999999}", "{4294967295}", "{9999999999}"] {
        let error = at("BODY", Act::Only(format!("* 1 FETCH (UID 1 BODY[]<0> {count}\r\n").into_bytes())).await;
        assert!(error.text.contains("more than were asked for"), "{error}");
        let error = at("SEARCH", Act::Only(format!("* SEARCH {count}\r\n").into_bytes())).await;
        assert!(error.text.contains("more than were asked for"), "{error}");
    }
}

#[tokio::test]
async fn other_messages_that_come_unasked_are_left_alone() {
    let server = Imap::start(|_| {}).await;
    server.deliver(b"Subject: x\r\n\r\n");
    server.act(
        "BODY",
        Act::First(b"* 9 FETCH (UID 9 BODY[]<0> {3}\r\nbad)\r\n* 3 EXISTS\r\n* 1 FETCH (FLAGS (\\Seen))\r\n".to_vec()),
    );
    server.act("SEARCH", Act::First(b"* SEARCH 0 1 1 77\r\n* SEARCH x\r\n".to_vec()));
    let batch = inbox(server.port, |_, _| {}).fetch(None, 10).await.unwrap();
    assert_eq!(batch.mails.iter().map(|(_, mail)| mail.as_slice()).collect::<Vec<_>>(), [b"Subject: x\r\n\r\n"]);
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    for (command, act, trouble, words) in [
        ("AUTHENTICATE", Act::End("NO [AUTHENTICATIONFAILED] wrong"), Trouble::Login, "see [inbox] user and password"),
        ("AUTHENTICATE", Act::Only(b"+ \r\n+ \r\n".to_vec()), Trouble::Server, "it wants to know more than there is"),
        (
            "EXAMINE",
            Act::End("NO no such folder"),
            Trouble::Server,
            "cannot open the folder \"INBOX\": no such folder; see [inbox] folder",
        ),
        ("EXAMINE", Act::End("OK [READ-ONLY] but no number"), Trouble::Server, "UIDVALIDITY"),
        ("SEARCH", Act::End("BAD what?"), Trouble::Server, "at the search for new messages: what?"),
        (
            "greeting",
            Act::Only(b"220 smtp.example ESMTP\r\n".to_vec()),
            Trouble::Server,
            "at the greeting: an answer that is none",
        ),
    ] {
        let error = at(command, act).await;
        assert!(error.trouble == trouble && error.text.contains(words), "{command}: {error:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_not_repeated() {
    let server = Imap::start(|state| state.login = ("bounces", "another word")).await;
    let error = inbox(server.port, |_, _| {}).fetch(None, 10).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::Login);
    assert!(error.text.contains("refuses the login of \"bounces\""), "{error}");
    assert!(!error.text.contains(PASSWORD), "{error}");
    let server = Imap::start(|state| state.capabilities = vec!["IMAP4rev1", "LOGINDISABLED"]).await;
    let error = inbox(server.port, |_, _| {}).fetch(None, 10).await.unwrap_err();
    assert!(error.trouble == Trouble::Login && !server.commands().contains(&"LOGIN".to_owned()), "{error}");
}

#[tokio::test]
async fn without_encryption_nothing_is_said_where_it_is_wanted() {
    let tls = |_: &mut _, imap: &mut relance::config::settings::ImapSettings| imap.tls = Tls::StartTls;
    let server = Imap::start(|_| {}).await;
    let error = inbox(server.port, tls).fetch(None, 10).await.unwrap_err();
    assert!(error.trouble == Trouble::Tls && error.text.contains("offers no STARTTLS; use imaps://"), "{error}");
    // Known already, before anything is encrypted: that would be somebody between.
    let server = Imap::start(|state| state.starttls = Some(Authority::new().acceptor)).await;
    server.act("greeting", Act::Only(b"* PREAUTH welcome\r\n".to_vec()));
    assert_eq!(inbox(server.port, tls).fetch(None, 10).await.unwrap_err().trouble, Trouble::Tls);
    // Words slipped in before the encryption.
    let server = Imap::start(|state| {
        state.starttls = Some(Authority::new().acceptor);
        state.injected = "\r\n* CAPABILITY LOGIN";
    })
    .await;
    let error = inbox(server.port, tls).fetch(None, 10).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::Tls, "{error}");
    assert!(!server.commands().iter().any(|c| c.starts_with("AUTH") || c.starts_with("LOGIN")));
}

#[tokio::test]
async fn nobody_there_and_nobody_who_speaks_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = inbox(port, |_, imap| imap.timeout = SHORT).fetch(None, 10).await.unwrap_err();
    assert!(error.text.contains("no answer to the greeting"), "{error}");
    let error = inbox(port, |_, imap| (imap.timeout, imap.tls) = (SHORT, Tls::Implicit)).fetch(None, 10).await.unwrap_err();
    assert!(error.text.contains("no answer to the TLS handshake"), "{error}");
    drop(listener);
    let error = inbox(port, |_, _| {}).fetch(None, 10).await.unwrap_err();
    assert!(error.trouble == Trouble::Network && error.text.contains("cannot connect to"), "{error}");
}

#[tokio::test]
async fn a_round_that_is_dropped_has_not_happened() {
    let server = Imap::start(|_| {}).await;
    server.deliver(b"Subject: x\r\n\r\n");
    let mut mailbox = inbox(server.port, |_, _| {});
    server.act("BODY", Act::Hang);
    let asked = async {
        while !server.commands().iter().any(|c| c.contains("BODY")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        done = mailbox.fetch(None, 10) => panic!("{done:?}"),
        () = asked => {}
    }
    assert_eq!(mailbox.fetch(None, 10).await.unwrap().mails.len(), 1);
    assert_eq!(server.state().connections, 2, "a connection in doubt is not used again");
}

#[tokio::test]
async fn a_connection_that_went_while_nobody_spoke_is_made_again() {
    for act in [Act::Close, Act::Bye("autologout"), Act::End("NO not now"), Act::WrongTag] {
        let server = Imap::start(|_| {}).await;
        let mut mailbox = inbox(server.port, |inbox, _| inbox.after = After::Seen);
        let cursor = mailbox.fetch(None, 10).await.unwrap().cursor;
        server.deliver(b"Subject: x\r\n\r\n");
        server.act("SEARCH", act.clone());
        let batch = mailbox.fetch(cursor, 10).await.unwrap();
        assert_eq!((batch.mails.len(), server.state().connections), (1, 2), "{act:?}");
        server.act("STORE", act.clone());
        mailbox.took(&[batch.mails[0].0.clone()]).await.unwrap();
        assert_eq!(server.state().messages[0].flags, ["\\Seen"], "{act:?}");
    }
}

#[tokio::test]
async fn waiting_for_news_takes_its_time_whatever_the_server_does() {
    let mut tries = JoinSet::new();
    for act in [
        Act::Hang,
        Act::Close,
        Act::Bye("idle no more"),
        Act::End("BAD what?"),
        Act::End("OK at once"),
        Act::Drip,
        Act::Only(b"+ idling\r\n".to_vec()),
        Act::Only("* OK still here\r\n".repeat(20_000).into_bytes()),
    ] {
        tries.spawn(async move {
            let server = Imap::start(|_| {}).await;
            let mut mailbox = inbox(server.port, |_, imap| imap.timeout = SHORT);
            mailbox.fetch(None, 10).await.unwrap();
            server.act("IDLE", act.clone());
            let waited = tokio::time::timeout(LONG, mailbox.wait(Duration::from_millis(40))).await;
            assert_eq!(waited, Ok(false), "{act:?}");
            server.deliver(b"Subject: x\r\n\r\n");
            assert_eq!(mailbox.fetch(None, 10).await.unwrap().mails.len(), 1, "{act:?}");
        });
    }
    while let Some(tried) = tries.join_next().await {
        tried.unwrap();
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told_and_nothing_is_lost() {
    let server = Imap::start(|_| {}).await;
    server.deliver(b"Subject: x\r\n\r\n");
    let mut mailbox = inbox(server.port, |inbox, _| inbox.after = After::Move("gone".to_owned()));
    let error = mailbox.took(&[Mark::Uid { validity: 7, uid: 1 }]).await.unwrap_err();
    assert!(error.trouble == Trouble::Server && error.text.contains("no such folder"), "{error}");
    assert_eq!(server.state().messages.len(), 1);
    let error = mailbox.probe().await.unwrap_err();
    assert!(error.text.contains("there is no folder \"gone\""), "{error}");
}

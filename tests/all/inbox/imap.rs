//! A mailbox on a server: what is new is read once, nothing changes before it is on record, and what is configured happens then.

use super::inbox;
use super::server::{Act, Imap, PASSWORD};
use crate::support::tls::Authority;
use relance::config::settings::{After, Tls};
use relance::inbox::{BEGINNING, Batch, Cursor, Inbox, Mark};
use std::time::Duration;

fn uids(batch: &Batch) -> Vec<u32> {
    let uid = |mark: &Mark| if let Mark::Uid { uid, .. } = mark { *uid } else { 0 };
    batch.mails.iter().map(|(mark, _)| uid(mark)).collect()
}

fn marks(batch: &Batch) -> Vec<Mark> {
    batch.mails.iter().map(|(mark, _)| mark.clone()).collect()
}

async fn with_mails(count: usize) -> Imap {
    let server = Imap::start(|_| {}).await;
    for n in 0..count {
        server.deliver(format!("Subject: {n}\r\n\r\nbody {n}\r\n").as_bytes());
    }
    server
}

const NONE: Vec<String> = Vec::new();

#[tokio::test]
async fn each_mail_is_read_once_and_nothing_is_changed() {
    let server = with_mails(5).await;
    let mut mailbox = inbox(server.port, |_, _| {});
    let first = mailbox.fetch(None, 3).await.unwrap();
    assert_eq!((uids(&first), first.more, first.anew), (vec![1, 2, 3], true, false));
    assert_eq!(first.mails[1].1, b"Subject: 1\r\n\r\nbody 1\r\n");
    assert_eq!(first.cursor, Some(Cursor { validity: 7, last: 3 }));
    mailbox.took(&marks(&first)).await.unwrap();
    let second = mailbox.fetch(first.cursor, 3).await.unwrap();
    assert_eq!((uids(&second), second.more), (vec![4, 5], false));
    let third = mailbox.fetch(second.cursor, 3).await.unwrap();
    assert_eq!((uids(&third), third.cursor), (vec![], second.cursor), "the last message is not new again");
    // Another start of the program goes on from what is kept.
    mailbox.close().await;
    let kept = second.cursor.map(|c| Cursor::parse(&c.to_string()).unwrap());
    let uid = server.deliver(b"Subject: new\r\n\r\n");
    assert_eq!(uids(&inbox(server.port, |_, _| {}).fetch(kept, 3).await.unwrap()), [uid]);
    assert_eq!(server.changes(), Vec::<String>::new());
    assert_eq!(server.state().connections, 2, "one connection for all rounds, and one for the other start");
}

#[tokio::test]
async fn a_folder_that_was_made_anew_is_read_again() {
    let server = with_mails(2).await;
    let cursor = Some(Cursor { validity: 6, last: 4_000_000_000 });
    let batch = inbox(server.port, |_, _| {}).fetch(cursor, 10).await.unwrap();
    assert_eq!((uids(&batch), batch.anew), (vec![1, 2], true));
    assert_eq!(batch.cursor, Some(Cursor { validity: 7, last: 2 }));
    // Marks of the folder before are no marks of this one.
    let mut mailbox = inbox(server.port, |inbox, _| inbox.after = After::Seen);
    mailbox.took(&[Mark::Uid { validity: 6, uid: 1 }]).await.unwrap();
    assert!(server.state().messages.iter().all(|m| m.flags.is_empty()));
    // Behind the last number that there can be nothing comes.
    let end = Some(Cursor { validity: 7, last: u32::MAX });
    assert_eq!(uids(&mailbox.fetch(end, 10).await.unwrap()), Vec::<u32>::new());
}

#[tokio::test]
async fn what_is_gone_meanwhile_is_passed_by() {
    let server = with_mails(4).await;
    server.state().expunged_meanwhile = vec![2, 3];
    let batch = inbox(server.port, |_, _| {}).fetch(None, 10).await.unwrap();
    assert_eq!((uids(&batch), batch.cursor.map(|c| c.last)), (vec![1, 4], Some(4)));
    assert_eq!(batch.passed_over, Vec::<String>::new());
}

#[tokio::test]
async fn what_the_server_will_not_hand_over_now_stops_no_other_and_is_asked_for_again() {
    let server = with_mails(3).await;
    server.act("BODY", Act::End("NO [UNAVAILABLE] try later"));
    let mut mailbox = inbox(server.port, |_, _| {});
    let batch = mailbox.fetch(None, 10).await.unwrap();
    assert_eq!((uids(&batch), batch.cursor.map(|c| c.last)), (vec![2, 3], Some(0)), "a program that begins anew asks for it");
    assert_eq!(batch.passed_over, NONE);
    mailbox.recorded();
    let again = mailbox.fetch(batch.cursor, 10).await.unwrap();
    assert_eq!((uids(&again), again.cursor.map(|c| c.last)), (vec![1], Some(3)));
    // It could not be put on record: it comes once more, with all that the cursor is before.
    let once_more = mailbox.fetch(batch.cursor, 10).await.unwrap();
    assert_eq!((uids(&once_more), once_more.cursor.map(|c| c.last)), (vec![1, 2, 3], Some(3)));
    mailbox.recorded();
    assert_eq!(uids(&mailbox.fetch(again.cursor, 10).await.unwrap()), [0u32; 0]);
}

#[tokio::test]
async fn what_the_server_never_hands_over_is_told_in_the_end() {
    let server = with_mails(1).await;
    let mut mailbox = inbox(server.port, |_, _| {});
    let (mut cursor, mut told) = (None, NONE);
    for _ in 0..100 {
        assert_eq!(told, NONE);
        server.act("BODY", Act::End("NO the message is damaged"));
        let batch = mailbox.fetch(cursor, 10).await.unwrap();
        (cursor, told) = (batch.cursor, batch.passed_over);
        mailbox.recorded();
    }
    assert_eq!(told, ["message 1 of INBOX: the message is damaged"]);
    assert_eq!(cursor.map(|c| c.last), Some(1));
}

#[tokio::test]
async fn of_a_huge_mail_only_the_beginning_is_asked_for() {
    let server = Imap::start(|_| {}).await;
    server.deliver(&[b"Subject: huge\r\n\r\n".as_slice(), &vec![b'x'; 50_000_000]].concat());
    server.deliver(b"Subject: small\r\n\r\n");
    let batch = inbox(server.port, |inbox, _| inbox.max_size = 10_000_000).fetch(None, 10).await.unwrap();
    assert_eq!(batch.mails[0].1.len() as u64, BEGINNING);
    assert_eq!(uids(&batch), [1, 2]);
    assert!(server.commands().contains(&format!("UID FETCH 1 (UID BODY.PEEK[]<0.{BEGINNING}>)")));
}

#[tokio::test]
async fn a_round_has_a_bound_in_bytes() {
    let server = Imap::start(|_| {}).await;
    for _ in 0..5 {
        server.deliver(&vec![b'x'; 9_000_000]);
    }
    let batch = inbox(server.port, |inbox, _| inbox.max_size = 10_000_000).fetch(None, 10).await.unwrap();
    assert_eq!((uids(&batch), batch.more, batch.cursor.map(|c| c.last)), (vec![1, 2, 3], true, Some(3)));
}

#[tokio::test]
async fn what_is_on_record_is_marked_or_moved() {
    let server = with_mails(3).await;
    server.state().folders.insert("Relu &- trait&AOk-".to_owned(), vec![]);
    let mut mailbox = inbox(server.port, |inbox, _| inbox.after = After::Seen);
    let batch = mailbox.fetch(None, 2).await.unwrap();
    assert!(server.state().messages.iter().all(|m| m.flags.is_empty()), "nothing before it is on record");
    mailbox.took(&marks(&batch)).await.unwrap();
    let flags: Vec<usize> = server.state().messages.iter().map(|m| m.flags.len()).collect();
    assert_eq!(flags, [1, 1, 0]);

    for (without, left) in [(vec![], 2), (vec!["MOVE"], 1), (vec!["MOVE", "UIDPLUS"], 1)] {
        server.state().capabilities.retain(|c| !without.contains(c));
        let mut mailbox = inbox(server.port, |inbox, _| inbox.after = After::Move("Relu & traité".to_owned()));
        let batch = mailbox.fetch(None, 1).await.unwrap();
        mailbox.took(&marks(&batch)).await.unwrap();
        mailbox.took(&marks(&batch)).await.unwrap();
        assert_eq!(server.state().messages.len(), left, "{without:?}");
        mailbox.close().await;
    }
    let state = server.state();
    assert!(state.messages[0].flags.contains(&"\\Deleted".to_owned()), "where only all can be cleared, none is");
    assert!(!state.commands.iter().any(|c| c == "EXPUNGE"));
    assert!(state.folders.values().next().unwrap().len() >= 3);
}

#[tokio::test]
async fn news_are_heeded_at_once_where_the_server_tells_of_them() {
    let server = with_mails(1).await;
    let mut mailbox = inbox(server.port, |_, _| {});
    let cursor = mailbox.fetch(None, 10).await.unwrap().cursor;
    let deliver = async {
        while server.state().idling == 0 {
            tokio::task::yield_now().await;
        }
        server.deliver(b"Subject: new\r\n\r\n")
    };
    let (news, uid) = tokio::join!(mailbox.wait(Duration::from_secs(600)), deliver);
    assert!(news);
    assert_eq!(uids(&mailbox.fetch(cursor, 10).await.unwrap()), [uid]);
    assert_eq!(server.state().connections, 1);
    assert!(!mailbox.wait(Duration::from_millis(20)).await, "and without news the waiting ends");
    assert_eq!(uids(&mailbox.fetch(None, 10).await.unwrap()), [1, 2], "the connection is as good as before");
    assert_eq!(server.state().connections, 1);
}

#[tokio::test]
async fn a_server_that_tells_of_no_news_is_asked_again() {
    let server = Imap::start(|state| state.capabilities.retain(|c| *c != "IDLE")).await;
    let mut mailbox = inbox(server.port, |_, _| {});
    let cursor = mailbox.fetch(None, 10).await.unwrap().cursor;
    assert!(!mailbox.wait(Duration::from_millis(10)).await);
    server.deliver(b"Subject: new\r\n\r\n");
    assert_eq!(uids(&mailbox.fetch(cursor, 10).await.unwrap()), [1]);
    assert!(server.commands().contains(&"LOGOUT".to_owned()), "no connection is kept on which nobody speaks");
}

/// Reads one mail over a connection that is to be encrypted.
async fn encrypted(tls: Tls, authority: &Authority, ca: &str) -> Result<Batch, relance::inbox::InboxError> {
    let server = Imap::start(|state| match tls {
        Tls::Implicit => state.implicit_tls = Some(authority.acceptor.clone()),
        _ => state.starttls = Some(authority.acceptor.clone()),
    })
    .await;
    server.deliver(b"Subject: x\r\n\r\n");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, ca).unwrap();
    let batch = inbox(server.port, |_, imap| (imap.tls, imap.ca) = (tls, Some(path.clone()))).fetch(None, 10).await;
    let logins = server.commands().iter().filter(|c| c.starts_with("AUTHENTICATE")).count();
    assert_eq!(logins, usize::from(batch.is_ok()), "no password is shown to a stranger");
    batch
}

#[tokio::test]
async fn connections_are_encrypted_from_the_first_byte_or_by_starttls() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for tls in [Tls::Implicit, Tls::StartTls] {
        assert_eq!(uids(&encrypted(tls, &authority, &authority.pem).await.unwrap()), [1]);
        let error = encrypted(tls, &authority, &stranger.pem).await.unwrap_err();
        assert!(error.text.contains("invalid peer certificate"), "{error}");
        let error = encrypted(tls, &authority, "none here").await.unwrap_err();
        assert!(error.text.contains("ca.pem"), "{error}");
        let expired = Authority::expired();
        let error = encrypted(tls, &expired, &expired.pem).await.unwrap_err();
        assert!(error.text.contains("certificate expired"), "{error}");
    }
}

#[tokio::test]
async fn a_login_by_command_is_quoted() {
    let server = Imap::start(|state| state.capabilities.retain(|c| !c.starts_with("AUTH"))).await;
    server.deliver(b"Subject: x\r\n\r\n");
    assert_eq!(uids(&inbox(server.port, |_, _| {}).fetch(None, 10).await.unwrap()), [1]);
    let debug = format!("{:?}", Inbox::new(&super::settings(1, |_, _| {}), Some(relance::config::secret::Secret::new(PASSWORD))));
    assert!(!debug.contains("horse"), "{debug}");
}

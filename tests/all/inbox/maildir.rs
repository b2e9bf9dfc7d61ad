//! A folder on this machine, and mails that are handed in.

use super::ours;
use relance::config::settings::{After, InboxPlace, InboxSettings};
use relance::inbox::{BEGINNING, Inbox, Mark, Trouble, handed_in, read};
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

fn maildir(folder: &Path, after: After) -> Inbox {
    let place = InboxPlace::Maildir(folder.to_path_buf());
    Inbox::new(&InboxSettings { place, poll: Duration::from_secs(300), after, max_size: 300_000 }, None)
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["new", "cur", "tmp", ".read.2026/cur"] {
        std::fs::create_dir_all(dir.path().join(name)).unwrap();
    }
    dir
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join("new").join(name), text).unwrap();
}

fn marks(batch: &relance::inbox::Batch) -> Vec<Mark> {
    batch.mails.iter().map(|(mark, _)| mark.clone()).collect()
}

#[tokio::test]
async fn mails_are_read_in_order_and_put_away_when_they_are_on_record() {
    let dir = folder();
    for n in [3, 1, 2] {
        write(dir.path(), &format!("170000000{n}.M1P1.host"), &format!("Subject: {n}\n\n"));
    }
    let mut mailbox = maildir(dir.path(), After::Leave);
    let batch = mailbox.fetch(None, 2).await.unwrap();
    let texts: Vec<&[u8]> = batch.mails.iter().map(|(_, m)| m.as_slice()).collect();
    assert_eq!((texts, batch.more, batch.cursor), (vec![b"Subject: 1\n\n".as_slice(), b"Subject: 2\n\n"], true, None));
    assert_eq!(names(&dir.path().join("new")).len(), 3, "nothing is moved before it is on record");
    // Somebody delivers meanwhile.
    write(dir.path(), "1700000004.M1P1.host", "Subject: 4\n\n");
    mailbox.took(&marks(&batch)).await.unwrap();
    mailbox.took(&marks(&batch)).await.unwrap();
    assert_eq!(names(&dir.path().join("cur")), ["1700000001.M1P1.host:2,", "1700000002.M1P1.host:2,"]);
    assert_eq!(mailbox.fetch(None, 10).await.unwrap().mails.len(), 2);
}

#[tokio::test]
async fn mails_are_marked_or_moved_as_is_wanted_and_nothing_is_written_over() {
    let dir = folder();
    write(dir.path(), "1.host", "one");
    let mut mailbox = maildir(dir.path(), After::Seen);
    let batch = mailbox.fetch(None, 10).await.unwrap();
    mailbox.took(&marks(&batch)).await.unwrap();
    assert_eq!(names(&dir.path().join("cur")), ["1.host:2,S"]);
    write(dir.path(), "2.host", "two");
    let mut mailbox = maildir(dir.path(), After::Move("read/2026".to_owned()));
    let batch = mailbox.fetch(None, 10).await.unwrap();
    mailbox.took(&marks(&batch)).await.unwrap();
    assert_eq!(names(&dir.path().join(".read.2026/cur")), ["2.host:2,S"]);
    write(dir.path(), "2.host", "another of the same name");
    let error = mailbox.took(&marks(&batch)).await.unwrap_err();
    assert!(error.trouble == Trouble::Folder && error.text.contains("there is one of this name already"), "{error}");
    assert_eq!(std::fs::read(dir.path().join(".read.2026/cur/2.host:2,S")).unwrap(), b"two");
    // A mark that was never ours leads nowhere else.
    for odd in ["../cur/1.host:2,S", "", "/etc/passwd"] {
        mailbox.took(&[Mark::File(odd.into())]).await.unwrap();
    }
    assert_eq!(names(&dir.path().join("cur")), ["1.host:2,S"]);
}

#[tokio::test]
async fn links_pipes_and_folders_are_left_alone() {
    let dir = folder();
    let new = dir.path().join("new");
    std::fs::write(dir.path().join("secret"), "Subject: secret\n\n").unwrap();
    symlink(dir.path().join("secret"), new.join("1.link")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(new.join("2.pipe")).status().unwrap().success());
    std::fs::create_dir(new.join("3.folder")).unwrap();
    symlink("/dev/zero", new.join("4.zero")).unwrap();
    write(dir.path(), ".hidden", "x");
    write(dir.path(), "5.mail", "Subject: x\n\n");
    let batch = maildir(dir.path(), After::Leave).fetch(None, 10).await.unwrap();
    assert_eq!(marks(&batch), [Mark::File("5.mail".into())]);
    assert_eq!(batch.passed_over, Vec::<String>::new());
}

#[tokio::test]
async fn of_a_huge_mail_the_beginning_is_read_and_a_folder_that_is_not_there_is_told() {
    let dir = folder();
    std::fs::write(dir.path().join("new/1.huge"), vec![b'x'; 5_000_000]).unwrap();
    let mut mailbox = maildir(dir.path(), After::Leave);
    assert_eq!(mailbox.fetch(None, 10).await.unwrap().mails[0].1.len() as u64, BEGINNING);
    assert!(mailbox.probe().await.unwrap().contains("1 new mails"));
    let error = maildir(&dir.path().join("gone"), After::Leave).fetch(None, 10).await.unwrap_err();
    assert!(error.text.contains("gone/new") && error.text.contains("see [inbox] path"), "{error}");
    assert!(maildir(dir.path(), After::Move("gone".to_owned())).probe().await.unwrap_err().text.contains(".gone/cur"));
}

#[test]
fn what_is_handed_in_has_a_bound_and_is_taken_to_its_end() {
    assert_eq!(handed_in(&b"Subject: x\n\n"[..], 100).unwrap(), b"Subject: x\n\n");
    let mut long = std::io::repeat(b'x').take(60_000_000);
    assert_eq!(handed_in(&mut long, 300_000).unwrap().len() as u64, BEGINNING);
    assert_eq!(long.limit(), 0, "whoever hands it over can end");
    assert_eq!(handed_in(&[b'x'; 300_000][..], 300_000).unwrap().len(), 300_000);
}

#[test]
fn the_same_mail_has_one_key_whichever_way_it_comes() {
    let body = "Le 3 juillet, Canal a écrit :\n> x\n\nPayé.\n";
    let key = |head: &str, body: &str| read(format!("{head}\n{body}").as_bytes(), &ours(), super::TODAY).key;
    let plain = key("From: a@b.example\nSubject: Re:\n Rappel\nMessage-ID: <1@b>\n", body);
    let by_imap = "Return-Path: <a@b.example>\r\nDelivered-To: compta@canal.example\r\nReceived: x\r\nFrom: a@b.example\r\nSubject: Re: Rappel\r\nMessage-ID: <1@b>\r\n";
    assert_eq!(key(by_imap, &format!("\r\n{}\r\n\r\n", body.replace('\n', "\r\n"))), plain);
    assert_eq!(key("From a@b.example Mon Jul 20\nFrom: a@b.example\nSubject: Re: Rappel\nMessage-ID: <1@b>\n", body), plain);
    assert_ne!(key("From: a@b.example\nSubject: Re: Rappel\nMessage-ID: <2@b>\n", body), plain);
    assert_ne!(key("From: a@b.example\nSubject: Re: Rappel\nMessage-ID: <1@b>\n", "Pas payé."), plain);
}

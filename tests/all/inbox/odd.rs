//! Bounces in no standard form, in their published shape; and what only looks like one.

use super::reports::{short, tokens};
use super::{TODAY, mail, ours, sample};
use relance::domain::attempt::FaultClass::{Address, Mailbox, Message, Network, Server};
use relance::domain::inbound::Came;
use relance::inbox::read;

const RETURNED: &str = "0f0e0d0c0b0a09080706050403020100@canal.example";

#[test]
fn bounces_of_older_servers_and_large_houses_are_known() {
    for (name, came, returned) in [
        ("exim-4.60-text-failed", ("failed", Some(Address), false), Some(RETURNED)),
        ("exim-4.60-text-delayed", ("delayed", Some(Server), false), None),
        ("qmail-failed-5.1.1", ("failed", Some(Address), false), Some(RETURNED)),
        ("qmail-remote-550", ("failed", Some(Server), false), Some(RETURNED)),
        ("gmail-2010-text-failed", ("failed", Some(Address), false), Some(RETURNED)),
        ("domino-mailbox-full", ("failed", Some(Mailbox), false), None),
        ("t-online-unknown", ("failed", Some(Server), false), Some(RETURNED)),
        ("gmx-full", ("failed", Some(Mailbox), false), Some(RETURNED)),
        ("ovh-spam", ("failed", Some(Message), false), Some(RETURNED)),
    ] {
        let mail = read(&sample(&format!("{name}.eml")), &ours(), TODAY);
        assert_eq!(short(&mail.came), came, "{name}: {:?}", mail.came);
        assert_eq!(tokens(&mail), [("bounce", "1a-50f3-0123456789abcdef")], "{name}");
        assert_eq!(mail.clues.returned_id.as_deref(), returned, "{name}");
        assert_eq!(mail.clues.recipient.as_deref(), Some("jan@client.example"), "{name}");
        assert_eq!(mail.clues.from, None, "{name}");
    }
    let gateway = read(&sample("unknown-gateway-no-words.eml"), &ours(), TODAY);
    assert_eq!(short(&gateway.came), ("failed", Some(Server), false));
}

#[test]
fn words_kill_no_address() {
    let bounce =
        |words: &str| mail(&format!("Return-Path: <>\nFrom: MAILER-DAEMON@x.example\nSubject: failure notice\n\n{words}\n"));
    for (words, class) in [
        ("The user jan@client.example does not exist.", Server),
        ("550 unknown user", Server),
        ("User unknown: our software is of version 5.1.1", Server),
        ("mailbox full", Mailbox),
        ("message too large", Message),
        ("retry timeout exceeded: 550 5.1.1 was said once", Server),
        ("550 5.1.1 unknown\n550 5.7.1 rather, we do not like you", Message),
        ("421 4.4.1 no connection", Network),
    ] {
        assert_eq!(short(&bounce(words).came).1, Some(class), "{words}");
    }
    assert_eq!(short(&bounce("retry timeout exceeded").came), ("failed", Some(Network), true));
}

#[test]
fn what_only_speaks_of_bounces_is_none() {
    // A person.
    let person =
        mail("Return-Path: <a@b.example>\nFrom: a@b.example\nSubject: Undelivered Mail\n\n550 5.1.1 user unknown, you write?\n");
    assert_eq!(person.came, Came::Reply);
    // A holiday notice has an empty return path as well.
    let away = mail("Return-Path: <>\nFrom: a@b.example\nSubject: away\n\nI shall answer when I am back.\n");
    assert_eq!(away.came, Came::Automatic { back_on: None });
}

//! What machines answer and what people write, in four languages and from the usual programs.

use super::reports::tokens;
use super::{TODAY, mail, ours, sample};
use jiff::civil::date;
use relance::domain::inbound::{Came, Incoming};
use relance::inbox::read;

const NEAREST: &str = "0f0e0d0c0b0a09080706050403020100@canal.example";

fn of(name: &str) -> Incoming {
    read(&sample(&format!("{name}.eml")), &ours(), TODAY)
}

#[test]
fn machines_are_nobody_and_may_name_a_day() {
    for (name, back_on) in [
        ("absence-outlook-fr", Some(date(2026, 8, 17))),
        ("absence-exchange-nl", Some(date(2026, 8, 16))),
        ("absence-sieve-de", Some(date(2026, 8, 15))),
        ("absence-vacation-en", Some(date(2026, 8, 17))),
        ("ticket-received", None),
    ] {
        let mail = of(name);
        assert_eq!(mail.came, Came::Automatic { back_on }, "{name}");
        assert_eq!(tokens(&mail), [("reply", "1a-50f3-fedcba9876543210")], "{name}");
        assert_eq!((mail.clues.from.as_deref(), mail.clues.answers.len()), (Some("jan@client.example"), 1), "{name}");
    }
    assert!(matches!(of("newsletter").came, Came::Automatic { .. }));
}

#[test]
fn people_are_read_in_their_own_words() {
    for (name, text) in [
        ("reply-outlook-fr", "Bonjour,\n\nLa facture a été payée le 3 juillet.\n\nBien à vous,\nJan"),
        ("reply-gmail-nl", "Goedendag,\n\nWij zijn failliet verklaard. Neem contact op met de curator."),
        ("reply-apple-mail-de", "Wir zahlen am 31. Juli.\n\nViele Grüße\nJan"),
        ("reply-thunderbird-en", "This invoice is wrong: we ordered 10, not 12."),
    ] {
        let mail = of(name);
        assert_eq!((&mail.came, mail.text.as_str()), (&Came::Reply, text), "{name}");
        assert_eq!(tokens(&mail), [("reply", "1a-50f3-fedcba9876543210")], "{name}");
        assert_eq!(mail.clues.answers.first().map(String::as_str), Some(NEAREST), "{name}");
        assert_eq!(mail.clues.from.as_deref(), Some("jan@client.example"), "{name}");
        assert_eq!((mail.clues.envelope_id, mail.clues.returned_id, mail.clues.recipient), (None, None, None), "{name}");
    }
    assert_eq!(of("reply-outlook-fr").clues.answers, [NEAREST, "first@canal.example"]);
}

#[test]
fn a_mail_without_plain_text_and_one_with_files_are_read() {
    let page = mail("From: a@b.example\nContent-Type: text/html\n\n<p>Pay&eacute;</p>\n");
    assert_eq!(page.text, "Payé");
    let empty = mail(
        "From: a@b.example\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\n \n--b\nContent-Type: text/html\n\n<b>Yes</b>\n--b--\n",
    );
    assert_eq!(empty.text, "Yes");
    let file = mail(
        "From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment; filename=x.txt\n\nno\n\
         --b\n\none\n--b\nContent-Type: image/png\n\nx\n--b\n\ntwo\n--b--\n",
    );
    assert_eq!(file.text, "one\ntwo");
    let only = mail("From: a@b.example\nContent-Type: application/pdf\n\n%PDF\n");
    assert_eq!((only.came, only.text.as_str()), (Came::Reply, ""));
}

#[test]
fn subject_and_date_are_kept_as_they_may_be_shown() {
    let read = mail(
        "From: a@b.example\nSubject: =?utf-8?q?a=1B[2J=0Ab?= \u{202e}c\nDate: Mon, 20 Jul 2026 08:00:05 +0200 (CEST)\n\nx\n",
    );
    assert_eq!(read.subject, "a [2J b c");
    assert_eq!(read.dated.map(|d| d.to_string()).as_deref(), Some("2026-07-20T06:00:05Z"));
    assert_eq!(mail("From: a@b.example\nDate: someday\n\nx\n").dated, None);
}

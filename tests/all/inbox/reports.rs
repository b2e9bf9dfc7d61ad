//! Delivery reports: recorded ones of Postfix, and those of other programs in their published shape.

use super::{TODAY, mail, ours, sample};
use relance::domain::attempt::FaultClass::{self, Address, Mailbox, Message, Network, Sender};
use relance::domain::inbound::{Came, Incoming, Via};
use relance::inbox::{Ours, read};

const TOKEN: &str = "1a-50f3-0123456789abcdef";
const RETURNED: &str = "0f0e0d0c0b0a09080706050403020100@canal.example";

/// What came, in short: the word, what it is about, and whether it ran out of time.
pub(super) fn short(came: &Came) -> (&str, Option<FaultClass>, bool) {
    match came {
        Came::Failed(r) | Came::Delayed(r) => (came.as_str(), Some(r.class), r.expired),
        _ => (came.as_str(), None, false),
    }
}

pub(super) fn tokens(mail: &Incoming) -> Vec<(&str, &str)> {
    mail.clues.tokens.iter().map(|t| (t.purpose, t.token.as_str())).collect()
}

fn words(came: &Came) -> &str {
    match came {
        Came::Failed(r) | Came::Delayed(r) => &r.words,
        _ => "",
    }
}

#[test]
fn recorded_reports_of_postfix_are_read() {
    let ours = Ours::new("bounces@ops.test", "compta@ops.test");
    for (name, class, recipient) in [
        ("delayed-4.2.1-temp1", ("delayed", Some(Mailbox), false), "tempfail@customer.test"),
        ("delayed-4.4.1-dead1", ("delayed", Some(Network), false), "x@dead.test"),
        ("failed-4.2.1-temp1", ("failed", Some(Mailbox), true), "tempfail@customer.test"),
        ("failed-4.4.1-dead1", ("failed", Some(Network), true), "x@dead.test"),
        ("failed-5.1.1-late1", ("failed", Some(Address), false), "late@customer.test"),
        ("failed-5.1.1-unk1", ("failed", Some(Address), false), "unknown@customer.test"),
        ("failed-5.2.2-full1", ("failed", Some(Mailbox), false), "full@customer.test"),
        ("failed-5.3.4-big1", ("failed", Some(Message), false), "big@customer.test"),
    ] {
        // The recordings have a word in the place of the mark.
        let token = name.rsplit('-').next().unwrap();
        let recorded = String::from_utf8(sample(&format!("postfix-3.7-{name}.eml"))).unwrap();
        let mail = read(recorded.replace(&format!("bounces+{token}@"), "bounces+1-5117-ab@").as_bytes(), &ours, TODAY);
        assert_eq!(short(&mail.came), class, "{name}");
        assert_eq!(tokens(&mail), [("bounce", "1-5117-ab")], "{name}");
        assert_eq!(mail.clues.returned_id, Some(format!("{token}@ops.test")), "{name}");
        assert!(mail.clues.recipient.as_deref().is_some_and(|r| r.contains('@')), "{name}: {recipient}");
        assert_eq!((mail.clues.from.as_deref(), mail.via, mail.text.as_str()), (None, Via::Mail, ""), "{name}");
        assert!(mail.dated.is_some() && words(&mail.came).contains(name.split('-').nth(1).unwrap()), "{name}: {:?}", mail.came);
    }
}

#[test]
fn reports_of_other_programs_are_read() {
    for (name, came, id) in [
        ("exim-4.96-failed-5.0.0", ("failed", Some(Address), false), None),
        ("exim-4.96-failed-timeout", ("failed", Some(Network), true), None),
        ("microsoft-365-failed-5.1.10", ("failed", Some(Address), false), None),
        ("microsoft-365-failed-5.7.1", ("failed", Some(Message), false), None),
        ("exchange-2019-delayed-4.4.7", ("delayed", Some(Network), false), None),
        ("gmail-failed-5.1.1", ("failed", Some(Address), false), None),
        ("sendmail-8.17-failed-5.2.2", ("failed", Some(Mailbox), false), Some("0f0e0d0c0b0a09080706050403020100")),
        ("sendmail-8.17-delivered", ("delivered", None, false), Some("0f0e0d0c0b0a0908+0706")),
        ("postfix-smtputf8-failed-5.1.1", ("failed", Some(Address), false), None),
    ] {
        let mail = read(&sample(&format!("{name}.eml")), &ours(), TODAY);
        assert_eq!(short(&mail.came), came, "{name}");
        assert_eq!(tokens(&mail), [("bounce", TOKEN)], "{name}");
        assert_eq!((mail.clues.returned_id.as_deref(), mail.clues.envelope_id.as_deref()), (Some(RETURNED), id), "{name}");
        let recipient = if name.contains("utf8") { "jörg@client.example" } else { "jan@client.example" };
        assert_eq!(mail.clues.recipient.as_deref(), Some(recipient), "{name}");
        assert_eq!((mail.clues.from, mail.clues.answers), (None, vec![]), "{name}");
    }
}

/// A report whose machine's part says this, from somebody.
fn report(head: &str, status: &str) -> Incoming {
    mail(&format!(
        "{head}\nTo: compta@canal.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\nX-Postfix-Sender: rfc822; bounces+7-8-ab@canal.example\n\n\
         {status}\n\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <1@canal.example>\nReply-To: compta+1-2-cd@canal.example\n\n--b--\n"
    ))
}

#[test]
fn where_it_came_to_no_token_what_is_given_back_may_have_one() {
    let failed = report("From: MAILER-DAEMON@x", "Final-Recipient: rfc822; a@b\nAction: failed\nStatus: 5.1.1");
    assert_eq!(tokens(&failed), [("reply", "1-2-cd"), ("bounce", "7-8-ab")]);
    let failed = report(
        "Delivered-To: bounces+9-9-ef@canal.example\nFrom: x@y",
        "Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 554 5.7.1 Relay access denied",
    );
    assert_eq!((tokens(&failed), short(&failed.came)), (vec![("bounce", "9-9-ef")], ("failed", Some(Sender), false)));
}

#[test]
fn a_report_counts_only_from_a_machine() {
    let forwarded = read(&sample("forwarded-bounce.eml"), &ours(), TODAY);
    assert_eq!((forwarded.came, forwarded.text.as_str()), (Came::Reply, "What shall we do with this one?"));
    assert_eq!((forwarded.clues.tokens, forwarded.clues.returned_id), (vec![], None));
    let receipt = read(&sample("read-receipt.eml"), &ours(), TODAY);
    assert_eq!(receipt.came, Came::Automatic { back_on: None });
    let complaint = mail(
        "From: abuse@x.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nspam\n--b--\n",
    );
    assert_eq!(complaint.came, Came::Other);
    // One that says of nobody what became of him.
    assert_eq!(report("From: MAILER-DAEMON@x\nSubject: hello", "Subject: x").came.as_str(), "failed", "it gives our mail back");
}

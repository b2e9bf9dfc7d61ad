//! What leaves as a mail: envelope, headers, threading, words, to the byte.

use crate::support::mail::hex_escapes;
use crate::support::smtp::Offers;
use crate::support::{Config, Row, Smtp, World};
use jiff::civil::date;
use relance::channel::token::Keys;

/// The token in `local+TOKEN@domain`.
fn token(address: &str) -> &str {
    address.split_once('+').and_then(|(_, rest)| rest.split_once('@')).unwrap_or_else(|| panic!("no token in {address}")).0
}

fn keys() -> Keys {
    Keys::new(std::array::from_fn(|i| i as u8))
}

#[tokio::test]
async fn the_first_reminder_leaves_once_with_the_right_envelope() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1")]).await;
    for _ in 0..3 {
        world.round().await;
    }
    let mail = server.only();
    assert_eq!(server.begun().len(), 1);
    assert_eq!(mail.to, "c1@client.example");
    assert!(mail.from.starts_with("compta+") && mail.from.ends_with("@canal.example"), "{}", mail.from);
    let day = i64::from((date(2026, 11, 2) - date(1970, 1, 1)).get_days());
    assert_eq!(keys().verify("bounce", token(&mail.from)), Some((1, day)));
    assert_eq!(keys().verify("reply", token(&mail.from)), None, "a bounce token must not serve for replies");
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    world.finish().await;
}

#[tokio::test]
async fn delivery_reports_are_asked_for_where_the_server_offers_them() {
    let server = Smtp::start().await;
    let row = Row::new("F-1", "C1").with("email", "o'hara+acc=1@client.example");
    let world = World::with(Config::mail(server.port), &[row]).await;
    world.round().await;
    let mail = server.only();
    let envid = mail.mail_params.iter().find_map(|p| p.strip_prefix("ENVID=")).unwrap();
    assert_eq!(format!("<{envid}@canal.example>"), mail.message_id(), "the report names the message by its own number");
    assert!(mail.mail_params.contains(&"RET=HDRS".to_owned()), "{:?}", mail.mail_params);
    assert!(mail.rcpt_params.contains(&"NOTIFY=FAILURE,DELAY".to_owned()), "{:?}", mail.rcpt_params);
    let orcpt = mail.rcpt_params.iter().find_map(|p| p.strip_prefix("ORCPT=rfc822;")).unwrap();
    assert_eq!(hex_escapes(orcpt, '+'), b"o'hara+acc=1@client.example");
    world.finish().await;
}

#[tokio::test]
async fn nothing_is_asked_of_a_server_that_offers_nothing() {
    let server = Smtp::with(Offers::default()).await;
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    let mail = server.only();
    assert_eq!((mail.mail_params, mail.rcpt_params), (vec![], vec![]));
    world.finish().await;
}

#[tokio::test]
async fn headers_keep_machines_from_answering_and_name_the_message() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    let mail = server.only().parsed();
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("X-Auto-Response-Suppress"), "OOF, AutoReply");
    assert_eq!(mail.header("Content-Language"), "fr");
    assert_eq!(mail.header("Date"), "Mon, 02 Nov 2026 09:00:00 +0000");
    assert_eq!(mail.header("From"), "Comptabilité <compta@canal.example>");
    assert_eq!(mail.header("To"), "\"Maison C1\" <c1@client.example>");
    let reply_to = mail.header("Reply-To");
    assert!(reply_to.starts_with("compta+") && reply_to.ends_with("@canal.example"), "{reply_to}");
    assert_eq!(keys().verify("reply", token(&reply_to)).map(|(message, _)| message), Some(1));
    assert!(mail.header("Message-ID").ends_with("@canal.example>"));
    assert!(!mail.has("In-Reply-To") && !mail.has("References"), "the first mail answers nothing");
    assert!(mail.header("Content-Type").starts_with("multipart/alternative"));
    let kinds: Vec<&str> = mail.parts.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["text/plain; charset=utf-8", "text/html; charset=utf-8"], "the plain text first, the richer last");
    world.finish().await;
}

#[tokio::test]
async fn a_message_planned_again_keeps_its_message_id() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    let planned = world.peek("SELECT message_id FROM message").await;
    world.hold("C1", "2026-11-20").await;
    world.deliver().await;
    world.resume("C1").await;
    world.days(1);
    world.round().await;
    assert_eq!(world.outcomes().await, ["cancelled email reminder held", "accepted email reminder"]);
    assert_eq!(server.only().message_id(), format!("<{}>", planned[0]));
    world.finish().await;
}

#[tokio::test]
async fn the_second_mail_stands_under_the_first() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1")]).await;
    for days in [10, 11, 0] {
        world.round().await;
        world.days(days);
    }
    let mails: Vec<_> = server.accepted().iter().map(|t| t.parsed()).collect();
    assert_eq!(world.outcomes().await, ["accepted email reminder", "accepted email firm", "accepted email final"]);
    let first = mails[0].header("Message-ID");
    for later in &mails[1..] {
        assert_eq!(later.header("In-Reply-To"), first);
        assert_eq!(later.header("References"), first);
        assert_ne!(later.header("Message-ID"), first);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_whole_first_reminder() {
    let server = Smtp::start().await;
    let row = Row::new("F-2026-118", "C1")
        .with("customer_name", "Brasserie L'Étoile & Fils SPRL")
        .with("total", "12345.60")
        .with("balance", "12345.60")
        .with("reference", "+++010/8068/17183+++")
        .with("pay_url", "https://pay.canal.example/F-2026-118?t=a=b&c=.d");
    let world = World::with(Config::mail(server.port), &[row]).await;
    world.round().await;
    insta::assert_snapshot!("first_reminder_fr", whole(&server.only()));
    world.finish().await;
}

/// Envelope and message as one text.
fn whole(mail: &crate::support::smtp::Taken) -> String {
    let bytes = String::from_utf8(mail.bytes.clone()).unwrap().replace("\r\n", "\n");
    let (from, to) = (&mail.from, &mail.to);
    format!("MAIL FROM:<{from}> {}\nRCPT TO:<{to}> {}\n\n{bytes}", mail.mail_params.join(" "), mail.rcpt_params.join(" "))
}

/// A debtor with invoices at several stages, a credit, a dispute, and one that falls due soon.
async fn several_stages(server: &Smtp) -> World {
    let nl = |id: &str, due: &str| Row::new(id, "C1").with("language", "nl-BE").with("due_on", due);
    let first = nl("F-1", "2026-10-26").with("total", "240.00");
    let world = World::with(Config::mail(server.port), &[first]).await;
    world.round().await;
    let credit = nl("N-1", "2026-11-03").with("kind", "credit_note").with("balance", "-20.00").with("total", "-20.00");
    let disputed = nl("F-4", "2026-10-20").with("status", "disputed").with("balance", "75.00");
    let soon = nl("F-3", "2026-11-13").with("balance", "300.00").with("total", "300.00");
    world.insert(&[nl("F-2", "2026-10-30"), soon, disputed, credit]).await;
    world.poll().await;
    world.days(10);
    world
}

#[tokio::test]
async fn one_message_shows_a_debtor_all_stages_in_sections() {
    let server = Smtp::start().await;
    let world = several_stages(&server).await;
    world.round().await;
    let mails = server.accepted();
    assert_eq!(mails.len(), 2, "one message for the debtor, whatever the number of invoices");
    let text = mails[1].parsed().text().to_owned();
    for number in ["F-1", "F-2", "F-3", "F-4", "N-1"] {
        assert!(text.contains(number), "{number} is not in\n{text}");
    }
    let log = world.log().await;
    let stages: Vec<serde_json::Value> = serde_json::from_str(&log[1].invoices).unwrap();
    let stage = |n: &str| stages.iter().find(|i| i["number"] == n).unwrap()["stage"].clone();
    assert_eq!(stage("F-1"), "firm");
    assert_eq!(stage("F-2"), "reminder");
    assert_eq!(stage("F-3"), "courtesy");
    assert_eq!(log[1].step, "firm");
    insta::assert_snapshot!("several_stages_nl_text", text);
    world.finish().await;
}

/// What is paid on the last day that a letter names is in the ledger before the next step leaves (R10).
#[tokio::test]
async fn a_deadline_leaves_the_bookings_time() {
    let cadence = "name = \"standard\"\n[[step]]\nid = \"reminder\"\nwhen = \"10 days after due\"\nchannel = \"email\"\n\
        [[step]]\nid = \"firm\"\nwhen = \"8 days after reminder\"\nchannel = \"email\"\n\
        [[step]]\nid = \"final\"\nwhen = \"10 days after firm\"\nchannel = \"email\"\n";
    for (lag, deadline) in [("1 working day", "20 novembre 2026"), ("4 working days", "17 novembre 2026")] {
        let server = Smtp::start().await;
        let config = Config::mail(server.port).cadence(cadence).source_line(&format!("booking_lag = \"{lag}\""));
        let world = World::with(config, &[Row::new("F-1", "C1").with("due_on", "2026-10-19")]).await;
        world.round().await;
        world.set("2026-11-12T10:00:00+01:00");
        world.round().await;
        assert_eq!(server.accepted().len(), 2, "{:?}", world.reasons().await);
        let text = server.accepted()[1].parsed().text().replace('\u{a0}', " ");
        assert!(text.contains(&format!("d’ici au {deadline}")), "{lag}\n{text}");
        world.finish().await;
    }
}

#[tokio::test]
async fn accents_and_odd_names_reach_the_reader_unharmed() {
    let server = Smtp::start().await;
    let row = Row::new("F-1", "C1")
        .with("number", "Fälligkeit №7 – “œuvre” çédille, et une bien longue suite pour plier l'en-tête à coup sûr 2026")
        .with("customer_name", "Müller,\r\nBcc: spy@evil.example \"Söhne\" <x>");
    let letter = "subject: Rappel {{ invoice.number }}\n\nBonjour {{ debtor.name }},\n\n{{ items }}\n\n{{ payment }}\n";
    let config = Config::mail(server.port).file("letters/fr/reminder.md", letter);
    let world = World::with(config, &[row]).await;
    world.round().await;
    let taken = server.only();
    assert_eq!(taken.to, "c1@client.example");
    let mail = taken.parsed();
    assert!(
        mail.header("Subject").contains("Fälligkeit №7 – “œuvre” çédille, et une bien longue suite"),
        "{}",
        mail.header("Subject")
    );
    assert!(!mail.has("Bcc"));
    assert!(mail.header("To").ends_with("<c1@client.example>"), "{}", mail.header("To"));
    assert!(mail.text().contains("Fälligkeit №7 – “œuvre” çédille"));
    assert!(mail.text().contains("Müller,  Bcc: spy@evil.example \"Söhne\" <x>"), "{}", mail.text());
    assert!(mail.part("text/html").contains("&#60;x&#62;") || mail.part("text/html").contains("&lt;x&gt;"));
    world.finish().await;
}

#[tokio::test]
async fn lines_that_begin_with_a_dot_arrive_whole() {
    let server = Smtp::start().await;
    let letter = "subject: Rappel {{ invoice.number }}\n\n.\n\n.. deux points\n\n{{ items }}\n\n{{ payment }}\n";
    let config = Config::mail(server.port).file("letters/fr/reminder.md", letter);
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.round().await;
    let text = server.only().parsed().text().to_owned();
    assert!(text.starts_with(".\n") && text.contains("\n.. deux points\n"), "{text}");
    world.finish().await;
}

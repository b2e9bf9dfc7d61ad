//! What the log keeps of a message that did not leave as planned, and which mails a thread begins with.

use crate::support::{Config, Row, Smtp, World};
use relance::domain::step::Channel;
use relance::store::payloads::Payload;

#[tokio::test]
async fn what_was_cancelled_names_its_invoice_and_its_language() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1").with("language", "nl-BE")]).await;
    world.plan().await;
    world.pay("F-1").await;
    world.deliver().await;
    let log = world.log().await;
    assert_eq!(
        (log[0].outcome.as_str(), log[0].why.as_deref(), log[0].language.as_deref()),
        ("cancelled", Some("paid"), Some("nl"))
    );
    let invoices: serde_json::Value = serde_json::from_str(&log[0].invoices).unwrap();
    assert_eq!((&invoices[0]["number"], &invoices[0]["stage"]), (&"F-1".into(), &"reminder".into()));
    world.finish().await;
}

#[tokio::test]
async fn what_was_in_doubt_has_its_language_and_its_stages() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).email_line("when_uncertain = \"hold\"");
    let soon = Row::new("F-2", "C1").with("language", "de").with("issued_on", "2026-10-06").with("due_on", "2026-11-05");
    let mut world = World::with(config, &[Row::new("F-1", "C1").with("language", "de"), soon]).await;
    world.plan().await;
    let now = world.clock.now();
    let claimed = world.store().claim(Channel::Email, now, 1, None).await.unwrap();
    let payload = Payload::new(&claimed[0].address, b"a mail").unwrap();
    world.store().mark_sending(&[(claimed[0].pk, payload)], now).await.unwrap();
    world.crash().await;
    world.recover().await;
    world.say(relance::flow::word::Word::Sent).await;
    for attempt in world.log().await {
        assert_eq!(attempt.language.as_deref(), Some("de"));
        let about: Vec<serde_json::Value> = serde_json::from_str(&attempt.invoices).unwrap();
        let stages: Vec<_> = about.iter().map(|i| (i["number"].as_str().unwrap(), i["stage"].as_str().unwrap())).collect();
        assert_eq!(stages, [("F-1", "reminder"), ("F-2", "courtesy")], "each its own, though the letter is a reminder");
    }
    world.finish().await;
}

/// Trifles at two stages are worth a letter together; the further one keeps its step to come, and the mail is about
/// it all the same. What is merely shown begins no thread.
#[tokio::test]
async fn a_mail_begins_the_thread_of_all_that_it_asks_for() {
    let cadence = r#"
name = "standard"
minimum = "10.00"
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
[[step]]
id = "again"
rank = "reminder"
letter = "reminder"
when = "20 days after due"
channel = "email"
"#;
    let server = Smtp::start().await;
    let world = World::new(Config::mail(server.port).cadence(cadence)).await;
    world.days(-40);
    let small = |id: &str, due: &str| Row::new(id, "C1").with("balance", "8.00").with("total", "8.00").with("due_on", due);
    world.insert(&[small("F-1", "2026-10-10"), small("F-2", "2026-10-26"), small("F-3", "2026-11-09")]).await;
    world.poll().await;
    world.days(40);
    world.round().await;
    assert!(server.only().parsed().text().contains("F-3"));
    let threads = "SELECT number || ' ' || CASE WHEN thread IS NULL THEN 'none' ELSE 'begun' END FROM invoice ORDER BY number";
    assert_eq!(world.peek(threads).await, ["F-1 begun", "F-2 begun", "F-3 none"]);
    assert_eq!(world.peek("SELECT count(*) || '' FROM mark WHERE kind = 'left'").await, ["1"]);
    world.finish().await;
}

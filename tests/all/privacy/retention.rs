//! What is erased by itself: by class, once a day, never what is open, and what a standstill has left over at once.

use super::{both, zoe};
use crate::program::{Firm, late, word};
use crate::support::{Act, Config, Row, Smtp, Stage, World};
use relance::domain::debtor::{Matter, Word};
use relance::flow::called::{Report, record};
use relance::flow::calls::Reached;
use relance::flow::retain;
use relance::store::person::retention::Run;
use serde_json::json;

fn config(server: &Smtp, lines: &str) -> Config {
    Config::mail(server.port).file("conf.d/retention.toml", &format!("[retention]\n{lines}"))
}

/// What a step erased: messages, notes, customers; nothing when it was not due.
async fn step(world: &World) -> Option<(u64, u64, u64)> {
    let run: Option<Run> = retain::step(world.desk()).await.unwrap();
    run.map(|r| (r.messages, r.notes, r.customers))
}

const NAMES: &str = "SELECT source_id || ' ' || name FROM debtor ORDER BY source_id";
const ADDRESSES: &str = "SELECT coalesce(address, 'erased') FROM payload ORDER BY pk";

#[tokio::test]
async fn messages_notes_and_customers_go_when_their_time_has_come() {
    let server = Smtp::start().await;
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C2")];
    let world =
        World::with(config(&server, "messages = \"90 days\"\nnotes = \"6 months\"\ncustomers = \"1 year\"\n"), &rows).await;
    world.round().await;
    world.hold("F-1", "2026-11-04").await;
    assert_eq!(step(&world).await, Some((0, 0, 0)));
    assert_eq!(step(&world).await, None, "once a day");
    world.days(10);
    world.pay("F-1").await;
    world.poll().await;
    // Paid on 12 November: 90 days are over with 10 February.
    world.set("2027-02-10T23:59:00+01:00");
    world.poll().await;
    assert_eq!(step(&world).await, Some((0, 0, 0)));
    world.set("2027-02-11T00:00:00+01:00");
    world.poll().await;
    assert_eq!(step(&world).await, Some((1, 0, 0)));
    assert_eq!(world.peek(ADDRESSES).await, ["erased", "c2@client.example"]);
    world.set("2027-05-13T10:00:00+02:00");
    world.poll().await;
    assert_eq!(step(&world).await, Some((0, 2, 0)), "the hold and the payment");
    assert_eq!(world.peek("SELECT reason FROM hold").await, ["erased"]);
    assert_eq!(world.peek("SELECT kind || '/' || text FROM event").await, ["paid/"]);
    assert_eq!(world.peek(NAMES).await, ["C1 Maison C1", "C2 Maison C2"]);
    world.set("2027-11-13T10:00:00+01:00");
    world.poll().await;
    assert_eq!(step(&world).await, Some((0, 0, 1)));
    assert_eq!(world.peek(NAMES).await, ["C1 ", "C2 Maison C2"]);
    assert_eq!(world.peek("SELECT cause || ' ' || reason FROM tombstone").await, ["retention kept long enough"]);
    // Ten years on, what is open is as it was.
    world.set("2037-11-13T10:00:00+01:00");
    world.poll().await;
    assert_eq!(step(&world).await, Some((0, 0, 0)));
    assert_eq!(world.peek(ADDRESSES).await, ["erased", "c2@client.example"]);
    world.finish().await;
}

#[tokio::test]
async fn what_was_said_in_calls_of_tasks_and_of_customers_goes_with_the_notes() {
    let server = Smtp::start().await;
    let cadence =
        "name = \"standard\"\n[[step]]\nid = \"phone\"\nwhen = \"1 day after due\"\nchannel = \"call\"\ntext = \"Ask Zoe\"\n";
    let rows = [Row::new("F-1", "C1").with("phone", "+32 470 00 00 01")];
    let config = config(&server, "messages = \"9 years\"\nnotes = \"6 months\"\ncustomers = \"9 years\"\n").cadence(cadence);
    let world = World::with(config, &rows).await;
    world.round().await;
    let now = world.clock.now();
    let report = Report {
        reached: Reached::Voicemail,
        promise: None,
        excuse: None,
        note: Some("Zoe is ill".to_owned()),
        next: Some("2026-11-05".parse().unwrap()),
        number: None,
        by: None,
    };
    record(world.desk(), 1, &report, now).await.unwrap();
    let on = "2026-11-02".parse().unwrap();
    for reason in ["her accountant", "her brother"] {
        let word = Word { matter: Matter::PayRuns, value: Some("10".to_owned()), on, reason: reason.to_owned() };
        world.store().say(1, Matter::PayRuns, Some(&word), Some("Anne"), now).await.unwrap();
    }
    world.days(7);
    world.pay("F-1").await;
    world.poll().await;
    world.round().await;
    world.days(170);
    world.poll().await;
    assert_eq!(step(&world).await, Some((0, 0, 0)));
    world.days(20);
    world.poll().await;
    let (messages, notes, customers) = step(&world).await.unwrap();
    assert!(messages == 0 && customers == 0 && notes >= 3, "{notes}");
    assert_eq!(world.peek("SELECT coalesce(note, 'erased') FROM call").await, ["erased"]);
    assert_eq!(world.peek("SELECT text || state FROM task").await, ["closed"]);
    assert_eq!(world.peek("SELECT reason FROM standing ORDER BY pk").await, ["erased", "her brother"], "what counts stays");
    world.finish().await;
}

/// A message about two invoices stays until both are settled for long enough; one that was paid and came back is open.
#[tokio::test]
async fn what_is_about_something_open_stays() {
    let server = Smtp::start().await;
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C1")];
    let world =
        World::with(config(&server, "messages = \"90 days\"\nnotes = \"90 days\"\ncustomers = \"90 days\"\n"), &rows).await;
    world.round().await;
    world.pay("F-1").await;
    world.poll().await;
    world.days(400);
    world.poll().await;
    assert_eq!(step(&world).await, Some((0, 1, 0)), "the words about the payment of F-1 alone");
    world.pay("F-2").await;
    world.poll().await;
    world.days(60);
    world.change("F-1", "balance", "120.00").await;
    world.poll().await;
    world.days(60);
    world.poll().await;
    assert_eq!(step(&world).await, Some((0, 1, 0)), "F-2 has been settled for long enough, F-1 is open again");
    assert_eq!(world.peek(ADDRESSES).await, ["c1@client.example"]);
    world.pay("F-1").await;
    world.poll().await;
    world.days(91);
    world.poll().await;
    assert_eq!(step(&world).await, Some((1, 2, 1)));
    assert_eq!(world.peek(NAMES).await, ["C1 "]);
    world.finish().await;
}

/// Who is in doubt, or held, stays; a hold that is over does not keep anybody.
#[tokio::test]
async fn who_waits_for_a_person_stays() {
    let server = Smtp::start().await;
    server.always("c1@client.example", Act::Close(Stage::Dot));
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C2"), Row::new("F-3", "C3")];
    let config = config(&server, "messages = \"forever\"\nnotes = \"forever\"\ncustomers = \"90 days\"\n");
    let world = World::with(config.email_line("when_uncertain = \"hold\""), &rows).await;
    world.round().await;
    for id in ["F-1", "F-2", "F-3"] {
        world.pay(id).await;
    }
    world.poll().await;
    let held = |name: &'static str, until: &'static str| {
        let world = &world;
        async move {
            let pk = world.store().find_debtor(name).await.unwrap().unwrap();
            let named = relance::store::holds::Named { debtor_pk: pk, invoice_pk: None };
            world.store().put_hold(named, until.parse().unwrap(), "x", world.clock.now()).await.unwrap();
        }
    };
    held("C2", "2030-01-01").await;
    held("C3", "2026-12-01").await;
    world.days(200);
    world.poll().await;
    assert_eq!(step(&world).await, Some((0, 0, 1)));
    assert_eq!(world.peek(NAMES).await, ["C1 Maison C1", "C2 Maison C2", "C3 "]);
    world.say(relance::flow::word::Word::Sent).await;
    world.finish().await;
}

/// After a standstill everything that is overdue goes in one run, in many batches; and a second daemon does not do it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_standstill_is_caught_up() {
    let server = Smtp::start().await;
    let rows: Vec<Row> = (0..450).map(|n| Row::new(&format!("F-{n}"), &format!("C{n}"))).collect();
    let world = World::with(config(&server, ""), &rows).await;
    world.round().await;
    sqlx::query("UPDATE relance_invoices SET balance = '0.00'").execute(&world.ledger).await.unwrap();
    world.poll().await;
    world.days(3 * 366);
    assert_eq!(step(&world).await, None, "not by a ledger that was read years ago");
    world.poll().await;
    assert_eq!(step(&world).await, Some((450, 450, 450)));
    let second = world.second().await;
    assert_eq!(retain::step(&second).await.unwrap(), None);
    assert_eq!(world.peek("SELECT count(*) || '' FROM payload WHERE address IS NOT NULL").await, ["0"]);
    let verified = world.store().verify_log(true).await.unwrap();
    assert_eq!((verified.broken.len(), verified.erased, verified.payloads), (0, 450, 0));
    world.finish().await;
}

/// Words that quote a dead address go with the messages, though that attempt had none.
#[tokio::test]
async fn words_about_an_address_go_as_well() {
    let server = Smtp::start().await;
    server.always("c1@client.example", Act::Reply(Stage::Rcpt, 550, "5.1.1 <c1@client.example>: no such user"));
    let config = config(&server, "messages = \"90 days\"\ncustomers = \"forever\"\n");
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.round().await;
    world.days(8);
    world.round().await;
    let words = |log: &[relance::store::attempts::AttemptRow]| -> Vec<String> {
        log.iter().filter_map(|a| a.answer.clone().or_else(|| a.why.clone())).collect()
    };
    let said = words(&world.log().await);
    assert!(said.len() >= 2 && said.iter().all(|text| text.contains("c1@client.example")), "{said:?}");
    let in_log = "SELECT count(*) || '' FROM attempt WHERE coalesce(why, '') || coalesce(answer, '') LIKE '%@%'";
    assert_eq!(world.peek(in_log).await, ["0"], "the log itself holds none of it");
    world.pay("F-1").await;
    world.poll().await;
    world.days(91);
    world.poll().await;
    assert!(step(&world).await.unwrap().0 >= 2);
    assert_eq!(words(&world.log().await), Vec::<String>::new());
    world.finish().await;
}

/// Copies of invoices go with the last message that had them, in both databases.
#[tokio::test]
async fn copies_go_with_their_messages() {
    let server = Smtp::start().await;
    let config = config(&server, "messages = \"90 days\"\ncustomers = \"1 year\"\n").with_documents("1 MB");
    let world = World::new(config).await;
    std::fs::create_dir_all(world.path("pdf")).unwrap();
    for size in [10, 20] {
        std::fs::write(world.path("pdf").join(format!("{size}.pdf")), format!("%PDF-1.7 {}", "x".repeat(size))).unwrap();
    }
    let row = |id: &str, customer: &str, document: &str| Row::new(id, customer).with("document", document);
    world.insert(&[row("F-1", "C1", "10.pdf"), row("F-2", "C2", "10.pdf"), row("F-3", "C3", "20.pdf")]).await;
    world.round().await;
    let sizes = "SELECT length(body) || '' FROM document ORDER BY 1";
    assert_eq!(world.peek(sizes).await, ["19", "29"]);
    for id in ["F-1", "F-3"] {
        world.pay(id).await;
    }
    world.poll().await;
    world.days(92);
    world.poll().await;
    assert_eq!(step(&world).await, Some((2, 0, 0)));
    assert_eq!(world.peek(sizes).await, ["19"], "C2 has not paid");
    world.pay("F-2").await;
    world.poll().await;
    // Erased with the customer itself, and what somebody else erased is swept.
    world.days(800);
    world.poll().await;
    assert_eq!(step(&world).await.map(|(_, _, customers)| customers), Some(3));
    assert_eq!(world.peek(sizes).await, Vec::<String>::new());
    let verified = world.store().verify_log(true).await.unwrap();
    assert_eq!((verified.broken.len(), verified.erased, verified.payloads), (0, 3, 0));
    world.finish().await;
}

/// `run --once` does it, and `status` tells of it; the journal names nobody.
#[tokio::test]
async fn the_program_does_it_and_says_so() {
    let config = both().file("conf.d/retention.toml", "[retention]\nmessages = \"30 days\"\n");
    let firm = Firm::new(&config, &[zoe("F-7"), late("F-8", "C8")]).await;
    assert_eq!(firm.run(&["run", "--once"]).ends(0).err.matches("retention: erased").count(), 1);
    sqlx::query("UPDATE relance_invoices SET balance = '0.00' WHERE customer_id = 'C7'").execute(&firm.ledger).await.unwrap();
    assert_eq!(firm.run(&["run", "--once"]).ends(0).err.matches("retention: erased").count(), 0, "once a day");
    let status = firm.object(&["status"]);
    assert_eq!(status["retention"]["messages"], 0);
    assert!(firm.run(&["status"]).ends(0).out.contains("retention    last run "));
    // As if all that had been two months ago.
    let ago = 60 * 86_400_000i64;
    for sql in [
        format!("UPDATE invoice SET closed_at = closed_at - {ago} WHERE closed_at IS NOT NULL"),
        format!("UPDATE contact SET at = at - {ago}"),
        format!("UPDATE message SET settled_at = settled_at - {ago}"),
        "DELETE FROM meta WHERE key = 'retention'".to_owned(),
    ] {
        firm.home.run(&sql).await.unwrap();
    }
    assert!(firm.run(&["status"]).ends(0).out.contains("retention    has not run yet"));
    let ran = firm.run(&["run", "--once"]).ends(0);
    assert!(ran.err.contains("messages=1 notes=0 customers=0") && !ran.err.contains(super::NAME), "{}", ran.err);
    let run = &firm.object(&["status"])["retention"];
    assert_eq!((&run["messages"], &run["notes"], &run["customers"]), (&json!(1), &json!(0), &json!(0)));
    assert!(firm.run(&["status"]).ends(0).out.contains(": erased messages 1, notes 0, customers 0"));
    let log = firm.json(&["log"]);
    let gone: Vec<&str> = log.iter().filter(|a| a["address"].is_null()).map(|a| word(&a["debtor"])).collect();
    assert_eq!(gone, ["C7", "C7"], "by mail and by SMS");
    firm.run(&["log", "verify", "--deep"]).ends(0);
}

//! Calls: the task, the list, what comes of a call, promises kept and broken.

use crate::support::{Config, Row, Smtp, World};
use relance::flow::called::{ByPhone, Recorded, Report, ReportError, by_phone, record};
use relance::flow::calls::{Excuse, Reached, due};
use relance::flow::report::{Form, build, page};
use relance::store::attempts::LogFilter;
use relance::store::tasks::TaskEnd;

const WITH_CALL: &str = r#"
name = "standard"
minimum = "10.00"
spacing = "2 working days"
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
[[step]]
id = "phone"
when = "2 working days after reminder"
channel = "call"
text = "Ask when it will be paid"
only_if = { overdue_min = "100.00" }
[[step]]
id = "firm"
when = "6 working days after reminder"
channel = "email"
"#;

async fn world(server: &Smtp) -> World {
    spaced(server, "2 working days").await
}

async fn spaced(server: &Smtp, spacing: &str) -> World {
    let rows = [
        Row::new("F-1", "C1").with("phone", "+32 470 00 00 01").with("language", "fr"),
        Row::new("F-2", "C2").with("balance", "50.00").with("total", "50.00"),
        Row::new("F-3", "C3").with("balance", "900.00").with("total", "900.00").with("phone", "+32 470 00 00 03"),
    ];
    let world = World::with(
        Config::mail(server.port).cadence(&WITH_CALL.replace("2 working days\"\n[[", &format!("{spacing}\"\n[["))),
        &rows,
    )
    .await;
    world.round().await;
    world.days(2);
    world.round().await;
    world
}

async fn listed(world: &World) -> Vec<(i64, String, String)> {
    let calls = due(world.desk(), world.clock.now()).await.unwrap();
    calls.into_iter().map(|c| (c.task.id, c.task.debtor, c.why)).collect()
}

fn report(reached: Reached, next: Option<&str>) -> Report {
    let next = next.map(|d| d.parse().unwrap());
    Report { reached, promise: None, excuse: None, note: None, next, number: None, by: Some("Anne".to_owned()) }
}

async fn call_of(world: &World, debtor: &str) -> i64 {
    listed(world).await.into_iter().find(|c| c.1 == debtor).unwrap().0
}

async fn recorded(world: &World, id: i64, report: &Report) -> Result<Recorded, ReportError> {
    record(world.desk(), id, report, world.clock.now()).await
}

#[tokio::test]
async fn a_step_makes_a_task_and_the_list_says_whom_first_and_why() {
    let server = Smtp::start().await;
    let world = world(&server).await;
    let calls = due(world.desk(), world.clock.now()).await.unwrap();
    let told: Vec<_> = calls.iter().map(|c| (c.task.debtor.as_str(), c.why.as_str())).collect();
    assert_eq!(told, [("C3", "amount and days: 900.00 EUR, 9 days late"), ("C1", "amount and days: 120.00 EUR, 9 days late")]);
    let one = &calls[1];
    assert_eq!((one.numbers[0].number.as_str(), one.numbers[0].language.as_deref()), ("+32470000001", Some("fr")));
    assert_eq!(one.task.text, "Ask when it will be paid");
    assert_eq!((one.owed[0].number.as_str(), one.owed[0].days_late), ("F-1", 9));
    assert_eq!((one.contacts.len(), one.contacts[0].step.as_str()), (1, "reminder"));
    assert_eq!(one.opens, Some(world.clock.now()), "a Wednesday at ten");
    assert_eq!(
        world.peek("SELECT i.source_id || ' ' || m.step || ' ' || m.kind FROM mark m JOIN invoice i ON i.pk = m.invoice_pk ORDER BY 1").await,
        ["F-1 phone left", "F-1 reminder left", "F-2 reminder left", "F-3 phone left", "F-3 reminder left"],
        "the condition of the call rules C2 out"
    );
    world.finish().await;
}

#[tokio::test]
async fn what_is_paid_is_not_called_about() {
    let server = Smtp::start().await;
    let world = world(&server).await;
    world.pay("F-3").await;
    world.poll().await;
    world.round().await;
    assert_eq!(listed(&world).await.len(), 1);
    assert_eq!(
        world.peek("SELECT state || ' ' || why FROM task WHERE settled_at IS NOT NULL").await,
        ["closed nothing is open any more"]
    );
    world.finish().await;
}

#[tokio::test]
async fn a_promise_holds_the_case_until_it_is_known_and_a_broken_one_resumes_and_is_counted() {
    let server = Smtp::start().await;
    let world = world(&server).await;
    let id = call_of(&world, "C1").await;
    let promise = Report { promise: Some("2026-11-13".parse().unwrap()), ..report(Reached::Reached, None) };
    let told = recorded(&world, id, &promise).await.unwrap();
    // Friday the 13th, two bank working days of grace, one more until it is booked.
    assert_eq!((told.held_until.unwrap().to_string(), told.next.to_string()), ("2026-11-18".to_owned(), "2026-11-18".to_owned()));
    world.days(9);
    world.round().await;
    assert_eq!(server.to("c1@client.example").len(), 1, "Friday the 13th: held");
    assert_eq!(listed(&world).await.iter().filter(|c| c.1 == "C1").count(), 0);
    world.days(5);
    world.round().await;
    world.minutes(1);
    world.round().await;
    assert_eq!(world.peek("SELECT state FROM promise").await, ["broken"]);
    assert_eq!(server.to("c1@client.example").len(), 2, "the 18th: it goes on");
    let calls = due(world.desk(), world.clock.now()).await.unwrap();
    assert_eq!(calls[0].task.debtor, "C1", "what was promised goes first");
    assert!(calls[0].why.starts_with("promised for 2026-11-13, not paid: 120.00 EUR"), "{}", calls[0].why);
    let file = world.desk().files(&[calls[0].task.debtor_pk], world.clock.now()).await.unwrap().pop().unwrap();
    assert_eq!(file.debtor.past.broken, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_kept_promise_ends_its_hold_and_its_call() {
    let server = Smtp::start().await;
    let world = world(&server).await;
    let promise = Report { promise: Some("2026-11-13".parse().unwrap()), ..report(Reached::Reached, None) };
    recorded(&world, call_of(&world, "C1").await, &promise).await.unwrap();
    world.pay("F-1").await;
    world.poll().await;
    world.round().await;
    assert_eq!(world.peek("SELECT state FROM promise").await, ["kept"]);
    assert_eq!(world.store().holds("2026-11-05".parse().unwrap()).await.unwrap(), vec![]);
    world.finish().await;
}

#[tokio::test]
async fn who_was_reached_is_not_written_to_before_the_day_agreed() {
    let server = Smtp::start().await;
    let world = world(&server).await;
    let spoken = Report {
        excuse: Some(Excuse::AwaitingApproval),
        note: Some("the manager signs on Thursday".to_owned()),
        ..report(Reached::Reached, Some("2026-11-20"))
    };
    let told = recorded(&world, call_of(&world, "C1").await, &spoken).await.unwrap();
    assert_eq!(told.held_until.unwrap().to_string(), "2026-11-20");
    world.days(9);
    world.round().await;
    assert_eq!(server.to("c1@client.example").len(), 1);
    assert_eq!(server.to("c3@client.example").len(), 2, "another goes on");
    world.days(7);
    world.round().await;
    assert_eq!(server.to("c1@client.example").len(), 2);
    assert!(listed(&world).await.iter().any(|c| c.1 == "C1" && c.2.starts_with("to be called again today")));
    let filter = LogFilter { channel: Some("call".to_owned()), ..LogFilter::default() };
    let log = world.store().log_page(0, &filter).await.unwrap();
    assert_eq!((log.len(), log[0].outcome.as_str(), log[0].why.as_deref()), (1, "accepted", Some("reached")));
    world.finish().await;
}

/// A call that was agreed is on the call list, and no second time among the holds that end; where it is on no list, its hold
/// is told in the report's language.
#[tokio::test]
async fn the_report_tells_of_an_agreed_call_once() {
    let server = Smtp::start().await;
    let world = world(&server).await;
    let excused = Report { excuse: Some(Excuse::AwaitingApproval), ..report(Reached::Reached, Some("2026-11-20")) };
    let (first, third) = (call_of(&world, "C1").await, call_of(&world, "C3").await);
    assert_eq!(recorded(&world, first, &excused).await.unwrap().numbers, ["F-1"]);
    recorded(&world, third, &report(Reached::Reached, Some("2026-11-20"))).await.unwrap();
    world.set("2026-11-20T07:30:00+01:00");
    world.poll().await;
    let built = build(world.desk()).await.unwrap();
    assert_eq!((built.decide.holds.count, built.today.calls.0), (0, 2), "{:?}", built.decide.holds);
    for task in [first, third] {
        let day = "2026-11-20".parse().unwrap();
        assert!(world.store().end_task(task, TaskEnd::Dropped, "by hand", day, world.clock.now()).await.unwrap());
    }
    let built = build(world.desk()).await.unwrap();
    assert_eq!((built.decide.holds.count, built.today.calls.0), (2, 0));
    for (language, words) in [
        ("fr", ["par téléphone au sujet de F-1\u{a0}: facture en attente d’approbation chez le client", "F-3\u{a0}: joint"]),
        ("nl", ["telefonisch over F-1: factuur wacht op goedkeuring bij de klant", "F-3: gesproken"]),
        ("de", ["telefonisch zu F-1: Rechnung wartet beim Kunden auf Freigabe", "F-3: gesprochen"]),
        ("en", ["by phone about F-1: waits for approval on their side", "F-3: spoken to"]),
    ] {
        let text = page(world.desk(), &built, language, Form::Mail).unwrap().text(200);
        words.iter().for_each(|words| assert!(text.contains(words), "{language}: {words}\n{text}"));
    }
    // Who has paid since needs no decision.
    world.pay("F-1").await;
    world.poll().await;
    assert_eq!(build(world.desk()).await.unwrap().decide.holds.count, 1);
    world.finish().await;
}

#[test]
fn what_came_of_a_call_is_read_back() {
    assert_eq!(
        by_phone("by phone about F-1: 2, F-3: not received"),
        Some(ByPhone::Spoken { numbers: "F-1: 2, F-3", excuse: Some(Excuse::NotReceived) })
    );
    assert_eq!(by_phone("promised to pay F-1 by 2026-11-20"), Some(ByPhone::Promised { numbers: "F-1", day: "2026-11-20" }));
    assert_eq!(by_phone("by phone about F-1: they moved"), None);
    assert_eq!(by_phone("asked by phone"), None);
}

#[tokio::test]
async fn a_voicemail_is_a_contact_and_an_unanswered_call_is_none() {
    let server = Smtp::start().await;
    let world = spaced(&server, "3 working days").await;
    world.days(5);
    recorded(&world, call_of(&world, "C1").await, &report(Reached::Voicemail, Some("2026-11-12"))).await.unwrap();
    recorded(&world, call_of(&world, "C3").await, &report(Reached::NoAnswer, Some("2026-11-12"))).await.unwrap();
    assert_eq!(listed(&world).await, vec![], "both are put off");
    world.days(1);
    world.set("2026-11-12T10:00:00+01:00");
    world.round().await;
    assert_eq!(server.to("c3@client.example").len(), 2, "the firm step is due");
    assert_eq!(server.to("c1@client.example").len(), 1, "and is spaced from the voicemail");
    assert!(listed(&world).await[0].2.starts_with("to be called again today"), "{:?}", listed(&world).await);
    world.finish().await;
}

#[tokio::test]
async fn a_wrong_number_is_not_called_again() {
    let server = Smtp::start().await;
    let world = world(&server).await;
    let id = call_of(&world, "C1").await;
    recorded(&world, id, &report(Reached::WrongNumber, Some("2026-11-05"))).await.unwrap();
    world.days(1);
    let calls = due(world.desk(), world.clock.now()).await.unwrap();
    let again = calls.iter().find(|c| c.task.id == id).unwrap();
    assert_eq!(again.numbers[0].wrong.as_deref(), Some("a call found that the number is not the customer's"));
    world.finish().await;
}

#[tokio::test]
async fn a_report_that_does_not_hold_together_is_refused_in_words() {
    let server = Smtp::start().await;
    let world = world(&server).await;
    let id = call_of(&world, "C1").await;
    let promised = |reached| Report { promise: Some("2026-11-13".parse().unwrap()), ..report(reached, Some("2026-11-16")) };
    for (id, report, says) in [
        (id, report(Reached::Reached, None), "--next is missing"),
        (id, report(Reached::Reached, Some("2026-11-04")), "wanted days after today, 2026-11-04"),
        (id, report(Reached::Reached, Some("2028-01-01")), "within a year"),
        (id, promised(Reached::Voicemail), "only who was reached can have promised"),
        (
            id,
            Report { number: Some("+3211".to_owned()), ..report(Reached::Reached, Some("2026-11-16")) },
            "none of the customer's numbers",
        ),
        (9999, report(Reached::Reached, Some("2026-11-16")), "there is no open call 9999"),
    ] {
        let refused = recorded(&world, id, &report).await.unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
    assert_eq!(world.peek("SELECT CAST(count(*) AS TEXT) FROM call").await, ["0"]);
    world.finish().await;
}

#[tokio::test]
async fn amounts_in_two_currencies_never_meet_in_the_order_of_calls() {
    let server = Smtp::start().await;
    let in_yen =
        |id, customer, amount| Row::new(id, customer).with("currency", "JPY").with("balance", amount).with("total", amount);
    let rows = [
        in_yen("F-1", "C1", "90000"),
        in_yen("F-2", "C2", "80000"),
        Row::new("F-3", "C3").with("balance", "300.00").with("total", "300.00"),
        Row::new("F-4", "C4").with("balance", "200.00").with("total", "200.00").with("due_on", "2026-10-20"),
    ];
    let cadence =
        "name = \"standard\"\n[[step]]\nid = \"phone\"\nwhen = \"1 day after due\"\nchannel = \"call\"\ntext = \"Ask\"\n";
    let world = World::with(Config::mail(server.port).cadence(cadence), &rows).await;
    world.round().await;
    world.minutes(1);
    world.round().await;
    let order: Vec<String> = listed(&world).await.into_iter().map(|c| c.1).collect();
    assert_eq!(order, ["C4", "C1", "C3", "C2"], "the first of each currency, then the second of each");
    world.finish().await;
}

#[tokio::test]
async fn the_last_contacts_are_what_was_written_and_a_copy_is_none() {
    let server = Smtp::start().await;
    let cadence = WITH_CALL.replacen("channel = \"email\"\n", "channel = \"email\"\ncc = [\"manager\"]\n", 1);
    let people = r#"[{"role": "manager", "email": "boss@client.example"}]"#;
    let row = Row::new("F-1", "C1").with("phone", "+32 470 00 00 01").with("contacts", people);
    let world = World::with(Config::mail(server.port).cadence(&cadence), &[row]).await;
    world.round().await;
    world.days(2);
    world.round().await;
    let id = call_of(&world, "C1").await;
    recorded(&world, id, &report(Reached::Voicemail, Some("2026-11-05"))).await.unwrap();
    world.days(1);
    let calls = due(world.desk(), world.clock.now()).await.unwrap();
    let call = calls.iter().find(|c| c.task.debtor == "C1").unwrap();
    let written: Vec<String> = call.contacts.iter().map(|c| format!("{} {}", c.channel.as_deref().unwrap(), c.step)).collect();
    assert_eq!(written, ["email reminder"], "the manager's copy is the same mail, and the call is told by itself");
    assert_eq!(call.calls.len(), 1);
    world.finish().await;
}

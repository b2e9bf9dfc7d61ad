//! What people have to do stands, rests or is over (rules R6, R7, R15, R18 to R20): nothing is lost by a dispute of two
//! hours, nobody is asked to call the dead.

use crate::support::{Config, Row, Smtp, World};
use relance::domain::debtor::{Matter, Word};
use relance::domain::decision::Standing;
use relance::domain::reason::Reason;
use relance::domain::time::local_date;
use relance::flow::called::{Report, ReportError, record};
use relance::flow::calls::{Reached, due, resting};
use relance::flow::work::standings;
use relance::store::holds::Found;
use relance::store::questions::Answer;
use relance::store::tasks::TaskEnd;

const WORK: &str = r#"
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
[[step]]
id = "phone-again"
when = "3 working days after reminder"
channel = "call"
text = "Ask what stands in the way"
[[step]]
id = "formal"
when = "10 days after reminder"
channel = "task"
text = "Send a formal notice"
approval = true
"#;

/// Wednesday, 4 November: the reminder left on Monday, the call is on the list.
async fn called(server: &Smtp) -> World {
    let rows = [Row::new("F-1", "C1").with("phone", "+32470000001")];
    let world = World::with(Config::mail(server.port).cadence(WORK), &rows).await;
    world.round().await;
    world.days(2);
    world.round().await;
    assert_eq!(list(&world).await.len(), 1, "the call is there");
    world
}

async fn list(world: &World) -> Vec<i64> {
    due(world.desk(), world.clock.now()).await.unwrap().into_iter().map(|c| c.task.id).collect()
}

async fn rests(world: &World) -> Vec<(Reason, Option<String>)> {
    let resting = resting(world.desk(), world.clock.now()).await.unwrap();
    let told = |s: Standing| match s {
        Standing::Rests(reason, until) => (reason, until.map(|d| d.to_string())),
        other => panic!("{other:?}"),
    };
    resting.into_iter().map(|(_, standing)| told(standing)).collect()
}

async fn change(world: &World, column: &str, value: &str) {
    world.change("F-1", column, value).await;
    world.poll().await;
    world.round().await;
}

async fn state(world: &World, value: &str) {
    let pk = world.store().find_debtor("C1").await.unwrap().unwrap();
    let word = Word {
        matter: Matter::State,
        value: Some(value.to_owned()),
        on: "2026-11-02".parse().unwrap(),
        reason: "by phone".to_owned(),
    };
    world.store().say(pk, Matter::State, Some(&word), Some("Anne"), world.clock.now()).await.unwrap();
    world.round().await;
}

fn report(reached: Reached, next: &str) -> Report {
    let next = Some(next.parse().unwrap());
    Report { reached, promise: None, excuse: None, note: None, next, number: None, by: None }
}

fn promise(until: &str) -> Report {
    let until = Some(until.parse().unwrap());
    Report { reached: Reached::Reached, promise: until, excuse: None, note: None, next: None, number: None, by: None }
}

async fn say(world: &World, report: &Report) -> Result<(), ReportError> {
    let id = *list(world).await.first().expect("a call");
    record(world.desk(), id, report, world.clock.now()).await.map(drop)
}

async fn promises(world: &World) -> Vec<String> {
    world.peek("SELECT state FROM promise ORDER BY pk").await
}

#[tokio::test]
async fn r18_a_dispute_lays_a_call_to_rest_and_its_end_wakes_it() {
    let server = Smtp::start().await;
    let world = called(&server).await;
    change(&world, "status", "disputed").await;
    assert_eq!((list(&world).await, rests(&world).await), (vec![], vec![(Reason::Disputed, None)]));
    change(&world, "status", "open").await;
    assert_eq!((list(&world).await.len(), rests(&world).await), (1, vec![]));
    change(&world, "due_on", "not a day").await;
    assert_eq!((list(&world).await, rests(&world).await), (vec![], vec![(Reason::Unreadable, None)]));
    change(&world, "due_on", "2026-10-26").await;
    assert_eq!(list(&world).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn r11_a_payment_that_nobody_has_placed_yet_lays_it_to_rest_as_well() {
    let server = Smtp::start().await;
    let world = called(&server).await;
    let payment = Row::new("P-1", "C1").with("kind", "payment").with("balance", "-120.00").with("total", "-120.00");
    world.insert(&[payment]).await;
    world.poll().await;
    world.round().await;
    assert_eq!((list(&world).await, rests(&world).await), (vec![], vec![(Reason::UnallocatedCovers, None)]));
    world.delete("P-1").await;
    world.poll().await;
    world.round().await;
    assert_eq!(list(&world).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn r15_nobody_is_asked_to_call_the_dead() {
    let server = Smtp::start().await;
    let world = called(&server).await;
    state(&world, "deceased").await;
    assert_eq!((list(&world).await, rests(&world).await), (vec![], vec![(Reason::DebtorState, None)]));
    assert_eq!(world.peek("SELECT key FROM task WHERE key IS NOT NULL").await, ["state:deceased:1:1"]);
    world.finish().await;
}

#[tokio::test]
async fn r15_another_state_another_task_and_none_without_a_state() {
    let server = Smtp::start().await;
    let world = called(&server).await;
    let open = "SELECT text FROM task WHERE step IS NULL AND settled_at IS NULL";
    state(&world, "do_not_contact").await;
    assert!(world.peek(open).await[0].starts_with("The customer is not to be written to"));
    state(&world, "insolvency").await;
    assert!(world.peek(open).await[0].starts_with("The customer is insolvent"), "{:?}", world.peek(open).await);
    state(&world, "none").await;
    assert_eq!(world.peek(open).await, [""; 0]);
    state(&world, "insolvency").await;
    assert_eq!(world.peek(open).await.len(), 1, "it is back, and so is the task");
    let id: i64 =
        world.peek("SELECT CAST(pk AS TEXT) FROM task WHERE step IS NULL AND settled_at IS NULL").await[0].parse().unwrap();
    let today = local_date(world.clock.now(), &world.desk().setup.settings.creditor.timezone);
    world.store().end_task(id, TaskEnd::Done, "lodged", today, world.clock.now()).await.unwrap();
    world.round().await;
    assert_eq!(world.peek(open).await, [""; 0], "done is done");
    world.insert(&[Row::new("F-2", "C1")]).await;
    world.poll().await;
    world.round().await;
    assert_eq!(world.peek(open).await.len(), 1, "a new invoice wants to be lodged too");
    world.finish().await;
}

#[tokio::test]
async fn r15_a_trial_takes_no_task_from_the_real_thing() {
    let server = Smtp::start().await;
    let rows = [Row::new("F-1", "C1").with("state", "insolvency")];
    let mut world = World::with(Config::mail(server.port).guard_line("redirect_to = \"me@canal.example\""), &rows).await;
    world.round().await;
    world.reconfigure(|config| Config { guard: String::new(), ..config }).await;
    world.round().await;
    world.minutes(1);
    world.round().await;
    assert_eq!(world.peek("SELECT CAST(redirected AS TEXT) FROM task ORDER BY pk").await, ["1", "0"]);
    world.finish().await;
}

#[tokio::test]
async fn r7_a_due_date_that_is_moved_ends_calls_and_questions() {
    let server = Smtp::start().await;
    let world = called(&server).await;
    world.days(9);
    world.round().await;
    world.round().await;
    assert_eq!(world.store().questions(false, None).await.unwrap().len(), 1, "the formal notice waits for a yes");
    change(&world, "due_on", "2026-12-31").await;
    assert_eq!(world.store().questions(false, None).await.unwrap().len(), 0);
    assert_eq!((list(&world).await, rests(&world).await), (vec![], vec![]));
    assert!(world.peek("SELECT why FROM task WHERE kind = 'call'").await.iter().all(|why| why == "the due date was moved"));
    world.finish().await;
}

#[tokio::test]
async fn a_dispute_neither_keeps_nor_breaks_a_promise() {
    let server = Smtp::start().await;
    let world = called(&server).await;
    say(&world, &promise("2026-11-20")).await.unwrap();
    change(&world, "status", "disputed").await;
    change(&world, "status", "open").await;
    assert_eq!(promises(&world).await, ["open"]);
    world.days(12);
    world.round().await;
    assert_eq!(server.accepted().len(), 1, "held until the day that was promised, and known");
    change(&world, "status", "disputed").await;
    world.days(9);
    world.round().await;
    assert_eq!(promises(&world).await, ["replaced"], "a dispute came in between");
    world.finish().await;
}

#[tokio::test]
async fn r12_a_promise_kept_but_for_a_rounding_is_kept() {
    let server = Smtp::start().await;
    let world = called(&server).await;
    say(&world, &promise("2026-11-13")).await.unwrap();
    change(&world, "balance", "0.40").await;
    assert_eq!(promises(&world).await, ["kept"]);
    assert_eq!((list(&world).await, rests(&world).await), (vec![], vec![]), "nobody is called about a rounding");
    world.finish().await;
}

#[tokio::test]
async fn a_later_call_without_a_promise_leaves_the_promise_standing() {
    let server = Smtp::start().await;
    let world = called(&server).await;
    say(&world, &Report { next: Some("2026-11-06".parse().unwrap()), ..promise("2026-11-20") }).await.unwrap();
    world.days(2);
    world.round().await;
    assert_eq!(list(&world).await.len(), 1, "a person chose the day, before the promised one");
    say(&world, &report(Reached::Reached, "2026-11-09")).await.unwrap();
    world.days(5);
    world.round().await;
    assert_eq!((promises(&world).await, server.accepted().len()), (vec!["open".to_owned()], 1));
    world.finish().await;
}

#[tokio::test]
async fn r19_a_promise_of_years_is_refused() {
    let server = Smtp::start().await;
    let world = called(&server).await;
    let far = Report { next: Some("2026-12-01".parse().unwrap()), ..promise("2031-01-01") };
    let told = say(&world, &far).await.unwrap_err().to_string();
    assert!(told.contains("92 days"), "{told}");
    world.finish().await;
}

#[tokio::test]
async fn r6_one_call_takes_up_all_that_is_to_be_called_about() {
    let server = Smtp::start().await;
    let world = called(&server).await;
    world.days(1);
    world.round().await;
    world.round().await;
    assert_eq!(world.peek("SELECT step FROM task WHERE settled_at IS NULL ORDER BY pk").await, ["phone", "phone-again"]);
    assert_eq!(list(&world).await.len(), 1);
    say(&world, &report(Reached::NoAnswer, "2026-11-06")).await.unwrap();
    assert_eq!(world.peek("SELECT step FROM task WHERE settled_at IS NULL").await, ["phone-again"]);
    world.finish().await;
}

#[tokio::test]
async fn r6_nobody_is_called_on_a_day_on_which_a_mail_left() {
    let server = Smtp::start().await;
    let world = called(&server).await;
    world.insert(&[Row::new("F-2", "C1")]).await;
    world.poll().await;
    world.round().await;
    assert_eq!(server.accepted().len(), 2, "spacing has run: the reminder for the new one");
    assert_eq!((list(&world).await, rests(&world).await), (vec![], vec![(Reason::Spacing, Some("2026-11-06".to_owned()))]));
    world.finish().await;
}

#[tokio::test]
async fn r20_a_formal_notice_that_was_approved_rests_over_the_holidays() {
    let server = Smtp::start().await;
    let mut row = Row::new("F-1", "C1");
    row = row.with("due_on", "2026-12-04").with("issued_on", "2026-11-04");
    let world = World::with(Config::mail(server.port).cadence(WORK), &[row]).await;
    for day in ["10", "11", "14", "21"] {
        world.set(&format!("2026-12-{day}T10:00:00+01:00"));
        world.poll().await;
        world.round().await;
        world.round().await;
    }
    let question = world.store().questions(false, None).await.unwrap().pop().expect("asked on Monday, 21 December");
    world.set("2026-12-23T15:00:00+01:00");
    let today = "2026-12-23".parse().unwrap();
    assert!(world.store().answer(question.id, Answer::Yes, None, None, today, world.clock.now()).await.unwrap());
    let mut tasks = world.store().open_tasks(false, today).await.unwrap();
    tasks.retain(|t| t.step.as_deref() == Some("formal"));
    let told = standings(world.desk(), &tasks, world.clock.now()).await.unwrap();
    assert_eq!(told, [Standing::Rests(Reason::QuietTime, Some("2027-01-04".parse().unwrap()))]);
    world.finish().await;
}

#[tokio::test]
async fn r19_a_task_rests_while_a_person_holds_the_customer() {
    let server = Smtp::start().await;
    let world = called(&server).await;
    let Found::One(named) = world.store().find("F-1").await.unwrap() else { panic!("one") };
    world.store().put_hold(named, "2026-11-30".parse().unwrap(), "asked for time", world.clock.now()).await.unwrap();
    assert_eq!((list(&world).await, rests(&world).await), (vec![], vec![(Reason::Held, Some("2026-11-30".to_owned()))]));
    world.finish().await;
}

const TWO: &str = r#"
name = "standard"
minimum = "10.00"
spacing = "5 working days"
[[step]]
id = "look"
when = "1 working day after due"
channel = "task"
text = "A person first"
[[step]]
id = "personal"
when = "4 working days after due"
channel = "email"
letter = "reminder"
rank = "reminder"
approval = true
"#;

/// The days up to one of November.
async fn until(world: &World, last: u32) {
    for day in 2..=last {
        world.set(&format!("2026-11-{day:02}T10:00:00+01:00"));
        world.poll().await;
        rounds(world).await;
    }
}

/// A look follows upon a task a second later.
async fn rounds(world: &World) {
    for _ in 0..4 {
        world.round().await;
        world.minutes(1);
    }
}

#[tokio::test]
async fn what_waits_for_a_yes_keeps_no_task_about_another_invoice_back() {
    let server = Smtp::start().await;
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C1").with("due_on", "2026-11-05")];
    let world = World::with(Config::mail(server.port).cadence(TWO), &rows).await;
    until(&world, 12).await;
    let told = "SELECT t.step || ' ' || i.source_id FROM task t JOIN invoice i ON t.invoices LIKE '%' || CAST(i.pk AS TEXT) || '%' ORDER BY 1";
    assert_eq!(world.store().questions(false, None).await.unwrap().len(), 1, "the draft about the first waits");
    assert!(world.peek(told).await.contains(&"look F-2".to_owned()), "{:?}", world.peek(told).await);
    world.finish().await;
}

#[tokio::test]
async fn r6_a_draft_that_waits_or_was_refused_is_no_contact() {
    let server = Smtp::start().await;
    let rows = [Row::new("F-1", "C1"), Row::new("F-2", "C1").with("currency", "GBP")];
    let world = World::with(Config::mail(server.port).cadence(TWO), &rows).await;
    until(&world, 5).await;
    let waiting = world.store().questions(false, None).await.unwrap();
    assert_eq!(waiting.len(), 2, "the one keeps the other from nothing");
    let today = local_date(world.clock.now(), &world.desk().setup.settings.creditor.timezone);
    assert!(world.store().answer(waiting[0].id, Answer::No, None, Some("not now"), today, world.clock.now()).await.unwrap());
    assert!(world.store().answer(waiting[1].id, Answer::Yes, None, None, today, world.clock.now()).await.unwrap());
    rounds(&world).await;
    assert_eq!(server.accepted().len(), 1, "what was refused counts for nothing");
    world.finish().await;
}

//! Steps that wait for a person's yes, and steps of which the owner is told first (rule R22), at the wire.

use crate::program::{ALWAYS, Firm, at_once, late};
use crate::support::{Config, Row, Smtp, World};
use relance::domain::time::local_date;
use relance::flow::approvals::{Draft, drafted};
use relance::store::questions::{Answer, Waiting};

const APPROVED: &str = r#"
name = "standard"
minimum = "10.00"
spacing = "3 working days"
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
approval = true
[[step]]
id = "firm"
when = "10 days after reminder"
channel = "email"
"#;

async fn waiting(world: &World) -> Vec<Waiting> {
    world.store().questions(false, None).await.unwrap()
}

async fn answer(world: &World, id: i64, answer: Answer) -> bool {
    let now = world.clock.now();
    let today = local_date(now, &world.desk().setup.settings.creditor.timezone);
    world.store().answer(id, answer, Some("Anne"), Some("because"), today, now).await.unwrap()
}

#[tokio::test]
async fn nothing_leaves_before_the_yes_and_what_leaves_is_the_draft() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port).cadence(APPROVED), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    world.round().await;
    assert_eq!(server.accepted().len(), 0);
    let asked = waiting(&world).await;
    assert_eq!((asked.len(), asked[0].step.as_deref(), asked[0].debtor.as_str()), (1, Some("reminder"), "C1"));
    assert_eq!(asked[0].until.to_string(), "2026-11-09", "five working days");
    let drafts = drafted(world.desk(), &asked[0], world.clock.now()).await.unwrap();
    let [Draft::Message { to, mail, asked: sum }] = drafts.as_slice() else { panic!("{drafts:?}") };
    assert_eq!((to.as_str(), sum.to_string().as_str()), ("email c1@client.example", "120.00 EUR"));
    assert!(answer(&world, asked[0].id, Answer::Yes).await);
    assert!(!answer(&world, asked[0].id, Answer::No).await, "it was answered");
    world.round().await;
    let left = server.only().parsed();
    assert_eq!(left.header("Subject").replace('\u{a0}', " "), mail.subject.replace('\u{a0}', " "));
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    world.finish().await;
}

#[tokio::test]
async fn another_balance_is_another_question() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port).cadence(APPROVED), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    let first = waiting(&world).await[0].id;
    world.change("F-1", "balance", "80.00").await;
    world.poll().await;
    world.round().await;
    assert!(waiting(&world).await.is_empty(), "a part payment makes the step wait by itself");
    world.days(4);
    world.round().await;
    let second = waiting(&world).await;
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].id, first);
    assert!(!answer(&world, first, Answer::Yes).await, "the first one lapsed");
    // The balance changes between the yes and the message: nothing leaves, and it is asked anew.
    assert!(answer(&world, second[0].id, Answer::Yes).await);
    world.plan().await;
    world.change("F-1", "balance", "50.00").await;
    world.deliver().await;
    assert_eq!(server.accepted().len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn what_nobody_answers_lapses_and_is_asked_anew() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port).cadence(APPROVED), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    let first = waiting(&world).await[0].id;
    world.days(7);
    world.round().await;
    world.minutes(1);
    world.round().await;
    let second = waiting(&world).await;
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].id, first);
    assert_eq!(world.peek("SELECT state FROM question ORDER BY pk").await, ["lapsed", "waiting"]);
    assert_eq!(server.accepted().len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn a_no_passes_the_step_over_and_nothing_firmer_follows() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port).cadence(APPROVED), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    assert!(answer(&world, waiting(&world).await[0].id, Answer::No).await);
    world.days(20);
    world.round().await;
    assert_eq!(server.accepted().len(), 0);
    assert_eq!(world.peek("SELECT kind || ' ' || step || ' ' || why FROM mark").await, ["skipped reminder dropped"]);
    assert_eq!(world.reasons().await, ["passed_over 1"]);
    world.finish().await;
}

#[tokio::test]
async fn who_pays_meanwhile_is_not_asked_about() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port).cadence(APPROVED), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    let asked = waiting(&world).await[0].id;
    world.pay("F-1").await;
    world.poll().await;
    world.round().await;
    assert!(waiting(&world).await.is_empty());
    assert!(!answer(&world, asked, Answer::Yes).await);
    assert_eq!(server.accepted().len(), 0);
    world.finish().await;
}

const TOLD: &str = r#"
name = "standard"
minimum = "10.00"
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
notify_owner = "1 working day"
"#;

#[tokio::test]
async fn the_owner_is_told_by_mail_and_silence_is_a_yes_a_working_day_later() {
    let server = Smtp::start().await;
    let row = Row::new("F-1", "C1").with("owner", "sales@canal.example");
    let world = World::with(Config::mail(server.port).cadence(TOLD), &[row]).await;
    world.round().await;
    world.review().await;
    assert_eq!(server.to("c1@client.example").len(), 0);
    let told = server.to("sales@canal.example");
    assert_eq!(told.len(), 1);
    let text = told[0].parsed().text().to_owned();
    assert!(text.contains("relance hold C1 --until DATE") && text.contains("120.00 EUR"), "{text}");
    world.review().await;
    assert_eq!(server.to("sales@canal.example").len(), 1, "once");
    world.minutes(60);
    world.round().await;
    assert_eq!(server.to("c1@client.example").len(), 0);
    world.days(1);
    world.round().await;
    world.round().await;
    assert_eq!(server.to("c1@client.example").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn an_owner_who_could_not_be_told_has_not_agreed() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port).cadence(TOLD), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    world.days(8);
    world.round().await;
    world.minutes(20);
    world.round().await;
    assert_eq!(server.accepted().len(), 0);
    world.review().await;
    assert_eq!(server.to("compta@canal.example").len(), 1, "nobody looks after it, so the books are told");
    world.days(2); // The eleventh of November is a holiday.
    world.round().await;
    world.round().await;
    assert_eq!(server.to("c1@client.example").len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn an_owner_holds_what_he_was_told_of() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port).cadence(TOLD), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    world.review().await;
    world.hold("C1", "2026-12-01").await;
    world.days(2);
    world.round().await;
    world.round().await;
    assert_eq!(server.to("c1@client.example").len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn while_the_owner_is_not_told_everybody_says_so_and_a_yes_is_a_yes() {
    // Nobody listens there, so the letter to the owner cannot leave.
    let cadence = ALWAYS.to_owned() + "notify_owner = \"1 working day\"\n";
    let firm = Firm::new(&at_once(Config::mail(1)).cadence(&cadence), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let asked = firm.object(&["approve"]);
    assert!(asked["kind"] == "notice" && asked["told_at"].is_null(), "{asked}");
    let told = firm.object(&["explain", "C1"]);
    assert_eq!(told["reason"], "owner_untold");
    assert!(told["notes"].to_string().contains("has not left yet"), "{told}");
    let texts = [&["explain", "C1"][..], &["approve"], &["approve", "1"]].map(|verb| firm.run(verb).ends(0).out);
    assert!(
        texts.iter().all(|t| !t.contains("was told") && !t.contains("leaves on") && !t.contains("leaves by itself on")),
        "{texts:?}"
    );
    let report = firm.run(&["report", "morning"]).ends(0).out;
    assert!(report.contains("n’est pas prévenu") && !report.contains("annoncé le"), "{report}");
    let said = firm.run(&["approve", "1", "--yes"]).ends(0).out;
    assert!(said.contains("yes"), "{said}");
    assert!(firm.json(&["approve"]).is_empty());
}

//! One contact on several channels, and one bad message among good ones.

use crate::support::config::BOTH;
use crate::support::smtp::Offers;
use crate::support::{Act, Config, Row, Smtp, Stage, World};

fn both(server: &Smtp) -> Config {
    Config::mail(server.port).with_sms_file().cadence(BOTH)
}

fn with_phone() -> Row {
    Row::new("F-1", "C1").with("phone", "+32 470 00 00 01")
}

fn texts(world: &World) -> usize {
    std::fs::read_to_string(world.path("sms.jsonl")).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn a_step_on_two_channels_is_one_contact_with_two_messages() {
    let server = Smtp::start().await;
    let config = both(&server).guard_line("contacts_per_30_days = 2");
    let world = World::with(config, &[with_phone()]).await;
    world.round().await;
    let mut outcomes = world.outcomes().await;
    outcomes.sort();
    assert_eq!(outcomes, ["accepted email reminder", "accepted sms reminder"]);
    assert_eq!((server.accepted().len(), texts(&world)), (1, 1));
    assert_eq!(world.peek("SELECT state || ' ' || count(*) FROM contact GROUP BY state").await, ["left 1"]);
    assert_eq!(world.peek("SELECT kind || ' ' || step FROM mark").await, ["left reminder"]);
    world.days(10);
    world.round().await;
    assert_eq!((server.accepted().len(), texts(&world)), (2, 2), "two contacts in 30 days, not four");
    world.finish().await;
}

#[tokio::test]
async fn when_one_of_two_channels_refuses_the_other_carries_the_contact() {
    let server = Smtp::start().await;
    server.next(&[Act::Reply(Stage::Rcpt, 550, "5.1.1 unknown")]);
    let world = World::with(both(&server), &[with_phone()]).await;
    for _ in 0..3 {
        world.round().await;
    }
    let mut outcomes = world.outcomes().await;
    outcomes.sort();
    assert_eq!(outcomes, ["accepted sms reminder", "refused email reminder address"]);
    assert_eq!(world.peek("SELECT state FROM contact").await, ["left"]);
    world.days(10);
    world.round().await;
    assert_eq!(texts(&world), 2, "the next step goes by what is left");
    assert_eq!(world.log().await.last().unwrap().step, "firm");
    world.finish().await;
}

#[tokio::test]
async fn when_one_of_two_is_put_off_the_step_has_left_and_the_other_still_comes() {
    let server = Smtp::start().await;
    server.next(&[Act::Reply(Stage::Rcpt, 451, "4.3.0 later")]);
    let world = World::with(both(&server), &[with_phone()]).await;
    world.round().await;
    assert_eq!(texts(&world), 1);
    world.minutes(10);
    world.round().await;
    assert_eq!((server.accepted().len(), texts(&world)), (1, 1));
    assert_eq!(world.peek("SELECT state || ' ' || count(*) FROM contact GROUP BY state").await, ["left 1"]);
    world.finish().await;
}

#[tokio::test]
async fn without_a_phone_the_mail_alone_is_the_step() {
    let server = Smtp::start().await;
    let world = World::with(both(&server), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    world.finish().await;
}

#[tokio::test]
async fn both_refused_the_step_has_failed_and_nothing_firmer_comes() {
    let server = Smtp::start().await;
    server.always("c1@client.example", Act::Reply(Stage::Dot, 554, "5.7.1 no"));
    let world = World::with(both(&server), &[Row::new("F-1", "C1")]).await;
    for _ in 0..4 {
        world.round().await;
        world.days(10);
    }
    let outcomes = world.outcomes().await;
    assert_eq!(outcomes[0], "refused email reminder message");
    assert!(outcomes[1].starts_with("no_address - reminder"), "{outcomes:?}");
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    assert_eq!(world.reasons().await, ["cannot_reach 1"]);
    assert_eq!(server.begun().len(), 1);
    world.poll().await;
    world.review().await;
    assert_eq!(world.alerts().await, ["refused:C1"]);
    world.finish().await;
}

/// A letter that fails for one invoice only; no sample data shows it.
const FRAGILE: &str = "subject: Rappel {{ invoice.number }}

{% if invoice.number == \"F-BAD\" %}{{ 7 // 0 }}{% endif %}

{{ items }}

{{ payment }}
";

#[tokio::test]
async fn a_message_that_cannot_be_made_hurts_only_itself() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).file("letters/fr/reminder.md", FRAGILE);
    let mut rows: Vec<Row> = (1..=6).map(|i| Row::new(&format!("F-{i}"), &format!("C{i}"))).collect();
    rows.insert(3, Row::new("F-BAD", "CB"));
    rows.push(Row::new("F-7", "CN").with("language", "nl"));
    let mut world = World::with(config, &rows).await;
    for _ in 0..3 {
        world.round().await;
        world.review().await;
    }
    assert_eq!(server.accepted().iter().filter(|m| m.to != "compta@canal.example").count(), 7);
    let bad: Vec<String> = world.outcomes().await.into_iter().filter(|o| !o.starts_with("accepted")).collect();
    assert_eq!(bad.len(), 1, "{bad:?}");
    assert!(bad[0].starts_with("deferred email reminder message bad_message: "), "{bad:?}");
    assert!(bad[0].contains("letters/fr/reminder.md:3:"), "it says where: {bad:?}");
    assert_eq!(server.to("compta@canal.example").len(), 1);
    assert_eq!(world.queue().await, ["deferred 1"]);

    // Tried again an hour later, and told no more than once.
    world.minutes(61);
    world.round().await;
    world.review().await;
    assert_eq!(server.to("compta@canal.example").len(), 1);
    assert_eq!(world.log().await.len(), 9);

    // The letter is mended.
    world.reconfigure(|c| c.file("letters/fr/reminder.md", &FRAGILE.replace("// 0", "// 2"))).await;
    world.minutes(61);
    world.round().await;
    assert_eq!(server.to("cb@client.example").len(), 1);

    // A day later another letter fails: that is a new condition, and the creditor hears of it.
    world.days(1);
    world.review().await;
    assert_eq!(world.alerts().await, Vec::<String>::new());
    world.reconfigure(|c| c.file("letters/fr/firm.md", FRAGILE)).await;
    world.days(9);
    world.round().await;
    world.review().await;
    assert_eq!(server.to("compta@canal.example").len(), 2);
    world.finish().await;
}

/// Addresses with letters outside ASCII, beside a plain one.
fn international() -> [Row; 3] {
    let row = |n: &str, email: &str| Row::new(&format!("F-{n}"), &format!("C{n}")).with("email", email);
    [row("1", "jörg@client.example"), row("2", "info@müller.example"), row("3", "c3@client.example")]
}

#[tokio::test]
async fn an_address_that_the_server_cannot_carry_hurts_only_itself() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &international()).await;
    for _ in 0..2 {
        world.round().await;
    }
    let mut taken: Vec<String> = server.accepted().into_iter().map(|t| t.to).collect();
    taken.sort();
    assert_eq!(taken, ["c3@client.example", "info@xn--mller-kva.example"], "a domain has a form for every server");
    let to = server.to("info@xn--mller-kva.example")[0].parsed().header("To");
    assert!(to.ends_with("<info@xn--mller-kva.example>"), "{to}");
    assert_eq!(server.begun().len(), 2, "the other is not even tried: this server offers no SMTPUTF8");
    assert_eq!(world.whose("refused").await, ["C1"]);
    assert_eq!(world.peek("SELECT address FROM point").await, Vec::<String>::new(), "another server may carry them");
    assert_eq!(world.store().brakes().await.unwrap(), vec![]);
    world.finish().await;
}

#[tokio::test]
async fn an_address_outside_ascii_is_carried_where_the_server_can() {
    let server = Smtp::with(Offers { dsn: true, utf8: true, ..Offers::default() }).await;
    let world = World::with(Config::mail(server.port).email_line("connections = 1"), &international()).await;
    world.round().await;
    let taken = server.accepted();
    assert_eq!(
        taken.iter().map(|t| t.to.as_str()).collect::<Vec<_>>(),
        ["jörg@client.example", "info@müller.example", "c3@client.example"]
    );
    assert!(taken[0].mail_params.contains(&"SMTPUTF8".to_owned()) && !taken[2].mail_params.contains(&"SMTPUTF8".to_owned()));
    assert_eq!(taken[0].rcpt_params, ["NOTIFY=FAILURE,DELAY"], "an original recipient of type rfc822 is ASCII");
    world.finish().await;
}

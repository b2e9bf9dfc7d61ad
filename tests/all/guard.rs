//! What keeps a careful operator safe: everything to one address, nothing at all, never too much at once.

use crate::support::{Act, Config, Row, Smtp, Stage, World};

fn debtors(from: usize, count: usize) -> Vec<Row> {
    (from..from + count).map(|i| Row::new(&format!("F-{i:02}"), &format!("C{i:02}"))).collect()
}

fn redirected(server: &Smtp) -> Config {
    Config::mail(server.port).guard_line("redirect_to = \"me@canal.example\"")
}

#[tokio::test]
async fn with_a_redirection_all_goes_to_one_address_and_names_the_real_one() {
    let server = Smtp::start().await;
    let world = World::with(redirected(&server), &debtors(1, 3)).await;
    world.round().await;
    world.round().await;
    let mails = server.accepted();
    assert_eq!(mails.len(), 3);
    let mut subjects = Vec::new();
    for mail in &mails {
        assert_eq!(mail.to, "me@canal.example");
        assert!(mail.rcpt_params.contains(&"ORCPT=rfc822;me@canal.example".to_owned()));
        let parsed = mail.parsed();
        assert!(parsed.header("To").ends_with("<me@canal.example>"));
        subjects.push(parsed.header("Subject"));
    }
    subjects.sort();
    let real: Vec<&str> = subjects.iter().filter_map(|s| s.strip_prefix("[to: ")?.split_once("] ").map(|(a, _)| a)).collect();
    assert_eq!(real, ["c01@client.example", "c02@client.example", "c03@client.example"]);
    world.finish().await;
}

#[tokio::test]
async fn what_was_redirected_is_not_taken_for_sent_when_the_redirection_ends() {
    let server = Smtp::start().await;
    let mut world = World::with(redirected(&server), &debtors(1, 1)).await;
    world.round().await;
    world.days(10);
    world.round().await;
    let subjects: Vec<String> = server.accepted().iter().map(|m| m.parsed().header("Subject")).collect();
    assert_eq!(subjects.len(), 2, "while it lasts the series goes on: {subjects:?}");
    world.reconfigure(|c| Config { guard: String::new(), ..c }).await;
    world.round().await;
    let real = server.to("c01@client.example");
    assert_eq!(real.len(), 1, "the debtor has not had anything yet, so no spacing holds it back");
    assert_eq!(world.log().await.last().unwrap().step, "reminder", "and the reminder comes first");
    assert!(!real[0].parsed().has("In-Reply-To"), "there is no first mail to answer to");
    world.days(11);
    world.round().await;
    assert_eq!(world.log().await.last().unwrap().step, "firm");
    let second = &server.to("c01@client.example")[1].parsed();
    assert_eq!(second.header("In-Reply-To"), real[0].message_id());
    world.finish().await;
}

#[tokio::test]
async fn a_redirection_that_bounces_kills_nobodys_address() {
    let server = Smtp::start().await;
    server.next(&[Act::Reply(Stage::Rcpt, 550, "5.1.1 who is me?")]);
    let mut world = World::with(redirected(&server), &debtors(1, 1)).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["refused email reminder address"]);
    assert_eq!(world.peek("SELECT address FROM point").await, Vec::<String>::new());
    world.reconfigure(|c| Config { guard: String::new(), ..c }).await;
    world.days(1);
    world.round().await;
    assert_eq!(server.to("c01@client.example").len(), 1, "the real address was never tried and is good");
    world.finish().await;
}

#[tokio::test]
async fn with_a_redirection_no_sms_reaches_a_phone() {
    let server = Smtp::start().await;
    let config = redirected(&server).with_sms_file().cadence(crate::support::config::SMS_ONLY);
    let world = World::with(config, &[Row::new("F-1", "C1").with("phone", "0470 00 00 01")]).await;
    world.round().await;
    assert!(!world.path("sms.jsonl").exists());
    let mail = server.only();
    assert_eq!(mail.to, "me@canal.example");
    let parsed = mail.parsed();
    assert!(parsed.header("Subject").starts_with("[to: +32470000001] SMS: "), "{}", parsed.header("Subject"));
    assert_eq!(world.outcomes().await, ["accepted sms reminder"]);
    world.finish().await;
}

#[tokio::test]
async fn a_dry_run_polls_and_decides_but_sends_nothing_and_says_so() {
    let server = Smtp::start().await;
    let mut world = World::with(Config::mail(server.port).guard_line("dry_run = true"), &debtors(1, 2)).await;
    for _ in 0..3 {
        world.round().await;
        world.review().await;
        world.days(1);
    }
    assert_eq!(server.state().connections, 0);
    assert_eq!(world.log().await.len(), 0);
    assert_eq!(world.queue().await, Vec::<String>::new());
    assert_eq!(world.reasons().await, ["dry_run 2"]);
    let brakes = world.desk().conditions(world.clock.now()).await.unwrap().brakes;
    assert!(brakes.iter().any(|b| b.text == "[guard] dry_run = true: nothing is sent"), "{brakes:?}");
    world.reconfigure(|c| Config { guard: String::new(), ..c }).await;
    world.round().await;
    assert_eq!(server.accepted().len(), 2, "when it ends, nothing has been missed");
    world.finish().await;
}

#[tokio::test]
async fn a_dry_run_that_begins_with_messages_in_the_outbox_lets_none_of_them_out() {
    let server = Smtp::start().await;
    let mut world = World::with(Config::mail(server.port), &debtors(1, 2)).await;
    world.plan().await;
    world.reconfigure(|c| c.guard_line("dry_run = true")).await;
    world.deliver().await;
    world.round().await;
    assert_eq!(server.state().connections, 0);
    assert_eq!(world.outcomes().await, vec!["cancelled email reminder dry_run"; 2]);
    world.finish().await;
}

fn limited(server: &Smtp) -> Config {
    Config::mail(server.port).guard_line("max_messages_per_cycle = 3")
}

#[tokio::test]
async fn above_the_limit_everything_is_held_until_released() {
    let server = Smtp::start().await;
    let world = World::with(limited(&server), &debtors(1, 5)).await;
    let planned = world.plan().await;
    assert_eq!((planned.messages, planned.braked), (5, 5));
    world.deliver().await;
    assert_eq!(server.state().connections, 0);
    assert_eq!(world.queue().await, ["braked 5"]);
    let brakes = world.store().brakes().await.unwrap();
    assert_eq!(brakes[0].kind, "too_many");
    assert!(brakes[0].text.contains("5 messages in a day") && brakes[0].text.contains("max_messages_per_cycle, which was 3"));
    for _ in 0..3 {
        world.review().await;
        world.days(1);
        world.round().await;
    }
    let alerts = server.to("compta@canal.example");
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].parsed().header("Subject").contains("waiting for your release"));
    assert_eq!(server.accepted().len(), 1, "held however long it takes");
    world.finish().await;
}

#[tokio::test]
async fn a_release_lets_exactly_the_held_ones_pass_and_later_ones_count_anew() {
    let server = Smtp::start().await;
    let world = World::with(limited(&server), &debtors(1, 5)).await;
    world.round().await;
    assert_eq!(world.store().release_braked(world.clock.now()).await.unwrap(), 5);
    assert_eq!(world.store().brakes().await.unwrap(), vec![]);
    world.deliver().await;
    assert_eq!(server.accepted().len(), 5, "whatever the limit");
    world.insert(&debtors(6, 3)).await;
    world.round().await;
    assert_eq!(server.accepted().len(), 8, "the released ones do not count against later ones");
    world.insert(&debtors(9, 1)).await;
    world.round().await;
    assert_eq!(server.accepted().len(), 8, "the fourth of the day after the release is one too many");
    assert_eq!(world.queue().await, ["braked 1"]);
    world.finish().await;
}

#[tokio::test]
async fn the_limit_counts_over_a_rolling_day() {
    let server = Smtp::start().await;
    let world = World::with(limited(&server), &debtors(1, 2)).await;
    world.round().await;
    world.days(1);
    world.minutes(-30);
    world.insert(&debtors(3, 2)).await;
    world.round().await;
    assert_eq!((server.accepted().len(), world.queue().await), (2, vec!["braked 2".to_owned()]), "2 and 2 in 24 hours are 4");
    world.store().release_braked(world.clock.now()).await.unwrap();
    world.deliver().await;
    world.minutes(60);
    world.insert(&debtors(5, 3)).await;
    world.round().await;
    assert_eq!(server.accepted().len(), 7, "the first two were more than a day ago");
    world.finish().await;
}

#[tokio::test]
async fn what_was_redirected_does_not_count_once_it_is_over() {
    let server = Smtp::start().await;
    let mut world = World::with(redirected(&server), &debtors(1, 3)).await;
    world.round().await;
    assert_eq!(server.accepted().len(), 3);
    world.reconfigure(|_| limited(&server)).await;
    world.minutes(10);
    world.round().await;
    assert_eq!((server.accepted().len(), world.queue().await), (6, Vec::<String>::new()), "3 of 3");
    world.finish().await;
}

#[tokio::test]
async fn each_time_the_brake_falls_a_letter_tells_of_it() {
    let server = Smtp::start().await;
    let world = World::with(limited(&server), &debtors(1, 5)).await;
    world.round().await;
    world.review().await;
    world.store().release_braked(world.clock.now()).await.unwrap();
    world.insert(&debtors(6, 4)).await;
    world.minutes(10);
    world.round().await;
    world.review().await;
    assert_eq!(server.to("compta@canal.example").len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn while_the_brake_holds_even_a_few_more_are_held() {
    let server = Smtp::start().await;
    let world = World::with(limited(&server), &debtors(1, 5)).await;
    world.round().await;
    world.insert(&debtors(6, 1)).await;
    world.round().await;
    assert_eq!(world.queue().await, ["braked 6"]);
    assert_eq!(server.begun().len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn what_was_paid_while_it_was_held_does_not_leave_when_released() {
    let server = Smtp::start().await;
    let world = World::with(limited(&server), &debtors(1, 4)).await;
    world.round().await;
    world.pay("F-02").await;
    world.store().release_braked(world.clock.now()).await.unwrap();
    world.deliver().await;
    assert_eq!(server.accepted().len(), 3);
    assert_eq!(world.whose("cancelled").await, ["C02"]);
    // The release was for what was held then: the debtor's next invoice counts like any other.
    world.insert(&debtors(11, 3)).await;
    world.insert(&[Row::new("F-99", "C02")]).await;
    world.days(1);
    world.minutes(10);
    world.round().await;
    assert_eq!(world.queue().await, ["braked 4"]);
    world.finish().await;
}

#[tokio::test]
async fn a_released_debtor_whose_address_is_dead_may_be_reached_by_the_next_channel() {
    let server = Smtp::start().await;
    server.always("c01@client.example", Act::Reply(Stage::Rcpt, 550, "5.1.1 unknown"));
    let mut rows = debtors(1, 4);
    rows[0] = rows[0].clone().with("phone", "0470 00 00 01");
    let world = World::with(limited(&server).with_sms_file(), &rows).await;
    world.round().await;
    world.store().release_braked(world.clock.now()).await.unwrap();
    world.deliver().await;
    world.round().await;
    let outcomes = world.outcomes().await;
    assert_eq!(
        outcomes.last().unwrap(),
        "accepted sms reminder",
        "the release was for the contact, whatever the channel: {outcomes:?}"
    );
    assert_eq!(world.queue().await, Vec::<String>::new());
    world.finish().await;
}

//! What the metrics say after sends, refusals, doubts and brakes; and what keeps a daemon from being ready.

use super::{families, observed, samples};
use crate::support::{Act, Config, Greet, Row, Smtp, Stage, World};
use relance::daemon::Ailment;
use relance::domain::attempt::{FaultClass, Outcome};
use relance::domain::step::Channel;
use relance::flow::pulse::Pump;
use relance::store::payloads::Payload;
use std::time::Duration;

const GONE: Act = Act::Reply(Stage::Rcpt, 550, "5.1.1 <c1@client.example>: no such user");
const BUSY: Act = Act::Reply(Stage::Rcpt, 452, "4.2.2 mailbox full");
const SILENT: Act = Act::Close(Stage::Dot);

fn rows(count: usize) -> Vec<Row> {
    (1..=count).map(|i| Row::new(&format!("F-{i}"), &format!("C{i}")).with("phone", "0470 00 00 01")).collect()
}

#[tokio::test]
async fn outcomes_are_counted_by_channel_and_class() {
    let server = Smtp::start().await;
    server.next(&[GONE, BUSY, SILENT, Act::Accept]);
    let config = Config::mail(server.port).email_line("connections = 1").email_line("when_uncertain = \"hold\"").with_sms_file();
    let world = World::with(config, &rows(4)).await;
    let (observed, _) = observed(&world);
    let before = observed.metrics().await;
    assert!(before.good, "{}", before.text);
    let seen = samples(&before.text);
    assert_eq!(
        seen["relance_attempts_total{channel=\"email\",outcome=\"refused\",class=\"address\"}"], 0.0,
        "there from the start"
    );
    assert_eq!(seen["relance_polls_total{outcome=\"good\"}"], 1.0);
    assert_eq!(seen["relance_ledger_rows"], 4.0);
    world.plan().await;
    let planned = samples(&observed.metrics().await.text);
    assert_eq!(planned["relance_outbox_messages{channel=\"email\",state=\"queued\"}"], 4.0);
    assert_eq!(planned["relance_messages_planned_total"], 4.0);
    world.deliver().await;
    world.minutes(7);
    let page = observed.metrics().await.text;
    let seen = samples(&page);
    let attempts = |channel: &str, outcome: Outcome, class: Option<FaultClass>| {
        let class = class.map_or("none", FaultClass::as_str);
        seen[&format!("relance_attempts_total{{channel=\"{channel}\",outcome=\"{outcome}\",class=\"{class}\"}}")]
    };
    assert_eq!(attempts("email", Outcome::Refused, Some(FaultClass::Address)), 1.0);
    assert_eq!(attempts("email", Outcome::Deferred, Some(FaultClass::Mailbox)), 1.0);
    let sum = |start: &str| seen.iter().filter(|(k, _)| k.starts_with(start)).map(|(_, v)| v).sum::<f64>();
    assert_eq!(sum("relance_attempts_total{channel=\"email\",outcome=\"unknown\""), 1.0);
    assert_eq!(attempts("email", Outcome::Accepted, None), 1.0);
    assert_eq!(sum("relance_attempts_total") as usize, world.log().await.len(), "each attempt of the log once");
    assert_eq!(seen["relance_outbox_messages{channel=\"email\",state=\"uncertain\"}"], 1.0);
    assert_eq!(seen["relance_outbox_messages{channel=\"email\",state=\"deferred\"}"], 1.0);
    assert_eq!(seen["relance_outbox_oldest_seconds{channel=\"email\",state=\"deferred\"}"], 420.0, "since its first try");
    assert_eq!(seen["relance_ledger_age_seconds"], 420.0);
    for told in ["C1", "client.example", "@", "+32", "5.1.1"] {
        assert!(!page.contains(told), "{told} is nobody's business:\n{page}");
    }
    let names = families(&page);
    assert!(names.iter().all(|n| n.starts_with("relance_")), "{names:?}");
    world.finish().await;
}

#[tokio::test]
async fn what_was_in_hand_at_a_crash_counts_as_unknown() {
    let server = Smtp::start().await;
    let mut world = World::with(Config::mail(server.port), &rows(1)).await;
    world.plan().await;
    let now = world.clock.now();
    let claimed = world.store().claim(Channel::Email, now, 1, None).await.unwrap();
    let payload = Payload::new(&claimed[0].address, b"a mail").unwrap();
    world.store().mark_sending(&[(claimed[0].pk, payload)], now).await.unwrap();
    world.crash().await;
    world.recover().await;
    let (observed, _) = observed(&world);
    let seen = samples(&observed.metrics().await.text);
    assert_eq!(seen["relance_attempts_total{channel=\"email\",outcome=\"unknown\",class=\"none\"}"], 1.0);
    world.finish().await;
}

#[tokio::test]
async fn what_stops_sending_has_a_code_and_keeps_it_from_being_ready() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).guard_line("max_messages_per_cycle = 2");
    let world = World::new(config).await;
    world.insert(&rows(3)).await;
    let (observed, vitals) = observed(&world);
    let ready = async || observed.ready().await;
    assert_eq!(ready().await.text, "poll_failed\n", "not read yet");
    assert!(!samples(&observed.metrics().await.text).contains_key("relance_ledger_age_seconds"), "what is not known is left out");
    world.poll().await;
    let good = ready().await;
    assert!(good.good && good.text == "ready\n", "{good:?}");
    world.plan().await;
    let seen = samples(&observed.metrics().await.text);
    assert_eq!(seen["relance_stopped{reason=\"too_many\"}"], 1.0);
    assert_eq!(seen["relance_stopped{reason=\"dry_run\"}"], 0.0);
    assert_eq!(seen["relance_outbox_messages{channel=\"email\",state=\"braked\"}"], 3.0);
    assert_eq!(ready().await.text, "too_many\n");
    world.days(2);
    assert_eq!(ready().await.text, "stale_data too_many\n");
    assert!(observed.alive().good, "alive is another matter");
    vitals.judge(Some(Ailment::Pump(Pump::Mail, Duration::from_secs(400))));
    let alive = observed.alive();
    assert!(!alive.good && alive.text == "pump_hangs:email\n", "{alive:?}");
    assert_eq!(ready().await.text, "pump_hangs:email stale_data too_many\n");
    vitals.judge(None);
    observed.loses("store_away");
    assert_eq!(ready().await.text, "store_away\n");
    assert!(observed.alive().good, "a daemon that waits for its store lives");
    assert!(!observed.metrics().await.good);
    world.finish().await;
}

#[tokio::test]
async fn a_broken_channel_is_told_and_stops_only_itself() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).with_sms_file();
    let world = World::with(config, &rows(1)).await;
    let (observed, _) = observed(&world);
    world.plan().await;
    server.greet(&[Greet::Close; 8]);
    world.deliver().await;
    let seen = samples(&observed.metrics().await.text);
    assert_eq!(seen["relance_channel_stopped{channel=\"email\"}"], 1.0);
    assert_eq!(seen["relance_channel_stopped{channel=\"sms\"}"], 0.0);
    let deferred = seen.iter().filter(|(k, _)| k.contains("outcome=\"deferred\"")).map(|(_, v)| v).sum::<f64>();
    assert_eq!(deferred, 1.0);
    assert!(observed.ready().await.good, "SMS still leave");
    world.finish().await;
}

#[tokio::test]
async fn a_pump_is_counted_by_its_steps() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port).guard_line("dry_run = true"), &rows(1)).await;
    let (observed, _) = observed(&world);
    let tally = &world.desk().tally;
    tally.stepped(Pump::Plan, Duration::from_millis(1500), true);
    tally.stepped(Pump::Plan, Duration::from_millis(500), false);
    let seen = samples(&observed.metrics().await.text);
    assert_eq!(seen["relance_pump_seconds_total{pump=\"plan\"}"], 2.0);
    assert_eq!(seen["relance_pump_steps_total{pump=\"plan\"}"], 2.0);
    assert_eq!(seen["relance_pump_failures_total{pump=\"plan\"}"], 1.0);
    assert_eq!(seen["relance_dry_run"], 1.0);
    assert_eq!(observed.ready().await.text, "dry_run\n");
    world.finish().await;
}

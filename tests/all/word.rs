//! The operator's word on messages that may or may not have left: what becomes of the message, of its step, of the
//! other channel of the same contact, and of the thread.

use crate::program::{ALWAYS, Firm, at_once, late, word};
use crate::support::config::BOTH;
use crate::support::http::{Answer, Http};
use crate::support::{Act, Config, Row, Smtp, Stage, World};
use relance::domain::step::Channel;
use relance::flow::word::Word;
use relance::store::payloads::Payload;

/// Mail that waits for a person when it is in doubt, and SMS by a gateway.
struct Scene {
    server: Smtp,
    gateway: Http,
    world: World,
}

const TAKEN: &str = "0: Accepted for delivery";

/// The mail falls into doubt; the gateway asks to try again.
async fn mail_in_doubt() -> Scene {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Dot)]);
    let gateway = Http::start(Answer::new(202, TAKEN)).await;
    gateway.next(&[Answer::new(503, "Temporal failure, try again later.")]);
    let config = Config::mail(server.port).email_line("when_uncertain = \"hold\"").with_sms("kannel", gateway.port).cadence(BOTH);
    let world = World::with(config, &[Row::new("F-1", "C1").with("phone", "+32470000001")]).await;
    world.round().await;
    let mut outcomes = world.outcomes().await;
    outcomes.sort();
    assert_eq!(outcomes, ["deferred sms reminder server", "unknown email reminder network"]);
    Scene { server, gateway, world }
}

impl Scene {
    async fn contact(&self) -> String {
        self.world.peek("SELECT state FROM contact ORDER BY pk").await.join(",")
    }

    async fn marks(&self) -> Vec<String> {
        self.world.peek("SELECT step || ' ' || kind || coalesce(' ' || why, '') FROM mark ORDER BY 1").await
    }

    /// A week of rounds.
    async fn go_on(&self) {
        for _ in 0..8 {
            self.world.round().await;
            self.world.days(1);
        }
    }

    fn sent(&self) -> (usize, usize) {
        (self.server.accepted().len(), self.gateway.requests().len())
    }
}

#[tokio::test]
async fn a_dropped_mail_is_not_forgotten_when_the_other_channel_is_refused_later() {
    let scene = mail_in_doubt().await;
    let world = &scene.world;
    world.say(Word::Drop).await;
    assert_eq!(scene.contact().await, "in_hand", "nothing is uncertain any more; the SMS is on its way");
    assert_eq!(scene.marks().await, ["reminder in_hand"]);
    scene.gateway.usually(Answer::new(400, "message refused"));
    world.minutes(10);
    world.round().await;
    assert_eq!((scene.contact().await.as_str(), scene.marks().await), ("dropped", vec!["reminder skipped dropped".to_owned()]));
    scene.go_on().await;
    assert_eq!(scene.sent(), (0, 2), "neither again");
    assert_eq!(world.reasons().await, ["passed_over 1"], "nothing firmer without the reminder");
    scene.world.finish().await;
}

#[tokio::test]
async fn a_mail_dropped_after_the_other_channel_was_refused_ends_the_step() {
    let scene = mail_in_doubt().await;
    scene.gateway.usually(Answer::new(400, "message refused"));
    scene.world.minutes(10);
    scene.world.round().await;
    assert_eq!((scene.contact().await.as_str(), scene.marks().await), ("maybe", vec!["reminder maybe".to_owned()]));
    scene.world.say(Word::Drop).await;
    assert_eq!((scene.contact().await.as_str(), scene.marks().await), ("dropped", vec!["reminder skipped dropped".to_owned()]));
    scene.go_on().await;
    assert_eq!(scene.sent(), (0, 2));
    scene.world.finish().await;
}

#[tokio::test]
async fn the_other_channel_carries_the_step_when_one_is_dropped() {
    let scene = mail_in_doubt().await;
    scene.world.say(Word::Drop).await;
    scene.world.minutes(10);
    scene.world.round().await;
    assert_eq!(scene.sent(), (0, 2));
    assert_eq!((scene.contact().await.as_str(), scene.marks().await), ("left", vec!["reminder left".to_owned()]));
    scene.world.days(10);
    scene.world.round().await;
    assert_eq!(scene.sent(), (1, 3), "the reminder was accepted by SMS, so the firm step may follow, by both");
    scene.world.finish().await;
}

/// What may have left counts for spacing (R6), whatever a person says of it.
#[tokio::test]
async fn a_dropped_contact_still_counts_as_one() {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Dot)]);
    let config = Config::mail(server.port).email_line("when_uncertain = \"hold\"");
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.round().await;
    world.say(Word::Drop).await;
    let two = Row::new("F-2", "C1");
    world.insert(&[two]).await;
    world.round().await;
    assert_eq!(world.reasons().await, ["spacing 1"]);
    assert_eq!(server.accepted().len(), 0);
    world.days(3);
    world.round().await;
    let mail = server.only();
    assert!(mail.parsed().text().contains("F-2"), "{}", mail.parsed().text());
    world.finish().await;
}

/// What holds the case after a drop is said as it is, and nobody is called unreachable for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_dropped_step_is_explained_as_such() {
    let server = Smtp::start().await;
    server.always("c1@client.example", Act::Close(Stage::Dot));
    let firm_step = "[[step]]\nid = \"firm\"\nwhen = \"2 days after due\"\nchannel = \"email\"\n";
    let config =
        at_once(Config::mail(server.port)).cadence(&format!("{ALWAYS}{firm_step}")).email_line("when_uncertain = \"hold\"");
    let firm = Firm::new(&config, &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(1);
    let id = firm.object(&["uncertain"])["id"].to_string();
    firm.run(&["uncertain", &id, "drop"]).ends(0);
    firm.run(&["run", "--once"]).ends(0);
    let told = firm.object(&["explain", "C1"]);
    assert_eq!((word(&told["decision"]), word(&told["reason"])), ("hold", "passed_over"));
    let rules = told["rules"].to_string();
    assert!(rules.contains("F-1: step firm: the step before it was passed over by a person's word"), "{rules}");
    assert!(!told.to_string().contains("could not be delivered"), "{told}");
    assert_eq!(firm.object(&["status"])["unreachable"], serde_json::json!([]));
    let text = firm.run(&["explain", "C1"]).ends(0).out;
    assert!(text.contains("Why:      a step was passed over by your word") && text.contains(" (hold, passed_over)\n"), "{text}");
}

#[tokio::test]
async fn what_is_sent_again_is_in_hand_and_no_longer_uncertain() {
    let scene = mail_in_doubt().await;
    scene.world.say(Word::Resend).await;
    assert_eq!((scene.contact().await.as_str(), scene.marks().await), ("in_hand", vec!["reminder in_hand".to_owned()]));
    scene.world.plan().await;
    assert_eq!(scene.world.reasons().await, ["in_hand 1"]);
    scene.world.deliver().await;
    assert_eq!(scene.server.accepted().len(), 1);
    assert_eq!(scene.contact().await, "left");
    scene.world.minutes(10);
    scene.world.round().await;
    scene.world.finish().await;
}

#[tokio::test]
async fn a_mail_that_has_arrived_is_the_first_of_its_thread() {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Dot)]);
    let config = Config::mail(server.port).email_line("when_uncertain = \"hold\"");
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.round().await;
    let first = server.whole()[0].message_id();
    world.say(Word::Sent).await;
    world.days(10);
    world.round().await;
    let next = server.only().parsed();
    assert_eq!((next.header("References"), next.header("In-Reply-To")), (first.clone(), first));
    world.finish().await;
}

/// A further mail that falls into doubt belongs to the thread that it was sent under, and so does what it brought in.
#[tokio::test]
async fn a_later_mail_that_has_arrived_keeps_its_thread() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).email_line("when_uncertain = \"hold\"");
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.round().await;
    let first = server.only().message_id();
    world.insert(&[Row::new("F-2", "C1")]).await;
    world.days(10);
    server.next(&[Act::Close(Stage::Dot)]);
    world.round().await;
    world.say(Word::Sent).await;
    let threads = world.peek("SELECT '<' || thread || '>' FROM invoice ORDER BY pk").await;
    assert_eq!(threads, [first.clone(), first]);
    world.finish().await;
}

/// A trial is no mail to the customer.
#[tokio::test]
async fn a_redirected_mail_begins_no_thread() {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Dot)]);
    let config =
        Config::mail(server.port).email_line("when_uncertain = \"hold\"").guard_line("redirect_to = \"me@canal.example\"");
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.round().await;
    world.say(Word::Sent).await;
    assert_eq!(world.peek("SELECT coalesce(thread, 'none') FROM invoice").await, ["none"]);
    world.finish().await;
}

/// A doubtful message whose next try was marked and taken back, and that then may not leave: a person can still say
/// what became of it, and the log has the very mail that was in doubt.
#[tokio::test]
async fn a_doubt_survives_a_try_that_was_not_begun() {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Dot)]);
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1")]).await;
    world.round().await;
    let doubtful = world.log().await[0].payload_pk;
    world.minutes(1);
    let now = world.clock.now();
    let claimed = world.store().claim(Channel::Email, now, 1, None).await.unwrap();
    let payload = Payload::new(&claimed[0].address, b"another try").unwrap();
    let kept = world.store().mark_sending(&[(claimed[0].pk, payload)], now).await.unwrap();
    world.store().unmark(&[(claimed[0].pk, kept[0])], now).await.unwrap();
    world.hold("C1", "2026-12-01").await;
    world.deliver().await;
    assert_eq!(world.queue().await, ["uncertain 1"]);
    world.say(Word::Sent).await;
    let log = world.log().await;
    let last = log.last().unwrap();
    assert_eq!(
        (last.outcome.as_str(), last.payload_pk, last.address.as_deref()),
        ("accepted", doubtful, Some("c1@client.example"))
    );
    world.finish().await;
}

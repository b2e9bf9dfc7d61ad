//! What comes back changes what is sent next, and only as far as it is sure: reports, answers, machines, strangers.

use crate::support::world::KEY;
use crate::support::{Config, Row, Smtp, World};
use relance::channel::token::Keys;
use relance::domain::attempt::FaultClass;
use relance::domain::inbound::{Came, Clues, Incoming, Returned, TokenClue, Via};
use relance::flow::listen::{self, Taken};

/// The day of the tests' Monday, since 1970.
pub const DAY: i64 = 20_759;

/// When the firm step leaves behind a reminder of that Monday: eight days after it is the eve of a holiday (R20).
const FIRM: &str = "2026-11-12T10:00:00+01:00";

pub const NOBODY: Vec<String> = Vec::new();

pub fn keys() -> Keys {
    let bytes: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&KEY[2 * i..2 * i + 2], 16).unwrap()).collect();
    Keys::new(bytes.try_into().unwrap())
}

pub fn token(purpose: &'static str, message: i64, day: i64) -> TokenClue {
    TokenClue { purpose, token: keys().token(purpose, message, day) }
}

pub fn incoming(key: &str, came: Came, clues: Clues) -> Incoming {
    let text = "I shall pay on Friday.".to_owned();
    Incoming { key: key.to_owned(), via: Via::Mail, came, clues, subject: "Re: F-1".to_owned(), text, dated: None }
}

/// A report on a message, by the mark in its return path.
pub fn report(message: i64, class: FaultClass, words: &str) -> Incoming {
    let returned = Returned { class, expired: words.starts_with('4'), words: words.to_owned() };
    let clues = Clues { tokens: vec![token("bounce", message, DAY)], ..Clues::default() };
    incoming(words, Came::Failed(returned), clues)
}

/// A person's answer to a message, by the mark in the address it went to.
pub fn answer(key: &str, message: i64) -> Incoming {
    let clues =
        Clues { tokens: vec![token("reply", message, DAY)], from: Some("boss@elsewhere.example".to_owned()), ..Clues::default() };
    incoming(key, Came::Reply, clues)
}

/// An answer that only bears an address.
pub fn from(key: &str, address: &str) -> Incoming {
    incoming(key, Came::Reply, Clues { from: Some(address.to_owned()), ..Clues::default() })
}

pub async fn take(world: &World, what: &Incoming) -> Taken {
    listen::take(world.desk(), what, world.clock.now()).await.unwrap()
}

/// A customer whose reminder has left by mail as message 1.
pub async fn reminded(server: &Smtp, phone: bool) -> World {
    let row = Row::new("F-1", "C1");
    let row = if phone { row.with("phone", "+32470123456") } else { row };
    let config = Config::mail(server.port);
    let config = if phone { config.with_sms_file() } else { config };
    let world = World::with(config, &[row]).await;
    world.plan().await;
    world.deliver().await;
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    world
}

/// What the last look at the only customer came to.
pub async fn reason(world: &World) -> String {
    world.plan().await;
    world.reasons().await.concat()
}

#[tokio::test]
async fn r2_a_returned_reminder_voids_the_time_that_it_began() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    world.days(2);
    let taken = take(&world, &report(1, FaultClass::Address, "550 5.1.1 no such user")).await;
    assert_eq!(taken, Taken::Matched(vec!["C1".to_owned()]));
    assert_eq!(world.outcomes().await[1..], ["refused email reminder address returned"]);
    assert_eq!(world.peek("SELECT address FROM point").await, ["c1@client.example"]);
    assert_eq!(world.peek("SELECT state FROM message").await, ["refused"]);

    // Nothing firmer ever leaves, and nobody is left in the dark.
    for _ in 0..20 {
        world.days(1);
        world.round().await;
    }
    assert_eq!(server.accepted().len(), 1);
    assert_eq!(reason(&world).await, "no_address 1");
    world.review().await;
    assert!(world.alerts().await.contains(&"unreachable:C1".to_owned()), "{:?}", world.alerts().await);
    world.finish().await;
}

#[tokio::test]
async fn what_came_back_goes_by_the_next_channel_and_its_time_counts_anew() {
    let server = Smtp::start().await;
    let world = reminded(&server, true).await;
    world.days(2);
    take(&world, &report(1, FaultClass::Mailbox, "552 5.2.2 mailbox full")).await;
    assert_eq!(world.peek("SELECT address FROM point").await, NOBODY, "a full box is somebody's");
    world.round().await;
    assert_eq!(
        world.outcomes().await[1..],
        ["refused email reminder mailbox returned", "accepted sms reminder"],
        "the reminder that arrived is the one by SMS"
    );
    assert_eq!(world.peek("SELECT step || ' ' || on_day FROM mark WHERE kind = 'left'").await, ["reminder 2026-11-04"]);
    // Eight days behind the one that arrived, the firm one goes by mail again.
    world.days(7);
    assert_eq!(world.round().await.accepted, 0);
    world.days(1);
    assert_eq!(world.round().await.accepted, 1);
    assert_eq!(world.outcomes().await[3..], ["accepted email firm"]);
    world.finish().await;
}

#[tokio::test]
async fn a_report_stops_a_firmer_step_that_is_already_decided() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    world.set(FIRM);
    world.poll().await;
    world.plan().await;
    assert_eq!(world.queue().await, ["queued 1"], "the firm step waits to leave");
    take(&world, &report(1, FaultClass::Message, "554 5.7.1 rejected by policy")).await;
    world.deliver().await;
    assert_eq!(server.accepted().len(), 1);
    assert_eq!(world.queue().await, NOBODY);
    world.finish().await;
}

#[tokio::test]
async fn a_later_report_takes_back_no_step_that_came_after() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    world.set(FIRM);
    world.round().await;
    take(&world, &report(1, FaultClass::Network, "4.4.1 gave up after 5 days")).await;
    assert_eq!(world.peek("SELECT state FROM message ORDER BY pk").await, ["expired", "accepted"]);
    world.days(7);
    world.round().await;
    let steps: Vec<String> = world.log().await.into_iter().map(|a| a.step).collect();
    assert_eq!(steps, ["reminder", "firm", "reminder", "final"], "the firm one arrived, and the final one builds on it");
    world.finish().await;
}

#[tokio::test]
async fn a_delay_changes_nothing() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    let Came::Failed(returned) = report(1, FaultClass::Network, "4.4.1 still trying").came else { panic!() };
    let late = Incoming { came: Came::Delayed(returned), ..report(1, FaultClass::Network, "x") };
    assert_eq!(take(&world, &late).await, Taken::Matched(vec!["C1".to_owned()]));
    assert_eq!(world.peek("SELECT state FROM message").await, ["accepted"]);
    assert_eq!(world.outcomes().await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_mailbox_that_hands_on_to_nobody_keeps_its_own_address() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    let mut elsewhere = report(1, FaultClass::Address, "550 5.1.1 unknown");
    elsewhere.clues.recipient = Some("left-the-firm@other.example".to_owned());
    take(&world, &elsewhere).await;
    assert_eq!(world.peek("SELECT address FROM point").await, NOBODY);
    assert_eq!(world.outcomes().await[1..], ["refused email reminder mailbox returned"]);
    world.finish().await;
}

#[tokio::test]
async fn the_same_report_twice_is_one() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    let returned = report(1, FaultClass::Address, "550 5.1.1 no such user");
    take(&world, &returned).await;
    assert_eq!(take(&world, &returned).await, Taken::Known);
    // Another report on the same message is listed, and is no second refusal.
    take(&world, &report(1, FaultClass::Address, "550 5.1.1 no such user here")).await;
    assert_eq!(world.outcomes().await.len(), 2);
    assert_eq!(world.peek("SELECT kind FROM inbound ORDER BY pk").await, ["failed", "failed"]);
    world.finish().await;
}

#[tokio::test]
async fn a_mark_that_is_not_genuine_ends_the_matching() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    let genuine = report(1, FaultClass::Address, "550 5.1.1 no such user");
    let id = world.peek("SELECT message_id FROM message").await.concat();
    let marks = [
        TokenClue { purpose: "bounce", token: "1-5117-0123456789abcdef".to_owned() },
        // For an answer, not for a report; of another key; from another year; from the future.
        TokenClue { purpose: "bounce", token: token("reply", 1, DAY).token },
        TokenClue { purpose: "bounce", token: Keys::new([9; 32]).token("bounce", 1, DAY) },
        token("bounce", 1, DAY - 61),
        token("bounce", 1, DAY + 2),
        token("bounce", 77, DAY),
    ];
    for (n, mark) in marks.into_iter().enumerate() {
        let mut forged = Incoming { key: format!("forged {n}"), ..genuine.clone() };
        forged.clues = Clues { tokens: vec![mark], returned_id: Some(id.clone()), ..Clues::default() };
        assert_eq!(take(&world, &forged).await, Taken::Unmatched, "{n}");
    }
    assert_eq!(world.peek("SELECT address FROM point").await, NOBODY);
    assert_eq!(world.outcomes().await.len(), 1);
    assert_eq!(world.peek("SELECT text FROM inbound WHERE text <> ''").await, NOBODY, "no words of strangers are kept");
    world.finish().await;
}

#[tokio::test]
async fn reports_without_a_mark_are_known_by_the_envelope_and_by_the_mail_they_give_back() {
    let server = Smtp::start().await;
    for by in ["envelope_id", "returned_id"] {
        let world = reminded(&server, false).await;
        let id = world.peek("SELECT message_id FROM message").await.concat();
        let mut returned = report(1, FaultClass::Address, "550 5.1.1 no such user");
        returned.clues = match by {
            "envelope_id" => Clues { envelope_id: id.split('@').next().map(str::to_owned), ..Clues::default() },
            _ => Clues { returned_id: Some(id), ..Clues::default() },
        };
        take(&world, &returned).await;
        assert_eq!(world.peek("SELECT matched_by FROM inbound").await, [by]);
        // A Message-ID stands in the mail for all to see, and makes nobody's address dead.
        let dead = if by == "envelope_id" { vec!["c1@client.example".to_owned()] } else { NOBODY };
        assert_eq!(world.peek("SELECT address FROM point").await, dead);
        assert_eq!(world.peek("SELECT state FROM message").await, ["refused"]);
        world.finish().await;
    }
    // Whoever writes from the customer's address makes no report.
    let world = reminded(&server, false).await;
    let mut weak = report(1, FaultClass::Address, "550 5.1.1 no such user");
    weak.clues = Clues { from: Some("c1@client.example".to_owned()), ..Clues::default() };
    assert_eq!(take(&world, &weak).await, Taken::Unmatched);
    world.finish().await;
}

#[tokio::test]
async fn a_report_on_a_trial_says_nothing_of_the_customer() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).guard_line("redirect_to = \"me@canal.example\"");
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    world.deliver().await;
    take(&world, &report(1, FaultClass::Address, "550 5.1.1 no such user")).await;
    assert_eq!(world.peek("SELECT address FROM point").await, NOBODY);
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    world.finish().await;
}

#[tokio::test]
async fn an_answer_holds_the_case_until_it_is_read() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    world.days(1);
    assert_eq!(take(&world, &answer("a", 1)).await, Taken::Matched(vec!["C1".to_owned()]));
    assert_eq!(reason(&world).await, "reply_unread 1");
    world.review().await;
    let told = world.peek("SELECT text FROM alert WHERE key LIKE 'inbound:%'").await.concat();
    assert!(told.contains("I shall pay on Friday.") && told.contains("relance inbox read 1"), "{told}");
    for _ in 0..9 {
        world.days(1);
        world.round().await;
    }
    assert_eq!(world.outcomes().await.len(), 1, "the firm step waits");

    assert!(world.store().mark_read(1, Some("anna"), None, world.clock.now()).await.unwrap());
    world.round().await;
    assert_eq!(world.outcomes().await[1..], ["accepted email firm"]);
    assert!(!world.store().mark_read(1, None, None, world.clock.now()).await.unwrap(), "it is read already");
    world.finish().await;
}

#[tokio::test]
async fn r19_an_answer_nobody_reads_holds_for_ten_working_days_and_no_other_makes_that_longer() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    take(&world, &answer("a", 1)).await;
    world.days(7);
    take(&world, &answer("b", 1)).await;
    take(&world, &from("c", "C1@client.example")).await;
    // Ten working days, of which the 11th is none.
    assert_eq!(world.peek("SELECT until_day FROM hold").await, ["2026-11-17"]);
    world.set("2026-11-16T10:00:00+01:00");
    assert_eq!(world.round().await.accepted, 0);
    world.set("2026-11-17T10:00:00+01:00");
    assert_eq!(world.round().await.accepted, 1);
    assert_eq!(world.outcomes().await[1..], ["accepted email firm"]);
    world.finish().await;
}

#[tokio::test]
async fn who_answers_again_when_the_first_hold_is_over_gets_no_reminder_for_it() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    take(&world, &answer("a", 1)).await;
    world.set("2026-11-17T08:00:00+01:00");
    // Anybody can write an address: it holds nothing anew while the first is unread. Our mark cannot be guessed.
    take(&world, &from("b", "c1@client.example")).await;
    assert_eq!(world.peek("SELECT until_day FROM hold").await, ["2026-11-17"]);
    take(&world, &answer("c", 1)).await;
    take(&world, &answer("d", 1)).await;
    assert_eq!(world.peek("SELECT until_day FROM hold ORDER BY pk").await, ["2026-11-17", "2026-12-01"]);
    world.set("2026-11-30T10:00:00+01:00");
    assert_eq!(world.round().await.accepted, 0);
    world.set("2026-12-01T10:00:00+01:00");
    assert_eq!(world.round().await.accepted, 1);
    world.finish().await;
}

#[tokio::test]
async fn an_answer_known_by_nothing_but_an_address_is_no_sign_of_life() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    assert_eq!(take(&world, &from("a", "c1@CLIENT.example")).await, Taken::Matched(vec!["C1".to_owned()]));
    assert_eq!(world.peek("SELECT coalesce(last_sign_at, 0) || '' FROM debtor").await, ["0"]);
    assert_eq!(reason(&world).await, "reply_unread 1");
    take(&world, &answer("b", 1)).await;
    assert_ne!(world.peek("SELECT coalesce(last_sign_at, 0) || '' FROM debtor").await, ["0"]);
    world.finish().await;
}

#[tokio::test]
async fn an_answer_from_a_mailbox_of_many_customers_is_nobodys() {
    for (customers, held) in [(5, 5), (6, 0)] {
        let rows: Vec<Row> = (1..=customers)
            .map(|n| Row::new(&format!("F-{n}"), &format!("C{n}")).with("email", "office@accountant.example"))
            .collect();
        let server = Smtp::start().await;
        let world = World::with(Config::mail(server.port), &rows).await;
        take(&world, &from("a", "office@accountant.example")).await;
        assert_eq!(world.peek("SELECT reason FROM hold").await.len(), held);
        world.finish().await;
    }
}

#[tokio::test]
async fn strangers_machines_and_our_own_change_nothing() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    assert_eq!(take(&world, &from("a", "stranger@elsewhere.example")).await, Taken::Unmatched);
    assert_eq!(take(&world, &from("b", "Compta@canal.example")).await, Taken::Own);
    let back_on = Some("2026-11-20".parse().unwrap());
    let machine = Incoming { came: Came::Automatic { back_on }, ..answer("c", 1) };
    assert_eq!(take(&world, &machine).await, Taken::Matched(vec!["C1".to_owned()]));
    assert_eq!(world.peek("SELECT reason FROM hold").await, NOBODY);
    assert_eq!(world.peek("SELECT coalesce(last_sign_at, 0) || '' FROM debtor").await, ["0"]);
    assert_eq!(world.peek("SELECT back_on FROM inbound WHERE back_on IS NOT NULL").await, ["2026-11-20"]);
    world.set(FIRM);
    assert_eq!(world.round().await.accepted, 1, "the firm step leaves as if nothing had come");
    world.finish().await;
}

#[tokio::test]
async fn what_belongs_to_nobody_is_kept_for_a_thousand_and_no_more() {
    let server = Smtp::start().await;
    let world = reminded(&server, false).await;
    for n in 0..1010 {
        take(&world, &from(&format!("spam {n}"), "spam@elsewhere.example")).await;
    }
    assert_eq!(world.peek("SELECT count(*) || '' FROM inbound").await, ["1000"]);
    assert_eq!(world.peek("SELECT key FROM inbound ORDER BY pk DESC LIMIT 1").await, ["spam 1009"]);
    world.finish().await;
}

#[tokio::test]
async fn stop_ends_sms_for_the_number_whosever_it_is() {
    let rows = ["1", "2"].map(|n| Row::new(&format!("F-{n}"), &format!("C{n}")).without("email").with("phone", "+32470123456"));
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port).with_sms_file(), &rows[..1]).await;
    let stop = Incoming { via: Via::Sms, came: Came::Stop, ..from("a", "+32470123456") };
    take(&world, &stop).await;
    world.insert(&rows[1..]).await;
    world.round().await;
    assert_eq!(world.reasons().await, ["no_address 2"], "also for a customer who came later");
    let explained = world.outcomes().await;
    assert!(explained.iter().all(|o| o.contains("its owner wants no more SMS")), "{explained:?}");
    world.finish().await;
}

#[tokio::test]
async fn what_came_goes_with_the_messages_when_it_was_kept_long_enough() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).file("conf.d/keep.toml", "[retention]\nmessages = \"90 days\"\n");
    let world = World::with(config, &[Row::new("F-1", "C1")]).await;
    world.plan().await;
    world.deliver().await;
    take(&world, &answer("a", 1)).await;
    take(&world, &answer("b", 1)).await;
    take(&world, &from("c", "stranger@elsewhere.example")).await;
    world.store().mark_read(1, None, Some("paid by cheque"), world.clock.now()).await.unwrap();
    world.pay("F-1").await;
    const KEPT: &str = "SELECT pk || ' ' || coalesce(sender, '-') || ' ' || text FROM inbound ORDER BY pk";
    let all = [
        "1 boss@elsewhere.example I shall pay on Friday.",
        "2 boss@elsewhere.example I shall pay on Friday.",
        "3 stranger@elsewhere.example ",
    ];
    world.poll().await;
    world.days(90);
    world.poll().await;
    relance::flow::retain::step(world.desk()).await.unwrap();
    assert_eq!(world.peek(KEPT).await, all);
    world.days(1);
    world.poll().await;
    relance::flow::retain::step(world.desk()).await.unwrap();
    assert_eq!(world.peek(KEPT).await, ["1 - ", all[1], "3 - "], "what nobody has read stays");
    // The same mail read once more is known.
    assert_eq!(take(&world, &answer("a", 1)).await, Taken::Known);
    world.finish().await;
}

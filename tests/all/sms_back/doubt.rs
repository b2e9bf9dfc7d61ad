//! A message of which nobody knew whether it had left, and its receipt: it settles the doubt, through ends of the program too.

use super::receipts::receipt;
use super::{Line, taken};
use crate::support::http::Answer;
use relance::domain::inbound::Via;
use relance::domain::step::Channel;
use relance::flow::listen::{self, Taken};
use relance::store::payloads::Payload;
use relance::store::returns::{Effect, MatchedBy, Taking};

async fn in_doubt() -> Line {
    let line = Line::silent("twilio", Answer::Close).await;
    line.world.round().await;
    assert_eq!(
        (line.world.outcomes().await, line.state().await.as_str()),
        (vec!["unknown sms reminder network".to_owned()], "uncertain")
    );
    line
}

#[tokio::test]
async fn what_arrived_was_accepted() {
    let line = in_doubt().await;
    for _ in 0..2 {
        assert_eq!(receipt(&line, "twilio", "SM1", ("delivered", "")).await, 200);
    }
    assert_eq!((line.state().await.as_str(), line.delivered().await), ("accepted", true));
    assert_eq!(line.world.outcomes().await[1..], ["accepted sms reminder"]);
    let log = line.world.log().await;
    assert_eq!(log[1].answer.as_deref(), Some("twilio says delivered"));
    assert_eq!(log[1].payload_pk, log[0].payload_pk, "it is about the text that may have left");
    assert_eq!(line.world.peek("SELECT kind FROM mark").await, ["left"]);
    assert_eq!(line.world.peek("SELECT state FROM contact").await, ["left"]);
    line.finish().await;
}

#[tokio::test]
async fn what_did_not_arrive_was_refused_and_may_be_had_anew() {
    let line = in_doubt().await;
    line.gateway.usually(taken("twilio", "SM2"));
    assert_eq!(receipt(&line, "twilio", "SM1", ("undelivered", "30003")).await, 200);
    assert_eq!(line.state().await, "refused");
    assert_eq!(line.world.outcomes().await[1..], ["refused sms reminder mailbox returned"]);
    assert_eq!(line.world.peek("SELECT state FROM contact").await, ["failed"]);
    line.finish().await;
}

/// With `resend` it waits to leave once more: what has arrived does not.
#[tokio::test]
async fn what_arrived_is_not_sent_again() {
    let line = Line::silent("twilio", Answer::Close).await;
    let mut line = line;
    line.world.reconfigure(|config| config.sms_line("when_uncertain = \"resend\"")).await;
    line.hooks.sees(line.world.desk());
    line.world.round().await;
    assert_eq!(line.state().await, "deferred");
    assert_eq!(receipt(&line, "twilio", "SM1", ("delivered", "")).await, 200);
    assert_eq!(line.state().await, "accepted");
    line.gateway.usually(taken("twilio", "SM2"));
    line.world.minutes(10);
    line.world.round().await;
    assert_eq!(line.gateway.requests().len(), 1);
    line.finish().await;
}

/// Killed while it was being sent; the receipt comes before, or after, the next start has settled that as a doubt.
#[tokio::test]
async fn a_receipt_tells_what_a_crash_left_open() {
    for before in [true, false] {
        let mut line = Line::silent("twilio", taken("twilio", "SM1")).await;
        line.world.plan().await;
        let store = line.world.store();
        let claimed = store.claim(Channel::Sms, line.world.clock.now(), 1, None).await.unwrap().remove(0);
        let payload = Payload::new(&claimed.address, b"text").unwrap();
        store.mark_sending(&[(claimed.pk, payload)], line.world.clock.now()).await.unwrap();
        let day = line.world.clock.now().as_second() / 86_400;
        let mark = line.world.desk().keys.token("receipt", claimed.pk, day);
        line.hooks.loses();
        line.world.crash().await;
        line.hooks.sees(line.world.desk());
        let target = format!("{}?mark={mark}", line.path());
        let fields = [("MessageSid", "SM1"), ("MessageStatus", "delivered")];
        let (headers, body) = super::sign::twilio(&target, &fields, crate::support::config::SMS_PASSWORD);
        if before {
            assert_eq!(line.say("POST", &target, &headers, &body).await, 200);
            assert_eq!(line.state().await, "sending");
        }
        line.world.recover().await;
        if !before {
            assert_eq!(line.state().await, "uncertain");
            assert_eq!(line.say("POST", &target, &headers, &body).await, 200);
        }
        assert_eq!((line.state().await.as_str(), line.delivered().await), ("accepted", true), "{before}");
        line.world.round().await;
        assert_eq!(line.gateway.requests().len(), 0, "it left before the crash, and once");
        line.finish().await;
    }
}

/// Two receipts at once, in two daemons: what the store knows counts, and not what was read before it.
#[tokio::test]
async fn a_failure_that_was_read_before_the_arrival_was_written_changes_nothing() {
    let line = Line::open("twilio", "SM1").await;
    let store = line.world.store();
    let before = store.ours(1).await.unwrap().unwrap();
    assert_eq!(receipt(&line, "twilio", "SM1", ("delivered", "")).await, 200);
    let attempt = store.last_attempt_of(&before).await.unwrap().unwrap().once_more();
    let effect = Effect::Refused { expired: false, attempt: Box::new(attempt), dead: Some("no such number".to_owned()) };
    let taking = Taking {
        key: "late".to_owned(),
        via: Via::Sms,
        kind: "failed",
        matched: Some((MatchedBy::Token, before.debtor_pk, Some(before))),
        sender: None,
        subject: String::new(),
        text: String::new(),
        class: None,
        grave: None,
        back_on: None,
        dated: None,
        effect,
        event: None,
        letter: None,
    };
    assert!(store.take_return(&taking, line.world.clock.now()).await.unwrap().is_some());
    assert_eq!((line.state().await.as_str(), line.world.outcomes().await.len()), ("accepted", 1));
    assert_eq!(line.world.peek("SELECT address FROM point").await, Vec::<String>::new());
    line.finish().await;
}

/// A failure cannot be taken while the message is on the wire; the gateway is asked to say it again.
#[tokio::test]
async fn a_failure_that_is_too_early_is_asked_for_again() {
    let line = Line::silent("twilio", taken("twilio", "SM1")).await;
    line.world.plan().await;
    let store = line.world.store();
    let claimed = store.claim(Channel::Sms, line.world.clock.now(), 1, None).await.unwrap().remove(0);
    let payload = Payload::new(&claimed.address, b"text").unwrap();
    store.mark_sending(&[(claimed.pk, payload)], line.world.clock.now()).await.unwrap();
    let mark = line.world.desk().keys.token("receipt", claimed.pk, line.world.clock.now().as_second() / 86_400);
    let target = format!("{}?mark={mark}", line.path());
    let (headers, body) =
        super::sign::twilio(&target, &[("MessageSid", "SM1"), ("MessageStatus", "failed")], crate::support::config::SMS_PASSWORD);
    assert_eq!(line.say("POST", &target, &headers, &body).await, 503);
    super::nothing_came(&line).await;
    line.world.recover().await;
    relance::flow::deliver::recover(line.world.desk(), Channel::Sms).await.unwrap();
    assert_eq!(line.state().await, "uncertain");
    assert_eq!(line.say("POST", &target, &headers, &body).await, 200);
    assert_eq!(line.state().await, "refused");
    line.finish().await;
}

/// Killed when it was on record and not yet answered: the gateway says it again, and nothing happens twice.
#[tokio::test]
async fn an_end_between_record_and_answer_doubles_nothing() {
    let mut line = Line::open("twilio", "SM1").await;
    let incoming = relance::domain::inbound::Incoming {
        key: "twilio:in:x".to_owned(),
        via: relance::domain::inbound::Via::Sms,
        came: relance::domain::inbound::Came::Reply,
        clues: relance::domain::inbound::Clues { from: Some("+32470000001".to_owned()), ..Default::default() },
        subject: "SMS".to_owned(),
        text: "Demain".to_owned(),
        dated: None,
    };
    let now = line.world.clock.now();
    assert_eq!(listen::take(line.world.desk(), &incoming, now).await.unwrap(), Taken::Matched(vec!["C1".to_owned()]));
    line.hooks.loses();
    line.world.crash().await;
    assert_eq!(listen::take(line.world.desk(), &incoming, now).await.unwrap(), Taken::Known);
    assert_eq!(
        line.world.peek("SELECT key FROM alert WHERE key LIKE 'inbound:%'").await,
        ["inbound:1"],
        "told once, and not forgotten"
    );
    line.finish().await;
}

//! What customers write: an answer holds the case, STOP ends SMS for the number, and nobody is answered.

use super::{FORM, JSON, Line, form, row, sign, signed, taken};
use crate::support::config::{BOTH, SMS_PASSWORD};
use crate::support::http::Http;
use crate::support::{Config, Smtp, World};

/// A message from a number, as the gateway hands it on.
async fn write(line: &Line, name: &str, id: &str, from: &str, text: &str) -> u16 {
    let path = line.path();
    match name {
        "kannel" => {
            line.get(&form(&[("from", from), ("to", "+32460000000"), ("text", text), ("id", id), ("at", "2026-11-02 10:00:00")]))
                .await
        }
        "twilio" => {
            let fields = [("MessageSid", id), ("SmsStatus", "received"), ("From", from), ("To", "+32460000000"), ("Body", text)];
            let (headers, body) = sign::twilio(&path, &fields, SMS_PASSWORD);
            line.say("POST", &path, &headers, &body).await
        }
        "vonage" => {
            let from = from.trim_start_matches('+');
            let signed = sign::vonage(
                &[("msisdn", from), ("to", "32460000000"), ("messageId", id), ("text", text), ("type", "text")],
                line.world.clock.now(),
            );
            let signed: Vec<(&str, &str)> = signed.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            line.say("POST", &path, FORM, &form(&signed)).await
        }
        "brevo" => {
            let body =
                serde_json::json!({ "to": from.trim_start_matches('+'), "msg_status": "replied", "reply": text, "ts_event": id });
            line.say("POST", &path, &format!("{JSON}Authorization: Bearer {}\r\n", super::SECRET), &body.to_string()).await
        }
        "messagebird" => {
            let body =
                form(&[("id", id), ("originator", from.trim_start_matches('+')), ("recipient", "32460000000"), ("body", text)]);
            let now = line.world.clock.now().as_second();
            let headers = sign::messagebird(&path, &body, now, now + 60).replace(JSON, FORM);
            line.say("POST", &path, &headers, &body).await
        }
        _ => panic!("{name}"),
    }
}

const ALL: [&str; 5] = ["kannel", "twilio", "vonage", "brevo", "messagebird"];

#[tokio::test]
async fn an_answer_holds_the_case_and_is_told_with_its_words() {
    for name in ALL {
        let line = Line::open(name, "1").await;
        let text = "Bonjour, payé hier & demain.\nMerci ☎";
        for _ in 0..2 {
            assert_eq!(write(&line, name, "in-1", "+32470000001", text).await, 200, "{name}");
        }
        assert_eq!(line.came().await, ["reply address"], "{name}");
        assert_eq!(line.world.peek("SELECT text FROM inbound").await, [text], "{name}");
        assert_eq!(line.world.peek("SELECT kind FROM hold WHERE ended_at IS NULL").await, ["reply"], "{name}");
        let letters = line.world.peek("SELECT text FROM alert WHERE key = 'inbound:1'").await;
        assert!(
            letters.len() == 1 && letters[0].contains("payé hier") && letters[0].ends_with("relance inbox read 1"),
            "{letters:?}"
        );
        // Nothing is answered, and nothing leaves while it is unread.
        line.world.insert(&[row("F-2", "C1", "+32470000001")]).await;
        line.world.days(4);
        line.world.round().await;
        assert_eq!(line.gateway.requests().len(), 1, "{name}");
        line.finish().await;
    }
}

#[tokio::test]
async fn a_number_in_national_form_is_the_customers_as_well() {
    let line = Line::open("kannel", "1").await;
    assert_eq!(write(&line, "kannel", "a", "0470000001", "Je paie demain").await, 200);
    assert_eq!(line.came().await, ["reply address"]);
    assert_eq!(line.world.peek("SELECT sender FROM inbound").await, ["+32470000001"]);
    line.finish().await;
}

#[tokio::test]
async fn what_strangers_and_names_write_is_listed_without_its_words() {
    let line = Line::open("kannel", "1").await;
    for (id, from) in [("a", "+33639981234"), ("b", "CANAL"), ("c", "8888"), ("d", "")] {
        assert_eq!(write(&line, "kannel", id, from, "C'est moi").await, 200, "{from}");
    }
    assert_eq!(line.came().await, ["reply nobody"; 4]);
    assert_eq!(line.world.peek("SELECT text FROM inbound").await, [""; 4]);
    assert_eq!(line.world.peek("SELECT kind FROM hold").await, Vec::<String>::new());
    line.finish().await;
}

#[tokio::test]
async fn stop_ends_sms_for_the_number_and_the_creditor_is_told_once() {
    for name in ALL {
        let line = Line::open(name, "1").await;
        for (id, word) in [("in-1", "Stop."), ("in-2", "ARRÊT")] {
            assert_eq!(write(&line, name, id, "+32470000001", word).await, 200, "{name}");
        }
        assert_eq!(line.came().await, ["stop address", "stop address"], "{name}");
        assert_eq!(line.world.peek("SELECT address FROM stopped").await, ["+32470000001"]);
        let letters = line.world.peek("SELECT subject FROM alert WHERE key LIKE 'inbound:%'").await;
        assert_eq!(letters, ["relance: C1 wants no more SMS"], "{name}");
        assert_eq!(line.world.peek("SELECT kind FROM hold").await, Vec::<String>::new(), "it holds nothing");
        let told = line.world.peek("SELECT text FROM event WHERE kind = 'stop'").await;
        assert_eq!(told[0], "wants no more SMS at this number");
        line.world.insert(&[row("F-2", "C1", "+32470000001")]).await;
        line.world.days(20);
        line.world.round().await;
        assert_eq!(line.gateway.requests().len(), 1, "{name}: nothing leaves, not even an answer");
        let said = line.world.log().await.pop().map(|a| format!("{:?} {:?}", a.why, a.answer)).unwrap_or_default();
        assert!(said.contains("its owner wants no more SMS"), "{name}: the log says why: {said}");
        line.finish().await;
    }
}

#[tokio::test]
async fn stop_in_a_sentence_is_an_answer() {
    let line = Line::open("kannel", "1").await;
    assert_eq!(write(&line, "kannel", "a", "+32470000001", "Stop, je vous ai payé !").await, 200);
    assert_eq!(line.came().await, ["reply address"]);
    assert_eq!(line.world.peek("SELECT address FROM stopped").await, Vec::<String>::new());
    line.finish().await;
}

/// A STOP that comes while a message waits to leave keeps that message; the mail beside it leaves.
#[tokio::test]
async fn stop_keeps_what_is_planned_already_and_the_other_channel_goes_on() {
    let (gateway, server) = (Http::start(taken("kannel", "")).await, Smtp::start().await);
    let config = signed(Config::mail(server.port).with_sms("kannel", gateway.port).cadence(BOTH));
    let world = World::with(config, &[row("F-1", "C1", "+32470000001").with("email", "c1@client.example")]).await;
    world.plan().await;
    assert_eq!(world.queue().await, ["queued 2"]);
    let line = Line::over(world, gateway).await;
    assert_eq!(write(&line, "kannel", "a", "+32470000001", "stop").await, 200);
    line.world.deliver().await;
    assert_eq!((server.accepted().len(), line.gateway.requests().len()), (1, 0));
    line.finish().await;
}

/// A number that nobody has is stopped all the same: who gets it in the ledger tomorrow gets no SMS there.
#[tokio::test]
async fn a_number_of_nobody_is_stopped_as_well_and_a_name_is_not() {
    let line = Line::open("kannel", "1").await;
    for (id, from) in [("a", "+33639981234"), ("b", "CANAL")] {
        assert_eq!(write(&line, "kannel", id, from, "STOP").await, 200);
    }
    assert_eq!(line.world.peek("SELECT address FROM stopped").await, ["+33639981234"]);
    assert_eq!(line.world.peek("SELECT subject FROM alert WHERE key LIKE 'inbound:%'").await, Vec::<String>::new());
    line.finish().await;
}

/// Without an id the same words at the same time are the same message; at another time they are not.
#[tokio::test]
async fn without_an_id_the_time_tells_messages_apart() {
    let line = Line::open("brevo", "1").await;
    for at in ["1", "1", "2"] {
        assert_eq!(write(&line, "brevo", at, "+32470000001", "Oui").await, 200);
    }
    assert_eq!(line.came().await, ["reply address", "reply address"]);
    line.finish().await;
}

#[tokio::test]
async fn an_endless_text_is_kept_short_and_tame() {
    let line = Line::open("twilio", "1").await;
    let text = format!("\u{1b}[2J\u{202e}{}", "x".repeat(20_000));
    assert_eq!(write(&line, "twilio", "a", "+32470000001", &text).await, 200);
    let kept = line.world.peek("SELECT text FROM inbound").await.concat();
    assert!(kept.chars().count() <= 8000 && !kept.contains(['\u{1b}', '\u{202e}']), "{} characters", kept.chars().count());
    line.finish().await;
}

//! SMS through Kannel: the request as its data file says, its recorded answers, and what becomes of each.

use crate::support::config::SMS_PASSWORD;
use crate::support::http::{Answer, Http};
use crate::support::{Config, Row, World};

const RECORDED: &str = include_str!("../samples/sms/kannel-1.4.5-answers.http");

/// A recorded answer, to the byte.
fn recorded(asked: &str) -> Answer {
    let mut parts = RECORDED.split("> ").filter(|p| p.starts_with(asked));
    let answer = parts.next().unwrap_or_else(|| panic!("no recording of «{asked}»"));
    let (_, answer) = answer.split_once('\n').unwrap();
    let (head, body) = answer.split_once("\n\n").or_else(|| answer.split_once("\r\n\r\n")).unwrap();
    let head: Vec<&str> = head.lines().map(str::trim_end).collect();
    let length: usize = head.iter().find_map(|l| l.strip_prefix("Content-Length: ")).unwrap().parse().unwrap();
    Answer::Raw([head.join("\r\n").as_bytes(), b"\r\n\r\n", &body.as_bytes()[..length]].concat())
}

fn accepted() -> Answer {
    recorded("GET sendsms to=+33155")
}

fn row(id: &str, customer: &str) -> Row {
    Row::new(id, customer).without("email").with("phone", "0470 00 00 01").with("customer_kind", "business")
}

#[tokio::test]
async fn the_request_is_as_kannel_wants_it() {
    let gateway = Http::start(accepted()).await;
    let letter = "{{ creditor.name }}: {{ invoice.number }} ({{ sum }}) à régler? a&b=c+d%20";
    let config = Config::sms("kannel", gateway.port).file("letters/fr/reminder.sms", letter);
    let world = World::with(config, &[row("F-1", "C1")]).await;
    world.round().await;
    let request = &gateway.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/cgi-bin/sendsms"));
    let fields: Vec<(&str, &str)> = request.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(
        fields,
        [
            ("username", "tester"),
            ("password", SMS_PASSWORD),
            ("to", "+32470000001"),
            ("text", "Atelier du Canal SRL: F-1 (120,00 €) à régler? a&b=c+d%20"),
            ("charset", "UTF-8"),
        ],
        "no sender is set, so none is sent; GSM 7-bit carries the text, so no coding is asked for"
    );
    assert!(request.query.contains("to=%2B32470000001"), "a plus sign is not a space: {}", request.query);
    assert_eq!(world.outcomes().await, ["accepted sms reminder"]);
    let attempt = &world.log().await[0];
    assert_eq!(attempt.answer.as_deref(), Some("HTTP 202: 0: Accepted for delivery"));
    assert_eq!(attempt.address.as_deref(), Some("+32470000001"));
    let kept = world.store().payload(attempt.payload_pk.unwrap()).await.unwrap().unwrap();
    assert_eq!(String::from_utf8(kept.message.unwrap()).unwrap(), fields[3].1, "the log keeps the very text");
    world.finish().await;
}

#[tokio::test]
async fn a_text_beyond_gsm_is_sent_as_unicode_and_a_sender_is_named_where_one_is_set() {
    let gateway = Http::start(accepted()).await;
    let config = Config::sms("kannel", gateway.port)
        .sms_line("from = \"Canal\"")
        .file("letters/fr/reminder.sms", "Œuvre {{ invoice.number }} – ☎");
    let world = World::with(config, &[row("F-1", "C1")]).await;
    world.round().await;
    let request = &gateway.requests()[0];
    assert_eq!(request.field("coding"), Some("2"));
    assert_eq!(request.field("from"), Some("Canal"));
    assert_eq!(request.field("text"), Some("Œuvre F-1 – ☎"));
    world.finish().await;
}

#[tokio::test]
async fn a_customers_name_cannot_add_fields_or_placeholders() {
    let gateway = Http::start(accepted()).await;
    let config = Config::sms("kannel", gateway.port).file("letters/fr/reminder.sms", "Bonjour {{ debtor.name }}, merci");
    let evil = row("F-1", "C1").with("customer_name", "X&to=+33900000000#{password}{to}");
    let world = World::with(config, &[evil]).await;
    world.round().await;
    let request = &gateway.requests()[0];
    assert_eq!(request.fields.iter().filter(|(n, _)| n == "to").count(), 1);
    assert_eq!(request.field("text"), Some("Bonjour X&to=+33900000000#{password}{to}, merci"));
    world.finish().await;
}

#[tokio::test]
async fn a_wrong_password_rests_the_channel_and_blames_no_number() {
    let gateway = Http::start(recorded("wrong password")).await;
    let rows: Vec<Row> = (1..=6).map(|i| row(&format!("F-{i}"), &format!("C{i}"))).collect();
    let world = World::with(Config::sms("kannel", gateway.port).sms_line("connections = 1"), &rows).await;
    world.plan().await;
    for _ in 0..3 {
        world.deliver().await;
    }
    assert_eq!(world.outcomes().await, ["deferred sms reminder authentication"]);
    assert_eq!(gateway.requests().len(), 1, "no storm");
    assert_eq!(world.peek("SELECT address FROM point").await, Vec::<String>::new());
    world.review().await;
    assert_eq!(world.alerts().await, ["channel:sms"]);
    gateway.usually(accepted());
    world.minutes(1);
    world.deliver().await;
    assert_eq!(world.whose("accepted").await.len(), 6);
    world.review().await;
    assert_eq!(world.alerts().await, Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn a_denied_number_is_refused_for_good() {
    let gateway = Http::start(recorded("bad number")).await;
    let world = World::with(Config::sms("kannel", gateway.port), &[row("F-1", "C1")]).await;
    for _ in 0..3 {
        world.round().await;
    }
    assert_eq!(gateway.requests().len(), 1);
    assert_eq!(world.outcomes().await[0], "refused sms reminder address");
    assert_eq!(world.peek("SELECT channel || ' ' || address FROM point").await, ["sms +32470000001"]);
    world.finish().await;
}

#[tokio::test]
async fn what_is_ours_rests_the_channel_and_blames_no_number() {
    let ours = [
        (401, "", "authentication"),
        (403, "Authorization failed for sendsms", "authentication"),
        (404, "Unknown request", "network"),
        (407, "", "authentication"),
        (400, "Sender missing and no global set, rejected", "sender"),
    ];
    for (status, body, class) in ours {
        let gateway = Http::start(Answer::new(status, body)).await;
        let rows: Vec<Row> = (1..=3).map(|i| row(&format!("F-{i}"), &format!("C{i}"))).collect();
        let world = World::with(Config::sms("kannel", gateway.port).sms_line("connections = 1"), &rows).await;
        for _ in 0..2 {
            world.round().await;
        }
        assert_eq!(world.outcomes().await, [format!("deferred sms reminder {class}")], "{status}");
        assert_eq!(gateway.requests().len(), 1, "{status}");
        assert_eq!(world.store().brakes().await.unwrap()[0].kind, "channel:sms");
        gateway.usually(accepted());
        world.minutes(10);
        world.round().await;
        assert_eq!(world.whose("accepted").await.len(), 3);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_gateway_that_asks_for_patience_gets_it() {
    let gateway = Http::start(Answer::new(429, "slow down")).await;
    let world = World::with(Config::sms("kannel", gateway.port), &[row("F-1", "C1")]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["deferred sms reminder throttled"]);
    assert_eq!(world.store().brakes().await.unwrap(), vec![]);
    world.finish().await;
}

#[tokio::test]
async fn queued_for_later_is_taken_and_a_temporal_failure_is_tried_again() {
    let gateway = Http::start(accepted()).await;
    gateway.next(&[Answer::new(503, "Temporal failure, try again later."), Answer::new(202, "3: Queued for later delivery")]);
    let world = World::with(Config::sms("kannel", gateway.port), &[row("F-1", "C1")]).await;
    world.round().await;
    world.minutes(10);
    world.round().await;
    assert_eq!(world.outcomes().await, ["deferred sms reminder server", "accepted sms reminder"]);
    assert_eq!(gateway.requests().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn a_phone_that_is_none_is_never_sent_to_the_gateway() {
    let gateway = Http::start(accepted()).await;
    let rows = [row("F-1", "C1").with("phone", "ask Marie"), row("F-2", "C2").with("phone", "123"), row("F-3", "C3")];
    let world = World::with(Config::sms("kannel", gateway.port), &rows).await;
    world.round().await;
    assert_eq!(gateway.requests().len(), 1);
    assert_eq!(world.whose("no_address").await, ["C1", "C2"]);
    world.finish().await;
}

#[tokio::test]
async fn sms_keep_to_their_own_hours() {
    let gateway = Http::start(accepted()).await;
    let times: [&[(&str, usize)]; 2] = [
        &[
            ("2026-11-02T08:59:00+01:00", 0),
            ("2026-11-02T19:00:00+01:00", 0),
            ("2026-11-08T12:00:00+01:00", 0),
            ("2026-11-09T09:00:00+01:00", 1),
        ],
        &[("2026-11-07T18:59:00+01:00", 1)],
    ];
    for life in times {
        let world = World::with(Config::sms("kannel", gateway.port), &[row("F-1", "C1")]).await;
        gateway.state().requests.clear();
        for (at, sent) in life {
            world.set(at);
            world.round().await;
            assert_eq!(gateway.requests().len(), *sent, "{at}");
        }
        world.finish().await;
    }
}

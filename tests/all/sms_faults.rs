//! Gateways that hang, break off, redirect or talk too much; and what must never be seen of a password.

use crate::support::config::SMS_PASSWORD;
use crate::support::http::{Answer, Http};
use crate::support::{Config, Row, World};
use relance::domain::step::Channel;
use relance::store::payloads::Payload;

fn config(gateway: &Http) -> Config {
    Config::sms("kannel", gateway.port).sms_line("timeout = \"1s\"").sms_line("connections = 1")
}

fn row(n: usize) -> Row {
    Row::new(&format!("F-{n}"), &format!("C{n}")).with("phone", &format!("+3247000000{n}"))
}

/// No word that anybody may see holds the password.
async fn no_secret_shows(world: &World) {
    let mut seen: Vec<String> = world.log().await.into_iter().filter_map(|a| a.answer).collect();
    seen.extend(world.store().brakes().await.unwrap().into_iter().map(|b| b.text));
    seen.extend(world.store().lasting_alerts().await.unwrap().into_iter().map(|(_, text)| text));
    assert!(!seen.is_empty());
    for text in seen {
        assert!(!text.contains(SMS_PASSWORD), "{text}");
    }
    assert!(!format!("{:?}", world.desk()).contains(SMS_PASSWORD));
}

#[tokio::test]
async fn silence_is_doubt_and_an_sms_in_doubt_waits_for_a_person() {
    let gateway = Http::start(Answer::Silent).await;
    let world = World::with(config(&gateway), &[row(1)]).await;
    for _ in 0..3 {
        world.round().await;
        world.minutes(5);
    }
    assert_eq!(gateway.requests().len(), 1);
    assert_eq!(world.outcomes().await, ["unknown sms reminder network"]);
    assert_eq!(world.queue().await, ["uncertain 1"]);
    let said = world.log().await[0].answer.clone().unwrap();
    assert!(said.contains("no answer in time"), "{said}");
    world.review().await;
    assert_eq!(world.alerts().await, ["uncertain"]);
    no_secret_shows(&world).await;
    world.finish().await;
}

#[tokio::test]
async fn silence_with_resend_is_tried_again_and_three_times_at_most() {
    let gateway = Http::start(Answer::Close).await;
    let world = World::with(config(&gateway).sms_line("when_uncertain = \"resend\""), &[row(1)]).await;
    for _ in 0..5 {
        world.round().await;
        world.minutes(5);
    }
    assert_eq!(gateway.requests().len(), 3);
    assert_eq!(world.queue().await, ["uncertain 1"]);
    no_secret_shows(&world).await;
    world.finish().await;
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_doubt() {
    for answer in [Answer::Close, Answer::Raw(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n0: Acc".to_vec())] {
        let gateway = Http::start(Answer::new(202, "0: Accepted for delivery")).await;
        gateway.next(&[answer]);
        let world = World::with(config(&gateway), &[row(1)]).await;
        world.round().await;
        assert_eq!(world.outcomes().await, ["unknown sms reminder network"]);
        no_secret_shows(&world).await;
        world.finish().await;
    }
}

#[tokio::test]
async fn what_is_not_http_is_doubt() {
    let gateway = Http::start(Answer::Raw(b"220 I am a mail server\r\n\r\n".to_vec())).await;
    let world = World::with(config(&gateway), &[row(1)]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["unknown sms reminder network"]);
    no_secret_shows(&world).await;
    world.finish().await;
}

#[tokio::test]
async fn a_gateway_that_is_not_there_rests_the_channel() {
    let gone = Http::start(Answer::Close).await.port;
    let config = Config::sms("kannel", gone).sms_line("connections = 1");
    let world = World::with(config, &[row(1), row(2), row(3)]).await;
    // The listener's task ends with its server; until then a connection could still be made.
    while tokio::net::TcpStream::connect(("127.0.0.1", gone)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    world.plan().await;
    for _ in 0..3 {
        world.deliver().await;
    }
    assert_eq!(world.outcomes().await, ["deferred sms reminder network"], "nothing left, so nothing is in doubt");
    let mut queue = world.queue().await;
    queue.sort();
    assert_eq!(queue, ["deferred 1", "queued 2"]);
    world.review().await;
    assert_eq!(world.alerts().await, ["channel:sms"]);
    no_secret_shows(&world).await;
    world.finish().await;
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let elsewhere = Http::start(Answer::new(202, "0: Accepted for delivery")).await;
    for status in [301, 302, 307, 308] {
        let to = format!("Location: http://127.0.0.1:{}/cgi-bin/sendsms\r\n", elsewhere.port);
        let gateway = Http::start(Answer::with(status, &to, "")).await;
        let world = World::with(config(&gateway), &[row(1)]).await;
        world.round().await;
        assert_eq!(world.outcomes().await, ["deferred sms reminder server"], "{status}");
        assert_eq!(gateway.requests().len(), 1);
        no_secret_shows(&world).await;
        world.finish().await;
    }
    assert_eq!(elsewhere.requests().len(), 0, "the login stays with the gateway");
}

#[tokio::test]
async fn an_endless_answer_is_not_swallowed() {
    let gateway = Http::start(Answer::new(202, &"x".repeat(1 << 20))).await;
    let world = World::with(config(&gateway), &[row(1)]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["unknown sms reminder network"]);
    let said = world.log().await[0].answer.clone().unwrap();
    assert!(said.contains("an answer longer than 65536 bytes") && said.len() < 200, "{said}");
    world.finish().await;
}

#[tokio::test]
async fn a_long_answer_is_kept_short() {
    let gateway = Http::start(Answer::new(500, &"trouble\r\n".repeat(5000))).await;
    let world = World::with(config(&gateway), &[row(1)]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["deferred sms reminder server"]);
    let said = world.log().await[0].answer.clone().unwrap();
    assert!(said.len() < 1100 && !said.contains('\n'), "{said}");
    world.finish().await;
}

#[tokio::test]
async fn a_gateway_that_repeats_the_request_does_not_put_the_password_into_the_log() {
    let gateway =
        Http::start(Answer::new(400, &format!("bad request: /cgi-bin/sendsms?username=tester&password={SMS_PASSWORD}"))).await;
    let world = World::with(config(&gateway), &[row(1)]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["refused sms reminder message"]);
    no_secret_shows(&world).await;
    world.finish().await;
}

#[tokio::test]
async fn one_gateway_that_hangs_does_not_hold_up_the_mail() {
    let gateway = Http::start(Answer::Silent).await;
    let server = crate::support::Smtp::start().await;
    let config = Config::mail(server.port)
        .with_sms("kannel", gateway.port)
        .sms_line("timeout = \"3s\"")
        .cadence(crate::support::config::BOTH);
    let rows: Vec<Row> = (1..=2).map(row).collect();
    let world = World::with(config, &rows).await;
    world.plan().await;
    let mailed = async {
        while server.accepted().len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        world.whose("unknown").await.len()
    };
    let (_, hung) = tokio::join!(world.deliver(), mailed);
    assert_eq!(hung, 0, "the mails were out before the first SMS had timed out");
    world.finish().await;
}

#[tokio::test]
async fn a_crash_leaves_an_sms_to_a_person() {
    let gateway = Http::start(Answer::new(202, "0: Accepted for delivery")).await;
    let mut world = World::with(config(&gateway), &[row(1), row(2)]).await;
    world.plan().await;
    let now = world.clock.now();
    let claimed = world.store().claim(Channel::Sms, now, 1, None).await.unwrap();
    let payload = Payload::new(&claimed[0].address, b"words").unwrap();
    world.store().mark_sending(&[(claimed[0].pk, payload)], now).await.unwrap();
    world.crash().await;
    world.recover().await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["unknown sms reminder", "accepted sms reminder"]);
    assert_eq!(gateway.requests().len(), 1);
    assert_eq!(gateway.requests()[0].field("to"), Some("+32470000002"));
    assert_eq!(world.queue().await, ["uncertain 1"]);
    world.finish().await;
}

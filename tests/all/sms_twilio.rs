//! SMS through Twilio, as its published description says.

use crate::support::config::SMS_PASSWORD;
use crate::support::http::{Answer, Http};
use crate::support::{Config, Row, World};
use base64::Engine as _;

fn twilio(gateway: &Http) -> Config {
    Config::sms("twilio", gateway.port).sms_line("from = \"+32460000000\"")
}

fn row(id: &str, customer: &str) -> Row {
    Row::new(id, customer).with("phone", "+32470000001")
}

fn queued() -> Answer {
    Answer::new(201, r#"{"sid": "SM0123456789abcdef0123456789abcdef", "status": "queued", "error_code": null}"#)
}

#[tokio::test]
async fn the_request_is_a_form_with_basic_authentication() {
    let gateway = Http::start(queued()).await;
    let world = World::with(twilio(&gateway), &[row("F-1", "C1")]).await;
    world.round().await;
    let request = &gateway.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/2010-04-01/Accounts/tester/Messages.json"));
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("tester:{SMS_PASSWORD}"));
    assert_eq!(request.header("Authorization"), Some(format!("Basic {basic}").as_str()));
    assert_eq!(request.header("Content-Type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.query, "", "nothing of it stands in the address");
    let names: Vec<&str> = request.fields.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["To", "From", "Body"]);
    assert_eq!((request.field("To"), request.field("From")), (Some("+32470000001"), Some("+32460000000")));
    assert_eq!(world.outcomes().await, ["accepted sms reminder"]);
    assert_eq!(world.log().await[0].answer.as_deref(), Some("HTTP 201, id SM0123456789abcdef0123456789abcdef"));
    world.finish().await;
}

/// What one answer means for the first try.
async fn answered(answer: Answer) -> World {
    let gateway = Http::start(answer).await;
    let world = World::with(twilio(&gateway), &[row("F-1", "C1")]).await;
    world.plan().await;
    world.deliver().await;
    assert_eq!(gateway.requests().len(), 1);
    world
}

#[tokio::test]
async fn a_201_that_says_failed_is_a_refusal() {
    for status in ["failed", "undelivered", "canceled"] {
        let world = answered(Answer::new(201, &format!(r#"{{"sid": "SM1", "status": "{status}", "error_code": 30008}}"#))).await;
        assert_eq!(world.outcomes().await, ["refused sms reminder message"], "{status}");
        assert_eq!(world.peek("SELECT address FROM point").await, Vec::<String>::new());
        world.finish().await;
    }
}

#[tokio::test]
async fn a_number_that_is_none_is_dead() {
    let body = r#"{"code": 21211, "message": "The 'To' number +32470000001 is not a valid phone number.", "status": 400}"#;
    let world = answered(Answer::new(400, body)).await;
    assert_eq!(world.outcomes().await, ["refused sms reminder address"]);
    assert_eq!(world.peek("SELECT address FROM point").await, ["+32470000001"]);
    world.finish().await;
}

#[tokio::test]
async fn another_400_is_about_the_message() {
    let world = answered(Answer::new(400, r#"{"code": 21602, "message": "Message body is required.", "status": 400}"#)).await;
    assert_eq!(world.outcomes().await, ["refused sms reminder message"]);
    assert_eq!(world.peek("SELECT address FROM point").await, Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn login_account_and_sender_are_ours() {
    let ours = [
        (401, r#"{"code": 20003, "message": "Authenticate"}"#, "authentication"),
        (403, r#"{"code": 20005, "message": "Account not active"}"#, "authentication"),
        (404, r#"{"code": 20404, "message": "The requested resource was not found"}"#, "authentication"),
        (407, "", "authentication"),
        (400, r#"{"code": 21606, "message": "The 'From' phone number is not valid for this account"}"#, "sender"),
    ];
    for (status, body, class) in ours {
        let world = answered(Answer::new(status, body)).await;
        assert_eq!(world.outcomes().await, [format!("deferred sms reminder {class}")], "{status}");
        assert_eq!(world.store().brakes().await.unwrap()[0].kind, "channel:sms");
        assert_eq!(world.peek("SELECT address FROM point").await, Vec::<String>::new());
        world.finish().await;
    }
}

#[tokio::test]
async fn too_many_requests_and_a_broken_server_are_tried_again() {
    for (status, class) in [(429, "throttled"), (500, "server"), (503, "server")] {
        let world = answered(Answer::new(status, "{}")).await;
        assert_eq!(world.outcomes().await, [format!("deferred sms reminder {class}")]);
        assert_eq!(world.queue().await, ["deferred 1"]);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_200_that_carries_an_error_is_no_acceptance() {
    for body in
        [r#"{"error": {"code": 1234, "message": "insufficient credit"}}"#, "<html>Please log in</html>", "", r#"{"sid": null}"#]
    {
        let world = answered(Answer::new(200, body)).await;
        assert_eq!(world.outcomes().await, ["unknown sms reminder network"], "{body}");
        assert_eq!(world.queue().await, ["uncertain 1"], "an SMS is not sent twice on a guess");
        world.finish().await;
    }
}

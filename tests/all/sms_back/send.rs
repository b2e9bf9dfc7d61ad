//! The four gateways that ask for receipts by fields of their own: what stands on the wire, and whose fault an answer names.

use super::{Line, PUBLIC, heard, row, taken};
use crate::support::config::SMS_PASSWORD;
use crate::support::http::{Answer, Http};
use crate::support::{Config, World};

#[tokio::test]
async fn vonage_is_asked_with_a_form_that_names_the_url_and_the_message() {
    let line = Line::open("vonage", "0A0000000123ABCD1").await;
    let request = &line.gateway.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/sms/json"));
    let (url, mark) = (format!("{PUBLIC}{}", line.path()), line.mark());
    for (name, value) in [
        ("api_key", "tester"),
        ("api_secret", SMS_PASSWORD),
        ("from", "Canal"),
        ("to", "32470000001"),
        ("status-report-req", "true"),
        ("callback", url.as_str()),
        ("client-ref", mark.as_str()),
    ] {
        assert_eq!(request.field(name), Some(value), "{name}");
    }
    assert!(mark.len() <= 40, "the gateway takes no more");
    assert_eq!(request.field("type"), None);
    assert_eq!(line.world.peek("SELECT gateway_id FROM message").await, ["0A0000000123ABCD1"]);
    line.finish().await;
}

#[tokio::test]
async fn ovh_is_asked_as_its_guide_says() {
    let line = Line::open("ovh", "69265512").await;
    let request = &line.gateway.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/cgi-bin/sms/http2sms.cgi"));
    for (name, value) in [
        ("account", "sms-1"),
        ("login", "tester"),
        ("password", SMS_PASSWORD),
        ("from", "Canal"),
        ("to", "+32470000001"),
        ("contentType", "application/json"),
        ("noStop", "1"),
    ] {
        assert_eq!(request.field(name), Some(value), "{name}");
    }
    assert_eq!(line.world.peek("SELECT gateway_id FROM message").await, ["69265512"]);
    line.finish().await;
}

#[tokio::test]
async fn brevo_and_messagebird_are_asked_with_json_and_a_key_in_a_header() {
    for (name, path, header, key) in [
        ("brevo", "/v3/transactionalSMS/send", "api-key", SMS_PASSWORD.to_owned()),
        ("messagebird", "/messages", "Authorization", format!("AccessKey {SMS_PASSWORD}")),
    ] {
        let line = Line::open(name, "1511882900176220").await;
        let request = &line.gateway.requests()[0];
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", path));
        assert_eq!(request.header(header), Some(key.as_str()));
        assert_eq!(request.header("Content-Type"), Some("application/json"));
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        let hook = line.path();
        if name == "brevo" {
            assert_eq!((body["sender"].as_str(), body["recipient"].as_str()), (Some("Canal"), Some("32470000001")));
            let login = format!("https://relance:{}@hooks.canal.example{hook}?mark={}", super::SECRET, line.mark());
            assert_eq!(body["webUrl"].as_str(), Some(login.as_str()));
            assert!(body.get("unicodeEnabled").is_none());
        } else {
            assert_eq!((body["originator"].as_str(), body["recipients"].as_str()), (Some("Canal"), Some("32470000001")));
            assert_eq!(
                (body["reportUrl"].as_str(), body["datacoding"].as_str()),
                (Some(format!("{PUBLIC}{hook}").as_str()), Some("plain"))
            );
            assert_eq!(body["reference"].as_str(), Some(line.mark().as_str()));
        }
        assert_eq!(line.world.peek("SELECT gateway_id FROM message").await, ["1511882900176220"], "a number is an id as well");
        line.finish().await;
    }
}

#[tokio::test]
async fn a_text_beyond_gsm_is_sent_as_unicode() {
    for (name, field, value) in [
        ("vonage", "type", "unicode"),
        ("ovh", "SMSencoding", "2"),
        ("brevo", "unicodeEnabled", "true"),
        ("messagebird", "datacoding", "unicode"),
    ] {
        let gateway = Http::start(taken(name, "1")).await;
        let config = Config::sms(name, gateway.port).file("letters/fr/reminder.sms", "Œuvre {{ invoice.number }} – ☎");
        let world = World::with(config, &[row("F-1", "C1", "+32470000001")]).await;
        world.round().await;
        let request = &gateway.requests()[0];
        let said = match serde_json::from_str::<serde_json::Value>(&request.body) {
            Ok(body) => body[field].as_str().map_or_else(|| body[field].to_string(), str::to_owned),
            Err(_) => request.field(field).unwrap_or_default().to_owned(),
        };
        assert_eq!(said, value, "{name}");
        world.finish().await;
    }
}

/// Without a listener nobody asks for receipts, and nothing of the store's key leaves.
#[tokio::test]
async fn without_a_listener_no_receipt_is_asked_for() {
    for name in ["kannel", "twilio", "vonage", "brevo", "messagebird"] {
        let gateway = Http::start(taken(name, "1")).await;
        let world = World::with(Config::sms(name, gateway.port), &[row("F-1", "C1", "+32470000001")]).await;
        world.round().await;
        let request = &gateway.requests()[0];
        let all = format!("{:?}{}", request.fields, request.body);
        assert!(
            !all.contains("hook") && !all.contains("dlr") && !all.contains("callback") && !all.contains("report"),
            "{name}: {all}"
        );
        world.finish().await;
    }
}

async fn answered(name: &str, answer: Answer) -> World {
    let gateway = Http::start(answer).await;
    let world = World::with(
        heard(Config::sms(name, gateway.port), "secret = { file = \"hooks.secret\" }\n"),
        &[row("F-1", "C1", "+32470000001")],
    )
    .await;
    world.plan().await;
    world.deliver().await;
    world
}

#[tokio::test]
async fn whose_fault_an_answer_names() {
    let vonage = |status: &str| Answer::new(200, &format!(r#"{{"messages": [{{"status": "{status}", "error-text": "no"}}]}}"#));
    let ovh = |status: u16| Answer::new(200, &format!(r#"{{"status": {status}, "message": "no"}}"#));
    let bird = |status: u16, code: u16, parameter: &str| {
        Answer::new(status, &format!(r#"{{"errors": [{{"code": {code}, "description": "no", "parameter": "{parameter}"}}]}}"#))
    };
    let cases = [
        ("vonage", vonage("1"), "deferred sms reminder throttled"),
        ("vonage", vonage("4"), "deferred sms reminder authentication"),
        ("vonage", vonage("9"), "deferred sms reminder authentication"),
        ("vonage", vonage("15"), "deferred sms reminder sender"),
        ("vonage", vonage("5"), "deferred sms reminder server"),
        ("vonage", vonage("7"), "refused sms reminder address"),
        ("vonage", vonage("6"), "refused sms reminder message"),
        ("vonage", vonage("77"), "unknown sms reminder network"),
        ("vonage", Answer::new(200, "<html>"), "unknown sms reminder network"),
        ("ovh", ovh(401), "deferred sms reminder authentication"),
        ("ovh", ovh(202), "refused sms reminder message"),
        ("ovh", ovh(299), "unknown sms reminder network"),
        ("ovh", Answer::new(503, ""), "deferred sms reminder server"),
        ("brevo", Answer::new(401, r#"{"code": "unauthorized"}"#), "deferred sms reminder authentication"),
        ("brevo", Answer::new(402, r#"{"code": "not_enough_credits"}"#), "deferred sms reminder authentication"),
        ("brevo", Answer::new(400, r#"{"code": "invalid_parameter"}"#), "refused sms reminder message"),
        ("brevo", Answer::new(201, "{}"), "unknown sms reminder network"),
        ("messagebird", bird(401, 2, "access_key"), "deferred sms reminder authentication"),
        ("messagebird", bird(422, 25, ""), "deferred sms reminder authentication"),
        ("messagebird", bird(422, 10, "originator"), "deferred sms reminder sender"),
        ("messagebird", bird(422, 9, "recipients"), "refused sms reminder address"),
        ("messagebird", bird(422, 10, "body"), "refused sms reminder message"),
        ("messagebird", Answer::new(429, ""), "deferred sms reminder throttled"),
    ];
    for (name, answer, outcome) in cases {
        let shown = format!("{name} {answer:?}");
        let world = answered(name, answer).await;
        assert_eq!(world.outcomes().await, [outcome], "{shown}");
        let dead = world.peek("SELECT address FROM point").await;
        assert_eq!(dead.len(), usize::from(outcome.ends_with("address")), "{shown}");
        assert_eq!(world.peek("SELECT pk || '' FROM message WHERE gateway_id IS NOT NULL").await, Vec::<String>::new());
        world.finish().await;
    }
}

#[tokio::test]
async fn a_gateway_that_repeats_its_request_puts_no_login_into_the_log() {
    let said = format!(r#"{{"code": "x", "webUrl": "https://relance:{}@hooks", "key": "{SMS_PASSWORD}"}}"#, super::SECRET);
    let world = answered("brevo", Answer::new(400, &said)).await;
    let answer = world.log().await[0].answer.clone().unwrap();
    assert!(answer.contains("(secret)") && !answer.contains(super::SECRET) && !answer.contains(SMS_PASSWORD), "{answer}");
    assert!(!format!("{:?}", world.desk()).contains(super::SECRET));
    world.finish().await;
}

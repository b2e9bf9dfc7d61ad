//! Who only says that they are the gateway: nothing of it is on record, and nothing changes.

use super::receipts::{ALL, ID, receipt};
use super::{FORM, JSON, Line, form, nothing_came, refusals, sign};
use crate::support::config::SMS_PASSWORD;
use relance::domain::base64::unbase64;

async fn nothing_for(line: Line, why: &'static str, times: u64) {
    nothing_came(&line).await;
    assert_eq!(line.state().await, "accepted");
    assert_eq!(refusals(&line), [(why, times)]);
    line.finish().await;
}

#[tokio::test]
async fn another_url_is_refused_before_anything_is_read() {
    for words in &ALL {
        let line = Line::open(words.name, ID).await;
        let (head, token) = line.path().rsplit_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let wrong: String = token.chars().rev().collect();
        for path in [
            format!("{head}/{wrong}"),
            format!("{head}/x"),
            format!("/hook/other/{token}"),
            format!("{head}/{token}x"),
            format!("{head}/{}", token.to_uppercase()),
        ] {
            assert_eq!(line.say("POST", &path, FORM, "MessageStatus=failed").await, 403, "{path}");
        }
        for path in ["/", "/hook", "/hook/", "/healthz", "/metrics", "/hook/a/b/c", &format!("/{head}/{token}")] {
            assert_eq!(line.say("GET", path, "", "").await, 404, "{path}");
        }
        nothing_for(line, "url", 5).await;
    }
}

#[tokio::test]
async fn twilio_signs_the_url_and_every_field() {
    let line = Line::open("twilio", ID).await;
    let target = format!("{}?mark={}", line.path(), line.mark());
    let fields = [("MessageSid", ID), ("MessageStatus", "failed"), ("ErrorCode", "21614"), ("To", "+32470000001")];
    let (headers, body) = sign::twilio(&target, &fields, SMS_PASSWORD);
    let (foreign, _) = sign::twilio(&target, &fields, "another token");
    for (headers, target, body, status) in [
        (FORM.to_owned(), target.clone(), body.clone(), 403),
        (foreign, target.clone(), body.clone(), 403),
        (headers.clone(), target.replace("?mark=1", "?mark=2"), body.clone(), 403),
        (headers.clone(), target.clone(), body.replace("21614", "30003"), 403),
        (headers.clone(), target.clone(), format!("{body}&MessageStatus=delivered"), 403),
        (headers.replace("Signature: ", "Signature: é"), target.clone(), body.clone(), 403),
        (headers.replace(FORM, JSON), target.clone(), "{}".to_owned(), 403),
    ] {
        assert_eq!(line.say("POST", &target, &headers, &body).await, status, "{headers} {target} {body}");
    }
    nothing_came(&line).await;
    // A body in JSON has its digest in the query, which is signed.
    let json = format!(r#"{{"MessageSid": "{ID}", "MessageStatus": "delivered"}}"#);
    let digest = |text: &str| relance::domain::hex::hex(&<sha2::Sha256 as sha2::Digest>::digest(text));
    let target = format!("{target}&bodySHA256={}", digest(&json));
    let (headers, _) = sign::twilio(&target, &[], SMS_PASSWORD);
    let headers = headers.replace(FORM, JSON);
    assert_eq!(line.say("POST", &target, &headers, &json.replace("delivered", "failed")).await, 403);
    assert_eq!(line.say("POST", &target, &headers, &json).await, 200);
    assert!(line.delivered().await);
    line.finish().await;
}

#[tokio::test]
async fn vonage_signs_the_fields_and_the_hour() {
    let line = Line::open("vonage", ID).await;
    let mark = line.mark();
    let fields =
        [("msisdn", "32470000001"), ("messageId", ID), ("status", "failed"), ("err-code", "9"), ("client-ref", mark.as_str())];
    let now = line.world.clock.now();
    let text = |signed: &[(String, String)]| form(&signed.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>());
    let good = text(&sign::vonage(&fields, now));
    let old = text(&sign::vonage(&fields, now - jiff::SignedDuration::from_hours(25)));
    let ahead = text(&sign::vonage(&fields, now + jiff::SignedDuration::from_mins(6)));
    let unsigned = form(&fields);
    for body in [
        &unsigned,
        &good.replace("status=failed", "status=delivered"),
        &format!("{good}&status2=x"),
        &format!("{good}0"),
        &old,
        &ahead,
    ] {
        assert_eq!(line.say("POST", &line.path(), FORM, body).await, 403, "{body}");
    }
    // Of two fields with one name a reader sees the first, whatever the signature is over.
    assert_eq!(line.say("POST", &format!("{}?status=delivered", line.path()), FORM, &good).await, 400);
    nothing_came(&line).await;
    assert_eq!(refusals(&line), [("unsigned", 1), ("forged", 3), ("stale", 2), ("malformed", 1)]);
    // As a query and as JSON it is the same; a copy of what was heard changes nothing.
    assert_eq!(line.get(&good).await, 200);
    let object: serde_json::Map<String, serde_json::Value> =
        sign::vonage(&fields, now).into_iter().map(|(n, v)| (n, v.into())).collect();
    assert_eq!(line.say("POST", &line.path(), JSON, &serde_json::Value::Object(object).to_string()).await, 200);
    assert_eq!((line.came().await.len(), line.state().await.as_str()), (1, "refused"));
    line.finish().await;
}

#[tokio::test]
async fn messagebird_signs_url_and_body_for_a_time() {
    let line = Line::open("messagebird", ID).await;
    let target = format!(
        "{}?id={ID}&reference={}&recipient=32470000001&status=delivery_failed&statusErrorCode=1",
        line.path(),
        line.mark()
    );
    let now = line.world.clock.now().as_second();
    let good = sign::messagebird(&target, "", now - 5, now + 60);
    let claims = |text: &str| String::from_utf8(unbase64(text.split('.').nth(1).unwrap()).unwrap()).unwrap();
    let jwt = |head: &str, secret: &str| format!("MessageBird-Signature-JWT: {}\r\n", sign::jwt(head, &claims(&good), secret));
    let hs256 = r#"{"alg":"HS256"}"#;
    for (headers, target) in [
        (String::new(), target.clone()),
        (good.clone(), target.replace("delivery_failed", "delivered")),
        (jwt(hs256, "another key"), target.clone()),
        (jwt(r#"{"alg":"none"}"#, super::SECRET), target.clone()),
        (jwt(r#"{"alg":"RS256"}"#, super::SECRET), target.clone()),
        (good.replace("JWT: ", "JWT: x"), target.clone()),
        ("MessageBird-Signature-JWT: ..\r\n".to_owned(), target.clone()),
        (sign::messagebird(&target, "", now - 500, now - 100), target.clone()),
        (sign::messagebird(&target, "", now + 100, now + 500), target.clone()),
        (sign::messagebird(&target, "{}", now - 5, now + 60).replace(JSON, ""), target.clone()),
    ] {
        assert_eq!(line.say("GET", &target, &headers, "").await, 403, "{headers} {target}");
    }
    assert_eq!(line.say("POST", &target, &format!("{JSON}{good}"), "{}").await, 403, "a body that nobody signed");
    nothing_came(&line).await;
    assert_eq!(line.say("GET", &target, &good, "").await, 200);
    assert_eq!(line.state().await, "refused");
    line.finish().await;
}

#[tokio::test]
async fn brevo_logs_in_where_a_secret_is_set() {
    let line = Line::open("brevo", ID).await;
    let target = format!("{}?mark={}", line.path(), line.mark());
    let body = r#"{"messageId": 4711, "msg_status": "delivered"}"#;
    use base64::Engine as _;
    let basic = |password: &str| base64::engine::general_purpose::STANDARD.encode(format!("relance:{password}"));
    for login in [
        "",
        "Authorization: Bearer no\r\n",
        "Authorization: Basic !\r\n",
        "Authorization: Digest x\r\n",
        &format!("Authorization: Basic {}\r\n", basic("no")),
    ] {
        assert_eq!(line.say("POST", &target, &format!("{JSON}{login}"), body).await, 403, "{login}");
    }
    nothing_came(&line).await;
    let login = format!("{JSON}Authorization: Basic {}\r\n", basic(super::SECRET));
    assert_eq!(line.say("POST", &target, &login, body).await, 200);
    assert!(line.delivered().await);
    line.finish().await;
}

/// What is no receipt of this gateway, from somebody who knows the URL.
#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let line = Line::open("kannel", ID).await;
    for (method, query, status) in [
        ("GET", "", 400),
        ("GET", "type=1", 400),
        ("GET", "token=&type=1", 400),
        ("POST", "token=x&type=1", 405),
        ("PUT", "token=x&type=1", 405),
        ("GET", "text=hello", 400),
    ] {
        assert_eq!(line.say(method, &format!("{}?{query}", line.path()), "", "").await, status, "{method} {query}");
    }
    let many = "a=1&".repeat(101);
    assert_eq!(line.get(&many).await, 400);
    nothing_came(&line).await;
    line.finish().await;
}

/// The mark of one message speaks for that message only, whatever else the receipt says.
#[tokio::test]
async fn a_receipt_speaks_for_its_own_message_alone() {
    let line = Line::open("twilio", ID).await;
    assert_eq!(receipt(&line, "twilio", "another", ("delivered", "")).await, 200);
    assert!(line.delivered().await, "the mark is ours, and no stranger's");
    line.finish().await;
}

//! Receipts of each gateway as it sends and signs them: good, twice, late, out of order, about nothing that is known.

use super::{FORM, JSON, Line, form, nothing_came, sign};
use crate::support::config::SMS_PASSWORD;
use relance::domain::reach::Kind;
use relance::flow::reach::folded;

/// What a gateway says became of a message: its words for it.
pub struct Words {
    pub name: &'static str,
    pub delivered: (&'static str, &'static str),
    /// A failure that says nothing for good about the number.
    pub failed: (&'static str, &'static str),
    /// It is still being tried; none, where it never says so.
    pub delayed: Option<(&'static str, &'static str)>,
    /// The number is none; none, where it never says that for certain.
    pub dead: Option<(&'static str, &'static str)>,
}

pub const ALL: [Words; 6] = [
    Words { name: "kannel", delivered: ("1", ""), failed: ("2", ""), delayed: None, dead: None },
    Words {
        name: "twilio",
        delivered: ("delivered", ""),
        failed: ("undelivered", "30003"),
        delayed: None,
        dead: Some(("failed", "21614")),
    },
    Words {
        name: "vonage",
        delivered: ("delivered", "0"),
        failed: ("failed", "2"),
        delayed: Some(("buffered", "0")),
        dead: None,
    },
    Words { name: "ovh", delivered: ("1", "4"), failed: ("2", "24"), delayed: Some(("8", "1")), dead: Some(("2", "23")) },
    Words {
        name: "brevo",
        delivered: ("delivered", ""),
        failed: ("hardBounce", "69"),
        delayed: Some(("soft_bounce", "")),
        dead: None,
    },
    Words {
        name: "messagebird",
        delivered: ("delivered", ""),
        failed: ("delivery_failed", "27"),
        delayed: Some(("buffered", "")),
        dead: Some(("delivery_failed", "1")),
    },
];

pub const ID: &str = "4711";

/// Sends a receipt as the gateway does; gives the status.
pub async fn receipt(line: &Line, name: &str, id: &str, (state, code): (&str, &str)) -> u16 {
    let (mark, path) = (line.mark_if_any(), line.path());
    match name {
        "kannel" => line.get(&format!("token={mark}&type={state}&smsc=A&from=%2B32470000001&answer=&id=x")).await,
        "ovh" => line.get(&format!("id={id}&ptt={code}&date=20261102100500&description={state}&descriptionDlr=x")).await,
        "twilio" => {
            let target = format!("{path}?mark={mark}");
            let mut fields = vec![("MessageSid", id), ("MessageStatus", state), ("To", "+32470000001"), ("AccountSid", "AC1")];
            if !code.is_empty() {
                fields.push(("ErrorCode", code));
            }
            let (headers, body) = sign::twilio(&target, &fields, SMS_PASSWORD);
            line.say("POST", &target, &headers, &body).await
        }
        "vonage" => {
            let fields = [
                ("msisdn", "32470000001"),
                ("to", "Canal"),
                ("messageId", id),
                ("status", state),
                ("err-code", code),
                ("client-ref", mark.as_str()),
            ];
            let signed = sign::vonage(&fields, line.world.clock.now());
            let signed: Vec<(&str, &str)> = signed.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            line.say("POST", &path, FORM, &form(&signed)).await
        }
        "brevo" => {
            let body = serde_json::json!({ "id": 26570, "to": "32470000001", "messageId": id.parse::<i64>().unwrap_or(1), "msg_status": state, "error_code": code.parse::<i64>().ok(), "type": "transactional" });
            let login = format!("{JSON}Authorization: Bearer {}\r\n", super::SECRET);
            line.say("POST", &format!("{path}?mark={mark}"), &login, &body.to_string()).await
        }
        "messagebird" => {
            let target = format!("{path}?id={id}&reference={mark}&recipient=32470000001&status={state}&statusErrorCode={code}");
            let now = line.world.clock.now().as_second();
            let headers = sign::messagebird(&target, "", now - 1, now + 60);
            line.say("GET", &target, &headers, "").await
        }
        _ => panic!("{name}"),
    }
}

impl Line {
    /// The mark that went out; that of the only message where the gateway takes none.
    pub fn mark_if_any(&self) -> String {
        match self.gateway.requests()[0].path.contains("http2sms") {
            true => String::new(),
            false => self.mark(),
        }
    }
}

#[tokio::test]
async fn what_arrived_is_known_once_and_for_all() {
    for words in &ALL {
        let line = Line::open(words.name, ID).await;
        let by = if words.name == "ovh" { "gateway_id" } else { "token" };
        assert_eq!(receipt(&line, words.name, ID, words.delivered).await, 200, "{}", words.name);
        assert_eq!(line.came().await, [format!("delivered {by}")], "{}", words.name);
        assert!(line.delivered().await, "{}", words.name);
        let known = folded(line.world.desk(), &[1], line.world.clock.now()).await.unwrap().remove(0);
        assert!(known.reach.evidence.iter().any(|e| e.kind == Kind::Delivered), "{}: a sign of life", words.name);
        // Once more, and months later.
        assert_eq!(receipt(&line, words.name, ID, words.delivered).await, 200, "{}", words.name);
        line.world.days(30);
        assert_eq!(receipt(&line, words.name, ID, words.delivered).await, 200, "{}", words.name);
        assert_eq!(line.came().await.len(), 1, "{}", words.name);
        line.finish().await;
    }
}

#[tokio::test]
async fn what_did_not_arrive_voids_the_step_and_leaves_the_number_alive() {
    for words in &ALL {
        let line = Line::open(words.name, ID).await;
        for _ in 0..2 {
            assert_eq!(receipt(&line, words.name, ID, words.failed).await, 200, "{}", words.name);
        }
        assert_eq!((line.state().await.as_str(), line.came().await.len()), ("refused", 1), "{}", words.name);
        assert_eq!(line.world.outcomes().await.len(), 2, "{}", words.name);
        assert_eq!(line.world.peek("SELECT address FROM point").await, Vec::<String>::new(), "{}", words.name);
        assert_eq!(line.world.peek("SELECT kind FROM mark").await, Vec::<String>::new(), "the step may be had anew");
        line.finish().await;
    }
}

#[tokio::test]
async fn only_what_is_certain_ends_a_number() {
    for words in &ALL {
        let Some(dead) = words.dead else { continue };
        let line = Line::open(words.name, ID).await;
        assert_eq!(receipt(&line, words.name, ID, dead).await, 200, "{}", words.name);
        assert_eq!(line.world.outcomes().await[1..], ["refused sms reminder address returned"], "{}", words.name);
        assert_eq!(line.world.peek("SELECT channel || ' ' || address FROM point").await, ["sms +32470000001"]);
        line.finish().await;
    }
}

#[tokio::test]
async fn receipts_that_overtake_each_other_change_nothing_that_is_known() {
    for words in &ALL {
        let line = Line::open(words.name, ID).await;
        assert_eq!(receipt(&line, words.name, ID, words.delivered).await, 200);
        for later in words.delayed.into_iter().chain([words.failed]).chain(words.dead) {
            assert_eq!(receipt(&line, words.name, ID, later).await, 200, "{}", words.name);
        }
        assert_eq!(line.state().await, "accepted", "{}: a telephone that has it keeps it", words.name);
        assert_eq!(line.world.outcomes().await.len(), 1);
        assert_eq!(line.world.peek("SELECT address FROM point").await, Vec::<String>::new());
        let told = line.world.peek("SELECT kind FROM event WHERE kind IN ('delivered', 'delayed', 'returned')").await;
        assert_eq!(told, ["delivered"], "{}: explain tells what counts", words.name);
        line.finish().await;
    }
}

#[tokio::test]
async fn delayed_is_no_failure_and_what_arrives_after_it_has_arrived() {
    for words in &ALL {
        let Some(delayed) = words.delayed else { continue };
        let line = Line::open(words.name, ID).await;
        assert_eq!(receipt(&line, words.name, ID, delayed).await, 200);
        assert_eq!((line.state().await.as_str(), line.delivered().await), ("accepted", false), "{}", words.name);
        assert_eq!(receipt(&line, words.name, ID, words.delivered).await, 200);
        assert!(line.delivered().await, "{}", words.name);
        line.finish().await;
    }
}

/// A failure, and then all the same it arrived: that is a sign of life, and the step that was voided is not had twice for it.
#[tokio::test]
async fn what_arrives_after_a_failure_is_a_sign_of_life() {
    for words in &ALL {
        let line = Line::open(words.name, ID).await;
        assert_eq!(receipt(&line, words.name, ID, words.failed).await, 200);
        assert_eq!(receipt(&line, words.name, ID, words.delivered).await, 200);
        assert_eq!((line.state().await.as_str(), line.delivered().await), ("refused", true), "{}", words.name);
        line.finish().await;
    }
}

/// By its own id alone only one gateway's receipts are known; one about nothing is listed, after a little patience.
#[tokio::test]
async fn a_receipt_about_nothing_is_listed_and_changes_nothing() {
    let line = Line::open("ovh", ID).await;
    assert_eq!(receipt(&line, "ovh", "999", ("2", "23")).await, 200);
    assert_eq!(line.came().await, ["failed nobody"]);
    assert_eq!((line.state().await.as_str(), line.delivered().await), ("accepted", false));
    line.finish().await;
}

/// A message under a state that nobody has heard of.
#[tokio::test]
async fn a_word_that_is_new_means_nothing_that_is_known() {
    for words in &ALL {
        let line = Line::open(words.name, ID).await;
        assert_eq!(receipt(&line, words.name, ID, ("teleported", "")).await, 200, "{}", words.name);
        assert_eq!(line.came().await.len(), 1);
        assert!(line.came().await[0].starts_with("other"), "{}", words.name);
        assert_eq!(line.state().await, "accepted");
        line.finish().await;
    }
}

#[tokio::test]
async fn what_is_only_on_its_way_is_not_put_on_record() {
    for (name, state) in
        [("kannel", "8"), ("twilio", "sent"), ("vonage", "accepted"), ("ovh", "0"), ("brevo", "sent"), ("messagebird", "sent")]
    {
        let line = Line::open(name, ID).await;
        assert_eq!(receipt(&line, name, ID, (state, "")).await, 200, "{name}");
        nothing_came(&line).await;
        line.finish().await;
    }
}

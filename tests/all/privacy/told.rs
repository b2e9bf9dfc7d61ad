//! What people of the firm said, did and were promised about a customer is told as well.

use crate::report::full::{firm, promise};
use crate::support::Smtp;
use relance::domain::debtor::{Matter, Word};
use serde_json::{Value, json};

async fn told(world: &crate::support::World, customer: &str) -> Value {
    let pk = world.store().find_debtor(customer).await.unwrap().unwrap();
    Value::Object(world.store().person(pk, |at| at.to_string()).await.unwrap())
}

#[tokio::test]
async fn tasks_calls_promises_questions_and_words_are_told() {
    let server = Smtp::start().await;
    let world = firm(&server).await;
    promise(&world, "C123", None).await;
    let pk = world.store().find_debtor("C121").await.unwrap().unwrap();
    let said = Word {
        matter: Matter::PayRuns,
        value: Some("10, 25".to_owned()),
        on: "2026-11-12".parse().unwrap(),
        reason: "said so by phone".to_owned(),
    };
    world.store().say(pk, Matter::PayRuns, Some(&said), Some("anne"), world.clock.now()).await.unwrap();
    let file = told(&world, "C121").await;
    assert_eq!(file["tasks"][0]["text"], "Demander la date de paiement");
    assert_eq!((&file["tasks"][0]["kind"], &file["tasks"][0]["state"]), (&json!("call"), &json!("open")));
    assert_eq!((&file["calls"][0]["outcome"], &file["calls"][0]["task"]), (&json!("reached"), &file["tasks"][0]["id"]));
    assert_eq!(
        file["promises"],
        json!([{ "at": "2026-11-03T09:00:00Z", "until": "2026-11-03", "known_on": file["promises"][0]["known_on"], "state": "broken",
            "settled_at": "2026-11-10T09:00:00Z" }])
    );
    assert_eq!(
        file["words"],
        json!([{ "matter": "pay_runs", "value": "10, 25", "on": "2026-11-12", "at": "2026-11-12T06:30:00Z", "reason": "said so by phone",
            "by": "anne", "ended_at": null }])
    );
    assert_eq!(file["holds"][0]["kind"], "promise");
    let asked = told(&world, "C131").await;
    let states: Vec<&str> = asked["questions"].as_array().unwrap().iter().map(|q| q["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["lapsed", "waiting"], "{}", asked["questions"]);
    let paid = told(&world, "C102").await;
    assert_eq!(paid["events"][0]["amount"], "120.00");
    let customer = &file["customer"];
    assert!(["contacts", "pay_runs", "customer_since"].iter().all(|f| customer.get(*f).is_some()), "{customer}");
    world.finish().await;
}

//! The verbs.

use crate::program::{Firm, into_folder, late};
use serde_json::{Value, json};

fn states(person: &Value) -> Vec<(String, String)> {
    let points = person["points"].as_array().unwrap();
    points.iter().map(|p| (p["address"].as_str().unwrap().to_owned(), p["state"].as_str().unwrap().to_owned())).collect()
}

fn one(address: &str, state: &str) -> (String, String) {
    (address.to_owned(), state.to_owned())
}

#[tokio::test]
async fn an_address_is_corrected_retired_and_added_with_its_history() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let reach = || firm.object(&["reach", "C1"]);
    let before = reach();
    assert_eq!((&before["debtor"], &before["state"]), (&json!("C1"), &json!("responsive")));
    let person = &before["people"][0];
    assert_eq!((&person["person"], &person["state"]), (&json!("accounts"), &json!("responsive")));
    let point = &person["points"][0];
    assert_eq!((&point["channel"], &point["state"]), (&json!("email"), &json!("good")));
    let evidence = point["evidence"][0].as_object().unwrap();
    assert_eq!(evidence.keys().collect::<Vec<_>>(), ["at", "kind", "text"]);
    assert_eq!((&evidence["kind"], &evidence["text"]), (&json!("accepted"), &json!("reminder")));

    let old = point["address"].as_str().unwrap().to_owned();
    let ran = firm.run(&["contact", "correct", "C1", "--new", "neu@client.example", "--reason", "by phone"]).ends(0);
    assert!(ran.out.contains(&format!("neu@client.example from now on, in place of {old}")), "{}", ran.out);
    let after = reach();
    assert_eq!(states(&after["people"][0]), [one("neu@client.example", "unknown")]);
    assert_eq!((&after["people"][1]["person"], states(&after["people"][1])), (&json!("former"), vec![one(&old, "dead")]));
    // Back again, and out.
    firm.run(&["contact", "correct", "C1", "--old", "NEU@client.example", "--new", &old, "--reason", "it was right"]).ends(0);
    assert_eq!(states(&reach()["people"][0]), [one(&old, "unknown")]);
    let ran = firm.run(&["contact", "retire", "C1", &old, "--reason", "left the firm"]).ends(0);
    assert!(ran.out.contains("No usable address is left"), "{}", ran.out);
    assert_eq!(reach()["state"], json!("unreachable"));
    let all = firm.object(&["reach"]);
    assert_eq!((&all["debtor"], &all["state"]), (&json!("C1"), &json!("unreachable")));
    let table = firm.run(&["reach"]).ends(0);
    assert!(table.out.contains("unreachable"), "{}", table.out);
    firm.run(&["contact", "add", "C1", "--phone", "+3221234567", "--reason", "from the web site"]).ends(0);
    assert_eq!(states(&reach()["people"][0]), [one("+3221234567", "unknown")]);
    let said = firm.object(&["debtor", "C1"]);
    assert_eq!(said["said"].as_array().unwrap().len(), 4, "{said}");
    let words = firm.run(&["reach", "C1"]).ends(0);
    assert!(words.out.contains("retired") && words.out.contains("left the firm"), "{}", words.out);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_what_there_is() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let refused = |verb: &[&str], words: &str| {
        let ran = firm.run(&[verb, &["--reason", "x"]].concat()).ends(2);
        assert!(ran.err.contains(words), "{verb:?}: {}", ran.err);
    };
    refused(&["contact", "correct", "C1", "--new", "nobody"], "cannot be used");
    refused(
        &["contact", "correct", "C1", "--old", "other@x.example", "--new", "a@x.example"],
        "is no address of this customer's",
    );
    refused(&["contact", "correct", "C1", "--new", "+3221234567"], "relance contact add");
    refused(&["contact", "add", "C1", "--email", "second@x.example"], "relance contact correct");
    refused(&["contact", "add", "C1", "--role", "boss", "--email", "b@x.example"], "wanted one of: accounts");
    firm.run(&["contact", "retire", "C1", "a@x.example"]).ends(2);
    firm.run(&["reach", "C9"]).ends(1);
}

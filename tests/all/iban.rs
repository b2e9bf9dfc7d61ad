//! Another account in the letters than the one that was confirmed (R23): nothing leaves before a person's word, the
//! creditor is told once, and the word is the right one or none.

use crate::program::{Firm, at_once, into_folder, late, word};
use crate::support::config::BOTH;
use crate::support::{Config, Row, Smtp, World};
use relance::flow::account::confirm;
use relance::flow::{deliver, plan, review};

const OLD: &str = "BE71 0961 2345 6769";
const NEW: &str = "BE68 5390 0754 7034";

/// The firm's settings with another account.
fn with_account(config: Config, iban: &str) -> Config {
    config.file("conf.d/account.toml", &format!("[creditor]\niban = \"{iban}\"\n"))
}

fn debtors(count: usize) -> Vec<Row> {
    (1..=count).map(|i| Row::new(&format!("F-{i:02}"), &format!("C{i:02}"))).collect()
}

/// Mails to the creditor.
fn letters(server: &Smtp) -> Vec<(String, String)> {
    let mails = server.to("compta@canal.example");
    mails.iter().map(|m| m.parsed()).map(|m| (m.header("Subject"), m.text().to_owned())).collect()
}

async fn say(world: &World, word: &str) -> bool {
    confirm(&world.another_hand().await, &world.desk().setup.settings.creditor, word, world.clock.now()).await.unwrap()
}

#[tokio::test]
async fn a_changed_account_stops_all_sending_until_its_last_characters_are_said() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).with_sms_file().cadence(BOTH);
    let rows: Vec<Row> = debtors(2).into_iter().map(|r| r.with("phone", "+32470000001")).collect();
    let mut world = World::with(config, &rows).await;
    world.plan().await;
    world.reconfigure(|c| with_account(c, NEW)).await;
    for _ in 0..3 {
        world.round().await;
        world.review().await;
        world.minutes(5);
    }
    assert_eq!((server.to("c01@client.example").len(), world.path("sms.jsonl").exists()), (0, false));
    assert_eq!(world.whose("cancelled").await.len(), 4, "what was in the outbox would have named the new account");
    assert_eq!(world.reasons().await, ["iban_changed 2"]);
    let told = letters(&server);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, "relance: the account in letters was changed, nothing is sent");
    assert!(told[0].1.contains("from BE71 **** **** 6769 to BE68 **** **** 7034"), "{}", told[0].1);
    assert!(!told[0].1.contains("5390") && !told[0].1.contains("0961"), "{}", told[0].1);
    for wrong in ["6769", "703", "47034", "", "    ", "BE68"] {
        assert!(!say(&world, wrong).await, "{wrong:?}");
    }
    world.round().await;
    assert_eq!(server.accepted().len(), 1);
    assert!(say(&world, " 7034 ").await);
    world.plan().await;
    world.deliver().await;
    world.review().await;
    assert!(server.to("c01@client.example")[0].parsed().text().contains("BE68"));
    assert_eq!(world.whose("accepted").await.len(), 4);
    assert_eq!(world.alerts().await, Vec::<String>::new());
    let told = letters(&server);
    assert_eq!(told.len(), 2);
    assert_eq!(told[1].0, "relance: the new account in letters was confirmed");
    assert!(told[1].1.contains("now BE68 **** **** 7034, in place of BE71 **** **** 6769"), "{}", told[1].1);
    assert!(!say(&world, "7034").await, "nothing waits for a word");
    let kept = world.peek("SELECT value FROM meta WHERE key = 'accounts_confirmed'").await.remove(0);
    let kept: Vec<serde_json::Value> = serde_json::from_str(&kept).unwrap();
    let ibans: Vec<&str> = kept.iter().map(|k| word(&k["iban"])).collect();
    assert_eq!(ibans, ["BE71096123456769", "BE68539007547034"]);
    assert_eq!(kept[1]["at"], world.clock.now().as_millisecond());
    world.finish().await;
}

#[tokio::test]
async fn the_old_account_put_back_ends_it_at_once() {
    let server = Smtp::start().await;
    let mut world = World::with(Config::mail(server.port), &debtors(1)).await;
    world.reconfigure(|c| with_account(c, NEW)).await;
    world.round().await;
    world.review().await;
    world.reconfigure(|c| with_account(c, OLD)).await;
    world.round().await;
    world.review().await;
    assert!(server.to("c01@client.example")[0].parsed().text().contains("BE71"));
    assert_eq!((letters(&server).len(), world.alerts().await), (1, vec![]));
    // The next change is a new one, and is told anew.
    world.reconfigure(|c| with_account(c, NEW)).await;
    world.review().await;
    assert_eq!(letters(&server).len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn the_first_account_ever_counts_and_none_prints_none() {
    let server = Smtp::start().await;
    let mut world = World::new(Config::mail(server.port)).await;
    // As a store of an earlier program is: it knows of no account yet.
    world.store().set_meta("accounts_confirmed", None).await.unwrap();
    world.reconfigure(|c| with_account(c, NEW)).await;
    world.insert(&debtors(1)).await;
    world.round().await;
    assert_eq!(server.accepted().len(), 1, "the first one");
    // Leaving it out and putting another in is a change all the same.
    world.reconfigure(|c| with_account(c, NEW)).await;
    let toml = std::fs::read_to_string(world.path("relance.toml")).unwrap();
    let without = toml.replace("iban = \"BE71096123456769\"\n", "");
    std::fs::write(world.path("conf.d/account.toml"), "").unwrap();
    std::fs::write(world.path("relance.toml"), &without).unwrap();
    world.crash().await;
    assert_eq!(world.desk().setup.settings.creditor.iban, None);
    world.insert(&[Row::new("F-2", "C2")]).await;
    world.round().await;
    let second = server.to("c2@client.example");
    assert!(!second[0].parsed().text().contains("BE68"), "no account is printed");
    world.reconfigure(|c| with_account(c, OLD)).await;
    world.insert(&[Row::new("F-3", "C3")]).await;
    world.round().await;
    assert_eq!((server.accepted().len(), world.reasons().await.contains(&"iban_changed 1".to_owned())), (2, true));
    world.finish().await;
}

/// Of several daemons on one store each asks for itself: one word is for all of them, and before it nobody sends the new
/// account, whichever way a daemon came to it.
#[tokio::test]
async fn every_daemon_of_a_store_waits_for_the_word() {
    let server = Smtp::start().await;
    let mut world = World::with(Config::mail(server.port), &debtors(4)).await;
    if !world.store().is_shared() {
        return world.finish().await;
    }
    world.reconfigure(|c| with_account(c, NEW)).await;
    let second = world.second().await;
    for desk in [world.desk(), &second] {
        plan::step(desk).await.unwrap();
        deliver::step(desk).await.unwrap();
        review::step(desk).await.unwrap();
    }
    assert_eq!((server.to("c01@client.example").len(), letters(&server).len()), (0, 1));
    assert!(say(&world, "7034").await);
    plan::step(&second).await.unwrap();
    deliver::step(&second).await.unwrap();
    review::step(world.desk()).await.unwrap();
    assert_eq!((server.accepted().len(), letters(&server).len()), (4 + 2, 2));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_program_says_what_to_do_and_takes_only_the_right_word() {
    let server = Smtp::start().await;
    let firm = Firm::new(&at_once(Config::mail(server.port)), &[late("F-1", "C1")]).await;
    firm.run(&["release", "--iban", "6769"]).ends(1);
    firm.run(&["run", "--once"]).ends(0);
    let nothing = firm.run(&["release", "--iban", "6769"]).ends(1);
    assert!(nothing.err.contains("nothing waits"), "{}", nothing.err);
    firm.insert(&[late("F-2", "C2")]).await;
    std::fs::create_dir_all(firm.path("conf.d")).unwrap();
    std::fs::write(firm.path("conf.d/account.toml"), format!("[creditor]\niban = \"{NEW}\"\n")).unwrap();
    let checked = firm.run(&["check"]).ends(0);
    assert!(checked.out.contains("CAUTION: nothing is sent: [creditor] iban was changed"), "{}", checked.out);
    let status = firm.object(&["status"]);
    assert_eq!(status["brakes"][0]["reason"], "iban_changed");
    assert!(word(&status["brakes"][0]["text"]).contains("`relance release --iban`"));
    firm.run(&["run", "--once"]);
    let waiting = firm.object(&["explain", "C2"]);
    assert_eq!((word(&waiting["reason"]), word(&waiting["next_by"])), ("iban_changed", "operator"));
    let rules = waiting["rules"].as_array().unwrap();
    assert!(rules.iter().any(|r| r["rule"] == "R23" && r["holds"] == false), "{rules:#?}");
    let shown = firm.run(&["release", "--iban"]).ends(2);
    assert!(shown.out.contains(&format!("confirmed   {OLD}\nconfigured  {NEW}")), "{}", shown.out);
    for wrong in [&["release", "--iban", "6769"][..], &["release", "--iban", "--yes"], &["release", "--iban", "7034", "C1"]] {
        assert_ne!(firm.run(wrong).code, Some(0), "{wrong:?}");
    }
    firm.run(&["release", "--yes"]).ends(1);
    assert_eq!(firm.object(&["status"])["brakes"][0]["reason"], "iban_changed");
    let confirmed = firm.run(&["release", "--iban", "7034"]).ends(0);
    assert!(confirmed.out.contains("compta@canal.example is told"), "{}", confirmed.out);
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(server.to("c2@client.example").len(), 1);
    assert_eq!(letters(&server).len(), 2);
}

/// Whoever changes the account and gives the word before relance starts with it cannot keep it from the creditor.
#[tokio::test]
async fn a_word_given_before_the_start_is_told_all_the_same() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    std::fs::create_dir_all(firm.path("conf.d")).unwrap();
    std::fs::write(firm.path("conf.d/account.toml"), format!("[creditor]\niban = \"{NEW}\"\n")).unwrap();
    firm.run(&["release", "--iban", "7034"]).ends(0);
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.alerts().len(), 1);
}

//! Cadence tests: all that are shipped hold, each rule and each shipped cadence has one, and what is wrong with a test
//! is told with its place.

use crate::program::Firm;
use crate::support::Config;
use relance::config::problem::Problems;
use relance::config::{Environment, Setup, cadence_tests};
use relance::rehearsal::{self, Test};
use std::path::Path;
use tempfile::TempDir;

const FIRM: &str = "[creditor]\nname = \"Canal SA\"\ncountry = \"BE\"\nlanguage = \"fr\"\ntimezone = \"Europe/Brussels\"\n\
    contact = \"compta@canal.example\"\nenterprise_no = \"0403.170.701\"\niban = \"BE68539007547034\"\n\
    [source]\nkind = \"sqlite\"\npath = \"ledger.db\"\n[store]\nurl = \"sqlite:///nowhere/relance.db\"\n\
    [email]\nfrom = \"Canal <compta@canal.example>\"\nsmtp = \"file:///nowhere/mail\"\n";

/// The configuration of a firm that has only just begun.
fn setup(folder: &Path) -> Setup {
    std::fs::write(folder.join("relance.toml"), FIRM).unwrap();
    Setup::load(&folder.join("relance.toml"), Environment::new()).unwrap()
}

fn shipped(setup: &Setup) -> Vec<Test> {
    let problems = Problems::default();
    let tests = cadence_tests(&setup.folder, &problems).iter().flat_map(|f| rehearsal::read(f, setup, &problems)).collect();
    assert_eq!(problems.into_sorted(), []);
    tests
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_are_shipped_hold() {
    let dir = TempDir::new().unwrap();
    let setup = setup(dir.path());
    let tests = shipped(&setup);
    assert!(tests.len() >= 80, "{}", tests.len());
    let reports = rehearsal::run(setup, tests).await.unwrap();
    let failed: Vec<_> = reports.iter().filter(|r| !r.is_good()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["relance.toml"], "a test writes nothing beside the configuration");
}

#[test]
fn each_rule_and_each_shipped_cadence_has_one() {
    let dir = TempDir::new().unwrap();
    let setup = setup(dir.path());
    let names: Vec<String> = shipped(&setup).into_iter().map(|t| t.name).collect();
    for rule in 1..=24 {
        assert!(names.iter().any(|n| n.starts_with(&format!("R{rule} "))), "rule R{rule} has no test of its name");
    }
    for cadence in &setup.cadences {
        let name = &cadence.cadence.name;
        for story in ["the full run", "paid", "part payment", "dispute", "address that does not exist"] {
            let has = names.iter().any(|n| n.starts_with(&format!("{name}: ")) && n.contains(story));
            assert!(has, "the cadence {name} has no test with \"{story}\"");
        }
    }
    let mut once = names.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), names.len(), "a name stands twice");
}

const WRONG: &str = r#"[[test]]
name = "it goes wrong"
start = "2026-08-31"
customer = { kind = "business" }
invoices = [{ due = "+14", amount = "200.00" }]
events = [{ on = "2026-09-21", what = "approved" }, { on = "2026-09-22", what = "paid" }]
expect = [{ on = "+9", step = "courtesy", by = "email" }, { on = "2026-09-17", step = "reminder", by = "email" }]
"#;

#[tokio::test]
async fn what_fails_is_told_day_by_day() {
    let firm = Firm::new(&Config::mail(25), &[]).await;
    std::fs::write(firm.path("wrong.toml"), WRONG).unwrap();
    let file = firm.path("wrong.toml").display().to_string();
    let told = firm.run(&["test", &file]).ends(1);
    for part in [
        "FAILS  it goes wrong",
        "wrong.toml:1:1",
        "✗ Thu 2026-09-17 reminder by email  –   it did not happen",
        "✗ Fri 2026-09-18 –                  reminder by email   nobody expected it",
        "approved: nobody is asked for a yes",
        "tests: 1; hold: 0; fail: 1",
    ] {
        assert!(told.out.contains(part), "{part}\n{}", told.out);
    }
    std::fs::write(firm.path("wrong.toml"), WRONG.replace("2026-09-17", "2026-09-18").replace("approved", "disputed")).unwrap();
    assert!(firm.run(&["test", &file]).ends(0).out.contains("holds  it goes wrong"));
    assert!(!firm.path("relance.db").exists(), "nothing of the firm's own is touched");
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_told_with_its_place() {
    let firm = Firm::new(&Config::mail(25), &[]).await;
    let tells = |text: &str, part: &str| {
        std::fs::write(firm.path("wrong.toml"), text).unwrap();
        let told = firm.run(&["test", &firm.path("wrong.toml").display().to_string()]).ends(2);
        assert!(told.err.contains(part), "{part}\n{}", told.err);
    };
    tells("[[test]\n", "wrong.toml:1:8: this is not TOML");
    tells("", "\"test\" is missing; wanted at least one [[test]]");
    tells(&WRONG.replace("approved", "vanished"), "wrong.toml:6:32: \"what\" is \"vanished\"; wanted one of: paid, part_paid");
    tells(&WRONG.replace("+14", "soon"), "wrong.toml:5:21: \"due\" is \"soon\"; wanted a date");
    tells(&WRONG.replace("step =", "stap ="), "wrong.toml:7:24: unknown key \"stap\"");
    tells(&WRONG.replace("by = \"email\"", "by = \"fax\""), "\"by\" is \"fax\"; wanted one of: email, sms, call, task, approval");
    tells(&format!("country = \"XX\"\n{WRONG}"), "wrong.toml:1:11: \"country\" is \"XX\"");
}

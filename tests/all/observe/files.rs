//! The files that watch a daemon: alert rules, their tests, a dashboard. They name metrics that there are, and none is forgotten.

use super::{families, observed};
use crate::support::{Config, Row, Smtp, World};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

const README: &str = include_str!("../../../README.md");
const RULES: &str = include_str!("../../../observe/alerts.yml");
const TESTS: &str = include_str!("../../../observe/alerts.test.yml");
const DASHBOARD: &str = include_str!("../../../observe/dashboard.json");

/// Metrics that tell how it goes, and raise no alarm by themselves.
const QUIET: [&str; 12] = [
    "relance_answer_requests_total",
    "relance_build_info",
    "relance_daemons",
    "relance_ledger_rows",
    "relance_messages_planned_total",
    "relance_pump_seconds_total",
    "relance_pump_steps_total",
    "relance_bank_entries_total",
    "relance_returns_total",
    "relance_start_time_seconds",
    "relance_tasks",
    "relance_outbox_messages",
];

/// The metrics that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    words.filter(|w| w.starts_with("relance_")).map(str::to_owned).collect()
}

async fn page() -> String {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port).with_sms_file(), &[Row::new("F-1", "C1")]).await;
    let (observed, _) = observed(&world);
    let page = observed.metrics().await.text;
    world.finish().await;
    page
}

#[tokio::test]
async fn they_name_the_metrics_that_there_are() {
    let page = page().await;
    let all: BTreeSet<String> = families(&page).into_iter().collect();
    let expressions: String = RULES.lines().filter(|l| l.trim_start().starts_with("expr:")).collect();
    let in_rules = named(&expressions);
    assert_eq!(in_rules.difference(&all).collect::<Vec<_>>(), Vec::<&String>::new(), "the rules name what is not there");
    assert_eq!(named(TESTS).difference(&all).collect::<Vec<_>>(), Vec::<&String>::new());
    let quiet: BTreeSet<String> = QUIET.iter().map(|q| (*q).to_owned()).collect();
    let watched: BTreeSet<String> = in_rules.union(&quiet).cloned().collect();
    assert_eq!(watched, all, "each metric has a rule, or a reason to have none");
    let mut on_dashboard = named(DASHBOARD);
    on_dashboard.remove("relance_");
    assert_eq!(on_dashboard, all, "and a panel");
    let table = README.split("| Metric |").nth(1).expect("the table of metrics").split("\n\n").next().unwrap();
    assert_eq!(named(table), all, "and a line of the README");
    // The labels that they ask for are there as well.
    for (name, labels) in [("relance_stopped", "reason=\"too_many\""), ("relance_outbox_messages", "state=\"uncertain\"")] {
        assert!(page.contains(&format!("{name}{{{labels}")) || page.contains(&format!(",{labels}")), "{name} {labels}");
    }
}

#[test]
fn the_dashboard_can_be_imported() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let variables: Vec<&str> =
        dashboard["templating"]["list"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect();
    assert_eq!(variables, ["datasource", "job", "instance"]);
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<i64> = panels.iter().map(|p| p["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each its own number");
    let mut places = BTreeSet::new();
    for panel in panels {
        let at = &panel["gridPos"];
        let of = |key: &str| at[key].as_i64().unwrap();
        assert!(of("x") + of("w") <= 24, "{panel}");
        for x in of("x")..of("x") + of("w") {
            for y in of("y")..of("y") + of("h") {
                assert!(places.insert((x, y)), "two panels on one place: {}", panel["title"]);
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{} has no unit", panel["title"]);
        for target in panel["targets"].as_array().unwrap() {
            assert!(target["expr"].as_str().unwrap().contains("job=\"$job\", instance=~\"$instance\""), "{target}");
        }
    }
}

#[test]
fn each_rule_says_what_to_do() {
    let rules: Vec<&str> = RULES.split("      - alert: ").skip(1).collect();
    assert!(rules.len() >= 15);
    for rule in rules {
        let name = rule.lines().next().unwrap();
        for wanted in ["expr: ", "labels: {severity: ", "summary: \"", "description: \""] {
            assert!(rule.contains(wanted), "{name} has no {wanted}");
        }
        assert!(TESTS.contains(name), "{name} is tested by no test of promtool");
    }
}

/// promtool, where tests/run has fetched it.
#[tokio::test]
async fn promtool_finds_nothing_wrong() {
    let Some(promtool) = relance::config::environment().remove("RELANCE_PROMTOOL") else {
        println!("left out: RELANCE_PROMTOOL names no promtool");
        return;
    };
    let root = env!("CARGO_MANIFEST_DIR");
    for words in [["check", "rules", "observe/alerts.yml"], ["test", "rules", "observe/alerts.test.yml"]] {
        let ran = Command::new(&promtool).current_dir(root).args(words).output().unwrap();
        assert!(
            ran.status.success(),
            "{words:?}: {}{}",
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr)
        );
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("page");
    std::fs::write(&path, page().await).unwrap();
    let input = std::fs::File::open(&path).unwrap();
    let ran = Command::new(&promtool).args(["check", "metrics"]).stdin(input).output().unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    assert!(ran.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

//! What other users of the machine can reach is told by `check`, and nothing is sent before the grave things are mended.

use super::program::{Firm, into_folder, late};
use super::support::home::on_postgres;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_configuration_that_everybody_may_change_stops_check_and_run() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    let config = firm.path("relance.toml");
    mode(&config, 0o666);
    for verb in [&["check"][..], &["run", "--once"]] {
        let refused = firm.run(verb).ends(2);
        let told = format!("{}{}", refused.out, refused.err);
        assert!(told.contains("relance.toml:1:1: every user of this machine can write to this file"), "{told}");
    }
    assert_eq!(firm.mails().len(), 0, "nothing left");
    mode(&config, 0o664);
    assert!(firm.run(&["check"]).ends(0).out.contains("warning: a group can write to this file"));
    mode(&config, 0o644);
    assert!(!firm.run(&["check"]).ends(0).out.contains("warning"));
}

#[tokio::test]
async fn a_store_that_everybody_may_read_stops_run() {
    if on_postgres() {
        return; // Only a file has a mode.
    }
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]);
    let store = firm.path("relance.db");
    mode(&store, 0o644);
    let refused = firm.run(&["run", "--once"]).ends(2);
    assert!(refused.err.contains("can read or change the store"), "{}", refused.err);
    mode(&store, 0o600);
    firm.run(&["check"]).ends(0);
}

#[tokio::test]
async fn a_password_that_everybody_may_read_stops_run_and_is_not_repeated() {
    let firm = Firm::new(
        &into_folder().email_line("user = \"compta\"\npassword = { file = \"smtp.password\" }").file("smtp.password", "hunter2"),
        &[late("F-1", "C1")],
    )
    .await;
    mode(&firm.path("smtp.password"), 0o644);
    let refused = firm.run(&["check"]).ends(2);
    assert!(refused.out.contains("every user of this machine can read this password"), "{}", refused.out);
    assert!(!refused.out.contains("hunter2") && !refused.err.contains("hunter2"));
    mode(&firm.path("smtp.password"), 0o600);
    firm.run(&["check"]).ends(0);
}

#[tokio::test]
async fn a_folder_for_statements_that_everybody_may_write_to_is_told() {
    let config = into_folder().file("conf.d/bank.toml", "[bank]\nfolder = \"bank\"\n").file("bank/.keep", "");
    let firm = Firm::new(&config, &[]).await;
    mode(&firm.path("bank"), 0o777);
    let told = firm.run(&["check"]).ends(0).out;
    assert!(told.contains("warning: every user of this machine can write here: a statement put there"), "{told}");
    mode(&firm.path("bank"), 0o775);
    assert!(!firm.run(&["check"]).ends(0).out.contains("warning"));
}

#[tokio::test]
async fn a_listener_that_other_machines_reach_is_told() {
    let answers = |address: &str| format!("[answers]\naddress = \"{address}\"\npublic = \"https://pay.canal.example\"\n");
    let firm = Firm::new(&into_folder().file("conf.d/answers.toml", &answers("0.0.0.0:8481")), &[]).await;
    let told = firm.run(&["check"]).ends(0).out;
    assert!(told.contains("warning: [answers] address 0.0.0.0:8481 is reached from other machines"), "{told}");
    firm.write("conf.d/answers.toml", &answers("127.0.0.1:8481"));
    assert!(!firm.run(&["check"]).ends(0).out.contains("warning"));
    // Words that decide what is sent count like the configuration itself.
    firm.write("stop.toml", include_str!("../../config/stop.toml"));
    mode(&firm.path("stop.toml"), 0o666);
    assert!(firm.run(&["check"]).ends(2).out.contains("stop.toml:1:1: every user of this machine can write to this file"));
}

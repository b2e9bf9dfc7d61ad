//! `check` and the words of the command line: what is wrong is told all at once, each with its place, and `run`
//! starts with nothing that `check` refuses.

use super::program::{ALWAYS, Firm, Ran, into_folder, late};
use super::support::Config;
use super::support::smtp::{Offers, Smtp};

/// Each line as file, line, column and text.
fn places(ran: &Ran, text: &str) -> Vec<(String, String)> {
    let place = |line: &str| {
        let mut parts = line.splitn(4, ':');
        let (file, row, column) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap_or_default());
        let numbers = row.parse::<usize>().is_ok_and(|n| n > 0) && column.parse::<usize>().is_ok_and(|n| n > 0);
        assert!(numbers, "does not begin with FILE:LINE:COLUMN: {line}\nstderr: {}", ran.err);
        let file = file.rsplit('/').next().unwrap();
        (format!("{file}:{row}:{column}"), parts.next().unwrap_or_default().to_owned())
    };
    text.lines().map(place).collect()
}

fn full_of_mistakes() -> Config {
    let config = Config::mail(25)
        .guard_line("max_mesages_per_cycle = 200")
        .email_line("connections = 0")
        .cadence(&ALWAYS.replace("1 day after due", "whenever it rains").replace("mon-sun", "mon-someday"))
        .file(
            "cadences/other.toml",
            "name = \"other\"\n[[step]]\nid = \"note\"\nwhen = \"2 days after due\"\nchannel = \"email\"\n",
        );
    config.file("letters/fr/note.md", "subject: Rappel\n\nBonjour {{ debtr.name }},\n")
}

#[tokio::test]
async fn check_tells_every_problem_at_once_and_run_refuses_them() {
    let firm = Firm::new(&full_of_mistakes(), &[late("F-1", "C1")]).await;
    let checked = firm.run(&["check"]).ends(2);
    let told = places(&checked, &checked.out);
    assert!(told.len() >= 4, "{}", checked.out);
    for (file, word) in [
        ("relance.toml:", "max_mesages_per_cycle"),
        ("relance.toml:", "connections"),
        ("standard.toml:", "whenever it rains"),
        ("standard.toml:", "mon-someday"),
    ] {
        assert!(told.iter().any(|(at, text)| at.starts_with(file) && text.contains(word)), "{word}: {}", checked.out);
    }
    assert!(checked.err.contains(&format!("{} problems to mend", told.len())), "{}", checked.err);
    for verb in [&["run"][..], &["run", "--once"]] {
        let refused = firm.run(verb).ends(2);
        assert_eq!(places(&refused, &refused.err), told);
        assert!(!firm.path("relance.db").exists(), "nothing was begun");
    }
}

#[tokio::test]
async fn letters_are_checked_in_every_language() {
    let config = into_folder().file("letters/fr/reminder.md", "subject: Rappel\n\nBonjour {{ debtr.name }},\n");
    let firm = Firm::new(&config, &[]).await;
    let checked = firm.run(&["check"]).ends(2);
    let told = places(&checked, &checked.out);
    assert!(told.iter().any(|(at, text)| at == "reminder.md:3:12" && text.contains("debtr")), "{}", checked.out);
}

#[tokio::test]
async fn a_good_configuration_is_good() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    let checked = firm.run(&["check"]).ends(0);
    assert!(checked.out.contains("good (cadences: 1; letters: "), "{}", checked.out);
    assert_eq!(checked.err, "");
    assert!(!firm.path("relance.db").exists(), "a check leaves no trace");
    let connected = firm.run(&["check", "--connect"]).ends(0);
    assert!(connected.out.contains("source: ") && connected.out.contains("1 rows read again in"), "{}", connected.out);
    assert!(connected.out.contains("email: mail goes to the folder"), "{}", connected.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn check_connect_reaches_source_and_mail_server() {
    let server = Smtp::with(Offers { login: Some(("compta", "open sesame")), ..Offers::default() }).await;
    let login = "user = \"compta\"\npassword = { file = \"smtp.secret\" }";
    let config = Config::mail(server.port).email_line(login).file("smtp.secret", "open sesame\n");
    let firm = Firm::new(&config, &[late("F-1", "C1")]).await;
    let good = firm.run(&["check", "--connect"]).ends(0);
    assert!(good.out.contains("email: 127.0.0.1") && good.out.contains("logged in"), "{}", good.out);
    assert!(server.begun().is_empty(), "nothing is sent");
    std::fs::write(firm.path("smtp.secret"), "xyzzy-guess\n").unwrap();
    let refused = firm.run(&["check", "--connect"]).ends(1);
    assert!(refused.out.contains("email: FAILED") && refused.out.contains("535"), "{}", refused.out);
    assert!(!format!("{}{}", refused.out, refused.err).contains("xyzzy"), "a secret was printed");
    std::fs::remove_file(firm.path("ledger.db")).unwrap();
    let lost = firm.run(&["check", "--connect"]).ends(1);
    assert!(lost.out.contains("source: FAILED: cannot open the ledger"), "{}", lost.out);
}

#[tokio::test]
async fn a_password_in_the_configuration_is_refused_and_not_printed() {
    let config = Config::mail(25).email_line("user = \"compta\"\npassword = \"xyzzy\"");
    let refused = Firm::new(&config, &[]).await.run(&["check"]).ends(2);
    assert!(refused.out.contains("a secret never stands in the configuration"), "{}", refused.out);
    assert!(!format!("{}{}", refused.out, refused.err).contains("xyzzy"));
}

/// Rule R8: a step's identity is its id.
#[tokio::test]
async fn a_step_that_vanished_under_open_cases_is_refused_until_confirmed() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let cadence = |text: &str| std::fs::write(firm.path("cadences/standard.toml"), text).unwrap();
    let renamed = ALWAYS.replace("id = \"reminder\"", "id = \"nudge\"\nletter = \"reminder\"\nrank = \"reminder\"");
    cadence(&renamed);
    let refused = firm.run(&["check"]).ends(2);
    let told = places(&refused, &refused.out);
    assert!(told.len() == 1 && told[0].0.starts_with("standard.toml:"), "{}", refused.out);
    assert!(told[0].1.contains("the step \"reminder\" is gone") && told[0].1.contains("was = \"reminder\""), "{}", refused.out);
    firm.run(&["run", "--once"]).ends(2);
    cadence(&renamed.replace("id = \"nudge\"", "id = \"nudge\"\nwas = \"reminder\""));
    firm.run(&["check"]).ends(0);
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts(), ["accepted C1"], "under its new name it is still the step that was had");
    cadence(&format!("gone = [\"reminder\"]\n{renamed}"));
    firm.run(&["check"]).ends(0);
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.attempts(), ["accepted C1"], "a new step behind the furthest is passed over");
}

#[tokio::test]
async fn every_verb_has_its_help() {
    let firm = Firm::new(&into_folder(), &[]).await;
    let all = firm.run(&["--help"]).ends(0);
    let verbs = [
        "init",
        "schema",
        "run",
        "check",
        "preview",
        "explain",
        "log",
        "status",
        "release",
        "hold",
        "resume",
        "holds",
        "uncertain",
        "reach",
        "contact",
        "inbox",
        "store",
        "demo",
    ];
    for verb in verbs {
        assert!(all.out.lines().any(|l| l.trim_start().starts_with(&format!("{verb} "))), "{verb}: {}", all.out);
        let help = firm.run(&[verb, "--help"]).ends(0);
        assert!(help.out.contains(&format!("Usage: relance {verb}")), "{}", help.out);
    }
    for verb in [["log", "show"], ["log", "verify"], ["store", "copy"], ["contact", "correct"]] {
        firm.run(&[verb[0], verb[1], "--help"]).ends(0);
    }
    firm.run(&["--version"]).ends(0);
}

#[tokio::test]
async fn words_that_make_no_call_end_with_2() {
    let firm = Firm::new(&into_folder(), &[]).await;
    for verb in [
        &["frobnicate"][..],
        &[],
        &["explain"],
        &["log", "--since", "yesterday"],
        &["log", "--outcome", "perhaps"],
        &["uncertain", "1"],
        &["store"],
        &["store", "copy"],
        &["hold", "C1", "--reason", "by phone"],
        &["preview", "--days", "0"],
        &["preview", "--from", "2020-01-01"],
    ] {
        let ran = if verb.contains(&"--from") { preview_in_the_past(&firm) } else { firm.run(verb) };
        assert_eq!(ran.code, Some(2), "{verb:?}: {}", ran.err);
        assert_ne!(ran.err, "", "{verb:?}");
    }
    let mut elsewhere = firm.command(&["check"]);
    let output = elsewhere.arg("--config").arg(firm.path("nowhere.toml")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// Needs a store.
fn preview_in_the_past(firm: &Firm) -> Ran {
    firm.run(&["run", "--once"]).ends(0);
    firm.run(&["preview", "--from", "2020-01-01"])
}

#[tokio::test]
async fn without_a_store_the_reading_verbs_say_so() {
    let firm = Firm::new(&into_folder(), &[]).await;
    for verb in [&["status"][..], &["log"], &["preview"], &["explain", "C1"], &["holds"], &["uncertain"], &["log", "verify"]] {
        let ran = firm.run(verb).ends(1);
        assert!(ran.err.contains("there is no store") && ran.err.contains("relance run"), "{verb:?}: {}", ran.err);
    }
    assert!(!firm.path("relance.db").exists());
}

/// Who gets which, on the ledger as it was last read; and what no cadence takes.
#[tokio::test]
async fn a_table_tells_which_cadence_takes_whom() {
    let only = ALWAYS.replace("[window]\n", "applies_to = { customer_kind = \"business\" }\n[window]\n");
    let rows = [
        late("F-1", "C1").with("customer_kind", "business"),
        late("F-2", "C1").with("customer_kind", "business"),
        late("F-3", "C2").with("customer_kind", "consumer"),
        late("F-4", "C3").with("customer_kind", "business").with("email", "").with("tags", "key_account"),
    ];
    let firm = Firm::new(&into_folder().cadence(&only), &rows).await;
    assert!(!firm.run(&["check"]).ends(0).out.contains("CUSTOMERS"), "nothing is known before the ledger was read");
    firm.run(&["run", "--once"]).ends(0);
    let told = firm.run(&["check"]).ends(0).out;
    let row = |begins: &str| {
        let line = told.lines().find(|l| l.trim_start().starts_with(begins)).unwrap_or_else(|| panic!("{begins}: {told}"));
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("standard")[1..3], ["1", "2"]);
    assert!(row("none: kind consumer")[3..].contains(&"1".to_owned()), "{told}");
    assert_eq!(row("none: state key_account").last().unwrap(), "1", "and no address");
    assert!(told.contains("what no cadence takes is chased by nobody"), "{told}");
}

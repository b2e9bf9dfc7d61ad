//! The built program: the page beside the pumps, an answer over it, and the verbs around what was said.

use super::{FORM, ask, link_in, with_page};
use crate::program::{Firm, day, into_folder, late, wait_for, word};
use crate::sms_back::form;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_over_the_program_is_explained_listed_and_decided_on() {
    let config = with_page(into_folder().source_line("poll = \"* * * * * *\""), "");
    let firm = Firm::new(&config, &[late("F-1", "C1"), late("F-2", "C2")]).await;
    let daemon = firm.daemon();
    let said =
        || firm.journal().split("answer on the page listen=").nth(1).map(|r| r.split_whitespace().next().unwrap().to_owned());
    wait_for("the listener", || said().is_some());
    let address = said().unwrap();
    wait_for("the mails", || firm.mails().len() == 2);
    let mails: Vec<String> = firm.mails().iter().map(|m| std::fs::read_to_string(m).unwrap()).collect();
    let mail = mails.iter().find(|m| m.contains("c1@client.example")).unwrap();
    let link = link_in(crate::support::mail::Parsed::new(mail.as_bytes()).text());
    let shown = ask(&address, "GET", &link, "", "").await;
    assert_eq!(shown.status, 200);
    let today = day(0).to_string();
    let nasty = "virement \u{1b}[2J\u{202e} de la\r\nbanque";
    let body = form(&[("kind", "paid"), ("form", &shown.form()), ("on", &today), ("how", nasty)]);
    let done = ask(&address, "POST", &link, FORM, &body).await;
    assert_eq!(done.status, 200, "{}", done.body);

    let table = firm.run(&["proposals"]).ends(0).out;
    assert!(table.contains("C1 Maison C1") && table.contains(&format!("already paid, on {today}")), "{table}");
    let object = firm.object(&["proposals"]);
    assert_eq!((word(&object["kind"]), word(&object["state"]), word(&object["on"])), ("paid", "open", today.as_str()));
    assert_eq!(object["invoices"], serde_json::json!(["F-1"]));
    let shown = firm.run(&["proposals", "show", "1"]).ends(0).out;
    assert!(shown.contains("virement") && !shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
    assert_eq!(word(&firm.object(&["inbox", "--all"])["via"]), "page");
    let told = firm.object(&["explain", "C1"]);
    assert_eq!((word(&told["decision"]), word(&told["reason"])), ("hold", "page_answered"));
    let text = firm.run(&["explain", "F-1"]).ends(0).out;
    assert!(text.contains("`relance proposals`"), "{text}");
    assert!(text.contains(&format!("on the answer page: already paid on {today} (proposal 1)")), "{text}");
    let holds = firm.object(&["holds"]);
    assert_eq!((word(&holds["kind"]), word(&holds["invoice"])), ("answer", "F-1"));

    // The operator's word beside the daemon.
    let accepted = firm.run(&["proposals", "accept", "1", "--by", "anne"]).ends(0).out;
    assert!(accepted.contains("proposal 1: accepted"), "{accepted}");
    assert_eq!(word(&firm.object(&["holds"])["kind"]), "operator");
    assert!(firm.run(&["proposals"]).ends(0).out.contains("no proposal waits"));
    let all = firm.object(&["proposals", "C1", "--all"]);
    assert_eq!((word(&all["state"]), word(&all["by"])), ("accepted", "anne"));
    assert_eq!(daemon.terminate().0, Some(0));
    let journal = firm.journal();
    assert!(!journal.contains("virement") && !journal.contains("/a/") && !journal.contains("client.example"), "{journal}");
}

#[tokio::test]
async fn a_page_that_is_set_wrongly_is_refused_with_what_is_wanted() {
    for (lines, wanted) in [
        ("address = \"8481\"\npublic = \"https://a.example\"\n", "wanted an address and port"),
        ("address = \"127.0.0.1:1\"\npublic = \"http://a.example\"\n", "https, no login, no query"),
        ("address = \"127.0.0.1:1\"\n", "\"public\" is missing"),
        ("address = \"127.0.0.1:1\"\npublic = \"https://a.example\"\nvalid = \"3 days\"\n", "wanted from 7 to 400 days"),
        ("address = \"127.0.0.1:1\"\npublic = \"https://a.example\"\nhold = \"60 days\"\n", "wanted from 1 to 20 days"),
        ("address = \"127.0.0.1:1\"\npublic = \"https://a.example\"\nhold_paid = \"0 days\"\n", "wanted from 1 to 20 days"),
        ("address = \"127.0.0.1:1\"\npublic = \"https://a.example\"\nsecret = \"x\"\n", "unknown key \"secret\" in [answers]"),
    ] {
        let config = into_folder().file("conf.d/answers.toml", &format!("[answers]\n{lines}"));
        let firm = Firm::new(&config, &[]).await;
        let ran = firm.run(&["check"]).ends(2);
        assert!(ran.out.contains(wanted) || ran.err.contains(wanted), "{lines}: {}{}", ran.out, ran.err);
    }
}

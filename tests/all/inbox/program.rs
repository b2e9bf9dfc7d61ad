//! The built program: a mail handed in by a pipe, the verbs around what came, and a daemon that hears of news.

use super::server::{Imap, PASSWORD};
use crate::program::wait_for;
use crate::program::{Firm, into_folder, late, word};
use crate::support::Config;
use jiff::civil::date;
use serde_json::Value;

/// An answer to the only mail that left, as the customer's program makes it.
fn answer(firm: &Firm, text: &str) -> String {
    let sent = std::fs::read_to_string(&firm.mails()[0]).unwrap();
    let line = sent.lines().find(|l| l.starts_with("Reply-To: ")).unwrap();
    format!("From: Boss <c1@client.example>\r\nTo: {}\r\nSubject: Re: F-1\r\n\r\n{text}\r\n", line.split_once(": ").unwrap().1)
}

fn take(firm: &Firm, mail: &str) -> crate::program::Ran {
    crate::program::Ran::new(&firm.command(&["inbox", "take"]).write_stdin(mail.to_owned()).output().unwrap())
}

fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_mail_is_handed_in_shown_and_read() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    assert!(firm.run(&["inbox"]).ends(0).out.contains("nothing waits to be read"));
    let mail = answer(&firm, "We pay on Friday.\r\n\u{1b}[2J> quoted");
    assert!(take(&firm, &mail).ends(0).out.contains("it belongs to C1"));
    assert!(take(&firm, &mail).ends(0).out.contains("it has come before"));
    assert!(take(&firm, "From: x@y.example\r\n\r\nhello\r\n").ends(0).out.contains("it belongs to nobody"));
    assert!(take(&firm, "").ends(2).err.contains("there is no mail on standard input"));

    let table = firm.run(&["inbox"]).ends(0).out;
    assert!(table.contains("C1 Maison C1") && table.contains("answer, unread") && !table.contains("x@y.example"), "{table}");
    assert!(firm.run(&["inbox", "--unmatched"]).ends(0).out.contains("x@y.example"));
    assert_eq!(firm.json(&["inbox", "--all"]).len(), 2);
    let object = firm.object(&["inbox", "C1"]);
    assert_eq!(
        fields(&object),
        [
            "at",
            "back_on",
            "by",
            "class",
            "debtor",
            "from",
            "held_until",
            "id",
            "kind",
            "matched_by",
            "message",
            "read_at",
            "remark",
            "speaks_of",
            "state",
            "subject",
            "text",
            "via"
        ]
    );
    assert_eq!((word(&object["matched_by"]), word(&object["state"])), ("token", "unread"));
    let shown = firm.run(&["inbox", "show", "1"]).ends(0).out;
    assert!(shown.contains("We pay on Friday.") && !shown.contains('\u{1b}') && shown.contains("held until"), "{shown}");
    assert!(firm.run(&["explain", "C1"]).ends(0).out.contains("unread answer"), "explain tells what holds");

    firm.run(&["inbox", "read", "1", "--by", "anna", "--remark", "phoned back"]).ends(0);
    assert!(firm.run(&["inbox", "read", "1"]).ends(1).err.contains("does not wait to be read"));
    let read = firm.object(&["inbox", "C1", "--all"]);
    assert_eq!((word(&read["by"]), word(&read["remark"]), &read["held_until"]), ("anna", "phoned back", &Value::Null));
    assert!(firm.run(&["inbox", "show", "77"]).ends(1).err.contains("there is nothing 77"));
    assert!(firm.run(&["inbox", "C9"]).ends(1).err.contains("there is no debtor \"C9\""));
}

/// A mail server is asked to try again, whatever it is that stands in the way.
#[tokio::test]
async fn a_mail_that_cannot_be_put_on_record_now_is_asked_for_again() {
    let firm = Firm::new(&into_folder(), &[]).await;
    let early = take(&firm, "From: x@y.example\r\n\r\nhello\r\n").ends(75);
    assert!(early.err.contains("is to be handed over again"), "{}", early.err);
    firm.write("conf.d/wrong.toml", "[guard]\nnonsense = 1\n");
    assert!(take(&firm, "From: x@y.example\r\n\r\nhello\r\n").ends(75).err.contains("nonsense"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_hears_of_news_and_holds_the_case() {
    let imap = Imap::start(|_| {}).await;
    let inbox = format!(
        "[inbox]\nkind = \"imap\"\nurl = \"imap://127.0.0.1:{}\"\ntls = \"none\"\nuser = \"bounces\"\npassword = {{ file = \"inbox.secret\" }}\npoll = \"1h\"\n",
        imap.port
    );
    let config: Config = into_folder().file("conf.d/inbox.toml", &inbox).file("inbox.secret", PASSWORD);
    let firm = Firm::new(&config, &[late("F-1", "C1")]).await;
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(imap.state().connections, 0, "nobody had been written to");
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(imap.state().connections, 1, "one look before anything is planned");
    let daemon = firm.daemon();
    wait_for("the daemon to wait for news", || imap.state().idling > 0);
    imap.deliver_on(date(2999, 1, 1), answer(&firm, "We pay on Friday.").as_bytes());
    wait_for("the answer to be on record", || !firm.json(&["inbox"]).is_empty());
    wait_for("the case to be held", || firm.run(&["explain", "C1"]).out.contains("unread answer"));
    assert_eq!(daemon.terminate().0, Some(0), "it ends while it waits for news");
}

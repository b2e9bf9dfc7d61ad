//! The built program: the listener beside the pumps, a reload, a stop, and the verb that prints the URL.

use super::{FORM, PUBLIC, SECRET, heard, say, taken};
use crate::program::{Firm, at_once, late, wait_for};
use crate::support::Config;
use crate::support::config::SMS_ONLY;
use crate::support::http::Http;

const ALL_HOURS: &str = "[window.sms]\ndays = \"mon-sun\"\nhours = \"00:00-24:00\"\n[[step]]";

fn config(port: u16) -> Config {
    let cadence = SMS_ONLY.replace("[[step]]", ALL_HOURS).replace("4 working days", "1 day");
    let config = at_once(Config::sms("kannel", port)).cadence(&cadence).source_line("poll = \"* * * * * *\"");
    heard(config, "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_listener_runs_beside_the_pumps_outlives_a_reload_and_ends_in_time() {
    let gateway = Http::start(taken("kannel", "")).await;
    let row = late("F-1", "C1").without("email").with("phone", "+32470000001");
    let firm = Firm::new(&config(gateway.port), &[row]).await;
    let daemon = firm.daemon();
    let said = || firm.journal().split("is heard listen=").nth(1).map(|r| r.split_whitespace().next().unwrap().to_owned());
    wait_for("the listener", || said().is_some());
    let address = said().unwrap();
    wait_for("the SMS", || !gateway.requests().is_empty());
    let url = gateway.requests()[0].field("dlr-url").unwrap().to_owned();
    let target = url.strip_prefix(PUBLIC).unwrap().split("&type").next().unwrap().to_owned();
    let printed = firm.run(&["hook"]).ends(0).out;
    assert!(printed.starts_with(&format!("{PUBLIC}{}\n", target.split('?').next().unwrap())), "{printed}");
    assert!(printed.contains("this URL alone"), "{printed}");
    let json: serde_json::Value = serde_json::from_str(&firm.run(&["hook", "--json"]).ends(0).out).unwrap();
    assert_eq!(
        (json["gateway"].as_str(), json["enter_for_receipts"].as_bool(), json["enter_for_messages"].as_bool()),
        (Some("kannel"), Some(false), Some(true))
    );

    assert_eq!(say(&address, "GET", &format!("{target}&type=8"), "", "").await, 200);
    assert_eq!(say(&address, "GET", "/hook/kannel/0123", "", "").await, 403);
    wait_for("the refusal in the journal", || firm.journal().contains("was not believed gateway=kannel why=url"));
    firm.write(
        "conf.d/listen.toml",
        &format!("[listen]\naddress = \"127.0.0.1:1\"\npublic = \"{PUBLIC}\"\n[people]\ncall_hours = \"09:00-12:00\"\n"),
    );
    daemon.signal("HUP");
    wait_for("the reload", || firm.journal().contains("[observe], [listen] or [answers] has changed too"));
    wait_for("another session", || firm.journal().matches("relance runs").count() == 2);
    assert_eq!(say(&address, "GET", &format!("{target}&type=1"), "", "").await, 200);
    let inbox = firm.run(&["inbox", "--all", "--json"]).ends(0).out;
    assert!(inbox.contains("\"kind\":\"delivered\"") && inbox.lines().count() == 1, "{inbox}");
    // Somebody who has begun and says nothing keeps the program from nothing.
    let idle = std::net::TcpStream::connect(&address).unwrap();
    assert_eq!(daemon.terminate().0, Some(0));
    drop(idle);
    let journal = firm.journal();
    assert!(journal.contains("relance has ended in good order") && !journal.contains("32470000001"), "{journal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_everybody_may_read_stops_check_and_one_that_is_gone_stops_no_message() {
    let gateway = Http::start(taken("brevo", "1")).await;
    let cadence = SMS_ONLY.replace("[[step]]", ALL_HOURS).replace("4 working days", "1 day");
    let config = heard(at_once(Config::sms("brevo", gateway.port)).cadence(&cadence), "secret = { file = \"hooks.secret\" }\n");
    let firm = Firm::new(&config, &[late("F-1", "C1").without("email").with("phone", "+32470000001")]).await;
    let key = firm.path("hooks.secret");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let told = firm.run(&["check"]).ends(2).out;
    assert!(told.contains("hooks.secret") && !told.contains(SECRET), "{told}");
    std::fs::remove_file(&key).unwrap();
    firm.run(&["run", "--once"]).ends(0);
    let request = &gateway.requests()[0];
    assert!(request.body.contains("content") && !request.body.contains("webUrl"), "{}", request.body);
}

#[tokio::test]
async fn without_a_listener_there_is_no_url() {
    let firm = Firm::new(&at_once(Config::sms("kannel", 9)).cadence(SMS_ONLY), &[]).await;
    firm.run(&["run", "--once"]);
    let ran = firm.run(&["hook"]).ends(1);
    assert!(ran.err.contains("wanted [listen] in relance.toml"), "{}", ran.err);
}

#[tokio::test]
async fn what_signs_wants_its_key() {
    for (gateway, key, good) in [
        ("vonage", false, false),
        ("messagebird", false, false),
        ("vonage", true, true),
        ("twilio", false, true),
        ("brevo", false, true),
        ("ovh", false, true),
    ] {
        let more = if key { "secret = { file = \"hooks.secret\" }\n" } else { "" };
        let firm = Firm::new(&heard(at_once(Config::sms(gateway, 9)).cadence(SMS_ONLY), more), &[]).await;
        let ran = firm.run(&["check"]);
        match good {
            true => assert_eq!(ran.code, Some(0), "{gateway}: {}{}", ran.out, ran.err),
            false => assert!(ran.out.contains(&format!("\"secret\" is missing: {gateway} signs")), "{}{}", ran.out, ran.err),
        }
        assert!(!ran.out.contains(SECRET) && !ran.out.contains(FORM.trim()));
    }
}

//! The link in messages: each has its own, copies and SMS only as configured, and no letter of the firm's own has to change.

use super::{PUBLIC, link_in, with_page};
use crate::support::{Config, Row, Smtp, World};
use relance::letter::page::{LANGUAGES, words};

/// HTML with its characters in place of their numbers.
fn decoded(html: &str) -> String {
    let mut parts = html.split("&#");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once(';').unwrap();
        out.push(char::from_u32(number.parse().unwrap()).unwrap());
        out.push_str(rest);
    }
    out
}

#[tokio::test]
async fn each_mail_has_its_link_in_both_forms() {
    let smtp = Smtp::start().await;
    let rows: Vec<Row> = LANGUAGES.iter().map(|l| Row::new(&format!("F-{l}"), l).with("language", l)).collect();
    let world = World::with(with_page(Config::mail(smtp.port), ""), &rows).await;
    world.round().await;
    let mut links = Vec::new();
    for language in LANGUAGES {
        let mail = smtp.to(&format!("{language}@client.example")).pop().unwrap().parsed();
        let w = words(language);
        let (text, html) = (mail.text().to_owned(), decoded(mail.part("text/html")));
        assert!(text.contains(w.link), "{text}");
        let link = link_in(&text);
        assert!(html.contains(&format!("href=\"{PUBLIC}{link}\"")) && html.contains(w.button) && html.contains(w.link), "{html}");
        assert!(link.len() < 50, "{link}");
        links.push(link);
    }
    links.sort();
    links.dedup();
    assert_eq!(links.len(), 4);
    world.finish().await;
}

#[tokio::test]
async fn without_a_page_nothing_changes_and_a_trial_records_nothing() {
    let smtp = Smtp::start().await;
    let config = with_page(Config::mail(smtp.port).guard_line("redirect_to = \"me@canal.example\""), "");
    let world = World::with(config, &[Row::new("F-1", "C1").with("language", "en")]).await;
    world.round().await;
    let link = link_in(smtp.to("me@canal.example").pop().unwrap().parsed().text());
    let desk = super::Desk::over(world, smtp).await;
    let done = desk.answer(&link, "paid", &[("on", "2026-10-30")]).await;
    assert!(done.body.contains("This is a trial: nothing was recorded"), "{}", done.body);
    assert!(desk.proposals().await.is_empty() && desk.holds().await.is_empty());
    let super::Desk { mut world, smtp, .. } = desk;
    // The page is taken away: old links lead nowhere, new mails have none.
    world.reconfigure(|c| c.file("conf.d/answers.toml", "")).await;
    world.change("F-1", "due_on", "2026-10-20").await;
    world.set("2026-11-12T10:00:00+01:00");
    world.round().await;
    let mail = smtp.to("me@canal.example").pop().unwrap().parsed();
    assert!(!mail.text().contains(PUBLIC) && !mail.part("text/html").contains("class=\"answer\""), "{}", mail.text());
    world.finish().await;
}

#[tokio::test]
async fn an_sms_has_the_link_when_asked_for() {
    for (more, has) in [("", false), ("sms = true\n", true)] {
        let config = Config { email: None, ..Config::mail(0) }.with_sms_file().cadence(crate::support::config::SMS_ONLY);
        let row = Row::new("F-1", "C1").without("email").with("phone", "+32470000001");
        let world = World::with(with_page(config, more), &[row]).await;
        world.round().await;
        let sent = std::fs::read_to_string(world.path("sms.jsonl")).unwrap();
        assert_eq!(sent.contains(PUBLIC), has, "{sent}");
        assert!(!has || sent.contains(words("fr").sms), "{sent}");
        world.finish().await;
    }
}

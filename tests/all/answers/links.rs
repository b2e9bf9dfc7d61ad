//! Who may see what: a link leads to one customer, for a time, and opening it changes nothing.

use super::{Desk, FORM, ask};
use crate::sms_back::form;
use crate::support::Row;
use relance::channel::token::{ANSWER, Keys};
use relance::domain::hex::unhex;

const NOBODY: Vec<String> = Vec::new();

/// Everything that the store holds of what came and what follows.
async fn traces(desk: &Desk) -> Vec<String> {
    let sql = "SELECT 'inbound ' || pk FROM inbound UNION ALL SELECT 'proposal ' || pk FROM proposal UNION ALL SELECT 'hold ' || pk FROM hold
        UNION ALL SELECT 'alert ' || pk FROM alert UNION ALL SELECT 'task ' || pk FROM task
        UNION ALL SELECT 'sign ' || pk FROM debtor WHERE last_sign_at IS NOT NULL";
    desk.world.peek(sql).await
}

#[tokio::test]
async fn whoever_only_opens_the_link_has_answered_nothing() {
    let desk = Desk::open(&[Row::new("F-1", "C1")]).await;
    let link = desk.link("C1");
    let before = traces(&desk).await;
    for (method, headers) in [
        ("GET", ""),
        ("HEAD", ""),
        ("GET", "Sec-Purpose: prefetch\r\nPurpose: prefetch\r\n"),
        ("GET", "User-Agent: Mozilla/5.0 (compatible; a mail scanner)\r\n"),
    ] {
        let reply = ask(&desk.address, method, &link, headers, "").await;
        assert_eq!((reply.status, reply.body.is_empty()), (200, method == "HEAD"), "{method} {headers}");
        let query = ask(&desk.address, method, &format!("{link}?kind=paid&on=2026-10-30&form=x&l=nl"), headers, "").await;
        assert_eq!(query.status, 200);
    }
    // A form that was never on the page, however it is sent, and other methods.
    for body in ["", "kind=paid&on=2026-10-30", "kind=paid&on=2026-10-30&form=1-2-0123456789abcdef"] {
        assert_eq!(desk.post(&link, body).await.status, 422, "{body}");
    }
    let value = desk.get(&link).await.form();
    let good = form(&[("kind", "paid"), ("on", "2026-10-30"), ("form", &value)]);
    for (method, headers, status) in [
        ("POST", "Content-Type: text/plain\r\n", 422),
        ("POST", "", 422),
        ("PUT", FORM, 405),
        ("DELETE", FORM, 405),
        ("OPTIONS", "", 405),
    ] {
        assert_eq!(ask(&desk.address, method, &link, headers, &good).await.status, status, "{method} {headers}");
    }
    assert_eq!(traces(&desk).await, before);
    desk.world.plan().await;
    assert_eq!(desk.world.reasons().await, ["not_yet 1"]);
    desk.finish().await;
}

#[tokio::test]
async fn forged_old_and_strange_links_get_one_page() {
    let desk = Desk::open(&[Row::new("F-1", "C1"), Row::new("F-2", "C2")]).await;
    let link = desk.link("C1");
    let token = link.strip_prefix("/a/").unwrap();
    let other = Keys::new([9; 32]).token(ANSWER, 1, 20_759);
    let (head, proof) = token.rsplit_once('-').unwrap();
    let flipped: String = proof.chars().map(|c| if c == 'a' { 'b' } else { 'a' }).collect();
    let (number, day) = head.split_once('-').unwrap();
    let next = format!("{:x}", i64::from_str_radix(number, 16).unwrap() + 1);
    let keys = Keys::new(unhex(crate::support::world::KEY).unwrap().try_into().unwrap());
    let bounce = keys.token("bounce", i64::from_str_radix(number, 16).unwrap(), i64::from_str_radix(day, 16).unwrap());
    let nobody = keys.token(ANSWER, 4_711, i64::from_str_radix(day, 16).unwrap());
    let old = keys.token(ANSWER, i64::from_str_radix(number, 16).unwrap(), i64::from_str_radix(day, 16).unwrap() - 91);
    let first = desk.get("/").await;
    assert_eq!(first.status, 404);
    assert!(first.body.contains("compta@canal.example") && first.body.contains("Atelier du Canal SRL"), "{}", first.body);
    for path in [
        "/a/".to_owned(),
        "/a/x".to_owned(),
        format!("/a/{head}-{flipped}"),
        format!("/a/{next}-{day}-{proof}"),
        format!("/a/{head}-"),
        format!("/a/{other}"),
        format!("/a/{bounce}"),
        format!("/a/{nobody}"),
        format!("/a/{old}"),
        format!("/b/{token}"),
        format!("/a/{token}/"),
        format!("/a//{token}"),
        format!("/a/{token}%00"),
        format!("/a/{}", "1".repeat(5_000)),
        "/favicon.ico".to_owned(),
        "/a/..%2f..%2fetc%2fpasswd".to_owned(),
    ] {
        let reply = desk.get(&path).await;
        assert_eq!((reply.status, &reply.body), (404, &first.body), "{path}");
        assert_eq!(desk.post(&path, "kind=paid").await.status, 404, "{path}");
    }
    let english = ask(&desk.address, "GET", "/", "Accept-Language: xx, en-GB;q=0.9\r\n", "").await;
    assert!(english.body.contains("<html lang=\"en\">"), "{}", english.body);
    // The link itself: good for ninety days, and not longer.
    desk.world.days(90);
    assert_eq!(desk.get(&link).await.status, 200);
    desk.world.days(1);
    assert_eq!((desk.get(&link).await.status, desk.get(&link).await.body), (404, first.body));
    desk.finish().await;
}

#[tokio::test]
async fn a_link_shows_its_own_customer_and_answers_for_nobody_else() {
    let desk = Desk::open(&[Row::new("F-1", "C1"), Row::new("F-2", "C2").with("balance", "77.00")]).await;
    let (one, two) = (desk.link("C1"), desk.link("C2"));
    let (shown, others) = (desk.get(&one).await, desk.get(&two).await);
    assert!(shown.body.contains("F-1") && !shown.body.contains("F-2") && !shown.body.contains("77"), "{}", shown.body);
    assert!(others.body.contains("F-2") && others.body.contains("77,00"), "{}", others.body);
    // The form of one link is none of another's; and the other's invoice cannot be named.
    let stolen = form(&[("kind", "paid"), ("on", "2026-10-30"), ("form", &shown.form())]);
    assert_eq!(desk.post(&two, &stolen).await.status, 422);
    let key = desk.key("F-2").await;
    let named = desk.answer(&one, "paid", &[("on", "2026-10-30"), ("i", &key)]).await;
    assert_eq!(named.status, 422);
    assert_eq!(desk.holds().await, Vec::<String>::new());
    desk.finish().await;
}

#[tokio::test]
async fn the_same_answer_twice_is_one_and_a_page_of_yesterday_still_serves() {
    let desk = Desk::open(&[Row::new("F-1", "C1")]).await;
    let link = desk.link("C1");
    let body = form(&[("kind", "paid"), ("on", "2026-10-30"), ("form", &desk.get(&link).await.form())]);
    let at_once = tokio::join!(desk.post(&link, &body), desk.post(&link, &body), desk.post(&link, &body));
    assert_eq!([at_once.0.status, at_once.1.status, at_once.2.status], [200; 3]);
    let again = desk.post(&link, &body).await;
    assert!(again.body.contains("9\u{a0}novembre"), "it is told the same: {}", again.body);
    assert_eq!((desk.proposals().await.len(), desk.holds().await.len()), (1, 1));
    assert_eq!(desk.world.peek("SELECT count(*) || '' FROM alert").await, ["1"]);
    // The next day another answer from the old page is taken; the day after the page is shown anew, with what was typed.
    desk.world.days(1);
    let late = |words: &str| body.replace("kind=paid&on=2026-10-30", &format!("kind=arrangement&words={words}"));
    assert_eq!(desk.post(&link, &late("slowly")).await.status, 200);
    desk.world.days(1);
    let old = desk.post(&link, &late("later")).await;
    assert_eq!(old.status, 422);
    assert!(old.body.contains("later") && old.body.contains("longtemps"), "{}", old.body);
    assert_eq!(desk.proposals().await.len(), 2);
    desk.finish().await;
}

/// Killed between taking and answering: the browser sends again, and it is one answer.
#[tokio::test]
async fn a_crash_between_taking_and_answering_leaves_one_answer() {
    let mut desk = Desk::open(&[Row::new("F-1", "C1")]).await;
    let link = desk.link("C1");
    let body = form(&[("kind", "promise"), ("on", "2026-11-06"), ("form", &desk.get(&link).await.form())]);
    assert_eq!(desk.post(&link, &body).await.status, 200);
    desk.page.loses();
    assert_eq!(desk.post(&link, &body).await.status, 503);
    desk.world.crash().await;
    desk.page.sees(desk.world.desk());
    assert_eq!(desk.post(&link, &body).await.status, 200);
    assert_eq!(
        (desk.proposals().await.len(), desk.holds().await, desk.world.peek("SELECT state FROM promise").await.len()),
        (1, vec!["promise F-1 2026-11-12".to_owned()], 1)
    );
    desk.finish().await;
}

#[tokio::test]
async fn what_is_shown_is_what_is_owed_now() {
    let desk = Desk::open(&[Row::new("F-1", "C1").with("language", "en"), Row::new("F-2", "C1").with("language", "en")]).await;
    let link = desk.link("C1");
    assert!(desk.get(&link).await.body.contains("€240.00"));
    desk.world.pay("F-1").await;
    desk.world.change("F-2", "balance", "20.50").await;
    desk.world.insert(&[Row::new("F-3", "C1").with("balance", "5.00").with("language", "en")]).await;
    desk.world.insert(&[Row::new("N-1", "C1").with("kind", "credit_note").with("balance", "2.00").with("language", "en")]).await;
    desk.world.poll().await;
    let body = desk.get(&link).await.body;
    assert!(!body.contains("F-1") && body.contains("€20.50") && body.contains("€5.00"), "{body}");
    assert!(body.contains("−€2.00") && body.contains("€23.50"), "{body}");
    assert!(
        body.find("F-2").unwrap() < body.find("Other open invoices").unwrap()
            && body.find("Other open invoices").unwrap() < body.find("F-3").unwrap()
    );
    for id in ["F-2", "F-3"] {
        desk.world.pay(id).await;
    }
    desk.world.poll().await;
    let body = desk.get(&link).await.body;
    assert!(body.contains("Nothing is open any more") && !body.contains("<form"), "{body}");
    assert_eq!(desk.post(&link, "kind=paid").await.status, 200);
    assert_eq!(desk.proposals().await, NOBODY);
    desk.finish().await;
}

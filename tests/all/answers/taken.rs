//! Each answer in each language: what is put on record, what it holds and for how long, what the customer is told, and what is
//! sent next.

use super::Desk;
use crate::support::Row;
use jiff::civil::date;
use relance::domain::answer::AnswerKind;
use relance::flow::report;
use relance::letter::page::{LANGUAGES, words};

fn fields(kind: AnswerKind) -> Vec<(&'static str, &'static str)> {
    match kind {
        AnswerKind::Paid => vec![("on", "2026-10-30"), ("amount", "120,00"), ("how", "Visa")],
        AnswerKind::Promise => vec![("on", "2026-11-12")],
        AnswerKind::Missing => vec![],
        _ => vec![("words", "Zoë said so")],
    }
}

fn plain(html: &str) -> String {
    html.replace("&#39;", "'").replace("&quot;", "\"")
}

/// Twenty-eight customers, one for each answer in each language.
fn everybody() -> Vec<(String, &'static str, AnswerKind, Row)> {
    let mut all = Vec::new();
    for language in LANGUAGES {
        for kind in AnswerKind::ALL {
            let customer = format!("{language}-{}", kind.as_str()).to_uppercase();
            let row = Row::new(&format!("F-{customer}"), &customer).with("language", language);
            all.push((customer, language, kind, row));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_in_every_language_holds_tells_and_ends() {
    let all = everybody();
    let desk = Desk::open(&all.iter().map(|a| a.3.clone()).collect::<Vec<_>>()).await;
    for (customer, language, kind, _) in &all {
        let link = desk.link(customer);
        let shown = desk.get(&link).await;
        let w = words(language);
        assert_eq!(shown.status, 200);
        assert!(shown.body.contains(&format!("<html lang=\"{language}\">")), "{customer}");
        let body = plain(&shown.body);
        assert!(body.contains(w.ask) && body.contains(&format!("F-{customer}")) && body.contains("120"), "{customer}: {body}");
        for k in &w.kinds {
            assert!(body.contains(k.title) && body.contains(k.note), "{customer}: {}", k.title);
        }
        let done = desk.answer(&link, kind.as_str(), &fields(*kind)).await;
        assert_eq!(done.status, 200, "{customer}: {}", done.body);
        let body = plain(&done.body);
        assert!(body.contains(w.done) && body.contains(&format!("F-{customer}")), "{customer}: {body}");
        assert!(
            !body.contains('{'.to_string().as_str()) || body.matches('{').count() == shown.body.matches('{').count(),
            "{body}"
        );
    }
    // Five working days from the Monday; a promise until it is in the ledger: its day, two bank days of grace, and the next.
    let holds = desk.holds().await;
    assert_eq!(holds.len(), 28, "{holds:?}");
    assert!(holds.iter().filter(|h| h.starts_with("promise ")).all(|h| h.ends_with(" 2026-11-17")), "{holds:?}");
    assert_eq!(holds.iter().filter(|h| h.starts_with("answer ") && h.ends_with(" 2026-11-09")).count(), 24, "{holds:?}");
    assert_eq!(desk.proposals().await.len(), 28);
    assert_eq!(
        desk.world.peek("SELECT DISTINCT via || ' ' || kind || ' ' || matched_by || ' ' || state FROM inbound").await,
        ["page reply token none"]
    );
    // A sign of life, each, but for who is not the right person.
    assert_eq!(
        desk.world.peek("SELECT count(*) || '' FROM debtor WHERE last_sign_at IS NULL AND source_id LIKE '%PERSON'").await,
        ["4"]
    );
    assert_eq!(desk.world.peek("SELECT count(*) || '' FROM debtor WHERE last_sign_at IS NULL").await, ["4"]);
    // Three kinds are something to do.
    assert_eq!(desk.world.peek("SELECT count(*) || '' FROM task WHERE state = 'open' AND key LIKE 'answer:%'").await, ["12"]);
    desk.world.plan().await;
    assert_eq!(desk.world.reasons().await, ["page_answered 24", "promised 4"]);
    // The creditor has heard of each.
    desk.world.review().await;
    let letters = desk.smtp.to("compta@canal.example");
    assert_eq!(letters.len(), 28);
    let told = letters.iter().map(|l| l.parsed().text().to_owned()).find(|t| t.contains("(FR-PAID)")).unwrap();
    assert!(told.contains("already paid 120.00 EUR on 2026-10-30") && told.contains("until 2026-11-09"), "{told}");
    assert!(told.contains("relance proposals accept"), "{told}");

    // On the day before, nothing; on the day the firm letter is due: to all but those who promised.
    let before = desk.smtp.accepted().len();
    desk.world.set("2026-11-08T10:00:00+01:00");
    desk.world.round().await;
    assert_eq!(desk.smtp.accepted().len(), before);
    desk.world.set("2026-11-12T10:00:00+01:00");
    desk.world.round().await;
    assert_eq!(desk.smtp.accepted().len(), before + 24, "{:?}", desk.world.reasons().await);
    assert_eq!(desk.world.reasons().await.last().unwrap(), "promised 4");
    // The promise was not kept: it goes on.
    desk.world.set("2026-11-17T10:00:00+01:00");
    desk.world.round().await;
    desk.world.round().await;
    assert_eq!(desk.world.peek("SELECT state FROM promise").await, ["broken"; 4]);
    assert_eq!(desk.smtp.accepted().len(), before + 28);
    desk.finish().await;
}

#[tokio::test]
async fn the_report_lists_what_is_to_be_decided_and_explain_names_the_hold() {
    let desk = Desk::open(&[Row::new("F-1", "C1"), Row::new("F-2", "C2")]).await;
    desk.answer(&desk.link("C1"), "paid", &[("on", "2026-10-30")]).await;
    desk.answer(&desk.link("C2"), "promise", &[("on", "2026-11-09")]).await;
    let built = report::build(desk.world.desk()).await.unwrap();
    assert_eq!((built.decide.proposals.0, built.decide.answers.0), (2, 0));
    let json = report::json(desk.world.desk(), &built, |at| at.to_string());
    assert_eq!(json["decide"]["proposals"]["count"], 2, "{json}");
    for (language, words) in
        [("fr", "déjà payé le"), ("nl", "al betaald op"), ("de", "bereits gezahlt am"), ("en", "already paid on")]
    {
        let page = report::page(desk.world.desk(), &built, language, report::Form::Table).unwrap();
        let lines: Vec<String> = page.blocks.iter().flat_map(|b| &b.lines).map(|l| format!("{} {}", l.label, l.note)).collect();
        assert!(lines.iter().any(|l| l.contains(words) && l.contains("Maison C1 (C1) · F-1")), "{language}: {lines:?}");
    }
    desk.finish().await;
}

#[tokio::test]
async fn a_kept_promise_lets_go_and_counts() {
    let desk = Desk::open(&[Row::new("F-1", "C1"), Row::new("F-2", "C1")]).await;
    let (link, one) = (desk.link("C1"), desk.key("F-1").await);
    let done = desk.answer(&link, "promise", &[("on", "2026-11-06"), ("i", &one)]).await;
    assert!(done.body.contains("F-1") && !done.body.contains("F-2"), "{}", done.body);
    assert_eq!(desk.holds().await, ["promise F-1 2026-11-12"], "the other invoice goes on");
    desk.world.pay("F-1").await;
    desk.world.days(2);
    desk.world.round().await;
    assert_eq!(desk.world.peek("SELECT state || ' ' || invoices FROM promise").await, [format!("kept [{one}]")]);
    assert_eq!(desk.holds().await, ["promise F-1 2026-11-12 ended"]);
    desk.world.review().await;
    assert_eq!(desk.proposals().await, ["promise lapsed 2026-11-06"], "nobody need decide on what is paid");
    desk.finish().await;
}

#[tokio::test]
async fn the_second_of_a_kind_goes_to_a_person_and_holds_nothing() {
    let desk = Desk::open(&[Row::new("F-1", "C1"), Row::new("F-2", "C1")]).await;
    let (link, one) = (desk.link("C1"), desk.key("F-1").await);
    desk.answer(&link, "paid", &[("on", "2026-10-30"), ("i", &one)]).await;
    desk.world.days(1);
    let two = desk.key("F-2").await;
    let again = desk.answer(&link, "paid", &[("on", "2026-10-31"), ("i", &one), ("i", &two)]).await;
    assert_eq!(desk.holds().await, ["answer F-1 2026-11-09", "answer F-2 2026-11-10"]);
    // What was said before is not held by it once more, and the page says so.
    assert!(again.body.contains("F-2") && !again.body.contains("plus au sujet de F-1"), "{}", again.body);
    let last = desk.answer(&link, "paid", &[("on", "2026-10-29"), ("i", &one)]).await;
    assert!(last.body.contains("avant que quoi que ce soit"), "{}", last.body);
    assert_eq!(desk.proposals().await.len(), 3);
    // Another kind is another matter.
    desk.answer(&link, "wrong", &[("words", "not ours"), ("i", &one)]).await;
    assert_eq!(desk.holds().await.len(), 3);
    assert_eq!(desk.world.peek("SELECT count(*) || '' FROM promise").await, ["0"]);
    desk.finish().await;
}

#[tokio::test]
async fn a_promise_far_ahead_waits_for_a_person() {
    let desk = Desk::open(&[Row::new("F-1", "C1")]).await;
    let link = desk.link("C1");
    let (near, far) = (date(2026, 11, 17).to_string(), date(2026, 11, 18).to_string());
    let done = desk.answer(&link, "promise", &[("on", &far)]).await;
    assert!(done.body.contains("avant que quoi que ce soit"), "{}", done.body);
    assert_eq!((desk.holds().await.len(), desk.world.peek("SELECT state FROM promise").await.len()), (0, 0));
    assert_eq!(desk.proposals().await, [format!("promise open {far}")]);
    desk.world.review().await;
    let letter = desk.smtp.to("compta@canal.example").pop().unwrap().parsed().text().to_owned();
    assert!(letter.contains("more than 15 days ahead"), "{letter}");
    // The bound itself still holds, since nothing has held before.
    desk.answer(&link, "promise", &[("on", &near)]).await;
    assert_eq!(desk.holds().await.len(), 1);
    desk.finish().await;
}

#[tokio::test]
async fn words_that_only_a_person_may_judge_hold_everything() {
    let desk = Desk::open(&[Row::new("F-1", "C1"), Row::new("F-2", "C1")]).await;
    let (link, one) = (desk.link("C1"), desk.key("F-1").await);
    desk.answer(&link, "wrong", &[("words", "Wir sind zahlungsunfähig."), ("i", &one)]).await;
    let holds = desk.holds().await;
    assert_eq!(holds, ["reply all 2026-12-01", "answer F-1 2026-11-09"]);
    assert_eq!(desk.world.peek("SELECT grave || ' ' || state FROM inbound").await, ["insolvency unread"]);
    desk.world.plan().await;
    assert_eq!(desk.world.reasons().await, ["reply_unread 1"]);
    // A second one makes it no longer, and the state is nobody's but the operator's to set.
    desk.world.days(1);
    desk.answer(&link, "papers", &[("words", "our lawyer asks")]).await;
    assert_eq!(desk.holds().await.iter().filter(|h| h.starts_with("reply ")).count(), 1);
    assert_eq!(desk.world.peek("SELECT coalesce(state, 'none') FROM debtor").await, ["none"]);
    desk.finish().await;
}

#[tokio::test]
async fn what_is_missing_is_said_beside_the_form_and_nothing_is_lost() {
    let desk = Desk::open(&[Row::new("F-1", "C1").with("language", "en"), Row::new("F-2", "C1").with("language", "en")]).await;
    let link = desk.link("C1");
    let w = words("en");
    let key = desk.key("F-2").await;
    for (kind, fields, said) in [
        ("paid", vec![("i", key.as_str())], w.wrong_day),
        ("paid", vec![("on", "2026-11-03"), ("i", &key)], w.wrong_day_ahead),
        ("paid", vec![("on", "2026-10-30"), ("amount", "lots"), ("i", &key)], w.wrong_amount),
        ("promise", vec![("on", "2026-11-01"), ("i", &key)], w.wrong_day_past),
        ("promise", vec![("on", "2028-11-01"), ("i", &key)], w.wrong_day_far),
        ("wrong", vec![("words", " \r\n"), ("i", &key)], w.wrong_words),
        ("wrong", vec![("words", "kept text")], w.wrong_choose),
        ("missing", vec![("i", "999999")], w.wrong_choose),
        ("papers", vec![("words", ""), ("i", &key)], w.wrong_words),
    ] {
        let back = desk.answer(&link, kind, &fields).await;
        assert_eq!(back.status, 422, "{kind} {fields:?}");
        let body = plain(&back.body);
        assert!(body.contains(said), "{kind} {fields:?}: {body}");
        assert_eq!(body.matches(" open>").count(), 1, "its form is open");
        let typed = fields.iter().filter(|(n, v)| *n == "words" && !v.trim().is_empty());
        assert!(typed.into_iter().all(|(_, v)| body.contains(v)), "{body}");
    }
    assert_eq!(desk.proposals().await, Vec::<String>::new());
    desk.finish().await;
}

#[tokio::test]
async fn what_was_chosen_and_is_paid_meanwhile_is_not_said_of_another() {
    let desk = Desk::open(&[Row::new("F-1", "C1"), Row::new("F-2", "C1")]).await;
    let (link, key) = (desk.link("C1"), desk.key("F-2").await);
    desk.get(&link).await;
    desk.world.pay("F-2").await;
    desk.world.poll().await;
    let back = desk.answer(&link, "wrong", &[("words", "never ordered"), ("i", &key)]).await;
    assert_eq!(back.status, 422);
    assert!(plain(&back.body).contains(words("fr").wrong_choose), "{}", back.body);
    assert_eq!(desk.proposals().await, Vec::<String>::new());
    // Sent again it is about the one that is left, as the page now shows it.
    assert_eq!(desk.answer(&link, "wrong", &[("words", "this one")]).await.status, 200);
    desk.finish().await;
}

//! From a file in the folder to what does not leave.

use super::{Line, back, came, config, drop_file, owed, planned, sample, statement, step};
use crate::support::{Row, Smtp, World};
use relance::flow::bank::Round;

#[tokio::test]
async fn who_has_paid_is_not_written_to() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    drop_file(&world, "s1.xml", sample("be-camt053-02.xml"));
    assert_eq!(step(&world).await, Round { files: 1, fresh: 1, matched: 1, ..Round::default() });
    world.plan().await;
    world.deliver().await;
    assert_eq!(server.state().connections, 0, "the message that was queued does not leave");
    assert_eq!(world.outcomes().await, ["cancelled email reminder paid_unbooked"]);
    world.plan().await;
    assert_eq!(world.reasons().await, ["paid_unbooked 1"]);
    assert_eq!(world.peek("SELECT kind || ' ' || amount FROM event").await, ["bank_paid 12000"]);
    let sign = world.peek("SELECT 'sign' FROM debtor WHERE last_sign_at IS NOT NULL").await;
    assert_eq!(sign, ["sign"], "whoever pays is there");
    // The ledger books it: nothing is left to be held.
    world.days(1);
    world.pay("F-1").await;
    world.round().await;
    assert_eq!(
        world.peek("SELECT m.state || ' ' || e.state FROM bank_match m JOIN bank_entry e ON e.pk = m.entry_pk").await,
        ["booked booked"]
    );
    assert_eq!(server.state().connections, 0);
    world.finish().await;
}

#[tokio::test]
async fn coda_says_the_same() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    drop_file(&world, "s1.cod", sample("be.cod"));
    let round = step(&world).await;
    assert_eq!((round.files, round.matched, round.proposed), (1, 1, 1), "{round:?}");
    world.plan().await;
    world.deliver().await;
    assert_eq!(server.state().connections, 0);
    world.finish().await;
}

#[tokio::test]
async fn the_same_file_twice_and_another_export_of_it_change_nothing() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    drop_file(&world, "s1.xml", statement("1", &[came("A", "40.00")]));
    assert_eq!(step(&world).await.matched, 1);
    drop_file(&world, "copy.xml", statement("1", &[came("A", "40.00")]));
    assert_eq!(step(&world).await, Round::default(), "the same bytes under another name");
    drop_file(&world, "week.xml", statement("9", &[came("A", "40.00"), came("B", "80.00")]));
    let round = step(&world).await;
    assert_eq!((round.fresh, round.matched), (1, 1), "the bank's own name for an entry is the same in every export");
    assert_eq!(world.peek("SELECT amount || ' ' || state FROM bank_match ORDER BY pk").await, ["4000 live", "8000 live"]);
    assert_eq!(step(&world).await, Round::default());
    world.finish().await;
}

#[tokio::test]
async fn an_end_between_reading_and_putting_on_record_doubles_nothing() {
    let server = Smtp::start().await;
    let mut world = planned(&server).await;
    drop_file(&world, "s1.xml", statement("1", &[came("A", "120.00")]));
    step(&world).await;
    // The entries were on record, and the file not yet.
    world.home.run("DELETE FROM bank_file").await.unwrap();
    world.crash().await;
    let round = step(&world).await;
    assert_eq!((round.files, round.fresh, round.matched), (1, 0, 0));
    assert_eq!(world.peek("SELECT count(*) || '' FROM bank_entry").await, ["1"]);
    world.plan().await;
    world.deliver().await;
    assert_eq!(server.state().connections, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_reversal_lets_go_what_its_credit_held() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    drop_file(&world, "s1.xml", statement("1", &[came("A", "120.00")]));
    step(&world).await;
    world.plan().await;
    world.deliver().await;
    assert_eq!(server.state().connections, 0);
    drop_file(&world, "s2.xml", statement("2", &[back("B", "120.00"), back("C", "120.00")]));
    let round = step(&world).await;
    assert_eq!((round.fresh, round.matched), (2, 2), "the second finds no credit, and names the invoice");
    assert_eq!(world.peek("SELECT state FROM bank_entry ORDER BY pk").await, ["reversed", "done", "done"]);
    world.round().await;
    assert_eq!(server.accepted().len(), 1, "the reminder leaves as it would have");
    assert!(world.peek("SELECT kind FROM event ORDER BY pk").await.contains(&"bank_reversed".to_owned()));
    world.finish().await;
}

#[tokio::test]
async fn a_reversal_before_its_credit_does_no_harm() {
    let server = Smtp::start().await;
    let world = World::with(config(server.port, ""), &[Row::new("F-9", "C9")]).await;
    let later = Line { on: "2026-11-02".parse().unwrap(), ..back("B", "120.00") };
    drop_file(&world, "s2.xml", statement("2", &[later]));
    step(&world).await;
    assert_eq!(world.peek("SELECT state FROM bank_entry").await, ["waiting"]);
    world.insert(&[owed()]).await;
    world.poll().await;
    drop_file(&world, "s1.xml", statement("1", &[came("A", "120.00")]));
    step(&world).await;
    assert_eq!(
        world.peek("SELECT state FROM bank_entry ORDER BY pk").await,
        ["done", "reversed"],
        "both are known, and nothing is held"
    );
    // Whoever pays again after that has paid.
    let again = Line { on: "2026-11-02".parse().unwrap(), ..came("D", "120.00") };
    drop_file(&world, "s3.xml", statement("3", &[again]));
    assert_eq!(step(&world).await.matched, 1);
    assert_eq!(world.peek("SELECT state FROM bank_match").await, ["live"]);
    world.finish().await;
}

#[tokio::test]
async fn a_returned_direct_debit_is_no_longer_waited_for() {
    let server = Smtp::start().await;
    // Due five days ago: a debit may still come.
    let row = owed().with("state", "direct_debit").with("due_on", "2026-10-28");
    let world = World::with(config(server.port, ""), &[row]).await;
    world.plan().await;
    assert_eq!(world.reasons().await, ["direct_debit 1"]);
    drop_file(&world, "s1.xml", statement("1", &[back("B", "120.00")]));
    assert_eq!(step(&world).await.matched, 1);
    world.plan().await;
    assert_ne!(world.reasons().await, ["direct_debit 1"]);
    world.finish().await;
}

#[tokio::test]
async fn money_that_goes_out_undoes_nothing_by_itself() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    let refund = Line { credit: false, ..came("B", "120.00") };
    drop_file(&world, "s1.xml", statement("1", &[came("A", "120.00"), refund]));
    let round = step(&world).await;
    assert_eq!((round.matched, round.proposed), (1, 1), "paid twice and paid back looks just so: a person is asked");
    world.plan().await;
    world.deliver().await;
    assert_eq!(server.state().connections, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_credit_that_comes_before_its_invoice_is_tried_again() {
    let server = Smtp::start().await;
    let world = World::with(config(server.port, ""), &[Row::new("F-9", "C9")]).await;
    drop_file(&world, "s1.xml", statement("1", &[Line { name: "Maison C1", text: "merci", ..came("A", "120.00") }]));
    assert_eq!(step(&world).await.fresh, 1);
    assert_eq!(
        world.peek("SELECT state || ' ' || text || coalesce(name, '-') || reference FROM bank_entry").await,
        ["unmatched -[\"010806817183\"]"],
        "of a stranger's payment no words are kept"
    );
    world.insert(&[owed()]).await;
    world.minutes(10);
    world.poll().await;
    assert_eq!(step(&world).await.matched, 1);
    world.plan().await;
    world.deliver().await;
    assert!(server.accepted().iter().all(|m| !m.to.contains("c1@")), "who has paid is not written to");
    world.finish().await;
}

#[tokio::test]
async fn one_credit_for_several_invoices_and_two_for_one() {
    let server = Smtp::start().await;
    let rows = [owed(), owed().with("invoice_id", "F-2").with("number", "F-2").with("balance", "30.00")];
    let world = World::with(config(server.port, ""), &rows).await;
    drop_file(&world, "s1.xml", statement("1", &[came("A", "150.00"), came("B", "150.00")]));
    let round = step(&world).await;
    assert_eq!((round.matched, round.proposed), (1, 1), "what comes once more was paid twice");
    assert_eq!(world.peek("SELECT amount || '' FROM bank_match WHERE state = 'live' ORDER BY amount").await, ["3000", "12000"]);
    world.round().await;
    assert_eq!(server.state().connections, 0);
    world.finish().await;
}

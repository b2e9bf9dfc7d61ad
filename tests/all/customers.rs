//! What a customer is and what that changes: states, kinds, people by role, part disputes, pay days (rules R15-R18, R22).

use crate::program::{Firm, into_folder, late};
use crate::support::config::BOTH;
use crate::support::{Act, Config, Row, Smtp, Stage, World};
use relance::domain::debtor::{Matter, Word};

async fn say(world: &World, debtor: &str, matter: Matter, value: Option<&str>) {
    let pk = world.store().find_debtor(debtor).await.unwrap().unwrap();
    let word = Word { matter, value: value.map(str::to_owned), on: "2026-11-02".parse().unwrap(), reason: "by phone".to_owned() };
    world.store().say(pk, matter, Some(&word), Some("Anne"), world.clock.now()).await.unwrap();
}

#[tokio::test]
async fn r15_a_state_silences_cancels_and_makes_a_task_once() {
    let server = Smtp::start().await;
    let rows = [
        Row::new("F-1", "C1").with("state", "insolvency"),
        Row::new("F-2", "C2"),
        Row::new("F-3", "C3").with("tags", "faillite"),
    ];
    let config = Config::mail(server.port).source_line("[source.tags]\nfaillite = \"insolvency\"");
    let world = World::with(config, &rows).await;
    world.plan().await;
    say(&world, "C2", Matter::State, Some("deceased")).await;
    world.deliver().await;
    world.round().await;
    world.days(8);
    world.round().await;
    assert_eq!(server.accepted().len(), 0);
    assert_eq!(world.reasons().await, ["debtor_state 3"]);
    assert_eq!(world.outcomes().await, ["cancelled email reminder debtor_state"]);
    let tasks = world.peek("SELECT key FROM task ORDER BY key").await;
    assert_eq!(tasks, ["state:deceased:2:2", "state:insolvency:1:1", "state:insolvency:3:3"]);
    world.finish().await;
}

#[tokio::test]
async fn r15_a_silencing_tag_holds_when_its_invoice_is_closed_until_somebody_lifts_it() {
    let server = Smtp::start().await;
    let rows = [Row::new("F-1", "C1").with("tags", "insolvency,vip"), Row::new("F-2", "C2").with("tags", "insolvency")];
    let world = World::with(Config::mail(server.port), &rows).await;
    world.round().await;
    world.pay("F-1").await;
    world.change("F-2", "tags", "vip").await;
    world.pay("F-2").await;
    world.insert(&[Row::new("F-3", "C1"), Row::new("F-4", "C2")]).await;
    world.minutes(10);
    world.round().await;
    assert_eq!(server.to("c1@client.example").len(), 0, "F-1 was closed with the tag");
    assert_eq!(server.to("c2@client.example").len(), 1, "of F-2 the ledger took it back");
    assert!(world.reasons().await.contains(&"debtor_state 1".to_owned()));
    say(&world, "C1", Matter::State, None).await;
    world.round().await;
    assert_eq!(server.to("c1@client.example").len(), 1, "a person lifts it");
    world.finish().await;
}

#[tokio::test]
async fn r15_a_direct_debit_is_waited_for_and_a_returned_one_is_not() {
    let server = Smtp::start().await;
    let due = "2026-10-30";
    let rows = [Row::new("F-1", "C1").with("state", "direct_debit").with("due_on", due)];
    let cadence = "name = \"standard\"\n[[step]]\nid = \"reminder\"\nwhen = \"1 day after due\"\nchannel = \"email\"\n";
    let world = World::with(
        Config::mail(server.port).cadence(cadence).source_line("booking_lag = \"0 days\"\ngrace = \"0 days\""),
        &rows,
    )
    .await;
    world.round().await;
    assert_eq!((world.reasons().await, server.accepted().len()), (vec!["direct_debit 1".to_owned()], 0));
    world.days(4);
    world.round().await;
    assert_eq!(server.accepted().len(), 0, "5 working days after Friday the 30th are over on Friday the 6th");
    world.days(3);
    world.round().await;
    assert_eq!(server.accepted().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn r16_an_unknown_kind_gets_a_reminder_and_nothing_firm_until_somebody_says() {
    let server = Smtp::start().await;
    let rows = [
        Row::new("F-1", "C1").without("customer_kind"),
        Row::new("F-2", "C2").without("customer_kind").with("enterprise_no", "0403.170.701"),
    ];
    let world = World::with(Config::mail(server.port), &rows).await;
    world.round().await;
    assert_eq!(server.accepted().len(), 2);
    world.days(10);
    world.round().await;
    assert_eq!(server.to("c1@client.example").len(), 1);
    assert_eq!(server.to("c2@client.example").len(), 2, "a valid number proposes a firm");
    assert!(world.reasons().await.contains(&"kind_unknown 1".to_owned()));
    say(&world, "C1", Matter::Kind, Some("business")).await;
    world.round().await;
    assert_eq!(server.to("c1@client.example").len(), 2);
    world.finish().await;
}

const ROLES: &str = r#"
name = "standard"
minimum = "10.00"
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
to = ["accounts"]
cc = ["manager", "copy"]
"#;

const PEOPLE: &str = r#"[{"role": "manager", "name": "A. Maes", "email": "maes@client.example"}, {"role": "copy", "email": "archive@client.example"}]"#;

#[tokio::test]
async fn r17_copies_go_to_the_roles_of_a_firm_and_a_refused_copy_changes_nothing() {
    let server = Smtp::start().await;
    server.always("archive@client.example", Act::Reply(Stage::Rcpt, 550, "5.1.1 no such user"));
    let rows = [Row::new("F-1", "C1").with("contacts", PEOPLE)];
    let world = World::with(Config::mail(server.port).cadence(ROLES), &rows).await;
    world.round().await;
    let (main, copy) = (server.to("c1@client.example"), server.to("maes@client.example"));
    assert_eq!((main.len(), copy.len(), server.to("archive@client.example").len()), (1, 1, 0));
    for mail in [&main[0], &copy[0]] {
        let mail = mail.parsed();
        assert!(mail.header("To").contains("c1@client.example"));
        assert!(mail.header("Cc").contains("maes@client.example") && mail.header("Cc").contains("archive@client.example"));
    }
    assert_eq!(main[0].message_id(), copy[0].message_id(), "one mail, whoever has it");
    // Whoever has the copy reads what was said to another, and is not spoken to as the debtor of earlier mails.
    let (main, copy) = (main[0].parsed(), copy[0].parsed());
    let note = "Pour votre information\u{a0}: voici une copie du message que nous avons adressé aujourd’hui à c1@client.example. Son texte suit.";
    assert!(!main.text().contains("copie du message") && !main.part("text/html").contains("class=\"copy\""));
    assert!(copy.text().starts_with(&format!("{note}\n\n")), "{}", copy.text());
    assert!(copy.part("text/html").contains("voici une copie du message"));
    assert!(copy.text().ends_with(main.text()) && !copy.text().contains("A. Maes"), "{}", copy.text());
    assert_eq!(world.peek("SELECT state || ' ' || count(*) FROM contact GROUP BY state").await, ["left 1"]);
    assert_eq!(world.peek("SELECT kind || ' ' || step FROM mark").await, ["left reminder"]);
    world.finish().await;
}

#[tokio::test]
async fn r17_a_refused_main_address_is_not_made_good_by_a_copy() {
    let server = Smtp::start().await;
    server.always("c1@client.example", Act::Reply(Stage::Rcpt, 550, "5.1.1 no such user"));
    let rows = [Row::new("F-1", "C1").with("contacts", PEOPLE)];
    let world = World::with(Config::mail(server.port).cadence(ROLES), &rows).await;
    world.round().await;
    world.round().await;
    assert_eq!(world.peek("SELECT kind || ' ' || step FROM mark").await, ["undelivered reminder"]);
    assert_eq!(world.reasons().await, ["cannot_reach 1"]);
    world.finish().await;
}

#[tokio::test]
async fn r17_what_concerns_a_private_person_nobody_else_learns() {
    let server = Smtp::start().await;
    let rows = [Row::new("F-1", "C1").with("customer_kind", "consumer").with("contacts", PEOPLE)];
    let world = World::with(Config::mail(server.port).cadence(ROLES), &rows).await;
    world.round().await;
    assert_eq!(server.accepted().len(), 1);
    let mail = server.to("c1@client.example")[0].parsed();
    assert!(!mail.has("Cc"));
    world.finish().await;
}

#[tokio::test]
async fn r15_a_public_body_gets_no_sms() {
    let server = Smtp::start().await;
    let cadence = BOTH.replace("minimum", "applies_to = { state = [\"public_body\"] }\nminimum");
    let config = Config::mail(server.port).with_sms_file().cadence(&cadence);
    let row = Row::new("F-1", "C1").with("state", "public_body").with("phone", "+32 470 00 00 01");
    let world = World::with(config, &[row]).await;
    world.round().await;
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    world.finish().await;
}

#[tokio::test]
async fn r15_key_accounts_are_left_to_a_cadence_that_names_them() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1").with("tags", "key_account")]).await;
    world.round().await;
    assert_eq!((server.accepted().len(), world.reasons().await), (0, vec!["no_cadence 1".to_owned()]));
    world.finish().await;
}

#[tokio::test]
async fn r18_the_undisputed_part_is_asked_for() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1").with("disputed_amount", "50.00")]).await;
    world.round().await;
    let text = server.only().parsed().text().replace('\u{a0}', " ");
    assert!(text.contains("70,00") && text.contains("50,00"), "{text}");
    world.finish().await;
}

#[tokio::test]
async fn r18_a_person_says_that_a_part_is_disputed() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1"), Row::new("F-2", "C2")]).await;
    let named = |pk| relance::store::holds::Named { debtor_pk: pk, invoice_pk: Some(pk) };
    let until = "2026-12-01".parse().unwrap();
    world.store().put_dispute(named(1), Some(9_000), until, "two boxes missing", world.clock.now()).await.unwrap();
    world.store().put_dispute(named(2), None, until, "never ordered", world.clock.now()).await.unwrap();
    world.round().await;
    let left = server.only();
    assert!(left.parsed().text().replace('\u{a0}', " ").contains("30,00"));
    assert!(world.reasons().await.contains(&"disputed 1".to_owned()));
    world.finish().await;
}

#[tokio::test]
async fn r22_a_debtor_who_pays_on_the_fifth_is_not_reminded_just_before() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &[Row::new("F-1", "C1").with("pay_runs", "4, 20")]).await;
    world.round().await;
    assert_eq!((server.accepted().len(), world.reasons().await), (0, vec!["pay_run 1".to_owned()]));
    world.days(2);
    world.round().await;
    assert_eq!(server.accepted().len(), 0, "the day itself");
    world.days(1);
    world.round().await;
    assert_eq!(server.accepted().len(), 1, "the fifth: what was paid on the fourth is booked");
    world.finish().await;
}

#[tokio::test]
async fn explain_says_who_said_the_state_and_where_it_is_lifted() {
    let rows = [
        late("F-1", "C1"),
        late("F-2", "C2").with("tags", "legal"),
        late("F-3", "C3").with("state", "insolvency").with("tags", "vip"),
    ];
    let firm = Firm::new(&into_folder(), &rows).await;
    firm.run(&["run", "--once"]).ends(0);
    firm.run(&["debtor", "C1", "--state", "deceased", "--reason", "letter of the notary"]).ends(0);
    let next = |name: &str| firm.run(&["explain", name]).ends(0).out;
    let said = next("C1");
    assert!(
        said.contains("a person said on") && said.contains("(letter of the notary) so") && !said.contains("in the ledger,"),
        "{said}"
    );
    assert!(next("C2").contains("decide; the tag \"legal\" says so; the ledger lifts it without the tag"));
    assert!(next("C3").contains("decide; the ledger says so; the ledger lifts it in the column state"));
}

#[tokio::test]
async fn people_are_added_and_retired_and_too_many_are_refused_with_none_lost() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1").with("contacts", PEOPLE)]).await;
    firm.run(&["run", "--once"]).ends(0);
    let add = |n: usize| {
        let (name, email) = (format!("P. {n}"), format!("p{n}@client.example"));
        firm.run(&["debtor", "C1", "--contact", "manager", "--name", &name, "--email", &email, "--reason", "by phone"])
    };
    for n in 1..=18 {
        add(n).ends(0);
    }
    let refused = add(19).ends(2);
    assert!(refused.err.contains("no more than 20"), "{}", refused.err);
    let people = |firm: &Firm| firm.object(&["debtor", "C1"])["people"].as_array().unwrap().clone();
    assert_eq!(people(&firm).len(), 21, "the ledger's own columns, and twenty");
    let nobody = firm.run(&["debtor", "C1", "--retire", "Q", "--reason", "left"]).ends(2);
    assert!(nobody.err.contains("A. Maes"), "{}", nobody.err);
    firm.run(&["debtor", "C1", "--retire", "a. maes", "--reason", "left"]).ends(0);
    sqlx::query("UPDATE relance_invoices SET contacts = replace(contacts, 'archive@', 'archives@')")
        .execute(&firm.ledger)
        .await
        .unwrap();
    firm.run(&["run", "--once"]).ends(0);
    let now = serde_json::Value::from(people(&firm)).to_string();
    assert!(now.contains("archives@client.example") && now.contains("p18@") && !now.contains("maes@"), "{now}");
    let shown = firm.run(&["debtor", "C1"]).ends(0).out;
    assert!(shown.contains("without a. maes") && !shown.contains('{'), "{shown}");
    let told = firm.run(&["explain", "C1"]).ends(0).out;
    assert!(told.contains("people: with manager P. 1") && !told.contains('{'), "{told}");
}

//! Copies of invoices (R24), at the wire: what goes along, what does not and leaves all the same, and what is kept of it.

use crate::program::{Firm, at_once, into_folder, late, word};
use crate::support::config::BOTH;
use crate::support::mail::Parsed;
use crate::support::smtp::{Offers, Taken};
use crate::support::{Act, Config, Row, Smtp, Stage, World};
use std::os::unix::fs::symlink;

/// A letter that says what there is to say of copies, and little else.
const LETTER: &str = "subject: Rappel {{ invoice.number }}\n\nCopies {{ copies }}{% if copies_all %}, toutes{% endif %}.\n\n{{ items }}\n\n{{ payment }}\n";

/// A PDF of so many bytes; no two are the same.
fn pdf(what: &str, size: usize) -> Vec<u8> {
    let mut bytes = format!("%PDF-1.7 {what}\n").into_bytes();
    let mut word = 1u64;
    while bytes.len() < size {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        bytes.extend(word.to_be_bytes());
    }
    bytes.truncate(size.max(9));
    bytes
}

fn config(server: &Smtp, max_size: &str) -> Config {
    let config = Config::mail(server.port).with_documents(max_size);
    ["reminder", "firm", "final"].into_iter().fold(config, |c, name| c.file(&format!("letters/fr/{name}.md"), LETTER))
}

/// An invoice with a document.
fn row(id: &str, customer: &str, document: &str) -> Row {
    Row::new(id, customer).with("document", document)
}

/// A firm with some files in its folder of documents.
async fn world(config: Config, files: &[(&str, Vec<u8>)], rows: &[Row]) -> World {
    let world = World::new(config).await;
    for (name, bytes) in files {
        put(&world, name, bytes);
    }
    std::fs::create_dir_all(world.path("pdf")).unwrap();
    world.insert(rows).await;
    world.poll().await;
    world
}

fn put(world: &World, name: &str, bytes: &[u8]) {
    let path = world.path("pdf").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The names of what is attached.
fn names(mail: &Taken) -> Vec<String> {
    mail.parsed().files.into_iter().map(|f| f.name).collect()
}

/// What the log says of the copies of the last message: `F-1 attached`.
async fn words(world: &World) -> Vec<String> {
    let log = world.log().await;
    let invoices: Vec<serde_json::Value> = serde_json::from_str(&log.last().unwrap().invoices).unwrap();
    invoices.iter().map(|i| format!("{} {}", word(&i["number"]), i["copy"].as_str().unwrap_or("-"))).collect()
}

#[tokio::test]
async fn a_copy_goes_with_every_step_after_the_due_date() {
    let server = Smtp::start().await;
    let file = pdf("F-1", 5000);
    let world = world(config(&server, "1 MB"), &[("2026/a.pdf", file.clone())], &[row("F-2026/1", "C1", "2026/a.pdf")]).await;
    for _ in 0..4 {
        world.round().await;
        world.days(8);
    }
    assert_eq!(world.outcomes().await, ["accepted email reminder", "accepted email firm", "accepted email final"]);
    for mail in server.accepted() {
        let mail = mail.parsed();
        assert!(mail.header("Content-Type").starts_with("multipart/mixed"), "{}", mail.header("Content-Type"));
        let kinds: Vec<&str> = mail.parts.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["text/plain; charset=utf-8", "text/html; charset=utf-8"]);
        assert!(mail.text().contains("Copies 1, toutes."), "{}", mail.text());
        let [copy] = mail.files.as_slice() else { panic!("{} files", mail.files.len()) };
        assert_eq!((copy.kind.as_str(), copy.name.as_str()), ("application/pdf", "F-2026-1.pdf"));
        assert_eq!(copy.bytes, file);
    }
    assert_eq!(words(&world).await, ["F-2026/1 attached"]);
    // Once, however often it left; and each payload with it is what left, to the byte.
    assert_eq!(world.peek("SELECT length(body) || '' FROM document").await, ["5000"]);
    assert_eq!(world.peek("SELECT count(*) || '' FROM payload_document").await, ["3"]);
    for (attempt, mail) in world.log().await.iter().zip(server.accepted()) {
        let kept = world.store().payload(attempt.payload_pk.unwrap()).await.unwrap().unwrap();
        assert!(kept.message == Some(mail.bytes), "what is kept is what left");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_step_may_say_whether_copies_go_along() {
    const CADENCE: &str = r#"
name = "standard"
[[step]]
id = "courtesy"
when = "5 days before due"
channel = "email"
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
"#;
    let server = Smtp::start().await;
    let attaching =
        |said: &str, value: bool| CADENCE.replace(&format!("id = \"{said}\""), &format!("id = \"{said}\"\nattach = {value}"));
    let rows = |n: usize| {
        let soon = row(&format!("F-{n}"), &format!("C{n}"), "a.pdf").with("due_on", "2026-11-07");
        [soon, row(&format!("G-{n}"), &format!("D{n}"), "a.pdf")]
    };
    let files = [("a.pdf", pdf("a", 100))];
    let mut world = world(config(&server, "1 MB").cadence(CADENCE), &files, &rows(1)).await;
    world.round().await;
    world.reconfigure(|c| c.cadence(&attaching("courtesy", true))).await;
    world.insert(&rows(2)).await;
    world.round().await;
    world.reconfigure(|c| c.cadence(&attaching("reminder", false))).await;
    world.insert(&rows(3)).await;
    world.round().await;
    let with = |customer: &str| server.to(&format!("{customer}@client.example"))[0].parsed().files.len();
    assert_eq!((with("c1"), with("d1")), (0, 1), "by themselves the steps after the due date");
    assert_eq!((with("c2"), with("d2")), (1, 1));
    assert_eq!((with("c3"), with("d3")), (0, 0));
    world.finish().await;
}

const REMINDER: &str =
    "name = \"standard\"\n[[step]]\nid = \"reminder\"\nwhen = \"4 working days after due\"\nchannel = \"email\"\n";

/// Whoever gets a copy of the mail gets what is attached to it, whether there is room for all of it or not.
#[tokio::test]
async fn whoever_gets_a_copy_gets_the_same_files() {
    let server = Smtp::start().await;
    let config = config(&server, "10 kB").cadence(&format!("{REMINDER}cc = \"copy\"\n"));
    let people = r#"[{"role": "copy", "email": "boss@client.example"}, {"role": "copy", "email": "books@client.example"}]"#;
    let files = [("1.pdf", pdf("1", 4000)), ("2.pdf", pdf("2", 6000))];
    let rows = [row("F-1", "C1", "1.pdf").with("contacts", people), row("F-2", "C1", "2.pdf").with("contacts", people)];
    let world = world(config, &files, &rows).await;
    world.round().await;
    let mails = server.accepted();
    let mut to: Vec<&str> = mails.iter().map(|m| m.to.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["books@client.example", "boss@client.example", "c1@client.example"]);
    for mail in &mails {
        assert_eq!(names(mail), ["F-1.pdf"]);
        assert_eq!(mail.parsed().files, mails[0].parsed().files);
        assert!(mail.parsed().text().contains("Copies 1."), "{}", mail.parsed().text());
        assert!(mail.parsed().header("Cc").contains("boss@client.example"), "{}", mail.parsed().header("Cc"));
    }
    assert_eq!(world.peek("SELECT count(*) || '' FROM document").await, ["1"]);
    assert_eq!(world.peek("SELECT count(*) || '' FROM payload_document").await, ["3"]);
    world.finish().await;
}

/// Who is asked for a yes reads what would leave, also what it says of copies.
#[tokio::test]
async fn a_draft_says_what_would_go_along() {
    let server = Smtp::start().await;
    let config = config(&server, "1 MB").cadence(&format!("{REMINDER}approval = true\n"));
    let world = world(config, &[("a.pdf", pdf("a", 100))], &[row("F-1", "C1", "a.pdf")]).await;
    world.round().await;
    let desk = world.desk();
    let question = world.store().questions(false, None).await.unwrap().pop().unwrap();
    let drafts = relance::flow::approvals::drafted(desk, &question, world.clock.now()).await.unwrap();
    let [relance::flow::approvals::Draft::Message { mail, .. }] = drafts.as_slice() else { panic!("{drafts:?}") };
    assert!(mail.text.contains("Copies 1, toutes."), "{}", mail.text);
    assert_eq!(server.accepted().len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn the_oldest_come_first_until_no_more_fit() {
    let server = Smtp::start().await;
    let due = |n: usize| format!("2026-10-{:02}", 20 + n);
    let rows: Vec<Row> = (1..=4).map(|n| row(&format!("F-{n}"), "C1", &format!("{n}.pdf")).with("due_on", &due(n))).collect();
    // In base64 they come to 5.6, 8.4, 4.2 and 12.5 kB.
    let files = [("1.pdf", pdf("1", 4000)), ("2.pdf", pdf("2", 6000)), ("3.pdf", pdf("3", 3000)), ("4.pdf", pdf("4", 9000))];
    let world = world(config(&server, "10 kB"), &files, &rows).await;
    world.round().await;
    let mail = server.only();
    assert_eq!(names(&mail), ["F-1.pdf", "F-3.pdf"]);
    assert!(mail.parsed().text().contains("Copies 2."), "{}", mail.parsed().text());
    assert_eq!(words(&world).await, ["F-1 attached", "F-2 too_large", "F-3 attached", "F-4 too_large"]);
    world.finish().await;
}

/// To the byte: what just fits goes along.
#[tokio::test]
async fn the_size_counts_as_it_is_on_the_wire() {
    let server = Smtp::start().await;
    // 128 lines of 57 bytes make 128 lines of 78 on the wire: 9,984 bytes.
    let files = [("a.pdf", pdf("a", 57 * 128)), ("b.pdf", pdf("b", 57 * 129))];
    let world = world(config(&server, "10 kB"), &files, &[row("F-1", "C1", "a.pdf"), row("F-2", "C2", "b.pdf")]).await;
    world.round().await;
    assert_eq!(names(&server.to("c1@client.example")[0]), ["F-1.pdf"]);
    assert_eq!(names(&server.to("c2@client.example")[0]), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn what_cannot_go_along_keeps_no_message() {
    let server = Smtp::start().await;
    let inside = |name: &str| format!("{name}.pdf");
    let cases = [
        ("missing", "nothing.pdf"),
        ("outside", "../secret.pdf"),
        ("outside", "/etc/passwd"),
        ("outside", "link.pdf"),
        ("kind", "run.pdf"),
        ("no_file", "2026"),
        ("link", "https://billing.canal.example/F-9.pdf"),
        ("none", " "),
    ];
    let mut rows: Vec<Row> =
        cases.iter().enumerate().map(|(n, (_, document))| row(&format!("F-{n}"), &format!("C{n}"), document)).collect();
    rows.push(Row::new("F-8", "C8"));
    let files = [("run.pdf", b"#!/bin/sh\nexit\n".to_vec()), ("2026/a.pdf", pdf("a", 100))];
    let world = World::new(config(&server, "1 MB")).await;
    files.iter().for_each(|(name, bytes)| put(&world, name, bytes));
    std::fs::write(world.path("secret.pdf"), pdf("secret", 100)).unwrap();
    symlink("../secret.pdf", world.path("pdf").join(inside("link"))).unwrap();
    world.insert(&rows).await;
    world.round().await;
    assert_eq!(server.accepted().len(), 9);
    for mail in server.accepted() {
        assert!(mail.parsed().header("Content-Type").starts_with("multipart/alternative"));
        assert!(mail.parsed().text().contains("Copies 0."), "{}", mail.parsed().text());
    }
    let log = world.log().await;
    let wanted = cases.iter().map(|(why, _)| *why).chain(["none"]);
    for (n, why) in wanted.enumerate() {
        let about = log.iter().find(|a| a.debtor == format!("C{n}")).unwrap();
        assert!(about.invoices.contains(&format!("\"copy\":\"{why}\"")), "{why}: {}", about.invoices);
    }
    world.finish().await;
}

#[tokio::test]
async fn an_absolute_path_inside_the_folder_is_as_good() {
    let server = Smtp::start().await;
    let world = world(config(&server, "1 MB"), &[("a.pdf", pdf("a", 100))], &[]).await;
    world.insert(&[row("F-1", "C1", world.path("pdf/a.pdf").to_str().unwrap())]).await;
    world.round().await;
    assert_eq!(names(&server.only()), ["F-1.pdf"]);
    world.finish().await;
}

#[tokio::test]
async fn names_are_safe_and_no_two_are_the_same() {
    let server = Smtp::start().await;
    let xml = b"<?xml version=\"1.0\"?>\n<ubl:Invoice xmlns:ubl=\"urn:x\"/>".to_vec();
    let files = [("a.pdf", pdf("a", 1)), ("b.pdf", pdf("b", 300)), ("c.xml", xml.clone()), ("d.pdf", pdf("d", 77))];
    let rows = [
        row("I1", "C1", "a.pdf").with("number", "2026/7"),
        row("I2", "C1", "b.pdf").with("number", "2026-7"),
        row("I3", "C1", "c.xml").with("number", "2026 7"),
        row("I4", "C1", "d.pdf").with("number", "Fällig №7\"; x=\""),
        // The same file once, about both: it counts for each.
        row("I5", "C1", "./a.pdf").with("number", "again"),
    ];
    let world = world(config(&server, "1 MB"), &files, &rows).await;
    world.round().await;
    let mail = server.only().parsed();
    let told: Vec<(&str, &str, &str)> = mail.files.iter().map(|f| (f.kind.as_str(), f.ascii.as_str(), f.name.as_str())).collect();
    assert_eq!(
        told,
        [
            ("application/pdf", "2026-7.pdf", "2026-7.pdf"),
            ("application/pdf", "2026-7-2.pdf", "2026-7-2.pdf"),
            ("application/xml", "2026-7.xml", "2026-7.xml"),
            ("application/pdf", "F_llig-7-x.pdf", "Fällig-7-x.pdf"),
        ]
    );
    assert_eq!(mail.files[2].bytes, xml);
    assert!(mail.text().contains("Copies 5, toutes."), "{}", mail.text());
    world.finish().await;
}

#[tokio::test]
async fn what_leaves_is_the_file_as_it_is_then() {
    let server = Smtp::start().await;
    let world = world(config(&server, "1 MB"), &[("a.pdf", pdf("before", 100))], &[row("F-1", "C1", "a.pdf")]).await;
    world.plan().await;
    put(&world, "a.pdf", &pdf("after", 200));
    world.deliver().await;
    assert_eq!(server.only().parsed().files[0].bytes, pdf("after", 200));
    world.finish().await;
}

#[tokio::test]
async fn a_message_sent_again_carries_the_same() {
    let server = Smtp::start().await;
    server.next(&[Act::Close(Stage::Dot)]);
    let mut world = world(config(&server, "1 MB"), &[("a.pdf", pdf("a", 3000))], &[row("F-1", "C1", "a.pdf")]).await;
    world.round().await;
    world.crash().await;
    world.recover().await;
    world.minutes(10);
    world.poll().await;
    world.deliver().await;
    assert_eq!(world.outcomes().await, ["unknown email reminder network", "accepted email reminder"]);
    let sent: Vec<Parsed> = server.whole().iter().map(|m| m.parsed()).collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].files, sent[1].files);
    assert_eq!(sent[0].header("Message-ID"), sent[1].header("Message-ID"));
    assert_eq!(world.peek("SELECT count(*) || '' FROM document").await, ["1"]);
    world.finish().await;
}

#[tokio::test]
async fn without_documents_the_column_is_nothing() {
    let server = Smtp::start().await;
    let config = Config { documents: String::new(), ..config(&server, "1 MB") };
    let world = world(config, &[("a.pdf", pdf("a", 100))], &[row("F-1", "C1", "a.pdf")]).await;
    world.round().await;
    assert!(server.only().parsed().files.is_empty());
    assert_eq!(words(&world).await, ["F-1 -"]);
    world.finish().await;
}

#[tokio::test]
async fn an_sms_takes_no_copy() {
    let server = Smtp::start().await;
    let config = config(&server, "1 MB").with_sms_file().cadence(BOTH);
    let row = row("F-1", "C1", "a.pdf").with("phone", "+32470000001");
    let world = world(config, &[("a.pdf", pdf("a", 100))], &[row]).await;
    world.round().await;
    let copies: Vec<bool> = world.log().await.iter().map(|a| a.invoices.contains("\"copy\"")).collect();
    let channels: Vec<String> = world.log().await.into_iter().filter_map(|a| a.channel).collect();
    assert_eq!(copies, channels.iter().map(|c| c == "email").collect::<Vec<_>>());
    assert_eq!(names(&server.only()), ["F-1.pdf"]);
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_says_how_much_it_takes_is_offered_no_more() {
    let server = Smtp::with(Offers { size: Some(300_000), pipelining: true, ..Offers::default() }).await;
    let files = [("a.pdf", pdf("a", 300_000)), ("b.pdf", pdf("b", 50_000))];
    let rows = [row("F-1", "C1", "a.pdf"), row("F-2", "C2", "b.pdf")];
    let world = world(config(&server, "1 MB"), &files, &rows).await;
    world.round().await;
    let mails = server.begun();
    assert_eq!(mails.len(), 2, "the large one was not even begun");
    assert!(mails.iter().all(|m| m.bytes.len() < 300_000 && m.reply == 250));
    assert_eq!(names(&server.to("c1@client.example")[0]), Vec::<String>::new());
    assert_eq!(names(&server.to("c2@client.example")[0]), ["F-2.pdf"]);
    assert_eq!(world.outcomes().await, ["accepted email reminder"; 2], "it was no try of the message");
    // Known from now on, for a while; then it is asked anew.
    server.state().offers.size = Some(1_000_000);
    world.insert(&[row("F-3", "C3", "a.pdf")]).await;
    world.round().await;
    assert!(names(&server.to("c3@client.example")[0]).is_empty());
    world.minutes(61);
    world.insert(&[row("F-4", "C4", "a.pdf")]).await;
    world.round().await;
    assert_eq!(names(&server.to("c4@client.example")[0]), ["F-4.pdf"]);
    world.finish().await;
}

/// A group is cut where its copies come to too much; nothing is lost by that, and nothing comes twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_large_copies_leave_in_groups_that_fit_into_memory() {
    let server = Smtp::start().await;
    let one: Vec<Row> = (0..12).map(|n| row(&format!("F-{n}"), &format!("C{n}"), "a.pdf")).collect();
    let world = world(config(&server, "5 MB"), &[("a.pdf", pdf("a", 1_000_000))], &one).await;
    world.plan().await;
    for _ in 0..20 {
        world.deliver().await;
        if server.accepted().len() == 12 {
            break;
        }
    }
    assert_eq!(world.outcomes().await, ["accepted email reminder"; 12]);
    assert!(server.accepted().iter().all(|m| m.parsed().files.len() == 1));
    assert_eq!(world.peek("SELECT count(*) || '' FROM document").await, ["1"]);
    world.finish().await;
}

#[tokio::test]
async fn an_erased_payload_keeps_no_copy() {
    let server = Smtp::start().await;
    let files = [("a.pdf", pdf("a", 100)), ("b.pdf", pdf("b", 200))];
    let rows = [row("F-1", "C1", "a.pdf"), row("F-2", "C2", "a.pdf"), row("F-3", "C3", "b.pdf")];
    let world = world(config(&server, "1 MB"), &files, &rows).await;
    world.round().await;
    assert_eq!(world.store().sweep_documents().await.unwrap(), 0);
    let sizes = || world.peek("SELECT length(body) || '' FROM document ORDER BY 1");
    assert_eq!(sizes().await, ["100", "200"]);
    world.home.run("UPDATE payload SET address = NULL, body = NULL, erased_at = 5 WHERE address IN ('c1@client.example', 'c3@client.example')").await.unwrap();
    assert_eq!(world.peek("SELECT count(*) || '' FROM payload_document").await, ["1"]);
    assert_eq!(world.store().sweep_documents().await.unwrap(), 1);
    assert_eq!(sizes().await, ["100"], "what another message has stays");
    let verified = world.store().verify_log(true).await.unwrap();
    assert_eq!((verified.erased, verified.payloads, verified.broken.len()), (2, 1, 0));
    world.finish().await;
}

#[tokio::test]
async fn a_copy_that_somebody_changed_in_the_store_is_found() {
    let server = Smtp::start().await;
    let world = world(config(&server, "1 MB"), &[("a.pdf", pdf("a", 100))], &[row("F-1", "C1", "a.pdf")]).await;
    world.round().await;
    let broken = || async { world.store().verify_log(true).await.unwrap().broken };
    world.home.run("UPDATE payload_document SET place = place + 1").await.unwrap();
    assert_eq!(broken().await, ["attempt 1: its address or message was changed"]);
    world.home.run("UPDATE payload_document SET place = 100000000").await.unwrap();
    assert_eq!(broken().await, ["attempt 1: its payload is gone or cannot be unpacked"]);
    world.home.run("DELETE FROM payload_document").await.unwrap();
    assert_eq!(broken().await, ["attempt 1: its address or message was changed"]);
    world.home.run("UPDATE payload SET address = NULL, body = NULL, erased_at = 5").await.unwrap();
    world.finish().await;
}

fn with_files(firm: &Firm, files: &[&str]) {
    std::fs::create_dir_all(firm.path("pdf")).unwrap();
    files.iter().for_each(|name| std::fs::write(firm.path("pdf").join(name), pdf(name, 100)).unwrap());
}

#[tokio::test]
async fn the_program_tells_of_copies_that_are_not_there() {
    let config = into_folder().with_documents("1 MB");
    let late = |id: &str, customer: &str, document: &str| late(id, customer).with("document", document);
    let rows = [late("F-1", "C1", "a.pdf"), late("F-2", "C2", "Dupont.pdf"), late("F-3", "C3", "Dupont.pdf")];
    let firm = Firm::new(&config, &rows).await;
    let gone = firm.run(&["check", "--connect"]);
    assert!(gone.out.contains("CAUTION: 3 of 3 open invoices name a document, but the folder "), "{}", gone.out);
    with_files(&firm, &["a.pdf"]);
    let connected = firm.run(&["check", "--connect"]).ends(0).out;
    assert!(connected.contains("of 3 looked at, 1 can be attached; 2: the file is not there (F-2, F-3)"), "{connected}");
    let ran = firm.run(&["run", "--once"]).ends(0);
    let warned: Vec<&str> = ran.err.lines().filter(|l| l.contains("a copy is not attached")).collect();
    assert_eq!(warned.len(), 1, "once for each file: {}", ran.err);
    assert!(warned[0].contains("reason=missing") && !ran.err.contains("Dupont"), "{}", ran.err);
    assert_eq!(firm.mails().len(), 3);
    let checked = firm.run(&["check"]).ends(0).out;
    assert!(checked.contains("documents: CAUTION: 3 of 3 open invoices name a document; of 3 looked at, 1 can be"), "{checked}");
    let notes = |name: &str| firm.object(&["explain", name])["notes"].to_string();
    assert!(notes("F-1").contains("its copy: 1 message left with it\""), "{}", notes("F-1"));
    assert!(notes("F-2").contains("its copy: 0 messages left with it, 1 without it (missing)"), "{}", notes("F-2"));
    assert!(notes("F-2").contains("its copy cannot be attached: the file is not there"), "{}", notes("F-2"));
    let copies: Vec<String> = firm.json(&["log"]).iter().map(|a| word(&a["invoices"][0]["copy"]).to_owned()).collect();
    assert_eq!(copies.iter().filter(|c| *c == "attached").count(), 1, "{copies:?}");
    firm.run(&["log", "verify", "--deep"]).ends(0);
}

#[tokio::test]
async fn without_documents_check_says_what_is_left_unused() {
    let firm = Firm::new(&into_folder(), &[late("F-1", "C1").with("document", "a.pdf")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let checked = firm.run(&["check"]).ends(0).out;
    assert!(
        checked.contains("1 of 1 open invoices name a document; no copy is attached, because there is no section [documents]"),
        "{checked}"
    );
    let plain = Firm::new(&at_once(Config::mail(25)), &[late("F-1", "C1")]).await;
    assert!(!plain.run(&["check"]).ends(0).out.contains("documents"));
}

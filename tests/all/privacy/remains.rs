//! What is left in the file itself when somebody was erased: nothing of theirs, neither in a row nor in a page that was
//! given up or written anew, nor in the log of pages beside it.

use super::{EMAIL, LINK, NAME, PHONE, REASON, REFERENCE, TAG, both};
use crate::program::{Firm, late};
use crate::support::home::Home;
use crate::support::{Config, Row, Smtp, World};
use relance::store::person::erase::{Erasure, Word};
use std::path::Path;

/// Which of some words stand somewhere in the store's files.
fn found<'w>(folder: &Path, words: &[&'w [u8]]) -> Vec<&'w [u8]> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("relance.") && !name.ends_with(".toml") {
            all.extend(std::fs::read(entry).unwrap());
            all.push(0);
        }
    }
    words.iter().filter(|word| memchr::memmem::find(&all, word).is_some()).copied().collect()
}

/// The packed messages of a customer, each a stretch of bytes that nothing else has.
async fn packed(home: &Home, debtor: &str) -> Vec<Vec<u8>> {
    let sql = format!(
        "SELECT hex(p.body) FROM payload p JOIN attempt a ON a.payload_pk = p.pk WHERE a.debtor = '{debtor}' AND p.body IS NOT NULL"
    );
    let bytes = |text: &String| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    };
    let whole: Vec<Vec<u8>> = home.all_texts(sql).await.iter().map(bytes).collect();
    // From the end, where each has what is its own.
    whole.into_iter().map(|body| body[body.len() - 24..].to_vec()).collect()
}

#[tokio::test]
async fn nothing_of_an_erased_customer_is_left_in_the_file() {
    let firm = Firm::new(&both().on_file(), &[super::zoe("F-7"), late("F-8", "C8").with("phone", "+32470112233")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let until = crate::program::day(20).to_string();
    firm.run(&["hold", "debtor:C7", "--until", &until, "--reason", REASON]).ends(0);
    // Written anew some times, so that copies lie about.
    for name in ["Quittelier-Dupont", "Quittelier"] {
        let sql = "UPDATE relance_invoices SET customer_name = $1 WHERE customer_id = 'C7'";
        sqlx::query(sql).bind(format!("Madame Zoé {name} de la rue du Pont")).execute(&firm.ledger).await.unwrap();
        firm.run(&["run", "--once"]).ends(0);
    }
    let bodies = packed(&firm.home, "C7").await;
    assert_eq!(bodies.len(), 2);
    let mut words: Vec<&[u8]> = [NAME, EMAIL, PHONE, "470998877", REFERENCE, LINK, TAG, REASON].map(str::as_bytes).to_vec();
    words.extend(bodies.iter().map(Vec::as_slice));
    assert_eq!(found(firm.folder(), &words).len(), words.len(), "before, all of it is there");
    super::settle(&firm).await;
    let erased = firm.object(&["person", "erase", "C7", "--reason", "asked for it"]);
    assert_eq!(erased["file_clean"], true);
    assert_eq!(found(firm.folder(), &words), Vec::<&[u8]>::new());
    let others = [&b"c8@client.example"[..], b"+32470112233", b"Maison C8"];
    assert_eq!(found(firm.folder(), &others).len(), 3, "of others everything is there");
    assert_eq!(firm.home.texts("PRAGMA integrity_check").await, ["ok"]);
}

/// A file of 20 kB, on pages of its own, that says everywhere whose it is.
fn pdf(whose: &str) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    (0..600).for_each(|n| bytes.extend(format!("line {n} for {whose}\n").bytes()));
    bytes
}

/// Copies of invoices: C7's own, one that C8 got too, and C8's own.
fn with_copies() -> (Vec<(&'static str, Vec<u8>)>, [Row; 3]) {
    let files = vec![("own.pdf", pdf("C7 alone")), ("both.pdf", pdf("C7 and C8")), ("other.pdf", pdf("C8 alone"))];
    let late = |id: &str, customer: &str, file: &str| late(id, customer).with("document", file);
    (files, [late("F-7", "C7", "own.pdf"), late("F-8", "C7", "both.pdf"), late("F-9", "C8", "both.pdf")])
}

/// Which copies stand in the store's files.
fn copies(folder: &Path) -> Vec<String> {
    let words = ["for C7 alone", "for C7 and C8", "for C8 alone", "Zm9yIEM3"];
    found(folder, &words.map(str::as_bytes)).into_iter().map(|w| String::from_utf8_lossy(w).into_owned()).collect()
}

fn put(folder: &Path, files: Vec<(&str, Vec<u8>)>) {
    std::fs::create_dir_all(folder).unwrap();
    files.into_iter().for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes).unwrap());
}

#[tokio::test]
async fn nothing_of_a_copy_is_left_in_the_file_of_an_erased_customer() {
    let (files, rows) = with_copies();
    let firm = Firm::new(&crate::program::into_folder().on_file().with_documents("1 MB"), &rows).await;
    put(&firm.path("pdf"), files);
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(copies(firm.folder()), ["for C7 alone", "for C7 and C8"]);
    super::settle_only(&firm).await;
    let erased = firm.object(&["person", "erase", "C7", "--reason", "asked for it"]);
    assert_eq!((&erased["file_clean"], &erased["counts"]["document"]), (&true.into(), &1.into()), "{erased}");
    assert_eq!(copies(firm.folder()), ["for C7 and C8"], "what C8 got as well stays for C8");
    firm.run(&["log", "verify", "--deep"]).ends(0);
    assert_eq!(firm.home.texts("PRAGMA integrity_check").await, ["ok"]);
}

#[tokio::test]
async fn nothing_of_a_copy_is_left_in_the_file_when_its_message_was_kept_long_enough() {
    let server = Smtp::start().await;
    let (files, rows) = with_copies();
    let keep = "[retention]\nmessages = \"90 days\"\nnotes = \"forever\"\ncustomers = \"forever\"\n";
    let config = Config::mail(server.port).on_file().with_documents("1 MB").file("conf.d/retention.toml", keep);
    let world = World::new(config).await;
    put(&world.path("pdf"), files);
    world.insert(&rows.map(|row| row.with("due_on", "2026-10-26").with("issued_on", "2026-09-26"))).await;
    world.round().await;
    let folder = world.path("relance.db").parent().unwrap().to_path_buf();
    assert_eq!(copies(&folder), ["for C7 alone", "for C7 and C8"]);
    for id in ["F-7", "F-8"] {
        world.pay(id).await;
    }
    world.poll().await;
    world.days(92);
    world.poll().await;
    let run = relance::flow::retain::step(world.desk()).await.unwrap().unwrap();
    assert_eq!((run.messages, run.notes, run.customers), (1, 0, 0));
    assert_eq!(copies(&folder), ["for C7 and C8"], "what C8 got as well stays for C8, who has not paid");
    world.pay("F-9").await;
    world.poll().await;
    world.days(92);
    world.poll().await;
    assert_eq!(relance::flow::retain::step(world.desk()).await.unwrap().map(|run| run.messages), Some(1));
    assert_eq!(copies(&folder), Vec::<String>::new());
    assert_eq!(world.store().verify_log(true).await.unwrap().broken, Vec::<String>::new());
    world.finish().await;
}

/// Many customers, written to, changed and erased in an odd order: of each what is left is everything or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_many_customers_each_is_there_or_gone() {
    let server = Smtp::start().await;
    let name = |n: usize| format!("Nom{n:03}x{:08x}y", (n as u64 * 2_654_435_761) % 4_000_000_007);
    let mail = |n: usize| format!("boite{n:03}.{:07}@adresse.example", n * 7919 % 9_999_991);
    let rows: Vec<Row> = (0..150)
        .map(|n| Row::new(&format!("F-{n:03}"), &format!("C{n:03}")).with("customer_name", &name(n)).with("email", &mail(n)))
        .collect();
    let world = World::with(Config::mail(server.port).on_file(), &rows).await;
    world.round().await;
    let mut chance = crate::crash::Chance(4242);
    // Names grow and shrink, so that rows move between pages.
    for round in 0..6 {
        for _ in 0..40 {
            let n = chance.below(150) as usize;
            let padding = "de la longue rue ".repeat(chance.below(12) as usize);
            world.change(&format!("F-{n:03}"), "customer_name", &format!("{} {padding}{round}", name(n))).await;
        }
        world.poll().await;
    }
    let mut gone = Vec::new();
    while gone.len() < 75 {
        let n = chance.below(150) as usize;
        if !gone.contains(&n) {
            gone.push(n);
        }
    }
    for n in &gone {
        world.pay(&format!("F-{n:03}")).await;
    }
    world.poll().await;
    world.release_ledger().await;
    world.poll().await;
    let (word, today) = (Word { cause: "person", reason: "asked", author: None }, "2026-11-02".parse().unwrap());
    for n in &gone {
        let pk = world.store().find_debtor(&format!("C{n:03}")).await.unwrap().unwrap();
        let done = world.store().erase_person(pk, word, today, world.clock.now()).await.unwrap();
        assert!(matches!(done, Erasure::Done(_)), "{done:?}");
    }
    assert!(world.store().forget_erased().await.unwrap());
    let folder = world.path("relance.db").parent().unwrap().to_path_buf();
    for n in 0..150 {
        let (name, mail) = (name(n), mail(n));
        let left = found(&folder, &[name.as_bytes(), mail.as_bytes()]).len();
        assert_eq!(left, if gone.contains(&n) { 0 } else { 2 }, "customer {n}");
    }
    world.finish().await;
}

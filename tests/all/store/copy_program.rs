//! A firm moves its store in the middle of its work: the same program goes on with the copy, nothing is doubled.

use crate::program::{Firm, day, into_folder, late};
use crate::support::home::Home;
use crate::support::postgres::Database;
use crate::support::{Act, Config, Row, Smtp, Stage, World};
use relance::config::Environment;
use relance::config::database::DatabaseSettings;
use relance::flow::word::Word;
use relance::store::copy::copy;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_program_goes_on_with_the_copy() {
    let Some(database) = Database::new().await else { return };
    let firm = Firm::new(&into_folder().on_file(), &[late("F-1", "C1"), late("F-2", "C2")]).await;
    firm.run(&["run", "--once"]).ends(0);
    firm.run(&["hold", "C1", "--until", &day(20).to_string(), "--reason", "asked by phone"]).ends(0);
    let before = firm.object(&["log", "verify"]);
    let url = database.url();
    let copied = firm.run(&["store", "copy", "--to", url]).ends(0);
    for text in [
        "TABLE             ROWS",
        "attempt           2",
        "Every value was read back and is the same; the log has 2 attempts and the head ",
        &format!("\n[store]\nurl = \"{url}\"\n"),
        "relance.db is kept as it was and is not used any more: relance refuses it from now on.",
    ] {
        assert!(copied.out.contains(text), "{text}\n{}", copied.out);
    }
    let moved = format!("was copied to {url} and lives on there");
    let until = day(20).to_string();
    for (verb, code) in [
        (&["run", "--once"][..], 1),
        (&["hold", "C2", "--until", &until, "--reason", "x"], 1),
        (&["status"], 1),
        (&["log"], 1),
        (&["store", "copy", "--to", url], 1),
    ] {
        let ran = firm.run(verb).ends(code);
        assert!(ran.err.contains(&moved), "{verb:?}: {}", ran.err);
    }
    let toml = std::fs::read_to_string(firm.path("relance.toml")).unwrap();
    std::fs::write(firm.path("relance.toml"), toml.replace("sqlite://relance.db", url)).unwrap();
    assert_eq!(firm.object(&["log", "verify"]), before);
    assert_eq!(firm.json(&["holds"]).len(), 1);
    firm.run(&["run", "--once"]).ends(0);
    assert_eq!(firm.mails().len(), 2, "nothing is sent again");
    firm.insert(&[late("F-3", "C3")]).await;
    firm.run(&["run", "--once"]).ends(0);
    let mut attempts = firm.attempts();
    attempts.sort();
    assert_eq!(attempts, ["accepted C1", "accepted C2", "accepted C3"]);
    let after = firm.object(&["log", "verify", "--deep"]);
    assert_eq!((after["rows"].as_u64(), after["broken"].as_array().unwrap().len()), (Some(3), 0));
}

#[tokio::test]
async fn a_password_does_not_stand_on_the_command_line() {
    let firm = Firm::new(&into_folder().on_file(), &[]).await;
    let refused = firm.run(&["store", "copy", "--to", "postgres://relance:hunter2@db.example/relance"]).ends(2);
    let text = "--to: it holds a password, and everybody on the machine can see a command line; wanted it in a file that --password-file names, or in ~/.pgpass";
    assert!(refused.err.contains(text) && !refused.err.contains("hunter2"), "{}", refused.err);
    let refused = firm.run(&["store", "copy", "--to", "mysql://db.example/relance"]).ends(2);
    assert!(refused.err.contains("--to: wanted \"postgres://user@host/database\""), "{}", refused.err);
}

/// A world in which all has happened that can happen goes on in the copy as it would have in the file.
#[tokio::test]
async fn what_was_under_way_goes_on_in_the_copy() {
    let Some(database) = Database::new().await else { return };
    let server = Smtp::start().await;
    let mut world = Box::pin(lived(&server)).await;
    let (log, queue) = (world.log().await, world.queue().await);
    assert_eq!(queue, ["deferred 1", "uncertain 1"], "{log:?}");
    assert!(!world.alerts().await.is_empty());
    let accepted = server.accepted().len();
    let file = Home::File(world.path("relance.db"));
    // The program is stopped; its session stays, as if it had been killed.
    Box::pin(world.crash()).await;
    let to = DatabaseSettings::at(database.url()).unwrap();
    let copied = Box::pin(copy(&file.settings(), &to, &Environment::new())).await.unwrap();
    assert_eq!(copied.log.rows, log.len() as u64);
    world.config.store = format!("url = \"{}\"\n", database.url());
    world.config.write(&world.path(""));
    world.home = Home::Database(database);
    Box::pin(world.crash()).await;
    assert_eq!((world.log().await, world.queue().await), (log, queue));
    Box::pin(world.round()).await;
    assert_eq!(server.accepted().len(), accepted, "nothing is sent again");
    Box::pin(goes_on(world, &server)).await;
}

/// Mailed, refused, in doubt, dropped, deferred, held, part paid, told to the creditor.
async fn lived(server: &Smtp) -> World {
    server.always("c2@client.example", Act::Reply(Stage::Rcpt, 550, "5.1.1 no such user"));
    server.always("c3@client.example", Act::Close(Stage::Dot));
    server.always("c4@client.example", Act::Reply(Stage::Dot, 451, "4.3.0 later"));
    server.always("c6@client.example", Act::Close(Stage::Dot));
    let rows: Vec<Row> = (1..=6).map(|n| Row::new(&format!("F-{n}"), &format!("C{n}"))).collect();
    let config = Config::mail(server.port).on_file().email_line("when_uncertain = \"hold\"").email_line("connections = 1");
    let world = World::with(config, &rows[..4]).await;
    world.hold("C1", "2026-12-01").await;
    world.plan().await;
    world.resume("C1").await;
    world.deliver().await;
    Box::pin(world.round()).await;
    world.say(Word::Drop).await;
    world.insert(&rows[4..]).await;
    Box::pin(world.round()).await;
    world.review().await;
    world.change("F-1", "balance", "70.00").await;
    world.hold("C5", "2026-11-30").await;
    world.poll().await;
    world
}

/// What was deferred leaves, what a person says of the uncertain is heeded, the cadences go on.
async fn goes_on(world: World, server: &Smtp) {
    server.always("c4@client.example", Act::Accept);
    world.minutes(90);
    Box::pin(world.round()).await;
    assert_eq!(world.whose("accepted").await.iter().filter(|d| *d == "C4").count(), 1, "what was deferred leaves now");
    world.say(Word::Sent).await;
    let so_far = world.log().await.len();
    for _ in 0..3 {
        world.days(14);
        Box::pin(world.round()).await;
    }
    assert!(world.log().await.len() > so_far + 3, "the cadences go on: {:?}", world.outcomes().await);
    Box::pin(world.finish()).await;
}

//! The folder and its files: away, unfinished, not to be read, put away.

use super::{came, config, drop_file, owed, planned, statement, step};
use crate::support::{Smtp, World};
use relance::flow::bank::Round;

#[tokio::test]
async fn a_folder_that_is_away_stops_nothing_and_is_told_of_after_an_hour() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    std::fs::rename(world.path("bank"), world.path("away")).unwrap();
    assert_eq!(step(&world).await, Round { failed: true, ..Round::default() });
    world.deliver().await;
    assert_eq!(server.accepted().len(), 1, "sending goes on");
    world.minutes(59);
    step(&world).await;
    assert_eq!(world.alerts().await, Vec::<String>::new());
    world.minutes(1);
    step(&world).await;
    assert_eq!(world.alerts().await, ["bank"]);
    std::fs::rename(world.path("away"), world.path("bank")).unwrap();
    step(&world).await;
    assert_eq!(world.alerts().await, Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_told_of_once_and_tried_when_it_changes() {
    let server = Smtp::start().await;
    let world = planned(&server).await;
    let whole = statement("1", &[came("A", "120.00")]);
    drop_file(&world, "s1.xml", &whole[..whole.len() / 2]);
    assert_eq!(step(&world).await, Round { unread: 1, ..Round::default() });
    assert_eq!(step(&world).await, Round::default(), "it is not tried again as it is");
    assert_eq!(world.alerts().await, Vec::<String>::new(), "it may still be being written");
    world.minutes(10);
    step(&world).await;
    assert_eq!(world.alerts().await, ["bank_file:s1.xml"]);
    let failed = world.store().bank_files_failed().await.unwrap();
    assert!(failed[0].problem.contains("line 1") && failed[0].problem.contains("cut off"), "{failed:?}");
    drop_file(&world, "s1.xml", &whole);
    assert_eq!(step(&world).await.matched, 1);
    assert_eq!(world.alerts().await, Vec::<String>::new());
    drop_file(&world, "s2.cod", "nothing");
    step(&world).await;
    std::fs::remove_file(world.path("bank/s2.cod")).unwrap();
    step(&world).await;
    assert!(world.store().bank_files_failed().await.unwrap().is_empty(), "what is gone is no problem any more");
    world.finish().await;
}

#[tokio::test]
async fn what_is_not_finished_is_not_touched_and_what_was_read_is_put_away() {
    let server = Smtp::start().await;
    let world = World::with(config(server.port, "done = \"move:read\"\n"), &[owed()]).await;
    let text = statement("1", &[came("A", "120.00")]);
    for name in [".s1.xml", "s1.xml.part", "s1.xml.tmp", "~s1.xml"] {
        drop_file(&world, name, &text);
    }
    assert_eq!(step(&world).await, Round::default());
    drop_file(&world, "s1.xml", &text);
    assert_eq!(step(&world).await.files, 1);
    assert!(!world.path("bank/s1.xml").exists() && world.path("read/s1.xml").exists());
    drop_file(&world, "s1.xml", statement("2", &[came("B", "1.00")]));
    step(&world).await;
    assert_eq!(std::fs::read_dir(world.path("read")).unwrap().count(), 2, "nothing is written over");
    world.finish().await;
}

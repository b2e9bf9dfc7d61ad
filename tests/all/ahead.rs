//! Over weeks: a long spacing is kept, and what `preview` foresees is what comes.

use crate::support::{Config, Row, Smtp, World};
use relance::flow::simulate::{Foreseen, Horizon, foresee};

/// Two reminders and a firm letter that counts from the first of them, whether it left or was overtaken.
const CADENCE: &str = r#"
name = "standard"
[[step]]
id = "reminder"
when = "2 days after due"
channel = "email"
[[step]]
id = "again"
letter = "reminder"
rank = "reminder"
when = "6 days after due"
channel = "email"
[[step]]
id = "firm"
when = "40 days after reminder"
channel = "email"
"#;

/// An invoice known before it was due, and then a standstill of two weeks.
async fn after_a_standstill(config: Config) -> World {
    let world = World::new(config).await;
    world.days(-14);
    world.insert(&[Row::new("F-1", "C1")]).await;
    world.poll().await;
    world.days(14);
    world
}

async fn steps_left(world: &World, days: i64) -> Vec<String> {
    let mut left = Vec::new();
    for _ in 0..days {
        world.round().await;
        world.days(1);
    }
    for attempt in world.log().await.iter().filter(|a| a.outcome.as_str() == "accepted") {
        let day = attempt.at.to_zoned(jiff::tz::TimeZone::get("Europe/Brussels").unwrap()).date();
        left.push(format!("{day} {}", attempt.step));
    }
    left
}

#[tokio::test]
async fn a_spacing_longer_than_a_month_is_kept() {
    let server = Smtp::start().await;
    for (spacing, next) in [("0 days", "2026-12-08 firm"), ("45 days", "2026-12-17 firm"), ("34 working days", "2026-12-21 firm")]
    {
        let cadence =
            CADENCE.replace("[[step]]\nid = \"reminder\"", &format!("spacing = \"{spacing}\"\n[[step]]\nid = \"reminder\""));
        let world = after_a_standstill(Config::mail(server.port).cadence(&cadence)).await;
        assert_eq!(steps_left(&world, 50).await, ["2026-11-02 again", next], "{spacing}");
        world.finish().await;
    }
}

#[tokio::test]
async fn what_preview_foresees_comes() {
    let server = Smtp::start().await;
    let world = after_a_standstill(Config::mail(server.port).cadence(CADENCE)).await;
    let desk = world.desk();
    let now = world.clock.now();
    let keys = desk.store.open_debtors_after(0).await.unwrap();
    let files = desk.files(&keys, now).await.unwrap();
    let booked = desk.conditions(now).await.unwrap().booked;
    let until = now.checked_add(jiff::Span::new().hours(24 * 50)).unwrap();
    let foreseen: Vec<String> = foresee(desk, booked, &files[0], Horizon { from: now, until })
        .iter()
        .filter_map(|f| match f {
            Foreseen::Contact { on, plan, .. } => Some(format!("{on} {}", plan.lines[0].stage.as_ref().unwrap())),
            Foreseen::Nothing { .. } => None,
        })
        .collect();
    assert_eq!(foreseen, steps_left(&world, 50).await);
    world.finish().await;
}

//! What a session may do, and what no longer when others have ended it; by hand, with two daemons' desks on one store.

use crate::support::{Config, Row, Smtp, World};
use jiff::Span;
use relance::domain::step::Channel;
use relance::flow::presence::{self, Watch};
use relance::flow::{Desk, collect, deliver, plan, review};
use relance::store::StoreError;
use relance::store::outbox::Claimed;
use relance::store::payloads::Payload;
use relance::store::sessions::Duty;
use relance::store::settle::{After, Settlement};

fn rows(count: usize) -> Vec<Row> {
    (1..=count).map(|n| Row::new(&format!("F-{n}"), &format!("C{n}"))).collect()
}

async fn claim(desk: &Desk, limit: i64) -> Vec<Claimed> {
    desk.store.claim(Channel::Email, desk.clock.now(), limit, None).await.unwrap()
}

/// What is kept of a message that leaves: the number, and what its digest is made of.
type Kept = (i64, (Vec<u8>, String, Vec<u8>));

/// Marks a message as being sent.
async fn mark(desk: &Desk, message: &Claimed) -> Result<Kept, StoreError> {
    let payload = Payload::new(&message.address, b"a mail").unwrap();
    let sealed = (payload.salt.to_vec(), payload.address.clone(), payload.body_hash.to_vec());
    Ok((desk.store.mark_sending(&[(message.pk, payload)], desk.clock.now()).await?[0], sealed))
}

/// The outcome of a message that was accepted.
async fn accepted(world: &World, message: &Claimed, (payload, sealed): Kept) -> Settlement {
    let attempt = relance::store::attempts::NewAttempt {
        at: world.clock.now().as_millisecond(),
        debtor_pk: message.debtor_pk,
        debtor: world.peek("SELECT source_id FROM debtor ORDER BY pk").await[message.debtor_pk as usize - 1].clone(),
        person: None,
        channel: Some("email".to_owned()),
        cadence: message.cadence.clone(),
        step: message.step.clone(),
        letter: message.letter.clone(),
        language: None,
        invoices: "[]".to_owned(),
        outcome: relance::domain::attempt::Outcome::Accepted,
        class: None,
        why: None,
        answer: Some("250 queued".to_owned()),
        message_id: Some(message.message_id.clone()),
        message_pk: Some(message.pk),
        payload_pk: Some(payload),
        digest: None,
    };
    Settlement {
        message_pk: message.pk,
        contact_pk: message.contact_pk,
        copy: false,
        after: After::Accepted,
        day: "2026-11-02".parse().unwrap(),
        attempt,
        payload: None,
        sealed: Some(sealed),
        threads: vec![],
        dead: None,
        gateway_id: None,
    }
}

fn is_fenced<T: std::fmt::Debug>(done: Result<T, StoreError>) {
    assert!(matches!(done, Err(StoreError::Fenced)), "{done:?}");
}

/// A daemon that was cut off comes back after others have ended its session: nothing of what it had can it finish.
#[tokio::test]
async fn what_others_have_taken_over_cannot_be_finished() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &rows(3)).await;
    world.plan().await;
    let (old, now) = (world.second().await, world.clock.now());
    let claimed = claim(&old, 2).await;
    let payload = mark(&old, &claimed[0]).await.unwrap();
    let late = accepted(&world, &claimed[0], payload).await;
    presence::settle_all(world.desk()).await.unwrap();
    assert_eq!(world.outcomes().await, ["unknown email reminder"], "one may have left, one goes back");
    is_fenced(old.store.settle(std::slice::from_ref(&late), now).await);
    is_fenced(mark(&old, &claimed[1]).await);
    is_fenced(old.store.unmark(&[(claimed[0].pk, late.attempt.payload_pk.unwrap())], now).await);
    is_fenced(old.store.claim(Channel::Email, now, 1, None).await);
    is_fenced(old.store.give_back(&[claimed[1].pk]).await);
    is_fenced(old.store.apply_page(&Default::default(), jiff::civil::date(2026, 1, 1), now).await);
    is_fenced(old.store.commit_plan(0, &Default::default(), false, now).await);
    is_fenced(old.store.move_planned(true).await);
    is_fenced(old.store.set_brake("channel:email", now, None, "late").await);
    is_fenced(old.store.raise_alert("late", now, "s", "t").await);
    is_fenced(old.store.set_meta("fingerprint", Some("late")).await);
    assert!(!old.store.beat().await.unwrap());
    world.deliver().await;
    let all = ["unknown email reminder", "accepted email reminder", "accepted email reminder", "accepted email reminder"];
    assert_eq!(world.outcomes().await, all);
    assert_eq!(server.accepted().len(), 3);
    world.finish().await;
}

/// The answer to a commit may be lost on the way: what is recorded once more is recorded once.
#[tokio::test]
async fn an_outcome_that_is_recorded_twice_counts_once() {
    let world = World::with(Config::mail(1), &rows(2)).await;
    world.plan().await;
    let claimed = claim(world.desk(), 2).await;
    let (one, two) = (mark(world.desk(), &claimed[0]).await.unwrap(), mark(world.desk(), &claimed[1]).await.unwrap());
    let first = accepted(&world, &claimed[0], one).await;
    let both = [first.clone(), accepted(&world, &claimed[1], two).await];
    world.store().settle(&[first], world.clock.now()).await.unwrap();
    let head = world.store().settle(&both, world.clock.now()).await.unwrap();
    assert_eq!(world.outcomes().await, ["accepted email reminder", "accepted email reminder"]);
    assert_eq!(world.store().settle(&both, world.clock.now()).await.unwrap(), head, "nothing was added");
    world.finish().await;
}

/// The same with a mark: what is taken off, or settled, once more after the message was marked anew is not the new mark.
#[tokio::test]
async fn what_is_brought_twice_does_not_touch_a_newer_mark() {
    let world = World::with(Config::mail(1), &rows(1)).await;
    world.plan().await;
    let (store, now) = (world.store(), world.clock.now());
    let first = claim(world.desk(), 1).await;
    let old = mark(world.desk(), &first[0]).await.unwrap();
    store.unmark(&[(first[0].pk, old.0)], now).await.unwrap();
    assert_eq!(world.queue().await, ["queued 1"]);
    let again = claim(world.desk(), 1).await;
    let new = mark(world.desk(), &again[0]).await.unwrap();
    let words = "SELECT count(*) || ' ' || count(body) FROM payload";
    assert_eq!(world.peek(words).await, ["2 1"], "what never left is not kept");
    // The answer to that first commit was lost, so it is brought once more.
    store.unmark(&[(first[0].pk, old.0)], now).await.unwrap();
    store.give_back(&[first[0].pk]).await.unwrap();
    assert_eq!(world.queue().await, ["sending 1"]);
    assert_eq!(world.peek(words).await, ["2 1"]);
    store.settle(&[accepted(&world, &first[0], old).await], now).await.unwrap();
    assert!(world.log().await.is_empty(), "that is not the outcome of what is under way");
    store.settle(&[accepted(&world, &again[0], new).await], now).await.unwrap();
    assert_eq!(world.outcomes().await, ["accepted email reminder"]);
    world.finish().await;
}

#[tokio::test]
async fn nobody_claims_without_a_session_or_what_is_claimed() {
    let world = World::with(Config::mail(1), &rows(60)).await;
    world.plan().await;
    let second = world.second().await;
    let none = world.another_hand().await.claim(Channel::Email, world.clock.now(), 1, None).await.unwrap_err();
    assert!(none.to_string().contains("without a session"), "{none}");
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let (a, b) = tokio::join!(claim(world.desk(), 10), claim(&second, 10));
        one.extend(a);
        two.extend(b);
    }
    let mut all: Vec<i64> = one.iter().chain(&two).map(|c| c.pk).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!((all.len(), one.len() + two.len()), (60, 60), "each once, and all of them");
    let keys: Vec<i64> = two.iter().map(|c| c.pk).collect();
    world.store().give_back(&keys).await.unwrap();
    assert_eq!(world.queue().await, ["leased 60"], "nobody gives back what is another's");
    presence::leave(&second).await.unwrap();
    assert_eq!(world.queue().await, [format!("leased {}", one.len()), format!("queued {}", two.len())]);
    presence::settle_all(world.desk()).await.unwrap();
    presence::leave(world.desk()).await.unwrap();
    assert_eq!(world.queue().await, ["queued 60"]);
    world.finish().await;
}

/// A session is ended after a whole lease in which its beat was seen not to change, and never by a look after a gap.
#[tokio::test]
async fn only_silence_that_was_watched_ends_a_session() {
    let world = World::with(Config::mail(1), &rows(1)).await;
    let other = world.second().await;
    let sessions = async || world.store().sessions().await.unwrap().len();
    let mut watch = Watch::default();
    let look = async |watch: &mut Watch, seconds: i64| {
        world.advance(Span::new().seconds(seconds));
        watch.look(world.desk()).await.unwrap();
    };
    let lease = world.desk().setup.settings.store.lease.as_secs() as i64;
    let pause = (lease / 4).max(1);
    // It lives: for many leases nothing happens.
    for _ in 0..20 {
        assert!(other.store.beat().await.unwrap());
        look(&mut watch, pause).await;
    }
    assert!(watch.strangers().is_empty());
    assert_eq!(sessions().await, 2);
    // Nobody looked for a day: what was seen before says nothing.
    look(&mut watch, 86_400).await;
    assert_eq!(sessions().await, 2);
    // Silent, but not yet for as long as the lease.
    let mut silent = 0;
    while silent + pause < lease {
        look(&mut watch, pause).await;
        silent += pause;
        assert_eq!(sessions().await, 2, "after {silent} s");
    }
    // The clock was set back: that is no time in which anybody was silent.
    look(&mut watch, -3600).await;
    assert_eq!(sessions().await, 2);
    for _ in 0..=lease / pause + 1 {
        look(&mut watch, pause).await;
    }
    assert_eq!(sessions().await, 1);
    assert!(!other.store.beat().await.unwrap());
    world.finish().await;
}

/// It gave a sign of life between the look and the end of its session.
#[tokio::test]
async fn a_sign_of_life_at_the_last_moment_counts() {
    let world = World::with(Config::mail(1), &rows(1)).await;
    let other = world.second().await;
    let last = async || world.store().sessions().await.unwrap().pop().unwrap();
    let seen = last().await;
    other.store.beat().await.unwrap();
    let beat = last().await.beat;
    assert_ne!(beat, seen.beat);
    struct Nobody;
    impl relance::store::recovery::Heir for Nobody {
        fn after(&self, _: &str, _: u32) -> After {
            After::Uncertain
        }
        fn language(&self, _: Option<&str>, _: &str, _: &str) -> Option<String> {
            None
        }
        fn today(&self) -> jiff::civil::Date {
            "2026-11-02".parse().unwrap()
        }
    }
    let end = async |beat| world.store().end_session(seen.pk, Some(beat), world.clock.now(), &Nobody).await.unwrap();
    assert_eq!(end(seen.beat).await, None);
    assert!(end(beat).await.is_some());
    assert_eq!(end(beat).await, None, "it is over already");
    world.finish().await;
}

/// On a shared store one polls, plans and tells at a time; on a file the holder of its lock is alone.
#[tokio::test]
async fn a_duty_is_one_daemons_at_a_time() {
    let world = World::with(Config::mail(1), &rows(3)).await;
    let other = world.second().await;
    let shared = world.store().is_shared();
    for duty in [Duty::Collect, Duty::Plan, Duty::Tell] {
        assert!(other.store.take_duty(duty).await.unwrap());
        assert!(other.store.take_duty(duty).await.unwrap(), "it has it already");
        assert_eq!(world.store().take_duty(duty).await.unwrap(), !shared);
        world.store().leave_duty(duty).await.unwrap();
        assert_eq!(world.store().take_duty(duty).await.unwrap(), !shared, "nobody leaves another's");
    }
    world.minutes(20);
    assert_eq!(collect::step(world.desk()).await.unwrap().is_some(), !shared);
    assert_eq!(plan::step(world.desk()).await.unwrap().messages > 0, !shared);
    presence::settle_all(world.desk()).await.unwrap();
    world.minutes(20);
    assert!(collect::step(world.desk()).await.unwrap().is_some(), "they went with the session");
    let planned = plan::step(world.desk()).await.unwrap().messages;
    assert_eq!(planned, if shared { 3 } else { 0 });
    world.finish().await;
}

/// So many may leave in a minute by all of them together, in hand or on record.
#[tokio::test]
async fn the_limit_a_minute_is_that_of_all_daemons() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port).email_line("max_per_minute = 5");
    let world = World::with(config, &rows(12)).await;
    world.plan().await;
    let other = world.second().await;
    let claimed = other.store.claim(Channel::Email, world.clock.now(), 3, Some(5)).await.unwrap();
    assert_eq!(claimed.len(), 3);
    world.deliver().await;
    assert_eq!(server.accepted().len(), 2, "three are in another's hands");
    other.store.give_back(&claimed.iter().map(|c| c.pk).collect::<Vec<_>>()).await.unwrap();
    deliver::step(&other).await.unwrap();
    assert_eq!(server.accepted().len(), 5);
    world.deliver().await;
    world.advance(Span::new().seconds(59));
    world.deliver().await;
    assert_eq!(server.accepted().len(), 5, "the minute is not over");
    world.advance(Span::new().seconds(2));
    tokio::join!(async { deliver::step(&other).await.unwrap() }, world.deliver());
    assert_eq!(server.accepted().len(), 10);
    world.minutes(2);
    world.deliver().await;
    assert_eq!(server.accepted().len(), 12);
    world.finish().await;
}

/// Another daemon may have the pen for long: whoever has nothing to write does not wait for it.
#[tokio::test]
async fn an_idle_daemon_does_not_take_the_pen() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &rows(2)).await;
    world.round().await;
    // What the outcomes mean for the next step.
    world.plan().await;
    let hand = world.home.pen().await;
    assert!(collect::step(world.desk()).await.unwrap().is_none());
    assert_eq!(plan::step(world.desk()).await.unwrap().looked, 0);
    assert!(!deliver::step(world.desk()).await.unwrap().any());
    review::watch(world.desk()).await.unwrap();
    drop(hand);
    world.finish().await;
}

/// A reminder that is due on the tests' Monday, and may follow one of another case as soon as the ceilings let it.
const ONE_STEP: &str = r#"
name = "standard"
spacing = "0 days"
[[step]]
id = "reminder"
when = "4 working days after due"
channel = "email"
"#;

/// Two cases of each debtor, in two currencies, and one contact a day: whoever plans sees what the other has planned.
#[tokio::test]
async fn one_contact_a_day_is_one_over_all_daemons() {
    let server = Smtp::start().await;
    let both = |n: usize| {
        let row = |currency: &str| Row::new(&format!("{currency}-{n}"), &format!("C{n}")).with("currency", currency);
        [row("EUR"), row("USD")]
    };
    let all: Vec<Row> = (1..=40).flat_map(both).collect();
    let world = World::with(Config::mail(server.port).cadence(ONE_STEP), &all).await;
    if !world.store().is_shared() {
        return world.finish().await;
    }
    let other = world.second().await;
    for day in 1..=3 {
        for _ in 0..3 {
            let planned = tokio::join!(plan::step(world.desk()), plan::step(&other));
            assert!(planned.0.is_ok() && planned.1.is_ok(), "{planned:?}");
            let delivered = tokio::join!(deliver::step(world.desk()), deliver::step(&other));
            assert!(delivered.0.is_ok() && delivered.1.is_ok(), "{delivered:?}");
        }
        assert_eq!(server.accepted().len(), 40 * day.min(2), "on day {day}");
        let most = "SELECT max(n) || '' FROM (SELECT count(*) AS n FROM contact GROUP BY debtor_pk, at / 86400000) AS a";
        assert_eq!(world.peek(most).await, ["1"], "on day {day}");
        world.days(1);
        world.poll().await;
    }
    world.finish().await;
}

/// Daemons that decide by different rules would undo each other's plans: the one that began last says what holds.
#[tokio::test]
async fn who_began_with_an_older_configuration_rests() {
    let mut world = World::with(Config::mail(1), &rows(1)).await;
    let old = world.second().await;
    let mut watch = Watch::default();
    watch.look(&old).await.unwrap();
    assert!(!old.heart.rests());
    world.reconfigure(|config| config.guard_line("tolerance = \"2.00\"")).await;
    watch.look(&old).await.unwrap();
    assert!(old.heart.rests(), "the newer one has other rules");
    // Taken for dead and joined again it has the newest number, and is still the program that began first.
    let sessions = old.store.sessions().await.unwrap();
    let before = jiff::Timestamp::from_second(sessions[0].started_at.as_second() - 1).unwrap();
    let again = old.store.join("again", &old.setup.agreement, before).await.unwrap();
    Watch::default().look(world.desk()).await.unwrap();
    assert!(!world.desk().heart.rests(), "whatever its number");
    presence::leave(&Desk::new(old.setup.clone(), again, old.clock.clone()).await.unwrap()).await.unwrap();
    Watch::default().look(world.desk()).await.unwrap();
    assert!(!world.desk().heart.rests());
    presence::leave(world.desk()).await.unwrap();
    watch.look(&old).await.unwrap();
    assert!(!old.heart.rests(), "it is gone, and nobody else is there");
    presence::settle_all(&old).await.unwrap();
    old.store.close().await;
    world.crash().await;
    world.finish().await;
}

/// A daemon that cannot read the ledger leaves it to the others for a while, and they look at once.
#[tokio::test]
async fn who_cannot_read_the_ledger_leaves_it_to_the_others() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &rows(2)).await;
    let shared = world.store().is_shared();
    world.plan().await;
    let other = world.second().await;
    let (here, away) = (world.path("ledger.db"), world.path("away.db"));
    std::fs::rename(&here, &away).unwrap();
    world.deliver().await;
    std::fs::rename(&away, &here).unwrap();
    assert_eq!(world.queue().await, ["queued 2"]);
    world.deliver().await;
    assert!(collect::step(world.desk()).await.unwrap().is_none(), "it has just failed");
    assert_eq!(server.accepted().len(), 0);
    assert_eq!(collect::step(&other).await.unwrap().is_some(), shared, "alone one waits for the next try");
    world.minutes(6);
    let first = if shared { &other } else { world.desk() };
    if !shared {
        // What it tried in between was called off for want of a good poll.
        world.poll().await;
        world.plan().await;
    }
    deliver::step(first).await.unwrap();
    assert_eq!(server.accepted().len(), 2);
    world.finish().await;
}

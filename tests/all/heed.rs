//! The operator's verbs beside the machine. By hand: after a verb one step of each pump is all it takes, without the
//! clock moving on. In the daemon: it hears them by itself. No bell of the scheduler rings in these tests, so what the
//! daemon does here it does within a fraction of the second that is promised, on however slow a machine they run.

use crate::program::wait_for_async;
use crate::support::config::BOTH;
use crate::support::http::{Answer, Http};
use crate::support::{Act, Config, Row, Smtp, Stage, World};
use relance::daemon::{Bells, serve};
use relance::flow::DeskError;
use relance::flow::collect::{self, LEDGER_RELEASED};
use relance::flow::word::{self, Word};
use relance::store::Store;
use relance::store::holds::{Found, Named};
use relance::store::plan::{Looked, Looks};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

fn rows(count: usize) -> Vec<Row> {
    (1..=count).map(|n| Row::new(&format!("F-{n}"), &format!("C{n}"))).collect()
}

/// Another program's hands on the store, as a verb has them.
struct Operator(Store);

impl Operator {
    async fn beside(world: &World) -> Operator {
        Operator(world.another_hand().await)
    }

    async fn named(&self, name: &str) -> Named {
        let Found::One(named) = self.0.find(name).await.unwrap() else { panic!("{name}") };
        named
    }

    async fn hold(&self, world: &World, name: &str) {
        let until = "2026-12-01".parse().unwrap();
        self.0.put_hold(self.named(name).await, until, "asked by phone", world.clock.now()).await.unwrap();
    }

    async fn resume(&self, world: &World, name: &str) {
        assert_eq!(self.0.end_holds(self.named(name).await, world.clock.now()).await.unwrap().len(), 1);
    }

    async fn release_entry(&self, world: &World, name: &str) {
        self.0.release_entry(self.named(name).await.debtor_pk, world.clock.now()).await.unwrap();
    }

    async fn say(&self, world: &World, word: Word) {
        let id = self.0.uncertain().await.unwrap()[0].id;
        assert!(word::say(&self.0, id, word, "2026-11-02".parse().unwrap(), world.clock.now()).await.unwrap());
    }
}

/// A daemon without a scheduler.
struct Served {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), DeskError>>,
}

impl Served {
    fn start(world: &World) -> Served {
        let desk = world.desk().clone();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move { serve(&desk, &Bells::default(), async { drop(stopped.await) }).await });
        Served { stop, task }
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

// ---- by hand

#[tokio::test]
async fn by_hand_every_verb_needs_one_step_of_each_pump() {
    let server = Smtp::start().await;
    let config = Config::mail(server.port)
        .email_line("when_uncertain = \"hold\"")
        .guard_line("max_messages_per_cycle = 2")
        .guard_line("old_debts = \"hold\"");
    let world = World::with(config, &rows(3)).await;
    let operator = Operator::beside(&world).await;
    let pumped = async || {
        world.plan().await;
        world.deliver().await.accepted
    };
    assert_eq!(pumped().await, 0);
    operator.release_entry(&world, "C1").await;
    assert_eq!(pumped().await, 1, "release DEBTOR");

    operator.hold(&world, "C2").await;
    operator.release_entry(&world, "C2").await;
    assert_eq!(pumped().await, 0);
    assert!(world.reasons().await.contains(&"held 1".to_owned()), "hold");
    operator.resume(&world, "C2").await;
    assert_eq!(pumped().await, 1, "resume");

    server.next(&[Act::Close(Stage::Dot)]);
    operator.release_entry(&world, "C3").await;
    assert_eq!((pumped().await, world.queue().await), (0, vec!["braked 1".to_owned()]), "one too many");
    operator.0.release_braked(world.clock.now()).await.unwrap();
    assert_eq!((pumped().await, world.queue().await), (0, vec!["uncertain 1".to_owned()]), "release, and then doubt");
    operator.say(&world, Word::Resend).await;
    assert_eq!(pumped().await, 1, "uncertain ID resend");
    world.finish().await;
}

#[tokio::test]
async fn by_hand_a_shrunken_ledger_is_read_again_at_the_next_step() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &rows(12)).await;
    for n in 1..=6 {
        world.delete(&format!("F-{n}")).await;
    }
    world.poll().await;
    world.plan().await;
    assert_eq!(world.deliver().await.accepted, 0);
    let operator = Operator::beside(&world).await;
    assert_eq!(collect::step(world.desk()).await.unwrap(), None, "its schedule says later");
    operator.0.set_meta(LEDGER_RELEASED, Some("1")).await.unwrap();
    assert!(collect::step(world.desk()).await.unwrap().is_some());
    world.plan().await;
    assert_eq!(world.deliver().await.accepted, 6);
    world.finish().await;
}

/// A look that is under way when the operator speaks does not write over the word, not even within one millisecond.
#[tokio::test]
async fn a_word_within_the_same_instant_wins_over_a_look_under_way() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &rows(1)).await;
    let now = world.clock.now();
    let operator = Operator::beside(&world).await;
    operator.hold(&world, "C1").await;
    for verb in ["resume", "release"] {
        let due = world.store().due_debtors(now, 10).await.unwrap();
        let [(debtor, was)] = due.as_slice() else { panic!("{due:?}") };
        // The look has read the file; now the verb, then the look's end.
        match verb {
            "resume" => operator.resume(&world, "C1").await,
            _ => operator.release_entry(&world, "C1").await,
        }
        let looked = Looked { debtor_pk: *debtor, was: *was, next: None, reason: "held" };
        let poll = world.store().newest_poll().await.unwrap();
        assert!(world.store().commit_plan(poll, &Looks { looked: vec![looked], ..Looks::default() }, false, now).await.unwrap());
        assert_eq!(world.store().due_debtors(now, 10).await.unwrap().len(), 1, "{verb}: still to be looked at, now");
    }
    world.round().await;
    assert_eq!(server.accepted().len(), 1);
    world.finish().await;
}

// ---- the daemon, with no bell but its own

#[tokio::test]
async fn the_store_tells_what_others_wrote_from_what_it_wrote_itself() {
    let server = Smtp::start().await;
    let world = World::with(Config::mail(server.port), &rows(1)).await;
    let before = world.store().written_by_others().await.unwrap();
    world.round().await;
    assert_eq!(server.accepted().len(), 1);
    assert_eq!(world.store().written_by_others().await.unwrap(), before, "its own work does not keep it awake");
    let operator = Operator::beside(&world).await;
    operator.0.holds("2026-11-02".parse().unwrap()).await.unwrap();
    assert_eq!(world.store().written_by_others().await.unwrap(), before, "reading is not writing");
    operator.hold(&world, "C1").await;
    assert_ne!(world.store().written_by_others().await.unwrap(), before);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_hears_every_verb_by_itself() {
    let server = Smtp::start().await;
    server.always("c3@client.example", Act::Close(Stage::Dot));
    let config = Config::mail(server.port)
        .email_line("when_uncertain = \"hold\"")
        .guard_line("max_messages_per_cycle = 3")
        .guard_line("old_debts = \"hold\"");
    let world = World::with(config, &rows(4)).await;
    let operator = Operator::beside(&world).await;
    for debtor in ["C1", "C2", "C3"] {
        operator.release_entry(&world, debtor).await;
    }
    operator.hold(&world, "C2").await;
    let daemon = Served::start(&world);
    let has = |debtor: &str| !server.to(&format!("{debtor}@client.example")).is_empty();
    let recorded = async |count: usize| wait_for_async("the record", async || world.log().await.len() == count).await;
    wait_for_async("the first mail", async || has("c1")).await;
    wait_for_async("the doubt", async || !operator.0.uncertain().await.unwrap().is_empty()).await;
    recorded(2).await;

    world.minutes(1);
    operator.resume(&world, "C2").await;
    wait_for_async("resume", async || has("c2")).await;
    recorded(3).await;

    server.state().by_recipient.clear();
    operator.say(&world, Word::Resend).await;
    wait_for_async("uncertain ID resend", async || has("c3")).await;
    recorded(5).await;

    operator.release_entry(&world, "C4").await;
    wait_for_async("the brake, after release DEBTOR", async || world.queue().await == ["braked 1"]).await;
    assert_eq!(operator.0.release_braked(world.clock.now()).await.unwrap(), 1);
    wait_for_async("release", async || has("c4")).await;
    recorded(6).await;

    operator.hold(&world, "C1").await;
    wait_for_async("hold", async || world.reasons().await.contains(&"held 1".to_owned())).await;

    let polls = async || world.peek("SELECT count(*) || '' FROM poll").await;
    let before = polls().await;
    operator.0.set_meta(LEDGER_RELEASED, Some("1")).await.unwrap();
    wait_for_async("release --ledger", async || polls().await != before).await;
    daemon.end().await;
    world.finish().await;
}

/// A server that hangs over one message does not keep the daemon from the operator: not on its own channel, where other
/// connections are free, and not on the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_holds_up_no_word() {
    let server = Smtp::start().await;
    server.always("c1@client.example", Act::Silent(Stage::Dot));
    let gateway = Http::start(Answer::Silent).await;
    let config = Config::mail(server.port)
        .email_line("connections = 2")
        .email_line("timeout = \"8s\"")
        .with_sms("kannel", gateway.port)
        .sms_line("timeout = \"8s\"")
        .cadence(&BOTH.replace("[\"email\", \"sms\"]", "{ first_of = [\"email\", \"sms\"] }"));
    let by_sms = Row::new("F-3", "C3").without("email").with("phone", "+32470000003");
    let world = World::with(config, &[&rows(2)[..], &[by_sms]].concat()).await;
    world.hold("C2", "2026-12-01").await;
    let operator = Operator::beside(&world).await;
    let daemon = Served::start(&world);
    let hanging = async || server.begun().len() == 1 && gateway.requests().len() == 1;
    wait_for_async("both to hang", hanging).await;
    world.minutes(1);
    operator.resume(&world, "C2").await;
    wait_for_async("the mail", async || !server.to("c2@client.example").is_empty()).await;
    wait_for_async("its record", async || !world.log().await.is_empty()).await;
    assert_eq!(world.outcomes().await, ["accepted email reminder"], "the other two are still waited for");
    daemon.end().await;
    world.finish().await;
}

//! What the fold must hold: a few stories by hand, and properties over any evidence.

use super::*;
use jiff::tz::TimeZone;
use proptest::prelude::*;

const ADDRESS: &str = "c1@client.example";
const NUMBER: &str = "+32470123456";

fn at(day: &str) -> Timestamp {
    format!("{day}T10:00:00Z").parse().unwrap()
}

fn mail(day: &str, kind: Kind) -> Evidence {
    let point = Some(Point { channel: Channel::Email, address: ADDRESS.to_owned() });
    Evidence { at: at(day), kind, point, role: Some(Role::Accounts), text: String::new() }
}

fn phone(day: &str, kind: Kind) -> Evidence {
    let point = Some(Point { channel: Channel::Sms, address: NUMBER.to_owned() });
    Evidence { point, ..mail(day, kind) }
}

fn whole(day: &str, kind: Kind) -> Evidence {
    Evidence { point: None, role: None, ..mail(day, kind) }
}

fn present() -> Vec<Present> {
    let point = |channel, address: &str| Point { channel, address: address.to_owned() };
    let points = vec![point(Channel::Email, ADDRESS), point(Channel::Sms, NUMBER)];
    vec![Present { role: Role::Accounts, name: None, points }]
}

fn folded(evidence: &[Evidence]) -> Reach {
    fold(&Rules::default(), &present(), evidence, &TimeZone::UTC, at("2030-01-01"))
}

fn is(evidence: &[Evidence]) -> PointIs {
    folded(evidence).point(Channel::Email, ADDRESS).unwrap().found.state
}

const RETURNED: fn(FaultClass) -> Kind = |class| Kind::Returned { class, expired: false };

#[test]
fn only_what_is_said_of_the_address_kills_it_and_little_makes_it_suspect() {
    assert_eq!(is(&[]), PointIs::Unknown);
    assert_eq!(is(&[mail("2026-03-02", Kind::Accepted)]), PointIs::Good);
    assert_eq!(is(&[mail("2026-03-02", RETURNED(FaultClass::Address))]), PointIs::Dead);
    let full = |day| mail(day, RETURNED(FaultClass::Mailbox));
    assert_eq!(is(&[full("2026-03-02")]), PointIs::Unknown, "one failure never kills");
    assert_eq!(is(&[full("2026-03-02"), full("2026-03-09")]), PointIs::Suspect);
    assert_eq!(is(&[full("2026-03-02"), mail("2026-03-05", Kind::Accepted), full("2026-03-09")]), PointIs::Good);
    let (many, gone) = (full("2026-03-02"), mail("2026-03-12", Kind::Reply { sure: true }));
    assert_eq!(is(&[many, full("2026-03-09"), gone]), PointIs::Good, "somebody is there");
    let expired = |day| mail(day, Kind::Returned { class: FaultClass::Message, expired: true });
    assert_eq!(is(&[expired("2026-03-02"), expired("2026-03-12")]), PointIs::Suspect);
}

#[test]
fn a_dead_address_comes_back_by_evidence_and_one_that_was_taken_out_only_by_a_person() {
    let dead = mail("2026-03-02", RETURNED(FaultClass::Address));
    assert_eq!(is(&[dead.clone(), mail("2029-12-31", Kind::Accepted)]), PointIs::Dead);
    assert_eq!(is(&[dead, mail("2026-03-03", Kind::Reply { sure: true })]), PointIs::Good);
    let out = mail("2026-03-02", Kind::Retired);
    assert_eq!(is(&[out.clone(), mail("2026-03-03", Kind::Delivered)]), PointIs::Dead);
    assert_eq!(is(&[out, mail("2026-03-03", Kind::Added)]), PointIs::Unknown);
    let wrong = folded(&[phone("2026-03-02", Kind::Call(CallCame::WrongNumber))]);
    assert_eq!(wrong.point(Channel::Sms, NUMBER).unwrap().found.state, PointIs::Dead);
    assert_eq!(wrong.found.state, Answers::Responsive, "there is still the e-mail address");
}

const WRITTEN: [&str; 5] = ["2026-02-02", "2026-02-12", "2026-02-24", "2026-03-10", "2026-03-24"];

fn written() -> Vec<Evidence> {
    WRITTEN.map(|day| mail(day, Kind::Accepted)).to_vec()
}

#[test]
fn many_contacts_over_many_days_make_somebody_unreachable_and_a_sign_ends_that() {
    let silent = folded(&written());
    assert_eq!(silent.found.state, Answers::Unreachable);
    let words = "5 contacts from 2026-02-02 to 2026-03-24 without a payment or any other sign of life";
    assert_eq!((silent.found.why.as_str(), silent.found.by.len()), (words, 5));
    assert_eq!(folded(&written()[..4]).found.state, Answers::Quiet);
    assert_eq!(folded(&written()[..1]).found.state, Answers::Responsive, "one letter without an answer is nothing");
    let with = |e: Evidence| folded(&[written(), vec![e]].concat()).found.state;
    assert_eq!(with(whole("2026-03-25", Kind::Paid)), Answers::Responsive);
    assert_eq!(with(phone("2026-03-25", Kind::Delivered)), Answers::Quiet, "the telephone has it");
    assert_eq!(with(mail("2026-03-25", Kind::Corrected)), Answers::Responsive, "nobody has been silent there yet");
    assert_eq!(with(whole("2026-03-25", Kind::Reply { sure: false })), Answers::Unreachable, "anybody can write that");
    assert_eq!(with(mail("2026-03-25", Kind::Automatic { back_on: None })), Answers::Unreachable, "a machine is nobody");
    // On two channels it is felt as one contact.
    let both: Vec<Evidence> = WRITTEN.iter().flat_map(|day| [mail(day, Kind::Accepted), phone(day, Kind::Accepted)]).collect();
    assert_eq!(folded(&both[..8]).found.state, Answers::Quiet);
}

#[test]
fn days_on_which_nobody_is_there_do_not_count() {
    let august = ["2026-07-20", "2026-07-28", "2026-08-04", "2026-08-12", "2026-08-25", "2026-09-08"];
    let written: Vec<Evidence> = august.iter().map(|day| mail(day, Kind::Accepted)).collect();
    assert_eq!(folded(&written).found.state, Answers::Quiet, "three contacts count, and 19 days");
    let back = "2026-03-20".parse().ok();
    let away = mail("2026-02-12", Kind::Automatic { back_on: back });
    let with = folded(&[self::written(), vec![away]].concat());
    assert_eq!(with.found.state, Answers::Quiet);
    assert!(with.found.why.contains("36 days of them"), "{}", with.found.why);
    // However far away the day is said to be.
    let never = mail("2026-02-12", Kind::Automatic { back_on: "2099-01-01".parse().ok() });
    let later: Vec<Evidence> =
        ["2026-04-20", "2026-05-04", "2026-05-18", "2026-06-08", "2026-06-22"].map(|d| mail(d, Kind::Accepted)).to_vec();
    assert_eq!(folded(&[vec![never], later].concat()).found.state, Answers::Unreachable);
}

#[test]
fn without_any_address_nobody_is_reached() {
    let dead = [mail("2026-03-02", RETURNED(FaultClass::Address)), phone("2026-03-03", Kind::Call(CallCame::WrongNumber))];
    let lost = folded(&dead);
    assert_eq!(lost.found.state, Answers::Unreachable);
    assert!(lost.found.why.starts_with("no usable address is left"), "{}", lost.found.why);
    let nobody = fold(&Rules::default(), &[], &[], &TimeZone::UTC, at("2026-01-01"));
    assert_eq!((nobody.found.state, nobody.found.why.as_str()), (Answers::Unreachable, "there is no address"));
    // What is nobody's any more is told and counts for nothing.
    let old = Evidence { point: Some(Point { channel: Channel::Email, address: "old@x.example".to_owned() }), ..dead[0].clone() };
    let told = folded(&[old]);
    assert_eq!((told.found.state, told.people.len(), told.people[1].role), (Answers::Responsive, 2, None));
}

const CLASSES: [FaultClass; 8] = FaultClass::ALL;

fn kind() -> impl Strategy<Value = Kind> {
    use CallCame::*;
    prop_oneof![
        4 => Just(Kind::Accepted),
        1 => (0..8usize).prop_map(|i| Kind::Refused(CLASSES[i])),
        1 => (0..8usize, any::<bool>()).prop_map(|(i, expired)| Kind::Returned { class: CLASSES[i], expired }),
        1 => (0..8usize).prop_map(|i| Kind::Delayed(CLASSES[i])),
        1 => (0..80i64).prop_map(|n| Kind::Automatic { back_on: Some(crate::domain::time::plus_days(jiff::civil::date(2026, 7, 1), n)) }),
        1 => prop::sample::select(vec![Reached, Voicemail, NoAnswer, WrongNumber, Refused]).prop_map(Kind::Call),
        1 => prop::sample::select(vec![Kind::Retired, Kind::Added, Kind::Corrected, Kind::WrongPerson, Kind::Reply { sure: false }]),
        1 => sign(),
    ]
}

fn sign() -> impl Strategy<Value = Kind> {
    use CallCame::*;
    let (reply, called) = (Kind::Reply { sure: true }, Kind::Call(Reached));
    prop::sample::select(vec![
        Kind::Delivered,
        Kind::Stop,
        reply,
        Kind::PageAnswer,
        Kind::PartPaid,
        Kind::Paid,
        called,
        Kind::Call(Refused),
    ])
}

fn ours() -> impl Strategy<Value = Kind> {
    use FaultClass::*;
    let class = prop::sample::select(vec![Throttled, Authentication, Sender, Network, Server]);
    (class, 0..4usize).prop_map(|(class, how)| match how {
        0 => Kind::Refused(class),
        1 => Kind::Delayed(class),
        how => Kind::Returned { class, expired: how == 2 },
    })
}

fn of(kind: impl Strategy<Value = Kind>) -> impl Strategy<Value = Evidence> {
    (kind, 0..120i64, 0..3i64, 0..3usize).prop_map(|(kind, day, hour, place)| {
        let on = crate::domain::time::plus_days(jiff::civil::date(2026, 6, 1), day).to_string();
        let e = match place {
            0 => mail(&on, kind),
            1 => phone(&on, kind),
            _ => whole(&on, kind),
        };
        Evidence { at: e.at.checked_add(jiff::SignedDuration::from_hours(hour)).unwrap(), ..e }
    })
}

fn states(reach: &Reach) -> Vec<(Answers, Vec<PointIs>)> {
    let all = std::iter::once((reach.found.state, vec![]));
    all.chain(reach.people.iter().map(|p| (p.found.state, p.points.iter().map(|p| p.found.state).collect()))).collect()
}

/// How bad a state is: what is unknown is no worse than what is good.
fn badness(reach: &Reach) -> Vec<u8> {
    let point = |p: &PointIs| match p {
        PointIs::Good | PointIs::Unknown => 0,
        PointIs::Suspect => 1,
        PointIs::Dead => 2,
    };
    states(reach).iter().flat_map(|(a, points)| std::iter::once(*a as u8).chain(points.iter().map(point))).collect()
}

proptest! {
    #[test]
    fn more_signs_of_life_never_make_anything_worse(
        evidence in prop::collection::vec(of(kind()), 0..30), signs in prop::collection::vec(of(sign()), 1..5),
    ) {
        let (without, with) = (folded(&evidence), folded(&[evidence, signs].concat()));
        let worse = badness(&without).into_iter().zip(badness(&with)).any(|(before, after)| after > before);
        prop_assert!(!worse, "{:?} became {:?}", states(&without), states(&with));
    }

    #[test]
    fn our_own_failures_never_change_anything(
        evidence in prop::collection::vec(of(kind()), 0..30), faults in prop::collection::vec(of(ours()), 1..8),
    ) {
        let (without, with) = (folded(&evidence), folded(&[evidence, faults].concat()));
        prop_assert_eq!(states(&without), states(&with));
        prop_assert_eq!(without.found.why, with.found.why);
    }

    #[test]
    fn the_order_in_which_evidence_is_handed_in_does_not_matter(
        (evidence, shuffled) in prop::collection::vec(of(kind()), 0..30)
            .prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
    ) {
        prop_assert_eq!(folded(&evidence), folded(&shuffled));
    }

    #[test]
    fn time_alone_changes_nothing(evidence in prop::collection::vec(of(kind()), 0..30), days in 0..4000i64) {
        let later = at("2030-01-01").checked_add(jiff::SignedDuration::from_hours(24 * days)).unwrap();
        prop_assert_eq!(folded(&evidence), fold(&Rules::default(), &present(), &evidence, &TimeZone::UTC, later));
    }
}

//! A population of customers of whom it is known, day by day, whether what is sent reaches anybody: by it the rules of
//! reach.toml are held against a naive one. Everything comes from a seed. Used by a test and by `cargo bench --bench reach`.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use relance::domain::attempt::FaultClass;
use relance::domain::debtor::Role;
use relance::domain::reach::{Answers, CallCame, Evidence, Kind, Point, Present, Rules, fold};
use relance::domain::step::Channel;
use relance::domain::time::{days_between, plus_days};

/// The seed of the figures in README.
pub const SEED: u64 = 2026;

/// The naive rule: so many contacts since the last payment.
pub const NAIVE: usize = 5;

/// The first and the last day that is lived.
const BEGIN: Date = date(2026, 1, 5);
const DAYS: i64 = 420;

/// Numbers from a seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + (self.next() % (to - from + 1) as u64) as i64
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// What a customer is like. Shares are in percent of the population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    Prompt,
    SlowPayer,
    /// Reads everything, pays nothing, and says so.
    Hostile,
    /// Reads everything, pays nothing, and says nothing.
    Mute,
    AbsentInAugust,
    /// The mailbox is gone: refused at once, or returned.
    Moved,
    /// The mailbox is there and full: nobody empties it.
    Abandoned,
    /// Everything is taken and lies in a folder that nobody opens.
    SpamFiltered,
    /// The number is somebody else's by now, and there is no other address.
    ChangedNumber,
    /// Shut: the mail is taken, the telephone rings.
    Closed,
}

pub const SHARES: [(Habit, u64); 10] = [
    (Habit::Prompt, 36),
    (Habit::SlowPayer, 22),
    (Habit::Hostile, 6),
    (Habit::Mute, 2),
    (Habit::AbsentInAugust, 8),
    (Habit::Moved, 8),
    (Habit::Abandoned, 4),
    (Habit::SpamFiltered, 6),
    (Habit::ChangedNumber, 4),
    (Habit::Closed, 4),
];

/// A customer's life.
pub struct Life {
    pub habit: Habit,
    present: Vec<Present>,
    evidence: Vec<Evidence>,
    /// From this day on nothing that is sent reaches anybody, if that is so.
    pub lost_on: Option<Date>,
    /// Contacts, whatever became of them, and payments, by day.
    contacts: Vec<Date>,
    payments: Vec<Date>,
}

fn mail() -> Point {
    Point { channel: Channel::Email, address: "compta@client.example".to_owned() }
}

fn phone() -> Point {
    Point { channel: Channel::Sms, address: "+32470123456".to_owned() }
}

fn at(day: Date, hour: i8) -> Timestamp {
    day.at(hour, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

impl Life {
    fn add(&mut self, day: Date, hour: i8, kind: Kind, point: Option<Point>) {
        self.evidence.push(Evidence { at: at(day, hour), kind, point, role: Some(Role::Accounts), text: String::new() });
    }
}

/// The days on which a customer is written to about an invoice that stays open: a cadence, then every three weeks.
const STEPS: [i64; 6] = [6, 14, 24, 36, 50, 66];

/// Lives one customer.
fn live(dice: &mut Dice, habit: Habit) -> Life {
    let (has_mail, has_phone) = match habit {
        Habit::ChangedNumber => (false, true),
        Habit::Closed => (true, true),
        // A customer who has moved and has a telephone can still be reached.
        Habit::Moved | Habit::Abandoned | Habit::SpamFiltered => (true, false),
        _ => (true, dice.chance(45)),
    };
    let points = [has_mail.then(mail), has_phone.then(phone)].into_iter().flatten().collect();
    let present = vec![Present { role: Role::Accounts, name: None, points }];
    let mut life = Life { habit, present, evidence: vec![], lost_on: None, contacts: vec![], payments: vec![] };
    let turn = plus_days(BEGIN, dice.between(20, 200));
    if matches!(habit, Habit::Moved | Habit::Abandoned | Habit::SpamFiltered | Habit::ChangedNumber | Habit::Closed) {
        life.lost_on = Some(turn);
    }
    let mut due = plus_days(BEGIN, dice.between(-10, 40));
    while days_between(BEGIN, due) < DAYS - 30 {
        due = invoice(dice, &mut life, due);
    }
    life
}

/// One invoice until it is paid, or to the end; gives the due date of the next.
fn invoice(dice: &mut Dice, life: &mut Life, due: Date) -> Date {
    let end = plus_days(BEGIN, DAYS);
    let lost = life.lost_on.is_some_and(|on| on <= plus_days(due, 5));
    let late = match life.habit {
        Habit::Prompt => Some(dice.between(-5, 12)),
        Habit::SlowPayer => Some(if dice.chance(75) { dice.between(15, 60) } else { dice.between(60, 115) }),
        Habit::AbsentInAugust => Some(dice.between(2, 25)),
        Habit::Hostile | Habit::Mute => (life.payments.is_empty() && dice.chance(50)).then(|| dice.between(5, 40)),
        _ if lost => None,
        _ => Some(dice.between(0, 30)),
    };
    let mut paid = late.map(|days| plus_days(due, days));
    // Whoever is away pays when they are back, and some days later.
    let away = |day: Date| life_is_away(life.habit, day);
    if let Some(day) = paid.filter(|d| away(*d)) {
        paid = Some(plus_days(date(day.year(), 9, 1), dice.between(2, 30)));
    }
    let until = paid.filter(|d| *d < end).unwrap_or(end);
    let steps = STEPS.into_iter().chain((1..20).map(|n| 66 + 21 * n));
    for (n, step) in steps.enumerate() {
        let day = plus_days(due, step + dice.between(0, 2));
        if day >= until {
            break;
        }
        life.contacts.push(day);
        contact(dice, life, day, n);
    }
    match paid.filter(|d| *d < end) {
        Some(day) => {
            life.add(day, 18, Kind::Paid, None);
            life.payments.push(day);
            plus_days(due.max(plus_days(day, -20)), dice.between(25, 60))
        }
        None => end,
    }
}

fn life_is_away(habit: Habit, day: Date) -> bool {
    habit == Habit::AbsentInAugust && (date(day.year(), 7, 20)..date(day.year(), 9, 1)).contains(&day)
}

/// One contact and what comes of it: by mail where there is an address, else by SMS; now and then a call.
fn contact(dice: &mut Dice, life: &mut Life, day: Date, n: usize) {
    let lost = life.lost_on.is_some_and(|on| on <= day);
    let has = |p: &Point| life.present[0].points.contains(p);
    let (has_mail, has_phone) = (has(&mail()), has(&phone()));
    // What is ours, and says nothing: it meets everybody.
    if dice.chance(6) {
        let classes = [FaultClass::Network, FaultClass::Throttled, FaultClass::Sender, FaultClass::Server];
        let class = classes[dice.between(0, 3) as usize];
        life.add(day, 8, Kind::Returned { class, expired: dice.chance(20) }, Some(if has_mail { mail() } else { phone() }));
    }
    if has_phone && n % 3 == 2 {
        call(dice, life, day, lost);
        return;
    }
    if has_mail {
        match life.habit {
            Habit::Moved if lost => {
                return life.add(day, 9, Kind::Returned { class: FaultClass::Address, expired: false }, Some(mail()));
            }
            Habit::Abandoned if lost => {
                let expired = dice.chance(40);
                return life.add(day, 9, Kind::Returned { class: FaultClass::Mailbox, expired }, Some(mail()));
            }
            // A box that is full for a day, a filter that minds a letter: now and then with anybody.
            _ if dice.chance(2) => {
                let class = if dice.chance(50) { FaultClass::Mailbox } else { FaultClass::Message };
                return life.add(day, 9, Kind::Returned { class, expired: false }, Some(mail()));
            }
            _ => life.add(day, 9, Kind::Accepted, Some(mail())),
        }
        if life_is_away(life.habit, day) && dice.chance(60) {
            let back_on = dice.chance(80).then(|| date(day.year(), 9, 1));
            life.add(day, 10, Kind::Automatic { back_on }, Some(mail()));
        }
        // Anybody can write a sender's address.
        if lost && dice.chance(1) {
            life.add(day, 20, Kind::Reply { sure: false }, Some(mail()));
        }
    }
    if has_phone && (!has_mail || n % 2 == 1) {
        life.add(day, 9, Kind::Accepted, Some(phone()));
        let delivered = match life.habit {
            Habit::ChangedNumber if lost => 40,
            Habit::Closed if lost => 5,
            _ => 85,
        };
        if dice.chance(delivered) {
            life.add(day, 9, Kind::Delivered, Some(phone()));
        }
        if life.habit == Habit::ChangedNumber && lost && dice.chance(8) {
            life.add(day, 12, Kind::Stop, Some(phone()));
        }
    }
    let answers = match life.habit {
        Habit::Hostile => 30,
        Habit::SlowPayer => 22,
        Habit::Prompt | Habit::AbsentInAugust => 30,
        _ => 0,
    };
    if !lost && !life_is_away(life.habit, day) && dice.chance(answers) {
        let kind = if dice.chance(60) { Kind::Reply { sure: true } } else { Kind::PageAnswer };
        life.add(plus_days(day, dice.between(0, 4)), 15, kind, Some(if has_mail { mail() } else { phone() }));
    }
}

fn call(dice: &mut Dice, life: &mut Life, day: Date, lost: bool) {
    let came = match life.habit {
        Habit::ChangedNumber if lost => {
            [CallCame::WrongNumber, CallCame::NoAnswer, CallCame::Voicemail][dice.between(0, 2) as usize]
        }
        _ if lost || life_is_away(life.habit, day) => CallCame::NoAnswer,
        Habit::Hostile if dice.chance(50) => CallCame::Refused,
        Habit::Mute => CallCame::NoAnswer,
        _ if dice.chance(55) => CallCame::Reached,
        _ if dice.chance(50) => CallCame::Voicemail,
        _ => CallCame::NoAnswer,
    };
    life.add(day, 11, Kind::Call(came), Some(phone()));
}

/// So many customers from a seed.
pub fn population(seed: u64, size: usize) -> Vec<Life> {
    let mut dice = Dice(seed);
    let total: u64 = SHARES.iter().map(|(_, share)| share).sum();
    let mut one = |_| {
        let mut drawn = dice.next() % total;
        let habit = SHARES.into_iter().find(|(_, share)| {
            let is = drawn < *share;
            drawn = drawn.saturating_sub(*share);
            is
        });
        live(&mut dice, habit.map_or(Habit::Prompt, |(habit, _)| habit))
    };
    (0..size).map(&mut one).collect()
}

/// How a rule did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Customers who were called unreachable, and those of them who were.
    pub called: usize,
    pub rightly: usize,
    /// Customers who could not be reached for long enough to be found out.
    pub lost: usize,
    /// Days from the first contact that reached nobody until they were found out, all together.
    pub days: i64,
    /// By habit: how many were called unreachable while they could be reached.
    pub wrongly: Vec<Habit>,
}

impl Score {
    pub fn precision(&self) -> f64 {
        self.rightly as f64 / self.called.max(1) as f64
    }

    pub fn recall(&self) -> f64 {
        self.rightly as f64 / self.lost.max(1) as f64
    }

    pub fn days_on_average(&self) -> f64 {
        self.days as f64 / self.rightly.max(1) as f64
    }

    fn count(&mut self, life: &Life, first: Option<Date>) {
        let lost = life.lost_on;
        // There is nothing to find out where nothing was sent, or where it has only just begun.
        let unheard: Vec<Date> = life.contacts.iter().copied().filter(|day| lost.is_some_and(|on| on <= *day)).collect();
        let wasted = unheard.first().zip(unheard.last()).filter(|(a, b)| days_between(**a, **b) >= 90);
        self.lost += usize::from(wasted.is_some());
        let Some(first) = first else { return };
        if lost.is_some_and(|on| on > first) || lost.is_none() {
            self.called += 1;
            self.wrongly.push(life.habit);
        } else if let Some((begin, _)) = wasted {
            self.called += 1;
            self.rightly += 1;
            self.days += days_between(*begin, first).max(0);
        }
    }
}

/// The rules of reach.toml, asked every day on which something happened.
pub fn by_rules(rules: &Rules, lives: &[Life]) -> Score {
    let mut score = Score::default();
    for life in lives {
        let mut days: Vec<Date> = life.evidence.iter().map(|e| TimeZone::UTC.to_datetime(e.at).date()).collect();
        days.sort();
        days.dedup();
        let lost = |day: &Date| {
            let reach = fold(rules, &life.present, &life.evidence, &TimeZone::UTC, at(*day, 23));
            reach.found.state == Answers::Unreachable
        };
        score.count(life, days.into_iter().find(lost));
    }
    score
}

/// The naive rule.
pub fn by_contacts(most: usize, lives: &[Life]) -> Score {
    let mut score = Score::default();
    for life in lives {
        let since = |day: &Date| life.payments.iter().filter(|p| *p < day).max();
        let count = |day: &Date| life.contacts.iter().filter(|c| *c <= day && since(day).is_none_or(|p| *c > p)).count();
        score.count(life, life.contacts.iter().find(|day| count(day) >= most).copied());
    }
    score
}

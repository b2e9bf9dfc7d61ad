//! How long somebody has been silent, and what of that counts: contacts by weight, signs of life that take from it, and
//! days on which nobody was there.

use super::{CallCame, Evidence, Kind, Rules};
use crate::domain::attempt::FaultClass;
use crate::domain::time::{days_between, local_date, plus_days};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// No silence is counted over more days than these.
const LONGEST: i64 = 3_660;

/// The silence at the end of the evidence.
#[derive(Clone, Debug, Default)]
pub(super) struct Silent {
    /// What the contacts weigh: never more than makes somebody unreachable, so that the next sign is seen.
    pub(super) weight: u64,
    /// Contacts in it, one a day at most.
    pub(super) contacts: u32,
    /// The first contact of it and the last, by their days.
    pub(super) first: Option<Date>,
    pub(super) last: Option<Date>,
    /// Days from the first to the last that count, and those that do not.
    pub(super) days: i64,
    pub(super) left_out: i64,
    /// Where the contacts stand, and the newest sign of life.
    pub(super) by: Vec<usize>,
    pub(super) sign: Option<usize>,
}

impl Silent {
    /// Too many contacts over too many days.
    pub(super) fn is_lost(&self, rules: &Rules) -> bool {
        self.weight >= most(rules) && self.days >= i64::from(rules.silence.days)
    }

    /// Enough contacts to call somebody quiet.
    pub(super) fn is_quiet(&self, rules: &Rules) -> bool {
        self.weight >= u64::from(rules.silence.quiet) * 100
    }
}

fn most(rules: &Rules) -> u64 {
    u64::from(rules.silence.contacts) * 100
}

/// What a sign of life weighs; 0 of what is none.
pub(super) fn life(rules: &Rules, kind: Kind) -> u32 {
    let life = &rules.life;
    match kind {
        Kind::Paid => life.paid,
        Kind::PartPaid => life.part_paid,
        // Anybody can write a sender's address.
        Kind::Reply { sure } => u32::from(sure) * life.reply,
        Kind::PageAnswer => life.page_answer,
        Kind::Stop => life.stop,
        Kind::Delivered => life.delivered,
        Kind::Call(CallCame::Reached) => life.call_reached,
        Kind::Call(CallCame::Refused) => life.call_refused,
        _ => 0,
    }
}

/// What a contact weighs; 0 of what is none.
fn contact(rules: &Rules, e: &Evidence) -> u32 {
    let silence = &rules.silence;
    match e.kind {
        Kind::Accepted => match e.point.as_ref().map(|p| p.channel) {
            Some(crate::domain::step::Channel::Sms) => silence.sms,
            _ => silence.email,
        },
        // It left, and nobody can have read it. What is ours left nobody silent.
        Kind::Refused(class) | Kind::Returned { class, .. }
            if matches!(class, FaultClass::Address | FaultClass::Mailbox | FaultClass::Message) =>
        {
            silence.returned
        }
        Kind::Call(CallCame::Voicemail) => silence.voicemail,
        Kind::Call(CallCame::NoAnswer) => silence.no_answer,
        _ => 0,
    }
}

/// The days on which nobody was there, as machines said: from the answer up to the day of return.
pub(super) fn absences(rules: &Rules, evidence: &[Evidence], zone: &TimeZone) -> Vec<(Date, Date)> {
    let longest = i64::from(rules.silence.longest_absence);
    let absence = |e: &Evidence| match e.kind {
        Kind::Automatic { back_on: Some(back) } => {
            let from = local_date(e.at, zone);
            let until = back.min(plus_days(from, longest));
            (from < until).then_some((from, until))
        }
        _ => None,
    };
    evidence.iter().filter_map(absence).collect()
}

/// Whether a day counts.
fn counts(rules: &Rules, absences: &[(Date, Date)], day: Date) -> bool {
    !rules.silence.ranges.iter().any(|r| r.contains(day)) && !absences.iter().any(|(from, until)| *from <= day && day < *until)
}

/// Weighs the evidence in its order; `about` says what of it concerns whom this is about.
pub(super) fn silence(
    rules: &Rules,
    evidence: &[Evidence],
    absences: &[(Date, Date)],
    zone: &TimeZone,
    about: impl Fn(&Evidence) -> bool,
) -> Silent {
    let mut silent = Silent::default();
    // What the contacts of a day weigh so far: on several channels they are felt as one.
    let mut today: (Option<Date>, u64) = (None, 0);
    for (at, e) in evidence.iter().enumerate().filter(|(_, e)| about(e)) {
        let sign = life(rules, e.kind);
        if sign > 0 {
            silent.sign = Some(at);
            silent.weight = silent.weight * u64::from(100 - sign.min(100)) / 100;
        }
        // Nobody has been silent yet at an address that is new.
        if matches!(e.kind, Kind::Added | Kind::Corrected) {
            silent.weight = 0;
        }
        if silent.weight == 0 {
            silent = Silent { sign: silent.sign, ..Silent::default() };
        }
        let weight = contact(rules, e);
        if weight == 0 {
            continue;
        }
        let day = local_date(e.at, zone);
        let share = if counts(rules, absences, day) { 100 } else { rules.silence.away.min(100) };
        let weight = u64::from(weight) * u64::from(share) / 100;
        if today.0 != Some(day) {
            today = (Some(day), 0);
        }
        let more = weight.saturating_sub(today.1);
        today.1 += more;
        if more == 0 {
            continue;
        }
        silent.weight = (silent.weight + more).min(most(rules).max(more));
        silent.contacts += u32::from(silent.last != Some(day));
        silent.first.get_or_insert(day);
        silent.last = Some(day);
        silent.by.push(at);
    }
    if let (Some(first), Some(last)) = (silent.first, silent.last) {
        let all = days_between(first, last).clamp(0, LONGEST);
        silent.left_out = (0..all).filter(|n| !counts(rules, absences, plus_days(first, *n))).count() as i64;
        silent.days = all - silent.left_out;
    }
    silent
}

/// The day of some evidence.
pub(super) fn day(at: Timestamp, zone: &TimeZone) -> Date {
    local_date(at, zone)
}

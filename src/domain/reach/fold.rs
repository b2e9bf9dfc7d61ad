//! From evidence to states.

use super::silence::{Silent, absences, life, silence};
use super::words;
use super::{Answers, CallCame, Evidence, Found, Kind, PersonReach, Point, PointIs, PointReach, Present, Reach, Rules};
use crate::domain::attempt::FaultClass;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Folds all that is known of a debtor. Days are those of `zone`. What lies after `now` is left out; nothing changes by
/// time alone.
pub fn fold(rules: &Rules, present: &[Present], evidence: &[Evidence], zone: &TimeZone, now: Timestamp) -> Reach {
    let mut evidence: Vec<Evidence> = evidence.iter().filter(|e| e.at <= now).cloned().collect();
    evidence.sort();
    let away = absences(rules, &evidence, zone);
    let folding = Folding { rules, zone, evidence: &evidence, away };
    let mut people: Vec<PersonReach> = present.iter().map(|p| folding.person(p)).collect();
    let reach = folding.debtor(&people);
    people.extend(folding.former(present));
    Reach { found: reach, people, evidence }
}

struct Folding<'a> {
    rules: &'a Rules,
    zone: &'a TimeZone,
    evidence: &'a [Evidence],
    away: Vec<(Date, Date)>,
}

/// How a piece of evidence bears on its address.
enum Bears {
    /// There is nobody behind it.
    Kills,
    /// A person took it out.
    Retires,
    /// It is new: nothing from before counts.
    Begins,
    /// Somebody, or a telephone, is there.
    Speaks,
    /// It took a message.
    Takes,
    /// So much against it.
    Against(u32),
    /// Nothing.
    Nothing,
}

/// Only what concerns the address counts against it. What is ours, or the way there, never does: not even when a relay gave
/// up after days, for with our own line down it would say so of every customer.
fn bears(rules: &Rules, kind: Kind) -> Bears {
    let against = &rules.against;
    let weighed = |class| match class {
        FaultClass::Address => Bears::Kills,
        FaultClass::Mailbox => Bears::Against(against.mailbox),
        FaultClass::Message => Bears::Against(against.message),
        _ => Bears::Nothing,
    };
    match kind {
        Kind::Returned { class: FaultClass::Mailbox | FaultClass::Message, expired: true } => Bears::Against(against.expired),
        Kind::Refused(class) | Kind::Returned { class, .. } => weighed(class),
        Kind::Delayed(FaultClass::Mailbox | FaultClass::Message) => Bears::Against(against.delayed),
        Kind::Call(CallCame::WrongNumber) => Bears::Kills,
        Kind::Retired => Bears::Retires,
        Kind::Added | Kind::Corrected => Bears::Begins,
        Kind::Accepted => Bears::Takes,
        _ if life(rules, kind) > 0 => Bears::Speaks,
        _ => Bears::Nothing,
    }
}

impl Folding<'_> {
    /// What is known of a contact point.
    fn point(&self, point: &Point) -> PointReach {
        let about: Vec<usize> = (0..self.evidence.len()).filter(|i| self.evidence[*i].point.as_ref() == Some(point)).collect();
        let (mut killed, mut retired, mut good) = (None, None, None);
        let (mut against, mut by) = (0u64, Vec::new());
        for i in about.iter().copied() {
            match bears(self.rules, self.evidence[i].kind) {
                Bears::Kills => killed = Some(i),
                Bears::Retires => retired = Some(i),
                Bears::Begins => (killed, retired, good, against, by) = (None, None, None, 0, vec![]),
                Bears::Speaks => (killed, good, against, by) = (None, Some(i), 0, vec![]),
                Bears::Takes => {
                    good = Some(i);
                    against = against.saturating_sub(u64::from(self.rules.against.accepted));
                    if against == 0 {
                        by.clear();
                    }
                }
                Bears::Against(weight) if weight > 0 => {
                    against += u64::from(weight);
                    by.push(i);
                }
                Bears::Against(_) | Bears::Nothing => {}
            }
        }
        let (state, by) = match (retired.or(killed), good) {
            (Some(i), _) => (PointIs::Dead, vec![i]),
            (None, _) if against >= u64::from(self.rules.against.suspect) && !by.is_empty() => (PointIs::Suspect, by),
            (None, Some(i)) => (PointIs::Good, vec![i]),
            (None, None) => (PointIs::Unknown, by),
        };
        let why = words::point(state, &by, self.evidence, self.zone);
        PointReach { point: point.clone(), found: Found { state, why, by }, evidence: about }
    }

    fn person(&self, person: &Present) -> PersonReach {
        let points: Vec<PointReach> = person.points.iter().map(|p| self.point(p)).collect();
        let own = |e: &Evidence| e.point.as_ref().is_none_or(|p| person.points.contains(p));
        let silent = silence(self.rules, self.evidence, &self.away, self.zone, own);
        let found = self.answers(&silent, &points.iter().collect::<Vec<_>>());
        PersonReach { role: Some(person.role), name: person.name.clone(), found, points }
    }

    fn debtor(&self, people: &[PersonReach]) -> Found<Answers> {
        let silent = silence(self.rules, self.evidence, &self.away, self.zone, |_| true);
        self.answers(&silent, &people.iter().flat_map(|p| &p.points).collect::<Vec<_>>())
    }

    fn answers(&self, silent: &Silent, points: &[&PointReach]) -> Found<Answers> {
        let dead: Vec<usize> =
            points.iter().filter(|p| p.found.state == PointIs::Dead).flat_map(|p| p.found.by.iter().copied()).collect();
        let none_left = points.iter().all(|p| p.found.state == PointIs::Dead);
        let (state, by) = match () {
            () if none_left => (Answers::Unreachable, dead),
            () if silent.is_lost(self.rules) => (Answers::Unreachable, silent.by.clone()),
            () if silent.is_quiet(self.rules) => (Answers::Quiet, silent.by.clone()),
            () => (Answers::Responsive, silent.sign.into_iter().collect()),
        };
        let why = words::answers(state, none_left, points, silent, self.evidence, self.zone);
        Found { state, why, by }
    }

    /// Addresses that are known from before and are nobody's here any more.
    fn former(&self, present: &[Present]) -> Option<PersonReach> {
        let mut points: Vec<&Point> = self.evidence.iter().filter_map(|e| e.point.as_ref()).collect();
        points.sort();
        points.dedup();
        points.retain(|p| !present.iter().any(|person| person.points.contains(p)));
        let points: Vec<PointReach> = points.into_iter().map(|p| self.point(p)).collect();
        if points.is_empty() {
            return None;
        }
        let found =
            Found { state: Answers::Unreachable, why: "these addresses are no longer the customer's".to_owned(), by: vec![] };
        Some(PersonReach { role: None, name: None, found, points })
    }
}

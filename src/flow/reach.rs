//! Who can still be reached: debtors of whom something happened are folded anew, what decisions need of that is written
//! down, and what follows is done. None of it is in the way of a message: dead addresses are on record at once, all else
//! is worked out beside.

use super::desk::{Desk, DeskError};
use super::pulse::Pump;
use crate::domain::calendar::plus_working_days;
use crate::domain::case::{ContactPoint, DebtorFile};
use crate::domain::reach::{Answers, Point, PointIs, PointReach, Present, Reach, Rules, SuspectUse, TaskWanted, fold};
use crate::domain::step::{Channel, TaskKind};
use crate::domain::time::local_date;
use crate::store::reach::{Known, Recorded, parse_mark, read_mark};
use crate::store::tasks::NewTask;
use jiff::Timestamp;

/// How far attempts and events were read, and by which rules.
const MARK: &str = "reach_read";
const BY: &str = "reach_rules";

/// Debtors that are folded at once, and in one step: of however many something happened, nobody waits long.
const BATCH: usize = 200;
const MOST: usize = 4_000;

/// A debtor with all that is known of it.
#[derive(Clone, Debug)]
pub struct Folded {
    /// The file.
    pub file: DebtorFile,
    /// What was made of the evidence.
    pub reach: Reach,
    /// What is on record so far.
    pub recorded: Vec<Recorded>,
}

/// The people of today with their contact points.
fn present(points: &[ContactPoint]) -> Vec<Present> {
    let mut people: Vec<Present> = Vec::new();
    for p in points {
        let point = Point { channel: p.channel, address: p.address.clone() };
        match people.iter_mut().find(|q| q.role == p.role && q.name == p.name) {
            Some(person) => person.points.push(point),
            None => people.push(Present { role: p.role, name: p.name.clone(), points: vec![point] }),
        }
    }
    people
}

/// Folds what is known of some debtors, in the order of their keys.
pub async fn folded(desk: &Desk, debtors: &[i64], now: Timestamp) -> Result<Vec<Folded>, DeskError> {
    let files = desk.files(debtors, now).await?;
    let mut known = desk.store.reach_known(debtors).await?;
    let fold_one = |file: DebtorFile| {
        let Known { evidence, recorded } = known.remove(&file.debtor.pk).unwrap_or_default();
        let zone = desk.setup.zone(&file.debtor);
        let reach = fold(&desk.setup.reach, &present(&file.points), &evidence, &zone, now);
        Folded { file, reach, recorded }
    };
    Ok(files.into_iter().map(fold_one).collect())
}

/// Works out some debtors anew, now; gives how many became unreachable.
pub async fn refresh(desk: &Desk, debtors: &[i64], now: Timestamp) -> Result<u64, DeskError> {
    let mut lost = 0;
    for one in folded(desk, debtors, now).await? {
        points(desk, &one, now).await?;
        lost += u64::from(answers(desk, &one, now).await?);
    }
    Ok(lost)
}

/// Works out all debtors of whom something happened since the last time; all of them when the rules are others. Gives how
/// many became unreachable.
pub(super) async fn touched(desk: &Desk, now: Timestamp) -> Result<u64, DeskError> {
    let rules = format!("{:?}", desk.setup.reach);
    let same = desk.store.meta(BY).await?.as_deref() == Some(rules.as_str());
    let mut read = if same { parse_mark(desk.store.meta(MARK).await?.as_deref()) } else { (0, 0) };
    if !same {
        desk.store.set_meta(MARK, Some(&read_mark(read)?)).await?;
        desk.store.set_meta(BY, Some(&rules)).await?;
    }
    let (mut folded, mut lost) = (0, 0);
    while folded < MOST {
        let found = desk.store.reach_touched(read, fewest(&desk.setup.reach)).await?;
        if found.read == read {
            break;
        }
        for batch in found.debtors.chunks(BATCH) {
            lost += refresh(desk, batch, now).await?;
            desk.pulses.moved(Pump::Review);
        }
        read = found.read;
        folded += found.debtors.len();
        desk.store.set_meta(MARK, Some(&read_mark(read)?)).await?;
    }
    desk.store.close_reach_tasks(now).await?;
    Ok(lost)
}

/// Fewer contacts than these since the last sign make nobody unreachable, whatever they weigh. None can be told where a sign
/// leaves something of the silence before it.
fn fewest(rules: &Rules) -> i64 {
    let (life, silence) = (&rules.life, &rules.silence);
    let whole = [life.paid, life.part_paid, life.reply, life.call_reached, life.call_refused];
    if whole.iter().any(|w| *w < 100) {
        return 0;
    }
    let most = silence.email.max(silence.sms).max(silence.returned).max(silence.voicemail).max(silence.no_answer).max(1);
    i64::from((silence.contacts * 100).div_ceil(most))
}

/// Puts on record which addresses are suspect, and which of the dead are not.
async fn points(desk: &Desk, one: &Folded, now: Timestamp) -> Result<(), DeskError> {
    let is = |r: &Recorded, p: &PointReach| r.point == p.point;
    let all = || one.reach.people.iter().filter(|p| p.role.is_some()).flat_map(|p| &p.points);
    let since = |p: &PointReach| p.found.by.first().map_or(now, |i| one.reach.evidence[*i].at);
    let used_last = desk.setup.reach.then.suspect == SuspectUse::Last;
    let mut suspects: Vec<Recorded> = all()
        .filter(|p| used_last && p.found.state == PointIs::Suspect)
        .map(|p| Recorded { point: p.point.clone(), dead: false, since: since(p), why: p.found.why.clone() })
        .collect();
    suspects.sort_by(|a, b| a.point.cmp(&b.point));
    suspects.dedup_by(|a, b| a.point == b.point);
    let lives = |r: &&Recorded| r.dead && all().any(|p| is(r, p) && p.found.state != PointIs::Dead);
    let alive: Vec<Recorded> = one.recorded.iter().filter(lives).cloned().collect();
    let mut before: Vec<&Recorded> = one.recorded.iter().filter(|r| !r.dead).collect();
    before.sort_by(|a, b| a.point.cmp(&b.point));
    if alive.is_empty() && before.into_iter().eq(&suspects) {
        return Ok(());
    }
    Ok(desk.store.set_points(one.file.debtor.pk, &suspects, &alive, now).await?)
}

/// Puts on record that somebody became unreachable, or is reachable again; true for the first.
async fn answers(desk: &Desk, one: &Folded, now: Timestamp) -> Result<bool, DeskError> {
    let (file, found) = (&one.file, &one.reach.found);
    let silent = found.state == Answers::Unreachable && !one.reach.has_no_address();
    let lost = desk.store.lost(file.debtor.pk).await?;
    match (silent, lost) {
        (false, Some(_)) => desk.store.heard_again(file.debtor.pk).await?,
        (true, None) if !file.rows.is_empty() => {
            became_unreachable(desk, file, &found.why, now).await?;
            return Ok(true);
        }
        _ => {}
    }
    Ok(false)
}

/// What follows when somebody becomes unreachable: it is on record, the creditor is told, people get their tasks.
pub(super) async fn became_unreachable(desk: &Desk, file: &DebtorFile, why: &str, now: Timestamp) -> Result<(), DeskError> {
    let (debtor, then) = (&file.debtor, &desk.setup.reach.then);
    desk.store.set_unreachable(debtor.pk, now, why).await?;
    desk.pulses.moved(Pump::Review);
    let tasks: Vec<NewTask> = then.tasks.iter().map(|wanted| task(desk, file, *wanted, why, now)).collect();
    if !tasks.is_empty() {
        desk.store.give_out(&tasks, now).await?;
    }
    if then.notice {
        let subject = format!("relance: {} cannot be reached", debtor.id);
        let text = format!(
            "{} ({}): {why}.\nPlease correct the address in your ledger, or call. `relance explain {}` shows everything that was tried.",
            debtor.name, debtor.id, debtor.id
        );
        desk.store.raise_alert(&format!("unreachable:{}", debtor.id), now, &subject, &text).await?;
    }
    Ok(())
}

/// A task about somebody who cannot be reached: one of a kind each time.
fn task(desk: &Desk, file: &DebtorFile, wanted: TaskWanted, why: &str, now: Timestamp) -> NewTask {
    let (debtor, creditor) = (&file.debtor, &desk.setup.settings.creditor);
    let number = file.points.iter().find(|p| p.channel == Channel::Sms && p.state.may_be_used()).map(|p| p.address.as_str());
    let what = match wanted {
        TaskWanted::Address => format!("Look up the customer's address, then: relance contact correct {} --reason …", debtor.id),
        TaskWanted::Call => format!("Call the customer{}", number.map(|n| format!(" at {n}")).unwrap_or_default()),
        TaskWanted::Letter => "Write to the customer on paper".to_owned(),
    };
    let today = local_date(now, &creditor.timezone);
    let due_on = plus_working_days(today, desk.setup.reach.then.within as i32, creditor.calendar.as_deref());
    let trial = if desk.is_redirected() { ":trial" } else { "" };
    NewTask {
        debtor_pk: debtor.pk,
        kind: TaskKind::Task,
        from: None,
        text: format!("{what} (it cannot be reached: {why})"),
        owner: file.rows.iter().find_map(|r| r.invoice.owner.clone()),
        key: Some(format!("reach:{}:{}:{}{trial}", wanted.as_str(), debtor.pk, now.as_millisecond())),
        invoices: file.rows.iter().filter(|r| r.invoice.is_open()).map(|r| r.invoice.pk).collect(),
        redirected: desk.is_redirected(),
        due_on,
        marks: vec![],
        question: None,
    }
}

//! What happens next with a case, when, and who acts.

use super::Subject;
use crate::domain::case::CaseKey;
use crate::domain::debtor::{Debtor, Origin};
use crate::domain::decision::{Actor, Decision, Explanation, Plan, RuleWeighed, To, Verdict, Way};
use crate::domain::reason::Reason;
use crate::domain::step::TaskKind;
use crate::domain::time::plus_days;
use crate::flow::Desk;
use crate::flow::simulate::{Foreseen, Horizon, Outlook, foresee, outlook};
use crate::store::views::UnderWay;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Days over which the next contact is looked for.
const AHEAD_DAYS: i64 = 400;

/// What comes next.
pub(super) struct Next {
    /// The step.
    pub(super) step: Option<String>,
    /// When; `None` while only an event can change anything.
    pub(super) at: Option<Timestamp>,
    /// Who acts.
    pub(super) by: Actor,
    what: String,
}

impl Next {
    /// As a sentence, with the time in the creditor's zone.
    pub(super) fn words(&self, desk: &Desk, debtor: &Debtor) -> String {
        let zone = &desk.setup.settings.creditor.timezone;
        let clock = |at: Timestamp, zone: &TimeZone| at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string();
        let who = match self.by {
            Actor::Relance => "relance",
            Actor::Operator => "you",
            Actor::Nobody => "nobody",
        };
        let Some(at) = self.at else { return format!("{who}: {}", self.what) };
        let (ours, theirs) = (clock(at, zone), clock(at, &desk.setup.zone(debtor)));
        let local = if ours == theirs { String::new() } else { format!(" (there {theirs})") };
        format!("{ours}{local}, {who}: {}", self.what)
    }
}

/// What comes next for a case.
pub(super) fn next(
    desk: &Desk,
    subject: &Subject,
    case: &CaseKey,
    decision: &Decision,
    messages: &[&UnderWay],
    explanation: &Explanation,
) -> Next {
    let step = explanation.step.as_ref().map(|s| s.to_string());
    let itself = |what: &str| Next { step: step.clone(), at: decision.next, by: Actor::Relance, what: what.to_owned() };
    let plain = |what: &str| Next { step: step.clone(), at: decision.next, by: decision.next_by, what: what.to_owned() };
    match &decision.verdict {
        Verdict::Send(plan) => sent(desk, case, plan, decision.next),
        _ if decision.reason == Reason::InHand => in_hand(desk, subject, messages).unwrap_or_else(|| plain("the message leaves")),
        Verdict::Done if decision.next_by == Actor::Operator => plain("no step is left; decide how to go on"),
        Verdict::Done => plain("there is nothing to do"),
        Verdict::Hold if decision.reason == Reason::DebtorState => plain(&about_state(&subject.file.debtor)),
        Verdict::Hold => plain(to_do(decision.reason)),
        Verdict::Wait if decision.next_by == Actor::Operator => plain(to_do(decision.reason)),
        Verdict::Wait => match (decision.next, coming(desk, subject, case)) {
            // A stop that ends by itself does so when it does, whatever would be due by then.
            _ if is_stop(decision.reason) || decision.reason == Reason::OwnerUntold => plain(to_do(decision.reason)),
            (_, Some((at, plan))) => sent(desk, case, &plan, Some(at)),
            (Some(_), None) => itself("looks again; as things stand nothing leaves then"),
            (None, None) => itself("nothing by date; looks again when the ledger changes"),
        },
    }
}

fn is_stop(reason: Reason) -> bool {
    matches!(reason, Reason::StaleData | Reason::PollFailed | Reason::ChannelStopped)
}

/// A step by its title, with its id, by which the log and the rules know it.
fn named(desk: &Desk, case: &CaseKey, step: &str) -> String {
    match desk.setup.step_called(&case.cadence, step) {
        title if title == step => format!("step {step}"),
        title => format!("{title} (step {step})"),
    }
}

/// The channels, each with how many addresses it has.
fn ways(to: &[To]) -> String {
    let mut ways: Vec<(&str, usize)> = Vec::new();
    for to in to {
        match ways.iter_mut().find(|w| w.0 == to.channel.as_str()) {
            Some(way) => way.1 += 1,
            None => ways.push((to.channel.as_str(), 1)),
        }
    }
    let told =
        |(channel, count): (&str, usize)| if count == 1 { channel.to_owned() } else { format!("{channel} ({count} addresses)") };
    ways.into_iter().map(told).collect::<Vec<_>>().join(" and ")
}

fn sent(desk: &Desk, case: &CaseKey, plan: &Plan, at: Option<Timestamp>) -> Next {
    let step = desk.setup.cadence(&case.cadence).map(|c| c.steps[plan.step].id.to_string());
    let name = named(desk, case, step.as_deref().unwrap_or_default());
    let what = match &plan.way {
        Way::Messages(to) => format!("{name} by {}, for {}, if nothing changes", ways(to), plan.asked),
        Way::Task(TaskKind::Call) => format!("{name}: a call about {} is put on the list, if nothing changes", plan.asked),
        Way::Task(TaskKind::Task) => format!("{name}: a task about {} is given to a person, if nothing changes", plan.asked),
    };
    Next { step, at, by: Actor::Relance, what }
}

/// The next contact of the case, or of the invoice that was asked for.
fn coming(desk: &Desk, subject: &Subject, case: &CaseKey) -> Option<(Timestamp, Plan)> {
    let zone = &desk.setup.settings.creditor.timezone;
    let last = plus_days(crate::domain::time::local_date(subject.now, zone), AHEAD_DAYS);
    let until = crate::domain::time::instant(last, jiff::civil::Time::midnight(), zone)?;
    let horizon = Horizon { from: subject.now, until };
    let concerns = |plan: &Plan| subject.on.invoice_pk.is_none_or(|pk| plan.lines.iter().any(|l| l.pk == pk && l.mark.is_some()));
    foresee(desk, subject.conditions.booked, &subject.file, horizon).into_iter().find_map(|f| match f {
        Foreseen::Contact { at, case: of, plan, .. } if of == *case && concerns(&plan) => Some((at, plan)),
        _ => None,
    })
}

/// What is under way goes on by itself, unless the volume brake holds it or the case has moved on.
fn in_hand(desk: &Desk, subject: &Subject, messages: &[&UnderWay]) -> Option<Next> {
    let first = messages.first()?;
    let step = Some(first.step.clone());
    if messages.iter().any(|m| m.state == "braked") {
        return Some(Next { step, at: None, by: Actor::Operator, what: to_do(Reason::TooMany).to_owned() });
    }
    let looks = messages.iter().filter_map(|m| outlook(desk, &subject.conditions, &subject.file, m, subject.now));
    let Outlook { decision, at } = looks.min_by_key(|o| o.at.unwrap_or(Timestamp::MAX))?;
    Some(match &decision.verdict {
        Verdict::Send(_) => {
            let what = format!("the message with {} leaves, if nothing changes", named(desk, &first.case, &first.step));
            Next { step, at, by: Actor::Relance, what }
        }
        _ if subject.conditions.brakes.iter().any(|b| b.reason == decision.reason) => {
            Next { step, at, by: decision.next_by, what: to_do(decision.reason).to_owned() }
        }
        _ => {
            let step_ = named(desk, &first.case, &first.step);
            let what = format!("the message with {step_} does not leave: {}", decision.reason.text());
            Next { step, at: Some(subject.now), by: Actor::Relance, what }
        }
    })
}

/// A message under way, as a rule that is weighed.
pub(super) fn message(desk: &Desk, subject: &Subject, message: &UnderWay) -> RuleWeighed {
    let zone = &desk.setup.settings.creditor.timezone;
    let clock = |at: Timestamp| super::out::short(at, zone);
    let last = subject.attempts.iter().rev().find(|a| a.message_id.as_deref() == Some(message.message_id.as_str()));
    let words = last.and_then(|a| a.why.clone().or_else(|| a.answer.clone())).map(|w| format!(": {w}")).unwrap_or_default();
    let state = match message.state.as_str() {
        "planned" => "is planned and not yet counted by the volume brake".to_owned(),
        "braked" => "is held by the volume brake; `relance release` lets it pass".to_owned(),
        "deferred" => format!("was deferred{words}; tried {} times, again from {}", message.tries, clock(message.not_before)),
        "sending" | "leased" => "is leaving now".to_owned(),
        _ => format!("may leave from {} on, when nothing else stands against it", clock(message.not_before)),
    };
    let text = format!("the message with step \"{}\" by {} {state}", message.step, message.channel);
    RuleWeighed { rule: if message.state == "braked" { "R14" } else { "R1" }, holds: false, reason: Reason::InHand, text }
}

/// What a person has to do about a state that forbids messages, and where it is taken back.
fn about_state(debtor: &Debtor) -> String {
    let (who, lift) = (debtor.state_from.who(), format!("`relance debtor {} --state none --reason TEXT`", debtor.id));
    let how = match &debtor.state_from {
        Origin::Tag(_) => format!("the ledger lifts it without the tag, or {lift}"),
        Origin::ClosedTag { .. } => format!("{lift} lifts it"),
        Origin::Operator { .. } => format!("{lift} lifts it, --state ledger asks the ledger again"),
        Origin::Ledger | Origin::EnterpriseNumber => format!("the ledger lifts it in the column state, or {lift}"),
    };
    format!("decide; {who} so; {how}")
}

/// What a person, or time, has to do about it.
fn to_do(reason: Reason) -> &'static str {
    match reason {
        Reason::NoAddress => "put an address into the ledger, or call",
        Reason::CannotReach => "correct the address in the ledger, or call",
        Reason::PassedOver => "decide how it goes on: by hand, or by a hold until you know",
        Reason::UnallocatedCovers => "allocate the payments in the ledger",
        Reason::Uncertain => "say with `relance uncertain` what became of the message",
        Reason::Held => "the hold ends then, or `relance resume` ends it",
        Reason::PageAnswered => "decide with `relance proposals`; without a word of yours it goes on then",
        Reason::OldDebt => "`relance release DEBTOR` lets the old debts enter",
        Reason::FirstContact => "give the cadence a reminder before this step",
        Reason::Disputed => "settle the dispute, then change the row in the ledger",
        Reason::Draft => "issue the invoice",
        Reason::Unreadable => "correct the row in the ledger; `relance status` says what is wrong",
        Reason::Missing => "the next poll decides",
        Reason::LedgerShrunk => "`relance release --ledger`, if it is right",
        Reason::TooMany => "`relance release` lets the held messages pass",
        Reason::IbanChanged => "compare the account with your bank's papers; if it is yours, `relance release --iban`",
        Reason::DryRun => "set [guard] dry_run = false when relance is to send",
        Reason::StaleData | Reason::PollFailed => "reads the ledger again; nothing leaves before that succeeds",
        Reason::OwnerUntold => "tells the owner; until then nothing leaves, unless you say yes with `relance approve`",
        Reason::ChannelStopped => "tries the channel again",
        Reason::NoCadence => "give the invoice a cadence that there is",
        _ => "looks again",
    }
}

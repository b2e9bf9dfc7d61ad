//! Short ways to write down a debtor, a cadence and a moment. June 2026 begins on a Monday.

use crate::domain::cadence::{AppliesTo, Cadence, Group};
use crate::domain::calendar::{Calendar, HolidayOn, HolidayRule};
use crate::domain::case::*;
use crate::domain::currency::Currency;
use crate::domain::debtor::{CustomerKind, Debtor, Role};
use crate::domain::decision::*;
use crate::domain::invoice::*;
use crate::domain::money::{Money, Threshold};
use crate::domain::reason::Reason;
use crate::domain::step::{Channel, ChannelChoice, How, Rank, Step, StepId, Tone};
use crate::domain::time::{Window, local_date, parse_days, plus_days};
use crate::domain::when::{Delay, When};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A debtor and all that surrounds its case.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) file: DebtorFile,
    pub(super) cadence: Cadence,
    pub(super) policy: Policy,
    pub(super) zone: TimeZone,
    pub(super) booked: Booked,
    pub(super) bank: Option<Calendar>,
    pub(super) brakes: Vec<Brake>,
    pub(super) channels: Vec<Channel>,
}

pub(super) fn id(text: &str) -> StepId {
    StepId::parse(text).unwrap()
}

pub(super) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(super) fn delay(text: &str) -> Delay {
    Delay::parse(text).unwrap()
}

pub(super) fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

pub(super) fn window(days: &str, from_hour: u16, to_hour: u16) -> Window {
    Window { days: parse_days(days).unwrap(), from_minute: from_hour * 60, to_minute: to_hour * 60 }
}

/// A step by e-mail whose rank is its id, where that is a rank's name.
pub(super) fn step(id_: &str, when: &str) -> Step {
    Step {
        id: id(id_),
        was: vec![],
        when: When::parse(when).unwrap(),
        rank: Rank::parse(id_),
        how: How::Message(ChannelChoice::All(vec![Channel::Email])),
        letter: id_.to_owned(),
        attach: None,
        tone: Tone::Neutral,
        only_if: vec![],
        needs: vec![],
        to: vec![],
        cc: vec![],
        approval: false,
        notify_owner: None,
        title: None,
        text: None,
        overdue: false,
    }
}

pub(super) fn ranked(rank: Rank, step: Step) -> Step {
    Step { rank: Some(rank), ..step }
}

pub(super) fn by_sms(step: Step) -> Step {
    Step { how: How::Message(ChannelChoice::All(vec![Channel::Sms])), ..step }
}

pub(super) fn by_both(step: Step) -> Step {
    Step { how: How::Message(ChannelChoice::All(vec![Channel::Email, Channel::Sms])), ..step }
}

pub(super) fn by_first(step: Step) -> Step {
    Step { how: How::Message(ChannelChoice::FirstOf(vec![Channel::Email, Channel::Sms])), ..step }
}

/// A cadence that `check` would accept: one message for the debtor, 3 working days apart, office hours, minimum 10.00.
pub(super) fn cadence(mut steps: Vec<Step>) -> Cadence {
    assert_eq!(Cadence::check_steps(&mut steps), vec![]);
    Cadence {
        name: "standard".to_owned(),
        applies_to: AppliesTo::default(),
        calendar: None,
        quiet: vec![],
        pay_run_guard: delay("2 days"),
        group: Group::Debtor,
        spacing: delay("3 working days"),
        minimum: Threshold::parse("10.00").unwrap(),
        window: Window { to_minute: 17 * 60 + 30, ..window("mon-fri", 9, 17) },
        sms_window: window("mon-sat", 9, 19),
        steps,
    }
}

/// The cadence that relance ships.
pub(super) fn standard() -> Cadence {
    cadence(vec![
        step("courtesy", "5 days before due"),
        by_first(step("reminder", "4 working days after due")),
        by_first(step("firm", "8 days after reminder")),
        by_first(step("final", "7 days after firm")),
    ])
}

/// A calendar of single days.
pub(super) fn calendar(days: &[Date]) -> Calendar {
    let rule = |day: &Date| HolidayRule {
        on: HolidayOn::Once(*day),
        from: None,
        to: None,
        every: None,
        except: vec![],
        moves_off_weekend: false,
        if_sunday: None,
        unless_friday: None,
    };
    Calendar::new("TEST", &days.iter().map(rule).collect::<Vec<_>>())
}

pub(super) fn invoice(pk: i64, due_on: Date, balance: Money) -> CaseInvoice {
    let invoice = Invoice {
        pk,
        id: format!("i{pk}"),
        number: format!("F-{pk}"),
        kind: RowKind::Invoice,
        status: RowStatus::Open,
        presence: Presence::Open,
        issued_on: Some(plus_days(due_on, -30)),
        due_on,
        balance,
        total: None,
        disputed: None,
        reference: None,
        pay_url: None,
        document: None,
        po_number: None,
        owner: None,
        tags: vec![],
        dispute_tag: None,
        for_invoice: None,
        for_another: false,
        paid_by_others: 0,
        booked_through: None,
        cadence: Some("standard".to_owned()),
        term: 1,
        first_seen: plus_days(due_on, -30),
        reopened: false,
        paused_until: None,
        pending_since: None,
        thread: None,
    };
    CaseInvoice { invoice, marks: vec![], holds: vec![], digest: 0 }
}

pub(super) fn point(channel: Channel, address: &str) -> ContactPoint {
    ContactPoint {
        channel,
        address: address.to_owned(),
        state: PointState::Usable,
        role: Role::Accounts,
        name: None,
        language: None,
    }
}

impl Scene {
    /// A firm in Brussels with an e-mail address and a phone, and nothing open yet.
    pub(super) fn new(cadence: Cadence) -> Scene {
        let debtor = Debtor {
            pk: 1,
            id: "C1".to_owned(),
            name: "Brasserie du Parvis".to_owned(),
            country: Some("BE".to_owned()),
            kind: Some(CustomerKind::Business),
            ..Debtor::default()
        };
        let points = vec![point(Channel::Email, "c1@debtor.example"), point(Channel::Sms, "+32470000001")];
        let file = DebtorFile { debtor, points, ..DebtorFile::default() };
        let policy = Policy {
            grace: delay("2 working days"),
            tolerance: Threshold::parse("1.00").unwrap(),
            old_debts: OldDebts::FirstStep,
            ceilings: Ceilings { day: 1, week: 3, month: 5, month_consumer: 4 },
        };
        Scene {
            file,
            cadence,
            policy,
            zone: TimeZone::get("Europe/Brussels").unwrap(),
            booked: Booked::Lag(delay("1 working day")),
            bank: None,
            brakes: vec![],
            channels: Channel::ALL.to_vec(),
        }
    }

    /// With an invoice in EUR, known since it was issued 30 days before it is due.
    pub(super) fn with(mut self, pk: i64, due_on: &str, balance: &str) -> Scene {
        self.file.rows.push(invoice(pk, day(due_on), eur(balance)));
        self
    }

    /// With a receipt or credit note, which may name an invoice.
    pub(super) fn with_credit(mut self, pk: i64, balance: &str, names: Option<&str>) -> Scene {
        let mut row = invoice(pk, day("2026-05-01"), eur(balance));
        row.invoice.kind = RowKind::Payment;
        row.invoice.for_invoice = names.map(str::to_owned);
        self.file.rows.push(row);
        self
    }

    pub(super) fn row(&mut self, pk: i64) -> &mut CaseInvoice {
        self.file.rows.iter_mut().find(|r| r.invoice.pk == pk).unwrap()
    }

    /// The invoice has had a step; its rank is the step's.
    pub(super) fn had(mut self, pk: i64, step: &str, kind: MarkKind, on: &str) -> Scene {
        let at = self.cadence.position(&id(step));
        let rank = at.map_or_else(|| Rank::parse(step), |i| self.cadence.steps[i].rank);
        self.row(pk).marks.push(Mark { step: id(step), rank, kind, on: day(on), contact: None, other_kind: false });
        self
    }

    /// A contact at a local time.
    pub(super) fn contacted(mut self, at: &str, state: ContactState, invoices: &[i64]) -> Scene {
        let pk = self.file.contacts.len() as i64 + 1;
        let at = self.instant(at);
        let step = self.cadence.steps[0].id.clone();
        self.file.contacts.push(Contact {
            pk,
            at,
            state,
            case: key(Currency::EUR),
            step,
            invoices: invoices.to_vec(),
            word: None,
        });
        self
    }

    pub(super) fn instant(&self, local: &str) -> Timestamp {
        let local: DateTime = local.parse().unwrap();
        local.to_zoned(self.zone.clone()).unwrap().timestamp()
    }

    pub(super) fn world(&self, now: Timestamp) -> World<'_> {
        World {
            now,
            zone: &self.zone,
            cadence: &self.cadence,
            policy: &self.policy,
            booked: self.booked,
            bank: self.bank.as_ref(),
            calendar: self.cadence.calendar.as_deref(),
            brakes: &self.brakes,
            channels: &self.channels,
            own: None,
        }
    }

    /// What is decided for the euros at a local time such as `2026-06-05 10:00`.
    pub(super) fn at(&self, local: &str) -> Decision {
        decide(&self.file, &key(Currency::EUR), &self.world(self.instant(local)), &mut NoTrace)
    }

    /// The rules weighed, as `R6 no: last contact on ...`.
    pub(super) fn explained(&self, local: &str) -> Vec<String> {
        let mut trace = Explanation::default();
        decide(&self.file, &key(Currency::EUR), &self.world(self.instant(local)), &mut trace);
        let word = |holds| if holds { "yes" } else { "no" };
        trace.rules.iter().map(|r| format!("{} {}: {}", r.rule, word(r.holds), r.text)).collect()
    }

    /// What leaves at a local time; fails when nothing does.
    pub(super) fn sent(&self, local: &str) -> Plan {
        match self.at(local) {
            Decision { verdict: Verdict::Send(plan), reason: Reason::Due, .. } => plan,
            other => panic!("nothing leaves at {local}: {other:?}"),
        }
    }

    /// What would leave at a local time, as one line.
    pub(super) fn shows(&self, local: &str) -> String {
        shown(self, &self.sent(local))
    }

    /// What leaves at a local time leaves and is accepted; as one line.
    pub(super) fn leaves(&mut self, local: &str) -> String {
        let plan = self.accepted(local);
        shown(self, &plan)
    }

    /// What leaves at a local time leaves and is accepted.
    pub(super) fn accepted(&mut self, local: &str) -> Plan {
        let plan = self.sent(local);
        let now = self.instant(local);
        self.mark(&plan, now, MarkKind::Left, ContactState::Left);
        plan
    }

    /// Writes down a plan as the store would.
    pub(super) fn mark(&mut self, plan: &Plan, now: Timestamp, kind: MarkKind, state: ContactState) {
        let on = local_date(now, &self.zone);
        let pk = self.file.contacts.iter().map(|c| c.pk).max().unwrap_or(0) + 1;
        let steps = self.cadence.steps.clone();
        let mut invoices = vec![];
        for line in &plan.lines {
            let Some(given) = line.mark.map(|m| &steps[m]) else { continue };
            invoices.push(line.pk);
            let row = self.row(line.pk);
            row.marks.retain(|m| m.step != given.id);
            row.marks.push(Mark { step: given.id.clone(), rank: given.rank, kind, on, contact: Some(pk), other_kind: false });
        }
        for (invoice, skipped, _) in &plan.skipped {
            let rank = steps.iter().find(|s| s.id == *skipped).and_then(|s| s.rank);
            let row = self.row(*invoice);
            row.marks.retain(|m| m.step != *skipped);
            row.marks.push(Mark {
                step: skipped.clone(),
                rank,
                kind: MarkKind::Skipped,
                on,
                contact: Some(pk),
                other_kind: false,
            });
        }
        let step = steps[plan.step].id.clone();
        self.file.contacts.push(Contact { pk, at: now, state, case: key(plan.asked.currency), step, invoices, word: None });
    }

    /// The local time of an instant, as `2026-06-05 09:00`.
    pub(super) fn local(&self, at: Timestamp) -> String {
        self.zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// Verdict, reason and next look at a local time, as one line.
    pub(super) fn line(&self, local: &str) -> String {
        let decision = self.at(local);
        let next = decision.next.map_or("never".to_owned(), |t| self.local(t));
        format!("{} {} {next} {}", decision.verdict.as_str(), decision.reason, decision.next_by.as_str())
    }
}

pub(super) fn key(currency: Currency) -> CaseKey {
    CaseKey { cadence: "standard".to_owned(), currency }
}

/// A plan as `step: number=step, number(section)`.
pub(super) fn shown(scene: &Scene, plan: &Plan) -> String {
    let steps = &scene.cadence.steps;
    let rows: Vec<String> = plan
        .lines
        .iter()
        .map(|l| match l.mark {
            Some(m) => format!("{}:{:?}={}", l.pk, l.section, steps[m].id),
            None => format!("{}:{:?}", l.pk, l.section),
        })
        .collect();
    format!("{} {} [{}]", steps[plan.step].id, plan.asked, rows.join(" "))
}

/// The steps passed over, as `1 courtesy first_seen_late`.
pub(super) fn skipped(plan: &Plan) -> Vec<String> {
    plan.skipped.iter().map(|(pk, step, why)| format!("{pk} {step} {why}")).collect()
}

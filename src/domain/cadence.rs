//! A cadence: which steps a firm takes before and after the due date, and for whom.

use super::calendar::Calendar;
use super::debtor::{CustomerKind, Debtor, State};
use super::invoice::Invoice;
use super::money::Threshold;
use super::step::{Channel, Rank, Step, StepId};
use super::time::Window;
use super::when::{Anchor, Delay};
use jiff::civil::{Date, date};
use std::sync::Arc;

/// The kind of customer that a cadence is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForKind {
    /// Firms, or private persons.
    Known(CustomerKind),
    /// Those of whom it is not known (rule R16).
    Unknown,
}

impl ForKind {
    /// Reads the word of a cadence file.
    pub fn parse(text: &str) -> Option<ForKind> {
        let known = CustomerKind::parse(text).map(ForKind::Known);
        known.or_else(|| (text == "unknown").then_some(ForKind::Unknown))
    }

    fn is(self, kind: Option<CustomerKind>) -> bool {
        match self {
            ForKind::Known(wanted) => kind == Some(wanted),
            ForKind::Unknown => kind.is_none(),
        }
    }
}

/// A stretch of the year: month and day of its first and last day, which both belong to it. It may go over New Year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YearRange {
    /// First month and day.
    pub from: (i8, i8),
    /// Last month and day.
    pub to: (i8, i8),
}

impl YearRange {
    /// Reads `08-01..08-20`.
    pub fn parse(text: &str) -> Option<YearRange> {
        let (from, to) = text.split_once("..")?;
        let day = |t: &str| {
            let (month, day) = t.trim().split_once('-')?;
            let two = |s: &str| if s.len() == 2 { s.parse::<i8>().ok() } else { None };
            let (month, day) = (two(month)?, two(day)?);
            Date::new(2024, month, day).ok().map(|_| (month, day))
        };
        Some(YearRange { from: day(from)?, to: day(to)? })
    }

    /// Whether a day lies in it.
    pub fn contains(&self, date: Date) -> bool {
        let at = (date.month(), date.day());
        if self.from <= self.to { (self.from..=self.to).contains(&at) } else { at >= self.from || at <= self.to }
    }
}

impl std::fmt::Display for YearRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}-{:02}..{:02}-{:02}", self.from.0, self.from.1, self.to.0, self.to.1)
    }
}

/// Which debtors and invoices a cadence takes. What is left out matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliesTo {
    /// Firm, private person, or not known.
    pub customer_kind: Option<ForKind>,
    /// States of the customer, any of which matches. Key accounts and public bodies are taken only by a cadence that
    /// names them (rule R15).
    pub state: Vec<State>,
    /// Countries, any of which matches.
    pub country: Vec<String>,
    /// Tags, all of which must be there.
    pub tags: Vec<String>,
    /// Debtors by id, any of which matches.
    pub debtor: Vec<String>,
    /// The invoice's total (its balance where the total is unknown) is at least this.
    pub amount_min: Option<Threshold>,
    /// The invoice's total is below this.
    pub amount_max: Option<Threshold>,
}

impl AppliesTo {
    /// Whether the cadence takes this invoice of this debtor.
    pub fn matches(&self, debtor: &Debtor, invoice: &Invoice) -> bool {
        let amount = invoice.total.unwrap_or(invoice.balance);
        let minor = amount.minor.abs();
        self.customer_kind.is_none_or(|k| k.is(debtor.kind))
            && match debtor.state {
                Some(state) if state.wants_its_own_cadence() => self.state.contains(&state),
                state => self.state.is_empty() || state.is_some_and(|s| self.state.contains(&s)),
            }
            && (self.country.is_empty() || debtor.country.as_ref().is_some_and(|c| self.country.contains(c)))
            && self.tags.iter().all(|t| invoice.tags.contains(t))
            && (self.debtor.is_empty() || self.debtor.contains(&debtor.id))
            && self.amount_min.is_none_or(|t| minor >= t.minor(amount.currency))
            && self.amount_max.is_none_or(|t| minor < t.minor(amount.currency))
    }

    /// Whether a customer of a kind has had what this cadence wrote. One that is for customers of another kind wrote
    /// something else; what is written to whoever may be either is fit for a firm, and no reminder to a private person.
    pub fn wrote_to(&self, kind: Option<CustomerKind>) -> bool {
        match (self.customer_kind, kind) {
            (None, _) | (_, None) => true,
            (Some(ForKind::Unknown), Some(kind)) => kind == CustomerKind::Business,
            (Some(ForKind::Known(wanted)), Some(kind)) => kind == wanted,
        }
    }

    /// How specific the match is: a named debtor outweighs everything, a state all else, otherwise each criterion counts one.
    pub fn specificity(&self) -> u32 {
        let amount = self.amount_min.is_some() || self.amount_max.is_some();
        64 * u32::from(!self.debtor.is_empty())
            + 16 * u32::from(!self.state.is_empty())
            + u32::from(self.customer_kind.is_some())
            + u32::from(!self.country.is_empty())
            + self.tags.len() as u32
            + u32::from(amount)
    }

    /// Whether some invoice could match both; two such cadences of equal specificity are a tie.
    pub fn overlaps(&self, other: &AppliesTo) -> bool {
        let kinds = !matches!((self.customer_kind, other.customer_kind), (Some(a), Some(b)) if a != b);
        let lists = |a: &[String], b: &[String]| a.is_empty() || b.is_empty() || a.iter().any(|x| b.contains(x));
        let cents = |t: Option<Threshold>, none: i64| t.map_or(none, |t| t.minor(super::currency::Currency::EUR));
        let from = cents(self.amount_min, 0).max(cents(other.amount_min, 0));
        let to = cents(self.amount_max, i64::MAX).min(cents(other.amount_max, i64::MAX));
        let states = self.state.is_empty() || other.state.is_empty() || self.state.iter().any(|s| other.state.contains(s));
        kinds && states && lists(&self.country, &other.country) && lists(&self.debtor, &other.debtor) && from < to
    }
}

/// What one message is about (rule R5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// One message for all that the debtor owes in a currency.
    Debtor,
    /// One message for each invoice.
    Invoice,
}

/// A cadence, checked: its steps stand in the order of time, ranks never fall, circles are impossible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// Its name; cases and marks carry it.
    pub name: String,
    /// Whom it takes.
    pub applies_to: AppliesTo,
    /// Holidays that its windows and working days know, besides those of the creditor and of the debtor's country.
    pub calendar: Option<Arc<Calendar>>,
    /// Stretches of the year in which nothing of rank firm or higher leaves (R20).
    pub quiet: Vec<YearRange>,
    /// So long before a day on which the debtor pays it is not reminded (R22).
    pub pay_run_guard: Delay,
    /// What one message is about.
    pub group: Group,
    /// The least time between two contacts (R6).
    pub spacing: Delay,
    /// The least net sum that a step asks for (R12).
    pub minimum: Threshold,
    /// Hours for all channels but those that have their own.
    pub window: Window,
    /// Hours for SMS (R21).
    pub sms_window: Window,
    /// The steps, in the order of time.
    pub steps: Vec<Step>,
}

/// What is wrong with the steps of a cadence: the step's place (if one step is to blame) and a sentence.
pub type StepProblem = (Option<usize>, String);

impl Cadence {
    /// Checks the steps against each other and works out which lie after the due date.
    pub fn check_steps(steps: &mut [Step]) -> Vec<StepProblem> {
        let mut problems = Vec::new();
        if steps.is_empty() {
            problems.push((None, "wanted at least one [[step]]".to_owned()));
        }
        let mut names: Vec<&StepId> = Vec::new();
        for (i, step) in steps.iter().enumerate() {
            for name in std::iter::once(&step.id).chain(&step.was) {
                if names.contains(&name) {
                    problems.push((Some(i), format!("the step name \"{name}\" stands twice; a step's name is its identity")));
                }
                names.push(name);
            }
        }
        let bases: Vec<Option<usize>> = (0..steps.len()).map(|i| base_of(steps, i, &mut problems)).collect();
        if problems.is_empty() {
            for i in 0..steps.len() {
                steps[i].overdue = match bases[i] {
                    Some(base) => steps[base].overdue,
                    None => steps[i].when.anchor == Anchor::AfterDue,
                };
            }
            check_order(steps, &mut problems);
            check_ranks(steps, &mut problems);
        }
        problems
    }

    /// What is wrong with the steps that others count from, where some steps could not be read: `ids` are the names of
    /// all, those included.
    pub fn check_bases(steps: &[Step], ids: &[String]) -> Vec<StepProblem> {
        let mut problems = Vec::new();
        for (i, step) in steps.iter().enumerate() {
            let unread = |name: &StepId| !steps.iter().any(|s| s.id == *name) && ids.iter().any(|id| id == name.as_str());
            if !step.after_step().is_some_and(unread) {
                base_of(steps, i, &mut problems);
            }
        }
        problems
    }

    /// The place of a step by its present or an earlier name (R8).
    pub fn position(&self, id: &StepId) -> Option<usize> {
        self.steps.iter().position(|s| s.id == *id || s.was.contains(id))
    }

    /// A step by its present or an earlier name.
    pub fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|s| s.id.as_str() == name || s.was.iter().any(|was| was.as_str() == name))
    }

    /// The day on which a step would be due had every earlier one left on its own day.
    pub fn planned(&self, step: usize, due_on: Date, issued_on: Option<Date>, calendar: Option<&Calendar>) -> Option<Date> {
        planned(&self.steps, step, due_on, issued_on, calendar)
    }

    /// The day on which a step follows another that leaves today; the dates are those of the invoice: due, issued.
    pub fn follows(
        &self,
        step: usize,
        given: usize,
        today: Date,
        dates: (Date, Option<Date>),
        calendar: Option<&Calendar>,
    ) -> Option<Date> {
        let when = &self.steps[step].when;
        let base = match &when.anchor {
            Anchor::AfterStep(id) => self.position(id).filter(|base| (given..step).contains(base)),
            _ => None,
        };
        let day = match base {
            Some(base) if base == given => when.delay.after(today, calendar),
            Some(base) => when.delay.after(self.follows(base, given, today, dates, calendar)?, calendar),
            None => self.planned(step, dates.0, dates.1, calendar)?,
        };
        Some(day.max(super::time::plus_days(today, 1)))
    }

    /// The first step after the due date, where old debts and reopened invoices enter (R3, R7).
    pub fn first_overdue(&self) -> Option<usize> {
        self.steps.iter().position(|s| s.overdue)
    }

    /// The nearest lower overdue rank that must have been accepted before this step may leave (R2);
    /// for a note after the due date, any rank before it.
    pub fn lower_rank(&self, step: usize) -> Option<Rank> {
        let rank = self.steps[step].rank;
        let earlier = self.steps[..step].iter().rev().filter(|s| s.overdue);
        earlier.filter_map(|s| s.rank).find(|r| rank.is_none_or(|mine| *r < mine))
    }

    /// The hours of a channel.
    pub fn window_of(&self, channel: Channel) -> &Window {
        match channel {
            Channel::Email => &self.window,
            Channel::Sms => &self.sms_window,
        }
    }
}

fn base_of(steps: &[Step], i: usize, problems: &mut Vec<StepProblem>) -> Option<usize> {
    let name = steps[i].after_step()?;
    let Some(base) = steps.iter().position(|s| s.id == *name) else {
        problems.push((Some(i), format!("\"{}\" counts from \"{name}\", but no step has that name", steps[i].id)));
        return None;
    };
    if base < i {
        return Some(base);
    }
    let mut circle = vec![steps[i].id.to_string()];
    let mut at = base;
    while at != i && circle.len() <= steps.len() {
        circle.push(steps[at].id.to_string());
        match steps[at].after_step().and_then(|n| steps.iter().position(|s| s.id == *n)) {
            Some(next) => at = next,
            None => break,
        }
    }
    let text = if at == i {
        circle.push(steps[i].id.to_string());
        format!("the steps count from each other in a circle: {}", circle.join(" → "))
    } else {
        format!("\"{}\" counts from \"{name}\", which stands below it; wanted the steps in the order of time", steps[i].id)
    };
    problems.push((Some(i), text));
    None
}

fn planned(steps: &[Step], step: usize, due_on: Date, issued_on: Option<Date>, calendar: Option<&Calendar>) -> Option<Date> {
    let when = &steps[step].when;
    Some(match &when.anchor {
        Anchor::BeforeDue => when.delay.before(due_on, calendar),
        Anchor::AfterDue => when.delay.after(due_on, calendar),
        Anchor::AfterIssued => when.delay.after(issued_on?, calendar),
        Anchor::AfterStep(id) => {
            let base = steps[..step].iter().position(|s| s.id == *id)?;
            when.delay.after(planned(steps, base, due_on, issued_on, calendar)?, calendar)
        }
    })
}

/// Two dates that stand for any invoice: a due date well after the day of issue.
const SAMPLE_ISSUED: Date = date(2026, 6, 1);
const SAMPLE_DUE: Date = date(2026, 7, 1);

fn check_order(steps: &[Step], problems: &mut Vec<StepProblem>) {
    let day = |i| planned(steps, i, SAMPLE_DUE, Some(SAMPLE_ISSUED), None);
    for i in 1..steps.len() {
        let from_issue = |s: &Step| s.when.anchor == Anchor::AfterIssued;
        if !from_issue(&steps[i]) && !from_issue(&steps[i - 1]) && day(i) < day(i - 1) {
            problems.push((
                Some(i),
                format!("\"{}\" falls before \"{}\"; wanted the steps in the order of time", steps[i].id, steps[i - 1].id),
            ));
        }
        if steps[i - 1].overdue && !steps[i].overdue {
            problems.push((Some(i), format!("\"{}\" lies before the due date but stands below a step after it", steps[i].id)));
        }
    }
}

fn check_ranks(steps: &[Step], problems: &mut Vec<StepProblem>) {
    let mut highest: Option<Rank> = None;
    for (i, step) in steps.iter().enumerate() {
        let Some(rank) = step.rank else { continue };
        if highest.is_some_and(|h| rank < h) {
            problems.push((
                Some(i),
                format!("\"{}\" has rank {rank} after a step of higher rank; wanted ranks that never fall", step.id),
            ));
        }
        if rank >= Rank::Reminder && !step.overdue {
            problems.push((
                Some(i),
                format!("\"{}\" has rank {rank} but lies before the due date; only a courtesy note may", step.id),
            ));
        }
        let lower = steps[..i].iter().any(|s| s.overdue && s.rank.is_some_and(|r| r < rank));
        if rank >= Rank::Firm && !lower {
            problems.push((Some(i), format!("\"{}\" has rank {rank}, but no reminder after the due date stands before it (first contact never goes above a reminder)", step.id)));
        }
        highest = highest.max(Some(rank));
    }
}

//! The report in a language: what it says, line by line. Reasons are the decision's own, by their words in that language.

mod names;
mod ties;

use super::{Decide, Group, Leaving, Question, Report, Sums, channel};
use crate::config::CadenceFile;
use crate::config::report::Words;
use crate::domain::currency::Currency;
use crate::domain::decision::Brake;
use crate::domain::money::Money;
use crate::domain::time::{days_between, local_date};
use crate::flow::calls::{Ranked, Urgency};
use crate::flow::desk::Desk;
use crate::flow::tie::Tie;
use crate::letter::Labels;
use crate::letter::report::{Block, Line, Mood, Page, Tile};
use crate::store::reports::Told;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// So many customers are named in a line about many.
const NAMED: usize = 3;

/// How a page is spoken.
#[derive(Clone, Copy, Debug)]
struct Tongue<'a> {
    words: &'a Words,
    labels: &'a Labels,
    zone: &'a TimeZone,
    today: Date,
    cadences: &'a [CadenceFile],
    /// The language, for what cadences say in several.
    language: &'a str,
}

/// Where a page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In a mail: of amounts that add up the total alone.
    Mail,
    /// Printed: with the state of every amount.
    Table,
}

/// Whether there are words for a language, or for its base language.
pub fn spoken(desk: &Desk, language: &str) -> bool {
    let base = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    desk.setup.report_words(language).is_some_and(|(found, _)| found == base || found == language.to_ascii_lowercase())
}

/// The report as a page in a language; in English where there are no words for it. `None` only when even those are gone,
/// which `check` refuses.
pub fn page(desk: &Desk, report: &Report, language: &str, form: Form) -> Option<Page> {
    let (language, words) = desk.setup.report_words(language)?;
    let zone = &desk.setup.settings.creditor.timezone;
    let cadences = &desk.setup.cadences;
    let tongue = Tongue { words, labels: desk.letters.labels(language)?, zone, today: report.day, cadences, language };
    Some(tongue.page(report, form, &desk.setup.settings.creditor.name))
}

impl Tongue<'_> {
    fn page(&self, report: &Report, form: Form, firm: &str) -> Page {
        let text = |key: &str| self.words.text(key).to_owned();
        let tile = |value: u64, key: &str, anchor| Tile { value: self.number(value), label: text(key), anchor };
        let tiles = vec![
            tile(report.decide.count(), "page.tile_decide", "decide"),
            tile(report.today.calls.0, "page.tile_calls", "today"),
            tile(report.today.messages(), "page.tile_messages", "today"),
        ];
        let weekday = self.words.weekday(report.day.weekday().to_monday_zero_offset() as usize);
        let when = self.words.fill("page.when", &[("weekday", weekday), ("date", &self.labels.date(report.day))]);
        let (mood, verdict) = match (report.sending.stops.is_empty(), report.sending.is_stopped()) {
            (true, _) => (Mood::Good, text("page.free")),
            (_, false) => (Mood::Held, text("page.held")),
            (_, true) => (Mood::Stop, text("page.stopped")),
        };
        let figures: Vec<String> = tiles.iter().map(|t| format!("{} {}", t.value, t.label)).collect();
        let stopped = if mood == Mood::Good { String::new() } else { format!("{verdict} – ") };
        let mut blocks = vec![self.decide(&report.decide), self.today(report), self.past(report)];
        blocks.insert(2, self.pending(&report.decide));
        blocks.push(self.silence(report));
        blocks.extend(self.ties(&report.ties, form));
        blocks.retain(|b| !b.lines.is_empty() || !b.remark.is_empty());
        Page {
            language: self.language.to_owned(),
            subject: format!("{stopped}{}, {when}{}{}", text("page.title"), self.labels.colon(), figures.join(", ")),
            firm: firm.to_owned(),
            title: text("page.title"),
            when,
            alarms: self.alarms(report),
            verdict,
            mood,
            facts: self.facts(report),
            leads: self.leads(report, blocks.first()),
            tiles,
            blocks,
            footer: self.words.fill("page.footer", &[("date", &self.labels.date(report.day)), ("time", &self.time(report.at))]),
        }
    }

    /// What is to be decided by its kinds, and whom to call first.
    fn leads(&self, report: &Report, decide: Option<&Block>) -> Vec<(String, String)> {
        let colon = self.labels.colon().trim_end();
        let lead = |key: &str, parts: Vec<String>| {
            (!parts.is_empty()).then(|| (format!("{}{colon}", self.words.text(key)), parts.join(" · ")))
        };
        let heads = decide.into_iter().flat_map(|b| &b.lines).filter(|l| !l.item);
        let kinds = heads.map(|l| format!("{} {}", l.label, l.count).trim_end().to_owned()).collect();
        let (count, calls) = &report.today.calls;
        let first = calls.iter().take(NAMED);
        let mut names: Vec<String> = first.map(|c| format!("{} {}", c.task.name, self.labels.money(c.sum))).collect();
        let more = count.saturating_sub(names.len() as u64);
        names.extend((more > 0).then(|| self.words.fill("page.more", &[("n", &self.number(more))])));
        lead("decide.title", kinds).into_iter().chain(lead("today.calls", names)).collect()
    }

    /// What must be read before all else.
    fn alarms(&self, report: &Report) -> Vec<String> {
        let off = report.ties.0.iter().filter(|(_, tie)| !tie.holds());
        let mut alarms: Vec<String> = off.map(|(currency, tie)| self.gap(*currency, tie)).collect();
        if report.resent {
            alarms.push(self.words.text("page.resent").to_owned());
        }
        alarms.extend(report.lost.map(|day| self.words.fill("page.lost", &[("date", &self.labels.date(day))])));
        alarms
    }

    fn gap(&self, currency: Currency, tie: &Tie) -> String {
        let gap = self.labels.money(Money::new(tie.ledger.saturating_sub(tie.sum()), currency));
        self.words.fill("tie.bad", &[("currency", currency.code()), ("gap", &gap)])
    }

    /// Why nothing leaves, and what the answer rests on.
    fn facts(&self, report: &Report) -> Vec<String> {
        let sending = &report.sending;
        let mut facts: Vec<String> = sending.stops.iter().map(|b| self.stop(b)).collect();
        facts.push(match sending.read {
            Some((at, rows)) => {
                let rows = self.many("page.rows_one", "page.rows", rows.max(0) as u64);
                self.words.fill("page.data", &[("when", &self.moment(at)), ("age", &self.age(report.at, at)), ("rows", &rows)])
            }
            None => self.words.text("page.data_none").to_owned(),
        });
        facts.push(self.words.fill("page.booked", &[("date", &self.labels.date(sending.booked))]));
        facts.extend(sending.redirected.iter().map(|to| self.words.fill("page.redirected", &[("to", to)])));
        let (rows, unknown) = sending.unreadable;
        if rows > 0 {
            facts.push(self.words.fill("page.unread", &[("n", &self.number(rows)), ("unknown", &self.number(unknown))]));
        }
        facts
    }

    /// A brake, with the words of others where it rests on them.
    fn stop(&self, brake: &Brake) -> String {
        let channel = brake.channel.map(|c| self.channel(c)).unwrap_or_default();
        let count = brake.count.map(|n| n.to_string()).unwrap_or_default();
        let why = capital(&self.words.fill(&format!("reason.{}", brake.reason), &[("channel", channel), ("count", &count)]));
        match brake.said.as_deref().filter(|words| !words.is_empty()) {
            Some(words) => format!("{why} [{words}]"),
            None => why,
        }
    }

    fn decide(&self, decide: &Decide) -> Block {
        let mut lines = Vec::new();
        let (count, few) = &decide.uncertain;
        let rows = few.iter().map(|u| {
            let since = self.words.fill("decide.uncertain_since", &[("date", &self.day(local_date(u.at, self.zone)))]);
            let channel = channel(&u.channel).map_or("", |c| self.channel(c));
            item(who(&u.name, &u.debtor), [self.step_named(&u.step).as_str(), channel, &since], String::new())
        });
        self.list(&mut lines, "decide.uncertain", *count, rows.collect());
        let (count, few) = &decide.answers;
        let rows = few.iter().map(|b| {
            let since = self.words.fill("decide.uncertain_since", &[("date", &self.day(local_date(b.at, self.zone)))]);
            let held = b.held_until.map(|day| self.words.fill("decide.answers_held", &[("date", &self.day(day))]));
            let who = who(b.name.as_deref().unwrap_or_default(), b.debtor.as_deref().unwrap_or_default());
            item(who, [b.subject.as_str(), &since, held.as_deref().unwrap_or_default()], String::new())
        });
        self.list(&mut lines, "decide.answers", *count, rows.collect());
        let (count, few) = &decide.proposals;
        self.list(&mut lines, "decide.proposals", *count, few.iter().map(|p| self.proposal(p)).collect());
        let (count, few) = &decide.bank;
        let rows = few.iter().map(|e| {
            let since = self.words.fill("decide.uncertain_since", &[("date", &self.day(e.booked_on))]);
            let why = self.words.text(if e.state == "proposed" { "decide.bank_near" } else { "decide.bank_late" });
            item(format!("{} {}", e.id, e.name.as_deref().unwrap_or_default()), [since.as_str(), why], self.money(Some(e.amount)))
        });
        self.list(&mut lines, "decide.bank", *count, rows.collect());
        for (key, each, (count, few)) in [("approvals", "approval", &decide.approvals), ("notices", "notice", &decide.notices)] {
            let untold = |q: &Question| if q.asked.is_untold() { "_untold" } else { "" };
            let rows = few.iter().map(|q| self.question(q, &format!("decide.{each}{}", untold(q))));
            self.list(&mut lines, &format!("decide.{key}"), *count, rows.collect());
        }
        let holds = decide.holds.list.iter().map(|h| {
            let kind = self.words.text(&format!("hold.{}", h.how.as_deref().unwrap_or("operator")));
            let until = h.on.map(|day| self.day(day)).unwrap_or_default();
            item(named(h), [kind, until.as_str(), self.why_held(h).as_str()], String::new())
        });
        self.list(&mut lines, "decide.holds", decide.holds.count, holds.collect());
        self.group(&mut lines, "decide.cannot_reach", &decide.cannot_reach, true);
        let lost = decide.unreachable.list.iter().map(|u| {
            let since = u.since.map(|at| self.day(local_date(at, self.zone))).unwrap_or_default();
            item(named(u), [self.words.fill("decide.unreachable_since", &[("date", &since)])], String::new())
        });
        self.list(&mut lines, "decide.unreachable", decide.unreachable.count, lost.collect());
        self.group(&mut lines, "decide.needs_data", &decide.needs_data, true);
        self.group(&mut lines, "decide.covered", &decide.covered, true);
        self.group(&mut lines, "decide.finished", &decide.finished, true);
        self.block("decide", "decide.title", lines, "decide.none")
    }

    fn question(&self, q: &Question, words: &str) -> Line {
        let asked = self.day(local_date(q.asked.asked_at, self.zone));
        let (until, step) = (self.day(q.asked.until), self.step(q.rank, q.asked.step.as_deref().unwrap_or_default()));
        let when = self.words.fill(words, &[("asked", &asked), ("until", &until)]);
        let what = q.asked.text.as_deref().map_or(step, |text| self.text(q.asked.case.as_ref(), q.asked.step.as_deref(), text));
        let owner = q.asked.owner.clone().unwrap_or_default();
        item(who(&q.asked.name, &q.asked.debtor), [what, when, owner], self.money(q.amount))
    }

    /// What stands for longer than a day: a line each.
    fn pending(&self, decide: &Decide) -> Block {
        let mut lines = Vec::new();
        for (key, group) in [
            ("disputed", &decide.disputed),
            ("disputed_part", &decide.disputed_part),
            ("old_debt", &decide.old_debt),
            ("state", &decide.state),
            ("kind_unknown", &decide.kind_unknown),
        ] {
            self.group(&mut lines, &format!("decide.{key}"), group, false);
        }
        if decide.known_unreachable.count > 0 {
            let known = &decide.known_unreachable;
            let names: Vec<String> = known.list.iter().take(NAMED).map(|u| u.name.clone()).collect();
            let more = known.count.saturating_sub(names.len() as u64);
            let more = (more > 0).then(|| self.words.fill("page.more", &[("n", &self.number(more))]));
            let (count, label) = (self.number(known.count), self.words.text("decide.unreachable_known").to_owned());
            let note = names.into_iter().chain(more).collect::<Vec<_>>().join(", ");
            lines.push(Line { count, label, note, ..Line::default() });
        }
        Block { anchor: "pending", title: self.words.text("decide.pending").to_owned(), lines, ..Block::default() }
    }

    fn today(&self, report: &Report) -> Block {
        let today = &report.today;
        let mut lines = Vec::new();
        let (count, calls) = &today.calls;
        self.list(&mut lines, "today.calls", *count, calls.iter().map(|c| self.call(c)).collect());
        let (count, tasks) = &today.tasks;
        let rows = tasks.iter().map(|(t, state)| {
            let what = match (state, t.reach) {
                (Some(s), _) => self.words.text(&format!("state.{}", s.as_str())).to_owned(),
                (None, Some(wanted)) => self.words.text(&format!("reach.{}", wanted.as_str())).to_owned(),
                (None, None) => self.text(t.case.as_ref(), t.step.as_deref(), &t.text),
            };
            item(who(&t.name, &t.debtor), [what, t.owner.clone().unwrap_or_default(), self.day(t.due_on)], String::new())
        });
        self.list(&mut lines, "today.tasks", *count, rows.collect());
        if today.messages() > 0 {
            let key = if report.sending.is_stopped() { "today.messages_stopped" } else { "today.messages" };
            let mut sums = Sums::new();
            today.leaving.values().for_each(|l| add(&mut sums, &l.sums));
            let count = self.number(today.messages());
            lines.push(Line { count, label: self.words.text(key).to_owned(), amount: self.sums(&sums), ..Line::default() });
            for ((rank, step), Leaving { count, sums }) in &today.leaving {
                lines.push(item(format!("{} × {}", self.number(*count), self.step(*rank, step)), [""; 0], self.sums(sums)));
            }
            self.group(&mut lines, "today.first", &today.first, false);
            self.group(&mut lines, "today.key", &today.key, false);
        } else if !lines.is_empty() {
            let label = self.words.text("today.messages_none").to_owned();
            lines.push(Line { label, ..Line::default() });
        }
        self.block("today", "today.title", lines, "today.none")
    }

    fn call(&self, call: &Ranked) -> Line {
        let late = self.many("page.day_late", "page.days_late", call.days_late.max(0) as u64);
        let day = |text: &str| text.parse().map_or_else(|_| text.to_owned(), |day| self.day(day));
        let why = match &call.urgency {
            Urgency::Broken(until) => self.words.fill("today.call_broken", &[("date", &self.day(*until)), ("late", &late)]),
            Urgency::Agreed(on) if *on == self.today.to_string() => self.words.fill("today.call_today", &[("late", &late)]),
            Urgency::Agreed(on) => self.words.fill("today.call_since", &[("date", &day(on)), ("late", &late)]),
            Urgency::Weight => late,
        };
        item(who(&call.task.name, &call.task.debtor), [why], self.labels.money(call.sum))
    }

    fn past(&self, report: &Report) -> Block {
        let past = &report.past;
        let mut lines = Vec::new();
        let line = |key: &str, count: u64, amount: String| Line {
            count: self.number(count),
            label: self.words.text(key).to_owned(),
            amount,
            ..Line::default()
        };
        for what in ["paid", "part_paid", "reopened", "void"] {
            let Some(found) = past.events.get(what) else { continue };
            lines.push(line(&format!("past.{what}"), found.count, self.sums(&found.sums)));
            if what == "reopened" {
                lines.extend(past.reopened.iter().map(|r| item(named(r), [""; 0], self.money(r.amount))));
            }
        }
        let plain = |key: &str, count: u64| (count > 0).then(|| line(key, count, String::new()));
        lines.extend(plain("past.broken", past.promises.broken));
        lines.extend(past.broken.iter().map(|p| {
            let until = p.on.map(|day| self.day(day)).unwrap_or_default();
            item(named(p), [self.words.fill("past.broken_day", &[("date", &until)])], String::new())
        }));
        lines.extend(plain("past.kept", past.promises.kept));
        lines.extend(plain("past.made", past.promises.made));
        lines.extend(plain("past.refused", past.refused.count));
        lines.extend(past.refused.list.iter().map(|r| {
            let by = r.how.as_deref().and_then(channel).map_or("", |c| self.channel(c));
            item(who(&r.name, &r.debtor), [self.step_named(r.what.as_deref().unwrap_or_default()).as_str(), by], String::new())
        }));
        self.rest(&mut lines, past.refused.count, past.refused.list.len());
        let accepted = past.accepted.iter().map(|a| a.count).sum();
        let by_step = past.accepted.iter().map(|a| {
            let by = channel(&a.channel).map_or("", |c| self.channel(c));
            format!("{} × {}, {by}", self.number(a.count), self.step_named(&a.step))
        });
        let note = by_step.collect::<Vec<_>>().join(" · ");
        lines.extend(plain("past.accepted", accepted).map(|l| Line { note, ..l }));
        let since = report.since.to_zoned(self.zone.clone());
        let weekday = self.words.weekday(since.date().weekday().to_monday_zero_offset() as usize);
        // A weekday alone would be that of the last seven days.
        let day = match days_between(since.date(), report.day) {
            0..7 => weekday.to_owned(),
            _ => format!("{weekday} {}", self.day(since.date())),
        };
        let title = self.words.fill("past.title", &[("day", &day), ("time", &self.time(report.since))]);
        Block { title, ..self.block("past", "past.title", lines, "past.none") }
    }

    fn silence(&self, report: &Report) -> Block {
        let silence = &report.silence;
        let mut lines = Vec::new();
        self.group(&mut lines, "silence.no_address", &silence.no_address, false);
        self.group(&mut lines, "silence.no_cadence", &silence.no_cadence, false);
        self.group(&mut lines, "silence.below_minimum", &silence.below_minimum, false);
        self.block("silence", "silence.title", lines, "silence.none")
    }

    // ---- parts

    fn block(&self, anchor: &'static str, title: &str, lines: Vec<Line>, none: &str) -> Block {
        let remark = if lines.is_empty() { self.words.text(none).to_owned() } else { String::new() };
        Block { anchor, title: self.words.text(title).to_owned(), lines, remark, ..Block::default() }
    }

    /// A heading with how many, the first of them, and how many more.
    fn list(&self, lines: &mut Vec<Line>, key: &str, count: u64, items: Vec<Line>) {
        if count == 0 {
            return;
        }
        let (label, note) = (self.words.text(key).to_owned(), self.words.text(&format!("{key}_how")).to_owned());
        let shown = items.len();
        lines.push(Line { count: self.number(count), label, note, ..Line::default() });
        lines.extend(items);
        self.rest(lines, count, shown);
    }

    fn rest(&self, lines: &mut Vec<Line>, count: u64, shown: usize) {
        let more = count.saturating_sub(shown as u64);
        if more > 0 && shown > 0 {
            lines.push(item(self.words.fill("page.more", &[("n", &self.number(more))]), [""; 0], String::new()));
        }
    }

    /// Customers in one situation: each on a line where a person decides on each, else in one line with the largest.
    fn group(&self, lines: &mut Vec<Line>, key: &str, group: &Group, each: bool) {
        if group.customers == 0 {
            return;
        }
        let mut notes = Vec::new();
        if !each {
            let names: Vec<&str> = group.few.iter().take(NAMED).map(|w| w.name.as_str()).collect();
            let more = group.customers.saturating_sub(names.len() as u64);
            let more = (more > 0).then(|| self.words.fill("page.more", &[("n", &self.number(more))]));
            notes.push(names.into_iter().map(str::to_owned).chain(more).collect::<Vec<_>>().join(", "));
        }
        notes.extend(Some(self.words.text(&format!("{key}_how")).to_owned()).filter(|how| !how.is_empty()));
        let head = Line {
            item: false,
            count: self.number(group.customers),
            label: self.words.text(key).to_owned(),
            note: notes.join(" · "),
            amount: self.sums(&group.sums),
        };
        lines.push(head);
        if each {
            lines.extend(
                group.few.iter().map(|w| item(who(&w.name, &w.debtor), [w.invoices.join(" ")], self.labels.money(w.amount))),
            );
            self.rest(lines, group.customers, group.few.len());
        }
    }

    fn many(&self, one: &str, many: &str, n: u64) -> String {
        if n == 1 { self.words.text(one).to_owned() } else { self.words.fill(many, &[("n", &self.number(n))]) }
    }

    fn money(&self, money: Option<Money>) -> String {
        money.map(|m| self.labels.money(m)).unwrap_or_default()
    }

    fn sums(&self, sums: &Sums) -> String {
        let parts: Vec<String> = sums.iter().map(|(currency, minor)| self.labels.money(Money::new(*minor, *currency))).collect();
        parts.join(" + ")
    }

    fn number(&self, n: u64) -> String {
        self.labels.count(n)
    }

    fn day(&self, day: Date) -> String {
        self.labels.date_short(day)
    }

    fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }

    /// A moment: of today the hour alone.
    fn moment(&self, at: Timestamp) -> String {
        let day = local_date(at, self.zone);
        if day == self.today {
            return self.words.fill("page.at", &[("time", &self.time(at))]);
        }
        self.words.fill("page.on_at", &[("date", &self.labels.date(day)), ("time", &self.time(at))])
    }

    /// A clock that was set back makes no data from the future.
    fn age(&self, now: Timestamp, then: Timestamp) -> String {
        let minutes = ((now.as_second() - then.as_second()) / 60).max(1);
        let (key, n) = match minutes {
            ..120 => ("page.minutes", minutes),
            120..2880 => ("page.hours", minutes / 60),
            _ => ("page.days", minutes / 1440),
        };
        self.words.fill(key, &[("n", &n.to_string())])
    }
}

fn add(sums: &mut Sums, more: &Sums) {
    for (currency, minor) in more {
        let sum = sums.entry(*currency).or_default();
        *sum = sum.saturating_add(*minor);
    }
}

/// A customer by name and number.
fn who(name: &str, debtor: &str) -> String {
    format!("{name} ({debtor})")
}

/// The same with an invoice's number.
fn named(told: &Told) -> String {
    match &told.what {
        Some(number) => format!("{} · {number}", who(&told.name, &told.debtor)),
        None => who(&told.name, &told.debtor),
    }
}

fn item<T: AsRef<str>, const N: usize>(label: String, notes: [T; N], amount: String) -> Line {
    let notes: Vec<&str> = notes.iter().map(AsRef::as_ref).filter(|n| !n.is_empty()).collect();
    Line { item: true, count: String::new(), label, note: notes.join(" · "), amount }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

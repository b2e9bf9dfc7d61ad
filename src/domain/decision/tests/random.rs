//! Random cadences, ledgers and lives: what the properties are tried on.

use super::build::*;
use crate::domain::cadence::{Cadence, Group};
use crate::domain::calendar::Calendar;
use crate::domain::currency::Currency;
use crate::domain::debtor::CustomerKind;
use crate::domain::decision::{Booked, OldDebts};
use crate::domain::money::{Money, Threshold};
use crate::domain::step::{Channel, ChannelChoice, How, Rank, Step};
use crate::domain::time::{Window, plus_days};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::sync::Arc;

/// Something that happens to a debtor besides our own doing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    PartPaid(u8),
    Paid,
    Reopened,
    DueLater(i64),
    Disputed(bool),
    InvoiceHeld(i64),
    DebtorHeld(i64),
    Missing(bool),
    Credit(i64),
    NewAddress,
    OtherCadence,
    Released,
}

/// What comes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Accepted,
    Refused,
    Doubtful,
    Delayed,
}

/// A debtor's life over some months.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) scene: Scene,
    /// The cadence after a change.
    pub(super) other: Cadence,
    pub(super) start: Date,
    /// Holidays of the cadence and of the banks, as plain days.
    pub(super) holidays: Vec<Date>,
    pub(super) bank_holidays: Vec<Date>,
    /// Day from the start, which invoice, what.
    pub(super) events: Vec<(i64, usize, Event)>,
    pub(super) fates: Vec<Fate>,
}

fn channels() -> impl Strategy<Value = ChannelChoice> {
    use Channel::{Email, Sms};
    prop::sample::select(vec![
        ChannelChoice::All(vec![Email]),
        ChannelChoice::All(vec![Sms]),
        ChannelChoice::All(vec![Email, Sms]),
        ChannelChoice::FirstOf(vec![Email, Sms]),
        ChannelChoice::FirstOf(vec![Sms, Email]),
    ])
}

fn steps(prefix: &'static str) -> impl Strategy<Value = Vec<Step>> {
    let unit = || prop::sample::select(vec!["days", "working days"]);
    let before = prop::collection::vec((0u32..12, unit(), any::<bool>(), channels()), 0..3);
    let rank = prop::option::weighted(
        0.8,
        prop::sample::select(vec![Rank::Reminder, Rank::Reminder, Rank::Firm, Rank::Final, Rank::Formal]),
    );
    let after = prop::collection::vec((0u32..12, unit(), any::<bool>(), rank, channels()), 0..6);
    (before, after).prop_filter_map("not a cadence that check accepts", move |(mut before, mut after)| {
        before.sort_by_key(|b| std::cmp::Reverse(b.0));
        let mut ranks: Vec<Rank> = after.iter().filter_map(|a| a.3).collect();
        ranks.sort();
        if let Some(first) = ranks.first_mut() {
            *first = Rank::Reminder;
        }
        let mut ranks = ranks.into_iter();
        after.iter_mut().filter(|a| a.3.is_some()).for_each(|a| a.3 = ranks.next());
        let mut steps: Vec<Step> = Vec::new();
        for (days, unit, courtesy, channel) in before {
            let new = step(&format!("{prefix}{}", steps.len()), &format!("{days} {unit} before due"));
            steps.push(Step { how: How::Message(channel), rank: courtesy.then_some(Rank::Courtesy), ..new });
        }
        let mut day = 0;
        let mut last: Option<String> = None;
        for (gap, unit, from_last, rank, channel) in after {
            day += gap;
            let name = format!("{prefix}{}", steps.len());
            let when = match &last {
                Some(last) if from_last => format!("{gap} {unit} after {last}"),
                _ => format!("{day} {unit} after due"),
            };
            steps.push(Step { how: How::Message(channel), rank, ..step(&name, &when) });
            last = Some(name);
        }
        Cadence::check_steps(&mut steps).is_empty().then_some(steps)
    })
}

fn windows() -> impl Strategy<Value = (Window, Window)> {
    let one = || {
        prop::sample::select(vec![
            Window::ALWAYS,
            window("mon-fri", 9, 17),
            window("mon-sat", 9, 19),
            window("sat-mon", 10, 12),
            window("tue,thu", 5, 24),
        ])
    };
    // Two channels of one step must have hours in common, or it never leaves.
    (one(), one()).prop_filter("hours in common", |(a, b)| {
        let days = a.days.iter().zip(b.days).any(|(a, b)| *a && b);
        days && a.from_minute.max(b.from_minute) < a.to_minute.min(b.to_minute)
    })
}

pub(super) fn cadences(prefix: &'static str) -> impl Strategy<Value = Cadence> {
    let spacing = prop::sample::select(vec!["0 days", "1 day", "3 working days", "1 week"]);
    let minimum = prop::sample::select(vec!["0", "10.00", "60.00"]);
    (steps(prefix), windows(), spacing, minimum, prop::bool::weighted(0.3)).prop_map(
        |(steps, (mail, sms), spacing, minimum, single)| Cadence {
            group: if single { Group::Invoice } else { Group::Debtor },
            spacing: delay(spacing),
            minimum: Threshold::parse(minimum).unwrap(),
            window: mail,
            sms_window: sms,
            ..cadence(steps)
        },
    )
}

fn events() -> impl Strategy<Value = Vec<(i64, usize, Event)>> {
    let event = prop_oneof![
        (10u8..90).prop_map(Event::PartPaid),
        Just(Event::Paid),
        Just(Event::Reopened),
        (1i64..40).prop_map(Event::DueLater),
        any::<bool>().prop_map(Event::Disputed),
        (1i64..20).prop_map(Event::InvoiceHeld),
        (1i64..20).prop_map(Event::DebtorHeld),
        any::<bool>().prop_map(Event::Missing),
        (1i64..9_000).prop_map(Event::Credit),
        Just(Event::NewAddress),
        Just(Event::OtherCadence),
        Just(Event::Released),
    ];
    prop::collection::vec((0i64..90, 0usize..6, event), 0..8)
}

type InvoiceSeed = (i64, i64, bool, bool);

fn scenes(start: Date) -> impl Strategy<Value = Scene> {
    // Trifles too: several of them, at several stages, may be worth a message together (R12).
    let minor = prop_oneof![50i64..20_000, 50i64..4_000];
    let invoices = prop::collection::vec((-70i64..70, minor, prop::bool::weighted(0.8), any::<bool>()), 1..6);
    let zones = prop::sample::select(vec!["Europe/Brussels", "America/New_York", "Pacific/Auckland", "Asia/Kolkata"]);
    let kind = prop::option::of(prop::sample::select(vec![CustomerKind::Business, CustomerKind::Consumer]));
    let settings = (
        any::<bool>(),
        prop::sample::select(vec!["0 days", "2 working days"]),
        prop::sample::select(vec!["0 days", "1 working day"]),
    );
    let reach = (prop::bool::weighted(0.8), prop::bool::weighted(0.8));
    (cadences("a"), invoices, zones, kind, settings, reach).prop_map(move |(cadence, invoices, zone, kind, settings, reach)| {
        let mut scene = Scene::new(cadence);
        scene.zone = TimeZone::get(zone).unwrap();
        scene.file.debtor.kind = kind;
        scene.policy.old_debts = if settings.0 { OldDebts::FirstStep } else { OldDebts::Hold };
        scene.policy.grace = delay(settings.1);
        scene.booked = Booked::Lag(delay(settings.2));
        scene.file.points.retain(|p| if p.channel == Channel::Email { reach.0 } else { reach.1 });
        for seed in invoices {
            add(&mut scene, start, seed);
        }
        scene
    })
}

/// An invoice known since its issue, or first seen at the start.
fn add(scene: &mut Scene, start: Date, (due, minor, euros, known): InvoiceSeed) {
    let currency = if euros { Currency::EUR } else { Currency::parse("GBP").unwrap() };
    let pk = scene.file.rows.len() as i64 + 1;
    let mut row = invoice(pk, plus_days(start, due), Money::new(minor, currency));
    if !known {
        row.invoice.first_seen = row.invoice.first_seen.max(start);
    }
    scene.file.rows.push(row);
}

fn some_days(start: Date) -> impl Strategy<Value = Vec<Date>> {
    prop::collection::vec(0i64..150, 0..6).prop_map(move |days| days.into_iter().map(|d| plus_days(start, d - 30)).collect())
}

fn on_calendar(mut cadence: Cadence, calendar: &Arc<Calendar>) -> Cadence {
    cadence.calendar = Some(calendar.clone());
    cadence
}

/// A life with all that may happen in it.
pub(super) fn lives() -> impl Strategy<Value = Life> {
    let fate =
        prop::sample::select(vec![Fate::Accepted, Fate::Accepted, Fate::Accepted, Fate::Refused, Fate::Doubtful, Fate::Delayed]);
    let fates = prop::collection::vec(fate, 1..12);
    (0i64..330).prop_map(|n| plus_days(day("2026-01-05"), n)).prop_flat_map(move |start| {
        (scenes(start), cadences("b"), some_days(start), some_days(start), events(), fates.clone()).prop_map(
            move |(mut scene, other, holidays, bank_holidays, events, fates)| {
                let shared = Arc::new(calendar(&holidays));
                scene.cadence = on_calendar(scene.cadence, &shared);
                scene.bank = Some(calendar(&bank_holidays));
                Life { scene, other: on_calendar(other, &shared), start, holidays, bank_holidays, events, fates }
            },
        )
    })
}

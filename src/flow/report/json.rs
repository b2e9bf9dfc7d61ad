//! The report as one JSON object: codes, decimal amounts and instants, in no language.

use super::{Group, Question, Report, Sums, Who};
use crate::domain::money::Money;
use crate::flow::calls::Urgency;
use crate::flow::desk::Desk;
use crate::store::bank::BankRow;
use crate::store::proposals::Proposal;
use crate::store::reports::{Few, Told};
use crate::store::returns::Inbound;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The report; `time` writes an instant.
pub fn json(desk: &Desk, report: &Report, time: impl Fn(Timestamp) -> String) -> Value {
    let decide = &report.decide;
    let question = |q: &Question| question(q, &time);
    let questions = |of: &(u64, Vec<Question>)| json!({ "count": of.0, "first": of.1.iter().map(question).collect::<Vec<_>>() });
    let uncertain: Vec<Value> = decide
        .uncertain
        .1
        .iter()
        .map(
            |u| json!({ "id": u.id, "debtor": u.debtor, "name": u.name, "step": u.step, "channel": u.channel, "at": time(u.at) }),
        )
        .collect();
    let answer = |b: &Inbound| {
        json!({ "id": b.id, "debtor": b.debtor, "name": b.name, "from": b.sender, "subject": b.subject, "at": time(b.at),
            "speaks_of": b.grave, "held_until": b.held_until.map(|d| d.to_string()) })
    };
    let bank: Vec<Value> = decide.bank.1.iter().map(entry).collect();
    let answers: Vec<Value> = decide.answers.1.iter().map(answer).collect();
    let proposal = |p: &Proposal| {
        json!({ "id": p.id, "at": time(p.at), "debtor": p.debtor, "kind": p.kind, "invoices": p.numbers, "on": p.on.map(|d| d.to_string()),
            "held_until": p.held_until.map(|d| d.to_string()) })
    };
    let proposals: Vec<Value> = decide.proposals.1.iter().map(proposal).collect();
    json!({
        "creditor": desk.setup.settings.creditor.name,
        "at": time(report.at), "day": report.day.to_string(), "since": time(report.since),
        "sending": sending(report, &time),
        "decide": {
            "count": decide.count(),
            "approvals": questions(&decide.approvals), "notices": questions(&decide.notices),
            "uncertain": { "count": decide.uncertain.0, "first": uncertain },
            "answers": { "count": decide.answers.0, "first": answers },
            "proposals": { "count": decide.proposals.0, "first": proposals },
            "bank": { "count": decide.bank.0, "first": bank },
            "holds_ending": few(&decide.holds, "invoice", "kind", &time), "unreachable": few(&decide.unreachable, "", "", &time),
            "needs_data": group(&decide.needs_data), "cannot_reach": group(&decide.cannot_reach), "covered": group(&decide.covered),
            "finished": group(&decide.finished),
        },
        "pending": {
            "unreachable": few(&decide.known_unreachable, "", "", &time), "disputed": group(&decide.disputed), "disputed_part": group(&decide.disputed_part),
            "old_debt": group(&decide.old_debt), "state": group(&decide.state), "kind_unknown": group(&decide.kind_unknown),
        },
        "today": today(report),
        "past": past(report, &time),
        "silence": {
            "no_address": group(&report.silence.no_address), "no_cadence": group(&report.silence.no_cadence),
            "below_minimum": group(&report.silence.below_minimum),
        },
        "tie_out": ties(report),
    })
}

fn sending(report: &Report, time: &dyn Fn(Timestamp) -> String) -> Value {
    let s = &report.sending;
    let stops: Vec<Value> = s
        .stops
        .iter()
        .map(|b| json!({ "reason": b.reason.code(), "channel": b.channel.map(|c| c.as_str()), "text": b.text, "until": b.until.map(time) }))
        .collect();
    json!({
        "may_send": s.stops.is_empty(), "stopped": s.is_stopped(), "stops": stops,
        "polled_at": s.read.map(|(at, _)| time(at)), "rows": s.read.map(|(_, rows)| rows),
        "data_age_s": s.read.map(|(at, _)| (report.at.as_second() - at.as_second()).max(0)),
        "booked_through": s.booked.to_string(), "redirected": s.redirected,
        "unreadable": s.unreadable.0, "never_read": s.unreadable.1,
    })
}

fn today(report: &Report) -> Value {
    let today = &report.today;
    let calls: Vec<Value> = today
        .calls
        .1
        .iter()
        .map(|c| {
            let (why, on) = match &c.urgency {
                Urgency::Broken(until) => ("promise_broken", Some(until.to_string())),
                Urgency::Agreed(day) => ("agreed", Some(day.clone())),
                Urgency::Weight => ("weight", None),
            };
            json!({ "task": c.task.id, "debtor": c.task.debtor, "name": c.task.name, "amount": c.sum.decimal(), "currency": c.sum.currency.code(),
                "days_late": c.days_late, "why": why, "on": on })
        })
        .collect();
    let tasks: Vec<Value> = today
        .tasks
        .1
        .iter()
        .map(|(t, state)| json!({ "task": t.id, "state": state.map(|s| s.as_str()), "debtor": t.debtor, "name": t.name, "text": t.text, "owner": t.owner, "due_on": t.due_on.to_string() }))
        .collect();
    let steps: Vec<Value> = today
        .leaving
        .iter()
        .map(|((rank, step), l)| json!({ "step": step, "rank": rank.map(|r| r.as_str()), "count": l.count, "amounts": sums(&l.sums) }))
        .collect();
    json!({
        "calls": { "count": today.calls.0, "first": calls }, "tasks": { "count": today.tasks.0, "first": tasks },
        "messages": { "count": today.messages(), "steps": steps }, "first_contacts": group(&today.first), "key_accounts": group(&today.key),
    })
}

fn past(report: &Report, time: &dyn Fn(Timestamp) -> String) -> Value {
    let past = &report.past;
    let happened = |what: &str| {
        let found = past.events.get(what).cloned().unwrap_or_default();
        json!({ "count": found.count, "amounts": sums(&found.sums) })
    };
    let accepted: Vec<Value> =
        past.accepted.iter().map(|a| json!({ "step": a.step, "channel": a.channel, "count": a.count })).collect();
    let told = |list: &[Told]| list.iter().map(|t| told(t, "invoice", "", time)).collect::<Vec<_>>();
    json!({
        "paid": happened("paid"), "void": happened("void"), "part_paid": happened("part_paid"), "reopened": happened("reopened"),
        "reopened_first": told(&past.reopened), "accepted": accepted, "refused": few(&past.refused, "step", "channel", time),
        "promises": { "made": past.promises.made, "kept": past.promises.kept, "broken": past.promises.broken },
        "broken_first": told(&past.broken),
    })
}

fn question(q: &Question, time: &dyn Fn(Timestamp) -> String) -> Value {
    json!({ "id": q.asked.id, "debtor": q.asked.debtor, "name": q.asked.name, "step": q.asked.step, "rank": q.rank.map(|r| r.as_str()),
        "text": q.asked.text, "asked_at": time(q.asked.asked_at), "told_at": q.asked.told_at.map(time), "until": q.asked.until.to_string(), "owner": q.asked.owner,
        "amount": q.amount.map(|m| m.decimal()), "currency": q.amount.map(|m| m.currency.code().to_owned()) })
}

fn few(list: &Few, what: &str, how: &str, time: &dyn Fn(Timestamp) -> String) -> Value {
    json!({ "count": list.count, "first": list.list.iter().map(|t| told(t, what, how, time)).collect::<Vec<_>>() })
}

fn told(t: &Told, what: &str, how: &str, time: &dyn Fn(Timestamp) -> String) -> Value {
    let mut object = Map::new();
    object.insert("debtor".to_owned(), json!(t.debtor));
    object.insert("name".to_owned(), json!(t.name));
    for (name, value) in [(what, &t.what), (how, &t.how), ("text", &t.text)] {
        if let (false, Some(value)) = (name.is_empty(), value) {
            object.insert(name.to_owned(), json!(value));
        }
    }
    if let Some(day) = t.on {
        object.insert("on".to_owned(), json!(day.to_string()));
    }
    if let Some(at) = t.since {
        object.insert("since".to_owned(), json!(time(at)));
    }
    if let Some(amount) = t.amount {
        object.insert("amount".to_owned(), json!(amount.decimal()));
        object.insert("currency".to_owned(), json!(amount.currency.code()));
    }
    Value::Object(object)
}

fn group(group: &Group) -> Value {
    let who = |w: &Who| json!({ "debtor": w.debtor, "name": w.name, "invoices": w.invoices, "amount": w.amount.decimal(), "currency": w.amount.currency.code() });
    json!({ "customers": group.customers, "rows": group.rows, "amounts": sums(&group.sums), "first": group.few.iter().map(who).collect::<Vec<_>>() })
}

fn sums(sums: &Sums) -> Value {
    let amounts = sums.iter().map(|(c, minor)| (c.code().to_owned(), json!(Money::new(*minor, *c).decimal())));
    Value::Object(amounts.collect())
}

fn ties(report: &Report) -> Vec<Value> {
    let tie = |(currency, tie): (&crate::domain::currency::Currency, &crate::flow::tie::Tie)| {
        let money = |minor: i64| Money::new(minor, *currency).decimal();
        let states: Map<String, Value> = tie
            .states
            .iter()
            .map(|(state, (minor, rows))| (state.clone(), json!({ "rows": rows, "amount": money(*minor) })))
            .collect();
        json!({ "currency": currency.code(), "states": states, "sum": money(tie.sum()), "ledger": money(tie.ledger), "ties_out": tie.holds() })
    };
    report.ties.0.iter().map(tie).collect()
}

/// An entry of the bank's statements.
fn entry(e: &BankRow) -> Value {
    json!({ "id": e.id, "booked_on": e.booked_on.to_string(), "amount": e.amount.decimal(), "currency": e.amount.currency.code(),
        "name": e.name, "state": e.state, "why": e.why })
}

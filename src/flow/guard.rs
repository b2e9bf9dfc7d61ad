//! What guards all sending: is the ledger read, is it whole, is it fresh (R14), may anything leave at all.

use super::account::Account;
use super::desk::{Conditions, Desk, DeskError};
use crate::domain::decision::{Brake, RuleWeighed};
use crate::domain::reason::Reason;
use crate::domain::step::Channel;
use crate::store::polls::{BrakeRow, Poll, PollOutcome};
use jiff::Timestamp;

/// Reading the whole ledger takes less than this, in seconds.
const A_READING: i64 = 7200;

/// The polls and the settings against which they are weighed.
#[derive(Debug)]
pub(super) struct Guards<'a> {
    pub(super) last: Option<&'a Poll>,
    pub(super) good: Option<&'a Poll>,
    pub(super) max_data_age: i64,
    pub(super) dry_run: bool,
    pub(super) account: &'a Account,
    pub(super) now: Timestamp,
}

impl Guards<'_> {
    /// Every guard in words; those that do not hold are the brakes.
    pub(super) fn weigh(&self) -> Vec<RuleWeighed> {
        let rule = |holds, reason, text| RuleWeighed { rule: "R14", holds, reason, text };
        let mut found = vec![match self.last {
            None => rule(
                false,
                Reason::PollFailed,
                "the ledger has not been read yet; nothing is wrong if relance was started just now".to_owned(),
            ),
            Some(last) => match last.outcome {
                PollOutcome::Failed => rule(false, Reason::PollFailed, format!("the last poll failed: {}", last.text)),
                PollOutcome::Shrunk => rule(false, Reason::LedgerShrunk, last.text.clone()),
                PollOutcome::Good => {
                    rule(true, Reason::Due, format!("the last poll read the ledger to its end, {} rows", last.rows))
                }
            },
        }];
        if let Some(good) = self.good {
            let (age, most) = (self.now.as_second() - good.started_at.as_second(), self.max_data_age);
            // No reading takes so long: what began then is the file that was read (an export).
            let is_file = good.finished_at.as_second() - good.started_at.as_second() > A_READING;
            let what = if is_file { "the export that is the ledger was written" } else { "the ledger was last read" };
            let text = format!("{what} {} ago; after {} nothing is sent ([guard] max_data_age)", span(age), span(most));
            found.push(rule(age <= most, Reason::StaleData, text));
        }
        found.extend(self.account.weigh());
        found.push(match self.dry_run {
            true => rule(false, Reason::DryRun, "[guard] dry_run = true: nothing is sent".to_owned()),
            false => rule(true, Reason::Due, "[guard] dry_run is not set".to_owned()),
        });
        found
    }
}

/// A guard that does not hold: it stops all sending. With it goes what the last poll met with.
pub(super) fn broken(rule: RuleWeighed, last: Option<&Poll>) -> Brake {
    let said = last.filter(|_| rule.reason == Reason::PollFailed).map(|poll| poll.text.clone());
    let count = last.filter(|_| rule.reason == Reason::LedgerShrunk).map(|poll| poll.vanished);
    Brake { said, count, ..Brake::new(rule.reason, rule.text) }
}

/// A length of time, in the unit in which people would say it.
pub fn span(seconds: i64) -> String {
    match seconds.max(0) {
        s if s < 120 => format!("{s} s"),
        s if s < 7200 => format!("{} min", s / 60),
        s if s <= 172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}

/// The conditions as a person is told of them: with the brakes that the pumps see elsewhere, on the volume and on
/// channels, and with the guards that hold.
pub async fn told(desk: &Desk, now: Timestamp) -> Result<(Conditions, Vec<RuleWeighed>), DeskError> {
    let mut conditions = desk.conditions(now).await?;
    let mut holding: Vec<RuleWeighed> = desk.guards(now).await?.into_iter().filter(|r| r.holds).collect();
    let rows = desk.store.brakes().await?;
    let rule = |text: String| RuleWeighed { rule: "R14", holds: true, reason: Reason::Due, text };
    if !rows.iter().any(|b| b.kind == "too_many") {
        let most = desk.setup.settings.guard.max_messages_per_cycle;
        let limit = most.map_or("is not set".to_owned(), |most| format!("is {most} and was not exceeded"));
        holding.push(rule(format!("[guard] max_messages_per_cycle {limit}")));
    }
    for channel in &desk.channels {
        if !rows.iter().any(|b| channel_of(b) == Some(*channel)) {
            holding.push(rule(format!("nothing stops the channel {channel}")));
        }
    }
    conditions.brakes.extend(rows.iter().filter_map(brake));
    Ok((conditions, holding))
}

fn channel_of(row: &BrakeRow) -> Option<Channel> {
    row.kind.strip_prefix("channel:").and_then(Channel::parse)
}

fn brake(row: &BrakeRow) -> Option<Brake> {
    if let Some(channel) = channel_of(row) {
        let text = format!("the channel {channel} is stopped: {}", row.text);
        let stopped = Brake::new(Reason::ChannelStopped, text);
        return Some(Brake { channel: Some(channel), until: row.until, said: Some(row.text.clone()), ..stopped });
    }
    (row.kind == "too_many").then(|| Brake::new(Reason::TooMany, row.text.clone()))
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn a_length_of_time_is_told_in_a_unit_that_shows_it() {
        assert_eq!([20, 119, 120, 2700, 7199].map(span), ["20 s", "119 s", "2 min", "45 min", "119 min"]);
        assert_eq!([7200, 36 * 3600, 48 * 3600].map(span), ["2 h", "36 h", "48 h"]);
    }
}

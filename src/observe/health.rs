//! Whether a daemon can send: it is well, the store answers, the ledger was read and not too long ago, and nothing stops all
//! sending. Each thing that is wrong has a code, those of rules the one that `relance explain` shows.

use super::{Observed, gather};
use crate::daemon::Vitals;
use crate::flow::Desk;
use std::sync::atomic::Ordering;

/// The codes of what keeps it from sending; none when it can.
pub(super) async fn stops(observed: &Observed, desk: &Desk, vitals: &Vitals) -> Vec<String> {
    let mut codes: Vec<String> = vitals.ailment().map(|a| a.code()).into_iter().collect();
    let mut add = |wrong: bool, code: &str| {
        if wrong && !codes.iter().any(|c| c == code) {
            codes.push(code.to_owned());
        }
    };
    add(desk.stopping.load(Ordering::SeqCst), "between_sessions");
    add(!desk.heart.is_sure(), "store_away");
    add(desk.heart.rests(), "other_rules");
    add(desk.pulses.is_failing(), "pump_fails");
    match gather::brakes(observed, desk).await {
        Err(why) => add(true, why),
        Ok(brakes) => {
            brakes.iter().filter(|b| b.channel.is_none()).for_each(|brake| add(true, brake.reason.code()));
            let stopped = |channel| brakes.iter().any(|b| b.channel == Some(channel));
            add(!desk.channels.is_empty() && desk.channels.iter().all(|c| stopped(*c)), "channel_stopped");
        }
    }
    codes
}

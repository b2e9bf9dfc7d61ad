//! What was found out, in sentences for people.

use super::silence::{Silent, day};
use super::{Answers, Evidence, Kind, PointIs, PointReach};
use jiff::tz::TimeZone;

/// What a piece of evidence says, as people read it.
pub(super) fn evidence(e: &Evidence, zone: &TimeZone) -> String {
    let on = day(e.at, zone);
    let what = match e.kind {
        Kind::Returned { expired: true, .. } => "given up by others after all their tries",
        Kind::Returned { .. } => "returned",
        Kind::Refused(_) => "refused",
        Kind::Delayed(_) => "delayed",
        Kind::Accepted => "taken",
        Kind::Retired => "taken out by a person",
        Kind::Added => "new",
        Kind::Corrected => "corrected",
        Kind::Delivered => "delivered",
        Kind::Stop => "a STOP came",
        Kind::Reply { .. } => "somebody answered",
        Kind::PageAnswer => "somebody answered on the page",
        Kind::WrongPerson => "somebody says on the page that they are not the right person",
        Kind::PartPaid => "a part was paid",
        Kind::Paid => "something was paid",
        Kind::Automatic { .. } => "a machine answered",
        Kind::Call(super::CallCame::Reached) => "somebody took up the telephone",
        Kind::Call(super::CallCame::Refused) => "somebody took up the telephone and would not talk",
        Kind::Call(super::CallCame::Voicemail) => "an answering machine took a message",
        Kind::Call(super::CallCame::NoAnswer) => "nobody took up the telephone",
        Kind::Call(super::CallCame::WrongNumber) => "the number is somebody else's",
    };
    let text = if e.text.is_empty() { String::new() } else { format!(" ({})", e.text) };
    format!("{what} on {on}{text}")
}

/// Why a contact point is what it is.
pub(super) fn point(state: PointIs, by: &[usize], all: &[Evidence], zone: &TimeZone) -> String {
    let last = by.last().map(|i| evidence(&all[*i], zone));
    match (state, last) {
        (PointIs::Unknown, Some(last)) => format!("not enough against it: {last}"),
        (PointIs::Unknown, None) => "nothing has been sent there yet".to_owned(),
        (PointIs::Suspect, Some(last)) if by.len() > 1 => format!("{} times something against it, last: {last}", by.len()),
        (_, Some(last)) => last,
        (_, None) => String::new(),
    }
}

/// Why somebody can be reached, or cannot.
pub(super) fn answers(
    state: Answers,
    none_left: bool,
    points: &[&PointReach],
    silent: &Silent,
    all: &[Evidence],
    zone: &TimeZone,
) -> String {
    if state == Answers::Unreachable && none_left {
        return match points.last() {
            Some(last) => format!("no usable address is left: {} was {}", last.point.address, last.found.why),
            None => "there is no address".to_owned(),
        };
    }
    let sign = silent.sign.map(|i| evidence(&all[i], zone));
    let (Some(first), Some(last)) = (silent.first, silent.last) else {
        return sign.unwrap_or_else(|| "nothing has been sent that could have been answered".to_owned());
    };
    let out = match silent.left_out {
        0 => String::new(),
        n => format!(" ({n} days of them, on which nobody was there, left out)"),
    };
    let contacts = if silent.contacts == 1 { "1 contact".to_owned() } else { format!("{} contacts", silent.contacts) };
    let silence = format!("{contacts} from {first} to {last}{out} without a payment or any other sign of life");
    match (state, sign) {
        (Answers::Unreachable, _) => silence,
        (_, Some(sign)) => format!("{silence} that would end it; before, {sign}"),
        (_, None) => silence,
    }
}

//! reach.toml: what evidence weighs when it is asked who can still be reached, and what follows.

use super::node::Node;
use super::problem::Problems;
use super::section::Section;
use crate::domain::cadence::YearRange;
use crate::domain::reach::{Against, Life, Rules, Silence, SuspectUse, TaskWanted, Then};

/// The heaviest that anything can weigh.
const HEAVIEST: i64 = 1_000;

/// A weight in hundredths.
fn weight(s: &Section, key: &str, default: u32) -> u32 {
    s.integer(key, 0..=HEAVIEST).map_or(default, |n| n as u32)
}

/// Reads the file; what is wrong is noted, and what is left out is as in the file that the program brings.
pub(super) fn read(root: &Node, problems: &Problems) -> Rules {
    let top = Section::new("", root, problems);
    let default = Rules::default();
    let rules = Rules {
        against: top.section("address").map_or(default.against.clone(), |s| against(s, default.against)),
        life: top.section("life").map_or(default.life.clone(), |s| life(s, default.life)),
        silence: top.section("silence").map_or(default.silence.clone(), |s| silence(s, default.silence)),
        then: top.section("then").map_or(default.then.clone(), |s| then(s, default.then)),
    };
    top.finish();
    rules
}

fn against(s: Section, default: Against) -> Against {
    let read = Against {
        suspect: s.integer("suspect", 1..=HEAVIEST).map_or(default.suspect, |n| n as u32),
        mailbox: weight(&s, "mailbox", default.mailbox),
        message: weight(&s, "message", default.message),
        expired: weight(&s, "expired", default.expired),
        delayed: weight(&s, "delayed", default.delayed),
        accepted: weight(&s, "accepted", default.accepted),
    };
    for (key, weight) in
        [("mailbox", read.mailbox), ("message", read.message), ("expired", read.expired), ("delayed", read.delayed)]
    {
        if weight >= read.suspect && s.has(key) {
            s.problem(
                key,
                format!(
                    "\"{key}\" is {weight}: one failure alone would make an address suspect; wanted less than \"suspect\", {}",
                    read.suspect
                ),
            );
        }
    }
    s.finish();
    read
}

fn life(s: Section, default: Life) -> Life {
    let sign = |key: &str, default: u32| s.integer(key, 0..=100).map_or(default, |n| n as u32);
    let read = Life {
        paid: sign("paid", default.paid),
        part_paid: sign("part_paid", default.part_paid),
        reply: sign("reply", default.reply),
        call_reached: sign("call_reached", default.call_reached),
        call_refused: sign("call_refused", default.call_refused),
        page_answer: sign("page_answer", default.page_answer),
        stop: sign("stop", default.stop),
        delivered: sign("delivered", default.delivered),
    };
    s.finish();
    read
}

fn silence(s: Section, default: Silence) -> Silence {
    let stretches = "stretches of the year such as \"08-01..08-31\"; an empty list for none";
    let count = |key: &str, most: i64, default: u32| s.integer(key, 1..=most).map_or(default, |n| n as u32);
    let contacts = count("contacts", 1_000, default.contacts);
    let read = Silence {
        contacts,
        days: count("days", 3_650, default.days),
        quiet: count("quiet", 1_000, default.quiet.min(contacts)),
        email: weight(&s, "email", default.email),
        sms: weight(&s, "sms", default.sms),
        returned: weight(&s, "returned", default.returned),
        voicemail: weight(&s, "voicemail", default.voicemail),
        no_answer: weight(&s, "no_answer", default.no_answer),
        away: s.integer("away", 0..=100).map_or(default.away, |n| n as u32),
        ranges: match s.has("ranges") {
            true => s.words("ranges", stretches, YearRange::parse),
            false => default.ranges,
        },
        longest_absence: count("longest_absence", 366, default.longest_absence),
    };
    if read.quiet > read.contacts {
        s.problem("quiet", format!("\"quiet\" is {}; wanted no more than \"contacts\", {}", read.quiet, read.contacts));
    }
    s.finish();
    read
}

fn then(s: Section, default: Then) -> Then {
    let suspect = s.parse("suspect", "\"last\" or \"as-good\"", |t| match t {
        "last" => Some(SuspectUse::Last),
        "as-good" => Some(SuspectUse::AsGood),
        _ => None,
    });
    let read = Then {
        suspect: suspect.unwrap_or(default.suspect),
        notice: s.bool("notice").unwrap_or(default.notice),
        tasks: match s.has("tasks") {
            true => s.words("tasks", "any of: address, call, letter; an empty list for none", TaskWanted::parse),
            false => default.tasks,
        },
        within: s.integer("within", 0..=60).map_or(default.within, |n| n as u32),
    };
    s.finish();
    read
}

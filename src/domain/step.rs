//! Steps of a cadence: rank, channel and letter.

use super::when::{Anchor, When};
use std::fmt;

/// A step's name within its cadence. It is its identity: marks in the store carry it (rule R8).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(String);

impl StepId {
    /// Lower-case letters, digits and hyphens, beginning with a letter, at most 40 characters.
    /// The words that `when` uses itself are not names.
    pub fn parse(text: &str) -> Option<StepId> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let reserved = matches!(text, "due" | "issued");
        let fits = (1..=40).contains(&text.len()) && text.as_bytes()[0].is_ascii_lowercase() && text.bytes().all(legal);
        (fits && !reserved).then(|| StepId(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How strongly a step speaks (rule R2). Notes, calls and tasks have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// A friendly note before the due date.
    Courtesy,
    /// The first, friendly reminder.
    Reminder,
    /// A clear demand.
    Firm,
    /// The last one before formal steps.
    Final,
    /// The formal notice (mise en demeure).
    Formal,
    /// Hand-off to a collection agency.
    Handoff,
}

impl Rank {
    /// All ranks, weakest first.
    pub const ALL: [Rank; 6] = [Rank::Courtesy, Rank::Reminder, Rank::Firm, Rank::Final, Rank::Formal, Rank::Handoff];

    /// The word in cadence files and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Rank::Courtesy => "courtesy",
            Rank::Reminder => "reminder",
            Rank::Firm => "firm",
            Rank::Final => "final",
            Rank::Formal => "formal",
            Rank::Handoff => "handoff",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Rank> {
        Rank::ALL.into_iter().find(|r| r.as_str() == text)
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A way to reach a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// E-mail over SMTP.
    Email,
    /// Short message through an HTTP gateway.
    Sms,
}

impl Channel {
    /// All channels.
    pub const ALL: [Channel; 2] = [Channel::Email, Channel::Sms];

    /// The word in files, tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Sms => "sms",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|c| c.as_str() == text)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which channels a step uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelChoice {
    /// Every one that reaches; together they are one contact (rule R6).
    All(Vec<Channel>),
    /// The first one that reaches.
    FirstOf(Vec<Channel>),
}

impl ChannelChoice {
    /// The channels named, in order.
    pub fn channels(&self) -> &[Channel] {
        match self {
            ChannelChoice::All(list) | ChannelChoice::FirstOf(list) => list,
        }
    }
}

/// One step of a cadence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its identity.
    pub id: StepId,
    /// Earlier names, whose marks count as this step's (rule R8).
    pub was: Vec<StepId>,
    /// When it is due.
    pub when: When,
    /// How strongly it speaks; `None` for a note.
    pub rank: Option<Rank>,
    /// Whom it goes through.
    pub channel: ChannelChoice,
    /// The wording: the name of a letter.
    pub letter: String,
    /// Whether copies of the invoices go with its e-mails; `None`: if it lies after the due date (R24).
    pub attach: Option<bool>,
    /// Whether it lies after the due date; worked out by [`super::cadence::Cadence::check_steps`] through chains of `after STEP`.
    pub overdue: bool,
}

impl Step {
    /// Whether the step speaks at rank firm or higher, and so needs what rule R2 asks.
    pub fn is_firm(&self) -> bool {
        self.rank.is_some_and(|r| r >= Rank::Firm)
    }

    /// Whether copies of the invoices go with its e-mails (R24).
    pub fn attaches(&self) -> bool {
        self.attach.unwrap_or(self.overdue)
    }

    /// The step that this one counts from, if it counts from one.
    pub fn after_step(&self) -> Option<&StepId> {
        match &self.when.anchor {
            Anchor::AfterStep(step) => Some(step),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_names_are_plain() {
        assert!(StepId::parse("first-reminder").is_some());
        for bad in ["", "due", "issued", "Reminder", "1st", "a b", "é"] {
            assert!(StepId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn ranks_are_ordered() {
        assert!(Rank::Courtesy < Rank::Reminder && Rank::Final < Rank::Formal);
        assert_eq!(Rank::parse("firm"), Some(Rank::Firm));
        assert_eq!(Rank::parse("harsh"), None);
    }
}

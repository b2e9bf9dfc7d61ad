//! Steps of a cadence: rank, channel and letter.

use super::condition::{Condition, Need};
use super::debtor::Role;
use super::spoken::Spoken;
use super::time::plus_days;
use super::when::{Anchor, Delay, When};
use jiff::civil::Date;
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

/// Something that a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TaskKind {
    /// Calls the debtor.
    Call,
    /// Anything else.
    Task,
}

impl TaskKind {
    /// Both.
    pub const ALL: [TaskKind; 2] = [TaskKind::Call, TaskKind::Task];

    /// The word in cadence files and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskKind::Call => "call",
            TaskKind::Task => "task",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<TaskKind> {
        TaskKind::ALL.into_iter().find(|k| k.as_str() == text)
    }
}

/// How a step is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// Messages leave.
    Message(ChannelChoice),
    /// A person has something to do.
    Task(TaskKind),
}

/// How the words of a letter sound. The letter may ask for it; the rank says how strong they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// As to somebody one knows.
    Warm,
    /// Plain and friendly.
    #[default]
    Neutral,
    /// Short and clear; only from rank firm on.
    Strict,
}

impl Tone {
    /// All tones.
    pub const ALL: [Tone; 3] = [Tone::Warm, Tone::Neutral, Tone::Strict];

    /// The word in cadence files and letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Tone::Warm => "warm",
            Tone::Neutral => "neutral",
            Tone::Strict => "strict",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Tone> {
        Tone::ALL.into_iter().find(|t| t.as_str() == text)
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
    /// Messages, by which channels; or something for a person to do.
    pub how: How,
    /// The wording: the name of a letter; of a task what is to be done, in the creditor's language.
    pub letter: String,
    /// What people read in place of the id.
    pub title: Option<Spoken>,
    /// Of a task what is to be done.
    pub text: Option<Spoken>,
    /// Whether copies of the invoices go with its e-mails; `None`: if it lies after the due date (R24).
    pub attach: Option<bool>,
    /// How the letter sounds.
    pub tone: Tone,
    /// Any of these must hold; none: always (rule R22).
    pub only_if: Vec<Condition>,
    /// What must be known.
    pub needs: Vec<Need>,
    /// For whom, the first of these roles that can be reached; none: whoever is there.
    pub to: Vec<Role>,
    /// Who gets a copy of an e-mail.
    pub cc: Vec<Role>,
    /// Waits for a person's yes.
    pub approval: bool,
    /// The creditor's own owner of the customer is told so long before it leaves, and may hold it.
    pub notify_owner: Option<Delay>,
    /// Whether it lies after the due date; worked out by [`super::cadence::Cadence::check_steps`] through chains of `after STEP`.
    pub overdue: bool,
}

impl Step {
    /// Whether the step speaks at rank firm or higher, and so needs what rule R2 asks.
    pub fn is_firm(&self) -> bool {
        self.rank.is_some_and(|r| r >= Rank::Firm)
    }

    /// The first day on which its conditions let it leave as far as days past due are concerned.
    pub fn late_enough(&self, due_on: Date) -> Date {
        let days = self.only_if.iter().map(|c| i64::from(c.days_late_min.unwrap_or(0))).min().unwrap_or(0);
        if days == 0 { Date::MIN } else { plus_days(due_on, days) }
    }

    /// Whether copies of the invoices go with its e-mails (R24).
    pub fn attaches(&self) -> bool {
        self.attach.unwrap_or(self.overdue)
    }

    /// The channels that it may use; none for a task.
    pub fn channels(&self) -> &[Channel] {
        match &self.how {
            How::Message(choice) => choice.channels(),
            How::Task(_) => &[],
        }
    }

    /// What people who speak a language call it: its title, else its id.
    pub fn called(&self, language: &str) -> &str {
        self.title.as_ref().map_or(self.id.as_str(), |title| title.in_language(language))
    }

    /// What a task says to whoever speaks a language. The task was written down in one; where that is what the cadence
    /// says, it is told in the other.
    pub fn said(&self, written: &str, language: &str) -> String {
        let own = self.text.as_ref().filter(|text| text.says(written));
        own.map_or(written, |text| text.in_language(language)).to_owned()
    }

    /// What a person has to do, if it is for a person.
    pub fn task(&self) -> Option<TaskKind> {
        match self.how {
            How::Message(_) => None,
            How::Task(kind) => Some(kind),
        }
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

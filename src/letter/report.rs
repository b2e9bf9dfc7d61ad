//! A page of lines with amounts, for the creditor's own people: as HTML that reads on a telephone and in the dark, and as
//! text. What stands on it is not decided here.

use askama::Template;
use std::fmt::Write as _;

/// How a page or a line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// All is well.
    Good,
    /// Something waits.
    Held,
    /// Something is stopped or wrong.
    Stop,
}

impl Mood {
    /// The class in the HTML.
    fn class(self) -> &'static str {
        match self {
            Mood::Good => "good",
            Mood::Held => "held",
            Mood::Stop => "stop",
        }
    }
}

/// A figure at the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The figure.
    pub value: String,
    /// What it counts.
    pub label: String,
    /// Where on the page its lines stand.
    pub anchor: &'static str,
}

/// A line of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// A line below the one before, about one of those that it counts.
    pub item: bool,
    /// How many; empty where nothing is counted.
    pub count: String,
    /// What.
    pub label: String,
    /// More about it.
    pub note: String,
    /// How much; empty where it is about no money.
    pub amount: String,
}

/// Lines under a heading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Its name on the page.
    pub anchor: &'static str,
    /// The heading.
    pub title: String,
    /// The lines.
    pub lines: Vec<Line>,
    /// What is said in place of lines, or below them.
    pub remark: String,
    /// The remark must not be missed.
    pub loud: bool,
    /// The last line is a total.
    pub total: bool,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The language of its words.
    pub language: String,
    /// The subject, as a mail.
    pub subject: String,
    /// Whose.
    pub firm: String,
    /// The heading.
    pub title: String,
    /// The day.
    pub when: String,
    /// What must be read first.
    pub alarms: Vec<String>,
    /// The answer to the first question.
    pub verdict: String,
    /// How that is meant.
    pub mood: Mood,
    /// What the answer rests on.
    pub facts: Vec<String>,
    /// Figures.
    pub tiles: Vec<Tile>,
    /// The day in a few words, so that the first screen is enough to begin it: what each is about, and what it is.
    pub leads: Vec<(String, String)>,
    /// The rest.
    pub blocks: Vec<Block>,
    /// The last line.
    pub footer: String,
}

#[derive(Template)]
#[template(path = "email/report.html", whitespace = "minimize")]
struct Html<'a> {
    page: &'a Page,
    mood: &'a str,
}

impl Page {
    /// As HTML.
    pub fn html(&self) -> Result<String, askama::Error> {
        Html { page: self, mood: self.mood.class() }.render()
    }

    /// As text of about so many columns; nothing is cut.
    pub fn text(&self, width: usize) -> String {
        let mut out = Vec::new();
        out.push(format!("{} – {}", self.title, self.when));
        out.push(self.firm.clone());
        out.push(String::new());
        self.alarms.iter().for_each(|a| wrap(&format!("!! {a}"), 0, width, &mut out));
        let mark = if self.mood == Mood::Good { "" } else { "!! " };
        out.push(format!("{mark}{}", self.verdict.to_uppercase()));
        self.facts.iter().for_each(|f| wrap(f, 3, width, &mut out));
        let tiles: Vec<String> = self.tiles.iter().map(|t| format!("{} {}", t.value, t.label)).collect();
        out.push(format!("   {}", tiles.join(" · ")));
        self.leads.iter().for_each(|(about, what)| wrap(&format!("{about} {what}"), 3, width, &mut out));
        for block in &self.blocks {
            out.push(String::new());
            out.push(block.title.to_uppercase());
            let last = block.lines.len().saturating_sub(1);
            for (at, line) in block.lines.iter().enumerate() {
                if block.total && at + 1 == last {
                    out.push(format!("   {}", "-".repeat(width.saturating_sub(3))));
                }
                line.text(width, &mut out);
            }
            if !block.remark.is_empty() {
                let remark = if block.loud { format!("!! {}", block.remark) } else { block.remark.clone() };
                wrap(&remark, if block.loud { 0 } else { 3 }, width, &mut out);
            }
        }
        out.push(String::new());
        wrap(&self.footer, 0, width, &mut out);
        out.join("\n") + "\n"
    }
}

/// Where the words of lines begin.
const INDENT: usize = 9;

impl Line {
    fn text(&self, width: usize, out: &mut Vec<String>) {
        let lead = if self.item { format!("{:INDENT$}", "") } else { format!("{:>6}   ", self.count) };
        let mut text = format!("{lead}{}", self.label);
        let mut note = self.note.as_str();
        let room = width.saturating_sub(if self.amount.is_empty() { 0 } else { self.amount.chars().count() + 2 });
        if self.item && !note.is_empty() && text.chars().count() + 3 + note.chars().count() <= room {
            text = format!("{text} · {note}");
            note = "";
        }
        out.push(with_amount(text, &self.amount, width));
        if !note.is_empty() {
            wrap(note, if self.item { INDENT + 2 } else { INDENT }, width, out);
        }
    }
}

/// Words on lines of at most so many columns, where they allow it. Blanks that must not be broken are left whole.
fn wrap(text: &str, indent: usize, width: usize, out: &mut Vec<String>) {
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > width {
            out.push(format!("{:indent$}{line}", ""));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push(format!("{:indent$}{line}", ""));
}

/// The amount at the right edge, or behind a text that reaches it.
fn with_amount(mut text: String, amount: &str, width: usize) -> String {
    if !amount.is_empty() {
        let gap = width.saturating_sub(text.chars().count() + amount.chars().count()).max(2);
        // Writing into a text cannot fail.
        write!(text, "{:gap$}{amount}", "").unwrap_or_default();
    }
    text
}

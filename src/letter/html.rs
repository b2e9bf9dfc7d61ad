//! The HTML around a letter: shell, items, payment panel.

use super::blocks::{GlanceView, PaymentRow, SectionView};
use super::view::{AnswerLink, View};
use askama::Template;

#[derive(Template)]
#[template(path = "email/shell.html", whitespace = "minimize")]
struct Shell<'a> {
    language: &'a str,
    subject: &'a str,
    creditor_name: &'a str,
    copy_note: &'a str,
    preheader: &'a str,
    body: &'a str,
    answer: &'a Option<AnswerLink>,
    footer: &'a str,
}

#[derive(Template)]
#[template(path = "email/items.html", whitespace = "minimize")]
struct Items<'a> {
    glance: &'a Option<GlanceView>,
    sections: &'a [SectionView],
}

#[derive(Template)]
#[template(path = "email/payment.html", whitespace = "minimize")]
struct Payment<'a> {
    title: &'a str,
    rows: &'a [PaymentRow],
    link_url: &'a str,
    link_label: &'a str,
}

/// Puts a letter's body into the shell. The line that mail programs show beside the subject repeats only
/// the subject: a consumer's must say nothing of a debt.
pub(super) fn shell(language: &str, subject: &str, view: &View, body: &str, footer: &str) -> Result<String, askama::Error> {
    let (creditor_name, copy_note) = (view.creditor.name.as_str(), view.copy_note.as_str());
    let answer = &view.answer;
    Shell { language, subject, creditor_name, copy_note, preheader: subject, body, answer, footer }.render()
}

/// The items as HTML.
pub(super) fn items(view: &View) -> Result<String, askama::Error> {
    Items { glance: &view.glance, sections: &view.sections }.render()
}

/// The payment panel as HTML.
pub(super) fn payment(view: &View) -> Result<String, askama::Error> {
    let panel = &view.panel;
    Payment { title: &panel.title, rows: &panel.rows, link_url: &panel.link_url, link_label: &panel.link_label }.render()
}

/// The items as text.
pub(super) fn items_text(view: &View, colon: &str) -> String {
    let mut out = String::new();
    if let Some(glance) = &view.glance {
        out.push_str(&format!("{}\n", glance.title));
        let total = (&glance.total_label, &glance.total);
        let rows = glance.rows.iter().map(|(label, sum)| (label, sum)).chain([total]);
        rows.for_each(|(label, sum)| out.push_str(&format!("  {label}{colon}{sum}\n")));
        out.push('\n');
    }
    for section in &view.sections {
        out.push_str(&format!("{}\n", section.title));
        for row in &section.rows {
            out.push_str(&format!("  {}{colon}{}\n", row.number, row.amount));
            let facts: Vec<&str> = [row.dates.as_str(), row.late.as_str()].into_iter().filter(|t| !t.is_empty()).collect();
            out.push_str(&format!("    {}\n", facts.join(" · ")));
            row.details.iter().for_each(|detail| out.push_str(&format!("    {detail}\n")));
        }
        if !section.sum.is_empty() {
            out.push_str(&format!("  {}{colon}{}\n", section.sum_label, section.sum));
        }
        out.push('\n');
    }
    out.trim_end().to_owned()
}

/// The payment panel as text.
pub(super) fn payment_text(view: &View, colon: &str) -> String {
    let panel = &view.panel;
    let mut lines = vec![panel.title.clone()];
    lines.extend(panel.rows.iter().map(|r| format!("  {}{colon}{}", r.label, r.value)));
    if !panel.link_label.is_empty() {
        lines.push(format!("  {}{colon}{}", panel.link_label, panel.link_url));
    }
    lines.join("\n")
}

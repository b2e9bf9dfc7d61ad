//! From rendered Markdown to HTML and to plain text.

use super::view::{ITEMS, PAYMENT};
use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd};

/// Characters that mean something in Markdown or HTML; in values they are escaped.
const SPECIAL: &str = "\\`*_{}[]()#+-.!|<>~&\"'";

/// A value as it must stand in Markdown to mean itself.
pub(super) fn escape(value: &str, out: &mut String) {
    for c in value.chars() {
        if SPECIAL.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
}

/// A letter, taken apart once for both forms.
pub(super) struct Parsed<'a>(Vec<Event<'a>>);

/// Takes a rendered letter apart.
pub(super) fn parse(markdown: &str) -> Parsed<'_> {
    Parsed(Parser::new(markdown).collect())
}

/// The letter as HTML. A paragraph that is a mark becomes its block; raw HTML in a letter is shown, not run.
pub(super) fn to_html(letter: &Parsed<'_>, items: &str, payment: &str) -> String {
    let mut events: Vec<Event> = Vec::with_capacity(letter.0.len());
    let mut rest = letter.0.as_slice();
    let mut length = items.len() + payment.len();
    while let Some((event, after)) = rest.split_first() {
        rest = match rest {
            [Event::Start(Tag::Paragraph), Event::Text(text), Event::End(TagEnd::Paragraph), after @ ..]
                if let Some(html) = block(text, items, payment) =>
            {
                events.push(Event::Html(CowStr::from(html)));
                after
            }
            _ => {
                events.push(match event {
                    Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw.clone()),
                    other => other.clone(),
                });
                length += if let Event::Text(text) = event { text.len() + 8 } else { 8 };
                after
            }
        };
    }
    let mut out = String::with_capacity(length);
    pulldown_cmark::html::push_html(&mut out, events.into_iter());
    out
}

/// Whether one of the marks is still there: it stood inside a sentence, where no block can stand.
pub(super) fn has_mark(html: &str) -> bool {
    html.contains(ITEMS) || html.contains(PAYMENT)
}

fn block<'a>(text: &str, items: &'a str, payment: &'a str) -> Option<&'a str> {
    match text {
        ITEMS => Some(items),
        PAYMENT => Some(payment),
        _ => None,
    }
}

/// The letter as plain text: paragraphs apart, lists with hyphens, links written out.
pub(super) fn to_text(letter: &Parsed<'_>, items: &str, payment: &str) -> String {
    let words = letter.0.iter().map(|e| if let Event::Text(text) = e { text.len() } else { 2 }).sum::<usize>();
    let mut out = String::with_capacity(words + items.len() + payment.len());
    let mut links: Vec<&str> = Vec::new();
    for event in &letter.0 {
        match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) | Event::Code(text) => {
                out.push_str(block(text, items, payment).unwrap_or(text));
            }
            Event::SoftBreak | Event::HardBreak => out.push('\n'),
            Event::Start(Tag::Item) => out.push_str("- "),
            Event::Start(Tag::Link { dest_url, .. }) => links.push(dest_url),
            Event::End(TagEnd::Link) => {
                if let Some(url) = links.pop().filter(|url| !out.ends_with(url)) {
                    out.push_str(&format!(" ({url})"));
                }
            }
            Event::End(TagEnd::Item) => out.push('\n'),
            Event::End(TagEnd::List(_)) => {
                out.truncate(out.trim_end().len());
                out.push_str("\n\n");
            }
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_)) => out.push_str("\n\n"),
            Event::Rule => out.push_str("---\n\n"),
            _ => {}
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(value: &str) -> String {
        let mut out = String::new();
        escape(value, &mut out);
        out
    }

    #[test]
    fn values_mean_themselves() {
        let hostile = "Müller *& Söhne* <script>alert(1)</script> [x](http://y) # 1. - `code`";
        let markdown = format!("Dear {},\n\nbye", escaped(hostile));
        assert_eq!(to_text(&parse(&markdown), "", ""), format!("Dear {hostile},\n\nbye\n"));
        let html = to_html(&parse(&markdown), "", "");
        assert!(!html.contains("<script") && !html.contains("<em>") && !html.contains("<a "), "{html}");
    }

    #[test]
    fn marks_become_blocks() {
        let markdown = format!("a\n\n{ITEMS}\n\nb");
        assert_eq!(to_html(&parse(&markdown), "<table></table>", ""), "<p>a</p>\n<table></table>\n<p>b</p>\n");
        assert_eq!(to_text(&parse(&markdown), "rows", ""), "a\n\nrows\n\nb\n");
    }

    #[test]
    fn one_empty_line_stands_behind_a_list() {
        for list in ["- b\n- c", "- b\n\n- c"] {
            let text = to_text(&parse(&format!("a\n\n{list}\n\nd")), "", "");
            assert!(text.ends_with("- c\n\nd\n"), "{text}");
        }
    }

    #[test]
    fn a_mark_inside_a_paragraph_stays_and_is_seen() {
        for markdown in [format!("Hello {ITEMS} x"), format!("{ITEMS}\nmore"), format!("a\n{PAYMENT}"), format!("- {ITEMS}")] {
            let html = to_html(&parse(&markdown), "<table></table>", "<table></table>");
            assert!(has_mark(&html) && !html.contains("<table>"), "{html}");
        }
        assert!(!has_mark(&to_html(&parse(&format!("a\n\n{ITEMS}\n\n{PAYMENT}\n")), "x", "y")));
    }

    #[test]
    fn raw_html_in_a_letter_is_shown() {
        let html = to_html(&parse("<img src=x onerror=alert(1)>\n\nhi <b>there</b>"), "", "");
        assert!(!html.contains("<img") && !html.contains("<b>"), "{html}");
    }
}

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

/// The letter as HTML. A paragraph that is a mark becomes its block; raw HTML in a letter is shown, not run.
pub(super) fn to_html(markdown: &str, items: &str, payment: &str) -> String {
    let mut out = String::with_capacity(markdown.len() * 2 + items.len() + payment.len());
    let source: Vec<Event> = Parser::new(markdown).collect();
    let mut events: Vec<Event> = Vec::with_capacity(source.len());
    let mut rest = source.as_slice();
    while let Some((event, after)) = rest.split_first() {
        rest = match rest {
            [Event::Start(Tag::Paragraph), Event::Text(text), Event::End(TagEnd::Paragraph), after @ ..]
                if let Some(html) = block(text, items, payment) =>
            {
                events.push(Event::Html(CowStr::from(html.to_owned())));
                after
            }
            _ => {
                events.push(match event {
                    Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw.clone()),
                    other => other.clone(),
                });
                after
            }
        };
    }
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
pub(super) fn to_text(markdown: &str, items: &str, payment: &str) -> String {
    let mut out = String::with_capacity(markdown.len() + items.len() + payment.len());
    let mut links: Vec<String> = Vec::new();
    for event in Parser::new(markdown) {
        match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) | Event::Code(text) => {
                out.push_str(block(&text, items, payment).unwrap_or(&text));
            }
            Event::SoftBreak | Event::HardBreak => out.push('\n'),
            Event::Start(Tag::Item) => out.push_str("- "),
            Event::Start(Tag::Link { dest_url, .. }) => links.push(dest_url.to_string()),
            Event::End(TagEnd::Link) => {
                if let Some(url) = links.pop().filter(|url| !out.ends_with(url.as_str())) {
                    out.push_str(&format!(" ({url})"));
                }
            }
            Event::End(TagEnd::Item) => out.push('\n'),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::List(_)) => out.push_str("\n\n"),
            Event::Rule => out.push_str("---\n\n"),
            _ => {}
        }
    }
    format!("{}\n", out.trim_end())
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
        assert_eq!(to_text(&markdown, "", ""), format!("Dear {hostile},\n\nbye\n"));
        let html = to_html(&markdown, "", "");
        assert!(!html.contains("<script") && !html.contains("<em>") && !html.contains("<a "), "{html}");
    }

    #[test]
    fn marks_become_blocks() {
        let markdown = format!("a\n\n{ITEMS}\n\nb");
        assert_eq!(to_html(&markdown, "<table></table>", ""), "<p>a</p>\n<table></table>\n<p>b</p>\n");
        assert_eq!(to_text(&markdown, "rows", ""), "a\n\nrows\n\nb\n");
    }

    #[test]
    fn a_mark_inside_a_paragraph_stays_and_is_seen() {
        for markdown in [format!("Hello {ITEMS} x"), format!("{ITEMS}\nmore"), format!("a\n{PAYMENT}"), format!("- {ITEMS}")] {
            let html = to_html(&markdown, "<table></table>", "<table></table>");
            assert!(has_mark(&html) && !html.contains("<table>"), "{html}");
        }
        assert!(!has_mark(&to_html(&format!("a\n\n{ITEMS}\n\n{PAYMENT}\n"), "x", "y")));
    }

    #[test]
    fn raw_html_in_a_letter_is_shown() {
        let html = to_html("<img src=x onerror=alert(1)>\n\nhi <b>there</b>", "", "");
        assert!(!html.contains("<img") && !html.contains("<b>"), "{html}");
    }
}

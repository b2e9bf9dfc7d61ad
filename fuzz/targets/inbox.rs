//! What comes back by mail, and what the server says that hands it over.

use super::{halves, text};
use jiff::civil::{Date, date};
use relance::domain::attempt::FaultClass;
use relance::domain::inbound::{Came, Clues, MOST_CLUES, MOST_LINE, MOST_TEXT};
use relance::domain::tame::is_tame;
use relance::inbox::imap::answer::{Answer, Bounds, Wire};
use relance::inbox::read::{self, Ours};

/// The day on which all of it came.
const TODAY: Date = date(2026, 7, 20);

/// A mail of anybody's: it becomes something, the same each time, in tame lines of bounded length.
pub fn mail_in(data: &[u8]) {
    let ours = Ours::new("bounces@canal.example", "compta@canal.example");
    let mail = read::read(data, &ours, TODAY);
    assert_eq!(mail, read::read(data, &ours, TODAY));
    one_line(&mail.subject);
    lines(&mail.text);
    bounded(&mail.clues);
    match &mail.came {
        Came::Failed(returned) | Came::Delayed(returned) => {
            one_line(&returned.words);
            assert!(mail.clues.from.is_none() && mail.text.is_empty(), "a report is of nobody");
            // What has run out of time says nothing for good about an address.
            assert!(!(returned.expired && returned.class == FaultClass::Address), "{returned:?}");
        }
        Came::Automatic { back_on } => back_on.iter().for_each(|day| assert!(*day >= TODAY)),
        _ => {}
    }
}

fn bounded(clues: &Clues) {
    assert!(clues.tokens.len() <= MOST_CLUES && clues.answers.len() <= MOST_CLUES);
    assert!(clues.tokens.iter().all(|t| t.token.len() <= 100 && matches!(t.purpose, "bounce" | "reply")));
    let ids = [&clues.envelope_id, &clues.returned_id, &clues.from, &clues.recipient].into_iter().flatten();
    for id in ids.chain(&clues.answers) {
        assert!(id.chars().count() <= 2 * MOST_LINE && !id.contains(char::is_control), "{id:?}");
    }
}

fn one_line(text: &str) {
    assert!(is_tame(text) && text.chars().count() <= MOST_LINE, "{text:?}");
}

fn lines(text: &str) {
    assert!(text.chars().count() <= MOST_TEXT && text.lines().all(is_tame) && !text.contains('\r'), "{text:?}");
}

/// The day on which somebody is back: the first line is the subject.
pub fn back_on(data: &[u8]) {
    let text = text(data);
    let (subject, words) = halves(&text);
    if let Some(day) = read::back_on(subject, words, TODAY) {
        assert!(day >= TODAY && day <= TODAY.saturating_add(jiff::Span::new().days(402)), "{day}");
    }
}

/// A person's own words, of plain text and of a page.
pub fn own_words(data: &[u8]) {
    let text = text(data);
    lines(&read::own_words(&text));
    let page = read::to_text(&text);
    assert!(page.len() <= 4 * text.len() + (128 << 10), "{} of {}", page.len(), text.len());
    lines(&read::own_words(&page));
}

/// A server's answers, one after the other.
pub fn imap_answer(data: &[u8]) {
    let bounds = Bounds { line: 4_096, counted: 4_096 };
    let both = tokio::io::join(std::io::Cursor::new(data.to_vec()), tokio::io::sink());
    let mut wire = Wire::new(Box::new(both));
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    for _ in 0..1_000 {
        match runtime.block_on(wire.answer(bounds)) {
            Ok(Answer::Untagged(untagged)) => {
                assert!(untagged.text().len() <= 2 * bounds.line && untagged.word().len() <= 160);
                assert!(untagged.found().count() <= bounds.line);
                let body = untagged.fetched().and_then(|f| f.body);
                assert!(body.is_none_or(|b| b.len() <= bounds.counted.max(bounds.line)));
            }
            Ok(Answer::Done(done)) => assert!(is_tame(&done.words) && done.words.chars().count() <= 300),
            Ok(Answer::Continue) => {}
            Err(e) => return assert!(e.to_string().len() < 1_000, "{e}"),
        }
    }
}

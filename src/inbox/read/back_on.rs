//! The day on which somebody is back, out of an automatic answer in French, Dutch, German or English. A day is taken only where
//! the words leave no doubt of it: one remark less is better than a wrong one.

use jiff::civil::Date;

/// So much of an answer is looked at.
const MOST: usize = 4_000;

/// An absence that is to end later than so many days from now is none that anybody wrote of.
const LONGEST: i64 = 400;

/// Without a year the next such day is meant; so many days ahead it may as well be the last one.
const LONGEST_WITHOUT_YEAR: i64 = 270;

/// What words say of the day that follows them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    /// Somebody is there again on this day.
    Back,
    /// Somebody is away on this day still.
    Last,
}

/// Whether a day of figures stands as day/month or, as in America, perhaps the other way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    DayFirst,
    Either,
}

use Means::{Back, Last};
use Order::{DayFirst, Either};

/// Words before a day; the longer before those that they begin with.
const BEFORE: [(&str, Means, Order); 62] = [
    ("jusqu'au", Last, DayFirst),
    ("jusqu au", Last, DayFirst),
    ("jusqu'à la date du", Last, DayFirst),
    ("de retour au bureau le", Back, DayFirst),
    ("de retour au bureau à partir du", Back, DayFirst),
    ("de retour à partir du", Back, DayFirst),
    ("de retour dès le", Back, DayFirst),
    ("de retour le", Back, DayFirst),
    ("de retour au bureau", Back, DayFirst),
    ("retour au bureau le", Back, DayFirst),
    ("retour prévu le", Back, DayFirst),
    ("mon retour le", Back, DayFirst),
    ("serai de retour", Back, DayFirst),
    ("serons de retour le", Back, DayFirst),
    ("réouverture le", Back, DayFirst),
    ("rouvrirons le", Back, DayFirst),
    ("tot en met", Last, DayFirst),
    ("t/m", Last, DayFirst),
    ("t.e.m.", Last, DayFirst),
    ("t.e.m", Last, DayFirst),
    ("tem", Last, DayFirst),
    ("terug op kantoor op", Back, DayFirst),
    ("terug op kantoor vanaf", Back, DayFirst),
    ("terug op", Back, DayFirst),
    ("terug vanaf", Back, DayFirst),
    ("terug aanwezig op", Back, DayFirst),
    ("terug aanwezig vanaf", Back, DayFirst),
    ("weer aanwezig op", Back, DayFirst),
    ("weer aanwezig vanaf", Back, DayFirst),
    ("weer bereikbaar op", Back, DayFirst),
    ("weer bereikbaar vanaf", Back, DayFirst),
    ("opnieuw bereikbaar vanaf", Back, DayFirst),
    ("opnieuw aanwezig vanaf", Back, DayFirst),
    ("terug bereikbaar vanaf", Back, DayFirst),
    ("terug bereikbaar op", Back, DayFirst),
    ("bis einschließlich", Last, DayFirst),
    ("bis einschliesslich", Last, DayFirst),
    ("bis inklusive", Last, DayFirst),
    ("bis einschl.", Last, DayFirst),
    ("bis zum", Last, DayFirst),
    ("bis", Last, DayFirst),
    ("wieder erreichbar ab", Back, DayFirst),
    ("wieder im büro ab", Back, DayFirst),
    ("wieder im büro am", Back, DayFirst),
    ("wieder da ab", Back, DayFirst),
    ("wieder da am", Back, DayFirst),
    ("wieder zurück am", Back, DayFirst),
    ("zurück ab", Back, DayFirst),
    ("zurück am", Back, DayFirst),
    ("back in the office on", Back, Either),
    ("back in the office from", Back, Either),
    ("back at work on", Back, Either),
    ("back on", Back, Either),
    ("back from", Back, Either),
    ("return to the office on", Back, Either),
    ("returning to the office on", Back, Either),
    ("returning on", Back, Either),
    ("return on", Back, Either),
    ("up to and including", Last, Either),
    ("through", Last, Either),
    ("until", Last, Either),
    ("till", Last, Either),
];

/// Words behind a day that say somebody is back then, where `ab`, `am`, `vanaf` or `à partir du` stood before it.
const FROM: [(&str, &[&str]); 5] = [
    ("ab", &["wieder", "bin ich wieder", "sind wir wieder", "stehe ich ihnen wieder", "erreichen sie mich wieder"]),
    ("am", &["bin ich wieder", "sind wir wieder", "wieder erreichbar", "wieder im büro", "wieder für sie"]),
    (
        "vanaf",
        &[
            "ben ik terug",
            "ben ik weer",
            "ben ik opnieuw",
            "terug",
            "weer bereikbaar",
            "opnieuw bereikbaar",
            "zijn we terug",
            "zijn wij terug",
        ],
    ),
    ("à partir du", &["je serai de retour", "je serai à nouveau", "nous serons de retour"]),
    ("dès le", &["je serai de retour", "je serai à nouveau", "nous serons de retour"]),
];

/// Words that may stand between those and the day.
const BETWEEN: [&str; 52] = [
    "le",
    "au",
    "du",
    "the",
    "on",
    "op",
    "den",
    "dem",
    "am",
    "zum",
    "of",
    "day",
    "and",
    "including",
    "y",
    "compris",
    "inclus",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "maandag",
    "dinsdag",
    "woensdag",
    "donderdag",
    "vrijdag",
    "zaterdag",
    "zondag",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "mo",
    "ma",
];

/// Months by how their names begin; whatever begins a name of two months is in neither.
const MONTHS: [(&str, i8); 44] = [
    ("janvier", 1),
    ("januari", 1),
    ("januar", 1),
    ("jänner", 1),
    ("january", 1),
    ("jan", 1),
    ("février", 2),
    ("fevrier", 2),
    ("februari", 2),
    ("februar", 2),
    ("february", 2),
    ("feb", 2),
    ("mars", 3),
    ("maart", 3),
    ("märz", 3),
    ("march", 3),
    ("avril", 4),
    ("april", 4),
    ("apr", 4),
    ("mai", 5),
    ("mei", 5),
    ("may", 5),
    ("juin", 6),
    ("juni", 6),
    ("june", 6),
    ("juillet", 7),
    ("juli", 7),
    ("july", 7),
    ("août", 8),
    ("aout", 8),
    ("augustus", 8),
    ("august", 8),
    ("aug", 8),
    ("septembre", 9),
    ("september", 9),
    ("sept", 9),
    ("octobre", 10),
    ("oktober", 10),
    ("october", 10),
    ("novembre", 11),
    ("november", 11),
    ("décembre", 12),
    ("dezember", 12),
    ("december", 12),
];

/// The first day on which somebody is back, by an answer that came on a day. Where several are named, none is certain.
pub fn back_on(subject: &str, text: &str, received: Date) -> Option<Date> {
    let mut days = Vec::new();
    for words in [subject, text] {
        let words = plain(words);
        find(&words, received, &mut days);
    }
    // «Away until the 14th, back on the 17th»: the 17th.
    let of = |means| days.iter().filter(|(found, _)| *found == means).map(|(_, day)| *day).collect::<Vec<Date>>();
    only(of(Back)).or_else(|| if of(Back).is_empty() { only(of(Last))?.tomorrow().ok() } else { None })
}

fn only(mut days: Vec<Date>) -> Option<Date> {
    days.dedup();
    days.sort();
    days.dedup();
    if days.len() == 1 { days.pop() } else { None }
}

/// Small letters, plain apostrophes, one space between words.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(MOST).flat_map(char::to_lowercase) {
        match c {
            '’' | '‘' => out.push('\''),
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out
}

fn find(text: &str, received: Date, days: &mut Vec<(Means, Date)>) {
    let word_begins = |at: usize| !text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
    let behind = |at: usize, words: &str| {
        let rest = &text[at + words.len()..];
        rest.starts_with([' ', ':']).then(|| rest.trim_start_matches([' ', ':']))
    };
    for (words, means, order) in BEFORE {
        for (at, _) in text.match_indices(words).filter(|(at, _)| word_begins(*at)) {
            // `zurück bis 3. August`, `wieder ab`: the words right before the day count; «open until» is none of ours.
            let day = behind(at, words).and_then(|rest| day(rest, order, received));
            days.extend(day.map(|(day, _)| (means, day)));
        }
    }
    for (words, then) in FROM {
        for (at, _) in text.match_indices(words).filter(|(at, _)| word_begins(*at)) {
            let Some((day, rest)) = behind(at, words).and_then(|rest| day(rest, DayFirst, received)) else { continue };
            let rest = rest.trim_start_matches([',', '.', ' ']);
            if then.iter().any(|then| rest.starts_with(then)) {
                days.push((Back, day));
            }
        }
    }
}

/// A day at the beginning of a text, and what follows it.
fn day(text: &str, order: Order, received: Date) -> Option<(Date, &str)> {
    let mut rest = text;
    for _ in 0..4 {
        let word = rest.split([' ', ',', '.', '(']).next().unwrap_or_default();
        if !BETWEEN.contains(&word) {
            break;
        }
        rest = rest[word.len()..].trim_start_matches([' ', ',', '.', '(']);
    }
    by_name(rest).or_else(|| by_figures(rest, order)).and_then(|(day, month, year, rest)| {
        let date = match year {
            Some(year) => Date::new(year, month, day).ok()?,
            None => next(day, month, received)?,
        };
        let ahead = i64::from(received.until(date).ok()?.get_days());
        let longest = if year.is_some() { LONGEST } else { LONGEST_WITHOUT_YEAR };
        (0..=longest).contains(&ahead).then_some((date, rest))
    })
}

/// The next such day, on which it came included.
fn next(day: i8, month: i8, received: Date) -> Option<Date> {
    (0..=1).filter_map(|more| Date::new(received.year() + more, month, day).ok()).find(|date| *date >= received)
}

type Found<'t> = (i8, i8, Option<i16>, &'t str);

/// `15 août 2026`, `15. August`, `1er août`, `August 15th, 2026`.
fn by_name(text: &str) -> Option<Found<'_>> {
    if let Some((day, rest)) = number(text, 2) {
        let rest =
            ["er", "ste", "de", "e", "st", "nd", "rd", "th", "."].iter().find_map(|end| rest.strip_prefix(end)).unwrap_or(rest);
        let rest = rest.trim_start_matches(' ');
        let rest = rest.strip_prefix("of ").unwrap_or(rest);
        let (month, rest) = month(rest)?;
        let (year, rest) = year(rest.trim_start_matches([',', '.']));
        return Some((i8::try_from(day).ok()?, month, year, rest));
    }
    let (month, rest) = month(text)?;
    let (day, rest) = number(rest.trim_start_matches(['.', ' ']).trim_start_matches("the "), 2)?;
    let rest = ["st", "nd", "rd", "th"].iter().find_map(|end| rest.strip_prefix(end)).unwrap_or(rest);
    if rest.starts_with(|c: char| c.is_alphanumeric()) || is_time(rest) {
        return None;
    }
    let (year, rest) = year(rest.trim_start_matches([',', '.']));
    Some((i8::try_from(day).ok()?, month, year, rest))
}

/// `9:30` is no day of August.
fn is_time(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next() == Some(':') && chars.next().is_some_and(|c| c.is_ascii_digit())
}

fn month(text: &str) -> Option<(i8, &str)> {
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    MONTHS.iter().find(|(name, _)| *name == word).map(|(_, month)| (*month, rest))
}

/// A year of four figures, if one follows.
fn year(text: &str) -> (Option<i16>, &str) {
    match number(text.trim_start_matches(' '), 4) {
        Some((year, rest)) if (2000..2200).contains(&year) && !is_time(rest) => (i16::try_from(year).ok(), rest),
        _ => (None, text),
    }
}

/// `2026-08-15`, `15.08.2026`, `15/8`, `15-08-26`.
fn by_figures(text: &str, order: Order) -> Option<Found<'_>> {
    if let Some((year, rest)) = number(text, 4).filter(|(year, _)| (2000..2200).contains(year)) {
        let (month, rest) = number(rest.strip_prefix('-')?, 2)?;
        let (day, rest) = number(rest.strip_prefix('-')?, 2)?;
        let whole = !rest.starts_with(|c: char| c.is_alphanumeric());
        return whole.then_some((i8::try_from(day).ok()?, i8::try_from(month).ok()?, i16::try_from(year).ok(), rest));
    }
    let (first, rest) = number(text, 2)?;
    let mark = rest.chars().next().filter(|c| matches!(c, '.' | '/' | '-'))?;
    let (second, rest) = number(rest[1..].trim_start_matches(' '), 2)?;
    let (mut day, mut month) = (first, second);
    if mark == '/' && order == Either {
        // In English only one that can be no month tells.
        match (first > 12, second > 12) {
            (true, false) => {}
            (false, true) => (day, month) = (second, first),
            _ if first == second => {}
            _ => return None,
        }
    }
    let (year, rest) = match rest.strip_prefix(mark) {
        Some(more) => match number(more.trim_start_matches(' '), 4) {
            Some((year, rest)) if (2000..2200).contains(&year) => (i16::try_from(year).ok(), rest),
            Some((year, rest))
                if year < 100 && more.starts_with(|c: char| c.is_ascii_digit()) && more.len() - rest.len() == 2 =>
            {
                (i16::try_from(2000 + year).ok(), rest)
            }
            Some(_) => return None,
            None => (None, more),
        },
        // `15.8` may be a number, `15-8` a range.
        None if mark == '/' => (None, rest),
        None => return None,
    };
    let whole = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '%');
    whole.then_some((i8::try_from(day).ok()?, i8::try_from(month).ok()?, year, rest))
}

/// A number of at most so many figures, and what follows it; one of more figures is none.
fn number(text: &str, most: usize) -> Option<(u32, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    if end == 0 || end > most {
        return None;
    }
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::back_on;
    use jiff::civil::{Date, date};

    const TODAY: Date = date(2026, 7, 20);

    fn read(text: &str) -> Option<String> {
        back_on("", text, TODAY).map(|d| d.to_string())
    }

    #[test]
    fn days_are_read_in_four_languages() {
        for (text, day) in [
            ("Je suis absent jusqu'au 15 août.", "2026-08-16"),
            ("absente jusqu’au vendredi 14 août inclus ; de retour le lundi 17 août", "2026-08-17"),
            ("Je serai de retour le 1er septembre 2026.", "2026-09-01"),
            ("Bureau fermé du 20/07 jusqu'au 31/07/2026", "2026-08-01"),
            ("À partir du 17 août, je serai à nouveau joignable", "2026-08-17"),
            ("Ik ben afwezig t/m 15 augustus.", "2026-08-16"),
            ("afwezig tot en met zondag 16 augustus 2026", "2026-08-17"),
            ("Ik ben terug op maandag 17 augustus", "2026-08-17"),
            ("Vanaf 17 augustus ben ik terug bereikbaar", "2026-08-17"),
            ("Ich bin bis 15.08.2026 nicht im Büro", "2026-08-16"),
            ("bis einschließlich Freitag, den 14. August", "2026-08-15"),
            ("Ab dem 17.08. bin ich wieder erreichbar", "2026-08-17"),
            ("bis zum 15.8. abwesend", "2026-08-16"),
            ("Am 17. August bin ich wieder im Büro", "2026-08-17"),
            ("out of office until 15 August", "2026-08-16"),
            ("I will be back on Monday, August 17th, 2026.", "2026-08-17"),
            ("back in the office on 17 August at 9:00", "2026-08-17"),
            ("returning on 2026-08-17", "2026-08-17"),
            ("I am away until 8/15/2026", "2026-08-16"),
            ("Absent jusqu'au 2 janvier", "2027-01-03"),
            ("jusqu'au 15 août / t/m 15 augustus / until 15 August", "2026-08-16"),
        ] {
            assert_eq!(read(text).as_deref(), Some(day), "{text}");
        }
        assert_eq!(back_on("Absent jusqu'au 15 août", "Je réponds bientôt", TODAY), Some(date(2026, 8, 16)));
    }

    #[test]
    fn what_is_not_certain_is_none() {
        for text in [
            "I am away until 8/9/2026",
            "Je suis absent jusqu'au 15",
            "jusqu'au 32 août",
            "jusqu'au 15 août 2019",
            "bis 15 Uhr nicht da",
            "bis 15.8 Prozent",
            "until 15 people",
            "jusqu'au 5 août ou jusqu'au 12 août",
            "back on 3 August, or back on 4 August",
            "jusqu'au 10 juillet",
            "de retour le 99999999999999999999 août",
            "facture du 15 août 2026",
            "until further notice",
            "2026-08-15",
            "back on May 9:30",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

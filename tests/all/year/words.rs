//! Rules of the words (R17's neutral ones, R20's dates, R23, R24), with the judge's own lists in four languages.

use super::court::{Breach, Court, rank};
use super::days::works;
use jiff::civil::{Date, date};
use std::collections::{BTreeMap, BTreeSet};

/// The creditor's account.
const IBAN: &str = "BE71096123456769";

const MONTHS: [[&str; 12]; 4] = [
    ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"],
    ["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"],
    ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
];

/// What a neighbour who sees a subject line or an SMS would take for a debt.
const DEBT: [&str; 34] = [
    "rappel",
    "retard",
    "échu",
    "impay",
    "payer",
    "paiement",
    "dette",
    "solde",
    "somme",
    "mise en demeure",
    "€",
    "£",
    "herinner",
    "vervallen",
    "betaal",
    "betal",
    "schuld",
    "achterstall",
    "aanmaning",
    "openstaand",
    "mahnung",
    "zahlung",
    "zahlen",
    "fällig",
    "schulden",
    "offene",
    "erinnerung",
    "remind",
    "overdue",
    "unpaid",
    "payment",
    "debt",
    "owe",
    "outstanding",
];

/// What belongs into a formal notice at the earliest, if anywhere.
const THREATS: [&str; 38] = [
    "huissier",
    "tribunal",
    "saisie",
    "justice",
    "poursuite",
    "contentieux",
    "recouvrement forcé",
    "liste noire",
    "mauvais payeur",
    "sous toutes réserves",
    "avocat",
    "deurwaarder",
    "rechtbank",
    "dagvaard",
    "gerechtelijk",
    "beslag",
    "incassobureau",
    "zwarte lijst",
    "wanbetaler",
    "onder voorbehoud",
    "advocaat",
    "gericht",
    "gerichtsvollzieher",
    "pfändung",
    "inkasso",
    "klage",
    "anwalt",
    "schufa",
    "mahnbescheid",
    "bailiff",
    "court",
    "seizure",
    "legal action",
    "solicitor",
    "blacklist",
    "bad payer",
    "without prejudice",
    "lawsuit",
];

/// Words for the last of its kind.
const LAST: [&str; 18] = [
    "dernier",
    "derniers",
    "dernière",
    "dernières",
    "ultime",
    "laatste",
    "allerlaatste",
    "letzte",
    "letzten",
    "letzter",
    "letztes",
    "letztmalig",
    "letztmals",
    "last",
    "final",
    "endgültig",
    "définitif",
    "ultieme",
];

/// Where a copy or a question is offered.
const COPY: [&str; 8] = ["copie", "kopie", "Kopie", "copy", "pièce", "document", "stuk", "Unterlage"];

/// The dates in letters of a text, in any of the four languages.
pub fn long_dates(text: &str) -> Vec<Date> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let found = words.windows(3).filter_map(|w| {
        let month = MONTHS.iter().find_map(|names| names.iter().position(|m| *m == w[1]))?;
        let day = w[0].trim_end_matches("er").trim_end_matches('.').parse().ok()?;
        let year: String = w[2].chars().take_while(char::is_ascii_digit).collect();
        Date::new(year.parse().ok()?, i8::try_from(month).ok()? + 1, day).ok()
    });
    found.collect()
}

/// R17: a private person's subject and SMS say nothing of a debt.
pub fn r17_neutral(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        if court.customers[&contact.debtor].is("kind", contact.at) == Some("business") {
            continue;
        }
        for entry in contact.entries.iter().map(|e| &court.papers.log[*e]) {
            let text = match court.papers.letters.get(&entry.message) {
                Some(letter) => letter.subject.to_lowercase(),
                None => court.papers.texts.get(&entry.message).map(|t| t.1.to_lowercase()).unwrap_or_default(),
            };
            if text.is_empty() {
                out.push(court.breach("R17", contact, "what was sent is not to be found"));
            }
            if let Some(word) = DEBT.iter().find(|w| text.contains(**w)) {
                out.push(court.breach("R17", contact, format!("“{word}” is to be read in “{text}”")));
            }
        }
    }
}

/// R20: a date that a letter sets is a working day, here and at the customer's.
pub fn r20_deadlines(court: &Court, out: &mut Vec<Breach>) {
    for contact in &court.contacts {
        let Some(letter) = court.letter(contact) else { continue };
        let rows: Vec<_> = court.rows_of(&contact.debtor, &contact.currency).map(|(_, r)| r).collect();
        let own = |day: Date| rows.iter().any(|r| r.due == day || r.issued == day);
        let set = long_dates(&letter.text).into_iter().filter(|d| *d > contact.local.date() && !own(*d));
        let calendars = court.calendars(&contact.debtor);
        for day in set.collect::<BTreeSet<_>>() {
            if !works(day, &calendars) {
                out.push(court.breach(
                    "R20",
                    contact,
                    format!("it sets {day}, which is no working day ({})", day.strftime("%A")),
                ));
            }
        }
        let firm = rank(&contact.cadence, &contact.step) >= Some(2);
        if firm && !long_dates(&letter.text).iter().any(|d| *d > contact.local.date()) {
            out.push(court.breach("R20", contact, "a firm letter that sets no day"));
        }
    }
}

/// Words of a text, in small letters.
fn words_of(text: &str) -> Vec<String> {
    text.to_lowercase().split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// R23: no threats; “last” once for an invoice and term, in the final letter; one account, the creditor's.
pub fn r23(court: &Court, out: &mut Vec<Breach>) {
    let mut said: BTreeMap<(&str, usize), Date> = BTreeMap::new();
    for contact in &court.contacts {
        let letters = contact.entries.iter().filter_map(|e| court.papers.letters.get(&court.papers.log[*e].message));
        for letter in letters {
            // The customer's own name, and whoever is greeted, say nothing about what the letter means.
            let text = letter.text.to_lowercase();
            let words = words_of(&letter.text);
            let threat = THREATS.iter().find(|t| match t.contains(' ') {
                true => text.contains(**t),
                false => words.iter().any(|w| w.starts_with(**t)),
            });
            if let Some(word) = threat {
                out.push(court.breach("R23", contact, format!("it says “{word}”")));
            }
            let count = words.iter().filter(|w| LAST.contains(&w.as_str())).count();
            if count > 1 || (count == 1 && contact.step != "final") {
                out.push(court.breach("R23", contact, format!("“last” stands in it {count} times")));
            }
            for account in accounts(&letter.text).into_iter().chain(accounts(&letter.html)).filter(|a| a != IBAN) {
                out.push(court.breach("R23", contact, format!("an account that is not the creditor's: {account}")));
            }
            // The note to a key account is a person's own, and asks for no transfer.
            if rank(&contact.cadence, &contact.step) >= Some(1)
                && contact.step != "personal"
                && !accounts(&letter.text).contains(&IBAN.to_owned())
            {
                out.push(court.breach("R23", contact, "it does not say where to pay"));
            }
        }
        let last = |l: &super::read::Letter| words_of(&l.text).iter().any(|w| LAST.contains(&w.as_str()));
        if court.letter(contact).is_some_and(|l| last(l)) {
            for number in &contact.asked {
                if let Some(on) = said.insert((number, court.rows[number].term(contact.at)), contact.local.date()) {
                    out.push(court.breach("R23", contact, format!("“last” was said of {number} on {on}")));
                }
            }
        }
    }
}

/// What looks like an account: two capitals, two digits, and eight digits or more behind them, in groups or not.
fn accounts(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let heads = (0..bytes.len().saturating_sub(4)).filter(|i| {
        let begins = *i == 0 || !bytes[i - 1].is_ascii_alphanumeric();
        begins && bytes[*i..i + 2].iter().all(u8::is_ascii_uppercase) && bytes[i + 2..i + 4].iter().all(u8::is_ascii_digit)
    });
    let account = |start: usize| {
        let tail: String = text[start..].chars().take(80).collect::<String>().replace("&nbsp;", " ");
        let run = tail
            .chars()
            .take(48)
            .take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, ' ' | '\u{a0}' | '\u{202f}'));
        let run: String = run.filter(|c| !c.is_whitespace()).collect();
        let digits = run.chars().filter(char::is_ascii_digit).count();
        (digits >= 10).then(|| run.trim_end_matches(|c: char| c.is_ascii_uppercase()).to_owned())
    };
    heads.filter_map(account).collect()
}

/// R24: from the first overdue step on a copy goes along where there is one; else the letter says how to ask.
pub fn r24(court: &Court, out: &mut Vec<Breach>) {
    for contact in court.contacts.iter().filter(|c| rank(&c.cadence, &c.step) >= Some(1)) {
        let Some(letter) = court.letter(contact) else { continue };
        let mut lacking = 0;
        for number in &contact.asked {
            let attached = letter.files.iter().any(|(_, bytes)| bytes.windows(number.len()).any(|w| w == number.as_bytes()));
            match &court.rows[number].document {
                Some(_) if !attached => out.push(court.breach("R24", contact, format!("the copy of {number} is not attached"))),
                None => lacking += 1,
                _ => {}
            }
        }
        let asks = COPY.iter().any(|w| letter.text.contains(*w)) && letter.text.contains("compta@canal.example");
        if lacking > 0 && !asks {
            out.push(court.breach("R24", contact, "it has no copy, and does not say how to get one"));
        }
        let foreign = letter.files.iter().find(|(name, _)| !contact.asked.iter().any(|n| name.contains(n.as_str())));
        if let Some((name, _)) = foreign {
            out.push(court.breach("R24", contact, format!("{name} is attached and is not what it asks for")));
        }
    }
}

#[test]
fn the_judge_reads_dates_and_accounts() {
    let text = "le 1er mai 2026, op 3 augustus 2026 of am 24.\u{a0}Dezember 2025. By 6 May 2026?";
    assert_eq!(long_dates(text), [date(2026, 5, 1), date(2026, 8, 3), date(2025, 12, 24), date(2026, 5, 6)]);
    assert_eq!(accounts("IBAN: BE71 0961 2345 6769\n  2026-0001 DE89370400440532013000."), [IBAN, "DE89370400440532013000"]);
}

//! A person's own words out of an answer: what is quoted below or between goes, and so does what stands under every mail of
//! theirs. Where nothing is left, the beginning of the whole is kept: better too much than nothing.

use crate::domain::inbound::MOST_TEXT;
use crate::domain::tame::tame;

/// So many lines are looked at.
const MOST_LINES: usize = 4_000;

/// The longest line by which a mail program begins a quote, over as many lines as it may be broken into.
const LONGEST_BEGINNING: usize = 400;
const BROKEN_INTO: usize = 3;

/// What a person wrote, in tame lines of at most [`MOST_TEXT`] characters together.
pub fn own_words(text: &str) -> String {
    let lines: Vec<String> = text.lines().take(MOST_LINES).map(one_line).collect();
    let own = kept(&answer(&lines));
    if own.is_empty() { kept(&lines) } else { own }
}

fn one_line(line: &str) -> String {
    let tame: String = line.chars().take(MOST_TEXT).filter_map(tame).collect();
    tame.trim_end().to_owned()
}

/// The lines that are no quote.
fn answer(lines: &[String]) -> Vec<String> {
    let mut own = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if is_signature(line) || is_divider(line) || is_block(&lines[at..]) {
            break;
        }
        if let Some(length) = beginning(&lines[at..]) {
            // Marked lines are left out one by one, for the answer may stand between or below them; where the quote is not
            // marked, nobody can say where it ends.
            let marked = lines[at + length..].iter().find(|l| !l.is_empty()).is_some_and(|l| l.starts_with('>'));
            if !marked {
                break;
            }
            at += length;
            continue;
        }
        if !line.trim_start().starts_with('>') {
            own.push(line.clone());
        }
        at += 1;
    }
    own
}

/// Lines as one text: no more than one empty line between two, and a bound.
fn kept(lines: &[String]) -> String {
    let (mut out, mut count, mut empty) = (String::new(), 0, false);
    for line in lines {
        if line.trim().is_empty() {
            empty = !out.is_empty();
            continue;
        }
        let gap = if out.is_empty() {
            ""
        } else if empty {
            "\n\n"
        } else {
            "\n"
        };
        let room = MOST_TEXT.saturating_sub(count + gap.len());
        if room == 0 {
            break;
        }
        out.push_str(gap);
        out.extend(line.chars().take(room));
        count = out.chars().count();
        empty = false;
    }
    out.trim().to_owned()
}

/// `-- `, under which stands who somebody is.
fn is_signature(line: &str) -> bool {
    line == "--" || line == "—"
}

/// Words by which mail programs say that another mail follows.
const DIVIDERS: [&str; 16] = [
    "original message",
    "message original",
    "message d'origine",
    "message initial",
    "oorspronkelijk bericht",
    "origineel bericht",
    "ursprüngliche nachricht",
    "originalnachricht",
    "original-nachricht",
    "forwarded message",
    "message transféré",
    "doorgestuurd bericht",
    "weitergeleitete nachricht",
    "begin forwarded message",
    "début du message réexpédié",
    "begin doorgestuurd bericht",
];

fn is_divider(line: &str) -> bool {
    let dashed = line.trim().starts_with("---") || line.trim_end().ends_with(':');
    if !dashed || line.chars().count() > 100 {
        return false;
    }
    let words = plain(line);
    let words = words.trim_matches(|c: char| c == '-' || c == ':' || c.is_whitespace());
    DIVIDERS.contains(&words)
}

/// Small letters, plain apostrophes and spaces.
fn plain(line: &str) -> String {
    line.chars().flat_map(char::to_lowercase).map(|c| if c == '’' { '\'' } else { c }).map(space).collect()
}

fn space(c: char) -> char {
    if c.is_whitespace() { ' ' } else { c }
}

/// The fields over an older mail as Outlook and others write them, by what they say.
const FROM: [&str; 5] = ["from", "de", "van", "von", "expéditeur"];
const OTHERS: [&str; 24] = [
    "sent",
    "date",
    "to",
    "subject",
    "cc",
    "envoyé",
    "envoyé le",
    "à",
    "objet",
    "sujet",
    "verzonden",
    "datum",
    "aan",
    "onderwerp",
    "gesendet",
    "an",
    "betreff",
    "reply-to",
    "répondre à",
    "envoye",
    "a",
    "cci",
    "kopie",
    "destinataire",
];

/// Whether an older mail begins here: a sender, and below it two more fields.
fn is_block(lines: &[String]) -> bool {
    let field = |line: &String| {
        let name = plain(line).split_once(':')?.0.trim_matches(|c: char| c == '*' || c.is_whitespace()).to_owned();
        (name.chars().count() <= 20).then_some(name)
    };
    // A rule may stand above it.
    let ruled = lines.first().is_some_and(|l| l.len() >= 10 && l.chars().all(|c| c == '_' || c == '-'));
    let lines: Vec<&String> = lines.iter().skip(usize::from(ruled)).filter(|l| !l.trim().is_empty()).take(7).collect();
    let begins = lines.first().and_then(|l| field(l)).is_some_and(|name| FROM.contains(&name.as_str()));
    begins && lines[1..].iter().filter_map(|l| field(l)).filter(|n| OTHERS.contains(&n.as_str())).count() >= 2
}

/// Whether a quote is announced here (`On … wrote:`), and over how many lines.
fn beginning(lines: &[String]) -> Option<usize> {
    let mut joined = String::new();
    for (n, line) in lines.iter().take(BROKEN_INTO).enumerate() {
        if n > 0 && line.trim().is_empty() {
            return None;
        }
        joined.push_str(if n == 0 { "" } else { " " });
        joined.extend(line.chars().take(LONGEST_BEGINNING));
        if joined.chars().count() > LONGEST_BEGINNING {
            return None;
        }
        if announces(&joined) {
            return Some(n + 1);
        }
    }
    None
}

fn announces(line: &str) -> bool {
    let line = plain(line);
    let line = line.trim();
    let Some(said) = line.strip_suffix(':').map(str::trim_end) else { return false };
    // A date is in it, or at least an address: a sentence of one's own rarely has one.
    let certain = said.contains(|c: char| c.is_ascii_digit()) || said.contains('@');
    let is = |begins: &[&str], ends: &[&str]| begins.iter().any(|b| said.starts_with(b)) && ends.iter().any(|e| said.contains(e));
    certain
        && (is(&["on "], &[" wrote"])
            || is(&["le ", "en date du "], &[" a écrit", " a ecrit"])
            || is(&["op "], &[" schreef", " het volgende geschreven"])
            || is(&["am ", "den "], &[" schrieb"])
            || ["wrote", "a écrit", "schreef", "schrieb"].iter().any(|end| said.ends_with(end)) && said.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_of_the_usual_programs_are_cut() {
        let own = "Bonjour,\n\nDéjà payé.";
        for quote in [
            "Le ven. 3 juil. 2026 à 09:12, Canal <compta+1@canal.example> a écrit :\n> Rappel\n> facture",
            "Le ven. 3 juil. 2026 à 09:12, Atelier du Canal SRL avec un très long nom\n<compta+1-2-3@canal.example> a\nécrit :\n\n> x",
            "On Fri, Jul 3, 2026 at 9:12 AM Canal <c@canal.example> wrote:\n\n> x",
            "Op vr 3 jul 2026 om 09:12 schreef Canal <c@canal.example>:\n\n> x",
            "Op 3 juli 2026 heeft Canal <c@canal.example> het volgende geschreven:\n\nx",
            "Am 03.07.26 um 09:12 schrieb Canal:\n> x",
            "-----Message d’origine-----\nDe : Canal\nrappel",
            "-----Original Message-----\nx",
            "-----Ursprüngliche Nachricht-----\nVon: x",
            "________________________________\nDe : Canal <c@canal.example>\nEnvoyé : vendredi 3 juillet 2026 09:12\nÀ : Moi\nObjet : Rappel\n\nx",
            "Van: Canal <c@canal.example>\nVerzonden: vrijdag 3 juli 2026\nAan: mij\nOnderwerp: x\n\ny",
            "Von: Canal\nGesendet: Freitag\nAn: mir\nBetreff: x\n\ny",
            "*From:* Canal\n*Sent:* Friday\n*To:* me\n*Subject:* x\n\ny",
            "-- \nMarie\n0470 00 00 00",
        ] {
            assert_eq!(own_words(&format!("{own}\n\n{quote}\n")), own, "{quote}");
        }
    }

    #[test]
    fn an_answer_between_or_below_a_quote_is_kept() {
        let text =
            "Le 3 juillet 2026, Canal a écrit :\n> Facture 1 ?\nPayée.\n> Facture 2 ?\n\nContestée : 12 heures.\n-- \nMarie";
        assert_eq!(own_words(text), "Payée.\n\nContestée : 12 heures.");
    }

    #[test]
    fn words_that_only_look_like_a_quote_are_kept() {
        for text in [
            "On a reçu trois rappels, et ma femme wrote to you:\nrien",
            "De : quoi parlez-vous ?",
            "Le montant est faux :\n100 au lieu de 200",
            "From: nowhere",
            "--- important ---\npayé",
        ] {
            assert_eq!(own_words(text), text);
        }
    }

    #[test]
    fn where_all_is_quoted_the_beginning_is_kept() {
        assert_eq!(own_words("> Payé le 3.\n> Rappel"), "> Payé le 3.\n> Rappel");
        assert_eq!(own_words("-----Original Message-----\nx"), "-----Original Message-----\nx");
        assert_eq!(own_words(" \n\n"), "");
    }

    #[test]
    fn what_is_kept_is_bounded_and_tame() {
        let long = own_words(&"mot \u{202e}\u{1b}[2J ".repeat(20_000));
        assert!(long.chars().count() <= MOST_TEXT && !long.contains(['\u{1b}', '\u{202e}']));
        let many = own_words(&"x\n\n".repeat(20_000));
        assert!(many.chars().count() <= MOST_TEXT && many.lines().count() > 1_000);
    }
}

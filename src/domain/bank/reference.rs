//! Payment references: the Belgian structured communication (OGM/VCS) and the creditor reference of ISO 11649 (RF), which
//! prove themselves by check digits, and those of a firm's own making, which do not.

/// A reference, written one way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// Twelve digits, the last two of which check the others.
    Ogm(String),
    /// RF, two check digits and what they check.
    Rf(String),
    /// Letters and digits without a check.
    Own(String),
}

/// The longest reference of any kind.
const LONGEST: usize = 40;

/// So much of a free text is looked through.
const TEXT: usize = 2000;

impl Reference {
    /// Reads a reference that stands alone, with whatever stands between its digits.
    pub fn read(text: &str) -> Option<Reference> {
        let plain = plain(text);
        if is_ogm(&plain) && !text.contains(char::is_alphabetic) {
            return Some(Reference::Ogm(plain));
        }
        if is_rf(&plain) {
            return Some(Reference::Rf(plain));
        }
        (4..=LONGEST).contains(&plain.len()).then_some(Reference::Own(plain))
    }

    /// Its letters and digits.
    pub fn as_str(&self) -> &str {
        match self {
            Reference::Ogm(text) | Reference::Rf(text) | Reference::Own(text) => text,
        }
    }

    /// Whether it proves itself.
    pub fn is_checked(&self) -> bool {
        !matches!(self, Reference::Own(_))
    }
}

/// Letters and digits alone, in capitals.
pub fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).take(TEXT).map(|c| c.to_ascii_uppercase()).collect()
}

/// Whether twelve digits check themselves: the last two are the first ten modulo 97, or 97 where nothing remains.
pub fn is_ogm(digits: &str) -> bool {
    let Some((base, check)) = digits.split_at_checked(10) else { return false };
    if digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let (Ok(base), Ok(check)) = (base.parse::<u64>(), check.parse::<u64>()) else { return false };
    let rest = base % 97;
    check == if rest == 0 { 97 } else { rest }
}

/// Whether a reference checks itself as ISO 11649 has it: moved behind the rest, `RF` and its digits leave 1 modulo 97.
pub fn is_rf(text: &str) -> bool {
    let shape = text.is_ascii()
        && (5..=25).contains(&text.len())
        && text.starts_with("RF")
        && text.as_bytes()[2..4].iter().all(u8::is_ascii_digit);
    if !shape {
        return false;
    }
    let (head, tail) = text.split_at(4);
    let mut rest = 0u32;
    for c in tail.chars().chain(head.chars()) {
        let Some(value) = c.to_digit(36).filter(|_| !c.is_ascii_lowercase()) else { return false };
        rest = if value < 10 { rest * 10 + value } else { rest * 100 + value } % 97;
    }
    rest == 1
}

/// References that check themselves, wherever they stand in a text.
pub fn found_in(text: &str) -> Vec<Reference> {
    let text: String = text.chars().take(TEXT).collect::<String>().to_ascii_uppercase();
    let rf = rf_in(&text);
    // Digits within a reference are no reference of their own, however well they check.
    let alone = |ogm: &String| is_ogm(ogm) && !rf.iter().any(|rf| rf.contains(ogm.as_str()));
    let mut found: Vec<Reference> = groups(&text).into_iter().filter(alone).map(Reference::Ogm).collect();
    found.extend(rf.into_iter().map(Reference::Rf));
    found.sort();
    found.dedup();
    found
}

/// Twelve digits that stand together, with nothing but what stands between the digits of a reference; whether they check
/// themselves or not.
pub fn groups(text: &str) -> Vec<String> {
    let text: String = text.chars().take(TEXT).collect();
    let between = |c: char| matches!(c, '+' | '*' | '/' | ' ' | '.' | '-');
    let mut found = Vec::new();
    for run in text.split(|c: char| !c.is_ascii_digit() && !between(c)) {
        let groups: Vec<&str> = run.split(between).filter(|g| !g.is_empty()).collect();
        for from in 0..groups.len() {
            let mut digits = String::new();
            for group in &groups[from..] {
                digits.push_str(group);
                if digits.len() >= 12 {
                    break;
                }
            }
            if digits.len() == 12 {
                found.push(digits);
            }
        }
    }
    found
}

/// RF references, whose groups may stand apart.
fn rf_in(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let mut found = Vec::new();
    for from in 0..words.len() {
        if !words[from].starts_with("RF") {
            continue;
        }
        let mut joined = String::new();
        for word in &words[from..] {
            joined.push_str(word);
            if joined.len() > 25 {
                break;
            }
            if is_rf(&joined) {
                found.push(joined.clone());
            }
        }
    }
    found
}

/// Whether two references differ by one wrong character or by two neighbours changed about, as a person mistypes them.
pub fn one_slip(a: &str, b: &str) -> bool {
    if a.len() != b.len() || a.len() < 8 || a == b {
        return false;
    }
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let apart: Vec<usize> = (0..a.len()).filter(|i| a[*i] != b[*i]).collect();
    match apart.as_slice() {
        [_] => true,
        [i, j] => *j == *i + 1 && a[*i] == b[*j] && a[*j] == b[*i],
        _ => false,
    }
}

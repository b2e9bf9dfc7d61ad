//! What a credit pays: nothing but a reference that proves itself or stands in its own field makes it certain, with an
//! amount that is what is open. All else is for a person.

use super::reference::{Reference, found_in, groups, one_slip, plain};
use super::{Entry, EntryKind};
use crate::domain::money::Money;
use crate::domain::time::days_between;
use jiff::civil::Date;
use std::collections::{BTreeSet, HashMap};

/// A credit that is older than so many days is in the ledger by now, or somebody wonders why not: it holds nothing by itself.
const OLD_DAYS: i64 = 31;

/// An invoice number that is shorter may be anything: a year, a quantity.
const STRONG_NUMBER: usize = 5;

/// An open invoice that a credit may pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its key in the store.
    pub pk: i64,
    /// Its debtor's key.
    pub debtor_pk: i64,
    /// Its debtor's name.
    pub name: String,
    /// The number that the customer knows.
    pub number: String,
    /// Its payment reference.
    pub reference: Option<Reference>,
    /// What the ledger has open.
    pub balance: Money,
    /// What of that the bank is known to have, in minor units.
    pub covered: i64,
    /// Day of issue.
    pub issued_on: Option<Date>,
}

impl Candidate {
    /// What is open and not covered.
    fn open(&self) -> i64 {
        self.balance.minor.saturating_sub(self.covered).max(0)
    }
}

/// What a credit pays of an invoice, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The invoice.
    pub pk: i64,
    /// How much.
    pub amount: i64,
}

/// Why a credit is nearly a payment of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Near {
    /// The reference is right, and more came than is open: perhaps paid twice.
    More,
    /// The reference is right, and the currency is another.
    Currency,
    /// The reference is right, and the invoice was issued after the payment.
    Early,
    /// The reference is right, and the payment is old.
    Old,
    /// It names several invoices, and is the sum of none that is plain.
    Several,
    /// The reference is that of an invoice but for one slip.
    Slip,
    /// The invoice's number stands in the text.
    Number,
    /// The name and the amount are an invoice's.
    Name,
    /// Money of the same reference and amount went out: a refund, or a payment taken back.
    Out,
}

impl Near {
    /// All of them.
    pub const ALL: [Near; 9] =
        [Near::More, Near::Currency, Near::Early, Near::Old, Near::Several, Near::Slip, Near::Number, Near::Name, Near::Out];

    /// The code in the store and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Near::More => "more",
            Near::Currency => "currency",
            Near::Early => "early",
            Near::Old => "old",
            Near::Several => "several",
            Near::Slip => "slip",
            Near::Number => "number",
            Near::Name => "name",
            Near::Out => "out",
        }
    }

    /// Reads the code.
    pub fn parse(text: &str) -> Option<Near> {
        Near::ALL.into_iter().find(|n| n.as_str() == text)
    }

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Near::More => "right reference, more than is open",
            Near::Currency => "right reference, another currency",
            Near::Early => "right reference, paid before the invoice was issued",
            Near::Old => "right reference, but an old payment",
            Near::Several => "names several invoices, and the amount is not their sum",
            Near::Slip => "the reference is one slip away",
            Near::Number => "no reference, but the number of the invoice in the text",
            Near::Name => "no reference, but the customer's name and the amount of an invoice",
            Near::Out => "money of this reference and amount went out: a refund, or a payment taken back",
        }
    }
}

/// What a credit is taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It pays these, in whole.
    Certain(Vec<Share>),
    /// It pays a part of this one.
    Part(Share),
    /// A person decides which, if any.
    Near {
        /// Why it is no more than that.
        why: Near,
        /// The invoices that may be meant, by store key.
        perhaps: Vec<i64>,
        /// The one among them that is so likely meant that it is not written about for a few days.
        pause: Option<i64>,
    },
    /// It pays nothing that is known.
    Nothing,
}

/// What an entry says of which invoices it pays.
#[derive(Debug)]
struct Clues {
    /// References that make a match certain.
    sure: BTreeSet<Reference>,
    /// What may be a reference with a slip.
    loose: BTreeSet<String>,
    /// Words of the text that may be numbers of invoices.
    words: BTreeSet<String>,
    /// The payer's name, in a form in which names can be compared.
    name: Option<String>,
}

impl Clues {
    fn of(entry: &Entry) -> Clues {
        let mut sure: BTreeSet<Reference> = entry.references.iter().filter_map(|r| Reference::read(r)).collect();
        // Banks break lines of text anywhere, a reference too.
        let joined = entry.text.replace(['\r', '\n'], "");
        let spaced = entry.text.replace(['\r', '\n'], " ");
        let ends = entry.end_to_end.as_deref().unwrap_or_default();
        for text in entry.references.iter().map(String::as_str).chain([joined.as_str(), &spaced, ends]) {
            sure.extend(found_in(text));
        }
        let mut loose: BTreeSet<String> = sure.iter().map(|r| r.as_str().to_owned()).collect();
        loose.extend(groups(&spaced).into_iter().chain(groups(&joined)));
        let all = format!("{spaced} {}", entry.references.join(" "));
        let mut words: BTreeSet<String> = all.split_whitespace().map(plain).filter(|w| is_number(w)).collect();
        words.extend(all.split(|c: char| !c.is_alphanumeric()).map(plain).filter(|w| is_number(w)));
        // Numbers are written in parts as well: 2026 / 0117.
        let parts: Vec<String> = all.split(|c: char| !c.is_alphanumeric()).map(plain).filter(|w| !w.is_empty()).collect();
        words.extend(parts.windows(2).map(|w| w.concat()).filter(|w| is_number(w)));
        words.extend(parts.windows(3).map(|w| w.concat()).filter(|w| is_number(w)));
        words.extend(entry.end_to_end.as_deref().map(plain).filter(|w| is_number(w)));
        Clues { sure, loose, words, name: entry.name.as_deref().and_then(name_key) }
    }
}

/// Whether a word may be the number of an invoice.
fn is_number(word: &str) -> bool {
    (1..=40).contains(&word.len()) && word.bytes().any(|b| b.is_ascii_digit())
}

/// Forms of firms, which some write and others leave out.
const FORMS: [&str; 26] = [
    "SA", "NV", "BV", "BVBA", "SPRL", "SRL", "SC", "SCS", "CV", "CVBA", "SCRL", "VOF", "SNC", "ASBL", "VZW", "GMBH", "AG", "UG",
    "KG", "OHG", "SARL", "SAS", "SASU", "EURL", "LTD", "INC",
];

/// A name in a form in which names can be compared: its words in order, without forms of firms and marks on letters.
pub(super) fn name_key(name: &str) -> Option<String> {
    let folded: String = name.chars().flat_map(fold).collect();
    // B.V. and S.A. are one word each.
    let folded = folded.replace('.', "");
    let mut words: Vec<String> = folded
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_uppercase)
        .filter(|w| !w.is_empty() && !FORMS.contains(&w.as_str()))
        .collect();
    words.sort();
    let key = words.join(" ");
    (key.len() >= 4).then_some(key)
}

/// A letter without its mark, for those that banks leave out.
fn fold(c: char) -> impl Iterator<Item = char> {
    let folded: &'static [char] = match c {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'À' | 'Á' | 'Â' | 'Ã' | 'Å' => &['A'],
        'ä' | 'Ä' | 'æ' | 'Æ' => &['A', 'E'],
        'ç' | 'Ç' => &['C'],
        'è' | 'é' | 'ê' | 'ë' | 'È' | 'É' | 'Ê' | 'Ë' => &['E'],
        'ì' | 'í' | 'î' | 'ï' | 'Ì' | 'Í' | 'Î' | 'Ï' => &['I'],
        'ñ' | 'Ñ' => &['N'],
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ø' => &['O'],
        'ö' | 'Ö' | 'œ' | 'Œ' => &['O', 'E'],
        'ù' | 'ú' | 'û' | 'Ù' | 'Ú' | 'Û' => &['U'],
        'ü' | 'Ü' => &['U', 'E'],
        'ß' => &['S', 'S'],
        _ => return [Some(c), None].into_iter().flatten(),
    };
    [folded.first().copied(), folded.get(1).copied()].into_iter().flatten()
}

/// Which of many credits an invoice may have to do with: what is looked for, by what it is looked for by. A file of a
/// hundred thousand entries meets a ledger of a million rows, and each row is looked at once.
#[derive(Debug, Default)]
pub struct Seek {
    by: HashMap<String, Vec<usize>>,
}

impl Seek {
    /// What these entries look for.
    pub fn new<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Seek {
        let mut seek = Seek::default();
        for (n, entry) in entries.into_iter().enumerate() {
            let clues = Clues::of(entry);
            for reference in &clues.sure {
                seek.add(format!("r{}", reference.as_str()), n);
            }
            for loose in &clues.loose {
                slips(loose).into_iter().for_each(|slip| seek.add(slip, n));
            }
            for word in &clues.words {
                seek.add(format!("n{word}"), n);
            }
            if let Some(name) = &clues.name {
                seek.add(format!("k{name}"), n);
            }
        }
        seek
    }

    fn add(&mut self, key: String, n: usize) {
        let list = self.by.entry(key).or_default();
        if list.last() != Some(&n) {
            list.push(n);
        }
    }

    /// The entries that an invoice may have to do with, by their place.
    pub fn entries_for(&self, invoice: &Candidate) -> BTreeSet<usize> {
        let mut keys = vec![format!("n{}", plain(&invoice.number))];
        keys.extend(name_key(&invoice.name).map(|key| format!("k{key}")));
        if let Some(reference) = &invoice.reference {
            keys.push(format!("r{}", reference.as_str()));
            if reference.is_checked() {
                keys.extend(slips(reference.as_str()));
            }
        }
        keys.iter().filter_map(|key| self.by.get(key)).flatten().copied().collect()
    }
}

/// Forms that two references have in common when one slip lies between them.
fn slips(reference: &str) -> Vec<String> {
    if reference.len() < 8 || reference.len() > 25 || !reference.is_ascii() {
        return Vec::new();
    }
    let bytes = reference.as_bytes();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut found: Vec<String> = (0..bytes.len())
        .map(|i| {
            let mut other = bytes.to_vec();
            other[i] = b'?';
            format!("s{}", text(&other))
        })
        .collect();
    // Neighbours that were changed about are the same in order.
    found.extend((1..bytes.len()).map(|i| {
        let mut other = bytes.to_vec();
        other[i - 1..=i].sort_unstable();
        format!("t{i}{}", text(&other))
    }));
    found
}

/// What a credit pays, of the invoices that it may have to do with. `today` is the day on which it is looked at.
pub fn judge(entry: &Entry, invoices: &[Candidate], today: Date) -> Judged {
    if entry.kind != EntryKind::Credit || entry.amount.minor <= 0 {
        return Judged::Nothing;
    }
    let clues = Clues::of(entry);
    let named: Vec<&Candidate> =
        invoices.iter().filter(|i| i.reference.as_ref().is_some_and(|r| clues.sure.contains(r))).collect();
    match named.is_empty() {
        false => by_reference(entry, &named, today),
        true => by_likeness(entry, &clues, invoices),
    }
}

fn near(why: Near, perhaps: &[&Candidate]) -> Judged {
    Judged::Near { why, perhaps: perhaps.iter().map(|c| c.pk).collect(), pause: None }
}

/// Those whose reference the credit bears.
fn by_reference(entry: &Entry, named: &[&Candidate], today: Date) -> Judged {
    let amount = entry.amount.minor;
    let same: Vec<&Candidate> = named.iter().copied().filter(|c| c.balance.currency == entry.amount.currency).collect();
    if same.is_empty() {
        return near(Near::Currency, named);
    }
    let issued: Vec<&Candidate> = same.iter().copied().filter(|c| c.issued_on.is_none_or(|day| day <= entry.booked_on)).collect();
    if issued.is_empty() {
        return near(Near::Early, &same);
    }
    if days_between(entry.booked_on, today) > OLD_DAYS {
        return near(Near::Old, &issued);
    }
    let open: Vec<&Candidate> = issued.iter().copied().filter(|c| c.open() > 0).collect();
    let sum = open.iter().try_fold(0i64, |sum, c| sum.checked_add(c.open()));
    // A reference without check digits that two customers have is nobody's for sure.
    let customers: BTreeSet<i64> = issued.iter().map(|c| c.debtor_pk).collect();
    if customers.len() > 1 && issued.iter().any(|c| matches!(c.reference, Some(Reference::Own(_)))) {
        return near(Near::Several, if open.is_empty() { &issued } else { &open });
    }
    let whole = |c: &&Candidate| Share { pk: c.pk, amount: c.open() };
    if !open.is_empty() && sum == Some(amount) {
        return Judged::Certain(open.iter().map(whole).collect());
    }
    // One reference that a customer keeps for all its invoices: the amount says which.
    let references: BTreeSet<_> = open.iter().map(|c| &c.reference).collect();
    let equal: Vec<&Candidate> = open.iter().copied().filter(|c| c.open() == amount).collect();
    match (open.as_slice(), equal.as_slice()) {
        ([one], _) if amount < one.open() => Judged::Part(Share { pk: one.pk, amount }),
        (_, [one]) if references.len() == 1 => Judged::Certain(vec![whole(one)]),
        ([], _) => near(Near::More, &issued),
        _ if sum.is_some_and(|sum| amount > sum) => {
            let pause = if let [one] = open.as_slice() { Some(one.pk) } else { None };
            Judged::Near { why: Near::More, perhaps: open.iter().map(|c| c.pk).collect(), pause }
        }
        _ => near(Near::Several, &open),
    }
}

/// Those that it resembles. Where one alone does, by a reference with a slip or by its number, and the whole amount came, it is
/// not written about for a few days: money has come, and a reminder on the day after would be an insult.
fn by_likeness(entry: &Entry, clues: &Clues, invoices: &[Candidate]) -> Judged {
    let amount = entry.amount.minor;
    let open: Vec<&Candidate> = invoices.iter().filter(|c| c.balance.currency == entry.amount.currency && c.open() > 0).collect();
    let likely = |why, found: &[&Candidate]| {
        let pause = match found {
            [one] if one.open() == amount => Some(one.pk),
            _ => None,
        };
        Judged::Near { why, perhaps: found.iter().map(|c| c.pk).collect(), pause }
    };
    let slip = |c: &&&Candidate| {
        let checked = c.reference.as_ref().filter(|r| r.is_checked());
        checked.is_some_and(|r| clues.loose.iter().any(|l| one_slip(l, r.as_str())))
    };
    let slipped: Vec<&Candidate> = open.iter().filter(slip).copied().collect();
    if !slipped.is_empty() {
        return likely(Near::Slip, &slipped);
    }
    let names = |c: &Candidate| clues.name.is_some() && clues.name == name_key(&c.name);
    let number = |c: &&&Candidate| {
        let number = plain(&c.number);
        let there = clues.words.contains(&number);
        let strong = number.len() >= STRONG_NUMBER;
        there && ((strong && (c.open() == amount || names(c))) || (c.open() == amount && names(c)))
    };
    let mut numbered: Vec<&Candidate> = open.iter().filter(number).copied().collect();
    if numbered.is_empty() {
        // Several numbers of one customer, whose sum was paid.
        let strong = |c: &&&Candidate| {
            let number = plain(&c.number);
            number.len() >= STRONG_NUMBER && clues.words.contains(&number)
        };
        let all: Vec<&Candidate> = open.iter().filter(strong).copied().collect();
        let sum = all.iter().try_fold(0i64, |sum, c| sum.checked_add(c.open()));
        if all.len() > 1 && sum == Some(amount) {
            numbered = all;
        }
    }
    if !numbered.is_empty() {
        return likely(Near::Number, &numbered);
    }
    let same: Vec<&Candidate> = open.iter().copied().filter(|c| c.open() == amount && names(c)).collect();
    if same.is_empty() { Judged::Nothing } else { near(Near::Name, &same) }
}

/// Whether an entry names an invoice for sure: by its reference, or by its number where the firm gave it to the bank itself.
pub(super) fn names(entry: &Entry, reference: Option<&Reference>, number: &str) -> bool {
    let clues = Clues::of(entry);
    let own = entry.end_to_end.as_deref().map(plain).is_some_and(|e| e == plain(number) && !e.is_empty());
    own || reference.is_some_and(|r| clues.sure.contains(r))
}

/// The references of an entry by which it is known what it pays, as they are compared.
pub fn references(entry: &Entry) -> Vec<String> {
    Clues::of(entry).sure.iter().map(|r| r.as_str().to_owned()).collect()
}

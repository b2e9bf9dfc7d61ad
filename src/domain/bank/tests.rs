//! What a payment is taken for: examples by rule, and properties over any of them.

use super::matching::name_key;
use super::reference::{Reference, found_in, is_ogm, is_rf, one_slip};
use super::*;
use crate::domain::currency::Currency;
use jiff::civil::date;
use proptest::prelude::*;

const OGM: &str = "010806817183";
const TODAY: Date = date(2026, 11, 2);

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn credit(minor: i64) -> Entry {
    Entry {
        account: "BE68539007547034".to_owned(),
        statement: "2026/211".to_owned(),
        bank_ref: None,
        place: 1,
        kind: EntryKind::Credit,
        booked_on: date(2026, 10, 30),
        amount: eur(minor),
        references: vec![],
        text: String::new(),
        end_to_end: None,
        name: None,
        iban: None,
        why: None,
    }
}

fn invoice(pk: i64, minor: i64) -> Candidate {
    Candidate {
        pk,
        debtor_pk: 1,
        name: "Établissements Legrand SARL".to_owned(),
        number: format!("FA-2026-{pk:04}"),
        reference: Reference::read("+++010/8068/17183+++"),
        balance: eur(minor),
        covered: 0,
        issued_on: Some(date(2026, 9, 26)),
    }
}

fn certain(list: &[(i64, i64)]) -> Judged {
    Judged::Certain(list.iter().map(|(pk, amount)| Share { pk: *pk, amount: *amount }).collect())
}

fn nearly(judged: Judged) -> (Near, Vec<i64>, Option<i64>) {
    match judged {
        Judged::Near { why, perhaps, pause } => (why, perhaps, pause),
        other => panic!("{other:?}"),
    }
}

#[test]
fn references_prove_themselves() {
    assert_eq!(Reference::read("+++010/8068/17183+++"), Some(Reference::Ogm(OGM.to_owned())));
    assert_eq!(Reference::read("***010/8068/17183***"), Some(Reference::Ogm(OGM.to_owned())));
    assert!(!is_ogm("010806817184") && is_ogm("000000009797"), "97 stands for nothing");
    for rf in ["RF18539007547034", "RF68AB2G5", "RF451234512345", "RF96TU06FX"] {
        assert!(is_rf(rf), "{rf}");
        assert!(!is_rf(&rf.replacen("RF", "RG", 1)) && !is_rf(&format!("{rf}1")));
    }
    assert_eq!(Reference::read("2026-117"), Some(Reference::Own("2026117".to_owned())));
    assert_eq!(Reference::read("-"), None);
}

#[test]
fn references_are_found_wherever_they_stand() {
    let ogm = vec![Reference::Ogm(OGM.to_owned())];
    for text in
        ["fact +++010/8068/17183+++ merci", "010806817183", "ref:010 8068 17183.", "vcs 010/8068/17183 2026", "x010.8068.17183x"]
    {
        assert_eq!(found_in(text), ogm, "{text}");
    }
    for text in ["0108068171830", "1010806817183", "010806817184", "01080681718"] {
        assert_eq!(found_in(text), [], "{text}");
    }
    let rf = vec![Reference::Rf("RF18539007547034".to_owned())];
    for text in ["betaling RF18 5390 0754 7034 dank", "rf18539007547034", "(RF18539007547034)"] {
        assert_eq!(found_in(text), rf, "{text}");
    }
    assert_eq!(found_in("BRF18539007547034"), []);
}

#[test]
fn a_reference_and_the_whole_amount_are_certain() {
    let mut entry = credit(12_000);
    entry.references = vec![OGM.to_owned()];
    assert_eq!(judge(&entry, &[invoice(1, 12_000)], TODAY), certain(&[(1, 12_000)]));
    let text = Entry { references: vec![], text: "merci +++010/8068/\n17183+++".to_owned(), ..entry.clone() };
    assert_eq!(judge(&text, &[invoice(1, 12_000)], TODAY), certain(&[(1, 12_000)]), "banks break lines anywhere");
    assert_eq!(
        judge(&entry, &[invoice(1, 5000), invoice(2, 7000)], TODAY),
        certain(&[(1, 5000), (2, 7000)]),
        "one reference, both"
    );
    assert_eq!(judge(&entry, &[invoice(1, 5000), invoice(2, 12_000)], TODAY), certain(&[(2, 12_000)]), "the amount says which");
    let less = Candidate { covered: 4000, ..invoice(1, 16_000) };
    assert_eq!(judge(&entry, &[less], TODAY), certain(&[(1, 12_000)]), "what the bank has of it already is not open");
    let other = Entry { kind: EntryKind::Debit, ..entry };
    assert_eq!(judge(&other, &[invoice(1, 12_000)], TODAY), Judged::Nothing);
}

#[test]
fn less_is_a_part_and_all_else_is_for_a_person() {
    let mut entry = credit(12_000);
    entry.references = vec![OGM.to_owned()];
    assert_eq!(judge(&entry, &[invoice(1, 20_000)], TODAY), Judged::Part(Share { pk: 1, amount: 12_000 }));
    assert_eq!(nearly(judge(&entry, &[invoice(1, 9000)], TODAY)), (Near::More, vec![1], Some(1)));
    assert_eq!(nearly(judge(&entry, &[invoice(1, 9000), invoice(2, 9000)], TODAY)), (Near::Several, vec![1, 2], None));
    let paid = Candidate { covered: 12_000, ..invoice(1, 12_000) };
    assert_eq!(nearly(judge(&entry, &[paid], TODAY)), (Near::More, vec![1], None), "paid twice");
    let dollars = Candidate { balance: Money::new(12_000, Currency::parse("USD").unwrap()), ..invoice(1, 0) };
    assert_eq!(nearly(judge(&entry, &[dollars], TODAY)), (Near::Currency, vec![1], None));
    let later = Candidate { issued_on: Some(date(2026, 10, 31)), ..invoice(1, 12_000) };
    assert_eq!(nearly(judge(&entry, &[later], TODAY)), (Near::Early, vec![1], None), "last month's rent is not this month's");
    assert_eq!(nearly(judge(&entry, &[invoice(1, 12_000)], date(2026, 12, 1))), (Near::Old, vec![1], None));
}

#[test]
fn a_slip_a_number_and_a_name_are_near() {
    let slipped = |reference: &str| Entry { references: vec![reference.to_owned()], ..credit(12_000) };
    for reference in ["010806817193", "010806871183", "+++010/8086/17183+++"] {
        assert_eq!(
            nearly(judge(&slipped(reference), &[invoice(1, 12_000)], TODAY)),
            (Near::Slip, vec![1], Some(1)),
            "{reference}"
        );
        assert_eq!(nearly(judge(&slipped(reference), &[invoice(1, 13_000)], TODAY)), (Near::Slip, vec![1], None));
    }
    let number = |text: &str| Entry { text: text.to_owned(), ..credit(12_000) };
    for text in ["facture FA-2026-0001", "fa 2026 0001 merci", "FA20260001"] {
        assert_eq!(nearly(judge(&number(text), &[invoice(1, 12_000)], TODAY)), (Near::Number, vec![1], Some(1)), "{text}");
        assert_eq!(judge(&number(text), &[invoice(1, 13_000)], TODAY), Judged::Nothing, "another amount of a stranger");
    }
    let named = Entry { name: Some("ETABLISSEMENTS LEGRAND".to_owned()), ..number("FA-2026-0001") };
    assert_eq!(nearly(judge(&named, &[invoice(1, 13_000)], TODAY)), (Near::Number, vec![1], None));
    let both = number("FA-2026-0001 et FA-2026-0002");
    assert_eq!(nearly(judge(&both, &[invoice(1, 5000), invoice(2, 7000)], TODAY)), (Near::Number, vec![1, 2], None));
    let name = Entry { name: Some("Legrand, Etablissements (SARL)".to_owned()), ..credit(12_000) };
    assert_eq!(
        nearly(judge(&name, &[invoice(1, 12_000)], TODAY)),
        (Near::Name, vec![1], None),
        "a name alone keeps nothing still"
    );
    assert_eq!(judge(&credit(12_000), &[invoice(1, 12_000)], TODAY), Judged::Nothing);
}

#[test]
fn names_are_compared_as_people_would() {
    let key = |name: &str| name_key(name).unwrap();
    assert_eq!(key("Müller & Söhne GmbH"), key("MUELLER SOEHNE"));
    assert_eq!(key("Bakkerij De Korenaar B.V."), key("DE KORENAAR BAKKERIJ"));
    assert_ne!(key("Maison C1"), key("Maison C2"));
    assert_eq!(name_key("SA"), None);
}

#[test]
fn the_same_entry_has_the_same_key_in_whatever_file() {
    let mut one = Entry { bank_ref: Some("X1".to_owned()), ..credit(100) };
    let first = keys(std::slice::from_ref(&one));
    (one.statement, one.place) = ("another export".to_owned(), 7);
    assert_eq!(keys(std::slice::from_ref(&one)), first, "the bank's own name for it says more than the statement's");
    one.bank_ref = None;
    assert_ne!(keys(&[one.clone()]), first);
    let twice = keys(&[one.clone(), one]);
    assert_ne!(twice[0], twice[1], "two that are alike are two");
}

#[test]
fn what_was_taken_back_is_found() {
    let past = |pk, day: i8| Past {
        pk,
        booked_on: date(2026, 10, day),
        references: vec![OGM.to_owned()],
        bank_ref: None,
        end_to_end: Some(format!("E{pk}")),
        iban: Some("BE71096123456769".to_owned()),
    };
    let mut reversal = Entry { kind: EntryKind::Reversal, ..credit(12_000) };
    assert_eq!(undone(&reversal, &[past(2, 20), past(1, 10)]), None);
    reversal.iban = Some("BE71096123456769".to_owned());
    assert_eq!(undone(&reversal, &[past(1, 10)]), Some(1));
    assert_eq!(undone(&reversal, &[past(2, 20), past(1, 10)]), None, "an account alone must be plain");
    reversal.references = vec![OGM.to_owned()];
    assert_eq!(undone(&reversal, &[past(2, 20), past(1, 10)]), Some(2));
    reversal.end_to_end = Some("E1".to_owned());
    assert_eq!(undone(&reversal, &[past(2, 20), past(1, 10)]), Some(1), "what names the payment says more");
    assert_eq!(undone(&reversal, &[past(1, 31)]), None, "nothing is taken back before it came");
    // Another debit of the same customer that came back says so itself, and takes nothing else back.
    let named = Entry { references: vec!["090933755493".to_owned()], end_to_end: None, ..reversal.clone() };
    assert_eq!(undone(&named, &[past(1, 10)]), None);
    let other = Entry { references: vec![], end_to_end: Some("B-20260001".to_owned()), ..reversal.clone() };
    assert_eq!(undone(&other, &[past(1, 10)]), None);
    let silent = Entry { references: vec![], end_to_end: Some("NOTPROVIDED".to_owned()), ..reversal };
    assert_eq!(undone(&silent, &[past(1, 10)]), Some(1));
}

#[test]
fn a_reference_that_proves_nothing_is_sure_within_one_customer_only() {
    let own = |pk, debtor_pk, minor| Candidate { debtor_pk, reference: Reference::read("retainer"), ..invoice(pk, minor) };
    let entry = Entry { references: vec!["Retainer".to_owned()], ..credit(12_000) };
    assert_eq!(judge(&entry, &[own(1, 1, 12_000), own(2, 1, 5000)], TODAY), certain(&[(1, 12_000)]));
    assert_eq!(nearly(judge(&entry, &[own(1, 1, 12_000), own(2, 2, 5000)], TODAY)), (Near::Several, vec![1, 2], None));
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one =
        (0..40i64, 1..5000i64, 0..4000i64, 0..3usize, 0..60i64).prop_map(|(pk, minor, covered, reference, age)| Candidate {
            covered,
            reference: [Some("010806817183"), Some("090933755493"), None][reference].and_then(Reference::read),
            issued_on: Some(crate::domain::time::plus_days(TODAY, -age)),
            ..invoice(pk, minor)
        });
    prop::collection::vec(one, 0..6).prop_map(|mut list| {
        list.sort_by_key(|c| c.pk);
        list.dedup_by_key(|c| c.pk);
        list
    })
}

proptest! {
    #[test]
    fn nothing_is_certain_without_a_reference_and_no_cent_is_made(
        list in candidates(), minor in 1..9000i64, reference in 0..4usize, name in any::<bool>(), text in "[ a-zA-Z0-9/+-]{0,40}"
    ) {
        let mut entry = Entry { text, ..credit(minor) };
        entry.references = [vec![OGM.to_owned()], vec!["090933755493".to_owned()], vec!["010806817184".to_owned()], vec![]][reference].clone();
        entry.name = name.then(|| "Legrand".to_owned());
        let of = |pk: i64| list.iter().find(|c| c.pk == pk).unwrap();
        let sure = references(&entry);
        match judge(&entry, &list, TODAY) {
            Judged::Certain(shares) => {
                prop_assert_eq!(shares.iter().map(|s| s.amount).sum::<i64>(), minor);
                for share in shares {
                    let c = of(share.pk);
                    prop_assert_eq!(share.amount, c.balance.minor - c.covered);
                    prop_assert!(sure.iter().any(|r| Some(r.as_str()) == c.reference.as_ref().map(Reference::as_str)));
                    prop_assert!(c.issued_on.unwrap() <= entry.booked_on);
                }
            }
            Judged::Part(share) => {
                prop_assert_eq!(share.amount, minor);
                prop_assert!(minor < of(share.pk).balance.minor - of(share.pk).covered);
            }
            Judged::Near { perhaps, pause, .. } => {
                prop_assert!(!perhaps.is_empty());
                if let Some(pk) = pause {
                    prop_assert!(perhaps == vec![pk] && minor >= of(pk).balance.minor - of(pk).covered);
                }
            }
            Judged::Nothing => {}
        }
    }

    #[test]
    fn what_is_looked_for_finds_all_that_is_judged(list in candidates(), minor in 1..9000i64, digit in 0..12usize, text in "[ a-zA-Z0-9/-]{0,30}") {
        let mut slipped = OGM.as_bytes().to_vec();
        slipped[digit] = b'0' + (slipped[digit] - b'0' + 1) % 10;
        let slipped = String::from_utf8(slipped).unwrap();
        let entries = [
            Entry { references: vec![slipped], ..credit(minor) },
            Entry { references: vec![OGM.to_owned()], ..credit(minor) },
            Entry { text: format!("{text} FA-2026-0007"), ..credit(minor) },
            Entry { name: Some("Etablissements LEGRAND".to_owned()), text, ..credit(minor) },
        ];
        let seek = Seek::new(&entries);
        for (n, entry) in entries.iter().enumerate() {
            let found: Vec<Candidate> = list.iter().filter(|c| seek.entries_for(c).contains(&n)).cloned().collect();
            prop_assert_eq!(judge(entry, &found, TODAY), judge(entry, &list, TODAY), "entry {}", n);
        }
    }

    #[test]
    fn no_more_is_booked_than_the_balance_fell(amounts in prop::collection::vec(1..500i64, 0..6), balance in 0..2000i64, open in 0..2000i64) {
        let live: Vec<Live> = amounts.iter().enumerate().map(|(n, a)| Live { pk: n as i64, amount: *a, balance }).collect();
        let done = booked(&live, Some(open));
        let sum: i64 = done.iter().map(|pk| amounts[*pk as usize]).sum();
        prop_assert!(done.is_empty() || sum <= balance - open);
        prop_assert_eq!(booked(&live, None).len(), live.len());
    }

    #[test]
    fn slips_are_slips(at in 0..12usize, by in 1..10u8) {
        let mut other = OGM.as_bytes().to_vec();
        other[at] = b'0' + (other[at] - b'0' + by) % 10;
        let other = String::from_utf8(other).unwrap();
        prop_assert!(one_slip(OGM, &other) && one_slip(&other, OGM));
        prop_assert!(!is_ogm(&other), "the check sees each single slip");
    }
}

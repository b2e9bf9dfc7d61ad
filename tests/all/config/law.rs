//! The law in letters: which figures stand when, what is told of a wrong file, and that the first reminder to a consumer
//! says what its country asks for.

use super::{GOOD, Tree};
use jiff::civil::{Date, date};
use relance::config::Setup;
use relance::letter::{Letters, sample_view};

const LANGUAGES: [&str; 4] = ["fr", "nl", "de", "en"];

fn read() -> (Setup, Letters) {
    Tree::new(GOOD).read().map_err(|e| e.join("\n")).unwrap()
}

/// Ordinary spaces, for comparing.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

/// What is shipped, asked for sentences.
struct Book(Setup, Letters);

impl Book {
    fn open() -> Book {
        let (setup, letters) = read();
        Book(setup, letters)
    }

    fn says(&self, country: &str, language: &str, day: Date, since: &[Date]) -> String {
        plain(&self.1.law(&self.0.law, country, language, day, since))
    }
}

const TODAY: Date = date(2026, 11, 20);

#[test]
fn the_sentence_in_each_language() {
    let book = Book::open();
    let in_belgium = |language| book.says("BE", language, TODAY, &[]);
    assert_eq!(
        in_belgium("fr"),
        "Entre entreprises, la loi belge du 2 août 2002 concernant la lutte contre le retard de paiement dans les transactions \
         commerciales prévoit des intérêts de retard, actuellement de 10,5 % l’an sauf autre convention, et une indemnité \
         forfaitaire de 40 € pour frais de recouvrement."
    );
    assert_eq!(
        in_belgium("nl"),
        "Tussen ondernemingen voorziet de Belgische wet van 2 augustus 2002 betreffende de bestrijding van de betalingsachterstand \
         bij handelstransacties in interest bij late betaling, momenteel 10,5% per jaar tenzij anders overeengekomen, en \
         in een vaste vergoeding van € 40 voor invorderingskosten."
    );
    assert_eq!(
        in_belgium("de"),
        "Zwischen Unternehmen sieht das belgische Gesetz vom 2. August 2002 zur Bekämpfung des Zahlungsverzugs im Geschäftsverkehr \
         Verzugszinsen von derzeit 10,5 % im Jahr, sofern nichts anderes vereinbart ist, und eine Pauschale \
         von 40 € für Beitreibungskosten vor."
    );
    assert_eq!(
        in_belgium("en"),
        "Between businesses, the Belgian Act of 2 August 2002 on combating late payment in commercial transactions provides for \
         interest on late payments, currently 10.5% a year unless otherwise agreed, and a fixed sum of €40 towards recovery costs."
    );
}

#[test]
fn every_country_has_a_sentence_in_every_language() {
    let (setup, letters) = read();
    for country in ["AT", "BE", "CH", "DE", "ES", "FR", "GB", "IE", "IT", "LU", "NL"] {
        for language in LANGUAGES {
            for day in [date(2020, 1, 1), TODAY, date(2031, 5, 5)] {
                let text = plain(&letters.law(&setup.law, country, language, day, &[day]));
                assert!(
                    text.ends_with('.') && !text.contains(['{', '}']) && !text.contains("  "),
                    "{country} {language}: {text}"
                );
            }
        }
    }
}

/// A figure that has run out is not printed; the act stands without it.
#[test]
fn figures_stand_only_on_their_days() {
    let book = Book::open();
    let rate = |day| book.says("DE", "en", day, &[]);
    assert!(rate(date(2026, 6, 30)).contains("10.27%") && rate(date(2026, 7, 1)).contains("10.52%"));
    assert!(rate(date(2026, 12, 31)).contains("10.52%"));
    let after = rate(date(2027, 1, 1));
    assert_eq!(
        after,
        "Between businesses, section 288 of the German Civil Code (BGB) provides for interest on late payments and a fixed sum \
         towards recovery costs."
    );
    assert_eq!(rate(date(2019, 12, 31)), "", "no entry covers that day");
}

#[test]
fn a_rate_fixed_at_the_start_is_that_of_all_debts_or_none() {
    let book = Book::open();
    let gb = |since: &[Date]| book.says("GB", "en", TODAY, since);
    let fee = "a fixed sum of £40 to £100, depending on the debt, towards recovery costs.";
    let begins =
        "Between businesses, the Late Payment of Commercial Debts (Interest) Act 1998 provides for interest on late payments";
    assert_eq!(
        gb(&[date(2026, 3, 2), date(2026, 9, 1)]),
        format!("{begins}, here 11.75% a year unless otherwise agreed, and {fee}")
    );
    assert_eq!(gb(&[date(2025, 8, 1), date(2026, 9, 1)]), format!("{begins} and {fee}"), "two rates");
    assert_eq!(gb(&[date(2024, 8, 1)]), format!("{begins} and {fee}"), "a half-year that nobody has sourced");
}

#[test]
fn what_is_not_sure_is_not_printed() {
    let book = Book::open();
    for (country, word) in [("IE", '%'), ("AT", '%'), ("AT", '€'), ("LU", '€'), ("ES", '€'), ("IT", '€')] {
        let text = book.says(country, "en", TODAY, &[TODAY]);
        assert!(!text.contains(word), "{country}: {text}");
    }
    assert!(book.says("NL", "nl", TODAY, &[]).contains("wettelijke handelsrente, momenteel 10,4% per jaar"));
    assert!(book.says("NL", "nl", TODAY, &[]).contains("van ten minste € 40"));
    assert!(!book.says("CH", "de", TODAY, &[]).contains("Beitreibungskosten"), "there is no fixed fee");
}

#[test]
fn without_law_there_is_no_sentence() {
    let book = Book::open();
    assert_eq!(book.says("US", "en", TODAY, &[]), "");
    assert_eq!(book.says("BE", "it", TODAY, &[]), "");
}

/// What each country's law asks of the first reminder to a consumer, held against the letter that is shipped for it.
#[test]
fn the_first_reminder_to_a_consumer_says_what_the_law_asks() {
    let (setup, letters) = read();
    let goods = [
        ("fr", "produits ou services"),
        ("nl", "producten of diensten"),
        ("de", "Waren oder Dienst"),
        ("en", "goods or services"),
    ];
    let free = [("fr", "gratuit"), ("nl", "gratis"), ("de", "kostenlos"), ("en", "free of charge")];
    let word = |list: &[(&str, &'static str)], language| list.iter().find(|(l, _)| *l == language).unwrap().1;
    let mut seen = 0;
    for country in ["BE", "FR", "NL", "DE"] {
        let law = setup.law.country(country).and_then(|l| l.consumer_on(TODAY)).unwrap();
        for language in LANGUAGES {
            let mut view = sample_view(letters.labels(language).unwrap(), 4);
            assert!(view.debtor.consumer);
            (view.free_reminder, view.free_days) = (law.free, law.days);
            let text = letters.mail(language, "consumer-first", &view).unwrap().text;
            assert_eq!(text.contains(word(&free, language)), law.free, "{country} {language}: {text}");
            for name in &law.must_name {
                let wanted = match name.as_str() {
                    "creditor" => view.creditor.name.clone(),
                    "enterprise_number" => view.creditor.enterprise_no.clone(),
                    "invoice" => view.invoice.number.clone(),
                    "goods" => word(&goods, language).to_owned(),
                    "due_date" => view.invoice.due_on.clone(),
                    "amount" => view.sum.clone(),
                    "days" => law.days.to_string(),
                    other => panic!("{other}"),
                };
                assert!(!wanted.is_empty() && text.contains(&wanted), "{country} {language} lacks {name}: {text}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 24, "Belgium asks for six things in four languages");
    assert_eq!(setup.law.country("BE").and_then(|l| l.consumer_on(date(2023, 11, 30))), None);
}

#[test]
fn a_file_of_ones_own_takes_the_place_of_the_shipped_one() {
    let text = "name = \"Belgium\"\nrate = [{ from = \"2027-01-01\", percent = \"9.75\", basis = \"sourced\" }]\n\
                [act]\nfrom = \"2020-01-01\"\nbasis = \"sourced\"\nrate_of = \"day\"\n[act.name]\nfr = \"la loi\"\n";
    let (setup, letters) = Tree::new(GOOD).file("law/BE.toml", text).read().map_err(|e| e.join("\n")).unwrap();
    let told = letters.law(&setup.law, "BE", "fr", date(2027, 2, 1), &[]);
    assert_eq!(
        plain(&told),
        "Entre entreprises, la loi prévoit des intérêts de retard, actuellement de 9,75 % l’an sauf autre convention, et une indemnité \
         forfaitaire pour frais de recouvrement."
    );
    assert_ne!(setup.agreement, read().0.agreement, "daemons of one store say the same");
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_place() {
    let day = "a day such as \"2026-07-01\"";
    let act = "[act]\nfrom = \"2020-01-01\"\nbasis = \"sourced\"\nrate_of = \"day\"\n[act.name]\nfr = \"x\"\n";
    Tree::new(GOOD)
        .file(
            "law/BE.toml",
            &format!(
                "name = \"B\"\nrate = [\n{{ from = \"2026-01-01\", until = \"2026-06-31\", percent = \"10,5\", basis = \"heard\" }},\n\
                 {{ from = \"2026-01-01\", percent = \"9.5\", basis = \"derived\", note = \"x\" }},\n]\n{act}"
            ),
        )
        .tells(&[
            &format!("law/BE.toml:3:32: \"until\" is \"2026-06-31\"; wanted {day}"),
            "law/BE.toml:3:56: \"percent\" is \"10,5\"; wanted a rate a year such as \"10.50\", below 100",
            "law/BE.toml:3:72: \"basis\" is \"heard\"; wanted \"sourced\" (read at a source that a comment names) or \"derived\" (worked out from such)",
            "law/BE.toml:4:60: unknown key \"note\" in [[rate]]; wanted one of: basis, from, percent, until",
        ]);
    let two = |a: &str, b: &str| {
        format!(
            "name = \"B\"\nrate = [\n{{ from = \"2026-01-01\", {a}percent = \"9.5\", basis = \"derived\" }},\n\
             {{ from = \"2026-07-01\", {b}percent = \"9.5\", basis = \"derived\" }},\n]\n{act}"
        )
    };
    let overlap = "law/BE.toml:4:3: the entries overlap; wanted each to begin after the \"until\" of the one before";
    Tree::new(GOOD).file("law/BE.toml", &two("", "")).tells(&[overlap]);
    Tree::new(GOOD).file("law/BE.toml", &two("until = \"2026-07-01\", ", "")).tells(&[overlap]);
    Tree::new(GOOD).file("law/BE.toml", &two("until = \"2026-06-30\", ", "")).tells(&[]);
    Tree::new(GOOD)
        .file("law/BE.toml", &two("until = \"2026-06-30\", ", "until = \"2026-06-01\", "))
        .tells(&["law/BE.toml:4:24: \"until\" lies before \"from\"; wanted the last day on which this holds"]);
    Tree::new(GOOD).file("law/Belgium.toml", act).tells(&[
        "law/Belgium.toml:1:1: \"Belgium\" is no country; wanted an ISO 3166 code in capitals such as \"BE.toml\", or \"words.toml\"",
    ]);
    let fee = |steps: &str| {
        format!("name = \"B\"\n{act}[[fee]]\nfrom = \"2020-01-01\"\nbasis = \"sourced\"\ncurrency = \"EUR\"\nsteps = [{steps}]\n")
    };
    Tree::new(GOOD)
        .file("law/BE.toml", &fee("{ amount = \"40\" }, { amount = \"70.00\" }"))
        .tells(&["law/BE.toml:12:29: the steps of a fee: wanted them by rising \"below\", only the last without it"]);
    Tree::new(GOOD)
        .file("law/BE.toml", &fee(""))
        .tells(&["law/BE.toml:8:1: \"steps\" is missing in [[fee]]; wanted a list such as [{ amount = \"40.00\" }]"]);
    let consumer = "[consumer]\nfrom = \"2023-12-01\"\nbasis = \"sourced\"\nfree = true\nmust_name = [\"weather\"]\n";
    Tree::new(GOOD).file("law/BE.toml", &format!("name = \"B\"\n{act}{consumer}")).tells(&[
        "law/BE.toml:12:14: \"must_name\" holds \"weather\"; wanted any of: creditor, enterprise_number, invoice, goods, due_date, amount, days",
    ]);
    let words = Tree::new(GOOD).file("law/words.toml", "[fr]\nsentence = \"x\"\nextra = \"y\"\n").read();
    let words = words.map(|_| ()).unwrap_err();
    assert!(
        words.contains(&"law/words.toml:1:1: \"fee\" is missing in [fr]; wanted the phrase in this language".to_owned()),
        "{words:?}"
    );
    assert!(words.iter().any(|line| line.starts_with("law/words.toml:3:1: unknown key \"extra\" in [fr]")), "{words:?}");
}

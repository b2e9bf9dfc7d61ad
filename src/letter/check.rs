//! Checking letters: every variable known, every letter rendered in each of its languages.

use super::engine::Letters;
use super::view::{LetterFacts, VARIABLES, View, view};
use crate::config::CadenceFile;
use crate::config::problem::{At, Problems};
use crate::domain::decision::{Line, Section};
use crate::domain::invoice::{CustomerKind, Debtor, Invoice, Presence, RowKind, RowStatus};
use crate::domain::mail::Mail;
use crate::domain::money::Money;
use crate::domain::step::{Channel, Rank, StepId};
use jiff::civil::date;

impl Letters {
    /// Notes unknown variables, letters that fail on sample data, and letters that cadences name but nobody wrote.
    pub fn check(&self, cadences: &[CadenceFile], problems: &Problems) {
        for (name, file) in &self.files {
            if self.knows_all_variables(name, file, problems) {
                self.check_rendering(name, file, problems);
            }
        }
        for cadence in cadences {
            for (step, at) in cadence.cadence.steps.iter().zip(&cadence.letters_at) {
                for channel in step.channel.channels() {
                    let form = match channel {
                        Channel::Email => "md",
                        Channel::Sms => "sms",
                    };
                    let broken = self.broken.iter().any(|name| name.ends_with(&format!("/{}.{form}", step.letter)));
                    if !broken && self.language(None, &step.letter, form).is_err() {
                        let text = format!(
                            "there is no letter \"{}\" for {channel} in the creditor's language; wanted letters/LANGUAGE/{}.{form}",
                            step.letter, step.letter
                        );
                        problems.add(at, text);
                    }
                }
            }
        }
        if self.labels.is_empty() {
            problems.add(&At::start("letters"), "no labels.toml in any language");
        }
    }

    /// Every mail letter with sample data, in each of its languages.
    pub fn sample_mails(&self) -> Vec<Mail> {
        let names = self.files.keys().filter_map(|name| name.split_once('/')?.1.strip_suffix(".md").map(|l| (name, l)));
        let mails = names.filter_map(|(name, letter)| {
            let language = name.split_once('/')?.0;
            let view = sample_view(self.labels.get(language)?, 0);
            self.mail(language, letter, &view).ok()
        });
        mails.collect()
    }

    fn knows_all_variables(&self, name: &str, file: &str, problems: &Problems) -> bool {
        let mut all = true;
        for part in [name.to_owned(), format!("{name}#subject")] {
            let Ok(template) = self.engine.get_template(&part) else { continue };
            let mut unknown: Vec<String> = template.undeclared_variables(true).into_iter().filter(|v| !is_known(v)).collect();
            unknown.sort();
            for variable in unknown {
                all = false;
                let source = template.source();
                let offset = source.find(&variable).unwrap_or(0);
                problems.add(
                    &At::offset(file, source, offset),
                    format!("unknown variable \"{variable}\"; wanted one of: {}", VARIABLES.join(", ")),
                );
            }
        }
        all
    }

    fn check_rendering(&self, name: &str, file: &str, problems: &Problems) {
        let Some((language, rest)) = name.split_once('/') else { return };
        let Some(labels) = self.labels.get(language) else {
            problems.add(&At::start(file), format!("there is no labels.toml for the language \"{language}\""));
            return;
        };
        for variant in 0..VARIANTS {
            let view = sample_view(labels, variant);
            let rendered = match rest.rsplit_once('.') {
                Some((letter, "md")) => {
                    self.mail(language, letter, &view).map(|mail| (mail.subject, "the subject of this letter"))
                }
                Some((letter, "sms")) => self.sms(language, letter, &view).map(|text| (text, "this SMS")),
                _ => return,
            };
            if let Ok((text, what)) = &rendered
                && text.is_empty()
            {
                problems.add(&At::start(file), format!("{what} comes out empty; wanted words"));
                return;
            }
            if rest.ends_with(".sms") && self.sms_lines(name, &view) > 1 {
                problems
                    .add(&At { file: file.to_owned(), line: 2, column: 1 }, "an SMS is one line; wanted all of it on the first");
                return;
            }
            if let Err(e) = rendered {
                let (line, text) = match e {
                    super::LetterError::Render { line, text, .. } => (line, text),
                    missing => (1, missing.to_string()),
                };
                problems.add(&At { file: file.to_owned(), line, column: 1 }, format!("this letter cannot be made: {text}"));
                return;
            }
        }
    }
}

/// Whether a template variable, or the table that it lies in, is one of ours.
fn is_known(variable: &str) -> bool {
    VARIABLES.contains(&variable)
}

/// How many samples there are.
const VARIANTS: usize = 4;

/// Sample data: one invoice or five at several stages, a firm or a person, with or without all optional columns.
pub fn sample_view(labels: &super::Labels, variant: usize) -> View {
    let many = variant % 2 == 1;
    let full = variant < 2;
    let debtor = Debtor {
        pk: 1,
        id: "C1".to_owned(),
        name: "Brasserie du Parvis SPRL".to_owned(),
        language: None,
        country: Some("BE".to_owned()),
        kind: full.then_some(CustomerKind::Business),
        timezone: None,
        state: None,
        email: None,
        phone: None,
    };
    let rows: Vec<(Line, Invoice)> = samples(full).into_iter().take(if many { 6 } else { 1 }).collect();
    let pairs: Vec<(&Line, &Invoice)> = rows.iter().map(|(l, i)| (l, i)).collect();
    let eur = |minor| Money::new(minor, crate::domain::currency::Currency::EUR);
    let facts = LetterFacts {
        creditor: "Atelier du Canal SRL",
        contact: "compta@canal.example",
        iban: full.then_some("BE71096123456769"),
        debtor: &debtor,
        rows: &pairs,
        asked: eur(if many { 180_000 } else { 85_000 }),
        rank: Some(Rank::Reminder),
        booked_through: full.then_some(date(2026, 11, 19)),
        today: date(2026, 11, 20),
        copies: usize::from(full),
        copies_all: full && !many,
    };
    view(&facts, labels)
}

fn samples(full: bool) -> Vec<(Line, Invoice)> {
    let eur = |minor| Money::new(minor, crate::domain::currency::Currency::EUR);
    let rows = [
        (Section::Asked, "F-1031", 125_000, 85_000, 12),
        (Section::Asked, "F-1036", 95_000, 95_000, 9),
        (Section::Late, "F-1040", 42_000, 42_000, 3),
        (Section::DueSoon, "F-1052", 310_000, 310_000, -4),
        (Section::Disputed, "F-1028", 18_000, 18_000, 30),
        (Section::Credit, "N-2001", -5_000, -5_000, 0),
    ];
    let one = |(i, (section, number, total, net, days)): (usize, (Section, &str, i64, i64, i64))| {
        let credit = section == Section::Credit;
        let line = Line {
            pk: i as i64,
            section,
            mark: None,
            stage: StepId::parse("reminder"),
            rank: Some(Rank::Reminder),
            days_late: days,
            net: eur(net),
        };
        let due_on = crate::domain::time::plus_days(date(2026, 11, 20), -days);
        let invoice = Invoice {
            pk: i as i64,
            id: number.to_owned(),
            number: number.to_owned(),
            kind: if credit { RowKind::CreditNote } else { RowKind::Invoice },
            status: RowStatus::Open,
            presence: Presence::Open,
            issued_on: full.then(|| crate::domain::time::plus_days(due_on, -30)),
            due_on,
            balance: eur(net),
            total: full.then(|| eur(total)),
            disputed: None,
            reference: full.then(|| "+++010/8068/17183+++".to_owned()),
            pay_url: full.then(|| "https://pay.canal.example/F-1031".to_owned()),
            document: None,
            for_invoice: None,
            for_another: false,
            paid_by_others: 0,
            booked_through: None,
            cadence: None,
            term: 1,
            first_seen: due_on,
            reopened: false,
            paused_until: None,
            thread: None,
        };
        (line, invoice)
    };
    rows.into_iter().enumerate().map(one).collect()
}

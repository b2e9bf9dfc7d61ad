//! Checking letters: every variable known, every letter rendered in each of its languages.

use super::engine::{Letters, base_language};
use super::lint::{Rule, Use};
use super::phrase::Text;
use super::sample::{VARIANTS, sample_view};
use super::view::{VARIABLES, View};
use crate::config::problem::{At, Problems};
use crate::config::{CadenceFile, LetterSource};
use crate::domain::mail::Mail;
use crate::domain::step::{Channel, Rank};
use std::collections::BTreeMap;

/// So many samples are made whole, with the HTML around them; of the others only the words.
const WHOLE: usize = 2;

impl Letters {
    /// Notes unknown variables, letters that fail on sample data, and letters that cadences name but nobody wrote.
    pub fn check(&self, cadences: &[CadenceFile], problems: &Problems) {
        let samples = self.labels.iter().map(|(language, labels)| {
            (language.as_str(), (0..VARIANTS).map(|variant| sample_view(labels, variant)).collect::<Vec<View>>())
        });
        let samples: BTreeMap<&str, Vec<View>> = samples.collect();
        for (name, file) in &self.files {
            if self.knows_all_variables(name, file, problems) {
                self.check_rendering(name, file, &samples, problems);
            }
        }
        for cadence in cadences {
            for (step, at) in cadence.cadence.steps.iter().zip(&cadence.letters_at) {
                for channel in step.channels() {
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
        self.check_words(cadences, &samples, problems);
        if self.labels.is_empty() {
            problems.add(&At::start("letters"), "no labels.toml in any language");
        }
    }

    /// Words that letters should not say (rule R23), each where it stands.
    fn check_words(&self, cadences: &[CadenceFile], samples: &BTreeMap<&str, Vec<View>>, problems: &Problems) {
        for source in self.sources.iter().filter(|s| !self.broken.contains(&s.name)) {
            let Some((language, file)) = source.name.split_once('/') else { continue };
            let letter = file.rsplit_once('.').map_or(file, |(letter, _)| letter);
            let language = base_language(language);
            self.lint.weigh(&language, source, used(letter, cadences), problems);
            if self.files.contains_key(&source.name) {
                for rule in self.lint.rules.iter().filter(|r| r.once) {
                    self.check_once(rule, source, samples, problems);
                }
            }
        }
        for rule in self.lint.rules.iter().filter(|r| r.once) {
            cadences.iter().for_each(|cadence| self.check_once_a_cadence(rule, cadence, problems));
        }
    }

    /// Words that a letter may say once: counted as it leaves, because only one of two branches does.
    fn check_once(&self, rule: &Rule, source: &LetterSource, samples: &BTreeMap<&str, Vec<View>>, problems: &Problems) {
        let folder = source.name.split('/').next().unwrap_or_default();
        let language = base_language(folder);
        let places = rule.found(&language, &Text::of_template(&source.text));
        let Some((offset, word)) = places.get(1).or(places.first()) else { return };
        let times = |view: &View| {
            let text = self.whole(&source.name, view);
            text.map_or(0, |text| rule.found(&language, &Text::of_letter(&text)).len())
        };
        let most = samples.get(folder).into_iter().flatten().map(times).max().unwrap_or(0);
        if most > 1 {
            let at = At::offset(&source.file, &source.text, *offset);
            rule.tell(&at, &format!("\"{word}\" comes {most} times in this letter; wanted it once"), problems);
        }
    }

    /// Words that only one step of a cadence may say.
    fn check_once_a_cadence(&self, rule: &Rule, file: &CadenceFile, problems: &Problems) {
        let says = |letter: &str| {
            let of_letter = |s: &&LetterSource| {
                s.name.split_once('/').is_some_and(|(_, f)| f.rsplit_once('.').is_some_and(|(l, _)| l == letter))
            };
            let said = |s: &LetterSource| {
                let language = base_language(s.name.split('/').next().unwrap_or_default());
                !rule.found(&language, &Text::of_template(&s.text)).is_empty()
            };
            self.sources.iter().filter(of_letter).any(said)
        };
        let mut first: Option<&str> = None;
        for (step, at) in file.cadence.steps.iter().zip(&file.letters_at).filter(|(step, _)| says(&step.letter)) {
            match first {
                None => first = Some(step.id.as_str()),
                Some(earlier) => {
                    let text =
                        format!("the steps \"{earlier}\" and \"{}\" both say that it is the last time; wanted it once", step.id);
                    rule.tell(at, &text, problems);
                }
            }
        }
    }

    /// A letter as it leaves, subject and text.
    fn whole(&self, name: &str, view: &View) -> Option<String> {
        let (language, file) = name.split_once('/')?;
        match file.rsplit_once('.')? {
            (letter, "md") => self.mail(language, letter, view).ok().map(|mail| format!("{}\n{}", mail.subject, mail.text)),
            (letter, _) => self.sms(language, letter, view).ok(),
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

    fn check_rendering(&self, name: &str, file: &str, samples: &BTreeMap<&str, Vec<View>>, problems: &Problems) {
        let Some((language, rest)) = name.split_once('/') else { return };
        let Some(views) = samples.get(language) else {
            problems.add(&At::start(file), format!("there is no labels.toml for the language \"{language}\""));
            return;
        };
        for (i, view) in views.iter().enumerate() {
            if i >= WHOLE && rest.ends_with(".md") && self.only_words(name, view).is_ok() {
                continue;
            }
            let rendered = match rest.rsplit_once('.') {
                Some((letter, "md")) => {
                    self.mail(language, letter, view).map(|mail| (mail.subject, "the subject of this letter"))
                }
                Some((letter, "sms")) => self.sms(language, letter, view).map(|text| (text, "this SMS")),
                _ => return,
            };
            if let Ok((text, what)) = &rendered
                && text.is_empty()
            {
                problems.add(&At::start(file), format!("{what} comes out empty; wanted words"));
                return;
            }
            if rest.ends_with(".sms") && self.sms_lines(name, view) > 1 {
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

/// From which steps a letter leaves: the lowest counts. One that no step names but that has a rank's name has that rank.
fn used(letter: &str, cadences: &[CadenceFile]) -> Use {
    let steps = cadences.iter().flat_map(|c| &c.cadence.steps).filter(|s| s.letter == letter);
    let lowest = steps.map(|s| s.rank).min();
    lowest.or(Rank::parse(letter).map(Some)).map_or(Use::Nowhere, Use::Steps)
}

/// Whether a template variable, or the table that it lies in, is one of ours.
fn is_known(variable: &str) -> bool {
    VARIABLES.contains(&variable)
}

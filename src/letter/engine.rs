//! The letters that are there, by language, and their rendering.

use super::labels::Labels;
use super::lint::Lint;
use super::view::View;
use super::{html, jinja, markdown};
use crate::config::LetterSource;
use crate::config::problem::{At, Problem, Problems};
use crate::domain::mail::Mail;
use minijinja::value::ValueKind;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use std::collections::{BTreeMap, BTreeSet};

/// The work that one letter may cost; a letter of the shipped size takes about two hundredths of it.
const FUEL: u64 = 100_000;

/// The longest letter, in bytes; one with five hundred invoices is far below.
const LONGEST: usize = 1 << 20;

/// The file of words that letters should not say.
const LINT: &str = "lint.toml";

/// A letter that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// There is none of that name, in no language that could serve.
    #[error("there is no letter \"{letter}\" for {form} in {language} or in the creditor's language")]
    Missing {
        /// The name.
        letter: String,
        /// md or sms.
        form: &'static str,
        /// The language asked for.
        language: String,
    },
    /// It fails.
    #[error("{file}:{line}: {text}")]
    Render {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// Why.
        text: String,
    },
}

/// All letters.
#[derive(Debug)]
pub struct Letters {
    pub(super) engine: Environment<'static>,
    pub(super) labels: BTreeMap<String, Labels>,
    /// Template name, such as `fr/reminder.md`, to the file it came from.
    pub(super) files: BTreeMap<String, String>,
    /// Template names of letters that are there and cannot be read.
    pub(super) broken: BTreeSet<String>,
    /// The letters as their files have them, for the lint.
    pub(super) sources: Vec<LetterSource>,
    pub(super) lint: Lint,
    /// What is better mended in them, but stops nothing.
    pub warnings: Vec<Problem>,
    creditor_language: String,
}

impl Letters {
    /// Parses all letters; what is wrong is noted.
    pub fn new(sources: &[LetterSource], creditor_language: &str, problems: &Problems) -> Letters {
        let mut engine = jinja::environment();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_fuel(Some(FUEL));
        engine.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        engine.set_formatter(|out, state, value| {
            if state.name().ends_with(".md") && value.kind() == ValueKind::String {
                let mut escaped = String::new();
                markdown::escape(value.as_str().unwrap_or_default(), &mut escaped);
                return out.write_str(&escaped).map_err(minijinja::Error::from);
            }
            minijinja::escape_formatter(out, state, value)
        });
        let mut letters = Letters {
            engine,
            labels: BTreeMap::new(),
            files: BTreeMap::new(),
            broken: BTreeSet::new(),
            sources: sources.to_vec(),
            lint: Lint::default(),
            warnings: Vec::new(),
            creditor_language: base_language(creditor_language),
        };
        for source in sources {
            letters.add(source, problems);
        }
        letters
    }

    fn add(&mut self, source: &LetterSource, problems: &Problems) {
        let (language, file) = source.name.split_once('/').unwrap_or(("", &source.name));
        if source.name == LINT {
            self.lint = Lint::read(source, problems);
            return;
        }
        if file == "labels.toml" {
            self.labels.insert(language.to_owned(), Labels::read(source, problems));
            return;
        }
        let mut parts = vec![(source.name.clone(), source.text.trim_end().to_owned())];
        if file.ends_with(".md") {
            let (first, rest) = source.text.split_once('\n').unwrap_or((&source.text, ""));
            let Some(subject) = first.strip_prefix("subject:") else {
                problems.add(&At::start(&source.file), "wanted \"subject: …\" as the first line of the letter");
                self.broken.insert(source.name.clone());
                return;
            };
            if subject.trim().is_empty() {
                problems
                    .add(&At::start(&source.file), "the subject is empty; wanted \"subject: …\" as the first line of the letter");
                self.broken.insert(source.name.clone());
                return;
            }
            // The subject keeps its column, the body its line numbers.
            let subject = format!("{:8}{}", "", subject.trim_end());
            parts = vec![(format!("{}#subject", source.name), subject), (source.name.clone(), format!("\n{rest}"))];
        }
        for (name, text) in parts {
            if let Some((at, why)) = jinja::unwanted(&text) {
                problems.add(&At::offset(&source.file, &text, at), why);
                self.broken.insert(source.name.clone());
                return;
            }
            if let Err(e) = self.engine.add_template_owned(name.clone(), text.clone()) {
                let at = place(&source.file, &text, &e);
                problems.add(&at, format!("this letter cannot be read: {}{}", e.kind(), detail(&e)));
                self.broken.insert(source.name.clone());
                return;
            }
        }
        self.files.insert(source.name.clone(), source.file.clone());
    }

    /// The language in which a letter can be written for a debtor: its own, its base language, the creditor's.
    pub fn language(&self, wanted: Option<&str>, letter: &str, form: &'static str) -> Result<String, LetterError> {
        let wanted = wanted.unwrap_or(&self.creditor_language).to_ascii_lowercase();
        let base = base_language(&wanted);
        let there = |language: &str| {
            let has = self.labels.contains_key(language) && self.files.contains_key(&format!("{language}/{letter}.{form}"));
            has.then(|| language.to_owned())
        };
        there(&wanted).or_else(|| there(&base)).or_else(|| there(&self.creditor_language)).ok_or(LetterError::Missing {
            letter: letter.to_owned(),
            form,
            language: wanted,
        })
    }

    /// The words around letters in a language; those of the creditor's when it has none.
    pub fn labels(&self, language: &str) -> Option<&Labels> {
        self.labels.get(language).or_else(|| self.labels.get(&self.creditor_language))
    }

    /// Renders a mail.
    pub fn mail(&self, language: &str, letter: &str, view: &View) -> Result<Mail, LetterError> {
        let name = format!("{language}/{letter}.md");
        let values = minijinja::Value::from(minijinja::value::Serde(view));
        let subject = one_line(&self.render(&format!("{name}#subject"), &values)?);
        let body = self.render(&name, &values)?;
        let parsed = markdown::parse(&body);
        let failed = |e: askama::Error| LetterError::Render { file: name.clone(), line: 1, text: e.to_string() };
        let inner = markdown::to_html(&parsed, &html::items(view).map_err(failed)?, &html::payment(view).map_err(failed)?);
        if markdown::has_mark(&inner) || markdown::has_mark(&subject) {
            return Err(self.misplaced(&name));
        }
        let footer = self
            .labels(language)
            .map(|l| l.fill("footer", &[("creditor", &view.creditor.name), ("contact", &view.creditor.contact)]));
        let footer = footer.unwrap_or_default();
        let html = html::shell(language, &subject, view, &inner, &footer).map_err(failed)?;
        let colon = self.labels(language).map_or(": ", Labels::colon);
        let mut text = markdown::to_text(&parsed, &html::items_text(view, colon), &html::payment_text(view, colon));
        if !view.copy_note.is_empty() {
            text.insert_str(0, &format!("{}\n\n", view.copy_note));
        }
        if let Some(link) = &view.answer {
            text.push_str(&format!("\n{}\n{}\n", link.words.link, link.url));
        }
        text.extend(["\n-- \n", &footer, "\n"]);
        Ok(Mail { subject, text, html, language: language.to_owned() })
    }

    /// Renders an SMS: one line.
    pub fn sms(&self, language: &str, letter: &str, view: &View) -> Result<String, LetterError> {
        let name = format!("{language}/{letter}.sms");
        let text = self.render(&name, &minijinja::Value::from(minijinja::value::Serde(view)))?;
        if markdown::has_mark(&text) {
            return Err(self.misplaced(&name));
        }
        let mut text = one_line(&text);
        if let Some(link) = &view.answer {
            let colon = self.labels(language).map_or(": ", Labels::colon);
            text.push_str(&format!(" {}{colon}{}", link.words.sms, link.url));
        }
        Ok(plain_spaces(&text))
    }

    /// A block where none can stand.
    fn misplaced(&self, name: &str) -> LetterError {
        let source = self.engine.get_template(name).map(|t| t.source().to_owned()).unwrap_or_default();
        let alone = |line: &str| matches!(line.trim(), "{{ items }}" | "{{ payment }}" | "{{items}}" | "{{payment}}");
        let named = |line: &str| line.contains("items") || line.contains("payment");
        let lines: Vec<&str> = source.lines().collect();
        let blank = |i: Option<usize>| i.and_then(|i| lines.get(i)).is_none_or(|l| l.trim().is_empty());
        let wrong = |i: usize| named(lines[i]) && !(alone(lines[i]) && blank(i.checked_sub(1)) && blank(Some(i + 1)));
        let line = (0..lines.len()).find(|i| wrong(*i)).map_or(1, |i| i + 1);
        let text = "{{ items }} and {{ payment }} are blocks; each wants a paragraph of its own in a mail".to_owned();
        LetterError::Render { file: self.files.get(name).cloned().unwrap_or_else(|| name.to_owned()), line, text }
    }

    /// The lines of an SMS as its file makes them: `check` wants one.
    pub(super) fn sms_lines(&self, name: &str, view: &View) -> usize {
        self.render(name, &minijinja::Value::from(minijinja::value::Serde(view))).map_or(1, |text| text.trim().lines().count())
    }

    /// Renders the words of a mail and sees whether they make one, without making it.
    pub(super) fn only_words(&self, name: &str, view: &View) -> Result<(), LetterError> {
        let values = minijinja::Value::from(minijinja::value::Serde(view));
        let subject = self.render(&format!("{name}#subject"), &values)?;
        let body = self.render(name, &values)?;
        let inner = markdown::to_html(&markdown::parse(&body), "", "");
        if subject.trim().is_empty() || markdown::has_mark(&inner) || markdown::has_mark(&subject) {
            return Err(self.misplaced(name));
        }
        Ok(())
    }

    fn render(&self, name: &str, values: &minijinja::Value) -> Result<String, LetterError> {
        let failed = |e: minijinja::Error| {
            let file = name.trim_end_matches("#subject");
            let file = self.files.get(file).cloned().unwrap_or_else(|| file.to_owned());
            LetterError::Render { file, line: e.line().unwrap_or(1), text: format!("{:#}", e.kind()) + &detail(&e) }
        };
        let mut out = Bounded { bytes: Vec::new(), over: false };
        let done = self.engine.get_template(name).and_then(|t| t.render_captured_to(values, &mut out).map(drop));
        if out.over {
            let why = minijinja::Error::new(ErrorKind::InvalidOperation, format!("the letter is longer than {LONGEST} bytes"));
            return Err(failed(why));
        }
        done.map_err(failed)?;
        // What went in was text.
        Ok(String::from_utf8(out.bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }
}

/// Where a rendered letter is gathered, as far as one may go: what multiplies itself costs little work and much memory.
struct Bounded {
    bytes: Vec<u8>,
    over: bool,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > LONGEST {
            self.over = true;
            return Err(std::io::Error::other("too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn detail(error: &minijinja::Error) -> String {
    error.detail().map(|d| format!(": {d}")).unwrap_or_default()
}

/// Where in a file a template error lies.
pub(super) fn place(file: &str, text: &str, error: &minijinja::Error) -> At {
    match error.range() {
        Some(range) => At::offset(file, text, range.start),
        None => At { file: file.to_owned(), line: error.line().unwrap_or(1), column: 1 },
    }
}

pub(super) fn base_language(language: &str) -> String {
    language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

/// Words between ordinary spaces and line ends; no-break spaces stay where typography wants them.
fn one_line(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Spaces that GSM 7-bit lacks become plain ones, so that they do not make a text cost twice as much.
fn plain_spaces(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}', '\u{2009}'], " ").replace(['\u{2019}', '\u{2018}'], "'").replace('\u{2212}', "-")
}

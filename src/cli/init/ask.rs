//! Asking: on a terminal one question at a time, each answer checked at once; without one, or with --yes, flags and
//! defaults say everything, and what is wrong or missing is told all at once. Nothing is ever waited for then.

use super::CliError;
use super::answers::{Answers, Key};
use crate::cli::out;
use std::io::{BufRead as _, IsTerminal as _, Read as _};

/// The longest answer that is read.
const LONGEST: u64 = 4096;

/// A question.
pub(super) struct Question<'q> {
    /// What is asked for.
    pub(super) key: Key,
    /// The question, in plain words.
    pub(super) text: &'q str,
    /// What an empty answer means.
    pub(super) default: Default<'q>,
}

/// What an empty answer means.
pub(super) enum Default<'q> {
    /// There must be an answer.
    Needed,
    /// This.
    Is(&'q str),
    /// Nothing: the key is left out.
    Nothing,
}

/// Takes an answer beside those so far: as it is to be kept, or what is wrong with it.
type Judge<'a> = dyn Fn(&Answers, Key, &str) -> Result<String, String> + 'a;

/// Who answers.
pub(super) struct Asker<'a> {
    flags: Answers,
    terminal: bool,
    judge: Box<Judge<'a>>,
    missing: Vec<String>,
    wrong: Vec<String>,
}

impl<'a> Asker<'a> {
    /// Answers come from flags, and from the terminal where there is one and `yes` is not said. `judge` takes all answers so
    /// far with a new one, and gives it as it is to be kept, or says what is wrong with it.
    pub(super) fn new(
        flags: Answers,
        yes: bool,
        judge: impl Fn(&Answers, Key, &str) -> Result<String, String> + 'a,
    ) -> Asker<'a> {
        let terminal = !yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        Asker { flags, terminal, judge: Box::new(judge), missing: vec![], wrong: vec![] }
    }

    /// Whether a person answers.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether a flag says something.
    pub(super) fn has_flag(&self, key: Key) -> bool {
        self.flags.has(key)
    }

    /// What a flag says.
    pub(super) fn flag(&self, key: Key) -> Option<&str> {
        self.flags.get(key)
    }

    /// Something to read before the next question; flags need none.
    pub(super) fn explain(&self, text: &str) {
        if self.terminal {
            out::aside(&format!("\n{text}\n"));
        }
    }

    /// Gets an answer and keeps it.
    pub(super) fn ask(&mut self, answers: &mut Answers, question: Question) -> Result<(), CliError> {
        let key = question.key;
        if let Some(said) = self.flags.get(key) {
            match (self.judge)(answers, key, said) {
                Ok(kept) => {
                    answers.set(key, kept);
                    return Ok(());
                }
                Err(why) if self.terminal => out::aside(&format!("{}: {why}\n", key.flag())),
                Err(why) => {
                    self.wrong.push(format!("{}: {why}", key.flag()));
                    return Ok(());
                }
            }
        }
        if self.terminal {
            return self.insist(answers, &question);
        }
        match question.default {
            Default::Needed => self.missing.push(key.flag()),
            Default::Is(default) => match (self.judge)(answers, key, default) {
                Ok(kept) => answers.set(key, kept),
                Err(why) => self.wrong.push(format!("{} (by default {default}): {why}", key.flag())),
            },
            Default::Nothing => {}
        }
        Ok(())
    }

    /// Asks until the answer is good. Each turn waits for a person, and the end of what they type ends it.
    fn insist(&self, answers: &mut Answers, question: &Question) -> Result<(), CliError> {
        loop {
            let said = self.line(question.text, &question.default)?;
            let said = match (&question.default, said.as_str()) {
                (Default::Needed, "") => {
                    out::aside("There is no default for this: please say it.\n");
                    continue;
                }
                (Default::Nothing, "" | "none") => return Ok(()),
                (Default::Is(default), "") => (*default).to_owned(),
                (_, said) => said.to_owned(),
            };
            match (self.judge)(answers, question.key, &said) {
                Ok(kept) => {
                    answers.set(question.key, kept);
                    return Ok(());
                }
                Err(why) => out::aside(&format!("{why}\n")),
            }
        }
    }

    /// A yes or a no of a person; without one, the default.
    pub(super) fn agreed(&self, text: &str, default: bool) -> Result<bool, CliError> {
        if !self.terminal {
            return Ok(default);
        }
        loop {
            match self.line(text, &Default::Is(if default { "yes" } else { "no" }))?.to_ascii_lowercase().as_str() {
                "" => return Ok(default),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => out::aside("Please say yes or no.\n"),
            }
        }
    }

    /// One line of a person.
    fn line(&self, text: &str, default: &Default) -> Result<String, CliError> {
        let bracket = match default {
            Default::Needed => String::new(),
            Default::Is(default) => format!(" [{default}]"),
            Default::Nothing => " [none]".to_owned(),
        };
        out::aside(&format!("{text}{bracket}: "));
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(LONGEST).read_until(b'\n', &mut bytes);
        match read {
            Ok(0) => Err(CliError::Failed("that was the end of the answers; nothing was written".to_owned())),
            Ok(_) => Ok(String::from_utf8_lossy(&bytes).trim().to_owned()),
            Err(e) => Err(CliError::Failed(format!("cannot read your answer: {e}; nothing was written"))),
        }
    }

    /// Refuses to go on where flags lack something or are wrong; tells all of it.
    pub(super) fn settled(&mut self) -> Result<(), CliError> {
        let (missing, wrong) = (std::mem::take(&mut self.missing), std::mem::take(&mut self.wrong));
        if missing.is_empty() && wrong.is_empty() {
            return Ok(());
        }
        let missing = (!missing.is_empty())
            .then(|| format!("there is no terminal to ask on (or --yes was said), and these are needed: {}", missing.join(", ")));
        let lines: Vec<String> = missing.into_iter().chain(wrong).collect();
        Err(CliError::Usage(format!("nothing was written: {}", lines.join("\n  "))))
    }
}

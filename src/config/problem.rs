//! Problems in configuration files, each with its place, gathered so that all are told at once.

use std::cell::RefCell;
use std::fmt;

/// A place in a file: line and column count from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// The file, or the name of an environment variable.
    pub file: String,
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

impl At {
    /// The beginning of a file.
    pub fn start(file: &str) -> At {
        At { file: file.to_owned(), line: 1, column: 1 }
    }

    /// The place of a byte offset in a text.
    pub fn offset(file: &str, text: &str, offset: usize) -> At {
        let end = (0..=offset.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        At { file: file.to_owned(), line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One thing that is wrong, and what was wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where.
    pub at: At,
    /// What is wrong and what was wanted.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.text)
    }
}

/// Gathers problems while files are read.
#[derive(Debug, Default)]
pub struct Problems {
    list: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
}

impl Problems {
    /// Notes a problem.
    pub fn add(&self, at: &At, text: impl Into<String>) {
        self.list.borrow_mut().push(Problem { at: at.clone(), text: text.into() });
    }

    /// Notes something that is better mended, but stops nothing.
    pub fn warn(&self, at: &At, text: impl Into<String>) {
        self.warnings.borrow_mut().push(Problem { at: at.clone(), text: text.into() });
    }

    /// All that was warned of, by file and place, none twice.
    pub fn warnings(&self) -> Vec<Problem> {
        let mut list = self.warnings.borrow().clone();
        list.sort();
        list.dedup();
        list
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// All problems, by file and place, none twice.
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut list = self.list.into_inner();
        list.sort();
        list.dedup();
        list
    }
}

/// The configuration cannot be used; every problem stands on a line of its own.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<Problem>);

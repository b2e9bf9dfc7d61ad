//! Whoever installs relance takes its dependencies along: each must come under a licence that asks for no more
//! than a notice.

use serde_json::Value;
use std::process::Command;

/// Licences that a dependency may come under. CDLA-Permissive-2.0 is that of root certificates; MIT-0 is
/// MIT without even the notice.
const ALLOWED: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn every_dependency_comes_under_an_allowed_licence() {
    let packages = packages();
    assert!(packages.len() > 100, "only {} packages: that cannot be all", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter_map(|(name, licence)| match licence {
            None => Some(format!("{name}: says no licence")),
            Some(text) => match is_allowed(text) {
                Ok(true) => None,
                Ok(false) => Some(format!("{name}: {text} has no allowed alternative")),
                Err(why) => Some(format!("{name}: \"{text}\" cannot be read: {why}")),
            },
        })
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// Name and licence of everything that is built here, for tests too. Other systems' crates need not be at hand.
fn packages() -> Vec<(String, Option<String>)> {
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|l| l.strip_prefix("host: ")).unwrap();
    let text = cargo(&["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host]);
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let package = |p: &Value| {
        let name = format!("{} {}", p["name"].as_str().unwrap(), p["version"].as_str().unwrap());
        (name, p["license"].as_str().map(str::to_owned))
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

fn cargo(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).current_dir(env!("CARGO_MANIFEST_DIR")).args(words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether an SPDX licence expression leaves a choice that is allowed. AND binds more tightly than OR; a slash is
/// the old way to write OR; an exception (WITH) only permits more.
fn is_allowed(text: &str) -> Result<bool, String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = Words { list: spaced.split_ascii_whitespace().collect(), at: 0 };
    let allowed = words.any()?;
    match words.next() {
        None => Ok(allowed),
        Some(word) => Err(format!("\"{word}\" was not expected")),
    }
}

/// An expression, word by word.
struct Words<'a> {
    list: Vec<&'a str>,
    at: usize,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.at += 1;
        self.list.get(self.at - 1).copied()
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = self.list.get(self.at) == Some(&word);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<bool, String> {
        let mut allowed = self.all()?;
        while self.takes("OR") {
            allowed |= self.all()?;
        }
        Ok(allowed)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut allowed = self.one()?;
        while self.takes("AND") {
            allowed &= self.one()?;
        }
        Ok(allowed)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.takes("(") {
            let allowed = self.any()?;
            return if self.takes(")") { Ok(allowed) } else { Err("a bracket is not closed".to_owned()) };
        }
        let licence = self.name()?;
        if self.takes("WITH") {
            self.name()?;
        }
        // "Or any later version" includes the version itself.
        Ok(ALLOWED.contains(&licence.strip_suffix('+').unwrap_or(licence)))
    }

    fn name(&mut self) -> Result<&'a str, String> {
        match self.next() {
            Some(word) if !matches!(word, "AND" | "OR" | "WITH" | "(" | ")") => Ok(word),
            Some(word) => Err(format!("\"{word}\" stands where a name should be")),
            None => Err("it ends too early".to_owned()),
        }
    }
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    let cases = [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("MIT OR GPL-3.0-only", true),
        ("GPL-3.0-only OR MIT", true),
        ("MIT AND GPL-3.0-only", false),
        ("MIT AND ISC", true),
        ("MIT/Apache-2.0", true),
        ("GPL-2.0 / MIT", true),
        ("GPL-2.0/LGPL-2.1", false),
        // AND goes first: one of them alone is not enough.
        ("GPL-3.0-only AND MIT OR LGPL-2.1", false),
        ("GPL-3.0-only AND LGPL-2.1 OR MIT", true),
        ("MIT OR GPL-3.0-only AND LGPL-2.1", true),
        ("GPL-3.0-only AND (MIT OR LGPL-2.1)", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR GPL-3.0-only) AND (ISC OR LGPL-2.1)", true),
        ("((MIT))", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only", true),
        ("GPL-3.0-only WITH Classpath-exception-2.0", false),
        ("Apache-2.0+", true),
        ("GPL-2.0+", false),
        ("mit", false),
    ];
    for (text, allowed) in cases {
        assert_eq!(is_allowed(text), Ok(allowed), "{text}");
    }
}

#[test]
fn what_is_no_expression_is_an_error() {
    for text in ["", "OR", "MIT OR", "MIT ISC", "(MIT", "MIT)", "MIT WITH", "MIT AND OR ISC", "()", "WITH MIT"] {
        assert!(is_allowed(text).is_err(), "{text}");
    }
}

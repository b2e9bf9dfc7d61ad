//! Each event of the journal has a code that does not change, stands in the README's table with its level, and holds nothing of
//! a customer. Read from the source: what is not written there cannot be told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const README: &str = include_str!("../../../README.md");

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        match entry.is_dir() {
            true => files(&entry, found),
            false if entry.extension().is_some_and(|e| e == "rs") => found.push(entry),
            false => {}
        }
    }
}

/// Each event: place, level, and what stands between the brackets.
fn events() -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    files(&root, &mut sources);
    for path in sources {
        let text = std::fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("tracing::") {
            let rest = &text[at + "tracing::".len()..];
            let Some((level, rest)) = rest.split_once("!(") else { continue };
            let levels: &[&str] = match level {
                "error" | "warn" | "info" | "debug" => &[level],
                "$level" => &["info", "warn"],
                _ => continue,
            };
            let mut depth = 1;
            let end = rest.find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth == 0
            });
            let place = format!("{}:{}", path.strip_prefix(&root).unwrap().display(), text[..at].lines().count());
            for level in levels {
                all.push((place.clone(), (*level).to_owned(), rest[..end.unwrap()].to_owned()));
            }
        }
    }
    all
}

fn code(inside: &str) -> Option<&str> {
    inside.trim_start().strip_prefix("event = \"")?.split('"').next()
}

#[test]
fn each_has_its_code_and_names_nobody() {
    let events = events();
    assert!(events.len() > 60, "only {}: that cannot be all", events.len());
    for (place, level, inside) in events {
        let code = code(&inside).unwrap_or_else(|| panic!("{place}: {level}: an event without a code: {inside}"));
        assert!(!code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{place}: {code}");
        // What a debtor, a message or a letter holds of a person.
        for word in ["address", "debtor", ".name", "phone", "email", "subject", "customer"] {
            let own = ["session.name", "other.name", "customers", "debtors = ", "what a daemon left"];
            let rest = own.iter().fold(inside.clone(), |text, o| text.replace(o, ""));
            assert!(!rest.contains(word), "{place}: \"{word}\" in {inside}");
        }
    }
}

#[test]
fn the_readme_has_them_all_with_their_levels() {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, level, inside) in events().into_iter().filter(|(_, level, _)| level != "debug") {
        found.entry(code(&inside).unwrap().to_owned()).or_default().insert(level);
    }
    found.entry("lines_lost".to_owned()).or_default().insert("warn".to_owned());
    let table = README.split("| Event | Level |").nth(1).expect("the table of events").split("\n\n").next().unwrap();
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in table.lines().filter(|l| l.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        for code in cells[0].split(", ") {
            let levels = cells[1].split(", ").map(str::to_owned).collect();
            assert!(told.insert(code.trim_matches('`').to_owned(), levels).is_none(), "{code} stands there twice");
        }
    }
    assert_eq!(told, found);
}

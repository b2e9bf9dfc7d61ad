//! The floors of ARCHITECTURE.md: a file imports only from floors below, siblings of the floor that does all network,
//! files and SQL leave each other alone, and the domain stays pure. Paths are read from the code itself, so that
//! nobody has to remember.

use std::path::{Path, PathBuf};

/// Rooms by floor, the lowest first.
const FLOORS: [&[&str]; 5] = [
    &["domain"],
    &["config", "clock", "journal", "postgres", "tls"],
    &["source", "store", "channel", "inbox", "bank", "letter"],
    &["flow"],
    &["main", "cli", "console", "daemon", "demo", "observe", "rehearsal", "web"],
];

/// The floor whose rooms do not import each other.
const APART: usize = 2;

/// What the domain may not use.
const IMPURE: [&str; 8] = ["tokio", "sqlx", "tracing", "reqwest", "lettre", "std::env", "std::fs", "std::net"];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// What a file does that its floor does not allow.
fn violations(path: &str, text: &str) -> Vec<String> {
    let module = module_of(path);
    let Some(room) = module.first() else { return vec![] };
    let Some(own) = floor(room) else { return vec![format!("{path}: the room \"{room}\" stands on no floor")] };
    let mut found = Vec::new();
    for (line, used) in paths(&module, text) {
        let name = used.join("::");
        let place = format!("{path}:{line}: {name}");
        if own == 0 && IMPURE.iter().any(|i| name == *i || name.starts_with(&format!("{i}::"))) {
            found.push(format!("{place}: the domain is pure"));
        }
        let Some(target) = name.strip_prefix("crate::").and_then(|n| n.split("::").next()) else { continue };
        match floor(target) {
            Some(other) if other > own => found.push(format!("{place}: an import from the floor above")),
            Some(other) if other == own && own == APART && target != room => {
                found.push(format!("{place}: rooms of this floor leave each other alone"));
            }
            _ => {}
        }
    }
    found
}

/// `src/domain/decision/mod.rs` is `domain::decision`; `src/lib.rs` is the crate itself.
fn module_of(path: &str) -> Vec<String> {
    let inner = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
    let mut parts: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib")) {
        parts.pop();
    }
    parts
}

/// Every path that a file names, with its line; those of this crate begin with `crate`.
fn paths(module: &[String], text: &str) -> Vec<(usize, Vec<String>)> {
    let tokens = tokens(&code_only(text));
    let mut found = Vec::new();
    // Modules inside the file, each with the depth at which it began.
    let mut inside: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut i) = (0usize, 0usize);
    while let Some((line, token)) = tokens.get(i) {
        let at = |n: usize| tokens.get(n).map(|t| t.1.as_str());
        let begins_path = is_name(token) && at(i + 1) == Some("::") && (i == 0 || at(i - 1) != Some("::"));
        if token == "use" || begins_path {
            let mut new = Vec::new();
            i = tree(&tokens, if token == "use" { i + 1 } else { i }, &[], *line, &mut new);
            let here: Vec<String> = module.iter().cloned().chain(inside.iter().map(|(name, _)| name.clone())).collect();
            new.iter_mut().for_each(|(_, path)| resolve(path, &here));
            found.append(&mut new);
            continue;
        }
        match token.as_str() {
            "mod" if at(i + 2) == Some("{") => inside.push((tokens[i + 1].1.clone(), depth)),
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inside.retain(|(_, began)| *began < depth);
            }
            _ => {}
        }
        i += 1;
    }
    found
}

/// Reads `a::b::{c, d::e}` from a place on; gives the place behind it.
fn tree(
    tokens: &[(usize, String)],
    mut i: usize,
    before: &[String],
    line: usize,
    found: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let mut path = before.to_vec();
    let after = |i: usize, sign: &str| i > 0 && tokens[i - 1].1 == sign;
    while let Some((_, token)) = tokens.get(i) {
        match token.as_str() {
            "::" => i += 1,
            "{" if after(i, "::") || after(i, "use") => {
                i += 1;
                while tokens.get(i).is_some_and(|t| t.1 != "}") {
                    let next = if tokens[i].1 == "," { i + 1 } else { tree(tokens, i, &path, tokens[i].0, found) };
                    i = next.max(i + 1);
                }
                return i + 1;
            }
            "as" => i += 2,
            "*" if after(i, "::") => i += 1,
            name if is_name(name) && (path.len() == before.len() || after(i, "::")) => {
                path.push(name.to_owned());
                i += 1;
            }
            _ => break,
        }
    }
    found.push((line, path));
    i
}

/// `super::x` and `self::x`, seen from a module, as `crate::…`; so is the library's own name.
fn resolve(path: &mut Vec<String>, module: &[String]) {
    let up = path.iter().take_while(|p| *p == "super" || *p == "self").count();
    if up > 0 {
        let supers = path[..up].iter().filter(|p| *p == "super").count();
        let stays = module.len().saturating_sub(supers);
        path.splice(..up, std::iter::once("crate".to_owned()).chain(module[..stays].iter().cloned()));
    } else if path.first().is_some_and(|p| p == "relance") {
        path[0] = "crate".to_owned();
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single signs, each with its line.
fn tokens(code: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for (n, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = if name > 0 {
                name
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            found.push((n + 1, rest[..length].to_owned()));
            rest = rest[length..].trim_start();
        }
    }
    found
}

/// The code without comments, texts and characters; lines stay where they are.
fn code_only(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let hashes = rest.strip_prefix('r').map(|r| r.len() - r.trim_start_matches('#').len());
        let raw = hashes.filter(|n| rest[1 + n..].starts_with('"') && !out.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(n) = raw {
            let end = format!("\"{}", "#".repeat(n));
            rest[n + 2..].find(&end).map_or(rest.len(), |at| n + 2 + at + end.len())
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' && (rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'')) {
            quoted(rest, '\'')
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        out.push(' ');
        out.extend(rest[..length].chars().filter(|c| *c == '\n'));
        rest = &rest[length..];
    }
    out
}

/// The length of a quoted text, from its first quotation mark to its last.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == mark => return i + 1,
            _ => {}
        }
    }
    text.len()
}

/// Every Rust file below a folder of the project, by its path there.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = vec![root.join(folder)];
    let mut files = Vec::new();
    while let Some(next) = open.pop() {
        for path in std::fs::read_dir(next).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn no_file_imports_from_above() {
    let files = rust_files("src");
    assert!(files.len() > 50, "looked in the wrong place");
    let found: Vec<String> = files.iter().flat_map(|(path, text)| violations(path, text)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    // The reading of paths sees what is there.
    let seen = |path: &str, wanted: &str| {
        let (_, text) = files.iter().find(|f| f.0 == path).unwrap();
        paths(&module_of(path), text).iter().any(|(_, p)| p.join("::") == wanted)
    };
    assert!(seen("src/flow/contact.rs", "crate::store::plan::NewContact"));
    assert!(seen("src/domain/decision/verdict.rs", "crate::domain::decision::pace::pace"));
    assert!(seen("src/store/db.rs", "crate::store::statements"));
}

#[test]
fn files_are_short_and_say_why_they_exist() {
    for (path, text) in ["src", "tests", "benches"].into_iter().flat_map(rust_files) {
        assert!(text.lines().count() <= 500, "{path} has {} lines", text.lines().count());
        assert!(text.starts_with("//! "), "{path} does not say why it exists");
    }
}

#[test]
fn planted_violations_are_found() {
    let above = ": an import from the floor above";
    let cases = [
        ("src/domain/money.rs", "use crate::config::Setup;", vec!["1: crate::config::Setup: an import from the floor above"]),
        (
            "src/domain/decision/mod.rs",
            "fn f() {\n    super::super::store::all_statements();\n}",
            vec!["2: crate::store::all_statements: an import from the floor above"],
        ),
        (
            "src/domain/decision/verdict.rs",
            "use super::{pace, super::super::super::flow::plan};",
            vec!["1: crate::flow::plan: an import from the floor above"],
        ),
        (
            "src/store/db.rs",
            "use crate::{clock::Clock, source::{Page, row::Cell}};",
            vec![
                "1: crate::source::Page: rooms of this floor leave each other alone",
                "1: crate::source::row::Cell: rooms of this floor leave each other alone",
            ],
        ),
        (
            "src/letter/mod.rs",
            "use crate::config::Setup;\n\npub use crate::flow::desk as d;\n",
            vec!["3: crate::flow::desk: an import from the floor above"],
        ),
        (
            "src/config/mod.rs",
            "mod tests {\n    use super::*;\n    use super::super::cli::Args;\n    use super::node::Node;\n}",
            vec!["3: crate::cli::Args: an import from the floor above"],
        ),
        (
            "src/domain/time.rs",
            "use std::{env, collections::BTreeMap, fs::File};\nuse tokio;\nasync fn f() { tracing::info!(\"x\"); }",
            vec![
                "1: std::env: the domain is pure",
                "1: std::fs::File: the domain is pure",
                "2: tokio: the domain is pure",
                "3: tracing::info: the domain is pure",
            ],
        ),
        (
            "src/flow/plan.rs",
            "type T = Vec<crate::daemon::Daemon>;",
            vec!["1: crate::daemon::Daemon: an import from the floor above"],
        ),
        ("src/flow/plan.rs", "fn f() { relance::cli::run() }", vec!["1: crate::cli::run: an import from the floor above"]),
    ];
    for (path, text, expected) in cases {
        let expected: Vec<String> = expected.iter().map(|e| format!("{path}:{e}")).collect();
        assert_eq!(violations(path, text), expected, "{text}");
        assert!(expected.iter().all(|e| e.contains(above) || e.contains("leave each other") || e.contains("pure")));
    }
    assert_eq!(violations("src/attic/mod.rs", ""), ["src/attic/mod.rs: the room \"attic\" stands on no floor"]);
}

#[test]
fn what_is_allowed_is_let_pass() {
    for (path, text) in [
        ("src/domain/decision/verdict.rs", "use super::pace::pace;\nuse crate::domain::money::Money;\nuse jiff::Timestamp;"),
        (
            "src/domain/money.rs",
            "//! See [`crate::flow`].\n// use crate::flow::x;\nconst A: &str = \"crate::flow::x\"; /* crate::store */",
        ),
        (
            "src/domain/money.rs",
            "const A: &str = r#\"use crate::flow; \" crate::store::db\"#; const B: char = '\"'; fn f<'a>(a: &'a str) {}",
        ),
        ("src/store/outbox.rs", "use super::db::Store;\nuse crate::domain::case::MarkKind;"),
        ("src/daemon.rs", "use crate::cli::out;\nuse crate::flow::plan;"),
        ("src/lib.rs", "pub mod flow;\npub mod domain;"),
    ] {
        assert_eq!(violations(path, text), Vec::<String>::new(), "{text}");
    }
}

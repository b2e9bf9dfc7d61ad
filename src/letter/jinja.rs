//! How much of Jinja a letter may use: what chooses words and puts values in place. What makes long texts out of short ones
//! stays out (`set`, macros, blocks, `~`, `+`, `*`, filters that take a width), because the bound on work counts steps, not
//! bytes: forty lines that double a text would fill any memory.

use minijinja::{Environment, filters, tests};

/// The statements that a letter may have.
const STATEMENTS: [&str; 8] = ["if", "elif", "else", "endif", "for", "endfor", "raw", "endraw"];

/// Jinja with what letters may use, and nothing else: no include, no function.
pub(super) fn environment() -> Environment<'static> {
    let mut engine = Environment::empty();
    engine.add_filter("lower", filters::lower);
    engine.add_filter("upper", filters::upper);
    engine.add_filter("title", filters::title);
    engine.add_filter("capitalize", filters::capitalize);
    engine.add_filter("trim", filters::trim);
    engine.add_filter("length", filters::length);
    engine.add_filter("default", filters::default);
    engine.add_filter("first", filters::first);
    engine.add_filter("last", filters::last);
    engine.add_filter("round", filters::round);
    engine.add_filter("abs", filters::abs);
    engine.add_filter("int", filters::int);
    engine.add_test("defined", tests::is_defined);
    engine.add_test("undefined", tests::is_undefined);
    engine.add_test("odd", tests::is_odd);
    engine.add_test("even", tests::is_even);
    engine.add_test("divisibleby", tests::is_divisibleby);
    engine.add_test("in", tests::is_in);
    engine.add_test("startingwith", tests::is_startingwith);
    engine.add_test("endingwith", tests::is_endingwith);
    engine
}

/// The first thing in a template that a letter may not use: its offset, and what is wrong with it. What stands in quotation
/// marks and between the tags are words.
pub(super) fn unwanted(source: &str) -> Option<(usize, String)> {
    let mut at = 0;
    while let Some((start, close)) = super::phrase::next_tag(source, at) {
        let inside = start + 2;
        if close == "#}" {
            at = source[inside..].find(close).map_or(source.len(), |n| inside + n + 2);
            continue;
        }
        let (end, sign) = inner(source, inside, close);
        if close == "%}" {
            let word = source[inside..end].trim_start_matches(['-', '+']).trim_start();
            let word = word.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            if !word.is_empty() && !STATEMENTS.contains(&word) {
                return Some((start, format!("\"{word}\" has no place in a letter; wanted one of: {}", STATEMENTS.join(", "))));
            }
        }
        if let Some((place, sign)) = sign {
            let text =
                format!("\"{sign}\" has no place in a letter; values stand beside each other, as in {{{{ a }}}}{{{{ b }}}}");
            return Some((place, text));
        }
        at = end;
    }
    None
}

/// The end of a tag, and the first sign in it that makes texts of texts.
fn inner(source: &str, from: usize, close: &str) -> (usize, Option<(usize, char)>) {
    let (mut quote, mut escaped, mut found) = (None, false, None);
    for (i, c) in source[from..].char_indices().map(|(i, c)| (from + i, c)) {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(mark) if c == mark => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if source[i..].starts_with(close) => return (i, found),
            // A plus beside the edge of a tag is about the white space around it.
            None if c == '+' && (i == from || source[i + 1..].starts_with(close)) => {}
            None if matches!(c, '~' | '+' | '*') => found = found.or(Some((i, c))),
            None => {}
        }
    }
    (source.len(), found)
}

#[cfg(test)]
mod tests_of_it {
    use super::unwanted;

    #[test]
    fn what_makes_texts_of_texts_is_found() {
        let told = |source: &str| unwanted(source).map(|(at, text)| (at, text.split(' ').next().unwrap().to_owned()));
        let found = |at: usize, word: &str| Some((at, format!("\"{word}\"")));
        assert_eq!(told("a ~ b {{ a }} {%- if a - 1 > 2 %}x{%+ else +%}{# a ~ b #}{{ \"a ~ \\\" + b\" }}{% endif -%} * +"), None);
        assert_eq!(told("{{ a ~ b }}"), found(5, "~"));
        assert_eq!(told("{{ a }}\n{{ a * 9 }}"), found(13, "*"));
        assert_eq!(told("{% if a + b %}"), found(8, "+"));
        assert_eq!(told("{%- set a = b %}"), found(0, "set"));
        assert_eq!(told("x{% include 'y' %}"), found(1, "include"));
        assert_eq!(told("{{ 'never ends"), None);
        assert_eq!(told("{% raw %}{{ a ~ b }}{% endraw %}"), found(14, "~"));
    }
}

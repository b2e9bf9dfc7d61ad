//! Texts with names in braces that are filled in: `{name}`. What is filled in is not looked at again, so that a text of others
//! that holds `{to}` stays as it is.

/// A pattern with every `{name}` filled in by `value`, which says whether it knows the name; what it does not know stays.
pub fn filled(pattern: &str, mut value: impl FnMut(&str, &mut String) -> bool) -> String {
    let mut out = String::with_capacity(pattern.len() + 32);
    let mut rest = pattern;
    while let Some((before, from)) = rest.split_once('{') {
        out.push_str(before);
        rest = match from.split_once('}') {
            Some((name, after)) if value(name, &mut out) => after,
            _ => {
                out.push('{');
                from
            }
        };
    }
    out.push_str(rest);
    out
}

/// The same with values by name.
pub fn fill(pattern: &str, values: &[(&str, &str)]) -> String {
    filled(pattern, |name, out| {
        let value = values.iter().find(|(known, _)| *known == name);
        value.inspect(|(_, value)| out.push_str(value)).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        assert_eq!(fill("{a} und {b} {c}", &[("a", "{b}"), ("b", "x")]), "{b} und x {c}");
        assert_eq!(fill("{ {a} {a", &[("a", "1")]), "{ 1 {a");
        assert_eq!(fill("", &[]), "");
    }
}

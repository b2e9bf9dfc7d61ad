//! A page in Prometheus' text format, version 0.0.4: families with a help line, a type and their samples.

use std::fmt::Write as _;

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up, from the start of the program.
    Counter,
}

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
    name: &'static str,
}

impl Page {
    /// Begins a family; its samples follow.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> &mut Page {
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        };
        self.name = name;
        self.put(format_args!("# HELP {name} {}\n# TYPE {name} {kind}\n", help.replace('\\', "\\\\").replace('\n', " ")));
        self
    }

    /// A sample of the family.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        let name = self.name;
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", quoted(value))).collect();
        match labels.as_slice() {
            [] => self.put(format_args!("{name} {value}\n")),
            labels => self.put(format_args!("{name}{{{}}} {value}\n", labels.join(","))),
        }
    }

    /// The one sample of the family.
    pub(super) fn is(&mut self, value: f64) {
        self.sample(&[], value);
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        let written = self.text.write_fmt(text);
        debug_assert!(written.is_ok(), "a text takes whatever is written into it");
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_label_ends_it() {
        let mut page = Page::default();
        page.family("x_total", Kind::Counter, "Some\nhelp.").sample(&[("a", "b\"c\\d\ne"), ("f", "")], 1.5);
        page.family("y_seconds", Kind::Gauge, "More.").is(3_000_000_000.0);
        let wanted = "# HELP x_total Some help.\n# TYPE x_total counter\nx_total{a=\"b\\\"c\\\\d\\ne\",f=\"\"} 1.5\n# HELP y_seconds More.\n# TYPE y_seconds gauge\ny_seconds 3000000000\n";
        assert_eq!(page.into_text(), wanted);
    }
}

//! relance.toml, conf.d/*.toml and RELANCE__ variables, merged by the `config` crate.
//!
//! That crate forgets where a value stood, so each file is parsed once before with its places, and the
//! merged tree is given them back by path.

use super::node::{Node, Value};
use super::problem::{At, Problems};
use super::{Environment, listing, read_file};
use config::{Config, ConfigError, Map, Source, ValueKind};
use std::path::Path;

/// The merged tree; `None` when there is none to be had.
pub(super) fn read(path: &Path, folder: &Path, environment: &Environment, problems: &Problems) -> Option<Node> {
    let mut trees = Vec::new();
    let mut builder = Config::builder();
    let snippets = listing(&folder.join("conf.d"), problems);
    let snippets = snippets.into_iter().filter(|p| p.extension().is_some_and(|e| e == "toml"));
    for file in std::iter::once(path.to_path_buf()).chain(snippets) {
        let name = file.display().to_string();
        let text = read_file(&file, problems)?;
        let before = Problems::default();
        let tree = Node::parse(&name, &text, &before);
        if !before.is_empty() {
            before.into_sorted().into_iter().for_each(|p| problems.add(&p.at, p.text));
            continue;
        }
        builder = builder.add_source(Tree(tree.clone()));
        trees.push(tree);
    }
    let prefixed = environment.iter().filter(|(k, _)| k.starts_with("RELANCE__"));
    let variables: Map<String, String> = prefixed.map(|(k, v)| (k.clone(), v.clone())).collect();
    let mut names: Vec<String> = variables.keys().cloned().collect();
    names.sort();
    let source = config::Environment::with_prefix("RELANCE").prefix_separator("__").separator("__").source(Some(variables));
    let merged = match builder.add_source(source).build() {
        Ok(merged) => merged,
        Err(e) => {
            problems.add(&At::start(&path.display().to_string()), format!("cannot put the settings together: {e}"));
            return None;
        }
    };
    let main = At::start(&path.display().to_string());
    let places = Places { trees: &trees, variables: &names };
    let entries = merged.cache.into_table().unwrap_or_default();
    let mut root: Vec<(String, At, Node)> = entries.into_iter().map(|(k, v)| places.entry(&mut vec![], k, v)).collect();
    root.sort_by(|a, b| a.1.cmp(&b.1));
    let any = !trees.is_empty();
    any.then(|| Node { at: main.clone(), value: Value::Table(root) })
}

/// A file as it was parsed with its places, handed to the `config` crate. Its own reader would refuse a whole file
/// for one number that is too large; here that is one wrong value among the others.
#[derive(Clone, Debug)]
struct Tree(Node);

impl Source for Tree {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, config::Value>, ConfigError> {
        value(&self.0).into_table()
    }
}

fn value(node: &Node) -> config::Value {
    let kind = match &node.value {
        Value::Text(text) | Value::Date(text) => ValueKind::String(text.clone()),
        Value::Integer(i) => ValueKind::I64(*i),
        Value::Float(f) => ValueKind::Float(*f),
        Value::Bool(b) => ValueKind::Boolean(*b),
        Value::List(items) => ValueKind::Array(items.iter().map(value).collect()),
        Value::Table(entries) => ValueKind::Table(entries.iter().map(|(key, _, node)| (key.clone(), value(node))).collect()),
    };
    config::Value::new(None, kind)
}

struct Places<'a> {
    trees: &'a [Node],
    variables: &'a [String],
}

impl Places<'_> {
    /// A key with its value, and their places in the last file that has them, else in the environment.
    fn entry(&self, path: &mut Vec<String>, key: String, value: config::Value) -> (String, At, Node) {
        path.push(key.clone());
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let from_environment = value.origin().is_some_and(|o| o.contains("environment"));
        let found = self.trees.iter().rev().find_map(|t| t.find(&keys));
        let variable = || self.variable(&format!("RELANCE__{}", keys.join("__").to_uppercase()));
        let (key_at, original) = match found {
            Some((at, node)) if !from_environment => (at.clone(), Some(node)),
            _ if matches!(value.kind, ValueKind::Table(_)) => (found.map_or_else(variable, |f| f.0.clone()), None),
            _ => (variable(), None),
        };
        let node = self.node(path, value, &key_at, original);
        path.pop();
        (key, key_at, node)
    }

    /// The variable that says something below these keys, by its whole name.
    fn variable(&self, prefix: &str) -> At {
        let below = format!("{prefix}__");
        let fits = |name: &&String| {
            let upper = name.to_uppercase();
            upper == prefix || upper.starts_with(&below)
        };
        At::start(self.variables.iter().find(fits).map_or(prefix, String::as_str))
    }

    fn node(&self, path: &mut Vec<String>, value: config::Value, at: &At, original: Option<&Node>) -> Node {
        let value = match value.kind {
            ValueKind::Table(table) => {
                let mut entries: Vec<_> = table.into_iter().map(|(k, v)| self.entry(path, k, v)).collect();
                entries.sort_by(|a, b| a.1.cmp(&b.1));
                Value::Table(entries)
            }
            // Scalars and lists of one file are taken from its own parse: places kept, texts untouched.
            _ if original.is_some_and(|o| !matches!(o.value, Value::Table(_))) => {
                return original.cloned().unwrap_or(Node { at: at.clone(), value: Value::Text(String::new()) });
            }
            ValueKind::Boolean(b) => Value::Bool(b),
            ValueKind::I64(i) => Value::Integer(i),
            ValueKind::Float(f) => Value::Float(f),
            other => Value::Text(other.to_string()),
        };
        Node { at: at.clone(), value }
    }
}

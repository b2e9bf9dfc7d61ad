//! Prints the bill of materials of the program as it is linked (CycloneDX 1.5, JSON): every crate with its version, licence,
//! checksum and what it depends on. `cargo run --example sbom [-- TARGET]`. From Cargo.lock and what cargo says of it alone:
//! no network, no date and no chance, so that the same sources make the same bill.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, Result, Write as _};
use std::process::Command;

/// Name and version of a crate.
pub type Crate = (String, String);

fn failed(why: impl Into<String>) -> Error {
    Error::other(why.into())
}

fn cargo(words: &[&str]) -> Result<String> {
    let done = Command::new(env!("CARGO")).current_dir(env!("CARGO_MANIFEST_DIR")).args(words).output()?;
    match done.status.success() {
        true => String::from_utf8(done.stdout).map_err(|e| failed(e.to_string())),
        false => Err(failed(String::from_utf8_lossy(&done.stderr))),
    }
}

/// The machine that is built on.
pub fn host() -> Result<String> {
    let version = cargo(&["-vV"])?;
    version.lines().find_map(|l| l.strip_prefix("host: ")).map(str::to_owned).ok_or_else(|| failed("cargo names no host"))
}

/// The crates that are linked for a target: no tests, no build scripts, and no macros, which run on the builder's machine.
pub fn linked(target: &str) -> Result<BTreeSet<Crate>> {
    let edges = "normal,no-proc-macro";
    let tree =
        cargo(&["tree", "--locked", "--offline", "--edges", edges, "--target", target, "--prefix", "none", "--format", "{p}"])?;
    let named = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
    };
    Ok(tree.lines().filter_map(named).collect())
}

/// The checksums of Cargo.lock, by crate.
fn checksums() -> Result<BTreeMap<Crate, String>> {
    let lock: toml::Table = include_str!("../Cargo.lock").parse().map_err(|e: toml::de::Error| failed(e.to_string()))?;
    let packages = lock.get("package").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let text = |p: &toml::Value, key: &str| p.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    Ok(packages.iter().filter_map(|p| Some(((text(p, "name")?, text(p, "version")?), text(p, "checksum")?))).collect())
}

fn purl(one: &Crate) -> String {
    format!("pkg:cargo/{}@{}", one.0, one.1)
}

fn word(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// The bill for a target.
pub fn bill(target: &str) -> Result<Value> {
    let linked = linked(target)?;
    let checksums = checksums()?;
    let text = cargo(&["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", target])?;
    let metadata: Value = serde_json::from_str(&text).map_err(|e| failed(e.to_string()))?;
    let none = Vec::new();
    let packages = metadata["packages"].as_array().unwrap_or(&none);
    let ids: BTreeMap<&str, Crate> =
        packages.iter().map(|p| (p["id"].as_str().unwrap_or_default(), (word(p, "name"), word(p, "version")))).collect();
    let ours = (env!("CARGO_PKG_NAME").to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    let mut components = BTreeMap::new();
    for package in packages {
        let one = (word(package, "name"), word(package, "version"));
        if !linked.contains(&one) {
            continue;
        }
        let mut entry = json!({
            "type": if one == ours { "application" } else { "library" }, "bom-ref": purl(&one), "name": one.0, "version": one.1,
            "purl": purl(&one),
            // A slash is how licences were once set apart.
            "licenses": [{ "expression": word(package, "license").replace('/', " OR ").replace("  ", " ") }],
        });
        if let Some(checksum) = checksums.get(&one) {
            entry["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
            entry["scope"] = "required".into();
        }
        components.insert(one, entry);
    }
    let main = components.remove(&ours).ok_or_else(|| failed("cargo does not name the program itself"))?;
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap_or(&none);
    let needs = |node: &Value| {
        let one = ids.get(node["id"].as_str()?).filter(|one| linked.contains(*one))?;
        let normal = |d: &&Value| d["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k["kind"].is_null()));
        let on = node["deps"].as_array()?.iter().filter(normal).filter_map(|d| ids.get(d["pkg"].as_str()?));
        let on: BTreeSet<String> = on.filter(|other| linked.contains(*other)).map(purl).collect();
        Some((purl(one), on))
    };
    let needs: BTreeMap<String, BTreeSet<String>> = nodes.iter().filter_map(needs).collect();
    let needs: Vec<Value> = needs.iter().map(|(one, on)| json!({ "ref": one, "dependsOn": on })).collect();
    Ok(json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": { "component": main, "properties": [{ "name": "cargo:target", "value": target }] },
        "components": components.into_values().collect::<Vec<_>>(),
        "dependencies": needs,
    }))
}

/// Prints the bill for the target that is named, or for this machine.
pub fn main() -> Result<()> {
    let target = std::env::args().nth(1).map_or_else(host, Ok)?;
    let bill = serde_json::to_string_pretty(&bill(&target)?).map_err(|e| failed(e.to_string()))?;
    writeln!(std::io::stdout(), "{bill}")
}

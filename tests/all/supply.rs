//! What is linked and what is said of it: the list of direct dependencies, the bill of materials, and the names of tests in
//! SECURITY.md.

#[allow(dead_code)]
#[path = "../../packaging/sbom.rs"]
mod sbom;

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names in a table of Cargo.toml.
fn crates(table: &str) -> BTreeSet<String> {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    manifest[table].as_table().unwrap().keys().cloned().collect()
}

/// The section of ARCHITECTURE.md on dependencies: the table's names, and the words behind it.
fn dependencies() -> (BTreeSet<String>, String) {
    let text = read("ARCHITECTURE.md");
    let section = text.split("\n## Dependencies\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Crate"));
    let first = |row: &str| row.split('|').nth(1).unwrap().to_owned();
    let plain =
        |cell: String| cell.split('(').next().unwrap().to_owned() + cell.rsplit_once(')').map_or("", |(_, behind)| behind);
    let names = rows.map(first).map(plain).flat_map(|cell| cell.split(',').map(|n| n.trim().to_owned()).collect::<Vec<_>>());
    (names.filter(|n| !n.is_empty()).collect(), section.rsplit_once("|\n").unwrap().1.to_owned())
}

#[test]
fn architecture_names_every_direct_dependency_and_no_other() {
    let (listed, words) = dependencies();
    assert_eq!(listed, crates("dependencies"));
    let missing: Vec<String> = crates("dev-dependencies").into_iter().filter(|name| !words.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "not named behind the table: {missing:?}");
}

/// Every crate that is linked stands in the bill of materials once, with licence and checksum, and nothing that is not.
#[test]
fn the_bill_of_materials_has_every_linked_crate() {
    let host = sbom::host().unwrap();
    let bill = sbom::bill(&host).unwrap();
    assert_eq!(bill, sbom::bill(&host).unwrap(), "the same sources make the same bill");
    assert_eq!((bill["bomFormat"].as_str(), bill["specVersion"].as_str()), (Some("CycloneDX"), Some("1.5")));
    assert_eq!(bill["metadata"]["component"]["name"], "relance");
    let components = bill["components"].as_array().unwrap();
    let named: BTreeSet<(&str, &str)> = components.iter().map(|c| (text(c, "name"), text(c, "version"))).collect();
    assert_eq!(named.len(), components.len(), "each once");
    let mut linked = sbom::linked(&host).unwrap();
    linked.retain(|(name, _)| name != "relance");
    assert_eq!(named, linked.iter().map(|(name, version)| (name.as_str(), version.as_str())).collect());
    // Some that nobody doubts: what the table of ARCHITECTURE.md has, but for macros, is linked.
    let macros = ["askama", "thiserror"];
    let direct = crates("dependencies").into_iter().filter(|name| !macros.contains(&name.as_str()));
    let missing: Vec<String> = direct.filter(|name| !named.iter().any(|(n, _)| n == name)).collect();
    assert!(missing.is_empty() && named.len() > 150, "{missing:?} of {}", named.len());
    let other_tls =
        named.iter().find(|(name, _)| ["openssl", "openssl-sys", "native-tls", "boring", "aws-lc-sys"].contains(name));
    assert_eq!(other_tls, None, "TLS is rustls");
    for component in components {
        let name = text(component, "name");
        assert!(!text(&component["licenses"][0], "expression").contains('/'), "{name}");
        assert!(!text(&component["licenses"][0], "expression").is_empty(), "{name} has no licence");
        assert!(component["hashes"][0]["alg"] == "SHA-256" && text(&component["hashes"][0], "content").len() == 64, "{name}");
        assert!(text(component, "purl").starts_with(&format!("pkg:cargo/{name}@")), "{name}");
    }
    let known: BTreeSet<&str> = components.iter().map(|c| text(c, "bom-ref")).collect();
    let needs = bill["dependencies"].as_array().unwrap();
    assert_eq!(needs.len(), components.len() + 1, "what each needs is told");
    for on in needs.iter().flat_map(|node| node["dependsOn"].as_array().unwrap()) {
        assert!(known.contains(on.as_str().unwrap()), "{on} is no component");
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// Every test that SECURITY.md names is there: `file::test`, of tests/all or of src.
#[test]
fn every_claim_of_security_has_the_test_that_it_names() {
    let text = read("SECURITY.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named: Vec<&str> = text.split('`').skip(1).step_by(2).filter(|word| word.contains("::")).collect();
    assert!(named.len() > 40, "only {} tests are named", named.len());
    let missing: Vec<&&str> = named
        .iter()
        .filter(|name| {
            let (place, test) = name.rsplit_once("::").unwrap();
            let path = place.replace("::", "/");
            let files = [format!("tests/all/{path}.rs"), format!("src/{path}.rs"), format!("src/{path}/mod.rs")];
            !files
                .iter()
                .filter_map(|f| std::fs::read_to_string(root.join(f)).ok())
                .any(|t| t.contains(&format!("fn {test}(")) || (place == "fuzz" && t.contains(&format!(" {test}"))))
        })
        .collect();
    assert!(missing.is_empty(), "SECURITY.md names tests that are not there: {missing:?}");
}

//! The files for systemd: a unit that it finds nothing wrong with, hardened as far as the work allows, each line with its
//! reason. What systemd itself says is asked of systemd-analyze; a machine without it says so.

use std::path::{Path, PathBuf};
use std::process::Command;

const ANALYZE: &str = "/usr/bin/systemd-analyze";

/// The exposure that systemd-analyze may find, in tenths; 100 is the worst.
const MOST: u32 = 13;

fn shipped(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(name)).unwrap()
}

/// The unit with the built program in place of the installed one, and none of the manual's pages.
fn installed(folder: &Path) -> PathBuf {
    let unit = folder.join("relance.service");
    let text = shipped("relance.service").replace("/usr/bin/relance ", &format!("{} ", env!("CARGO_BIN_EXE_relance")));
    std::fs::write(&unit, text).unwrap();
    unit
}

fn analyze(words: &[&str]) -> Option<(bool, String)> {
    if !Path::new(ANALYZE).exists() {
        println!("left out: no {ANALYZE} here");
        return None;
    }
    let ran = Command::new(ANALYZE).env_clear().args(words).output().unwrap();
    Some((ran.status.success(), String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned()))
}

#[test]
fn systemd_finds_nothing_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let unit = installed(dir.path());
    let Some((good, said)) = analyze(&["verify", "--man=no", unit.to_str().unwrap()]) else { return };
    assert!(good && said.trim().is_empty(), "{said}");
}

#[test]
fn it_is_exposed_as_little_as_the_work_allows() {
    let dir = tempfile::tempdir().unwrap();
    let unit = installed(dir.path());
    let limit = MOST.to_string();
    let words = ["security", "--offline=yes", "--no-pager", "--threshold", &limit, unit.to_str().unwrap()];
    let Some((good, said)) = analyze(&words) else { return };
    let found = said.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_default();
    assert!(good && !found.is_empty(), "{said}");
    println!("{found}");
}

#[test]
fn every_line_of_the_hardening_has_its_reason() {
    let unit = shipped("relance.service");
    let hardening = unit.split("# --- Hardening").nth(1).unwrap().split("[Install]").next().unwrap();
    let mut blocks = 0;
    for block in hardening.lines().skip(1).collect::<Vec<_>>().split(|line| line.is_empty()).filter(|b| !b.is_empty()) {
        assert!(block[0].starts_with('#'), "no reason stands before {}", block[0]);
        blocks += 1;
    }
    assert!(blocks > 0);
}

/// User, folders and credentials are called the same in all files.
#[test]
fn the_files_agree() {
    let (unit, users, folders) = (shipped("relance.service"), shipped("relance.sysusers"), shipped("relance.tmpfiles"));
    assert!(unit.contains("\nUser=relance\n") && users.lines().any(|l| l.starts_with("u relance - ")));
    let state = "/var/lib/relance";
    assert!(unit.contains("\nStateDirectory=relance\n") && users.contains(state));
    assert!(folders.lines().any(|l| l.split_whitespace().collect::<Vec<_>>() == ["d", state, "0700", "relance", "relance", "-"]));
    assert!(unit.contains("\nConditionPathExists=/etc/relance/relance.toml\n"));
}

/// Every password that the example names is one that the unit hands over and a purge takes away.
#[test]
fn each_credential_of_the_example_is_handed_over() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (unit, example, purge) = (shipped("relance.service"), read("config/relance.toml"), read("packaging/deb/postrm"));
    let names: Vec<&str> = example.split("{ credential = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(names.contains(&"smtp") && names.contains(&"hooks"), "{names:?}");
    for name in names {
        assert!(unit.contains(&format!("\nLoadCredential={name}:relance.{name}\n")), "{name}: the unit does not hand it over");
        let file = format!("/etc/credstore/relance.{name}");
        assert!(purge.split_whitespace().any(|word| word == file), "{name}: a purge leaves {file}");
    }
}

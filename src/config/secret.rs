//! Passwords: from a file or a systemd credential, never from the configuration itself, never printed.

use super::Environment;
use super::section::Section;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The most that is read of a file with a secret.
const LONGEST: u64 = 64 << 10;

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A file; its first line counts.
    File(PathBuf),
    /// A credential that systemd hands to the service (LoadCredential).
    Credential(String),
}

/// A secret in memory. It has no way to be printed, and its memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    /// The text itself, for the wire only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A secret that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the secret {what}: {why}")]
pub struct SecretError {
    what: String,
    why: String,
}

impl SecretError {
    /// A secret that is of no use because of what it belongs to.
    pub(super) fn new(what: &str, why: String) -> SecretError {
        SecretError { what: what.to_owned(), why }
    }
}

impl SecretSource {
    /// Reads `{ file = "…" }` or `{ credential = "…" }` under a key.
    pub fn read(section: &Section, key: &str, base: &Path) -> Option<SecretSource> {
        let wanted = "{ file = \"/path\" } or { credential = \"name\" }; a secret never stands in the configuration";
        let node = section.node(key)?;
        if !matches!(node.value, super::node::Value::Table(_)) {
            section.problem(key, format!("\"{key}\": wanted {wanted}"));
            return None;
        }
        let table = section.section(key)?;
        let file = table.text("file", "a path").map(|p| SecretSource::File(base.join(p)));
        let credential = table.parse("credential", "the name of a systemd credential: no path", |name| {
            let plain = !name.is_empty() && !name.contains(['/', '\\', '\0']) && !matches!(name, "." | "..");
            plain.then(|| SecretSource::Credential(name.to_owned()))
        });
        let wrong = table.has("credential") && credential.is_none();
        table.finish();
        if wrong {
            return None;
        }
        match (file, credential) {
            (Some(one), None) | (None, Some(one)) => Some(one),
            _ => {
                section.problem(key, format!("\"{key}\": wanted {wanted}"));
                None
            }
        }
    }

    /// Fetches the secret. The error names the place, never the content.
    pub fn load(&self, environment: &Environment) -> Result<Secret, SecretError> {
        let (what, path) = match self {
            SecretSource::File(path) => (format!("file {}", path.display()), path.clone()),
            SecretSource::Credential(name) => {
                let what = format!("credential \"{name}\"");
                let Some(folder) = environment.get("CREDENTIALS_DIRECTORY") else {
                    let why = "systemd gave no credentials (CREDENTIALS_DIRECTORY is not set); add LoadCredential= to the unit"
                        .to_owned();
                    return Err(SecretError { what, why });
                };
                (what, Path::new(folder).join(name))
            }
        };
        // With room for all of it at once, so that growing leaves no copy behind.
        let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize));
        let read = std::fs::File::open(&path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
        read.map_err(|e| SecretError { what: what.clone(), why: e.to_string() })?;
        match text.lines().next().map(str::trim_end) {
            Some(line) if !line.is_empty() => Ok(Secret::new(line)),
            _ => Err(SecretError { what, why: "it is empty".to_owned() }),
        }
    }
}

//! Whether an answer is good: by the rules of the configuration itself, so that `init` and `check` never disagree, and by
//! what can be seen on this machine.

use super::answers::{Answers, Key, is_postgres, kind, secret};
use super::file;
use crate::config::Environment;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The largest query that is read.
const LARGEST: u64 = 1 << 20;

/// Takes an answer as it is to be kept, or says what is wrong and what was wanted.
pub(super) fn judge(config: &Path, environment: &Environment, answers: &Answers, key: Key, said: &str) -> Result<String, String> {
    let kept = match key {
        Key::Country => said.to_ascii_uppercase(),
        Key::Ledger if kind(said) == "http" => said.trim_end_matches('/').to_owned(),
        Key::Ledger if !is_postgres(said) => existing(said)?,
        Key::Preset if answers.kind() != "http" => {
            return Err("only an invoicing system with an address has one; wanted --ledger https://…".to_owned());
        }
        Key::Store if !is_postgres(said) => store(config, said)?,
        Key::Smtp => server(said),
        Key::LedgerPassword | Key::LedgerKey | Key::LedgerSecret | Key::StorePassword | Key::SmtpPassword | Key::SmsPassword => {
            place(config, said)?
        }
        Key::Start if !["dry", "me", "live"].contains(&said) => {
            return Err(format!("\"{said}\" is none of these; wanted dry, me or live"));
        }
        Key::MaxMessages if said.is_empty() || !said.bytes().all(|b| b.is_ascii_digit()) => {
            return Err(format!("\"{said}\" is no number; wanted a whole number such as 50"));
        }
        _ => said.to_owned(),
    };
    let mut next = answers.clone();
    next.set(key, kept.as_str());
    // What belongs together is asked one after the other.
    match key {
        Key::SmtpUser if !next.has(Key::SmtpPassword) => next.set(Key::SmtpPassword, "credential smtp"),
        Key::SmtpPassword if !next.has(Key::SmtpUser) => next.set(Key::SmtpUser, "user"),
        Key::SmsGateway if kept == "file" => next.set(Key::SmsUrl, "file:///sms.jsonl"),
        Key::RedirectTo => next.set(Key::Start, "me"),
        _ => {}
    }
    next.judged(config, environment).map(|_| kept)
}

/// The file of an SQLite ledger, by its whole path.
fn existing(said: &str) -> Result<String, String> {
    let path = whole(said);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_file() || found.is_dir() => Ok(path.display().to_string()),
        Ok(_) => Err(format!("{} is no file; wanted the SQLite file itself, an export, or an address", path.display())),
        Err(e) => Err(format!(
            "{} cannot be found ({e}); wanted a file that is there, postgres://user@host/database, or https://…",
            path.display()
        )),
    }
}

/// The address of a store in a file, whose folder must take it.
fn store(config: &Path, said: &str) -> Result<String, String> {
    let path = whole(said.strip_prefix("sqlite://").unwrap_or(said));
    let folder = path.parent().unwrap_or(Path::new("/"));
    let is_made_by_systemd = super::is_service(config) && folder == Path::new("/var/lib/relance") && !folder.exists();
    if !is_made_by_systemd {
        file::writable(folder).map_err(|e| {
            format!("relance could not write into {}: {e}; wanted a file in a folder that is there", folder.display())
        })?;
    }
    Ok(format!("sqlite://{}", path.display()))
}

/// A path from the root: the file does not lie where the question is answered.
fn whole(said: &str) -> PathBuf {
    std::path::absolute(said).unwrap_or_else(|_| PathBuf::from(said))
}

/// A mail server as the configuration writes it; a bare name means the usual port.
fn server(said: &str) -> String {
    if said.contains("://") {
        return said.to_owned();
    }
    match said.rsplit_once(':') {
        Some((host, "465")) => format!("smtps://{host}:465"),
        Some(_) => format!("smtp://{said}"),
        None => format!("smtp://{said}:587"),
    }
}

/// Where a password is kept. What was typed is not repeated: it may be the password.
fn place(config: &Path, said: &str) -> Result<String, String> {
    let wanted = "wanted where the password is: \"credential NAME\" or \"file PATH\". The password itself is never typed here: it belongs into a file that only root and the service can read";
    match secret(said).ok_or(wanted)? {
        ("file", path) if Path::new(path).is_relative() => {
            let folder = config.parent().map(whole_of).unwrap_or_default();
            Ok(format!("file {}", folder.join(path).display()))
        }
        (kind, place) => Ok(format!("{kind} {place}")),
    }
}

fn whole_of(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf())
}

/// The SQL in a file.
pub(super) fn sql(path: &Path) -> Result<String, String> {
    let told = |e: std::io::Error| format!("cannot read {}: {e}", path.display());
    let mut text = String::new();
    let read = std::fs::File::open(path).map_err(told)?.take(LARGEST + 1).read_to_string(&mut text).map_err(told)?;
    match text.trim() {
        "" => Err(format!("{} is empty; wanted SQL that yields the columns", path.display())),
        _ if read as u64 > LARGEST => Err(format!("{} is larger than 1 MiB", path.display())),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_a_server() {
        for (said, kept) in [
            ("mail.firm.example", "smtp://mail.firm.example:587"),
            ("mail.firm.example:25", "smtp://mail.firm.example:25"),
            ("mail.firm.example:465", "smtps://mail.firm.example:465"),
            ("smtps://mail.firm.example", "smtps://mail.firm.example"),
        ] {
            assert_eq!(server(said), kept);
        }
    }

    #[test]
    fn a_password_that_is_typed_is_not_repeated() {
        let told = place(Path::new("/x/relance.toml"), "hunter2").unwrap_err();
        assert!(told.contains("never typed") && !told.contains("hunter2"));
        assert_eq!(place(Path::new("/x/relance.toml"), "file smtp.password").as_deref(), Ok("file /x/smtp.password"));
    }
}

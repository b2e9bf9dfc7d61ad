//! Whether other users of the machine can reach what they should not: change the configuration, the letters or the store,
//! or read the store or a password. Looked at before anything is sent.

use super::Setup;
use super::problem::{At, ConfigError, Problem};
use super::secret::SecretSource;
use super::settings::{InboxPlace, SourceKind, StorePlace};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

const OTHERS_READ: u32 = 0o004;
const OTHERS_WRITE: u32 = 0o002;
const GROUP_WRITE: u32 = 0o020;
const GROUP: u32 = 0o060;
/// In such a folder nobody can move away what is another's.
const STICKY: u32 = 0o1000;

/// Folders beside the configuration whose files count.
const FOLDERS: [&str; 8] = ["conf.d", "cadences", "letters", "gateways", "calendars", "law", "report", "sources"];

/// Files beside the configuration that count.
const FILES: [&str; 4] = ["grave.toml", "reach.toml", "stop.toml", "zones.toml"];

/// So many files of a folder are looked at.
const MOST_FILES: usize = 2000;

/// What was found.
#[derive(Debug, Default)]
pub struct Exposed {
    /// Nothing may be sent before these are mended.
    pub grave: Vec<Problem>,
    /// Worth mending.
    pub slight: Vec<Problem>,
}

/// Looks at the configuration, the store and the files of secrets. What is not there, or cannot be looked at, is found
/// by whoever needs it.
pub fn look(config: &Path, setup: &Setup) -> Exposed {
    let mut found = Exposed::default();
    let folder = config.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    found.written(config, "whoever changes it decides what is sent, and to whom");
    found.folder(folder);
    for name in FOLDERS {
        found.tree(&folder.join(name));
    }
    for name in FILES {
        found.written(&folder.join(name), "whoever changes it decides what is sent, and to whom");
    }
    for ca in authorities(setup) {
        found.written(ca, "whoever changes it decides which servers are trusted");
    }
    for (address, setting) in listeners(setup).into_iter().filter(|(address, _)| !address.ip().is_loopback()) {
        found.slight(config, format!("{setting} {address} is reached from other machines, without encryption; wanted 127.0.0.1 behind your own proxy, unless a container or a firewall sees to it"));
    }
    if let StorePlace::Sqlite(store) = &setup.settings.store.place {
        found.store(store);
    }
    for secret in secrets(setup) {
        found.secret(&secret);
    }
    let settings = &setup.settings;
    if let Some(bank) = &settings.bank {
        found.dropped(&bank.folder, "a statement put there keeps any reminder from leaving");
    }
    match &settings.source.kind {
        SourceKind::Sqlite(path) => found.dropped(path, "whoever changes the ledger decides who is written to"),
        SourceKind::Csv(csv) => found.dropped(&csv.path, "whoever changes the ledger decides who is written to"),
        SourceKind::Http(http) => http.tokens.iter().for_each(|path| found.secret(path)),
        SourceKind::Postgres(_) => {}
    }
    found
}

/// The same, as whoever is about to send asks: grave things are an error, slight ones are told in the journal.
pub fn refused(config: &Path, setup: &Setup) -> Result<(), ConfigError> {
    let found = look(config, setup);
    for slight in &found.slight {
        tracing::warn!(event = "exposed", warning = %slight, "better mended");
    }
    if found.grave.is_empty() { Ok(()) } else { Err(ConfigError(found.grave)) }
}

/// Files of authorities that are trusted in place of the system's.
fn authorities(setup: &Setup) -> Vec<&Path> {
    let settings = &setup.settings;
    let email = settings.email.as_ref().and_then(|e| e.ca.as_deref());
    let inbox = settings.inbox.as_ref().and_then(|i| match &i.place {
        InboxPlace::Imap(imap) => imap.ca.as_deref(),
        InboxPlace::Maildir(_) => None,
    });
    let source = match &settings.source.kind {
        SourceKind::Http(http) => http.ca.as_deref(),
        _ => None,
    };
    [email, inbox, source].into_iter().flatten().collect()
}

/// Where customers and gateways are listened to.
fn listeners(setup: &Setup) -> Vec<(SocketAddr, &'static str)> {
    let listen = setup.settings.listen.as_ref().map(|l| (l.address, "[listen] address"));
    listen.into_iter().chain(setup.settings.answers.as_ref().map(|a| (a.address, "[answers] address"))).collect()
}

fn secrets(setup: &Setup) -> Vec<PathBuf> {
    let settings = &setup.settings;
    let store = if let StorePlace::Postgres(database) = &settings.store.place { database.password.as_ref() } else { None };
    let source: Vec<&SecretSource> = match &settings.source.kind {
        SourceKind::Postgres(database) => database.password.iter().collect(),
        SourceKind::Http(http) => http.values.secrets.values().collect(),
        SourceKind::Sqlite(_) | SourceKind::Csv(_) => Vec::new(),
    };
    let email = settings.email.as_ref().and_then(|e| e.password.as_ref());
    let sms = settings.sms.as_ref().and_then(|s| s.password.as_ref());
    let inbox = settings.inbox.as_ref().and_then(|i| match &i.place {
        InboxPlace::Imap(imap) => Some(&imap.password),
        InboxPlace::Maildir(_) => None,
    });
    let listen = settings.listen.as_ref().and_then(|l| l.secret.as_ref());
    // What systemd hands over lies in a folder of its own.
    let path = |source: &'_ SecretSource| match source {
        SecretSource::File(path) => Some(path.clone()),
        SecretSource::Credential(_) => None,
    };
    [store, email, sms, inbox, listen].into_iter().flatten().chain(source).filter_map(path).collect()
}

impl Exposed {
    fn grave(&mut self, path: &Path, text: String) {
        self.grave.push(Problem { at: At::start(&path.display().to_string()), text });
    }

    fn slight(&mut self, path: &Path, text: String) {
        self.slight.push(Problem { at: At::start(&path.display().to_string()), text });
    }

    /// What nobody but its owner, and perhaps a group, should be able to write.
    fn written(&mut self, path: &Path, why: &str) {
        let Ok(meta) = std::fs::metadata(path) else { return };
        let what = if meta.is_dir() { "folder" } else { "file" };
        let sticky = meta.is_dir() && meta.mode() & STICKY != 0;
        if meta.mode() & OTHERS_WRITE != 0 && !sticky {
            self.grave(path, format!("every user of this machine can write to this {what}: {why}; chmod o-w"));
        } else if meta.mode() & GROUP_WRITE != 0 && !sticky {
            self.slight(path, format!("a group can write to this {what}: {why}; chmod g-w, or see that you mean it"));
        }
    }

    fn folder(&mut self, path: &Path) {
        self.written(path, "whoever can put files there can put other words, cadences or accounts in place of yours");
    }

    /// A folder with what lies in it, two levels deep as letters do.
    fn tree(&mut self, folder: &Path) {
        let mut left = vec![folder.to_path_buf()];
        let mut seen = 0;
        while let Some(folder) = left.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            self.folder(&folder);
            for entry in entries.flatten() {
                seen += 1;
                if seen > MOST_FILES {
                    return;
                }
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => left.push(entry.path()),
                    Ok(_) => self.written(&entry.path(), "whoever changes it decides what is sent"),
                    Err(_) => {}
                }
            }
        }
    }

    /// The store holds addresses and every message that was sent.
    fn store(&mut self, path: &Path) {
        let beside = ["", "-wal", "-shm"].map(|end| Path::new(&format!("{}{end}", path.display())).to_path_buf());
        for file in beside.iter().filter(|f| f.exists()) {
            let Ok(meta) = std::fs::metadata(file) else { continue };
            if meta.mode() & (OTHERS_READ | OTHERS_WRITE) != 0 {
                self.grave(
                    file,
                    "every user of this machine can read or change the store, which holds addresses and messages; chmod 600"
                        .to_owned(),
                );
            } else if meta.mode() & GROUP != 0 {
                self.slight(file, "a group can read or change the store, which holds addresses and messages; chmod 600, or see that you mean it".to_owned());
            }
        }
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            self.written(folder, "whoever can write there can put another store in place of yours");
        }
    }

    /// What other programs write: that a group can is as it should be.
    fn dropped(&mut self, path: &Path, why: &str) {
        let Ok(meta) = std::fs::metadata(path) else { return };
        if meta.mode() & OTHERS_WRITE != 0 {
            self.slight(path, format!("every user of this machine can write here: {why}; chmod o-w"));
        }
    }

    fn secret(&mut self, path: &Path) {
        let Ok(meta) = std::fs::metadata(path) else { return };
        if meta.mode() & OTHERS_READ != 0 {
            self.grave(path, "every user of this machine can read this password; chmod 600, and think of another one".to_owned());
        }
        self.written(path, "it is a password");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn made(mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("thing");
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    fn found(mode: u32, look: impl Fn(&mut Exposed, &Path)) -> (usize, usize) {
        let (_dir, path) = made(mode);
        let mut found = Exposed::default();
        look(&mut found, &path);
        (found.grave.len(), found.slight.len())
    }

    #[test]
    fn what_others_can_reach_is_found() {
        let written = |f: &mut Exposed, p: &Path| f.written(p, "");
        assert_eq!(found(0o644, written), (0, 0));
        assert_eq!(found(0o664, written), (0, 1));
        assert_eq!(found(0o666, written), (1, 0));
        assert_eq!(found(0o600, |f, p| f.secret(p)), (0, 0));
        assert_eq!(found(0o644, |f, p| f.secret(p)), (1, 0));
        assert_eq!(found(0o600, |f, p| f.store(p)), (0, 0));
        assert_eq!(found(0o640, |f, p| f.store(p)), (0, 1));
        assert_eq!(found(0o604, |f, p| f.store(p)), (1, 0));
        assert_eq!(found(0o664, |f, p| f.dropped(p, "")), (0, 0));
        assert_eq!(found(0o666, |f, p| f.dropped(p, "")), (0, 1));
    }

    #[test]
    fn files_of_letters_are_found_two_levels_down() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("fr");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("firm.md"), "x").unwrap();
        std::fs::set_permissions(folder.join("firm.md"), std::fs::Permissions::from_mode(0o666)).unwrap();
        let mut found = Exposed::default();
        found.tree(dir.path());
        assert_eq!(found.grave.len(), 1);
        assert!(found.grave[0].to_string().contains("firm.md"), "{}", found.grave[0]);
    }
}

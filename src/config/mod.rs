//! Reading what the user wrote: relance.toml, conf.d, RELANCE__ variables, cadences, letters, gateways,
//! calendars. Files, environment and secrets are read here and nowhere else.
//!
//! Every problem is gathered and told with file, line and column, all at once.

mod answers;
mod bank;
pub mod bundled;
mod cadences;
mod calendars;
mod csv;
mod customers;
pub mod database;
mod documents;
pub mod exposed;
pub mod gateway;
mod grave;
pub mod hook;
mod http_source;
mod inbox;
pub mod law;
pub mod listen;
pub mod node;
pub mod observe;
mod people;
pub mod problem;
mod reach;
mod read;
mod rehearsed;
pub mod report;
mod retention;
pub mod secret;
pub mod section;
pub mod settings;
mod source;
mod steps;
pub mod stop;
pub mod system;
mod toml_tree;
mod tongues;

pub use cadences::CadenceFile;
pub use calendars::calendar;
pub use read::{duration, schedule};
pub use rehearsed::{Channels, Stage, cadence_test, cadence_tests};
pub use settings::Settings;

use crate::domain::calendar::Calendar;
use crate::domain::grave::GraveWords;
use crate::domain::reach::Rules as ReachRules;
use gateway::Gateway;
use jiff::tz::TimeZone;
use node::Node;
use problem::{At, ConfigError, Problem, Problems};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tongues::Tongues;

/// The largest configuration file or letter that is read.
const MAX_FILE: u64 = 1 << 20;

/// The environment variables, read once.
pub type Environment = BTreeMap<String, String>;

/// Reads the environment of this process.
pub fn environment() -> Environment {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect()
}

/// This machine and process, by which a daemon is told from others.
pub fn machine() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", host.trim(), std::process::id())
}

/// A letter or label file: its text and the file that it came from.
#[derive(Clone, Debug)]
pub struct LetterSource {
    /// Path below letters/, such as `fr/reminder.md`.
    pub name: String,
    /// The file, for messages.
    pub file: String,
    /// The text.
    pub text: String,
}

/// Everything that the user configured, checked.
#[derive(Clone, Debug)]
pub struct Setup {
    /// relance.toml, conf.d and environment.
    pub settings: Settings,
    /// All cadences.
    pub cadences: Vec<CadenceFile>,
    /// Letters and labels, one entry a file.
    pub letters: Vec<LetterSource>,
    /// Country to time zone.
    pub zones: BTreeMap<String, TimeZone>,
    /// Holidays by calendar name.
    pub calendars: BTreeMap<String, Arc<Calendar>>,
    /// Holidays of creditor, debtor's country and cadence together, by country and the cadence's own calendar.
    days: customers::Days,
    /// Words in answers after which a person has to read.
    pub grave: Arc<GraveWords>,
    /// Who can still be reached: what evidence weighs, and what follows.
    pub reach: Arc<ReachRules>,
    /// The law on late payment.
    pub law: Arc<law::LawBook>,
    /// Words of the morning report by language.
    report: Arc<BTreeMap<String, report::Words>>,
    /// Languages that cadences speak.
    tongues: Tongues,
    /// The words by which somebody wants no more SMS.
    pub stop: Arc<stop::StopWords>,
    /// The folder of relance.toml.
    pub folder: PathBuf,
    /// The environment.
    pub environment: Environment,
    /// Changes whenever something that decisions depend on changes; cases are looked at again then.
    pub fingerprint: String,
    /// What daemons on one store must have in common.
    pub agreement: String,
}

impl Setup {
    /// Reads everything. The error holds every problem found.
    pub fn load(path: &Path, environment: Environment) -> Result<Setup, ConfigError> {
        let problems = Problems::default();
        let folder = folder_of(path);
        // Without the file nothing is known of its folder: what else lies there is nobody's mistake.
        if read_file(path, &problems).is_none() {
            return Err(ConfigError(problems.into_sorted()));
        }
        let root = |problems: &Problems| toml_tree::read(path, &folder, &environment, problems);
        match load(root, &folder, &environment, &problems) {
            Some(setup) if problems.is_empty() => Ok(setup),
            _ => Err(ConfigError(problems.into_sorted())),
        }
    }

    /// The same for a relance.toml that is not written yet, by its text alone: conf.d and variables have no say. The error
    /// holds what is wrong with this text, and nothing of the files beside it.
    pub fn draft(path: &Path, text: &str, environment: Environment) -> Result<Setup, ConfigError> {
        let problems = Problems::default();
        let name = path.display().to_string();
        let root = |problems: &Problems| Some(Node::parse(&name, text, problems));
        let setup = load(root, &folder_of(path), &environment, &problems);
        let own: Vec<Problem> = problems.into_sorted().into_iter().filter(|p| p.at.file == name).collect();
        let unreadable = || Problem { at: At::start(&name), text: "the files beside it cannot be read".to_owned() };
        match setup {
            Some(setup) if own.is_empty() => Ok(setup),
            _ if own.is_empty() => Err(ConfigError(vec![unreadable()])),
            _ => Err(ConfigError(own)),
        }
    }

    /// The words of the morning report in a language: its own, those of its base language, else English; and which
    /// language that is.
    pub fn report_words(&self, language: &str) -> Option<(&str, &report::Words)> {
        report::spoken(&self.report, language)
    }
}

/// The invoicing systems that can be named in a relance.toml in this folder, by the names of their files.
pub fn known_systems(folder: &Path) -> BTreeMap<String, Arc<system::System>> {
    systems(folder, &Problems::default())
}

fn systems(folder: &Path, problems: &Problems) -> http_source::Systems {
    files(folder, "sources", "toml", bundled::SOURCES, problems)
        .into_iter()
        .filter_map(|(id, file, text)| {
            Some((id.clone(), Arc::new(system::system(&id, &Node::parse(&file, &text, problems), problems)?)))
        })
        .collect()
}

fn load(
    root: impl FnOnce(&Problems) -> Option<Node>,
    folder: &Path,
    environment: &Environment,
    problems: &Problems,
) -> Option<Setup> {
    let calendars: BTreeMap<String, Arc<Calendar>> = files(folder, "calendars", "toml", bundled::CALENDARS, problems)
        .into_iter()
        .map(|(id, file, text)| (id.clone(), Arc::new(calendars::calendar(&id, &Node::parse(&file, &text, problems), problems))))
        .collect();
    let gateways: BTreeMap<String, Arc<Gateway>> = files(folder, "gateways", "toml", bundled::GATEWAYS, problems)
        .into_iter()
        .filter_map(|(id, file, text)| {
            Some((id.clone(), Arc::new(gateway::gateway(&id, &Node::parse(&file, &text, problems), problems)?)))
        })
        .collect();
    let systems = systems(folder, problems);
    let zones = zones(folder, problems);
    let grave = grave::read(&one_file(folder, bundled::GRAVE, problems), problems);
    let reach = reach::read(&one_file(folder, bundled::REACH, problems), problems);
    let law = law::read(files(folder, "law", "toml", bundled::LAW, problems), problems);
    let report = report::words(files(folder, "report", "toml", bundled::REPORT, problems), problems);
    let stop = stop::read(&one_file(folder, bundled::STOP, problems), problems);
    let letters = letter_files(folder, problems);
    let root = root(problems);
    let languages: BTreeSet<&str> = letters.iter().filter_map(|l| l.name.strip_suffix("/labels.toml")).collect();
    let tongues = Tongues::new(languages.iter().copied(), root.as_ref());
    let cadences = cadence_files(folder, &calendars, &tongues, problems);
    strays(folder, problems);
    let shelf = read::Shelf { calendars: &calendars, gateways: &gateways, systems: &systems, languages, base: folder };
    let settings = root.and_then(|root| read::settings(&root, &shelf, problems));
    let settings = settings?;
    let days = customers::days(&settings, &cadences, &calendars);
    let fingerprint = fingerprint(&settings, &cadences, &zones, &days, &reach);
    let agreement = agreement(&fingerprint, &settings, &letters, &law);
    Some(Setup {
        settings,
        cadences,
        letters,
        zones,
        calendars,
        days,
        grave: Arc::new(grave),
        reach: Arc::new(reach),
        law: Arc::new(law),
        report: Arc::new(report),
        tongues,
        stop: Arc::new(stop),
        folder: folder.to_path_buf(),
        environment: environment.clone(),
        fingerprint,
        agreement,
    })
}

/// What decisions depend on, as one text: not secrets, not addresses of servers.
fn fingerprint(
    settings: &Settings,
    cadences: &[CadenceFile],
    zones: &BTreeMap<String, TimeZone>,
    calendars: &customers::Days,
    reach: &ReachRules,
) -> String {
    use sha2::Digest as _;
    let steps: Vec<_> = cadences.iter().map(|c| &c.cadence).collect();
    let guard = &settings.guard;
    let channels = (settings.email.is_some(), settings.sms.is_some());
    let days = (settings.source.booking_lag, calendars, &settings.creditor.timezone, zones, &settings.source.tags);
    // Of the account, because another one waits for a word, and the old one put back does not.
    let sending = (guard.redirect_to.is_some(), guard.dry_run, channels, &settings.creditor.iban);
    let text = format!("{steps:?}{:?}{days:?}{sending:?}{reach:?}", settings.policy);
    crate::domain::hex::hex(&sha2::Sha256::digest(text.as_bytes())[..16])
}

/// What daemons on one store must have in common, as one text: what decisions depend on, what guards sending, what the
/// letters say and in whose name; not secrets, servers and paths, which may differ from machine to machine.
fn agreement(fingerprint: &str, settings: &Settings, letters: &[LetterSource], law: &law::LawBook) -> String {
    use sha2::Digest as _;
    let email = settings.email.as_ref().map(|e| (&e.from, e.max_per_minute, e.when_uncertain, e.retry_for, &e.bounce_address));
    let sms = settings.sms.as_ref().map(|s| (&s.from, s.max_per_minute, s.when_uncertain, s.retry_for));
    let creditor = &settings.creditor;
    let firm =
        (&creditor.name, &creditor.country, &creditor.language, &creditor.iban, &creditor.enterprise_no, &creditor.contact);
    let words: Vec<(&str, &str)> = letters.iter().map(|l| (l.name.as_str(), l.text.as_str())).collect();
    // Whether copies go along, and how much of them; the folder may be another on another machine.
    let copies = settings.documents.as_ref().map(|d| d.max_size);
    // Of two daemons the one would erase what the other keeps.
    let rest = (&settings.guard, &settings.retention, &settings.report);
    // A link of the one must be good at the other.
    let answers = settings.answers.as_ref().map(|a| (&a.public, a.sms, a.valid, a.hold_paid, a.hold));
    let text = format!("{answers:?}{fingerprint}{email:?}{sms:?}{copies:?}{firm:?}{words:?}{law:?}{rest:?}");
    crate::domain::hex::hex(&sha2::Sha256::digest(text.as_bytes())[..16])
}

fn zones(folder: &Path, problems: &Problems) -> BTreeMap<String, TimeZone> {
    let names = calendars::zones(&one_file(folder, bundled::ZONES, problems), problems);
    names.into_iter().filter_map(|(country, zone)| Some((country, TimeZone::get(&zone).ok()?))).collect()
}

/// A file that lies beside relance.toml, or the one compiled in.
fn one_file(folder: &Path, bundled: bundled::Bundled, problems: &Problems) -> Node {
    let on_disk = folder.join(bundled.0);
    let (file, text) = match on_disk.exists() {
        true => (on_disk.display().to_string(), read_file(&on_disk, problems).unwrap_or_default()),
        false => (bundled.0.to_owned(), bundled.1.to_owned()),
    };
    Node::parse(&file, &text, problems)
}

fn cadence_files(
    folder: &Path,
    calendars: &BTreeMap<String, Arc<Calendar>>,
    tongues: &Tongues,
    problems: &Problems,
) -> Vec<CadenceFile> {
    let own = folder.join("cadences").is_dir();
    let bundled = if own { &[] } else { bundled::CADENCES };
    let files = files(folder, "cadences", "toml", bundled, problems);
    if files.is_empty() {
        problems.add(
            &At::start(&folder.join("cadences").display().to_string()),
            "no cadence in this folder; wanted at least one .toml file",
        );
    }
    let read: Vec<CadenceFile> = files
        .into_iter()
        .filter_map(|(_, file, text)| cadences::cadence(&Node::parse(&file, &text, problems), calendars, tongues, problems))
        .collect();
    for (i, one) in read.iter().enumerate() {
        for other in &read[..i] {
            let (a, b) = (&one.cadence, &other.cadence);
            if a.name == b.name {
                problems.add(&one.at, format!("the cadence name \"{}\" stands in two files (also {})", a.name, other.at.file));
            } else if a.applies_to.specificity() == b.applies_to.specificity() && a.applies_to.overlaps(&b.applies_to) {
                let text = format!(
                    "\"{}\" and \"{}\" could take the same invoice and are equally specific; wanted one of them narrower",
                    a.name, b.name
                );
                problems.add(&one.applies_at, text);
            }
        }
    }
    read
}

/// The folders that are read beside relance.toml.
const FOLDERS: [&str; 8] = ["cadences", "calendars", "conf.d", "gateways", "law", "letters", "report", "sources"];

/// Folders that look as if they were meant to be read, and are not: a misspelt one would else be without effect.
fn strays(folder: &Path, problems: &Problems) {
    for path in listing(folder, &Problems::default()).into_iter().filter(|p| p.is_dir()) {
        let name = file_name(&path);
        if FOLDERS.contains(&name.as_str()) {
            continue;
        }
        let at = At::start(&path.display().to_string());
        if let Some(meant) = FOLDERS.into_iter().find(|known| near(&name.to_lowercase(), known)) {
            problems.add(&at, format!("nothing is read from this folder; wanted \"{meant}\""));
        }
    }
}

/// Whether one name becomes the other by one or two letters more, less or other.
fn near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let other = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = other.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()] <= 2
}

/// The letters beside a relance.toml, also when that cannot be used: so that `check` tells all at once.
pub fn letters(path: &Path, problems: &Problems) -> Vec<LetterSource> {
    letter_files(&folder_of(path), problems)
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf()
}

fn letter_files(folder: &Path, problems: &Problems) -> Vec<LetterSource> {
    let mut letters: BTreeMap<String, LetterSource> = BTreeMap::new();
    for (path, text) in bundled::LETTERS {
        let name = path.trim_start_matches("letters/").to_owned();
        letters.insert(name.clone(), LetterSource { name, file: (*path).to_owned(), text: (*text).to_owned() });
    }
    for language in listing(&folder.join("letters"), problems) {
        if !language.is_dir() {
            let name = file_name(&language);
            let known = letters.contains_key(&name);
            if let Some(text) = known.then(|| read_file(&language, problems)).flatten() {
                letters.insert(name.clone(), LetterSource { name, file: language.display().to_string(), text });
            }
            continue;
        }
        let code = file_name(&language);
        for path in listing(&language, problems) {
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            if !matches!(extension, "md" | "sms" | "toml") {
                continue;
            }
            let name = format!("{code}/{}", file_name(&path));
            if let Some(text) = read_file(&path, problems) {
                letters.insert(name.clone(), LetterSource { name, file: path.display().to_string(), text });
            }
        }
    }
    letters.into_values().collect()
}

/// The files of a kind: those compiled in, overridden or joined by those on disk. Gives name, file and text.
fn files(
    folder: &Path,
    kind: &str,
    extension: &str,
    bundled: &[bundled::Bundled],
    problems: &Problems,
) -> Vec<(String, String, String)> {
    let mut found: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (path, text) in bundled {
        found.insert(stem(Path::new(path)), ((*path).to_owned(), (*text).to_owned()));
    }
    for path in listing(&folder.join(kind), problems) {
        if path.extension().and_then(|e| e.to_str()) != Some(extension) {
            continue;
        }
        if let Some(text) = read_file(&path, problems) {
            found.insert(stem(&path), (path.display().to_string(), text));
        }
    }
    found.into_iter().map(|(id, (file, text))| (id, file, text)).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The entries of a folder by name; a folder that is not there has none.
fn listing(folder: &Path, problems: &Problems) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(e) => {
            problems.add(&At::start(&folder.display().to_string()), format!("cannot read this folder: {e}"));
            return Vec::new();
        }
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.retain(|p| !file_name(p).starts_with('.'));
    paths.sort();
    paths
}

/// A text file of bounded size.
fn read_file(path: &Path, problems: &Problems) -> Option<String> {
    let at = At::start(&path.display().to_string());
    let too_large = std::fs::metadata(path).is_ok_and(|m| m.len() > MAX_FILE);
    if too_large {
        problems.add(&at, "this file is larger than 1 MiB");
        return None;
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) => {
            problems.add(&at, format!("cannot read this file: {e}"));
            return None;
        }
    };
    String::from_utf8(bytes)
        .map_err(|e| {
            let good = String::from_utf8_lossy(&e.as_bytes()[..e.utf8_error().valid_up_to()]).into_owned();
            problems.add(&At::offset(&at.file, &good, good.len()), "this is not UTF-8; wanted the file saved as UTF-8");
        })
        .ok()
}

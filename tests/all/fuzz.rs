//! Parsers of outside data, with the corpus of `fuzz/` and some thousand mutations of it: the same ones on every run. What
//! `tests/fuzz` finds in hours becomes a file of the corpus, and is tried here for ever.

#[path = "../../fuzz/targets/mod.rs"]
mod targets;

use relance::clock::Stopwatch;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;
use targets::TARGETS;

/// No input may take longer, on however slow a machine. An ordinary one takes a thousandth.
const LONGEST: Duration = Duration::from_secs(30);

/// Inputs do not grow beyond this.
const LARGEST: usize = 16 << 10;

/// Numbers that look like chance and are the same on every run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap()
    }
}

/// Pieces that parsers stumble over.
const PIECES: [&str; 40] = [
    "\0",
    "\r\n",
    "\n.",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{200b}",
    "\u{e000}items\u{e000}",
    "{{ 7 * 7 }}",
    "{% for x in range(99999) %}",
    "<script>",
    "](javascript:x)",
    "=?utf-8?b?",
    "?=",
    "\\u202e",
    "\"",
    "'",
    "[[",
    "]]",
    "= ",
    "-1",
    "99999999999999999999",
    "1e400",
    "0x7fffffffffffffff",
    "9999-12-31",
    "\u{feff}",
    "🦀",
    "\u{85}",
    "250-",
    "550 5.1.1 ",
    "%00",
    "\n--b\n",
    "\r\n\r\n",
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
    "Content-Type: message/rfc822\r\n\r\n",
    "Action: failed\r\nStatus: 5.1.1\r\n",
    "{5}\r\n",
    "* 1 FETCH (UID 1 BODY[] ",
    "<blockquote>",
    "jusqu'au 15 ",
    "\n> ",
];

/// One input, changed in a few places.
fn mutated(corpus: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut data = corpus[chance.below(corpus.len())].clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(data.len() + 1);
        let end = (at + 1 + chance.below(16)).min(data.len());
        match chance.below(7) {
            0 if at < data.len() => data[at] ^= 1 << chance.below(8),
            1 => data.insert(at, chance.below(256) as u8),
            2 => drop(data.splice(at..at, PIECES[chance.below(PIECES.len())].bytes())),
            3 => drop(data.drain(at..end)),
            4 => {
                let piece = data[at..end].repeat(1 + chance.below(40));
                data.splice(at..at, piece);
            }
            5 => data.truncate(at),
            _ => {
                let other = &corpus[chance.below(corpus.len())];
                data.truncate(at);
                data.extend_from_slice(&other[chance.below(other.len() + 1)..]);
            }
        }
    }
    data.truncate(LARGEST);
    data
}

/// The files of a target's corpus, by name, and the shipped files of its kind (`fuzz/shipped`).
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shipped = std::fs::read_to_string(root.join("fuzz/shipped")).unwrap();
    let shipped = shipped.lines().filter_map(|line| line.split_once(' ')).filter(|(target, _)| *target == name);
    let folders = shipped.map(|(_, folder)| root.join(folder)).chain([root.join("fuzz/corpus").join(name)]);
    let mut files: Vec<PathBuf> = folders.flat_map(|f| std::fs::read_dir(f).unwrap()).map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Tries one input; says what was wrong, and shows the input so that it can be made a file of the corpus.
fn tried(name: &str, target: targets::Target, what: &str, data: &[u8]) {
    let watch = Stopwatch::start();
    let done = catch_unwind(AssertUnwindSafe(|| target(data)));
    assert!(done.is_ok(), "{name}: {what} shows a fault: {}", data.escape_ascii());
    assert!(watch.elapsed() < LONGEST, "{name}: {what} took {:?}: {}", watch.elapsed(), data.escape_ascii());
}

/// The corpus of a target, and mutations of it.
fn short(name: &str) {
    let (_, target, turns) = *TARGETS.iter().find(|(known, ..)| *known == name).unwrap();
    let files = corpus(name);
    assert!(!files.is_empty(), "fuzz/corpus/{name} is empty");
    files.iter().for_each(|(path, data)| tried(name, target, &path.display().to_string(), data));
    let inputs: Vec<Vec<u8>> = files.into_iter().map(|(_, data)| data).collect();
    let mut chance = Chance(0x7265_6c61_6e63_6521 ^ name.len() as u64);
    for turn in 0..turns {
        tried(name, target, &format!("mutation {turn}"), &mutated(&inputs, &mut chance));
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            short(stringify!($name));
        })*

        #[test]
        fn every_target_is_tried() {
            let tried = [$(stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), tried);
        }
    };
}

targets! {
    address back_on bank cadence cadence_test calendar contacts cron csv document form gateway gateway_answer imap_answer item law letter
    mail_back mail_built mail_in money own_words receipt row setting settings smtp_reply source_file url values when words
}

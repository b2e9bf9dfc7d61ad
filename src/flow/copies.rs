//! Copies of the invoices that a message asks for (R24): which go along, read before the invoices are read again, so that
//! a slow disk makes no message stale, and never more of them in memory than there is room for.

use super::desk::{Desk, DeskError};
use super::prepare::decided;
use super::reread::index;
use crate::config::settings::DocumentSettings;
use crate::domain::base64::lines_len;
use crate::domain::cadence::Cadence;
use crate::domain::case::DebtorFile;
use crate::domain::decision::{Plan, Section};
use crate::domain::document::{Document, FileName, NoCopy};
use crate::domain::invoice::Invoice;
use crate::domain::step::Channel;
use crate::domain::time::local_date;
use crate::source::document;
use crate::store::StoreError;
use crate::store::outbox::Claimed;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The copies of a group's messages come to about so many bytes; what is behind them waits for the next group.
const GROUP: u64 = 8_000_000;

/// Messages with copies that are made and not yet on the wire, or on it, hold at most so much memory, in units.
const ROOM: u32 = 640;
const UNIT: u64 = 100_000;

/// What a message takes besides its copies, about, where a server says how much it takes in all.
const LETTER: u64 = 200_000;

/// What a server said of the size that it takes counts for so long, in seconds: somebody may have changed it.
const SIZE_COUNTS: i64 = 3600;

/// So many files are remembered as told of on a day.
const MOST_TOLD: usize = 10_000;

/// The word in the log for a copy that went along.
pub const ATTACHED: &str = "attached";

/// A copy that goes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// What it is called.
    pub name: FileName,
    /// What it is.
    pub document: Arc<Document>,
}

/// The copies of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// Those that go along, the oldest invoice's first.
    pub attached: Vec<Attached>,
    /// What became of the copy of each invoice asked for, by its store key; empty where no copies go at all.
    of: Vec<(i64, Result<(), NoCopy>)>,
}

impl Copies {
    /// How many of the invoices asked for have their copy in the message; one file may be about several of them.
    pub fn covered(&self) -> usize {
        self.of.iter().filter(|(_, copy)| copy.is_ok()).count()
    }

    /// What became of an invoice's copy, as the log has it; `None` where none was to go.
    pub fn word(&self, invoice: i64) -> Option<&'static str> {
        let (_, copy) = self.of.iter().find(|(pk, _)| *pk == invoice)?;
        Some(copy.map_or_else(NoCopy::code, |()| ATTACHED))
    }

    /// The same message without any: with them it is larger than the mail server takes.
    pub(super) fn too_large(mut self) -> Copies {
        self.attached.clear();
        for (_, copy) in self.of.iter_mut().filter(|(_, copy)| copy.is_ok()) {
            *copy = Err(NoCopy::TooLarge);
        }
        self
    }
}

/// What bounds copies over all messages of a program.
#[derive(Debug)]
pub struct CopyRoom {
    room: Arc<Semaphore>,
    /// The largest message that the mail server takes, and when it said so.
    size: Mutex<Option<(u64, Timestamp)>>,
    /// The files that were told of on a day.
    told: Mutex<(Option<Date>, HashSet<u64>)>,
    hasher: RandomState,
}

impl Default for CopyRoom {
    fn default() -> CopyRoom {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        CopyRoom { room, size: Mutex::default(), told: Mutex::default(), hasher: RandomState::new() }
    }
}

impl CopyRoom {
    /// The mail server takes no larger message than this. Says whether that is less than was known.
    pub(super) fn learn(&self, most: u64, now: Timestamp) -> bool {
        let known = self.size(now).unwrap_or(u64::MAX);
        *self.size.lock().unwrap_or_else(PoisonError::into_inner) = Some((known.min(most), now));
        most < known
    }

    /// The largest message that the mail server takes, as far as it has said so.
    pub(super) fn size(&self, now: Timestamp) -> Option<u64> {
        let known = *self.size.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|(_, at)| (now.as_second() - at.as_second()).abs() < SIZE_COUNTS).map(|(most, _)| most)
    }

    /// Whether a file has not been told of on this day; from now on it has.
    fn is_news(&self, file: &str, today: Date) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.0 != Some(today) {
            *told = (Some(today), HashSet::new());
        }
        told.1.len() < MOST_TOLD && told.1.insert(self.hasher.hash_one(file))
    }
}

/// Room for the copies of a message, until it has left.
pub(super) type Room = Option<OwnedSemaphorePermit>;

/// Takes the room of a message of so many bytes out of its group's.
pub(super) fn part(group: &mut Room, bytes: usize) -> Room {
    group.as_mut()?.split((bytes as u64).div_ceil(UNIT) as usize)
}

/// The documents of a group's messages, read.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    read: HashMap<String, Result<Arc<Document>, NoCopy>>,
    /// What had to be read although it was not foreseen, in bytes.
    late: u64,
}

impl Shelf {
    /// Whether more was read late than a group may.
    pub(super) fn is_full(&self) -> bool {
        self.late > GROUP
    }

    fn document(&mut self, settings: &DocumentSettings, name: &str, room: u64) -> Result<Arc<Document>, NoCopy> {
        match self.read.get(name) {
            Some(Ok(document)) if lines_len(document.bytes.len()) as u64 <= room => return Ok(document.clone()),
            Some(Ok(_)) => return Err(NoCopy::TooLarge),
            // It may fit into this message.
            Some(Err(NoCopy::TooLarge)) | None => {}
            Some(Err(why)) => return Err(*why),
        }
        // Whole lines of 76 characters, of which each carries 57 bytes.
        let read = document::read(&settings.folder, name, room / 78 * 57).map(Arc::new);
        self.late += read.as_ref().map_or(0, |d| d.bytes.len() as u64);
        self.read.insert(name.to_owned(), read.clone());
        read
    }
}

/// The invoices whose copies are to go with a message, the oldest first; `None` where no copies go at all.
fn wanted<'f>(desk: &Desk, file: &'f DebtorFile, cadence: &Cadence, plan: &Plan, channel: Channel) -> Option<Vec<&'f Invoice>> {
    let goes = channel == Channel::Email && cadence.steps[plan.step].attaches() && desk.setup.settings.documents.is_some();
    let asked = |pk: i64| plan.lines.iter().any(|l| l.pk == pk && l.section == Section::Asked);
    let mut invoices: Vec<&Invoice> = file.rows.iter().map(|r| &r.invoice).filter(|i| goes && asked(i.pk)).collect();
    invoices.sort_by_key(|i| (i.due_on, i.pk));
    goes.then_some(invoices)
}

/// The copies of a message: of the oldest invoices first, as many as fit.
pub(super) fn choose(
    desk: &Desk,
    file: &DebtorFile,
    cadence: &Cadence,
    plan: &Plan,
    channel: Channel,
    shelf: &mut Shelf,
    now: Timestamp,
) -> Copies {
    let mut copies = Copies::default();
    let (Some(settings), Some(invoices)) = (&desk.setup.settings.documents, wanted(desk, file, cadence, plan, channel)) else {
        return copies;
    };
    let server = desk.copies.size(now).map_or(u64::MAX, |most| most.saturating_sub(LETTER));
    let mut room = settings.max_size.min(server);
    for invoice in invoices {
        let name = invoice.document.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let found = name.ok_or(NoCopy::None).and_then(|name| {
            let same = |a: &Attached, d: &Document| a.document.hash == d.hash;
            // One file may be about several invoices.
            if let Some(Ok(read)) = shelf.read.get(name)
                && copies.attached.iter().any(|a| same(a, read))
            {
                return Ok(None);
            }
            let document = shelf.document(settings, name, room)?;
            Ok(if copies.attached.iter().any(|a| same(a, &document)) { None } else { Some(document) })
        });
        let found = found.map(|document| {
            let Some(document) = document else { return };
            room = room.saturating_sub(lines_len(document.bytes.len()) as u64);
            let name = free_name(&copies.attached, &invoice.number, &document);
            copies.attached.push(Attached { name, document });
        });
        copies.of.push((invoice.pk, found));
    }
    copies
}

/// The copies that a message would leave with, as things stand.
pub(super) async fn foreseen(
    desk: &Desk,
    file: &DebtorFile,
    cadence: &Arc<Cadence>,
    plan: &Plan,
    channel: Channel,
    now: Timestamp,
) -> Result<Copies, DeskError> {
    if wanted(desk, file, cadence, plan, channel).is_none() {
        return Ok(Copies::default());
    }
    let (desk, file, cadence, plan) = (desk.clone(), file.clone(), cadence.clone(), plan.clone());
    let read = tokio::task::spawn_blocking(move || choose(&desk, &file, &cadence, &plan, channel, &mut Shelf::default(), now));
    Ok(read.await.map_err(unexpected)?)
}

fn unexpected(e: tokio::task::JoinError) -> StoreError {
    StoreError::Corrupt(format!("reading documents ended unexpectedly: {e}"))
}

/// The invoice's number, with a number of its own where another copy of the message is called so.
fn free_name(attached: &[Attached], number: &str, document: &Document) -> FileName {
    let mut name = FileName::of(number, document.kind, 1);
    let taken = |name: &FileName| attached.iter().any(|a| a.name.ascii.eq_ignore_ascii_case(&name.ascii));
    for n in 2..=attached.len() + 1 {
        if !taken(&name) {
            break;
        }
        name = FileName::of(number, document.kind, n);
    }
    name
}

/// Tells the journal of copies that should have gone along, each file once a day, and without anybody's data.
pub(super) fn tell(desk: &Desk, file: &DebtorFile, copies: &Copies, now: Timestamp) {
    let today = local_date(now, &desk.setup.settings.creditor.timezone);
    for (pk, why) in copies.of.iter().filter_map(|(pk, copy)| Some((pk, copy.err()?))) {
        let Some(invoice) = file.rows.iter().map(|r| &r.invoice).find(|i| i.pk == *pk) else { continue };
        let name = invoice.document.as_deref().unwrap_or_default();
        if why.is_fault() && desk.copies.is_news(name, today) {
            let (invoice, reason) = (&invoice.id, why.code());
            tracing::warn!(
                event = "copy_missing",
                invoice,
                reason,
                "a copy is not attached: {}; the message leaves without it",
                why.text()
            );
        }
    }
}

/// Claimed messages with the documents that they are likely to need.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    pub(super) claimed: Vec<Claimed>,
    pub(super) shelf: Shelf,
    /// What comes with the next group.
    pub(super) rest: Vec<Claimed>,
    pub(super) room: Room,
}

/// Reads the documents of as many messages as a group may have with theirs: of one at least. It waits until there is room.
pub(super) async fn fetch(desk: &Desk, claimed: Vec<Claimed>) -> Result<Fetched, DeskError> {
    let Some(settings) = &desk.setup.settings.documents else { return Ok(Fetched { claimed, ..Fetched::default() }) };
    if claimed.iter().all(|c| c.channel != Channel::Email) {
        return Ok(Fetched { claimed, ..Fetched::default() });
    }
    let most = (GROUP + settings.max_size).div_ceil(UNIT).min(u64::from(ROOM)) as u32;
    let room = desk.copies.room.clone().acquire_many_owned(most).await;
    let room = room.map_err(|e| DeskError::Ended(format!("the room for copies: {e}")))?;
    let now = desk.clock.now();
    let debtors: Vec<i64> = claimed.iter().map(|c| c.debtor_pk).collect();
    let files = index(desk.files(&debtors, now).await?);
    if files.values().flat_map(|f| &f.rows).all(|r| r.invoice.document.is_none()) {
        return Ok(Fetched { claimed, ..Fetched::default() });
    }
    let conditions = desk.conditions(now).await?;
    let desk = desk.clone();
    let read = tokio::task::spawn_blocking(move || {
        let mut fetched = Fetched { claimed, room: Some(room), ..Fetched::default() };
        let mut bytes = 0;
        let fits = fetched.claimed.iter().take_while(|claimed| {
            if bytes >= GROUP {
                return false;
            }
            let file = files.get(&claimed.debtor_pk);
            let decided = file.and_then(|file| Some((file, decided(&desk, file, &conditions, claimed, now).ok()?)));
            if let Some((file, d)) = decided {
                let copies = choose(&desk, file, &d.cadence, &d.plan, claimed.channel, &mut fetched.shelf, now);
                bytes += copies.attached.iter().map(|a| lines_len(a.document.bytes.len()) as u64).sum::<u64>();
            }
            true
        });
        let fits = fits.count();
        fetched.rest = fetched.claimed.split_off(fits);
        fetched.shelf.late = 0;
        fetched
    });
    Ok(read.await.map_err(unexpected)?)
}

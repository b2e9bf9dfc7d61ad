//! A mailbox on a server, by IMAP (RFC 3501, IDLE of RFC 2177, MOVE of RFC 6851). Every wait has an end, and a connection in doubt
//! is closed: whoever stops waiting for one of these loses a connection, and no mail.
//!
//! The conversation is our own, as that of SMTP is: what a server may send has a bound that fits what was asked, each command has
//! an end in time, and no command is ever told to a log. No library at hand has all three.

pub mod answer;
mod session;

use super::error::{InboxError, Trouble, words};
use super::{Batch, Cursor, Mark};
use crate::clock::Stopwatch;
use crate::config::secret::Secret;
use crate::config::settings::{After, ImapSettings, InboxSettings};
use answer::{Bounds, Fetched, State};
use jiff::civil::Date;
use session::Open;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// So much of all mails together is fetched at once.
const MOST_BYTES: u64 = 32 << 20;

/// What the numbers of a folder's messages may take on the wire: half a million of them.
const SEARCH: Bounds = Bounds { line: 4 << 20, counted: 0 };

/// A server that is asked to be silent for longer ends the connection (RFC 2177).
const LONGEST_IDLE: Duration = Duration::from_secs(28 * 60);

/// News rarely come alone.
const BURST: Duration = Duration::from_millis(200);

/// A message that the server will not hand over is asked for so many times, once a step: hours, in which a server mends itself.
const TRIES: u32 = 100;

/// So many may be owed.
const MOST_OWED: usize = 100;

/// Slower than so many bytes a second nothing is fetched to its end.
const SLOWEST: u64 = 32 << 10;

/// A mailbox; at most one connection, made when needed and given up when in doubt.
#[derive(Debug)]
pub struct Client {
    settings: ImapSettings,
    after: After,
    max_size: u64,
    password: Secret,
    /// What came before this day is nobody's answer.
    since: Option<Date>,
    open: Option<Open>,
    /// How far what is on record goes, which is further than the cursor while some are owed; and how far the last batch goes.
    ahead: Option<Cursor>,
    fetched: Option<Cursor>,
    /// Messages that the server would not hand over, with how often it was asked.
    owed: BTreeMap<u32, u32>,
}

impl Client {
    pub(super) fn new(settings: &InboxSettings, imap: &ImapSettings, password: Secret) -> Client {
        let (after, max_size) = (settings.after.clone(), settings.max_size);
        Client {
            settings: imap.clone(),
            after,
            max_size,
            password,
            since: None,
            open: None,
            ahead: None,
            fetched: None,
            owed: BTreeMap::new(),
        }
    }

    pub(super) fn not_before(&mut self, day: Date) {
        self.since = Some(day);
    }

    fn name(&self) -> String {
        format!("{}:{}", self.settings.host, self.settings.port)
    }

    async fn opened(&mut self) -> Result<Open, InboxError> {
        let writes = self.after != After::Leave;
        Open::connect(&self.settings, &self.password, writes).await
    }

    pub(super) async fn fetch(&mut self, cursor: Option<Cursor>, most: usize) -> Result<Batch, InboxError> {
        // Of a batch that is not on record all is asked for again.
        if self.fetched.take().is_some() {
            self.ahead = None;
        }
        // Whatever breaks, or is dropped, before its end takes the connection with it.
        // It may also have gone while nobody spoke.
        if let Some(mut open) = self.open.take()
            && let Ok(batch) = self.round(&mut open, cursor, most).await
        {
            self.open = Some(open);
            return Ok(batch);
        }
        let mut open = self.opened().await?;
        let batch = self.round(&mut open, cursor, most).await?;
        self.open = Some(open);
        Ok(batch)
    }

    /// One round: which messages are new, how large they are, and each of them.
    async fn round(&mut self, open: &mut Open, cursor: Option<Cursor>, most: usize) -> Result<Batch, InboxError> {
        let known = cursor.filter(|c| c.validity == open.validity);
        let ahead = self.ahead.filter(|ahead| known.is_some() && ahead.validity == open.validity);
        // What is owed changes with the whole round or not at all: it may break off anywhere.
        let mut owed = if ahead.is_some() { self.owed.clone() } else { BTreeMap::new() };
        let last = known.map_or(0, |c| c.last).max(ahead.map_or(0, |a| a.last));
        let mut batch = Batch {
            anew: cursor.is_some() && known.is_none(),
            cursor: Some(Cursor { validity: open.validity, last }),
            ..Batch::default()
        };
        let (mut new, more) = self.search(open, last, most).await?;
        let mut last = last;
        if !more {
            new.extend(owed.keys());
        }
        let sizes = self.sizes(open, &new).await?;
        let (watch, mut bytes) = (Stopwatch::start(), 0);
        batch.more = more;
        for uid in new {
            // One that has gone meanwhile has no size.
            if let Some(size) = sizes.iter().find(|(found, _)| *found == uid).map(|(_, size)| *size) {
                let wanted = if size > self.max_size { super::BEGINNING } else { self.max_size };
                let spent = watch.elapsed() > self.settings.timeout * 3;
                if !batch.mails.is_empty() && (spent || bytes + size.min(wanted) > MOST_BYTES) {
                    batch.more = true;
                    break;
                }
                let handed = self.mail(open, uid, size.min(wanted), wanted).await?;
                if let Err(why) = handed.as_ref() {
                    self.owes(&mut owed, &mut batch, uid, why);
                } else {
                    owed.remove(&uid);
                }
                if let Ok(Some(mail)) = handed {
                    bytes += mail.len() as u64;
                    batch.mails.push((Mark::Uid { validity: open.validity, uid }, mail));
                }
            } else {
                owed.remove(&uid);
            }
            last = last.max(uid);
        }
        self.fetched = Some(Cursor { validity: open.validity, last });
        // A program that begins anew asks for what is owed.
        let before = owed.keys().next().map_or(last, |first| first.saturating_sub(1));
        batch.cursor = Some(Cursor { validity: open.validity, last: before });
        self.owed = owed;
        Ok(batch)
    }

    /// The last batch is on record, all of it: it need not come again.
    pub(super) fn recorded(&mut self) {
        self.ahead = self.fetched.take();
    }

    /// The server would not hand a message over: it is asked for again with each step, and others meanwhile.
    fn owes(&self, owed: &mut BTreeMap<u32, u32>, batch: &mut Batch, uid: u32, why: &str) {
        let what = format!("message {uid} of {}: {why}", self.settings.folder);
        let is_new = !owed.contains_key(&uid);
        let tries = owed.entry(uid).or_default();
        *tries += 1;
        if *tries >= TRIES || owed.len() > MOST_OWED {
            owed.remove(&uid);
            batch.passed_over.push(what);
        } else if is_new {
            tracing::warn!(event = "mail_owed", why = %what, "a mail cannot be handed over now; it is asked for again");
        }
    }

    /// The first new messages after one, and whether there are more.
    async fn search(&self, open: &mut Open, last: u32, most: usize) -> Result<(BTreeSet<u32>, bool), InboxError> {
        let (mut new, mut more) = (BTreeSet::new(), false);
        let Some(from) = last.checked_add(1) else { return Ok((new, more)) };
        let each = |untagged: answer::Untagged| {
            // Asked for more than there is, servers name the last message all the same.
            for uid in untagged.found().filter(|uid| *uid >= from) {
                new.insert(uid);
                if new.len() > most {
                    new.pop_last();
                    more = true;
                }
            }
        };
        // By the day on which the server took it in; 2-Feb-2026, whatever the locale (RFC 3501, section 9).
        let since = self.since.map(|day| day.strftime(" SINCE %-d-%b-%Y").to_string()).unwrap_or_default();
        open.demand("the search for new messages", &format!("UID SEARCH UID {from}:*{since}"), SEARCH, each).await?;
        Ok((new, more))
    }

    async fn sizes(&self, open: &mut Open, uids: &BTreeSet<u32>) -> Result<Vec<(u32, u64)>, InboxError> {
        let mut sizes = Vec::new();
        if uids.is_empty() {
            return Ok(sizes);
        }
        let each = |untagged: answer::Untagged| {
            if let Some(Fetched { uid: Some(uid), size: Some(size), .. }) = untagged.fetched()
                && sizes.len() < uids.len()
            {
                sizes.push((uid, size));
            }
        };
        let command = format!("UID FETCH {} (UID RFC822.SIZE)", set(uids.iter().copied()));
        open.demand("the sizes of new messages", &command, answer::ORDINARY, each).await?;
        Ok(sizes)
    }

    /// One message, or its beginning. Inside: `None` where it has gone, an error where the server cannot hand it over.
    async fn mail(
        &self,
        open: &mut Open,
        uid: u32,
        size: u64,
        wanted: u64,
    ) -> Result<Result<Option<Vec<u8>>, String>, InboxError> {
        let mut body = None;
        let each = |untagged: answer::Untagged| {
            if let Some(Fetched { uid: Some(found), body: Some(bytes), .. }) = untagged.fetched()
                && found == uid
            {
                body = Some(bytes);
            }
        };
        let counted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let bounds = Bounds { counted, ..answer::ORDINARY };
        let longest = self.settings.timeout + Duration::from_secs(size / SLOWEST);
        let command = format!("UID FETCH {uid} (UID BODY.PEEK[]<0.{wanted}>)");
        let done = open.ask_for(longest, "a message", &command, bounds, each).await?;
        match done.state {
            State::Ok => Ok(Ok(body)),
            _ => Ok(Err(done.words)),
        }
    }

    /// What is configured becomes of messages that are on record.
    pub(super) async fn took(&mut self, marks: &[Mark]) -> Result<(), InboxError> {
        if self.after == After::Leave || marks.is_empty() {
            return Ok(());
        }
        if let Some(mut open) = self.open.take()
            && self.put_away(&mut open, marks).await.is_ok()
        {
            self.open = Some(open);
            return Ok(());
        }
        let mut open = self.opened().await?;
        self.put_away(&mut open, marks).await?;
        self.open = Some(open);
        Ok(())
    }

    async fn put_away(&self, open: &mut Open, marks: &[Mark]) -> Result<(), InboxError> {
        // Numbers of a folder that was made anew are other messages'.
        let own = |mark: &Mark| match mark {
            Mark::Uid { validity, uid } if *validity == open.validity => Some(*uid),
            _ => None,
        };
        let uids: Vec<u32> = marks.iter().filter_map(own).collect();
        for some in uids.chunks(100) {
            let some = set(some.iter().copied());
            match &self.after {
                After::Leave => {}
                After::Seen => {
                    open.order("the mark of what was read", &format!("UID STORE {some} +FLAGS.SILENT (\\Seen)")).await?
                }
                After::Move(folder) => move_to(open, &some, folder).await?,
            }
        }
        Ok(())
    }

    /// Waits for news, where the server tells of them, or for so long. `true`: there are some.
    pub(super) async fn wait(&mut self, longest: Duration) -> bool {
        let watch = Stopwatch::start();
        while let Some(mut open) = self.open.take() {
            let left = longest.saturating_sub(watch.elapsed());
            if !open.idles {
                // A connection that nobody speaks on is cut by somebody on the way.
                open.leave().await;
                break;
            }
            if left.is_zero() {
                self.open = Some(open);
                return false;
            }
            match open.idle(left.min(LONGEST_IDLE), BURST).await {
                Ok(news) => {
                    self.open = Some(open);
                    if news {
                        return true;
                    }
                }
                Err(e) => tracing::debug!(event = "inbox_idle", why = %e.text, "the server no longer tells of news"),
            }
        }
        tokio::time::sleep(longest.saturating_sub(watch.elapsed())).await;
        false
    }

    /// Connects, logs in, opens the folder for reading only, and changes nothing.
    pub(super) async fn probe(&mut self) -> Result<String, InboxError> {
        let mut open = Open::connect(&self.settings, &self.password, false).await?;
        if let After::Move(folder) = &self.after {
            let command = format!("STATUS {} (MESSAGES)", session::folder(folder));
            let done = open.ask("the folder for what was read", &command, answer::ORDINARY, |_| {}).await?;
            if done.state != State::Ok {
                let text =
                    format!("{}: there is no folder \"{folder}\": {}; make it, or see [inbox] after", self.name(), done.words);
                return Err(InboxError::new(Trouble::Server, text));
            }
        }
        let news = if open.idles { "tells of news" } else { "does not tell of news, and is asked" };
        let text =
            format!("{} answers, logged in; \"{}\" holds {} mails; {news}", self.name(), self.settings.folder, open.exists);
        open.leave().await;
        Ok(text)
    }

    pub(super) async fn close(&mut self) {
        if let Some(mut open) = self.open.take() {
            open.leave().await;
        }
    }
}

async fn move_to(open: &mut Open, uids: &str, folder: &str) -> Result<(), InboxError> {
    let to = session::folder(folder);
    if open.moves {
        return open.order("moving what was read", &format!("UID MOVE {uids} {to}")).await;
    }
    open.order("copying what was read", &format!("UID COPY {uids} {to}")).await?;
    open.order("deleting what was copied", &format!("UID STORE {uids} +FLAGS.SILENT (\\Deleted)")).await?;
    // Without numbers it would take away what others have marked as well.
    if open.expunges { open.order("clearing what was copied", &format!("UID EXPUNGE {uids}")).await } else { Ok(()) }
}

/// `1,2,7`
fn set(uids: impl Iterator<Item = u32>) -> String {
    uids.map(|uid| uid.to_string()).collect::<Vec<_>>().join(",")
}

//! Pages of the list as they came last, by what they were asked for: a system that gives an ETag (RFC 9110) answers "not
//! modified" where nothing has changed, and need not send the page again. This saves the way and the other side's work, and
//! never what is decided on: the re-read before a message leaves asks without any of it.

use crate::clock::Stopwatch;
use reqwest::header::HeaderValue;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The other side's word that nothing has changed is taken for so long; then a page is read whole again.
const LONGEST: Duration = Duration::from_secs(20 * 3600);

/// What all of them may take, packed. A page that would go beyond is not kept.
const MOST: usize = 16 << 20;

/// How hard they are packed: quickly.
const LEVEL: i32 = 1;

/// The pages.
#[derive(Debug, Default)]
pub(super) struct Pages(Mutex<HashMap<String, Page>>);

#[derive(Debug)]
struct Page {
    tag: HeaderValue,
    packed: Vec<u8>,
    length: usize,
    since: Stopwatch,
}

impl Pages {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Page>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a page is asked for with, where one is kept.
    pub(super) fn tag(&self, url: &str) -> Option<HeaderValue> {
        self.all().get(url).filter(|page| page.since.elapsed() < LONGEST).map(|page| page.tag.clone())
    }

    /// The page, as it came.
    pub(super) fn text(&self, url: &str) -> Option<String> {
        let all = self.all();
        let page = all.get(url)?;
        String::from_utf8(zstd::bulk::decompress(&page.packed, page.length).ok()?).ok()
    }

    /// Keeps a page that came whole, or forgets the one before where it cannot be kept.
    pub(super) fn keep(&self, url: &str, tag: Option<&HeaderValue>, text: &str) {
        let mut all = self.all();
        all.retain(|_, page| page.since.elapsed() < LONGEST);
        all.remove(url);
        let Some(tag) = tag.filter(|tag| !tag.is_empty()) else { return };
        let Ok(packed) = zstd::bulk::compress(text.as_bytes(), LEVEL) else { return };
        let taken: usize = all.iter().map(|(url, page)| url.len() + page.packed.len()).sum();
        if taken + url.len() + packed.len() <= MOST {
            let page = Page { tag: tag.clone(), packed, length: text.len(), since: Stopwatch::start() };
            all.insert(url.to_owned(), page);
        }
    }

    /// Forgets all: what comes next is read whole.
    pub(super) fn clear(&self) {
        self.all().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_kept_and_what_has_no_tag_is_not() {
        let (pages, tag) = (Pages::default(), HeaderValue::from_static("W/\"1\""));
        pages.keep("a", Some(&tag), "[1, 2]");
        assert_eq!((pages.tag("a"), pages.text("a").as_deref()), (Some(tag.clone()), Some("[1, 2]")));
        pages.keep("a", None, "[3]");
        assert_eq!((pages.tag("a"), pages.text("a")), (None, None));

        // Text that no packing makes smaller, by a small generator.
        let mut state = 1u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap_or_default())
        };
        let large: String = (0..MOST / 2).map(|_| noise()).collect();
        for url in ["a", "b", "c"] {
            pages.keep(url, Some(&tag), &large);
        }
        let kept = ["a", "b", "c"].map(|url| pages.tag(url).is_some());
        assert_eq!(kept, [true, true, false], "no more than it may take");
        assert_eq!(pages.text("b").as_deref(), Some(large.as_str()));
        pages.clear();
        assert_eq!(pages.tag("a"), None);
    }
}

//! `[documents]`: where copies of invoices lie, and how much of them a message takes.

use super::section::Section;
use super::settings::DocumentSettings;
use std::path::Path;

/// What copies may take when nothing is said, in bytes: nearly every mailbox takes that.
const MAX_SIZE: u64 = 5_000_000;

/// The least and the most that may be said.
const SIZES: std::ops::RangeInclusive<u64> = 10_000..=20_000_000;

/// Reads the section.
pub(super) fn read(s: Section, base: &Path) -> Option<DocumentSettings> {
    let folder = s.required("folder", "the folder below which the ledger's documents lie, such as \"/srv/billing/pdf\"");
    let wanted = "a size from \"10 kB\" to \"20 MB\", such as \"5 MB\"";
    let max_size = match s.has("max_size") {
        true => s.parse("max_size", wanted, |t| size(t).filter(|size| SIZES.contains(size))),
        false => Some(MAX_SIZE),
    };
    s.finish();
    Some(DocumentSettings { folder: base.join(folder?), max_size: max_size? })
}

/// Reads `500 kB` or `5 MB` into bytes.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ')?;
    let unit = match unit {
        "kB" => 1000,
        "MB" => 1_000_000,
        _ => return None,
    };
    let digits = (1..=6).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| number.parse::<u64>().ok()).flatten().map(|n| n * unit)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!((size("500 kB"), size("5 MB")), (Some(500_000), Some(5_000_000)));
        for bad in ["", "5", "5MB", "5 mb", "-5 MB", "+5 MB", "5  MB", "5 GB", "1234567 kB", " MB", "5.5 MB"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }
}

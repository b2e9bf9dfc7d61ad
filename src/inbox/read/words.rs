//! Words of others on one line, as they may be kept and shown.

use crate::domain::inbound::MOST_LINE;
use crate::domain::tame::tame;

/// One tame line without wide gaps, of at most [`MOST_LINE`] characters.
pub(super) fn line(text: &str) -> String {
    let (mut out, mut count, mut gap) = (String::new(), 0, false);
    for c in text.chars().filter_map(tame) {
        if c.is_whitespace() {
            gap = count > 0;
            continue;
        }
        if count + 1 + usize::from(gap) > MOST_LINE {
            break;
        }
        if gap {
            out.push(' ');
            count += 1;
        }
        out.push(c);
        (count, gap) = (count + 1, false);
    }
    out
}

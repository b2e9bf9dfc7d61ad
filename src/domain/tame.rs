//! Texts of others, made harmless: nothing in them breaks a line, moves a cursor, turns the direction of reading or hides.
//! Customers choose their own names, servers their own words; both end in letters, on terminals and in journals.

/// A character as it may stand in one line: control characters and ends of lines become a space, what cannot be seen and
/// changes how the rest is read goes. Joiners stay (U+200C, U+200D): names are written with them.
pub fn tame(c: char) -> Option<char> {
    match c {
        // Marks, overrides and isolates of direction; a byte order mark.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{feff}' => None,
        // No width, no meaning: two names that look the same would be two.
        '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => {
            None
        }
        // Private use: letters mark their own blocks with these.
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => None,
        '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => Some(' '),
        c => Some(c),
    }
}

/// A text of one line, tamed.
pub fn tamed(text: &str) -> String {
    text.chars().filter_map(tame).collect()
}

/// A text of at most so many characters, tamed; where it is cut it says so.
pub fn tamed_to(text: &str, most: usize) -> String {
    let mut tame = text.chars().filter_map(tame);
    let mut out: String = tame.by_ref().take(most).collect();
    if tame.next().is_some() {
        out.push('…');
    }
    out
}

/// Whether a text is as [`tamed`] leaves it.
pub fn is_tame(text: &str) -> bool {
    text.chars().all(|c| tame(c) == Some(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_or_an_eye_would_stumble_over() {
        assert_eq!(tamed("a\r\n\u{1b}[2Jb\u{9b}0mc\u{7f}"), "a   [2Jb 0mc ");
        assert_eq!(tamed("F\u{202e}fdp\u{2066}\u{200b}\u{e0041}\u{e000}x\u{feff}\u{61c}"), "Ffdpx");
        assert_eq!(tamed("می\u{200c}خواهم Zoë 漢字 🦀"), "می\u{200c}خواهم Zoë 漢字 🦀");
        assert_eq!((tamed_to("a\nbcd", 3), tamed_to("a\nb", 3)), ("a b…".to_owned(), "a b".to_owned()));
        assert!(is_tame("Zoë") && !is_tame("a\tb"));
    }
}

//! Counting SMS: GSM 7-bit or UCS-2, and how many segments a text takes (3GPP TS 23.038, 23.040).

/// The default alphabet without the escape; a character here takes one septet.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The extension table; a character here takes two septets.
const EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// The alphabet that a text needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// Seven bits a character: 160 in one message, 153 in each of several.
    Gsm7,
    /// Sixteen bits a character: 70 in one message, 67 in each of several.
    Ucs2,
}

/// How a text travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// The alphabet chosen.
    pub alphabet: Alphabet,
    /// Septets or 16-bit units, extension characters counted twice.
    pub units: usize,
    /// How many messages it is billed as.
    pub count: usize,
}

/// Chooses the alphabet and counts the segments. A two-unit character is never split over segments.
pub fn segments(text: &str) -> Segments {
    let widths: Option<Vec<usize>> =
        text.chars().map(|c| if BASIC.contains(c) { Some(1) } else { EXTENDED.contains(c).then_some(2) }).collect();
    let (alphabet, widths, single, part) = match widths {
        Some(widths) => (Alphabet::Gsm7, widths, 160, 153),
        None => (Alphabet::Ucs2, text.chars().map(char::len_utf16).collect(), 70, 67),
    };
    let units = widths.iter().sum();
    let count = if units <= single { 1 } else { fill(&widths, part) };
    Segments { alphabet, units, count }
}

fn fill(widths: &[usize], size: usize) -> usize {
    let mut count = 1;
    let mut used = 0;
    for width in widths {
        if used + width > size {
            count += 1;
            used = 0;
        }
        used += width;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> (Alphabet, usize, usize) {
        let s = segments(text);
        (s.alphabet, s.units, s.count)
    }

    #[test]
    fn counts_as_networks_bill() {
        assert_eq!(count(&"a".repeat(160)), (Alphabet::Gsm7, 160, 1));
        assert_eq!(count(&"a".repeat(161)), (Alphabet::Gsm7, 161, 2));
        assert_eq!(count(&"a".repeat(306)), (Alphabet::Gsm7, 306, 2));
        assert_eq!(count(&"a".repeat(307)), (Alphabet::Gsm7, 307, 3));
        assert_eq!(count(&"€".repeat(80)), (Alphabet::Gsm7, 160, 1));
        assert_eq!(count("Réglé à temps"), (Alphabet::Gsm7, 13, 1));
        assert_eq!(count(&"ê".repeat(70)), (Alphabet::Ucs2, 70, 1));
        assert_eq!(count(&"ê".repeat(71)), (Alphabet::Ucs2, 71, 2));
        assert_eq!(count(&"😀".repeat(35)), (Alphabet::Ucs2, 70, 1));
    }

    #[test]
    fn an_extended_character_is_not_split() {
        let text = format!("{}€{}", "a".repeat(152), "a".repeat(152));
        assert_eq!(count(&text), (Alphabet::Gsm7, 306, 3));
    }
}

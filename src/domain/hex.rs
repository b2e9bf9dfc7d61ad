//! Bytes as people compare them.

/// Two figures for each byte.
pub fn hex(bytes: &[u8]) -> String {
    const FIGURES: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|half| char::from(FIGURES[usize::from(half)])).collect()
}

/// Bytes from two figures each, large or small; nothing else is read.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let figure = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(figure(*high)? << 4 | figure(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn figures_are_read_back_and_nothing_else() {
        assert_eq!(super::unhex("00090A7fFF"), Some(vec![0, 9, 10, 127, 255]));
        for bad in ["0", "0g", "é0", "+1", " 1", "000"] {
            assert_eq!(super::unhex(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_byte_has_two_figures() {
        assert_eq!(super::hex(&[0, 9, 10, 127, 255]), "00090a7fff");
        assert_eq!(super::hex(&[]), "");
    }
}

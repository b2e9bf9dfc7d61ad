//! Bytes as people compare them.

/// Two figures for each byte.
pub fn hex(bytes: &[u8]) -> String {
    const FIGURES: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|half| char::from(FIGURES[usize::from(half)])).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_byte_has_two_figures() {
        assert_eq!(super::hex(&[0, 9, 10, 127, 255]), "00090a7fff");
        assert_eq!(super::hex(&[]), "");
    }
}

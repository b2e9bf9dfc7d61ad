//! Base64 as it stands in a mail (RFC 2045, section 6.8): lines of 76 characters. What builds a mail and what puts one
//! together again from its parts must write the same bytes.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes that go into a line, and what a whole line takes with its end.
const BYTES: usize = 57;
const LINE: usize = 78;

/// How many bytes so many come to in lines, with their ends.
pub fn lines_len(bytes: usize) -> usize {
    let rest = bytes % BYTES;
    let last = if rest == 0 { 0 } else { rest.div_ceil(3) * 4 + 2 };
    (bytes / BYTES).saturating_mul(LINE).saturating_add(last)
}

/// Appends bytes in lines, each ended as on the wire.
pub fn lines(bytes: &[u8], out: &mut Vec<u8>) {
    let figure = |bits: u32| ALPHABET[(bits & 63) as usize];
    out.reserve(lines_len(bytes.len()));
    for line in bytes.chunks(BYTES) {
        for group in line.chunks(3) {
            let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or_default());
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            let mut four = [figure(bits >> 18), figure(bits >> 12), figure(bits >> 6), figure(bits)];
            four[group.len() + 1..].fill(b'=');
            out.extend_from_slice(&four);
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Bytes on one line, filled up with `=`.
pub fn plain(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    lines(bytes, &mut out);
    out.into_iter().filter(|b| !b.is_ascii_whitespace()).map(char::from).collect()
}

/// What a character stands for in the alphabet of mails.
fn value(b: u8) -> Option<u8> {
    match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// The bytes behind Base64 (RFC 4648, section 4); what does not belong to it is passed over, a broken end gives what it has.
pub fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut sixes) = (0u32, 0u32);
    for six in text.iter().filter_map(|b| value(*b)) {
        bits = bits << 6 | u32::from(six);
        sixes += 1;
        if sixes == 4 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, sixes) = (0, 0);
        }
    }
    if sixes > 1 {
        let whole = (bits << (6 * (4 - sixes))).to_be_bytes();
        out.extend_from_slice(&whole[1..sixes as usize]);
    }
    out
}

/// Bytes from a text on one line, in the alphabet of mails or of URLs, filled up with `=` or not; nothing else is read.
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').as_bytes();
    let known = |b: &u8| match b {
        b'-' => Some(62),
        b'_' => Some(63),
        b => value(*b),
    };
    if text.len() % 4 == 1 || !text.iter().all(|b| known(b).is_some()) {
        return None;
    }
    let plain: Vec<u8> = text
        .iter()
        .map(|b| {
            if *b == b'-' {
                b'+'
            } else if *b == b'_' {
                b'/'
            } else {
                *b
            }
        })
        .collect();
    Some(decoded(&plain))
}

#[cfg(test)]
mod tests {
    use super::{decoded, lines, lines_len, unbase64};
    use base64::Engine as _;

    #[test]
    fn any_bytes_come_out_as_any_reader_reads_them() {
        for length in (0..200).chain([4096, 57 * 100, 57 * 100 + 1]) {
            let bytes: Vec<u8> = (0..length).map(|i| (i * 7 + i / 251) as u8).collect();
            let mut out = Vec::new();
            lines(&bytes, &mut out);
            assert_eq!(out.len(), lines_len(length));
            let text = String::from_utf8(out).unwrap();
            assert!(text.split_terminator("\r\n").all(|line| (1..=76).contains(&line.len()) && !line.contains(['\r', '\n'])));
            let plain = text.replace("\r\n", "");
            assert_eq!(base64::engine::general_purpose::STANDARD.decode(&plain).unwrap(), bytes);
            assert_eq!(unbase64(&plain).as_ref(), Some(&bytes));
            assert_eq!(unbase64(&base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn what_is_none_is_not_read() {
        for bad in ["A", "AAAAA", "AA=A", "A A=", "AAA\n", "é"] {
            assert_eq!(unbase64(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_a_broken_end_gives_what_it_has() {
        for length in (0..200usize).chain([4096]) {
            let bytes: Vec<u8> = (0..length).map(|i| (i * 7 % 256) as u8).collect();
            let mut text = Vec::new();
            lines(&bytes, &mut text);
            assert_eq!(decoded(&text), bytes);
        }
        assert_eq!((decoded(b"QUJD RE=?"), decoded(b"Q"), decoded(b"QU")), (b"ABCD".to_vec(), vec![], b"A".to_vec()));
    }
}

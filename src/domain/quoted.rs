//! Quoted-printable as it stands in a mail (RFC 2045, section 6.7), read leniently: what is no escape stays as it is.

/// `=C3=A9` as bytes.
pub fn escapes(text: &[u8]) -> Vec<u8> {
    let (mut out, mut i) = (Vec::with_capacity(text.len()), 0);
    while let Some(byte) = text.get(i) {
        let figure = |at: usize| text.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (byte, figure(i + 1), figure(i + 2)) {
            (b'=', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                i += 3;
            }
            _ => {
                out.push(*byte);
                i += 1;
            }
        }
    }
    out
}

/// A body: lines that end in `=` go on in the next, spaces at the end of a line are the way's.
pub fn decoded(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|b| *b == b'\n') {
        let ended = line.ends_with(b"\n");
        let line = line.trim_ascii_end();
        match line.strip_suffix(b"=") {
            Some(soft) => out.extend(escapes(soft)),
            None => {
                out.extend(escapes(line));
                if ended {
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{decoded, escapes};

    #[test]
    fn escapes_are_bytes_and_anything_else_stays() {
        assert_eq!(escapes(b"a=C3=a9=3d=3=zz="), "aé==3=zz=".as_bytes());
        assert_eq!(decoded(b"a=\r\nb =  \r\nc \t\r\nd=20\nlast"), b"ab c\r\nd \r\nlast");
    }
}
